package play_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	house "github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestAServerMovesToAnotherStore lets a server move twice, there and back, with
// MongoDB between if there is one. People go on while it is copied; phones hold
// unsent edits over each move, and notice nothing.
func TestAServerMovesToAnotherStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := []string{filepath.Join(dir, "one", "l.db"), filepath.Join(dir, "two", "l.db"), filepath.Join(dir, "three", "l.db")}
	if mongotest.Asked() {
		at[1] = mongotest.Address(t)
	}
	s := set(t, func(o *play.Options) {
		o.Path, o.Store, o.Identity, o.Pepper = at[0], nil, nil, strings.Repeat("a pepper ", 5)
	})
	s.busy()
	admin := s.enter(s.w.Person("Bu Ratna"), "office")
	s.ok(s.w.App.Push.Store.InsertDelivery(t.Context(), store.Delivery{ID: admin.IDs.New(), User: admin.Me().User, Lane: "usual", State: store.DeliveryPending, Next: s.w.Clock.Now()}))
	for n := range 2 {
		s.ok(admin.Send(t.Context(), "PUT", "/v1/me/devices/"+admin.Me().Device+"/push", "", map[string]any{"provider": "fcm", "kind": "token", "value": "a:b"}, nil))
		m := &house.Move{From: at[n], To: at[n+1]}
		s.ok(m.Open(t.Context()))
		if _, err := m.Copy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := reopened(t, at[n+1]); fault.CodeOf(err) != "database_filling" {
			t.Errorf("a server begins on what is not whole: %v", err)
		}
		s.sell(s.staff, 61_000+n) // written while it is copied, and arrived
		s.sync(s.staff, s.owner, s.tablet)
		unsent := s.sell(s.owner, 62_000+n) // not arrived
		before := s.sales()
		r, err := m.Copy(t.Context())
		if err != nil || r.Written == 0 || !r.Same {
			t.Errorf("the copy that goes on: %+v %v", r, err)
		}
		s.ok(s.w.Move(t.Context(), at[n+1], func() error {
			r, scopes, err := m.Finish(t.Context())
			if err == nil && (scopes < 3 || r.Items < 50 || !r.Same) {
				t.Errorf("%d scopes, %+v", scopes, r)
			}
			return err
		}))
		s.everyShelf(at[n+1])
		s.ok(admin.Login(t.Context())) // with what was carried
		s.ok(m.Close())
		if err := reopened(t, at[n]); fault.CodeOf(err) != "database_retired" {
			t.Errorf("a server begins on what has moved: %v", err)
		}
		s.nothingNew(s.tablet)
		s.sync(s.owner)
		after := s.sales()
		if len(after) != len(before)+1 || after[unsent] != int64(62_000+n) {
			t.Errorf("%d entries before, %d after, the unsent one %d", len(before), len(after), after[unsent])
		}
		s.sync(s.staff, s.tablet)
		s.settled(s.owner, s.staff, s.tablet)
		if n, err := s.w.App.Engine.AuditAll(t.Context()); err != nil {
			t.Errorf("%d scopes: %v", n, err)
		}
	}
}

// busy lets everything happen that leaves something to carry.
func (s *scene) busy() {
	s.Helper()
	for n := range 30 {
		s.sell(s.owner, 1_000+n)
	}
	gone := s.write(s.owner, "product", "", map[string]any{"name": "Keripik singkong", "unit": "pack", "price_idr": 9_000})
	s.sync(s.owner, s.tablet, s.staff)
	s.sell(s.staff, 2_000)
	s.price(s.tablet, 17_000)
	_, err := s.owner.Do(replica.Edit{Scope: s.scope, Collection: "product", ID: gone, Op: merge.Delete})
	s.ok(err)
	_, err = s.staff.Do(replica.Edit{Scope: "business/0190aaaa-0000-7000-8000-00000000beef", Collection: "product",
		Set: map[string]merge.Value{"name": merge.Str("for somebody else"), "unit": merge.Str("pack"), "price_idr": merge.Num(1)}})
	s.ok(err)
	s.sync(s.owner, s.tablet, s.staff)
	s.ok(s.w.Step(s.Context()))
	_, err = s.w.App.Engine.Store.Begin(s.Context())
	s.ok(err)
	_, err = s.w.App.Engine.Restored(s.Context()) // a generation that ended, with a fork behind it
	s.ok(err)
	s.sync(s.owner, s.tablet, s.staff)
	s.sell(s.tablet, 3_000)
	s.sync(s.tablet, s.owner, s.tablet, s.staff)
	s.ok(s.w.Step(s.Context()))
}

// everyShelf fails if something that a server makes here is not there.
func (s *scene) everyShelf(at string) {
	s.Helper()
	p, ok := s.w.App.Store.(store.Portable)
	if !ok {
		s.Fatalf("%s cannot be carried", at)
	}
	for _, shelf := range store.Shelves() {
		items, _, err := p.Items(s.Context(), shelf, "", 1)
		s.ok(err)
		if len(items) == 0 && shelf != store.ShelfTotals && shelf != store.ShelfContacts {
			s.Errorf("nothing lies on shelf %s of %s", shelf, at)
		}
	}
}

// nothingNew fails unless a phone that has everything is told so, and nothing
// else.
func (s *scene) nothingNew(p *play.Phone) {
	s.Helper()
	req, _, err := p.Ask()
	s.ok(err)
	var resp protocol.Response
	s.ok(p.HTTP.Call(s.Context(), http.MethodPost, "/v1/sync", nil, req, &resp))
	if len(resp.Changes)+len(resp.Reset)+len(resp.Purge)+len(resp.Verdicts) > 0 || resp.Fresh || resp.Cursor != "" {
		s.Errorf("the phone notices: %+v", resp)
	}
}

// reopened tries to build a server on a store.
func reopened(t *testing.T, path string) error {
	t.Helper()
	cfg := play.Settings(path)
	cfg.Pepper = strings.Repeat("a pepper ", 5)
	a, err := house.New(t.Context(), cfg, house.Options{})
	if err == nil {
		t.Cleanup(func() {
			if err := a.Close(t.Context()); err != nil {
				t.Log(err)
			}
		})
	}
	return err
}
