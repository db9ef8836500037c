package auth_test

import (
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// stores are the stores on which the promises about races are tried.
func stores() map[string]func(t *testing.T) store.Identity {
	all := map[string]func(t *testing.T) store.Identity{
		"in memory": func(*testing.T) store.Identity { return &storefault.MemoryIdentity{} },
		"in SQLite": func(t *testing.T) store.Identity {
			t.Helper()
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "lumbung.db"), sqlite.Options{})
			must(t, err)
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			return db.Identity()
		},
	}
	if mongotest.Asked() {
		all["in MongoDB"] = func(t *testing.T) store.Identity {
			t.Helper()
			db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{})
			must(t, err)
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			return db.Identity()
		}
	}
	return all
}
