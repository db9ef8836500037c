package domain_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// base is everything that is on the server now.
func (s *scene) base() *merge.Base {
	return &merge.Base{Generation: s.Generation, Version: s.Applied}
}

// change writes an edit on a phone that has everything, without sending it.
func (s *scene) change(p *mergetest.Phone, collection, record string, set map[string]merge.Value) merge.Item {
	return p.Item(s.Name, merge.Mutation{Collection: collection, ID: record, At: at(s.tick()), Base: s.base(), Set: set})
}

// branch copies the scene, so that it can go on in two ways.
func (s *scene) branch() *scene {
	c := *s
	c.Scope = s.Scope.Clone()
	return &c
}

// TestTheOrderOfArrivalDecidesNothing: an edit that had not seen another is
// judged alike before and after it.
func TestTheOrderOfArrivalDecidesNothing(t *testing.T) {
	nib := texts("nib", "1234567890123")
	ownTask := func(s *scene, fields map[string]merge.Value) {
		s.write("task", key("k"), with(texts("title", "Foto produk", "origin", domain.OriginTemplate), fields))
	}
	tests := []struct {
		name  string
		code  string // of the edit in question, both ways
		edit  func(s *scene) (*mergetest.Phone, merge.Item)
		other func(s *scene) func(c *scene)
	}{
		{"a photo is hidden beside a check-off", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			ownTask(s, nil)
			taskPhoto(s)
			return s.owner, s.change(s.owner, "attachment", key("p"), map[string]merge.Value{"hidden": merge.Flag(true)})
		}, func(s *scene) func(*scene) {
			it := s.make(s.mentor, "task_event", key("v"), event("verify"))
			return func(c *scene) { c.must(c.send(c.mentor, it)[0]) }
		}},
		{"an owner's form beside a new title", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			ownTask(s, nil)
			return s.owner, s.change(s.owner, "task", key("k"), texts("title", "Foto produk", "owner_note", "halo"))
		}, func(s *scene) func(*scene) {
			it := s.change(s.mentor, "task", key("k"), texts("title", "Foto baru"))
			return func(c *scene) { c.must(c.send(c.mentor, it)[0]) }
		}},
		{"a submission without a note beside the colleague's note", "evidence_missing", func(s *scene) (*mergetest.Phone, merge.Item) {
			ownTask(s, map[string]merge.Value{"evidence_required": merge.Encode(map[string]bool{"note": true})})
			return s.owner, s.make(s.owner, "task_event", key("x"), with(event("submit"), map[string]merge.Value{"note": nil}))
		}, func(s *scene) func(*scene) {
			it := s.change(s.staff, "task", key("k"), texts("owner_note", "sudah"))
			return func(c *scene) { c.must(c.send(c.staff, it)[0]) }
		}},
		{"a submission beside more evidence asked for", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			ownTask(s, nil)
			return s.owner, s.make(s.owner, "task_event", key("x"), event("submit"))
		}, func(s *scene) func(*scene) {
			it := s.change(s.mentor, "task", key("k"), map[string]merge.Value{"evidence_required": merge.Encode(map[string]int{"photos_min": 3})})
			return func(c *scene) {
				if a := c.send(c.mentor, it)[0]; a.Code != "immutable_field" {
					t.Errorf("evidence asked for later: %+v", a)
				}
			}
		}},
		{"a business number beside its verification", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			s.write("business", key("b"), nib)
			return s.owner, s.change(s.owner, "business", key("b"), texts("nib", "1234567890124"))
		}, func(*scene) func(*scene) {
			return func(c *scene) {
				c.write("business", key("b"), map[string]merge.Value{"nib_verified": merge.Flag(true)})
			}
		}},
		{"a business number seen verified, beside the end of that", "immutable_field", func(s *scene) (*mergetest.Phone, merge.Item) {
			s.write("business", key("b"), nib)
			s.write("business", key("b"), map[string]merge.Value{"nib_verified": merge.Flag(true)})
			return s.owner, s.change(s.owner, "business", key("b"), texts("nib", "1234567890124"))
		}, func(*scene) func(*scene) {
			return func(c *scene) {
				c.write("business", key("b"), map[string]merge.Value{"nib_verified": merge.Flag(false)})
			}
		}},
		{"a sale of tomorrow in Papua, beside the move there", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			s.write("business", key("b"), region("31.71", ""))
			s.now = start + 15*60*60*1000 + 30*60*1000 // 23:30 in Jakarta, 01:30 of the third in Papua
			return s.owner, s.make(s.owner, "sales", key("e"), with(sale(), texts("sold_on", "2022-04-04")))
		}, moves},
		{"a task due today in Jakarta, beside the move to Papua", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			s.write("business", key("b"), region("31.71", ""))
			s.now = start + 15*60*60*1000 + 30*60*1000
			return s.mentor, s.make(s.mentor, "task", key("k"), texts("title", "Foto produk", "origin", domain.OriginMentor, "due_on", "2022-04-02"))
		}, moves},
		{"a baseline beside the enrolment", "", func(s *scene) (*mergetest.Phone, merge.Item) {
			return s.owner, s.change(s.owner, "business", key("b"), map[string]merge.Value{"baseline_monthly_idr": merge.Num(7)})
		}, func(*scene) func(*scene) {
			return func(c *scene) { c.write("business", key("b"), texts("enrolled_at", "2022-04-01T00:00:00.000Z")) }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			phone, it := tt.edit(s)
			other := tt.other(s)
			var left [2]string
			for i := range left {
				c := s.branch()
				if i == 1 {
					other(c)
				}
				a := c.send(phone, it)[0]
				if a.Code != tt.code {
					t.Errorf("other first %t: %+v, want %q", i == 1, a, tt.code)
				}
				if i == 0 {
					other(c)
				}
				left[i] = facts(c)
			}
			if left[0] != left[1] {
				t.Errorf("two ends:\n%s\n%s", left[0], left[1])
			}
		})
	}
}

// moves lets the business move to the easternmost zone.
func moves(s *scene) func(*scene) {
	it := s.change(s.owner, "business", key("b"), region("91.71", ""))
	return func(c *scene) {
		c.must(c.send(c.owner, it)[0])
		if zone := c.Row("business", key("b")).Text("zone"); zone != string(domain.WIT) {
			c.t.Errorf("zone %q", zone)
		}
	}
}

// facts is what the rules above protect.
func facts(c *scene) string {
	task, business := c.Row("task", key("k")), c.Row("business", key("b"))
	return strings.Join([]string{task.Text("state"), task.Text("title"), task.Text("owner_note"), string(c.Row("attachment", key("p")).Fields["hidden"]),
		business.Text("nib"), string(business.Fields["nib_verified"]), string(business.Fields["baseline_monthly_idr"])}, " ")
}

// taskPhoto is a photo of the owner's, on task k.
func taskPhoto(s *scene) {
	s.t.Helper()
	s.must(s.send(s.owner, s.make(s.owner, "attachment", key("p"), with(texts("sha256", strings.Repeat("a", 64), "mime", "image/jpeg"), map[string]merge.Value{
		"bytes": merge.Num(10), "owner_ref": merge.Encode(map[string]string{"collection": "task", "id": key("k")})})))[0])
}

// TestEvidenceOfAVerifiedTaskStays: who knows of the check-off hides nothing,
// although the check-off did not touch the photo.
func TestEvidenceOfAVerifiedTaskStays(t *testing.T) {
	s := newScene(t)
	newTask(s, domain.OriginTemplate)
	taskPhoto(s)
	row := s.Row("attachment", key("p"))
	s.must(s.act(do{"mentor", "verify", ""}, "v"))
	hidden := map[string]merge.Value{"hidden": merge.Flag(true)}
	if a := s.branch().edit(s.owner, "attachment", key("p"), hidden); a.Code != "locked" {
		t.Errorf("on a base above the check-off: %+v", a)
	}
	for heard, code := range map[merge.Millis]string{s.Time: "locked", s.Time - 1: ""} {
		c := s.branch()
		m := merge.Mutation{Collection: "attachment", ID: key("p"), At: at(c.tick()), Set: hidden, Base: &merge.Base{Generation: s.Generation, Version: row.Version}}
		m.At.Server = heard
		if a := c.send(c.owner, c.owner.Item(s.Name, m))[0]; a.Code != code {
			t.Errorf("heard at %d: %+v, want %q", heard, a, code)
		}
	}
}
