package app_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// leave puts a commit into a log as a process does that dies before it folds.
func leave(t *testing.T, a *app.App, scope string) {
	t.Helper()
	h, err := a.Store.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Store.Insert(t.Context(), &store.Commit{Scope: scope, Generation: h.Generation, Seq: h.Applied + 1, ID: a.Engine.IDs.New(), Time: h.Time + 1, Chain: "c", Access: h.Access, Sum: h.Sum}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Engine.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestOperatorsSeeWhatHappens: what phones do is counted, where operators look and
// nowhere else, and nothing in it tells of whom.
func TestOperatorsSeeWhatHappens(t *testing.T) {
	cfg := settings(t)
	cfg.Admin = free(t)
	a := build(t, cfg)
	defer a.Close(t.Context())
	l := login(t, a)
	ln, stop, ended := serve(t, a)
	scope := merge.UserScope(l.User.ID)
	head, err := a.Store.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(incarnation string, set map[string]merge.Value) protocol.Part {
		m := merge.Mutation{N: 1, Schema: 1, Collection: "preference", ID: domain.PreferenceID(l.User.ID), Op: merge.Put, At: merge.Reading{Wall: merge.Millis(time.Now().UnixMilli()), Mono: 1, Boot: "b"}, Set: set}
		return protocol.Part{Scope: scope, Device: l.Device, Incarnation: incarnation, Generation: head.Generation.String(), Mutations: []json.RawMessage{m.WireMutation()}}
	}
	send := func(r protocol.Request) {
		t.Helper()
		r.App, r.Clock = "1.4.2", protocol.Reading{Wall: time.Now().UTC().Format(time.RFC3339), Mono: 2, Boot: "b"}
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ln.Addr().String()+"/v1/sync", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+l.Access)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if answer, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s %v", resp.Status, answer, err)
		}
	}
	one := edit("one-phone-1", map[string]merge.Value{"results_push": merge.Flag(true)})
	send(protocol.Request{Push: []protocol.Part{one}})
	send(protocol.Request{Push: []protocol.Part{one}}) // once more
	send(protocol.Request{Push: []protocol.Part{edit("two-phone-2", map[string]merge.Value{"results_push": merge.Flag(false)})}})
	send(protocol.Request{Push: []protocol.Part{edit("three-phone", map[string]merge.Value{"no_such_field": merge.Flag(false)})}})
	send(protocol.Request{Reset: []string{scope}, Outbox: &protocol.Outbox{Count: 3, Oldest: time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)}})
	for n := 1; n > 0; { // what the refused edit left: it writes into the same scope
		if n, err = a.Engine.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text, repaired := "", regexp.MustCompile(`lumbung_sync_repaired_commits_total [1-9]`)
	for range 50 { // whoever else looks at the scope just then folds the commit, and repairs nothing
		leave(t, a, scope)
		if _, text = get(t, "http://"+cfg.Admin+"/metrics"); repaired.MatchString(text) {
			break
		}
	}
	for _, want := range []string{
		`lumbung_sync_verdicts_total{code="",repeated="false",verdict="applied"} 2`,
		`lumbung_sync_verdicts_total{code="",repeated="true",verdict="applied"} 1`,
		`lumbung_sync_verdicts_total{code="unknown_field",repeated="false",verdict="rejected"} 1`,
		`lumbung_sync_conflicts_total{rule="latest"} 1`,
		`lumbung_sync_diverged_scopes_total 1`,
		`lumbung_outbox_oldest_age_seconds_bucket{le="3600"} 0`,
		`lumbung_outbox_oldest_age_seconds_bucket{le="21600"} 1`,
		`lumbung_http_request_duration_seconds_count{method="POST",route="/v1/sync",status="200"} 5`,
		`lumbung_sync_queued_pushes 0`, `lumbung_store_queued_writes 0`, `lumbung_live_streams 0`, `lumbung_build_info{version="test"} 1`,
		`lumbung_sync_repaired_commits_total `, `lumbung_sync_commit_edits_bucket`,
		`lumbung_http_waiting{where="large_push"} 0`, `lumbung_http_waiting{where="inflate"} 0`, `lumbung_http_waiting{where="pack"} 0`, `lumbung_http_waiting{where="export"} 0`, `lumbung_http_waiting{where="table"} 0`, `lumbung_http_waiting{where="programme"} 0`, `lumbung_http_waiting{where="first_sync"} 0`,
		`lumbung_store_flushes_total `, `lumbung_store_flushed_writes_total `, `lumbung_http_refused_connections_total 0`, `lumbung_http_refused_bodies_total 0`, `lumbung_http_body_bytes 0`, `lumbung_audit_waiting_entries `,
		`lumbung_sync_waiting_scopes `, `lumbung_auth_unsent_codes 0`, `go_goroutines`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if !repaired.MatchString(text) {
		t.Error("nothing was repaired")
	}
	doc, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (lumbung_\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(doc), "`"+m[1]+"`") {
			t.Errorf("docs/operations.md does not know %s", m[1])
		}
	}
	for _, secret := range []string{l.User.ID, l.Device, scope, "7000001", l.Access} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is told", secret)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if status, _ := get(t, "http://"+cfg.Admin+"/debug/pprof/goroutine?debug=1"); status != http.StatusOK {
		t.Errorf("a profile: %d", status)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if status, _ := get(t, "http://"+ln.Addr().String()+path); status != http.StatusNotFound {
			t.Errorf("%s is answered %d where phones ask", path, status)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
