package domain_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// scene is the scope of one business with its people, each with a phone.
type scene struct {
	*mergetest.Scope
	t                             testing.TB
	owner, staff, mentor, mentorB *mergetest.Phone
	now                           merge.Millis
	access                        int
	admin                         string
}

const oneDay = merge.Millis(24 * 3600 * 1000)

// start is 2022-04-02 08:00 WIB.
const start = merge.Millis(1648861200000)

func key(name string) string { return id.Derive("test", name) }

func newScene(t testing.TB) *scene {
	s := &scene{Scope: mergetest.New(domain.MustCatalogue(), "business/"+key("b")), t: t, now: start, admin: key("admin")}
	s.Codec = true
	t.Cleanup(func() {
		for _, e := range s.Effects {
			if e.Collection == "inbox" {
				checkItem(t, e.Set)
			}
		}
	})
	s.owner, s.staff = s.join(merge.Owner, "owner"), s.join(merge.Staff, "staff", domain.PermLogSales, domain.PermSubmitTasks)
	s.mentor, s.mentorB = s.join(merge.Mentor, "mentor"), s.join(merge.Mentor, "mentor b")
	s.write("business", key("b"), map[string]merge.Value{"name": merge.Str("Rafins Snack"), "programme_id": merge.Str(key("programme"))})
	return s
}

// join lets a person in from now on and gives them a phone.
func (s *scene) join(role merge.Role, name string, perms ...string) *mergetest.Phone {
	p := &mergetest.Phone{User: key(name), Device: "phone " + name, Incarnation: "i"}
	if role == merge.Mentor { // who joins first has been in longest, and leads
		s.write("assignment", key("window "+name), map[string]merge.Value{"mentor_id": merge.Str(p.User), "from_at": (s.now - oneDay).Value(), "programme_id": merge.Str(key("programme"))})
		return p
	}
	s.write("membership", key("window "+name), map[string]merge.Value{"user_id": merge.Str(p.User), "role": merge.Str(string(role)),
		"from": (start - oneDay).Value(), "permissions": merge.Encode(perms)})
	return p
}

func (s *scene) tick() merge.Millis { s.now += 1000; return s.now }

// write makes or changes a record as the server does.
func (s *scene) write(collection, key string, set map[string]merge.Value) {
	s.t.Helper()
	if a := s.writeAs(merge.System, "", collection, key, set); a.Outcome != merge.Applied {
		s.t.Fatalf("%s: %+v", collection, a)
	}
}

// writeAs makes an online edit by a person.
func (s *scene) writeAs(role merge.Role, author, collection, record string, set map[string]merge.Value) merge.Answer {
	create := s.Records[merge.Key{Collection: collection, ID: record}] == nil
	s.access++
	out := s.Commit(s.tick(), []*merge.Part{{Author: author, Writes: []merge.ServerWrite{{Name: "rest." + string(merge.Num(s.access)), Author: author, Role: role,
		Collection: collection, ID: record, Op: merge.Put, Set: set, Create: create}}}})
	return out.Answers[0][0][0]
}

// at is the reading of a phone that booted in 1970.
func at(t merge.Millis) merge.Reading { return merge.Reading{Wall: t, Mono: int64(t), Boot: "b"} }

// make writes a create on a phone, without sending it.
func (s *scene) make(p *mergetest.Phone, collection, record string, set map[string]merge.Value) merge.Item {
	return p.Item(s.Name, merge.Mutation{Collection: collection, ID: record, At: at(s.tick()), Set: set})
}

// region is the address group; an empty district is none.
func region(regency, district string) map[string]merge.Value {
	m := map[string]merge.Value{"region_code": merge.Str(regency), "district_code": merge.Value("null"), "village_code": merge.Value("null")}
	if district != "" {
		m["district_code"] = merge.Str(district)
	}
	return m
}

// send pushes items of one phone.
func (s *scene) send(p *mergetest.Phone, items ...merge.Item) []merge.Answer {
	s.tick()
	out := s.Commit(s.now, p.Part(at(s.now), items...))
	if got, want := s.Sum, s.TrueSum(); got != want {
		s.t.Fatalf("sum %x, want %x", got, want)
	}
	return out.Answers[0][0]
}

// edit sends a change of a stored record, made on what is on the server now.
func (s *scene) edit(p *mergetest.Phone, collection, record string, set map[string]merge.Value) merge.Answer {
	return s.send(p, p.Item(s.Name, merge.Mutation{Collection: collection, ID: record, At: at(s.tick()), Set: set,
		Base: &merge.Base{Generation: s.Generation, Version: s.Applied}}))[0]
}

func (s *scene) must(a merge.Answer) {
	s.t.Helper()
	if a.Outcome != merge.Applied {
		s.t.Fatalf("%+v", a)
	}
}

// told counts inbox items by type and person.
func (s *scene) told(kind, user string) int {
	n := 0
	for _, e := range s.Effects {
		if e.Collection == "inbox" && e.Scope == merge.UserScope(user) && merge.AsString(e.Set["type"]) == kind {
			n++
		}
	}
	return n
}

// with copies a set of fields with changes; nil takes a field out.
func with(set map[string]merge.Value, changes ...map[string]merge.Value) map[string]merge.Value {
	out := maps.Clone(set)
	for _, c := range changes {
		maps.Copy(out, c)
	}
	maps.DeleteFunc(out, func(_ string, v merge.Value) bool { return v == nil })
	return out
}

func texts(kv ...string) map[string]merge.Value {
	m := map[string]merge.Value{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = merge.Str(kv[i+1])
	}
	return m
}

// permutations calls f with every order of n things.
func permutations(n int, f func(order []int)) {
	var walk func(order []int)
	walk = func(order []int) {
		if len(order) == n {
			f(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				walk(append(slices.Clone(order), i))
			}
		}
	}
	walk(nil)
}
