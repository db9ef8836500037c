package programme_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// outcome is what a stage makes of one file now.
func (c *contest) outcome(no int, file string) programme.StageOutcome {
	c.Helper()
	v := c.stage(no)
	i := slices.IndexFunc(v.Outcomes, func(o programme.StageOutcome) bool { return o.File == file })
	if i < 0 {
		c.Fatalf("%s is not in stage %d", file, no)
	}
	return v.Outcomes[i]
}

// sheet writes what a curator says of a file, and whether the server took it as done.
func (c *contest) sheet(n, stage int, file string, set map[string]merge.Value) error {
	c.Helper()
	sid := domain.SheetID(file, stage, c.curators[n].ID)
	set["application_id"], set["stage"] = merge.Str(file), merge.Num(stage)
	c.unless(c.writes(n, "sheet", sid, true, set))
	return c.submit(n, sid)
}

func (c *contest) submit(n int, sheet string) error {
	return c.writes(n, "sheet_event", c.ids.New(), true, map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("submit")})
}

// TestACuratorAdjustsALevel: with a reason, and the survey's level stays in sight. Whatever
// nobody adjusts is decided by the survey.
func TestACuratorAdjustsALevel(t *testing.T) {
	c := open(t).contestOf(5, strings.Replace(string(threeStages()), `"kind":"level","no":2`, `"curators_per_file":2,"kind":"level","no":2`, 1))
	n, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	if c.unless(err); n != 478 {
		t.Fatalf("%d begin", n)
	}
	c.decide(1)
	n, err = c.Share(t.Context(), c.as(c.admin), c.edition.ID, 2, nil)
	if c.unless(err); n != 2*212 {
		t.Fatalf("%d shares", n)
	}
	c.work()
	before := c.stage(2)
	var file string
	var who []int
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if file == "" && d.Int("level") == 1 && !merge.Null(d.Fields["level"]) {
				file = d.Text("application_id")
			}
			if d.Text("application_id") == file {
				who = append(who, n)
			}
		}
	}
	if o := c.outcome(2, file); len(who) != 2 || o.Result != "failed" || *o.Level != 1 || o.Survey != nil {
		t.Fatalf("%v look at a file of level 1: %+v", who, o)
	}
	if err := c.sheet(who[0], 2, file, map[string]merge.Value{"level": merge.Num(3)}); fault.CodeOf(err) != "reason_required" {
		t.Errorf("adjusted without a reason: %v", err)
	}
	sid := domain.SheetID(file, 2, c.curators[who[0]].ID)
	c.unless(c.writes(who[0], "sheet", sid, false, map[string]merge.Value{"note": merge.Str("sudah punya toko daring")}))
	c.work()
	if o := c.outcome(2, file); o.Survey != nil || o.Result != "failed" {
		t.Errorf("counted before it was submitted: %+v", o)
	}
	c.unless(c.submit(who[0], sid))
	c.work()
	if o := c.outcome(2, file); o.Result != "passed" || *o.Level != 3 || *o.Survey != 1 {
		t.Errorf("adjusted: %+v", o)
	}
	if err := c.sheet(who[1], 2, file, map[string]merge.Value{"level": merge.Num(0), "note": merge.Str("surveinya benar")}); err != nil {
		t.Fatal(err)
	}
	c.work()
	if o := c.outcome(2, file); *o.Level != 2 || o.Result != "passed" { // (3+0)/2, rounded up
		t.Errorf("two levels make %+v", o)
	}
	if v := c.stage(2); len(v.Missing) != 211 {
		t.Errorf("%d files miss sheets", len(v.Missing))
	}
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 2, c.stage(2).Basis, ""); fault.CodeOf(err) != "stage_not_ready" {
		t.Errorf("decided without the sheets that it wants: %v", err)
	}
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if d.Text("application_id") != file {
				c.unless(c.sheet(n, 2, d.Text("application_id"), map[string]merge.Value{"note": merge.Str("sesuai")}))
			}
		}
	}
	c.work()
	after := c.stage(2)
	if after.Basis == before.Basis || after.Count("passed") != before.Count("passed")+1 || len(after.Missing) != 0 {
		t.Errorf("%d pass, before %d; %d missing", after.Count("passed"), before.Count("passed"), len(after.Missing))
	}
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 2, before.Basis, ""); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("decided on what was seen before: %v", err)
	}
	c.decide(2)
	files := c.files(c.edition)
	i := slices.IndexFunc(files, func(r merge.Row) bool { return r.ID == file })
	if files[i].Int("level") != 2 || files[i].Int("stage") != 3 {
		t.Errorf("the file says level %d, stage %d", files[i].Int("level"), files[i].Int("stage"))
	}
}

// TestMarksFarApartAreToldOf, and those that lie nearer are not.
func TestMarksFarApartAreToldOf(t *testing.T) {
	c := open(t).contest(6)
	c.begun()
	_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	first := map[string]int{} // by file: who had it first
	var far, near string
	c.submitAll(50, func(n int, a string) bool {
		if _, second := first[a]; !second {
			first[a] = n
			return false
		}
		switch {
		case far == "":
			far = a
			c.score(n, a, all(75), nil)
		case near == "":
			near = a
			c.score(n, a, all(74), nil)
		default:
			return false
		}
		return true
	})
	if o := c.outcome(3, far); !o.Apart || *o.Spread != 2500 {
		t.Errorf("50 and 75: %+v", o)
	}
	if o := c.outcome(3, near); o.Apart || *o.Spread != 2400 {
		t.Errorf("50 and 74: %+v", o)
	}
}
