package domain

import (
	"cmp"
	"maps"
	"slices"
)

// Part is one line of a breakdown: what was sold on a day, through a channel, a
// marketplace or at an exhibition.
type Part struct {
	Key string `json:"key"` // the day, or the word of the catalogue, or the id of the exhibition
	Sum
}

// Summary is what a business sold in a span of days, and of what that consists.
// Days and channels each add up to All; marketplaces and exhibitions are shown
// as "of which", for other channels have neither.
type Summary struct {
	From         Date   `json:"from"`
	To           Date   `json:"to"` // the last day, included
	All          Sum    `json:"all"`
	Online       Sum    `json:"online"`
	Offline      Sum    `json:"offline"`
	Days         []Part `json:"days"`     // in order, those with entries
	Channels     []Part `json:"channels"` // largest first, as all that follow
	Marketplaces []Part `json:"marketplaces"`
	Exhibitions  []Part `json:"exhibitions"`
}

// Summarise adds up the totals of the days from … to, both included; an empty
// bound is none.
func Summarise(totals []Total, from, to Date) Summary {
	s := Summary{From: from, To: to}
	days, channels, marketplaces, exhibitions := map[string]Sum{}, map[string]Sum{}, map[string]Sum{}, map[string]Sum{}
	for _, t := range totals {
		if t.Day < from || to != "" && t.Day > to {
			continue
		}
		s.All = s.All.Plus(t.Sum)
		if t.Online {
			s.Online = s.Online.Plus(t.Sum)
		} else {
			s.Offline = s.Offline.Plus(t.Sum)
		}
		days[string(t.Day)] = days[string(t.Day)].Plus(t.Sum)
		channels[t.Channel] = channels[t.Channel].Plus(t.Sum)
		marketplaces[t.Marketplace] = marketplaces[t.Marketplace].Plus(t.Sum)
		exhibitions[t.Exhibition] = exhibitions[t.Exhibition].Plus(t.Sum)
	}
	s.Days = parts(days)
	slices.SortFunc(s.Days, func(a, b Part) int { return cmp.Compare(a.Key, b.Key) })
	s.Channels, s.Marketplaces, s.Exhibitions = parts(channels), parts(marketplaces), parts(exhibitions)
	return s
}

// parts lists sums by their name, the largest first; what has no name is left
// out.
func parts(sums map[string]Sum) []Part {
	out := []Part{}
	for _, k := range slices.Sorted(maps.Keys(sums)) {
		if k != "" {
			out = append(out, Part{k, sums[k]})
		}
	}
	slices.SortStableFunc(out, func(a, b Part) int { return cmp.Compare(b.Amount, a.Amount) })
	return out
}

// Week is the span from Monday to Sunday in which d lies; two empty dates if d is
// none.
func Week(d Date) (from, to Date) {
	if _, err := ParseDate(string(d)); err != nil {
		return "", ""
	}
	from = d.AddDays(-((int(d.Weekday()) + 6) % 7))
	return from, from.AddDays(6)
}
