package arch_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryDependencyIsExplained(t *testing.T) {
	paper := text(t, "../../docs/dependencies.md")
	for _, line := range strings.Split(text(t, "../../go.mod"), "\n") {
		m := regexp.MustCompile(`^(?:require )?\s*([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`).FindStringSubmatch(line)
		if m != nil && !strings.Contains(paper, "`"+m[1]+"`") {
			t.Errorf("docs/dependencies.md does not explain %s", m[1])
		}
	}
}

func TestEveryWordOfTheMakefileIsExplained(t *testing.T) {
	makefile := text(t, "../../Makefile")
	for _, word := range []string{"run", "test", "check", "sim", "mutants", "bench", "fuzz", "gen", "lint", "help"} {
		if !regexp.MustCompile(`(?m)^` + word + `:.*## \S`).MatchString(makefile) {
			t.Errorf("the Makefile lacks %q, or a word about it", word)
		}
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
