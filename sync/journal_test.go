package syncer_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestEveryKindOfLossIsRestoredWithOneEdit: two people change one thing without
// having seen each other, whatever kind of thing it is. The one whose value lost
// finds it in the journal on the phone and makes one edit of it; everybody sees
// the value back. What is written once says so instead.
func TestEveryKindOfLossIsRestoredWithOneEdit(t *testing.T) {
	set := func(name string, v any) replica.Edit { return replica.Edit{Set: encoded(map[string]any{name: v})} }
	task := func(s *shop) merge.Key {
		return merge.Key{Collection: "task", ID: s.edit(s.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor", "track": "digital",
			"checklist": map[string]any{"step1": map[string]any{"label": "Lampu", "done": false}}})}
	}
	product := func(s *shop) merge.Key {
		return merge.Key{Collection: "product", ID: s.edit(s.owner, "product", "", map[string]any{"name": "Keripik", "unit": "pack", "price_idr": 15_000, "sku": "K-1"})}
	}
	business := func(s *shop) merge.Key {
		return merge.Key{Collection: "business", ID: s.scope[len("business/"):]}
	}
	label := func(l string) replica.Edit {
		return set("checklist", map[string]any{"step1": map[string]any{"label": l}})
	}
	item := func(row merge.Row) merge.Value {
		items := map[string]map[string]merge.Value{}
		if err := json.Unmarshal(row.Fields["checklist"], &items); err != nil {
			return nil
		}
		return items["step1"]["label"]
	}
	field := func(name string) func(merge.Row) merge.Value {
		return func(row merge.Row) merge.Value { return row.Fields[name] }
	}
	kbli := func(list ...string) map[string][]string { return map[string][]string{"kbli": list} }
	tests := map[string]struct {
		record       func(*shop) merge.Key
		loser, other func(*shop) *phone // nil: the owner's first phone, and the second
		loses, wins  replica.Edit
		slot         string
		shows        func(merge.Row) merge.Value
		lost         string // as it shows again
		code         string // why it cannot be restored
	}{
		"a plain field, latest":  {record: product, loses: set("price_idr", 16_000), wins: set("price_idr", 17_500), slot: "price_idr", shows: field("price_idr"), lost: `16000`},
		"a field that was empty": {record: product, loses: set("sku", nil), wins: set("sku", "K-2"), slot: "sku", shows: field("sku"), lost: ``},
		"a field with members": {record: business, loses: set("capacity", map[string]any{"qty": "10", "unit": "kg", "per": "day"}), wins: set("capacity", map[string]any{"qty": "70", "unit": "kg", "per": "week"}),
			slot: "capacity", shows: field("capacity"), lost: `{"per":"day","qty":"10","unit":"kg"}`},
		"a field with ranks, against a higher one": {record: business, other: func(s *shop) *phone { return s.mentor }, loses: set("youth_role", "leads"), wins: set("youth_role", "none"),
			slot: "youth_role", shows: field("youth_role"), lost: `"leads"`},
		"a group": {record: business, other: func(s *shop) *phone { return s.mentor }, slot: "region", shows: field("district_code"), lost: `"18.10.01"`,
			loses: replica.Edit{Set: encoded(map[string]any{"region_code": "18.10", "district_code": "18.10.01", "village_code": nil})},
			wins:  replica.Edit{Set: encoded(map[string]any{"region_code": "18.71", "district_code": nil, "village_code": nil})}},
		"an item of a keyed list": {record: task, loser: func(s *shop) *phone { return s.owner }, other: func(s *shop) *phone { return s.mentor }, loses: label("Lampu meja"), wins: label("Lampu sorot"),
			slot: "checklist/step1/label", shows: item, lost: `"Lampu meja"`},
		"an element of a set, removed by one and added by the other": {record: func(s *shop) merge.Key {
			k := business(s)
			s.does(s.owner, k, replica.Edit{Add: kbli("10792", "10799")})
			return k
		}, loses: replica.Edit{Remove: kbli("10792")}, wins: replica.Edit{Add: kbli("10792")}, slot: "kbli/10792", shows: field("kbli"), lost: `["10799"]`},
		"what was written to a record that somebody deleted": {record: func(s *shop) merge.Key {
			s.edit(s.owner, "product", "", map[string]any{"name": "x", "colour": "red"})
			s.turn(s.owner, s.owner)
			rows, err := s.owner.Rows(merge.UserScope(s.owner.Me().User), "quarantine")
			if err != nil || len(rows) != 1 {
				s.t.Fatal(rows, err)
			}
			return rows[0].Key
		}, loses: set("resolved", true), wins: replica.Edit{Op: merge.Delete}, slot: "resolved", shows: field("resolved"), lost: `true`},
		"an earliest register": {record: func(s *shop) merge.Key {
			k, err := s.owner.Do(replica.Edit{Scope: merge.UserScope(s.owner.Me().User), Collection: "receipt", Set: encoded(map[string]any{"announcement_id": "0190aaaa-0000-7000-8000-000000000001"})})
			if err != nil {
				s.t.Fatal(err)
			}
			return merge.Key{Collection: "receipt", ID: k}
		}, loses: set("read_at", "2022-04-02T02:00:00.000Z"), wins: set("read_at", "2022-04-02T01:00:00.000Z"), slot: "read_at", code: "immutable_field"},
		"a once field": {record: task, loser: func(s *shop) *phone { return s.mentor }, other: func(s *shop) *phone { return s.tablet(s.mentor) },
			loses: set("template_code", "foto-2"), wins: set("template_code", "foto-1"), slot: "template_code", code: "immutable_field"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.turn(s.owner, s.mentor)
			loser, other := s.owner, s.tablet(s.owner)
			if tt.loser != nil {
				loser = tt.loser(s)
			}
			if tt.other != nil {
				other = tt.other(s)
			}
			k := tt.record(s)
			all := []*phone{s.owner, s.mentor, loser, other}
			s.turn(append(all, all...)...)
			s.does(loser, k, tt.loses)
			s.does(other, k, tt.wins)
			s.turn(other, loser, other, loser) // of the two the later one came first, so that once has its loser too
			s.restored(loser, append(all, s.tablet(s.owner)), k, tt.slot, tt.code, tt.shows, tt.lost)
		})
	}
}

// TestADeletionThatLostIsRestoredWithOneEdit: under policy keep an edit that had
// not seen the deletion keeps the record alive.
func TestADeletionThatLostIsRestoredWithOneEdit(t *testing.T) {
	s := &shop{world: worldOn(t, storefault.NewPoor()), scope: box}
	s.admit("ani", merge.Owner)
	s.admit("budi", merge.Owner)
	a, b := s.phone("ani", "da"), s.phone("budi", "db")
	k := merge.Key{Collection: "thing", ID: a.put("", "note", "hers")}
	s.turn(a, b)
	s.does(a, k, replica.Edit{Op: merge.Delete})
	s.does(b, k, replica.Edit{Set: encoded(map[string]any{"note": "his"})})
	s.turn(a, b, a)
	if a.note(k.ID) != "his" {
		t.Fatalf("the record shows %q", a.note(k.ID))
	}
	s.restored(a, []*phone{a, b}, k, "deleted", "", nil, "")
}

// tablet is one more phone of somebody.
func (s *shop) tablet(p *phone) *phone { return s.phone(p.Me().User, "t"+p.Me().Device) }

// does keeps an edit of a record, wherever it lives.
func (s *shop) does(p *phone, k merge.Key, ed replica.Edit) {
	s.t.Helper()
	s.clock.Advance(time.Second)
	ed.Scope, ed.Collection, ed.ID = s.home(p, k), k.Collection, k.ID
	if _, err := p.Do(ed); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) home(p *phone, k merge.Key) string {
	if c, _ := s.Schema.Collection(k.Collection); c.Scope == "user" {
		return merge.UserScope(p.Me().User)
	}
	return s.scope
}

// restored lets the loser find the row in the journal and make one edit of it, and
// looks at what everybody sees then. Without shows the record is to be gone.
func (s *shop) restored(loser *phone, all []*phone, k merge.Key, slot, code string, shows func(merge.Row) merge.Value, want string) {
	s.t.Helper()
	scope := s.home(loser, k)
	journal, err := loser.Rows(scope, "journal")
	i := slices.IndexFunc(journal, func(r merge.Row) bool { return r.Text("record") == k.ID && r.Text("field") == slot })
	if err != nil || i < 0 || journal[i].Text("lost_by") != loser.Me().User {
		s.t.Fatalf("journal %v, %v", journal, err)
	}
	ed, err := replica.RestoreEdit(s.Schema, scope, journal[i])
	if code != "" {
		if fault.CodeOf(err) != code {
			s.t.Errorf("%v %v, want %s", ed, err, code)
		}
		return
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := loser.Do(ed); err != nil {
		s.t.Fatal(err)
	}
	s.turn(loser)
	s.turn(all...)
	for n, p := range all {
		row, ok, err := p.Row(s.home(p, k), k.Collection, k.ID)
		switch {
		case p.Me().User != loser.Me().User && scope == merge.UserScope(loser.Me().User):
		case shows == nil:
			if err != nil || ok {
				s.t.Errorf("phone %d still has it, %v", n, err)
			}
		case err != nil || !ok || string(shows(row)) != want || p.unsent() > 0:
			s.t.Errorf("phone %d shows %s of %v, want %s; %d to send, %v", n, shows(row), row.Key, want, p.unsent(), err)
		}
	}
	row, _, err := loser.Row(scope, "journal", journal[i].ID)
	if err != nil || row.Text("restored_by") != loser.Me().User {
		s.t.Errorf("restored by %q, %v", row.Text("restored_by"), err)
	}
	if refused, err := loser.Refused(); err != nil || slices.ContainsFunc(refused, func(r replica.Refused) bool { return r.ID == k.ID }) {
		s.t.Errorf("refused %+v, %v", refused, err)
	}
}
