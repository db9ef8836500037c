package play_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// forgetful is a store that does not keep the first note that effects of a commit
// were carried out, as if the process had died before it.
type forgetful struct {
	store.Store
	died map[string]bool
}

// Done implements store.Store.
func (f forgetful) Done(ctx context.Context, scope, follower string, upTo merge.Seq) error {
	if name := scope + string(merge.Num(upTo)); !f.died[name] {
		f.died[name] = true
		return nil
	}
	return f.Store.Done(ctx, scope, follower, upTo)
}

// engine is one more process on the database of a world.
func engine(w *play.World, on store.Store) *syncer.Engine {
	return &syncer.Engine{Store: on, Schema: w.Schema, Clock: w.Clock, IDs: id.Maker{Clock: w.Clock, Rand: rand.Reader}, Log: slog.New(slog.DiscardHandler),
		Steps: w.App.Engine.Steps}
}

// finishes are the ways in which effects come to be carried out.
func finishes() map[string]func(s *scene) {
	return map[string]func(s *scene){
		"once": func(s *scene) { s.ok(s.w.Step(s.Context())) },
		"twice": func(s *scene) {
			waiting, err := s.w.App.Store.Waiting(s.Context(), syncer.Follower, 100)
			s.ok(err)
			f := forgetful{s.w.App.Store, map[string]bool{}}
			_, err = engine(s.w, f).Work(s.Context())
			s.ok(err)
			if len(f.died) < len(waiting) {
				s.Errorf("%d scopes waited, %d were forgotten", len(waiting), len(f.died))
			}
			s.ok(s.w.Step(s.Context()))
		},
		"by two at a time": func(s *scene) {
			other := engine(s.w, s.w.App.Store)
			var both sync.WaitGroup
			for _, e := range []*syncer.Engine{s.w.App.Engine, other} {
				both.Go(func() {
					if _, err := e.Work(s.Context()); err != nil {
						s.Error(err)
					}
				})
			}
			both.Wait()
			s.ok(s.w.Step(s.Context()))
		},
	}
}

// office is a business with a mentor, and another mentor who waits outside.
type office struct {
	*scene
	mentor, next *play.Phone
	desk         *play.Phone
	task         string
	finish       func(s *scene)
	told         map[string]int
}

// inboxes counts what the server holds in everybody's inbox, by person and type.
func (o *office) inboxes() map[string]int {
	o.Helper()
	all := map[string]int{}
	for _, p := range []*play.Phone{o.owner, o.staff, o.mentor, o.next, o.desk} {
		rows, err := o.w.Rows(o.Context(), merge.UserScope(p.Me().User), "inbox")
		o.ok(err)
		for _, r := range rows {
			all[p.Name+" "+r.Text("type")]++
		}
	}
	return all
}

// news is what everybody has been told since the last call.
func (o *office) news() map[string]int {
	o.Helper()
	now, out := o.inboxes(), map[string]int{}
	for what, n := range now {
		if n > o.told[what] {
			out[what] = n - o.told[what]
		}
	}
	o.told = now
	return out
}

// arrive lets phones push, and the server finish its work after each.
func (o *office) arrive(phones ...*play.Phone) {
	o.Helper()
	for _, p := range phones {
		o.ok(p.Sync(o.Context()))
		o.finish(o.scene)
		o.w.Clock.Advance(time.Second)
	}
}

func (o *office) event(p *play.Phone, op string) {
	o.Helper()
	o.write(p, "task_event", "", map[string]any{"task_id": o.task, "op": op, "note": "catatan"})
	o.arrive(p)
}

// everybody has seen everything, and what they were told meanwhile is no news.
func (o *office) everybody() {
	o.Helper()
	o.sync(o.owner, o.staff, o.mentor)
	o.told = o.inboxes()
}

// firstTypes are the first types of notices and who is told, exactly once;
// everybody else is told nothing.
func firstTypes() []struct {
	name string
	do   func(o *office)
	want []string // phone and type
} {
	return []struct {
		name string
		do   func(o *office)
		want []string
	}{
		{"tasks assigned", func(o *office) {
			for _, title := range []string{"Foto produk", "Label", "Toko daring"} {
				o.task = o.write(o.mentor, "task", "", map[string]any{"title": title, "origin": domain.OriginMentor, "due_on": "2022-04-20"})
			}
			o.arrive(o.mentor)
		}, []string{"owner N10"}},
		{"task submitted", func(o *office) { o.event(o.staff, "submit") }, []string{"mentor N13"}},
		{"task returned", func(o *office) { o.event(o.mentor, "return") }, []string{"owner N14"}},
		{"task verified", func(o *office) { o.event(o.mentor, "verify") }, []string{"owner N15"}},
		{"entry flagged", func(o *office) {
			sale := o.sell(o.staff, 40_000)
			o.arrive(o.staff)
			o.sync(o.owner)
			o.write(o.owner, "sale_adjustment", "", map[string]any{"entry_id": sale, "kind": domain.KindCorrect, "patch": map[string]any{"amount_idr": 41_000}})
			o.write(o.staff, "sale_adjustment", "", map[string]any{"entry_id": sale, "kind": domain.KindVoid, "reason_code": "mistake"})
			o.arrive(o.owner, o.staff)
		}, []string{"owner N25", "staff N25"}},
		{"conflict lost", func(o *office) {
			o.write(o.owner, "product", o.product, map[string]any{"name": "Keripik pisang manis"})
			o.w.Clock.Advance(time.Minute)
			o.write(o.staff, "product", o.product, map[string]any{"name": "Keripik pisang asin"})
			o.arrive(o.staff, o.owner)
		}, []string{"owner edit_lost"}},
		{"edits refused", func(o *office) {
			for n := range 5 {
				o.write(o.staff, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "marketplace", "payment": "cash", "granularity": "single", "amount_idr": 1000 + n})
			}
			o.arrive(o.staff)
		}, []string{"staff edit_refused"}},
		{"mentor changed", func(o *office) {
			var list struct {
				Assignments []window `json:"assignments"`
			}
			o.ok(o.desk.Send(o.Context(), "GET", "/v1/businesses/"+strings.TrimPrefix(o.scope, "business/")+"/assignments", "", nil, &list))
			if len(list.Assignments) != 1 {
				o.Fatalf("windows %+v", list)
			}
			old := list.Assignments[0]
			o.ok(o.desk.Send(o.Context(), "PATCH", "/v1/businesses/"+strings.TrimPrefix(o.scope, "business/")+"/assignments/"+old.ID, old.Etag,
				map[string]any{"to": o.w.Clock.Now(), "successor_id": o.next.Me().User}, nil))
			o.finish(o.scene)
		}, []string{"owner N09", "next mentoring_begins", "mentor mentoring_ends", "mentor N35"}},
	}
}

// window is a mentor's window, as the API tells it.
type window struct {
	ID   string `json:"id"`
	Etag string `json:"etag"`
}

// TestWhoIsToldOfTheFirstTypes: each person exactly once, however the effects
// come to be carried out.
func TestWhoIsToldOfTheFirstTypes(t *testing.T) {
	for storeName, on := range stores(t) {
		for way, finish := range finishes() {
			t.Run(storeName+", effects carried out "+way, func(t *testing.T) {
				t.Parallel()
				o := &office{finish: finish, scene: set(t, func(o *play.Options) {
					o.Store, o.Identity = nil, nil
					*o = on(*o)
				})}
				o.desk = o.enter(o.w.Person("Bu Ratna"), "desk")
				o.mentor, o.next = o.enter(o.w.Person("Pak Hendra"), "mentor"), o.enter(o.w.Person("Bu Sinta"), "next")
				_, err := o.w.Assign(t.Context(), o.desk, strings.TrimPrefix(o.scope, "business/"), o.mentor.Who)
				o.ok(err)
				o.sync(o.next, o.desk)
				for _, tt := range firstTypes() {
					o.everybody()
					tt.do(o)
					want := map[string]int{}
					for _, w := range tt.want {
						want[w] = 1
					}
					if got := o.news(); !maps.Equal(got, want) {
						t.Errorf("%s: told %v, want %v", tt.name, got, want)
					}
				}
				o.reads()
			})
		}
	}
}

// reads looks at the items as they reach the phones of those who are told.
func (o *office) reads() {
	o.Helper()
	o.sync(o.owner, o.staff, o.mentor, o.next)
	for _, p := range []*play.Phone{o.owner, o.staff, o.mentor, o.next} {
		rows, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
		o.ok(err)
		for _, r := range rows {
			row, ok := domain.NoticeTypeOf(r.Text("type"))
			if s := domain.NoticeText(r, domain.WIB, "id"); !ok || s.Title == "" || s.Detail == "" || r.Text("class") != row.Class || r.Text("deep_link") == "" {
				o.Errorf("%s reads %q of %v", p.Name, s, r.Fields)
			}
		}
		if len(rows) == 0 {
			o.Errorf("%s reads nothing", p.Name)
		}
	}
}

// TestFiveHundredRefusedEditsDoNotBuryTheInbox: a push makes as many items as it
// takes commits.
func TestFiveHundredRefusedEditsDoNotBuryTheInbox(t *testing.T) {
	t.Parallel()
	s, all := set(t), size(500)
	for n := range all {
		s.write(s.staff, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "marketplace", "payment": "cash", "granularity": "single", "amount_idr": 1000 + n})
	}
	s.sync(s.staff, s.staff)
	kept, err := s.staff.Rows(merge.UserScope(s.staff.Me().User), "quarantine")
	s.ok(err)
	n, err := s.staff.Notices(domain.NoticeEditRefused)
	s.ok(err)
	if most := (all + syncer.DefaultLimits().CommitItems - 1) / syncer.DefaultLimits().CommitItems; len(kept) != all || n < 1 || n > most {
		t.Errorf("%d refused edits are kept, and told of by %d items; want %d and at most %d", len(kept), n, all, most)
	}
}

// TestTheInboxSpeaksTheLanguageOfTheApp, by the clocks of the business.
func TestTheInboxSpeaksTheLanguageOfTheApp(t *testing.T) {
	t.Parallel()
	s := set(t)
	business := strings.TrimPrefix(s.scope, "business/")
	desk, mentor := s.enter(s.w.Person("Bu Ratna"), "desk"), s.enter(s.w.Person("Pak Hendra"), "mentor")
	_, err := s.w.Assign(t.Context(), desk, business, mentor.Who)
	s.ok(err)
	s.write(s.owner, "business", business, map[string]any{"region_code": "73.71", "district_code": nil, "village_code": nil}) // Makassar
	kase := s.write(s.owner, "case", "", map[string]any{"kind": "nib", "subject": map[string]any{"type": domain.SubjectBusiness}})
	s.sync(s.owner, mentor)
	s.write(mentor, "visit", "", map[string]any{"kind": "visit", "planned_at": "2022-04-05T02:00:00.000Z"})
	s.write(mentor, "case_event", "", map[string]any{"case_id": kase, "op": "approve", "deadline_on": "2022-06-17"})
	s.sync(mentor, s.owner)
	texts := map[string][2]string{
		domain.NoticeVisitPlanned: {"Selasa, 5 April 2022 pukul 10.00 WITA.", "Tuesday, 5 April 2022 at 10:00 WITA."},
		domain.NoticeCaseApproved: {"Nomor Induk Berusaha dimulai. Siapkan dokumennya.", "Business number (NIB) has begun. Please prepare the documents."},
	}
	for i, language := range []string{"id", "en"} {
		a := s.installApp(s.owner.Who, language)
		a.sync()
		text, err := a.Inbox()
		seen := map[string]bool{}
		for _, item := range read[[]struct{ Type, Class, Detail string }](a, text, err) {
			if want, ok := texts[item.Type]; ok {
				seen[item.Type] = true
				if item.Detail != want[i] || item.Class != "tasks" {
					t.Errorf("in %s: %+v, want %q", language, item, want[i])
				}
			}
		}
		if len(seen) != len(texts) {
			t.Errorf("in %s: inbox %s", language, text)
		}
		s.ok(a.Logout())
	}
}
