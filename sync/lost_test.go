package syncer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// shop is a business under the real catalogue, with its owner and a mentor.
type shop struct {
	*world
	disk          *storefault.Poor
	scope         string
	owner, mentor *phone
}

func openShop(t *testing.T) *shop {
	disk := storefault.NewPoor()
	s := &shop{world: worldOn(t, disk), disk: disk}
	var err error
	if s.Schema, err = domain.Catalogue(); err != nil {
		t.Fatal(err)
	}
	business := id.Derive("business", "snack")
	s.scope = "business/" + business
	s.must("business", business, map[string]any{"name": "Rafins Snack", "region_code": "18.10", "district_code": nil, "village_code": nil, "primary_category": "food_beverage", "status": "active"})
	s.owner, s.mentor = s.phone(id.Derive("user", "ani"), "da"), s.phone(id.Derive("user", "citra"), "dc")
	s.must("membership", id.Derive("membership"), map[string]any{"user_id": s.owner.Me().User, "role": "owner", "from": s.now()})
	s.assign()
	return s
}

func (s *shop) now() merge.Value { return merge.Millis(s.clock.Now().UnixMilli()).Value() }

// assign sends the mentor to the business from now on.
func (s *shop) assign() {
	s.t.Helper()
	s.must("assignment", id.Derive("assignment", s.clock.Now().String()), map[string]any{"mentor_id": s.mentor.Me().User, "from_at": s.now(), "lead": true})
}

func (s *shop) must(collection, recordID string, set map[string]any) {
	s.t.Helper()
	sw := merge.ServerWrite{Name: "make." + recordID, Role: merge.System, Collection: collection, ID: recordID, Op: merge.Put, Create: true, Set: encoded(set)}
	if _, err := s.Write(s.t.Context(), s.scope, sw); err != nil {
		s.t.Fatal(err)
	}
}

func encoded(set map[string]any) map[string]merge.Value {
	out := map[string]merge.Value{}
	for name, v := range set {
		out[name] = merge.Encode(v)
	}
	return out
}

// edit keeps an edit; an empty id makes a record.
func (s *shop) edit(p *phone, collection, recordID string, set map[string]any) string {
	s.t.Helper()
	s.clock.Advance(time.Second)
	k, err := p.Do(replica.Edit{Scope: s.scope, Collection: collection, ID: recordID, Set: encoded(set)})
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// turn lets phones sync one after the other, and the server work after each.
func (s *shop) turn(phones ...*phone) {
	s.t.Helper()
	for _, p := range phones {
		s.clock.Advance(time.Second)
		p.sync()
		if _, err := s.Work(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// burn puts a copy of the database in its place, and begins new generations.
func (s *shop) burn(backup *storefault.Poor) {
	s.t.Helper()
	schema := s.Schema
	s.disk = backup.Copy()
	s.reboot(s.disk, byte(s.clock.Now().Second()))
	s.Schema = schema
	if _, err := s.Restored(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.clock.Advance(time.Minute)
}

// reopen closes the app of a phone and starts it again.
func (s *shop) reopen(p *phone) {
	s.t.Helper()
	p.Client = &replica.Client{Local: p.Local, Server: p.Server, Schema: p.Schema, Clock: p.Clock, IDs: p.IDs}
	if err := p.Open(); err != nil {
		s.t.Fatal(err)
	}
}

// settled fails unless nobody waits for anything: nothing to send, nothing
// refused, no open record in quarantine. It gives how many settled ones there are.
func (s *shop) settled(phones ...*phone) (resolved int) {
	s.t.Helper()
	for i, p := range phones {
		refused, err := p.Refused()
		if err != nil || len(refused) > 0 || p.unsent() > 0 || p.Mismatches() > 0 {
			s.t.Errorf("phone %d: refused %+v, %d to send, %d mismatches, %v", i, refused, p.unsent(), p.Mismatches(), err)
		}
		rows, err := p.Rows(merge.UserScope(p.Me().User), "quarantine")
		for _, r := range rows {
			if err != nil || string(r.Fields["resolved"]) != "true" {
				s.t.Errorf("phone %d: quarantine %v, %v", i, r.Fields, err)
			}
			resolved++
		}
	}
	return resolved
}

// TestEveryAcceptedEditLandsOnceWhateverTheOrder: a restore took a record, and
// what others did with it. The phones come back in every order, now and then with
// the app closed in between, and everything stands as it stood before.
func TestEveryAcceptedEditLandsOnceWhateverTheOrder(t *testing.T) {
	task := map[string]any{"title": "Foto produk", "origin": "mentor", "track": "digital"}
	tests := map[string]struct {
		lost func(s *shop) []merge.Key // what is made after the backup, and where it shows
	}{
		"a chain of edits of one record": {func(s *shop) []merge.Key {
			k := s.edit(s.mentor, "task", "", task)
			s.turn(s.mentor, s.owner)
			s.edit(s.owner, "task", k, map[string]any{"owner_note": "first"})
			s.edit(s.owner, "task", k, map[string]any{"checklist": map[string]any{"step1": map[string]any{"label": "Lampu", "done": true}}})
			s.edit(s.owner, "task", k, map[string]any{"owner_note": "second"})
			s.turn(s.owner)
			s.edit(s.owner, "task", k, map[string]any{"owner_note": "third"})
			return []merge.Key{{Collection: "task", ID: k}}
		}},
		"operations that had seen each other": {func(s *shop) []merge.Key {
			k := s.edit(s.mentor, "task", "", task)
			s.turn(s.mentor, s.owner)
			s.edit(s.owner, "task_event", "", map[string]any{"task_id": k, "op": "start"})
			s.edit(s.owner, "task_event", "", map[string]any{"task_id": k, "op": "submit"})
			s.turn(s.owner, s.mentor)
			s.edit(s.mentor, "task_event", "", map[string]any{"task_id": k, "op": "return", "note": "Satu foto lagi"})
			s.turn(s.mentor, s.owner)
			s.edit(s.owner, "task_event", "", map[string]any{"task_id": k, "op": "submit"})
			s.turn(s.owner, s.mentor)
			return []merge.Key{{Collection: "task", ID: k}}
		}},
		"operations on an own record, returned by somebody else": {func(s *shop) []merge.Key {
			k := s.edit(s.owner, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 50_000})
			s.turn(s.owner, s.mentor)
			s.edit(s.mentor, "sale_adjustment", "", map[string]any{"entry_id": k, "kind": "verify", "patch": map[string]any{"amount_idr": 50_000}})
			s.turn(s.mentor, s.owner)
			s.edit(s.owner, "sale_adjustment", "", map[string]any{"entry_id": k, "kind": "refund", "refund_idr": 1000, "note": "pecah"})
			s.turn(s.owner, s.mentor)
			return []merge.Key{{Collection: "sales", ID: k}}
		}},
		"a record that refers to one, and what refers to that": {func(s *shop) []merge.Key {
			p := s.edit(s.owner, "product", "", map[string]any{"name": "Keripik", "unit": "pack", "price_idr": 15_000})
			s.turn(s.owner, s.mentor)
			line := map[string]any{"product_id": p, "name": "Keripik", "qty": "2", "unit": "pack", "unit_price_idr": 15_000}
			k := s.edit(s.mentor, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 30_000,
				"lines": []any{line}, "on_behalf": true})
			s.edit(s.mentor, "sale_adjustment", "", map[string]any{"entry_id": k, "kind": "correct", "patch": map[string]any{"payment": "transfer"}, "note": "x"})
			s.turn(s.mentor, s.owner)
			return []merge.Key{{Collection: "product", ID: p}, {Collection: "sales", ID: k}}
		}},
	}
	for name, tt := range tests {
		anew := 0
		for _, ownerFirst := range []bool{true, false} {
			for _, closed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, owner first %t, closed in between %t", name, ownerFirst, closed), func(t *testing.T) {
					s := openShop(t)
					s.turn(s.owner, s.mentor)
					backup := s.disk.Copy()
					s.clock.Advance(time.Hour)
					keys := tt.lost(s)
					s.turn(s.owner, s.mentor, s.owner)
					want := s.shown(s.owner, keys)

					s.burn(backup)
					phones := []*phone{s.owner, s.mentor}
					if !ownerFirst {
						slices.Reverse(phones)
					}
					for _, p := range phones {
						s.turn(p)
						s.clock.Advance(3 * 24 * time.Hour)
						if closed {
							s.reopen(p)
						}
					}
					s.turn(phones[0], phones[1], phones[0], phones[1], phones[0])
					fresh := s.phone(s.owner.Me().User, "dn")
					s.turn(fresh)
					anew += s.settled(s.owner, s.mentor, fresh)
					for i, p := range []*phone{s.owner, s.mentor, fresh} {
						if got := s.shown(p, keys); got != want {
							t.Errorf("phone %d shows\n%s, before the fire\n%s", i, got, want)
						}
					}
				})
			}
		}
		if anew == 0 {
			t.Errorf("%s: nothing was made anew", name)
		}
	}
}

// shown is what people see of records and the operations on them.
func (s *shop) shown(p *phone, keys []merge.Key) (out string) {
	s.t.Helper()
	for _, k := range keys {
		row, ok, err := p.Row(s.scope, k.Collection, k.ID)
		if err != nil || !ok {
			return fmt.Sprintf("no %s, %v", k, err)
		}
		fields := map[string]string{}
		for name, v := range row.Fields {
			if !slices.Contains([]string{"received_at", "review", "verified_at", "verified_offline"}, name) {
				fields[name] = string(v)
			}
		}
		out += fmt.Sprintln(fields)
	}
	for _, c := range []string{"task_event", "sale_adjustment"} {
		rows, err := p.Rows(s.scope, c)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range rows {
			out += fmt.Sprintln(r.Text("op"), r.Text("kind"), r.Text("outcome"), string(r.Fields["seen"]))
		}
	}
	return out
}

// TestWhatAPurgeTookFromTheScreenComesBackWithTheRight: a mentor was let in after
// the backup, and the restored server knows nothing of it. What the server had
// accepted stays on the phone, unseen, and is sent again when the admin has let
// the mentor in once more.
func TestWhatAPurgeTookFromTheScreenComesBackWithTheRight(t *testing.T) {
	s := openShop(t)
	s.turn(s.owner, s.mentor)
	k := s.edit(s.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor", "track": "digital"})
	s.turn(s.mentor, s.owner)
	second := s.phone(id.Derive("user", "eko"), "de")
	s.mentor, second = second, s.mentor
	backup := s.disk.Copy()
	s.clock.Advance(time.Hour)
	granted := s.now()
	let := func() {
		s.must("assignment", id.Derive("assignment", "eko"), map[string]any{"mentor_id": s.mentor.Me().User, "from_at": granted, "lead": false})
	}
	let()
	s.turn(s.mentor)
	s.edit(s.mentor, "task", k, map[string]any{"mentor_note": "Satu foto lagi"})
	s.edit(s.mentor, "task_event", "", map[string]any{"task_id": k, "op": "verify"})
	s.turn(s.mentor, s.owner, s.mentor)

	s.burn(backup)
	s.turn(s.mentor, s.owner)
	if rows, err := s.mentor.Snapshot(s.scope); err != nil || len(rows) != 0 {
		t.Errorf("%d rows of a place that is closed, %v", len(rows), err)
	}
	for _, c := range []string{"task", "task_event"} {
		if rows, err := s.mentor.Rows(s.scope, c); err != nil || len(rows) != 0 {
			t.Errorf("shows %v of a place that is closed, %v", rows, err)
		}
	}
	s.reopen(s.mentor)
	s.clock.Advance(48 * time.Hour)
	let()
	s.turn(s.mentor, s.owner, second)
	s.settled(s.mentor, s.owner, second)
	for i, p := range []*phone{s.mentor, s.owner, second} {
		row, ok, err := p.Row(s.scope, "task", k)
		if err != nil || !ok || row.Text("mentor_note") != "Satu foto lagi" || row.Text("state") != "verified" {
			t.Errorf("phone %d shows %v, %v", i, row.Fields, err)
		}
	}
}
