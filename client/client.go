// Package client is Lumbung for apps in other languages: the phone of package
// replica behind a face that a binding generator can carry over whole. It
// speaks in texts, numbers and booleans; records and lists travel as JSON.
//
// One Phone belongs to one installation and one file. What Save or Change has
// returned for is on disk, whatever happens next; Sync talks to the server when
// there is one. Calls read and write the file, and those named in their comments
// the network, so they belong on a background thread. A Phone may be used by
// several threads at once.
//
// Every error begins with a stable code: CodeOf gives it, Sentence puts it into
// words. docs/android.md walks through all of it.
package client

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Clock reads the clocks of the phone. The app implements it; none of the
// readings needs to be right.
type Clock interface {
	// WallMillis is the wall clock, in ms since 1970.
	WallMillis() int64
	// ElapsedMillis is the time since boot, in ms, with sleep: elapsedRealtime on
	// Android.
	ElapsedMillis() int64
	// Boot is a name that changes with each boot.
	Boot() string
}

// Options say what Open needs to know. Server, AppVersion and InstallID must be
// given.
type Options struct {
	Server     string // such as "https://lumbung.example"
	AppVersion string // such as "1.4.2"
	InstallID  string // a UUID that the app makes at its first start and keeps
	Language   string // "id" or "en"; empty is "id"
	Platform   string // such as "android"
	Model      string
	OSVersion  string
	// PageBytes is the wanted size of one answer, for thin networks; 0 leaves it
	// to the server.
	PageBytes int
	// TimeoutSeconds bounds one request; 0 means 60.
	TimeoutSeconds int
}

// NewOptions makes options to be filled.
func NewOptions() *Options { return &Options{} }

// Phone is one installation.
type Phone struct {
	opened *parts // nil in one that nobody opened

	mu     sync.Mutex
	closed bool
	calls  map[*context.CancelFunc]bool // that talk to the network now
	wake   chan struct{}                // wakes those that Watch
	watch  sync.WaitGroup               // of them
}

// parts is what Open puts together.
type parts struct {
	inner  *replica.Client
	server *replica.HTTP
	device replica.Device
	lang   message.Lang
	clock  Clock
	ids    id.Maker
}

// Open opens the database at path, which is made if it is not there; its folder
// must exist. Close it when the app ends, or let the app be killed: nothing is
// lost by that.
//
// Errors: "invalid_value" for options without server, version or installation;
// "internal" for a file that cannot be opened.
func Open(path string, o *Options, clock Clock) (*Phone, error) {
	if o == nil || clock == nil || !strings.HasPrefix(o.Server, "http") || o.AppVersion == "" || o.InstallID == "" {
		return nil, fail(message.ID, "invalid_value")
	}
	in := &parts{lang: message.ID, clock: clock, device: replica.Device{Install: o.InstallID, Platform: o.Platform, Model: o.Model,
		OSVersion: o.OSVersion, AppVersion: o.AppVersion}}
	if o.Language == string(message.EN) {
		in.lang = message.EN
	}
	p := &Phone{opened: in}
	local, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, p.fault(err)
	}
	if err := in.put(local, o); err != nil {
		return nil, p.fault(errors.Join(err, local.Close()))
	}
	return p, nil
}

// put puts a replica on a database together.
func (in *parts) put(local replica.Local, o *Options) error {
	schema, err := domain.Catalogue()
	if err != nil {
		return err
	}
	in.ids = id.Maker{Clock: wall{in.clock}, Rand: rand.Reader}
	in.inner = &replica.Client{Local: local, Schema: schema, Clock: readings{in.clock}, IDs: in.ids, App: o.AppVersion, PageBytes: o.PageBytes}
	timeout := time.Duration(o.TimeoutSeconds) * time.Second
	if timeout <= 0 {
		timeout = time.Minute
	}
	in.server = &replica.HTTP{Base: strings.TrimRight(o.Server, "/"), Client: &http.Client{Timeout: timeout}, Language: string(in.lang), Phone: in.inner}
	in.inner.Server = in.server
	return in.inner.Open()
}

// Close stops what talks to the network, waits for those that Watch, and closes
// the file. It is safe to call twice.
func (p *Phone) Close() error {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	if closed {
		return nil
	}
	p.Cancel()
	p.watch.Wait()
	return p.fault(p.in().inner.Local.Close())
}

// Cancel stops what talks to the network now, such as a Sync; it ends with the
// code "network". What it had done stands.
func (p *Phone) Cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for stop := range p.calls {
		(*stop)()
	}
}

// call does something that talks to the network, until Cancel or Close.
func (p *Phone) call(do func(ctx context.Context) error) error {
	if p.opened == nil {
		return p.fault(errNotOpen())
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	p.mu.Lock()
	if p.closed {
		stop()
	}
	if p.calls == nil {
		p.calls = map[*context.CancelFunc]bool{}
	}
	p.calls[&stop] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.calls, &stop)
		p.mu.Unlock()
	}()
	err := do(ctx)
	if err != nil && ctx.Err() != nil {
		return fail(p.in().lang, "network")
	}
	return p.fault(err)
}

// wall is the wall clock of the phone, for the ids of new records.
type wall struct{ Clock }

// Now implements clock.Clock.
func (w wall) Now() time.Time { return time.UnixMilli(w.WallMillis()) }

// readings are the clocks of the phone as the replica reads them.
type readings struct{ Clock }

// Read implements replica.Clock.
func (r readings) Read() (wall, mono int64, boot string) {
	return r.WallMillis(), r.ElapsedMillis(), r.Boot()
}

// NewID makes the id of a new record, a UUID of version 7. Save makes one by
// itself; an app needs one that wants to name a record before it is kept, such
// as a photo inside the task event that is kept with it.
func (p *Phone) NewID() string { return p.in().ids.New() }

// own is the scope of the user.
func (p *Phone) own() string { return merge.UserScope(p.in().inner.Me().User) }
