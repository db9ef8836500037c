package replica

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// entry is one mutation of this installation, from the tap of a finger until a
// backup of the server surely holds it.
type entry struct {
	Pos         uint64          `json:"p"` // place in the outbox
	User        string          `json:"u"` // whose edit it is
	Scope       string          `json:"s"`
	Device      string          `json:"d"`
	Incarnation string          `json:"i"`
	Mutation    merge.Mutation  `json:"x"`
	Raw         json.RawMessage `json:"m"` // the mutation, as it goes on the wire
	Hash        merge.Hash      `json:"h"`
	Parent      string          `json:"pa,omitempty"` // of an operation: the record it acts on

	State   state         `json:"st"`
	Verdict merge.Outcome `json:"v,omitempty"`
	Code    string        `json:"c,omitempty"`
	Field   string        `json:"f,omitempty"`
	Lost    []string      `json:"l,omitempty"`
	Seq     merge.Seq     `json:"q,omitempty"` // of the verdict
	Epoch   uint64        `json:"e,omitempty"` // every backup above it holds the edit
	Under   string        `json:"g,omitempty"` // generation that the verdict belongs to
	Settled bool          `json:"se,omitempty"`
	At      merge.Millis  `json:"a,omitempty"` // server time of the verdict

	Forked     bool   `json:"fo,omitempty"` // a restore came between edit and verdict: what it needs may not be back yet
	Quarantine string `json:"qr,omitempty"` // of a refused one: its record in the author's own scope
}

// state is how far an entry has come.
type state string

const (
	unsent   state = "unsent"   // no verdict yet, sent or not
	accepted state = "accepted" // kept until a backup holds it
	refused  state = "refused"  // kept for its author to look at
	stuck    state = "stuck"    // the server cannot read it at all: kept here only
	lost     state = "lost"     // refused for what a restore took; made anew when that is back
	anew     state = "anew"     // made anew; kept until its quarantine record can be marked
)

// pending reports whether the entry is drawn over the base row.
func (e *entry) pending() bool { return e.State == unsent || (e.State == accepted && !e.Settled) }

// refused reports whether its author should look at the entry.
func (e *entry) refused() bool { return e.State == refused || e.State == stuck || e.State == lost }

func (e *entry) record() merge.Key {
	return merge.Key{Collection: e.Mutation.Collection, ID: e.Mutation.ID}
}

func position(pos uint64) string { return fmt.Sprintf("%016x", pos) }

func readEntry(b []byte) *entry {
	e := &entry{}
	must(jsonv2.Unmarshal(b, e))
	return e
}

// write stores the entry where it belongs: a phone keeps answered edits for
// weeks, and must not read them at every tap.
func (e *entry) write(w Writer) {
	e.Raw = e.Mutation.WireMutation()
	e.remove(w)
	writeJSON(w, e.bucket(), position(e.Pos), e)
}

// revision counts the changes of the outbox. It is written in the transaction of
// the change, so that no two outboxes that were ever on disk have the same.
func revision(r Reader) uint64 {
	if b := r.Get(metaBucket, revisionKey); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// drawn is the pending entries of every user, in order, at a revision. Nobody
// writes into them.
type drawn struct {
	revision uint64
	pending  []*entry
}

// draws gives the pending entries. They are read once per revision: a phone that
// was away for weeks has thousands, and must not read them at every tap.
func (c *Client) draws(r Reader) *drawn {
	now := revision(r)
	if last := c.out.Load(); last != nil && last.revision == now {
		return last
	}
	return &drawn{now, entries(r, func(*entry) bool { return true })}
}

// onDisk is draws where nothing has been written, so that it can be remembered.
func (c *Client) onDisk(r Reader) *drawn {
	last := c.out.Load()
	d := c.draws(r)
	if d != last {
		c.out.CompareAndSwap(last, d)
	}
	return d
}

// of gives the entries that keep wants.
func (d *drawn) of(keep func(*entry) bool) []*entry {
	var out []*entry
	for _, e := range d.pending {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

func (e *entry) bucket() string {
	switch {
	case e.pending():
		return outBucket
	case e.State == lost || e.State == anew:
		return lostBucket
	}
	return keptBucket
}

func (e *entry) remove(w Writer) {
	for _, b := range []string{outBucket, keptBucket, lostBucket} {
		w.Delete(b, position(e.Pos))
	}
	w.Put(metaBucket, revisionKey, binary.BigEndian.AppendUint64(nil, revision(w)+1))
}

// entries reads the pending entries in order, every one that keep wants.
func entries(r Reader, keep func(*entry) bool) []*entry { return scanEntries(r, outBucket, keep) }

// everyEntry reads answered entries too.
func everyEntry(r Reader, keep func(*entry) bool) []*entry {
	out := slices.Concat(scanEntries(r, keptBucket, keep), scanEntries(r, lostBucket, keep), scanEntries(r, outBucket, keep))
	slices.SortFunc(out, func(a, b *entry) int { return cmp.Compare(a.Pos, b.Pos) })
	return out
}

func scanEntries(r Reader, bucket string, keep func(*entry) bool) []*entry {
	var out []*entry
	r.Scan(bucket, "", func(_ string, b []byte) bool {
		if e := readEntry(b); keep(e) {
			out = append(out, e)
		}
		return true
	})
	return out
}

// Unsent is one edit that has no verdict yet.
type Unsent struct {
	Scope      string
	Collection string
	ID         string
	Op         merge.Op
	Made       merge.Millis // wall clock at the edit
}

// Unsent lists what the server has not answered yet, oldest first.
func (c *Client) Unsent() ([]Unsent, error) {
	var out []Unsent
	err := c.Local.View(func(r Reader) error {
		me := c.readMeta(r).Me.User
		for _, e := range c.onDisk(r).of(func(e *entry) bool { return e.State == unsent && e.User == me }) {
			out = append(out, Unsent{e.Scope, e.Mutation.Collection, e.Mutation.ID, e.Mutation.Op, e.Mutation.At.Wall})
		}
		return nil
	})
	return out, err
}

// Waiting names the records of a scope of which the server lacks something: an
// edit of the record, or an operation on it.
func (c *Client) Waiting(scope string) (map[merge.Key]bool, error) {
	all, err := c.Statuses(scope)
	out := map[merge.Key]bool{}
	for k, s := range all {
		if s == Pending {
			out[k] = true
		}
	}
	return out, err
}

// Refused is one edit that the server did not take. Its content is on the
// phone, and on the server in its author's quarantine.
type Refused struct {
	Scope      string
	Collection string
	ID         string
	Code       string // key of the message catalogue
	Field      string
	Mutation   json.RawMessage
	Waits      bool // for a record that a restore took: the phone makes the edit anew when that is back
}

// Refused lists the edits that were not taken, oldest first.
func (c *Client) Refused() ([]Refused, error) {
	var out []Refused
	err := c.Local.View(func(r Reader) error {
		me := c.readMeta(r).Me.User
		for _, e := range everyEntry(r, func(e *entry) bool { return e.refused() && e.User == me }) {
			out = append(out, Refused{e.Scope, e.Mutation.Collection, e.Mutation.ID, e.Code, e.Field, slices.Clone(e.Raw), e.State == lost})
		}
		return nil
	})
	return out, err
}

// Kept is one entry of the outbox, for whoever has to look inside a phone.
type Kept struct {
	User, Scope, Device, Incarnation string
	Mutation                         merge.Mutation
	Hash                             merge.Hash
	Answered                         bool
	Verdict                          merge.Outcome
	Code                             string
	Seq                              merge.Seq
	Under                            string // generation that the verdict belongs to
	Forked                           bool   // a restore came between edit and verdict
}

// Outbox lists everything that the outbox holds, oldest first: what is not sent,
// what is kept until a backup of the server has it, and what was refused.
func (c *Client) Outbox() ([]Kept, error) {
	var out []Kept
	err := c.Local.View(func(r Reader) error {
		for _, e := range everyEntry(r, func(*entry) bool { return true }) {
			out = append(out, kept(e))
		}
		return nil
	})
	return out, err
}

// Last is the newest entry of the outbox that has no verdict yet; ok is false if
// there is none.
func (c *Client) Last() (last Kept, ok bool, err error) {
	err = c.Local.View(func(r Reader) error {
		if b := r.Get(outBucket, position(c.readMeta(r).Out)); b != nil {
			last, ok = kept(readEntry(b)), true
		}
		return nil
	})
	return last, ok, err
}

func kept(e *entry) Kept {
	return Kept{e.User, e.Scope, e.Device, e.Incarnation, e.Mutation, e.Hash, e.State != unsent, e.Verdict, e.Code, e.Seq, e.Under, e.Forked}
}

// Status is what a screen says about one record.
type Status string

// The states of a record on the phone.
const (
	Sent      Status = "sent"      // nothing of mine is on its way
	Pending   Status = "pending"   // an edit of mine waits for the server
	Attention Status = "attention" // an edit of mine was refused, or lost fields
)

// Status says how safe a record is: the worst of what is said of it and of
// operations on it. An edit on its way comes before one that needs a look.
func (c *Client) Status(scope, collection, recordID string) (Status, error) {
	all, err := c.Statuses(scope)
	if s, ok := all[merge.Key{Collection: collection, ID: recordID}]; ok {
		return s, err
	}
	return Sent, err
}

// Statuses says so of every record of a scope that is not just Sent.
func (c *Client) Statuses(scope string) (map[merge.Key]Status, error) {
	out := map[merge.Key]Status{}
	err := c.Local.View(func(r Reader) error {
		me := c.readMeta(r).Me.User
		for _, e := range everyEntry(r, func(e *entry) bool { return e.Scope == scope && e.User == me }) {
			about := []merge.Key{e.record()}
			if col, ok := c.Schema.Collection(e.Mutation.Collection); ok && e.Parent != "" {
				about = append(about, merge.Key{Collection: col.Parent, ID: e.Parent})
			}
			for _, k := range about {
				switch {
				case e.State == unsent:
					out[k] = Pending
				case (e.refused() || len(e.Lost) > 0) && out[k] == "":
					out[k] = Attention
				}
			}
		}
		return nil
	})
	return out, err
}
