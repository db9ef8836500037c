package mongo_test

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestADatabaseOfTheFirstShape keeps the numbers of backups elsewhere, and its heads
// do not know whether they hold foreign refusals.
func TestADatabaseOfTheFirstShape(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	db := reopen(t, address, mongo.Options{})
	g := merge.Generation{Count: 1, Nonce: "n"}
	for scope, about := range map[string]string{"user/a": "business/x", "user/b": "user/b"} {
		must(t, db.Create(t.Context(), store.Head{Scope: scope, Generation: g}))
		c := &store.Commit{Scope: scope, Generation: g, Seq: 1, ID: "c", Pages: []merge.Page{{Version: 1, PageKey: merge.PageKey{BookKey: merge.BookKey{About: about, Device: "d", Incarnation: "i"}}}}}
		must(t, db.Insert(t.Context(), c))
		_, err := db.Fold(t.Context(), c, store.Head{})
		must(t, err)
	}
	_, err := db.Unfolded(t.Context(), 9) // they are folded, and somebody has seen it
	must(t, err)
	raw := plain(t, address)
	var head struct {
		Doc string `bson:"doc"`
	}
	must(t, raw.Collection("heads").FindOne(t.Context(), bson.D{{Key: "_id", Value: "user/a"}}).Decode(&head))
	_, err = raw.Collection("heads").UpdateByID(t.Context(), "user/a", bson.D{{Key: "$set", Value: bson.D{{Key: "doc", Value: strings.Replace(head.Doc, `"foreign":true,`, "", 1)}}}})
	must(t, err)
	_, err = raw.Collection("heads").DeleteOne(t.Context(), bson.D{{Key: "_id", Value: ""}})
	must(t, err)
	_, err = raw.Collection("meta").InsertOne(t.Context(), bson.D{{Key: "_id", Value: "backup"}, {Key: "began", Value: int64(7)}, {Key: "done", Value: int64(6)}})
	must(t, err)
	_, err = raw.Collection("meta").UpdateByID(t.Context(), "shape", bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 1}}}})
	must(t, err)
	if strings.Contains(head.Doc, "foreign") != true {
		t.Fatalf("nothing was taken out of %s", head.Doc)
	}

	db = reopen(t, address, mongo.Options{})
	for scope, want := range map[string]bool{"user/a": true, "user/b": false} {
		if h, err := db.Head(t.Context(), scope); err != nil || h.Foreign != want {
			t.Errorf("%s: foreign %t, want %t (%v)", scope, h.Foreign, want, err)
		}
	}
	if e, err := db.Epochs(t.Context()); err != nil || e != (store.Epochs{Began: 7, Done: 6}) {
		t.Errorf("%+v %v", e, err)
	}
}

// TestDeliveriesOfAnEarlierShape are found by a provider that they did not name where they are
// looked for.
func TestDeliveriesOfAnEarlierShape(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	db := reopen(t, address, mongo.Options{})
	for id, provider := range map[string]string{"a": "fcm", "b": "webpush"} {
		must(t, db.Identity().InsertDelivery(t.Context(), store.Delivery{ID: id, Lane: "bulk", Provider: provider, State: store.DeliveryPending}))
	}
	raw := plain(t, address)
	_, err := raw.Collection("deliveries").UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$unset", Value: bson.D{{Key: "provider", Value: ""}}}})
	must(t, err)
	_, err = raw.Collection("meta").UpdateByID(t.Context(), "shape", bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 3}}}})
	must(t, err)
	if due, err := db.Identity().DueDeliveries(t.Context(), "bulk", nil, time.Now(), 10); err != nil || len(due) != 0 {
		t.Fatalf("nothing was taken away: %+v, %v", due, err)
	}
	db = reopen(t, address, mongo.Options{})
	if due, err := db.Identity().DueDeliveries(t.Context(), "bulk", []string{"fcm"}, time.Now(), 10); err != nil || len(due) != 1 || due[0].ID != "b" {
		t.Errorf("%+v, %v", due, err)
	}
	_, err = db.Identity().CountDeliveries(t.Context(), store.DeliveryStates()...)
	must(t, err)
}
