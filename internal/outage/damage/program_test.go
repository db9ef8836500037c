package damage_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// built is the path of the program.
func built(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "lumbung")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", to, "github.com/lumbung-ikm/lumbung/cmd/lumbung").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return to
}

// station is a machine with the program and a database.
type station struct {
	*town
	program, address string
	cmd              *exec.Cmd
	said             *said
}

// said is what a process wrote.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

func (s *station) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.Context(), s.program, args...)
	cmd.Env = append(os.Environ(), "LUMBUNG_STORE="+s.path, "LUMBUNG_PEPPER="+pepper, "LUMBUNG_LISTEN="+s.address, "LUMBUNG_OTP_SENDER=none")
	return cmd
}

// run runs a command to its end.
func (s *station) run(args ...string) (string, error) {
	out, err := s.command(args...).CombinedOutput()
	return string(out), err
}

// serve starts the server and waits for an answer of /readyz.
func (s *station) serve(ready int) {
	s.Helper()
	s.said = &said{}
	s.cmd = s.command("serve")
	s.cmd.Stderr = s.said
	s.ok(s.cmd.Start())
	s.Cleanup(func() {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill() // it may have ended
		}
	})
	if !within(s.T, func() bool { return s.ask("/readyz") == ready }) {
		s.Fatalf("not as it should be:\n%s", s.said)
	}
}

// stop ends the server in order.
func (s *station) stop() {
	s.Helper()
	s.ok(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.cmd.Wait(); err != nil {
		s.Fatalf("stop: %v\n%s", err, s.said)
	}
	s.cmd = nil
}

func (s *station) ask(path string) int {
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + s.address + path)
	if err != nil {
		return 0
	}
	if err := resp.Body.Close(); err != nil {
		return 0
	}
	return resp.StatusCode
}

// within asks until it is so, for half a minute at most.
func within(t *testing.T, so func() bool) bool {
	t.Helper()
	tick, late := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			return so()
		}
	}
	return true
}

// Read implements replica.Clock.
func (s *station) Read() (wall, mono int64, boot string) {
	now := time.Now()
	return now.UnixMilli(), now.UnixMilli(), "boot"
}

// phone is the phone of somebody.
func (s *station) phone(o *owner) *replica.Client {
	s.Helper()
	schema, err := domain.Catalogue()
	s.ok(err)
	h := &replica.HTTP{Base: "http://" + s.address, Client: &http.Client{Timeout: 30 * time.Second}}
	c := &replica.Client{Local: &replica.Memory{}, Schema: schema, Clock: s, IDs: s.ids, App: "1.4.2", Server: h}
	h.Phone = c
	s.ok(c.Open())
	s.ok(c.Become(replica.Identity{User: o.login.User.ID, Device: o.login.Device, Incarnation: o.login.Incarnation}))
	s.ok(c.KeepSession(replica.Session{Access: o.login.Access, Refresh: o.login.Refresh}))
	return c
}

// sell types sales on a phone and gives their ids.
func (s *station) sell(c *replica.Client, o *owner, n int) (ids []string) {
	s.Helper()
	for range n {
		one, err := c.Do(replica.Edit{Scope: o.scope, Collection: "sales", Set: map[string]merge.Value{"sold_on": merge.Str(time.Now().Format("2006-01-02")),
			"channel": merge.Str("store"), "payment": merge.Str("cash"), "granularity": merge.Str("single"), "amount_idr": merge.Num(25_000)}})
		s.ok(err)
		ids = append(ids, one)
	}
	return ids
}

// settled syncs until nothing waits.
func (s *station) settled(c *replica.Client) {
	s.Helper()
	for range 20 {
		s.ok(c.Sync(s.Context()))
		left, err := c.Unsent()
		s.ok(err)
		if len(left) == 0 {
			return
		}
	}
	s.Fatal("edits wait for ever")
}

// spoil writes rubbish over every page in which a word stands.
func (s *station) spoil(word string) {
	s.Helper()
	file, err := os.ReadFile(s.path)
	s.ok(err)
	n := 0
	const page = 4096
	for at := page; at < len(file); at += page {
		if bytes.Contains(file[at:at+page], []byte(word)) {
			copy(file[at:at+16], bytes.Repeat([]byte{0xff}, 16))
			n++
		}
	}
	if n == 0 {
		s.Fatalf("%q stands nowhere", word)
	}
	s.ok(os.WriteFile(s.path, file, 0o600))
}

// TestADamagedDatabaseIsPutBackAsTold does what docs/operations.md says, step by step: a
// server comes upon a damaged page, refuses everything, also after a new start, and a copy
// is put back; then phones send again what the copy lacks.
func TestADamagedDatabaseIsPutBackAsTold(t *testing.T) {
	s := &station{town: settle(t, filepath.Join(t.TempDir(), "l.db"), 2, 60), program: built(t)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	s.ok(err)
	s.address = ln.Addr().String()
	s.ok(ln.Close())
	s.serve(http.StatusOK)
	var phones []*replica.Client
	var typed []string
	for _, o := range s.owners {
		c := s.phone(o)
		phones, typed = append(phones, c), append(typed, s.sell(c, o, 5)...)
		s.settled(c)
	}
	backup := filepath.Join(t.TempDir(), "copy.db")
	if out, err := s.run("backup", backup); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	for n, o := range s.owners { // acknowledged, and not in the copy
		typed = append(typed, s.sell(phones[n], o, 7)...)
		s.settled(phones[n])
	}
	s.stop()
	s.spoil(`"price_idr"`)
	s.serve(http.StatusServiceUnavailable) // its own work comes upon it
	s.refuses(phones[0], &typed)
	if out, err := s.run("restore", "-listen", "127.0.0.1:1", backup); err == nil || !strings.Contains(out, "database_in_use") { // wherever it listens
		t.Fatalf("restore under a running server: %v\n%s", err, out)
	}
	s.stop()

	out, err := s.run("serve") // a new start
	if err == nil || !strings.Contains(out, "is damaged") || !strings.Contains(out, "lumbung restore COPY") {
		t.Fatalf("a new start: %v\n%s", err, out)
	}
	if out, err := s.run("doctor"); err == nil || !strings.Contains(out, "RUSAK / DAMAGED") || !strings.Contains(out, "lumbung restore SALINAN") {
		t.Fatalf("doctor: %v\n%s", err, out)
	}
	if out, err := s.run("backup", backup); err == nil {
		t.Fatalf("a damaged database was copied over a good copy:\n%s", out)
	}
	if out, err := s.run("restore", backup); err != nil || !strings.Contains(out, "scopes begin a new generation") || !strings.Contains(out, "l.db.old-1") {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	s.serve(http.StatusOK)
	for _, c := range phones {
		s.settled(c)
	}
	s.stop()
	if out, err := s.run("doctor"); err != nil {
		t.Fatalf("doctor afterwards: %v\n%s", err, out)
	}
	s.holds(typed)
}

// refuses lets a phone work on a server whose database is damaged.
func (s *station) refuses(c *replica.Client, typed *[]string) {
	s.Helper()
	*typed = append(*typed, s.sell(c, s.owners[0], 3)...)
	if err := c.Sync(s.Context()); err == nil {
		s.Error("an edit was taken into a damaged database")
	}
	left, err := c.Unsent()
	s.ok(err)
	if len(left) != 3 {
		s.Errorf("%d edits wait on the phone, not 3", len(left))
	}
	if s.ask("/healthz") != http.StatusOK {
		s.Error("the process is not alive")
	}
	for lang, word := range map[string]string{"id": "rusak", "en": "damaged"} {
		if err := s.problem(lang, word); err != nil {
			s.Error(err)
		}
	}
	if text := s.said.String(); !strings.Contains(text, "/l.db is damaged") || !strings.Contains(text, "lumbung restore") {
		s.Errorf("the log does not say what to do:\n%s", text)
	}
}

// problem asks for anything and reports an answer that does not tell of the damage.
func (s *station) problem(lang, word string) error {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://"+s.address+"/v1/me", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Language", lang)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	var p struct{ Code, Title string }
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusServiceUnavailable || p.Code != "database_damaged" || !strings.Contains(p.Title, word) || resp.Header.Get("Retry-After") != "60" {
		return fmt.Errorf("%d, Retry-After %s: %s", resp.StatusCode, resp.Header.Get("Retry-After"), text)
	}
	return nil
}

// holds fails unless every sale that was typed is there, and no other.
func (s *station) holds(typed []string) {
	s.Helper()
	all, err := content(s.Context(), s.path)
	s.ok(err)
	there := map[string]bool{}
	for _, i := range all[store.ShelfRecords] {
		if i.Key[1] == "sales" {
			there[i.Key[2]] = true
		}
	}
	for _, one := range typed {
		if !there[one] {
			s.Errorf("the sale %s is missing", one)
		}
		delete(there, one)
	}
	if len(there) > 0 {
		s.Errorf("%d sales that nobody typed", len(there))
	}
}
