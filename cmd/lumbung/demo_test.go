package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
)

// page collects what a command writes and says when it holds a text.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	seen chan struct{}
}

// Write implements io.Writer.
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	had := strings.Contains(p.text.String(), p.want)
	p.text.Write(b)
	if !had && strings.Contains(p.text.String(), p.want) {
		close(p.seen)
	}
	return len(b), nil
}

// String is everything so far.
func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestDemoOfACampaign(t *testing.T) {
	out, _, err := lumbung(t, "", "demo", "campaign", "--exit", "--seed", "7")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"478 → 212 → 96 → 30 + 10 reserve + 56; 30 businesses in 31 memberships, 720 tasks", "61 of them without a network", "478 of 478 hear", "The same list again: 0 new, 478 unchanged", "died behind number 200",
		"2 never; of 19 owners 12 read it with a network and 5 without", "Reminded to read it on 30 May at 17:00: 2, those who had not",
		"Pushes: 454 of 455 phones showed the results within two minutes, 1 when it had a network, 23 people were written to"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	if strings.Contains(out, "%!") {
		t.Error("a broken format")
	}
}

func TestDemoEndsWhenAsked(t *testing.T) {
	out, _, err := lumbung(t, "", "demo", "--exit", "--seed", "7")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Rp1.520.000", "late hand-over", "Equal on all 5 phones and the server", "Six orders, one result"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q", want)
		}
	}
	if strings.ContainsRune(out, '\x1b') || strings.Contains(out, "%!") {
		t.Error("colours without a terminal, or a broken format")
	}
	if _, _, err := lumbung(t, "", "demo", "now"); !errors.As(err, new(usageError)) {
		t.Errorf("an argument that is not understood: %v", err)
	}
}

// tool finds a program that a test runs. Without it the test is left out, but
// not in CI, where nobody would notice.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("CI has no %s: %v", name, err)
	}
	if err != nil {
		t.Skipf("no %s here", name)
	}
	return path
}

// TestTheDemoServesWhatItPrints pastes its commands into a shell.
func TestTheDemoServesWhatItPrints(t *testing.T) {
	shell := tool(t, "sh")
	tool(t, "curl")
	ctx, stop := context.WithCancel(t.Context())
	out := &page{want: "docs/protocol.md.", seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--listen", "127.0.0.1:0"}, func(string) string { return "" }, strings.NewReader(""), out, &bytes.Buffer{})
	}()
	select {
	case <-out.seen:
	case err := <-ended:
		t.Fatalf("the demo ended: %v\n%s", err, out)
	}
	text := out.String()
	script := text[strings.Index(text, "C=$(curl"):]
	script = script[:strings.Index(script, "; echo\n\n")+len("; echo")]
	answer, err := exec.CommandContext(t.Context(), shell, "-c", script).CombinedOutput()
	if err != nil || !strings.Contains(string(answer), `"name":"Rafins Snack"`) || !strings.Contains(string(answer), `"cursor":`) || !strings.Contains(string(answer), `"effective_amount_idr":1520000`) {
		t.Errorf("%v\n%s\nanswered\n%.3000s", err, script, answer)
	}
	enterAsAdmin(t, text)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("a clean stop is %v", err)
	}
}

// enterAsAdmin logs the admin of the demo in with what it prints.
func enterAsAdmin(t *testing.T, text string) {
	t.Helper()
	found := regexp.MustCompile(`(?s)same data at (http://\S+) until.*with the password "([^"]+)".*with the secret (\S+) `).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("the demo does not say how an admin logs in:\n%s", text)
	}
	code, err := auth.FactorCode(found[3], time.Now().Add(30*time.Second)) // the present one was used to set it up
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"phone":"+628117000006","password":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-00000000c042"}}`, found[2], code)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, found[1]+"/v1/auth/password", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the admin of the demo is answered %s", resp.Status)
	}
}
