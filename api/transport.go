package api

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"

	"github.com/valyala/fasthttp"
)

// Handler answers one request of the HTTP library below.
func (s *Server) Handler() fasthttp.RequestHandler { return s.app.Handler() }

// RoundTrip answers r in this process, without a socket: through the same
// middleware and handlers as a request from outside, from the address in
// r.RemoteAddr. It makes a Server the transport of an http.Client. A live stream
// goes on until r's context ends or its body is closed.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var req fasthttp.Request
	req.Header.SetMethod(r.Method)
	req.SetRequestURI(r.URL.RequestURI())
	req.Header.SetHost(r.URL.Host)
	for name, values := range r.Header {
		for _, v := range values {
			req.Header.Add(name, v)
		}
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		req.SetBodyRaw(body)
	}
	addr, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	if err != nil || r.RemoteAddr == "" {
		addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, addr, nil)
	s.Handler()(&ctx)
	out := answer(r, &ctx.Response)
	if st, ok := ctx.UserValue(streamKey{}).(*stream); ok {
		near, far := net.Pipe()
		out.Body, out.ContentLength = piped{near, context.AfterFunc(r.Context(), func() { closeQuietly(near) })}, -1
		st.start(far, nil, false)
	}
	return out, nil
}

// piped is the body of a live stream in this process.
type piped struct {
	net.Conn
	stop func() bool
}

func (p piped) Close() error {
	p.stop()
	return p.Conn.Close()
}

func answer(r *http.Request, from *fasthttp.Response) *http.Response {
	body := bytes.Clone(from.Body())
	out := &http.Response{StatusCode: from.StatusCode(), Status: http.StatusText(from.StatusCode()), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r}
	from.Header.VisitAll(func(name, value []byte) { out.Header.Add(string(name), string(value)) })
	return out
}
