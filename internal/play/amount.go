package play

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Amount is how the story of the wrong amount went (story A7).
type Amount struct {
	Order    []string          // whose phone came first, second and third
	Counted  []domain.Rupiah   // what the entry counted for on the server, each change once
	Shown    []domain.Rupiah   // every value that any screen showed, sorted
	Settled  Sale              // after all three, on the server
	Outcomes map[string]string // of the three adjustments then, by what they wanted
	Notices  map[string]int    // N25 items by person
	Final    Sale              // after the owner decided
	Alike    bool              // in the end every phone shows what the server holds
}

// Sale is what people read of a sales entry.
type Sale struct {
	State   string
	Review  bool // people disagree
	Counted domain.Rupiah
	Amount  domain.Rupiah // effective; that of the entry, while it is void
	Channel string
}

func saleOf(r merge.Row) Sale {
	return Sale{State: r.Text("state"), Review: slices.Contains(r.Strings("flags"), domain.FlagNeedsReview), Counted: domain.Rupiah(r.Int("counted_idr")),
		Amount: domain.Rupiah(r.Int("effective_amount_idr")), Channel: r.Text("effective_channel")}
}

// String is the entry on one line.
func (s Sale) String() string {
	text := fmt.Sprintf("%s, %s, counts %s", s.State, s.Channel, s.Counted.Format())
	if s.Review {
		text += ", needs review"
	}
	return text
}

// Orders lists every order of n things.
func Orders(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, o := range Orders(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(o), i, n-1))
		}
	}
	return out
}

// amountStory is the stage of the story.
type amountStory struct {
	w                   *World
	tell                *Teller
	a, b, c             *Phone
	business, scope, id string
	out                 Amount
	adjusted            map[string]string // id by what was wanted
	names               []string
	owner, staff        *Person
}

// AmountStart is when the story of the wrong amount begins.
func AmountStart() time.Time { return time.Date(2022, 4, 2, 9, 0, 0, 0, wib()) }

// PlayAmount plays story A7: two phones and a third, one business, one wrong
// amount. order says which phone comes into the network first: 0 the owner's, 1
// that of the staff, 2 the one in the shop.
func (w *World) PlayAmount(ctx context.Context, tell *Teller, order []int) (Amount, error) {
	s := &amountStory{w: w, tell: tell, adjusted: map[string]string{}}
	s.out.Outcomes, s.out.Notices = map[string]string{}, map[string]int{}
	for _, act := range []func(context.Context) error{s.open, s.offline, func(ctx context.Context) error { return s.arrive(ctx, order) }, s.settled, s.reinstate} {
		if err := act(ctx); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

// open sets the stage: everybody has seen the entry with the wrong amount.
func (s *amountStory) open(ctx context.Context) (err error) {
	w := s.w
	s.owner, s.staff = w.Person("Bu Rafika"), w.Person("Dimas")
	if s.a, err = w.Enter(ctx, s.owner, "Bu Rafika's phone"); err != nil {
		return err
	}
	if s.business, err = w.Found(ctx, s.a, "Rafins Snack", "18.10"); err != nil {
		return err
	}
	s.scope = scopeOf(s.business)
	if err = w.Hire(ctx, s.a, s.business, s.staff); err != nil {
		return err
	}
	if s.b, err = w.Enter(ctx, s.staff, "Dimas's phone"); err != nil {
		return err
	}
	if s.c, err = w.Enter(ctx, s.owner, "tablet in the shop"); err != nil {
		return err
	}
	if err = w.Sync(ctx, s.a, s.b, s.c); err != nil {
		return err
	}
	s.tell.Moment(w, "Dimas sells keripik pisang and types 1.250.000 instead of 1.520.000.")
	s.id, err = s.b.create(s.scope, "sales", fields{"sold_on": "2022-04-02", "channel": channelStore, "payment": "cash", "amount_idr": 1_250_000, "granularity": "single"})
	if err != nil {
		return err
	}
	if err = w.Sync(ctx, s.b, s.a, s.c); err != nil {
		return err
	}
	return s.look(ctx)
}

// offline lets three phones change the entry without a network.
func (s *amountStory) offline(ctx context.Context) error {
	s.w.Clock.Advance(40 * time.Minute)
	s.tell.Moment(s.w, "Then the network is gone. Bu Rafika corrects the amount on her phone, Dimas voids the entry as a mistake,")
	s.tell.Say("              and on the tablet somebody corrects the channel: the buyer was a reseller.")
	for _, x := range []struct {
		p     *Phone
		wants string
		set   fields
	}{
		{s.a, "correct the amount", fields{"kind": domain.KindCorrect, "patch": fields{"amount_idr": 1_520_000}}},
		{s.b, "void", fields{"kind": domain.KindVoid, "reason_code": "mistake"}},
		{s.c, "correct the channel", fields{"kind": domain.KindCorrect, "patch": fields{"channel": channelReseller, "sold_on": "2022-04-02"}}},
	} {
		x.set["entry_id"] = s.id
		op, err := x.p.create(s.scope, "sale_adjustment", x.set)
		if err != nil {
			return err
		}
		s.adjusted[x.wants] = op
	}
	return s.look(ctx)
}

// arrive brings the phones into the network, one after the other, and round
// again so that everybody has everything.
func (s *amountStory) arrive(ctx context.Context, order []int) error {
	phones := []*Phone{s.a, s.b, s.c}
	for _, i := range order {
		s.names = append(s.names, phones[i].Name)
		s.w.Clock.Advance(2 * time.Hour)
		if err := s.w.Sync(ctx, phones[i]); err != nil {
			return err
		}
		s.tell.Moment(s.w, "A network for: %s.", phones[i].Name)
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	s.out.Order = s.names
	if err := s.w.Sync(ctx, phones...); err != nil {
		return err
	}
	s.tell.Moment(s.w, "And everybody syncs once more.")
	return s.look(ctx)
}

// settled reads what became of the three adjustments.
func (s *amountStory) settled(ctx context.Context) error {
	row, err := s.entry(ctx)
	if err != nil {
		return err
	}
	s.out.Settled = saleOf(row)
	all, err := s.w.Rows(ctx, s.scope, "sale_adjustment")
	if err != nil {
		return err
	}
	for wants, op := range s.adjusted {
		for _, r := range all {
			if r.ID == op {
				s.out.Outcomes[wants] = r.Text("outcome")
			}
		}
	}
	for _, p := range []*Phone{s.a, s.b} {
		n, err := p.Notices(domain.NoticeSaleFlagged)
		if err != nil {
			return err
		}
		s.out.Notices[p.Who.Name] = n
	}
	s.tell.Alert("The entry is %s. People disagree, so a person decides.", s.out.Settled)
	s.tell.Say("  Nothing is lost: in its history the amount is %s, the channel %s, the void %s. Bu Rafika and Dimas have", s.out.Outcomes["correct the amount"], s.out.Outcomes["correct the channel"], s.out.Outcomes["void"])
	s.tell.Say("  notice N25 in their inboxes (%d and %d).\n", s.out.Notices["Bu Rafika"], s.out.Notices["Dimas"])
	return nil
}

// reinstate lets the owner decide, who has seen everything.
func (s *amountStory) reinstate(ctx context.Context) error {
	s.w.Clock.Advance(time.Hour)
	if _, err := s.a.create(s.scope, "sale_adjustment", fields{"entry_id": s.id, "kind": domain.KindReinstate}); err != nil {
		return err
	}
	s.tell.Moment(s.w, "Bu Rafika has read all three and reinstates the entry.")
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, s.a, s.b, s.c); err != nil {
		return err
	}
	s.tell.Moment(s.w, "Everybody syncs.")
	if err := s.look(ctx); err != nil {
		return err
	}
	row, err := s.entry(ctx)
	if err != nil {
		return err
	}
	s.out.Final, s.out.Alike = saleOf(row), true
	for _, p := range []*Phone{s.a, s.b, s.c} {
		mine, ok, err := p.Row(s.scope, "sales", s.id)
		if err != nil {
			return err
		}
		s.out.Alike = s.out.Alike && ok && saleOf(mine) == s.out.Final
	}
	s.tell.Good("In the end, on every phone and on the server: %s.", s.out.Final)
	return nil
}

func (s *amountStory) entry(ctx context.Context) (merge.Row, error) {
	rows, err := s.w.Rows(ctx, s.scope, "sales")
	if err != nil {
		return merge.Row{}, err
	}
	for _, r := range rows {
		if r.ID == s.id {
			return r, nil
		}
	}
	return merge.Row{}, fmt.Errorf("the server has no entry %s", s.id)
}

// look reads every screen and the server.
func (s *amountStory) look(ctx context.Context) error {
	table := [][]string{{"who", "sees", "counts", "to send"}}
	for _, p := range []*Phone{s.a, s.b, s.c} {
		row, ok, err := p.Row(s.scope, "sales", s.id)
		if err != nil || !ok {
			return fmt.Errorf("%s does not show the entry: %w", p.Name, err)
		}
		waiting, err := p.Unsent()
		if err != nil {
			return err
		}
		sale := saleOf(row)
		s.out.Shown = note(s.out.Shown, sale.Counted)
		table = append(table, []string{p.Name, sees(sale), sale.Counted.Format(), strings.Repeat("•", len(waiting))})
	}
	row, err := s.entry(ctx)
	if err != nil {
		return err
	}
	now := saleOf(row)
	if n := len(s.out.Counted); n == 0 || s.out.Counted[n-1] != now.Counted {
		s.out.Counted = append(s.out.Counted, now.Counted)
	}
	s.out.Shown = note(s.out.Shown, now.Counted)
	s.tell.Table(append(table, []string{"server", sees(now), now.Counted.Format(), ""})...)
	s.tell.Say("")
	return nil
}

func sees(s Sale) string {
	text := s.State + ", " + s.Channel
	if s.Review {
		text += ", needs review"
	}
	return text
}

func note(all []domain.Rupiah, amount domain.Rupiah) []domain.Rupiah {
	if !slices.Contains(all, amount) {
		all = append(all, amount)
	}
	slices.Sort(all)
	return all
}
