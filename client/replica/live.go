package replica

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Live hears from the server that something moved, so that a phone in a good
// network need not ask. It only wakes: what moved, a Sync finds out. When it
// hears nothing, for whatever reason, the phone is as it was without it.
type Live struct {
	HTTP  *HTTP
	Greet time.Duration // how long the first event of a stream may take before somebody on the way is taken to hold it back; 10 s
	Again time.Duration // when such a network is tried again; 30 min
	Rand  *rand.Rand    // of the pauses; may be nil
}

// Pauses of Live.
const (
	greetTime  = 10 * time.Second
	againTime  = 30 * time.Minute
	pollPause  = 2 * time.Second  // after a long poll that told something, until the sync has moved the cursor
	blindPause = 30 * time.Second // when the cursor is too long to send
	waitTime   = 20 * time.Second
)

// longestCursor is the length up to which a cursor fits into an address.
const longestCursor = 6000

// errHeld says that streams do not come through: refused, or held back.
var errHeld = errors.New("streams do not come through")

// Run listens until ctx ends and returns nil then. It sends to wake, which must
// have room for one, when the phone lacks something: give the same channel to
// Client.Run. Streams that end or break are opened anew, with growing pauses; in a
// network without streams it polls.
func (l *Live) Run(ctx context.Context, wake chan<- struct{}) error {
	x := &listening{Live: l, wake: wake, retry: Retry{Rand: l.Rand}}
	held := false
	again := time.NewTimer(0)
	<-again.C
	defer again.Stop()
	for {
		var pause time.Duration
		var err error
		if held {
			pause, err = x.poll(ctx)
		} else {
			pause, err = x.stream(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errHeld) && !held:
			held = true
			again.Reset(or(l.Again, againTime))
			continue
		case errors.Is(err, errHeld):
			pause = or(l.Again, againTime) // neither comes through: the phone asks by itself
		case err != nil:
			pause = max(x.retry.Next(), askedPause(err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-again.C:
			held = false
			timer.Stop()
		case <-timer.C:
		}
	}
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

func askedPause(err error) time.Duration {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.After
	}
	return 0
}

// listening is a Live at work.
type listening struct {
	*Live
	wake   chan<- struct{}
	retry  Retry
	silent int // streams in a row that ended before their first event
}

// mostSilent is how many such streams are an accident.
const mostSilent = 2

// rouse wakes the phone.
func (x *listening) rouse() {
	select {
	case x.wake <- struct{}{}:
	default: // it is told already
	}
}

// hear wakes the phone if it lacks what the news are about.
func (x *listening) hear(news ...protocol.News) error {
	for _, n := range news {
		lacks, err := x.HTTP.Phone.lacks(n)
		if err != nil {
			return err
		}
		if lacks {
			x.rouse()
			return nil
		}
	}
	return nil
}

// lacks reports whether a sync would bring something.
func (c *Client) lacks(n protocol.News) (lacks bool, err error) {
	err = c.Local.View(func(r Reader) error {
		s, has := readJSON[scopeState](r, scopeBucket, n.Scope)
		if lacks = !has || s.Generation != n.Generation || s.Cut < n.Seq; n.Gone {
			lacks = has
		}
		return nil
	})
	return lacks, err
}

// path is the address of a resource with the phone's cursor, if that fits.
func (x *listening) path(resource string, more url.Values) (path string, blind bool, err error) {
	err = x.HTTP.Phone.Local.View(func(r Reader) error {
		cursor := x.HTTP.Phone.readMeta(r).Cursor
		if blind = cursor == "" || len(cursor) > longestCursor; !blind {
			more.Set("cursor", cursor)
		}
		return nil
	})
	return resource + "?" + more.Encode(), blind, err
}

// poll asks once, and gives the pause until the next time.
func (x *listening) poll(ctx context.Context) (time.Duration, error) {
	long := waitTime
	if t := x.HTTP.Client.Timeout; t > 0 {
		long = max(min(long, t/2), time.Second)
	}
	path, blind, err := x.path("/v1/sync/wait", url.Values{"timeout_s": {fmt.Sprint(int(long.Seconds()))}})
	if err != nil {
		return 0, err
	}
	var w protocol.Waited
	if err := x.HTTP.Call(ctx, http.MethodGet, path, nil, nil, &w); err != nil {
		switch fault.KindOf(err) {
		case fault.NotFound, fault.Conflict, fault.Unreadable:
			return 0, errors.Join(errHeld, err)
		}
		return 0, err
	}
	x.retry.Reset()
	switch {
	case blind:
		return blindPause, x.hear(w.News...)
	case len(w.News) > 0:
		return pollPause, x.hear(w.News...)
	}
	return 0, nil
}

// stream opens one stream and reads it to its end. It gives the pause that the
// server asked for.
func (x *listening) stream(ctx context.Context) (time.Duration, error) {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	path, _, err := x.path("/v1/sync/live", url.Values{})
	if err != nil {
		return 0, err
	}
	watch := time.AfterFunc(or(x.Greet, greetTime), cut)
	defer watch.Stop()
	resp, err := x.open(ctx, path)
	if err == nil {
		defer resp.Body.Close()
		return x.read(resp.Body, watch)
	}
	if ctx.Err() != nil { // the time to greet is over, and not even headers came
		return 0, x.ungreeted(err)
	}
	return 0, err
}

// ungreeted is the error of a stream that ended before its first event: an
// accident, or a network that lets none through.
func (x *listening) ungreeted(err error) error {
	if x.silent++; x.silent < mostSilent {
		return err
	}
	x.silent = 0
	return errors.Join(errHeld, err)
}

// open asks for a stream. The client's own timeout would end it.
func (x *listening) open(ctx context.Context, path string) (resp *http.Response, err error) {
	patient := *x.HTTP.Client
	patient.Timeout = 0
	err = x.HTTP.authorised(ctx, func(token string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.HTTP.Base+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Accept-Language", x.HTTP.Language)
		req.Header.Set("Authorization", "Bearer "+token)
		if resp, err = patient.Do(req); err != nil {
			return &fault.Error{Kind: fault.Transient, Code: "network", Text: "no stream", Cause: err}
		}
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		defer resp.Body.Close()
		return readAnswer(resp, nil)
	})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Conflict, fault.Unreadable:
		err = errors.Join(errHeld, err)
	}
	if err == nil && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		err = errors.Join(errHeld, foreign(), resp.Body.Close())
	}
	return resp, err
}

// read reads events until the stream ends. watch cuts it when it is silent for
// too long.
func (x *listening) read(body io.Reader, watch *time.Timer) (time.Duration, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 512), 1<<16)
	name, silence, greeted := "", or(x.Greet, greetTime), false
	for lines.Scan() {
		if greeted {
			watch.Reset(silence)
		}
		line := lines.Text()
		if kind, ok := strings.CutPrefix(line, "event:"); ok {
			name = strings.TrimSpace(kind)
		}
		data, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		switch name {
		case "hello":
			var h protocol.Hello
			if json.Unmarshal([]byte(data), &h) != nil || h.Heartbeat <= 0 {
				continue
			}
			greeted, silence = true, 2*time.Duration(min(h.Heartbeat, 3600))*time.Second
			watch.Reset(silence)
			x.retry.Reset()
			x.silent = 0
		case "scope":
			var n protocol.News
			if json.Unmarshal([]byte(data), &n) != nil || n.Scope == "" {
				continue
			}
			if err := x.hear(n); err != nil {
				return 0, err
			}
		case "bye":
			return x.bye(data), nil
		}
	}
	broke := &fault.Error{Kind: fault.Transient, Code: "network", Text: "stream broke", Cause: lines.Err()}
	if !greeted {
		return 0, x.ungreeted(broke)
	}
	return 0, broke
}

// bye takes the server's reason for the end. What it means for the session, a
// sync learns.
func (x *listening) bye(data string) time.Duration {
	var b protocol.Bye
	if json.Unmarshal([]byte(data), &b) != nil {
		return x.retry.Next()
	}
	if b.Reason == "session_revoked" || b.Reason == "account_suspended" {
		x.rouse()
	}
	return min(max(0, time.Duration(b.Retry)*time.Millisecond), 10*time.Minute)
}
