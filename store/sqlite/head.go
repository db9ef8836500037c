package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	// A head is read together with the state of the database.
	headAndState = `SELECT doc, ` + stateNow + ` FROM head `

	headOf = headAndState + `WHERE scope = ?`

	headsFor = headAndState + `WHERE scope IN (
	SELECT scope FROM head_access WHERE user = ?1 UNION SELECT value FROM json_each(?2)) ORDER BY scope`

	putHead = `UPDATE head SET generation = ?2, applied = ?3, doc = ?4 WHERE scope = ?1`
)

// Create keeps the promise of store.Log.
func (d *DB) Create(ctx context.Context, h store.Head) error {
	h.Revision = 1
	doc, err := json.Marshal(h)
	if err != nil {
		return broken("encode the head of "+h.Scope, err)
	}
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO head (scope, generation, applied, doc) VALUES (?, ?, ?, ?)`,
			h.Scope, h.Generation.Count, h.Applied, string(doc))
		if occupied(err) {
			return store.ErrTaken
		}
		if err != nil {
			return err
		}
		return indexHead(ctx, tx, store.Head{Scope: h.Scope}, h)
	})
}

// Head keeps the promise of store.Log.
func (d *DB) Head(ctx context.Context, scope string) (store.Head, error) {
	h, err := d.scanHead(d.hot.headOf.QueryRowContext(ctx, scope))
	return h, d.broken("read the head of "+scope, err)
}

// Look keeps the promise of store.Log.
func (d *DB) Look(ctx context.Context, scope string) (h store.Head, e store.Epochs, err error) {
	if h, err = d.Head(ctx, scope); err == nil {
		e, err = d.Epochs(ctx)
	}
	return h, e, err
}

// Expect keeps the promise of store.Log.
func (d *DB) Expect(ctx context.Context, scope string) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return d.changeHead(ctx, tx, scope, func(h store.Head) (store.Head, error) { return h.Expecting(), nil })
	})
}

// HeadsFor keeps the promise of store.Log.
func (d *DB) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	rows, err := d.hot.heads.QueryContext(ctx, user, list(scopes))
	if err != nil {
		return nil, d.broken("read heads", err)
	}
	return d.scanHeads(rows)
}

// CatchUp keeps the promise of store.Log: there is one file.
func (d *DB) CatchUp(context.Context, string) error { return nil }

// Waiting keeps the promise of store.Log.
func (d *DB) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	rows, err := d.read.QueryContext(ctx, headAndState+`WHERE scope IN (
	SELECT scope FROM head_todo WHERE follower = ? ORDER BY scope LIMIT ?) ORDER BY scope`, follower, limit)
	if err != nil {
		return nil, d.broken("find marks of "+follower, err)
	}
	return d.scanHeads(rows)
}

// Scopes keeps the promise of store.Log.
func (d *DB) Scopes(ctx context.Context, after string, limit int) ([]string, error) {
	return d.texts(ctx, `SELECT scope FROM head WHERE scope > ? ORDER BY scope LIMIT ?`, after, limit)
}

// Unfolded keeps the promise of store.Log.
func (d *DB) Unfolded(ctx context.Context, limit int) ([]string, error) {
	return d.texts(ctx, `SELECT h.scope FROM head h INDEXED BY head_applied WHERE EXISTS (
	SELECT 1 FROM log l WHERE l.scope = h.scope AND l.generation = h.generation AND l.seq > h.applied) ORDER BY h.scope LIMIT ?`, limit)
}

// Done keeps the promise of store.Log.
func (d *DB) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return d.changeHead(ctx, tx, scope, func(h store.Head) (store.Head, error) { return h.Cleared(follower, seq), nil })
	})
}

// Raise keeps the promise of store.Log.
func (d *DB) Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return d.changeHead(ctx, tx, scope, func(h store.Head) (store.Head, error) { return h.Raised(next, fork) })
	})
}

// pruneBatch is how many log entries one write deletes, so that others need not
// wait long.
const pruneBatch = 500

// Prune keeps the promise of store.Log.
func (d *DB) Prune(ctx context.Context, scope string, upTo merge.Seq) error {
	var h store.Head
	if err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return d.changeHead(ctx, tx, scope, func(old store.Head) (store.Head, error) {
			h = old.Prunable(upTo)
			return h, nil
		})
	}); err != nil {
		return err
	}
	for gone := int64(pruneBatch); gone == pruneBatch; {
		if err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			gone, err = affected(tx.ExecContext(ctx, `DELETE FROM log WHERE rowid IN (
	SELECT rowid FROM log WHERE scope = ? AND generation <= ? AND seq <= ? ORDER BY generation, seq LIMIT ?)`, scope, h.Generation.Count, h.Pruned, pruneBatch))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

const (
	deadRecords = `SELECT collection, id, version, tags FROM record
	WHERE scope = ? AND version > ? AND version <= ? AND deleted AND state <> ? ORDER BY version LIMIT ?`

	eraseRecord = `UPDATE record SET fields = '{}', state = ?, tags = '[]' WHERE scope = ? AND collection = ? AND id = ? AND version = ? AND deleted`

	erasePages = `UPDATE page SET entries = '{}' WHERE rowid IN (SELECT p.rowid FROM page p
	WHERE p.scope = ?1 AND p.version <= ?2 AND p.entries <> '{}' AND EXISTS (SELECT 1 FROM page n WHERE n.scope = p.scope AND n.about = p.about
		AND n.device = p.device AND n.incarnation = p.incarnation AND n.number > p.number) LIMIT ?3)`
)

// Erase keeps the promise of store.Log, a batch at a time.
func (d *DB) Erase(ctx context.Context, scope string, from, upTo merge.Seq) error {
	for gone := int64(pruneBatch); gone == pruneBatch; {
		if err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			gone, err = d.eraseRecords(ctx, tx, scope, from, upTo)
			return err
		}); err != nil {
			return err
		}
	}
	for gone := int64(pruneBatch); gone == pruneBatch; {
		if err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
			gone, err = affected(tx.ExecContext(ctx, erasePages, scope, whole(upTo), pruneBatch))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// eraseRecords erases one batch and gives how many it found.
func (d *DB) eraseRecords(ctx context.Context, tx *sql.Tx, scope string, from, upTo merge.Seq) (n int64, err error) {
	rows, err := tx.QueryContext(ctx, deadRecords, scope, whole(from), whole(upTo), merge.GoneState, pruneBatch)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var dead []store.Record
	var tags []string
	for rows.Next() {
		var r store.Record
		var tag string
		if err := rows.Scan(&r.Collection, &r.ID, &r.Version, &tag); err != nil {
			return 0, err
		}
		dead, tags = append(dead, r), append(tags, tag)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for i := range dead {
		r := &dead[i]
		if _, err := tx.ExecContext(ctx, eraseRecord, merge.GoneState, scope, r.Collection, r.ID, r.Version); err != nil {
			return 0, err
		}
		if err := d.retag(ctx, tx, scope, r, tags[i]); err != nil {
			return 0, err
		}
	}
	return int64(len(dead)), nil
}

// changeHead replaces the head of scope by what change makes of it.
func (d *DB) changeHead(ctx context.Context, tx *sql.Tx, scope string, change func(store.Head) (store.Head, error)) error {
	old, err := d.headIn(ctx, tx, scope)
	if err != nil {
		return err
	}
	h, err := change(old)
	if err != nil {
		return err
	}
	return d.saveHead(ctx, tx, old, h)
}

func (d *DB) headIn(ctx context.Context, tx *sql.Tx, scope string) (store.Head, error) {
	return d.scanHead(tx.StmtContext(ctx, d.hot.headIn).QueryRowContext(ctx, scope))
}

// saveHead writes h over old, which was read in the same transaction.
func (d *DB) saveHead(ctx context.Context, tx *sql.Tx, old, h store.Head) error {
	if h.Revision == old.Revision {
		return nil
	}
	doc, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, d.hot.putHead).ExecContext(ctx, h.Scope, h.Generation.Count, h.Applied, string(doc)); err != nil {
		return err
	}
	return indexHead(ctx, tx, old, h)
}

// indexHead makes head_access and head_todo follow the head from old to h.
func indexHead(ctx context.Context, tx *sql.Tx, old, h store.Head) error {
	if err := differ(users(old), users(h),
		change(ctx, tx, `DELETE FROM head_access WHERE user = ? AND scope = ?`, h.Scope),
		change(ctx, tx, `INSERT INTO head_access (user, scope) VALUES (?, ?)`, h.Scope)); err != nil {
		return err
	}
	return differ(slices.Sorted(maps.Keys(old.Todo)), slices.Sorted(maps.Keys(h.Todo)),
		change(ctx, tx, `DELETE FROM head_todo WHERE follower = ? AND scope = ?`, h.Scope),
		change(ctx, tx, `INSERT INTO head_todo (follower, scope) VALUES (?, ?)`, h.Scope))
}

func change(ctx context.Context, tx *sql.Tx, query, scope string) func(name string) error {
	return func(name string) error {
		_, err := tx.ExecContext(ctx, query, name, scope)
		return err
	}
}

// differ calls gone for what only old has and came for what only new has. Both
// are sorted.
func differ(old, now []string, gone, came func(string) error) error {
	for _, s := range old {
		if _, kept := slices.BinarySearch(now, s); !kept {
			if err := gone(s); err != nil {
				return err
			}
		}
	}
	for _, s := range now {
		if _, had := slices.BinarySearch(old, s); !had {
			if err := came(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// users are those whom the access list names, sorted, each once.
func users(h store.Head) []string {
	out := make([]string, len(h.Access))
	for i, g := range h.Access {
		out[i] = g.User
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (d *DB) scanHead(row interface{ Scan(...any) error }) (h store.Head, err error) {
	var doc []byte
	var now store.State
	switch err = row.Scan(&doc, &now); {
	case errors.Is(err, sql.ErrNoRows):
		return h, store.ErrAbsent
	case err != nil:
		return h, err
	case now == store.Retired:
		return h, store.Moved()
	}
	return d.known.decode(doc)
}

// knownHeads remembers what the texts of heads decode to: phones ask for the same ones
// again and again.
type knownHeads struct {
	mu         sync.Mutex
	young, old map[string]store.Head // by text
}

// knownHalf is how many are remembered at least, and half of at most; longestKnown is
// how long a text may be for that, in bytes.
const (
	knownHalf    = 2000
	longestKnown = 8 << 10
)

// decode gives a head that shares nothing with any other.
func (k *knownHeads) decode(doc []byte) (h store.Head, err error) {
	k.mu.Lock()
	h, ok := k.young[string(doc)]
	if !ok {
		h, ok = k.old[string(doc)]
	}
	k.mu.Unlock()
	if ok {
		return h.Clone(), nil
	}
	if err := json.Unmarshal(doc, &h); err != nil {
		return h, err
	}
	if len(doc) > longestKnown {
		return h, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.young) >= knownHalf || k.young == nil {
		k.young, k.old = map[string]store.Head{}, k.young
	}
	k.young[string(doc)] = h.Clone()
	return h, nil
}

func (d *DB) scanHeads(rows *sql.Rows) (out []store.Head, err error) {
	defer rows.Close()
	for rows.Next() {
		h, err := d.scanHead(rows)
		if err != nil {
			return nil, d.broken("read heads", err)
		}
		out = append(out, h)
	}
	return out, d.broken("read heads", rows.Err())
}

// texts reads one column.
func (d *DB) texts(ctx context.Context, query string, args ...any) (out []string, err error) {
	rows, err := d.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, d.broken("list", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, d.broken("list", err)
		}
		out = append(out, s)
	}
	return out, d.broken("list", rows.Err())
}

// list is a JSON list for json_each.
func list[T any](items []T) string {
	if len(items) == 0 {
		return "[]"
	}
	b, err := json.Marshal(items)
	if err != nil {
		panic("sqlite: " + err.Error()) // strings and numbers always encode
	}
	return string(b)
}
