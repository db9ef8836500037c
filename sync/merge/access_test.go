package merge_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestPendingEditsAreHandedOverTogether: nobody can have edited a version before
// it was committed, but an own pending edit is no such version.
func TestPendingEditsAreHandedOverTogether(t *testing.T) {
	for _, together := range []bool{true, false} {
		b := newBox(t, things(t, merge.Keep))
		k := thingID("1")
		b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
		base, end := b.base(), b.now+10_000
		b.Access[2].To = end
		first := b.mentor.Item(b.Name, put(k, base, end-2000, set("note", "b")))
		m := put(k, base, end-1000, set("note", "c"))
		m.After = []merge.Ref{b.mentor.Ref(first)}
		second := b.mentor.Item(b.Name, m)
		b.now = end + day
		var got []merge.Answer
		if together {
			got = b.send(b.mentor, first, second)
		} else {
			got = append(b.send(b.mentor, first), b.send(b.mentor, second)...)
		}
		for i, a := range got {
			if a.Outcome != merge.Applied {
				t.Errorf("together %t: edit %d: %+v", together, i, a)
			}
		}
		if r := b.Row("thing", k); r.Text("note") != "c" || !slices.Contains(r.Strings("review"), "late_handover") {
			t.Errorf("together %t: %s", together, r.EncodeFields())
		}
	}
}

// TestWindows: an edit needs the right that its author had when it was made, and
// to arrive within the grace.
func TestWindows(t *testing.T) {
	const hour = day / 24
	end := merge.Millis(1000*day + 2*hour)
	tests := []struct {
		name     string
		made     merge.Millis // by the clock of the phone
		server   merge.Millis // last answer the phone had
		rebooted bool
		arrives  merge.Millis
		code     string // "": taken
		mark     string
	}{
		{"in the window", end - hour, 0, false, end - 1000, "", ""},
		{"handed over late", end - hour, 0, false, end + hour, "", "late_handover"},
		{"on the last day of the grace", end - hour, 0, false, end + 7*day - 1000, "", "late_handover"},
		{"after the grace", end - hour, 0, false, end + 7*day + 2000, "not_assigned", ""},
		{"made after the end", end + 1, 0, false, end + hour, "not_assigned", ""},
		{"a clock that says before, an answer that was after", end - hour, end + hour, false, end + 2*hour, "not_assigned", ""},
		{"an uncertain time that may lie in the window", end + hour, end - hour, true, end + 2*hour, "", "time_low"},
		{"an uncertain time that cannot", end + hour, end + hour/2, true, end + 2*hour, "not_assigned", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, things(t, merge.Keep))
			b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")))
			b.Access[2].From, b.Access[2].To = 1, end
			m := put(thingID("2"), nil, tt.made, set("note", "x"))
			m.At.Server = tt.server
			if tt.rebooted {
				m.At.Boot = "before"
			}
			b.now = tt.arrives - 1000
			a := b.send(b.mentor, b.mentor.Item(b.Name, m))[0]
			if tt.code != "" {
				b.refused(tt.name, a, tt.code)
				return
			}
			r := b.Row("thing", thingID("2"))
			if a.Outcome != merge.Applied || tt.mark == "" && r.Strings("review") != nil || tt.mark != "" && !slices.Contains(r.Strings("review"), tt.mark) {
				t.Errorf("%+v, review %v", a, r.Strings("review"))
			}
		})
	}
}

// TestARightOfNowAfterTheGrace: who came back is judged by the right of now.
func TestARightOfNowAfterTheGrace(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")))
	end := b.now + 1000
	b.Access[2].To = end
	b.Access = append(b.Access, merge.Grant{ID: "4", User: "um", Role: merge.Staff, From: end + 20*day})
	it := b.mentor.Item(b.Name, put(thingID("2"), nil, end-1, set("title", "x")))
	b.now = end + 21*day
	if a := b.send(b.mentor, it)[0]; a.Outcome != merge.Applied {
		t.Fatalf("%+v", a)
	}
	if w := b.Records[merge.Key{Collection: "thing", ID: thingID("2")}].Slots["title"][0].Write; w.Role != merge.Staff {
		t.Errorf("written as %s", w.Role)
	}
}

// TestTheRightOfTheBase: nobody can have edited a version before it was made, so
// a clock that says so does not bring a right back.
func TestTheRightOfTheBase(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")))
	end := b.now + 1000
	b.Access[2].To = end
	b.now = end + day
	b.send(b.owner, b.owner.Item(b.Name, put(thingID("1"), b.base(), b.now, set("note", "b"))))
	b.refused("an edit of a version of after the end", b.send(b.mentor, b.mentor.Item(b.Name, put(thingID("1"), b.base(), end-1, set("note", "c"))))[0], "not_assigned")
}

func TestGrants(t *testing.T) {
	access := []merge.Grant{{User: "a", From: 10, To: 20}, {User: "b", From: 15}}
	for _, tt := range []struct {
		user        string
		t           merge.Millis
		holds, ever bool
	}{{"a", 9, false, true}, {"a", 10, true, true}, {"a", 19, true, true}, {"a", 20, false, true}, {"b", 1 << 50, true, true}, {"c", 15, false, false}} {
		if got := merge.Granted(access, tt.user, tt.t); got != tt.holds {
			t.Errorf("%s at %d: %t", tt.user, tt.t, got)
		}
		if got := merge.Ever(access, tt.user); got != tt.ever {
			t.Errorf("%s: ever %t", tt.user, got)
		}
	}
}

// TestStaffNeedThePermission: an owner may do everything, staff what they were
// let; and the strongest right counts.
func TestStaffNeedThePermission(t *testing.T) {
	s := things(t, merge.Keep)
	c, _ := s.Collection("thing")
	c.Needs = "sell"
	b := newBox(t, s)
	b.refused("staff", b.send(b.staff, b.staff.Item(b.Name, note(b, "1", "a")))[0], "forbidden")
	b.Access[1].Perms = []string{"sell"}
	if a := b.send(b.staff, b.staff.Item(b.Name, note(b, "1", "b")))[0]; a.Outcome != merge.Applied {
		t.Errorf("%+v", a)
	}
	b.Access = append(b.Access, merge.Grant{ID: "4", User: "us", Role: merge.Owner})
	b.Access[1].Perms = nil
	if a := b.send(b.staff, b.staff.Item(b.Name, note(b, "2", "b")))[0]; a.Outcome != merge.Applied {
		t.Errorf("staff who are owners too: %+v", a)
	}
}

// TestMembershipsMakeTheAccessList: a record that grants is in the list from the
// very commit that writes it.
func TestMembershipsMakeTheAccessList(t *testing.T) {
	s, err := merge.NewSchema(1, journal(), &merge.Collection{Name: "member", Scope: "box",
		Fields: []merge.Field{{Name: "user", Type: merge.Type{Kind: merge.Text}}, {Name: "to", Type: merge.Type{Kind: merge.Int}}},
		Grant: func(r merge.Row) (merge.Grant, bool) {
			return merge.Grant{ID: r.ID, User: r.Text("user"), Role: merge.Owner, To: merge.Millis(r.Int("to"))}, r.Text("user") != ""
		}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, s)
	b.Access = nil
	write := func(name string, create bool, set map[string]merge.Value) {
		b.now += 1000
		b.Commit(b.now, []*merge.Part{{Writes: []merge.ServerWrite{{Name: name, Role: merge.System, Collection: "member", ID: thingID("m"), Op: merge.Put, Create: create, Set: set}}}})
	}
	write("1", true, set("user", "uo"))
	write("2", false, map[string]merge.Value{"to": merge.Num(7)})
	if len(b.Access) != 1 || b.Access[0].User != "uo" || b.Access[0].To != 7 {
		t.Errorf("%+v", b.Access)
	}
}
