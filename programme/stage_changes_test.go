package programme_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// stagesWith are stages of a checklist of one item and of marks for another one.
func stagesWith(check, mark string) merge.Value {
	return merge.Value(fmt.Sprintf(`[{"no":1,"kind":"checklist","items":[{"code":%q,"label_id":"Syarat","required":true}]},
		{"no":2,"kind":"rubric","curators_per_file":1,"items":[{"code":%q,"label_id":"Nilai","weight_bp":10000,"max":100}]}]`, check, mark))
}

// restaged is the programme after an admin has changed its stages.
func (o *office) restaged(s *programme.Service, admin store.User, e programme.Edition, stages merge.Value) (programme.Edition, error) {
	now, err := s.Programme(o.Context(), o.as(admin), e.ID)
	if err != nil {
		return now, err
	}
	return s.ChangeProgramme(o.Context(), o.as(admin), e.ID, now.Version, map[string]merge.Value{"stages": stages})
}

// refusedAt wants a change to be refused with a code at a field.
func (o *office) refusedAt(err error, code, field string) *fault.Error {
	o.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != code || f.Field != field {
		o.Fatalf("%v, want %s at %s", err, code, field)
	}
	return f
}

// TestAMisspeltItemIsToldOfBeforePeopleRegister: and while they do. A draft may still have one.
func TestAMisspeltItemIsToldOfBeforePeopleRegister(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "salah-ketik", plan(t, "stages", string(stagesWith("in_regoin", "product"))))
	o.unless(err)
	_, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	if f := o.refusedAt(err, "item_unanswered", "stages[0].items[0].code"); f.Info["known"] == nil {
		t.Error("nobody says what is known")
	}
	e, err = o.restaged(o.Service, admin, e, stagesWith("export", "product"))
	o.unless(err)
	e, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{"questions": merge.Value(`[{"code":"export","label_id":"Sudah ekspor?","kind":"yes_no"}]`)})
	o.unless(err)
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	o.unless(err)
	_, err = o.restaged(o.Service, admin, e, stagesWith("exprot", "product"))
	o.refusedAt(err, "item_unanswered", "stages[0].items[0].code")
	_, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{"questions": merge.Value(`[]`)})
	o.refusedAt(err, "item_unanswered", "stages[0].items[0].code")
}

// TestAProgrammeOfEarlierRulesGoesOn: what nobody was told of when it was opened stands against
// no other change, but is not written anew.
func TestAProgrammeOfEarlierRulesGoesOn(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	e := o.opened("aturan-lama")
	old := stagesWith("in_regoin", "product")
	_, err := o.Engine.Write(t.Context(), domain.DecisionScope(e.ID), merge.ServerWrite{Name: "before", Role: merge.System, Collection: "programme_setup", ID: e.ID, Op: merge.Put, Set: map[string]merge.Value{"stages": old}})
	o.unless(err)
	e, err = o.Programme(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	e, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{"theme": merge.Str("Bangga")})
	o.unless(err)
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
	o.unless(err)
	_, err = o.restaged(o.Service, admin, e, stagesWith("in_regoin", "quality"))
	o.refusedAt(err, "item_unanswered", "stages[0].items[0].code")
	_, err = o.restaged(o.Service, admin, e, stagesWith("in_region", "product"))
	o.unless(err)
}

// TestAStageIsMendedUntilItIsDecided: also when its files are in it, and everybody would fail;
// what is decided, and what curators have, stays.
func TestAStageIsMendedUntilItIsDecided(t *testing.T) {
	var three []map[string]any
	if err := json.Unmarshal(threeStages(), &three); err != nil {
		t.Fatal(err)
	}
	right := three[0]["items"]
	three[0]["items"] = []any{map[string]any{"code": "assisted_this_year", "label_id": "Didampingi", "required": true}, // the wrong way round
		map[string]any{"code": "in_region", "label_id": "Domisili", "required": true}, map[string]any{"code": "consent", "label_id": "Setuju", "required": true}}
	c := open(t).contestOf(1, string(merge.Encode(three)))
	n, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	if c.unless(err); n != 478 {
		t.Fatalf("%d begin", n)
	}
	wrong := c.stage(1)
	changed := func(what string, edit func(), code, field string) {
		t.Helper()
		edit()
		if _, err := c.restaged(c.Service, c.admin, c.edition, merge.Encode(three)); code == "" {
			c.unless(err)
		} else {
			c.refusedAt(err, code, field)
		}
	}
	changed("the checklist", func() { three[0]["items"] = right }, "", "")
	if v := c.stage(1); v.Count("passed") <= 2*wrong.Count("passed") || v.Basis == wrong.Basis {
		t.Errorf("%d would pass now, %d before", v.Count("passed"), wrong.Count("passed"))
	}
	_, err = c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 1, wrong.Basis, "BA-01")
	c.unless(err, "basis_changed")
	c.decide(1)
	rubric := three[2]
	changed("what is decided", func() { three[0]["items"] = right.([]any)[1:] }, "field_fixed", "stages[0]")
	changed("that it is not the last one", func() { three[0]["items"], three = right, three[:1] }, "field_fixed", "stages[0]")
	changed("the second one", func() {
		three = append(three[:1:1], map[string]any{"no": 2, "kind": "level", "items": []any{map[string]any{"code": "internet", "label_id": "Internet", "max": 4}}, "pass": map[string]any{"level": 1}}, rubric)
	}, "", "")
	c.decide(2)
	changed("who looks at a file", func() { rubric["curators_per_file"] = 1 }, "", "")
	_, err = c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	changed("what curators have", func() { rubric["blind"] = false }, "field_fixed", "stages[2]")
	changed("that it selects", func() {
		rubric["blind"] = true
		three = append(three, map[string]any{"no": 4, "kind": "rubric", "curators_per_file": 1, "items": rubric["items"]})
	}, "field_fixed", "stages[2]")
}

// TestAStageChangesInTheMomentInWhichItBegins: whoever of both is first, a decision is by the
// stage as it is set up, and curators have its items.
func TestAStageChangesInTheMomentInWhichItBegins(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]struct {
		no       int
		was, now merge.Value
		do       func(o *office, s *programme.Service, admin store.User, e programme.Edition, basis string) error
	}{
		"decided": {1, stagesWith("in_region", "product"), stagesWith("nib_or_willing", "product"), func(o *office, s *programme.Service, admin store.User, e programme.Edition, basis string) error {
			_, err := s.Decide(o.Context(), o.as(admin), e.ID, 1, basis, "")
			return err
		}},
		"shared": {2, stagesWith("in_region", "product"), stagesWith("in_region", "quality"), func(o *office, s *programme.Service, admin store.User, e programme.Edition, _ string) error {
			_, err := s.Share(o.Context(), o.as(admin), e.ID, 2, nil)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			before := storefault.NewPoor()
			o.Engine.Store = before
			admin := o.person(1, "admin")
			e := o.opened("bersamaan", "stages", string(begins.was))
			for n := range 2 {
				o.applicant(10+n, e, "18.71").does("submit")
			}
			o.work()
			o.clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
			e, err := o.Programme(t.Context(), o.as(admin), e.ID)
			o.unless(err)
			e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
			o.unless(err)
			curator := o.person(50)
			_, err = o.AddCurator(t.Context(), o.as(admin), e.ID, programme.NewCurator{Phone: curator.Phone, Institution: "Dekranasda"})
			o.unless(err)
			_, err = o.Begin(t.Context(), o.as(admin), e.ID)
			o.unless(err)
			o.work()
			v, err := o.Stage(t.Context(), o.as(admin), e.ID, 1)
			o.unless(err)
			if begins.no == 2 {
				_, err = o.Decide(t.Context(), o.as(admin), e.ID, 1, v.Basis, "")
				o.unless(err)
				o.work()
			}
			for _, beginsFirst := range []bool{true, false} {
				for n, whole := 1, false; !whole; n++ {
					poor := before.Copy()
					o.Service.Engine = o.process(poor).Engine
					var begun, changed error
					begin := func(s *programme.Service) { begun = begins.do(o, s, admin, e, v.Basis) }
					change := func(s *programme.Service) { _, changed = o.restaged(s, admin, e, begins.now) }
					first, second := begin, change
					if !beginsFirst {
						first, second = change, begin
					}
					whole = true
					first(o.process(storefault.NewFailing(poor, func(call storefault.Call) storefault.Fate {
						if call.N == n {
							whole = false
							second(o.process(poor))
						}
						return storefault.Live
					}, nil).Store()))
					if whole {
						second(o.process(poor))
					}
					o.work()
					when := fmt.Sprintf("beside call %d, begins first: %v: %v, %v", n, beginsFirst, begun, changed)
					o.asItIs(when, e, begins.no, curator, begun, changed)
				}
			}
		})
	}
}

// asItIs wants what was begun to be by the stage as it is set up.
func (o *office) asItIs(when string, e programme.Edition, no int, curator store.User, begun, changed error) {
	o.Helper()
	setups := o.scope(domain.DecisionScope(e.ID), "programme_setup")
	isNew := slices.ContainsFunc(setups, func(r merge.Row) bool {
		return bytes.Contains(r.Fields["stages"], []byte(`"nib_or_willing"`)) || bytes.Contains(r.Fields["stages"], []byte(`"quality"`))
	})
	if begun != nil && changed != nil || isNew != (changed == nil) {
		o.Errorf("%s: neither, or not what was said", when)
	}
	for _, err := range []error{begun, changed} {
		if err != nil && !slices.Contains([]string{"basis_changed", "field_fixed", "stale_version", "busy"}, fault.CodeOf(err)) {
			o.Errorf("%s", when)
		}
	}
	if no == 1 && begun == nil && changed == nil {
		o.Errorf("%s: decided by what it was", when)
	}
	for _, d := range o.scope(domain.PanelScope(e.ID, curator.ID), "dossier") {
		if isNew != bytes.Contains(d.Fields["items"], []byte(`"quality"`)) {
			o.Errorf("%s: curators have %s", when, d.Fields["items"])
		}
	}
}
