package client

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Amount is what ParseRupiah read.
type Amount struct {
	Rupiah int64
	// Echo says that the text could be meant otherwise: show the amount in full
	// and let the person confirm it.
	Echo bool
}

// ParseRupiah reads an amount as people write it: "1.250.000", "Rp 1,25 juta",
// "500 rb", "5,23 M" (miliar).
//
// Errors: "amount_invalid", "amount_ambiguous", "amount_fraction",
// "amount_out_of_range".
func (p *Phone) ParseRupiah(text string) (*Amount, error) {
	r, echo, err := domain.ParseRupiah(text)
	if err != nil {
		return nil, p.fault(err)
	}
	return &Amount{Rupiah: int64(r), Echo: echo}, nil
}

// FormatRupiah writes an amount in full: Rp1.250.000.
func FormatRupiah(amount int64) string { return domain.Rupiah(amount).Format() }

// ShortRupiah writes an amount in its largest unit: Rp1,25 juta.
func ShortRupiah(amount int64) string { return domain.Rupiah(amount).Short() }

// ParsePhone reads a mobile number in any usual spelling and gives it as
// +628…
//
// Errors: "phone_invalid", "phone_landline", "phone_foreign", "phone_too_short",
// "phone_too_long", "phone_scientific".
func (p *Phone) ParsePhone(text string) (string, error) {
	number, err := domain.ParsePhone(text)
	return string(number), p.fault(err)
}

// Totals gives what a business sold on the days from … to, both included, as
// YYYY-MM-DD; an empty bound is none. A JSON object with all, online, offline,
// days, channels, marketplaces and exhibitions; each sum has entries,
// amount_idr, verified_idr, rejected_idr, and of that what the server does not
// have yet: unsent (entries) and pending_idr.
func (p *Phone) Totals(scope, from, to string) (string, error) {
	s, err := p.summary(scope, domain.Date(from), domain.Date(to))
	return p.json(s, err)
}

// Progress gives how far a business has come with the newest of its enrolments that runs, else the newest, and
// with what belongs to no programme, by what is on the phone: a JSON object with
// enrolment (its state; empty without one), tasks_done, tasks_total, cases_done,
// cases_total and last_entry_on (YYYY-MM-DD; empty without an entry).
func (p *Phone) Progress(scope string) (string, error) {
	var all []merge.Row
	for _, collection := range domain.EnrolmentProgressCollections() {
		rows, err := p.in().inner.Rows(scope, collection)
		if err != nil {
			return "", p.fault(err)
		}
		all = append(all, rows...)
	}
	return p.json(domain.EnrolmentProgressOf(all, ""), nil)
}

func (p *Phone) summary(scope string, from, to domain.Date) (domain.Summary, error) {
	for _, d := range []domain.Date{from, to} {
		if _, err := domain.ParseDate(string(d)); d != "" && err != nil {
			return domain.Summary{}, err
		}
	}
	totals, err := p.totals(scope)
	return domain.Summarise(totals, from, to), err
}

// totals adds up the sales on the phone, own pending edits included.
func (p *Phone) totals(scope string) ([]domain.Total, error) {
	entries, err := p.in().inner.Rows(scope, "sales")
	if err != nil {
		return nil, err
	}
	waiting, err := p.in().inner.Waiting(scope)
	return domain.Totals(entries, func(entry string) bool { return waiting[merge.Key{Collection: "sales", ID: entry}] }), err
}

// hint is something to look at before an entry is kept.
type hint struct {
	domain.Hint
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
}

// SaleHints looks at a sales entry before Save keeps it: a JSON list of kind,
// others (ids of entries that look like it), title and detail in the language of
// the app. kind is same_order, same_day_total, look_alike, backdated,
// receipt_wanted, place_missing or date_in_future. Hints hold nothing back.
func (p *Phone) SaleHints(scope, fields string) (string, error) {
	var draft map[string]merge.Value
	if err := json.Unmarshal([]byte(fields), &draft); err != nil {
		return "", p.invalid("fields", err)
	}
	entries, err := p.in().inner.Rows(scope, "sales")
	out := []hint{}
	for _, h := range domain.SaleHints(draft, entries, time.UnixMilli(p.in().clock.WallMillis())) {
		s := message.Line("hint_"+h.Kind, p.in().lang, nil)
		out = append(out, hint{h, s.Title, s.Detail})
	}
	return p.json(out, err)
}

// WeekText is a summary of the week in which day (YYYY-MM-DD) lies, to be shared
// by WhatsApp: plain text, a line each for the whole, online and offline, every
// channel, and what has not been sent yet.
//
// Errors: "date_invalid".
func (p *Phone) WeekText(scope, day string) (string, error) {
	if _, err := domain.ParseDate(day); err != nil {
		return "", p.fault(err)
	}
	from, to := domain.Week(domain.Date(day))
	s, err := p.summary(scope, from, to)
	if err != nil {
		return "", p.fault(err)
	}
	b, _, err := p.in().inner.Row(scope, "business", strings.TrimPrefix(scope, "business/"))
	if err != nil {
		return "", p.fault(err)
	}
	names, err := p.names("channel")
	if err != nil {
		return "", p.fault(err)
	}
	return strings.Join(p.weekLines(b.Text("name"), s, names), "\n"), nil
}

func (p *Phone) weekLines(name string, s domain.Summary, channels map[string]string) []string {
	var lines []string
	say := func(code string, kv ...any) {
		params := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			params[kv[i].(string)] = kv[i+1]
		}
		lines = append(lines, message.Line(code, p.in().lang, params).Title)
	}
	say("share_title", "name", name)
	say("share_span", "from", p.day(s.From), "to", p.day(s.To))
	if s.All.Entries == 0 {
		say("share_none")
		return lines
	}
	say("share_total", "amount", s.All.Amount.Format(), "n", s.All.Entries)
	say("share_online", "amount", s.Online.Amount.Format())
	say("share_offline", "amount", s.Offline.Amount.Format())
	for _, part := range s.Channels {
		word := channels[part.Key]
		if word == "" {
			word = part.Key
		}
		say("share_part", "name", word, "amount", part.Amount.Format())
	}
	if s.All.Unsent > 0 {
		say("share_unsent", "n", s.All.Unsent, "amount", s.All.Pending.Format())
	}
	say("share_basis")
	return lines
}

func (p *Phone) day(d domain.Date) string {
	return message.Day(d.Start(domain.WIB).In(domain.WIB.Location()), p.in().lang)
}

// names reads the words of a reference list in the language of the app.
func (p *Phone) names(list string) (map[string]string, error) {
	rows, err := p.in().inner.Rows("reference", list)
	out := map[string]string{}
	for _, r := range rows {
		out[r.Text("code")] = r.Text("name_" + string(p.in().lang))
	}
	return out, err
}

// goal is a target with how far it is reached.
type goal struct {
	ID       string           `json:"id"`
	Period   string           `json:"period"`
	Metric   string           `json:"metric"`
	State    string           `json:"state"`
	Note     string           `json:"note,omitempty"`
	Value    int64            `json:"value"`
	Progress *domain.Progress `json:"progress,omitempty"`
}

// Targets lists the sales targets of a business that are proposed or in force,
// each with how far it is reached, from the sales on the phone with those that
// are not sent: a JSON list of id, period (month or programme), metric (total,
// online, orders), state, note, value and progress (from, to, value, done, unsent,
// percent). Without the window of a programme, which does not sync yet, nobody
// can tell the progress of its target, and there is none.
func (p *Phone) Targets(scope string) (string, error) {
	targets, err := p.in().inner.Rows(scope, "target")
	if err != nil {
		return "", p.fault(err)
	}
	totals, err := p.totals(scope)
	if err != nil {
		return "", p.fault(err)
	}
	out := []goal{}
	for _, t := range targets {
		if s := t.Text("state"); s != "active" && s != "proposed" || t.Text("duplicate_of") != "" {
			continue
		}
		g := goal{ID: t.ID, Period: t.Text("period"), Metric: t.Text("metric"), State: t.Text("state"), Note: t.Text("note"), Value: t.Int("value")}
		if g.Period == "month" {
			progress := domain.TargetProgress(t, totals)
			g.Progress = &progress
		}
		out = append(out, g)
	}
	return p.json(out, nil)
}
