package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// office is a server on this machine, admins who work at it from a command line, and a
// network in front of it that swallows answers.
type office struct {
	*testing.T
	w     *play.World
	ratna *play.Phone // sets up what the command line does not
	url   string      // of the network
	cut   atomic.Value
}

// codeOfProgramme is the programme of these tests.
const codeOfProgramme = "lagawi-fest-2022"

// openOffice starts the server when the registration opens.
func openOffice(t *testing.T, o play.Options) *office {
	t.Helper()
	o.Path = play.Database(t.TempDir())
	w, err := play.Open(t.Context(), play.LagawiStart(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the context of the test is over by then
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b := &office{T: t, w: w}
	b.cut.Store("")
	b.network()
	b.ratna, err = w.Enter(t.Context(), w.Person("Bu Ratna"), "desk of Bu Ratna")
	b.ok(err)
	return b
}

func (b *office) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// network brings every request to the server. Answers to those whose path ends in what b.cut
// says get lost, if the server has done what they wanted.
func (b *office) network() {
	to, err := url.Parse(b.w.URL)
	b.ok(err)
	pipe := &http.Transport{}
	on := httptest.NewServer(&httputil.ReverseProxy{Transport: pipe, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			if path := b.cut.Load().(string); path != "" && r.StatusCode < http.StatusBadRequest && strings.HasSuffix(r.Request.URL.Path, path) {
				_, err := io.Copy(io.Discard, r.Body)
				return errors.Join(errLost, err)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }})
	b.url = on.URL
	b.Cleanup(func() { on.Close(); pipe.CloseIdleConnections() })
}

// losing does something while answers of a path get lost, however often they are asked for.
func (b *office) losing(path string, do func()) {
	b.cut.Store(path)
	defer b.cut.Store("")
	do()
}

var errLost = errors.New("the answer gets lost")

// clerk is an admin at a command line.
type clerk struct {
	b      *office
	phone  string
	user   string
	secret string
	file   string // of the session
}

// hire makes an admin, who is not logged in yet.
func (b *office) hire(phone string) *clerk {
	b.Helper()
	u, err := b.w.App.Auth.CreateUser(b.Context(), phone, []string{auth.RoleAdmin})
	b.ok(err)
	return b.equip(phone, u.ID)
}

// hireRegional makes an admin of a province.
func (b *office) hireRegional(phone, province string) *clerk {
	b.Helper()
	u, err := b.w.App.Auth.CreateUser(b.Context(), phone, nil)
	b.ok(err)
	_, err = b.w.App.Auth.ChangeRights(b.Context(), u.ID, auth.RightsChange{Op: auth.RightsRoles, Roles: []string{auth.RoleRegional}, Regions: []string{province}})
	b.ok(err)
	return b.equip(phone, u.ID)
}

// equip gives somebody a password, a second factor and a place to work at.
func (b *office) equip(phone, user string) *clerk {
	b.Helper()
	secret, err := play.Equip(b.Context(), b.w.App.Auth, user, b.w.Clock.Now())
	b.ok(err)
	return &clerk{b, phone, user, secret, filepath.Join(b.TempDir(), "lumbung", "admin.json")}
}

// code is the next code of the authenticator app.
func (c *clerk) code() string {
	c.b.Helper()
	code, err := auth.FactorCode(c.secret, c.b.w.Clock.Advance(30*time.Second))
	c.b.ok(err)
	return code
}

// login logs the clerk in.
func (c *clerk) login() *clerk {
	c.b.Helper()
	c.does(0, []string{play.Password, c.code()}, "login", "--server", c.b.url, "--phone", c.phone)
	return c
}

// does runs an action that ends with a status, with these lines as input, while the server
// does its work. It gives what is printed and what is said of a failure.
func (c *clerk) does(status int, lines []string, args ...string) (out, said string) {
	c.b.Helper()
	var page, log bytes.Buffer
	ended := c.start(c.b.Context(), strings.NewReader(strings.Join(lines, "\n")), &page, &log, args...)
	err := c.b.until(ended)
	if err != nil {
		said = err.Error()
	}
	if got := exitStatus(err); got != status {
		c.b.Fatalf("%q ends with %d, not %d: %v\n%s%s", args, got, status, err, &page, &log)
	}
	return page.String(), said
}

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	return statusOf(err)
}

// start runs an action in the background.
func (c *clerk) start(ctx context.Context, in io.Reader, out, log io.Writer, args ...string) chan error {
	ended := make(chan error, 1)
	all := append(append([]string{"admin"}, args...), "--session", c.file)
	go func() { ended <- run(ctx, all, func(string) string { return "" }, in, out, log) }()
	return ended
}

// until lets the server do its work until a command has ended.
func (b *office) until(ended chan error) error {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			b.ok(b.w.Step(b.Context()))
		}
	}
}

// file writes a file for a command.
func (b *office) file(name string, write func(io.Writer) error) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	var content bytes.Buffer
	b.ok(write(&content))
	b.ok(os.WriteFile(path, content.Bytes(), 0o600))
	return path
}

func (b *office) text(name, content string) string {
	return b.file(name, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
}

func at(rest string) string {
	return "/v1/programmes/" + domain.ProgrammeID(codeOfProgramme) + rest
}

// judges is a first stage that asks of the rows of a list what is asked of who applies in the app,
// so that they are brought in to be judged.
func judges() map[string]any {
	var items []map[string]any
	for _, code := range []string{domain.ItemInRegion, domain.ItemConsent} {
		items = append(items, map[string]any{"code": code, "label_id": code, "required": true})
	}
	return map[string]any{"no": 1, "kind": domain.StageChecklist, "items": items}
}

// plan makes the programme, with stages before its round of marks, opens it, and lets the window of
// registration pass.
func (b *office) plan(before ...map[string]any) {
	b.Helper()
	phase := func(code, from, to string) map[string]any {
		return map[string]any{"code": code, "starts_on": from, "ends_on": to}
	}
	var items []map[string]any
	for _, it := range fixture.Rubric() {
		items = append(items, map[string]any{"code": it.Code, "label_id": it.Code, "max": 100, "weight_bp": it.Weight})
	}
	fields := map[string]any{"name": "Lagawi Fest 2022", "kind": "campaign", "region_codes": []string{"18"}, "quota": 1, "reserve_size": 1, "number_prefix": "LGW22", "confirm_days": 3,
		"stages":     append(before, map[string]any{"no": len(before) + 1, "kind": domain.StageRubric, "items": items, "curators_per_file": 1}),
		"monitoring": map[string]any{"starts_on": "2022-03-20", "ends_on": "2022-06-17"},
		"phases": []map[string]any{phase(domain.PhaseRegistration, "2022-02-27", "2022-03-06"), phase(domain.PhaseCuration, "2022-03-07", "2022-03-14"),
			phase(domain.PhasePublication, "2022-03-17", "2022-03-17"), phase(domain.PhaseMentoring, "2022-03-20", "2022-06-17")}}
	b.ok(b.ratna.Send(b.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": codeOfProgramme, "fields": fields}, nil))
	b.advance(domain.ProgrammeOpen)
	b.w.Clock.Set(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
}

// advance takes the programme to its next status.
func (b *office) advance(status string) {
	b.Helper()
	var e struct {
		Etag string `json:"etag"`
	}
	b.ok(b.ratna.Login(b.Context()))
	b.ok(b.ratna.Send(b.Context(), http.MethodGet, at(""), "", nil, &e))
	b.ok(b.ratna.Send(b.Context(), http.MethodPost, at("/status"), e.Etag, map[string]any{"status": status}, nil))
}

// files counts the case files of the programme.
func (b *office) files() int {
	b.Helper()
	rows, err := b.w.Rows(b.Context(), domain.DecisionScope(domain.ProgrammeID(codeOfProgramme)), "case_file")
	b.ok(err)
	return len(rows)
}

// wants fails unless a text holds all of these.
func wants(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestAdminsLogInFromTheCommandLine: with a wrong code, with the right one into a file of
// their own, and out again at the server too.
func TestAdminsLogInFromTheCommandLine(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	c := b.hire("+628117000011")
	_, said := c.does(desk.StatusLogin, nil, "announce", "list")
	wants(t, said, "(not_logged_in)", "Anda belum masuk")
	for lang, sentence := range map[string]string{"id": "Nomor", "en": "The number"} {
		_, said = c.does(desk.StatusLogin, []string{play.Password, "000000"}, "login", "--server", b.url, "--phone", c.phone, "--lang", lang)
		wants(t, said, "(password_wrong)", sentence)
	}
	_, said = c.does(desk.StatusFailed, []string{play.Password}, "login", "--server", b.url, "--phone", c.phone)
	wants(t, said, "(input_ended)")
	if _, err := os.Stat(c.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a login that failed has kept a session: %v", err)
	}
	out, _ := c.does(0, []string{play.Password, c.code()}, "login", "--server", b.url+"/", "--phone", "0811-7000-011")
	wants(t, out, "+628117000011", b.url)
	info, err := os.Stat(c.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	kept, err := os.ReadFile(c.file)
	b.ok(err)
	c.does(0, nil, "announce", "list")
	b.ok(os.Chmod(c.file, 0o644))
	_, said = c.does(desk.StatusFailed, nil, "announce", "list")
	wants(t, said, "(session_exposed)")
	b.ok(os.Chmod(c.file, 0o600))
	install, err := os.ReadFile(c.file + ".install")
	b.ok(err)

	c.does(0, nil, "logout")
	if _, err := os.Stat(c.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the session is still kept: %v", err)
	}
	b.ok(os.WriteFile(c.file, kept, 0o600))
	_, said = c.does(desk.StatusLogin, nil, "announce", "list")
	wants(t, said, "(session_revoked)")
	c.does(0, nil, "logout") // it has ended already
	c.login()
	if again, err := os.ReadFile(c.file + ".install"); err != nil || !bytes.Equal(install, again) {
		t.Errorf("another login came from another installation: %v", err)
	}
}

// TestWhatADeskDoesNotUnderstand changes nothing and asks no server.
func TestWhatADeskDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"dance"}, {"login"}, {"login", "--server", "https://lumbung.example"}, {"login", "--server", "http://lumbung.example", "--phone", "0811"}, {"login", "--server", "https://u:p@x", "--phone", "0811"},
		{"login", "--server", "lumbung.example", "--phone", "0811"}, {"logout", "now"}, {"-store", "x.db", "import", "--programme", "x", "f.csv"}, {"import", "f.csv"}, {"import", "--programme", "x"},
		{"import", "--programme", "x", "a.csv", "b.csv"}, {"import", "--wide", "--programme", "x", "a.csv"}, {"job"}, {"publish"}, {"publish", "--programme", "x", "--at", "2022-03-17 10:00"},
		{"publish", "withdraw"}, {"publish", "approve"}, {"publish", "status"}, {"announce"}, {"announce", "dance"}, {"announce", "schedule"}, {"announce", "list", "--lang", "jv"},
	} {
		if _, _, err := lumbung(t, "", append([]string{"admin"}, args...)...); !errors.As(err, new(usageError)) || statusOf(err) != 2 {
			t.Errorf("%q: %v", args, err)
		}
	}
}
