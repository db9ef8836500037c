package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

var _ store.Portable = (*DB)(nil)

// field is a column of a shelf.
type field struct {
	name   string
	number bool
}

func words(names ...string) (out []field) {
	for _, n := range names {
		out = append(out, field{n, false})
	}
	return out
}

func numbers(names ...string) (out []field) {
	for _, n := range names {
		out = append(out, field{n, true})
	}
	return out
}

// shelf says how the items of a shelf lie in their table. put and drop are for
// those that others are derived from; nil is a plain row.
type shelf struct {
	table       string
	key, fields []field
	put         func(ctx context.Context, d *DB, tx *sql.Tx, i store.Item) error
	drop        func(ctx context.Context, d *DB, tx *sql.Tx, key []string) error
}

func documents(table string, put func(ctx context.Context, d *DB, tx *sql.Tx, i store.Item) error) shelf {
	return shelf{table: table, key: words("key"), fields: append(numbers("rev"), words("doc")...), put: put}
}

// shelves are all but those of the numbers of backups.
func shelves() map[store.Shelf]shelf {
	return map[store.Shelf]shelf{
		store.ShelfHeads: {table: "head", key: words("scope"), fields: words("doc"), put: putHeadItem, drop: dropHeadItem},
		store.ShelfLog: {table: "log", key: append(words("scope"), numbers("generation", "seq")...),
			fields: append(words("nonce", "id", "chain", "body"), numbers("time")...)},
		store.ShelfRecords: {table: "record", key: words("scope", "collection", "id"),
			fields: append(numbers("generation", "version", "place", "deleted"), words("fields", "state", "tags")...), put: putRecordItem, drop: dropRecordItem},
		store.ShelfPages: {table: "page", key: append(words("scope", "about", "device", "incarnation"), numbers("number")...),
			fields: append(numbers("generation", "version"), words("entries")...)},
		store.ShelfClaims:       {table: "claim", key: words("space", "key"), fields: words("holder")},
		store.ShelfUsers:        documents("users", putDocument(userDoc)),
		store.ShelfChallenges:   documents("challenges", putDocument(challengeDoc)),
		store.ShelfTallies:      documents("tallies", putDocument(tallyDoc)),
		store.ShelfTotals:       {table: "totals", key: words("key"), fields: numbers("n", "expires")},
		store.ShelfSessions:     documents("sessions", putDocument(sessionDoc)),
		store.ShelfDevices:      documents("devices", putDocument(deviceDoc)),
		store.ShelfIncarnations: documents("incarnations", nil),
		store.ShelfContacts:     {table: "contacts", key: words("device"), fields: numbers("at", "oldest", "unsent")},
		store.ShelfSigningKeys:  documents("signing_keys", putDocument(signingKeyDoc)),
		store.ShelfReplies:      documents("replies", putDocument(replyDoc)),
		store.ShelfCredentials:  documents("credentials", putDocument(credentialDoc)),
		store.ShelfAddresses:    documents("addresses", putDocument(addressDoc)),
		store.ShelfDeliveries:   documents("deliveries", putDocument(deliveryDoc)),
	}
}

// shelfOf finds a shelf. The numbers of backups are two rows of one item.
func shelfOf(name store.Shelf) (shelf, error) {
	if name == store.ShelfBackups {
		return shelf{put: putBackupItem, drop: func(context.Context, *DB, *sql.Tx, []string) error { return nil }}, nil
	}
	s, ok := shelves()[name]
	if !ok {
		return s, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "no shelf " + string(name)}
	}
	return s, nil
}

func (s shelf) columns(of []field) string {
	var names []string
	for _, f := range of {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

func marks(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }

// values are texts as the columns of a table want them.
func values(of []field, have []string) (out []any, err error) {
	if len(of) != len(have) {
		return nil, fmt.Errorf("%d values for %d columns", len(have), len(of))
	}
	for i, f := range of {
		if !f.number {
			out = append(out, have[i])
			continue
		}
		n, err := strconv.ParseInt(have[i], 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// Items keeps the promise of store.Portable. A place is the name of the last item.
func (d *DB) Items(ctx context.Context, name store.Shelf, place string, limit int) ([]store.Item, string, error) {
	s, err := shelfOf(name)
	if err != nil {
		return nil, "", err
	}
	if s.table == "" {
		items, err := d.backupItems(ctx)
		return items, "", err
	}
	where, args := "", []any(nil)
	if place != "" {
		var key []string
		if err := json.Unmarshal([]byte(place), &key); err != nil {
			return nil, "", broken("read a place", err)
		}
		if args, err = values(s.key, key); err != nil {
			return nil, "", broken("read a place", err)
		}
		where = " WHERE (" + s.columns(s.key) + ") > " + marks(len(args))
	}
	items, err := s.read(ctx, d.read, where+" ORDER BY "+s.columns(s.key)+" LIMIT ?", append(args, limit)...)
	if err != nil || len(items) < limit {
		return items, "", d.broken("read "+s.table, err)
	}
	return items, items[len(items)-1].Name(), nil
}

func (s shelf) read(ctx context.Context, db *sql.DB, rest string, args ...any) (out []store.Item, err error) {
	rows, err := db.QueryContext(ctx, "SELECT "+s.columns(append(s.key[:len(s.key):len(s.key)], s.fields...))+" FROM "+s.table+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		i := store.Item{Key: make([]string, len(s.key)), Fields: map[string]string{}}
		have := make([]string, len(s.fields))
		var to []any
		for k := range i.Key {
			to = append(to, &i.Key[k])
		}
		for k := range have {
			to = append(to, &have[k])
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		for k, f := range s.fields {
			i.Fields[f.name] = have[k]
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// Pick keeps the promise of store.Portable.
func (d *DB) Pick(ctx context.Context, name store.Shelf, keys [][]string) (out []store.Item, err error) {
	s, err := shelfOf(name)
	if err != nil {
		return nil, err
	}
	if s.table == "" {
		return d.backupItems(ctx)
	}
	for _, k := range keys {
		args, err := values(s.key, k)
		if err != nil {
			return nil, broken("read a key of "+s.table, err)
		}
		found, err := s.read(ctx, d.read, " WHERE ("+s.columns(s.key)+") = "+marks(len(args)), args...)
		if err != nil {
			return nil, d.broken("read "+s.table, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// Put keeps the promise of store.Portable.
func (d *DB) Put(ctx context.Context, name store.Shelf, items []store.Item) error {
	s, err := shelfOf(name)
	if err != nil {
		return err
	}
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, i := range items {
			put := s.put
			if put == nil {
				put = s.putRow
			}
			if err := put(ctx, d, tx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s shelf) putRow(ctx context.Context, _ *DB, tx *sql.Tx, i store.Item) error {
	have := append([]string(nil), i.Key...)
	for _, f := range s.fields {
		have = append(have, i.Fields[f.name])
	}
	all := append(s.key[:len(s.key):len(s.key)], s.fields...)
	args, err := values(all, have)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO "+s.table+" ("+s.columns(all)+") VALUES "+marks(len(args)), args...)
	return err
}

// Drop keeps the promise of store.Portable.
func (d *DB) Drop(ctx context.Context, name store.Shelf, keys [][]string) error {
	s, err := shelfOf(name)
	if err != nil {
		return err
	}
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, k := range keys {
			if s.drop != nil {
				if err := s.drop(ctx, d, tx, k); err != nil {
					return err
				}
			}
			if s.table == "" {
				continue
			}
			args, err := values(s.key, k)
			if err == nil {
				_, err = tx.ExecContext(ctx, "DELETE FROM "+s.table+" WHERE ("+s.columns(s.key)+") = "+marks(len(args)), args...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// putHeadItem writes a head with what it is found by.
func putHeadItem(ctx context.Context, d *DB, tx *sql.Tx, i store.Item) error {
	var h store.Head
	if err := json.Unmarshal([]byte(i.Fields["doc"]), &h); err != nil {
		return err
	}
	old, err := d.headIn(ctx, tx, h.Scope)
	if errors.Is(err, store.ErrAbsent) {
		old = store.Head{Scope: h.Scope}
		_, err = tx.ExecContext(ctx, `INSERT INTO head (scope, generation, applied, doc) VALUES (?, 0, 0, '')`, h.Scope)
	}
	if err == nil {
		_, err = tx.StmtContext(ctx, d.hot.putHead).ExecContext(ctx, h.Scope, h.Generation.Count, h.Applied, i.Fields["doc"])
	}
	if err != nil {
		return err
	}
	return indexHead(ctx, tx, old, h)
}

func dropHeadItem(ctx context.Context, d *DB, tx *sql.Tx, key []string) error {
	old, err := d.headIn(ctx, tx, key[0])
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	return indexHead(ctx, tx, old, store.Head{Scope: key[0]})
}

// putRecordItem writes a record with its tags.
func putRecordItem(ctx context.Context, d *DB, tx *sql.Tx, i store.Item) error {
	r := store.Record{Collection: i.Key[1], ID: i.Key[2]}
	if err := json.Unmarshal([]byte(i.Fields["tags"]), &r.Tags); err != nil {
		return err
	}
	old, err := tagsOf(ctx, tx, i.Key)
	if err != nil {
		return err
	}
	s := shelves()[store.ShelfRecords]
	if err := s.putRow(ctx, d, tx, i); err != nil {
		return err
	}
	return d.retag(ctx, tx, i.Key[0], &r, old)
}

func dropRecordItem(ctx context.Context, d *DB, tx *sql.Tx, key []string) error {
	old, err := tagsOf(ctx, tx, key)
	if err != nil {
		return err
	}
	return d.retag(ctx, tx, key[0], &store.Record{Collection: key[1], ID: key[2]}, old)
}

// tagsOf is the list of tags of a record, empty if it is absent.
func tagsOf(ctx context.Context, tx *sql.Tx, key []string) (tags string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT tags FROM record WHERE scope = ? AND collection = ? AND id = ?`, key[0], key[1], key[2]).Scan(&tags)
	if errors.Is(err, sql.ErrNoRows) {
		return "[]", nil
	}
	return tags, err
}

// putDocument writes a document with what it is found by, over whoever holds what
// must be unique.
func putDocument[T any](of func(T) document) func(context.Context, *DB, *sql.Tx, store.Item) error {
	return func(ctx context.Context, _ *DB, tx *sql.Tx, i store.Item) error {
		var v T
		if err := json.Unmarshal([]byte(i.Fields["doc"]), &v); err != nil {
			return err
		}
		doc := of(v)
		names, args := "key, rev, doc", []any{i.Key[0], i.Fields["rev"], i.Fields["doc"]}
		for _, c := range doc.columns {
			names += ", " + c.name
			args = append(args, c.value)
		}
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO "+doc.table+" ("+names+") VALUES "+marks(len(args)), args...)
		return err
	}
}

func (d *DB) backupItems(ctx context.Context) ([]store.Item, error) {
	e, _, err := d.epochs(ctx)
	if err != nil {
		return nil, d.broken("read the backup epochs", err)
	}
	return []store.Item{{Key: []string{}, Fields: map[string]string{"began": strconv.FormatUint(e.Began, 10), "done": strconv.FormatUint(e.Done, 10)}}}, nil
}

func putBackupItem(ctx context.Context, _ *DB, tx *sql.Tx, i store.Item) error {
	for column, name := range map[string]string{"backups_began": "began", "backups_done": "done"} {
		n, err := strconv.ParseInt(i.Fields[name], 10, 64)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, n, column); err != nil {
			return err
		}
	}
	return nil
}

const stateNow = `coalesce((SELECT value FROM meta WHERE name = 'condition'), 0)`

const conditionNow = `SELECT coalesce(max(CASE name WHEN 'condition' THEN value END), 0), coalesce(max(CASE name WHEN 'move' THEN value END), 0),
	coalesce(max(CASE name WHEN 'try' THEN value END), 0) FROM meta`

// Condition keeps the promise of store.Portable.
func (d *DB) Condition(ctx context.Context) (c store.Condition, err error) {
	err = d.read.QueryRowContext(ctx, conditionNow).Scan(&c.State, &c.Move, &c.Try)
	return c, d.broken("read the condition", err)
}

// SetCondition keeps the promise of store.Portable. It passes by the fence that it
// puts up.
func (d *DB) SetCondition(ctx context.Context, from, to store.Condition) error {
	return d.seen(d.queue.do(ctx, 1, func(ctx context.Context, tx *sql.Tx) error {
		var now store.Condition
		switch err := tx.QueryRowContext(ctx, conditionNow).Scan(&now.State, &now.Move, &now.Try); {
		case err != nil:
			return err
		case now != from:
			return store.ErrStale
		}
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES ('condition', ?), ('move', ?), ('try', ?)`, to.State, to.Move, to.Try)
		return err
	}))
}
