package programme

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// AuditEntry is one line of the audit trail. Fields that do not apply are empty.
type AuditEntry struct {
	What     string // domain.AuditRead and the others
	Actor    string // user id
	Session  string
	Role     string // by which it was allowed
	Route    string // method and template
	Scope    string
	Subjects []string // ids; of more than domain.MaxAuditSubjects there are several entries
	Fields   []string // names, never values
	Status   int
	Request  string
	Event    string
	Reason   string
	Pushed   Pushed // of domain.AuditPushed

	at    merge.Millis
	id    string
	apart bool // one of those of a large one, which do not count with the rest of what waits
}

// Pushed is what a phone had accepted in one scope.
type Pushed struct {
	Device      string
	Edits       int
	First, Last merge.Seq // in the log of the scope
}

// size is about what an entry takes, in bytes.
func (e *AuditEntry) size() int { return 400 + 40*len(e.Subjects) + 20*len(e.Fields) }

// Trail writes down who saw and changed what. A change is written before it happens, a read
// and what became of a change within a second. Each month has a scope of its own, whose log
// chains the entries. Fill the named fields and use it; it is safe for concurrent use.
type Trail struct {
	Engine *syncer.Engine
	Clock  clock.Clock
	IDs    id.Maker
	Log    *slog.Logger

	flushing sync.Mutex // one at a time writes what waits
	mu       sync.Mutex
	waiting  []AuditEntry
	bytes    int  // of what waits and is not apart
	apart    int  // bytes of what is
	trouble  bool // the last write failed
	dropped  int
	pulled   map[string]struct{} // that were noted today
	today    string
}

// Bounds of what waits to be written.
const (
	flushAt     = 256 << 10 // bytes from which on a request does not leave it to the worker
	mostWaiting = 2 << 20   // bytes; then nothing is read any more that would have to be noted
	mostApart   = 16 << 20  // bytes of what became of large changes
	perCommit   = 40        // entries
	bytesCommit = 128 << 10 // what needs more alone is large
	mostPulled  = 50_000    // businesses and sessions of a day that are remembered
	flushEvery  = time.Second
)

func auditUnavailable(cause error) error {
	return &fault.Error{Kind: fault.Transient, Code: "audit_unavailable", Text: "the audit trail takes no entries", After: 5 * time.Second, Cause: cause}
}

// stamped are the entries that one makes: one, or as many as its subjects need, so that
// nobody who was seen is left out.
func (t *Trail) stamped(e AuditEntry) (all []AuditEntry, bytes int) {
	e.Fields = e.Fields[:min(len(e.Fields), domain.MaxAuditFields)]
	rest := e.Subjects
	for first := true; first || len(rest) > 0; first = false {
		one := e
		one.at, one.id = merge.Millis(t.Clock.Now().UnixMilli()), t.IDs.New()
		one.Subjects = rest[:min(len(rest), domain.MaxAuditSubjects)]
		rest = rest[len(one.Subjects):]
		all, bytes = append(all, one), bytes+one.size()
	}
	return all, bytes
}

// Change writes an entry before it returns. What it is about must not happen if that fails.
//
// Errors: Transient "audit_unavailable".
func (t *Trail) Change(ctx context.Context, e AuditEntry) error {
	all, _ := t.stamped(e)
	return t.writeAll(ctx, all)
}

// writeAll writes entries commit by commit, past what waits.
//
// Errors: Transient "audit_unavailable"; some may have been written then.
func (t *Trail) writeAll(ctx context.Context, all []AuditEntry) error {
	for len(all) > 0 {
		part := batch(all)
		if err := t.write(ctx, part); err != nil {
			return auditUnavailable(err)
		}
		all = all[len(part):]
	}
	return nil
}

// Read takes an entry that is written within a second, a large one at once: it would take
// the place of others. What it is about must not be told if that fails, which it does while
// entries cannot be written.
//
// Errors: Transient "audit_unavailable".
func (t *Trail) Read(ctx context.Context, e AuditEntry) error {
	all, bytes := t.stamped(e)
	if bytes > bytesCommit {
		return t.writeAll(ctx, all)
	}
	t.mu.Lock()
	due, trouble := t.bytes+bytes > flushAt, t.trouble
	t.mu.Unlock()
	if due || trouble {
		if err := t.flushNow(ctx); err != nil && trouble {
			return auditUnavailable(err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+bytes > mostWaiting {
		return auditUnavailable(nil)
	}
	t.keep(all, bytes)
	return nil
}

// keep adds to what waits; the lock is held.
func (t *Trail) keep(all []AuditEntry, bytes int) {
	t.waiting, t.bytes = append(t.waiting, all...), t.bytes+bytes
}

// Note takes an entry that nothing is refused for: it is written within a second. Beyond
// half of what may wait it is left out, and the log says so; it reports whether it was
// taken. Large ones have a bound of their own, and one is taken however large it is.
func (t *Trail) Note(ctx context.Context, e AuditEntry) bool {
	all, bytes := t.stamped(e)
	large := bytes > bytesCommit
	t.mu.Lock()
	defer t.mu.Unlock()
	if large && (t.apart == 0 || t.apart+bytes <= mostApart) {
		for i := range all {
			all[i].apart = true
		}
		t.waiting, t.apart = append(t.waiting, all...), t.apart+bytes
		return true
	}
	if large || t.bytes+bytes > mostWaiting/2 {
		if t.dropped++; t.dropped == 1 {
			t.Log.LogAttrs(ctx, slog.LevelError, "the audit trail leaves out what it cannot write: events are in this log, what became of changes in the logs of their scopes")
		}
		return false
	}
	t.keep(all, bytes)
	return true
}

// Event notes what happened to the rights and the logins of a person. Logins are noted of
// those who have a role.
func (t *Trail) Event(ctx context.Context, e auth.Event) {
	switch e.Kind {
	case auth.LoggedIn:
		if len(e.Roles) == 0 {
			return
		}
	case auth.PasswordRefused:
		if e.User == "" {
			return
		}
		e.Reason = "" // names a number
	case auth.RefreshReused, auth.UserChanged, auth.PasswordChanged, auth.FactorReset, auth.FactorSet, auth.SteppedUp:
	default:
		return
	}
	t.Note(ctx, AuditEntry{What: domain.AuditEvent, Session: e.Session, Subjects: []string{e.User}, Event: string(e.Kind), Reason: e.Reason})
}

// Dropped is how many entries were left out since the start.
func (t *Trail) Dropped() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}

// Waiting is how many entries wait to be written.
func (t *Trail) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// Pulled notes which businesses a mentor's phone was sent rows of: once for a session, a
// business and a day.
func (t *Trail) Pulled(ctx context.Context, e AuditEntry, scopes []string) {
	for _, scope := range scopes {
		e.What, e.Scope = domain.AuditPulled, scope
		if _, business, ok := cutScope(scope); ok {
			e.Subjects = []string{business}
		}
		t.daily(ctx, e.Session+"\n"+scope, e)
	}
}

// Changed notes what a mentor's phone had accepted in one scope: within a second, like what it
// is sent. Nothing is refused for it: the log of the scope has the edits, each with its author.
func (t *Trail) Changed(ctx context.Context, e AuditEntry, scope string, p Pushed) {
	e.What, e.Scope, e.Pushed = domain.AuditPushed, scope, p
	if _, business, ok := cutScope(scope); ok {
		e.Subjects = []string{business}
	}
	t.Note(ctx, e)
}

// Refused notes that a phone sent edits into a scope that is not its person's: once for a
// session and a day, with the first such scope, for whoever tries may try as many as they
// like.
func (t *Trail) Refused(ctx context.Context, e AuditEntry) {
	e.What, e.Event = domain.AuditEvent, domain.EventScopeRefused
	t.daily(ctx, e.Session, e)
}

// daily notes what is noted once a day.
func (t *Trail) daily(ctx context.Context, key string, e AuditEntry) {
	day := t.Clock.Now().UTC().Format(time.DateOnly)
	t.mu.Lock()
	if t.today != day || len(t.pulled) >= mostPulled {
		t.today, t.pulled = day, map[string]struct{}{}
	}
	_, noted := t.pulled[key]
	t.pulled[key] = struct{}{}
	t.mu.Unlock()
	if !noted && !t.Note(ctx, e) {
		t.mu.Lock()
		delete(t.pulled, key)
		t.mu.Unlock()
	}
}

// flushNow writes what waits unless somebody is at it.
//
// Errors: Transient if somebody is, or those of the store.
func (t *Trail) flushNow(ctx context.Context) error {
	if !t.flushing.TryLock() {
		return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "entries are being written"}
	}
	defer t.flushing.Unlock()
	return t.flush(ctx)
}

// Flush writes everything that waits.
//
// Errors: those of the store; what was not written waits on.
func (t *Trail) Flush(ctx context.Context) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	return t.flush(ctx)
}

// flush is Flush for who holds flushing: nobody else takes from the front of what waits.
func (t *Trail) flush(ctx context.Context) error {
	for {
		t.mu.Lock()
		part := batch(t.waiting)
		t.mu.Unlock()
		if len(part) == 0 {
			return nil
		}
		if err := t.write(ctx, part); err != nil {
			return err
		}
		t.mu.Lock()
		for i := range part {
			if part[i].apart {
				t.apart -= part[i].size()
			} else {
				t.bytes -= part[i].size()
			}
		}
		if t.waiting = t.waiting[len(part):]; len(t.waiting) == 0 {
			t.waiting = nil
		}
		t.mu.Unlock()
	}
}

// batch is what goes into one commit: entries of one month, and not too many.
func batch(all []AuditEntry) []AuditEntry {
	n, bytes := 0, 0
	for n < len(all) && n < perCommit {
		if bytes += all[n].size(); n > 0 && (bytes > bytesCommit || domain.AuditScope(all[n].at.Time()) != domain.AuditScope(all[0].at.Time())) {
			break
		}
		n++
	}
	return all[:n:n]
}

// write writes entries of one month in one commit. The same entries again change nothing.
func (t *Trail) write(ctx context.Context, part []AuditEntry) error {
	writes := make([]merge.ServerWrite, 0, len(part))
	for i := range part {
		writes = append(writes, part[i].write())
	}
	_, err := t.Engine.Write(ctx, domain.AuditScope(part[0].at.Time()), writes...)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trouble != (err != nil) {
		t.trouble = err != nil
		if t.trouble {
			t.Log.LogAttrs(ctx, slog.LevelError, "the audit trail takes no entries: changes of admins are refused, and what they read", slog.Any("error", err))
		} else {
			t.Log.LogAttrs(ctx, slog.LevelWarn, "the audit trail takes entries again")
		}
	}
	return err
}

func (e *AuditEntry) write() merge.ServerWrite {
	set := map[string]merge.Value{"at": e.at.Value(), "what": merge.Str(e.What)}
	for name, text := range map[string]string{"actor": e.Actor, "session": e.Session, "role": e.Role, "route": e.Route, "scope": e.Scope, "request": e.Request,
		"event": e.Event, "reason": e.Reason, "device": e.Pushed.Device} {
		if text != "" {
			set[name] = merge.Str(text)
		}
	}
	if len(e.Subjects) > 0 {
		set["subjects"] = merge.Encode(e.Subjects)
	}
	if len(e.Fields) > 0 {
		set["fields"] = merge.Encode(e.Fields)
	}
	for name, n := range map[string]int{"status": e.Status, "edits": e.Pushed.Edits, "first_seq": int(e.Pushed.First), "last_seq": int(e.Pushed.Last)} {
		if n != 0 {
			set[name] = merge.Num(n)
		}
	}
	return merge.ServerWrite{Name: "audit." + e.id, Role: merge.System, Collection: "audit_entry", ID: e.id, Op: merge.Put, Create: true, Set: set}
}

// Run writes what waits every second until ctx ends. What is left is for Flush.
func (t *Trail) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = t.Flush(ctx) // it says so itself, once, and what was not written waits
		}
	}
}
