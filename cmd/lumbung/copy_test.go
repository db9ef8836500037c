package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
)

// TestMovingByHand takes the words of an operator: copy, copy again, finish, change
// one's mind too late, and go on with the new store.
func TestMovingByHand(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "old.db"), filepath.Join(dir, "new", "new.db")
	if _, _, err := lumbung(t, from, "user", "add", "--phone", "0811-7000-001", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		word, says, code string
	}{
		{"--finish", "", "copy_not_begun"},
		{"", "--finish puts an end to it", ""},
		{"", " 0 written, 0 dropped in 1 passes", ""},
		{"--cancel", "the source may be used again", ""},
		{"--finish", "the target may be used, the source is retired", ""},
		{"--cancel", "", "copy_not_begun"},
		{"", "", "copy_target_in_use"},
	}
	for n, s := range steps {
		args := []string{"copy", "--from", from, "--to", to}
		if s.word != "" {
			args = append(args, s.word)
		}
		out, _, err := lumbung(t, "", args...)
		if (err == nil) != (s.code == "") || err != nil && fault.CodeOf(err) != s.code || !strings.Contains(out, s.says) {
			t.Errorf("step %d %s: %q, %v", n, s.word, out, err)
		}
	}
	if out, _, err := lumbung(t, to, "user", "list"); err != nil || !strings.Contains(out, "mentor") {
		t.Errorf("%q %v", out, err)
	}
	if _, _, err := lumbung(t, from, "user", "list"); fault.CodeOf(err) != "database_retired" {
		t.Errorf("the old one is still used: %v", err)
	}
	for _, bad := range [][]string{{"copy"}, {"copy", "--from", from}, {"copy", "--from", from, "--to", from}, {"copy", "--from", from, "--to", to, "--finish", "--cancel"}, {"copy", "--from", from, "--to", to, "now"}} {
		if _, _, err := lumbung(t, "", bad...); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := lumbung(t, "", "copy", "--from", filepath.Join(dir, "none.db"), "--to", to); fault.CodeOf(err) != "database_missing" {
		t.Errorf("no source: %v", err)
	}
}
