package play_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// full is for a real server.
var full = flag.Bool("full", false, "play at full size on every store, not at a tenth on some")

// every is the scale of a story: at a tenth it takes every tenth of what it
// counts. The engines that stand in for MongoDB in tests scan where that has an
// index, or answer a few hundred commands a second.
func every() int {
	if mongotest.Asked() && !*full {
		return 10
	}
	return 1
}

// size is how many of n there are at the scale of the story.
func size(n int) int { return (n + every() - 1) / every() }

// few is the scale of a story that has to meet what happens between two calls.
func few() int { return min(every(), 3) }

// sparse takes places at the scale of the story.
func sparse(places []int) (out []int) {
	for i := 0; i < len(places); i += every() {
		out = append(out, places[i])
	}
	return out
}

// counting gives a story a database of its own, and what was sent to it since it
// was asked last: statements of SQLite, commands of MongoDB.
func counting(t *testing.T) (on func(*play.Options), take func() []string) {
	t.Helper()
	if mongotest.Asked() {
		seen := &trips{}
		db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{OnCommand: seen.see})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return func(o *play.Options) { o.Store, o.Identity = db, db.Identity() }, seen.take
	}
	seen := &sqlite.Counter{}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{OnStatement: seen.See})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(o *play.Options) { o.Store, o.Identity = db, db.Identity() }, seen.Take
}
