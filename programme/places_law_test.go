package programme_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	lawQuota = 2
	lawFiles = 4
)

// failer ends a test, or a case of one.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// answering is a programme of two places and four businesses, whose owners have two phones each.
type answering struct {
	*office
	edition programme.Edition
	admin   store.User
	all     []*applicant
	before  *storefault.Poor // as it was when the results had just been told
	now     time.Time

	services []*programme.Service
	phones   [lawFiles][2]answerPhone
	wrote    int
}

// answerPhone is what a phone has heard of, and what it has not sent yet.
type answerPhone struct {
	seen   []string
	outbox []merge.ServerWrite
}

// answering has the results told: two are offered a place, two stand in reserve.
func (o *office) answering() *answering {
	o.Helper()
	poor := storefault.NewPoor()
	o.Engine.Store = poor
	a := &answering{office: o, edition: o.opened("lagawi-fest-2022", "quota", fmt.Sprint(lawQuota), "reserve_size", "3"), admin: o.person(1, "admin")}
	for n := range lawFiles {
		x := o.applicant(10+n, a.edition, "18.71")
		x.does("submit")
		a.all = append(a.all, x)
	}
	o.work()
	scope := domain.DecisionScope(a.edition.ID)
	for n, x := range a.all {
		state := domain.FileNotSelected
		if n < lawQuota {
			state = domain.FileSelected
		} else if n < lawQuota+3 {
			state = domain.FileReserve
		}
		_, err := o.Engine.Write(o.Context(), scope, merge.ServerWrite{Name: fmt.Sprint("rank.", n), Role: merge.System, Collection: "case_file", ID: x.application, Op: merge.Put,
			Set: map[string]merge.Value{"state": merge.Str(state), "rank": merge.Num(n + 1)}})
		o.unless(err)
	}
	_, err := o.Engine.Write(o.Context(), scope, merge.ServerWrite{Name: "approved", Role: merge.System, Collection: "publication", ID: id.Derive("publication", a.edition.ID), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"state": merge.Str("approved"), "publish_at": merge.Millis(publishAt().UnixMilli()).Value()}})
	o.unless(err)
	o.clock.Set(publishAt())
	for range 3 {
		o.unless(o.Due(o.Context()))
		o.work()
	}
	a.before, a.now = poor, o.clock.Now()
	return a
}

// again begins anew, with two processes.
func (a *answering) again() {
	a.clock.Set(a.now)
	poor := a.before.Copy()
	a.services = []*programme.Service{a.process(poor), a.process(poor)}
	a.Service.Engine = a.services[0].Engine
	a.phones = [lawFiles][2]answerPhone{}
	for n := range a.phones {
		for p := range a.phones[n] {
			a.hear(n, p)
		}
	}
}

func (a *answering) events(n int) []merge.Row {
	return a.scope("business/"+a.all[n].business, "application_event")
}

// hear has a phone hear of everything.
func (a *answering) hear(n, p int) {
	a.phones[n][p].seen = nil
	for _, e := range a.events(n) {
		a.phones[n][p].seen = append(a.phones[n][p].seen, e.ID)
	}
}

// answer is made on a phone, which may be without a network for long.
func (a *answering) answer(n, p int, op string) {
	a.wrote++
	x, ph := a.all[n], &a.phones[n][p]
	w := merge.ServerWrite{Name: fmt.Sprint("phone.", a.wrote), Author: x.owner.ID, Role: merge.Owner, Collection: "application_event", ID: id.Derive("answer", fmt.Sprint(a.wrote)), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"application_id": merge.Str(x.application), "op": merge.Str(op), "seen": merge.Encode(append([]string{}, ph.seen...))}}
	ph.seen, ph.outbox = append(ph.seen, w.ID), append(ph.outbox, w)
}

// send has the outbox of a phone arrive. What its table refuses is returned to it.
func (a *answering) send(t failer, n, p int) {
	for _, w := range a.phones[n][p].outbox {
		_, err := a.services[0].Engine.Write(a.Context(), "business/"+a.all[n].business, w)
		a.expect(t, err, "forbidden_transition")
	}
	a.phones[n][p].outbox = nil
}

func (a *answering) expect(t failer, err error, codes ...string) {
	if err != nil && !slices.Contains(codes, fault.CodeOf(err)) {
		t.Fatal(err)
	}
}

// operate has an admin write down what the owner told them, or two take it out.
func (a *answering) operate(t failer, by *programme.Service, n int, op string) {
	x := a.all[n]
	r, err := by.Record(a.Context(), a.as(a.admin), x.business, "application", x.application)
	a.expect(t, err)
	if op == "disqualify" {
		a.wrote++
		_, err = by.Engine.Write(a.Context(), "business/"+x.business, merge.ServerWrite{Name: fmt.Sprint("office.", a.wrote), Author: a.admin.ID, Role: merge.Admin, Collection: "application_event", ID: id.Derive("office", fmt.Sprint(a.wrote)),
			Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(x.application), "op": merge.Str(op), "note": merge.Str("Dokumen palsu")}})
	} else {
		_, _, err = by.OperateApplication(a.Context(), a.as(a.admin), x.business, r.Version, programme.Operation{Parent: x.application, Set: map[string]merge.Value{"op": merge.Str(op)}})
	}
	a.expect(t, err, "forbidden_transition", "place_taken", "offer_lapsed", "stale_version")
}

// follow does the step behind an application by a process that may die at a call, or in which
// something happens beside it before a call.
func (a *answering) follow(t failer, by *programme.Service, n, call int, beside func()) {
	eff := merge.Effect{Scope: "business/" + a.all[n].business, Collection: "application", ID: a.all[n].application}
	fate := storefault.At(call, storefault.DieAfter)
	if beside != nil {
		fate = func(at storefault.Call) storefault.Fate {
			if at.N == call {
				beside()
			}
			return storefault.Live
		}
	}
	err := a.process(storefault.NewFailing(by.Engine.Store, fate, nil).Store()).Steps()[domain.StepFollow](a.Context(), eff)
	if call == 0 || beside != nil { // else it died somewhere in there
		a.expect(t, err, "busy")
	}
}

// counted wants no more to hold a place or take part than there are places; once everything is
// carried out, whoever is confirmed takes part and nobody else, and no place is empty while
// somebody waits.
func (a *answering) counted(t failer, when string, quiet bool) {
	held, taking, waiting := 0, 0, 0
	for _, x := range a.all {
		state, part := x.mine().Text("state"), ""
		for _, e := range a.scope("business/"+x.business, "enrolment") {
			part = e.Text("state")
		}
		switch state {
		case domain.ApplicationOffered, domain.ApplicationConfirmed:
			held++
		case domain.ApplicationReserve:
			waiting++
		}
		if part == domain.EnrolmentActive {
			taking++
		}
		if quiet && (state == domain.ApplicationConfirmed) != (part == domain.EnrolmentActive) {
			t.Fatalf("%s: %s, and takes part %q", when, state, part)
		}
	}
	if held > lawQuota || taking > lawQuota {
		t.Fatalf("%s: %d places are held, and %d take part", when, held, taking)
	}
	if quiet && waiting > 0 && held < lawQuota {
		t.Fatalf("%s: %d wait, and %d places are held", when, waiting, held)
	}
}

// story is what happens until nobody has anything to do any more.
func (a *answering) story(t failer, rng *rand.Rand) {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	a.again()
	for range 10 + rng.IntN(50) {
		by, n, p := a.services[rng.IntN(2)], rng.IntN(lawFiles), rng.IntN(2)
		what := pick("hear", "answer", "answer", "answer", "send", "send", "send", "office", "follow", "follow", "follow", "die", "beside", "beside", "due", "work", "time")
		switch what {
		case "hear":
			a.hear(n, p)
		case "answer":
			a.answer(n, p, pick("confirm", "confirm", "decline", "withdraw"))
		case "send":
			a.send(t, n, p)
		case "office":
			a.operate(t, by, n, pick("confirm", "confirm", "confirm", "decline", "decline", "disqualify"))
		case "follow":
			a.follow(t, by, n, 0, nil)
		case "die":
			a.follow(t, by, n, 1+rng.IntN(40), nil)
		case "beside":
			a.follow(t, by, n, 1+rng.IntN(40), func() {
				if m := rng.IntN(lawFiles); rng.IntN(3) == 0 {
					a.follow(t, a.services[0], m, 0, nil)
				} else {
					a.answer(m, p, pick("confirm", "decline"))
					a.send(t, m, p)
				}
			})
		case "due":
			a.expect(t, by.Due(a.Context()))
		case "work":
			_, err := by.Engine.Work(a.Context())
			a.expect(t, err)
		case "time":
			a.clock.Advance(time.Duration(1+rng.IntN(48)) * time.Hour)
		}
		a.counted(t, what, false)
	}
	for range 3 {
		_, err := a.services[0].Engine.Work(a.Context())
		a.expect(t, errors.Join(err, a.services[1].Due(a.Context())))
	}
	_, err := a.services[1].Engine.Work(a.Context())
	a.expect(t, err)
	a.counted(t, "in the end", true)
}

// TestThereAreNeverMorePlacesThanDecidedOn: whatever two phones of each owner, admins and two
// processes do, in whatever order it arrives and wherever a process dies.
func TestThereAreNeverMorePlacesThanDecidedOn(t *testing.T) {
	a := open(t).answering()
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) // even, which drawn numbers are not
		for range 5 {
			a.story(t, rng)
			for _, x := range a.all {
				seen[x.mine().Text("state")]++
			}
		}
	})
	for _, state := range []string{domain.ApplicationConfirmed, domain.ApplicationOffered, domain.ApplicationDeclined, domain.ApplicationLapsed, domain.ApplicationReserve, domain.ApplicationDisqualified} {
		if seen[state] == 0 {
			t.Errorf("nobody ended as %s: %v", state, seen)
		}
	}
}

// TestAnOwnerChangesTheirMindBesideEachCall: while a process follows the answer of one phone, the
// opposite one of another phone arrives before each of its calls, and another process follows
// that to the end.
func TestAnOwnerChangesTheirMindBesideEachCall(t *testing.T) {
	a := open(t).answering()
	for file := range lawQuota {
		for first, second := range map[string]string{"confirm": "decline", "decline": "confirm"} {
			for call := 1; call < 60; call++ {
				a.changesTheirMind(t, file, call, first, second)
			}
		}
	}
}

func (a *answering) changesTheirMind(t failer, file, call int, first, second string) {
	when := fmt.Sprintf("%s, and %s before call %d", first, second, call)
	a.again()
	a.answer(file, 0, first)
	a.send(t, file, 0)
	a.follow(t, a.services[0], file, call, func() {
		a.answer(file, 1, second)
		a.send(t, file, 1)
		_, err := a.services[1].Engine.Work(a.Context())
		a.expect(t, err)
		a.counted(t, when, false)
	})
	_, err := a.services[1].Engine.Work(a.Context())
	a.expect(t, err)
	for n := range a.all {
		if n != file && a.all[n].mine().Text("state") == domain.ApplicationOffered {
			a.hear(n, 0)
			a.answer(n, 0, "confirm")
			a.send(t, n, 0)
		}
	}
	_, err = a.services[0].Engine.Work(a.Context())
	a.expect(t, err)
	a.counted(t, when+", in the end", true)
}
