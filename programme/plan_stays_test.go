package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestThePlanStaysOnceResultsAreTold: who confirms has the tasks of the template that the
// programme names, and all have the same. Until an owner hears of a result it may be another.
func TestThePlanStaysOnceResultsAreTold(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	named := func(code string) merge.Value {
		r, err := o.CreateTemplate(t.Context(), o.as(admin), code, 1, map[string]merge.Value{"name": merge.Str("Rencana"), "items": merge.Encode(domain.BBI90())})
		o.unless(err)
		return merge.Str(r.ID)
	}
	one, other := named("bbi-90"), named("bbi-30")
	e := o.opened("lagawi-fest-2022", "plan_template_id", string(one), "monitoring", `{"starts_on":"2022-03-20","ends_on":"2022-06-17"}`)
	e, err := o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
	o.unless(err)
	told := id.Derive("publication", e.ID)
	for i, tt := range []struct {
		state    string // of the publication
		template merge.Value
		code     string
	}{
		{"", other, ""}, {"prepared", one, ""}, {"approved", other, ""}, {"withdrawn", one, ""},
		{"telling", one, ""}, {"telling", other, "field_fixed"}, {"telling", merge.Value("null"), "field_fixed"}, {"told", other, "field_fixed"},
	} {
		if tt.state != "" {
			_, err := o.Engine.Write(t.Context(), domain.DecisionScope(e.ID), merge.ServerWrite{Name: "publication." + string(rune('a'+i)), Role: merge.System, Collection: "publication", ID: told, Op: merge.Put,
				Create: tt.state == "prepared", Set: map[string]merge.Value{"state": merge.Str(tt.state)}})
			o.unless(err)
		}
		now, err := o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{"plan_template_id": tt.template})
		if fault.CodeOf(err) != tt.code && (err != nil || tt.code != "") {
			t.Errorf("%q: %v, want %q", tt.state, err, tt.code)
		}
		if err == nil {
			e = now
		}
	}
}

// TestThePlanStaysBesideTheTelling: the results begin to be told while somebody names another
// template, behind the last look at what is so.
func TestThePlanStaysBesideTheTelling(t *testing.T) {
	o := open(t)
	poor := storefault.NewPoor()
	o.Engine.Store = poor
	c := &contest{office: o, admin: o.person(1, "admin")}
	template, err := o.CreateTemplate(t.Context(), o.as(c.admin), "bbi-90", 1, map[string]merge.Value{"name": merge.Str("Rencana"), "items": merge.Encode(domain.BBI90())})
	o.unless(err)
	c.edition = o.opened("lagawi-fest-2022", "monitoring", `{"starts_on":"2022-03-20","ends_on":"2022-06-17"}`)
	slow := c.beside(poor, func() {
		_, err := o.Engine.Write(t.Context(), domain.DecisionScope(c.edition.ID), merge.ServerWrite{Name: "telling", Role: merge.System, Collection: "publication", ID: id.Derive("publication", c.edition.ID), Op: merge.Put,
			Create: true, Set: map[string]merge.Value{"state": merge.Str("telling")}})
		o.unless(err)
	})
	if err := c.setting(slow, "plan_template_id", merge.Str(template.ID)); fault.CodeOf(err) != "field_fixed" || fault.KindOf(err) != fault.Conflict {
		t.Errorf("beside the telling: %v", err)
	}
}
