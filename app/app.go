// Package app builds the whole program from a configuration, runs it and takes
// it down again. It is the only place that chooses which store, which sender of
// codes and which clock the others work with.
package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/logging"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/around"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/trace"
	"github.com/lumbung-ikm/lumbung/trace/otlp"
)

// Options replace what the program would choose by itself. The zero value is a
// server in production; tests, the demo and the simulator bring their own.
type Options struct {
	Clock     clock.Clock              // clock.System
	Rand      io.Reader                // crypto/rand.Reader; must be safe for concurrent use
	Store     store.Store              // the database that the configuration names; given with Identity, not closed by Close
	Identity  store.Identity           //
	Schema    *merge.Schema            // domain.Catalogue
	Sender    auth.Sender              // as the configuration says
	Push      map[string]notify.Sender // of pushes, by provider; nil: in development into the log, else none
	Messenger notify.Messenger         // of login codes and messages; as the configuration says
	Log       *slog.Logger             // on Stderr, as the configuration says
	Stderr    io.Writer                // os.Stderr
	Version   string                   // of the program

	Within time.Duration // for every call of the store by the engine and the API; 10 s

	Sync syncer.Limits // syncer.DefaultLimits
	HTTP api.Limits    // api.DefaultLimits
	Auth *auth.Limits  // auth.DefaultLimits

	// Beside leaves the log ahead of the embedded database as it is: a server may be at
	// work on it, and would wait.
	Beside bool

	lines *logging.Buffer // in front of Stderr; nil: the log is somebody else's

	Verified *auth.Verified // the server's own; several servers on one Identity may share one
}

// App is the program, built. Its parts may be used by themselves, such as by a
// simulator that takes every step by hand.
type App struct {
	Config    config.Config
	Log       *slog.Logger
	Clock     clock.Clock
	Store     store.Store
	Engine    *syncer.Engine
	Auth      *auth.Service
	Programme *programme.Service
	Push      *notify.Service
	Hints     *notify.Hints // nil: there are none
	API       *api.Server
	Trail     *programme.Trail

	metrics *metrics
	purses  []*notify.Purse
	bound   around.Hook
	traces  *trace.Recorder // nil: there are none
	wake    chan struct{}
	mu      sync.Mutex
	closers []func(context.Context) error
	pulse   pulse
}

// New builds everything and starts nothing. After an error nothing is left
// open.
func New(ctx context.Context, cfg config.Config, o Options) (_ *App, err error) {
	o = o.orDefault(cfg)
	a := &App{Config: cfg, Log: o.Log, Clock: o.Clock, wake: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close(ctx))
		}
	}()
	if o.lines != nil {
		a.closers = append(a.closers, func(context.Context) error { return o.lines.Flush() }) // last of all
	}
	identity, err := a.openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := usable(ctx, a.Store); err != nil {
		return nil, err
	}
	if o.Schema == nil {
		if o.Schema, err = domain.Catalogue(); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
	}
	pepper, err := pepperOf(cfg, o)
	if err != nil {
		return nil, err
	}
	a.build(cfg, o, identity, pepper)
	return a, nil
}

func (o Options) orDefault(cfg config.Config) Options {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	if o.Log == nil {
		o.lines = logging.NewBuffer(o.Stderr)
		o.Log = logging.New(o.lines, cfg.LogLevel, cfg.LogFormat)
	}
	if o.Sender == nil && cfg.OTPSender == "log" {
		o.Sender = auth.LogSender{Log: slog.New(slog.NewTextHandler(o.Stderr, nil))}
	}
	if o.Sender == nil && cfg.OTPSender != config.Webhook { // that one is made where its counters are
		o.Sender = mute{}
	}
	if o.Push == nil && cfg.Env == config.Development {
		o.Push = map[string]notify.Sender{"fcm": notify.LogSender{Log: o.Log}}
	}
	for _, r := range []struct {
		given *api.Rate
		set   config.Rate
	}{{&o.HTTP.PerUser, cfg.PerUser}, {&o.HTTP.PerDevice, cfg.PerDevice}, {&o.HTTP.EditsPerUser, cfg.EditsPerUser},
		{&o.HTTP.EditsPerDevice, cfg.EditsPerDevice}, {&o.HTTP.PerIP, cfg.PerAddress}} {
		if r.given.Max == 0 {
			*r.given = api.Rate(r.set)
		}
	}
	if o.Within == 0 {
		o.Within = storeWithin
	}
	if o.Auth == nil {
		l := auth.DefaultLimits().OfAddress(ofAddress(cfg.CodesPerAddress), ofAddress(cfg.LoginsPerAddress))
		l.StepUp = cfg.StepUp
		o.Auth = &l
	}
	return o
}

func ofAddress(r config.Rate) auth.Limit { return auth.Limit{Max: r.Max, Window: r.Per} }

// storeWithin is how long a call of the store may take: so long as the driver of MongoDB
// gives it too, and short enough that a request which asks twice answers within its own
// deadline.
const storeWithin = 10 * time.Second

// mute is the sender of an installation that has none: login by code is off.
type mute struct{}

func (mute) Send(context.Context, auth.Message) error {
	return errors.New("no sender of codes is set up")
}

// openStore opens the database that the configuration names, unless one was
// given.
func (a *App) openStore(ctx context.Context, o Options) (store.Identity, error) {
	if o.Store != nil {
		a.Store = o.Store
		return o.Identity, nil
	}
	if a.Config.Mongo() {
		return a.openMongo(ctx)
	}
	path := a.Config.StorePath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	db, err := sqlite.Open(ctx, path, sqlite.Options{MaxBytes: int64(a.Config.StoreMax) << 20, Beside: o.Beside, OnTrouble: a.trouble,
		Report: func(text string) { a.Log.LogAttrs(ctx, slog.LevelError, "database", slog.String("report", text)) }})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	a.closers = append(a.closers, func(ctx context.Context) error { return closeWithin(ctx, db) })
	if a.Store, err = openedAs(db); err != nil {
		return nil, err
	}
	return db.Identity(), nil
}

// trouble tells an operator that the disk takes no writes, and that it does again.
func (a *App) trouble(err error) {
	if err != nil {
		a.Log.LogAttrs(context.Background(), slog.LevelError, "the disk takes no writes: edits wait on the phones, what is there can be read", slog.Any("error", err))
		return
	}
	a.Log.LogAttrs(context.Background(), slog.LevelWarn, "the disk takes writes again")
}

// closeWithin closes a database, or leaves it behind when ctx ends: its disk may not
// answer, and the process ends anyway.
func closeWithin(ctx context.Context, db io.Closer) error {
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("close the database: %w", ctx.Err())
	}
}

// openMongo opens the database that several processes share.
func (a *App) openMongo(ctx context.Context) (store.Identity, error) {
	db, err := mongo.Open(ctx, a.Config.Store, mongo.Options{Clock: a.Clock, Report: func(text string) { a.Log.LogAttrs(ctx, slog.LevelWarn, "database", slog.String("report", text)) }})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	a.Store = db
	a.closers = append(a.closers, func(context.Context) error { return db.Close() })
	return db.Identity(), nil
}

func (a *App) build(cfg config.Config, o Options, identity store.Identity, pepper []byte) {
	ids := id.Maker{Clock: o.Clock, Rand: o.Rand}
	if o.Sync.Horizon == 0 {
		o.Sync.Horizon = cfg.Horizon
	}
	a.metrics = newMetrics(o.Version)
	a.bound = around.Within(o.Within)
	if cfg.Traces != "" {
		a.traces = trace.NewRecorder(clock.Precise{}, otlp.New(cfg.Traces, o.Version), cfg.TracesPerSecond, a.reportTraces)
		a.metrics.gauge("lumbung_trace_spans_dropped", "Spans that could not be sent.", a.traces.Dropped)
		a.bound = around.Both(around.Traced, a.bound)
	}
	identity = around.Identity(identity, a.bound)
	a.Engine = &syncer.Engine{Tally: a.metrics, Store: around.Store(a.Store, a.bound), Schema: o.Schema, Clock: o.Clock, IDs: ids, Log: o.Log, Limits: o.Sync, MinApp: cfg.MinAppVersion, Wake: a.Wake}
	a.Programme = &programme.Service{Engine: a.Engine, Clock: o.Clock}
	letters := a.messages(cfg, &o, identity)
	a.Auth = &auth.Service{Store: identity, Clock: o.Clock, IDs: ids, Rand: o.Rand, Sender: o.Sender, Pepper: pepper,
		Issuer: cfg.PublicURL, Audience: "lumbung", Limits: *o.Auth, Log: o.Log, TestNumbers: map[domain.Phone]string{}, OnEvent: a.audit, Verified: o.Verified}
	for number, code := range cfg.TestNumbers {
		a.Auth.TestNumbers[domain.Phone(number)] = code
	}
	a.closers = append(a.closers, a.Auth.Flush)
	a.Programme.People = a.Auth
	a.Trail = &programme.Trail{Engine: a.Engine, Clock: o.Clock, IDs: ids, Log: o.Log}
	a.closers = append(a.closers, a.Trail.Flush)
	a.Auth.OnUser, a.Auth.OnDevice = a.Programme.Welcome, a.Programme.PhoneNews
	a.Engine.Steps = a.Programme.Steps()
	var counters store.Counters
	if _, several := a.Store.(store.Watcher); several { // its database is at the other end of a network, and others share it
		counters, a.Engine.Hands = identity, hands
		a.Engine.Counters = counters
	}
	a.Push = &notify.Service{Store: identity, Counters: counters, Inbox: a.Programme, Senders: o.Push, Clock: o.Clock, Rand: o.Rand, Log: o.Log, Tally: a.metrics, Noted: a.metrics.Noted, Limits: pushLimits(cfg.Push), Letters: letters}
	a.Programme.Bell, a.Auth.OnEnd, a.Push.Still = a.Push, a.Push.Leave, a.Auth.LoggedInOn
	a.API = api.New(api.Parts{Push: a.Push, Tally: a.metrics, Traces: a.traces, Counters: counters, Engine: a.Engine, Auth: a.Auth, Programme: a.Programme, Trail: a.Trail, Replies: identity, Clock: o.Clock, IDs: ids, Log: o.Log,
		Limits: o.HTTP, Origins: cfg.CORSOrigins, Proxies: proxies(cfg.TrustedProxies), Version: o.Version, Ready: a.ready, Refuse: a.damaged})
	a.hints(cfg)
	a.gauges()
}

// hints has phones that are not connected told of what changes, if they are to be.
func (a *App) hints(cfg config.Config) {
	if cfg.Push.HintEvery == 0 || len(a.Push.Senders) == 0 {
		return
	}
	a.Hints = &notify.Hints{Push: a.Push, Every: cfg.Push.HintEvery, Connected: a.API.Connected, Log: a.Log}
	a.Engine.Moved = func(after store.Head, devices []string) {
		a.Hints.Moved(domain.Hinted(after.Scope, after.Access, after.Time, devices), devices)
	}
}

// damaged is why nothing is answered from the store any more, or nil.
func (a *App) damaged() error {
	if s, ok := a.Store.(interface{ Damaged() error }); ok {
		return s.Damaged()
	}
	return nil
}

// reportTraces says that the collector does not take traces, once, and that it does again.
func (a *App) reportTraces(err error) {
	if err != nil {
		a.Log.LogAttrs(context.Background(), slog.LevelWarn, "traces are not sent", slog.Any("error", err))
		return
	}
	a.Log.LogAttrs(context.Background(), slog.LevelInfo, "traces are sent again")
}

// gauges are what is asked for when the metrics are read.
func (a *App) gauges() {
	a.metrics.gauge("lumbung_sync_queued_pushes", "Pushes that wait for a commit.", a.Engine.Queued)
	a.metrics.gauge("lumbung_http_waiting_requests", "Requests that wait for a place among those that are worked on.", a.API.Waiting)
	a.metrics.lines("lumbung_http_waiting", "Requests that wait inside for what few may do at a time.", map[string]func() int{"large_push": a.API.WaitingLarge,
		"inflate": a.API.WaitingToInflate, "pack": a.API.WaitingToPack, "export": a.API.WaitingExports, "table": a.API.WaitingTables, "programme": a.Programme.WaitingWhole, "first_sync": a.Engine.FirstSyncs})
	a.metrics.counter("lumbung_http_refused_connections_total", "Connections that were turned away unread because there were too many.", a.API.TurnedAway)
	a.metrics.gauge("lumbung_http_body_bytes", "Bytes of long bodies that are being read or worked on.", a.API.BodyBytes)
	a.metrics.counter("lumbung_http_refused_bodies_total", "Requests that were refused because all bodies together were too much.", a.API.BodiesRefused)
	a.metrics.gauge("lumbung_auth_waiting_passwords", "Passwords that wait for a place among those that are hashed.", func() int { _, waiting := a.Auth.Hashing(); return waiting })
	a.metrics.gauge("lumbung_audit_dropped_entries", "Entries that the audit trail left out since the start.", a.Trail.Dropped)
	a.metrics.gauge("lumbung_audit_waiting_entries", "Entries of the audit trail that wait to be written.", a.Trail.Waiting)
	a.metrics.gauge("lumbung_sync_waiting_scopes", "Scopes whose effects had not been carried out when the worker looked last.", a.Engine.Behind)
	a.metrics.gauge("lumbung_auth_unsent_codes", "Login codes that waited to be sent when the sender looked last.", a.Auth.Unsent)
	a.metrics.registry.MustRegister(newPushFigures(a.Push, a.purses, a.Clock))
	a.metrics.gauge("lumbung_live_streams", "Open live streams.", a.API.Streams)
	if s, ok := a.Store.(interface{ Queued() int }); ok {
		a.metrics.gauge("lumbung_store_queued_writes", "Writes that wait for the disk.", s.Queued)
	}
	if s, ok := a.Store.(interface{ Flushes() uint64 }); ok {
		a.metrics.counter("lumbung_store_flushes_total", "Transactions of the database file, each with one flush.", s.Flushes)
	}
	if s, ok := a.Store.(interface{ Flushed() uint64 }); ok {
		a.metrics.counter("lumbung_store_flushed_writes_total", "Writes that those transactions held.", s.Flushed)
	}
	if s, ok := a.Store.(interface{ Trouble() error }); ok {
		a.metrics.gauge("lumbung_store_trouble", "Whether the disk did not take the last write.", func() int {
			if s.Trouble() != nil {
				return 1
			}
			return 0
		})
	}
	if s, ok := a.Store.(interface{ Connections() (open, busy int) }); ok {
		a.metrics.gauge("lumbung_store_connections", "Open connections to the database file.", func() int { open, _ := s.Connections(); return open })
		a.metrics.gauge("lumbung_store_busy_connections", "Connections to the database file that are at work.", func() int { _, busy := s.Connections(); return busy })
	}
}

// hands is how many scopes background work waits for at once.
const hands = 4

// Wake tells the worker that commits left something to do. It never blocks.
func (a *App) Wake() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// audit writes logins and revocations into the log, and what the audit trail keeps of them.
func (a *App) audit(ctx context.Context, e auth.Event) {
	a.Log.LogAttrs(ctx, slog.LevelInfo, "audit", slog.String("event", string(e.Kind)), slog.String("user", e.User), slog.String("session", e.Session),
		slog.String("device", e.Device), slog.String("reason", e.Reason))
	a.Trail.Event(ctx, e)
}

// Close writes what is still in memory and closes what New opened, in reverse
// order, and joins their errors. It is safe after a failed start and safe to
// call twice. Serve must have returned.
func (a *App) Close(ctx context.Context) error {
	a.mu.Lock()
	closers := a.closers
	a.closers = nil
	a.mu.Unlock()
	var errs []error
	for n := len(closers); n > 0; n-- {
		errs = append(errs, closers[n-1](ctx))
	}
	return errors.Join(errs...)
}

// pepperOf is the configured pepper. On a developer's machine one is made at
// the first start and kept beside the database, so that sessions survive.
func pepperOf(cfg config.Config, o Options) ([]byte, error) {
	if cfg.Pepper != "" {
		return []byte(cfg.Pepper), nil
	}
	if o.Store == nil && cfg.Mongo() {
		return nil, errors.New("MongoDB wants a pepper that all processes share, set LUMBUNG_PEPPER")
	}
	made := make([]byte, 32)
	if _, err := io.ReadFull(o.Rand, made); err != nil {
		return nil, fmt.Errorf("draw a pepper: %w", err)
	}
	made = []byte(hex.EncodeToString(made)) // text, so that LUMBUNG_PEPPER_FILE can name the file on another store
	if o.Store != nil {
		return made, nil
	}
	path := cfg.StorePath() + ".pepper"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		kept, err := os.ReadFile(path)
		if err == nil && len(kept) < 32 {
			err = fmt.Errorf("%s holds no pepper: remove it, or set LUMBUNG_PEPPER", path)
		}
		return kept, err
	}
	if err != nil {
		return nil, fmt.Errorf("keep a pepper: %w", err)
	}
	_, err = f.Write(made)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("keep a pepper: %w", err)
	}
	return made, nil
}

// proxies reads the list that the configuration has checked.
func proxies(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p)
		} else if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}
