package programme_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// office is a service on a fresh database, with a clock that stands still.
type office struct {
	*programme.Service
	*testing.T
	auth  *auth.Service
	clock *clock.Fixed
	ids   id.Maker
	asked int
}

func open(t *testing.T) *office {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o := &office{T: t, clock: clock.At(time.Date(2022, 5, 5, 2, 11, 9, 0, time.UTC))}
	o.ids = id.Maker{Clock: o.clock, Rand: rand.Reader}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	o.auth = &auth.Service{Store: db.Identity(), Clock: o.clock, IDs: o.ids, Rand: rand.Reader, Pepper: make([]byte, 32), Limits: auth.DefaultLimits(), Log: log}
	o.Service = &programme.Service{Engine: &syncer.Engine{Store: db, Schema: domain.MustCatalogue(), Clock: o.clock, IDs: o.ids, Log: log}, People: o.auth, Clock: o.clock}
	o.Engine.Steps = o.Steps()
	return o
}

// person makes a user, with a role or without.
func (o *office) person(n int, roles ...string) store.User {
	o.Helper()
	u, err := o.auth.CreateUser(o.Context(), fmt.Sprintf("+62811700%04d", n), roles)
	if err != nil {
		o.Fatal(err)
	}
	return u
}

// as is a request that was never made before, by somebody who proved enough to be an
// admin.
func (o *office) as(u store.User) programme.Caller {
	o.asked++
	return programme.Caller{User: u.ID, Name: fmt.Sprintf("rest.test.%d", o.asked), Proved: true, Fresh: true}
}

func (o *office) business(owner store.User) string {
	o.Helper()
	b, err := o.CreateBusiness(o.Context(), o.as(owner), programme.NewBusiness{ID: o.ids.New(), Name: "Rajut Metro"})
	if err != nil {
		o.Fatal(err)
	}
	return b.ID
}

// TestTwoOwnersCannotLeaveAtOnce: each could go alone; of both at once one must
// stay, whatever the order.
func TestTwoOwnersCannotLeaveAtOnce(t *testing.T) {
	for round := range 6 {
		o := open(t)
		a, b := o.person(1), o.person(2)
		business := o.business(a)
		if _, err := o.AddMember(t.Context(), o.as(a), business, programme.NewMember{Phone: b.Phone, Role: merge.Owner}); err != nil {
			t.Fatal(err)
		}
		members, err := o.Members(t.Context(), o.as(a), business)
		if err != nil {
			t.Fatal(err)
		}
		now := o.clock.Now()
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, m := range members {
			who := o.as(a)
			both.Go(func() {
				_, errs[i] = o.ChangeMember(context.Background(), who, business, m.ID, m.Version, programme.MemberChange{To: &now})
			})
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v, %v", round, errs[0], errs[1])
		}
	}
}

func TestRightsAreThoseOfTheCommit(t *testing.T) {
	o := open(t)
	owner, staff, stranger, admin, mentor := o.person(1), o.person(2), o.person(3), o.person(4, "admin"), o.person(5, "mentor")
	business := o.business(owner)
	if _, err := o.AddMember(t.Context(), o.as(owner), business, programme.NewMember{Phone: staff.Phone, Role: merge.Staff}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Assign(t.Context(), o.as(admin), business, programme.NewAssignment{Mentor: mentor.ID}); err != nil {
		t.Fatal(err)
	}
	invite := programme.NewMember{Phone: "0811-7000-009", Role: merge.Staff}
	for _, tt := range []struct {
		name  string
		who   store.User
		add   fault.Kind
		watch fault.Kind
	}{
		{"staff", staff, fault.Forbidden, fault.Forbidden}, {"stranger", stranger, fault.NotFound, fault.NotFound}, {"mentor", mentor, fault.Forbidden, fault.Internal},
	} {
		if _, err := o.AddMember(t.Context(), o.as(tt.who), business, invite); fault.KindOf(err) != tt.add || err == nil {
			t.Errorf("%s invites: %v", tt.name, err)
		}
		if _, err := o.Health(t.Context(), o.as(tt.who), business); (err == nil) != (tt.watch == fault.Internal) || err != nil && fault.KindOf(err) != tt.watch {
			t.Errorf("%s watches: %v", tt.name, err)
		}
	}
	if _, err := o.auth.Store.UserByPhone(t.Context(), "+628117000009"); err == nil {
		t.Error("somebody without the right made a user")
	}
	o.person(99, "admin") // the last one must stay
	if err := o.auth.SetRoles(t.Context(), admin.ID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Business(t.Context(), o.as(admin), business); fault.KindOf(err) != fault.NotFound {
		t.Errorf("who was an admin sees: %v", err)
	}
}

func TestAHandoverLeavesNoMomentWithoutAMentor(t *testing.T) {
	o := open(t)
	owner, admin, first, second := o.person(1), o.person(2, "admin"), o.person(3, "mentor"), o.person(4, "mentor")
	business := o.business(owner)
	a, err := o.Assign(t.Context(), o.as(admin), business, programme.NewAssignment{Mentor: first.ID, Track: "digital"})
	if err != nil {
		t.Fatal(err)
	}
	at := o.clock.Now().Add(48 * time.Hour)
	ended, err := o.ChangeAssignment(t.Context(), o.as(admin), business, a.ID, a.Version, programme.AssignmentChange{To: &at, Successor: second.ID, Note: "Label sudah dicetak"})
	if err != nil || !ended.To.Equal(at) || ended.Note == "" {
		t.Fatalf("%+v, %v", ended, err)
	}
	for _, step := range []struct {
		at  time.Duration
		who store.User
	}{{47 * time.Hour, first}, {2 * time.Hour, second}} {
		o.clock.Advance(step.at)
		for _, u := range []store.User{first, second} {
			list, err := o.Businesses(t.Context(), o.as(u))
			if err != nil || (len(list) == 1) != (u.ID == step.who.ID) {
				t.Errorf("at %v %s sees %d, %v", o.clock.Now(), u.Phone, len(list), err)
			}
		}
	}
	all, err := o.Assignments(t.Context(), o.as(second), business)
	if err != nil || len(all) != 2 || !slices.ContainsFunc(all, func(x programme.Assignment) bool {
		return x.Mentor == second.ID && x.Lead && x.Track == "digital" && x.From.Equal(at)
	}) {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestReviewsAreForAdminsOldestFirst(t *testing.T) {
	o := open(t)
	admin, owner := o.person(1, "admin"), o.person(2)
	for n := range 3 {
		at := merge.Millis(o.clock.Now().Add(-time.Duration(n) * time.Hour).UnixMilli())
		set := map[string]merge.Value{"what": merge.Str("refused_edit"), "at": at.Value(), "code": merge.Str("not_assigned")}
		if n == 1 {
			set["resolved_at"] = at.Value()
		}
		if _, err := o.Engine.Write(t.Context(), fmt.Sprintf("decision/%d", n), merge.ServerWrite{Name: fmt.Sprint("w", n), Role: merge.System, Collection: "review_item",
			ID: o.ids.New(), Op: merge.Put, Create: true, Set: set}); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := o.Reviews(t.Context(), o.as(admin), programme.Page{Limit: 10})
	if err != nil || len(got) != 2 || got[0].Queue != "decision/2" || got[1].Queue != "decision/0" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _, err = o.Reviews(t.Context(), o.as(admin), programme.Page{Limit: 1}); err != nil || len(got) != 1 {
		t.Errorf("%d, %v", len(got), err)
	}
	if _, _, err := o.Reviews(t.Context(), o.as(owner), programme.Page{Limit: 10}); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("an owner sees the queue: %v", err)
	}
}

func TestAWelcomeIsWrittenOnce(t *testing.T) {
	o := open(t)
	u := o.person(1)
	for range 2 {
		if err := o.Welcome(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		o.clock.Advance(time.Hour)
	}
	d := store.Device{ID: id.Derive("device", "x"), User: u.ID, Install: "0190aaaa", Status: store.DeviceActive}
	for range 2 {
		if err := o.NoteDevice(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	head, err := o.Engine.Store.Head(t.Context(), merge.UserScope(u.ID))
	if err != nil || head.Applied != 2 {
		t.Errorf("%d commits, %v", head.Applied, err)
	}
	d.Status = store.DeviceLost
	if err := o.NoteDevice(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if head, err = o.Engine.Store.Head(t.Context(), merge.UserScope(u.ID)); err != nil || head.Applied != 3 {
		t.Errorf("%d commits, %v", head.Applied, err)
	}
}
