package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// sendsEvery is how often the queue is looked at in the morning.
const sendsEvery = 5 * time.Second

// silentOfLagawi are the applicants whose phones name no push address.
const silentOfLagawi = 23

// Rung is what phones saw of the pushes of the campaign, counted at the push service. All is
// zero in a world without one.
type Rung struct {
	Phones  int           // of applicants, which have named themselves
	Early   int           // messages about results before the instant
	Within  int           // phones that showed the results within two minutes
	Late    int           // of those without a network then, once they had one
	Words   int           // different cards of the results
	Last    time.Duration // from the instant until the last of those within two minutes
	Written int           // people without such a phone who were written to
	Place   int           // phones that heard of the place that came free
	Night   Nightly
}

// Nightly is what came of an announcement of 22:30.
type Nightly struct {
	Warned      bool // its author, of the hour
	Inbox       int  // people who had it that night
	Early       int  // phones that rang before morning
	Phones      int  // phones that rang in the morning
	First, Last time.Duration
}

// names gives every applicant a phone that names its push address, but for 23, who ask to be
// written to instead. The phone that has no network hears no push either.
func (s *lagawi) names(ctx context.Context) error {
	if s.w.o.Google == nil {
		return nil
	}
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b merge.Row) int { return s.number(a).Rank - s.number(b).Rank })
	for _, f := range files {
		business := f.Text("business_id")
		if s.owners[business] != nil {
			continue
		}
		who, name := &Person{Name: f.Text("owner_name"), Number: f.Text("owner_phone")}, "phone of "+f.Text("owner_name")
		if len(s.silent) < silentOfLagawi && s.number(f).Outcome == fixture.OutStage1 {
			p, err := s.w.EnterSilent(ctx, who, name)
			if err != nil {
				return err
			}
			if err := errors.Join(s.w.Sync(ctx, p), p.asksForMessages(), s.w.Sync(ctx, p)); err != nil {
				return err
			}
			s.silent = append(s.silent, p)
			continue
		}
		if s.owners[business], err = s.w.Enter(ctx, who, name); err != nil {
			return err
		}
	}
	s.out.Rung.Phones = len(s.owners)
	s.away.Bell.Online(false)
	return nil
}

// rang counts the messages of a type on the phones of all applicants.
func (s *lagawi) rang(kind string) (n int) {
	for _, p := range s.owners {
		n += len(p.Rang(kind))
	}
	return n
}

// rings lets the two minutes behind the publication pass, and looks at the screens.
func (s *lagawi) rings(ctx context.Context) error {
	if s.w.o.Google == nil {
		return nil
	}
	r := &s.out.Rung
	r.Early = s.rang(domain.NoticeResults)
	if err := s.w.Sends(ctx, publication().Add(toldWithin), time.Second); err != nil {
		return err
	}
	words := map[string]bool{}
	for _, p := range s.owners {
		got := p.Rang(domain.NoticeResults)
		if len(got) == 0 {
			continue
		}
		cards := slices.DeleteFunc(p.Bell.Cards(), func(c fcmfake.Card) bool { return c.Message.Content.Data["type"] != domain.NoticeResults })
		if len(got) != 1 || len(cards) != 1 || cards[0].Drawn != 1 {
			return fmt.Errorf("%s got %d messages and shows %+v", p.Name, len(got), cards)
		}
		r.Within, r.Last = r.Within+1, max(r.Last, got[0].At.Sub(publication()))
		c := got[0].Content
		words[fmt.Sprint(cards[0].Title, cards[0].Body, cards[0].Tag, c.Data["type"], c.Data["link"], c.Android.Priority, c.Android.CollapseKey)] = true
	}
	r.Words = len(words)
	if post, is := s.w.o.Messenger.(*Post); is {
		to := map[string]int{}
		for _, m := range post.Sent() {
			if to[string(m.To)]++; m.Template != domain.NoticeResults || to[string(m.To)] > 1 {
				return fmt.Errorf("written to somebody: %+v", m)
			}
		}
		for _, p := range s.silent {
			r.Written += to[p.Who.Number]
		}
		if len(to) != r.Written {
			return fmt.Errorf("%d people are written to, %d of whom have no phone that rings", len(to), r.Written)
		}
	}
	s.tell.Say("%d phones ring within %d s, all with the same card; %d people whose phones name no address are written to by WhatsApp, as they asked for.", r.Within, int(r.Last.Seconds()), r.Written)
	return nil
}

// place lets the phone ring that hears of the place which came free, and no other.
func (s *lagawi) place(ctx context.Context, owner *Phone) error {
	if s.w.o.Google == nil {
		return nil
	}
	if err := s.w.Sends(ctx, s.w.Clock.Now().Add(5*time.Second), time.Second); err != nil {
		return err
	}
	if s.out.Rung.Place = s.rang(domain.NoticePlace); s.out.Rung.Place != len(owner.Rang(domain.NoticePlace)) {
		return errors.New("a phone rings for the place of somebody else")
	}
	return nil
}

// wakes gives the phone a network again that had none while the results were told.
func (s *lagawi) wakes() {
	if s.away.Bell != nil {
		s.away.Bell.Online(true)
		s.out.Rung.Late = len(s.away.Rang(domain.NoticeResults))
	}
}

// nightly publishes something at 22:30: inboxes have it at once, and phones ring in the
// morning.
func (s *lagawi) nightly(ctx context.Context) error {
	if s.w.o.Google == nil {
		return nil
	}
	n, at := &s.out.Rung.Night, time.Date(2022, time.June, 2, 22, 30, 0, 0, wib())
	words := BriefingWords(s.id, at)
	delete(words, "require_ack")
	delete(words, "ack_by")
	a, err := s.admin.Draft(ctx, words)
	if err != nil {
		return err
	}
	n.Warned = len(a.Warnings) == 1 && a.Warnings[0].Code == "quiet_hours"
	if _, err := s.admin.Operate(ctx, a.ID, domain.AnnounceSchedule); err != nil {
		return err
	}
	s.w.Clock.Set(at)
	if err := errors.Join(s.w.Both(ctx, announces), s.w.Both(ctx, works), s.w.Step(ctx)); err != nil {
		return err
	}
	if n.Inbox, err = s.have(ctx, a.ID); err != nil {
		return err
	}
	if err := s.w.Sends(ctx, at.Add(10*time.Minute), 10*time.Second); err != nil {
		return err
	}
	morning := time.Date(2022, time.June, 3, 0, 0, 0, 0, wib())
	n.Early, _, _ = s.w.rangSince(domain.NoticeAnnouncement, at, morning)
	s.w.Clock.Set(morning.Add(6*time.Hour + 20*time.Minute))
	if err := s.w.Sends(ctx, morning.Add(7*time.Hour), sendsEvery); err != nil {
		return err
	}
	n.Phones, n.First, n.Last = s.w.rangSince(domain.NoticeAnnouncement, at, morning)
	s.tell.Moment(s.w, "Another one of 22:30: its author is warned, %d inboxes have it at once, and %d phones ring in the morning, from %s to %s.", n.Inbox, n.Phones, clockTime(n.First), clockTime(n.Last))
	return nil
}

// clockTime writes the time of a day.
func clockTime(d time.Duration) string { return time.Time{}.Add(d).Format("15:04:05") }

// have counts the people in whose inbox an announcement is.
func (s *lagawi) have(ctx context.Context, announcement string) (n int, err error) {
	seen := map[string]bool{}
	for _, p := range s.w.phones {
		user := p.Who.User
		if user == "" || seen[user] {
			continue
		}
		seen[user] = true
		rows, err := s.w.Rows(ctx, merge.UserScope(user), "inbox")
		if err != nil {
			return n, err
		}
		if slices.ContainsFunc(rows, func(r merge.Row) bool { return domain.ItemAnnouncement(r) == announcement }) {
			n++
		}
	}
	return n, nil
}

// rangSince counts the phones that rang for a type from an instant on, each once, and says
// how long behind another instant the first and the last of them did.
func (w *World) rangSince(kind string, from, behind time.Time) (phones int, first, last time.Duration) {
	for _, p := range w.phones {
		got := slices.DeleteFunc(p.Rang(kind), func(d delivery) bool { return d.At.Before(from) })
		if len(got) == 0 {
			continue
		}
		phones++
		for _, d := range got {
			if since := d.At.Sub(behind); phones == 1 && first == 0 {
				first, last = since, since
			} else {
				first, last = min(first, since), max(last, since)
			}
		}
	}
	return phones, first, last
}

// renamed has phones name their addresses again, as apps do once a month.
func (s *lagawi) renamed(ctx context.Context, phones []*Phone) error {
	for _, p := range phones {
		if err := p.Rings(ctx); err != nil {
			return err
		}
	}
	return nil
}

// asTold reports whether phones saw what the story says, or nothing in a world without
// pushes. audience is how many people the briefing was for.
func (r Rung) asTold(audience int) bool {
	if r == (Rung{}) {
		return true
	}
	n := r.Night
	want := Rung{Phones: fixture.Accepted - silentOfLagawi, Within: fixture.Accepted - silentOfLagawi - 1, Late: 1, Words: 1, Last: r.Last, Written: silentOfLagawi, Place: 1,
		Night: Nightly{Warned: true, Inbox: audience + 1, Phones: audience + 2, First: n.First, Last: n.Last}} // who joined late, and the tablet
	return r == want && r.Last <= toldWithin && n.First >= 6*time.Hour+30*time.Minute && n.Last <= 6*time.Hour+40*time.Minute+sendsEvery
}
