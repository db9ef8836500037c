package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lateSchema has a rule for everything that a late edit must be asked.
func lateSchema(t *testing.T) *merge.Schema {
	t.Helper()
	mine := []merge.Role{merge.Mentor}
	owners := []merge.Role{merge.Owner}
	word := merge.Type{Kind: merge.Text, Min: 1, Max: 40}
	s, err := merge.NewSchema(1, journal(),
		&merge.Collection{Name: "plan", Scope: "box", Create: mine, Delete: owners, OnDelete: merge.Keep, Needs: "plan",
			Fields: []merge.Field{
				{Name: "name", Type: word, Policy: merge.Latest, Write: append([]merge.Role{merge.Staff}, mine...), Required: true},
				{Name: "price", Type: word, Policy: merge.Latest, Write: owners},
				{Name: "other", Type: merge.Type{Kind: merge.Reference, To: "plan"}, Policy: merge.Latest, Write: mine},
				{Name: "state", Type: word},
			},
			Allow: func(a merge.Attempt) *merge.Reject {
				if a.Online || a.Author != "um" && a.Role == merge.Mentor {
					return &merge.Reject{Code: "locked"}
				}
				return nil
			}},
		&merge.Collection{Name: "deed", Scope: "box", Create: owners, Fields: []merge.Field{{Name: "text", Type: word, Policy: merge.Latest, Write: mine}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestALateEditIsAskedWhatAPhoneIsAsked, for the right that it comes with.
func TestALateEditIsAskedWhatAPhoneIsAsked(t *testing.T) {
	b := newBox(t, lateSchema(t))
	b.send(b.mentor, b.mentor.Item(b.Name, merge.Mutation{Collection: "plan", ID: thingID("old"), At: at(b.now), Set: set("name", "lama")}))
	mentor := merge.Grant{User: "um", Role: merge.Mentor}
	staff := func(perms ...string) merge.Grant { return merge.Grant{User: "us", Role: merge.Staff, Perms: perms} }
	tests := []struct {
		name   string
		right  merge.Grant
		author string
		m      merge.Mutation
		create bool
		code   string
	}{
		{"a create", mentor, "um", merge.Mutation{ID: "a", Set: set("name", "baru")}, true, ""},
		{"without what is required", mentor, "um", merge.Mutation{ID: "b", Set: set("other", thingID("old"))}, true, "required"},
		{"of a role that does not create", staff("plan"), "us", merge.Mutation{ID: "c", Set: set("name", "baru")}, true, "forbidden"},
		{"in a collection of others", mentor, "um", merge.Mutation{Collection: "deed", ID: "d", Set: set("text", "baru")}, true, "forbidden"},
		{"a field of another role", mentor, "um", merge.Mutation{ID: "old", Set: set("price", "1")}, false, "forbidden"},
		{"staff without the permission", staff("sales"), "us", merge.Mutation{ID: "old", Set: set("name", "baru")}, false, "forbidden"},
		{"staff with the permission", staff("plan"), "us", merge.Mutation{ID: "old", Set: set("name", "baru")}, false, ""},
		{"a delete by who may not", mentor, "um", merge.Mutation{ID: "old", Op: merge.Delete}, false, "forbidden"},
		{"a value of the wrong type", mentor, "um", merge.Mutation{ID: "old", Set: set("name", "")}, false, "invalid_value"},
		{"a reference to nothing", mentor, "um", merge.Mutation{ID: "old", Set: set("other", thingID("none"))}, false, "invalid_reference"},
		{"what the collection does not allow", mentor, "ux", merge.Mutation{ID: "old", Set: set("name", "baru")}, false, "locked"},
		{"of a record that nobody knows", mentor, "um", merge.Mutation{ID: "none", Set: set("name", "baru")}, false, "record_unknown"},
		{"a field of the server's", mentor, "um", merge.Mutation{ID: "e", Set: set("name", "baru", "state", "forged")}, true, ""},
	}
	for _, tt := range tests {
		w := merge.ServerWrite{Name: tt.name, Author: tt.author, Role: merge.System, Collection: "plan", ID: thingID(tt.m.ID), Op: merge.Put, Set: tt.m.Set, Create: tt.create,
			Late: &merge.Late{Right: tt.right, Made: b.now - day}}
		if tt.m.Collection != "" {
			w.Collection = tt.m.Collection
		}
		if tt.m.Op != "" {
			w.Op = tt.m.Op
		}
		before := b.Applied
		if a := b.write(w); a.Code != tt.code || (b.Applied > before) != (tt.code == "") {
			t.Errorf("%s: %+v, want %q; %d commits", tt.name, a, tt.code, b.Applied-before)
		}
	}
	row := b.Row("plan", thingID("e"))
	if made, err := merge.ParseInstant(row.Text("created_at")); row.Fields["state"] != nil || err != nil || made > b.now-day/2 {
		t.Errorf("%s", row.EncodeFields())
	}
}

// TestALateOperationIsMadeOnWhatIsThereNow, whatever its author claims to have
// seen, and is no operation made online.
func TestALateOperationIsMadeOnWhatIsThereNow(t *testing.T) {
	b := newDoor(t)
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: turn("left")}))
	late := func(name, how string) merge.ServerWrite {
		return merge.ServerWrite{Name: name, Author: "um", Collection: "turn", ID: thingID(name), Op: merge.Put, Create: true, Set: turn(how, thingID("none")),
			Late: &merge.Late{Right: merge.Grant{User: "um", Role: merge.Mentor}, Made: b.now}}
	}
	if a := b.write(late("t2", "jam")); a.Code != "forbidden_transition" {
		t.Errorf("what is made online only: %+v", a)
	}
	b.write(late("t3", "right"))
	if row := b.Row("turn", thingID("t3")); len(row.Strings("seen")) != 1 || row.Strings("seen")[0] != thingID("t1") || row.Text("role") != "mentor" {
		t.Errorf("%s", row.EncodeFields())
	}
}

// TestWhatIsDecidedUnderANameStaysSo, also when others wrote over it.
func TestWhatIsDecidedUnderANameStaysSo(t *testing.T) {
	tests := []struct {
		first, then merge.Outcome
		code, note  string
	}{
		{merge.Applied, merge.Applied, "", "over"},
		{merge.Applied, merge.Rejected, "conflict", "over"},
		{merge.Rejected, merge.Rejected, "", "over"},
		{merge.Rejected, merge.Applied, "conflict", "over"},
		{"", merge.Applied, "", "late"},
	}
	for _, tt := range tests {
		b := newBox(t, things(t, merge.Keep))
		b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "first")))
		w := merge.ServerWrite{Name: "review.1", Author: "um", Role: merge.System, Collection: "thing", ID: thingID("1"), Op: merge.Put, Set: set("note", "late")}
		if w.Decide = tt.first; tt.first != "" {
			if a := b.write(w); a.Outcome != merge.Applied {
				t.Fatalf("%+v", a)
			}
		}
		b.write(merge.ServerWrite{Name: "over", Role: merge.System, Collection: "thing", ID: thingID("1"), Op: merge.Put, Set: set("note", "over")})
		w.Decide = tt.then
		before := b.Applied
		if a := b.write(w); a.Code != tt.code || tt.first != "" && b.Applied != before {
			t.Errorf("%q, then %q: %+v, %d commits", tt.first, tt.then, a, b.Applied-before)
		}
		if got := b.Row("thing", thingID("1")).Text("note"); got != tt.note {
			t.Errorf("%q, then %q: note %q, want %q", tt.first, tt.then, got, tt.note)
		}
	}
}

// TestARefusedWriteDecidesNothing: it may be made later.
func TestARefusedWriteDecidesNothing(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	w := merge.ServerWrite{Name: "review.1", Role: merge.System, Collection: "thing", ID: thingID("1"), Op: merge.Put, Set: set("note", "late"), Decide: merge.Applied}
	if a := b.write(w); a.Code != "not_found" {
		t.Errorf("%+v", a)
	}
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "first")))
	if a := b.write(w); a.Code != "" || b.Row("thing", thingID("1")).Text("note") != "late" {
		t.Errorf("%+v", a)
	}
	b.MovedTo = "box/2"
	w.Name, w.Decide = "review.2", merge.Rejected
	if a := b.write(w); a.Code != "business_merged" {
		t.Errorf("in a scope that was merged away: %+v", a)
	}
}
