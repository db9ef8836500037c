package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
)

// begun is a connection on which a request was begun whose body does not come to its end.
func begun(t *testing.T, addr, head string, body int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, head+strings.Repeat("x", body)); err != nil {
		t.Fatal(err)
	}
	return c
}

// until waits for what another goroutine does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

const longHead = "POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

// TestBodiesHaveABudgetTogether: what was announced and did not come costs nothing; what
// has come counts until it has its answer or its sender goes; and small requests are
// answered all the while.
func TestBodiesHaveABudgetTogether(t *testing.T) {
	for name, announced := range map[string]string{"with a length": "Content-Length: 900000\r\n\r\n", "in chunks": "Transfer-Encoding: chunked\r\n\r\nDBBA0\r\n"} {
		t.Run(name, func(t *testing.T) {
			h := open(t, func(p *api.Parts) { p.Limits.Bodies = 768 << 10 })
			addr := h.listen(t)
			p := h.login(t, "+628117000001")
			me := func() {
				t.Helper()
				resp, body := raw(t, addr, fmt.Sprintf("POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: 20000\r\n\r\n%s", p.Access, strings.Repeat(" ", 20000)))
				problem(t, resp, body, 400, "body_unreadable")
			}
			for range 50 {
				begun(t, addr, longHead+announced, 0)
			}
			me()
			if n := h.BodyBytes(); n != 0 {
				t.Errorf("%d bytes are held of bodies that did not come", n)
			}
			one := begun(t, addr, longHead+announced, 140_000)
			until(t, "the long body is not counted", func() bool { return h.BodyBytes() >= 140_000-(32<<10) })
			me()
			resp, body := raw(t, addr, longHead+announced+strings.Repeat("x", 800_000))
			problem(t, resp, body, 503, "overloaded")
			if after := resp.Header.Get("Retry-After"); after < "1" || after > "5" || len(after) != 1 || !resp.Close {
				t.Errorf("Retry-After %q, hangs up %t", after, resp.Close)
			}
			if h.BodiesRefused() != 1 {
				t.Errorf("%d were refused", h.BodiesRefused())
			}
			me()
			one.Close()
			until(t, "who went away still holds room", func() bool { return h.BodyBytes() == 0 })
			resp, body = raw(t, addr, longHead+"Content-Length: 100000\r\n\r\n"+strings.Repeat("x", 100_000))
			problem(t, resp, body, 401, "token_missing")
			if n := h.BodyBytes(); n != 0 {
				t.Errorf("%d bytes are held after the answer", n)
			}
		})
	}
}

// TestABodyThatIsTooLongIsRefusedUnread, by its header and its first bytes, or as soon as more has come; and who
// still sends it reads why.
func TestABodyThatIsTooLongIsRefusedUnread(t *testing.T) {
	const tables = "POST /v1/programmes/0190aaaa-0000-4000-8000-00000000c041/imports HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
	for name, tt := range map[string]struct {
		request string
		status  int
	}{
		"plain":                      {longHead + "Content-Length: 1048577\r\n\r\nxx", 413},
		"plain, all of it":           {longHead + "Content-Length: 1048577\r\n\r\n" + strings.Repeat("x", 1<<20+1), 413},
		"plain, as long as it may":   {longHead + "Content-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20), 401},
		"chunks":                     {longHead + "Transfer-Encoding: chunked\r\n\r\n100001\r\n" + strings.Repeat("x", 1<<20+1) + "\r\n0\r\n\r\n", 413},
		"chunks, as long as may be":  {longHead + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n0\r\n\r\n", 401},
		"packed":                     {longHead + "Content-Encoding: gzip\r\nContent-Length: 1048577\r\n\r\nxx", 413},
		"a table":                    {tables + "Content-Length: 1048577\r\n\r\n" + strings.Repeat("x", 1<<20+1), 401},
		"a table, as long as it may": {tables + "Content-Length: 4194304\r\n\r\n" + strings.Repeat("x", 4<<20), 401},
		"a table that is too long":   {tables + "Content-Length: 4194305\r\n\r\nxx", 413},
	} {
		h := open(t)
		resp, body := raw(t, h.listen(t), tt.request)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
		if resp.Close != (tt.status == 413) {
			t.Errorf("%s: hangs up %t", name, resp.Close)
		}
	}
}

// TestAfterALongBodyTheConnectionGoesOn with the next request, and nothing of one is read
// as another.
func TestAfterALongBodyTheConnectionGoesOn(t *testing.T) {
	h := open(t)
	c, err := net.Dial("tcp", h.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for n, body := range []int{0, 10, 8 << 10, 8<<10 + 1, 32 << 10, 100_000, 1 << 20, 7, 300_000} {
		for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", body, strings.Repeat("x", body)), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n", chunk(body))} {
			go io.WriteString(c, longHead+framing+"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
			for _, want := range []int{401, 200} {
				resp, err := http.ReadResponse(in, nil)
				if err != nil || resp.StatusCode != want {
					t.Fatalf("body %d of %d bytes: %v, %v, want %d", n, body, resp, err, want)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// chunk is a body in one chunk, nothing for none.
func chunk(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%x\r\n%s\r\n", n, strings.Repeat("x", n))
}

// TestABodyThatBreaksOffIsNoRequest: chunks that are none, and an end in the middle.
func TestABodyThatBreaksOffIsNoRequest(t *testing.T) {
	h := open(t)
	addr := h.listen(t)
	resp, body := raw(t, addr, longHead+"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
	problem(t, resp, body, 400, "body_unreadable")
	c := begun(t, addr, longHead+"Content-Length: 100\r\n\r\n", 50)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(c); err != nil || strings.Contains(string(text), " 200 ") {
		t.Errorf("%v %s", err, text)
	}
}
