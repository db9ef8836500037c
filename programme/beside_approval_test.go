package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// beside gives a process that is overtaken: do happens between its look and its first commit.
func (c *contest) beside(poor *storefault.Poor, do func()) *programme.Service {
	done := false
	return c.process(storefault.NewFailing(poor, func(call storefault.Call) storefault.Fate {
		if call.Method == "Insert" && !done {
			done = true
			do()
		}
		return storefault.Live
	}, nil).Store())
}

// setting changes a field of the programme, as somebody who has just read it.
func (c *contest) setting(s *programme.Service, field string, v merge.Value) error {
	c.Helper()
	e, err := c.Programme(c.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	_, err = s.ChangeProgramme(c.Context(), c.as(c.admin), c.edition.ID, e.Version, map[string]merge.Value{field: v})
	return err
}

// saysOtherwise has a curator of a file get their sheet back, and send it in again with the word
// that it must not count.
func (c *contest) saysOtherwise(file string) {
	c.Helper()
	n, sheet := c.reopened(file)
	c.unless(c.writes(n, "sheet", sheet, false, map[string]merge.Value{"conflict": merge.Flag(true)}))
	c.unless(c.submit(n, sheet))
	c.work()
}

// reopened gives the sheet of a curator of a file back to them.
func (c *contest) reopened(file string) (n int, sheet string) {
	c.Helper()
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if d.Text("application_id") == file && d.Int("stage") == 3 {
				sheet = domain.SheetID(file, 3, c.curators[n].ID)
				_, err := c.Reopen(c.Context(), c.as(c.admin), c.edition.ID, sheet, c.curators[n].ID, "salah")
				c.unless(err)
				c.work()
				return n, sheet
			}
		}
	}
	c.Fatalf("nobody has %s", file)
	return 0, ""
}

// TestADecisionHoldsAgainstWhatIsCommittedBesideIt: what a stage is decided on is so in the
// commit that decides it, not only at the look before; what changes nothing of it does not
// stand in its way.
func TestADecisionHoldsAgainstWhatIsCommittedBesideIt(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	c.scored()
	c.decide(3)
	before := c.Engine.Store.(*storefault.Poor)
	first := c.stage(3).Outcomes[0].File
	tests := []struct {
		name string
		do   func()
		want string
	}{
		{"a sheet comes in again, and must not count", func() { c.saysOtherwise(first) }, "basis_changed"},
		{"a sheet is with its curator again", func() { c.reopened(first) }, "basis_changed"},
		{"an owner withdraws", func() { c.says(c.filed(first), "withdraw"); c.work() }, "basis_changed"},
		{"more are selected", func() { c.unless(c.setting(c.Service, "quota", merge.Num(31))) }, "basis_changed"},
		{"more stand in reserve", func() { c.unless(c.setting(c.Service, "reserve_size", merge.Num(11))) }, "basis_changed"},
		{"it is prepared anew", func() {
			_, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, c.stage(3).Basis, "BA-04")
			c.unless(err)
		}, "basis_changed"},
		{"the programme has another motto", func() { c.unless(c.setting(c.Service, "tagline", merge.Str("Bangga"))) }, ""},
	}
	for _, tt := range tests {
		for _, approves := range []bool{true, false} {
			poor := before.Copy()
			c.Service.Engine = c.process(poor).Engine
			v, slow := c.stage(3), c.beside(poor, tt.do)
			var err error
			if approves {
				_, err = slow.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, v.Basis)
			} else {
				_, err = slow.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, v.Basis, "BA-05")
			}
			if (err == nil) != (tt.want == "") || err != nil && fault.CodeOf(err) != tt.want {
				t.Errorf("%s, approves %t: %v, want %q", tt.name, approves, err, tt.want)
			}
			state := "prepared"
			if approves && tt.want == "" {
				state = "decided"
			}
			if got := c.stage(3).Decision; got.Text("state") != state || (got.Text("minutes") == "BA-05") != (!approves && tt.want == "") {
				t.Errorf("%s, approves %t: %s by %s", tt.name, approves, got.Text("state"), got.Text("minutes"))
			}
		}
	}
}

// TestHowManyAreSelectedIsFixedBesideTheApproval: who changes it while it is approved hears that
// it is fixed.
func TestHowManyAreSelectedIsFixedBesideTheApproval(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	c.scored()
	c.decide(3)
	before := c.Engine.Store.(*storefault.Poor)
	for _, field := range []string{"quota", "reserve_size"} {
		poor := before.Copy()
		c.Service.Engine = c.process(poor).Engine
		slow := c.beside(poor, func() {
			_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
			c.unless(err)
		})
		if err := c.setting(slow, field, merge.Num(25)); fault.CodeOf(err) != "field_fixed" || fault.KindOf(err) != fault.Conflict {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestASheetThatIsNotWholeIsNotIn: a point that is missing or out of range would count nowhere,
// and the sheet would be locked. Its curator hears which one, mends it and sends it in.
func TestASheetThatIsNotWholeIsNotIn(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.shared()
	file := c.panel(0)[0].Text("application_id")
	sheet := domain.SheetID(file, 3, c.curators[0].ID)
	points := func(quality string) map[string]merge.Value {
		return map[string]merge.Value{"items": merge.Value(`{"quality":{"points":` + quality + `}}`)}
	}
	few := map[string]map[string]int{}
	for code, n := range all(50) {
		if code != "quality" {
			few[code] = map[string]int{"points": n}
		}
	}
	c.unless(c.writes(0, "sheet", sheet, true, map[string]merge.Value{"application_id": merge.Str(file), "stage": merge.Num(3), "items": merge.Encode(few)}))
	for _, quality := range []string{"", "101", "null"} {
		if quality != "" {
			c.unless(c.writes(0, "sheet", sheet, false, points(quality)))
		}
		err := c.submit(0, sheet)
		if f, ok := err.(*fault.Error); !ok || f.Code != "sheet_incomplete" || f.Field != "items.quality" || f.Kind != fault.Invalid {
			t.Errorf("quality %q: %v", quality, err)
		}
	}
	c.unless(c.writes(0, "sheet", sheet, false, points("100")))
	c.unless(c.submit(0, sheet))
	other := c.panel(0)[1].Text("application_id")
	c.unless(c.sheet(0, 3, other, map[string]merge.Value{"conflict": merge.Flag(true)})) // nothing of it counts anyway
	c.work()
	for _, s := range c.scope(domain.DecisionScope(c.edition.ID), "score") {
		if s.Text("state") != domain.SheetSubmitted || merge.Null(s.Fields["total_bp"]) != (s.Text("application_id") == other) {
			t.Errorf("%s: %s, %s", s.Text("application_id"), s.Text("state"), s.Fields["total_bp"])
		}
	}
}

// TestWhatIsSaidBesideADecisionIsLate: marks that a process carries over while the stage is decided
// were not decided on, and say so; also where the sheet was out and in again meanwhile.
func TestWhatIsSaidBesideADecisionIsLate(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.begun()
	c.scored()
	c.decide(3)
	before := c.Engine.Store.(*storefault.Poor)
	file := c.stage(3).Outcomes[0].File
	n, sheet := -1, ""
	for k := range c.curators {
		if _, has := c.sees(c.curators[k], file); has {
			n, sheet = k, domain.SheetID(file, 3, c.curators[k].ID)
		}
	}
	for _, beside := range []bool{true, false} {
		poor := before.Copy()
		c.Service.Engine = c.process(poor).Engine
		approve := func() {
			_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
			c.unless(err)
		}
		if !beside {
			approve()
		}
		_, err := c.Reopen(t.Context(), c.as(c.admin), c.edition.ID, sheet, c.curators[n].ID, "salah")
		c.unless(err)
		c.unless(c.writes(n, "sheet", sheet, false, map[string]merge.Value{"note": merge.Str("diperiksa lagi")}))
		c.unless(c.submit(n, sheet))
		if beside {
			_, err = c.beside(poor, approve).Engine.Work(t.Context())
			c.unless(err)
		}
		c.work()
		for _, s := range c.scope(domain.DecisionScope(c.edition.ID), "score") {
			if s.ID == sheet && (s.Text("note") != "diperiksa lagi" || string(s.Fields["late"]) != "true") {
				t.Errorf("beside %t: %s, late %s", beside, s.Text("note"), s.Fields["late"])
			}
		}
		if d := c.stage(3).Decision; d.Text("state") != "decided" {
			t.Errorf("beside %t: %s", beside, d.Text("state"))
		}
	}
}
