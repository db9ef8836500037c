package play_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// secret says whose a word is: an id, a number, a name, a code of a rubric.
type secret struct {
	editions  uint8           // programmes whose people may see it, as bits
	provinces map[string]bool // whose officers may
	public    bool            // stands where everybody reads
}

// secrets are all words that say of a programme more than everybody may know.
type secrets map[string]*secret

func (s secrets) add(value string, editions uint8, provinces ...string) {
	if value == "" {
		return
	}
	if s[value] == nil {
		s[value] = &secret{provinces: map[string]bool{}}
	}
	s[value].editions |= editions
	for _, p := range provinces {
		s[value].provinces[p] = true
	}
}

// told lists what of the secrets stands in a text and is not for somebody. What is public
// counts where it is not said for everybody.
func (s secrets) told(text string, everybody bool, may func(*secret) bool) (out []string) {
	for value, of := range s {
		if !may(of) && !(everybody && of.public) && strings.Contains(text, value) {
			out = append(out, value)
		}
	}
	slices.Sort(out)
	return out
}

// only counts the words of just these programmes.
func (s secrets) only(editions uint8) (n int) {
	for _, x := range s {
		if x.editions == editions {
			n++
		}
	}
	return n
}

// of asks whether a word is of one of some programmes.
func of(editions uint8) func(*secret) bool {
	return func(s *secret) bool { return s.editions&editions != 0 }
}

// secrets reads them from everything that the server holds.
func (b *beside) secrets() secrets {
	b.Helper()
	s, provinces := secrets{}, map[string][]string{} // by business or user
	bits := map[string]uint8{}                       // likewise
	belongs := func(of string, n int, region string) {
		bits[of] |= 1 << n
		if region != "" {
			provinces[of] = append(provinces[of], string(domain.Region(region).Province()))
		}
	}
	for n, e := range b.all {
		s.add(e.id, 1<<n)
		s[e.id].public = true
		for _, words := range []string{`"` + e.item + `"`, "BA " + e.prefix, "Selamat dari " + e.prefix, e.prefix + "-0000"} {
			s.add(words, 1<<n)
		}
		s.add("Kabar "+e.prefix, 1<<n, e.newsFor...)
		for i, owner := range []string{"early", "grace", "late"} {
			p := []*play.Phone{e.early, e.grace, e.late}[i]
			belongs(e.business[owner], n, e.regions[min(i, 1)])
			belongs(p.Me().User, n, e.regions[min(i, 1)])
			s.add(p.Who.Number, 1<<n, string(domain.Region(e.regions[min(i, 1)]).Province()))
			s.add("Usaha "+e.prefix+" "+owner, 1<<n, string(domain.Region(e.regions[min(i, 1)]).Province()))
		}
		for _, p := range e.curators {
			belongs(p.Me().User, n, "")
		}
		if e.mentor != nil {
			belongs(e.mentor.Me().User, n, e.regions[0])
			belongs(e.mentor.Me().User, n, e.regions[1])
		}
		for _, f := range b.files(e) {
			region := f.Text("region_code")
			belongs(f.Text("business_id"), n, region)
			belongs(f.Text("owner_id"), n, region)
			for _, field := range []string{"number", "owner_phone", "owner_name"} {
				s.add(f.Text(field), 1<<n, string(domain.Region(region).Province()))
			}
			if f.Text("business_name") != dwelling {
				s.add(f.Text("business_name"), 1<<n, string(domain.Region(region).Province()))
			}
			s.add(f.ID, 1<<n, string(domain.Region(region).Province()))
		}
		s.add(e.job, 1<<n)
		s.add(e.news, 1<<n, e.newsFor...)
	}
	for _, e := range b.all { // the numbers of all owners of a province are known there, by their beginning
		for _, p := range append(slices.Clone(e.provinces), string(domain.Region(e.elsewhere).Province())) {
			s[e.prefix+"-0000"].provinces[p] = true
		}
	}
	b.recorded(s, bits, provinces)
	return s
}

// recorded adds the ids of all records and scopes.
func (b *beside) recorded(s secrets, bits map[string]uint8, provinces map[string][]string) {
	b.Helper()
	for _, scope := range b.scopes() {
		kind, rest, _ := strings.Cut(scope, "/")
		first, last, _ := strings.Cut(rest, "/")
		n := slices.IndexFunc(b.all, func(e *edition) bool { return e.id == first })
		editions, where := bits[first], provinces[first]
		switch {
		case (kind == domain.ScopeDecision || kind == domain.ScopePanel) && n >= 0:
			if editions, where = 1<<n, nil; last != "" {
				s.add(rest, editions)
			}
		case kind == domain.ScopeBusiness || kind == domain.ScopeMentoring || kind == merge.ScopeKind(merge.UserScope("")):
			if editions == 0 {
				continue // an admin's, or of somebody who is asked nothing
			}
			s.add(first, editions, where...)
		default:
			continue
		}
		for _, r := range b.records(scope) {
			if r.Collection != "application_state" && r.Collection != "case_file" && s[r.ID] == nil {
				s.add(r.ID, editions, where...)
			}
		}
	}
}

// expected are the scopes of a phone.
func (b *beside) expected(p *play.Phone) map[string]bool {
	out := map[string]bool{merge.UserScope(p.Me().User): true, domain.ScopeProgrammes: true}
	for _, e := range b.all {
		owners := map[string]*play.Phone{"early": e.early, "grace": e.grace, "late": e.late, "three": b.three}
		for owner, business := range e.business {
			if p == owners[owner] {
				out["business/"+business] = true
			}
			if p == e.mentor && (owner == "early" || owner == "three") {
				out["business/"+business], out[domain.ScopeMentoring+"/"+business] = true, true
			}
		}
		if slices.Contains(e.curators, p) {
			out[domain.PanelScope(e.id, p.Me().User)] = true
		}
	}
	return out
}

// nothingCrosses looks at everything that the phones of each programme hold, at all that a
// new phone of the same people would be sent, and at every list that they can ask for.
func (b *beside) nothingCrosses(when string) {
	b.Helper()
	s := b.secrets()
	for n, e := range b.all { // the looks below see nothing unless there is something
		if own := s.only(1 << n); own < 50 {
			b.Errorf("%s: only %d words are its own", e.code, own)
		}
	}
	for p, editions := range b.phones {
		b.sync(p)
		mine := of(editions)
		if p == b.all[0].early || p == b.all[0].mentor { // of the business that tried South Sulawesi, so they know which programme that is
			mine = func(x *secret) bool { return x.editions&editions != 0 || x == s[b.all[1].id] }
		}
		if got, want := b.holding(p), b.expected(p); !maps.Equal(got, want) {
			b.Errorf("%s: %s holds %v, want %v", when, p.Name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		for scope := range b.holding(p) {
			rows, err := p.Snapshot(scope)
			b.ok(err)
			if told := s.told(encode(b, rows), scope == domain.ScopeProgrammes, mine); len(told) > 0 {
				b.Errorf("%s: %s holds in %s %v", when, p.Name, scope, told)
			}
		}
		if told := s.told(b.fresh(p), true, mine); len(told) > 0 {
			b.Errorf("%s: a new phone of %s is sent %v", when, p.Name, told)
		}
		for path, text := range b.lists(p) {
			if told := s.told(text, true, mine); len(told) > 0 {
				b.Errorf("%s: %s is told by %s of %v", when, p.Name, path, told)
			}
		}
	}
}

// holding are the scopes of a phone.
func (b *beside) holding(p *play.Phone) map[string]bool {
	b.Helper()
	all, err := p.Scopes()
	b.ok(err)
	for scope, whole := range all {
		if !whole {
			b.Errorf("%s has not all of %s", p.Name, scope)
		}
	}
	return all
}

// asks makes a request as the person of a phone, beside the app.
func (b *beside) asks(p *play.Phone, method, path, body string, header ...string) answer {
	b.Helper()
	session, err := p.Session()
	b.ok(err)
	b.keys++
	return ask(b, b.w.URL+path, session.Access, method, body, append([]string{"Idempotency-Key", fmt.Sprintf("beside-%06d", b.keys)}, header...)...)
}

// fresh is what somebody is sent who has nothing yet, byte by byte.
func (b *beside) fresh(p *play.Phone) string {
	b.Helper()
	var all strings.Builder
	for cursor := ""; ; {
		a := b.asks(p, "POST", "/v1/sync", fmt.Sprintf(`{"app":"1.4.2","cursor":%q,"clock":{"wall":"2022-03-16T02:00:00Z","mono_ms":1,"boot":"b"}}`, cursor))
		var s struct {
			Cursor string `json:"cursor"`
			More   bool   `json:"more"`
		}
		if b.ok(json.Unmarshal(a.body, &s)); a.status != 200 {
			b.Fatalf("%s: %d %s", p.Name, a.status, a.body)
		}
		all.Write(a.body)
		if cursor = s.Cursor; !s.More {
			return all.String()
		}
	}
}

// lists are the answers at every address that is a list, by path.
func (b *beside) lists(p *play.Phone) map[string]string {
	b.Helper()
	out := map[string]string{}
	for _, op := range b.operations() {
		if op.Method == "GET" && !strings.Contains(op.Path, "{") {
			out[op.Path] = string(b.asks(p, op.Method, op.Path, "").body)
		}
	}
	if len(out) < 9 {
		b.Errorf("only %v are lists", slices.Collect(maps.Keys(out)))
	}
	return out
}

// heads says how far every scope is, but for the trail of who saw what.
func (b *beside) heads() map[string]merge.Seq {
	b.Helper()
	out := map[string]merge.Seq{}
	for _, scope := range b.scopes() {
		if merge.ScopeKind(scope) != domain.ScopeAudit {
			head, err := b.w.App.Store.Head(b.Context(), scope)
			b.ok(err)
			out[scope] = head.Applied
		}
	}
	return out
}

// scopes lists every scope of the server.
func (b *beside) scopes() (out []string) {
	b.Helper()
	for after := ""; ; {
		some, err := b.w.App.Store.Scopes(b.Context(), after, 500)
		b.ok(err)
		if len(some) == 0 {
			return out
		}
		out = append(out, some...)
		after = some[len(some)-1]
	}
}

// records lists the keys of everything that the server holds in a scope.
func (b *beside) records(scope string) (out []merge.Key) {
	b.Helper()
	head, err := b.w.App.Store.Head(b.Context(), scope)
	b.ok(err)
	page, err := b.w.App.Store.Changed(b.Context(), scope, store.Position{}, head.Applied, head.Applied, 16<<20)
	b.ok(err)
	if page.More || page.Torn {
		b.Fatalf("%s is longer than this test reads", scope)
	}
	for i := range page.Records {
		if r := &page.Records[i]; !r.Deleted {
			out = append(out, r.Key())
		}
	}
	return out
}
