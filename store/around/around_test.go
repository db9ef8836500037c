package around_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/around"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	"github.com/lumbung-ikm/lumbung/store/storetest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestTheStoreKeepsThePromises(t *testing.T) {
	t.Run("that appends", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return around.Store(open(t), around.Within(time.Minute)) })
	})
	t.Run("in steps", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Store { return around.Store(storefault.NewPoor(), around.Within(time.Minute)) })
	})
	t.Run("identity", func(t *testing.T) {
		storetest.RunIdentity(t, func(*testing.T) store.Identity {
			return around.Identity(&storefault.MemoryIdentity{}, around.Within(time.Minute))
		})
	})
}

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{})
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

// asked is what a call came to, and after how long.
type asked struct {
	err  error
	took time.Duration
}

func ask(hook around.Hook, ctx context.Context, do func(context.Context) error) asked {
	began := time.Now()
	err := hook(ctx, around.Write("Fold"), do)
	return asked{err, time.Since(began)}
}

func TestACallIsLeftWhenItsTimeIsOver(t *testing.T) {
	const most, grace = 10 * time.Second, time.Second
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		do      func(ctx context.Context, never <-chan struct{}) error
		caller  time.Duration // its own deadline; 0: none
		want    error         // in the chain
		code    string
		atLeast time.Duration
		atMost  time.Duration
	}{
		"quick":                              {do: func(context.Context, <-chan struct{}) error { return nil }},
		"fails":                              {do: func(context.Context, <-chan struct{}) error { return broken }, want: broken, code: "internal"},
		"hears of its end":                   {do: func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return broken }, want: broken, code: "internal", atLeast: most, atMost: most},
		"hears of nothing":                   {do: func(_ context.Context, never <-chan struct{}) error { <-never; return nil }, want: context.DeadlineExceeded, code: "unavailable", atLeast: most, atMost: most + grace},
		"hears of nothing, and nobody waits": {do: func(_ context.Context, never <-chan struct{}) error { <-never; return nil }, caller: time.Second, want: context.DeadlineExceeded, code: "unavailable", atLeast: time.Second, atMost: time.Second + grace},
		"is just done":                       {do: func(context.Context, <-chan struct{}) error { <-time.After(most + grace/2); return nil }, atLeast: most, atMost: most + grace/2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				never := make(chan struct{})
				ctx := t.Context()
				if tt.caller > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, tt.caller)
					defer stop()
				}
				got := ask(around.Within(most), ctx, func(ctx context.Context) error { return tt.do(ctx, never) })
				if !errors.Is(got.err, tt.want) || tt.code != "" && fault.CodeOf(got.err) != tt.code || got.took < tt.atLeast || got.took > tt.atMost {
					t.Errorf("%v after %v", got.err, got.took)
				}
				if f, ok := errors.AsType[*fault.Error](got.err); ok && (f.Kind != fault.Transient || f.After <= 0) {
					t.Errorf("%+v", f)
				}
				close(never)
			})
		})
	}
}

// TestHundredsOfStuckCallsAreEnough: then nothing more is begun, until they return.
func TestHundredsOfStuckCallsAreEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook, never := around.Within(time.Second), make(chan struct{})
		begun := 0
		for range 700 {
			go ask(hook, t.Context(), func(context.Context) error { begun++; <-never; return nil })
			synctest.Wait()
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		got := ask(hook, t.Context(), func(context.Context) error { begun++; return nil })
		if fault.CodeOf(got.err) != "unavailable" || got.took != 0 || begun != 700 {
			t.Errorf("%v after %v, %d begun", got.err, got.took, begun)
		}
		close(never)
		synctest.Wait()
		if got := ask(hook, t.Context(), func(context.Context) error { return nil }); got.err != nil {
			t.Errorf("afterwards: %v", got.err)
		}
	})
}

func TestAPanicGoesOnWhereTheCallWasMade(t *testing.T) {
	defer func() {
		if text, ok := recover().(string); !ok || !strings.Contains(text, "oh") || !strings.Contains(text, "around_test.go") {
			t.Errorf("it says %q", text)
		}
	}()
	ask(around.Within(time.Second), t.Context(), func(context.Context) error { panic("oh") })
	t.Error("it went on")
}

// TestAnAnswerThatComesTooLateIsThrownAway: who was left writes nothing that anybody reads.
func TestAnAnswerThatComesTooLateIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never, poor := make(chan struct{}), storefault.NewPoor()
		late := func(ctx context.Context, _ around.Call, do func(context.Context) error) error {
			<-never
			return do(ctx)
		}
		s := around.Store(poor, around.Both(around.Within(time.Second), late))
		holder, err := s.Claim(t.Context(), "box", "1", "ani")
		close(never)
		synctest.Wait()
		if err == nil || holder != "" {
			t.Errorf("%q, %v", holder, err)
		}
		if holder, err := s.Claim(t.Context(), "box", "1", "budi"); err != nil || holder != "ani" { // it was done all the same
			t.Errorf("%q, %v", holder, err)
		}
	})
}

func BenchmarkCall(b *testing.B) {
	db := open(b)
	if err := db.Create(b.Context(), store.Head{Scope: "box/1", Generation: merge.Generation{Count: 1, Nonce: "a"}}); err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]store.Store{"bare": db, "within": around.Store(db, around.Within(time.Second))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := s.HeadsFor(b.Context(), "ani", []string{"box/1"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
