package api

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
)

// TestExportsStandBelowPhones: an export gets a place of its own and none of the phones', and
// none at all while a phone waits.
func TestExportsStandBelowPhones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{T: t, g: newGate(2, time.Second)}
		a.g.giveExports()
		a.ask("export", export)
		a.ask("phone", fetch)
		a.ask("other phone", fetch)
		a.want("export", "phone", "other phone") // all of the phones' places are theirs
		a.ask("next export", export)
		a.ask("pull", fetch)
		a.ask("push", bring)
		a.want()
		a.g.leaveExport()
		synctest.Wait()
		a.want() // the place of an export is no phone's, and phones wait
		a.leave()
		a.want("push")
		a.ask("refresh", keepSession)
		a.leave()
		a.want("refresh")
		<-time.After(time.Second + time.Millisecond) // the pull gives up, and no phone waits
		synctest.Wait()
		slices.Sort(a.said)
		a.want("next export", "not pull")
	})
}

// TestFewExportsWaitAndNotForLong: longer than phones, which come back by themselves.
func TestFewExportsWaitAndNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{T: t, g: newGate(1, 50*time.Millisecond)}
		a.g.giveExports()
		a.ask("first", export)
		a.want("first")
		for range exportsWait {
			a.ask("later", export)
		}
		a.want()
		a.ask("too many", export)
		a.want("not too many")
		a.g.leaveExport()
		synctest.Wait()
		a.want("later")
		<-time.After(exportPatience - time.Millisecond)
		synctest.Wait()
		a.want()
		<-time.After(2 * time.Millisecond)
		synctest.Wait()
		a.want(slices.Repeat([]string{"not later"}, exportsWait-1)...)
		a.g.leaveExport()
		if a.g.own != 1 || a.g.free != 1 || a.g.waiting != 0 || len(a.g.lines[export]) != 0 || a.g.spare != 0 {
			t.Errorf("%+v", a.g)
		}
	})
}

// TestExportsHaveAShareOfThePlaces: never more than one for eight of phones, nor than there is
// memory for.
func TestExportsHaveAShareOfThePlaces(t *testing.T) {
	for full, most := range map[int]int{1: 1, 8: 1, 16: 2, 64: exportsMost, 4096: exportsMost} {
		g := newGate(full, time.Second)
		g.giveExports()
		if g.own < 1 || g.own > most || g.free != full || g.ownMost != exportsWait*g.own {
			t.Errorf("of %d: %d, %d wait, %d for phones", full, g.own, g.ownMost, g.free)
		}
	}
}

// TestWhatReadsAWholeProgrammeOrCountryIsAnExport: and nothing that a phone asks for is.
func TestWhatReadsAWholeProgrammeOrCountryIsAnExport(t *testing.T) {
	var got []string
	for _, r := range (&Server{}).routes() {
		if r.whole {
			got = append(got, r.method+" "+r.path)
		}
		if r.whole && (r.open || r.apart || r.class(nil) != export) {
			t.Errorf("%s %s", r.method, r.path)
		}
	}
	const programme, announcement = "/v1/programmes/{programme}", "/v1/announcements/{announcement}"
	want := []string{"GET " + announcement + "/preview", "GET " + announcement + "/receipts", "GET /v1/admin/audit", "GET " + programme + "/curators", "GET " + programme + "/files", "GET " + programme + "/enrolments",
		"GET " + programme + "/stages/{stage}", "GET /v1/mentors", "GET /v1/mentors/{mentor}/caseload", "GET /v1/reviews", "PATCH " + announcement, "POST " + announcement + "/operations", "POST " + programme + "/begin", "POST " + programme + "/imports",
		"POST " + programme + "/imports/check", "POST " + programme + "/stages/{stage}/approval", "POST " + programme + "/stages/{stage}/decision", "POST " + programme + "/stages/{stage}/shares"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFewTablesAreReadAtATime: the next one waits within the deadline of its request, and a
// place comes back whatever becomes of the table.
func TestFewTablesAreReadAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{tables: tables{free: make(chan struct{}, tablesAtOnce())}}
		end := make(chan struct{})
		var all sync.WaitGroup
		for range tablesAtOnce() {
			all.Go(func() {
				if err := s.reading(&call{ctx: t.Context()}, func(programme.Table) error {
					s.tables.wait(t.Context()) // as a table that is read
					<-end
					<-s.tables.free
					return fault.Mistakes([]fault.Mistake{{Field: "x", Code: "required"}}, "a table with a mistake")
				}); err == nil {
					t.Error("no mistake")
				}
			})
		}
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		said := make(chan error, 1)
		go func() {
			said <- s.reading(&call{ctx: ctx}, func(table programme.Table) error {
				_, err := table()
				return err
			})
		}()
		synctest.Wait()
		if n := s.WaitingTables(); n != 1 || len(said) > 0 {
			t.Errorf("%d wait", n)
		}
		stop()
		if err := <-said; err != context.Canceled {
			t.Error(err)
		}
		close(end)
		all.Wait()
		if n := s.WaitingTables(); n != 0 || len(s.tables.free) != 0 {
			t.Errorf("%d wait, %d are held", n, len(s.tables.free))
		}
	})
}
