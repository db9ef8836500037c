package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Weather is what happens to one exchange.
type Weather uint8

// The weathers. NoNetwork is the one of a valley; the others are those of a
// road with a signal that comes and goes.
const (
	Fair Weather = iota
	NoNetwork
	RequestLost // the server never hears of it
	AnswerLost  // the server has done it, the phone does not know
	AnswerCut   // half of the answer arrives
	SentTwice   // the network repeats the request
)

// errNoNetwork is what a phone hears in bad weather.
var errNoNetwork = errors.New("no network")

// Sky is the network in front of one phone. It is an http.RoundTripper.
type Sky struct {
	next   http.RoundTripper
	repeat int
	late   bool                 // a copy of each sync arrives once more, behind the next one
	kept   func() *http.Request // that copy

	// Draw says what happens to the next exchange; nil: fair.
	Draw func() Weather
	// Count is what went through so far.
	Count Count
}

// Count counts what went through.
type Count struct {
	Requests int // that left the phone
	Edits    int // in them, repetitions too
	Lost     int // answers, and requests, that did not arrive whole
	Twice    int // requests that arrived more than once
}

func (c *Count) add(o Count) {
	c.Requests += o.Requests
	c.Edits += o.Edits
	c.Lost += o.Lost
	c.Twice += o.Twice
}

// RoundTrip implements http.RoundTripper.
func (s *Sky) RoundTrip(r *http.Request) (*http.Response, error) {
	weather := Fair
	if s.Draw != nil {
		weather = s.Draw()
	}
	if weather == NoNetwork {
		return nil, errNoNetwork
	}
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	times := 1
	if strings.HasPrefix(r.URL.Path, "/v1/sync") {
		s.Count.Edits += editsIn(body)
		times = max(s.repeat, 1)
	}
	if weather == SentTwice {
		times = max(times, 2)
	}
	s.Count.Requests++
	if weather == RequestLost {
		s.Count.Lost++
		return nil, errNoNetwork
	}
	if times > 1 {
		s.Count.Twice++
	}
	var resp *http.Response
	for range times {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		if resp, err = s.heard(again); err != nil {
			return nil, err
		}
	}
	s.straggle(r, body)
	return s.spoil(resp, weather)
}

// straggle lets the copy of the sync before this one arrive, whose answer nobody hears,
// and keeps a copy of this one.
func (s *Sky) straggle(r *http.Request, body []byte) {
	if !s.late || !strings.HasPrefix(r.URL.Path, "/v1/sync") {
		return
	}
	if s.kept != nil {
		again := s.kept()
		again.Header.Set("Authorization", r.Header.Get("Authorization")) // its own may be too old by now for the server to read it
		if resp, err := s.heard(again); err == nil {                     // or it is lost
			_ = resp.Body.Close() // read whole by now
			s.Count.Twice++
		}
	}
	s.kept = func() *http.Request {
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again
	}
}

// heard carries a request to the server and reads the whole answer.
func (s *Sky) heard(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, err
}

func (s *Sky) spoil(resp *http.Response, weather Weather) (*http.Response, error) {
	switch weather {
	case AnswerLost:
		s.Count.Lost++
		return nil, errNoNetwork
	case AnswerCut:
		s.Count.Lost++
		answer, err := io.ReadAll(resp.Body)
		resp.Body = Cut(answer, len(answer)/2)
		return resp, err
	}
	return resp, nil
}

// Cut is an answer of which n bytes arrive before the connection breaks.
func Cut(answer []byte, n int) io.ReadCloser {
	return io.NopCloser(io.MultiReader(bytes.NewReader(answer[:n]), broken{}))
}

// Whole is an answer that arrives.
func Whole(answer []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(answer)) }

type broken struct{}

// Read breaks.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

func editsIn(body []byte) int {
	var req protocol.Request
	if json.Unmarshal(body, &req) != nil {
		return 0
	}
	n := 0
	for _, p := range req.Push {
		n += len(p.Mutations)
	}
	return n
}
