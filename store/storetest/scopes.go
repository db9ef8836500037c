package storetest

import (
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func answersPing(r *rig) { r.ok(r.s.Ping(r.Context())) }

func createOnce(r *rig) {
	h := store.Head{
		Scope: "business/1", Generation: gen(3), Forks: []merge.Fork{{Generation: gen(2), Seq: 4, At: 9}}, Applied: 4, Time: 8,
		Chain: "ab", Sum: 1<<64 - 1, Pruned: 2, Access: []merge.Grant{{ID: "m", User: "u1", Role: merge.Staff, From: 1, To: 2, Perms: []string{"p"}}},
		Todo: map[string]merge.Seq{"effects": 4}, MovedTo: "business/2",
	}
	r.ok(r.s.Create(r.Context(), h))
	got := r.head("business/1")
	h.Revision = got.Revision
	r.same("head", got, h)
	r.is(r.s.Create(r.Context(), store.Head{Scope: "business/1", Generation: gen(9)}), store.ErrTaken)
	r.same("head after a second create", r.head("business/1"), h)
}

func oneCreateWins(r *rig) {
	won := r.parallel(8, func(i int) error {
		return r.s.Create(r.Context(), store.Head{Scope: "s", Generation: gen(uint32(i + 1))})
	}, store.ErrTaken)
	if won != 1 {
		r.Errorf("%d creates won", won)
	}
}

func absentHead(r *rig) {
	_, err := r.s.Head(r.Context(), "nowhere")
	r.is(err, store.ErrAbsent)
	r.is(r.s.Done(r.Context(), "nowhere", "effects", 1), store.ErrAbsent)
	r.is(r.s.Prune(r.Context(), "nowhere", 1), store.ErrAbsent)
	r.is(r.s.Raise(r.Context(), "nowhere", gen(2), merge.Fork{Generation: gen(1)}), store.ErrAbsent)
}

func scopesInOrder(r *rig) {
	for _, s := range []string{"b", "user/ä", "a/2", "a/10", "B"} {
		r.create(s)
	}
	for _, tt := range []struct {
		after string
		limit int
		want  []string
	}{
		{"", 10, []string{"B", "a/10", "a/2", "b", "user/ä"}},
		{"", 2, []string{"B", "a/10"}},
		{"a/10", 2, []string{"a/2", "b"}},
		{"a/11", 1, []string{"a/2"}},
		{"z", 10, nil},
	} {
		got, err := r.s.Scopes(r.Context(), tt.after, tt.limit)
		r.ok(err)
		r.same("scopes after "+tt.after, got, tt.want)
	}
}

func headsFor(r *rig) {
	r.create("business/3", "u1", "u2")
	r.create("business/1", "u2")
	r.create("reference")
	r.create("programme/1")
	ended := store.Head{Scope: "business/2", Generation: gen(1), Access: []merge.Grant{{ID: "m", User: "u1", Role: merge.Staff, From: 1, To: 2},
		{ID: "n", User: "u1", Role: merge.Staff, From: 3, To: 4}}}
	r.ok(r.s.Create(r.Context(), ended))
	for _, tt := range []struct {
		user   string
		scopes []string
		want   string
	}{
		{"u1", nil, "business/2 business/3"},
		{"u2", nil, "business/1 business/3"},
		{"nobody", nil, ""},
		{"u1", []string{"reference", "business/3", "nowhere", "business/1", "reference"}, "business/1 business/2 business/3 reference"},
		{"", []string{"programme/1"}, "programme/1"},
		{"u", nil, ""},
	} {
		got, err := r.s.HeadsFor(r.Context(), tt.user, tt.scopes)
		r.ok(err)
		if names(got) != tt.want {
			r.Errorf("heads for %s and %v: %q, want %q", tt.user, tt.scopes, names(got), tt.want)
		}
		for _, h := range got {
			r.same("head "+h.Scope, h, r.head(h.Scope))
		}
	}
}

func headsFollowAccess(r *rig) {
	r.create("s", "u1")
	for _, users := range [][]string{{"u1", "u2"}, {"u2", "u3"}, nil, {"u3", "u1"}} {
		c := next(r.head("s"))
		c.Access = member(users...)
		r.fold(r.insert(c))
		for _, u := range []string{"u1", "u2", "u3"} {
			got, err := r.s.HeadsFor(r.Context(), u, nil)
			r.ok(err)
			if want := merge.Ever(c.Access, u); (len(got) == 1) != want {
				r.Errorf("list %v: %s finds %d heads, want one: %t", users, u, len(got), want)
			} else if want {
				r.same("head", got[0], r.head("s"))
			}
		}
	}
}

func claimFirst(r *rig) {
	for _, tt := range []struct{ space, key, holder, want string }{
		{"nib", "1", "a", "a"},
		{"nib", "1", "b", "a"},
		{"nib", "1", "a", "a"},
		{"nib", "2", "b", "b"},
		{"phone", "1", "b", "b"},
	} {
		got, err := r.s.Claim(r.Context(), tt.space, tt.key, tt.holder)
		r.ok(err)
		if got != tt.want {
			r.Errorf("%s/%s is held by %q, want %q", tt.space, tt.key, got, tt.want)
		}
	}
}

func oneClaimWins(r *rig) {
	who := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	got := make([]string, len(who))
	r.parallel(len(who), func(i int) (err error) {
		got[i], err = r.s.Claim(r.Context(), "nib", "1", who[i])
		return err
	})
	for _, g := range got {
		if g == "" || g != got[0] {
			r.Errorf("different holders: %q", got)
		}
	}
}

func claimRelease(r *rig) {
	claim := func(holder, want string) {
		r.Helper()
		if got, err := r.s.Claim(r.Context(), "nib", "1", holder); err != nil || got != want {
			r.Errorf("held by %q (%v), want %q", got, err, want)
		}
	}
	holder := func(want string) {
		r.Helper()
		if got, err := r.s.Holder(r.Context(), "nib", "1"); err != nil || got != want {
			r.Errorf("holder %q (%v), want %q", got, err, want)
		}
	}
	holder("")
	r.ok(r.s.Release(r.Context(), "nib", "1", "a")) // nobody holds it
	claim("a", "a")
	r.ok(r.s.Release(r.Context(), "nib", "1", "b"))
	claim("b", "a")
	holder("a")
	r.ok(r.s.Release(r.Context(), "nib", "1", "a"))
	holder("")
	claim("b", "b")
}

func (r *rig) epochs(began, done uint64) {
	r.Helper()
	e, err := r.s.Epochs(r.Context())
	r.ok(err)
	if want := (store.Epochs{Began: began, Done: done}); e != want {
		r.Errorf("%+v, want %+v", e, want)
	}
}

func epochs(r *rig) {
	r.epochs(0, 0)
	for want := range uint64(3) {
		if got, err := r.s.Begin(r.Context()); err != nil || got != want+1 {
			r.Errorf("began %d (%v), want %d", got, err, want+1)
		}
	}
	r.epochs(3, 0)
	r.ok(r.s.Complete(r.Context(), 2))
	r.epochs(3, 2)
	r.ok(r.s.Complete(r.Context(), 1))
	r.epochs(3, 2)
}

// looks reads heads beside the numbers of backups.
func looks(r *rig) {
	_, _, err := r.s.Look(r.Context(), "s")
	r.is(err, store.ErrAbsent)
	r.create("s", "u1")
	for n := range uint64(3) {
		h, e, err := r.s.Look(r.Context(), "s")
		r.ok(err)
		r.same("head", h, r.head("s"))
		if want := (store.Epochs{Began: n, Done: n / 2}); e != want {
			r.Errorf("%+v, want %+v", e, want)
		}
		_, err = r.s.Begin(r.Context())
		r.ok(err)
		r.ok(r.s.Complete(r.Context(), (n+1)/2))
		r.commit("s")
	}
	if got, err := r.s.Scopes(r.Context(), "", 9); err != nil || len(got) != 1 {
		r.Errorf("scopes %q, %v", got, err)
	}
}

func epochsRace(r *rig) {
	got := make([]uint64, 8)
	r.parallel(8, func(i int) (err error) {
		if got[i], err = r.s.Begin(r.Context()); err != nil {
			return err
		}
		return r.s.Complete(r.Context(), got[i])
	})
	seen := map[uint64]bool{}
	for _, g := range got {
		seen[g] = true
	}
	if len(seen) != 8 {
		r.Errorf("numbers %v", got)
	}
	r.epochs(8, 8)
}
