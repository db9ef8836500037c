package domain_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// planned is a programme as the ministry planned it, ready to open.
func planned() merge.Row {
	const text = `{"code":"lagawi-fest-2022","name":"Lagawi Fest 2022","kind":"campaign","region_codes":["18"],"default_zone":"Asia/Jakarta",
	"phases":[{"code":"registration","starts_on":"2022-02-27","ends_on":"2022-03-06"},{"code":"curation","starts_on":"2022-03-07","ends_on":"2022-03-14"},
		{"code":"publication","starts_on":"2022-03-17","ends_on":"2022-03-17"},{"code":"mentoring","starts_on":"2022-03-20","ends_on":"2022-06-17"},
		{"code":"exhibition","starts_on":"2022-06-01","ends_on":"2022-06-06"}],
	"monitoring":{"starts_on":"2022-03-20","ends_on":"2022-06-17"},"quota":30,"reserve_size":10,"champion_count":5,"number_prefix":"LGW22","confirm_days":3,
	"stages":[{"no":1,"kind":"checklist","items":[{"code":"data_complete","label_id":"Data lengkap","required":true}]},
		{"no":2,"kind":"level","items":[{"code":"internet","label_id":"Internet","max":4}],"pass":{"level":2}},
		{"no":3,"kind":"rubric","curators_per_file":2,"blind":true,"items":[{"code":"product","label_id":"Produk","weight_bp":4000,"max":100},{"code":"business","label_id":"Usaha","weight_bp":6000,"max":100}]}],
	"status":"draft"}`
	r := merge.Row{Key: merge.Key{Collection: "programme_setup", ID: domain.ProgrammeID("lagawi-fest-2022")}}
	if err := json.Unmarshal([]byte(text), &r.Fields); err != nil {
		panic(err)
	}
	return r
}

// mistakes writes "field code" as such.
func mistakes(said ...string) (out []fault.Mistake) {
	for _, m := range said {
		field, code, _ := strings.Cut(m, " ")
		out = append(out, fault.Mistake{Field: field, Code: code})
	}
	return out
}

func TestProgrammesSayWhatIsWrongWithThem(t *testing.T) {
	phase := func(code, from, to string) string {
		return `{"code":"` + code + `","starts_on":"` + from + `","ends_on":"` + to + `"}`
	}
	const marks = `"kind":"rubric","curators_per_file":2,"items":[{"code":"a","label_id":"A","weight_bp":10000,"max":5}]`
	stages := func(one, two string) string { return `[{"no":1,` + one + `},{"no":2,` + two + `}]` }
	tests := []struct {
		name         string
		field, value string // "" takes the field away
		want         []fault.Mistake
	}{
		{"as planned", "quota", "30", nil},
		{"without a name", "name", "", mistakes("name required")},
		{"no province", "region_codes", "[]", mistakes("region_codes required")},
		{"no phase", "phases", "[]", mistakes("phases required")},
		{"no stage", "stages", "[]", mistakes("stages required")},
		{"no zone", "default_zone", "", mistakes("default_zone required")},
		{"a level that nobody reaches", "stages", stages(`"kind":"level","pass":{"level":5},"items":[{"code":"internet","label_id":"A","max":4}]`, marks), mistakes("stages[0].pass.level invalid_value")},
		{"a level in the end: nobody is ranked", "stages", stages(marks+`,"pass":{"top":100}`, `"kind":"level","pass":{"level":2},"items":[{"code":"internet","label_id":"A","max":4}]`), mistakes("stages[1].kind ranks_nobody")},
		{"marks in the middle by which nobody gets on", "stages", stages(marks+`,"pass":{"level":2}`, marks), mistakes("stages[0].pass required")},
		{"marks in the middle, and so many get on", "stages", stages(marks+`,"pass":{"top":100}`, marks+`,"pass":{"score_bp":6000}`), nil},
		{"a partner with parts in activities", "partners", `[{"name":"Bank Indonesia","roles":["curator","financing"],"activities":[{"phase":"curation","roles":["curator"]}]}]`, nil},
		{"a partner in no phase, in one twice, in a role it has not", "partners", `[{"name":"Bank Indonesia","roles":["curator"],
			"activities":[{"phase":"curation","roles":["curator"]},{"phase":"curation","roles":["media"]},{"phase":"opening","roles":[]}]}]`,
			mistakes("partners[0].activities[1].phase code_repeated", "partners[0].activities[1].roles[0] role_missing", "partners[0].activities[2].phase not_in_plan")},
		{"without a quota", "quota", "", mistakes("quota required")},
		{"more champions than businesses", "champion_count", "31", mistakes("champion_count more_than_quota")},
		{"a province that is not there, and one twice", "region_codes", `["18","99","18"]`, mistakes("region_codes[1] region_unknown", "region_codes[2] code_repeated")},
		{"two provinces", "region_codes", `["33","34"]`, nil},
		{"no registration", "phases", "[" + phase("curation", "2022-03-07", "2022-03-14") + "]", mistakes("phases phase_missing")},
		{"curation before the end of registration", "phases", "[" + phase("registration", "2022-02-27", "2022-03-07") + "," + phase("curation", "2022-03-07", "2022-03-14") + "]",
			mistakes("phases[1].starts_on phase_order")},
		{"the order of the list does not matter", "phases", "[" + phase("curation", "2022-03-07", "2022-03-14") + "," + phase("registration", "2022-02-27", "2022-03-06") + "]", nil},
		{"monitoring before the results are out", "monitoring", `{"starts_on":"2022-03-17","ends_on":"2022-06-17"}`, mistakes("monitoring.starts_on phase_order")},
		{"ends before it begins, twice", "phases", "[" + phase("registration", "2022-03-06", "2022-02-27") + "," + phase("registration", "2022-02-27", "2022-03-06") + "]",
			mistakes("phases[0].ends_on span_reversed", "phases[1].code code_repeated")},
		{"stages out of order", "stages", `[{"no":2,` + marks + `}]`, mistakes("stages[0].no stage_order")},
		{"a stage without questions", "stages", stages(`"kind":"checklist","items":[]`, marks), mistakes("stages[0].items required")},
		{"weights that are no whole, and nobody to look", "stages", `[{"no":1,"kind":"rubric","curators_per_file":2,"items":[{"code":"a","label_id":"A","weight_bp":9999,"max":5}]}]`,
			mistakes("stages[0].items weights_not_whole")},
		{"a mark that counts for nothing", "stages", `[{"no":1,"kind":"rubric","curators_per_file":2,"items":[{"code":"a","label_id":"A","weight_bp":10000,"max":5},{"code":"b","label_id":"B","max":5}]}]`,
			mistakes("stages[0].items[1].weight_bp required")},
		{"a level beyond what the survey gives", "stages", stages(`"kind":"level","pass":{"level":2},"items":[{"code":"ads","label_id":"A","max":10}]`, marks), mistakes("stages[0].pass.level invalid_value")},
		{"the same, where curators say the level", "stages", stages(`"kind":"level","curators_per_file":1,"pass":{"level":4},"items":[{"code":"ads","label_id":"A","max":10}]`, marks), nil},
		{"points without room, a question twice, no level to reach", "stages", stages(`"kind":"level","items":[{"code":"ads","label_id":"A"},{"code":"ads","label_id":"B","max":4}]`, marks),
			mistakes("stages[0].items[0].max span_reversed", "stages[0].items[1].code code_repeated", "stages[0].pass.level required")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := planned()
			r.Fields = maps.Clone(r.Fields)
			delete(r.Fields, tt.field)
			if tt.value != "" {
				r.Fields[tt.field] = merge.Value(tt.value)
			}
			if got := domain.CheckProgramme(r, true); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// TestAnItemThatNothingAnswers: a slip of the pen in a checklist or a survey would fail
// everybody. What marks are for is for people to say.
func TestAnItemThatNothingAnswers(t *testing.T) {
	const marks = `{"no":2,"kind":"rubric","curators_per_file":2,"items":[{"code":"anything","label_id":"A","weight_bp":10000,"max":5}]}`
	const server = "data_complete, in_region, nib_or_willing, consent, not_assisted, own_production, nib_willing, marketable_product, assisted_this_year"
	survey := strings.Join(domain.SurveyItems(), ", ")
	stage := func(kind string, codes ...string) string {
		var items []string
		for _, c := range codes {
			items = append(items, `{"code":"`+c+`","label_id":"A","max":4}`)
		}
		return `[{"no":1,"kind":"` + kind + `","pass":{"level":2},"items":[` + strings.Join(items, ",") + `]},` + marks + `]`
	}
	question := func(kind string) string { return `[{"code":"export","label_id":"Ekspor?"` + kind + `}]` }
	tests := []struct {
		name, stages, questions string
		known                   string // of the item that nothing answers; "" if all are answered
	}{
		{"all that the server reads and lists ask", stage("checklist", strings.Split(server, ", ")...), `[]`, ""},
		{"misspelt", stage("checklist", "in_regoin"), `[]`, server},
		{"of the survey", stage("checklist", "internet"), `[]`, server},
		{"a question of the programme", stage("checklist", "export"), question(`,"kind":"yes_no"`), ""},
		{"a question of which nobody said the kind", stage("checklist", "export"), question(""), ""},
		{"a choice with a yes", stage("checklist", "export"), question(`,"kind":"choice","choices":["yes","no"]`), ""},
		{"a choice without", stage("checklist", "export"), question(`,"kind":"choice","choices":["ya","tidak"]`), server},
		{"a question in words", stage("checklist", "export"), question(`,"kind":"text"`), server},
		{"beside a question", stage("checklist", "exprot"), question(`,"kind":"yes_no"`), server + ", export"},
		{"the survey", stage("level", domain.SurveyItems()...), `[]`, ""},
		{"a survey, misspelt", stage("level", "internett"), `[]`, survey},
		{"a question in a survey", stage("level", "export"), question(`,"kind":"number"`), survey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := planned()
			r.Fields["stages"], r.Fields["questions"] = merge.Value(tt.stages), merge.Value(tt.questions)
			var want []fault.Mistake
			if tt.known != "" {
				want = []fault.Mistake{{Field: "stages[0].items[0].code", Code: "item_unanswered", Known: tt.known}}
			}
			if got := domain.CheckProgramme(r, true); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			if got := domain.CheckProgramme(r, false); got != nil {
				t.Errorf("a draft: %v", got)
			}
		})
	}
}

// TestAPlanHasADayToCountFrom: without one no task of it would ever be due.
func TestAPlanHasADayToCountFrom(t *testing.T) {
	template := merge.Row{Fields: map[string]merge.Value{"items": merge.Encode(domain.BBI90())}}
	for _, tt := range []struct {
		name, template, monitoring, phase string
		want                              []fault.Mistake
	}{
		{"a plan alone", "bbi", "", "", mistakes("monitoring required")},
		{"beside an opening", "bbi", "", domain.PhaseOpening, mistakes("monitoring required")},
		{"days that are monitored", "bbi", `{"starts_on":"2022-03-20","ends_on":"2022-06-17"}`, "", nil},
		{"mentoring", "bbi", "", domain.PhaseMentoring, nil},
		{"no plan", "", "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := planned()
			var phases []json.RawMessage
			if err := json.Unmarshal(r.Fields["phases"], &phases); err != nil {
				t.Fatal(err)
			}
			phases = slices.DeleteFunc(phases, func(f json.RawMessage) bool { return strings.Contains(string(f), `"`+domain.PhaseMentoring+`"`) })
			if tt.phase != "" {
				phases = append(phases, json.RawMessage(`{"code":"`+tt.phase+`","starts_on":"2022-03-20","ends_on":"2022-06-17"}`))
			}
			r.Fields["phases"] = merge.Encode(phases)
			delete(r.Fields, "monitoring")
			if tt.monitoring != "" {
				r.Fields["monitoring"] = merge.Value(tt.monitoring)
			}
			if tt.template != "" {
				r.Fields["plan_template_id"] = merge.Str(domain.PlanTemplateID(tt.template, 1))
			}
			if got := domain.CheckProgramme(r, true); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if got := domain.CheckProgramme(r, false); got != nil {
				t.Errorf("a draft: %v", got)
			}
			if tt.template == "" || tt.want != nil {
				return
			}
			for id, task := range domain.PlanTasks(template, "e", domain.ProgrammeOf(r), []string{"food_beverage"}) {
				if task["due_on"] == nil {
					t.Errorf("task %s has no day", id)
				}
			}
		})
	}
}

// TestADraftMayLackWhatComesLater: but not what names it.
func TestADraftMayLackWhatComesLater(t *testing.T) {
	r := planned()
	for name := range r.Fields {
		if !slices.Contains([]string{"code", "name", "kind", "region_codes"}, name) {
			delete(r.Fields, name)
		}
	}
	if bad := domain.CheckProgramme(r, false); len(bad) > 0 {
		t.Errorf("a draft: %v", bad)
	}
	want := []string{"phases", "quota", "number_prefix", "confirm_days", "stages", "default_zone"}
	var got []string
	for _, m := range domain.CheckProgramme(r, true) {
		got = append(got, m.Field)
	}
	if !slices.Equal(got, want) {
		t.Errorf("lacks %v, want %v", got, want)
	}
}

// TestRegistrationIsInTheZoneOfTheProgramme: the same days end an hour earlier in the
// east, and the last of them counts whole.
func TestRegistrationIsInTheZoneOfTheProgramme(t *testing.T) {
	for zone, hour := range map[domain.Zone]int{domain.WIB: 17, domain.WITA: 16, domain.WIT: 15} {
		r := planned()
		r.Fields["default_zone"] = merge.Str(string(zone))
		from, to, ok := domain.ProgrammeOf(r).Registration()
		if want := time.Date(2022, 2, 26, hour, 0, 0, 0, time.UTC); !ok || !from.Equal(want) {
			t.Errorf("%s: from %v, want %v", zone, from, want)
		}
		if want := time.Date(2022, 3, 6, hour, 0, 0, 0, time.UTC); !to.Equal(want) {
			t.Errorf("%s: to %v, want %v", zone, to, want)
		}
	}
}

func TestProgrammesGoForwardStepByStep(t *testing.T) {
	all := domain.ProgrammeStatuses()
	for i, from := range all {
		for k, to := range all {
			if got := domain.ProgrammeFollows(from, to); got != (k == i+1) {
				t.Errorf("%s to %s: %v", from, to, got)
			}
		}
		if i > 0 {
			if old, now := domain.ProgrammeFixed(all[i-1]), domain.ProgrammeFixed(from); len(now) < len(old) {
				t.Errorf("%s fixes %v, %s had fixed %v", from, now, all[i-1], old)
			}
		}
	}
	for _, name := range domain.ProgrammeFixed(domain.ProgrammeArchived) {
		if !slices.Contains(domain.ProgrammeFields(), name) {
			t.Errorf("no field %s", name)
		}
	}
}

// TestTheNinetyDays: 24 tasks, as many of each track as the story has, and none that a
// programme of ninety days has no room for.
func TestTheNinetyDays(t *testing.T) {
	tracks := map[string]int{}
	planned := domain.PlanTasks(merge.Row{Fields: map[string]merge.Value{"items": merge.Encode(domain.BBI90())}}, key("e"), domain.Programme{ID: "p", Monitoring: domain.Span{From: "2022-03-20"}}, nil)
	if len(planned) != 24 {
		t.Errorf("%d tasks", len(planned))
	}
	for _, it := range domain.BBI90() {
		tracks[it.Track]++
		if it.Offset+it.Duration > 90 {
			t.Errorf("%s is due on day %d", it.Code, it.Offset+it.Duration)
		}
		if due := planned[domain.PlanTaskID(key("e"), it.Code)]["due_on"]; merge.AsString(due) > "2022-06-17" {
			t.Errorf("%s is due on %s", it.Code, due)
		}
	}
	if want := map[string]int{"digital": 10, "quality": 6, "facilitation": 4, "business": 3, "publicity": 1}; !maps.Equal(tracks, want) {
		t.Errorf("%v, want %v", tracks, want)
	}
	r := merge.Row{Fields: map[string]merge.Value{"items": merge.Encode(domain.BBI90())}}
	if bad := domain.CheckPlan(r); len(bad) > 0 {
		t.Errorf("%v", bad)
	}
	c, _ := domain.MustCatalogue().Collection("plan_template")
	f, _ := c.Field("items")
	if _, path, ok := f.Type.Check(r.Fields["items"]); !ok {
		t.Errorf("items%s is not what the catalogue allows", path)
	}
	r.Fields["items"] = merge.Value(`[{"code":"a","depends_on":["a","x"]},{"code":"a"}]`)
	if got, want := domain.CheckPlan(r), mistakes("items[0].depends_on[0] invalid_reference", "items[0].depends_on[1] invalid_reference", "items[1].code code_repeated"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestACompletionCountsUntilItsDueTime: the window goes on for what was returned, and its grace
// with it; a due time before the end of the window takes nothing away.
func TestACompletionCountsUntilItsDueTime(t *testing.T) {
	p := domain.ProgrammeOf(planned())
	p.Status = domain.ProgrammeCurating
	_, end, _ := p.Registration()
	due := end.Add(72 * time.Hour)
	tests := []struct {
		name           string
		until          time.Time
		grace          int
		made, received time.Time
		want           string
		late           bool
	}{
		{"within it", due, 0, due.Add(-time.Hour), due.Add(-time.Millisecond), "", false},
		{"at its end", due, 0, due.Add(-time.Hour), due, domain.ReturnWindowClosed, false},
		{"finished offline in time", due, 24, due.Add(-time.Millisecond), due.Add(24*time.Hour - time.Millisecond), "", true},
		{"finished offline too late", due, 24, due, due.Add(time.Hour), domain.ReturnWindowClosed, false},
		{"behind the grace", due, 24, due.Add(-time.Hour), due.Add(24 * time.Hour), domain.ReturnWindowClosed, false},
		{"due before the end of the window", end.Add(-72 * time.Hour), 0, end.Add(-time.Hour), end.Add(-time.Millisecond), "", false},
		{"never returned", time.Time{}, 24, end, end.Add(time.Hour), domain.ReturnWindowClosed, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.GraceHours = tt.grace
			why, late := p.Counts(domain.Submission{Made: tt.made, Received: tt.received, Until: tt.until, Region: "18.71", Consents: true})
			if why != tt.want || late != tt.late {
				t.Errorf("%q, grace %t; want %q, %t", why, late, tt.want, tt.late)
			}
		})
	}
}

// TestWhichProgrammesTakeSubmissions: from the day they open until their results are told, by
// the window.
func TestWhichProgrammesTakeSubmissions(t *testing.T) {
	p := domain.ProgrammeOf(planned())
	from, end, _ := p.Registration()
	p.GraceHours = 24
	for _, status := range domain.ProgrammeStatuses() {
		p.Status = status
		for at, want := range map[time.Time]string{from.Add(-time.Millisecond): domain.ReturnWindowNotOpen, from: "", end.Add(time.Hour): "", end.Add(24 * time.Hour): domain.ReturnWindowClosed} {
			switch status {
			case domain.ProgrammeOpen, domain.ProgrammeCurating:
			case domain.ProgrammeDraft:
				want = domain.ReturnUnknown
			default:
				want = domain.ReturnWindowClosed
			}
			if why, _ := p.Counts(domain.Submission{Made: from, Received: at, Region: "18.71", Consents: true}); why != want {
				t.Errorf("%s, received %s: %q, want %q", status, at, why, want)
			}
		}
	}
}
