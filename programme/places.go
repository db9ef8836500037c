package programme

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// places are how many are selected and stand in reserve: as was decided, whatever the
// programme says by now.
func (b *board) places() (selected, reserve int) {
	if d := b.rulings[len(b.Stages)]; d.Text("state") == "decided" {
		return int(d.Int("passed")), int(d.Int("reserve"))
	}
	return b.Quota, b.Reserve
}

// answered does what follows from the answer of an owner: who confirms takes part, and
// whoever gives a place up leaves it to the next of the reserve.
func (s *Service) answered(ctx context.Context, app applied) error {
	switch app.Text("state") {
	case domain.ApplicationConfirmed:
		return s.enrol(ctx, app)
	case domain.ApplicationDeclined, domain.ApplicationLapsed, domain.ApplicationWithdrawn, domain.ApplicationOffered, domain.ApplicationDisqualified:
		return s.promote(ctx, app.Text("programme_id"))
	}
	return nil
}

// fill offers the places that came free while results were being told.
func (s *Service) fill(ctx context.Context, eff merge.Effect) error {
	programme, ok := strings.CutPrefix(eff.Scope, domain.DecisionScope(""))
	if !ok {
		return nil
	}
	return s.promote(ctx, programme)
}

// promote offers free places to the reserve, the best first, with the words for the selected. It looks at what is known
// when it is called, and offers no more than are free by that; each offer that becomes
// known has it look again. A place is free once it is gone from who had it, which that
// business's own operations say: whatever is known of it late, it never comes back.
// When the programme takes nobody in any more the admins are told instead.
//
// Errors: Transient "busy" if owners keep changing their minds.
func (s *Service) promote(ctx context.Context, programme string) error {
	for range 10 {
		var p domain.Programme
		var next, left, unheard, late []file
		var words Feedback
		if err := s.atBoard(ctx, programme, 0, func(b *board) (err error) {
			p = b.Programme
			next, left, unheard = b.next()
			if !p.TakesIn(domain.BusinessDay(s.Clock.Now(), p.Zone)) {
				late, next, left = b.reserved()[:len(next)+len(left)], nil, nil
			}
			words, err = b.words()
			return err
		}); err != nil {
			return err
		}
		if known, err := s.overtaken(ctx, unheard); err != nil || !known {
			return err // not everybody has heard yet; the last one has it look again
		}
		var failed []error
		for _, f := range late {
			failed = appendFailed(failed, s.unfilled(ctx, programme, f))
		}
		for _, f := range next {
			said, _ := f.told(domain.FileSelected, words)
			failed = appendFailed(failed, s.tellOne(ctx, result{f.id, f.business, "offer", said, 0}, confirmBy(p, s.Clock.Now())))
		}
		for _, f := range left {
			failed = appendFailed(failed, s.release(ctx, f))
		}
		if len(failed) > 0 || len(left) == 0 {
			return errors.Join(failed...)
		}
	}
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "owners keep changing their minds"}
}

// unfilled tells the admins, once, who of the reserve is not offered the place that is free.
func (s *Service) unfilled(ctx context.Context, programme string, f file) error {
	scope := domain.DecisionScope(programme)
	item := id.Derive("review", scope, "place_unfilled", f.id)
	_, err := s.Engine.Write(ctx, scope, serverWrite("unfilled."+item, "review_item", item, true, map[string]merge.Value{"what": merge.Str("place_unfilled"), "scope": merge.Str(scopeOf(f.business)),
		"object": merge.Encode(map[string]string{"collection": "application", "id": f.id}), "at": s.now().Value()}))
	if fault.CodeOf(err) == "id_reuse" {
		return nil
	}
	return err
}

func appendFailed(all []error, err error) []error {
	if err != nil {
		all = append(all, err)
	}
	return all
}

// release takes the place of who does not want it, for somebody who waits: one commit in the
// business, beside which an owner who changes their mind is in time or is not. Nobody takes
// part there by then.
func (s *Service) release(ctx context.Context, f file) error {
	app, err := s.applicationAt(ctx, f)
	if err == nil {
		err = s.settle(ctx, app)
	}
	if err != nil {
		return err
	}
	k := merge.Key{Collection: "enrolment", ID: domain.EnrolmentID(f.id)}
	if err := s.sayWhile(ctx, f.business, id.Derive("application_event", f.id, "release"), "release."+f.id,
		map[string]merge.Value{"application_id": merge.Str(f.id), "op": merge.Str("release")}, func(v merge.View) bool {
			a, ok := v.Row("application", f.id)
			e, _ := v.Row(k.Collection, k.ID)
			state := e.Text("state")
			return ok && state != domain.EnrolmentActive && state != domain.EnrolmentPaused && domain.ApplicationPlace(a, v.Operations("application_event", f.id)) == domain.PlaceLeft
		}); err != nil {
		return err
	}
	if app, err = s.applicationAt(ctx, f); err != nil {
		return err
	}
	return s.copyState(ctx, app)
}

// applicationAt reads the application of a file where its business lives now.
//
// Errors: Transient "busy" while a merger has not brought it there.
func (s *Service) applicationAt(ctx context.Context, f file) (applied, error) {
	head, err := s.home(ctx, f.business)
	if err != nil {
		return applied{}, fmt.Errorf("head of business: %w", err)
	}
	app, err := s.appliedFor(ctx, scopeTail(head.Scope), f.id)
	if err == nil && app.Version == 0 {
		err = underMerger()
	}
	return app, err
}

// overtaken reports whether the results of files reached none of their applications, though
// all were told: such a one holds no place, and would wait for ever. Where one did, it is
// only not known here yet.
func (s *Service) overtaken(ctx context.Context, unheard []file) (bool, error) {
	for _, f := range unheard {
		head, err := s.home(ctx, f.business)
		if err != nil {
			return false, fmt.Errorf("head of business: %w", err)
		}
		rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "application", ID: f.id})
		if err == nil {
			err = broughtAlong(rows, f.business, head.Scope)
		}
		if state := first(rows).Text("state"); err != nil || state != domain.ApplicationSubmitted && state != "" {
			return false, err
		}
	}
	return true, nil
}

// next are the files of the reserve that there are free places for, by what is known; those
// whose place somebody else of the reserve waits for, and their owners do not want; and those
// with a place in the ranking that seem not to have heard of it though all were told. While
// results are still being told there are none.
func (b *board) next() (next, left, unheard []file) {
	if !begunTelling(b.told) {
		return nil, nil, nil
	}
	held := 0
	for _, f := range b.files {
		switch b.states[f.id] {
		case domain.ApplicationSubmitted, "":
			if f.ranked && b.told.Text("state") == "telling" {
				return nil, nil, nil // not everybody has heard yet; the last one has it look again
			}
			if f.ranked {
				unheard = append(unheard, f)
			}
		}
		switch b.seats[f.id] {
		case domain.PlaceHeld:
			held++
		case domain.PlaceLeft:
			left = append(left, f)
		}
	}
	reserve := b.reserved()
	selected, _ := b.places()
	wanted := min(len(reserve), max(0, selected-held))
	free := min(wanted, max(0, selected-held-len(left)))
	return reserve[:free], left[:min(len(left), wanted-free)], unheard
}

// reserved are the files of the reserve, the best first.
func (b *board) reserved() []file {
	out := slices.DeleteFunc(slices.Clone(b.files), func(f file) bool { return b.states[f.id] != domain.ApplicationReserve })
	slices.SortFunc(out, byRank)
	return out
}

func byRank(x, y file) int { return cmp.Compare(x.rank, y.rank) }

// LapseDue ends the offers that nobody confirmed in time.
func (s *Service) LapseDue(ctx context.Context) error {
	return s.everyDecision(ctx, func(programme string) error {
		got, err := s.Engine.Store.Load(ctx, domain.DecisionScope(programme), store.Want{Tags: []string{domain.OpenOfferTag}})
		if err != nil {
			return err
		}
		var failed []error
		for i := range got.Records {
			r, err := rowOf(&got.Records[i])
			if err != nil {
				return err
			}
			if until := instant(r, "confirm_by"); until.IsZero() || until.After(s.Clock.Now()) {
				continue
			}
			failed = appendFailed(failed, s.say(ctx, r.Text("business_id"), id.Derive("application_event", r.ID, "lapse"), "lapse."+r.ID,
				map[string]merge.Value{"application_id": merge.Str(r.ID), "op": merge.Str("lapse")}, domain.ApplicationOffered))
		}
		return errors.Join(failed...)
	})
}
