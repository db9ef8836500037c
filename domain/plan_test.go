package domain_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// item is an item of a template with what it depends on.
func item(code string, on ...string) domain.PlanItem {
	return domain.PlanItem{Code: code, TitleID: "Tugas " + code, TitleEN: "Task " + code, Track: "digital", Duration: 7, DependsOn: on}
}

func template(items ...domain.PlanItem) merge.Row {
	return merge.Row{Fields: map[string]merge.Value{"items": merge.Encode(items)}}
}

// TestWhatATemplateMayDependOn: on other items that are there, and never on itself, by
// however many others.
func TestWhatATemplateMayDependOn(t *testing.T) {
	const circle, unknown = "depends_in_circle", "invalid_reference"
	tests := []struct {
		name  string
		items []domain.PlanItem
		want  []string
	}{
		{"a chain and a fork", []domain.PlanItem{item("a"), item("b", "a"), item("c", "a", "b"), item("d", "c", "b")}, nil},
		{"one that is not there", []domain.PlanItem{item("a", "z")}, []string{"items[0].depends_on[0] " + unknown}},
		{"itself", []domain.PlanItem{item("a", "a")}, []string{"items[0].depends_on[0] " + unknown}},
		{"each other", []domain.PlanItem{item("a", "b"), item("b", "a")}, []string{"items[0].depends_on " + circle, "items[1].depends_on " + circle}},
		{"in a circle of three, and one that only leads into it", []domain.PlanItem{item("a", "b"), item("b", "c"), item("c", "d"), item("d", "b")},
			[]string{"items[1].depends_on " + circle, "items[2].depends_on " + circle, "items[3].depends_on " + circle}},
	}
	for _, tt := range tests {
		var got []string
		for _, m := range domain.CheckPlan(template(tt.items...)) {
			got = append(got, m.Field+" "+m.Code)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestWhatATaskWaitsFor: what comes before it in the plan and is not done; what was left
// out for its category is waited for by nobody.
func TestWhatATaskWaitsFor(t *testing.T) {
	food := item("food")
	food.AppliesTo = []string{"food_beverage"}
	tasks := domain.PlanTasks(template(item("a"), food, item("b", "food", "a"), item("c", "b")), key("e"), domain.Programme{ID: "p"}, []string{"fashion"})
	if len(tasks) != 3 {
		t.Fatalf("%d tasks, want 3", len(tasks))
	}
	states := map[string]string{"a": domain.TaskAssigned, "b": domain.TaskAssigned, "c": domain.TaskAssigned}
	rows := func() (out []merge.Row) {
		for _, code := range []string{"a", "b", "c"} {
			id := domain.PlanTaskID(key("e"), code)
			out = append(out, merge.Row{Key: merge.Key{Collection: "task", ID: id}, Fields: with(tasks[id], texts("state", states[code]))})
		}
		return out
	}
	waits := func(code string) string {
		all := rows()
		i := slices.IndexFunc(all, func(r merge.Row) bool { return r.Text("template_code") == code })
		var codes []string
		for _, r := range domain.WaitsFor(all[i], all) {
			codes = append(codes, r.Text("template_code"))
		}
		return fmt.Sprint(codes)
	}
	for _, tt := range []struct{ a, b, wantB, wantC string }{
		{domain.TaskAssigned, domain.TaskAssigned, "[a]", "[b]"}, {domain.TaskSubmitted, domain.TaskAssigned, "[a]", "[b]"},
		{domain.TaskVerified, domain.TaskInProgress, "[]", "[b]"}, {domain.TaskCancelled, domain.TaskVerified, "[]", "[]"},
	} {
		states["a"], states["b"] = tt.a, tt.b
		if b, c := waits("b"), waits("c"); b != tt.wantB || c != tt.wantC || waits("a") != "[]" {
			t.Errorf("a %s, b %s: b waits for %s, c for %s", tt.a, tt.b, b, c)
		}
	}
}

// TestHowAPlanDiffersFromItsTemplate is worked out of the rows of a business.
func TestHowAPlanDiffersFromItsTemplate(t *testing.T) {
	left := item("left")
	left.AppliesTo = []string{"fashion"}
	tm := template(item("same"), left, item("moved"), item("renamed"), item("cancelled"))
	planned := domain.PlanTasks(tm, key("e"), domain.Programme{ID: "p", Monitoring: domain.Span{From: "2022-03-20"}}, []string{"crafts"})
	plan := merge.Row{Key: merge.Key{Collection: "plan"}, Fields: map[string]merge.Value{"enrolment_id": merge.Str(key("e")), "programme_id": merge.Str("p")}}
	changes := map[string]map[string]merge.Value{
		"same":  {"due_dates": merge.Value(`[{"value":"2022-03-26"}]`)},
		"moved": {"due_on": merge.Str("2022-04-02"), "due_dates": merge.Value(`[{"value":"2022-04-02"},{"value":"2022-03-26"}]`)}, "renamed": texts("title", "Buka dua toko"),
		"cancelled": texts("state", domain.TaskCancelled)}
	ids, rows := []string{}, []merge.Row{plan}
	for code, set := range changes {
		id := domain.PlanTaskID(key("e"), code)
		ids = append(ids, id)
		rows = append(rows, merge.Row{Key: merge.Key{Collection: "task", ID: id}, Fields: with(planned[id], texts("state", domain.TaskAssigned), set)})
	}
	plan.Fields["tasks"] = merge.Encode(ids)
	for name, set := range map[string]map[string]merge.Value{"added": texts("title", "Kunjungi toko", "origin", "mentor", "programme_id", "p", "state", "assigned"),
		"elsewhere": texts("title", "Lain", "origin", "mentor", "programme_id", "q", "state", "assigned"),
		"asked":     texts("title", "Usul", "origin", "owner_request", "programme_id", "p", "state", "proposed")} {
		rows = append(rows, merge.Row{Key: merge.Key{Collection: "task", ID: key(name)}, Fields: set})
	}
	for lang, want := range map[message.Lang][]string{
		message.ID: {"left_out left Tugas left  ", "due_moved moved Tugas moved 2022-03-26 2022-04-02", "renamed renamed Buka dua toko Tugas renamed Buka dua toko", "cancelled cancelled Tugas cancelled  ", "added  Kunjungi toko  "},
		message.EN: {"left_out left Task left  ", "due_moved moved Task moved 2022-03-26 2022-04-02", "renamed renamed Buka dua toko Task renamed Buka dua toko", "cancelled cancelled Task cancelled  ", "added  Kunjungi toko  "},
	} {
		var got []string
		for _, a := range domain.PlanAdjustments(plan, tm, rows, lang) {
			got = append(got, fmt.Sprint(a.Kind, " ", a.Code, " ", a.Title, " ", a.From, " ", a.To))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\nwant\n%q", lang, got, want)
		}
	}
}
