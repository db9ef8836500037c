package domain

import (
	"bytes"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// grantMembership reads the window of an owner or a staff member.
func grantMembership(r merge.Row) (merge.Grant, bool) {
	role := merge.Role(r.Text("role"))
	g := merge.Grant{ID: r.ID, User: r.Text("user_id"), Role: role, From: instantOf(r, "from"), To: instantOf(r, "to")}
	if role == merge.Staff {
		g.Perms = r.Strings("permissions")
	}
	return g, g.User != "" && (role == merge.Owner || role == merge.Staff)
}

// grantAssignment reads the window of a mentor.
func grantAssignment(r merge.Row) (merge.Grant, bool) {
	g := merge.Grant{ID: r.ID, User: r.Text("mentor_id"), Role: merge.Mentor, From: instantOf(r, "from_at"), To: instantOf(r, "to_at")}
	return g, g.User != ""
}

// instantOf reads an instant, or 0 if there is none.
func instantOf(r merge.Row, field string) merge.Millis {
	m, err := merge.ParseInstant(r.Text(field))
	if err != nil {
		return 0
	}
	return m
}

// introduceMember is what a business says of its own people: the names of all,
// so that a conflict has one, and the numbers of owners, whom mentors call.
func introduceMember(window, profile merge.Row) map[string]merge.Value {
	set := map[string]merge.Value{"name": orNull(profile.Fields["full_name"]), "phone": orNull(nil)}
	if merge.Role(window.Text("role")) == merge.Owner {
		set["phone"] = orNull(profile.Fields["phone"])
	}
	return set
}

// introduceMentor is what a business says of its mentors, whom it calls.
func introduceMentor(_, profile merge.Row) map[string]merge.Value {
	return map[string]merge.Value{"name": orNull(profile.Fields["full_name"]), "phone": orNull(profile.Fields["phone"])}
}

// reactWindow has a new window say whose it is.
func reactWindow(person string) func(merge.Change) []merge.Effect {
	return func(c merge.Change) []merge.Effect {
		if !c.New {
			return nil
		}
		return introduction(c.After.Text(person))
	}
}

// reactUser has every window of a person follow the profile.
func reactUser(c merge.Change) []merge.Effect {
	if bytes.Equal(c.Before.Fields["full_name"], c.After.Fields["full_name"]) && bytes.Equal(c.Before.Fields["phone"], c.After.Fields["phone"]) {
		return nil
	}
	return introduction(c.After.ID)
}

func introduction(user string) []merge.Effect {
	return []merge.Effect{{Scope: merge.UserScope(user), Collection: "user", ID: user, Introduce: true}}
}

// reactMembership has a new window say whose it is, and tells who loses one.
func reactMembership(c merge.Change) []merge.Effect {
	out := reactWindow("user_id")(c)
	if g, ok := grantMembership(c.After); ok {
		out = append(out, reactEnded(c, g, "to")...)
	}
	return append(out, keepApart(c)...)
}

// StepApart takes from curators the files of enterprises that they are of.
const StepApart = "keep_apart"

// keepApart has a new record, which lets somebody into an enterprise or gives them a file,
// looked at for that.
func keepApart(c merge.Change) []merge.Effect {
	if !c.New {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: c.After.Collection, ID: c.After.ID, Do: StepApart}}
}
