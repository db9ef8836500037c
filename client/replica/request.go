package replica

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// maxBatch and maxBytes bound one push; a server that takes less makes the
// phone halve the batch.
const (
	maxBatch = 500
	maxBytes = 512 << 10
)

// Ask makes the next request. ticket tells its answer apart from late ones.
// Sync calls Ask and Take; a simulator may call them itself.
func (c *Client) Ask() (req protocol.Request, ticket uint64, err error) { return c.ask(nil) }

func (c *Client) ask(way giveWay) (req protocol.Request, ticket uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.me.User == "" {
		return req, 0, errNobody
	}
	c.asked++
	wall, mono, boot := c.Clock.Read()
	req = protocol.Request{App: c.App, Schema: c.schemaOfRows(), LimitBytes: c.PageBytes,
		Clock: protocol.Reading{Wall: merge.FormatInstant(merge.Millis(max(wall, 0))), Mono: max(mono, 0), Boot: boot}}
	err = c.Local.View(func(r Reader) error {
		m := c.readMeta(r)
		req.Cursor, req.Backup = m.Cursor, m.Backup
		r.Scan(scopeBucket, "", func(scope string, _ []byte) bool {
			if s, _ := readJSON[scopeState](r, scopeBucket, scope); s.AskReset {
				req.Reset = append(req.Reset, scope)
			}
			return true
		})
		c.fill(r, &req, way)
		return nil
	})
	c.remember(req)
	return req, c.asked, wrap("read outbox", err)
}

// lateTickets is how many requests back an answer may still name what it was
// asked under.
const lateTickets = 64

// remember notes under which generations a request was made.
func (c *Client) remember(req protocol.Request) {
	if c.sent == nil {
		c.sent = map[uint64]map[string]string{}
	}
	under := map[string]string{}
	for _, p := range req.Push {
		under[p.Scope] = p.Generation
	}
	c.sent[c.asked] = under
	delete(c.sent, c.asked-lateTickets)
}

// giveWay says of scopes under which generation their edits were sent and not
// answered for good, in one Sync. They give way to those of other scopes, or a
// batch of them would hold up the whole outbox. A scope gives way as a whole:
// what stands behind such an edit must not overtake it.
type giveWay map[string]string

// to reports whether a scope gives way: it does no longer once the phone has
// learned another generation.
func (g giveWay) to(r Reader, scope string) bool {
	under, ok := g[scope]
	if !ok {
		return false
	}
	s, _ := readJSON[scopeState](r, scopeBucket, scope)
	return s.Generation == under
}

// note looks at what became of a request.
func (g giveWay) note(req protocol.Request, resp *protocol.Response) {
	for _, p := range req.Push {
		answered := 0
		for _, v := range resp.Verdicts {
			if v.Scope == p.Scope && v.Device == p.Device && v.Incarnation == p.Incarnation && v.N > 0 && moves(v) {
				answered++
			}
		}
		if answered < len(p.Mutations) {
			g[p.Scope] = p.Generation
		}
	}
}

// fill puts the oldest unsent edits into the request, in order: those of the person's own scope
// first, so that what they agreed to is not sent behind what they agreed to it for; those of scopes
// that give way last.
func (c *Client) fill(r Reader, req *protocol.Request, way giveWay) {
	me := c.readMeta(r).Me.User
	waiting := entries(r, func(e *entry) bool { return e.State == unsent && e.User == me })
	if len(waiting) > 0 {
		req.Outbox = &protocol.Outbox{Count: len(waiting), Oldest: merge.FormatInstant(waiting[0].Mutation.At.Wall)}
	}
	var own, first, last []*entry
	for _, e := range waiting {
		switch {
		case way.to(r, e.Scope):
			last = append(last, e)
		case e.Scope == merge.UserScope(me):
			own = append(own, e)
		default:
			first = append(first, e)
		}
	}
	waiting = slices.Concat(own, first, last)
	size := 0
	for i, e := range waiting {
		size += len(e.Raw)
		if i > 0 && (i >= c.batch || size > maxBytes) {
			return
		}
		c.put(r, req, e)
	}
}

func (c *Client) put(r Reader, req *protocol.Request, e *entry) {
	i := slices.IndexFunc(req.Push, func(p protocol.Part) bool {
		return p.Scope == e.Scope && p.Incarnation == e.Incarnation && p.Device == e.Device
	})
	// A part may only grow while it is the last one of its scope: order inside a
	// scope is the order of the outbox.
	last := -1
	for j, p := range req.Push {
		if p.Scope == e.Scope {
			last = j
		}
	}
	if i < 0 || i != last {
		s, _ := readJSON[scopeState](r, scopeBucket, e.Scope)
		req.Push = append(req.Push, protocol.Part{Scope: e.Scope, Device: e.Device, Incarnation: e.Incarnation, Generation: s.Generation})
		i = len(req.Push) - 1
	}
	req.Push[i].Mutations = append(req.Push[i].Mutations, e.Raw)
}
