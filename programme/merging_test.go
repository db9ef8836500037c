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

// TestOneLeads: of two lead mentors the survivor's goes on leading, whether they were named or
// lead since the one who was has gone; and where nobody was in, whoever comes leads.
func TestOneLeads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		before        int  // mentors of the survivor, besides the one who stays
		stays, first  bool // somebody stays in the survivor; they came before who comes by the merger
		comes, stayed string
	}{
		{"both were named", 0, true, true, "", "lead"},
		{"both were named, and the survivor's came last", 0, true, false, "", "lead"},
		{"the survivor's was never named", 1, true, false, "", "lead"},
		{"nobody stays", 1, false, false, "lead", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			admin, ani := o.person(4, "admin"), o.person(1)
			gone, survivor := o.business(ani), o.business(ani)
			comes, stays, left := o.person(5, "mentor"), o.person(6, "mentor"), o.person(7, "mentor")
			assign := func(b string, u store.User, track string) programme.Assignment {
				a, err := o.Assign(t.Context(), o.as(admin), b, programme.NewAssignment{Mentor: u.ID, Track: track})
				o.unless(err)
				o.clock.Advance(time.Minute)
				return a
			}
			if tt.first {
				assign(survivor, stays, "digital")
			}
			assign(gone, comes, "quality")
			var leaves programme.Assignment
			if tt.before > 0 {
				leaves = assign(survivor, left, "business")
			}
			if tt.stays && !tt.first {
				assign(survivor, stays, "digital")
			}
			if now := o.clock.Now(); tt.before > 0 {
				leaves, err := o.ChangeAssignment(t.Context(), o.as(admin), survivor, leaves.ID, leaves.Version, programme.AssignmentChange{To: &now})
				if o.unless(err); leaves.Lead {
					t.Errorf("who has left leads: %+v", leaves)
				}
				o.clock.Advance(time.Minute)
			}
			_, err := o.Merge(t.Context(), o.as(admin), gone, survivor)
			o.unless(err)
			o.work()
			all, err := o.Assignments(t.Context(), o.as(admin), survivor)
			o.unless(err)
			got := map[string]string{}
			for _, a := range all {
				if a.Lead {
					got[a.Mentor] = "lead"
				}
			}
			if len(got) != 1 || got[comes.ID] != tt.comes || got[stays.ID] != tt.stayed {
				t.Errorf("%v lead of %+v", got, all)
			}
		})
	}
}
