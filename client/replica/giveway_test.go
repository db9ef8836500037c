package replica_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// gate is a server that answers each scope as it is told to, and sees to it that
// nothing of a scope overtakes what stands before it in the outbox.
type gate struct {
	*hand
	answer map[string]merge.Outcome // by scope; absent: applied
	most   int                      // edits that it takes at a time; 0: any
	asked  int                      // requests it has answered
	next   map[string]uint64        // the number that each scope must send next
}

func gateOf(h *hand) *gate {
	g := &gate{hand: h, answer: map[string]merge.Outcome{}, next: map[string]uint64{}}
	h.Server = server(g.serve)
	return g
}

func (g *gate) serve(req protocol.Request) (*protocol.Response, error) {
	sent := 0
	for _, p := range req.Push {
		sent += len(p.Mutations)
	}
	if g.most > 0 && sent > g.most {
		return nil, &fault.Error{Kind: fault.TooLarge, Code: "too_many_mutations"}
	}
	g.asked++
	resp := &protocol.Response{Now: "2022-05-05T02:30:00.000Z"}
	for _, p := range req.Push {
		outcome := g.answer[p.Scope]
		if outcome == "" {
			outcome = merge.Applied
		}
		for i, raw := range p.Mutations {
			n := merge.ReadItem(p.Scope, p.Device, i, raw).Mutation.N
			if want := g.next[p.Scope] + uint64(i) + 1; n != want {
				g.Errorf("request %d: number %d of %s comes where %d stands next", g.asked, n, p.Scope, want)
			}
			resp.Verdicts = append(resp.Verdicts, protocol.Verdict{Scope: p.Scope, Device: p.Device, Incarnation: p.Incarnation, N: n, Verdict: outcome, Seq: 1})
		}
		if outcome.Final() {
			g.next[p.Scope] += uint64(len(p.Mutations))
		}
	}
	return resp, nil
}

// waits counts what a scope has not sent.
func (g *gate) waits(scope string) (n int) {
	all, err := g.Unsent()
	g.ok(err)
	for _, u := range all {
		if u.Scope == scope {
			n++
		}
	}
	return n
}

// fill keeps edits of a scope that one request does not hold.
func (h *hand) fill(scope string) int {
	h.Helper()
	const edits, each = 11, 60_000
	for range edits {
		_, err := h.Do(replica.Edit{Scope: scope, Collection: "product", Set: map[string]merge.Value{"name": merge.Str(strings.Repeat("x", each))}})
		h.ok(err)
	}
	return edits
}

func scopes(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("business/018099a2-f7c0-7d3e-8f0a-%012d", i))
	}
	return out
}

// TestAgainGivesWayToOtherScopes: more edits than a request holds are answered
// again, or belong to somebody else; those of other scopes behind them are sent
// all the same, and once the server takes them, they come in their order.
func TestAgainGivesWayToOtherScopes(t *testing.T) {
	for _, outcome := range []merge.Outcome{merge.Again, merge.OwnerMismatch} {
		h := phone(t, &replica.Memory{})
		g := gateOf(h)
		s := scopes(2)
		held := h.fill(s[0])
		for range 3 {
			_, err := h.Do(replica.Edit{Scope: s[1], Collection: "product"})
			h.ok(err)
		}
		g.answer[s[0]] = outcome
		h.ok(h.Sync(t.Context()))
		if g.waits(s[0]) != held || g.waits(s[1]) != 0 || g.asked > 4 {
			t.Errorf("%s: after %d requests %d of %d wait, and %d of the other scope", outcome, g.asked, g.waits(s[0]), held, g.waits(s[1]))
		}
		delete(g.answer, s[0])
		h.ok(h.Sync(t.Context()))
		if h.unsent() != 0 {
			t.Errorf("%s: %d wait in the end", outcome, h.unsent())
		}
	}
}

// TestWhatPeopleSayOfThemselvesIsSentFirst: what somebody agreed to does not wait behind edits of
// their business that fill a request.
func TestWhatPeopleSayOfThemselvesIsSentFirst(t *testing.T) {
	h := phone(t, &replica.Memory{})
	g := gateOf(h)
	var sent []string
	h.Server = server(func(req protocol.Request) (*protocol.Response, error) {
		for _, p := range req.Push {
			sent = append(sent, p.Scope)
		}
		return g.serve(req)
	})
	h.fill(shop)
	_, err := h.Do(replica.Edit{Scope: merge.UserScope(me), Collection: "consent", Set: map[string]merge.Value{"user_id": merge.Str(me), "purpose": merge.Str("curation"), "granted": merge.Flag(true), "text_version": merge.Str("2022-01-01")}})
	h.ok(err)
	h.ok(h.Sync(t.Context()))
	if want := []string{merge.UserScope(me), shop, shop}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

// TestAServerThatSaysAgainToEverything: a sync in which every scope gives way ends.
func TestAServerThatSaysAgainToEverything(t *testing.T) {
	h := phone(t, &replica.Memory{})
	g := gateOf(h)
	kept := 0
	for _, s := range scopes(4) {
		kept += h.fill(s)
		g.answer[s] = merge.Again
	}
	h.ok(h.Sync(t.Context()))
	if g.asked > 5 || h.unsent() != kept {
		t.Errorf("%d requests, %d of %d wait", g.asked, h.unsent(), kept)
	}
}

// TestWhatIsTakenIsAlwaysSent: of many scopes in a drawn order, some are answered
// again. One sync sends all of the others, in order.
func TestWhatIsTakenIsAlwaysSent(t *testing.T) {
	for seed := uint64(0); seed < 15; seed += stride {
		r := rand.New(rand.NewPCG(seed, 3))
		h := phone(t, &replica.Memory{})
		g := gateOf(h)
		g.most = 4
		all := scopes(5)
		for _, s := range all {
			if r.IntN(2) == 0 {
				g.answer[s] = merge.Again
			}
		}
		for range 10 + r.IntN(10) {
			s := all[r.IntN(len(all))]
			for range 1 + r.IntN(7) {
				_, err := h.Do(replica.Edit{Scope: s, Collection: "product"})
				h.ok(err)
			}
		}
		before := h.unsent()
		h.ok(h.Sync(t.Context()))
		for _, s := range all {
			if g.answer[s] == "" && g.waits(s) > 0 {
				t.Errorf("seed %d: %d of %s wait", seed, g.waits(s), s)
			}
			before -= g.waits(s) + int(g.next[s])
		}
		if before != 0 || g.asked > 150 {
			t.Errorf("seed %d: %d edits are nowhere, %d requests", seed, before, g.asked)
		}
	}
}

// TestTheUnreadableOneIsPutAside: it is the one that was sent, not the first of
// the outbox.
func TestTheUnreadableOneIsPutAside(t *testing.T) {
	h := phone(t, &replica.Memory{})
	g := gateOf(h)
	s := scopes(2)
	for _, scope := range s {
		_, err := h.Do(replica.Edit{Scope: scope, Collection: "product"})
		h.ok(err)
	}
	g.answer[s[0]] = merge.Again
	h.Server = server(func(req protocol.Request) (*protocol.Response, error) {
		for _, p := range req.Push {
			if p.Scope == s[1] {
				return nil, &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable"}
			}
		}
		return g.serve(req)
	})
	h.ok(h.Sync(t.Context()))
	refused, err := h.Refused()
	h.ok(err)
	if g.waits(s[0]) != 1 || len(refused) != 1 || refused[0].Scope != s[1] {
		t.Errorf("%d wait, refused %+v", g.waits(s[0]), refused)
	}
}
