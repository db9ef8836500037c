package sim

import (
	"fmt"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// shop is a business and who may enter it, as the world knows it.
type shop struct {
	name, key, scope string
	windows          []*window
}

// window is one access window.
type window struct {
	id       string
	who      *person
	role     merge.Role
	from, to time.Time // to zero: open
	told     time.Time // when the server was told last
	forgot   bool      // a restore may have taken what it was told
}

func (x *window) holds(t time.Time) bool {
	return !t.Before(x.from) && (x.to.IsZero() || t.Before(x.to))
}

// settle sets the stage: two businesses, an owner each, a shop keeper and two
// mentors, and a phone for everybody; the first owner has two.
func (w *world) settle() error {
	cast := []struct {
		name string
		role merge.Role
	}{{"ani", merge.Owner}, {"budi", merge.Staff}, {"citra", merge.Mentor}, {"dewi", merge.Owner}, {"eko", merge.Mentor}}
	names := []string{"snack", "batik"}
	if w.small() {
		cast, names = cast[:3], names[:1]
	}
	for i, c := range cast {
		who := &person{name: c.name, role: c.role, number: fmt.Sprintf("+62811000%04d", i+1)}
		w.numbers[who.number] = testCode
		w.people = append(w.people, who)
	}
	w.servers = []*server{w.boot(true), w.boot(true)}
	for _, who := range w.people {
		if _, err := w.newPhone(who); err != nil {
			return err
		}
	}
	for i, name := range names {
		s := &shop{name: name, key: w.unique("business", name)}
		s.scope = "business/" + s.key
		w.shops = append(w.shops, s)
		if err := w.found(s, w.people[3*i]); err != nil {
			return err
		}
		if err := w.admit(s, w.people[2], merge.Mentor); err != nil {
			return err
		}
	}
	if err := w.admit(w.shops[0], w.people[1], merge.Staff); err != nil {
		return err
	}
	if !w.small() {
		if _, err := w.newPhone(w.people[0]); err != nil {
			return err
		}
	}
	for _, p := range w.phones {
		if err := p.Sync(w.ctx); err != nil {
			return err
		}
	}
	return w.stock()
}

func (w *world) small() bool { return w.cfg.Steps <= SmallSteps }

// stock gives every shop a product, a sale and a task to quarrel over, and shows
// them to everybody.
func (w *world) stock() error {
	for i, s := range w.shops {
		owner, mentor := w.phones[3*i], w.phones[2]
		for _, x := range []struct {
			who    *phone
			invent func(*phone, string, string) (replica.Edit, bool)
		}{{owner, w.newProduct}, {owner, w.newSale}, {mentor, w.newTask}} {
			ed, _ := x.invent(x.who, s.scope, "first")
			ed.Scope = s.scope
			if err := w.do(x.who, ed); err != nil {
				return err
			}
			w.clock.Advance(time.Second)
		}
	}
	for range 2 {
		for _, p := range w.phones {
			if err := p.Sync(w.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// unique makes an id that no other seed on the same disk has.
func (w *world) unique(kind, name string) string {
	return id.Derive(kind, name, fmt.Sprint(w.cfg.Seed))
}

// write is a server-side write that is repeated until it is done: its name makes
// doing it twice harmless.
func (w *world) write(scope string, writes ...merge.ServerWrite) error {
	for range 100 {
		err := w.using(w.anyServer(), func(e *syncer.Engine) error {
			_, err := e.Write(w.ctx, scope, writes...)
			return err
		})
		if err == nil || !w.passing(err) {
			return err
		}
	}
	return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "a write never succeeds"}
}

func (w *world) found(s *shop, owner *person) error {
	x := &window{id: w.unique("membership", s.name+owner.name), who: owner, role: merge.Owner, from: w.clock.Now()}
	s.windows = append(s.windows, x)
	business := merge.ServerWrite{Name: "found." + s.key, Author: owner.id, Role: merge.System, Collection: "business", ID: s.key, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"name": merge.Str(s.name), "region_code": merge.Str("18.71"), "district_code": merge.Value("null"), "village_code": merge.Value("null"),
			"primary_category": merge.Str("food_beverage"), "status": merge.Str("active")}}
	return w.write(s.scope, business, membership(x))
}

func membership(x *window) merge.ServerWrite {
	set := map[string]merge.Value{"user_id": merge.Str(x.who.id), "role": merge.Str(string(x.role)), "from": instant(x.from),
		"permissions": merge.Encode([]string{"log_sales", "edit_profile", "submit_tasks", "see_totals"})}
	collection := "membership"
	if x.role == merge.Mentor {
		collection = "assignment"
		set = map[string]merge.Value{"mentor_id": merge.Str(x.who.id), "from_at": instant(x.from), "lead": merge.Flag(true)}
	}
	return merge.ServerWrite{Name: "open." + x.id, Role: merge.System, Collection: collection, ID: x.id, Op: merge.Put, Create: true, Set: set}
}

func instant(t time.Time) merge.Value { return merge.Millis(t.UnixMilli()).Value() }

// admit opens a window for somebody from now on.
func (w *world) admit(s *shop, who *person, role merge.Role) error {
	x := &window{id: w.unique("window", fmt.Sprint(s.name, who.name, len(s.windows))), who: who, role: role, from: w.clock.Now(), told: w.clock.Now()}
	s.windows = append(s.windows, x) // first: a phone may come in between
	return w.write(s.scope, membership(x))
}

// end closes a window now.
func (w *world) end(s *shop, x *window) error {
	to, collection := "to", "membership"
	if x.role == merge.Mentor {
		to, collection = "to_at", "assignment"
	}
	at := w.clock.Now()
	x.told = at
	err := w.write(s.scope, merge.ServerWrite{Name: "end." + x.id + merge.FormatInstant(merge.Millis(at.UnixMilli())), Role: merge.System, Collection: collection, ID: x.id, Op: merge.Put,
		Set: map[string]merge.Value{to: instant(at)}})
	if fault.CodeOf(err) == "not_found" { // a restore took the window itself
		x.to, err = x.from, nil
		return err
	}
	if err == nil {
		x.to, x.forgot = at, false
	}
	return err
}

// admin opens and closes windows of everybody but owners.
func (w *world) admin() error {
	s := w.shops[w.rng.IntN(len(w.shops))]
	guests := []*person{w.people[1], w.people[2]}
	if len(w.people) > 4 {
		guests = append(guests, w.people[4])
	}
	who := guests[w.rng.IntN(len(guests))]
	for _, x := range s.windows {
		if x.who == who && x.to.IsZero() {
			w.trace("%s leaves %s", who.name, s.name)
			return w.end(s, x)
		}
	}
	w.trace("%s enters %s", who.name, s.name)
	return w.admit(s, who, who.role)
}
