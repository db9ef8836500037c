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

// post sends one request and gives the answer's status and its body, unpacked if keep
// is set. encoding is what the client reads beside plain text; "" is none.
func (w *wire) post(path, token, encoding string, body []byte, keep bool) (status int, answer []byte, err error) {
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
		return 0, nil, err
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return resp.StatusCode(), nil, fmt.Errorf("%s was answered %d: %s", path, resp.StatusCode(), resp.Body())
	}
	if keep {
		answer, err = unpacked(string(resp.Header.ContentEncoding()), resp.Body())
	}
	return resp.StatusCode(), answer, err
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
