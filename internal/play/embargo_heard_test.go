package play_test

import (
	"bufio"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// listens opens a live stream and notes what it tells to somebody who has nothing yet, which
// is something of each of their scopes, and then of a commit to their own one. What else it
// would tell stands before that.
func (v *visitor) listens(scopes int) {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), http.MethodGet, v.w.URL+"/v1/sync/live", nil)
	v.ok(err)
	r.Header.Set("Authorization", "Bearer "+v.token)
	from := time.Now()
	resp, err := http.DefaultClient.Do(r)
	v.ok(err)
	defer func() { v.ok(resp.Body.Close()) }()
	lines := bufio.NewReader(resp.Body)
	text := v.events(lines, 1+scopes) // the first is a greeting
	v.noted("live", http.MethodGet, "/v1/sync/live", time.Since(from))
	own, name := merge.UserScope(v.user), v.admin.IDs.New()
	_, err = v.w.App.Engine.Write(v.Context(), own, merge.ServerWrite{Name: name, Author: v.user, Role: merge.System, Collection: "receipt", ID: name, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"announcement_id": merge.Str(name)}})
	v.ok(err)
	for last := ""; !strings.Contains(last, own); text += last {
		last = v.events(lines, 1)
	}
	v.said.WriteString(plainly("live", answer{resp.StatusCode, resp.Header, []byte(text)}))
}

// events reads as many events as they are written, without heartbeats.
func (v *visitor) events(lines *bufio.Reader, n int) string {
	v.Helper()
	var b strings.Builder
	for n > 0 {
		line, err := lines.ReadString('\n')
		v.ok(err)
		if strings.HasPrefix(line, ":") {
			continue
		}
		b.WriteString(line)
		if strings.HasPrefix(line, "data:") {
			n--
		}
	}
	return b.String()
}
