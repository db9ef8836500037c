package outage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// logged is a line of a log.
type logged struct {
	seq merge.Seq
	merge.Line
}

// check holds the logs against what the phones were told and what people typed.
// Nothing may be under way.
func (w *town) check(db store.Store) {
	w.Helper()
	if n, err := w.app.Engine.AuditAll(w.Context()); err != nil {
		w.Errorf("of %d scopes: %v", n, err)
	}
	for _, scope := range append([]string{w.hot}, w.others...) {
		lines, head := w.log(db, scope)
		sales := w.sales(db, scope, head)
		for n, p := range w.people {
			w.checkTold(n, p, scope, lines)
			w.checkTyped(n, p, scope, sales)
		}
		for record, amount := range sales {
			w.Errorf("%s holds a sale that nobody typed: %s of %d", scope, record, amount)
		}
	}
	w.alike(db)
}

// log reads a log from its beginning: every place has one entry, each chained to
// the one before, and no edit stands there twice.
func (w *town) log(db store.Store, scope string) (map[string]logged, store.Head) {
	w.Helper()
	head, err := db.Head(w.Context(), scope)
	w.ok(err)
	lines, chain := map[string]logged{}, ""
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		c, err := db.Entry(w.Context(), scope, head.Generation.Count, seq)
		if err != nil {
			w.Fatalf("%s lacks entry %d: %v", scope, seq, err)
		}
		if chain = link(chain, c); chain != c.Chain {
			w.Errorf("%s: entry %d is not chained to the one before", scope, seq)
		}
		for _, l := range c.Lines {
			if before, ok := lines[l.Mutation]; ok && strings.Contains(l.Mutation, "/") { // a request of the API names all its writes alike
				w.Errorf("%s: %s is at %d and at %d", scope, l.Mutation, before.seq, seq)
			}
			lines[l.Mutation] = logged{seq, l}
		}
	}
	if _, err := db.Entry(w.Context(), scope, head.Generation.Count, head.Applied+1); !errors.Is(err, store.ErrAbsent) {
		w.Errorf("%s has an entry above its head: %v", scope, err)
	}
	if chain != head.Chain {
		w.Errorf("%s: the head ends another chain than its log", scope)
	}
	return lines, head
}

// link is the chain hash of an entry, by the book.
func link(before string, c *store.Commit) string {
	body, err := c.Body()
	if err != nil {
		return err.Error()
	}
	h := sha256.Sum256(body)
	sum := sha256.Sum256([]byte(before + "\n" + c.ID + "\n" + hex.EncodeToString(h[:])))
	return hex.EncodeToString(sum[:16])
}

// checkTold: every answer that a phone was given stands in the log, at the place
// that it was told.
func (w *town) checkTold(n int, p *person, scope string, lines map[string]logged) {
	w.Helper()
	box, err := p.phone.Outbox()
	w.ok(err)
	for _, k := range box {
		if k.Scope != scope {
			continue
		}
		name := merge.MutationName(k.Device, k.Incarnation, k.Mutation.N)
		l, ok := lines[name]
		switch {
		case !k.Answered:
			w.Errorf("phone %d: %s has no answer", n, name)
		case !ok:
			w.Errorf("phone %d was told %s of %s, which no log has", n, k.Verdict, name)
		case l.seq != k.Seq || l.Verdict.Outcome != k.Verdict:
			w.Errorf("phone %d was told %s at %d of %s, the log says %s at %d", n, k.Verdict, k.Seq, name, l.Verdict.Outcome, l.seq)
		}
	}
}

// checkTyped takes what a person typed from the sales, and misses nothing.
func (w *town) checkTyped(n int, p *person, scope string, sales map[string]int64) {
	w.Helper()
	for _, s := range p.typed {
		if s.scope != scope {
			continue
		}
		if amount, ok := sales[s.id]; !ok || amount != s.amount {
			w.Errorf("phone %d: a sale of %d in %s is %d there (%t)", n, s.amount, scope, amount, ok)
		}
		delete(sales, s.id)
	}
}

// rows reads the live records of a scope.
func (w *town) rows(db store.Store, scope string, head store.Head) (out []store.Record) {
	w.Helper()
	for at, more := (store.Position{}), true; more; {
		page, err := db.Changed(w.Context(), scope, at, head.Applied, head.Applied, 1<<20)
		w.ok(err)
		for _, r := range page.Records {
			at = store.Position{Version: r.Version, Key: r.Key()}
			if !r.Deleted {
				out = append(out, r)
			}
		}
		more = page.More
	}
	return out
}

// sales are the amounts of a scope by record.
func (w *town) sales(db store.Store, scope string, head store.Head) map[string]int64 {
	w.Helper()
	out := map[string]int64{}
	for _, r := range w.rows(db, scope, head) {
		if r.Collection == "sales" {
			var fields struct {
				Amount int64 `json:"amount_idr"`
			}
			w.ok(json.Unmarshal(r.Fields, &fields))
			out[r.ID] = fields.Amount
		}
	}
	return out
}

// alike: every phone holds of the scope of all what the server holds, to the byte.
func (w *town) alike(db store.Store) {
	w.Helper()
	head, err := db.Head(w.Context(), w.hot)
	w.ok(err)
	want := map[string]string{}
	for _, r := range w.rows(db, w.hot, head) {
		want[r.Key().String()] = fmt.Sprint(r.Version, string(r.Fields))
	}
	for n, p := range w.people {
		got, err := p.phone.Snapshot(w.hot)
		w.ok(err)
		if len(got) != len(want) {
			w.Errorf("phone %d holds %d records, the server %d", n, len(got), len(want))
		}
		for _, r := range got {
			if have := fmt.Sprint(r.Version, string(r.EncodeFields())); have != want[r.Key.String()] {
				w.Errorf("phone %d holds %s, the server %s", n, have, want[r.Key.String()])
			}
		}
		if p.phone.Mismatches() > 0 {
			w.Errorf("phone %d had to load anew: its hash was not the server's", n)
		}
	}
}

var _ replica.Clock = (*town)(nil)
