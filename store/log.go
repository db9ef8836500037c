// Package store says what Lumbung asks of a database, in interfaces whose
// promises stand in their comments and are checked by storetest, and in the
// shapes that are kept.
//
// A store may offer more than it is asked for. The engine relies on two things
// only: a unique insert of one document, and a guarded update of one document.
package store

import (
	"context"
	"encoding/json"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The answers that are no faults of a store are ErrTaken, ErrStale and
// ErrAbsent. Everything else is a fault of kind Transient (try again) or
// Internal (a defect).

// Head is what a scope's log has been folded to. It is one document.
type Head struct {
	Scope      string           `json:"scope"`
	Generation merge.Generation `json:"generation"`
	Forks      []merge.Fork     `json:"forks,omitempty"` // ended generations, oldest first
	Applied    merge.Seq        `json:"applied"`         // the last folded commit
	Time       merge.Millis     `json:"time"`            // of that commit
	Chain      string           `json:"chain"`           // chain hash of that commit, hexadecimal; "" at Applied 0
	Sum        uint64           `json:"sum"`             // additive hash over live records
	Pruned     merge.Seq        `json:"pruned"`          // log entries up to here may be gone
	Access     []merge.Grant    `json:"access,omitempty"`
	// Todo holds, per follower, the last seq whose commit has work for it.
	Todo    map[string]merge.Seq `json:"todo,omitempty"`
	MovedTo string               `json:"moved_to,omitempty"` // the scope that this one was merged into
	// Foreign says that the log may hold refusals of edits that were meant for other
	// scopes. It is set before the first of them is written.
	Foreign bool `json:"foreign,omitempty"`
	// Revision is raised by every change of the document, so that a store that
	// replaces whole documents can guard with it.
	Revision uint64 `json:"revision"`
}

// Record is a record as it is kept: the public fields are the bytes that go on
// the wire.
type Record struct {
	Collection string          `json:"c"`
	ID         string          `json:"i"`
	Version    merge.Seq       `json:"v"`
	Deleted    bool            `json:"d,omitempty"`
	Fields     json.RawMessage `json:"f"` // canonical JSON object
	State      json.RawMessage `json:"s"` // server-only half, merge.Record.EncodeState
	Tags       []string        `json:"t,omitempty"`
}

// Key is the record's key inside its scope.
func (r *Record) Key() merge.Key { return merge.Key{Collection: r.Collection, ID: r.ID} }

// Size is what the record counts towards the limit of a Page: the bytes of its
// key and of its fields.
func (r *Record) Size() int { return len(r.Collection) + len(r.ID) + len(r.Fields) }

// Commit is one entry of a scope's log. It carries whole states, so folding it
// twice, or by two processes at once, gives the same.
type Commit struct {
	Scope      string           `json:"-"`
	Generation merge.Generation `json:"-"`
	Seq        merge.Seq        `json:"-"`
	ID         string           `json:"-"` // made by the process that tries to insert it
	Time       merge.Millis     `json:"-"`
	Chain      string           `json:"-"` // H(previous chain, ID, H(body)), hexadecimal

	Lines   []merge.Line         `json:"lines"`
	Records []Record             `json:"records,omitempty"` // parents first
	Pages   []merge.Page         `json:"pages,omitempty"`
	Access  []merge.Grant        `json:"access,omitempty"` // the whole list after this commit
	Sum     uint64               `json:"sum,string"`
	Effects []merge.Effect       `json:"effects,omitempty"`
	MovedTo string               `json:"moved_to,omitempty"` // this commit merges the scope into another one
	Todo    map[string]merge.Seq `json:"todo,omitempty"`     // followers with work in this commit, each with Seq
	// Before is the newest earlier commit whose effects were still waiting, or
	// 0: a follower finds its work by walking back from the head's mark.
	Before merge.Seq `json:"before,omitempty"`

	body json.RawMessage // as Seal has encoded it, or ReadBody read it
}

// Seal encodes the body once and for all; nothing of it may be changed afterwards.
func (c *Commit) Seal() error {
	body, err := c.Body()
	c.body = body
	return err
}

// Body encodes what the log keeps beside the key, the id, the time and the
// chain. Fields and states keep their very bytes, so that everybody who folds
// the entry writes the same.
func (c *Commit) Body() (json.RawMessage, error) {
	if c.body != nil {
		return c.body, nil
	}
	return c.encodeBody()
}

// ReadBody is the inverse of Body, and keeps b for it: the chain is one of bytes that
// were written, by whatever version.
func (c *Commit) ReadBody(b json.RawMessage) error {
	err := json.Unmarshal(b, c)
	c.body = b
	return err
}

// Position is a place in a scope's records ordered by version, and inside one
// version as the commit lists them, parents first. It lies behind every record
// of a lower version, and behind Key inside its own version. Without a Key it
// lies behind all of Version; so the zero Position lies before everything.
//
// If the record Key has got a newer version meanwhile, nobody knows any more
// where it stood: then the Position lies at the start of Version, and some rows
// are read twice rather than one never.
type Position struct {
	Version merge.Seq
	Key     merge.Key // the last record delivered of that version; zero: all of them
}

// Want names what a resolve needs.
type Want struct {
	Keys  []merge.Key
	Tags  []string
	Pages []merge.PageKey
}

// Loaded is what was found for a Want.
type Loaded struct {
	Records []Record               // those of Keys that exist, and every record that carries one of Tags; each once, by key
	Tagged  map[string][]merge.Key // every asked tag, its records by key, deleted ones too
	Pages   []merge.Page           // those of Pages that exist
	Newest  map[merge.BookKey]int  // per asked incarnation: number of its newest page, -1 if none
}

// Page is one answer of Changed.
type Page struct {
	Records []Record // State and Tags are left empty
	More    bool     // the limit was reached, and there are more up to upTo
	// Torn says that a record of the scope carries a version above upTo: a
	// commit is being folded, or was since upTo was read, and may have lifted
	// records out of the range. The caller folds and asks again.
	Torn bool
}

// Log keeps, for every scope, an append-only log of commits and the records
// folded from it. All methods are safe for concurrent use, also by several
// processes on one database.
type Log interface {
	// Create makes the head of a new scope, as given, but for Revision.
	// ErrTaken if the scope has a head.
	Create(ctx context.Context, h Head) error

	// Head reads one head. ErrAbsent if there is none.
	Head(ctx context.Context, scope string) (Head, error)

	// Look reads one head and the numbers of the backups, each as it is after Look
	// was called. ErrAbsent if there is no head.
	Look(ctx context.Context, scope string) (Head, Epochs, error)

	// Expect sets Foreign, durably. ErrAbsent if there is no head; where it is set
	// already, that is no error.
	Expect(ctx context.Context, scope string) error

	// HeadsFor reads, in one statement, the heads of every scope whose access
	// list names user, now or ever, and of every scope named. Scopes without a
	// head are left out. Ordered by scope.
	HeadsFor(ctx context.Context, user string, scopes []string) ([]Head, error)

	// CatchUp makes every read of this process that begins after it show at least
	// what anybody, in whatever process, was told of the scope before it was called.
	// Where one copy answers all there is nothing to do. It may cost a write.
	CatchUp(ctx context.Context, scope string) error

	// Load reads what a resolve needs. It may be newer than any head read
	// before; it is never older. It does not fold.
	Load(ctx context.Context, scope string, want Want) (Loaded, error)

	// Insert puts c at (scope, generation, seq), atomically and durably before
	// it returns. ErrTaken if the place is taken, by whatever commit: the caller
	// reads the entry to see whether it is its own.
	Insert(ctx context.Context, c *Commit) error

	// Withdraw removes the entry again if it is c's own (same ID); if it is not,
	// or not there, that is no error. Used only for an entry at or below Pruned,
	// or of an ended generation, which nobody will fold.
	Withdraw(ctx context.Context, c *Commit) error

	// Entry reads one log entry of the generation with that count. ErrAbsent if it
	// is not there.
	Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*Commit, error)

	// Chain reads the chain hash of a log entry, without the rest of it. ErrAbsent as
	// Entry.
	Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (string, error)

	// Fold carries c into records and book pages, each guarded by "(generation
	// count, version) is lower", where already newer counts as done, and only
	// then moves the head from seq-1 to seq, guarded by generation count and
	// Applied: it sets Applied, Time, Chain, Sum, Access, MovedTo if c has one, Foreign
	// if c has such a page, raises Todo, and leaves everything else alone. If the head has moved on already, to a later
	// commit or a later generation, that is no error and writes nothing. It gives
	// the head afterwards. Each step is durable before the next begins, or all
	// are one transaction.
	//
	// from is a head of the scope that the caller has read, however old, or the zero
	// Head: it may spare the store to read it again. Nothing may be told of a commit
	// that was folded with a head from before it lay in the log: then nobody has
	// looked whether the store is retired.
	//
	// ErrAbsent if the scope has no head; ErrStale, and nothing is written, if an
	// earlier commit must be folded first or c's generation is not begun.
	Fold(ctx context.Context, c *Commit, from Head) (Head, error)

	// Changed reads the records behind after with version ≤ upTo, in the order
	// of Position: inside one version as the commit lists them, operations behind
	// what they act on. The page ends with the record that brings its Size to
	// limit bytes (at least one record). Deleted records at or below skipDead are
	// left out.
	Changed(ctx context.Context, scope string, after Position, upTo, skipDead merge.Seq, limit int) (Page, error)

	// Unfolded finds up to limit scopes whose log has an entry above Applied in
	// the current generation, in order.
	Unfolded(ctx context.Context, limit int) ([]string, error)

	// Waiting finds up to limit heads with a Todo mark of follower, by scope.
	Waiting(ctx context.Context, follower string, limit int) ([]Head, error)

	// Done clears the mark of follower if it still is seq. A newer mark stays;
	// that is no error.
	Done(ctx context.Context, scope, follower string, seq merge.Seq) error

	// Prune raises Pruned towards upTo, durably, and then deletes log entries of
	// the current and of ended generations up to there, older generations and
	// lower places first, so that what a crash leaves is the end of the time
	// line without a gap. It never deletes the newest entry nor
	// one that is not folded, and nothing at all while a follower has a mark: its
	// work may lie anywhere below. Pruned is never lowered. Repeated after a
	// crash it deletes what was left over. The caller checks age.
	Prune(ctx context.Context, scope string, upTo merge.Seq) error

	// Erase lets go of what deleted records and book pages hold, durably. Of a
	// deleted record with from < version ≤ upTo stay key, version, place and
	// Deleted; its fields are empty, its state is merge.GoneState, its tags go. Of
	// a page with version ≤ upTo that is not the newest of its book stay key and
	// version; its entries go. Because the versions stay, nobody who stalled can
	// write back what is gone. Nothing is erased that has a newer version
	// meanwhile. It may be repeated.
	Erase(ctx context.Context, scope string, from, upTo merge.Seq) error

	// Scopes lists every scope after the one given, in order, up to limit.
	Scopes(ctx context.Context, after string, limit int) ([]string, error)

	// Raise starts a new generation of a scope whose log is folded to its end:
	// guarded by the old generation count and Applied, which are those of fork,
	// it sets Generation to next and appends fork to Forks. ErrStale if the guard
	// does not hold or next has no higher count.
	Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error
}

// Appender is offered by stores that can do Insert and Fold as one durable
// transaction, and several scopes' commits in one disk flush.
type Appender interface {
	// Append inserts and folds c, all or nothing. Errors as Insert and Fold;
	// ErrStale if the head is not at c.Seq-1 in c's generation, or if c.Seq is
	// not above Pruned; so a repetition of one's own Append is stale.
	Append(ctx context.Context, c *Commit) (Head, error)
}

// Watcher is offered by stores that several processes share.
type Watcher interface {
	// Watch tells of heads that change, by whatever process, until ctx ends; it
	// gives nil then. What breaks meanwhile it mends by itself. It may tell late,
	// of the same head often, and of an older one after a newer.
	Watch(ctx context.Context, see func(Head)) error
}

// Claims gives names that are unique across scopes to the one who asks first.
type Claims interface {
	// Claim takes (space, key) for holder, durably, if nobody holds it, and
	// gives the holder afterwards.
	Claim(ctx context.Context, space, key, holder string) (string, error)
	// Holder gives the holder of (space, key), or "" if nobody holds it.
	Holder(ctx context.Context, space, key string) (string, error)
	// Release gives (space, key) up if holder holds it.
	Release(ctx context.Context, space, key, holder string) error
}

// Epochs are the number of the last backup that began and of the last that is
// complete. Both are 0 at first.
type Epochs struct{ Began, Done uint64 }

// Backups numbers the backups of a store. An acknowledged commit belongs to the
// epoch read after it was durable; it is surely contained in every backup whose
// number is higher.
type Backups interface {
	Epochs(ctx context.Context) (Epochs, error)
	// Begin raises began, durably, and gives it.
	Begin(ctx context.Context) (uint64, error)
	// Complete raises done to epoch if it is lower.
	Complete(ctx context.Context, epoch uint64) error
}

// Store is everything the engine needs.
type Store interface {
	Log
	Claims
	Backups
	// Ping reports whether the store can answer.
	Ping(ctx context.Context) error
}
