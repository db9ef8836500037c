package programme_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// prefixes are drafts with one prefix of receipt numbers, and who opens them.
type prefixes struct {
	*office
	admin store.User
}

func (p prefixes) draft(code string, change ...string) programme.Edition {
	p.Helper()
	e, err := p.CreateProgramme(p.Context(), p.as(p.admin), code, plan(p.T, change...))
	p.unless(err)
	return e
}

func (p prefixes) opens(by *programme.Service, e programme.Edition) error {
	_, err := by.AdvanceProgramme(p.Context(), p.as(p.admin), e.ID, e.Version, domain.ProgrammeOpen)
	return err
}

func (p prefixes) now(e programme.Edition) programme.Edition {
	p.Helper()
	e, err := p.Programme(p.Context(), p.as(p.admin), e.ID)
	p.unless(err)
	return e
}

// open counts which of them are open.
func (p prefixes) open(all ...programme.Edition) (n int) {
	p.Helper()
	for _, e := range all {
		if p.now(e).Text("status") == domain.ProgrammeOpen {
			n++
		}
	}
	return n
}

// onStores runs a test on the store of the program and on the poorest that keeps the promises.
func onStores(t *testing.T, do func(t *testing.T, anew func() prefixes)) {
	t.Helper()
	for _, name := range []string{"sqlite", "poor"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(t, func() prefixes {
				o := open(t)
				if name == "poor" {
					o.Engine.Store = storefault.NewPoor()
				}
				return prefixes{o, o.person(1, "admin")}
			})
		})
	}
}

// TestOneOfTwoDraftsIsOpened: whatever one process does between two steps of another, exactly
// one of two programmes with one prefix is open, and the other is told why.
func TestOneOfTwoDraftsIsOpened(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, anew func() prefixes) {
		for at, between := 1, true; between; at++ {
			p := anew()
			a, b := p.draft("one-one"), p.draft("two-two")
			between = false
			var second error
			slow := p.process(storefault.NewFailing(p.Engine.Store, func(c storefault.Call) storefault.Fate {
				if c.N == at {
					between, second = true, p.opens(p.Service, b)
				}
				return storefault.Live
			}, nil).Store())
			first := p.opens(slow, a)
			if !between {
				second = p.opens(p.Service, b)
			}
			if n := p.open(a, b); n != 1 || (first == nil) == (second == nil) {
				t.Fatalf("at call %d %d are open: %v, %v", at, n, first, second)
			}
			if code := fault.CodeOf(errors.Join(first, second)); code != "number_prefix_taken" {
				t.Fatalf("at call %d the other one is told %q", at, code)
			}
		}
	})
}

// TestManyDraftsAtOnce: two processes, four drafts, in one moment.
func TestManyDraftsAtOnce(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, anew func() prefixes) {
		p := anew()
		all := []programme.Edition{p.draft("a-a"), p.draft("b-b"), p.draft("c-c"), p.draft("d-d")}
		by := []*programme.Service{p.process(p.Engine.Store), p.process(p.Engine.Store)}
		told, work := make([]error, len(all)), sync.WaitGroup{}
		for i, e := range all {
			who := p.as(p.admin)
			work.Go(func() {
				_, told[i] = by[i%2].AdvanceProgramme(t.Context(), who, e.ID, e.Version, domain.ProgrammeOpen)
			})
		}
		work.Wait()
		if n := p.open(all...); n != 1 {
			t.Errorf("%d are open: %v", n, told)
		}
	})
}

// TestAPrefixOutlivesACrash: wherever a process dies that opens a programme, the same programme is
// opened afterwards; and once its draft has changed, another one may have the prefix.
func TestAPrefixOutlivesACrash(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, anew func() prefixes) {
		for at, dead := 1, true; dead; at++ {
			for _, changed := range []bool{false, true} {
				p := anew()
				a, b := p.draft("one-one"), p.draft("two-two")
				failing := storefault.NewFailing(p.Engine.Store, storefault.At(at, storefault.DieAfter), nil)
				_ = p.opens(p.process(failing.Store()), a)
				dead = failing.Dead()
				now := p.now(a)
				if changed {
					_, err := p.ChangeProgramme(t.Context(), p.as(p.admin), a.ID, now.Version, map[string]merge.Value{"number_prefix": merge.Str("LAIN")})
					if now = p.now(a); now.Text("status") == domain.ProgrammeDraft { // else its commit was there
						p.unless(err)
						if err := p.opens(p.Service, b); err != nil {
							t.Errorf("at call %d: a draft that went another way keeps the prefix: %v", at, err)
						}
						continue
					}
				}
				if err := p.opens(p.Service, now); fault.CodeOf(err) == "stale_version" { // its commit was there, and nobody had read it
					now = p.now(a)
					p.unless(p.opens(p.Service, now))
				} else {
					p.unless(err)
				}
				if err := p.opens(p.Service, b); fault.CodeOf(err) != "number_prefix_taken" || p.open(a, b) != 1 {
					t.Errorf("at call %d: %d are open, %v", at, p.open(a, b), err)
				}
			}
		}
	})
}
