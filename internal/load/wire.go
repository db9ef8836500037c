package load

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// wire is a number of connections to a server, whose bytes are counted.
type wire struct {
	client    fasthttp.HostClient
	base      string
	sent, got atomic.Int64
}

// counted counts what goes over a connection.
type counted struct {
	net.Conn
	w *wire
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.w.got.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.w.sent.Add(int64(n))
	return n, err
}

func dial(address string, connections int) *wire {
	w := &wire{base: "http://" + address}
	w.client = fasthttp.HostClient{Addr: address, MaxConns: connections, ReadTimeout: time.Minute, WriteTimeout: time.Minute, MaxIdleConnDuration: time.Minute,
		NoDefaultUserAgentHeader: true, MaxResponseBodySize: 64 << 20,
		Dial: func(addr string) (net.Conn, error) {
			c, err := net.DialTimeout("tcp", addr, 10*time.Second)
			return counted{c, w}, err
		}}
	return w
}

// answer is what came back, unpacked.
type answer struct {
	status int
	after  string // Retry-After
	body   []byte
}

// send sends one request. encoding is what the client reads beside plain text; "" is
// none. The body is left out unless keep is set.
func (w *wire) send(path, token, encoding string, body []byte, keep bool) (a answer, err error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI(w.base + path)
	req.Header.SetContentType("application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if encoding != "" {
		req.Header.Set("Accept-Encoding", encoding)
	}
	req.SetBodyRaw(body)
	if err := w.client.Do(req, resp); err != nil {
		return a, err
	}
	a = answer{status: resp.StatusCode(), after: string(resp.Header.Peek("Retry-After"))}
	if keep || a.status != fasthttp.StatusOK {
		a.body, err = unpacked(string(resp.Header.ContentEncoding()), resp.Body())
	}
	return a, err
}

// get asks without a proof.
func (w *wire) get(path string) (status int, err error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(w.base + path)
	err = w.client.Do(req, resp)
	return resp.StatusCode(), err
}

// post is send for who is answered 200 or gives up.
func (w *wire) post(path, token, encoding string, body []byte, keep bool) ([]byte, error) {
	a, err := w.send(path, token, encoding, body, keep)
	if err == nil && a.status != fasthttp.StatusOK {
		err = fmt.Errorf("%s was answered %d: %s", path, a.status, a.body)
	}
	return a.body, err
}

func unpacked(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "gzip":
		return fasthttp.AppendGunzipBytes(nil, body)
	case "zstd":
		z, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return z.DecodeAll(body, nil)
	}
	return append([]byte(nil), body...), nil
}
