package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

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
