package scratch_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var errCut = errors.New("cut")

// server is the one that tests run on.
func server(t *testing.T) *scratch.Server {
	t.Helper()
	if !mongotest.Asked() {
		t.Skip("skipped: needs MongoDB, at the address in " + mongotest.Variable)
	}
	s, err := scratch.Connect(t.Context(), os.Getenv(mongotest.Variable))
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func database(t *testing.T, s *scratch.Server) *scratch.Database {
	t.Helper()
	d, err := s.Database()
	must(t, err)
	return d
}

func open(t *testing.T, d *scratch.Database, around scratch.Around) *mongo.DB {
	t.Helper()
	db, err := d.Open(t.Context(), around)
	must(t, err)
	return db
}

func head(scope string) store.Head {
	return store.Head{Scope: scope, Generation: merge.Generation{Count: 1, Nonce: "n"}}
}

func has(t *testing.T, db *mongo.DB, scope string) bool {
	t.Helper()
	_, err := db.Head(t.Context(), scope)
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		t.Fatal(err)
	}
	return err == nil
}

func TestACommandIsRefusedOrItsAnswerLost(t *testing.T) {
	s := server(t)
	d := database(t, s)
	var seen []string
	cut, after := "", false
	db := open(t, d, func(command string, do func() error) error {
		seen = append(seen, command)
		if command != cut {
			return do()
		}
		if after {
			if err := do(); err != nil {
				return err
			}
		}
		return errCut
	})
	calm := open(t, d, nil)
	for _, tt := range []struct {
		scope       string
		cut         string
		after, want bool
	}{
		{"in peace", "", false, true},
		{"refused", "insert heads", false, false},
		{"not heard", "insert heads", true, true},
	} {
		cut, after, seen = tt.cut, tt.after, nil
		err := db.Create(t.Context(), head(tt.scope))
		if (err == nil) != (tt.cut == "") || err != nil && fault.KindOf(err) != fault.Transient {
			t.Errorf("%s: %v", tt.scope, err)
		}
		if has(t, calm, tt.scope) != tt.want {
			t.Errorf("%s: there %t, want %t", tt.scope, !tt.want, tt.want)
		}
		if got := strings.Join(seen, ", "); got != "insert heads" {
			t.Errorf("%s: commands %s", tt.scope, got)
		}
	}
	must(t, d.Close(t.Context()))
}

func TestACopyHoldsWhatWasThere(t *testing.T) {
	s := server(t)
	d := database(t, s)
	db := open(t, d, nil)
	must(t, db.Create(t.Context(), head("before")))
	c, err := d.Copy(t.Context())
	must(t, err)
	must(t, db.Create(t.Context(), head("after")))
	copied := open(t, c, nil)
	if !has(t, copied, "before") || has(t, copied, "after") || !has(t, db, "after") {
		t.Error("the copy is not what was there")
	}
	must(t, d.Close(t.Context()))
	again := database(t, s)
	if db := open(t, again, nil); has(t, db, "before") || !has(t, copied, "before") {
		t.Error("a database that was given back is not empty, or its copy is")
	}
	must(t, errors.Join(c.Close(t.Context()), again.Close(t.Context())))
}

func TestNamed(t *testing.T) {
	for address, want := range map[string]string{
		"mongodb://h:1":                          "mongodb://h:1/x?",
		"mongodb://u:p@h:1,g:2/other?replicaSet": "mongodb://u:p@h:1,g:2/x?replicaSet",
		"mongodb+srv://h/?w=1":                   "mongodb+srv://h/x?w=1",
		"h:1":                                    "",
	} {
		if got, err := scratch.Named(address, "x"); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
}
