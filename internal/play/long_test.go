package play_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// catalogueOf is the catalogue of the domain with memos, which may be deleted, as
// it grows in four versions: a field, a collection, a word.
func catalogueOf(t testing.TB, version int) *merge.Schema {
	t.Helper()
	all := []merge.Role{merge.Owner, merge.Staff, merge.Mentor}
	real := domain.MustCatalogue()
	tables := slices.Clone(real.Collections)
	text := merge.Type{Kind: merge.Text, Max: 200}
	mood := merge.Type{Kind: merge.Enum, Enum: []string{"calm", "other"}}
	if version >= 4 {
		mood.Enum, mood.Words = append(mood.Enum, "festive"), map[string]merge.Word{"festive": {Since: 4, Older: "other"}}
	}
	tables = append(tables, &merge.Collection{Name: "memo", Scope: domain.ScopeBusiness, Create: all, Delete: all, OnDelete: merge.Keep, Fields: []merge.Field{
		{Name: "text", Type: text, Policy: merge.Latest, Write: all}, {Name: "mood", Type: mood, Policy: merge.Latest, Write: all}}})
	if version >= 2 {
		i := slices.IndexFunc(tables, func(c *merge.Collection) bool { return c.Name == "product" })
		tables[i] = tables[i].Extended(merge.Field{Name: "shelf", Type: text, Policy: merge.Latest, Write: all, Since: 2})
	}
	if version >= 3 {
		tables = append(tables, &merge.Collection{Name: "card", Scope: domain.ScopeBusiness, Since: 3, Create: all, Fields: []merge.Field{
			{Name: "text", Type: text, Policy: merge.Latest, Write: all}}})
	}
	s, err := merge.NewSchema(version, tables...)
	if err != nil {
		t.Fatal(err)
	}
	s.Refused, s.Shared, s.Sources = real.Refused, real.Shared, real.Sources
	return s
}

// absence is a business whose people go away with edits in their phones.
type absence struct {
	*scene
	admin, mentor *play.Phone
	away          []*traveller
	gone, kept    string // memos
	task          string
	window, tag   string // of the mentor
}

// traveller is a phone that is away, and what it has not heard a verdict of.
type traveller struct {
	*play.Phone
	sale, twice string // the second is on the server, and its verdict was lost
	memo        string // the edit of a record that will be gone
}

func setAbsence(t *testing.T, travellers int, change ...func(*play.Options)) *absence {
	t.Helper()
	a := &absence{scene: set(t, append(change, func(o *play.Options) { o.Schema = catalogueOf(t, 1) })...)}
	a.admin, a.mentor = a.enter(a.w.Person("Bu Ratna"), "office"), a.enter(a.w.Person("Pak Hendra"), "mentor")
	window, err := a.w.Assign(t.Context(), a.admin, strings.TrimPrefix(a.scope, "business/"), a.mentor.Who)
	a.ok(err)
	a.window, a.tag = window.ID, window.Etag
	a.gone = a.write(a.owner, "memo", "", map[string]any{"text": "will be gone", "mood": "calm"})
	a.kept = a.write(a.owner, "memo", "", map[string]any{"text": "stays", "mood": "calm"})
	a.sync(a.owner, a.mentor)
	a.task = a.write(a.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": domain.OriginMentor})
	a.sync(a.mentor, a.owner)
	for n := range travellers {
		p := a.staff
		if n > 0 {
			p = a.enter(a.staff.Who, fmt.Sprint("staff ", n+1))
		}
		a.sync(p)
		a.leave(&traveller{Phone: p}, n)
	}
	a.write(a.mentor, "task_event", "", map[string]any{"task_id": a.task, "op": "verify", "note": "kunjungan"})
	return a
}

// leave gives a phone what it takes along.
func (a *absence) leave(p *traveller, n int) {
	a.Helper()
	p.twice = a.sell(p.Phone, 1_000+n)
	p.Sky.Draw = func() play.Weather { return play.AnswerLost }
	if err := p.Sync(a.Context()); err == nil {
		a.Fatal("the answer arrived")
	}
	p.Sky.Draw = nil
	p.sale = a.sell(p.Phone, 100_000+n)
	p.memo = fmt.Sprint("seen by ", p.Name)
	a.write(p.Phone, "memo", a.gone, map[string]any{"text": p.memo})
	a.away = append(a.away, p)
}

// pass lets 200 days go by: the server learns three versions, the mentor is sent
// elsewhere, the memo is deleted, and all of it is compacted.
func (a *absence) pass() {
	a.Helper()
	ctx := a.Context()
	a.remove(a.owner, "memo", a.gone)
	a.sync(a.owner)
	a.ok(a.admin.Login(ctx))
	a.ok(a.admin.Send(ctx, http.MethodPatch, "/v1/businesses/"+strings.TrimPrefix(a.scope, "business/")+"/assignments/"+a.window, a.tag,
		map[string]any{"to": a.w.Clock.Now()}, nil))
	a.w.Clock.Advance(time.Hour)
	a.price(a.owner, 16_000)
	a.sync(a.owner)
	a.w.Clock.Advance(190 * 24 * time.Hour)
	a.ok(a.w.Upgrade(ctx, catalogueOf(a.TB, 4)))
	a.ok(a.owner.Update())
	a.ok(a.owner.Login(ctx))
	a.sync(a.owner)
	a.write(a.owner, "product", a.product, map[string]any{"shelf": "A3"})
	a.write(a.owner, "card", "", map[string]any{"text": "new kind"})
	a.write(a.owner, "memo", a.kept, map[string]any{"mood": "festive"})
	a.sync(a.owner)
	a.w.Clock.Advance(10 * 24 * time.Hour)
	n, err := a.w.App.Engine.Compact(ctx)
	a.ok(err)
	if _, err := a.w.App.Store.Entry(ctx, a.scope, 1, 5); n == 0 || !errors.Is(err, store.ErrAbsent) {
		a.Fatalf("%d entries went, %v", n, err)
	}
	_, err = a.w.App.Engine.AuditAll(ctx)
	a.ok(err)
}

func (a *absence) remove(p *play.Phone, collection, id string) {
	a.Helper()
	_, err := p.Do(replica.Edit{Scope: a.scope, Collection: collection, ID: id, Op: merge.Delete})
	a.ok(err)
	a.w.Clock.Advance(time.Second)
}

// back brings a phone home: a new login, the old app, then the new one.
func (a *absence) back(p *traveller) {
	a.Helper()
	if err := p.Sync(a.Context()); fault.KindOf(err) != fault.Unauthorized {
		a.Fatalf("%s is told %v", p.Name, err)
	}
	before := p.Me().Incarnation
	a.ok(p.Login(a.Context()))
	if p.Me().Incarnation == before {
		a.Fatal("the login gave no new incarnation")
	}
	a.sync(p.Phone)
	a.alike(p, 1)
	card, err := p.Rows(a.scope, "card")
	a.ok(err)
	if len(card) != 1 || len(card[0].Fields) != 0 {
		a.Errorf("the old app has cards %v", card)
	}
	a.write(p.Phone, "product", a.product, map[string]any{"price_idr": 17_000}) // by an app that knows no shelf
	a.ok(p.Update())
	a.sync(p.Phone)
	a.sync(p.Phone)
	a.alike(p, 4)
	if p.Mismatches() != 0 {
		a.Errorf("%s: %d mismatches", p.Name, p.Mismatches())
	}
	if n := a.waiting(p.Phone); n != 0 {
		a.Errorf("%s: %d edits wait", p.Name, n)
	}
}

// alike fails unless the phone holds what the server says to an app of that
// version.
func (a *absence) alike(p *traveller, version int) {
	a.Helper()
	got, err := p.Snapshot(a.scope)
	a.ok(err)
	var have, want []string
	for _, r := range got {
		if !r.Deleted {
			have = append(have, fmt.Sprint(r.Key, " ", r.Version, " ", string(r.EncodeFields())))
		}
	}
	head, err := a.w.App.Store.Head(a.Context(), a.scope)
	a.ok(err)
	page, err := a.w.App.Store.Changed(a.Context(), a.scope, store.Position{}, head.Applied, head.Applied, 1<<30)
	a.ok(err)
	for _, r := range page.Records {
		row := merge.Row{}
		a.ok(json.Unmarshal(a.w.Schema.Cast(version, r.Collection, r.Fields), &row.Fields))
		want = append(want, fmt.Sprint(r.Key(), " ", r.Version, " ", string(row.EncodeFields())))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		a.Errorf("%s, an app of version %d, has\n%s\nthe server says\n%s", p.Name, version, strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// end fails unless everything counted once, or lies in its author's quarantine.
func (a *absence) end() {
	a.Helper()
	sales := a.sales()
	if len(sales) != 2*len(a.away) {
		a.Errorf("%d sales of %d phones", len(sales), len(a.away))
	}
	for n, p := range a.away {
		if sales[p.twice] != int64(1_000+n) || sales[p.sale] != int64(100_000+n) {
			a.Errorf("%s: sales %d and %d", p.Name, sales[p.twice], sales[p.sale])
		}
		a.quarantined(p.Phone, "record_gone", p.memo, len(a.away))
	}
	if r := a.held("memo", a.gone); r.ID != "" {
		a.Errorf("the memo lives again: %v", r)
	}
	product, memo := a.held("product", a.product), a.held("memo", a.kept)
	if product.Text("shelf") != "A3" || product.Int("price_idr") != 17_000 || memo.Text("mood") != "festive" {
		a.Errorf("an old app erased what it does not know: %s, %s", product.EncodeFields(), memo.EncodeFields())
	}
	_, err := a.w.App.Engine.AuditAll(a.Context())
	a.ok(err)
}

// quarantined fails unless the phone's owner finds one refused edit with that
// content, of so many.
func (a *absence) quarantined(p *play.Phone, code, content string, of int) {
	a.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), "quarantine")
	a.ok(err)
	found := 0
	for _, r := range rows {
		if r.Text("code") == code && strings.Contains(r.Text("mutation"), content) {
			found++
		}
	}
	if found == 0 || len(rows) > of {
		a.Errorf("%s finds %d of %q among %d in quarantine", p.Name, found, content, len(rows))
	}
}

// TestTwoHundredDaysOfflineThreeSchemasApart is the longest absence: on both
// stores, over HTTP, with a compacted log and a login anew.
func TestTwoHundredDaysOfflineThreeSchemasApart(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setAbsence(t, 1, func(o *play.Options) { *o = on(*o) })
			a.pass()
			a.back(a.away[0])
			a.lateHandOver()
			a.end()
			a.nothingNew(a.away[0])
		})
	}
}

// TestAHundredPhonesAwayForTwoHundredDays brings a hundred of them back to one
// compacted server.
func TestAHundredPhonesAwayForTwoHundredDays(t *testing.T) {
	t.Parallel()
	a := setAbsence(t, size(100))
	a.pass()
	for _, p := range a.away {
		a.back(p)
	}
	a.sync(a.away[0].Phone)
	for _, p := range a.away {
		a.sync(p.Phone)
		a.alike(p, 4)
	}
	a.end()
}

// lateHandOver brings the mentor back, whose window ended 200 days ago: the
// check-off is refused and kept, and nothing of the business stays on the phone.
func (a *absence) lateHandOver() {
	a.Helper()
	a.ok(a.mentor.Login(a.Context()))
	a.sync(a.mentor, a.mentor)
	a.quarantined(a.mentor, "not_assigned", "kunjungan", 1)
	if n, held := a.waiting(a.mentor), a.held("task", a.task).Text("state"); n != 0 || held == domain.TaskVerified {
		a.Errorf("%d edits wait, the task is %s", n, held)
	}
	if holds, err := a.mentor.Holds(a.scope); err != nil || holds {
		a.Errorf("the business is still on the mentor's phone: %v", err)
	}
}

// nothingNew fails unless a phone that is up to date is told nothing.
func (a *absence) nothingNew(p *traveller) {
	a.Helper()
	a.sync(p.Phone) // of what others did since
	before, err := p.Cursor()
	a.ok(err)
	a.sync(p.Phone)
	if after, err := p.Cursor(); err != nil || after != before {
		a.Errorf("a phone with nothing to learn got a new cursor: %v", err)
	}
}
