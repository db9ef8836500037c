package outage_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	code    = "482915"
	guessed = "+628117009999" // the number that TestLoginBudgets guesses at
)

// town is people, their enterprises and their phones, on one database that two
// processes share. It was settled by a program of its own that does no background
// work.
type town struct {
	*testing.T
	app     *app.App
	schema  *merge.Schema
	ids     id.Maker
	admin   programme.Caller
	people  []*person
	hot     string   // the scope that everybody writes into
	others  []string // scopes of single persons
	product string   // of the hot scope
	began   time.Time
}

// person is somebody with a phone.
type person struct {
	login  auth.Login
	phone  *replica.Client
	http   *replica.HTTP
	scopes []string // of their own
	typed  []typed
}

// typed is a sale that somebody wrote down.
type typed struct {
	scope, id string
	amount    int64
}

// configuration is that of the processes.
func configuration(database string) config.Config {
	cfg := config.Default()
	cfg.Store, cfg.Pepper, cfg.TestNumbers = database, pepper, map[string]string{}
	return cfg
}

func number(n int) string { return fmt.Sprintf("+62811701%04d", n) }

// stranger is the number of somebody who has never been here.
func stranger(n int) string { return fmt.Sprintf("+62811702%04d", n) }

// found settles people, the enterprise of all of them, and some for each. Roles are
// those of everybody but the first, who owns it.
func found(t *testing.T, database string, people, each int, roles ...string) *town {
	t.Helper()
	cfg := configuration(database)
	for n := range people {
		cfg.TestNumbers[number(n)] = code
	}
	for n := range 1000 {
		cfg.TestNumbers[stranger(n)] = code
	}
	rate := api.Rate{Max: 1 << 30, Per: time.Minute}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil // everybody sits behind one address here
	db, err := mongo.Open(t.Context(), database, mongo.Options{Timeout: time.Minute})        // some engines take long for the reference lists
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	a, err := app.New(t.Context(), cfg, app.Options{Store: db, Identity: db.Identity(), Log: slog.New(slog.DiscardHandler), Auth: &limits, HTTP: api.Limits{PerUser: rate, PerDevice: rate, EditsPerUser: rate, EditsPerDevice: rate, PerIP: rate, Heavy: rate}})
	w := &town{T: t, app: a, ids: id.Maker{Clock: clock.System{}, Rand: rand.Reader}, began: time.Now()}
	w.ok(err)
	t.Cleanup(func() { w.ok(a.Close(context.WithoutCancel(t.Context()))) })
	w.schema, err = domain.Catalogue()
	w.ok(err)
	boss, err := a.Auth.CreateUser(t.Context(), number(9999), []string{auth.RoleAdmin})
	w.ok(err)
	w.admin = programme.Caller{User: boss.ID, Proved: true}
	for n := range people {
		if n > 0 && n <= len(roles) {
			u, err := a.Auth.CreateUser(t.Context(), number(n), []string{roles[n-1]})
			w.ok(err)
			if roles[n-1] == auth.RoleAdmin {
				w.people = append(w.people, &person{login: w.logInProved(u)})
				continue
			}
		}
		w.people = append(w.people, &person{login: w.logIn(n)})
	}
	w.ok(a.Programme.Seed(t.Context(), domain.ReferenceLists())) // or both processes would, when the test begins
	w.hot = w.business(w.people[0])
	w.crew()
	w.product = w.ids.New()
	w.write(w.hot, "product", w.product, map[string]merge.Value{"name": merge.Str("Keripik pisang"), "unit": merge.Str("pack"), "price_idr": merge.Num(15_000)})
	for _, p := range w.people {
		for range each {
			p.scopes = append(p.scopes, w.business(p))
		}
		w.others = append(w.others, p.scopes...)
	}
	_, err = a.Engine.Work(t.Context())
	w.ok(err)
	return w
}

func (w *town) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *town) logIn(n int) auth.Login {
	w.Helper()
	c, err := w.app.Auth.RequestCode(w.Context(), auth.CodeRequest{Phone: number(n), Purpose: auth.PurposeLogin})
	w.ok(err)
	l, err := w.app.Auth.Verify(w.Context(), auth.VerifyRequest{Challenge: c.ID, Phone: number(n), Code: code, Device: auth.DeviceInfo{Install: w.ids.New()}})
	w.ok(err)
	return l
}

// logInProved logs an admin in with a password and a second factor.
func (w *town) logInProved(u store.User) auth.Login {
	w.Helper()
	now := time.Now()
	secret, err := play.Equip(w.Context(), w.app.Auth, u.ID, now)
	w.ok(err)
	next, err := auth.FactorCode(secret, now.Add(30*time.Second))
	w.ok(err)
	l, err := w.app.Auth.LogIn(w.Context(), auth.PasswordRequest{Phone: u.Phone, Password: play.Password, Code: next, Device: auth.DeviceInfo{Install: w.ids.New()}})
	w.ok(err)
	return l
}

// by is a caller whose writes have a new name, and who proved enough to be an admin, if
// they are one.
func (w *town) by(user string) programme.Caller {
	return programme.Caller{User: user, Name: w.ids.New(), Proved: true}
}

// business makes an enterprise and gives its scope.
func (w *town) business(p *person) string {
	w.Helper()
	name := w.ids.New()
	_, err := w.app.Programme.CreateBusiness(w.Context(), w.by(p.login.User.ID), programme.NewBusiness{ID: name, Name: "Rajut Metro", RegionCode: "18.72", PrimaryCategory: "crafts"})
	w.ok(err)
	return "business/" + name
}

// crew makes everybody but the owner staff of the hot scope.
func (w *town) crew() {
	w.Helper()
	now := merge.Str(merge.FormatInstant(merge.Millis(time.Now().UnixMilli())))
	for _, p := range w.people[1:] {
		w.write(w.hot, "membership", w.ids.New(), map[string]merge.Value{"user_id": merge.Str(p.login.User.ID), "role": merge.Str(string(merge.Staff)), "from": now,
			"permissions": merge.Encode([]string{"log_sales", "edit_profile"})})
	}
}

// write makes a record as the server does.
func (w *town) write(scope, collection, record string, set map[string]merge.Value) {
	w.Helper()
	_, err := w.app.Engine.Write(w.Context(), scope, w.create(collection, record, set))
	w.ok(err)
}

func (w *town) create(collection, record string, set map[string]merge.Value) merge.ServerWrite {
	return merge.ServerWrite{Name: w.ids.New(), Author: w.people[0].login.User.ID, Role: merge.Owner, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
}

// give puts phones into the hands of everybody, with a network of theirs.
func (w *town) give(network http.RoundTripper) {
	w.Helper()
	for _, p := range w.people {
		p.http = &replica.HTTP{Base: "http://lumbung.test", Client: &http.Client{Timeout: 40 * time.Second, Transport: network}}
		p.phone = &replica.Client{Local: &replica.Memory{}, Schema: w.schema, Clock: w, IDs: w.ids, App: "1.4.2", Server: p.http}
		p.http.Phone = p.phone
		w.ok(p.phone.Open())
		w.ok(p.phone.Become(replica.Identity{User: p.login.User.ID, Device: p.login.Device, Incarnation: p.login.Incarnation}))
		w.ok(p.phone.KeepSession(replica.Session{Access: p.login.Access, Refresh: p.login.Refresh}))
	}
}

// Read implements replica.Clock for all phones.
func (w *town) Read() (wall, mono int64, boot string) {
	now := time.Now()
	return now.UnixMilli(), now.Sub(w.began).Milliseconds(), "boot"
}

// sell notes a sale on the phone.
func (w *town) sell(p *person, scope string, amount int64) error {
	record, err := p.phone.Do(replica.Edit{Scope: scope, Collection: "sales", Set: sale(amount)})
	if err == nil {
		p.typed = append(p.typed, typed{scope, record, amount})
	}
	return err
}

func sale(amount int64) map[string]merge.Value {
	return map[string]merge.Value{"sold_on": merge.Str(time.Now().Format("2006-01-02")), "channel": merge.Str("store"), "payment": merge.Str("cash"),
		"granularity": merge.Str("single"), "amount_idr": merge.Num(amount)}
}

// price changes what everybody changes.
func (w *town) price(p *person, rupiah int64) error {
	_, err := p.phone.Do(replica.Edit{Scope: w.hot, Collection: "product", ID: w.product, Set: map[string]merge.Value{"price_idr": merge.Num(rupiah)}})
	return err
}

// settle lets every phone sync until nothing waits.
func (w *town) settle() {
	w.Helper()
	for round, quiet := 0, 0; quiet < 2; round++ {
		quiet++
		for n, p := range w.people {
			if !within(w.T, 90*time.Second, func() bool {
				err := p.phone.Sync(w.Context())
				if err != nil {
					w.Logf("phone %d: %v", n, err)
				}
				return err == nil
			}) {
				w.Fatalf("phone %d cannot sync", n)
			}
			if left, err := p.phone.Unsent(); err != nil || len(left) > 0 {
				quiet = 0
			}
		}
		if round > 20 {
			w.Fatal("edits wait for ever")
		}
	}
}

// crossing is the proxy in front of several processes: each request goes to the
// next one, whether it lives or not.
type crossing struct {
	to   []string
	next atomic.Uint64
	http http.Transport
	each func() // told before a request leaves; may be nil
}

// RoundTrip implements http.RoundTripper.
func (c *crossing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = c.to[c.next.Add(1)%uint64(len(c.to))]
	if c.each != nil {
		c.each()
	}
	return c.http.RoundTrip(r)
}

// open opens the database of a test once more.
func open(t *testing.T, database string) *mongo.DB {
	t.Helper()
	db, err := mongo.Open(t.Context(), database, mongo.Options{})
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

// halted is the store of a process that dies before it folds.
type halted struct{ store.Store }

var errDied = errors.New("the process is dead")

// Fold is what it does not live to see.
func (halted) Fold(context.Context, *store.Commit, store.Head) (store.Head, error) {
	return store.Head{}, errDied
}
