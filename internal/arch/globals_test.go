package arch_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

func TestNoPackageVariableIsWritten(t *testing.T) {
	rooms := map[string][]source{}
	for _, s := range read(t).files {
		if !s.test {
			rooms[s.dir] = append(rooms[s.dir], s)
		}
	}
	for _, files := range rooms {
		for _, at := range writtenGlobals(files) {
			t.Errorf("%s: a package variable is written; give the value to who needs it", at)
		}
	}
}

func TestWrittenGlobalsAreFound(t *testing.T) {
	const text = `package p
import "example.org/unknown"
var table = map[string]int{"a": 1}
var count int
var state struct{ n int }
func f(count int) { count = 2; table := map[string]int{}; table["x"] = 1; unknown.F() }
func g() { count++ }
func h() { table["b"] = 2 }
func i() { state.n = 3; _ = table["a"] }
`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	got := writtenGlobals([]source{{path: "p.go", file: file, set: set}})
	if want := []string{"p.go:7", "p.go:8", "p.go:9"}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("found %q, want %q", got, want)
	}
}

// nothing imports nothing: the names of one package are enough.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }

// writtenGlobals names the places where a package assigns to a variable of its
// own, or to a part of one.
func writtenGlobals(files []source) []string {
	var parsed []*ast.File
	for _, s := range files {
		parsed = append(parsed, s.file)
	}
	names := types.Info{Uses: map[*ast.Ident]types.Object{}}
	c := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := c.Check("p", files[0].set, parsed, &names)
	var found []string
	for _, s := range files {
		note := func(e ast.Expr) {
			if id := root(e); id != nil {
				if v, ok := names.Uses[id].(*types.Var); ok && v.Parent() == pkg.Scope() {
					found = append(found, s.at(e))
				}
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					note(e)
				}
			case *ast.IncDecStmt:
				note(n.X)
			}
			return true
		})
	}
	return found
}

// root is the variable that e is or is a part of.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return nil
}
