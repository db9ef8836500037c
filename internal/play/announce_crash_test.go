package play_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// runs lets a process do all that there is to do.
func runs(ctx context.Context, s *programme.Service) error {
	if _, err := s.Announce(ctx); err != nil {
		return err
	}
	_, err := s.Engine.Work(ctx)
	return err
}

// items lists what the server holds of an announcement, by person.
func (n *newsroom) items(a play.News) map[string][]merge.Row {
	n.Helper()
	out := map[string][]merge.Row{}
	for _, p := range append(n.audience(), n.outside...) {
		rows, err := n.w.Rows(n.Context(), merge.UserScope(p.Me().User), "inbox")
		n.ok(err)
		for _, r := range rows {
			if r.ID == domain.AnnouncementItemID(a.ID, p.Me().User) {
				out[p.Me().User] = append(out[p.Me().User], r)
			}
		}
	}
	return out
}

// TestACrashWhileAnAnnouncementIsSentLosesAndDoublesNothing: a process dies at each call of
// the store, while it freezes and sends, corrects, or takes back; another one goes on.
func TestACrashWhileAnAnnouncementIsSentLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"send", "correct", "retract", "retract in between"} {
		for _, fate := range []storefault.Fate{storefault.DieBefore, storefault.DieAfter} {
			t.Run(fmt.Sprintf("%s, fate %d", act, fate), func(t *testing.T) {
				t.Parallel()
				n := setNewsroom(t, 2, 0)
				n.outside = nil
				deaths, ends := 0, map[any]int{}
				for at := 1; n.crash(act, at, fate, ends); at += few() {
					deaths++
				}
				if deaths < 10 || act == "retract in between" && (ends[domain.AnnouncementCancelled] == 0 || ends[domain.AnnouncementRetracted] == 0) {
					t.Errorf("died %d times, ends %v", deaths, ends)
				}
			})
		}
	}
}

// crash has a process die at a call of the store, and another one go on. It is false if
// there were not so many calls.
func (n *newsroom) crash(act string, at int, fate storefault.Fate, ends map[any]int) bool {
	n.Helper()
	n.w.Clock.Advance(time.Minute)
	n.ok(n.desk.Login(n.Context()))
	a := n.draft(n.briefing(n.w.Clock.Now().Add(time.Minute)))
	n.operate(n.desk, a, "schedule")
	n.w.Clock.Advance(time.Minute)
	whole := n.w.Worker(n.w.App.Engine.Store)
	if act == "correct" || act == "retract" {
		n.ok(runs(n.Context(), whole))
		n.edit(a, act)
	}
	f := storefault.NewFailing(n.w.App.Engine.Store, storefault.At(at, fate), nil)
	err := runs(n.Context(), n.w.Worker(f.Store()))
	died := f.Calls() >= at
	if !died {
		n.ok(err)
	}
	if act == "retract in between" {
		n.edit(a, "retract")
	}
	n.ok(runs(n.Context(), whole))
	want := map[string][2]string{"send": {domain.AnnouncementSent, "Datang pukul 10.00 WIB."}, "correct": {domain.AnnouncementSent, "Lain"}}[act]
	if want[0] == "" {
		want[0] = domain.AnnouncementRetracted
	}
	now := n.read(n.desk, a).Fields["state"]
	items := n.items(a)
	ends[now]++
	if now == domain.AnnouncementCancelled { // it was not being sent yet
		want, items = [2]string{domain.AnnouncementCancelled}, nil
	} else if len(items) != len(n.audience()) {
		n.Errorf("call %d: %d of %d have it", at, len(items), len(n.audience()))
	}
	if now != want[0] {
		n.Errorf("call %d: it is %v", at, now)
	}
	for user, rows := range items {
		if len(rows) != 1 || rows[0].Text("body_id") != want[1] {
			n.Errorf("call %d: %s has %d items, %s", at, user, len(rows), rows[0].EncodeFields())
		}
	}
	return died
}

// edit corrects an announcement or takes it back; one that is not being sent yet is
// cancelled instead. It asks the service itself: behind an answer of the API the server
// would do its work.
func (n *newsroom) edit(a play.News, act string) {
	n.Helper()
	desk, who := n.w.App.Programme, programme.Caller{User: n.desk.Me().User, Name: "rest." + a.ID + act, Proved: true}
	for {
		now, err := desk.Announcement(n.Context(), who, a.ID)
		n.ok(err)
		op := domain.AnnounceRetract
		if now.Text("state") == domain.AnnouncementScheduled {
			op = domain.AnnounceCancel
		}
		if act == "correct" {
			_, _, err = desk.CorrectAnnouncement(n.Context(), who, a.ID, now.Version, map[string]merge.Value{"body_id": merge.Str("Lain")})
		} else {
			_, err = desk.OperateAnnouncement(n.Context(), who, a.ID, now.Version, op, "")
		}
		if fault.CodeOf(err) != "stale_version" { // what the dead process left is folded by then
			n.ok(err)
			return
		}
	}
}

// TestAnAudienceThatWasNotFrozenIsNobodys: a process dies at each call of the store while
// it freezes and sends, and before another one looks somebody leaves. Whoever was counted
// has it, and nobody else.
func TestAnAudienceThatWasNotFrozenIsNobodys(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 1, 0)
	n.outside = nil
	sizes := map[int]int{}
	for at := 1; ; at += few() {
		n.w.Clock.Advance(time.Minute)
		n.ok(n.desk.Login(t.Context()))
		n.ok(n.owners[0].Login(t.Context()))
		n.staff = append(n.staff[:0:0], n.hire(0, 1+at%8))
		a := n.draft(n.briefing(n.w.Clock.Now().Add(time.Minute)))
		n.operate(n.desk, a, "schedule")
		n.w.Clock.Advance(time.Minute)
		f := storefault.NewFailing(n.w.App.Engine.Store, storefault.At(at, storefault.DieAfter), nil)
		err := runs(t.Context(), n.w.Worker(f.Store()))
		n.leaves(n.staff[0])
		n.ok(runs(t.Context(), n.w.Worker(n.w.App.Engine.Store)))
		got, items := n.receipts(a), n.items(a)
		if len(items) != got.People || len(got.Receipts) != got.People {
			t.Errorf("call %d: %d have it, %d are listed, %d were counted", at, len(items), len(got.Receipts), got.People)
		}
		for _, r := range got.Receipts {
			if len(items[r.User]) != 1 {
				t.Errorf("call %d: %s has it %d times", at, r.User, len(items[r.User]))
			}
		}
		sizes[got.People]++
		if f.Calls() < at {
			n.ok(err)
			break
		}
	}
	if sizes[2] == 0 || sizes[3] == 0 || len(sizes) != 2 {
		t.Errorf("audiences of %v", sizes)
	}
}

// leaves ends the window of somebody of the first business.
func (n *newsroom) leaves(p *play.Phone) {
	n.Helper()
	desk, who := n.w.App.Programme, programme.Caller{User: n.desk.Me().User, Name: "rest.leave." + n.desk.IDs.New(), Proved: true}
	members, err := desk.Members(n.Context(), who, n.businesses[0])
	n.ok(err)
	for _, m := range members {
		if now := n.w.Clock.Now(); m.User == p.Me().User && m.To.IsZero() {
			_, err := desk.ChangeMember(n.Context(), who, n.businesses[0], m.ID, m.Version, programme.MemberChange{To: &now})
			n.ok(err)
		}
	}
}

// slow is the store of a process that stands still before one of its writes into inboxes,
// and may die behind it.
type slow struct {
	store.Store
	at    int // which of them
	dies  bool
	still func()
	n     *int
	dead  *bool
}

// Insert implements store.Store.
func (s slow) Insert(ctx context.Context, c *store.Commit) error {
	if *s.dead {
		return storefault.ErrCrashed
	}
	if strings.HasPrefix(c.Scope, "user/") {
		if *s.n++; *s.n == s.at {
			s.still()
			defer func() { *s.dead = s.dies }()
		}
	}
	return s.Store.Insert(ctx, c)
}

// Load implements store.Store.
func (s slow) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	if *s.dead {
		return store.Loaded{}, storefault.ErrCrashed
	}
	return s.Store.Load(ctx, scope, want)
}

// TestASlowWorkerGivesNobodyWhatWasTakenBack: it has read the words, or their correction,
// stands still, and writes after they were taken back and everybody was told, by another
// process that did the same step.
func TestASlowWorkerGivesNobodyWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	n := setNewsroom(t, 2, 0)
	n.outside = nil
	for _, act := range []string{"send", "correct"} {
		for _, dies := range []bool{false, true} {
			for at := 1; at <= len(n.audience()); at++ {
				n.standsStill(fmt.Sprintf("%s, item %d, dies %t", act, at, dies), act, at, dies)
			}
		}
	}
}

func (n *newsroom) standsStill(what, act string, at int, dies bool) {
	n.Helper()
	n.w.Clock.Advance(time.Minute)
	n.ok(n.desk.Login(n.Context()))
	a := n.draft(n.briefing(n.w.Clock.Now().Add(time.Minute)))
	n.operate(n.desk, a, "schedule")
	n.w.Clock.Advance(time.Minute)
	whole, stood := n.w.Worker(n.w.App.Engine.Store), false
	if act == "correct" {
		n.ok(runs(n.Context(), whole))
		n.edit(a, act)
	}
	view := slow{Store: n.w.App.Engine.Store, at: at, dies: dies, n: new(int), dead: new(bool), still: func() {
		stood = true
		n.edit(a, "retract")
		n.ok(runs(n.Context(), whole))
	}}
	if err := runs(n.Context(), n.w.Worker(view)); !dies {
		n.ok(err)
	}
	n.ok(runs(n.Context(), whole))
	items := n.items(a)
	if !stood || len(items) != len(n.audience()) {
		n.Errorf("%s: stood still %t, %d have it", what, stood, len(items))
	}
	for user, rows := range items {
		if len(rows) != 1 || rows[0].Text("body_id") != "" || rows[0].Text("title_id") == "" {
			n.Errorf("%s: %s has %d, %s", what, user, len(rows), rows[0].EncodeFields())
		}
	}
}
