package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// tokens reads the session of a clerk.
func (c *clerk) tokens() (s struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}) {
	c.b.Helper()
	text, err := os.ReadFile(c.file)
	c.b.ok(err)
	c.b.ok(json.Unmarshal(text, &s))
	return s
}

// TestASessionIsRenewedUntilItEnds: by several commands at once, and after an answer that
// got lost, and no longer than its time.
func TestASessionIsRenewedUntilItEnds(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	c := b.hire("+628117000011").login()
	first := c.tokens()
	b.w.Clock.Advance(time.Hour)
	var ended []chan error
	for range 8 {
		ended = append(ended, c.start(t.Context(), strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, "announce", "list"))
	}
	for _, e := range ended {
		if err := b.until(e); err != nil {
			t.Errorf("one of eight at once: %v", err)
		}
	}
	second := c.tokens()
	if second == first {
		t.Error("nothing was renewed")
	}

	b.w.Clock.Advance(time.Hour)
	b.losing("/v1/auth/refresh", func() {
		_, said := c.does(desk.StatusUnknown, nil, "announce", "list")
		wants(t, said, "(server_unreachable)")
	})
	if c.tokens() != second {
		t.Error("tokens were changed without an answer")
	}
	c.does(0, nil, "announce", "list")
	if c.tokens() == second {
		t.Error("nothing was renewed")
	}
	b.w.Clock.Advance(time.Hour)
	c.does(0, nil, "announce", "list")

	b.w.Clock.Advance(13 * time.Hour)
	_, said := c.does(desk.StatusLogin, nil, "announce", "list", "--lang", "en")
	wants(t, said, "(session_expired)", "log in")
	c.login().does(0, nil, "announce", "list")
}

// TestAFreshCodeIsAskedForInTheMiddle of what needs one, and what was asked for is done.
func TestAFreshCodeIsAskedForInTheMiddle(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan()
	c := b.hire("+628117000011").login()
	list := b.text("daftar.csv", three())
	b.w.Clock.Advance(time.Hour) // the access token has aged too
	_, said := c.does(desk.StatusLogin, nil, "import", "--programme", codeOfProgramme, "--yes", list)
	wants(t, said, "(step_up_required)")
	_, said = c.does(desk.StatusLogin, []string{"000000"}, "import", "--programme", codeOfProgramme, "--yes", list)
	wants(t, said, "(code_wrong)")
	if b.files() != 0 {
		t.Error("something was imported without a code")
	}
	c.does(0, []string{c.code()}, "import", "--programme", codeOfProgramme, "--yes", list)
	if n := b.files(); n != 3 {
		t.Errorf("%d files", n)
	}
}

// TestAnswersOfSomebodyElseEndNothing: a portal that says yes to everything, and a proxy
// without a server behind it.
func TestAnswersOfSomebodyElseEndNothing(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	c := b.hire("+628117000011").login()
	kept, err := os.ReadFile(c.file)
	b.ok(err)
	for name, tt := range map[string]struct {
		status int
		kind   string
		code   string
	}{
		"a portal":                 {http.StatusOK, "text/html", "answer_foreign"},
		"a portal that redirects":  {http.StatusFound, "text/html", "answer_foreign"},
		"a proxy":                  {http.StatusBadGateway, "text/html", "server_unreachable"},
		"one that asks for a name": {http.StatusUnauthorized, "text/html", "answer_foreign"},
	} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.kind)
			w.Header().Set("Location", "/login")
			w.WriteHeader(tt.status)
		}))
		b.ok(os.WriteFile(c.file, bytes.ReplaceAll(kept, []byte(b.url), []byte(other.URL)), 0o600))
		_, said := c.does(desk.StatusUnknown, nil, "announce", "list")
		if !strings.Contains(said, "("+tt.code+")") {
			t.Errorf("%s: %s", name, said)
		}
		other.Close()
	}
	b.ok(os.WriteFile(c.file, kept, 0o600))
	c.does(0, nil, "announce", "list")
}
