package model_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/sim/model"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// depth is how many edits a history has. Three take a minute; four, which the
// full check runs, take many. Everyday tests run three with fewer moves in the
// largest games.
var depth = flag.Int("depth", 0, "most edits in a history; 0: 3, and fewer moves in the largest games")

// TestMain lets garbage lie longer: a history is much of it, and keeps nothing.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// TestEveryHistory ends with the table of docs/testing.md, if it is asked to be
// verbose.
func TestEveryHistory(t *testing.T) {
	games, err := model.Games(domain.MustCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	rows, most := make([]row, len(games)), *depth
	if most == 0 {
		most = 3
		for i := range games {
			games[i] = games[i].Quick()
		}
	}
	t.Cleanup(func() {
		if testing.Verbose() {
			table(os.Stdout, rows, most)
		}
	})
	for i, g := range games {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			r := row{name: g.Name}
			for n := 1; n <= most; n++ {
				got, err := model.Run(g, n)
				if err != nil {
					t.Fatal(err)
				}
				r.upTo = append(r.upTo, got)
				if n > 1 {
					r.upTo[n-1] = got.Add(r.upTo[n-2])
				}
			}
			rows[i] = r
		})
	}
}

// row is one line of the table: what a game came to, by the most edits that its
// histories have, from one on.
type row struct {
	name string
	upTo []model.Result
}

// table writes the games that were run, in Markdown: up to three edits, and up to
// as many as were asked for.
func table(w io.Writer, rows []row, most int) {
	columns := []int{min(3, most)}
	if most > 3 {
		columns = append(columns, most)
	}
	head, rule := "| Game |", "|---|"
	for _, n := range columns {
		head += fmt.Sprintf(" histories ≤ %d edits | groups |", n)
		rule += "---|---|"
	}
	fmt.Fprintf(w, "\n%s\n%s\n", head, rule)
	all, games := row{upTo: make([]model.Result, most)}, 0
	for _, r := range rows {
		if r.name == "" {
			continue // not run, or it failed
		}
		games++
		for n := range r.upTo {
			all.upTo[n] = all.upTo[n].Add(r.upTo[n])
		}
		line(w, r, columns)
	}
	all.name = fmt.Sprintf("**all %d games**", games)
	line(w, all, columns)
}

func line(w io.Writer, r row, columns []int) {
	fmt.Fprintf(w, "| %s |", r.name)
	for _, n := range columns {
		fmt.Fprintf(w, " %s | %s |", thousands(r.upTo[n-1].Histories), thousands(r.upTo[n-1].Groups))
	}
	fmt.Fprintln(w)
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// TestEveryOperationIsPlayed: whatever the catalogue lets people do to a task, a
// case, a sales entry or a visit, some game does, also among the few moves of
// everyday tests.
func TestEveryOperationIsPlayed(t *testing.T) {
	catalogue := domain.MustCatalogue()
	games, err := model.Games(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	played := map[string]bool{}
	for _, g := range games {
		for _, m := range g.Quick().Moves {
			if g.Schema == catalogue {
				made := m.Make(&model.Screen{})
				played[made.Collection+" "+merge.AsString(made.Set["op"])+merge.AsString(made.Set["kind"])] = true
			}
		}
	}
	for collection, field := range map[string]string{"task_event": "op", "case_event": "op", "sale_adjustment": "kind", "visit_event": "op"} {
		c, _ := catalogue.Collection(collection)
		f, _ := c.Field(field)
		for _, op := range f.Type.Enum {
			if !played[collection+" "+op] {
				t.Errorf("no game plays %s %s", collection, op)
			}
		}
	}
}

// TestNothingIsLostByRunningLess: commits that come as late as they can lead to
// the same groups as commits at any time.
func TestNothingIsLostByRunningLess(t *testing.T) {
	games, err := model.Games(domain.MustCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range games {
		if g.Name != "latest" && g.Name != "delete keep" {
			continue
		}
		less, err := model.Run(g, 3)
		if err != nil {
			t.Fatal(err)
		}
		g.Timed = true
		more, err := model.Run(g, 3)
		if err != nil {
			t.Fatal(err)
		}
		if less.Groups != more.Groups || less.Histories >= more.Histories {
			t.Errorf("%s: %+v, with every commit everywhere %+v", g.Name, less, more)
		}
	}
}
