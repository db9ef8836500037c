package arch_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestFailpointsAreOutsideTheProgram: what makes a process kill itself is linked into
// a program that was built for that, and into no other.
func TestFailpointsAreOutsideTheProgram(t *testing.T) {
	for tags, want := range map[string]bool{"": false, "failpoints": true} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags="+tags, "../../cmd/lumbung").Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		found := false
		for line := range strings.Lines(string(out)) {
			found = found || local(strings.TrimSpace(line)) == "store/failpoint"
		}
		if found != want {
			t.Errorf("with the tags %q the program holds failpoints: %t", tags, found)
		}
	}
}
