package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/client/replica"
	local "github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Found is what lay in the database when everything had calmed down.
type Found struct {
	Typed    int      `json:"typed"`   // edits of all phones
	Told     int      `json:"told"`    // of those that verdicts were given on while there was load
	Entries  int      `json:"entries"` // of the logs
	Missing  int      `json:"missing"` // edits that were told of or typed, and are not there
	Doubled  int      `json:"doubled"` // that stand in a log twice, or as two records
	Strange  int      `json:"strange"` // records that nobody typed
	Apart    int      `json:"apart"`   // phones with other rows than the server, or with something unsent
	Phones   int      `json:"phones"`  // of the real client
	Sound    bool     `json:"sound"`   // lumbung doctor was content
	Examples []string `json:"examples,omitempty"`
}

func (f *Found) wrong(count *int, form string, args ...any) {
	*count++
	if len(f.Examples) < 20 {
		f.Examples = append(f.Examples, fmt.Sprintf(form, args...))
	}
}

// Verdict fails if anything is amiss.
func (f Found) Verdict() error {
	var errs []error
	if f.Typed == 0 || f.Told == 0 {
		errs = append(errs, fmt.Errorf("%d edits typed, %d told of: there was no load", f.Typed, f.Told))
	}
	if f.Missing+f.Doubled+f.Strange+f.Apart > 0 || !f.Sound || f.Phones == 0 {
		errs = append(errs, fmt.Errorf("%d missing, %d doubled, %d strange, %d of %d phones apart, doctor %v: %q", f.Missing, f.Doubled, f.Strange, f.Apart, f.Phones, f.Sound, f.Examples))
	}
	return errors.Join(errs...)
}

// settle lets everybody send what waits and fetch what is new, with a server that lives,
// then stops it in order, and looks at everything. The load must be over.
func (t *town) settle(ctx context.Context, l *life) (f Found, err error) {
	f.Told = int(t.told.Load())
	w := dial(t.address, 16)
	for _, p := range t.everyPusher() {
		if !within(ctx, time.Minute, func() bool { return p.waits == nil || p.push(w) }) {
			return f, fmt.Errorf("a phone cannot send what waits: %v", t.refused.codes)
		}
	}
	phones, err := t.calm(ctx)
	defer func() {
		for _, p := range phones {
			err = errors.Join(err, p.db.Close())
		}
	}()
	if err != nil {
		return f, err
	}
	w.client.CloseIdleConnections()
	if err := l.stop(); err != nil {
		return f, fmt.Errorf("a stop in order: %w", err)
	}
	out, err := exec.CommandContext(ctx, t.program, "doctor", "-public-url", publicURL, "-store", t.path).CombinedOutput()
	if f.Sound = err == nil; !f.Sound {
		f.Examples = append(f.Examples, string(out))
	}
	db, err := app.OpenDatabase(ctx, t.path)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, m := range t.businesses {
		if err := t.hold(ctx, db, m, phones, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

// still is a phone of the real client in this process.
type still struct {
	*replica.Client
	db *local.Local
	h  *handset
}

// calm syncs every phone until nothing waits, and all of them once more.
func (t *town) calm(ctx context.Context) (phones []*still, err error) {
	for _, h := range t.everyHandset() {
		c, db, err := opened(ctx, h.file, t.address)
		if err != nil {
			return phones, err
		}
		phones = append(phones, &still{c, db, h})
	}
	db, err := app.OpenDatabase(ctx, t.path)
	if err != nil {
		return phones, err
	}
	for range 2 {
		for _, p := range phones {
			var last error
			if !within(ctx, time.Minute, func() bool { last = p.Sync(ctx); return last == nil }) {
				return phones, errors.Join(fmt.Errorf("a phone cannot sync: %w", last), db.Close())
			}
		}
		if !within(ctx, time.Minute, func() bool { // effects come to rest
			waiting, err := db.Waiting(ctx, syncer.Follower, 1)
			return err == nil && len(waiting) == 0
		}) {
			return phones, errors.Join(errors.New("effects wait for ever"), db.Close())
		}
	}
	return phones, db.Close()
}

// hold holds the log and the records of an enterprise against what its phones typed and
// were told.
func (t *town) hold(ctx context.Context, db store.Store, m *market, phones []*still, f *Found) error {
	lines, head, err := logOf(ctx, db, m.scope, f)
	if err != nil {
		return err
	}
	rows, err := rowsOf(ctx, db, m.scope, head)
	if err != nil {
		return err
	}
	sales := map[string]int64{}
	for _, r := range rows {
		if r.Collection == "sales" {
			var fields struct {
				Amount int64 `json:"amount_idr"`
			}
			if err := json.Unmarshal(r.Fields, &fields); err != nil {
				return err
			}
			sales[r.ID] = fields.Amount
		}
	}
	for _, p := range m.pushers {
		for _, s := range p.typed {
			f.Typed++
			answered(s.name, s.seq, s.told, lines, f)
			sold(s.id, s.amount, sales, f)
		}
	}
	for _, p := range phones {
		if p.h.market == m {
			if err := p.hold(lines, sales, rows, f); err != nil {
				return err
			}
		}
	}
	for id := range sales {
		f.wrong(&f.Strange, "%s holds the sale %s, which nobody typed", m.scope, id)
	}
	return nil
}

// answered: a verdict that a phone was given stands in the log, at the place that it was told.
func answered(name string, seq merge.Seq, verdict merge.Outcome, lines map[string]lineAt, f *Found) {
	l, ok := lines[name]
	switch {
	case verdict == "":
		f.wrong(&f.Missing, "%s was never answered", name)
	case !ok:
		f.wrong(&f.Missing, "%s was told %s at %d, and stands in no log", name, verdict, seq)
	case l.seq != seq || l.Verdict.Outcome != verdict:
		f.wrong(&f.Missing, "%s was told %s at %d, the log says %s at %d", name, verdict, seq, l.Verdict.Outcome, l.seq)
	}
}

// sold takes a sale from those that are there.
func sold(id string, amount int64, sales map[string]int64, f *Found) {
	if got, ok := sales[id]; !ok || got != amount {
		f.wrong(&f.Missing, "the sale %s of %d is %d there (%t)", id, amount, got, ok)
	}
	delete(sales, id)
}

// hold: everything in the phone's outbox was answered as the log says, what its process
// has said to be kept is there, and it has the server's rows.
func (p *still) hold(lines map[string]lineAt, sales map[string]int64, rows []store.Record, f *Found) error {
	f.Phones++
	box, err := p.Outbox()
	if err != nil {
		return err
	}
	edits := maps.Clone(p.h.said) // what a backup of the server has, a phone need not keep
	for _, k := range box {
		name := merge.MutationName(k.Device, k.Incarnation, k.Mutation.N)
		edits[name] = kept{k.Mutation.Collection, k.Mutation.ID, amountOf(k.Mutation)}
		if !k.Answered {
			k.Verdict = ""
		}
		answered(name, k.Seq, k.Verdict, lines, f)
	}
	for name, e := range edits {
		f.Typed++
		if _, ok := lines[name]; !ok {
			f.wrong(&f.Missing, "%s was kept by a phone, and stands in no log", name)
		}
		if e.collection == "sales" {
			sold(e.id, e.amount, sales, f)
		}
	}
	got, err := p.Snapshot(p.h.market.scope)
	if err != nil {
		return err
	}
	have := map[string]string{}
	for _, r := range got {
		have[r.Key.String()] = fmt.Sprint(r.Version, string(r.EncodeFields()))
	}
	apart := 0
	for _, r := range rows {
		if have[r.Key().String()] != fmt.Sprint(r.Version, string(r.Fields)) {
			apart++
		}
	}
	if apart > 0 || len(have) != len(rows) || p.Mismatches() > 0 {
		f.wrong(&f.Apart, "a phone has %d rows, the server %d; %d differ; %d hashes did not match", len(have), len(rows), apart, p.Mismatches())
	}
	return nil
}

// lineAt is a line of a log.
type lineAt struct {
	seq merge.Seq
	merge.Line
}

// logOf reads a log from its beginning: every place has one entry, each chained to the
// one before, and no edit stands there twice.
func logOf(ctx context.Context, db store.Store, scope string, f *Found) (map[string]lineAt, store.Head, error) {
	head, err := db.Head(ctx, scope)
	if err != nil {
		return nil, head, err
	}
	lines, chain := map[string]lineAt{}, ""
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		c, err := db.Entry(ctx, scope, head.Generation.Count, seq)
		if err != nil {
			return nil, head, fmt.Errorf("%s lacks entry %d: %w", scope, seq, err)
		}
		f.Entries++
		body, err := c.Body()
		if err != nil {
			return nil, head, err
		}
		if chain = linked(chain, c.ID, body); chain != c.Chain {
			f.wrong(&f.Missing, "%s: entry %d is not chained to the one before", scope, seq)
		}
		for _, l := range c.Lines {
			if before, ok := lines[l.Mutation]; ok && strings.Contains(l.Mutation, "/") { // a request of the API names all its writes alike
				f.wrong(&f.Doubled, "%s: %s is at %d and at %d", scope, l.Mutation, before.seq, seq)
			}
			lines[l.Mutation] = lineAt{seq, l}
		}
	}
	if chain != head.Chain {
		f.wrong(&f.Missing, "%s: the head ends another chain than its log", scope)
	}
	return lines, head, nil
}

// linked is the chain hash of an entry, by the book.
func linked(before, id string, body []byte) string {
	h := sha256.Sum256(body)
	sum := sha256.Sum256([]byte(before + "\n" + id + "\n" + hex.EncodeToString(h[:])))
	return hex.EncodeToString(sum[:16])
}

// rowsOf reads the live records of a scope.
func rowsOf(ctx context.Context, db store.Store, scope string, head store.Head) (out []store.Record, err error) {
	for at, more := (store.Position{}), true; more; {
		page, err := db.Changed(ctx, scope, at, head.Applied, head.Applied, 1<<20)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Records {
			at = store.Position{Version: r.Version, Key: r.Key()}
			if !r.Deleted {
				out = append(out, r)
			}
		}
		more = page.More
	}
	return out, nil
}
