package play_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// TestLagawiFest is A1 to A4 and A10: from 486 rows to 30 businesses with mentors and
// plans, and a briefing for 19 of them. It runs on every store, with every request of a
// phone sent twice, a copy of it once more behind the next one, phones that sync in a drawn
// order, a process that dies behind 200 results, and two that go on. Pushes go through
// Firebase's client to phones of the fake service, and what is counted is what those saw.
//
// What the stories say, and this does not show:
//   - that a selected and an unselected applicant are answered alike to the byte:
//     TestNobodyCanTellWhoIsSelected;
//   - a crash at many other calls, while results are told and while a briefing is sent:
//     TestAPublicationSurvivesCrashesAndTwoWorkers (package programme),
//     TestACrashWhileAnAnnouncementIsSentLosesAndDoublesNothing;
//   - an hour of the night: TestAnHourOfTheNightIsWarnedOfAndKept;
//   - XLSX, and every spelling: package fixture;
//   - pushes through deaths and lost answers: TestPublishing478Rings;
//   - a reminder that is not sent because it was read meanwhile: TestAnAcknowledgementIsAskedFor
//     (package programme).
func TestLagawiFest(t *testing.T) {
	for name, on := range stores(t) {
		for _, o := range []struct {
			name   string
			repeat int
			late   bool
			seed   uint64
		}{{"once", 1, false, 1}, {"everything twice, and late", 2, true, 2}} {
			if name != "poor" && o.repeat == 1 {
				continue // the demo plays it on SQLite
			}
			t.Run(name+", "+o.name, func(t *testing.T) {
				t.Parallel()
				c := clock.At(play.LagawiStart())
				fake, senders := google(t, c)
				options := play.Options{Repeat: o.repeat, Late: o.late, Clock: c, Google: fake, Push: senders, Messenger: &play.Post{}}
				log := listened(&options)
				w := open(t, play.LagawiStart(), on(play.LagawiOptions(options, o.seed)))
				got, err := w.PlayLagawi(t.Context(), &play.Teller{}, o.seed)
				if err != nil {
					t.Fatal(err)
				}
				keepsQuiet(t, fake, log, namesOf(fixture.Campaign(o.seed).Rows)...)
				if got.Took > 2*time.Minute {
					t.Errorf("the last result was told %v after the first", got.Took)
				}
				m := got.Briefing.Mentors
				want := play.Lagawi{Read: 486, Accepted: 478, Refused: 8, Unchanged: 478, Spellings: 1, Passed: [2]int{212, 96}, Eliminated: [2]int{266, 116}, Sheets: 192, Offline: 61, Excluded: 1,
					Selected: 30, Reserve: 10, Not: 56, Looks: 27, InProcess: 27, Died: 200, Notices: 478, Heard: 478, Took: got.Took, Confirmed: 29, Declined: 1, Promoted: 1, Late: 1,
					Categories: play.Lines{Food: 19, Toys: 1, Fashion: 3, Crafts: 6, Machinery: 1}, Memberships: 31, Enrolled: 30, Tasks: 720,
					MentorBusinesses: 5, MentorTasks: 120, MentorCases: 1, MentorNotes: 1, OwnerTasks: 24,
					Briefing: play.Briefed{ID: got.Briefing.ID, Owners: 19, Staff: 3, Mentors: m, People: 22 + m, Delivered: 21 + m, Read: 20 + m, Acked: 16 + m, Never: 2, Earliest: 5, Version: 2, Cleared: 22 + m, Rang: 21 + m, Asked: 2, AskedRang: 1},
					Rung: play.Rung{Phones: 455, Within: 454, Late: 1, Words: 1, Last: got.Rung.Last, Written: 23, Place: 1,
						Night: play.Nightly{Warned: true, Inbox: 23 + m, Phones: 24 + m, First: got.Rung.Night.First, Last: got.Rung.Night.Last}}}
				if n := got.Rung.Night; got.Rung.Last > 2*time.Minute || n.First < 6*time.Hour+30*time.Minute || n.Last > 6*time.Hour+40*time.Minute+5*time.Second {
					t.Errorf("phones rang %s after the instant, and in the morning from %s to %s", got.Rung.Last, n.First, n.Last)
				}
				if got != want || m < 4 || m > 6 {
					t.Errorf("it came out as\n%+v, want\n%+v", got, want)
				}
			})
		}
	}
}
