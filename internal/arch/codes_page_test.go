package arch_test

import (
	"flag"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

const codesPage = "../../docs/codes.md"

var updating = flag.Bool("update", false, "write docs/codes.md anew")

// TestCodesArePrinted holds docs/codes.md against the code: every code that the
// sources name, how it reaches an app, and its sentence in both languages.
func TestCodesArePrinted(t *testing.T) {
	want := printCodes(waysOf(read(t).files))
	if *updating {
		if err := os.WriteFile(codesPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := text(t, codesPage); got != want {
		t.Error("docs/codes.md is not what the code says; run make gen and commit")
	}
}

// A kind of error, by the name that the sources use.
func kinds() map[string]fault.Kind {
	return map[string]fault.Kind{"Internal": fault.Internal, "Invalid": fault.Invalid, "Unreadable": fault.Unreadable, "TooLarge": fault.TooLarge,
		"Unsupported": fault.Unsupported, "Unauthorized": fault.Unauthorized, "Forbidden": fault.Forbidden, "NotFound": fault.NotFound,
		"Conflict": fault.Conflict, "Stale": fault.Stale, "MissingGuard": fault.MissingGuard, "TooMany": fault.TooMany,
		"Outdated": fault.Outdated, "Transient": fault.Transient}
}

// waysOf says of each code how it reaches an app: as the status of an answer, as
// a verdict, in a row of a list, or from the phone itself.
func waysOf(files []source) map[string]map[string]bool {
	ways := map[string]map[string]bool{}
	rooms := map[string][]source{}
	for _, s := range files {
		if !s.test && !inTools(s.dir) && !under(s.dir, "internal") && !under(s.dir, "cmd") {
			rooms[s.dir] = append(rooms[s.dir], s)
		}
	}
	for dir, in := range rooms {
		statuses := statusesOf(in)
		for _, c := range append(codes(in), spoken(dir, in)...) {
			if ways[c.code] == nil {
				ways[c.code] = map[string]bool{}
			}
			switch {
			case under(dir, "client"):
				ways[c.code]["phone"] = true
			case dir == "report" && len(statuses[c.code]) == 0, strings.HasPrefix(c.at, "domain/registrant"):
				ways[c.code]["row"] = true
			case dir == "domain", dir == "sync/merge", dir == "programme" && len(statuses[c.code]) == 0:
				ways[c.code]["verdict"] = true
			}
			for _, status := range statuses[c.code] {
				if !under(dir, "client") && dir != "domain" {
					ways[c.code][status] = true
				}
			}
		}
	}
	return ways
}

// spoken finds codes that a table of a rule names, and that become a refusal
// further on; and the outcomes of mutations.
func spoken(dir string, files []source) []codeUse {
	if dir != "domain" && dir != "sync/merge" && dir != "programme" {
		return nil
	}
	var found []codeUse
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && message.Known(strings.Trim(lit.Value, `"`)) {
				found = append(found, codeUse{strings.Trim(lit.Value, `"`), s.at(lit)})
			}
			return true
		})
	}
	return found
}

// statusesOf finds the errors of a package whose kind and code stand side by
// side, also where a function is given one of the two.
func statusesOf(files []source) map[string][]string {
	out := map[string][]string{}
	makers, constants := makersOf(files), stringConstants(files)
	status := func(e ast.Expr) string {
		k, ok := kinds()[nameOf(e)]
		if !ok {
			return ""
		}
		return fmt.Sprint(api.StatusOf(k))
	}
	note := func(code, status string) {
		if code != "" && status != "" && !slices.Contains(out[code], status) {
			out[code] = append(out[code], status)
		}
	}
	made := map[string]string{} // maker → status
	each(files, func(f *ast.FuncDecl, n ast.Node) {
		if lit, ok := n.(*ast.CompositeLit); ok && codeField(lit) != nil {
			s := status(member(lit, "Kind"))
			note(literal(codeField(lit), constants), s)
			if _, maker := makers[f.Name.Name]; maker && s != "" {
				made[f.Name.Name] = s
			}
		}
	})
	each(files, func(_ *ast.FuncDecl, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		name := nameOf(call.Fun)
		i, maker := makers[name]
		if !maker || i >= len(call.Args) {
			return
		}
		s := made[name]
		for _, a := range call.Args {
			if given := status(a); given != "" {
				s = given
			}
		}
		note(literal(call.Args[i], constants), s)
	})
	return out
}

// each visits every node inside every function.
func each(files []source, visit func(f *ast.FuncDecl, n ast.Node)) {
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				ast.Inspect(f.Body, func(n ast.Node) bool { visit(f, n); return true })
			}
		}
	}
}

// member is the value of a field of a literal, or nil.
func member(n *ast.CompositeLit, name string) ast.Expr {
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && nameOf(kv.Key) == name {
			return kv.Value
		}
	}
	return nil
}

// literal is the text of an expression, if the sources say it.
func literal(e ast.Expr, constants map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strings.Trim(e.Value, `"`)
	case *ast.Ident:
		return constants[e.Name]
	}
	return ""
}

func printCodes(ways map[string]map[string]bool) string {
	var b strings.Builder
	b.WriteString("# Codes\n\n<!-- Generated by go generate ./internal/arch. Do not edit. -->\n\n" +
		"Every code that an app can meet, with what it says to people. An app acts on the code and shows the sentence; codes never change, " +
		"sentences may. `verdict`: in the verdict of one mutation and in its quarantine record, where the rest of the request is fine. A " +
		"number: the status of an answer that is a problem document. `phone`: the phone says so by itself. `row`: of a row, or a cell, of a list that an admin imports. `{…}` is filled in.\n\n" +
		"| Code | Where | Bahasa Indonesia | English |\n|---|---|---|---|\n")
	for _, code := range message.Codes() {
		where := slices.Sorted(maps.Keys(ways[code]))
		if len(where) == 0 {
			continue // nothing says it yet
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", code, strings.Join(where, ", "), message.Template(code, message.ID), message.Template(code, message.EN))
	}
	return b.String()
}
