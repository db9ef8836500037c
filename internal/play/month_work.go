package play

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// work is one thing that somebody does with a phone.
func (s *monthStory) work(p *Phone, day time.Time) error {
	rng := s.w.rng
	switch n := rng.IntN(100); {
	case n < 60:
		return s.sell(p, day)
	case n < 75:
		return s.adjust(p, day)
	case n < 88 && p.Who.role == "":
		return s.price(p)
	case n < 94 && p.Who.role == "":
		return s.profile(p)
	}
	return s.sell(p, day)
}

// sell writes a sale. Now and then somebody types next month.
func (s *monthStory) sell(p *Phone, day time.Time) error {
	rng := s.w.rng
	on := day.In(wib())
	if rng.IntN(40) == 0 {
		on = on.AddDate(0, 1, 0)
	}
	sale := fields{"sold_on": on.Format(time.DateOnly), "payment": []string{"cash", "qris", "transfer"}[rng.IntN(3)], "amount_idr": 500 * (10 + rng.IntN(900)), "granularity": "single",
		"channel": []string{channelStore, channelStore, channelReseller, channelMarket, channelChat}[rng.IntN(5)]}
	if sale["channel"] == channelMarket {
		sale["marketplace"] = []string{"shopee", "tokopedia"}[rng.IntN(2)]
	}
	if p.Who.role != "" {
		sale["on_behalf"] = true
	}
	_, err := p.create(s.scope, "sales", sale)
	return err
}

// adjust corrects, voids or refunds a sale on the phone's screen. What the rules
// do not allow is refused by the server, and kept.
func (s *monthStory) adjust(p *Phone, day time.Time) error {
	rng := s.w.rng
	rows, err := p.Rows(s.scope, "sales")
	if err != nil || len(rows) == 0 {
		return errors.Join(err, s.sell(p, day))
	}
	row := rows[max(0, len(rows)-1-rng.IntN(12))] // a recent one: people quarrel about today
	set := fields{"entry_id": row.ID}
	switch rng.IntN(4) {
	case 0:
		set["kind"], set["reason_code"] = domain.KindVoid, "mistake"
	case 1:
		set["kind"] = domain.KindReinstate
	default:
		set["kind"], set["patch"] = domain.KindCorrect, fields{"amount_idr": 500 * (10 + rng.IntN(900))}
	}
	_, err = p.create(s.scope, "sale_adjustment", set)
	return err
}

func (s *monthStory) price(p *Phone) error {
	return p.change(s.scope, "product", s.products[s.w.rng.IntN(len(s.products))], fields{"price_idr": 500 * (20 + s.w.rng.IntN(20))})
}

func (s *monthStory) profile(p *Phone) error {
	business := strings.TrimPrefix(s.scope, "business/")
	return p.change(s.scope, "business", business, fields{"story": fmt.Sprintf("Camilan dari Lampung, ditulis di %s pukul %s.", p.Name, s.w.Clock.Now().In(wib()).Format("15.04"))})
}

// report tells how it went.
func (s *monthStory) report() {
	o := s.out
	s.tell.Table([]string{"thirty days", ""},
		[]string{"edits made", fmt.Sprint(o.Made)},
		[]string{"edits sent, repetitions too", fmt.Sprint(o.Count.Edits)},
		[]string{"requests that left a phone", fmt.Sprint(o.Count.Requests)},
		[]string{"tries without any network", fmt.Sprint(o.NoNetwork)},
		[]string{"exchanges lost or cut", fmt.Sprint(o.Count.Lost)},
		[]string{"exchanges repeated", fmt.Sprint(o.Count.Twice)},
		[]string{"edits that lost a field to another's", fmt.Sprint(o.Verdicts[merge.Merged] + o.Verdicts[merge.Superseded])},
		[]string{"values kept in the journal", fmt.Sprint(o.Journal)},
		[]string{"edits refused, kept in quarantine", fmt.Sprint(o.Quarantine)},
		[]string{"edits without an answer", fmt.Sprint(o.Waiting)},
		[]string{"edits lost", fmt.Sprint(o.Made - sumOf(o.Verdicts) - o.Waiting)})
	byChannel := map[string]domain.Rupiah{}
	entries := map[string]int{}
	days := map[domain.Date]bool{}
	for _, t := range o.Totals {
		name := t.Channel
		if t.Marketplace != "" {
			name += ": " + t.Marketplace
		}
		byChannel[name] += t.Amount
		entries[name] += t.Entries
		days[t.Day] = true
	}
	table := [][]string{{"channel", "entries", "on the server"}}
	for _, name := range slices.Sorted(maps.Keys(byChannel)) {
		table = append(table, []string{name, fmt.Sprint(entries[name]), byChannel[name].Format()})
	}
	s.tell.Say("")
	s.tell.Table(table...)
	s.tell.Say("")
	table = [][]string{{"who adds up", fmt.Sprintf("%d days", len(days))}, {"server", o.Server.Format()}}
	for _, name := range slices.Sorted(maps.Keys(o.Phones)) {
		table = append(table, []string{name, o.Phones[name].Format()})
	}
	s.tell.Table(table...)
	if o.Alike && o.TotalsSame {
		s.tell.Good("Equal on all %d phones and the server, by day and channel, record by record: %s.", len(o.Phones), o.Server.Short())
	} else {
		s.tell.Alert("Phones and server differ.")
	}
}

func sumOf(verdicts map[merge.Outcome]int) int {
	n := 0
	for _, k := range verdicts {
		n += k
	}
	return n
}
