package arch_test

import (
	"cmp"
	"go/scanner"
	"go/token"
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

// TestTheCodeOfContributingStands: each piece of Go that CONTRIBUTING.md shows stands in the file that
// the comment above it names, but for spaces and comments.
func TestTheCodeOfContributingStands(t *testing.T) {
	page, shown := text(t, "../../CONTRIBUTING.md"), 0
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(page, -1) {
		named := regexp.MustCompile(`(?m)^// ([a-z_/]+\.go)`).FindAllStringSubmatchIndex(block[1], -1)
		for i, at := range named {
			end := len(block[1])
			if i+1 < len(named) {
				end = named[i+1][0]
			}
			path, piece := block[1][at[2]:at[3]], tokens(block[1][at[0]:end])
			if shown++; piece == "" || !strings.Contains(tokens(text(t, "../../"+path)), piece) {
				t.Errorf("%s does not say%s", path, block[1][at[1]:end])
			}
		}
	}
	if shown < 5 {
		t.Errorf("%d pieces", shown)
	}
}

// tokens are those of Go code, or of a part of some, with a space around each.
func tokens(code string) string {
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", set.Base(), len(code)), []byte(code), nil, 0)
	var out strings.Builder
	for {
		_, tok, lit := s.Scan()
		switch {
		case tok == token.EOF:
			return out.String()
		case tok == token.SEMICOLON && lit == "\n": // where a line ends is of no account
		default:
			out.WriteString(" " + cmp.Or(lit, tok.String()) + " ")
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
