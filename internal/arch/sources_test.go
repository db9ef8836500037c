package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lumbung-ikm/lumbung"

// source is one Go file of the house.
type source struct {
	path string // from the root of the module, with slashes
	dir  string // "." for the root
	test bool
	file *ast.File
	set  *token.FileSet
}

// at names a place in s.
func (s source) at(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// imports lists what s imports.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// house is every Go file and every folder of the module.
type house struct {
	files   []source
	folders []string
}

// read parses the module two floors up. Nested modules and test data are no
// part of it. A file that does not parse fails the test.
func read(t *testing.T) house {
	t.Helper()
	var h house
	set := token.NewFileSet()
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := os.ReadDir(filepath.Join("../..", dir))
		if err != nil {
			t.Fatal(err)
		}
		if dir != "." && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "go.mod" }) {
			return
		}
		h.folders = append(h.folders, dir)
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "testdata":
				walk(name)
			case e.Type().IsRegular() && strings.HasSuffix(name, ".go") && !strings.HasPrefix(e.Name(), "."):
				content, err := os.ReadFile(filepath.Join("../..", name))
				if err != nil {
					t.Fatal(err)
				}
				file, err := parser.ParseFile(set, name, content, parser.ParseComments|parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				h.files = append(h.files, source{path: name, dir: dir, test: strings.HasSuffix(name, "_test.go"), file: file, set: set})
			}
		}
	}
	walk(".")
	if len(h.files) < 10 {
		t.Fatalf("found only %d Go files: the tests look at the wrong place", len(h.files))
	}
	return h
}

// under reports whether dir is root or lies below it.
func under(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

// local is the folder of an import of the house, "" for all others.
func local(imported string) string {
	if imported == module {
		return "."
	}
	dir, ok := strings.CutPrefix(imported, module+"/")
	if !ok {
		return ""
	}
	return dir
}
