package arch_test

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/domain"
)

// TestCoverageNamesWhatIsThere holds every name in docs/coverage.md against the
// code, and wants every row to say where a thing is, or when it comes, or why not.
func TestCoverageNamesWhatIsThere(t *testing.T) {
	page := text(t, "../../docs/coverage.md")
	tests, paths := map[string]bool{}, map[string]bool{}
	for _, s := range read(t).files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	}
	for _, o := range (&api.Server{}).Operations() {
		paths[o.Method+" "+o.Path] = true
	}
	for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page, -1) {
		if problem := misnamed(name[1], tests, paths); problem != "" {
			t.Error(problem)
		}
	}
	later := regexp.MustCompile(`later, (part [0-9]|reports|exhibitions|champions|files|rights)\b`)
	rows := 0
	for line := range strings.SplitSeq(page, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), "|")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| | ") || strings.HasPrefix(line, "| Named") {
			continue
		}
		rows++
		if last := cells[len(cells)-1]; !strings.Contains(last, "`Test") && !later.MatchString(last) && !strings.Contains(last, "outside, because") {
			t.Errorf("says neither where, nor when, nor why not: %s", line)
		}
	}
	for n := 1; n <= 28; n++ {
		if !strings.Contains(page, fmt.Sprintf("\n| E%02d |", n)) {
			t.Errorf("E%02d is missing", n)
		}
	}
	if rows < 28+12+11+25+7 {
		t.Errorf("only %d rows", rows)
	}
}

// misnamed says what is wrong with a name of the page, or "".
func misnamed(name string, tests, paths map[string]bool) string {
	method, path, _ := strings.Cut(name, " ")
	switch {
	case strings.HasPrefix(name, "Test") && !tests[name]:
		return "no test " + name
	case strings.HasPrefix(path, "/v1/") && !paths[method+" "+path]:
		return "no operation " + name
	case regexp.MustCompile(`^[a-z_]+$`).MatchString(name) && name != "client" && name != "schema":
		if _, ok := domain.MustCatalogue().Collection(name); !ok {
			return "no collection " + name
		}
	}
	return ""
}
