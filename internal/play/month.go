package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Month is how thirty days with a bad network went.
type Month struct {
	Made       int // edits that people made
	Count      Count
	Verdicts   map[merge.Outcome]int
	Journal    int // values that lost and are kept, readable and restorable
	Quarantine int // edits that were refused and are kept
	Waiting    int // edits without a verdict in the end
	NoNetwork  int // attempts to sync in a valley
	Totals     []domain.Total
	Server     domain.Rupiah
	Phones     map[string]domain.Rupiah
	Alike      bool // every phone holds the server's records, to the byte
	TotalsSame bool // every phone adds up to the server's totals by day and channel
}

// MonthStart is when the thirty days begin.
func MonthStart() time.Time { return time.Date(2022, 5, 18, 6, 0, 0, 0, wib()) }

// monthStory is the stage of the thirty days.
type monthStory struct {
	w        *World
	tell     *Teller
	scope    string
	phones   []*Phone
	days     map[*Phone]int // days of the present valley that are left
	products []string
	out      Month
}

// PlayMonth lets four phones of one business work for thirty days under a
// network that loses, repeats and cuts, then lets everybody come home.
func (w *World) PlayMonth(ctx context.Context, tell *Teller) (Month, error) {
	s := &monthStory{w: w, tell: tell, days: map[*Phone]int{}}
	s.out.Verdicts, s.out.Phones = map[merge.Outcome]int{}, map[string]domain.Rupiah{}
	if err := s.open(ctx); err != nil {
		return s.out, err
	}
	for day := range 30 {
		if err := s.day(ctx, day); err != nil {
			return s.out, err
		}
	}
	if err := s.home(ctx); err != nil {
		return s.out, err
	}
	return s.out, s.close(ctx)
}

func (s *monthStory) open(ctx context.Context) error {
	w := s.w
	w.At(time.May, 18, 6, 0)
	owner, staff, mentor := w.Person("Bu Rafika"), w.Person("Dimas"), w.Person("Pak Hendra")
	mine, err := w.Enter(ctx, owner, "Bu Rafika's phone")
	if err != nil {
		return err
	}
	business, err := w.Found(ctx, mine, "Rafins Snack Pasar", "18.10")
	if err != nil {
		return err
	}
	s.scope = scopeOf(business)
	if err := w.Hire(ctx, mine, business, staff); err != nil {
		return err
	}
	s.phones = append(s.phones, mine)
	for _, x := range []struct {
		who  *Person
		name string
	}{{owner, "tablet in the shop"}, {staff, "Dimas's phone"}, {mentor, "Pak Hendra's phone"}} {
		p, err := w.Enter(ctx, x.who, x.name)
		if err != nil {
			return err
		}
		s.phones = append(s.phones, p)
	}
	admin, err := w.Enter(ctx, w.Person("Bu Ratna"), "the office")
	if err != nil {
		return err
	}
	if _, err := w.Assign(ctx, admin, business, mentor); err != nil {
		return err
	}
	if err := w.Sync(ctx, s.phones...); err != nil {
		return err
	}
	for _, name := range []string{"Keripik pisang", "Keripik singkong", "Kopi bubuk"} {
		id, err := mine.create(s.scope, "product", fields{"name": name, "unit": "pack", "price_idr": 15_000})
		if err != nil {
			return err
		}
		s.products = append(s.products, id)
		s.out.Made++
	}
	if err := w.Sync(ctx, s.phones...); err != nil {
		return err
	}
	for _, p := range s.phones {
		p.Sky.Count = Count{}
		p.Sky.Draw = func() Weather { return s.weather(p) }
	}
	// One clock is two years behind, another three hours ahead.
	s.phones[2].SetClock(-2 * 365 * 24 * time.Hour)
	s.phones[1].SetClock(3 * time.Hour)
	s.tell.Say("Four phones, one business, 18 May to 16 June. Each loses the network for days; of what gets through,")
	s.tell.Say("one exchange in three is lost, cut or repeated. Dimas's clock is two years slow.")
	return nil
}

// weather is what happens to one exchange of a phone.
func (s *monthStory) weather(p *Phone) Weather {
	if s.days[p] > 0 {
		s.out.NoNetwork++
		return NoNetwork
	}
	switch n := s.w.rng.IntN(100); {
	case n < 8:
		return RequestLost
	case n < 20:
		return AnswerLost
	case n < 28:
		return AnswerCut
	case n < 36:
		return SentTwice
	}
	return Fair
}

// day is one working day: people work, and try to sync when they think of it.
func (s *monthStory) day(ctx context.Context, day int) error {
	w := s.w
	morning := MonthStart().AddDate(0, 0, day)
	for hour := range 10 {
		if t := morning.Add(time.Duration(hour) * time.Hour); t.After(w.Clock.Now()) {
			w.Clock.Set(t)
		}
		p := s.phones[w.rng.IntN(len(s.phones))]
		for range 1 + w.rng.IntN(3) {
			if err := s.work(p, morning); err != nil {
				return err
			}
			s.out.Made++
		}
		if w.rng.IntN(3) > 0 {
			continue
		}
		p = s.phones[w.rng.IntN(len(s.phones))]
		if err := s.try(ctx, p); err != nil {
			return err
		}
	}
	for _, p := range s.phones {
		switch {
		case s.days[p] > 0:
			s.days[p]--
		case w.rng.IntN(7) == 0:
			s.days[p] = 1 + w.rng.IntN(6)
		}
		if w.rng.IntN(20) == 0 {
			p.Reboot()
		}
	}
	return nil
}

// try is a sync that may fail for want of a network, and for nothing else.
func (s *monthStory) try(ctx context.Context, p *Phone) error {
	err := p.Sync(ctx)
	if err != nil && fault.KindOf(err) != fault.Transient {
		return fmt.Errorf("%s syncs: %w", p.Name, err)
	}
	return s.w.Step(ctx)
}

// home gives everybody a good network until nothing is left to do.
func (s *monthStory) home(ctx context.Context) error {
	for _, p := range s.phones {
		p.Sky.Draw = nil
		s.days[p] = 0
	}
	for range 3 {
		if err := s.w.Sync(ctx, s.phones...); err != nil {
			return err
		}
	}
	return nil
}

// close compares phones and server, and adds up.
func (s *monthStory) close(ctx context.Context) (err error) {
	rows, err := s.w.Rows(ctx, s.scope, "sales")
	if err != nil {
		return err
	}
	s.out.Totals, s.out.TotalsSame = domain.Totals(rows, nil), true
	s.out.Server = sum(s.out.Totals)
	fresh, err := s.w.Enter(ctx, s.phones[0].Who, "a new phone of Bu Rafika")
	if err != nil {
		return err
	}
	if err := s.w.Sync(ctx, fresh); err != nil {
		return err
	}
	all := append(slices.Clone(s.phones), fresh)
	for _, p := range all {
		if err := s.closePhone(p); err != nil {
			return err
		}
	}
	journal, err := s.w.Rows(ctx, s.scope, "journal")
	s.out.Journal = len(journal)
	for _, who := range []string{s.phones[0].Who.User, s.phones[2].Who.User, s.phones[3].Who.User} {
		refused, more := s.w.Rows(ctx, merge.UserScope(who), "quarantine")
		for _, r := range refused {
			if r.Text("scope") == s.scope {
				s.out.Quarantine++
			}
		}
		err = errors.Join(err, more)
	}
	if err != nil {
		return err
	}
	s.out.Alike, err = s.w.Alike(ctx, s.scope, all...)
	s.report()
	return err
}

func (s *monthStory) closePhone(p *Phone) error {
	rows, err := p.Rows(s.scope, "sales")
	if err != nil {
		return err
	}
	mine := domain.Totals(rows, nil)
	s.out.Phones[p.Name] = sum(mine)
	s.out.TotalsSame = s.out.TotalsSame && slices.Equal(mine, s.out.Totals)
	kept, err := p.Outbox()
	for _, k := range kept {
		if k.Answered {
			s.out.Verdicts[k.Verdict]++
		} else {
			s.out.Waiting++
		}
	}
	s.out.Count.add(p.Sky.Count)
	return err
}

func sum(all []domain.Total) domain.Rupiah {
	var out domain.Rupiah
	for _, t := range all {
		out += t.Amount
	}
	return out
}
