package play_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// scene is one business with a product, its owner's two phones and its staff's.
type scene struct {
	testing.TB
	w                    *play.World
	owner, tablet, staff *play.Phone
	scope, product       string
}

// set opens a scene on the poor store, which costs no disk.
func set(t testing.TB, change ...func(*play.Options)) *scene {
	t.Helper()
	o := play.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}}
	for _, c := range change {
		c(&o)
	}
	s := &scene{TB: t, w: open(t, play.AmountStart(), o)}
	owner, staff := s.w.Person("Bu Rafika"), s.w.Person("Dimas")
	s.owner = s.enter(owner, "owner")
	business, err := s.w.Found(t.Context(), s.owner, "Rafins Snack", "18.10")
	s.ok(err)
	s.scope = "business/" + business
	s.ok(s.w.Hire(t.Context(), s.owner, business, staff))
	s.tablet, s.staff = s.enter(owner, "tablet"), s.enter(staff, "staff")
	s.sync(s.owner)
	s.product = s.write(s.owner, "product", "", map[string]any{"name": "Keripik pisang", "unit": "pack", "price_idr": 15_000})
	s.sync(s.owner, s.tablet, s.staff)
	return s
}

func (s *scene) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) enter(who *play.Person, name string) *play.Phone {
	s.Helper()
	p, err := s.w.Enter(s.Context(), who, name)
	s.ok(err)
	return p
}

// accompanied is a scene whose business has a mentor, sent by an admin, and whose
// effects are carried out.
type accompanied struct {
	*scene
	admin, mentor *play.Phone
	business      string
	window        play.Window
}

func setAccompanied(t *testing.T) *accompanied { return accompany(t) }

func accompany(t *testing.T, change ...func(*play.Options)) *accompanied {
	t.Helper()
	m := &accompanied{scene: set(t, change...)}
	m.admin, m.mentor = m.enter(m.w.Person("Bu Ratna"), "office"), m.enter(m.w.Person("Pak Hendra"), "mentor")
	m.business = strings.TrimPrefix(m.scope, "business/")
	var err error
	m.window, err = m.w.Assign(t.Context(), m.admin, m.business, m.mentor.Who)
	m.ok(err)
	m.ok(m.w.Step(t.Context()))
	m.sync(m.mentor, m.mentor)
	return m
}

func (s *scene) sync(phones ...*play.Phone) {
	s.Helper()
	s.ok(s.w.Sync(s.Context(), phones...))
}

// write keeps an edit of the business; an empty id makes a record.
func (s *scene) write(p *play.Phone, collection, id string, set map[string]any) string {
	s.Helper()
	return s.in(p, s.scope, collection, id, set)
}

// in keeps an edit in a scope.
func (s *scene) in(p *play.Phone, scope, collection, id string, set map[string]any) string {
	s.Helper()
	values := map[string]merge.Value{}
	for name, v := range set {
		values[name] = merge.Encode(v)
	}
	id, err := p.Do(replica.Edit{Scope: scope, Collection: collection, ID: id, Set: values})
	s.ok(err)
	s.w.Clock.Advance(time.Second)
	return id
}

// sell keeps a sale of so many rupiah.
func (s *scene) sell(p *play.Phone, amount int) string {
	s.Helper()
	return s.write(p, "sales", "", map[string]any{"sold_on": "2022-04-02", "channel": "store", "payment": "cash", "granularity": "single", "amount_idr": amount})
}

// price sets the price of the product.
func (s *scene) price(p *play.Phone, price int) {
	s.Helper()
	s.write(p, "product", s.product, map[string]any{"price_idr": price})
}

// held reads a record from the server.
func (s *scene) held(collection, id string) merge.Row {
	s.Helper()
	rows, err := s.w.Rows(s.Context(), s.scope, collection)
	s.ok(err)
	for _, r := range rows {
		if r.ID == id {
			return r
		}
	}
	return merge.Row{}
}

// sales are the amounts that the server holds, by id.
func (s *scene) sales() map[string]int64 {
	s.Helper()
	rows, err := s.w.Rows(s.Context(), s.scope, "sales")
	s.ok(err)
	out := map[string]int64{}
	for _, r := range rows {
		out[r.ID] = r.Int("counted_idr")
	}
	return out
}

// waiting is how many edits have no verdict.
func (s *scene) waiting(p *play.Phone) int {
	s.Helper()
	all, err := p.Unsent()
	s.ok(err)
	return len(all)
}

// settled fails unless phones have empty outboxes and hold what the server
// holds.
func (s *scene) settled(phones ...*play.Phone) {
	s.Helper()
	for _, p := range phones {
		if n := s.waiting(p); n != 0 {
			s.Errorf("%s: %d edits wait", p.Name, n)
		}
	}
	alike, err := s.w.Alike(s.Context(), s.scope, phones...)
	s.ok(err)
	if !alike {
		s.Errorf("phones and server differ")
	}
}

// cutter cuts the answers to one path after so many bytes; what is left of a cut
// is remembered from one answer to the next.
type cutter struct {
	next  http.RoundTripper
	path  string
	after int   // bytes that still get through; less than 0: all
	ends  []int // where the answers ended that came while after was below 0, in bytes

	did    bool // something was cut since at
	misses int
}

// everyByte is for whoever has changed how answers are read.
var everyByte = flag.Bool("every", false, "cut answers at every byte, also deep inside")

// edge is how near to the ends of an answer every byte counts.
const edge = 32

// places are where to cut: at every byte near the beginning and the end of each
// answer, and here and there between. An answer is read whole or not at all, so
// one place deep inside is like the next.
func (c *cutter) places() (out []int) {
	from := 0
	for _, end := range c.ends {
		for n := from; n < end; n++ {
			if *everyByte || n-from < edge || end-n <= edge || (n-from)%11 == 0 {
				out = append(out, n)
			}
		}
		from = end
	}
	c.ends = nil
	if !*everyByte {
		out = sparse(out)
	}
	return out
}

// total is how many bytes got through while after was below 0.
func (c *cutter) total() int {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1]
}

// at cuts behind so many bytes from now on.
func (c *cutter) at(after int) { c.after, c.did = after, false }

// failed says that a call which was cut must have failed. Some calls are not cut,
// because their answers were a byte shorter this time: an instant that ends in zeros
// is.
func (c *cutter) failed(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		return
	}
	if c.misses++; c.did || c.misses > 3 {
		t.Fatalf("cut after %d bytes of about %d, and nothing is wrong", c.after, c.total())
	}
}

// cut puts a cutter in front of a phone's network.
func cut(p *play.Phone, path string) *cutter {
	c := &cutter{next: p.HTTP.Client.Transport, path: path, after: -1}
	p.HTTP.Client.Transport = c
	return c
}

func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Path, c.path) {
		return resp, err
	}
	var answer []byte
	if answer, err = readAll(resp); err != nil {
		return nil, err
	}
	switch {
	case c.after < 0:
		c.ends = append(c.ends, c.total()+len(answer))
		resp.Body = play.Whole(answer)
	case c.after < len(answer):
		resp.Body = play.Cut(answer, c.after)
		c.after, c.did = 0, true
	default:
		resp.Body = play.Whole(answer)
		c.after -= len(answer)
	}
	return resp, nil
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func clientDevice() replica.Device {
	return replica.Device{Install: "0190aaaa-0000-4000-8000-000000000003", Platform: "android", Model: "A03", OSVersion: "11", AppVersion: "1.4.2"}
}
