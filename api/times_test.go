package api_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
)

// TestASlowBodyIsCutOff, and so is a connection on which nothing is asked any more, and
// an answer that nobody reads.
func TestASlowBodyIsCutOff(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Read = 200 * time.Millisecond })
	resp, body := raw(t, h.listen(t), "POST /v1/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	problem(t, resp, body, 408, "timeout")
}

func TestAConnectionOnWhichNothingIsAskedIsClosed(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Idle = 200 * time.Millisecond })
	c, err := net.Dial("tcp", h.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("it is told %v, want the end", err)
	}
}

func TestAnAnswerThatNobodyReadsIsCutOff(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Write = 200 * time.Millisecond })
	c, err := net.Dial("tcp", h.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(1 << 10); err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	ask := strings.Repeat("GET /openapi.yaml HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", 200) // more than the buffers of two kernels hold
	if _, err := io.WriteString(c, ask); err != nil {
		return // it has hung up already
	}
	for { // it goes on asking and reads nothing, until the server has had enough
		if _, err := io.WriteString(c, "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("the server waits for ever")
			}
			return
		}
	}
}

// TestAStreamThatNobodyReadsIsClosed: in this process nothing between the two keeps what
// was written and not read.
func TestAStreamThatNobodyReadsIsClosed(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Stall = 100 * time.Millisecond })
	p := h.login(t, "+628117000001")
	resp := p.near(t).resp
	defer resp.Body.Close()
	for late := time.After(20 * time.Second); h.Streams() > 0; {
		select {
		case <-late:
			t.Fatal("it is open for ever")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestAStopThatComesFirstIsAStop: a server that was stopped before it began does not begin.
func TestAStopThatComesFirstIsAStop(t *testing.T) {
	h := open(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(ln) }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it serves")
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		c.Close()
		t.Error("it listens")
	}
}
