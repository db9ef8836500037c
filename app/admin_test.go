package app_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
)

// TestAProbeOfTheOperatorsIsNeverAmongTheCrowd: where phones ask there is no place for one
// more, and where operators ask the server is alive and ready.
func TestAProbeOfTheOperatorsIsNeverAmongTheCrowd(t *testing.T) {
	cfg := settings(t)
	cfg.Admin = free(t)
	a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test", HTTP: api.Limits{Conns: 4}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(t.Context())
	ln, stop, ended := serve(t, a)
	var crowd []net.Conn
	for range 4 + 256 {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		crowd = append(crowd, c)
	}
	if status, body := told(t, ln.Addr().String()); status != http.StatusServiceUnavailable || !strings.Contains(body, `"overloaded"`) {
		t.Errorf("phones: %d %s", status, body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, "http://"+cfg.Admin+path); status != http.StatusOK || body != `{"status":"ok"}` {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if _, text := get(t, "http://"+cfg.Admin+"/metrics"); !strings.Contains(text, "lumbung_http_refused_connections_total 1\n") {
		t.Errorf("no connection was counted:\n%s", text)
	}
	for _, path := range []string{"/healthz/x", "/v1/me", "/version"} {
		if status, _ := get(t, "http://"+cfg.Admin+path); status != http.StatusNotFound {
			t.Errorf("%s is answered %d where operators ask", path, status)
		}
	}
	a.API.Drain()
	if status, body := get(t, "http://"+cfg.Admin+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, `"draining"`) {
		t.Errorf("about to stop: %d %s", status, body)
	}
	for _, c := range crowd[:3] { // and they are still served
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("one of the crowd: %s", resp.Status)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// told is what a server says to who has only come in: before it has read anything, which a
// client of net/http takes for an answer to nobody.
func told(t *testing.T, address string) (status int, body string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
