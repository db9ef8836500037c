package programme_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (o *office) work() {
	o.Helper()
	if _, err := o.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
}

// TestWhoIsLetGoIsLetGoInBoth: the end of a window in one of two merged records
// ends it in the other, whichever it was.
func TestWhoIsLetGoIsLetGoInBoth(t *testing.T) {
	for _, inOld := range []bool{false, true} {
		o := open(t)
		ani, staff, admin := o.person(1), o.person(2), o.person(4, "admin")
		old, survivor := o.business(ani), o.business(ani)
		m, err := o.AddMember(t.Context(), o.as(ani), old, programme.NewMember{Phone: staff.Phone, Role: merge.Staff})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Merge(t.Context(), o.as(admin), old, survivor); err != nil {
			t.Fatal(err)
		}
		o.work()
		where := survivor
		if inOld {
			where = old
		}
		all, err := o.Members(t.Context(), o.as(ani), where)
		if err != nil {
			t.Fatal(err)
		}
		now, ended := o.clock.Now(), false
		for _, x := range all {
			if x.ID == m.ID {
				_, err := o.ChangeMember(t.Context(), o.as(ani), where, x.ID, x.Version, programme.MemberChange{To: &now})
				if ended = err == nil; err != nil {
					t.Fatal(err)
				}
			}
		}
		o.work()
		o.clock.Advance(time.Hour)
		for _, b := range []string{old, survivor} {
			if _, err := o.Members(t.Context(), o.as(staff), b); !ended || fault.KindOf(err) != fault.NotFound {
				t.Errorf("ended in the old one %t: the one who was let go sees %s: %v", inOld, b, err)
			}
		}
		head, err := o.Engine.Store.Head(t.Context(), "business/"+survivor)
		if err != nil || len(head.Todo) != 0 {
			t.Errorf("work is left: %+v, %v", head.Todo, err)
		}
	}
}

// nosy lets something happen between the first look of a request and its commit.
type nosy struct {
	programme.Directory
	then func()
}

func (n *nosy) User(ctx context.Context, user string) (store.User, error) {
	if f := n.then; f != nil {
		n.then = nil
		f()
	}
	return n.Directory.User(ctx, user)
}

// TestAnEndThatRacesAMerger lands in the survivor too, and an invitation that
// does is refused.
func TestAnEndThatRacesAMerger(t *testing.T) {
	o := open(t)
	ani, staff, admin := o.person(1), o.person(2), o.person(4, "admin")
	old, survivor := o.business(ani), o.business(ani)
	m, err := o.AddMember(t.Context(), o.as(ani), old, programme.NewMember{Phone: staff.Phone, Role: merge.Staff})
	if err != nil {
		t.Fatal(err)
	}
	n := &nosy{Directory: o.People}
	n.then = func() {
		if _, err := o.Merge(t.Context(), o.as(admin), old, survivor); err != nil {
			t.Error(err)
		}
		o.work()
	}
	o.People = n
	now := o.clock.Now()
	if _, err = o.ChangeMember(t.Context(), o.as(ani), old, m.ID, m.Version, programme.MemberChange{To: &now}); err != nil {
		t.Fatal(err)
	}
	o.work()
	o.clock.Advance(time.Hour)
	if _, err := o.Members(t.Context(), o.as(staff), survivor); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the one who was let go: %v", err)
	}
	if _, err := o.AddMember(t.Context(), o.as(ani), old, programme.NewMember{Phone: "08117000009", Role: merge.Staff}); fault.CodeOf(err) != "business_merged" {
		t.Errorf("an invitation into the old one: %v", err)
	}
}

// TestOneSurvivor: of mergers at the same moment one happens, or none; a refused
// one leaves nothing behind.
func TestOneSurvivor(t *testing.T) {
	for range 10 {
		o := open(t)
		ani, admin := o.person(1), o.person(4, "admin")
		a, b, c := o.business(ani), o.business(ani), o.business(ani)
		at := func(pairs ...[2]string) (done int) {
			errs := make([]error, len(pairs))
			var g sync.WaitGroup
			for i, p := range pairs {
				who := o.as(admin)
				g.Go(func() { _, errs[i] = o.Merge(context.Background(), who, p[0], p[1]) })
			}
			g.Wait()
			for _, err := range errs {
				if err == nil {
					done++
				} else if fault.CodeOf(err) != "business_merged" {
					t.Error(err)
				}
			}
			return done
		}
		if n := at([2]string{a, b}, [2]string{b, a}); n > 1 {
			t.Fatal("both are gone")
		} else if n == 0 && at([2]string{a, b}) != 1 {
			t.Fatal("two that were refused can never be merged")
		}
		d, e, f := o.business(ani), o.business(ani), o.business(ani)
		if n := at([2]string{d, e}, [2]string{d, f}); n != 1 {
			t.Fatalf("%d survivors", n)
		}
		head, err := o.Engine.Store.Head(t.Context(), "business/"+d)
		if err != nil {
			t.Fatal(err)
		}
		gone, err := o.Business(t.Context(), o.as(admin), d)
		if err != nil || head.MovedTo != "business/"+gone.Text("merged_into") {
			t.Errorf("moved to %s, says %s, %v", head.MovedTo, gone.Text("merged_into"), err)
		}
		if at([2]string{c, d}) != 0 || at([2]string{o.business(ani), c}) != 1 {
			t.Error("a refused merger left something behind")
		}
	}
}

// TestOneLeads: of two lead mentors the survivor's goes on leading.
func TestOneLeads(t *testing.T) {
	o := open(t)
	ani, budi, admin := o.person(1), o.person(2), o.person(4, "admin")
	a, b := o.business(ani), o.business(budi)
	for i, s := range []string{a, b} {
		if _, err := o.Assign(t.Context(), o.as(admin), s, programme.NewAssignment{Mentor: o.person(5+i, "mentor").ID}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Merge(t.Context(), o.as(admin), a, b); err != nil {
		t.Fatal(err)
	}
	o.work()
	all, err := o.Assignments(t.Context(), o.as(admin), b)
	leads := 0
	for _, x := range all {
		if x.Lead {
			leads++
		}
	}
	if err != nil || len(all) != 2 || leads != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
