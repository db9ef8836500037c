// Package storetest holds the promises of package store as tests. Every engine
// must pass them.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// RunIdentity checks every promise of store.Identity against fresh stores from
// open.
func RunIdentity(t *testing.T, open func(t *testing.T) store.Identity) {
	promises := []struct {
		name  string
		check func(t *testing.T, s store.Identity)
	}{
		{"a record comes back as it was stored", recordsComeBack},
		{"what is absent is called absent", absentIsAbsent},
		{"an insert never takes an occupied place", insertIsUnique},
		{"a replace at another revision changes nothing", replaceIsGuarded},
		{"a phone belongs to one user", phoneIsUnique},
		{"an erased user gives the phone back", erasedPhoneIsFree},
		{"one of many parallel inserts wins", oneInsertWins},
		{"parallel guarded replaces lose no step", replacesLoseNothing},
		{"of many who take one step of a second factor one wins", oneTakesAStep},
		{"parallel additions all count", additionsCount},
		{"changed users and revoked sessions are found by instant", feedsByInstant},
		{"unsent codes are found until leased, sent or expired", unsentCodes},
		{"the latest challenge is that of the same phone, purpose and installation", latestChallenge},
		{"sessions and devices of a user come newest first", newestFirst},
		{"only a later contact is kept", laterContactKept},
		{"keys come by number and can be dropped", keysByNumber},
		{"a reply is dropped only at its revision", replyDrop},
		{"a sweep removes what has expired and nothing else", sweepRemovesExpired},
		{"an address has one user, and may move", addressMoves},
		{"addresses are counted by provider and by when they were seen", addressesCount},
		{"what is due comes by lane, the earliest first", dueByLane},
		{"what is due comes without the providers that are left alone", dueWithoutSome},
		{"of many who take what is due one wins", oneTakesADelivery},
		{"deliveries are found by state and counted by batch and lane", deliveriesFound},
		{"a sweep leaves what is open and what is kept", deliveriesSwept},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, open(t)) })
	}
}

func identityDay() time.Time { return time.Date(2022, 5, 5, 2, 11, 9, 120e6, time.UTC) }

// row is one kind of record, seen through insert, read and replace.
type row struct {
	kind    string
	insert  func(ctx context.Context, s store.Identity, rev int64) error
	replace func(ctx context.Context, s store.Identity, rev int64) error
	read    func(ctx context.Context, s store.Identity) (any, error)
	want    func(rev int64) any
}

// kind makes a row from the three methods of a record with a revision.
func kind[T any](name, key string, sample func(rev int64) T,
	insert, replace func(store.Identity, context.Context, T) error,
	read func(store.Identity, context.Context, string) (T, error),
) row {
	return row{
		kind:    name,
		insert:  func(ctx context.Context, s store.Identity, rev int64) error { return insert(s, ctx, sample(rev)) },
		replace: func(ctx context.Context, s store.Identity, rev int64) error { return replace(s, ctx, sample(rev)) },
		read:    func(ctx context.Context, s store.Identity) (any, error) { return read(s, ctx, key) },
		want:    func(rev int64) any { return sample(rev) },
	}
}

func identityRows() []row {
	at := identityDay()
	return []row{
		kind("user", "u1", func(rev int64) store.User {
			return store.User{ID: "u1", Phone: "+628117000001", Roles: []string{"admin", "mentor"}, Status: store.UserActive,
				Ver: 3, Changed: at, Created: at, Profiled: true, Attested: at, Attester: "u2", Rev: rev}
		}, store.Identity.InsertUser, store.Identity.ReplaceUser, store.Identity.User),
		kind("credential", "u1", func(rev int64) store.Credential {
			return store.Credential{User: "u1", Password: "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", Secret: []byte{0, 7, 255}, Step: 55_000_000,
				Recovery: []store.RecoveryCode{{Digest: []byte{1, 0}, Used: at}, {Digest: []byte{2}}}, Confirmed: at, Setup: []byte{3}, SetupExpires: at.Add(time.Hour), Changed: at, Rev: rev}
		}, store.Identity.InsertCredential, store.Identity.ReplaceCredential, store.Identity.Credential),
		kind("challenge", "c1", func(rev int64) store.Challenge {
			return store.Challenge{ID: "c1", Phone: "+628117000001", Purpose: "login", Install: "i", Resend: at, Digest: []byte{0, 1, 255}, Sealed: []byte("x"),
				Leased: at, Created: at, Expires: at.Add(time.Minute), Attempts: 2, Consumed: at, Rev: rev}
		}, store.Identity.InsertChallenge, store.Identity.ReplaceChallenge, store.Identity.Challenge),
		kind("tally", "phone/+62", func(rev int64) store.Tally {
			return store.Tally{Key: "phone/+62", Marks: []store.Mark{{At: at, N: 2}}, Locked: at, Expires: at, Rev: rev}
		}, store.Identity.InsertTally, store.Identity.ReplaceTally, store.Identity.Tally),
		kind("session", "s1", func(rev int64) store.Session {
			return store.Session{ID: "s1", User: "u1", Device: "d1", Key: []byte{9, 0}, Counter: 41, Methods: []string{"pwd", "otp"},
				Proven: at, Created: at, Used: at, Idle: 12 * time.Hour, Ends: at, Revoked: at, Reason: "lost", Rev: rev}
		}, store.Identity.InsertSession, store.Identity.ReplaceSession, store.Identity.Session),
		kind("device", "d1", func(rev int64) store.Device {
			return store.Device{ID: "d1", User: "u1", Install: "i", Platform: "android", Model: "m", OSVersion: "13", AppVersion: "1.4.2",
				Incarnation: "x7", Status: store.DeviceLost, Created: at, Login: at, Rev: rev}
		}, store.Identity.InsertDevice, store.Identity.ReplaceDevice, store.Identity.Device),
		kind("reply", "k1", func(rev int64) store.Reply {
			return store.Reply{Key: "k1", BodyHash: []byte{1}, Status: 201, Header: map[string]string{"Etag": `"1"`}, Body: []byte("{}"), Expires: at, Rev: rev}
		}, store.Identity.InsertReply, store.Identity.ReplaceReply, store.Identity.Reply),
		kind("address", "a1", func(rev int64) store.Address {
			return store.Address{Key: "a1", Provider: "fcm", Kind: "token", Value: "x:y", User: "u1", Device: "d1", Locale: "id", Created: at, Seen: at, Rev: rev}
		}, store.Identity.InsertAddress, store.Identity.ReplaceAddress, store.Identity.Address),
		kind("delivery", "p1", func(rev int64) store.Delivery {
			return store.Delivery{ID: "p1", Type: "N06", Batch: "b", Items: []string{"i1", "i2"}, User: "u1", Address: "a1", Device: "d1", Provider: "fcm", Lane: "results", State: store.DeliveryRetry,
				Next: at, Expires: at.Add(time.Hour), Attempts: 2, Code: "unavailable", Ambiguous: true, Created: at, Done: at, Keep: at.Add(time.Hour), Rev: rev}
		}, store.Identity.InsertDelivery, store.Identity.ReplaceDelivery, store.Identity.Delivery),
		kind("key", "k-1", func(rev int64) store.SigningKey {
			return store.SigningKey{KID: "k-1", Number: 1, Sealed: []byte{1, 2}, Created: at, SignFrom: at, Rev: rev}
		}, store.Identity.InsertSigningKey, store.Identity.ReplaceSigningKey, keyByName),
	}
}

func keyByName(s store.Identity, ctx context.Context, kid string) (store.SigningKey, error) {
	all, err := s.SigningKeys(ctx)
	for _, k := range all {
		if k.KID == kid {
			return k, err
		}
	}
	if err == nil {
		err = store.ErrAbsent
	}
	return store.SigningKey{}, err
}

func recordsComeBack(t *testing.T, s store.Identity) {
	for _, r := range identityRows() {
		must(t, r.insert(t.Context(), s, 0))
		wantRow(t, s, r, 1)
		must(t, r.replace(t.Context(), s, 1))
		wantRow(t, s, r, 2)
	}
	in := store.Incarnation{Name: "x7", User: "u1", Device: "d1", Created: identityDay()}
	must(t, s.InsertIncarnation(t.Context(), in))
	if got, err := s.Incarnation(t.Context(), "x7"); err != nil || !reflect.DeepEqual(got, in) {
		t.Errorf("incarnation %+v, %v, want %+v", got, err, in)
	}
	if got, err := s.UserByPhone(t.Context(), "+628117000001"); err != nil || got.ID != "u1" {
		t.Errorf("user by phone %+v, %v", got, err)
	}
}

func wantRow(t *testing.T, s store.Identity, r row, rev int64) {
	t.Helper()
	got, err := r.read(t.Context(), s)
	if want := r.want(rev); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %+v, %v, want %+v", r.kind, got, err, want)
	}
}

func absentIsAbsent(t *testing.T, s store.Identity) {
	for _, r := range identityRows() {
		if _, err := r.read(t.Context(), s); !errors.Is(err, store.ErrAbsent) {
			t.Errorf("%s: read of an absent record: %v", r.kind, err)
		}
		if err := r.replace(t.Context(), s, 0); !errors.Is(err, store.ErrStale) {
			t.Errorf("%s: replace of an absent record: %v", r.kind, err)
		}
	}
	if _, err := s.UserByPhone(t.Context(), ""); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("user of no phone: %v", err)
	}
	if _, err := s.Incarnation(t.Context(), "x"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("absent incarnation: %v", err)
	}
	must(t, s.DropSigningKey(t.Context(), "x"))
	must(t, s.DropReply(t.Context(), "x", 1))
}

func insertIsUnique(t *testing.T, s store.Identity) {
	for _, r := range identityRows() {
		must(t, r.insert(t.Context(), s, 0))
		must(t, r.replace(t.Context(), s, 1))
		if err := r.insert(t.Context(), s, 2); !errors.Is(err, store.ErrTaken) {
			t.Errorf("%s: second insert: %v", r.kind, err)
		}
		wantRow(t, s, r, 2)
	}
	other := store.SigningKey{KID: "k-other", Number: 1}
	if err := s.InsertSigningKey(t.Context(), other); !errors.Is(err, store.ErrTaken) {
		t.Errorf("key with a taken number: %v", err)
	}
	must(t, s.InsertIncarnation(t.Context(), store.Incarnation{Name: "x", User: "u1"}))
	if err := s.InsertIncarnation(t.Context(), store.Incarnation{Name: "x", User: "u2"}); !errors.Is(err, store.ErrTaken) {
		t.Errorf("taken incarnation: %v", err)
	}
}

func replaceIsGuarded(t *testing.T, s store.Identity) {
	for _, r := range identityRows() {
		must(t, r.insert(t.Context(), s, 0))
		for _, rev := range []int64{0, 2, -1} {
			if err := r.replace(t.Context(), s, rev); !errors.Is(err, store.ErrStale) {
				t.Errorf("%s: replace at revision %d: %v", r.kind, rev, err)
			}
		}
		wantRow(t, s, r, 1)
	}
}

func phoneIsUnique(t *testing.T, s store.Identity) {
	ctx := t.Context()
	must(t, s.InsertUser(ctx, store.User{ID: "a", Phone: "+628111"}))
	if err := s.InsertUser(ctx, store.User{ID: "b", Phone: "+628111"}); !errors.Is(err, store.ErrTaken) {
		t.Errorf("second user of a phone: %v", err)
	}
	must(t, s.InsertUser(ctx, store.User{ID: "b", Phone: "+628222"}))
	if err := s.ReplaceUser(ctx, store.User{ID: "b", Phone: "+628111", Rev: 1}); !errors.Is(err, store.ErrTaken) {
		t.Errorf("user moved to a taken phone: %v", err)
	}
	must(t, s.ReplaceUser(ctx, store.User{ID: "b", Phone: "+628333", Rev: 1}))
	if got, err := s.UserByPhone(ctx, "+628333"); err != nil || got.ID != "b" {
		t.Errorf("user by new phone %+v, %v", got, err)
	}
	if _, err := s.UserByPhone(ctx, "+628222"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("user by old phone: %v", err)
	}
}

func erasedPhoneIsFree(t *testing.T, s store.Identity) {
	ctx := t.Context()
	must(t, s.InsertUser(ctx, store.User{ID: "a", Phone: "+628111"}))
	must(t, s.InsertUser(ctx, store.User{ID: "b", Phone: "+628222"}))
	must(t, s.ReplaceUser(ctx, store.User{ID: "a", Status: store.UserErased, Rev: 1}))
	must(t, s.ReplaceUser(ctx, store.User{ID: "b", Status: store.UserErased, Rev: 1}))
	must(t, s.InsertUser(ctx, store.User{ID: "c", Phone: "+628111"}))
	if got, err := s.UserByPhone(ctx, "+628111"); err != nil || got.ID != "c" {
		t.Errorf("user by freed phone %+v, %v", got, err)
	}
}

func oneInsertWins(t *testing.T, s store.Identity) {
	var won atomic.Int32
	parallel(50, func(i int) {
		switch err := s.InsertUser(t.Context(), store.User{ID: strconv.Itoa(i), Phone: "+628111"}); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrTaken):
			t.Errorf("insert: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d inserts of one phone won, want 1", won.Load())
	}
}

func replacesLoseNothing(t *testing.T, s store.Identity) {
	must(t, s.InsertSession(t.Context(), store.Session{ID: "s"}))
	var done atomic.Int64
	parallel(20, func(int) {
		for {
			at, err := s.Session(t.Context(), "s")
			if err != nil {
				t.Errorf("read: %v", err)
				return
			}
			at.Counter++
			if err = s.ReplaceSession(t.Context(), at); err == nil {
				done.Add(1)
				return
			}
			if !errors.Is(err, store.ErrStale) {
				t.Errorf("replace: %v", err)
				return
			}
		}
	})
	if got, err := s.Session(t.Context(), "s"); err != nil || got.Counter != 20 || done.Load() != 20 {
		t.Errorf("counter %d after %d steps, %v, want 20", got.Counter, done.Load(), err)
	}
}

func oneTakesAStep(t *testing.T, s store.Identity) {
	must(t, s.InsertCredential(t.Context(), store.Credential{User: "u", Step: 6}))
	at, err := s.Credential(t.Context(), "u")
	must(t, err)
	at.Step = 7
	var won atomic.Int32
	parallel(50, func(int) {
		switch err := s.ReplaceCredential(t.Context(), at); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrStale):
			t.Errorf("replace: %v", err)
		}
	})
	if got, err := s.Credential(t.Context(), "u"); err != nil || got.Step != 7 || won.Load() != 1 {
		t.Errorf("%d took the step, which is %d, %v", won.Load(), got.Step, err)
	}
}

func additionsCount(t *testing.T, s store.Identity) {
	parallel(50, func(i int) {
		if err := s.Add(t.Context(), "a", int64(i%2+1), identityDay()); err != nil {
			t.Errorf("add: %v", err)
		}
	})
	got, err := s.Totals(t.Context(), []string{"none", "a"})
	if err != nil || !reflect.DeepEqual(got, []int64{0, 75}) {
		t.Errorf("totals %v, %v, want [0 75]", got, err)
	}
	for range 2 {
		must(t, s.Add(t.Context(), "a", -40, identityDay())) // given back
	}
	if got, err := s.Totals(t.Context(), []string{"a"}); err != nil || !reflect.DeepEqual(got, []int64{-5}) {
		t.Errorf("totals %v, %v, want [-5]", got, err)
	}
	if got, err := s.Totals(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("totals of nothing %v, %v", got, err)
	}
}

func feedsByInstant(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	for i, id := range []string{"a", "b", "c"} {
		when := at.Add(time.Duration(i) * time.Millisecond)
		must(t, s.InsertUser(ctx, store.User{ID: id, Changed: when}))
		must(t, s.InsertSession(ctx, store.Session{ID: id, Created: when, Revoked: when}))
	}
	must(t, s.InsertSession(ctx, store.Session{ID: "alive", Created: at.Add(time.Hour)}))
	users, err := s.UsersChanged(ctx, at.Add(time.Millisecond))
	if err != nil || len(users) != 2 {
		t.Errorf("changed users %+v, %v, want b and c", users, err)
	}
	for _, tt := range []struct {
		after string
		limit int
		want  []string
	}{{"", 2, []string{"a", "b"}}, {"a", 9, []string{"b", "c"}}, {"aa", 1, []string{"b"}}, {"c", 9, nil}, {"", 0, nil}} {
		page, err := s.UsersAfter(ctx, tt.after, tt.limit)
		var got []string
		for _, u := range page {
			got = append(got, u.ID)
			if u.Rev != 1 {
				t.Errorf("user %s comes at revision %d", u.ID, u.Rev)
			}
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("up to %d users after %q: %v, %v, want %v", tt.limit, tt.after, got, err, tt.want)
		}
	}
	sessions, err := s.SessionsRevoked(ctx, at.Add(time.Millisecond))
	if err != nil || len(sessions) != 2 {
		t.Errorf("revoked sessions %+v, %v, want b and c", sessions, err)
	}
}

func unsentCodes(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	later := at.Add(time.Minute)
	for _, c := range []store.Challenge{
		{ID: "second", Sealed: []byte("x"), Created: at.Add(1e9), Expires: later},
		{ID: "first", Sealed: []byte("x"), Created: at, Expires: later, Leased: at},
		{ID: "third", Sealed: []byte("x"), Created: at.Add(2e9), Expires: later},
		{ID: "leased", Sealed: []byte("x"), Created: at, Expires: later, Leased: at.Add(1e6)},
		{ID: "sent", Created: at, Expires: later},
		{ID: "expired", Sealed: []byte("x"), Created: at, Expires: at},
	} {
		must(t, s.InsertChallenge(ctx, c))
	}
	got, err := s.Unsent(ctx, at, 2)
	if err != nil || len(got) != 2 || got[0].ID != "first" || got[1].ID != "second" {
		t.Errorf("unsent %+v, %v, want first and second", got, err)
	}
}

func latestChallenge(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	for i, c := range []store.Challenge{
		{ID: "old", Phone: "+628111", Purpose: "login", Install: "i"},
		{ID: "new", Phone: "+628111", Purpose: "login", Install: "i"},
		{ID: "other phone", Phone: "+628222", Purpose: "login", Install: "i"},
		{ID: "other purpose", Phone: "+628111", Purpose: "step_up", Install: "i"},
		{ID: "other installation", Phone: "+628111", Purpose: "login", Install: "j"},
	} {
		c.Created = at.Add(time.Duration(i) * time.Second)
		must(t, s.InsertChallenge(ctx, c))
	}
	if got, err := s.LatestChallenge(ctx, "+628111", "login", "i"); err != nil || got.ID != "new" {
		t.Errorf("latest %+v, %v, want new", got, err)
	}
	if _, err := s.LatestChallenge(ctx, "+628111", "login", "k"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("latest of another installation: %v", err)
	}
}

func newestFirst(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	for i, id := range []string{"old", "new", "mid"} {
		when := at.Add([]time.Duration{0, 2, 1}[i] * time.Hour)
		must(t, s.InsertSession(ctx, store.Session{ID: id, User: "u", Created: when}))
		must(t, s.InsertDevice(ctx, store.Device{ID: id, User: "u", Created: when}))
	}
	must(t, s.InsertSession(ctx, store.Session{ID: "x", User: "v", Created: at}))
	must(t, s.InsertDevice(ctx, store.Device{ID: "x", User: "v", Created: at}))
	var names []string
	sessions, err := s.SessionsOf(ctx, "u")
	must(t, err)
	for _, x := range sessions {
		names = append(names, x.ID)
	}
	devices, err := s.DevicesOf(ctx, "u")
	must(t, err)
	for _, x := range devices {
		names = append(names, x.ID)
	}
	if want := []string{"new", "mid", "old", "new", "mid", "old"}; !reflect.DeepEqual(names, want) {
		t.Errorf("order %q, want %q", names, want)
	}
}

func laterContactKept(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	newer := store.Contact{Device: "d", At: at.Add(time.Hour), OldestUnsent: at, Unsent: 14}
	must(t, s.SaveContacts(ctx, []store.Contact{{Device: "d", At: at, Unsent: 1}, {Device: "e", At: at}}))
	must(t, s.SaveContacts(ctx, []store.Contact{newer}))
	must(t, s.SaveContacts(ctx, []store.Contact{{Device: "d", At: at.Add(time.Minute), Unsent: 2}}))
	got, err := s.Contacts(ctx, []string{"d", "none"})
	if err != nil || !reflect.DeepEqual(got, []store.Contact{newer}) {
		t.Errorf("contacts %+v, %v, want %+v", got, err, newer)
	}
	if got, err := s.Contacts(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("contacts of nothing %+v, %v", got, err)
	}
}

func keysByNumber(t *testing.T, s store.Identity) {
	ctx := t.Context()
	for _, n := range []int64{10, 2, 1} {
		must(t, s.InsertSigningKey(ctx, store.SigningKey{KID: strconv.FormatInt(n, 10), Number: n}))
	}
	must(t, s.DropSigningKey(ctx, "1"))
	got, err := s.SigningKeys(ctx)
	if err != nil || len(got) != 2 || got[0].Number != 2 || got[1].Number != 10 {
		t.Errorf("keys %+v, %v, want 2 and 10", got, err)
	}
}

func replyDrop(t *testing.T, s store.Identity) {
	ctx := t.Context()
	must(t, s.InsertReply(ctx, store.Reply{Key: "k"}))
	must(t, s.DropReply(ctx, "k", 2))
	if _, err := s.Reply(ctx, "k"); err != nil {
		t.Errorf("reply dropped at another revision: %v", err)
	}
	must(t, s.DropReply(ctx, "k", 1))
	if _, err := s.Reply(ctx, "k"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("reply after drop: %v", err)
	}
}

func sweepRemovesExpired(t *testing.T, s store.Identity) {
	ctx, at := t.Context(), identityDay()
	for name, expires := range map[string]time.Time{"old": at.Add(-1e6), "edge": at, "new": at.Add(1e6)} {
		must(t, s.InsertChallenge(ctx, store.Challenge{ID: name, Expires: expires}))
		must(t, s.InsertTally(ctx, store.Tally{Key: name, Expires: expires}))
		must(t, s.InsertReply(ctx, store.Reply{Key: name, Expires: expires}))
		must(t, s.Add(ctx, name, 1, expires))
	}
	if n, err := s.Sweep(ctx, at); err != nil || n != 4 {
		t.Errorf("swept %d, %v, want 4", n, err)
	}
	if _, err := s.Challenge(ctx, "old"); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("expired challenge after sweep: %v", err)
	}
	if _, err := s.Tally(ctx, "edge"); err != nil {
		t.Errorf("living tally after sweep: %v", err)
	}
	if got, err := s.Totals(ctx, []string{"old", "edge", "new"}); err != nil || !reflect.DeepEqual(got, []int64{0, 1, 1}) {
		t.Errorf("totals after sweep %v, %v", got, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// parallel runs n calls at once and waits for them.
func parallel(n int, call func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { call(i) })
	}
	all.Wait()
}
