package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// patch is one mistake.
//
// Its file begins with lines "key: value": trap (what was once believed to be
// right), breaks (the invariant), test (package, tests as a pattern, then
// arguments), says (a pattern that the output of the failing test must match).
// Then come hunks:
//
//	=== path of a file
//	--- old
//	lines that stand there exactly once
//	+++ new
//	lines that take their place
//	===
type patch struct {
	name   string
	trap   string
	breaks string
	target string   // package whose tests must fail
	tests  string   // pattern of their names
	args   []string // for the test binary
	says   *regexp.Regexp
	hunks  []hunk
}

type hunk struct{ file, old, new string }

// readPatches reads the patches of a folder, by name.
func readPatches(dir string, pattern *regexp.Regexp) ([]*patch, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []*patch
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".patch")
		if !pattern.MatchString(name) {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		p, err := parse(name, string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func parse(name, text string) (*patch, error) {
	p := &patch{name: name}
	head, rest, _ := strings.Cut(text, "=== ")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "":
		case "trap":
			p.trap = value
		case "breaks":
			p.breaks = value
		case "test":
			words := strings.Fields(value)
			if len(words) < 2 {
				return nil, fmt.Errorf("test needs a package and a pattern")
			}
			p.target, p.tests, p.args = words[0], words[1], words[2:]
		case "says":
			re, err := regexp.Compile(value)
			if err != nil {
				return nil, err
			}
			p.says = re
		default:
			return nil, fmt.Errorf("unknown header %q", key)
		}
	}
	if p.trap == "" || p.breaks == "" || p.target == "" || p.says == nil {
		return nil, fmt.Errorf("trap, breaks, test and says are required")
	}
	return p, p.readHunks("=== " + rest)
}

func (p *patch) readHunks(text string) error {
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "=== "), "\n=== ") {
		file, body, ok := strings.Cut(part, "\n--- old\n")
		old, replacement, ok2 := strings.Cut(body, "\n+++ new\n")
		if !ok || !ok2 {
			return fmt.Errorf("a hunk of %q is not whole", strings.TrimSpace(file))
		}
		replacement = strings.TrimSuffix(strings.TrimSuffix(replacement, "\n"), "\n===")
		p.hunks = append(p.hunks, hunk{strings.TrimSpace(file), old, replacement})
	}
	return nil
}

// apply writes the changed files into dir and gives the overlay for the build:
// the path of each source and of what takes its place.
func (p *patch) apply(root, dir string) (map[string]string, error) {
	texts := map[string]string{}
	for _, h := range p.hunks {
		path, err := filepath.Abs(filepath.Join(root, h.file))
		if err != nil {
			return nil, err
		}
		if texts[path] == "" {
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			texts[path] = string(b)
		}
		if n := strings.Count(texts[path], h.old); n != 1 {
			return nil, fmt.Errorf("%s: the old lines stand there %d times:\n%s", h.file, n, h.old)
		}
		texts[path] = strings.Replace(texts[path], h.old, h.new, 1)
	}
	overlay := map[string]string{}
	for path, text := range texts {
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", len(overlay), filepath.Base(path)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return nil, err
		}
		overlay[path] = to
	}
	return overlay, nil
}
