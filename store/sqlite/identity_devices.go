package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

func tallyDoc(t store.Tally) document {
	return document{"tallies", t.Key, t, []column{{"expires", millis(t.Expires)}}}
}

func tallyRev(t *store.Tally) *int64 { return &t.Rev }

func (i identity) InsertTally(ctx context.Context, t store.Tally) error {
	return i.insert(ctx, tallyDoc(t))
}

func (i identity) ReplaceTally(ctx context.Context, t store.Tally) error {
	return i.replace(ctx, tallyDoc(t), t.Rev)
}

func (i identity) Tally(ctx context.Context, key string) (store.Tally, error) {
	return one(ctx, i, tallyRev, "tallies", byKey, key)
}

func (i identity) Add(ctx context.Context, key string, n int64, expires time.Time) error {
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO totals (key, n, expires) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET n = n + excluded.n, expires = excluded.expires`, key, n, millis(expires))
		return err
	})
}

func (i identity) Totals(ctx context.Context, keys []string) (_ []int64, err error) {
	defer func() { err = i.db.broken("read totals", err) }()
	list, err := json.Marshal(append([]string{}, keys...))
	if err != nil {
		return nil, err
	}
	rows, err := i.db.read.QueryContext(ctx, `SELECT coalesce(t.n, 0) FROM json_each(?) k
		LEFT JOIN totals t ON t.key = k.value ORDER BY k.key`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]int64, 0, len(keys))
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func deviceDoc(d store.Device) document {
	return document{"devices", d.ID, d, []column{{"user", d.User}, {"created", millis(d.Created)}}}
}

func deviceRev(d *store.Device) *int64 { return &d.Rev }

func (i identity) InsertDevice(ctx context.Context, d store.Device) error {
	return i.insert(ctx, deviceDoc(d))
}

func (i identity) ReplaceDevice(ctx context.Context, d store.Device) error {
	return i.replace(ctx, deviceDoc(d), d.Rev)
}

func (i identity) Device(ctx context.Context, id string) (store.Device, error) {
	return one(ctx, i, deviceRev, "devices", byKey, id)
}

func (i identity) DevicesOf(ctx context.Context, user string) ([]store.Device, error) {
	return find(ctx, i, deviceRev, "devices", "WHERE user = ? ORDER BY created DESC, key DESC", user)
}

func (i identity) InsertIncarnation(ctx context.Context, n store.Incarnation) error {
	return i.insert(ctx, document{table: "incarnations", key: n.Name, shape: n})
}

func (i identity) Incarnation(ctx context.Context, name string) (store.Incarnation, error) {
	return one[store.Incarnation](ctx, i, nil, "incarnations", byKey, name)
}

func (i identity) SaveContacts(ctx context.Context, contacts []store.Contact) error {
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, c := range contacts {
			_, err := tx.ExecContext(ctx, `INSERT INTO contacts (device, at, oldest, unsent) VALUES (?, ?, ?, ?)
				ON CONFLICT (device) DO UPDATE SET at = excluded.at, oldest = excluded.oldest, unsent = excluded.unsent
				WHERE excluded.at > at`, c.Device, millis(c.At), millis(c.OldestUnsent), c.Unsent)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (i identity) Contacts(ctx context.Context, devices []string) (_ []store.Contact, err error) {
	defer func() { err = i.db.broken("read contacts", err) }()
	list, err := json.Marshal(append([]string{}, devices...))
	if err != nil {
		return nil, err
	}
	rows, err := i.db.read.QueryContext(ctx, `SELECT device, at, oldest, unsent FROM contacts
		WHERE device IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []store.Contact
	for rows.Next() {
		var c store.Contact
		var at, oldest int64
		if err := rows.Scan(&c.Device, &at, &oldest, &c.Unsent); err != nil {
			return nil, err
		}
		c.At, c.OldestUnsent = fromMillis(at), fromMillis(oldest)
		out = append(out, c)
	}
	return out, rows.Err()
}

func signingKeyDoc(k store.SigningKey) document {
	return document{"signing_keys", k.KID, k, []column{{"number", k.Number}}}
}

func (i identity) InsertSigningKey(ctx context.Context, k store.SigningKey) error {
	return i.insert(ctx, signingKeyDoc(k))
}

func (i identity) ReplaceSigningKey(ctx context.Context, k store.SigningKey) error {
	return i.replace(ctx, signingKeyDoc(k), k.Rev)
}

func (i identity) SigningKeys(ctx context.Context) ([]store.SigningKey, error) {
	return find(ctx, i, func(k *store.SigningKey) *int64 { return &k.Rev }, "signing_keys", "ORDER BY number")
}

func (i identity) DropSigningKey(ctx context.Context, kid string) error {
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM signing_keys WHERE key = ?`, kid)
		return err
	})
}

func replyDoc(r store.Reply) document {
	return document{"replies", r.Key, r, []column{{"expires", millis(r.Expires)}}}
}

func replyRev(r *store.Reply) *int64 { return &r.Rev }

func (i identity) InsertReply(ctx context.Context, r store.Reply) error {
	return i.insert(ctx, replyDoc(r))
}

func (i identity) ReplaceReply(ctx context.Context, r store.Reply) error {
	return i.replace(ctx, replyDoc(r), r.Rev)
}

func (i identity) Reply(ctx context.Context, key string) (store.Reply, error) {
	return one(ctx, i, replyRev, "replies", byKey, key)
}

func (i identity) DropReply(ctx context.Context, key string, rev int64) error {
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM replies WHERE key = ? AND rev = ?`, key, rev)
		return err
	})
}

func (i identity) Sweep(ctx context.Context, before time.Time) (int, error) {
	var swept int64
	err := i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		swept = 0
		for _, table := range []string{"challenges", "tallies", "totals", "replies", "addresses", "deliveries"} {
			n, err := affected(tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE expires < ?", millis(before)))
			if err != nil {
				return err
			}
			swept += n
		}
		return nil
	})
	return int(swept), err
}
