package replica_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

const (
	me    = "018099a2-f7c0-7d3e-8f0a-00000000000a"
	other = "018099a2-f7c0-7d3e-8f0a-00000000000b"
	shop  = "business/018099a2-f7c0-7d3e-8f0a-00000000000c"
	item  = "018099a2-f7c0-7d3e-8f0a-000000000001"
	gen   = "1.aa"
)

// hand is a phone whose server is the test.
type hand struct {
	*testing.T
	*replica.Client
	clock *clock.Fixed
	asked protocol.Request // by the last Ask
	seen  uint64           // its ticket
}

// Read implements replica.Clock.
func (h *hand) Read() (wall, mono int64, boot string) {
	ms := h.clock.Now().UnixMilli()
	return ms, ms % (1 << 30), "boot"
}

func schema(t *testing.T) *merge.Schema {
	t.Helper()
	s, err := domain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// phone gives a phone of me on a fresh database.
func phone(t *testing.T, local replica.Local) *hand {
	t.Helper()
	h := wake(t, local)
	h.ok(h.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-1"}))
	return h
}

// wake starts the app on a database.
func wake(t *testing.T, local replica.Local) *hand {
	t.Helper()
	h := &hand{T: t, clock: clock.At(time.Date(2022, 5, 5, 2, 0, 0, 0, time.UTC))}
	h.Client = &replica.Client{Local: local, Schema: schema(t), Clock: h, IDs: id.Maker{Clock: h.clock, Rand: rand.NewChaCha8([32]byte{1})}, App: "1.4.2"}
	h.ok(h.Open())
	return h
}

func (h *hand) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// each runs a test on both databases of the house.
func each(t *testing.T, do func(t *testing.T, local replica.Local)) {
	t.Run("memory", func(t *testing.T) { do(t, &replica.Memory{}) })
	t.Run("sqlite", func(t *testing.T) {
		l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "phone.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		do(t, l)
	})
}

// edit keeps an edit of a product; an empty id makes one.
func (h *hand) edit(recordID string, price int) string {
	h.Helper()
	h.clock.Advance(time.Second)
	recordID, err := h.Do(replica.Edit{Scope: shop, Collection: "product", ID: recordID, Set: map[string]merge.Value{"price_idr": merge.Encode(price)}})
	h.ok(err)
	return recordID
}

// ask makes a request and gives the mutations in it, in order.
func (h *hand) ask() []merge.Item {
	h.Helper()
	req, ticket, err := h.Ask()
	h.ok(err)
	h.asked, h.seen = req, ticket
	var out []merge.Item
	for _, p := range req.Push {
		for i, raw := range p.Mutations {
			it := merge.ReadItem(p.Scope, p.Device, i, raw)
			if it.Bad != nil {
				h.Fatalf("the phone sends what does not read: %v in %s", it.Bad, raw)
			}
			out = append(out, it)
		}
	}
	return out
}

// take answers the last request.
func (h *hand) take(resp protocol.Response) {
	h.Helper()
	h.answer(h.seen, resp)
}

func (h *hand) answer(ticket uint64, resp protocol.Response) {
	h.Helper()
	if resp.Now == "" {
		resp.Now = "2022-05-05T02:30:00.000Z"
	}
	h.ok(h.Take(ticket, &resp))
}

// told answers the last request with one verdict for everything in it.
func (h *hand) told(outcome merge.Outcome, seq merge.Seq) protocol.Response {
	var resp protocol.Response
	for _, p := range h.asked.Push {
		for i, raw := range p.Mutations {
			v := protocol.Verdict{Scope: p.Scope, Device: p.Device, Incarnation: p.Incarnation, N: merge.ReadItem(p.Scope, p.Device, i, raw).Mutation.N, Verdict: outcome, Seq: seq}
			if outcome == merge.Rejected {
				v.Code = "forbidden"
			}
			resp.Verdicts = append(resp.Verdicts, v)
		}
	}
	return resp
}

func row(recordID string, version merge.Seq, price int) protocol.Row {
	return protocol.Row{Scope: shop, Collection: "product", ID: recordID, Version: version, Fields: json.RawMessage(fmt.Sprintf(`{"name":"Keripik","price_idr":%d}`, price))}
}

// cut says that rows bring the shop to a complete cut at seq.
func cut(seq merge.Seq, rows ...protocol.Row) protocol.Response {
	var sum uint64
	for _, r := range rows {
		if !r.Deleted {
			sum += merge.Sum(merge.Key{Collection: r.Collection, ID: r.ID}, r.Version)
		}
	}
	return protocol.Response{Changes: rows, Cursor: fmt.Sprint("cursor-", seq), Scopes: map[string]protocol.Scope{shop: {Generation: gen, Seq: seq, Hash: protocol.FormatHash(sum)}}}
}

// have lets the phone fetch rows, as of a complete cut.
func (h *hand) have(seq merge.Seq, rows ...protocol.Row) {
	h.Helper()
	h.ask()
	h.take(cut(seq, rows...))
}

// shows is the price on the screen; -1 if the record is not there.
func (h *hand) shows(recordID string) int64 {
	h.Helper()
	r, ok, err := h.Row(shop, "product", recordID)
	h.ok(err)
	if !ok {
		return -1
	}
	return r.Int("price_idr")
}

func (h *hand) unsent() int {
	h.Helper()
	all, err := h.Unsent()
	h.ok(err)
	return len(all)
}

// kept lists the outbox.
func (h *hand) kept() []replica.Kept {
	h.Helper()
	all, err := h.Outbox()
	h.ok(err)
	return all
}

// server is a replica.Server made of a function.
type server func(protocol.Request) (*protocol.Response, error)

// Sync implements replica.Server.
func (s server) Sync(_ context.Context, r protocol.Request) (*protocol.Response, error) { return s(r) }

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}
