package syncer_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// schema is a catalogue small enough to see through: things in a box, and who
// may open it.
func schema(t testing.TB) *merge.Schema {
	all := []merge.Role{merge.Owner, merge.Staff, merge.Mentor}
	text := merge.Type{Kind: merge.Text, Max: 200}
	server := func(names ...string) (f []merge.Field) {
		for _, n := range names {
			f = append(f, merge.Field{Name: n, Type: text})
		}
		return f
	}
	s, err := merge.NewSchema(1,
		&merge.Collection{Name: "thing", Scope: "box", Create: all, Delete: all, OnDelete: merge.Keep, Fields: []merge.Field{
			{Name: "note", Type: text, Policy: merge.Latest, Write: all}, {Name: "color", Type: text, Policy: merge.Latest, Write: all},
			{Name: "label", Type: text, Policy: merge.Latest, Write: all, Unique: "label_taken"}, {Name: "label_taken", Type: text}}},
		&merge.Collection{Name: "member", Scope: "box", Fields: append(server("user", "role"),
			merge.Field{Name: "from", Type: merge.Type{Kind: merge.Int}}, merge.Field{Name: "to", Type: merge.Type{Kind: merge.Int}}), Grant: func(r merge.Row) (merge.Grant, bool) {
			return merge.Grant{ID: r.ID, User: r.Text("user"), Role: merge.Role(r.Text("role")), From: merge.Millis(r.Int("from")), To: merge.Millis(r.Int("to"))}, true
		}},
		&merge.Collection{Name: "journal", Scope: "box"},
		&merge.Collection{Name: "quarantine", Scope: "user",
			Fields: append(server("scope", "collection", "record", "code", "field", "device", "incarnation", "n", "refused_at", "mutation"),
				merge.Field{Name: "resolved", Type: merge.Type{Kind: merge.Bool}, Policy: merge.Latest, Write: []merge.Role{merge.Self}})},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is an engine on a real database, with phones that call it directly.
type world struct {
	*syncer.Engine
	t     testing.TB
	clock *clock.Fixed
}

func newWorld(t testing.TB) *world {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "lumbung.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return worldOn(t, db)
}

func worldOn(t testing.TB, s store.Store) *world {
	c := clock.At(time.Date(2022, 4, 2, 1, 0, 0, 0, time.UTC))
	e := &syncer.Engine{Store: s, Schema: schema(t), Clock: c, IDs: id.Maker{Clock: c, Rand: rand.NewChaCha8([32]byte{1})},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Steps: quietly()}
	return &world{Engine: e, t: t, clock: c}
}

// quietly are the steps of a program whose people have no phones that ring.
func quietly() map[string]func(context.Context, merge.Effect) error {
	none := func(context.Context, merge.Effect) error { return nil }
	return map[string]func(context.Context, merge.Effect) error{domain.StepRing: none, domain.StepApart: none, domain.StepMerged: none}
}

const box = "box/1"

// admit lets a user into the box from now on.
func (w *world) admit(user string, role merge.Role) {
	w.t.Helper()
	w.member(user, role, merge.Millis(w.clock.Now().UnixMilli()), 0)
}

func (w *world) member(user string, role merge.Role, from, to merge.Millis) {
	w.t.Helper()
	k := id.Derive("member", user)
	set := map[string]merge.Value{"user": merge.Str(user), "role": merge.Str(string(role)), "from": merge.Num(from), "to": merge.Num(to)}
	sw := merge.ServerWrite{Name: "member." + user + merge.FormatInstant(to), Role: merge.System, Collection: "member", ID: k, Op: merge.Put, Set: set, Create: to == 0}
	if _, err := w.Write(w.t.Context(), box, sw); err != nil {
		w.t.Fatal(err)
	}
}

// ticking is a phone's clock that shows the world's time, shifted.
type ticking struct {
	at    *clock.Fixed
	shift time.Duration
	boot  string
}

func (c ticking) Read() (wall, mono int64, boot string) {
	now := c.at.Now()
	return now.Add(c.shift).UnixMilli(), now.UnixMilli() - 1_000_000, c.boot
}

// direct calls the engine without a network. before and after may lose or
// repeat what passes.
type direct struct {
	w     *world
	user  string
	calls int
	lose  func(call int) bool // the answer is lost
}

func (d *direct) Sync(ctx context.Context, req protocol.Request) (*protocol.Response, error) {
	d.calls++
	resp, err := d.w.Engine.Sync(ctx, syncer.Caller{User: d.user}, req)
	if err == nil && d.lose != nil && d.lose(d.calls) {
		return nil, errLost
	}
	return resp, err
}

type lost struct{}

func (lost) Error() string { return "answer lost" }

var errLost error = lost{}

// phone is a client of a user.
type phone struct {
	*replica.Client
	t      testing.TB
	server *direct
}

func (w *world) phone(user, device string) *phone {
	d := &direct{w: w, user: user}
	c := &replica.Client{Local: &replica.Memory{}, Server: d, Schema: w.Schema, Clock: ticking{w.clock, 0, "boot"},
		IDs: id.Maker{Clock: w.clock, Rand: rand.NewChaCha8([32]byte([]byte(device + "................................")[:32]))}}
	if err := c.Open(); err != nil {
		w.t.Fatal(err)
	}
	if err := c.Become(replica.Identity{User: user, Device: device, Incarnation: device + "-1"}); err != nil {
		w.t.Fatal(err)
	}
	return &phone{c, w.t, d}
}

func (p *phone) put(recordID string, kv ...string) string {
	p.t.Helper()
	set := map[string]merge.Value{}
	for i := 0; i < len(kv); i += 2 {
		set[kv[i]] = merge.Str(kv[i+1])
	}
	k, err := p.Do(replica.Edit{Scope: box, Collection: "thing", ID: recordID, Set: set})
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

func (p *phone) sync() {
	p.t.Helper()
	if err := p.Sync(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *phone) note(recordID string) string {
	p.t.Helper()
	row, _, err := p.Row(box, "thing", recordID)
	if err != nil {
		p.t.Fatal(err)
	}
	return row.Text("note")
}

func (p *phone) unsent() int {
	p.t.Helper()
	u, err := p.Unsent()
	if err != nil {
		p.t.Fatal(err)
	}
	return len(u)
}

func callerOf(user string) syncer.Caller { return syncer.Caller{User: user} }
