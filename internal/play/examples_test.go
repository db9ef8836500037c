package play_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	examplesDir = "../../docs/examples"
	protocolDoc = "../../docs/protocol.md"
)

// recorder writes exchanges down as they are on the wire.
type recorder struct {
	next http.RoundTripper
	name string // of the next exchange; "" writes nothing
	last string // cursor that was answered last
	all  map[string]string
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = play.Whole(sent)
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	got, err := readAll(resp)
	resp.Body = play.Whole(got)
	if m := regexp.MustCompile(`"cursor":"([^"]+)"`).FindSubmatch(got); m != nil {
		r.last = string(m[1])
	}
	if r.name != "" {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s\n", req.Method, req.URL.RequestURI())
		for _, h := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match"} {
			if v := req.Header.Get(h); v != "" {
				fmt.Fprintf(&b, "%s: %s\n", h, v)
			}
		}
		fmt.Fprintf(&b, "\n%s\n%s\nContent-Type: %s\n\n%s", pretty(sent), resp.Status, resp.Header.Get("Content-Type"), pretty(got))
		r.all[r.name], r.name = masked(b.String()), ""
	}
	return resp, err
}

func pretty(body []byte) string {
	var b bytes.Buffer
	if len(body) == 0 || json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String() + "\n"
}

// masked shortens what is long and signed anew at every run.
func masked(text string) string {
	text = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`).ReplaceAllString(text, "eyJ…")
	text = regexp.MustCompile(`"v1\.[\w.-]+"`).ReplaceAllString(text, `"v1.…"`)
	return regexp.MustCompile(`("cursor": ")[\w.-]{24,}"`).ReplaceAllStringFunc(text, func(s string) string { return s[:22] + `…"` })
}

// steady is a random source that gives the same at every run.
type steady struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

// Read implements io.Reader.
func (s *steady) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Read(b)
}

// record plays what docs/protocol.md tells and writes down its exchanges.
func record(t *testing.T) map[string]string {
	on, _ := counting(t)
	s := set(t, on, func(o *play.Options) { o.Rand = &steady{src: rand.NewChaCha8([32]byte{7})} })
	r := &recorder{next: s.owner.HTTP.Client.Transport, all: map[string]string{}}
	s.owner.HTTP.Client.Transport = r
	c, err := s.owner.HTTP.RequestCode(t.Context(), s.owner.Who.Number, "0190aaaa-0000-4000-8000-000000000001")
	s.ok(err)
	_ = c
	r.name = "01-code"
	_, err = s.owner.HTTP.RequestCode(t.Context(), s.owner.Who.Number, "0190aaaa-0000-4000-8000-000000000001")
	s.ok(err)
	r.name = "03-nothing-new"
	s.sync(s.owner)

	s.sell(s.owner, 1_250_000)
	before, err := s.owner.Save()
	s.ok(err)
	r.name = "04-create"
	s.ok(s.owner.Sync(t.Context()))
	s.ok(s.owner.Load(before)) // the answer was lost
	r.name = "05-repeated"
	s.sync(s.owner)

	s.price(s.owner, 16_000)
	s.write(s.owner, "product", s.product, map[string]any{"name": "Keripik pisang manis"})
	s.w.Clock.Advance(time.Minute)
	s.price(s.staff, 17_500)
	s.sync(s.staff)
	r.name = "06-conflict"
	s.ok(s.owner.Sync(t.Context()))
	s.sync(s.owner)

	s.write(s.owner, "sales", "", map[string]any{"sold_on": "2022-08-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": 99_000})
	r.name = "07-rejected"
	s.ok(s.owner.Sync(t.Context()))
	s.sync(s.owner)

	s.sell(s.owner, 30_000)
	twin, err := s.owner.Copy("twin")
	s.ok(err)
	s.sell(twin, 40_000)
	s.sync(twin)
	s.sell(s.owner, 50_000)
	r.name = "08-rekey"
	s.sync(s.owner, twin)

	s.w.Clock.Advance(20 * time.Minute)
	r.name = "09-expired"
	s.sync(s.owner)
	s.live(r)
	s.purged(r)
	s.second(r)
	return r.all
}

// live listens while somebody else edits, until the token expires.
func (s *scene) live(r *recorder) {
	s.Helper()
	session, err := s.owner.Session()
	s.ok(err)
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.owner.HTTP.Base+"/v1/sync/live?cursor="+r.last, nil)
	s.ok(err)
	req.Header.Set("Authorization", "Bearer "+session.Access)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	s.ok(err)
	defer resp.Body.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "GET /v1/sync/live?cursor=0eyJidXNpbm…\nAuthorization: Bearer eyJ…\nAccept: text/event-stream\n\n%s\nContent-Type: %s\n\n", resp.Status, resp.Header.Get("Content-Type"))
	s.price(s.staff, 18_000)
	s.sync(s.staff)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		fmt.Fprintln(&b, lines.Text())
		if strings.Contains(lines.Text(), s.scope+`","`) {
			s.w.Clock.Advance(20 * time.Minute)
			s.w.App.API.LookAfter()
		}
	}
	s.ok(lines.Err())
	text := regexp.MustCompile(`retry: \d+`).ReplaceAllString(strings.TrimRight(b.String(), "\n")+"\n", "retry: 4711")
	r.all["12-live"] = regexp.MustCompile(`"retry_ms":\d+`).ReplaceAllString(text, `"retry_ms":640`)
}

type member struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	Etag string `json:"etag"`
}

// purged ends the staff's membership.
func (s *scene) purged(r *recorder) {
	s.Helper()
	business := strings.TrimPrefix(s.scope, "business/")
	var all struct {
		Members []member `json:"members"`
	}
	path := "/v1/businesses/" + business + "/members"
	s.ok(s.owner.Send(s.Context(), http.MethodGet, path, "", nil, &all))
	i := slices.IndexFunc(all.Members, func(m member) bool { return m.Role == "staff" })
	s.sync(s.staff)
	r.name = "10-rest-edit"
	s.ok(s.owner.Send(s.Context(), http.MethodPatch, path+"/"+all.Members[i].ID, all.Members[i].Etag, map[string]any{"to": s.w.Clock.Now()}, nil))
	s.w.Clock.Advance(time.Minute)
	other := &recorder{next: s.staff.HTTP.Client.Transport, all: r.all, name: "11-purge"}
	s.staff.HTTP.Client.Transport = other
	s.sync(s.staff)
}

// second begins a new phone.
func (s *scene) second(r *recorder) {
	s.Helper()
	p, err := s.w.NewPhone(s.w.Person("Pak Yusuf"), "new")
	s.ok(err)
	c, err := p.HTTP.RequestCode(s.Context(), p.Who.Number, "0190aaaa-0000-4000-8000-000000000003")
	s.ok(err)
	rec := &recorder{next: p.HTTP.Client.Transport, all: r.all, name: "02-login"}
	p.HTTP.Client.Transport = rec
	s.ok(p.HTTP.Login(s.Context(), p.Who.Number, c.ID, play.Code, clientDevice()))
	rec.name = "02-first-sync"
	s.ok(p.Sync(s.Context()))
}

// TestTheExamplesOfTheProtocolAreTrue holds docs/examples, and the excerpts in
// docs/protocol.md, against the wire. UPDATE_EXAMPLES=1 writes them anew.
func TestTheExamplesOfTheProtocolAreTrue(t *testing.T) {
	needsRepository(t)
	update := os.Getenv("UPDATE_EXAMPLES") != ""
	all := record(t)
	for name, text := range all {
		path := filepath.Join(examplesDir, name+".http")
		if update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if have, err := os.ReadFile(path); err != nil || string(have) != text {
			t.Errorf("%s is not what goes over the wire (UPDATE_EXAMPLES=1 writes it anew): %v\n%s", path, err, text)
		}
	}
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- example (\\S+) -->\n```http\n.*?```")
	now := block.ReplaceAllStringFunc(string(doc), func(old string) string {
		name := block.FindStringSubmatch(old)[1]
		if all[name] == "" {
			t.Errorf("docs/protocol.md shows %s, which nobody recorded", name)
		}
		return "<!-- example " + name + " -->\n```http\n" + all[name] + "```"
	})
	if update {
		if err := os.WriteFile(protocolDoc, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if now != string(doc) {
		t.Error("docs/protocol.md shows exchanges that are not true any more (UPDATE_EXAMPLES=1 writes them anew)")
	}
	for _, m := range regexp.MustCompile(`examples/(\S+?)\.http`).FindAllStringSubmatch(now, -1) {
		if all[m[1]] == "" {
			t.Errorf("docs/protocol.md points to %s, which nobody recorded", m[1])
		}
	}
}

// needsRepository skips a test that holds documents, where the tests run as a
// program far from them.
func needsRepository(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../../go.mod"); err != nil {
		t.Skip("skipped: needs the repository around it")
	}
}

// TestTheContentHashOfTheProtocol holds the worked example of docs/protocol.md.
func TestTheContentHashOfTheProtocol(t *testing.T) {
	needsRepository(t)
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	part := regexp.MustCompile("(?s)<!-- content hash -->.*?```\n(.*?)\n```.*?`([0-9a-f]{16})`").FindStringSubmatch(string(doc))
	if part == nil {
		t.Fatal("docs/protocol.md has no example of a content hash")
	}
	lines := strings.SplitN(part[1], "\n", 3)
	hash, err := merge.ContentHash(lines[0], lines[1], json.RawMessage(lines[2]))
	if err != nil || hash.String() != part[2] {
		t.Errorf("the hash is %s, the document says %s, %v", hash, part[2], err)
	}
	if c, err := merge.Canonical(merge.Value(lines[2])); err != nil || string(c) != lines[2] {
		t.Errorf("the example is not canonical: %s, %v", c, err)
	}
}
