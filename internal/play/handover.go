package play

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Arrival is something that reaches the server in the story of the hand-over.
type Arrival string

// The arrivals. What is behind them happens on the phones before any of them;
// only the second check-off is made after the hand-over.
const (
	OwnerSyncs  Arrival = "owner syncs"         // the submission of 5 May
	MentorSyncs Arrival = "mentor syncs"        // the check-off of 5 May
	Handover    Arrival = "hand-over"           // the admin gives the business to mentor B
	MentorLate  Arrival = "mentor syncs 7 May+" // the check-off of 7 May
)

// HandoverOrders lists every order in which those can arrive: a phone sends its
// edits in order, and the check-off of 7 May is made after the hand-over.
func HandoverOrders() [][]Arrival {
	all := []Arrival{OwnerSyncs, Handover, MentorSyncs, MentorLate}
	var out [][]Arrival
	for _, o := range Orders(len(all)) {
		var list []Arrival
		for _, i := range o {
			list = append(list, all[i])
		}
		last := slices.Index(list, MentorLate)
		if slices.Index(list, MentorSyncs) < last && slices.Index(list, Handover) < last {
			out = append(out, list)
		}
	}
	return out
}

// Visit is how the story of the check-off at a visit went (story A8).
type Visit struct {
	State     string
	Photos    int
	Events    map[string]string // outcome by operation; one of each
	Late      bool              // the check-off of 5 May is marked late_handover
	Refused   []string          // codes of what mentor A's phone was refused
	Queue     []string          // collections of the refused edits in the admins' queue
	Secret    int               // quarantine records of mentor A
	Purged    bool              // mentor A's phone has nothing of the business
	Complete  bool              // mentor B's phone has all of it
	Waiting   int               // edits still in an outbox
	OtherTask string            // state of the task of 7 May
	Alike     bool              // owner, mentor B and server agree
}

// visitStory is the stage of the story.
type visitStory struct {
	w                   *World
	tell                *Teller
	owner, a, b, admin  *Phone
	mentorA, mentorB    *Person
	scope, business     string
	window              Window
	task, label         string
	checkOff, lateCheck string
	out                 Visit
}

// VisitStart is when the story of the visit begins.
func VisitStart() time.Time { return time.Date(2022, 5, 2, 8, 0, 0, 0, wib()) }

// PlayVisit plays story A8: a check-off at a visit against the owner's own
// submission, and a business that goes to another mentor meanwhile.
func (w *World) PlayVisit(ctx context.Context, tell *Teller, order []Arrival) (Visit, error) {
	s := &visitStory{w: w, tell: tell}
	for _, act := range []func(context.Context) error{s.open, s.offline, func(ctx context.Context) error { return s.arrive(ctx, order) }, s.read} {
		if err := act(ctx); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

// open sets the stage: two tasks that everybody has seen.
func (s *visitStory) open(ctx context.Context) (err error) {
	w := s.w
	w.At(time.May, 2, 8, 0)
	s.mentorA, s.mentorB = w.Person("Pak Hendra"), w.Person("Bu Sinta")
	for _, x := range []struct {
		p    **Phone
		who  *Person
		name string
	}{{&s.owner, w.Person("Pak Yusuf"), "Pak Yusuf's phone"}, {&s.a, s.mentorA, "Pak Hendra's phone"}, {&s.b, s.mentorB, "Bu Sinta's phone"}, {&s.admin, w.Person("Bu Ratna"), "the office"}} {
		if *x.p, err = w.Enter(ctx, x.who, x.name); err != nil {
			return err
		}
	}
	if s.business, err = w.Found(ctx, s.owner, "Panda Alami", "18.09"); err != nil {
		return err
	}
	s.scope = scopeOf(s.business)
	if s.window, err = w.Assign(ctx, s.admin, s.business, s.mentorA); err != nil {
		return err
	}
	if err = w.Sync(ctx, s.owner, s.a, s.b); err != nil {
		return err
	}
	for _, x := range []struct {
		id    *string
		title string
	}{{&s.task, "Foto produk"}, {&s.label, "Label dan kemasan"}} {
		*x.id, err = s.a.create(s.scope, "task", fields{"title": x.title, "origin": "mentor", "track": "digital", "due_on": "2022-05-31", "evidence_required": fields{"photos_min": 2}})
		if err != nil {
			return err
		}
	}
	s.tell.Moment(w, "Pak Hendra, mentor A, gives Panda Alami two tasks: %q and %q.", "Foto produk", "Label dan kemasan")
	return w.Sync(ctx, s.a, s.owner)
}

// offline is the 5th of May, without signal.
func (s *visitStory) offline(context.Context) (err error) {
	s.w.At(time.May, 5, 10, 15)
	if s.checkOff, err = s.event(s.a, s.task, "verify", 2); err != nil {
		return err
	}
	s.tell.Moment(s.w, "At the visit, without signal, he verifies %q with 2 photos.", "Foto produk")
	s.w.At(time.May, 5, 14, 30)
	if _, err = s.event(s.owner, s.task, "submit", 3); err != nil {
		return err
	}
	s.tell.Moment(s.w, "Pak Yusuf, who has not seen that, submits the same task with 3 photos.")
	return nil
}

// event writes an operation on a task and the photos that belong to it.
func (s *visitStory) event(p *Phone, task, op string, photos int) (string, error) {
	ids := []string{}
	for n := range photos {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", p.Name, op, n))
		photo, err := p.create(s.scope, "attachment", fields{"sha256": hex.EncodeToString(sum[:]), "bytes": 184_320, "mime": "image/jpeg", "caption": fmt.Sprintf("Foto %d", n+1)})
		if err != nil {
			return "", err
		}
		ids = append(ids, photo)
	}
	return p.create(s.scope, "task_event", fields{"task_id": task, "op": op, "evidence_ids": ids})
}

// arrive lets things reach the server in the given order.
func (s *visitStory) arrive(ctx context.Context, order []Arrival) error {
	for _, next := range order {
		if err := s.reach(ctx, next, order); err != nil {
			return fmt.Errorf("%s: %w", next, err)
		}
	}
	if err := s.w.Sync(ctx, s.a, s.owner, s.b, s.a); err != nil {
		return err
	}
	return s.screens(ctx)
}

func (s *visitStory) reach(ctx context.Context, next Arrival, order []Arrival) (err error) {
	handed := slices.Index(order, Handover) < slices.Index(order, next)
	switch next {
	case OwnerSyncs:
		if handed {
			s.w.At(time.May, 8, 9, 0)
		} else {
			s.w.At(time.May, 5, 19, 0)
		}
		err = s.w.Sync(ctx, s.owner)
		s.tell.Moment(s.w, "The owner's phone finds a network.")
	case MentorSyncs:
		if handed {
			// It has had none since: the late check-off waits behind this one.
			err = s.lateCheckOff()
			s.w.At(time.May, 9, 8, 0)
			if err != nil {
				return err
			}
		} else {
			s.w.At(time.May, 5, 20, 0)
		}
		err = s.w.Sync(ctx, s.a)
		s.tell.Moment(s.w, "Mentor A's phone finds a network.")
	case Handover:
		s.w.At(time.May, 6, 0, 0)
		if err = s.admin.Login(ctx); err == nil {
			err = s.w.Reassign(ctx, s.admin, s.business, s.window, s.mentorB)
		}
		s.tell.Moment(s.w, "Bu Ratna, the admin, gives Panda Alami to Bu Sinta, mentor B.")
	case MentorLate:
		if err = s.lateCheckOff(); err != nil {
			return err
		}
		s.w.At(time.May, 9, 8, 30)
		err = s.w.Sync(ctx, s.a)
	}
	return err
}

// lateCheckOff is what mentor A does on 7 May, knowing of nothing.
func (s *visitStory) lateCheckOff() (err error) {
	if s.lateCheck != "" {
		return nil
	}
	s.w.At(time.May, 7, 11, 0)
	s.tell.Moment(s.w, "Still without signal and knowing of nothing, mentor A verifies %q with 2 photos.", "Label dan kemasan")
	s.lateCheck, err = s.event(s.a, s.label, "verify", 2)
	return err
}
