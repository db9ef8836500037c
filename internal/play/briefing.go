package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// How many owners read the briefing with a network, and how many without. Those behind
// them never do: one has it and does not open it, the last has no network at all.
const (
	ReadOnline  = 12
	ReadOffline = 5
)

// Briefing is story A10: an announcement for some, from its draft to its retraction. It
// begins before 30 May and ends on 2 June.
type Briefing struct {
	World     *World
	Desk      *Phone // its author's
	Programme string

	Owners, Staff, Mentors []*Phone // whom it is for; owners of one business each
	Outside                []*Phone // whom it is not for

	Look   func(context.Context) error           // servers look at the clock
	Finish func(context.Context) error           // and do what follows
	Join   func(context.Context) (*Phone, error) // somebody becomes staff of the first owner

	tell *Teller
	id   string
	out  Briefed
}

// Briefed is what came of a briefing.
type Briefed struct {
	ID                                    string
	Owners, Staff, Mentors                int // of the preview
	People, Delivered, Read, Acked, Never int // of the receipts in the end
	Earliest                              int // who read without a network, and whose earliest instant counts
	Version                               int // of the words, after the correction
	Cleared                               int // phones from which their next sync took the words that were retracted
	Rang                                  int // phones that showed it by two minutes past, in a world with pushes
	Asked, AskedRang                      int // who was reminded to read it, and phones that showed that, in a world with pushes
}

// BriefingHour is when it is published.
func BriefingHour() time.Time { return time.Date(2022, time.May, 30, 8, 0, 0, 0, wib()) }

// BriefingWords is what its author writes, to be published at an instant.
func BriefingWords(programme string, publish time.Time) map[string]any {
	return map[string]any{"title_id": "Briefing pameran", "title_en": "Exhibition briefing", "body_id": "Datang pukul 10.00 WIB.", "body_en": "Please come at 10:00.",
		"audience":   map[string]any{"programme_id": programme, "enrolment_states": []string{"offered", "active"}, "regions": []string{"18"}, "categories": []string{"food_beverage"}},
		"publish_at": publish, "require_ack": true, "ack_by": publish.Add(33 * time.Hour)}
}

// Play plays it. It fails where something does not come out as it must.
func (b *Briefing) Play(ctx context.Context, tell *Teller) (Briefed, error) {
	b.tell = tell
	for _, act := range []func(context.Context) error{b.plans, b.sends, b.reads, b.asks, b.corrects, b.retracts} {
		if err := act(ctx); err != nil {
			return b.out, fmt.Errorf("briefing: %w", err)
		}
	}
	return b.out, nil
}

// Audience is everybody whom it is for.
func (b *Briefing) Audience() []*Phone { return slices.Concat(b.Owners, b.Staff, b.Mentors) }

// away is the phone that has no network until the words are taken back.
func (b *Briefing) away() *Phone { return b.Owners[len(b.Owners)-1] }

// step has the servers look at the clock, and do what follows.
func (b *Briefing) step(ctx context.Context) error {
	return errors.Join(b.Look(ctx), b.Finish(ctx))
}

// plans writes it and has it scheduled: nobody hears of it before its hour.
func (b *Briefing) plans(ctx context.Context) error {
	a, err := b.Desk.Draft(ctx, BriefingWords(b.Programme, BriefingHour()))
	if err != nil {
		return err
	}
	b.id, b.out.ID = a.ID, a.ID
	p, err := b.Desk.Preview(ctx, b.id)
	if err != nil {
		return err
	}
	if p.People != len(b.Audience()) || p.Owners != len(b.Owners) || p.Staff != len(b.Staff) || p.Mentors != len(b.Mentors) || p.Businesses != len(b.Owners) || p.Review || len(p.Warnings) > 0 {
		return fmt.Errorf("it would reach %+v, and is for %d owners, %d staff, %d mentors", p, len(b.Owners), len(b.Staff), len(b.Mentors))
	}
	b.out.Owners, b.out.Staff, b.out.Mentors = p.Owners, p.Staff, p.Mentors
	if a, err = b.Desk.Operate(ctx, b.id, domain.AnnounceSchedule); err != nil || a.Fields["state"] != domain.AnnouncementScheduled {
		return errors.Join(err, fmt.Errorf("scheduled, it is %v", a.Fields["state"]))
	}
	b.tell.Moment(b.World, "A briefing before the exhibition, for those who work with food: %d owners, %d staff and %d mentors, on 30 May at 08:00.", p.Owners, p.Staff, p.Mentors)
	if err := b.step(ctx); err != nil {
		return err
	}
	for _, p := range slices.Concat(b.Audience(), b.Outside) {
		if err := b.sync(ctx, p); err != nil {
			return err
		}
		if _, some, err := p.Item(b.id); err != nil || some {
			return errors.Join(err, fmt.Errorf("%s has it before its hour: %t", p.Name, some))
		}
		scopes, err := p.Scopes()
		if err != nil {
			return err
		}
		for s := range scopes {
			if strings.HasPrefix(s, domain.ScopeDecision) || strings.HasPrefix(s, domain.ScopeAnnouncement) {
				return fmt.Errorf("%s holds %s", p.Name, s)
			}
		}
	}
	return nil
}

// sends lets the hour come. Somebody who joins an hour later is too late for it.
func (b *Briefing) sends(ctx context.Context) error {
	b.World.At(time.May, 30, 8, 0)
	if b.away().Bell != nil {
		b.away().Bell.Online(false)
	}
	if err := errors.Join(b.step(ctx), b.rings(ctx)); err != nil {
		return err
	}
	b.World.At(time.May, 30, 9, 0)
	late, err := b.Join(ctx)
	if err != nil {
		return err
	}
	if err := b.step(ctx); err != nil {
		return err
	}
	b.away().Sky.Draw = noNetwork
	if err := b.everyone(ctx, "sent", []*Phone{late}, func(r merge.Row) bool { return r.Text("body_id") == "Datang pukul 10.00 WIB." && r.Int("version") == 1 }); err != nil {
		return err
	}
	b.Outside = append(b.Outside, late)
	for _, p := range b.Audience() {
		if p != b.away() {
			if err := p.Note(b.id, false, false); err != nil {
				return err
			}
		}
	}
	if err := b.Desk.Login(ctx); err != nil {
		return err
	}
	now, err := b.Desk.News(ctx, b.id)
	if err != nil || now.Fields["state"] != domain.AnnouncementSent || now.Fields["audience_count"] != float64(len(b.Audience())) {
		return errors.Join(err, fmt.Errorf("sent, it is %v for %v", now.Fields["state"], now.Fields["audience_count"]))
	}
	b.tell.Moment(b.World, "%v people have it; somebody who joined at 09:00 does not.", now.Fields["audience_count"])
	return nil
}

// passes lets the two minutes pass in which phones ring. A world without pushes it leaves alone.
func (b *Briefing) passes(ctx context.Context) error {
	if b.World.o.Google == nil {
		return nil
	}
	return b.World.Sends(ctx, b.World.Clock.Now().Add(2*time.Minute), time.Second)
}

// rings looks at which phones show it two minutes later.
func (b *Briefing) rings(ctx context.Context) error {
	if err := b.passes(ctx); err != nil {
		return err
	}
	b.out.Rang = 0
	for _, p := range b.Audience() {
		b.out.Rang += len(p.Rang(domain.NoticeAnnouncement))
	}
	for _, p := range b.Outside {
		if n := len(p.Rang(domain.NoticeAnnouncement)); n > 0 {
			return fmt.Errorf("%s, whom it is not for, rings %d times", p.Name, n)
		}
	}
	return nil
}

// silent fails if something that must not ring did.
func (b *Briefing) silent(ctx context.Context, what string) error {
	was := b.out.Rang
	if err := b.rings(ctx); err != nil {
		return err
	}
	if b.out.Rang != was {
		return fmt.Errorf("%d phones ring although it was %s", b.out.Rang-was, what)
	}
	return nil
}

// everyone wants every phone of the audience that has a network to have one item that
// passes, and nobody else any; also not of some more people.
func (b *Briefing) everyone(ctx context.Context, at string, more []*Phone, passes func(merge.Row) bool) error {
	for _, p := range b.World.shuffled(b.Audience()) {
		if p.Sky.Draw != nil {
			continue
		}
		if err := b.World.Sync(ctx, p); err != nil {
			return err
		}
		if item, some, err := p.Item(b.id); err != nil || !some || !passes(item) {
			return errors.Join(err, fmt.Errorf("%s: %s has %t %s", at, p.Name, some, item.EncodeFields()))
		}
	}
	for _, p := range slices.Concat(b.Outside, more) {
		if err := b.sync(ctx, p); err != nil {
			return err
		}
		if _, some, err := p.Item(b.id); err != nil || some {
			return errors.Join(err, fmt.Errorf("%s: %s, whom it is not for, has it: %t", at, p.Name, some))
		}
	}
	return nil
}

// sync lets a phone sync; of an admin, whose session is short, after a login.
func (b *Briefing) sync(ctx context.Context, p *Phone) error {
	if p.Who.secret != "" {
		if err := p.Login(ctx); err != nil {
			return err
		}
	}
	return b.World.Sync(ctx, p)
}

// reads lets twelve owners read with a network, and their staff and mentors, and five
// owners without; one of these on two phones, the earlier of which comes last.
func (b *Briefing) reads(ctx context.Context) error {
	online := slices.Concat(b.Owners[:ReadOnline], b.Staff, b.Mentors)
	offline, rest := b.Owners[ReadOnline:ReadOnline+ReadOffline], b.Owners[ReadOnline+ReadOffline:len(b.Owners)-1]
	tablet, err := b.World.Enter(ctx, offline[0].Who, "tablet of "+offline[0].Who.Name)
	if err != nil {
		return err
	}
	for _, p := range online {
		if err := p.Note(b.id, true, true); err != nil {
			return err
		}
	}
	if err := b.World.Sync(ctx, append(b.World.shuffled(slices.Concat(online, rest)), tablet)...); err != nil {
		return err
	}
	b.World.At(time.May, 30, 10, 0)
	read := map[string]time.Time{}
	for _, p := range offline {
		p.Sky.Draw = noNetwork
		read[p.Me().User] = b.World.Clock.Now().UTC()
		if err := p.Note(b.id, true, false); err != nil {
			return err
		}
	}
	b.World.At(time.May, 30, 11, 0)
	if err := errors.Join(tablet.Note(b.id, true, true), b.World.Sync(ctx, tablet)); err != nil {
		return err
	}
	if got, err := b.receipts(ctx); err != nil || got.Read != len(online)+1 || got.Acked != len(online)+1 {
		return errors.Join(err, fmt.Errorf("at eleven %d have read it, %d said so", got.Read, got.Acked))
	}
	b.World.At(time.May, 30, 15, 0)
	for _, p := range offline {
		p.Sky.Draw = nil
	}
	if err := b.World.Sync(ctx, slices.Concat(b.World.shuffled(offline), offline)...); err != nil {
		return err
	}
	return b.counts(ctx, read)
}

// receipts asks what became of it.
func (b *Briefing) receipts(ctx context.Context) (Receipts, error) {
	if err := b.Desk.Login(ctx); err != nil {
		return Receipts{}, err
	}
	return b.Desk.Receipts(ctx, b.id)
}

// counts looks at the receipts in the afternoon, and at when those without a network read
// it.
func (b *Briefing) counts(ctx context.Context, read map[string]time.Time) error {
	got, err := b.receipts(ctx)
	if err != nil {
		return err
	}
	b.out.People, b.out.Delivered, b.out.Read, b.out.Acked, b.out.Never = got.People, got.Delivered, got.Read, got.Acked, got.People-got.Read
	for _, r := range got.Receipts {
		if at, is := read[r.User]; is && r.Read != nil && r.Read.Equal(at) {
			b.out.Earliest++
		}
	}
	acked := len(b.Audience()) - len(b.Owners) + ReadOnline + 1 // on the tablet
	if got.People != len(b.Audience()) || got.Delivered != got.People-1 || got.Acked != acked || b.out.Never != len(b.Owners)-ReadOnline-ReadOffline || b.out.Earliest != ReadOffline {
		return fmt.Errorf("receipts %+v, and the earliest instant of %d", got, b.out.Earliest)
	}
	b.tell.Moment(b.World, "Receipts: %d people, %d have it, %d have read it, %d say so, %d never opened it. Five read without a network; the hour at which they did came with their next sync.",
		got.People, got.Delivered, got.Read, got.Acked, b.out.Never)
	return nil
}

// unread are the owners who never read it. The last one has no network.
func (b *Briefing) unread() []*Phone { return b.Owners[ReadOnline+ReadOffline:] }

// asks lets the hour come at which those who have not read it are reminded, a day before its
// time: two planners look at once, the process that tells them dies behind the first, the
// server starts anew, and it and another process go on at once.
func (b *Briefing) asks(ctx context.Context) error {
	b.World.At(time.May, 30, 16, 59)
	if err := errors.Join(b.step(ctx), b.reminded(ctx, nil)); err != nil {
		return err
	}
	b.World.At(time.May, 30, 17, 0)
	if err := b.Look(ctx); err != nil {
		return err
	}
	dies, _ := b.World.mortal(1)
	if err := works(ctx, dies); !errors.Is(err, errDead) {
		return errors.Join(err, errors.New("a process that should die behind the first reminder has done all"))
	}
	if err := b.World.restart(ctx, func() error { return nil }); err != nil {
		return err
	}
	for range 2 {
		if err := b.step(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(b.passes(ctx), b.World.Sync(ctx, b.unread()[:len(b.unread())-1]...), b.reminded(ctx, b.unread())); err != nil {
		return err
	}
	b.tell.Moment(b.World, "A day before its time %d who have not read it are asked to, each once, although two planners looked and a process died behind the first; %d phone rings, the other one has no network.",
		b.out.Asked, b.out.AskedRang)
	return nil
}

// reminded wants some owners to be reminded, once, and nobody else: in their inboxes, and on
// their phones but for the one without a network, which rings for it at no later time either.
func (b *Briefing) reminded(ctx context.Context, owners []*Phone) error {
	b.out.Asked, b.out.AskedRang = len(owners), 0
	for _, p := range slices.Concat(b.Audience(), b.Outside) {
		rows, err := b.World.Rows(ctx, merge.UserScope(p.Me().User), "inbox")
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r merge.Row) bool { return r.Text("type") != domain.NoticeAcknowledge })
		if is := slices.Contains(owners, p); is != (len(rows) == 1) || len(rows) > 1 || is && domain.NoticeObject(rows[0]).ID != b.id {
			return fmt.Errorf("%s is reminded %d times, and should be: %t", p.Name, len(rows), is)
		}
	}
	for _, p := range b.World.phones {
		shows := slices.Contains(owners, p) && p != b.away()
		if n, err := p.Notices(domain.NoticeAcknowledge); err != nil || n > 1 || shows && n == 0 || n == 1 && !slices.Contains(owners, p) {
			return errors.Join(err, fmt.Errorf("%s holds the reminder %d times", p.Name, n))
		}
		n := len(p.Rang(domain.NoticeAcknowledge))
		if want := shows && p.Bell != nil; want != (n == 1) || n > 1 {
			return fmt.Errorf("%s rings %d times to remind, and should: %t", p.Name, n, want)
		}
		b.out.AskedRang += n
	}
	return nil
}

// corrects makes a second version, which takes the place of the first.
func (b *Briefing) corrects(ctx context.Context) error {
	b.World.At(time.May, 31, 9, 0)
	if err := b.Desk.Login(ctx); err != nil {
		return err
	}
	if err := errors.Join(b.Desk.Correct(ctx, b.id, map[string]any{"body_id": "Datang pukul 11.00 WIB.", "body_en": "Please come at 11:00."}), b.Finish(ctx), b.silent(ctx, "only corrected")); err != nil {
		return err
	}
	err := b.everyone(ctx, "corrected", nil, func(r merge.Row) bool {
		b.out.Version = int(r.Int("version"))
		id, en := domain.NoticeText(r, domain.WIB, message.ID), domain.NoticeText(r, domain.WIB, message.EN)
		return b.out.Version == 2 && id == message.Sentence{Title: "Diperbarui: Briefing pameran", Detail: "Datang pukul 11.00 WIB."} &&
			en == message.Sentence{Title: "Updated: Exhibition briefing", Detail: "Please come at 11:00."}
	})
	if err != nil {
		return err
	}
	old, err := b.Desk.Versions(ctx, b.id)
	if err != nil || len(old) != 1 || old[0].Fields["body_id"] != "Datang pukul 10.00 WIB." {
		return errors.Join(err, fmt.Errorf("earlier words %+v", old))
	}
	b.tell.Moment(b.World, "Corrected to 11:00: version 2, in the item that everybody has.")
	return nil
}

// retracts takes the words back; one who has them has no network at that moment.
func (b *Briefing) retracts(ctx context.Context) error {
	b.World.At(time.June, 2, 9, 0)
	if err := b.Desk.Login(ctx); err != nil {
		return err
	}
	if _, err := b.Desk.Operate(ctx, b.id, domain.AnnounceRetract); err != nil {
		return err
	}
	if err := errors.Join(b.Finish(ctx), b.silent(ctx, "taken back")); err != nil {
		return err
	}
	if item, _, err := b.Owners[0].Item(b.id); err != nil || item.Text("body_id") == "" {
		return errors.Join(err, errors.New("the words left a phone before it synced"))
	}
	b.away().Sky.Draw = nil
	if b.away().Bell != nil {
		b.away().Bell.Online(true) // the push service had it before the words were taken back
	}
	err := b.everyone(ctx, "retracted", nil, func(r merge.Row) bool {
		gone := r.Text("body_id") == "" && r.Text("body_en") == "" && r.Text("title_id") == "Briefing pameran" && domain.NoticeText(r, domain.WIB, message.ID).Title == "Ditarik: Briefing pameran"
		if gone {
			b.out.Cleared++
		}
		return gone
	})
	if err != nil {
		return err
	}
	if err := b.Desk.Correct(ctx, b.id, map[string]any{"body_id": "Lagi"}); fault.CodeOf(err) != "forbidden_transition" {
		return fmt.Errorf("corrected after it was taken back: %w", err)
	}
	if got, err := b.receipts(ctx); err != nil || got.Read != b.out.Read || got.People != b.out.People {
		return errors.Join(err, fmt.Errorf("in the end %d of %d have read it", got.Read, got.People))
	}
	if err := b.reminded(ctx, b.unread()); err != nil {
		return err
	}
	b.tell.Moment(b.World, "Retracted: the words left all %d phones at their next sync, also one that had no network since before 30 May.", b.out.Cleared)
	return nil
}

// noNetwork is the weather of a valley, and of flight mode.
func noNetwork() Weather { return NoNetwork }
