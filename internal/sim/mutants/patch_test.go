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
