package arch_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/message"
)

// TestEveryCodeHasItsSentence looks at the codes of errors and refusals in
// three forms: the field Code of a literal, a constant in that place, and an
// argument of a function that hands it on to one.
func TestEveryCodeHasItsSentence(t *testing.T) {
	rooms := map[string][]source{}
	for _, s := range read(t).files {
		if !s.test && !inTools(s.dir) {
			rooms[s.dir] = append(rooms[s.dir], s)
		}
	}
	seen := 0
	for _, files := range rooms {
		for _, c := range codes(files) {
			seen++
			if !message.Known(c.code) {
				t.Errorf("%s: code %q has no sentence in package message", c.at, c.code)
			}
		}
	}
	if seen < 20 {
		t.Errorf("found only %d codes: the test looks at the wrong place", seen)
	}
}

type codeUse struct{ code, at string }

// codes finds the codes of one package.
func codes(files []source) []codeUse {
	var found []codeUse
	constants, makers := stringConstants(files), makersOf(files)
	add := func(s source, e ast.Expr) {
		switch e := e.(type) {
		case *ast.BasicLit:
			if code, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING && code != "" {
				found = append(found, codeUse{code, s.at(e)})
			}
		case *ast.Ident:
			if code := constants[e.Name]; code != "" {
				found = append(found, codeUse{code, s.at(e)})
			}
		}
	}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if e := codeField(n); e != nil {
					add(s, e)
				}
			case *ast.CallExpr:
				if i, ok := makers[nameOf(n.Fun)]; ok && i < len(n.Args) {
					add(s, n.Args[i])
				}
			}
			return true
		})
	}
	return found
}

// codeField is the value of the field Code, if n is an error or a refusal.
func codeField(n *ast.CompositeLit) ast.Expr {
	if !slices.Contains([]string{"Error", "Reject", "Refusal", "Verdict", "Problem", "RowError", "Cell"}, nameOf(n.Type)) {
		return nil
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && nameOf(kv.Key) == "Code" {
			return kv.Value
		}
	}
	return nil
}

// makersOf finds the functions that put one of their parameters into a code,
// also by way of another such function, with the index of that parameter.
func makersOf(files []source) map[string]int {
	makers := map[string]int{}
	for grown := true; grown; {
		grown = false
		for _, s := range files {
			for _, d := range s.file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || f.Body == nil {
					continue
				}
				if _, known := makers[f.Name.Name]; known {
					continue
				}
				if i := handsOn(f, makers); i >= 0 {
					makers[f.Name.Name], grown = i, true
				}
			}
		}
	}
	return makers
}

// handsOn is the index of the parameter of f that becomes a code, or -1.
func handsOn(f *ast.FuncDecl, makers map[string]int) int {
	index := map[string]int{}
	n := 0
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			if nameOf(field.Type) == "string" {
				index[name.Name] = n
			}
			n++
		}
		n += max(0, 1-len(field.Names))
	}
	result := -1
	note := func(e ast.Expr) {
		if i, ok := index[nameOf(e)]; ok {
			if _, plain := e.(*ast.Ident); plain {
				result = i
			}
		}
	}
	ast.Inspect(f.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CompositeLit:
			if e := codeField(node); e != nil {
				note(e)
			}
		case *ast.CallExpr:
			if i, ok := makers[nameOf(node.Fun)]; ok && i < len(node.Args) {
				note(node.Args[i])
			}
		}
		return true
	})
	return result
}

// stringConstants maps the string constants of a package to their values.
func stringConstants(files []source) map[string]string {
	values := map[string]string{}
	for _, s := range files {
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, name := range v.Names {
					if i < len(v.Values) {
						if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							values[name.Name], _ = strconv.Unquote(lit.Value)
						}
					}
				}
			}
		}
	}
	return values
}

// nameOf is the last name of an expression: Error for *fault.Error.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return nameOf(e.X)
	case *ast.IndexExpr:
		return nameOf(e.X)
	}
	return ""
}
