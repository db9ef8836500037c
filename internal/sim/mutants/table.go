package main

import (
	"fmt"
	"os"
	"strings"
)

// The table of docs/testing.md stands between these lines and is written by this
// program alone.
const (
	begins = "<!-- written by go run ./internal/sim/mutants -write -->\n"
	ends   = "<!-- end of the mutants -->\n"
	head   = "| Patch | Trap | Breaks | Caught by | Seed |\n|---|---|---|---|---|\n"
)

// row is a line of the table.
func (r report) row() string {
	caught, seed := fmt.Sprintf("`%s`: `%s`", strings.TrimPrefix(r.patch.target, "./"), r.caught), r.seed
	if r.problem != "" {
		caught = "NOT CAUGHT: " + r.problem
	}
	if seed == "" {
		seed = "—"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", r.patch.name, r.patch.trap, r.patch.breaks, caught, seed)
}

// writeTable puts what was just seen into the document. Patches that did not run
// keep their rows.
func writeTable(path string, all []*patch, reports []report) error {
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := retable(string(doc), all, reports)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func retable(doc string, all []*patch, reports []report) (string, error) {
	before, rest, ok := strings.Cut(doc, begins)
	old, after, ok2 := strings.Cut(rest, ends)
	if !ok || !ok2 {
		return "", fmt.Errorf("the lines that mark the table are missing")
	}
	rows := map[string]string{}
	for line := range strings.Lines(old) {
		if cells := strings.SplitN(line, " | ", 2); len(cells) == 2 {
			rows[strings.TrimPrefix(cells[0], "| ")] = line
		}
	}
	for _, r := range reports {
		rows[r.patch.name] = r.row() + "\n"
	}
	table := head
	for _, p := range all {
		if rows[p.name] == "" {
			return "", fmt.Errorf("%s has no row yet: run it", p.name)
		}
		table += rows[p.name]
	}
	return before + begins + table + ends + after, nil
}
