package domain_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

func TestWindowsAreReadFromMembershipsAndAssignments(t *testing.T) {
	s := newScene(t)
	if len(s.Access) != 4 {
		t.Fatalf("%+v", s.Access)
	}
	for _, g := range s.Access {
		if !g.Holds(s.now) || g.Role == merge.Staff != (len(g.Perms) == 2) {
			t.Errorf("%+v", g)
		}
	}
	s.write("membership", key("window staff"), map[string]merge.Value{"to": s.now.Value()})
	s.tick()
	if merge.Granted(s.Access, s.staff.User, s.now) || !merge.Ever(s.Access, s.staff.User) {
		t.Errorf("an ended window: %+v", s.Access)
	}
	if a := s.edit(s.owner, "membership", key("window staff"), map[string]merge.Value{"to": nil}); len(a.Ignored) == 0 {
		t.Errorf("an owner's phone opens a window: %+v", a)
	}
}

func TestProfilesOfBusinesses(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]merge.Value
		code string
	}{
		{"a region", region("18.71", ""), ""},
		{"a district inside it", region("18.71", "18.71.01"), ""},
		{"a district elsewhere", region("18.71", "18.72.01"), "region_mismatch"},
		{"a region of nowhere", region("99.01", ""), "region_unknown"},
		{"a region by halves", texts("region_code", "18.71"), "group_incomplete"},
		{"a number of 12 digits", texts("nib", "123456789012"), "invalid_value"},
		{"a number", texts("nib", "1234567890123"), ""},
	}
	for _, tt := range tests {
		s := newScene(t)
		if a := s.edit(s.owner, "business", key("b"), tt.set); a.Code != tt.code {
			t.Errorf("%s: %+v, want %q", tt.name, a, tt.code)
		}
		if a := s.edit(s.staff, "business", key("b"), tt.set); a.Code != "forbidden" {
			t.Errorf("%s by staff without edit_profile: %+v", tt.name, a)
		}
	}
	s := newScene(t)
	s.must(s.edit(s.owner, "business", key("b"), region("73.71", "")))
	s.must(s.edit(s.owner, "business", key("b"), map[string]merge.Value{"nib": merge.Str("1234567890123"),
		"shops": merge.Encode(map[string]any{"a": map[string]string{"marketplace": "shopee", "url": "https://tokopedia.com/x"}})}))
	s.write("business", key("b"), map[string]merge.Value{"nib_verified": merge.Flag(true)})
	row := s.Row("business", key("b"))
	if row.Text("zone") != string(domain.WITA) || len(row.Strings("flags")) != 1 || row.Strings("flags")[0] != "shop_url_mismatch" {
		t.Errorf("%s", row.EncodeFields())
	}
	s.write("business", key("b"), texts("nib_taken", "1234567890123"))
	if flags := s.Row("business", key("b")).Strings("flags"); !slices.Contains(flags, "nib_taken") {
		t.Errorf("another enterprise had the number first: %q", flags)
	}
	if !slices.ContainsFunc(s.Effects, func(e merge.Effect) bool { return e.Claim != nil && e.Claim.Field == "nib" }) {
		t.Errorf("the number is not claimed: %+v", s.Effects)
	}
	if a := s.edit(s.owner, "business", key("b"), texts("nib", "9999999999999")); a.Code != "immutable_field" {
		t.Errorf("a verified number: %+v", a)
	}
}

func TestAttachmentsBelongToTheirUploader(t *testing.T) {
	s := newScene(t)
	id := photo(s, s.owner, "p")
	if a := s.edit(s.staff, "attachment", id, texts("caption", "x")); a.Code != "forbidden" {
		t.Errorf("%+v", a)
	}
	s.must(s.edit(s.owner, "attachment", id, map[string]merge.Value{"hidden": merge.Flag(true)}))
}

// TestEffectsAreTaken carries every effect of a quarrel into the scope it is
// for, as the engine would, and reads its sentence.
func TestEffectsAreTaken(t *testing.T) {
	s := newScene(t)
	base := &merge.Base{Generation: s.Generation, Version: s.Applied}
	stories := map[*mergetest.Phone]string{s.owner: "one", s.join(merge.Owner, "second"): "two"}
	for p, story := range stories {
		s.stand(s.send(p, p.Item(s.Name, merge.Mutation{Collection: "business", ID: key("b"), At: at(s.tick()), Base: base, Set: texts("story", story)}))[0])
	}
	newTask(s, domain.OriginTemplate)
	s.must(s.act(do{"owner", "submit", ""}, "a"))
	s.must(s.act(do{"mentor", "verify", ""}, "b"))
	lost := 0
	for _, e := range s.Effects {
		box := mergetest.New(s.Schema, e.Scope)
		out := box.Commit(s.now, []*merge.Part{{Writes: []merge.ServerWrite{{Name: "effect." + e.ID, Role: merge.System, Collection: e.Collection, ID: e.ID,
			Op: merge.Put, Set: e.Set, Create: true}}}})
		if a := out.Answers[0][0][0]; a.Outcome != merge.Applied {
			t.Errorf("%s %s: %+v", e.Scope, e.Collection, a)
		}
		c, _ := s.Schema.Collection(e.Collection)
		for name, v := range e.Set {
			f, ok := c.Field(name)
			if !ok {
				t.Errorf("%s has no %s", e.Collection, name)
			} else if _, path, ok := f.Type.Check(v); !ok && !merge.Null(v) {
				t.Errorf("%s.%s%s: %s", e.Collection, name, path, v)
			}
		}
		if kind := merge.AsString(e.Set["type"]); e.Collection == "inbox" {
			if _, ok := message.Inbox(kind, message.ID, nil); !ok {
				t.Errorf("no sentence for %s", kind)
			}
			if kind == domain.NoticeEditLost {
				lost++
			}
		}
	}
	if lost != 1 {
		t.Errorf("%d were told of a lost edit", lost)
	}
}

// stand takes an edit that may have lost.
func (s *scene) stand(a merge.Answer) {
	s.t.Helper()
	if a.Outcome == merge.Rejected {
		s.t.Fatalf("%+v", a)
	}
}

func TestAPersonsOwnScope(t *testing.T) {
	s := mergetest.New(domain.MustCatalogue(), "user/"+key("me"))
	s.Self = key("me")
	phone := &mergetest.Phone{User: key("me"), Device: key("device"), Incarnation: "i"}
	write := func(collection string, set map[string]merge.Value) {
		s.Commit(start, []*merge.Part{{Writes: []merge.ServerWrite{{Name: collection, Role: merge.System, Collection: collection, ID: key(collection), Op: merge.Put, Set: set, Create: true}}}})
	}
	write("inbox", texts("type", "N15"))
	write("quarantine", texts("code", "forbidden", "mutation", "{}"))
	write("device", texts("install_id", "x"))
	try := func(collection string, op merge.Op, set map[string]merge.Value) merge.Answer {
		it := phone.Item(s.Name, merge.Mutation{Collection: collection, ID: key(collection), Op: op, At: at(start + 1000), Set: set, Base: &merge.Base{Generation: s.Generation, Version: s.Applied}})
		return s.Commit(start+1000, phone.Part(at(start+1000), it)).Answers[0][0][0]
	}
	for _, read := range []string{"2022-04-02T05:00:00.000Z", "2022-04-02T04:00:00.000Z", "2022-04-02T06:00:00.000Z"} {
		try("inbox", merge.Put, texts("read_at", read))
	}
	if got := s.Row("inbox", key("inbox")).Text("read_at"); got != "2022-04-02T04:00:00.000Z" {
		t.Errorf("read at %s", got)
	}
	if a := try("device", merge.Put, map[string]merge.Value{"notify_enabled": merge.Flag(true), "status": merge.Str("active")}); a.Outcome != merge.Applied || len(a.Ignored) != 1 {
		t.Errorf("%+v", a)
	}
	phone = &mergetest.Phone{User: key("me"), Device: key("another"), Incarnation: "j"}
	if a := try("device", merge.Put, map[string]merge.Value{"push_token": merge.Str("mine")}); a.Code != "forbidden" {
		t.Errorf("a phone in the name of another: %+v", a)
	}
	try("quarantine", merge.Put, map[string]merge.Value{"resolved": merge.Flag(true)})
	if a := try("quarantine", merge.Delete, nil); a.Outcome != merge.Applied || !s.Row("quarantine", key("quarantine")).Deleted {
		t.Errorf("%+v", a)
	}
}

// TestStaffWithoutThePermissionToSubmit may propose and start, and no more.
func TestStaffWithoutThePermissionToSubmit(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	proposal := texts("title", "Foto baru", "origin", domain.OriginOwnerRequest)
	permitted := s.branch()
	s.write("membership", key("window staff"), map[string]merge.Value{"permissions": merge.Encode([]string{domain.PermLogSales})})
	for _, c := range []*scene{s, permitted} {
		code := ""
		if c == s {
			code = "forbidden"
		}
		c.must(c.send(c.staff, c.make(c.staff, "task", key("k2"), proposal))[0])
		c.must(c.act(do{"staff", "start", ""}, "a"))
		if a := c.edit(c.staff, "task", key("k"), texts("owner_note", "halo")); a.Code != code {
			t.Errorf("a note: %+v, want %q", a, code)
		}
		if a := c.act(do{"staff", "submit", "a"}, "b"); a.Code != code {
			t.Errorf("submit: %+v, want %q", a, code)
		}
	}
}
