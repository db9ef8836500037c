package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAnswersByTheKindOfTheirQuestion: what a list says is kept as an application keeps it, and then
// the application takes it; what a phone says is taken or not.
func TestAnswersByTheKindOfTheirQuestion(t *testing.T) {
	choice := domain.Question{Code: "q", Kind: domain.QuestionChoice, Choices: []string{"Kecil sekali", "besar", "BESAR"}}
	of := func(kind string) domain.Question { return domain.Question{Code: "q", Kind: kind} }
	tests := []struct {
		q        domain.Question
		in       string
		want     string // of a list
		code     string
		accepted bool // of a phone
	}{
		{of(domain.QuestionYesNo), "Sudah", "yes", "", false},
		{of(domain.QuestionYesNo), "no", "no", "", true},
		{of(domain.QuestionYesNo), "mungkin", "", "yes_or_no", false},
		{of(domain.QuestionNumber), "12", "12", "", true},
		{of(domain.QuestionNumber), "007", "7", "", true},
		{of(domain.QuestionNumber), "12.0", "12", "", true},
		{of(domain.QuestionNumber), "-2,5", "-2.5", "", true},
		{of(domain.QuestionNumber), "2.5", "2.5", "", true},
		{of(domain.QuestionNumber), "-0", "0", "", true},
		{of(domain.QuestionNumber), "1.250.000,50", "1250000.5", "", true},
		{of(domain.QuestionNumber), "1,250,000", "1250000", "", true},
		{of(domain.QuestionNumber), "١٢", "12", "", true},
		{of(domain.QuestionNumber), "1.250", "", "number_ambiguous", true},
		{of(domain.QuestionNumber), "1,250", "", "number_ambiguous", true},
		{of(domain.QuestionNumber), "0.125", "", "number_ambiguous", true},
		{of(domain.QuestionNumber), "banyak", "", "number_invalid", false},
		{of(domain.QuestionNumber), "12 orang", "", "number_invalid", false},
		{of(domain.QuestionNumber), "1.25.0", "", "number_invalid", false},
		{of(domain.QuestionNumber), "--1", "", "number_invalid", false},
		{of(domain.QuestionNumber), strings.Repeat("9", 41), "", "number_invalid", false},
		{choice, "kecil  SEKALI", "Kecil sekali", "", false},
		{choice, "besar", "besar", "", true},
		{choice, "Besar", "", "choice_unknown", false}, // two are spelt like it
		{choice, "zzz", "", "choice_unknown", false},
		{choice, "...", "", "choice_unknown", false},
		{of(domain.QuestionChoice), "apa saja", "apa saja", "", true}, // of a programme of before
		{of(domain.QuestionText), "Ya", "Ya", "", true},
		{of(domain.QuestionText), strings.Repeat("a", 2001), "", "text_too_long", true}, // which the catalogue takes of no phone
		{of(""), "YA", "yes", "", true},
		{of(""), "Ya, sejak 2014", "Ya, sejak 2014", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.q.Kind+" "+fmt.Sprintf("%.20s", tt.in), func(t *testing.T) {
			got, err := tt.q.Read(tt.in)
			if got != tt.want || codeOf(err) != tt.code || tt.q.Takes(tt.in) != tt.accepted {
				t.Errorf("%q, %v of a list, %t of a phone; want %q, %q, %t", got, err, tt.q.Takes(tt.in), tt.want, tt.code, tt.accepted)
			}
			if err == nil && !tt.q.Takes(got) {
				t.Errorf("a list gives %q, which no application takes", got)
			}
		})
	}
}

// asked are rules of a programme with questions, one of which a check of lists answers too.
func asked() domain.RegistrantRules {
	rules := lagawi()
	rules.Questions = []domain.Question{{Code: "export", LabelID: "Sudah ekspor?", LabelEN: "Exported", Kind: domain.QuestionYesNo, Required: true}, {Code: "workers", LabelID: "Tenaga kerja", Kind: domain.QuestionNumber},
		{Code: "size", LabelID: "Ukuran", Kind: domain.QuestionChoice, Choices: []string{"a", "b"}}, {Code: "own_production", LabelID: "Membuat sendiri?", Kind: domain.QuestionYesNo, Required: true},
		{Code: "mail", LabelID: "Email"}, {Code: "first", LabelID: "Sama"}, {Code: "second", LabelID: "sama"}}
	return rules
}

// TestColumnsOfQuestions: a heading is the code of a question or one of its labels; what another
// column is called stays that, and what two questions are called is not read.
func TestColumnsOfQuestions(t *testing.T) {
	basic := []string{"external_ref", "registered_at", "business_name", "owner_name", "phone", "region", "category"}
	tests := []struct {
		name, headings, cells string
		answers, checks       string
		wrong                 []string // as line:field:code
		ignored, lacks        string
	}{
		{"none", "", "", "map[]", "map[]", nil, "[]", "Membuat sendiri? answers.own_production, Sudah ekspor? answers.export"},
		{"by codes", "EXPORT|own production|Workers", "ya|tidak|3", "map[export:yes workers:3]", "map[own_production:false]", nil, "[]", ""},
		{"by labels", "exported|Membuat sendiri|Tenaga Kerja", "belum|y|-", "map[export:no]", "map[own_production:true]", nil, "[]", ""},
		{"a cell that is empty", "export|own_production", "-|", "map[]", "map[]", nil, "[]", ""},
		{"of other kinds", "export|own_production|workers|ukuran", "?|?|?|c", "map[]", "map[]", []string{"2:own_production:yes_or_no", "2:answers.export:yes_or_no", "2:answers.workers:number_invalid", "2:answers.size:choice_unknown"}, "[]", ""},
		{"twice", "export|own_production|Sudah ekspor", "ya|ya|ya", "", "", []string{"1:answers.export:column_twice"}, "", ""},
		{"what another column is called", "export|own_production|Email", "ya|ya|a@b.id", "map[export:yes]", "map[own_production:true]", nil, "[]", ""},
		{"what two are called", "export|own_production|SAMA|second", "ya|ya|x|y", "map[export:yes second:y]", "map[own_production:true]", nil, "[SAMA]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header, row := domain.TableRow{Line: 1}, domain.TableRow{Line: 2}
			good := listRow(2)
			for _, name := range basic {
				header.Cells, row.Cells = append(header.Cells, domain.Cell{Text: name}), append(row.Cells, domain.Cell{Text: good[name]})
			}
			if tt.headings != "" {
				for i, name := range strings.Split(tt.headings, "|") {
					header.Cells, row.Cells = append(header.Cells, domain.Cell{Text: name}), append(row.Cells, domain.Cell{Text: strings.Split(tt.cells, "|")[i]})
				}
			}
			list, wrong := domain.NewRegistrantTable(header, asked())
			if list == nil {
				if !slices.Equal(said(wrong), tt.wrong) {
					t.Errorf("the header: %q", said(wrong))
				}
				return
			}
			r, wrong := list.Read(row)
			var lacks []string
			for _, w := range list.Lacks {
				lacks = append(lacks, w.Column+" "+w.Field)
				if w.Line != 1 || w.Code != "question_missing" {
					t.Errorf("%+v", w)
				}
			}
			if !slices.Equal(said(wrong), tt.wrong) || fmt.Sprint(r.Answers) != tt.answers || fmt.Sprint(r.Checks) != tt.checks || fmt.Sprint(list.Ignored) != tt.ignored || strings.Join(lacks, ", ") != tt.lacks {
				t.Errorf("%q, answers %v, checks %v, ignored %v, lacks %q", said(wrong), r.Answers, r.Checks, list.Ignored, lacks)
			}
			for _, w := range slices.Concat(wrong, list.Lacks) {
				if s := message.Text(w.Code, message.ID, w.Params).String(); strings.ContainsAny(s, "{…") {
					t.Errorf("%+v says %q", w, s)
				}
			}
		})
	}
}

// TestADigestWithoutAnswersStays what it was before lists answered questions.
func TestADigestWithoutAnswersStays(t *testing.T) {
	r := domain.Registrant{Ref: "A", Business: "Kopi", Phone: "+628117000001"}
	if got := r.Keys().Digest; got != "671854b2c85c0c33ae9dc8fe65c49458" {
		t.Errorf("%s", got)
	}
}

// TestQuestionsThatContradictThemselves are refused in a draft already, each with its field.
func TestQuestionsThatContradictThemselves(t *testing.T) {
	mistakes := func(said ...string) (out []fault.Mistake) {
		for _, s := range said {
			field, code, _ := strings.Cut(s, " ")
			out = append(out, fault.Mistake{Field: "questions" + field, Code: code})
		}
		return out
	}
	tests := []struct {
		name, questions string
		want            []fault.Mistake
	}{
		{"as they should be", `[{"code":"a","label_id":"A","kind":"choice","choices":["x","y"]},{"code":"b","label_id":"B","kind":"number"},{"code":"c","label_id":"C"}]`, nil},
		{"one code twice", `[{"code":"a","label_id":"A","kind":"yes_no"},{"code":"a","label_id":"B","kind":"number"}]`, mistakes("[1].code code_repeated")},
		{"a choice without choices", `[{"code":"a","label_id":"A","kind":"choice"}]`, mistakes("[0].choices required")},
		{"a choice of none", `[{"code":"a","label_id":"A","kind":"choice","choices":[]}]`, mistakes("[0].choices required")},
		{"choices of a number", `[{"code":"a","label_id":"A","kind":"number","choices":["ya"]}]`, mistakes("[0].choices choices_unasked")},
		{"choices of no kind", `[{"code":"a","label_id":"A","choices":["ya"]}]`, mistakes("[0].choices choices_unasked")},
		{"a choice twice", `[{"code":"a","label_id":"A","kind":"choice","choices":["x","y","x"]}]`, mistakes("[0].choices[2] code_repeated")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, ready := range []bool{false, true} {
				r := planned()
				r.Fields["questions"] = merge.Value(tt.questions)
				if got := domain.CheckProgramme(r, ready); !slices.Equal(got, tt.want) {
					t.Errorf("ready %t: %v, want %v", ready, got, tt.want)
				}
			}
		})
	}
}
