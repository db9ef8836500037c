package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const small = "trap: two\nbreaks: I2 once\ntest: ./x TestX -seeds 3\nsays: seed\n=== a.go\n--- old\none\n+++ new\ntwo\n===\n=== a.go\n--- old\nthree\n+++ new\n\n===\n"

func TestAPatchIsLaidOver(t *testing.T) {
	p, err := parse("01", small)
	if err != nil {
		t.Fatal(err)
	}
	root, dir := t.TempDir(), t.TempDir()
	source := filepath.Join(root, "a.go")
	if err := os.WriteFile(source, []byte("zero\none\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := p.apply(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(overlay[source]); err != nil || string(b) != "zero\ntwo\n\n" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := os.ReadFile(source); err != nil || !strings.Contains(string(b), "one") {
		t.Errorf("the source itself is %q, %v", b, err)
	}
	if err := os.WriteFile(source, []byte("one\none\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.apply(root, dir); err == nil {
		t.Error("a patch applies in two places")
	}
}

func TestHalfAPatchIsRefused(t *testing.T) {
	for _, cut := range []string{"trap: two\n", "breaks: I2 once\n", "test: ./x TestX -seeds 3\n", "says: seed\n", "--- old\n", "+++ new\n"} {
		if _, err := parse("01", strings.Replace(small, cut, "", 1)); err == nil {
			t.Errorf("a patch without %q reads", cut)
		}
	}
}

// TestEveryPatchApplies: whoever changes a line that a patch stands on hears of
// it with the next test, not with the next nightly run.
func TestEveryPatchApplies(t *testing.T) {
	patches, err := readPatches("patches", regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		if _, err := p.apply("../../..", t.TempDir()); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// TestTheTableListsEveryPatch holds docs/testing.md against the folder.
func TestTheTableListsEveryPatch(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	patches, err := readPatches("patches", regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches {
		if !strings.Contains(string(doc), "| "+p.name+" | "+p.trap+" | "+p.breaks+" |") {
			t.Errorf("docs/testing.md does not list %s as its header does", p.name)
		}
	}
}

// TestTheTableIsWritten: rows of patches that ran are new, others stay, and those
// of patches that are gone go.
func TestTheTableIsWritten(t *testing.T) {
	one, two := &patch{name: "01", trap: "a", breaks: "I1", target: "./x"}, &patch{name: "02", trap: "b", breaks: "I2", target: "./y"}
	doc := "text\n" + begins + head + "| 00 | gone | I1 | x | — |\n| 01 | a | I1 | `x`: `Old` | — |\n" + ends + "more\n"
	ran := []report{{patch: two, caught: "TestY/part", seed: "7 (I2 once)"}}
	want := "text\n" + begins + head + "| 01 | a | I1 | `x`: `Old` | — |\n| 02 | b | I2 | `y`: `TestY/part` | 7 (I2 once) |\n" + ends + "more\n"
	if got, err := retable(doc, []*patch{one, two}, ran); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := retable(doc, []*patch{one, two}, nil); err == nil {
		t.Error("a patch that never ran has a row")
	}
	if _, err := retable("text\n", []*patch{one}, nil); err == nil {
		t.Error("a table in a document without one")
	}
}

// TestAMutantIsJudged: by the innermost test that failed, the seed and the promise.
func TestAMutantIsJudged(t *testing.T) {
	for _, tt := range []struct{ output, caught, seed, problem string }{
		{"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/one (0.00s)\n a.go:1: two apples\n    --- FAIL: TestA/two (0.00s)\n", "TestA/one", "", ""},
		{"--- FAIL: TestA (0.00s)\n sim: seed 7: I2 once broken: two apples\n", "TestA", "7 (I2 once)", ""},
		{"--- FAIL: TestA (0.00s)\n sim: seed 7: I3 no-loss broken: two apples\n", "TestA", "7 (I3 no-loss)", "the seed finds I3 no-loss broken, the patch says I2 once"},
		{"--- FAIL: TestA (0.00s)\n pears\n", "TestA", "", "the test fails for another reason than /two apples/"},
	} {
		r := report{patch: &patch{breaks: "I2 once", says: regexp.MustCompile("two apples")}, output: tt.output}
		r.judge(os.ErrInvalid)
		if r.caught != tt.caught || r.seed != tt.seed || r.problem != tt.problem {
			t.Errorf("%q: %q, %q, %q", tt.output, r.caught, r.seed, r.problem)
		}
	}
}
