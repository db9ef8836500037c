package play_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// answer is one of the API.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (o *embargo) ask(token, method, path, body string, header ...string) answer {
	o.Helper()
	o.keys++
	return ask(o, o.w.URL+path, token, method, body, append([]string{"Idempotency-Key", fmt.Sprintf("embargo-%06d", o.keys)}, header...)...)
}

// ask makes one request as somebody who is no app of ours. Headers come in pairs; an
// idempotency key is left out where none belongs.
func ask(t testing.TB, url, token, method, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		if method == http.MethodPost || header[i] != "Idempotency-Key" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	r.Header.Set("Accept-Encoding", "identity") // so that the length is that of the text
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := readAll(resp)
	if err != nil {
		t.Fatal(err)
	}
	if length := resp.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(text)) {
		t.Errorf("%s %s is said to have %s bytes and has %d", method, url, length, len(text))
	}
	return answer{resp.StatusCode, resp.Header, text}
}

// What differs between any two people, whatever was decided about them.
var (
	anID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anHex    = regexp.MustCompile(`"[0-9a-f]{12,32}"|\b[0-9]+\.[0-9a-f]{12}\b`)
	anHour   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	aNumber  = regexp.MustCompile(`\d{4,}`)
	aSecret  = regexp.MustCompile(`"(access_token|refresh_token|incarnation|cursor)":"[^"]*"`)
	aSpread  = regexp.MustCompile(`"poll_after_s":\d+`)
	unlikely = []string{"Date", "X-Request-Id", "Ratelimit", "Content-Length"}
)

// plainly leaves of an answer what must be the same for everybody. Lengths of what is
// left out are kept, but for those that are drawn for each phone.
func plainly(name string, a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d\n", name, a.status)
	for _, h := range slices.Sorted(maps.Keys(a.header)) {
		if !slices.Contains(unlikely, h) {
			fmt.Fprintf(&b, "%s: %s\n", h, aNumber.ReplaceAllString(anID.ReplaceAllString(strings.Join(a.header[h], ","), "id"), "n"))
		}
	}
	text := aSecret.ReplaceAllFunc(a.body, func(m []byte) []byte {
		key, value, _ := bytes.Cut(m, []byte(":"))
		return fmt.Appendf(nil, "%s:%d", key, len(value))
	})
	text = aSpread.ReplaceAll(text, []byte(`"poll_after_s":s`))
	text = anID.ReplaceAll(text, []byte("id"))
	text = anHour.ReplaceAll(text, []byte("hour"))
	text = anHex.ReplaceAll(text, []byte("hex"))
	text = aNumber.ReplaceAll(text, []byte("n"))
	b.Write(text)
	b.WriteByte('\n')
	return b.String()
}

// visitor is somebody who asks for everything that they can name.
type visitor struct {
	*embargo
	token, user, device, incarnation string
	about                            merge.Row // file that they ask about
	said                             strings.Builder
	timed                            bool            // their times count
	asked                            map[string]bool // operations without holes, as "GET /v1/me"
}

// arrives logs somebody in on a new phone.
func (o *embargo) arrives(number string, about merge.Row, timed bool) *visitor {
	o.Helper()
	v := &visitor{embargo: o, about: about, timed: timed, asked: map[string]bool{}}
	var c struct {
		Challenge string `json:"challenge"`
	}
	o.ok(json.Unmarshal(o.ask("", "POST", "/v1/auth/code", `{"phone":"`+number+`"}`).body, &c))
	a := v.look("login", "POST", "/v1/auth/login", fmt.Sprintf(`{"challenge":%q,"phone":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-%s0"}}`, c.Challenge, number, play.Code, number[len(number)-11:]))
	var l struct {
		Token        string `json:"access_token"`
		Incarnation  string `json:"incarnation"`
		Device, User struct {
			ID string `json:"id"`
		}
	}
	o.ok(json.Unmarshal(a.body, &l))
	v.token, v.incarnation, v.device, v.user = l.Token, l.Incarnation, l.Device.ID, l.User.ID
	if v.token == "" {
		o.Fatalf("%s is not let in: %d %s", number, a.status, a.body)
	}
	o.ok(o.w.Step(o.Context()))
	return v
}

// look asks, and notes what is answered and after what time.
func (v *visitor) look(name, method, path, body string, header ...string) answer {
	v.Helper()
	from := time.Now()
	a := v.ask(v.token, method, path, body, header...)
	v.noted(name, method, path, time.Since(from))
	v.said.WriteString(plainly(name, a))
	return a
}

// noted keeps what was asked, and after what time it was answered.
func (v *visitor) noted(name, method, path string, took time.Duration) {
	path, _, _ = strings.Cut(path, "?")
	v.asked[method+" "+path] = true
	if v.timed {
		v.times.note(name, v.about.Text("state"), took)
	}
}

const embargoClock = `"clock":{"wall":"2022-03-16T02:00:00Z","mono_ms":1,"boot":"b"}`

// synced is what a sync said of one scope.
type synced struct {
	Cursor  string `json:"cursor"`
	Changes []struct {
		Scope string `json:"scope"`
	} `json:"changes"`
	Scopes map[string]struct {
		Generation string `json:"generation"`
	} `json:"scopes"`
}

func (v *visitor) sync(name, cursor string) synced {
	v.Helper()
	return v.reads(name, "/v1/sync", cursor)
}

// reads asks for what is newer than a cursor, and for scopes to come whole.
func (v *visitor) reads(name, path, cursor string, reset ...string) (s synced) {
	v.Helper()
	if cursor != "" {
		cursor = `"cursor":"` + cursor + `",`
	}
	anew, err := json.Marshal(append([]string{}, reset...))
	v.ok(err)
	v.ok(json.Unmarshal(v.look(name, "POST", path, `{"app":"1.4.2",`+cursor+embargoClock+`,"reset":`+string(anew)+`}`).body, &s))
	return s
}

// edit is one of somebody's phone.
type edit struct {
	collection, id string
	set            map[string]any
	known          bool // it stands on what the phone has
}

// push sends edits for a scope, each in a push of its own, and notes the verdicts.
func (v *visitor) push(scope, generation string, edits ...edit) {
	v.Helper()
	for i, e := range edits {
		base := ""
		if e.known {
			base = fmt.Sprintf(`"base":{"generation":%q,"version":1},`, generation)
		}
		set, err := json.Marshal(e.set)
		v.ok(err)
		v.look(fmt.Sprintf("push %d to %s of %s", i+1, strings.Split(scope, "/")[0], e.collection), "POST", "/v1/sync/push", fmt.Sprintf(
			`{%s,"push":[{"scope":%q,"device":%q,"incarnation":%q,"generation":%q,"mutations":[{"n":%d,"schema":1,"collection":%q,"id":%q,"op":"put",%s"at":{"wall":"2022-03-16T02:00:00Z","mono_ms":1,"boot":"b"},"set":%s}]}]}`,
			embargoClock, scope, v.device, v.incarnation, generation, i+1, e.collection, e.id, base, set))
		v.ok(v.w.Step(v.Context()))
	}
}
