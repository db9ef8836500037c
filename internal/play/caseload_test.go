package play_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The volume of one business in a mentor's caseload. A whole edition of ninety
// days has 540 sales entries: -sales 540.
const (
	caseBusinesses = 40
	caseTasks      = 24
	caseProducts   = 5
)

var caseSales = flag.Int("sales", 100, "sales entries of each business in the caseload of a mentor")

// wire counts the bytes of requests and answers of sync, as they go over the
// network. With zstd it asks for that instead of gzip.
type wire struct {
	next     http.RoundTripper
	zstd     bool
	up, down int // bytes of bodies
	plain    int // of answers, after inflating
	calls    int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, "/v1/sync") {
		return w.next.RoundTrip(r)
	}
	if w.zstd {
		r.Header.Set("Accept-Encoding", "zstd")
	}
	w.up += int(max(r.ContentLength, 0))
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := readAll(resp)
	if err != nil {
		return nil, err
	}
	w.calls, w.down = w.calls+1, w.down+len(body)
	if resp.Header.Get("Content-Encoding") == "zstd" {
		z, err := zstd.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		if body, err = io.ReadAll(z); err != nil {
			return nil, err
		}
		resp.Header.Del("Content-Encoding")
		w.plain += len(body)
	}
	resp.Body = play.Whole(body)
	return resp, nil
}

// listen counts what a phone sends and gets.
func listen(p *play.Phone, zstd bool) *wire {
	w := &wire{next: p.HTTP.Client.Transport, zstd: zstd}
	p.HTTP.Client.Transport = w
	return w
}

// caseload is a mentor with forty businesses, and the one who comes after.
type caseload struct {
	*testing.T
	w          *play.World
	admin      *play.Phone
	old, next  *play.Person
	businesses []string
	statements func() []string // that went to the database since it was asked last
	tablet     *play.Phone     // of the mentor
}

func (c *caseload) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *caseload) enter(who *play.Person, name string) *play.Phone {
	c.Helper()
	p, err := c.w.Enter(c.Context(), who, name)
	c.ok(err)
	return p
}

func (c *caseload) write(p *play.Phone, scope, collection string, set map[string]any) string {
	c.Helper()
	values := map[string]merge.Value{}
	for name, v := range set {
		values[name] = merge.Encode(v)
	}
	id, err := p.Do(replica.Edit{Scope: scope, Collection: collection, Set: values})
	c.ok(err)
	c.w.Clock.Advance(time.Second)
	return id
}

// setCaseload lets forty owners and their mentor work for a while, on a real
// database and through real phones.
func setCaseload(t *testing.T) *caseload {
	t.Helper()
	c := &caseload{T: t}
	o := play.Options{Crowd: caseBusinesses}
	on, take := counting(t)
	on(&o)
	c.statements = take
	c.w = open(t, play.AmountStart(), o)
	c.ok(c.w.App.Programme.Seed(t.Context(), domain.ReferenceLists()))
	c.old, c.next = c.w.Person("Pak Hendra"), c.w.Person("Bu Sinta")
	c.admin, c.tablet = c.enter(c.w.Person("Bu Ratna"), "office"), c.enter(c.old, "tablet")
	c.enter(c.next, "in the drawer")
	for _, mentor := range []*play.Person{c.old, c.next} {
		c.ok(c.w.Profile(t.Context(), c.admin, mentor, map[string]any{"institution": "Dinas Perindustrian", "regions": []string{"18.10"}, "capacity": caseBusinesses, "languages": []string{"id", "ljp"}}))
	}
	owners := make([]*play.Phone, caseBusinesses)
	for n := range owners {
		owners[n] = c.enter(c.w.Neighbour(n), fmt.Sprintf("phone %d", n))
		b, err := c.w.Found(t.Context(), owners[n], fmt.Sprintf("Usaha Warga %d", n+1), "18.10")
		c.ok(err)
		c.businesses = append(c.businesses, b)
		_, err = c.w.Assign(t.Context(), c.admin, b, c.old)
		c.ok(err)
	}
	c.ok(c.w.Sync(t.Context(), c.tablet))
	for n, b := range c.businesses {
		c.tasks(n, "business/"+b)
		c.ok(c.w.Sync(t.Context(), c.tablet)) // a long outbox is slow to write into
	}
	for n, p := range owners {
		c.work(p, n, "business/"+c.businesses[n])
	}
	return c
}

// tasks gives a business its tasks, and the mentor a note on it.
func (c *caseload) tasks(n int, scope string) {
	c.Helper()
	for i := range size(caseTasks) {
		c.write(c.tablet, scope, "task", map[string]any{"title": fmt.Sprintf("Tugas %d: foto produk dan label", i+1), "origin": domain.OriginMentor, "track": "digital",
			"due_on": "2022-06-10", "description": fmt.Sprintf("Siapkan tiga foto untuk produk ke-%d, lalu unggah ke toko", i+1)})
	}
	c.write(c.tablet, desk("business/"+c.businesses[n]), "mentor_note", map[string]any{"text": fmt.Sprintf("Pemilik usaha %d paling mudah ditemui sore hari", n+1)})
}

// work lets an owner sell, start every task and submit every second one.
func (c *caseload) work(p *play.Phone, n int, scope string) {
	c.Helper()
	c.ok(c.w.Sync(c.Context(), p))
	var products []string
	for i := range caseProducts {
		products = append(products, c.write(p, scope, "product", map[string]any{"name": fmt.Sprintf("Keripik pisang rasa %d", i+1), "unit": "pack", "price_idr": 12_000 + 500*i}))
	}
	for i := range size(*caseSales) {
		k := i % caseProducts
		qty, price := 1+(i*7+n)%9, 12_000+500*k
		c.write(p, scope, "sales", map[string]any{"sold_on": c.w.Clock.Now().Format("2006-01-02"), "channel": []string{"store", "social_chat", "reseller"}[i%3],
			"payment": "cash", "granularity": "single", "amount_idr": qty * price, "lines": []map[string]any{{"product_id": products[k], "name": fmt.Sprintf("Keripik pisang rasa %d", k+1),
				"qty": fmt.Sprint(qty), "unit": "pack", "unit_price_idr": price}}})
		if i%30 == 29 {
			c.ok(c.w.Sync(c.Context(), p))
		}
	}
	tasks, err := p.Rows(scope, "task")
	c.ok(err)
	for i, task := range tasks {
		c.write(p, scope, "task_event", map[string]any{"task_id": task.ID, "op": "start"})
		if i%2 == 0 {
			c.write(p, scope, "task_event", map[string]any{"task_id": task.ID, "op": "submit", "note": "foto sudah diunggah"})
		}
	}
	c.ok(c.w.Sync(c.Context(), p))
}

// TestAMentorWithFortyBusinesses is the whole promise to a mentor with a large
// caseload: what the first sync costs, what nothing new costs, and that one
// action of an admin moves everything to the next mentor, while the old one's
// phone is offline with work of before that and of after it.
func TestAMentorWithFortyBusinesses(t *testing.T) {
	t.Parallel()
	c := setCaseload(t)
	p := c.firstSync()
	c.nothingNew(p)
	held := c.held(p)
	edits := c.offline(p, false, c.businesses[0], c.businesses[13], c.businesses[39])
	job := c.handOver()
	edits = append(edits, c.offline(p, true, c.businesses[7])...)
	next := c.moved(p, held, job)
	c.counted(next, edits)
	c.returned(p, edits)
}

// firstSync begins two phones of the mentor from nothing, one that asks for gzip
// and one for zstd, and gives the first.
func (c *caseload) firstSync() *play.Phone {
	c.Helper()
	var first *play.Phone
	for _, zstd := range []bool{false, true} {
		p := c.enter(c.old, fmt.Sprintf("fresh, zstd %t", zstd))
		seen := listen(p, zstd)
		c.ok(p.Sync(c.Context()))
		kind, rows := "gzip", 0
		if zstd {
			kind = fmt.Sprintf("zstd (%d inflated)", seen.plain)
		}
		scopes, err := p.Scopes()
		c.ok(err)
		for scope := range scopes {
			all, err := p.Snapshot(scope)
			c.ok(err)
			rows += len(all)
		}
		c.Logf("%d businesses of %d sales, %d tasks and %d products: %d scopes, %d rows, %d answers, %d bytes of %s", caseBusinesses, size(*caseSales), size(caseTasks), caseProducts,
			len(scopes), rows, seen.calls, seen.down, kind)
		if seen.down >= 2_000_000 {
			c.Errorf("a first sync of %d bytes of %s, want under 2 MB", seen.down, kind)
		}
		if want := 2*caseBusinesses + 2; len(scopes) != want || rows < caseBusinesses*(size(*caseSales)+2*size(caseTasks)+caseProducts) {
			c.Errorf("%d scopes, want %d; %d rows", len(scopes), want, rows)
		}
		if first == nil {
			first = p
		}
	}
	return first
}

// nothingNew counts what a sync with nothing to say costs with eighty scopes in
// the cursor.
func (c *caseload) nothingNew(p *play.Phone) {
	c.Helper()
	c.ok(c.w.Sync(c.Context(), p))
	seen := listen(p, false)
	c.statements()
	c.ok(p.Sync(c.Context()))
	if statements := c.statements(); len(statements) != 1 {
		c.Errorf("%d statements, want 1: %q", len(statements), statements)
	}
	if seen.calls != 1 || seen.down >= 400 || seen.down == 0 {
		c.Errorf("%d answers of %d bytes, want one under 400", seen.calls, seen.down)
	}
	cursor, err := p.Cursor()
	c.ok(err)
	c.Logf("nothing new: a request of %d bytes, of which the cursor has %d; an answer of %d", seen.up, len(cursor), seen.down)
	if seen.up > 4000 {
		c.Errorf("a request of %d bytes", seen.up)
	}
}

// held lists the records of every scope that is to change hands, but for the
// windows that the hand-over itself changes.
func (c *caseload) held(p *play.Phone) map[string][]string {
	c.Helper()
	out := map[string][]string{}
	for _, b := range c.businesses {
		for _, scope := range []string{"business/" + b, desk("business/" + b)} {
			rows, err := p.Snapshot(scope)
			c.ok(err)
			for _, r := range rows {
				if r.Collection != "assignment" && r.Collection != "mentor_window" {
					out[scope] = append(out[scope], fmt.Sprintf("%s@%d %s", r.Key, r.Version, r.EncodeFields()))
				}
			}
			slices.Sort(out[scope])
		}
	}
	return out
}

// handedOver is the job as the API tells it.
type handedOver struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
	Done  int    `json:"done"`
}

// handOver gives all businesses to the next mentor by one request.
func (c *caseload) handOver() (job handedOver) {
	c.Helper()
	c.ok(c.admin.Login(c.Context()))
	c.ok(c.admin.Send(c.Context(), http.MethodPost, "/v1/mentors/"+c.old.User+"/handover", "", map[string]any{"to_id": c.next.User, "reason": "Cuti", "note": "Label dulu"}, &job))
	if job.Total != caseBusinesses {
		c.Errorf("the job has %d steps", job.Total)
	}
	c.ok(c.admin.Send(c.Context(), http.MethodGet, "/v1/jobs/"+job.ID, "", nil, &job))
	if job.Done != caseBusinesses {
		c.Errorf("%d of %d changed hands", job.Done, job.Total)
	}
	c.w.Clock.Advance(time.Second)
	return job
}

// moved fails unless one sync takes exactly the forty businesses and what the
// mentors keep beside them off the old phone, and one brings them to the new one,
// which it gives.
func (c *caseload) moved(old *play.Phone, held map[string][]string, job handedOver) (next *play.Phone) {
	c.Helper()
	before, err := old.Scopes()
	c.ok(err)
	// Written before the hand-over, as far as the phone knows.
	note := c.write(old, merge.UserScope(old.Me().User), "receipt", map[string]any{"announcement_id": job.ID})
	next = c.enter(c.next, "next")
	c.ok(next.Sync(c.Context()))
	if got := c.held(next); !sameHeld(got, held) {
		c.Errorf("the next mentor holds something else")
	}
	c.ok(old.Sync(c.Context()))
	after, err := old.Scopes()
	c.ok(err)
	if len(before) != 2*caseBusinesses+2 || len(after) != 2 || !after["reference"] || !after[merge.UserScope(old.Me().User)] {
		c.Errorf("the old phone had %d scopes and has %v", len(before), after)
	}
	for scope := range before {
		if rows, err := old.Snapshot(scope); err == nil && !after[scope] && len(rows) > 0 {
			c.Errorf("%d rows of %s are left", len(rows), scope)
		}
	}
	if row, ok, err := old.Row(merge.UserScope(old.Me().User), "receipt", note); err != nil || !ok || row.Version == 0 {
		c.Errorf("what waited in the outbox: %v, %t, %v", row, ok, err)
	}
	return next
}

func sameHeld(a, b map[string][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for scope, rows := range a {
		if !slices.Equal(rows, b[scope]) {
			return false
		}
	}
	return true
}
