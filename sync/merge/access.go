package merge

import "slices"

// Grant is one window of one person's right to a scope. Windows stay after
// they end, so that a late edit can still be judged.
type Grant struct {
	ID    string   `json:"id"` // the membership or assignment
	User  string   `json:"user"`
	Role  Role     `json:"role"`
	From  Millis   `json:"from"`
	To    Millis   `json:"to,omitempty"` // first instant outside; 0 = open
	Perms []string `json:"perms,omitempty"`
}

// Holds reports whether t lies in the window.
func (g Grant) Holds(t Millis) bool { return g.From <= t && (g.To == 0 || t < g.To) }

// overlaps reports whether any instant of [from, to] lies in the window.
func (g Grant) overlaps(from, to Millis) bool { return g.From <= to && (g.To == 0 || from < g.To) }

// Granted reports whether user may read a scope with this access list at t.
func Granted(access []Grant, user string, t Millis) bool {
	return slices.ContainsFunc(access, func(g Grant) bool { return g.User == user && g.Holds(t) })
}

// Ever reports whether the access list ever named user.
func Ever(access []Grant, user string) bool {
	return slices.ContainsFunc(access, func(g Grant) bool { return g.User == user })
}

// standing is what a person was when an edit was made.
type standing struct {
	grant Grant
	late  bool // the right had ended when the edit arrived, within the grace
	low   bool // the time is uncertain and the right held for a part of it
}

// standings finds every right under which an edit may be judged, strongest
// first: the rights at its time, if they still hold or ended at most grace
// before now; else the rights of now if the right at that time ended longer
// ago. from is the earliest instant the edit can have been made at; it differs
// from at only for an uncertain time.
func standings(access []Grant, user string, at, from, now, grace Millis) []standing {
	var out []standing
	expired := false
	for _, g := range access {
		if g.User != user {
			continue
		}
		exact, possible := g.Holds(at), g.overlaps(from, now)
		switch {
		case !exact && (from == at || !possible):
			continue
		case g.Holds(now):
			out = append(out, standing{grant: g, low: !exact})
		case g.To <= now && now-g.To <= grace:
			out = append(out, standing{grant: g, late: true, low: !exact})
		default:
			expired = true
		}
	}
	if len(out) == 0 && expired {
		for _, g := range access {
			if g.User == user && g.Holds(now) {
				out = append(out, standing{grant: g})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b standing) int { return strength(b.grant.Role) - strength(a.grant.Role) })
	return out
}

func strength(r Role) int {
	switch r {
	case System:
		return 6
	case Admin:
		return 5
	case Mentor:
		return 4
	case Owner:
		return 3
	case Self:
		return 2
	case Staff:
		return 1
	}
	return 0
}
