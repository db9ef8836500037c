// Package auth proves who a phone belongs to: login by one-time code, for admins by
// password and second factor, access and refresh tokens, devices, sessions and signing keys. What a person may do
// is not decided here but in the access lists of the scopes.
package auth

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// Service is everything about identity. Fill the named fields and use it; it is
// safe for concurrent use and must not be copied afterwards. Run does the work
// in the background.
type Service struct {
	Store    store.Identity
	Clock    clock.Clock
	IDs      id.Maker
	Rand     io.Reader // crypto/rand.Reader, or a seeded source in a simulation
	Sender   Sender
	Pepper   []byte // the secret of this installation, 32 bytes or more; a new one ends every session
	Issuer   string // "iss" of access tokens
	Audience string // "aud" of access tokens, and who accepts them
	Limits   Limits // DefaultLimits, changed where wanted
	Log      *slog.Logger

	// Verified, if set, is shared by several services with one Store, such as the
	// processes of a simulation: what one of them proved is known to all.
	Verified *Verified

	// TestNumbers are phones with a fixed code that is never sent. The
	// configuration refuses them in production.
	TestNumbers map[domain.Phone]string

	// OnUser, if set, is called before the first login of a user is answered
	// and again until it has returned nil once. It must be idempotent.
	OnUser func(ctx context.Context, u store.User) error
	// OnEnd, if set, is called before a session on a device ends, and keeps it from ending
	// if it fails; and behind the last one on a device, for what came in between. It may be
	// called again.
	OnEnd func(ctx context.Context, user, device string) error
	// OnDevice, if set, is called before a phone is let in on which the user was not logged
	// in, and before one is shut out, with how it will stand, and the session that is to begin
	// ("" of one that goes); it keeps that from happening if it fails. It may be called again.
	OnDevice func(ctx context.Context, d store.Device, session string) error
	// OnEvent, if set, hears what belongs into the audit trail. It must not block.
	OnEvent func(ctx context.Context, e Event)

	vault    vault
	ring     keyring
	verified Verified // unless shared
	denied   denials
	health   healthBuffer
	hashes   hashes
	swept    atomic.Int64 // when, in Unix milliseconds
	unsent   atomic.Int64 // codes, when it was looked last
	wakeMu   sync.Mutex
	wake     chan struct{}
}

// EventKind says what happened.
type EventKind string

// The events.
const (
	LoggedIn         EventKind = "logged_in"
	RefreshReused    EventKind = "refresh_reused"     // a copied refresh token was used: the session is dead
	SessionRevoked   EventKind = "session_revoked"    //
	SecondFactNeeded EventKind = "second_fact_needed" // a code was right, but the number may have a new owner
	PhoneLocked      EventKind = "phone_locked"       // too many wrong codes in a day
	UserChanged      EventKind = "user_changed"       // roles or status
	PasswordRefused  EventKind = "password_refused"   // a login with a password failed; User is empty if nobody has the number
	PasswordChanged  EventKind = "password_changed"   //
	FactorReset      EventKind = "factor_reset"       // password and second factor were taken away, to be set anew
	FactorSet        EventKind = "factor_set"         // and were set
	SteppedUp        EventKind = "stepped_up"         // a second factor was shown again
)

// Event is a fact for the audit trail. Fields that do not apply are empty.
type Event struct {
	Kind    EventKind
	At      time.Time
	User    string
	Session string
	Device  string
	Reason  string
	Roles   []string // of somebody who logged in
}

// Limits are the numbers of the service. Every count is for a sliding window.
type Limits struct {
	CodeLife     time.Duration   // a code is good that long
	CodeAttempts int             // guesses per code
	CoolDown     []time.Duration // wait after the first, second … code of a day; the last one repeats
	Sends        []Limit         // codes per phone
	Guesses      []Limit         // wrong codes per phone, over all its codes
	Lock         time.Duration   // after the last of Guesses is used up
	PerAddress   []Limit         // codes per IP address; mobile networks share addresses, and so does a hall; see OfAddress
	PerNet       []Limit         // codes per /24 (IPv6: /48)
	PerInstall   []Limit         // codes per installation
	TriesAddress []Limit         // verifications per IP address

	Argon         Argon           // what a hash of a password costs
	Hashes        int             // passwords hashed at a time, which each take the memory of Argon
	HashLine      int             // passwords that wait for it; more are sent away
	PasswordTries []Limit         // wrong passwords per number, and per installation that the person has used
	SlowDown      []time.Duration // wait after the first, second … of them; the last one repeats
	FactorTries   []Limit         // wrong codes of a second factor per session
	StepUp        time.Duration   // how long a second factor counts as just shown
	SetupLife     time.Duration   // a set-up token is good that long

	Spend         []Limit // codes sent to everybody
	BreakerFloor  int     // wrong codes of everybody in 15 minutes from which
	BreakerShare  float64 // this share of wrong ones stops login by code
	PrefixFloor   int     // codes sent to a number prefix in 15 minutes from which
	PrefixShare   float64 // a smaller share of right ones stops sending to it
	IdleAccount   time.Duration
	ActiveDevices int // per user

	Access    time.Duration // life of an access token
	Leeway    time.Duration // for clocks of several servers
	KeyCache  time.Duration // how long others may cache the public keys
	KeyAge    time.Duration // a signing key is replaced at that age
	PollEvery time.Duration // how soon a revocation bites in other processes

	Owner, Mentor, Admin Span // of sessions; the strictest role counts
}

// Span is how long a session lives.
type Span struct {
	Idle     time.Duration // since its last use
	Absolute time.Duration // since login
}

// DefaultLimits are the limits of a normal installation.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{
		CodeLife: 5 * time.Minute, CodeAttempts: 5,
		CoolDown:   []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute},
		Sends:      []Limit{{5, day}},
		Guesses:    []Limit{{10, time.Hour}, {20, day}},
		Lock:       day,
		PerInstall: []Limit{{10, time.Hour}, {20, day}},
		Argon:      Argon{Memory: 19 << 10, Passes: 2, Threads: 1},
		Hashes:     2, HashLine: 16,
		PasswordTries: []Limit{{10, time.Hour}, {30, day}},
		SlowDown:      []time.Duration{0, 0, 2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute},
		FactorTries:   []Limit{{5, 15 * time.Minute}, {20, day}},
		StepUp:        15 * time.Minute, SetupLife: day,
		Spend:        []Limit{{2000, time.Hour}, {10000, day}},
		BreakerFloor: 200, BreakerShare: 0.5,
		PrefixFloor: 30, PrefixShare: 0.3,
		IdleAccount: 90 * day, ActiveDevices: 5,
		Access: 15 * time.Minute, Leeway: 30 * time.Second,
		KeyCache: time.Hour, KeyAge: 90 * day, PollEvery: 5 * time.Second,
		Owner:  Span{90 * day, 365 * day},
		Mentor: Span{30 * day, 180 * day},
		Admin:  Span{12 * time.Hour, 7 * day},
	}.OfAddress(Limit{750, time.Hour}, Limit{1500, time.Hour})
}

// OfAddress is l with other bounds of what comes from one address: codes that it asks for,
// and logins that it tries. In a day it may ask for three times as many codes as in an hour,
// and all of its network together for a third more than one address. What a number, an
// installation and everybody may do stays as it is.
func (l Limits) OfAddress(codes, logins Limit) Limits {
	const day = 24 * time.Hour
	codes.Max = min(codes.Max, mostOfAddress)
	hourly := int(float64(codes.Max) * float64(time.Hour) / float64(codes.Window))
	l.PerAddress = []Limit{codes, {3 * hourly, day}}
	l.PerNet = []Limit{{codes.Max + codes.Max/3, codes.Window}, {4 * hourly, day}}
	l.TriesAddress = []Limit{logins}
	return l
}

// mostOfAddress is a number that no address reaches, and that can be multiplied.
const mostOfAddress = 1 << 40

// span is the strictest span among the roles.
func (l Limits) span(roles []string) Span {
	out := l.Owner
	for _, r := range roles {
		s := l.Mentor
		if r == RoleAdmin || r == RoleRegional {
			s = l.Admin
		}
		out = Span{min(out.Idle, s.Idle), min(out.Absolute, s.Absolute)}
	}
	return out
}

// Run sends codes, polls revocations, writes health figures and looks after
// the signing keys until ctx ends. It returns nil then.
func (s *Service) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { s.every(ctx, s.woken(), s.deliverAll) })
	both.Go(func() { s.every(ctx, nil, s.keep) })
	both.Wait()
	return nil
}

// every calls work now, at each tick and at each wake-up.
func (s *Service) every(ctx context.Context, wake <-chan struct{}, work func(context.Context) error) {
	tick := time.NewTicker(s.Limits.PollEvery)
	defer tick.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "identity upkeep", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
	}
}

// keep is one round of upkeep.
func (s *Service) keep(ctx context.Context) error {
	if err := s.Poll(ctx); err != nil {
		return err
	}
	if err := s.flushDue(ctx); err != nil {
		return err
	}
	if err := s.keepKeys(ctx); err != nil {
		return err
	}
	return s.sweep(ctx)
}

// sweep removes what expired more than an hour ago, once an hour.
func (s *Service) sweep(ctx context.Context) error {
	now := s.Clock.Now()
	if last := s.swept.Load(); now.UnixMilli()-last < time.Hour.Milliseconds() || !s.swept.CompareAndSwap(last, now.UnixMilli()) {
		return nil
	}
	_, err := s.Store.Sweep(ctx, now.Add(-time.Hour))
	return err
}

func (s *Service) woken() chan struct{} {
	s.wakeMu.Lock()
	defer s.wakeMu.Unlock()
	if s.wake == nil {
		s.wake = make(chan struct{}, 1)
	}
	return s.wake
}

func (s *Service) tell(ctx context.Context, e Event) {
	e.At = s.Clock.Now()
	if s.OnEvent != nil {
		s.OnEvent(ctx, e)
	}
}

// refuse makes the fault of an answer that a phone acts on.
func refuse(kind fault.Kind, code, text string) error {
	return &fault.Error{Kind: kind, Code: code, Text: text}
}

// keepOutbox makes a refusal after which the phone must keep what it has not
// sent yet. Every refusal of a token is one.
func keepOutbox(kind fault.Kind, code, text string) error {
	return &fault.Error{Kind: kind, Code: code, Text: text, Info: map[string]any{"keep_outbox": true}}
}

func tooMany(code string, after time.Duration) error {
	return &fault.Error{Kind: fault.TooMany, Code: code, Text: "over a limit in time", After: after}
}

// rounds bounds the tries of a guarded update; each failed try means that
// somebody else got on.
const rounds = 200

func contended(what string) error {
	return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: what + " changed at every try", After: time.Second}
}
