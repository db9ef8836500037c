package programme_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// plan is what an admin says of a programme, ready to open.
func plan(t *testing.T, change ...string) map[string]merge.Value {
	t.Helper()
	const text = `{"name":"Lagawi Fest 2022","kind":"campaign","region_codes":["18"],
	"phases":[{"code":"registration","starts_on":"2022-02-27","ends_on":"2022-03-06"},{"code":"curation","starts_on":"2022-03-07","ends_on":"2022-03-14"}],
	"quota":30,"reserve_size":10,"number_prefix":"LGW22","confirm_days":3,
	"stages":[{"no":1,"kind":"checklist","items":[{"code":"data_complete","label_id":"Data lengkap","required":true}]},
		{"no":2,"kind":"rubric","curators_per_file":2,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]}`
	var set map[string]merge.Value
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(change); i += 2 {
		set[change[i]] = merge.Value(change[i+1])
		if change[i+1] == "" {
			delete(set, change[i])
		}
	}
	return set
}

func (o *office) codes() (all []string) {
	o.Helper()
	list, _, err := o.Programmes(o.Context(), programme.Caller{}, "", programme.Page{Limit: 100})
	o.unless(err)
	for _, e := range list {
		all = append(all, e.Text("code"))
	}
	return all
}

// TestADraftIsSeenByAdminsOnly: and then by everybody, but not how it decides.
func TestADraftIsSeenByAdminsOnly(t *testing.T) {
	o := open(t)
	admin, owner := o.person(1, "admin"), o.person(2)
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "lagawi-fest-2022", plan(t))
	o.unless(err)
	if e.Text("default_zone") != string(domain.WIB) || e.Text("status") != domain.ProgrammeDraft {
		t.Errorf("made as %s in %s", e.Text("status"), e.Text("default_zone"))
	}
	o.work()
	if _, err := o.Programme(t.Context(), o.as(owner), e.ID); fault.KindOf(err) != fault.NotFound || len(o.codes()) > 0 {
		t.Errorf("a draft is told: %v, %v", err, o.codes())
	}
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	o.unless(err)
	o.work()
	seen, err := o.Programme(t.Context(), o.as(owner), e.ID)
	o.unless(err)
	if !slices.Equal(o.codes(), []string{"lagawi-fest-2022"}) || seen.Int("quota") != 30 {
		t.Errorf("once open: %v, quota %d", o.codes(), seen.Int("quota"))
	}
	for _, hidden := range []string{"stages", "targets", "champion_count", "number_prefix"} {
		if seen.Fields[hidden] != nil {
			t.Errorf("%s is told", hidden)
		}
	}
	mine, err := o.Programme(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	if mine.Fields["stages"] == nil {
		t.Error("an admin does not see the stages")
	}
	if _, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, mine.Version, map[string]merge.Value{"hashtag": merge.Str("bangga buatan")}); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("a hashtag of two words: %v", err)
	}
	words := map[string]merge.Value{"theme": merge.Str("Lampung Bangkit"), "tagline": merge.Str("Bangga buatan Lampung"), "hashtag": merge.Str("#BanggaBuatanIndonesia")}
	_, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, mine.Version, words)
	o.unless(err)
	o.work()
	seen, err = o.Programme(t.Context(), o.as(owner), e.ID)
	o.unless(err)
	for field, want := range words {
		if !bytes.Equal(seen.Fields[field], want) { // read where phones read it
			t.Errorf("%s is %s, want %s", field, seen.Fields[field], want)
		}
	}
}

// TestDraftsAreListedForAdmins: for all of them and nobody else, who hear what they would hear
// if there were none.
func TestDraftsAreListedForAdmins(t *testing.T) {
	o := open(t)
	one, two, near, owner := o.person(1, "admin"), o.person(2, "admin"), o.person(3), o.person(4)
	_, err := o.auth.ChangeRights(t.Context(), near.ID, roles("regional_admin", "18"))
	o.unless(err)
	list := func(who programme.Caller, status string, limit int, after programme.Place) (codes []string, next *programme.Place) {
		t.Helper()
		all, next, err := o.Programmes(t.Context(), who, status, programme.Page{Limit: limit, After: after})
		o.unless(err)
		for _, e := range all {
			codes = append(codes, e.Text("code"))
		}
		return codes, next
	}
	for _, code := range []string{"ketiga", "kedua", "pertama"} {
		e, err := o.CreateProgramme(t.Context(), o.as(one), code, plan(t))
		if o.unless(err); code == "pertama" {
			_, err = o.AdvanceProgramme(t.Context(), o.as(one), e.ID, e.Version, domain.ProgrammeOpen)
			o.unless(err)
		}
	}
	o.work()
	first, next := list(o.as(two), domain.ProgrammeDraft, 1, programme.Place{})
	if !slices.Equal(first, []string{"kedua"}) || next == nil {
		t.Fatalf("the first page of drafts: %v", first)
	}
	if rest, next := list(o.as(two), domain.ProgrammeDraft, 1, *next); !slices.Equal(rest, []string{"ketiga"}) || next != nil {
		t.Errorf("the last page of drafts: %v", rest)
	}
	for name, who := range map[string]programme.Caller{"regional": o.as(near), "owner": o.as(owner)} {
		if codes, next := list(who, domain.ProgrammeDraft, 1, programme.Place{}); codes != nil || next != nil {
			t.Errorf("%s is told of %v", name, codes)
		}
	}
	for status, want := range map[string][]string{"": {"pertama"}, domain.ProgrammeOpen: {"pertama"}, domain.ProgrammeRunning: nil} {
		if codes, _ := list(o.as(owner), status, 9, programme.Place{}); !slices.Equal(codes, want) {
			t.Errorf("of status %q: %v", status, codes)
		}
	}
	unproved := o.as(two)
	unproved.Proved = false
	_, _, err = o.Programmes(t.Context(), unproved, domain.ProgrammeDraft, programme.Page{Limit: 9})
	o.unless(err, "second_factor_required")
}

func TestWhoMaySetUpAProgramme(t *testing.T) {
	o := open(t)
	admin, mentor := o.person(1, "admin"), o.person(2, "mentor")
	if _, err := o.CreateProgramme(t.Context(), o.as(mentor), "a-b-c", plan(t)); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a mentor makes one: %v", err)
	}
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t))
	o.unless(err)
	if _, err := o.ChangeProgramme(t.Context(), o.as(mentor), e.ID, e.Version, plan(t)); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a mentor changes one: %v", err)
	}
	if _, err := o.AdvanceProgramme(t.Context(), o.as(mentor), e.ID, e.Version, domain.ProgrammeOpen); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a mentor opens one: %v", err)
	}
	if _, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t, "quota", "31")); fault.CodeOf(err) != "programme_exists" {
		t.Errorf("the code once more: %v", err)
	}
}

// TestEveryMistakeIsToldAtOnce: of the table, and of the plan.
func TestEveryMistakeIsToldAtOnce(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	told := func(err error) (all []string) {
		f, _ := errors.AsType[*fault.Error](err)
		if f == nil {
			return nil
		}
		for _, m := range f.More {
			all = append(all, m.Field+" "+m.Code)
		}
		return all
	}
	_, err := o.CreateProgramme(t.Context(), o.as(admin), "A!", plan(t, "quota", `"many"`, "colour", `"red"`))
	if want := []string{"code invalid_value", "colour unknown_field", "quota invalid_value"}; !slices.Equal(told(err), want) {
		t.Errorf("%v, want %v", told(err), want)
	}
	_, err = o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t, "partners", `[{"name":"Bank Indonesia","roles":["bank"]}]`, "brand", `{"colour":"red"}`))
	if want := []string{"brand.colour invalid_value", "partners[0].roles[0] invalid_value"}; !slices.Equal(told(err), want) {
		t.Errorf("%v, want %v", told(err), want)
	}
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t, "quota", "", "stages", "", "partners", `[{"name":"Bank Indonesia","roles":["curator","financing"],"activities":[{"phase":"curation","roles":["curator"]}]}]`,
		"brand", `{"colour":"#0a5c2f"}`))
	o.unless(err)
	_, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	if want := []string{"quota required", "stages required"}; !slices.Equal(told(err), want) {
		t.Errorf("%v, want %v", told(err), want)
	}
}

// TestWhatPeopleReliedOnStays: and what is not fixed yet can be changed.
func TestWhatPeopleReliedOnStays(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	template, err := o.CreateTemplate(t.Context(), o.as(admin), "bbi-90", 1, map[string]merge.Value{"name": merge.Str("BBI-90"), "items": merge.Encode(domain.BBI90())})
	o.unless(err)
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t))
	o.unless(err)
	for _, status := range domain.ProgrammeStatuses()[1:] {
		if _, err := o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeArchived); status != domain.ProgrammeArchived && fault.CodeOf(err) != "forbidden_transition" {
			t.Errorf("from %s to the end: %v", e.Text("status"), err)
		}
		if status == domain.ProgrammePublished {
			_, err := o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, status)
			o.unless(err, "results_not_told")
			_, err = o.Engine.Write(t.Context(), domain.DecisionScope(e.ID), merge.ServerWrite{Name: "telling", Role: merge.System, Collection: "publication",
				ID: id.Derive("publication", e.ID), Op: merge.Put, Create: true, Set: map[string]merge.Value{"state": merge.Str("telling")}})
			o.unless(err)
		}
		e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, status)
		o.unless(err)
		for _, name := range domain.ProgrammeFixed(status) {
			c, _ := o.Engine.Schema.Collection("programme_setup")
			f, _ := c.Field(name)
			other := another(f.Type)
			switch name {
			case "code":
				other = merge.Str("d-e-f")
			case "plan_template_id":
				other = merge.Str(template.ID)
			}
			if _, err := o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{name: other}); fault.CodeOf(err) != "field_fixed" {
				t.Errorf("%s while %s: %v", name, status, err)
			}
		}
		e, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, map[string]merge.Value{"theme": merge.Str("Tema " + status)})
		o.unless(err)
	}
}

// another is a value of a type that no plan here has.
func another(t merge.Type) merge.Value {
	switch t.Kind {
	case merge.Int:
		return merge.Num(7)
	case merge.Enum:
		return merge.Str(t.Enum[len(t.Enum)-1])
	case merge.List:
		return merge.Value("[]")
	case merge.Object:
		if t.Members[0].Name == "sales_idr" {
			return merge.Value(`{"sales_idr":7}`)
		}
		return merge.Value(`{"starts_on":"2023-01-01","ends_on":"2023-01-02"}`)
	}
	return merge.Str("XX9")
}

// TestTwoAdminsChangeAProgrammeAtOnce: each change looked at the whole of it, so one of
// them must look again, also if they touched different fields.
func TestTwoAdminsChangeAProgrammeAtOnce(t *testing.T) {
	o := open(t)
	a, b := o.person(1, "admin"), o.person(2, "admin")
	e, err := o.CreateProgramme(t.Context(), o.as(a), "a-b-c", plan(t))
	o.unless(err)
	sets := []map[string]merge.Value{{"quota": merge.Num(4)}, {"champion_count": merge.Num(5)}}
	callers := []programme.Caller{o.as(a), o.as(b)}
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i := range sets {
		both.Go(func() {
			_, errs[i] = o.ChangeProgramme(context.Background(), callers[i], e.ID, e.Version, sets[i])
		})
	}
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || fault.CodeOf(errors.Join(errs...)) != "stale_version" {
		t.Errorf("%v, %v", errs[0], errs[1])
	}
}

// TestProgrammesOfOtherPlacesAndDays stand beside each other.
func TestProgrammesOfOtherPlacesAndDays(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	for code, regions := range map[string]string{"lampung-22": `["18"]`, "sulsel-22": `["73"]`, "jateng-diy-22": `["33","34"]`} {
		e, err := o.CreateProgramme(t.Context(), o.as(admin), code, plan(t, "region_codes", regions, "number_prefix", fmt.Sprintf("%q", strings.ToUpper(code[:3]))))
		o.unless(err)
		_, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
		o.unless(err)
	}
	o.work()
	if want := []string{"jateng-diy-22", "lampung-22", "sulsel-22"}; !slices.Equal(o.codes(), want) {
		t.Fatalf("%v, want %v", o.codes(), want)
	}
	list, _, err := o.Programmes(t.Context(), programme.Caller{}, "", programme.Page{Limit: 100})
	o.unless(err)
	for i, zone := range []domain.Zone{domain.WIB, domain.WIB, domain.WITA} {
		if got := domain.ProgrammeOf(list[i].Row); got.Zone != zone || got.Covers("73.71") != (zone == domain.WITA) {
			t.Errorf("%s: %s, covers Makassar: %v", got.Code, got.Zone, got.Covers("73.71"))
		}
	}
}

// TestAZoneGoesWithItsProvinces: until somebody chooses one, or the programme opens.
func TestAZoneGoesWithItsProvinces(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	e, err := o.CreateProgramme(t.Context(), o.as(admin), "a-b-c", plan(t))
	o.unless(err)
	change := func(set map[string]merge.Value) {
		e, err = o.ChangeProgramme(t.Context(), o.as(admin), e.ID, e.Version, set)
		o.unless(err)
	}
	is := func(want domain.Zone) {
		t.Helper()
		if got := e.Text("default_zone"); got != string(want) {
			t.Errorf("in %s by %s, want %s", got, e.Fields["region_codes"], want)
		}
	}
	makassar, jayapura := merge.Encode([]string{"73"}), merge.Encode([]string{"91"})
	change(map[string]merge.Value{"region_codes": makassar})
	is(domain.WITA)
	change(map[string]merge.Value{"default_zone": merge.Str(string(domain.WIB))})
	change(map[string]merge.Value{"region_codes": jayapura})
	is(domain.WIB) // which somebody chose
	change(map[string]merge.Value{"region_codes": makassar, "default_zone": merge.Str(string(domain.WITA))})
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	o.unless(err)
	change(map[string]merge.Value{"region_codes": jayapura})
	is(domain.WITA) // by which people have registered
}

// TestNoTwoProgrammesNumberAlike: receipt numbers are read out on the telephone.
func TestNoTwoProgrammesNumberAlike(t *testing.T) {
	o := open(t)
	admin := o.person(1, "admin")
	var all []programme.Edition
	for _, code := range []string{"lampung-22", "lampung-23"} {
		e, err := o.CreateProgramme(t.Context(), o.as(admin), code, plan(t))
		o.unless(err)
		all = append(all, e)
	}
	_, err := o.AdvanceProgramme(t.Context(), o.as(admin), all[0].ID, all[0].Version, domain.ProgrammeOpen)
	o.unless(err)
	_, err = o.AdvanceProgramme(t.Context(), o.as(admin), all[1].ID, all[1].Version, domain.ProgrammeOpen)
	o.unless(err, "number_prefix_taken")
	e, err := o.ChangeProgramme(t.Context(), o.as(admin), all[1].ID, all[1].Version, map[string]merge.Value{"number_prefix": merge.Str("LGW23")})
	o.unless(err)
	_, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	o.unless(err)
}
