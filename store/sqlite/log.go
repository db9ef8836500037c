package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// DB is a store.Store that can append.
var (
	_ store.Store    = (*DB)(nil)
	_ store.Appender = (*DB)(nil)
)

const (
	insertLog = `INSERT INTO log (scope, generation, seq, nonce, id, time, chain, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

	logChain = `SELECT chain FROM log WHERE scope = ? AND generation = ? AND seq = ?`

	logEntry = `SELECT nonce, id, time, chain, body FROM log WHERE scope = ? AND generation = ? AND seq = ?`

	storedStamps = `SELECT r.collection, r.id, r.generation, r.version, r.tags FROM json_each(?2) k CROSS JOIN record r
	ON r.scope = ?1 AND r.collection = k.value ->> 0 AND r.id = k.value ->> 1`

	putRecord = `INSERT INTO record (scope, collection, id, generation, version, place, deleted, fields, state, tags)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (scope, collection, id) DO UPDATE SET generation = excluded.generation, version = excluded.version,
	place = excluded.place, deleted = excluded.deleted, fields = excluded.fields, state = excluded.state, tags = excluded.tags`

	dropTag = `DELETE FROM record_tag WHERE scope = ? AND tag = ? AND collection = ? AND id = ?`
	addTag  = `INSERT OR IGNORE INTO record_tag (scope, tag, collection, id) VALUES (?, ?, ?, ?)`

	putPage = `INSERT INTO page (scope, about, device, incarnation, number, generation, version, entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (scope, about, device, incarnation, number) DO UPDATE
	SET generation = excluded.generation, version = excluded.version, entries = excluded.entries
	WHERE (excluded.generation, excluded.version) > (generation, version)`
)

// packed is a commit encoded for its tables, so that the writer, of which there
// is one, has nothing to encode.
type packed struct {
	*store.Commit
	body  string
	keys  string   // of the records, for json_each
	tags  []string // of each record
	pages []string // entries of each page
}

func pack(c *store.Commit) (*packed, error) {
	p := &packed{Commit: c}
	body, err := c.Body()
	if err != nil {
		return nil, broken("encode a commit", err)
	}
	p.body = string(body)
	keys := make([][2]string, len(c.Records))
	for i, r := range c.Records {
		keys[i] = [2]string{r.Collection, r.ID}
		p.tags = append(p.tags, list(r.Tags))
	}
	p.keys = list(keys)
	for _, page := range c.Pages {
		entries, err := json.Marshal(page.Entries)
		if err != nil {
			return nil, broken("encode a page", err)
		}
		p.pages = append(p.pages, string(entries))
	}
	return p, nil
}

// rows is about how many rows p is folded into.
func (p *packed) rows() int { return len(p.Records) + len(p.Pages) }

// Insert keeps the promise of store.Log.
func (d *DB) Insert(ctx context.Context, c *store.Commit) error {
	p, err := pack(c)
	if err != nil {
		return err
	}
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return d.insert(ctx, tx, p) })
}

// Fold keeps the promise of store.Log, in one transaction.
func (d *DB) Fold(ctx context.Context, c *store.Commit, _ store.Head) (h store.Head, err error) {
	p, err := pack(c)
	if err != nil {
		return h, err
	}
	err = d.writeRows(ctx, p.rows(), func(ctx context.Context, tx *sql.Tx) error {
		old, err := d.headIn(ctx, tx, c.Scope)
		if err != nil {
			return err
		}
		h, err = d.fold(ctx, tx, old, p)
		return err
	})
	return h, err
}

// Append keeps the promise of store.Appender.
func (d *DB) Append(ctx context.Context, c *store.Commit) (h store.Head, err error) {
	p, err := pack(c)
	if err != nil {
		return h, err
	}
	err = d.writeRows(ctx, p.rows(), func(ctx context.Context, tx *sql.Tx) error {
		old, err := d.headIn(ctx, tx, c.Scope)
		if err != nil {
			return err
		}
		if old.Generation.Count != c.Generation.Count || old.Applied+1 != c.Seq || c.Seq <= old.Pruned {
			return store.ErrStale
		}
		if err := d.insert(ctx, tx, p); err != nil {
			return err
		}
		h, err = d.fold(ctx, tx, old, p)
		return err
	})
	return h, err
}

func (d *DB) insert(ctx context.Context, tx *sql.Tx, p *packed) error {
	_, err := tx.StmtContext(ctx, d.hot.insertLog).ExecContext(ctx, p.Scope, p.Generation.Count, p.Seq, p.Generation.Nonce,
		p.ID, p.Time, p.Chain, p.body)
	if occupied(err) {
		return store.ErrTaken
	}
	return err
}

// fold carries p into the tables, unless old has moved on already.
func (d *DB) fold(ctx context.Context, tx *sql.Tx, old store.Head, p *packed) (store.Head, error) {
	h, err := old.Folded(p.Commit)
	if err != nil || h.Revision == old.Revision {
		return h, err
	}
	if err := d.foldRecords(ctx, tx, p); err != nil {
		return h, err
	}
	for i := range p.Pages {
		g := &p.Pages[i]
		if _, err := tx.StmtContext(ctx, d.hot.putPage).ExecContext(ctx, p.Scope, g.About, g.Device, g.Incarnation, g.Page,
			p.Generation.Count, g.Version, p.pages[i]); err != nil {
			return h, err
		}
	}
	return h, d.saveHead(ctx, tx, old, h)
}

// stamp is how new a stored record is.
type stamp struct {
	generation uint32
	version    merge.Seq
	tags       string
}

func (d *DB) foldRecords(ctx context.Context, tx *sql.Tx, p *packed) error {
	if len(p.Records) == 0 {
		return nil
	}
	have, err := d.stamps(ctx, tx, p)
	if err != nil {
		return err
	}
	put, drop, add := tx.StmtContext(ctx, d.hot.putRecord), tx.StmtContext(ctx, d.hot.dropTag), tx.StmtContext(ctx, d.hot.addTag)
	for i := range p.Records {
		r := &p.Records[i]
		old, ok := have[r.Key()]
		if ok && (old.generation > p.Generation.Count || old.generation == p.Generation.Count && old.version >= r.Version) {
			continue
		}
		if _, err := put.ExecContext(ctx, p.Scope, r.Collection, r.ID, p.Generation.Count, r.Version, i, r.Deleted,
			string(r.Fields), string(r.State), p.tags[i]); err != nil {
			return err
		}
		if old.tags == p.tags[i] {
			continue
		}
		var gone []string
		if ok {
			if err := json.Unmarshal([]byte(old.tags), &gone); err != nil {
				return err
			}
		}
		if err := d.changeTags(ctx, drop, add, p.Scope, r, gone); err != nil {
			return err
		}
	}
	return nil
}

// stamps reads how new the records of p are that exist.
func (d *DB) stamps(ctx context.Context, tx *sql.Tx, p *packed) (map[merge.Key]stamp, error) {
	rows, err := tx.StmtContext(ctx, d.hot.stored).QueryContext(ctx, p.Scope, p.keys)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[merge.Key]stamp, len(p.Records))
	for rows.Next() {
		var k merge.Key
		var s stamp
		if err := rows.Scan(&k.Collection, &k.ID, &s.generation, &s.version, &s.tags); err != nil {
			return nil, err
		}
		out[k] = s
	}
	return out, rows.Err()
}

// changeTags is retag for who has the statements at hand.
func (d *DB) changeTags(ctx context.Context, drop, add *sql.Stmt, scope string, r *store.Record, gone []string) error {
	for _, tag := range gone {
		if _, err := drop.ExecContext(ctx, scope, tag, r.Collection, r.ID); err != nil {
			return err
		}
	}
	for _, tag := range r.Tags {
		if _, err := add.ExecContext(ctx, scope, tag, r.Collection, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// retag makes record_tag follow the record from its old tags to its new.
func (d *DB) retag(ctx context.Context, tx *sql.Tx, scope string, r *store.Record, old string) error {
	var gone []string
	if err := json.Unmarshal([]byte(old), &gone); err != nil {
		return err
	}
	return d.changeTags(ctx, tx.StmtContext(ctx, d.hot.dropTag), tx.StmtContext(ctx, d.hot.addTag), scope, r, gone)
}

// Withdraw keeps the promise of store.Log.
func (d *DB) Withdraw(ctx context.Context, c *store.Commit) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM log WHERE scope = ? AND generation = ? AND seq = ? AND id = ?`,
			c.Scope, c.Generation.Count, c.Seq, c.ID)
		return err
	})
}

// Entry keeps the promise of store.Log.
func (d *DB) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	c := &store.Commit{}
	var body []byte
	var nonce string
	err := d.hot.entry.QueryRowContext(ctx, scope, generation, whole(seq)).Scan(&nonce, &c.ID, &c.Time, &c.Chain, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrAbsent
	}
	if err == nil {
		err = c.ReadBody(body)
	}
	if err != nil {
		return nil, d.broken("read a log entry of "+scope, err)
	}
	c.Scope, c.Generation, c.Seq = scope, merge.Generation{Count: generation, Nonce: nonce}, seq
	return c, nil
}

// Chain keeps the promise of store.Log.
func (d *DB) Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (chain string, err error) {
	err = d.hot.chain.QueryRowContext(ctx, scope, generation, whole(seq)).Scan(&chain)
	if errors.Is(err, sql.ErrNoRows) {
		return "", store.ErrAbsent
	}
	return chain, d.broken("read a chain hash of "+scope, err)
}
