package storetest

import (
	"context"
	"math"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// portable is the store, if it can be carried; else the check is skipped.
func (r *rig) portable() store.Portable {
	r.Helper()
	p, ok := r.s.(store.Portable)
	if !ok {
		r.Skip("the store cannot be carried")
	}
	return p
}

// people adds what is written of people: somebody is let in, shut out, or loses a
// phone.
func people(r *rig, s store.Identity, calls map[string]func(ctx context.Context) error) {
	u, session, device := store.User{ID: "u1", Phone: "+6281", Rev: 1}, store.Session{ID: "s1", User: "u1", Rev: 1}, store.Device{ID: "d1", User: "u1", Rev: 1}
	key := store.SigningKey{KID: "k1", Number: 1, Rev: 1}
	r.ok(s.InsertUser(r.Context(), u))
	r.ok(s.InsertSession(r.Context(), session))
	r.ok(s.InsertDevice(r.Context(), device))
	r.ok(s.InsertSigningKey(r.Context(), key))
	r.ok(s.InsertCredential(r.Context(), store.Credential{User: "u1"}))
	calls["a new user"] = func(ctx context.Context) error { return s.InsertUser(ctx, store.User{ID: "u2", Phone: "+6282"}) }
	calls["a suspension"] = func(ctx context.Context) error { return s.ReplaceUser(ctx, u) }
	calls["a login"] = func(ctx context.Context) error { return s.InsertSession(ctx, store.Session{ID: "s2", User: "u1"}) }
	calls["a revocation"] = func(ctx context.Context) error { return s.ReplaceSession(ctx, session) }
	calls["a lost phone"] = func(ctx context.Context) error { return s.ReplaceDevice(ctx, device) }
	calls["a name"] = func(ctx context.Context) error { return s.InsertIncarnation(ctx, store.Incarnation{Name: "n1"}) }
	calls["a new password"] = func(ctx context.Context) error { return s.InsertCredential(ctx, store.Credential{User: "u2"}) }
	calls["a step that is taken"] = func(ctx context.Context) error {
		return s.ReplaceCredential(ctx, store.Credential{User: "u1", Step: 1, Rev: 1})
	}
	calls["a dropped key"] = func(ctx context.Context) error { return s.DropSigningKey(ctx, "k1") }
}

// retired asks a retired store for everything by which somebody could be told of a
// commit. One entry lies in its log unfolded, as a process leaves it that looks too
// late.
func retired(r *rig) {
	p := r.portable()
	r.create("s", "u1")
	r.commit("s", rec("sales", "1", "before"))
	before := r.head("s")
	late := r.insert(next(before, rec("sales", "2", "late")))
	after := store.Head{Scope: "s", Generation: gen(1), Applied: 2, Access: before.Access}
	calls := map[string]func(ctx context.Context) error{
		"head":    func(ctx context.Context) error { _, err := r.s.Head(ctx, "s"); return err },
		"look":    func(ctx context.Context) error { _, _, err := r.s.Look(ctx, "s"); return err },
		"by user": func(ctx context.Context) error { _, err := r.s.HeadsFor(ctx, "u1", nil); return err },
		"by name": func(ctx context.Context) error { _, err := r.s.HeadsFor(ctx, "", []string{"s"}); return err },
		"epochs":  func(ctx context.Context) error { _, err := r.s.Epochs(ctx); return err },
		"fold":    func(ctx context.Context) error { _, err := r.s.Fold(ctx, late, store.Head{}); return err },
		"expect":  func(ctx context.Context) error { return r.s.Expect(ctx, "s") },
		"insert and look": func(ctx context.Context) error {
			if err := r.s.Insert(ctx, next(after, rec("sales", "3", "later"))); err != nil {
				return err
			}
			_, _, err := r.s.Look(ctx, "s")
			return err
		},
	}
	if a, ok := r.s.(store.Appender); ok {
		calls["append"] = func(ctx context.Context) error { _, err := a.Append(ctx, next(after)); return err }
	}
	if has, ok := r.s.(interface{ Identity() store.Identity }); ok {
		people(r, has.Identity(), calls)
	}
	gone := store.Condition{State: store.Retired, Move: 7, Try: 1}
	r.ok(p.SetCondition(r.Context(), store.Condition{}, gone))
	for name, call := range calls {
		if err := call(r.Context()); fault.KindOf(err) != fault.Transient || fault.CodeOf(err) != "database_moved" {
			r.Errorf("%s of a retired store: %v", name, err)
		}
	}
	if now, err := p.Condition(r.Context()); err != nil || now != gone {
		r.Errorf("condition %+v, %v", now, err)
	}
	if items, _, err := p.Items(r.Context(), store.ShelfRecords, "", 9); err != nil || len(items) != 1 {
		r.Errorf("%d records to carry, %v", len(items), err)
	}
	if items, _, err := p.Items(r.Context(), store.ShelfBackups, "", 9); err != nil || len(items) != 1 {
		r.Errorf("%d numbers of backups to carry, %v", len(items), err)
	}
	r.ok(p.SetCondition(r.Context(), gone, store.Condition{}))
	r.same("the head when it is ready again", r.head("s"), before)
	r.fold(late)
	if got := rows(r.changed("s", store.Position{}, 9, 0).Records); got != "sales/1@1 sales/2@2" {
		r.Errorf("records %s", got)
	}
	_, _, err := r.s.Look(r.Context(), "s")
	r.ok(err)
	_, err = r.s.Epochs(r.Context())
	r.ok(err)
}

func oneConditionWins(r *rig) {
	p := r.portable()
	r.is(p.SetCondition(r.Context(), store.Condition{Move: 1}, store.Condition{State: store.Filling}), store.ErrStale)
	for try := int64(0); try < 3; try++ {
		from, err := p.Condition(r.Context())
		r.ok(err)
		to := store.Condition{State: store.Filling, Move: 9, Try: try + 1}
		if won := r.parallel(8, func(int) error { return p.SetCondition(r.Context(), from, to) }, store.ErrStale); won != 1 {
			r.Errorf("%d of 8 won", won)
		}
		if now, err := p.Condition(r.Context()); err != nil || now != to {
			r.Errorf("condition %+v, %v, want %+v", now, err, to)
		}
	}
	r.ok(p.SetCondition(r.Context(), store.Condition{State: store.Filling, Move: 9, Try: 3}, store.Condition{}))
	r.ok(p.SetCondition(r.Context(), store.Condition{}, store.Condition{State: store.Retired, Move: math.MaxInt64}))
}
