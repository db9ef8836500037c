package play_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// TestAStolenRefreshToken ends the session of thief and owner alike. The outbox
// stays, and is sent after a login.
func TestAStolenRefreshToken(t *testing.T) {
	t.Parallel()
	s := set(t)
	stolen, err := s.owner.Session()
	s.ok(err)
	for range 3 {
		s.w.Clock.Advance(16 * time.Minute)
		s.sync(s.owner)
	}
	sale := s.sell(s.owner, 10_000)

	thief, err := s.w.NewPhone(s.owner.Who, "thief")
	s.ok(err)
	s.ok(thief.Become(replica.Identity{User: s.owner.Me().User, Device: "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60", Incarnation: "thief-000000"}))
	s.ok(thief.KeepSession(stolen))
	s.w.Clock.Advance(16 * time.Minute)
	if err := thief.Sync(t.Context()); fault.CodeOf(err) != "refresh_reused" {
		t.Errorf("the thief is told %v", err)
	}
	if err := s.owner.Sync(t.Context()); fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("the owner is told %v", err)
	}
	if n := s.waiting(s.owner); n != 1 {
		t.Fatalf("%d edits wait, want 1", n)
	}
	s.ok(s.owner.Login(t.Context()))
	s.sync(s.owner)
	if got := s.sales(); len(got) != 1 || got[sale] != 10_000 {
		t.Errorf("sales %v", got)
	}
	s.settled(s.owner)
}

// TestAnotherUserSendsNothingOfMine logs another person in on the phone. What
// the first one had not sent stays there until the first one is back.
func TestAnotherUserSendsNothingOfMine(t *testing.T) {
	t.Parallel()
	s := set(t)
	sale := s.sell(s.owner, 10_000)
	first := s.owner.Who
	s.owner.Who = s.w.Person("Dimas")
	s.ok(s.owner.Login(t.Context()))
	s.sync(s.owner)
	if got := s.sales(); len(got) != 0 {
		t.Fatalf("somebody else sent %v", got)
	}
	if rows, err := s.owner.Rows(s.scope, "sales"); err != nil || len(rows) != 0 {
		t.Errorf("somebody else sees %v, %v", rows, err)
	}
	theirs := s.sell(s.owner, 20_000)
	s.sync(s.owner)
	s.owner.Who = first
	s.ok(s.owner.Login(t.Context()))
	s.sync(s.owner)
	if got := s.sales(); len(got) != 2 || got[sale] != 10_000 || got[theirs] != 20_000 {
		t.Errorf("sales %v", got)
	}
	if by := s.held("sales", sale).Text("created_by"); by != first.User {
		t.Errorf("the sale is by %s", by)
	}
	s.settled(s.owner)
}

// TestARevokedSession erases what the server said and keeps what was not sent.
func TestARevokedSession(t *testing.T) {
	t.Parallel()
	s := set(t)
	sale := s.sell(s.owner, 10_000)
	var devices struct {
		Devices []struct {
			ID      string `json:"id"`
			Install string `json:"install_id"`
		} `json:"devices"`
	}
	s.ok(s.tablet.Send(t.Context(), http.MethodGet, "/v1/me/devices", "", nil, &devices))
	s.ok(s.tablet.Send(t.Context(), http.MethodDelete, "/v1/me/devices/"+s.owner.Me().Device+"?as=lost", "", nil, nil))
	if err := s.owner.Sync(t.Context()); fault.CodeOf(err) != "session_revoked" {
		t.Fatalf("the phone is told %v", err)
	}
	rows, err := s.owner.Snapshot(s.scope)
	s.ok(err)
	scopes, err := s.owner.Scopes()
	s.ok(err)
	if len(rows) != 0 || len(scopes) != 0 {
		t.Errorf("the phone still holds %d rows of %d scopes", len(rows), len(scopes))
	}
	if n := s.waiting(s.owner); n != 1 {
		t.Errorf("%d edits wait, want 1", n)
	}
	s.w.Clock.Advance(10 * 24 * time.Hour) // it is found again
	s.ok(s.owner.Login(t.Context()))
	s.sync(s.owner)
	if got := s.sales(); len(got) != 1 || got[sale] != 10_000 {
		t.Errorf("sales %v", got)
	}
	if on := s.held("sales", sale).Text("created_at"); on[:10] != "2022-04-02" {
		t.Errorf("the sale is dated %s", on)
	}
	s.settled(s.owner)
}

// TestLogoutEverywhere is the same by another door.
func TestLogoutEverywhere(t *testing.T) {
	t.Parallel()
	s := set(t)
	s.sell(s.owner, 10_000)
	s.ok(s.tablet.Send(t.Context(), http.MethodDelete, "/v1/me/sessions", "", nil, nil))
	for _, p := range []*play.Phone{s.owner, s.tablet} {
		if err := p.Sync(t.Context()); fault.CodeOf(err) != "session_revoked" {
			t.Errorf("%s is told %v", p.Name, err)
		}
		s.ok(p.Login(t.Context()))
	}
	s.sync(s.owner, s.tablet)
	s.settled(s.owner, s.tablet)
	if len(s.sales()) != 1 {
		t.Errorf("sales %v", s.sales())
	}
}
