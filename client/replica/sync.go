package replica

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// maxRounds bounds one Sync; a healthy one needs as many rounds as there are
// pages and batches.
const maxRounds = 10_000

// Sync talks to the server until everything is sent and everything is here. It
// may be called at any time and gives up at the first error: what was done
// until then stands, and the next Sync goes on from there. Edits that the server
// answers with again are left for the next Sync; they hold up no other scope.
//
// Errors: those of Server. Whatever the error, the outbox is kept.
func (c *Client) Sync(ctx context.Context) error {
	way := giveWay{}
	for range maxRounds {
		more, err := c.round(ctx, way)
		if err != nil || !more {
			return err
		}
	}
	return &fault.Error{Kind: fault.Transient, Code: "sync_unfinished", Text: "sync does not come to an end"}
}

// round is one exchange. more says that another one has something to do.
func (c *Client) round(ctx context.Context, way giveWay) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	req, ticket, err := c.ask(way)
	if err != nil {
		return false, err
	}
	sent := 0
	for _, p := range req.Push {
		sent += len(p.Mutations)
	}
	resp, err := c.Server.Sync(ctx, req)
	switch k := fault.KindOf(err); {
	case err != nil && sent > 0 && (k == fault.TooLarge || k == fault.Unreadable):
		return true, c.shrink(req, sent, err)
	case err != nil:
		return false, wrap("sync", err)
	}
	if err := c.Take(ticket, resp); err != nil {
		return false, err
	}
	c.grow()
	way.note(req, resp)
	left, err := c.left(req, way)
	if err != nil {
		return false, err
	}
	progress := sent > 0 && slices.ContainsFunc(resp.Verdicts, moves)
	return resp.More || len(resp.Reset) > 0 || left.asks || left.learned || left.free || (left.unsent > 0 && progress), nil
}

// moves reports whether a verdict moves an edit on: it need not be sent again
// under the name it had.
func moves(v verdict) bool { return v.Verdict.Final() || v.Verdict == merge.Rekey }

// left is what another round would have to do.
type left struct {
	unsent  int
	asks    bool // a scope whose hash did not match
	learned bool // a part named a generation that the phone has since found to be another
	free    bool // an edit that was not in the request, of a scope that gives way to nobody
}

func (c *Client) left(req protocol.Request, way giveWay) (l left, err error) {
	sent := map[string]bool{}
	for _, p := range req.Push {
		for _, raw := range p.Mutations {
			sent[key(p.Scope, p.Incarnation, string(raw))] = true
		}
	}
	err = c.Local.View(func(r Reader) error {
		me := c.readMeta(r).Me.User
		for _, e := range entries(r, func(e *entry) bool { return e.State == unsent && e.User == me }) {
			l.unsent++
			l.free = l.free || !sent[key(e.Scope, e.Incarnation, string(e.Raw))] && !way.to(r, e.Scope)
		}
		r.Scan(scopeBucket, "", func(scope string, _ []byte) bool {
			s, _ := readJSON[scopeState](r, scopeBucket, scope)
			l.asks = l.asks || s.AskReset
			return true
		})
		for _, p := range req.Push {
			s, ok := readJSON[scopeState](r, scopeBucket, p.Scope)
			l.learned = l.learned || ok && s.Generation != p.Generation
		}
		return nil
	})
	return l, err
}

// shrink halves the batch after the server could not read an envelope. A batch
// of one that still fails is kept on the phone, out of the way of the others;
// but not if it was somebody on the way who refused it.
func (c *Client) shrink(req protocol.Request, sent int, cause error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sent > 1 {
		c.batch = max(sent/2, 1)
		return nil
	}
	if fault.CodeOf(cause) == "network" {
		return cause
	}
	part := req.Push[0]
	return c.Local.Update(func(w Writer) error {
		for _, e := range entries(w, func(e *entry) bool {
			return e.State == unsent && e.Scope == part.Scope && e.Incarnation == part.Incarnation && string(e.Raw) == string(part.Mutations[0])
		}) {
			e.State, e.Code = stuck, "unreadable"
			e.write(w)
		}
		return nil
	})
}

func (c *Client) grow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batch = min(c.batch*2, maxBatch)
}

// Retry says how long to wait after failures: doubling from 2 s to 10 min, with
// a random half of jitter, so that a thousand phones do not come back at once.
type Retry struct {
	failures int
	Rand     *rand.Rand // may be nil
}

// Next is the wait after one more failure.
func (r *Retry) Next() time.Duration {
	const first, most = 2 * time.Second, 10 * time.Minute
	d := most
	if r.failures < 9 {
		d = min(first<<r.failures, most)
	}
	r.failures++
	half := int64(d / 2)
	if r.Rand != nil {
		return time.Duration(half + r.Rand.Int64N(half+1))
	}
	return time.Duration(half + rand.Int64N(half+1))
}

// Reset forgets failures after a success.
func (r *Retry) Reset() { r.failures = 0 }

// Run syncs now, whenever wake is sent to, and when the server said to ask again, or
// after pause if it did not, until ctx ends. How each sync went is told to report,
// which may be nil; after an error the next one comes after growing pauses, and not
// before the server wants it.
func (c *Client) Run(ctx context.Context, wake <-chan struct{}, pause time.Duration, report func(error)) error {
	var retry Retry
	for {
		wait := pause
		err := c.Sync(ctx)
		if err != nil {
			wait = max(retry.Next(), askedPause(err))
		} else {
			retry.Reset()
			wait = or(c.asksIn(), pause)
		}
		if report != nil && ctx.Err() == nil {
			report(err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// asksIn is what the last answer said of when to ask again; 0 if nothing.
func (c *Client) asksIn() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll
}
