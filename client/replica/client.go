// Package replica is the phone: an offline-first client with its own database,
// an outbox, and the state that its user sees before any server has heard of
// it. It is the reference for app developers, and the one that the simulator,
// the demo and the load generator drive.
//
// A Client belongs to one installation. Everything it is told is on disk before
// the call returns; nothing it is told needs a network. Sync talks to the
// server when there is one.
package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Clock is what the phone's clocks show. None of them is trusted by anybody.
type Clock interface {
	// Read gives the wall clock in ms since 1970, the monotonic time since boot
	// in ms, and a name that changes with each boot.
	Read() (wall, mono int64, boot string)
}

// Client is the phone's half of the protocol. Set the fields, then call Open.
// It is safe for concurrent use.
type Client struct {
	Local  Local
	Server Server // may be nil as long as nobody calls Sync
	Schema *merge.Schema
	Clock  Clock
	IDs    id.Maker
	App    string // version of the app, such as "1.4.2"
	// PageBytes is the wanted size of one answer; 0 leaves it to the server.
	PageBytes int

	mu     sync.Mutex                   // one request in flight
	asked  uint64                       // requests sent so far; an answer to an older one is late
	taken  uint64                       // the newest request whose answer was applied; a second answer is late
	sent   map[uint64]map[string]string // generation that each recent request named, by scope
	batch  int                          // most mutations in the next push
	poll   time.Duration                // when the last answer wants to be asked again; 0: it did not say
	me     Identity
	opened bool
	meta   atomic.Pointer[readMeta] // as read last
	out    atomic.Pointer[drawn]    // pending entries, as they were on disk last
	split  int                      // scopes whose hash did not match, so far
}

// Mismatches counts how often the rows of a scope did not have the hash that
// the server said. Each time the phone asks for the scope anew; a number above
// zero is worth a report to whoever runs the server.
func (c *Client) Mismatches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.split
}

// Identity is who uses this installation now.
type Identity struct {
	User        string `json:"user"`
	Device      string `json:"device"`
	Incarnation string `json:"incarnation"` // for new edits
}

// Buckets of the local database.
const (
	metaBucket   = "meta"
	rowBucket    = "row"    // scope|collection|id → storedRow
	childBucket  = "child"  // scope|collection|parent|id → nothing: operations of a record
	shadowBucket = "shadow" // rows of a scope that is being reset
	scopeBucket  = "scope"  // scope → scopeState
	outBucket    = "outbox" // position → entry that is drawn over a base row
	keptBucket   = "kept"   // position → entry that is answered for good
	lostBucket   = "lost"   // position → entry that was refused for what a restore took
	countBucket  = "count"  // incarnation|scope → last n
)

// revisionKey is where the bucket meta says how often the outbox changed.
const revisionKey = "outbox"

// storedRow is a base row: what the server said, without own edits.
type storedRow struct {
	Version merge.Seq              `json:"v"`
	Deleted bool                   `json:"d,omitempty"`
	Fields  map[string]merge.Value `json:"f"`
}

// scopeState is what the phone knows of a scope it holds.
type scopeState struct {
	Generation string    `json:"g"`
	Cut        merge.Seq `json:"c"` // every row up to here is on the phone; 0: never complete
	Sum        uint64    `json:"s,string"`
	Resetting  bool      `json:"r,omitempty"` // rows arrive in the shadow
	ShadowSum  uint64    `json:"ss,omitempty,string"`
	AskReset   bool      `json:"a,omitempty"` // the hash did not match
	Ended      string    `json:"e,omitempty"` // generation of the rows on the screen, if those of the present one are still arriving
	Partial    bool      `json:"p,omitempty"` // the rows stop inside a cut: an operation may be here before its record's new state
}

// meta is what the phone remembers beside rows and outbox.
type meta struct {
	Me      Identity     `json:"me"`
	Cursor  string       `json:"cursor"`
	Now     merge.Millis `json:"now"` // server time of the last answer
	Backup  uint64       `json:"backup"`
	Swept   merge.Millis `json:"swept,omitempty"` // server time of the last look for old entries
	Out     uint64       `json:"out"`             // last position used in the outbox
	Session *Session     `json:"session,omitempty"`
}

// separator stands between the names of a key, and in none of them.
const separator = "|"

func key(parts ...string) string { return strings.Join(parts, separator) }

// Open reads the identity of an installation that was used before. A new one
// has none: Become sets it after a login.
func (c *Client) Open() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batch, c.opened = maxBatch, true
	return c.Local.View(func(r Reader) error {
		c.me = c.readMeta(r).Me
		return nil
	})
}

// Me is who uses this installation now; zero before the first login.
func (c *Client) Me() Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me
}

// Become makes who the user of this installation, with a fresh incarnation.
// Rows of another user are removed; what another user has not sent yet stays in
// the outbox and is sent when that user comes back.
func (c *Client) Become(who Identity) error { return c.become(who, nil) }

// become does so together with the session that proves it: a session of one
// user beside the name of another would send one's edits as the other's.
func (c *Client) become(who Identity, s *Session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.Local.Update(func(w Writer) error {
		m := c.readMeta(w)
		if m.Me.User != who.User {
			forgetRows(w)
			m.Cursor, m.Now, m.Session = "", 0, nil
		}
		if s != nil {
			m.Session = s
		}
		m.Me = who
		writeMeta(w, m)
		return nil
	})
	if err == nil {
		c.me = who
		c.asked++ // whatever is still on its way was asked by somebody else
	}
	return err
}

// Forget removes every row, as the server asks of a phone whose session it
// revoked. The outbox stays: the same user may send it after a new login.
func (c *Client) Forget() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.Local.Update(func(w Writer) error {
		forgetRows(w)
		m := c.readMeta(w)
		m.Cursor = ""
		writeMeta(w, m)
		return nil
	})
}

func forgetRows(w Writer) {
	for _, b := range []string{rowBucket, childBucket, shadowBucket, scopeBucket} {
		clearBucket(w, b, "")
	}
}

func clearBucket(w Writer, bucket, prefix string) {
	var keys []string
	w.Scan(bucket, prefix, func(k string, _ []byte) bool {
		keys = append(keys, k)
		return true
	})
	for _, k := range keys {
		w.Delete(bucket, k)
	}
}

// must panics on what the phone itself has written and cannot read back: its
// database is broken, and going on would lose work.
func must(err error) {
	if err != nil {
		panic("client: broken local database: " + err.Error())
	}
}

func readJSON[T any](r Reader, bucket, k string) (v T, ok bool) {
	b := r.Get(bucket, k)
	if b == nil {
		return v, false
	}
	must(jsonv2.Unmarshal(b, &v))
	return v, true
}

func writeJSON(w Writer, bucket, k string, v any) {
	b, err := json.Marshal(v)
	must(err)
	w.Put(bucket, k, b)
}

// readMeta reads what the phone remembers. It is asked for with every record on
// the screen and seldom changes.
func (c *Client) readMeta(r Reader) meta {
	b := r.Get(metaBucket, "")
	if last := c.meta.Load(); last != nil && bytes.Equal(last.raw, b) {
		return last.meta
	}
	m, _ := readJSON[meta](r, metaBucket, "")
	c.meta.Store(&readMeta{bytes.Clone(b), m})
	return m
}

// readMeta is a meta with the bytes that it was read from. Nobody writes into it.
type readMeta struct {
	raw []byte
	meta
}

func writeMeta(w Writer, m meta) { writeJSON(w, metaBucket, "", m) }

// errNobody says that nobody has logged in on this installation yet.
var errNobody = &fault.Error{Kind: fault.Unauthorized, Code: "login_required", Text: "no user on this installation"}

// Server carries requests to the server.
type Server interface {
	// Sync sends one request. A fault.Transient error means that the network or
	// the server is away; Unauthorized and Forbidden ones carry a code that
	// says what to do; TooLarge and Unreadable ones mean that the batch must be
	// made smaller. The outbox stays whatever the error.
	Sync(ctx context.Context, request protocol.Request) (*protocol.Response, error)
}

// verdict is the answer to one mutation.
type verdict = protocol.Verdict

// wrap says what the phone was doing.
func wrap(doing string, err error) error {
	if err == nil || errors.Is(err, errNobody) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
