package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Each of these reads any number of keys in one statement: json_each turns the
// list of keys into rows, and CROSS JOIN says that they come first.
const (
	recordsByKey = `SELECT NULL, r.collection, r.id, r.version, r.deleted, r.fields, r.state, r.tags
	FROM json_each(?2) k CROSS JOIN record r ON r.scope = ?1 AND r.collection = k.value ->> 0 AND r.id = k.value ->> 1`

	recordsByTag = `SELECT t.tag, r.collection, r.id, r.version, r.deleted, r.fields, r.state, r.tags
	FROM json_each(?2) k CROSS JOIN record_tag t ON t.scope = ?1 AND t.tag = k.value
	CROSS JOIN record r ON r.scope = t.scope AND r.collection = t.collection AND r.id = t.id`

	pagesByKey = `SELECT p.about, p.device, p.incarnation, p.number, p.version, p.entries
	FROM json_each(?2) k CROSS JOIN page p ON p.scope = ?1 AND p.about = k.value ->> 0 AND p.device = k.value ->> 1
	AND p.incarnation = k.value ->> 2 AND p.number = k.value ->> 3`

	newestPages = `SELECT k.value ->> 0, k.value ->> 1, k.value ->> 2, coalesce((SELECT max(p.number) FROM page p WHERE p.scope = ?1
	AND p.about = k.value ->> 0 AND p.device = k.value ->> 1 AND p.incarnation = k.value ->> 2), -1) FROM json_each(?2) k`

	changedRecords = `SELECT collection, id, version, deleted, fields FROM record
	WHERE scope = ?1 AND (version, place) > (?2, coalesce((SELECT place FROM record
		WHERE scope = ?1 AND collection = ?3 AND id = ?4 AND version = ?2), ?5))
	AND version <= ?6 AND NOT (deleted AND version <= ?7) ORDER BY version, place`

	highestVersion = `SELECT coalesce(max(version), 0) FROM record WHERE scope = ?`
)

// Load keeps the promise of store.Log. It needs one statement for the keys, one
// for the tags and two for the pages.
func (d *DB) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	l := loading{found: map[merge.Key]store.Record{}}
	l.Tagged = make(map[string][]merge.Key, len(want.Tags))
	l.Newest = make(map[merge.BookKey]int)
	if len(want.Keys) > 0 {
		keys := make([][2]string, len(want.Keys))
		for i, k := range want.Keys {
			keys[i] = [2]string{k.Collection, k.ID}
		}
		if err := each(ctx, d.hot.keyed, l.record, scope, list(keys)); err != nil {
			return l.Loaded, d.broken("read records of "+scope, err)
		}
	}
	if len(want.Tags) > 0 {
		for _, t := range want.Tags {
			l.Tagged[t] = nil
		}
		if err := each(ctx, d.hot.tagged, l.record, scope, list(want.Tags)); err != nil {
			return l.Loaded, d.broken("read tagged records of "+scope, err)
		}
	}
	if len(want.Pages) > 0 {
		pages, books := bookLists(want.Pages)
		if err := each(ctx, d.hot.pages, l.page, scope, pages); err != nil {
			return l.Loaded, d.broken("read book pages of "+scope, err)
		}
		if err := each(ctx, d.hot.newest, l.newest, scope, books); err != nil {
			return l.Loaded, d.broken("find the newest pages of "+scope, err)
		}
	}
	return l.sorted(), nil
}

// bookLists are the asked pages and their books for json_each.
func bookLists(want []merge.PageKey) (pages, books string) {
	var p [][4]any
	var b [][3]string
	seen := map[merge.PageKey]bool{}
	for _, k := range want {
		if !seen[k] {
			seen[k] = true
			p = append(p, [4]any{k.About, k.Device, k.Incarnation, k.Page})
			b = append(b, [3]string{k.About, k.Device, k.Incarnation})
		}
	}
	return list(p), list(b)
}

// each calls scan for every row.
func each(ctx context.Context, stmt *sql.Stmt, scan func(*sql.Rows) error, args ...any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loading gathers rows into a store.Loaded.
type loading struct {
	store.Loaded
	found map[merge.Key]store.Record
}

func (l *loading) record(rows *sql.Rows) error {
	var r store.Record
	var tag *string // that was asked for
	var tags []byte
	err := rows.Scan(&tag, &r.Collection, &r.ID, &r.Version, &r.Deleted, (*[]byte)(&r.Fields), (*[]byte)(&r.State), &tags)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(tags, &r.Tags); err != nil {
		return err
	}
	if len(r.Tags) == 0 {
		r.Tags = nil
	}
	if tag != nil {
		l.Tagged[*tag] = append(l.Tagged[*tag], r.Key())
	}
	l.found[r.Key()] = r
	return nil
}

func (l *loading) page(rows *sql.Rows) error {
	var p merge.Page
	var entries []byte
	if err := rows.Scan(&p.About, &p.Device, &p.Incarnation, &p.Page, &p.Version, &entries); err != nil {
		return err
	}
	l.Pages = append(l.Pages, p)
	return json.Unmarshal(entries, &l.Pages[len(l.Pages)-1].Entries)
}

func (l *loading) newest(rows *sql.Rows) error {
	var k merge.BookKey
	var n int
	if err := rows.Scan(&k.About, &k.Device, &k.Incarnation, &n); err != nil {
		return err
	}
	l.Newest[k] = n
	return nil
}

func (l *loading) sorted() store.Loaded {
	for _, r := range l.found {
		l.Records = append(l.Records, r)
	}
	slices.SortFunc(l.Records, func(a, b store.Record) int { return a.Key().Compare(b.Key()) })
	for tag, keys := range l.Tagged {
		slices.SortFunc(keys, merge.Key.Compare)
		l.Tagged[tag] = slices.Compact(keys)
	}
	return l.Loaded
}

// errFull ends a page.
var errFull = errors.New("sqlite: the page is full")

// Changed keeps the promise of store.Log. Versions only rise; therefore the
// highest, read after the rows, tells whether one of them has left the range.
func (d *DB) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (p store.Page, err error) {
	behind := -1 // the place of Key, if it has moved: before all of its version
	if after.Key == (merge.Key{}) {
		behind = math.MaxInt
	}
	size := 0
	err = each(ctx, d.hot.changed, func(rows *sql.Rows) error {
		if len(p.Records) > 0 && size >= limit {
			p.More = true
			return errFull
		}
		var r store.Record
		if err := rows.Scan(&r.Collection, &r.ID, &r.Version, &r.Deleted, (*[]byte)(&r.Fields)); err != nil {
			return err
		}
		size += r.Size()
		p.Records = append(p.Records, r)
		return nil
	}, scope, whole(after.Version), after.Key.Collection, after.Key.ID, behind, whole(upTo), whole(skipDead))
	if err != nil && !errors.Is(err, errFull) {
		return p, d.broken("read changes of "+scope, err)
	}
	var top merge.Seq
	if err := d.hot.top.QueryRowContext(ctx, scope).Scan(&top); err != nil {
		return p, d.broken("read changes of "+scope, err)
	}
	p.Torn = top > upTo
	return p, nil
}

// whole is a seq that SQLite can compare with: its integers end at 2^63.
func whole(s merge.Seq) int64 { return int64(min(s, math.MaxInt64)) }
