package damage_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	code   = "482915"
	pepper = "a pepper of a test, not of anything real"
)

// owner is somebody with an enterprise.
type owner struct {
	login auth.Login
	scope string
}

// town is a database with owners in it.
type town struct {
	*testing.T
	path   string
	crash  string // a copy of it as a crash would leave it, with its log of changes
	ids    id.Maker
	owners []*owner
}

func configuration(path string) config.Config {
	cfg := config.Default()
	cfg.Store, cfg.Pepper, cfg.TestNumbers = path, pepper, map[string]string{}
	for n := range 10 {
		cfg.TestNumbers[number(n)] = code
	}
	return cfg
}

func number(n int) string { return fmt.Sprintf("+62811701%04d", n) }

// settle makes a database with so many owners, each with products, some of them changed and
// some deleted, and closes it.
func settle(t *testing.T, path string, owners, products int) *town {
	t.Helper()
	w := &town{T: t, path: path, ids: id.Maker{Clock: clock.System{}, Rand: rand.Reader}}
	a, err := app.New(t.Context(), configuration(path), app.Options{Log: slog.New(slog.DiscardHandler)})
	w.ok(err)
	defer func() { w.ok(a.Close(context.WithoutCancel(t.Context()))) }()
	w.ok(a.Programme.Seed(t.Context(), domain.ReferenceLists()))
	for n := range owners {
		w.owners = append(w.owners, w.arrive(a, n, products))
	}
	for again := true; again; {
		n, err := a.Engine.Work(t.Context())
		w.ok(err)
		again = n > 0
	}
	w.leaveRoom(a.Store.(store.Portable))
	w.crash = copyOf(t, path, "", "-wal")
	return w
}

func (w *town) arrive(a *app.App, n, products int) *owner {
	w.Helper()
	c, err := a.Auth.RequestCode(w.Context(), auth.CodeRequest{Phone: number(n), Purpose: auth.PurposeLogin})
	w.ok(err)
	o := &owner{}
	o.login, err = a.Auth.Verify(w.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: number(n), Code: code, Device: auth.DeviceInfo{Install: w.ids.New()}})
	w.ok(err)
	name := w.ids.New()
	_, err = a.Programme.CreateBusiness(w.Context(), programme.Caller{User: o.login.User.ID, Name: w.ids.New()}, programme.NewBusiness{ID: name, Name: "Rajut Metro", RegionCode: "18.72", PrimaryCategory: "crafts"})
	w.ok(err)
	o.scope = "business/" + name
	var made []string
	for first := 0; first < products; first += 40 { // bodies of many pages
		var many []merge.ServerWrite
		for n := range min(40, products-first) {
			made = append(made, w.ids.New())
			many = append(many, merge.ServerWrite{Name: w.ids.New(), Author: o.login.User.ID, Role: merge.Owner, Collection: "product", ID: made[len(made)-1], Op: merge.Put, Create: true, Set: product(int64(1000 + first + n))})
		}
		_, err = a.Engine.Write(w.Context(), o.scope, many...)
		w.ok(err)
	}
	for n, record := range made {
		change := merge.ServerWrite{Name: w.ids.New(), Author: o.login.User.ID, Role: merge.Owner, Collection: "product", ID: record, Op: merge.Put, Set: map[string]merge.Value{"price_idr": merge.Num(777)}}
		switch n % 10 {
		case 0:
			change.Op, change.Set = merge.Delete, nil
		case 1:
		default:
			continue
		}
		_, err = a.Engine.Write(w.Context(), o.scope, change)
		w.ok(err)
	}
	return o
}

func product(price int64) map[string]merge.Value {
	return map[string]merge.Value{"name": merge.Str("Keripik pisang"), "unit": merge.Str("pack"), "price_idr": merge.Num(price)}
}

// leaveRoom leaves free pages behind.
func (w *town) leaveRoom(s store.Portable) {
	w.Helper()
	var items []store.Item
	var keys [][]string
	for n := range 200 {
		i := store.Item{Key: []string{"room", fmt.Sprint(n)}, Fields: map[string]string{"holder": strings.Repeat("x", 500)}}
		items, keys = append(items, i), append(keys, i.Key)
	}
	w.ok(s.Put(w.Context(), store.ShelfClaims, items))
	w.ok(s.Drop(w.Context(), store.ShelfClaims, keys))
}

func (w *town) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// content is everything that a database holds, by shelf and key.
func content(ctx context.Context, path string) (_ map[store.Shelf]map[string]store.Item, err error) {
	db, err := app.OpenDatabase(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if failed := db.Close(); err == nil {
			err = failed
		}
	}()
	out := map[store.Shelf]map[string]store.Item{}
	for _, shelf := range store.Shelves() {
		out[shelf] = map[string]store.Item{}
		for place, more := "", true; more; more = place != "" {
			var items []store.Item
			if items, place, err = db.(store.Portable).Items(ctx, shelf, place, 500); err != nil {
				return nil, err
			}
			for _, i := range items {
				out[shelf][i.Name()] = i
			}
		}
	}
	return out, nil
}

// differ are the shelves and fields in which two contents differ.
func differ(a, b map[store.Shelf]map[string]store.Item) []string {
	out := map[string]bool{}
	for shelf := range a {
		if len(a[shelf]) != len(b[shelf]) {
			out[string(shelf)+" count"] = true
		}
		for key, i := range a[shelf] {
			o, ok := b[shelf][key]
			if !ok {
				out[string(shelf)+" key"] = true
				continue
			}
			for name := range i.Fields {
				if i.Fields[name] != o.Fields[name] {
					out[string(shelf)+" "+name] = true
				}
			}
		}
	}
	var names []string
	for name := range maps.Keys(out) {
		names = append(names, name)
	}
	return names
}

// copyOf puts a copy of files with the same ends beside one another in a folder of its own.
func copyOf(t testing.TB, path string, ends ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lumbung-damage-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	to := filepath.Join(dir, "l.db")
	for _, end := range ends {
		text, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
