package replica

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// FuzzReadAnswer: whatever a server, a proxy or a portal says, the phone knows
// what to do: the answer, or an error of a kind with a code. What nobody can
// read never ends a session.
func FuzzReadAnswer(f *testing.F) {
	f.Add(200, "", []byte(`{"now":"2022-05-05T02:11:10.004Z","poll_after_s":5}`))
	f.Add(200, "gzip", []byte{0x1f, 0x8b, 8})
	f.Add(401, "", []byte(`{"code":"token_expired"}`))
	f.Add(401, "", []byte(`<html>log in to the hotel</html>`))
	f.Add(302, "", []byte(``))
	f.Add(413, "", []byte(``))
	f.Add(429, "", []byte(`{"code":"rate_limited"}`))
	f.Add(500, "", []byte(`{"code":5}`))
	f.Fuzz(func(t *testing.T, status int, encoding string, body []byte) {
		if status < 100 || status > 999 {
			return // no such line arrives
		}
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Encoding": {encoding}, "Retry-After": {string(body)}}, Body: io.NopCloser(bytes.NewReader(body))}
		var out protocol.Response
		err := readAnswer(resp, &out)
		if err == nil {
			if status >= 300 {
				t.Errorf("%d is no answer", status)
			}
			return
		}
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Code == "" {
			t.Fatalf("%v", err)
		}
		if e.Code == "network" && e.Kind != fault.Transient && e.Kind != fault.TooLarge {
			t.Errorf("nobody knows what it meant, and it is %v", e.Kind)
		}
		if e.After < 0 {
			t.Errorf("come back %v", e.After)
		}
	})
}
