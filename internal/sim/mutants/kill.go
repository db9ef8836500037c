package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// report is what became of one mutant.
type report struct {
	patch   *patch
	caught  string // the test, the first that failed
	seed    string // and the promise that it names; "" if no seed found it
	problem string // why it does not count as caught; "" if it does
	output  string
	took    time.Duration
}

func (r report) line() string {
	if r.problem != "" {
		return fmt.Sprintf("SURVIVES %s: %s (%s)", r.patch.name, r.problem, r.took.Round(time.Second))
	}
	by := r.caught
	if r.seed != "" {
		by += ", seed " + r.seed
	}
	return fmt.Sprintf("caught   %s by %s (%s)", r.patch.name, by, r.took.Round(time.Second))
}

var promise = regexp.MustCompile(`^I\d+ `)

// timeLimit bounds one mutant: some make a test run in circles, which counts as
// caught only if the patch says so.
const timeLimit = 4 * time.Minute

// kill builds the mutant and runs the tests that must catch it.
func kill(ctx context.Context, root string, p *patch) report {
	began := clock.System{}.Now()
	r := report{patch: p}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		r.problem = err.Error()
		return r
	}
	defer os.RemoveAll(dir)
	overlay, err := p.apply(root, dir)
	if err != nil {
		r.problem = "the patch does not apply: " + err.Error()
		return r
	}
	b, err := json.Marshal(map[string]any{"Replace": overlay})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), b, 0o600)
	}
	if err != nil {
		r.problem = err.Error()
		return r
	}
	ctx, stop := context.WithTimeout(ctx, timeLimit)
	defer stop()
	args := append([]string{"test", "-overlay", filepath.Join(dir, "overlay.json"), "-vet=off", "-count=1", "-timeout", "3m", "-run", p.tests, p.target, "-args"}, p.args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	out, failed := cmd.CombinedOutput()
	r.output, r.took = string(out), clock.System{}.Now().Sub(began)
	r.judge(failed)
	return r
}

// judge asks whether the tests failed, and for the reason that was expected.
func (r *report) judge(failed error) {
	said := r.patch.says.FindString(r.output)
	switch {
	case strings.Contains(r.output, "[build failed]") || strings.Contains(r.output, "[setup failed]"):
		r.problem = "it does not build"
	case strings.Contains(r.output, "no tests to run"):
		r.problem = "no such test: " + r.patch.tests
	case failed == nil:
		r.problem = "every test passes"
	case said == "":
		r.problem = "the test fails for another reason than /" + r.patch.says.String() + "/"
	}
	for _, m := range regexp.MustCompile(`--- FAIL: (\S+)`).FindAllStringSubmatch(r.output, -1) {
		if r.caught == "" || strings.HasPrefix(m[1], r.caught+"/") { // of tests in tests the innermost
			r.caught = m[1]
		}
	}
	if m := regexp.MustCompile(`seed (\d+): (I\d+ [a-z-]+ broken|[a-z_]+: [^\n]*)`).FindStringSubmatch(r.output); m != nil {
		m[2] = strings.TrimSuffix(m[2], " broken")
		r.seed = m[1] + " (" + m[2] + ")"
		if promise.MatchString(m[2]) && !strings.Contains(r.patch.breaks, m[2]) && r.problem == "" {
			r.problem = "the seed finds " + m[2] + " broken, the patch says " + r.patch.breaks
		}
	}
}
