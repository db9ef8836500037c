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
func (c *Client) ParseRupiah(text string) (*Amount, error) {
	r, echo, err := domain.ParseRupiah(text)
	if err != nil {
		return nil, c.fault(err)
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
func (c *Client) ParsePhone(text string) (string, error) {
	p, err := domain.ParsePhone(text)
	return string(p), c.fault(err)
}

// Totals gives what a business sold on the days from … to, both included, as
// YYYY-MM-DD; an empty bound is none. A JSON object with all, online, offline,
// days, channels, marketplaces and exhibitions; each sum has entries,
// amount_idr, verified_idr, rejected_idr, and of that what the server does not
// have yet: unsent (entries) and pending_idr.
func (c *Client) Totals(scope, from, to string) (string, error) {
	s, err := c.summary(scope, domain.Date(from), domain.Date(to))
	return c.json(s, err)
}

func (c *Client) summary(scope string, from, to domain.Date) (domain.Summary, error) {
	for _, d := range []domain.Date{from, to} {
		if _, err := domain.ParseDate(string(d)); d != "" && err != nil {
			return domain.Summary{}, err
		}
	}
	entries, err := c.phone.Rows(scope, "sales")
	if err != nil {
		return domain.Summary{}, err
	}
	waiting, err := c.phone.Waiting(scope)
	return domain.Summarise(domain.Totals(entries, func(entry string) bool {
		return waiting[merge.Key{Collection: "sales", ID: entry}]
	}), from, to), err
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
func (c *Client) SaleHints(scope, fields string) (string, error) {
	var draft map[string]merge.Value
	if err := json.Unmarshal([]byte(fields), &draft); err != nil {
		return "", c.invalid("fields", err)
	}
	entries, err := c.phone.Rows(scope, "sales")
	out := []hint{}
	for _, h := range domain.SaleHints(draft, entries, time.UnixMilli(c.clock.WallMillis())) {
		s := message.Line("hint_"+h.Kind, c.lang, nil)
		out = append(out, hint{h, s.Title, s.Detail})
	}
	return c.json(out, err)
}

// WeekText is a summary of the week in which day (YYYY-MM-DD) lies, to be shared
// by WhatsApp: plain text, a line each for the whole, online and offline, every
// channel, and what has not been sent yet.
//
// Errors: "date_invalid".
func (c *Client) WeekText(scope, day string) (string, error) {
	if _, err := domain.ParseDate(day); err != nil {
		return "", c.fault(err)
	}
	from, to := domain.Week(domain.Date(day))
	s, err := c.summary(scope, from, to)
	if err != nil {
		return "", c.fault(err)
	}
	b, _, err := c.phone.Row(scope, "business", strings.TrimPrefix(scope, "business/"))
	if err != nil {
		return "", c.fault(err)
	}
	names, err := c.names("channel")
	if err != nil {
		return "", c.fault(err)
	}
	return strings.Join(c.weekLines(b.Text("name"), s, names), "\n"), nil
}

func (c *Client) weekLines(name string, s domain.Summary, channels map[string]string) []string {
	var lines []string
	say := func(code string, kv ...any) {
		params := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			params[kv[i].(string)] = kv[i+1]
		}
		lines = append(lines, message.Line(code, c.lang, params).Title)
	}
	say("share_title", "name", name)
	say("share_span", "from", c.day(s.From), "to", c.day(s.To))
	if s.All.Entries == 0 {
		say("share_none")
		return lines
	}
	say("share_total", "amount", s.All.Amount.Format(), "n", s.All.Entries)
	say("share_online", "amount", s.Online.Amount.Format())
	say("share_offline", "amount", s.Offline.Amount.Format())
	for _, p := range s.Channels {
		word := channels[p.Key]
		if word == "" {
			word = p.Key
		}
		say("share_part", "name", word, "amount", p.Amount.Format())
	}
	if s.All.Unsent > 0 {
		say("share_unsent", "n", s.All.Unsent, "amount", s.All.Pending.Format())
	}
	say("share_basis")
	return lines
}

func (c *Client) day(d domain.Date) string {
	return message.Day(d.Start(domain.WIB).In(domain.WIB.Location()), c.lang)
}

// names reads the words of a reference list in the language of the app.
func (c *Client) names(list string) (map[string]string, error) {
	rows, err := c.phone.Rows("reference", list)
	out := map[string]string{}
	for _, r := range rows {
		out[r.Text("code")] = r.Text("name_" + string(c.lang))
	}
	return out, err
}
