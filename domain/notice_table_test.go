package domain_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// noticeTable are the files that may name links and types of the table.
func noticeTable() []string { return []string{"notice_table.go", "notice_type.go"} }

func TestTheTableOfNoticesIsWhole(t *testing.T) {
	preference, _ := domain.MustCatalogue().Collection("preference")
	var ids []string
	for _, row := range domain.NoticeTypes() {
		ids = append(ids, row.ID)
		if _, ok := preference.Field(row.Class + "_push"); !ok {
			t.Errorf("%s: nobody can switch class %q", row.ID, row.Class)
		}
		if row.When == "" || row.To == "" || row.Tag == "" || !strings.HasPrefix(row.Link, "app://") || strings.ContainsAny(row.When+row.To+row.While.Words, "|\n") {
			t.Errorf("%s is not whole: %+v", row.ID, row)
		}
		if !slices.Contains([]domain.Quiet{domain.RingsAlways, domain.WaitsForDay, domain.WaitsForEnd}, row.Quiet) ||
			!slices.Contains([]domain.Collapse{"", domain.CollapseSync, domain.CollapseReminder, domain.CollapseNudge, domain.CollapseQueue}, row.Collapse) {
			t.Errorf("%s: quiet class %q, collapse key %q", row.ID, row.Quiet, row.Collapse)
		}
		if _, ok := domain.MustCatalogue().Collection(row.About); row.About != "" && row.About != "*" && !ok {
			t.Errorf("%s is about unknown %s", row.ID, row.About)
		}
		for _, hole := range message.Holes(row.Link + row.Tag + row.Many) {
			if _, ok := row.Param(hole); !ok && hole != "id" {
				t.Errorf("%s: nothing fills {%s}", row.ID, hole)
			}
		}
		checkSentences(t, row)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, slices.Compact(slices.Clone(ids))) || !slices.Equal(ids, message.Notices()) {
		t.Errorf("rows %v, sentences %v", ids, message.Notices())
	}
}

// TestEveryPushFitsALockScreen: in both languages, without holes, and under one of four keys
// or none.
func TestEveryPushFitsALockScreen(t *testing.T) {
	keys := map[domain.Collapse]bool{}
	for _, row := range domain.NoticeTypes() {
		keys[row.Collapse] = true
		for _, lang := range []message.Lang{message.ID, message.EN} {
			for _, s := range []message.Sentence{message.Push(row.ID, lang), message.PushToday(row.ID, lang)} {
				title, body := utf8.RuneCountInString(s.Title), utf8.RuneCountInString(s.Detail)
				if title == 0 || title > 45 || body == 0 || body > 140 || strings.ContainsAny(s.Title+s.Detail, "{}\n") || strings.ContainsAny(s.Title, ".") {
					t.Errorf("%s in %s: %q (%d), %q (%d)", row.ID, lang, s.Title, title, s.Detail, body)
				}
			}
		}
		if message.Push(row.ID, message.ID) == message.Push(row.ID, message.EN) {
			t.Errorf("%s is not translated", row.ID)
		}
		if row.Class == "security" != (row.Quiet == domain.RingsAlways) || row.Quiet == domain.RingsAlways && !row.High {
			t.Errorf("%s: class %s, %s, high %t", row.ID, row.Class, row.Quiet, row.High)
		}
		if p, ok := row.Param(row.NotTo); row.NotTo != "" && (!ok || p.Kind != domain.ParamWord || p.Optional) {
			t.Errorf("%s leaves out the device in %q", row.ID, row.NotTo)
		}
	}
	for _, many := range message.Manies() {
		for _, lang := range []message.Lang{message.ID, message.EN} {
			s := message.PushMany(many, lang)
			if title, body := utf8.RuneCountInString(s.Title), utf8.RuneCountInString(s.Detail); title == 0 || title > 45 || body == 0 || body > 140 || strings.ContainsAny(s.Title+s.Detail, "{}\n") {
				t.Errorf("several, %q in %s: %q (%d), %q (%d)", many, lang, s.Title, title, s.Detail, body)
			}
		}
	}
	if len(keys) != 5 || !keys[""] {
		t.Errorf("keys %v, want four and none", keys)
	}
}

// TestHowLongAPushIsWorthSomething: what is collapsed as the rule of its key says, and nothing for
// longer than push services keep it (domain.md 5.1.7). High is what must be heard at once.
func TestHowLongAPushIsWorthSomething(t *testing.T) {
	of := map[domain.Collapse]time.Duration{domain.CollapseReminder: 12 * time.Hour, domain.CollapseNudge: 6 * time.Hour, domain.CollapseSync: time.Hour,
		domain.CollapseQueue: 28 * 24 * time.Hour, "": 28 * 24 * time.Hour}
	for _, row := range append(domain.NoticeTypes(), domain.HintNotice()) {
		if row.TTL != of[row.Collapse] {
			t.Errorf("%s with key %q is worth %s", row.ID, row.Collapse, row.TTL)
		}
		if row.High && row.Quiet != domain.RingsAlways && row.Class != "results" {
			t.Errorf("%s wakes phones", row.ID)
		}
	}
}

// checkSentences wants every hole of a text declared and shown to people, and a
// text that says something when only the least is known.
func checkSentences(t *testing.T, row domain.NoticeType) {
	t.Helper()
	for _, s := range message.InboxTemplates(row.ID, message.ID) {
		for _, hole := range message.Holes(s.Detail) {
			if p, ok := row.Param(hole); !ok || p.Kind == domain.ParamWord {
				t.Errorf("%s: {%s} is not for people", row.ID, hole)
			}
		}
	}
	for _, n := range []int{1, 2} {
		least := map[string]any{}
		for _, p := range row.Params {
			if !p.Optional {
				least[p.Name] = sample(p.Kind, n)
			}
		}
		if row.Many != "" && n == 1 {
			least["task"] = "Foto produk"
		}
		item := merge.Row{Fields: map[string]merge.Value{"type": merge.Str(row.ID), "params": merge.Encode(least)}}
		for _, lang := range []message.Lang{message.ID, message.EN} {
			if s := domain.NoticeText(item, domain.WIT, lang); s.Title == "" || s.Detail == "" || strings.ContainsAny(s.String(), "{…") {
				t.Errorf("%s in %s: %q", row.ID, lang, s)
			}
		}
	}
}

func sample(kind domain.ParamKind, n int) any {
	return map[domain.ParamKind]any{domain.ParamText: "Foto produk", domain.ParamCount: n, domain.ParamDate: "2022-03-17", domain.ParamInstant: "2022-03-17T03:00:00.000Z",
		domain.ParamCaseKind: "halal", domain.ParamCaseStep: "haccp/documents", domain.ParamWord: "word"}[kind]
}

// TestTheTableAloneNamesLinks: a row is used by the rules, and no link is
// written outside the table.
func TestTheTableAloneNamesLinks(t *testing.T) {
	constants, used := map[string]bool{}, map[string]bool{}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		table := slices.Contains(noticeTable(), path)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if path == "notice_type.go" && strings.HasPrefix(n.Names[0].Name, "Notice") {
					constants[n.Names[0].Name] = true
				}
			case *ast.Ident:
				used[n.Name] = used[n.Name] || !table
			case *ast.BasicLit:
				if !table && strings.Contains(n.Value, "app://") {
					t.Errorf("%s writes the link %s", path, n.Value)
				}
			}
			return true
		})
	}
	if len(constants) != len(domain.NoticeTypes()) {
		t.Errorf("%d words for %d rows", len(constants), len(domain.NoticeTypes()))
	}
	for name := range constants {
		if !used[name] {
			t.Errorf("no rule gives %s", name)
		}
	}
}

// checkItem holds an item of the inbox against the row of its type.
func checkItem(t testing.TB, set map[string]merge.Value) {
	t.Helper()
	row, ok := domain.NoticeTypeOf(merge.AsString(set["type"]))
	if !ok {
		t.Errorf("no row for %s", set["type"])
		return
	}
	var params map[string]any
	if v := set["params"]; v != nil && json.Unmarshal(v, &params) != nil {
		t.Errorf("%s: params %s", row.ID, v)
	}
	for name, v := range params {
		p, ok := row.Param(name)
		if !ok || !fits(p.Kind, v) {
			t.Errorf("%s: parameter %s is %v, not a %s", row.ID, name, v, p.Kind)
		}
	}
	for _, p := range row.Params {
		if _, ok := params[p.Name]; !ok && !p.Optional {
			t.Errorf("%s: no parameter %s", row.ID, p.Name)
		}
	}
	var object struct{ Collection, ID string }
	if v := set["object"]; v != nil && json.Unmarshal(v, &object) != nil {
		t.Errorf("%s: object %s", row.ID, v)
	}
	if object.ID != "" && row.About != "*" && object.Collection != row.About {
		t.Errorf("%s is about %s, the row says %s", row.ID, object.Collection, row.About)
	}
	if link := merge.AsString(set["deep_link"]); merge.AsString(set["class"]) != row.Class || link != row.LinkTo(object.ID, params) || strings.Contains(link, "{") {
		t.Errorf("%s: class %s, link %s", row.ID, set["class"], set["deep_link"])
	}
}

func fits(kind domain.ParamKind, v any) bool {
	s, isText := v.(string)
	switch kind {
	case domain.ParamCount:
		n, ok := v.(float64)
		return ok && n >= 1
	case domain.ParamDate:
		_, err := domain.ParseDate(s)
		return err == nil
	case domain.ParamInstant:
		_, err := merge.ParseInstant(s)
		return err == nil
	case domain.ParamCaseKind:
		_, ok := domain.CaseKindOf(s)
		return ok
	}
	return isText && s != ""
}

// inboxes counts the items that effects ask for, by type and person, each once.
func inboxes(effects []merge.Effect) map[string]int {
	found, n := map[string]merge.Effect{}, map[string]int{}
	for _, e := range effects {
		if e.Collection == "inbox" {
			found[e.Scope+" "+e.ID] = e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		e := found[name]
		n[merge.AsString(e.Set["type"])+" "+strings.TrimPrefix(e.Scope, "user/")]++
	}
	return n
}
