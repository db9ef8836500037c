package programme_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestARestoreShowsWhatItGives: whoever approves it sees the roles and provinces that somebody
// has from then on, and nobody is restored to others.
func TestARestoreShowsWhatItGives(t *testing.T) {
	restore := auth.RightsChange{Op: auth.RightsRestore}
	o := open(t)
	o.Engine.Steps = o.Steps()
	a, b, c := o.person(1, "admin"), o.person(2, "admin"), o.person(3)
	_, err := o.auth.ChangeRights(t.Context(), c.ID, roles("regional_admin", "19", "18", "mentor"))
	o.unless(err)
	o.unless(o.auth.Suspend(t.Context(), c.ID))
	approve := func(p programme.Approval) (state, code string) {
		t.Helper()
		_, err := o.DecideApproval(t.Context(), o.as(b), p.ID, p.Text("what"), true)
		o.unless(err)
		o.work()
		return o.state(p, b)
	}
	shown := func(p programme.Approval) string { return string(p.Fields["params"]) }

	seen := o.proposed(a, c.ID, restore)
	for _, part := range []string{`"roles":["mentor","regional_admin"]`, `"regions":["18","19"]`} {
		if !strings.Contains(shown(seen), part) {
			t.Errorf("shown %s, not %s", shown(seen), part)
		}
	}
	// One that says nothing of roles, as they were proposed before an update to this version.
	unsaid := programme.Proposal{Kind: domain.ApproveRights, Subject: c.ID, Params: map[string]merge.Value{"op": merge.Str(auth.RightsRestore), "roles": merge.Value(`[]`), "regions": merge.Value(`[]`),
		"base": merge.Num(o.user(c.ID).Ver)}}
	old := programme.Approval{Row: merge.Row{Key: merge.Key{Collection: "approval", ID: o.ids.New()}, Fields: maps.Clone(seen.Fields)}}
	old.Fields["params"], old.Fields["what"] = merge.Encode(unsaid.Params), merge.Str(unsaid.What())
	_, err = o.Engine.Write(t.Context(), domain.GeneralQueue, merge.ServerWrite{Name: "old", Author: a.ID, Role: merge.Admin, Collection: "approval", ID: old.ID, Op: merge.Put, Create: true, Set: old.Fields})
	o.unless(err)
	if state, code := approve(old); state != domain.ApprovalFailed || code != "stale_version" || o.user(c.ID).Status != store.UserSuspended {
		t.Errorf("restored with roles that nobody was shown: %s %s", state, code)
	}
	if state, _ := approve(seen); state != domain.ApprovalDone || o.user(c.ID).Status != store.UserActive {
		t.Errorf("restored as shown: %s", state)
	}
}
