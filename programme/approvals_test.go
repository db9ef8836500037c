package programme_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// roles is the change that gives roles, and provinces behind them.
func roles(all ...string) auth.RightsChange {
	c := auth.RightsChange{Op: auth.RightsRoles}
	for _, r := range all {
		if len(r) == 2 {
			c.Regions = append(c.Regions, r)
		} else {
			c.Roles = append(c.Roles, r)
		}
	}
	return c
}

// proposed proposes a change that two have to want.
func (o *office) proposed(who store.User, user string, c auth.RightsChange) programme.Approval {
	o.Helper()
	_, a, err := o.ChangeRights(o.Context(), o.as(who), user, c, "")
	o.unless(err)
	if a.ID == "" || a.Text("state") != domain.ApprovalProposed {
		o.Fatalf("%+v is proposed as %+v", c, a)
	}
	return a
}

func (o *office) user(id string) store.User {
	o.Helper()
	u, err := o.auth.User(o.Context(), id)
	o.unless(err)
	return u
}

func (o *office) state(a programme.Approval, by store.User) (state, code string) {
	o.Helper()
	all, _, err := o.Approvals(o.Context(), o.as(by), "", programme.Page{Limit: 100})
	o.unless(err)
	i := slices.IndexFunc(all, func(x programme.Approval) bool { return x.ID == a.ID })
	return all[i].Text("state"), all[i].Text("code")
}

// TestWhatNeedsTwo is the table of which changes are done at once and which wait.
func TestWhatNeedsTwo(t *testing.T) {
	suspend, restore := auth.RightsChange{Op: auth.RightsSuspend}, auth.RightsChange{Op: auth.RightsRestore}
	for n, tt := range []struct {
		have      []string
		suspended bool
		change    auth.RightsChange
		two       bool
	}{
		{nil, false, roles("mentor"), false}, {nil, false, roles("admin"), true}, {nil, false, roles("regional_admin", "18"), true},
		{[]string{"mentor"}, false, roles(), false}, {[]string{"mentor"}, false, suspend, false}, {[]string{"mentor"}, true, restore, false},
		{[]string{"mentor"}, false, roles("admin", "mentor"), true}, {[]string{"admin"}, false, roles(), true}, {[]string{"admin"}, false, suspend, true},
		{[]string{"admin"}, true, restore, true}, {[]string{"admin"}, false, roles("admin", "mentor"), false}, {[]string{"admin"}, true, roles(), true},
		{[]string{"mentor"}, true, roles("admin"), true}, {[]string{"mentor"}, true, roles(), false}, {[]string{"admin"}, true, roles("admin", "mentor"), false},
		{[]string{"regional_admin", "18"}, true, roles("regional_admin", "19"), true},
		{[]string{"regional_admin", "18"}, false, roles("regional_admin", "19"), true}, {[]string{"regional_admin", "18"}, false, roles("regional_admin", "18", "mentor"), false},
		{[]string{"regional_admin", "18"}, false, suspend, true}, {[]string{"admin"}, false, restore, false},
	} {
		o := open(t)
		admin, u := o.person(1, "admin"), o.person(2)
		_, err := o.auth.ChangeRights(t.Context(), u.ID, roles(tt.have...))
		o.unless(err)
		if tt.suspended {
			o.unless(o.auth.Suspend(t.Context(), u.ID))
		}
		before := o.user(u.ID)
		after, a, err := o.ChangeRights(t.Context(), o.as(admin), u.ID, tt.change, "why")
		o.unless(err)
		now := o.user(u.ID)
		o.unless(tt.change.Check()) // sorts
		want := tt.change.To(before)
		if tt.two {
			want = before
		}
		if (a.ID != "") != tt.two || !slices.Equal(now.Roles, want.Roles) || !slices.Equal(now.Regions, want.Regions) || now.Status != want.Status || after.Ver != now.Ver {
			t.Errorf("%d: %v of %v: approval %q, now %+v", n, tt.change, tt.have, a.ID, now)
		}
	}
}

func TestRightsThatNobodyCanBeGiven(t *testing.T) {
	o := open(t)
	admin, u := o.person(1, "admin"), o.person(2)
	for _, c := range []auth.RightsChange{{}, {Op: "erase"}, roles("king"), roles("regional_admin"), roles("admin", "18"), roles("regional_admin", "00"), roles("regional_admin", "99"),
		{Op: auth.RightsRoles, Roles: []string{"regional_admin"}, Regions: []string{"18.71"}}, {Op: auth.RightsSuspend, Roles: []string{"admin"}}} {
		if _, _, err := o.ChangeRights(t.Context(), o.as(admin), u.ID, c, ""); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, who := range []store.User{u, o.person(3, "mentor")} {
		if _, _, err := o.ChangeRights(t.Context(), o.as(who), u.ID, roles("mentor"), ""); fault.CodeOf(err) != "forbidden" {
			t.Errorf("%v changes rights: %v", who.Roles, err)
		}
	}
}

// TestWhoMayApprove: another admin, who has proved it, within a day, of exactly what was
// proposed, while who proposed it is one still.
func TestWhoMayApprove(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(o *office, a, b store.User, who *programme.Caller, what *string)
		no     bool // declines
		code   string
		state  string
	}{
		"another admin":     {nil, false, "", domain.ApprovalDone},
		"who declines":      {nil, true, "", domain.ApprovalDeclined},
		"who proposed it":   {func(_ *office, a, _ store.User, who *programme.Caller, _ *string) { who.User = a.ID }, false, "approval_own", domain.ApprovalProposed},
		"who takes it back": {func(_ *office, a, _ store.User, who *programme.Caller, _ *string) { who.User = a.ID }, true, "", domain.ApprovalDeclined},
		"without a proof":   {func(_ *office, _, _ store.User, who *programme.Caller, _ *string) { who.Proved = false }, false, "second_factor_required", domain.ApprovalProposed},
		"a mentor": {func(o *office, _, _ store.User, who *programme.Caller, _ *string) {
			who.User = o.person(8, "mentor").ID
		}, false, "forbidden", domain.ApprovalProposed},
		"a day later": {func(o *office, _, _ store.User, _ *programme.Caller, _ *string) { o.clock.Advance(24 * time.Hour) }, false, "approval_closed", domain.ApprovalProposed},
		"just in time": {func(o *office, _, _ store.User, _ *programme.Caller, _ *string) {
			o.clock.Advance(24*time.Hour - time.Second)
		}, false, "", domain.ApprovalDone},
		"something else": {func(_ *office, _, _ store.User, _ *programme.Caller, what *string) { *what = fmt.Sprintf("%064d", 0) }, false, "stale_version", domain.ApprovalProposed},
		"of who is no admin any more": {func(o *office, a, _ store.User, _ *programme.Caller, _ *string) {
			o.unless(o.auth.SetRoles(o.Context(), a.ID, nil))
		}, false, "approval_closed", domain.ApprovalProposed},
		"of who is suspended": {func(o *office, a, _ store.User, _ *programme.Caller, _ *string) {
			o.unless(o.auth.Suspend(o.Context(), a.ID))
		}, false, "approval_closed", domain.ApprovalProposed},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.Engine.Steps = o.Steps()
			a, b, c := o.person(1, "admin"), o.person(2, "admin"), o.person(3)
			p := o.proposed(a, c.ID, roles("admin"))
			who, what := o.as(b), p.Text("what")
			if tt.change != nil {
				tt.change(o, a, b, &who, &what)
			}
			if _, err := o.DecideApproval(t.Context(), who, p.ID, what, !tt.no); (err == nil) != (tt.code == "") || err != nil && fault.CodeOf(err) != tt.code {
				t.Errorf("%v, want %q", err, tt.code)
			}
			o.work()
			if state, _ := o.state(p, b); state != tt.state {
				t.Errorf("it is %s", state)
			}
			if is := slices.Contains(o.user(c.ID).Roles, "admin"); is != (tt.state == domain.ApprovalDone) {
				t.Errorf("an admin: %v", is)
			}
		})
	}
}

// TestTwoApproveAtOnce: it is carried out once, and both who said the same are told so, or
// that it is closed.
func TestTwoApproveAtOnce(t *testing.T) {
	o := open(t)
	o.Engine.Steps = o.Steps()
	a, b, c, d := o.person(1, "admin"), o.person(2, "admin"), o.person(3, "admin"), o.person(4)
	p := o.proposed(a, d.ID, roles("admin"))
	ways := []programme.Caller{o.as(b), o.as(c), o.as(b)}
	errs := make([]error, len(ways))
	var all sync.WaitGroup
	for i, who := range ways {
		all.Go(func() { _, errs[i] = o.DecideApproval(context.Background(), who, p.ID, p.Text("what"), i < 2) })
	}
	all.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else if fault.CodeOf(err) != "approval_closed" {
			t.Error(err)
		}
	}
	if good != 1 {
		t.Errorf("%d decided: %v", good, errs)
	}
	o.work()
	state, _ := o.state(p, b)
	if u := o.user(d.ID); (state == domain.ApprovalDone) != (u.Ver == d.Ver+1) || state != domain.ApprovalDone && state != domain.ApprovalDeclined {
		t.Errorf("%s, and the rights changed %d times", state, u.Ver-d.Ver)
	}
}

// TestOneOfTwoProposalsIsLate: what was proposed of rights that have changed since fails.
func TestOneOfTwoProposalsIsLate(t *testing.T) {
	o := open(t)
	o.Engine.Steps = o.Steps()
	a, b, c := o.person(1, "admin"), o.person(2, "admin"), o.person(3)
	one, two := o.proposed(a, c.ID, roles("admin")), o.proposed(a, c.ID, roles("regional_admin", "18"))
	for _, p := range []programme.Approval{one, two} {
		_, err := o.DecideApproval(t.Context(), o.as(b), p.ID, p.Text("what"), true)
		o.unless(err)
	}
	o.work()
	if state, _ := o.state(one, a); state != domain.ApprovalDone {
		t.Errorf("the first: %s", state)
	}
	if state, code := o.state(two, a); state != domain.ApprovalFailed || code != "stale_version" {
		t.Errorf("the second: %s %s", state, code)
	}
	if u := o.user(c.ID); !slices.Equal(u.Roles, []string{"admin"}) {
		t.Errorf("now %v", u.Roles)
	}
}

// TestTheLastAdminStays, whoever approves.
func TestTheLastAdminStays(t *testing.T) {
	o := open(t)
	o.Engine.Steps = o.Steps()
	a, b := o.person(1, "admin"), o.person(2, "admin")
	of := map[string]programme.Approval{a.ID: o.proposed(b, a.ID, roles()), b.ID: o.proposed(a, b.ID, auth.RightsChange{Op: auth.RightsSuspend})}
	for who, p := range map[*store.User]programme.Approval{&a: of[a.ID], &b: of[b.ID]} {
		_, err := o.DecideApproval(t.Context(), o.as(*who), p.ID, p.Text("what"), true)
		o.unless(err)
	}
	o.work()
	left, out := a, b
	if u := o.user(a.ID); !slices.Contains(u.Roles, "admin") {
		left, out = b, a
	}
	if u := o.user(left.ID); u.Status != store.UserActive || !slices.Contains(u.Roles, "admin") {
		t.Fatalf("nobody is left: %+v", u)
	}
	if state, code := o.state(of[left.ID], left); state != domain.ApprovalFailed || code != "last_admin" {
		t.Errorf("against the last one: %s %s", state, code)
	}
	if state, _ := o.state(of[out.ID], left); state != domain.ApprovalDone {
		t.Errorf("against the other one: %s", state)
	}
}

// TestAnApprovalSurvivesEveryCrash: at whichever call of the store the process dies between
// the word of the second and the end, also when the rights have changed and nobody has noted
// it, they change once.
func TestAnApprovalSurvivesEveryCrash(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	a, b := o.person(1, "admin"), o.person(2, "admin")
	engine, people := o.Engine, o.auth.Store
	for _, fate := range []storefault.Fate{storefault.DieAfter, storefault.DieBefore} {
		for n, failed := 1, true; failed; n++ {
			c := o.person(100*int(fate)+n+2, nil...)
			poor := before.Copy()
			process := func(s store.Store, dir store.Identity) {
				o.Service.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: o.clock, IDs: o.ids, Log: engine.Log, Steps: o.Steps()}
				o.auth.Store = dir
			}
			process(poor, people)
			p := o.proposed(a, c.ID, roles("admin"))
			who := o.as(b)
			failing := storefault.NewFailing(poor, storefault.At(n, fate), nil)
			process(failing.Store(), people)
			_, err := o.DecideApproval(t.Context(), who, p.ID, p.Text("what"), true)
			if err == nil {
				_, err = o.Engine.Work(t.Context())
			}
			failed = err != nil
			process(poor, people)
			_, err = o.DecideApproval(t.Context(), who, p.ID, p.Text("what"), true) // the same request again
			o.unless(err)
			o.work()
			u := o.user(c.ID)
			if state, code := o.state(p, a); state != domain.ApprovalDone || !slices.Equal(u.Roles, []string{"admin"}) || u.Ver != c.Ver+1 {
				t.Fatalf("call %d: %s %s, %v, changed %d times", n, state, code, u.Roles, u.Ver-c.Ver)
			}
			o.unless(o.auth.Erase(t.Context(), c.ID))
			if !failed && n < 10 {
				t.Errorf("ended after %d calls", n)
			}
		}
	}
}

// TestATokenIsShownOnce to whoever proposed it, for an admin who has no factor yet, or for a
// new factor.
func TestATokenIsShownOnce(t *testing.T) {
	o := open(t)
	o.Engine.Steps = o.Steps()
	a, b := o.person(1, "admin"), o.person(2, "admin")
	u, p, err := o.Invite(t.Context(), o.as(a), "0811-7000-017", "Pak Made", roles("admin"), "")
	o.unless(err)
	if _, _, _, err := o.Token(t.Context(), o.as(a), p.ID); fault.CodeOf(err) != "approval_closed" {
		t.Errorf("before it is approved: %v", err)
	}
	approve := func(p programme.Approval) {
		t.Helper()
		_, err := o.DecideApproval(t.Context(), o.as(b), p.ID, p.Text("what"), true)
		o.unless(err)
		o.work()
	}
	approve(p)
	if _, _, _, err := o.Token(t.Context(), o.as(b), p.ID); fault.CodeOf(err) != "forbidden" {
		t.Errorf("to who approved it: %v", err)
	}
	tokens, errs := make([]string, 8), make([]error, 8)
	var all sync.WaitGroup
	for i := range tokens {
		who := o.as(a)
		all.Go(func() { _, tokens[i], _, errs[i] = o.Token(context.Background(), who, p.ID) })
	}
	all.Wait()
	slices.Sort(tokens)
	if tokens = slices.Compact(tokens); len(tokens) != 2 || tokens[0] != "" {
		t.Fatalf("shown %d times: %v", len(tokens)-1, errs)
	}
	if _, err := o.auth.SetUp(t.Context(), auth.SetupRequest{Token: tokens[1], Password: "tujuh kapal di teluk"}); err != nil {
		t.Errorf("the token of %s: %v", u.ID, err)
	}
	_, p, err = o.ProposeFactor(t.Context(), o.as(a), u.ID, "")
	o.unless(err)
	approve(p)
	o.clock.Advance(24 * time.Hour)
	if _, _, _, err := o.Token(t.Context(), o.as(a), p.ID); fault.CodeOf(err) != "approval_closed" {
		t.Errorf("a day later: %v", err)
	}
}

// TestFilesOfAProvince: a regional admin reads the files of their provinces in pages of any
// size, and nothing of a page says that there are others.
func TestFilesOfAProvince(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022", "region_codes", `["18","51"]`)
	for n := range 9 {
		o.applicant(10+n, e, []string{"18.71", "51.71", "18.72"}[n%3]).does("submit")
		o.work()
	}
	admin, lampung, aceh, mentor := o.person(1, "admin"), o.person(2), o.person(3), o.person(4, "mentor")
	for _, u := range []store.User{lampung, aceh} {
		_, err := o.auth.ChangeRights(t.Context(), u.ID, roles("regional_admin", map[string]string{lampung.ID: "18", aceh.ID: "11"}[u.ID]))
		o.unless(err)
	}
	every := func(merge.Row) bool { return true }
	for _, tt := range []struct {
		who  store.User
		want int
	}{{admin, 9}, {lampung, 6}, {aceh, 0}} {
		for _, limit := range []int{1, 2, 6, 100} {
			got, pages := 0, 0
			for at, more := (store.Position{}), true; more; pages++ {
				var page []merge.Row
				var err error
				if page, at, more, err = o.Files(t.Context(), o.as(tt.who), e.ID, at, limit, every); err != nil {
					t.Fatal(err)
				}
				for _, r := range page {
					if p := r.Text("region_code")[:2]; tt.who.ID == lampung.ID && p != "18" {
						t.Errorf("a file of %s", p)
					}
				}
				last := func() bool { // of a regional admin, while all is secret, the place is a number
					r := page[len(page)-1]
					return at.Key == r.Key || tt.who.ID != admin.ID && at.Key.ID == r.Text("number")
				}
				if len(page) > 0 && !last() || len(page) == 0 && at != (store.Position{}) {
					t.Errorf("the place behind %v is %v", page, at)
				}
				got += len(page)
			}
			if got != tt.want || pages != max(1, (tt.want+limit-1)/limit) {
				t.Errorf("%d files in %d pages of %d, want %d", got, pages, limit, tt.want)
			}
		}
	}
	if _, _, _, err := o.Files(t.Context(), o.as(mentor), e.ID, store.Position{}, 5, every); fault.CodeOf(err) != "forbidden" {
		t.Errorf("a mentor: %v", err)
	}
	unproved := o.as(lampung)
	unproved.Proved = false
	if _, _, _, err := o.Files(t.Context(), unproved, e.ID, store.Position{}, 5, every); fault.CodeOf(err) != "second_factor_required" {
		t.Errorf("without a proof: %v", err)
	}
}
