package carry_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/carry"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func open(t *testing.T, name string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), name), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scope makes a scope with commits, some records and a claim.
func scope(t *testing.T, db *sqlite.DB, name string, commits int) {
	t.Helper()
	must(t, db.Create(t.Context(), store.Head{Scope: name, Generation: merge.Generation{Count: 1, Nonce: "n"}}))
	for n := range commits {
		must(t, commit(t.Context(), db, name, merge.Seq(n+1)))
	}
	_, err := db.Claim(t.Context(), "nib", name, name)
	must(t, err)
}

func commit(ctx context.Context, db *sqlite.DB, scope string, seq merge.Seq) error {
	_, err := db.Append(ctx, &store.Commit{Scope: scope, Generation: merge.Generation{Count: 1, Nonce: "n"}, Seq: seq, ID: fmt.Sprint("c", seq), Time: merge.Millis(seq), Chain: fmt.Sprint("h", seq),
		Records: []store.Record{{Collection: "sales", ID: fmt.Sprint(seq % 7), Version: seq, Fields: []byte(`{"a":"<&>"}`), State: []byte(`{}`), Tags: []string{"t", fmt.Sprint(seq)}}},
		Pages:   []merge.Page{{PageKey: merge.PageKey{BookKey: merge.BookKey{About: scope, Device: "d%20 x", Incarnation: "i"}}, Version: seq, Entries: map[uint64]merge.Entry{uint64(seq): {Seq: seq}}}}})
	return err
}

// contents is everything that a store holds, by shelf and key.
func contents(t *testing.T, p store.Portable) map[string]store.Item {
	t.Helper()
	out := map[string]store.Item{}
	for _, s := range store.Shelves() {
		for place, more := "", true; more; more = place != "" {
			items, next, err := p.Items(t.Context(), s, place, 3)
			must(t, err)
			for _, i := range items {
				out[string(s)+i.Name()] = i
			}
			place = next
		}
	}
	return out
}

func alike(t *testing.T, from, to store.Portable) {
	t.Helper()
	want, got := contents(t, from), contents(t, to)
	for k, w := range want {
		if g, ok := got[k]; !ok || !w.Equal(g) {
			t.Errorf("%s: %+v, want %+v", k, g, w)
		}
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Errorf("%d items, want %d", len(got), len(want))
	}
}

var errCut = errors.New("cut")

// cut fails at a write.
type cut struct {
	*sqlite.DB
	left int
}

func (c *cut) Put(ctx context.Context, s store.Shelf, items []store.Item) error {
	if len(items) > 0 {
		if c.left--; c.left < 0 {
			return errCut
		}
	}
	return c.DB.Put(ctx, s, items)
}

// TestACopyGoesOnWhereItWasCut cuts it at every write.
func TestACopyGoesOnWhereItWasCut(t *testing.T) {
	from := open(t, "from.db")
	scope(t, from, "business/a", 250)
	scope(t, from, "business/b", 3)
	must(t, from.Identity().InsertUser(t.Context(), store.User{ID: "u", Phone: "+628117000001"}))
	must(t, from.Identity().InsertCredential(t.Context(), store.Credential{User: "u", Step: 7}))
	cuts := 0
	for ; ; cuts++ {
		to := open(t, "to.db")
		_, err := carry.Copy(t.Context(), from, &cut{to, cuts}, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		seen := contents(t, to)
		r, err := carry.Copy(t.Context(), from, to, nil)
		must(t, err)
		if want := len(contents(t, from)); !r.Same || r.Written+len(seen) != want {
			t.Errorf("cut at write %d: %+v after %d of %d", cuts, r, len(seen), want)
		}
		alike(t, from, to)
	}
	if cuts < 6 {
		t.Errorf("cut at %d writes only", cuts)
	}
}

// TestACopyFollowsItsSource changes everything between two copies: what is new, what
// is otherwise, what is gone, and two people who exchange their numbers.
func TestACopyFollowsItsSource(t *testing.T) {
	from, to := open(t, "from.db"), open(t, "to.db")
	scope(t, from, "business/a", 9)
	id := from.Identity()
	for n, phone := range []string{"+628117000001", "+628117000002"} {
		must(t, id.InsertUser(t.Context(), store.User{ID: fmt.Sprint("u", n), Phone: phone}))
	}
	must(t, id.InsertCredential(t.Context(), store.Credential{User: "u0", Password: "old", Step: 7}))
	_, err := carry.Copy(t.Context(), from, to, nil)
	must(t, err)
	alike(t, from, to)
	must(t, id.ReplaceCredential(t.Context(), store.Credential{User: "u0", Password: "new", Step: 8, Rev: 1}))
	must(t, commit(t.Context(), from, "business/a", 10))
	must(t, from.Release(t.Context(), "nib", "business/a", "business/a"))
	must(t, from.Prune(t.Context(), "business/a", 6))
	must(t, id.ReplaceUser(t.Context(), store.User{ID: "u0", Rev: 1}))
	must(t, id.ReplaceUser(t.Context(), store.User{ID: "u1", Phone: "+628117000001", Rev: 1}))
	must(t, id.ReplaceUser(t.Context(), store.User{ID: "u0", Phone: "+628117000002", Rev: 2}))
	r, err := carry.Copy(t.Context(), from, to, nil)
	must(t, err)
	if !r.Same || r.Dropped < 7 {
		t.Errorf("%+v", r)
	}
	alike(t, from, to)
	if got, err := to.Load(t.Context(), "business/a", store.Want{Tags: []string{"10", "3", "9"}}); err != nil || len(got.Tagged["10"]) != 1 || len(got.Tagged["3"]) != 0 || len(got.Tagged["9"]) != 1 {
		t.Errorf("found by tag: %v %v", got.Tagged, err)
	}
	if c, err := to.Identity().Credential(t.Context(), "u0"); err != nil || c.Password != "new" || c.Step != 8 || c.Rev != 2 {
		t.Errorf("carried %+v, %v", c, err)
	}
	if u, err := to.Identity().UserByPhone(t.Context(), "+628117000001"); err != nil || u.ID != "u1" {
		t.Errorf("%+v %v", u, err)
	}
}

// TestFinishLosesNoAcknowledgedCommit lets writers go on while the source is retired
// under them: what was acknowledged is in the target, and the rest was told to try
// again.
func TestFinishLosesNoAcknowledgedCommit(t *testing.T) {
	from, to := open(t, "from.db"), open(t, "to.db")
	const writers = 6
	for w := range writers {
		scope(t, from, fmt.Sprint("business/", w), 1)
	}
	_, err := carry.Copy(t.Context(), from, to, nil)
	must(t, err)
	acked := make([]merge.Seq, writers)
	var all, begun sync.WaitGroup
	begun.Add(writers)
	for w := range writers {
		all.Go(func() {
			for seq := merge.Seq(2); ; seq++ {
				err := commit(t.Context(), from, fmt.Sprint("business/", w), seq)
				if seq == 4 {
					begun.Done()
				}
				if err != nil {
					if fault.CodeOf(err) != "database_moved" || fault.KindOf(err) != fault.Transient {
						t.Error(err)
					}
					return
				}
				acked[w] = seq
			}
		})
	}
	begun.Wait()
	_, err = carry.Finish(t.Context(), from, to, nil, func(context.Context) error { return nil })
	must(t, err)
	all.Wait()
	for w, seq := range acked {
		h, err := to.Head(t.Context(), fmt.Sprint("business/", w))
		if err != nil || h.Applied != seq || seq < 4 {
			t.Errorf("writer %d was told %d, the target has %d (%v)", w, seq, h.Applied, err)
		}
	}
	alike(t, from, to)
	must(t, commit(t.Context(), to, "business/0", acked[0]+1))
}

// TestATargetOfCopy may be empty or begun, and is not used before its time.
func TestATargetOfCopy(t *testing.T) {
	from, to, used := open(t, "from.db"), open(t, "to.db"), open(t, "used.db")
	scope(t, from, "business/a", 2)
	scope(t, used, "business/b", 2)
	sound := func(context.Context) error { return nil }
	codes := func(what string, err error, code string) {
		t.Helper()
		if fault.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	_, err := carry.Copy(t.Context(), from, used, nil)
	codes("into a used one", err, "copy_target_in_use")
	_, err = carry.Finish(t.Context(), from, to, nil, sound)
	codes("finish before copy", err, "copy_not_begun")
	codes("cancel before copy", carry.Cancel(t.Context(), from, to), "copy_not_begun")
	must(t, commit(t.Context(), from, "business/a", 3)) // nothing has retired it

	_, err = carry.Copy(t.Context(), from, to, nil)
	must(t, err)
	_, err = carry.Finish(t.Context(), from, to, nil, func(context.Context) error { return errCut })
	if !errors.Is(err, errCut) {
		t.Errorf("unsound: %v", err)
	}
	codes("commit to a retired source", commit(t.Context(), from, "business/a", 4), "database_moved")
	must(t, carry.Cancel(t.Context(), from, to))
	must(t, commit(t.Context(), from, "business/a", 4))
	_, err = carry.Finish(t.Context(), from, to, nil, sound)
	must(t, err)
	alike(t, from, to)
	codes("cancel after finish", carry.Cancel(t.Context(), from, to), "copy_not_begun")
	_, err = carry.Copy(t.Context(), from, to, nil)
	codes("copy over what is used", err, "copy_target_in_use")
}
