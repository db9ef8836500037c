package mongo_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/storetest"
)

// fresh opens an empty database.
func fresh(t *testing.T, o mongo.Options) *mongo.DB {
	t.Helper()
	return reopen(t, mongotest.Address(t), o)
}

func reopen(t *testing.T, address string, o mongo.Options) *mongo.DB {
	t.Helper()
	db, err := mongo.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// patient is for engines that take seconds where MongoDB takes none.
func patient() mongo.Options { return mongo.Options{Timeout: time.Minute} }

func TestTheStoreKeepsThePromises(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return fresh(t, patient()) })
}

func TestIdentityKeepsThePromises(t *testing.T) {
	storetest.RunIdentity(t, func(t *testing.T) store.Identity { return fresh(t, patient()).Identity() })
}
