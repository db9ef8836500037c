package domain_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
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
			s := message.Push(row.ID, lang)
			title, body := utf8.RuneCountInString(s.Title), utf8.RuneCountInString(s.Detail)
			if title == 0 || title > 45 || body == 0 || body > 140 || strings.ContainsAny(s.Title+s.Detail, "{}\n") || strings.ContainsAny(s.Title, ".") {
				t.Errorf("%s in %s: %q (%d), %q (%d)", row.ID, lang, s.Title, title, s.Detail, body)
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
	if len(keys) != 5 || !keys[""] {
		t.Errorf("keys %v, want four and none", keys)
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

// TestNotificationsArePrinted keeps docs/notifications.md equal to the table.
func TestNotificationsArePrinted(t *testing.T) {
	const path = "../docs/notifications.md"
	want := printedNotices()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/notifications.md is not what the table says (%v): go generate ./domain", err)
	}
}

func printedNotices() string {
	var b strings.Builder
	b.WriteString("# Notifications\n\n<!-- Generated by go generate ./domain. Do not edit. -->\n\n" +
		"What people are told, printed from the table in package `domain` and the texts in package `message`. Every notice is an item of its\n" +
		"recipient's `inbox`. Its texts are made on the phone from `type` and `params`, in the language of the app and by the clocks of the\n" +
		"business; a sentence that wants an absent parameter is left out. Titles have no holes: they are safe on a lock screen. Class is what\n" +
		"people switch by in `preference`. Quiet class, collapse key and tag are for pushes: Q0 rings always, Q1 waits for the day, Q2 also\n" +
		"for the end of Friday prayers; a dash as the key: every push is kept; high wakes a phone that sleeps. What the calendar tells a person\n" +
		"in one minute is one push about several items, whatever it is of; N35 are one of their own (decisions 66, 67). A push\n" +
		"rings while its person still is what \"rings for\" says where the item belongs (a dash: whoever has left, too), and while its object is as\n" +
		"\"while\" says; both are asked when it is sent.\n\n" +
		"| Type | When | To | Bahasa Indonesia | English | Parameters | Class | Quiet | Key | Tag | Link | Rings for | While |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range domain.NoticeTypes() {
		key, link := string(row.Collapse), "`"+row.Link+"`"
		if key == "" {
			key = "–"
		}
		if row.High {
			key += ", high"
		}
		if row.Many != "" {
			link += ", about several `" + row.Many + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s | `%s` | %s | %s | %s |\n", row.ID, row.When, row.To, printedTexts(row.ID, message.ID), printedTexts(row.ID, message.EN),
			printedParams(row), row.Class, row.Quiet, key, row.Tag, link, printedRoles(row.In), row.While.Words)
	}
	return b.String()
}

func printedRoles(roles []merge.Role) string {
	words := []string{}
	for _, r := range roles {
		words = append(words, string(r))
	}
	return cmp.Or(strings.Join(words, ", "), "–")
}

func printedTexts(kind string, lang message.Lang) string {
	var words []string
	for _, s := range message.InboxTemplates(kind, lang) {
		words = append(words, "**"+s.Title+"** "+s.Detail)
	}
	return strings.Join(words, "<br>")
}

func printedParams(row domain.NoticeType) string {
	var words []string
	for _, p := range row.Params {
		word := "`" + p.Name + "` " + string(p.Kind)
		if p.Optional {
			word += ", optional"
		}
		words = append(words, word)
	}
	return strings.Join(words, "<br>")
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
