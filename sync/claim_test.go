package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// label writes the unique field of the one thing of a box; "" clears it.
func (w *world) label(scope, label string, n int) {
	w.t.Helper()
	value := merge.Value("null")
	if label != "" {
		value = merge.Str(label)
	}
	sw := merge.ServerWrite{Name: fmt.Sprint("label.", n), Role: merge.System, Collection: "thing", ID: id.Derive("thing", scope), Op: merge.Put,
		Set: map[string]merge.Value{"label": value}, Create: n == 0}
	if _, err := w.Write(w.t.Context(), scope, sw); err != nil {
		w.t.Fatal(err)
	}
}

// labels is what the things of some boxes show, with "!" where another one was
// first.
func (w *world) labels(boxes ...string) string {
	w.t.Helper()
	var out []string
	for _, scope := range boxes {
		page, err := w.Store.Changed(w.t.Context(), scope, store.Position{}, 1<<40, 0, 1<<30)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range page.Records {
			var row merge.Row
			if err := json.Unmarshal(r.Fields, &row.Fields); err != nil {
				w.t.Fatal(err)
			}
			word := row.Text("label")
			if taken := row.Text("label_taken"); taken != "" && taken == word {
				word += "!"
			}
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

func (w *world) work() {
	w.t.Helper()
	if _, err := w.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAUniqueValueBelongsToTheFirstAndIsLostByNobody(t *testing.T) {
	w := newWorld(t)
	w.label("box/a", "1234", 0)
	w.work()
	w.label("box/b", "1234", 0)
	w.work()
	if got := w.labels("box/a", "box/b"); got != "1234 1234!" {
		t.Errorf("both have it: %s", got)
	}
	w.label("box/b", "5678", 1)
	w.work()
	if got := w.labels("box/a", "box/b"); got != "1234 5678" {
		t.Errorf("the second has another: %s", got)
	}
	w.label("box/a", "", 1)
	w.label("box/b", "1234", 2)
	w.work()
	if got := w.labels("box/a", "box/b"); got != " 1234" {
		t.Errorf("the first gave it up: %s", got)
	}
	w.label("box/a", "5678", 2)
	w.work()
	if got := w.labels("box/a", "box/b"); got != "5678 1234" {
		t.Errorf("they changed places: %s", got)
	}
}

// TestClaimsSurviveEveryCrash dies at every call of the follower and lets the
// next process finish.
func TestClaimsSurviveEveryCrash(t *testing.T) {
	setup := func() (*storefault.Poor, *world) {
		poor := storefault.NewPoor()
		w := worldOn(t, poor)
		w.label("box/a", "1234", 0)
		w.label("box/b", "5678", 0)
		w.work()
		w.label("box/b", "1234", 1)
		w.label("box/a", "9", 1)
		w.label("box/a", "1234", 2)
		w.label("box/c", "5678", 0)
		return poor, w
	}
	_, w := setup()
	w.work()
	want := w.labels("box/a", "box/b", "box/c")
	if !slices.Contains([]string{"1234 1234! 5678", "1234! 1234 5678"}, want) {
		t.Fatalf("without a crash: %s", want)
	}
	for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
		for n := 1; ; n++ {
			poor, w := setup()
			dying := storefault.NewFailing(poor, storefault.At(n, fate), nil)
			w.Engine.Store = dying.Store()
			_, err := w.Work(t.Context())
			if err == nil {
				if n < 20 {
					t.Errorf("only %d calls", n)
				}
				break
			}
			w.Engine.Store = poor
			w.work()
			if got := w.labels("box/a", "box/b", "box/c"); got != want {
				t.Errorf("death %d at call %d: %s, want %s", fate, n, got, want)
			}
		}
	}
}

// TestALateClaimIsNoClaim: an effect that is carried out again, long after the
// record has moved on and come back, changes nothing.
func TestALateClaimIsNoClaim(t *testing.T) {
	poor := storefault.NewPoor()
	w := worldOn(t, poor)
	w.label("box/a", "1", 0)
	w.work()
	stall := make(chan struct{})
	entered := make(chan struct{})
	slow := &hooked{Store: poor}
	slow.release = func() {
		slow.release = nil
		close(entered)
		<-stall
	}
	w.label("box/a", "2", 1)
	late := worldOn(t, slow)
	done := make(chan error, 1)
	go func() {
		_, err := late.Work(t.Context())
		done <- err
	}()
	<-entered // the other process is about to give 1 up
	w.work()
	w.label("box/a", "1", 2)
	w.work()
	close(stall)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.label("box/b", "1", 0)
	w.work()
	w.label("box/c", "2", 0) // which nobody shows any more
	w.work()
	if got := w.labels("box/a", "box/b", "box/c"); got != "1 1! 2" {
		t.Errorf("%s", got)
	}
}

// dying is the store of a process that stalls before it releases a claim, and
// does nothing after that.
type dying struct {
	store.Store
	before func()
	dead   bool
}

func (d *dying) Release(ctx context.Context, space, key, holder string) error {
	d.before()
	d.dead = true
	return d.Store.Release(ctx, space, key, holder)
}

func (d *dying) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	if d.dead {
		return store.Loaded{}, errLost
	}
	return d.Store.Load(ctx, scope, want)
}

func (d *dying) Claim(ctx context.Context, space, key, holder string) (string, error) {
	if d.dead {
		return "", errLost
	}
	return d.Store.Claim(ctx, space, key, holder)
}

// TestAClaimThatCameBackIsNotGivenUp: a process stalls before it gives a value up,
// the value comes back, another process carries everything out, and the first one
// goes on and dies.
func TestAClaimThatCameBackIsNotGivenUp(t *testing.T) {
	poor := storefault.NewPoor()
	w := worldOn(t, poor)
	w.label("box/a", "1234", 0)
	w.work()
	w.label("box/a", "5678", 1)
	late := worldOn(t, &dying{Store: poor, before: func() {
		w.label("box/a", "1234", 2)
		w.work()
	}})
	if _, err := late.Work(t.Context()); !errors.Is(err, errLost) {
		t.Fatalf("it did not die: %v", err)
	}
	w.work()
	w.label("box/b", "1234", 0)
	w.work()
	if got := w.labels("box/a", "box/b"); got != "1234 1234!" {
		t.Errorf("two boxes show one value and nobody is told: %s", got)
	}
}
