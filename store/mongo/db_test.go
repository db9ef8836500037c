package mongo_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// plain is the database at an address, without a store around it.
func plain(t *testing.T, address string) *driver.Database {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	name, _, _ := strings.Cut(address[strings.LastIndexByte(address, '/')+1:], "?")
	return client.Database(name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAddressThatCannotBeRead(t *testing.T) {
	for _, address := range []string{"", "lumbung.db", "http://x", "mongodb://", "mongodb://x/a/b?retryWrites=perhaps"} {
		_, err := mongo.Open(t.Context(), address, mongo.Options{})
		if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != "database_address_invalid" {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWithoutAServer(t *testing.T) {
	_, err := mongo.Open(t.Context(), "mongodb://127.0.0.1:1/x?directConnection=true", mongo.Options{Timeout: 300 * time.Millisecond})
	if fault.KindOf(err) != fault.Transient {
		t.Errorf("%v", err)
	}
}

func TestManyProcessesMayOpenANewDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	var all sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		all.Go(func() {
			db, err := mongo.Open(t.Context(), address, mongo.Options{})
			if errs[i] = err; err == nil {
				errs[i] = db.Close()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		must(t, err)
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	must(t, reopen(t, address, mongo.Options{}).Ping(t.Context()))
	_, err := plain(t, address).Collection("meta").UpdateByID(t.Context(), "shape", bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 99}}}})
	must(t, err)
	if _, err := mongo.Open(t.Context(), address, mongo.Options{}); fault.CodeOf(err) != "database_too_new" {
		t.Errorf("%v", err)
	}
}

// TestALockIsVoidWhenItsHolderIsGone: a process died while it brought the shape up
// to date.
func TestALockIsVoidWhenItsHolderIsGone(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	now := time.Date(2022, time.April, 1, 9, 0, 0, 0, time.UTC)
	lock := bson.D{{Key: "_id", Value: "lock"}, {Key: "by", Value: "somebody"}, {Key: "until", Value: now.Add(-time.Minute).UnixMilli()}}
	_, err := plain(t, address).Collection("meta").InsertOne(t.Context(), lock)
	must(t, err)
	must(t, reopen(t, address, mongo.Options{Clock: clock.At(now)}).Ping(t.Context()))
}

// counter is what a store sent, by command.
type counter struct {
	mu  sync.Mutex
	all []string
}

func (c *counter) see(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "endSessions" && name != "ping" {
		c.all = append(c.all, name)
	}
}

func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// TestHowManyCommandsAMethodNeeds, each a round trip.
func TestHowManyCommandsAMethodNeeds(t *testing.T) {
	t.Parallel()
	c := &counter{}
	db := fresh(t, mongo.Options{OnCommand: c.see})
	ctx, g := t.Context(), merge.Generation{Count: 1, Nonce: "n"}
	must(t, db.Create(ctx, store.Head{Scope: "business/a", Generation: g, Access: []merge.Grant{{ID: "m", User: "u", Role: merge.Owner}}}))
	book := merge.PageKey{BookKey: merge.BookKey{About: "business/a", Device: "d", Incarnation: "i"}}
	commit := &store.Commit{Scope: "business/a", Generation: g, Seq: 1, ID: "c", Chain: "x", Access: []merge.Grant{{ID: "m", User: "u", Role: merge.Owner}},
		Records: []store.Record{{Collection: "product", ID: "p", Version: 1, Fields: json.RawMessage(`{"name":"Keripik"}`), State: json.RawMessage(`{}`), Tags: []string{"t"}}},
		Pages:   []merge.Page{{PageKey: book, Version: 1, Entries: map[uint64]merge.Entry{1: {Seq: 1}}}}}
	second := *commit
	second.Seq, second.ID = 2, "d"
	var read store.Head
	tests := []struct {
		name string
		do   func() error
		want []string
	}{
		{"insert", func() error { return db.Insert(ctx, commit) }, []string{"insert"}},
		{"look", func() (err error) { read, _, err = db.Look(ctx, "business/a"); return err }, []string{"find"}},
		{"fold, the head being known", func() error { _, err := db.Fold(ctx, commit, read); return err }, []string{"update", "update"}},
		{"insert the next", func() error { return db.Insert(ctx, &second) }, []string{"insert"}},
		{"fold", func() error { _, err := db.Fold(ctx, &second, store.Head{}); return err }, []string{"find", "update", "update"}},
		{"fold again", func() error { _, err := db.Fold(ctx, commit, store.Head{}); return err }, []string{"find"}},
		{"head", func() error { _, err := db.Head(ctx, "business/a"); return err }, []string{"find"}},
		{"heads of a user and by name", func() error { _, err := db.HeadsFor(ctx, "u", []string{"user/u"}); return err }, []string{"find"}},
		{"load keys, tags and pages", func() error {
			got, err := db.Load(ctx, "business/a", store.Want{Keys: []merge.Key{{Collection: "product", ID: "p"}}, Tags: []string{"t"}, Pages: []merge.PageKey{book}})
			if len(got.Records) != 1 || len(got.Pages) != 1 || got.Newest[book.BookKey] != 0 {
				t.Errorf("loaded %+v", got)
			}
			return err
		}, []string{"find"}},
		{"changed", func() error { _, err := db.Changed(ctx, "business/a", store.Position{}, 1, 0, 1<<20); return err }, []string{"find", "find"}},
		{"entry", func() error { _, err := db.Entry(ctx, "business/a", 1, 1); return err }, []string{"find"}},
		{"ping", func() error { return db.Ping(ctx) }, []string{"find"}},
	}
	c.take()
	for _, tt := range tests {
		must(t, tt.do())
		if got := c.take(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestADocumentThatIsTooLargeIsRefusedWhole, before anything of it is written.
func TestADocumentThatIsTooLargeIsRefusedWhole(t *testing.T) {
	t.Parallel()
	db := fresh(t, mongo.Options{})
	ctx, g := t.Context(), merge.Generation{Count: 1, Nonce: "n"}
	must(t, db.Create(ctx, store.Head{Scope: "business/a", Generation: g}))
	huge := json.RawMessage(`{"text":"` + strings.Repeat("a", 17<<20) + `"}`)
	commit := &store.Commit{Scope: "business/a", Generation: g, Seq: 1, ID: "c", Records: []store.Record{{Collection: "memo", ID: "m", Version: 1, Fields: huge, State: json.RawMessage(`{}`)}}}
	if err := db.Insert(ctx, commit); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("insert: %v", err)
	}
	if _, err := db.Fold(ctx, commit, store.Head{}); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("fold: %v", err)
	}
	h, err := db.Head(ctx, "business/a")
	must(t, err)
	if h.Applied != 0 {
		t.Errorf("applied %d", h.Applied)
	}
}

// TestAHeadThatIsTooLargeIsRefused: whoever its access list names stands in it twice,
// once to be found by.
func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	db := fresh(t, mongo.Options{})
	h := store.Head{Scope: "business/a", Generation: merge.Generation{Count: 1, Nonce: "n"}}
	for n := range 10 {
		h.Access = append(h.Access, merge.Grant{ID: "m", User: strings.Repeat(string(rune('a'+n)), 1<<20), Role: merge.Owner})
	}
	if err := db.Create(t.Context(), h); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("create: %v", err)
	}
	h.Access = h.Access[:7]
	must(t, db.Create(t.Context(), h))
}
