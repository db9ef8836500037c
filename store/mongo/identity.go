package mongo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

// Identity is the part of the database that keeps people, devices and sessions.
// It lives as long as d does.
func (d *DB) Identity() store.Identity { return identity{d} }

type identity struct{ d *DB }

// document is one record with a revision, on its way into a collection.
type document struct {
	collection string
	key        string
	shape      any
	found      bson.D // what it is found by
}

func (doc document) at(rev int64) (bson.D, error) {
	text, err := json.Marshal(doc.shape)
	if err != nil {
		return nil, err
	}
	return append(bson.D{{Key: "_id", Value: doc.key}, {Key: "rev", Value: rev}, {Key: "doc", Value: string(text)}}, doc.found...), fits(doc.collection, len(text))
}

// kept is asked after a write and before anybody is told of it. What was written of a
// person before the database was retired is carried to the new one, so that nobody is
// told of a suspension or a lost phone that the new one does not know of. Budgets,
// codes and replies under way may be lost there: who wants something asks once more.
func (i identity) kept(ctx context.Context, collection string) error {
	switch collection {
	case users, credentials, sessions, devices, names, keys, addresses, deliveries:
		return i.d.inUse(ctx)
	}
	return nil
}

// insert stores a document that is not there yet. Errors: ErrTaken.
func (i identity) insert(ctx context.Context, doc document) error {
	return i.d.do(ctx, "insert into "+doc.collection, func(ctx context.Context) error {
		all, err := doc.at(1)
		if err != nil {
			return err
		}
		if _, err = i.d.db.Collection(doc.collection).InsertOne(ctx, all); err != nil {
			return taken(err)
		}
		return i.kept(ctx, doc.collection)
	})
}

// replace stores a document over the one of revision rev. Errors: ErrStale, and
// ErrTaken if another document holds what must be unique.
func (i identity) replace(ctx context.Context, doc document, rev int64) error {
	return i.d.do(ctx, "replace in "+doc.collection, func(ctx context.Context) error {
		all, err := doc.at(rev + 1)
		if err != nil {
			return err
		}
		n, err := i.d.db.Collection(doc.collection).ReplaceOne(ctx, bson.D{{Key: "_id", Value: doc.key}, {Key: "rev", Value: rev}}, all)
		switch {
		case err != nil:
			return taken(err)
		case n.MatchedCount == 0:
			return store.ErrStale
		}
		return i.kept(ctx, doc.collection)
	})
}

// stored is a document as it is kept.
type stored struct {
	Rev int64  `bson:"rev"`
	Doc string `bson:"doc"`
}

// find reads the documents that a filter names.
func find[T any](ctx context.Context, i identity, rev func(*T) *int64, collection string, filter bson.D, o *options.FindOptionsBuilder) (out []T, err error) {
	err = i.d.do(ctx, "read "+collection, func(ctx context.Context) error {
		out = nil
		return each(ctx, i.d.db.Collection(collection), filter, o, func(s *stored) error {
			v, err := opened(s, rev)
			out = append(out, v)
			return err
		})
	})
	return out, err
}

func opened[T any](s *stored, rev func(*T) *int64) (v T, err error) {
	err = json.Unmarshal([]byte(s.Doc), &v)
	if rev != nil {
		*rev(&v) = s.Rev
	}
	return v, err
}

// one reads the first document that a filter finds. Errors: ErrAbsent.
func one[T any](ctx context.Context, i identity, rev func(*T) *int64, collection string, filter bson.D, o *options.FindOneOptionsBuilder) (v T, err error) {
	err = i.d.do(ctx, "read "+collection, func(ctx context.Context) error {
		var s stored
		err := i.d.db.Collection(collection).FindOne(ctx, filter, o).Decode(&s)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return store.ErrAbsent
		}
		if err != nil {
			return err
		}
		v, err = opened(&s, rev)
		return err
	})
	return v, err
}

// down sorts by fields, highest first; up sorts lowest first.
func down(fields ...string) bson.D { return order(-1, fields) }
func up(fields ...string) bson.D   { return order(1, fields) }

func order(direction int, fields []string) (d bson.D) {
	for _, f := range fields {
		d = append(d, bson.E{Key: f, Value: direction})
	}
	return d
}

// millis is an instant as the documents keep it, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func since(t time.Time) bson.D { return bson.D{{Key: "$gte", Value: millis(t)}} }

// userDoc keeps an id in the place of a phone that is gone, so that one plain unique
// index is enough: no phone begins with "-".
func userDoc(u store.User) document {
	return document{users, u.ID, u, bson.D{{Key: "phone", Value: cmp.Or(u.Phone, "-"+u.ID)}, {Key: "changed", Value: millis(u.Changed)}}}
}

func userRev(u *store.User) *int64 { return &u.Rev }

func (i identity) InsertUser(ctx context.Context, u store.User) error {
	return i.insert(ctx, userDoc(u))
}

func (i identity) ReplaceUser(ctx context.Context, u store.User) error {
	return i.replace(ctx, userDoc(u), u.Rev)
}

func (i identity) User(ctx context.Context, id string) (store.User, error) {
	return one(ctx, i, userRev, users, byID(id), nil)
}

func (i identity) UserByPhone(ctx context.Context, phone string) (store.User, error) {
	return one(ctx, i, userRev, users, bson.D{{Key: "phone", Value: phone}}, nil)
}

func (i identity) UsersChanged(ctx context.Context, t time.Time) ([]store.User, error) {
	return find(ctx, i, userRev, users, bson.D{{Key: "changed", Value: since(t)}}, options.Find().SetSort(up("_id")))
}

func (i identity) UsersAfter(ctx context.Context, id string, limit int) ([]store.User, error) {
	if limit <= 0 {
		return nil, nil
	}
	return find(ctx, i, userRev, users, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}}}, options.Find().SetSort(up("_id")).SetLimit(int64(limit)))
}

func credentialDoc(c store.Credential) document {
	return document{collection: credentials, key: c.User, shape: c}
}

func credentialRev(c *store.Credential) *int64 { return &c.Rev }

func (i identity) InsertCredential(ctx context.Context, c store.Credential) error {
	return i.insert(ctx, credentialDoc(c))
}

func (i identity) ReplaceCredential(ctx context.Context, c store.Credential) error {
	return i.replace(ctx, credentialDoc(c), c.Rev)
}

func (i identity) Credential(ctx context.Context, user string) (store.Credential, error) {
	return one(ctx, i, credentialRev, credentials, byID(user), nil)
}

func challengeDoc(c store.Challenge) document {
	found := bson.D{{Key: "phone", Value: c.Phone}, {Key: "purpose", Value: c.Purpose}, {Key: "install", Value: c.Install},
		{Key: "created", Value: millis(c.Created)}, {Key: "expires", Value: millis(c.Expires)}, {Key: "leased", Value: millis(c.Leased)}}
	if len(c.Sealed) > 0 {
		found = append(found, bson.E{Key: "unsent", Value: true})
	}
	return document{codes, c.ID, c, found}
}

func challengeRev(c *store.Challenge) *int64 { return &c.Rev }

func (i identity) InsertChallenge(ctx context.Context, c store.Challenge) error {
	return i.insert(ctx, challengeDoc(c))
}

func (i identity) ReplaceChallenge(ctx context.Context, c store.Challenge) error {
	return i.replace(ctx, challengeDoc(c), c.Rev)
}

func (i identity) Challenge(ctx context.Context, id string) (store.Challenge, error) {
	return one(ctx, i, challengeRev, codes, byID(id), nil)
}

func (i identity) LatestChallenge(ctx context.Context, phone, purpose, install string) (store.Challenge, error) {
	return one(ctx, i, challengeRev, codes, bson.D{{Key: "phone", Value: phone}, {Key: "purpose", Value: purpose}, {Key: "install", Value: install}},
		options.FindOne().SetSort(down("created", "_id")))
}

func (i identity) Unsent(ctx context.Context, now time.Time, limit int) ([]store.Challenge, error) {
	if limit <= 0 {
		return nil, nil
	}
	return find(ctx, i, challengeRev, codes, bson.D{{Key: "unsent", Value: true}, {Key: "expires", Value: bson.D{{Key: "$gt", Value: millis(now)}}},
		{Key: "leased", Value: bson.D{{Key: "$lte", Value: millis(now)}}}}, options.Find().SetSort(up("created", "_id")).SetLimit(int64(limit)))
}

func sessionDoc(s store.Session) document {
	return document{sessions, s.ID, s, bson.D{{Key: "user", Value: s.User}, {Key: "created", Value: millis(s.Created)}, {Key: "revoked", Value: millis(s.Revoked)}}}
}

func sessionRev(s *store.Session) *int64 { return &s.Rev }

func (i identity) InsertSession(ctx context.Context, s store.Session) error {
	return i.insert(ctx, sessionDoc(s))
}

func (i identity) ReplaceSession(ctx context.Context, s store.Session) error {
	return i.replace(ctx, sessionDoc(s), s.Rev)
}

func (i identity) Session(ctx context.Context, id string) (store.Session, error) {
	return one(ctx, i, sessionRev, sessions, byID(id), nil)
}

func (i identity) SessionsOf(ctx context.Context, user string) ([]store.Session, error) {
	return find(ctx, i, sessionRev, sessions, bson.D{{Key: "user", Value: user}}, options.Find().SetSort(down("created", "_id")))
}

func (i identity) SessionsRevoked(ctx context.Context, t time.Time) ([]store.Session, error) {
	from := max(millis(t), 1) // 0 is the instant of those that live
	return find(ctx, i, sessionRev, sessions, bson.D{{Key: "revoked", Value: bson.D{{Key: "$gte", Value: from}}}}, options.Find().SetSort(down("created", "_id")))
}
