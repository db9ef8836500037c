package play_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestEveryKindOfAnswerCutAnywhere cuts the answers that rename edits, take rows
// away, begin a new time line or refuse. They are rare, and they are the ones
// that would lose something.
func TestEveryKindOfAnswerCutAnywhere(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(s *scene) *play.Phone
		check   func(s *scene, p *play.Phone)
	}{
		{"rekey, on a copied phone", copied, func(s *scene, p *play.Phone) {
			if got := s.sales(); len(got) != 7 {
				s.Fatalf("sales %v", got)
			}
			s.settled(p)
		}},
		{"purge, of somebody who left", left, func(s *scene, p *play.Phone) {
			if rows, err := p.Snapshot(s.scope); err != nil || len(rows) != 0 {
				s.Fatalf("%d rows are left, %v", len(rows), err)
			}
			refused(s, p, "not_assigned", 1)
		}},
		{"reset, of a phone whose hash is wrong", tampered, func(s *scene, p *play.Phone) {
			if got := s.held("product", s.product).Int("price_idr"); got != 17_000 || p.Mismatches() == 0 {
				s.Fatalf("price %d, %d wrong hashes", got, p.Mismatches())
			}
			s.settled(p)
		}},
		{"a new generation, after a restore", raised, func(s *scene, p *play.Phone) {
			if got := s.sales(); len(got) != 3 {
				s.Fatalf("sales %v", got)
			}
			s.settled(p)
		}},
		{"a refusal", rejected, func(s *scene, p *play.Phone) {
			refused(s, p, "date_in_future", 1)
			s.settled(p)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := set(t)
			p := tt.arrange(s)
			p.PageBytes = 700
			before, err := p.Save()
			s.ok(err)
			c := cut(p, "/v1/sync")
			s.sync(p)
			total := c.total()
			places := c.places()
			tt.check(s, p)
			for _, after := range places {
				s.ok(p.Load(before))
				c.at(after)
				c.failed(t, p.Sync(t.Context()))
				c.after = -1
				s.sync(p)
				if n := s.waiting(p); n != 0 {
					t.Fatalf("cut after %d bytes: %d edits wait", after, n)
				}
				if tt.check(s, p); t.Failed() {
					t.Fatalf("cut after %d of %d bytes", after, total)
				}
			}
			t.Logf("cut at %d places of %d", len(places), total)
		})
	}
}

// copied is the copy of a phone whose original was faster.
func copied(s *scene) *play.Phone {
	s.sell(s.owner, 10_000)
	twin, err := s.owner.Copy("twin")
	s.ok(err)
	for n := range 3 {
		s.sell(s.owner, 20_000+n)
		s.sell(twin, 30_000+n)
	}
	s.sync(s.owner)
	s.ok(twin.Login(s.Context())) // the copied session ended with the first refresh of either
	return twin
}

// left is the phone of staff who left and have something to send.
func left(s *scene) *play.Phone {
	var list struct {
		Members []struct {
			ID   string `json:"id"`
			User string `json:"user_id"`
			Etag string `json:"etag"`
		} `json:"members"`
	}
	path := "/v1/businesses/" + s.scope[len("business/"):] + "/members"
	s.ok(s.owner.Send(s.Context(), http.MethodGet, path, "", nil, &list))
	for _, m := range list.Members {
		if m.User == s.staff.Who.User {
			s.ok(s.owner.Send(s.Context(), http.MethodPatch, path+"/"+m.ID, m.Etag, map[string]any{"to": s.w.Clock.Now()}, nil))
		}
	}
	s.w.Clock.Advance(time.Hour)
	s.sell(s.staff, 10_000)
	return s.staff
}

// tampered is a phone that took something wrongly, as its hash will tell.
func tampered(s *scene) *play.Phone {
	s.sell(s.staff, 5_000)
	s.sync(s.staff, s.owner)
	memory, err := s.owner.Save()
	s.ok(err)
	s.ok(memory.Update(func(w replica.Writer) error {
		var state map[string]any
		if err := json.Unmarshal(w.Get("scope", s.scope), &state); err != nil {
			return err
		}
		state["s"] = "1"
		b, err := json.Marshal(state)
		w.Put("scope", s.scope, b)
		return err
	}))
	s.ok(s.owner.Load(memory))
	s.price(s.owner, 17_000)
	return s.owner
}

// raised is a phone with accepted edits and one to send, whose server began a
// new time line.
func raised(s *scene) *play.Phone {
	s.sell(s.owner, 10_000)
	s.sell(s.owner, 11_000)
	s.sync(s.owner)
	s.sell(s.owner, 12_000)
	if _, err := s.w.App.Restored(s.Context()); err != nil {
		s.Fatal(err)
	}
	return s.owner
}

// rejected is a phone with an edit that breaks a rule.
func rejected(s *scene) *play.Phone {
	s.sell(s.owner, 10_000)
	s.write(s.owner, "sales", "", map[string]any{"sold_on": "2022-08-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 99_000})
	return s.owner
}

// refused fails unless a person's quarantine holds so many edits, all for this
// reason.
func refused(s *scene, p *play.Phone, code string, n int) {
	s.Helper()
	s.ok(s.w.Step(s.Context()))
	s.sync(p)
	rows, err := p.Rows(merge.UserScope(p.Me().User), "quarantine")
	s.ok(err)
	if len(rows) != n || rows[0].Text("code") != code {
		s.Errorf("quarantine %v, want %d of %s", rows, n, code)
	}
}
