package play_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// androidClock is what an app answers the binding.
type androidClock struct{ w *play.World }

func (c androidClock) WallMillis() int64    { return c.w.Clock.Now().UnixMilli() }
func (c androidClock) ElapsedMillis() int64 { return c.w.Clock.Now().UnixMilli() - 1_600_000_000_000 }
func (c androidClock) Boot() string         { return "boot" }

// app is an app that knows nothing but package client.
type app struct {
	*client.Phone
	s *scene
}

// installApp opens the binding on a real file and logs somebody in through it.
func (s *scene) installApp(who *play.Person, language string) app {
	s.Helper()
	o := client.NewOptions()
	o.Server, o.AppVersion, o.Language, o.Platform = s.w.URL, "1.4.2", language, "android"
	o.InstallID = "0190aaaa-0000-4000-8000-" + strings.Repeat(who.Number[len(who.Number)-1:], 12)
	c, err := client.Open(filepath.Join(s.TempDir(), "phone.db"), o, androidClock{s.w})
	s.ok(err)
	s.Cleanup(func() { s.ok(c.Close()) })
	if err := c.Sync(); err == nil || client.CodeOf(err.Error()) != "login_required" {
		s.Errorf("nobody is logged in, and Sync says %v", err)
	}
	challenge, err := c.RequestCode(who.Number)
	s.ok(err)
	s.ok(c.Login(who.Number, challenge, play.Code))
	return app{c, s}
}

// read reads what a call gave.
func read[T any](a app, text string, err error) (v T) {
	a.s.Helper()
	a.s.ok(err)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		a.s.Fatalf("%q: %v", text, err)
	}
	return v
}

type seen struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Fields struct {
		Address string `json:"address"`
		Counted int64  `json:"counted_idr"`
	} `json:"fields"`
}

func (a app) sync() {
	a.s.Helper()
	a.s.ok(a.Sync())
	a.s.ok(a.s.w.Step(a.s.Context()))
	a.s.w.Clock.Advance(1_000_000_000)
}

// TestAnAppOnTheBinding is docs/android.md, step by step: login, first sync, a
// sale without a network, a conflict and its restore, money and the inbox.
func TestAnAppOnTheBinding(t *testing.T) {
	t.Parallel()
	s := set(t)
	a := s.installApp(s.owner.Who, "id")
	a.sync()

	type place struct {
		Scope, Name string
		Roles       []string
		Complete    bool
	}
	text, err := a.Businesses()
	places := read[[]place](a, text, err)
	if len(places) != 1 || places[0].Name != "Rafins Snack" || !slices.Equal(places[0].Roles, []string{"owner"}) || !places[0].Complete {
		t.Fatalf("businesses %+v", places)
	}
	scope := places[0].Scope

	// A sale without a network.
	fields := `{"sold_on":"2022-04-02","channel":"store","payment":"cash","amount_idr":1250000,"granularity":"single"}`
	sale, err := a.Save(scope, "sales", "", fields)
	s.ok(err)
	text, err = a.Row(scope, "sales", sale)
	if r := read[seen](a, text, err); r.Status != "pending" || r.Fields.Counted != 1_250_000 {
		t.Errorf("kept as %+v", r)
	}
	type sum struct {
		Entries, Unsent int
		Amount          int64 `json:"amount_idr"`
		Pending         int64 `json:"pending_idr"`
	}
	totals := func() sum {
		t.Helper()
		text, err := a.Totals(scope, "2022-04-01", "2022-04-30")
		return read[struct{ All sum }](a, text, err).All
	}
	if got, want := totals(), (sum{1, 1, 1_250_000, 1_250_000}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	text, err = a.SaleHints(scope, fields)
	type hint struct{ Kind, Title string }
	if hints := read[[]hint](a, text, err); len(hints) != 1 || hints[0].Kind != "look_alike" || hints[0].Title == "" {
		t.Errorf("hints %+v", hints)
	}
	text, err = a.WeekText(scope, "2022-04-02")
	s.ok(err)
	for _, line := range []string{"Penjualan Rafins Snack", "Senin, 28 Maret 2022 – Minggu, 3 April 2022", "Jumlah: Rp1.250.000 dari 1 catatan", "1 catatan (Rp1.250.000) belum terkirim ke server"} {
		if !slices.Contains(strings.Split(text, "\n"), line) {
			t.Errorf("the shared text lacks %q:\n%s", line, text)
		}
	}
	if n, err := a.UnsentCount(); n != 1 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	a.sync()
	if got, want := totals(), (sum{1, 0, 1_250_000, 0}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}

	// A correction waits for the server: the entry counts as it is on the screen, marked.
	_, err = a.Save(scope, "sale_adjustment", "", `{"entry_id":"`+sale+`","kind":"correct","patch":{"amount_idr":1520000}}`)
	s.ok(err)
	if got, want := totals(), (sum{1, 1, 1_520_000, 1_520_000}); got != want {
		t.Errorf("totals under a correction %+v, want %+v", got, want)
	}
	a.sync()
	if got, want := totals(), (sum{1, 0, 1_520_000, 0}); got != want {
		t.Errorf("totals after the correction %+v, want %+v", got, want)
	}
	a.sameTotals(scope)
	text, err = a.Progress(scope)
	if got, want := read[domain.EnrolmentProgress](a, text, err), (domain.EnrolmentProgress{LastEntry: "2022-04-02"}); got != want {
		t.Errorf("progress %+v, want %+v", got, want)
	}
	a.lastEntry(scope, sale)
	a.conflict(scope)
	a.refusal(scope)
}

// sameTotals holds the server's totals against the phone's, once nothing waits.
func (a app) sameTotals(scope string) {
	s := a.s
	text, err := a.Totals(scope, "2022-04-01", "2022-04-30")
	s.ok(err)
	var phone, server domain.Summary
	s.ok(json.Unmarshal([]byte(text), &phone))
	s.ok(s.owner.Send(s.Context(), http.MethodGet, "/v1/businesses/"+strings.TrimPrefix(scope, "business/")+"/totals?from=2022-04-01&to=2022-04-30", "", nil, &server))
	if !reflect.DeepEqual(phone, server) {
		s.Errorf("the server adds up to %+v, the phone to %+v", server, phone)
	}
}

// lastEntry wants the health of a business to tell when its only entry was made.
func (a app) lastEntry(scope, sale string) {
	s := a.s
	var health struct {
		Last time.Time `json:"last_entry"`
	}
	s.ok(s.owner.Send(s.Context(), http.MethodGet, "/v1/businesses/"+strings.TrimPrefix(scope, "business/")+"/health", "", nil, &health))
	made, err := merge.ParseInstant(s.held("sales", sale).Text("created_at"))
	s.ok(err)
	if !health.Last.Equal(made.Time()) {
		s.Errorf("last entry %s, made at %s", health.Last, made.Time())
	}
}

// conflict lets two phones of the owner write one field without having seen each
// other, and brings back what lost.
func (a app) conflict(scope string) {
	s, business := a.s, strings.TrimPrefix(scope, "business/")
	s.sync(s.owner)
	_, err := a.Save(scope, "business", business, `{"address":"Jalan Kartini 1"}`)
	s.ok(err)
	s.w.Clock.Advance(60_000_000_000)
	s.write(s.owner, "business", business, map[string]any{"address": "Jalan Kartini 7"})
	s.sync(s.owner)
	a.sync()
	a.sync()
	text, err := a.Conflicts(scope)
	type conflict struct {
		ID, Field        string
		Lost, Kept       string
		Mine, Restorable bool
	}
	found := read[[]conflict](a, text, err)
	if len(found) != 1 || found[0].Field != "address" || found[0].Lost != "Jalan Kartini 1" || found[0].Kept != "Jalan Kartini 7" || !found[0].Mine || !found[0].Restorable {
		s.Fatalf("conflicts %s", text)
	}
	text, err = a.Row(scope, "business", business)
	if r := read[seen](a, text, err); r.Status != "attention" || r.Fields.Address != "Jalan Kartini 7" {
		s.Errorf("business %+v", r)
	}
	text, err = a.Inbox()
	type notice struct {
		ID, Type, Title, Detail string
		Read                    bool
	}
	items := read[[]notice](a, text, err)
	if len(items) == 0 || items[0].Type != "edit_lost" || items[0].Title != "Perubahan Anda tidak dipakai" || items[0].Read {
		s.Fatalf("inbox %s", text)
	}
	s.ok(a.MarkRead(items[0].ID))
	s.ok(a.Restore(scope, found[0].ID))
	a.sync()
	a.sync()
	text, err = a.Conflicts(scope)
	if left := read[[]conflict](a, text, err); len(left) != 0 {
		s.Errorf("conflicts after the restore %+v", left)
	}
	text, err = a.Row(scope, "business", business)
	if r := read[seen](a, text, err); r.Fields.Address != "Jalan Kartini 1" {
		s.Errorf("restored to %+v", r)
	}
	text, err = a.Inbox()
	if items := read[[]notice](a, text, err); !items[0].Read {
		s.Errorf("inbox after reading %+v", items)
	}
	s.ok(a.Dismiss(items[0].ID))
	text, err = a.Inbox()
	if left := read[[]notice](a, text, err); len(left) != len(items)-1 {
		s.Errorf("inbox after dismissing %+v", left)
	}
}

// refusal keeps an edit that the server does not take: it is listed with its
// reason in the language of the app.
func (a app) refusal(scope string) {
	s := a.s
	_, err := a.Save(scope, "sales", "", `{"sold_on":"2022-04-02","channel":"marketplace","payment":"cash","amount_idr":5000,"granularity":"single"}`)
	s.ok(err)
	a.sync()
	text, err := a.Refused()
	type refused struct{ Code, Field, Title string }
	if got := read[[]refused](a, text, err); len(got) != 1 || got[0].Code != "marketplace_required" || got[0].Field != "set.marketplace" || got[0].Title == "" {
		s.Errorf("refused %s", text)
	}
	for doing, want := range map[string]string{`[]`: "invalid_value", `{"colour":1}`: "unknown_field"} {
		if _, err := a.Save(scope, "sales", "", doing); err == nil || client.CodeOf(err.Error()) != want {
			s.Errorf("%s: %v, want %s", doing, err, want)
		}
	}
	s.ok(a.Logout())
	if err := a.Sync(); err == nil || client.CodeOf(err.Error()) != "login_required" {
		s.Errorf("after a logout: %v", err)
	}
	if text, err := a.Rows(scope, "sales"); err != nil || text != "[]" {
		s.Errorf("after a logout the phone shows %s, %v", text, err)
	}
}

// ear is the listener of an app.
type ear struct{ said chan string }

func (e ear) Synced()            { e.said <- "" }
func (e ear) Failed(text string) { e.said <- client.CodeOf(text) }

// TestAnAppThatWatches hears of what somebody else did without asking, and stops
// when it is told to.
func TestAnAppSeesWhatIsDue(t *testing.T) {
	t.Parallel()
	s := setAccompanied(t)
	task := s.write(s.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": "mentor", "due_on": s.w.Clock.Now().AddDate(0, 0, 2).Format(time.DateOnly)})
	s.sync(s.mentor)
	a := s.installApp(s.owner.Who, "id")
	a.sync()
	days := func() (out []string) {
		text, err := a.Due(s.scope)
		for _, d := range read[[]domain.Due](a, text, err) {
			if d.ID != task {
				t.Errorf("%+v", d)
			}
			out = append(out, fmt.Sprint(d.Says, " ", d.Days))
		}
		return out
	}
	if got := days(); !slices.Equal(got, []string{"near 2"}) {
		t.Errorf("%v", got)
	}
	s.w.Clock.Advance(3 * 24 * time.Hour)
	if got := days(); !slices.Equal(got, []string{"overdue -1"}) {
		t.Errorf("three days later: %v", got)
	}
	_, err := a.Save(s.scope, "task_event", "", `{"task_id":"`+task+`","op":"submit"}`)
	s.ok(err)
	if got := days(); !slices.Equal(got, []string{"late -1"}) {
		t.Errorf("submitted without a network: %v", got)
	}
}

func TestAnAppThatWatches(t *testing.T) {
	t.Parallel()
	s := set(t)
	a := s.installApp(s.owner.Who, "id")
	e := ear{make(chan string, 1000)}
	w := a.Watch(e)
	if code := <-e.said; code != "" {
		t.Fatalf("the first sync says %q", code)
	}
	sale := s.sell(s.staff, 70_000)
	s.sync(s.staff)
	for {
		if code := <-e.said; code != "" {
			t.Fatalf("a sync says %q", code)
		}
		if text, err := a.Row(s.scope, "sales", sale); err != nil || text != "" {
			s.ok(err)
			break
		}
	}
	mine, err := a.Save(s.scope, "sales", "", `{"sold_on":"2022-04-02","channel":"store","payment":"cash","amount_idr":5000,"granularity":"single"}`)
	s.ok(err)
	a.Nudge()
	for <-e.said == "" {
		if n, err := a.UnsentCount(); err != nil || n == 0 {
			s.ok(err)
			break
		}
	}
	if got := s.sales(); got[mine] != 5000 {
		t.Errorf("the server has %v", got)
	}
	w.Stop()
	a.Watch(ear{make(chan string, 1000)})
	s.ok(a.Close()) // while it watches
	if w := a.Watch(e); w == nil {
		t.Error("a closed phone gives no watch to stop")
	} else {
		w.Stop()
	}
}
