package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reactAssignment has a new window say whose it is, and tells everybody whom a
// change of it concerns.
func reactAssignment(c merge.Change) []merge.Effect {
	out := reactWindow("mentor_id")(c)
	if g, ok := grantAssignment(c.After); ok {
		out = append(out, reactEnded(c, g, "to_at")...)
	}
	out = append(out, keepApart(c)...)
	switch {
	case windowOpened(c):
		return append(out, mentorBegins(c)...)
	case windowEnded(c):
		return append(out, mentorEnds(c)...)
	}
	return out
}

// windowOpened reports whether a window is opened, moved or made to last again,
// and not over already.
func windowOpened(c merge.Change) bool {
	from, to := instantOf(c.After, "from_at"), instantOf(c.After, "to_at")
	if to != 0 && to <= max(c.Now(), from) {
		return false
	}
	return c.New || from != instantOf(c.Before, "from_at") || to == 0 && instantOf(c.Before, "to_at") != 0
}

// windowEnded reports whether a window is given an end, or another one.
func windowEnded(c merge.Change) bool {
	to := instantOf(c.After, "to_at")
	return !c.New && to != 0 && to != instantOf(c.Before, "to_at")
}

// mentorBegins tells the owners who accompanies them from when on, and the mentor
// whom: also before that day, when the mentor has no right yet.
func mentorBegins(c merge.Change) []merge.Effect {
	day := string(BusinessDay(max(instantOf(c.After, "from_at"), c.Now()).Time(), zoneOf(c)))
	out := notice(c, NoticeMentorChanged, c.After.Key, named(params{"from": day}, "mentor", c.After.Text("name")), present(c, merge.Owner))
	return append(out, letter(NoticeMentoringBegins, NoticeMentoringBegins+" "+c.After.ID, c.Scope(), c.After.Key,
		named(params{"from": day}, "business", businessName(c)), []string{c.After.Text("mentor_id")})...)
}

// mentorEnds tells the mentor, by the name of the business alone, where the right
// to it is over; and by the day too where that lies ahead. Owners learn of it if nobody follows; else of who does.
// Of several windows of one mentor that end in one commit the first to end speaks.
func mentorEnds(c merge.Change) []merge.Effect {
	if slices.ContainsFunc(c.Together("assignment"), func(other merge.Change) bool { return endsBefore(other, c) }) {
		return nil
	}
	to := instantOf(c.After, "to_at")
	day := string(BusinessDay(to.Time(), zoneOf(c)))
	says := named(params{}, "business", businessName(c))
	if to > c.Now() {
		says["until"] = day
	}
	out := letter(NoticeMentoringEnds, NoticeMentoringEnds+" "+c.After.ID, "", merge.Key{}, says, []string{c.After.Text("mentor_id")})
	for _, other := range c.Together("assignment") {
		if windowOpened(other) {
			return out
		}
	}
	return append(out, notice(c, NoticeMentorLeft, c.After.Key, named(params{"until": day}, "mentor", c.After.Text("name")), present(c, merge.Owner))...)
}

// endsBefore reports whether a change ends a window of the same mentor as another
// change does, and earlier, or at the same instant with a smaller id.
func endsBefore(a, b merge.Change) bool {
	sooner := cmp.Or(cmp.Compare(instantOf(a.After, "to_at"), instantOf(b.After, "to_at")), cmp.Compare(a.After.ID, b.After.ID)) < 0
	return sooner && windowEnded(a) && a.After.Text("mentor_id") == b.After.Text("mentor_id")
}

// named adds a name to what an item says, if there is one.
func named(says params, key, name string) params {
	if name != "" {
		says[key] = name
	}
	return says
}

func businessName(v merge.View) string {
	r, _ := v.Row("business", scopeID(v))
	return r.Text("name")
}

// zoneOf is the zone of the business of a scope; WIB while it is not known.
func zoneOf(v merge.View) Zone {
	r, _ := v.Row("business", scopeID(v))
	return Zone(r.Text("zone"))
}
