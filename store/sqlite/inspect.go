package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Look opens a database to read it and no more: it makes and changes nothing, brings no
// table up to date, believes no mark, and bears a server at work on the same file. What
// would write fails. Its errors may be those of a damaged file.
func Look(ctx context.Context, path string) (_ *DB, err error) {
	d := &DB{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := plausible(path); err != nil {
		return nil, err
	}
	if d.read, err = connect(path, "deferred", "ro", 2, Options{}); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		return d, broken("prepare statements", err)
	}
	return d, nil
}

// mostFound is how many findings of one kind are told.
const mostFound = 5

// Inspect holds the tables against each other: SQLite's own check, that every document
// decodes and stands where its content says, and that everything that is derived from
// something else is what that says. Logs and records are held against each other by the
// engine. found is told of each mistake, by the part of the database.
func (d *DB) Inspect(ctx context.Context, found func(part, text string)) error {
	for _, p := range []struct {
		part string
		look func(context.Context) ([]string, error)
	}{
		{"structure", func(ctx context.Context) ([]string, error) {
			return checked(ctx, d.read, "integrity_check("+strconv.Itoa(mostFound)+")")
		}},
		{"references", d.dangling},
		{"schema", d.version},
		{"people", d.documentsFit},
		{"heads", d.headsFit},
		{"books", d.pagesFit},
		{"records", d.recordsFit},
	} {
		texts, err := p.look(ctx)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			texts = append(texts, err.Error())
		}
		for n, text := range texts {
			if n == mostFound {
				found(p.part, fmt.Sprintf("and %d more", len(texts)-n))
				break
			}
			found(p.part, text)
		}
	}
	return nil
}

func (d *DB) dangling(ctx context.Context) (found []string, err error) {
	rows, err := d.read.QueryContext(ctx, `SELECT "table", coalesce(rowid, 0), "parent" FROM pragma_foreign_key_check`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var table, parent string
		var row int64
		if err := rows.Scan(&table, &row, &parent); err != nil {
			return found, err
		}
		found = append(found, fmt.Sprintf("row %d of %s names something that is not in %s", row, table, parent))
	}
	return found, rows.Err()
}

func (d *DB) version(ctx context.Context) (found []string, err error) {
	have, err := schemaVersion(ctx, d.read)
	if want := len(migrations()); err == nil && have != want {
		found = append(found, fmt.Sprintf("the tables have version %d, this program knows %d", have, want))
	}
	return found, err
}

// documentsFit decodes every document and compares the columns beside it.
func (d *DB) documentsFit(ctx context.Context) (found []string, err error) {
	var errs []error
	for _, look := range []func() ([]string, error){
		func() ([]string, error) { return fits(ctx, d, userDoc) },
		func() ([]string, error) { return fits(ctx, d, challengeDoc) },
		func() ([]string, error) { return fits(ctx, d, tallyDoc) },
		func() ([]string, error) { return fits(ctx, d, sessionDoc) },
		func() ([]string, error) { return fits(ctx, d, deviceDoc) },
		func() ([]string, error) { return fits(ctx, d, signingKeyDoc) },
		func() ([]string, error) { return fits(ctx, d, replyDoc) },
		func() ([]string, error) {
			return fits(ctx, d, func(i store.Incarnation) document { return document{"incarnations", i.Name, i, nil} })
		},
	} {
		texts, err := look()
		found, errs = append(found, texts...), append(errs, err)
	}
	return found, errors.Join(errs...)
}

// fits holds the documents of a table against their columns.
func fits[T any](ctx context.Context, d *DB, of func(T) document) (found []string, err error) {
	var none T
	shape := of(none)
	query := "SELECT key, doc"
	for _, c := range shape.columns {
		query += ", " + c.name
	}
	rows, err := d.read.QueryContext(ctx, query+" FROM "+shape.table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var text []byte
		have := make([]any, len(shape.columns))
		to := []any{&key, &text}
		for i := range have {
			to = append(to, &have[i])
		}
		if err := rows.Scan(to...); err != nil {
			return found, err
		}
		var v T
		if err := strictly(text, &v); err != nil {
			found = append(found, fmt.Sprintf("%s %q does not decode: %v", shape.table, key, err))
			continue
		}
		doc := of(v)
		if doc.key != key {
			found = append(found, fmt.Sprintf("%s %q holds another one: %q", shape.table, key, doc.key))
		}
		for i, c := range doc.columns {
			if !same(c.value, have[i]) {
				found = append(found, fmt.Sprintf("%s %q: %s is not what the document says", shape.table, key, c.name))
			}
		}
	}
	return found, rows.Err()
}

// strictly decodes a text that this program wrote.
func strictly(text []byte, v any) error {
	if !utf8.Valid(text) {
		return errors.New("it is no UTF-8")
	}
	j := json.NewDecoder(bytes.NewReader(text))
	j.DisallowUnknownFields()
	if err := j.Decode(v); err != nil {
		return err
	}
	if j.More() {
		return errors.New("something stands behind it")
	}
	return nil
}

// same compares what a column should hold with what it does.
func same(want, have any) bool {
	switch w := want.(type) {
	case sql.NullString:
		if !w.Valid {
			return have == nil
		}
		return have == w.String
	case int:
		return have == int64(w)
	}
	return have == want
}

// headsFit holds the columns of heads, and the lists by which they are found, against
// their documents.
func (d *DB) headsFit(ctx context.Context) (found []string, err error) {
	rows, err := d.read.QueryContext(ctx, `SELECT scope, generation, applied, doc,
	(SELECT coalesce(json_group_array(user), '[]') FROM (SELECT user FROM head_access a WHERE a.scope = head.scope ORDER BY user)),
	(SELECT coalesce(json_group_array(follower), '[]') FROM (SELECT follower FROM head_todo t WHERE t.scope = head.scope ORDER BY follower)) FROM head`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var scope string
		var generation, applied int64
		var text, access, todo []byte
		if err := rows.Scan(&scope, &generation, &applied, &text, &access, &todo); err != nil {
			return found, err
		}
		var h store.Head
		if err := strictly(text, &h); err != nil {
			found = append(found, fmt.Sprintf("the head of %q does not decode: %v", scope, err))
			continue
		}
		if h.Scope != scope || int64(h.Generation.Count) != generation || int64(h.Applied) != applied {
			found = append(found, fmt.Sprintf("the head of %q says that it is %q at %s, %d", scope, h.Scope, h.Generation, h.Applied))
		}
		var marked []string
		for follower := range h.Todo {
			marked = append(marked, follower)
		}
		slices.Sort(marked)
		if list(users(h)) != string(access) || list(marked) != string(todo) {
			found = append(found, fmt.Sprintf("the head of %q is not found by those whom it names", scope))
		}
	}
	return found, rows.Err()
}

// pagesFit decodes every page of a book.
func (d *DB) pagesFit(ctx context.Context) (found []string, err error) {
	rows, err := d.read.QueryContext(ctx, `SELECT p.scope, p.device, p.number, p.entries, h.scope IS NOT NULL AND p.version <= h.applied AND p.generation <= h.generation
	FROM page p LEFT JOIN head h ON h.scope = p.scope`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var scope, device string
		var number int64
		var text []byte
		var known bool
		if err := rows.Scan(&scope, &device, &number, &text, &known); err != nil {
			return found, err
		}
		var entries merge.Entries
		if err := json.Unmarshal(text, &entries); err != nil {
			found = append(found, fmt.Sprintf("page %d of the book of %s in %q does not decode: %v", number, device, scope, err))
		}
		if !known {
			found = append(found, fmt.Sprintf("page %d of the book of %s in %q is from after its head", number, device, scope))
		}
	}
	return found, rows.Err()
}

// recordsFit finds records and entries that no head knows, and tags that are not those of
// their records.
func (d *DB) recordsFit(ctx context.Context) (found []string, err error) {
	for _, q := range []struct{ query, text string }{
		{`SELECT count(*) FROM record r LEFT JOIN head h ON h.scope = r.scope WHERE h.scope IS NULL OR r.version > h.applied OR r.generation > h.generation`, "%d records are from after their head"},
		{`SELECT count(*) FROM log l LEFT JOIN head h ON h.scope = l.scope WHERE h.scope IS NULL OR l.generation > h.generation`, "%d entries of logs belong to no head"},
		{`SELECT count(*) FROM record r, json_each(r.tags) t WHERE NOT EXISTS (SELECT 1 FROM record_tag g
		WHERE g.scope = r.scope AND g.tag = t.value AND g.collection = r.collection AND g.id = r.id)`, "%d tags do not lead to their records"},
		{`SELECT count(*) FROM record_tag g WHERE NOT EXISTS (SELECT 1 FROM record r, json_each(r.tags) t
		WHERE r.scope = g.scope AND r.collection = g.collection AND r.id = g.id AND t.value = g.tag)`, "%d tags lead to records that do not have them"},
	} {
		var n int
		if err := d.read.QueryRowContext(ctx, q.query).Scan(&n); err != nil {
			return found, err
		}
		if n > 0 {
			found = append(found, fmt.Sprintf(q.text, n))
		}
	}
	return found, nil
}

// Files tells of the files of a database.
type Files struct {
	Bytes, WAL int64
	Marked     string // why it was found damaged before; empty: it was not
}

// FilesAt looks at the files of the database at path.
func FilesAt(path string) (f Files, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	f.Bytes = info.Size()
	if info, err := os.Stat(path + "-wal"); err == nil {
		f.WAL = info.Size()
	}
	why, err := os.ReadFile(path + MarkEnd)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	f.Marked = string(bytes.TrimSpace(why))
	return f, nil
}
