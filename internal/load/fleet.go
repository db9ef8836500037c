package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/id"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// phone is a device with an enterprise of its own and the sales that it wrote down.
type phone struct {
	user              *user
	scope, generation string
	n                 uint64 // mutations so far
	draw              *rand.Rand
	cursor            string // where it stands
	behind            string // where it stood before its last changes
	heard             bool   // has the notice that the results are out
	result            string // of its application, as it has seen it
}

func newPhone(n int) *phone {
	return &phone{user: &user{}, draw: rand.New(rand.NewPCG(1, uint64(n)))}
}

// newID draws an id from the phone's own source, so that a run can be repeated.
func (p *phone) newID() string {
	return id.Maker{Clock: clock.System{}, Rand: (*drawn)(p.draw)}.New()
}

// drawn reads bytes from a source of numbers.
type drawn rand.Rand

func (d *drawn) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte((*rand.Rand)(d).Uint32())
	}
	return len(b), nil
}

func clockNow() protocol.Reading {
	return protocol.Reading{Wall: merge.FormatInstant(merge.Millis(clock.System{}.Now().UnixMilli())), Mono: 1, Boot: "b"}
}

// sale is a sale as an owner types it in: no two of a phone are alike.
func (p *phone) sale() merge.Mutation {
	p.n++
	now := clock.System{}.Now()
	channels, payments := []string{"store", "social_chat", "own_site", "reseller"}, []string{"cash", "transfer", "qris"}
	set := map[string]merge.Value{
		"sold_on":     merge.Str(now.AddDate(0, 0, -p.draw.IntN(80)).Format("2006-01-02")),
		"amount_idr":  merge.Num(500 * int64(1+p.n)),
		"channel":     merge.Str(channels[p.draw.IntN(len(channels))]),
		"payment":     merge.Str(payments[p.draw.IntN(len(payments))]),
		"granularity": merge.Str("single"),
	}
	return merge.Mutation{N: p.n, Schema: 1, Collection: "sales", ID: p.newID(), Op: merge.Put, At: merge.Reading{Wall: merge.Millis(now.UnixMilli()), Mono: 1, Boot: "b"}, Set: set}
}

// batch is a push of so many new sales.
func (p *phone) batch(n int) protocol.Request {
	part := protocol.Part{Scope: p.scope, Device: p.user.login.Device, Incarnation: p.user.login.Incarnation, Generation: p.generation}
	for range n {
		sale := p.sale()
		part.Mutations = append(part.Mutations, sale.WireMutation())
	}
	return protocol.Request{App: "1.4.2", Clock: clockNow(), Push: []protocol.Part{part}}
}

// body is a request as it goes over the wire.
func body(r protocol.Request) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("load: " + err.Error()) // texts and numbers always encode
	}
	return b
}

// pull syncs from a cursor on until there is nothing more. It gives how often a word
// stands in the answers, and where the phone stands then. The generator has a core of
// its own to care for: it decodes nothing.
func (p *phone) pull(w *wire, encoding, cursor, word string) (n int, at string, err error) {
	for more := true; more; {
		text, err := w.post("/v1/sync", p.user.login.Access, encoding, body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: cursor, LimitBytes: 1 << 20}), true)
		if err != nil {
			return n, cursor, err
		}
		n += bytes.Count(text, []byte(word))
		if at := cursorOf(text); at != "" {
			cursor = at
		}
		more = bytes.Contains(text, []byte(`"more":true`))
	}
	return n, cursor, nil
}

// What pull counts: rows, and those of sales.
const (
	anyRow  = `"collection":"`
	saleRow = `"collection":"sales"`
)

func cursorOf(answer []byte) string {
	_, rest, ok := bytes.Cut(answer, []byte(`"cursor":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return ""
	}
	return string(rest[:end])
}

// fleet is everybody: phones that hold nothing yet, and phones that hold records.
type fleet struct{ fresh, full []*phone }

func (f *fleet) all() []*phone { return append(append([]*phone(nil), f.fresh...), f.full...) }

// gather makes phones with the program's own services on the database that the server
// will open, and lets those of full write down their records as pushes of theirs. Only
// the limits against guessing are lifted: everybody logs in from one place.
func gather(ctx context.Context, storeAt, pepper string, fresh, full, records int, tell func(string, ...any)) (*fleet, error) {
	cfg := config.Default()
	cfg.Store, cfg.Pepper, cfg.PublicURL, cfg.TestNumbers = storeAt, pepper, publicURL, map[string]string{}
	for n := range fresh + full {
		cfg.TestNumbers[number(n)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits, HTTP: api.Limits{}})
	if err != nil {
		return nil, err
	}
	f, err := settled(ctx, a, fresh, full, records, tell)
	return f, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
}

func settled(ctx context.Context, a *app.App, fresh, full, records int, tell func(string, ...any)) (*fleet, error) {
	f := &fleet{}
	for n := range fresh + full {
		p := newPhone(n)
		if n < fresh {
			f.fresh = append(f.fresh, p)
		} else {
			f.full = append(f.full, p)
		}
	}
	all := f.all()
	tell("making %d phones", len(all))
	if err := each(ctx, len(all), 32, func(n int) error {
		b := &business{users: []*user{all[n].user}}
		err := found(ctx, a, b, n)
		all[n].scope, all[n].generation = b.scope, b.generation
		return err
	}); err != nil {
		return nil, err
	}
	if full > 0 {
		tell("writing down %d records", full*records)
	}
	if err := each(ctx, full, 32, func(n int) error { return f.full[n].fill(ctx, a.Engine, records) }); err != nil {
		return nil, err
	}
	for again := true; again; { // what the pushes caused elsewhere
		n, err := a.Engine.Work(ctx)
		if err != nil {
			return nil, err
		}
		again = n > 0
	}
	return f, each(ctx, len(all), 32, func(n int) error { // the first tokens may be old by now
		t, err := a.Auth.Refresh(ctx, all[n].user.login.Refresh)
		all[n].user.login.Tokens = t
		return err
	})
}

// fill lets a phone write records down.
func (p *phone) fill(ctx context.Context, e *syncer.Engine, records int) error {
	for left := records; left > 0; left -= 200 {
		r, err := e.Push(ctx, syncer.Caller{User: p.user.login.User.ID}, p.batch(min(left, 200)))
		if err != nil {
			return err
		}
		if err := applied(r); err != nil {
			return err
		}
	}
	return nil
}

// applied reports what was not.
func applied(r *protocol.Response) error {
	for _, v := range r.Verdicts {
		if v.Verdict != merge.Applied {
			return fmt.Errorf("a sale was answered %s %s", v.Verdict, v.Code)
		}
	}
	return nil
}

// catchUp pulls from where the phone stands. It gives how many rows came.
func (p *phone) catchUp(w *wire) (rows int, err error) {
	rows, p.cursor, err = p.pull(w, "zstd", p.cursor, anyRow)
	return rows, err
}
