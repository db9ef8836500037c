package arch_test

import (
	"go/ast"
	"strings"
	"testing"
)

func TestNothingRunsBeforeMain(t *testing.T) {
	for _, s := range read(t).files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init runs before anybody asked for it", s.at(f))
			}
		}
	}
}

func TestOnlyTheClockAsksForTheTime(t *testing.T) {
	for _, s := range read(t).files {
		if s.test || s.dir == "clock" {
			continue
		}
		for _, name := range []string{"Now", "Since", "Until"} {
			for _, n := range uses(s, "time", name) {
				t.Errorf("%s: time.%s outside package clock", s.at(n), name)
			}
		}
	}
}

func TestNobodySleeps(t *testing.T) {
	for _, s := range read(t).files {
		for _, n := range uses(s, "time", "Sleep") {
			t.Errorf("%s: time.Sleep; wait for the thing itself", s.at(n))
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, s := range read(t).files {
		if s.test {
			continue
		}
		text := ""
		if s.file.Doc != nil {
			text = s.file.Doc.Text()
		}
		begins := strings.HasPrefix(text, "Package ") || strings.HasPrefix(text, "Command ") || s.file.Name.Name == "main" && text != ""
		said[s.dir] = said[s.dir] || begins
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

// uses finds every mention of the name of an imported standard package.
func uses(s source, pkg, name string) []ast.Node {
	alias := ""
	for _, i := range s.file.Imports {
		if i.Path.Value == `"`+pkg+`"` {
			alias = pkg
			if i.Name != nil {
				alias = i.Name.Name
			}
		}
	}
	if alias == "" {
		return nil
	}
	var found []ast.Node
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == name {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == alias {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}
