package replica

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// longestPoll is the longest that a server may have a phone wait, in seconds.
const longestPoll = 24 * 60 * 60

// Take applies an answer, in one transaction of the local database: verdicts,
// rows, purges, resets and the cursor together or not at all. An answer to any
// but the newest request is late, and so is a second answer to that one: only
// their final verdicts count.
//
// Errors: Transient "answer_unreadable" of an answer that no server makes; errors
// of the local database. Either way the phone is as it was.
func (c *Client) Take(ticket uint64, resp *protocol.Response) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	changes, err := c.read(resp)
	if err != nil {
		return wrap("apply answer", err)
	}
	fresh, split := "", 0
	err = c.Local.Update(func(w Writer) error {
		t := &taking{c: c, w: w, resp: resp, changes: changes, m: c.readMeta(w), late: ticket != c.asked || ticket == c.taken, touched: map[string]bool{}, under: c.sent[ticket]}
		t.verdicts()
		if !t.late {
			t.rows()
		}
		t.settle()
		t.anew()
		writeMeta(w, t.m)
		fresh, split = t.m.Me.Incarnation, t.split
		return nil
	})
	if err != nil {
		return wrap("apply answer", err)
	}
	c.me.Incarnation, c.taken, c.split = fresh, max(c.taken, ticket), c.split+split
	c.poll = time.Duration(min(max(resp.PollIn, 0), longestPoll)) * time.Second
	return nil
}

// taking is one answer on its way into the database.
type taking struct {
	c       *Client
	w       Writer
	resp    *protocol.Response
	changes []storedRow // the rows of resp, read
	m       meta
	split   int // scopes whose hash did not match
	late    bool
	touched map[string]bool   // scopes whose entries may settle now
	under   map[string]string // generation that the request named, by scope
}

// verdicts moves entries on.
func (t *taking) verdicts() {
	if len(t.resp.Verdicts) == 0 {
		return
	}
	byName := map[string]*entry{}
	for _, e := range entries(t.w, func(e *entry) bool { return e.State == unsent }) {
		byName[key(e.Scope, e.Incarnation, position(e.Mutation.N))] = e
	}
	rekey := false
	for _, v := range t.resp.Verdicts {
		e := byName[key(v.Scope, v.Incarnation, position(v.N))]
		if e == nil || v.Device != e.Device || v.N == 0 {
			continue
		}
		switch {
		case v.Verdict == merge.Rekey && !t.late:
			rekey = true
		case v.Verdict == merge.Rejected:
			e.State, e.Verdict, e.Code, e.Field, e.Quarantine = refused, v.Verdict, v.Code, v.Field, v.Quarantine
			if e.Forked && slices.Contains(forWant(), v.Code) {
				e.State = lost
			}
			t.stamp(e)
			e.write(t.w)
		case v.Verdict.Final() && t.current(e):
			e.Under = t.under[e.Scope]
			e.State, e.Verdict, e.Seq, e.Lost = accepted, v.Verdict, v.Seq, v.Lost
			t.stamp(e)
			e.write(t.w)
			t.touched[e.Scope] = true
		}
	}
	if rekey {
		t.rekey()
	}
}

// current reports whether a verdict belongs to the time line that the phone
// knows. An acceptance on a time line that is gone says nothing.
func (t *taking) current(e *entry) bool {
	now := t.scope(e.Scope).Generation
	return now == "" || now == t.under[e.Scope]
}

// stamp notes from which backup on the verdict is safe.
func (t *taking) stamp(e *entry) {
	if b := t.resp.Backup; b != nil {
		e.Epoch = b.Epoch
	}
	if now, err := merge.ParseInstant(t.resp.Now); err == nil {
		e.At = now
	}
}

// rows applies everything but the verdicts.
func (t *taking) rows() {
	resp := t.resp
	if now, err := merge.ParseInstant(resp.Now); err == nil {
		t.m.Now = max(t.m.Now, now)
	}
	if resp.Fresh {
		t.fresh()
	}
	for _, scope := range resp.Reset {
		t.reset(scope)
	}
	for _, scope := range resp.Purge {
		t.purge(scope)
	}
	for scope, s := range resp.Scopes {
		t.enter(scope, s.Generation)
	}
	for i := range resp.Changes {
		t.row(&resp.Changes[i], t.changes[i])
	}
	for scope, s := range resp.Scopes {
		if s.Hash != "" {
			t.complete(scope, s)
			continue
		}
		cut := t.scope(scope)
		cut.Partial = true
		writeJSON(t.w, scopeBucket, scope, cut)
	}
	if resp.Cursor != "" {
		t.m.Cursor = resp.Cursor
	}
	if b := resp.Backup; b != nil && b.Done != t.m.Backup {
		t.m.Backup = b.Done
		t.dropSaved()
	}
	if t.m.Now-t.m.Swept >= sweepEvery {
		t.m.Swept = t.m.Now
		t.dropOld()
	}
}

// fresh begins anew after the server could not read the cursor: what it does not
// grant goes, the rest arrives beside what is on the screen.
func (t *taking) fresh() {
	var held []string
	t.w.Scan(scopeBucket, "", func(scope string, _ []byte) bool {
		held = append(held, scope)
		return true
	})
	for _, scope := range held {
		if slices.Contains(t.resp.Granted, scope) {
			t.reset(scope)
		} else {
			t.purge(scope)
		}
	}
}

func (t *taking) scope(name string) scopeState {
	s, _ := readJSON[scopeState](t.w, scopeBucket, name)
	return s
}

// reset prepares for a scope to arrive anew, beside what is on the screen. The
// outbox is not touched.
func (t *taking) reset(scope string) {
	s := t.scope(scope)
	clearBucket(t.w, shadowBucket, scope+separator)
	s.AskReset, s.Resetting, s.ShadowSum = false, s.Generation != "", 0
	writeJSON(t.w, scopeBucket, scope, s)
}

// purge removes a scope. Edits that were not answered stay until they are, and
// accepted ones until a backup holds them, but nothing shows those any more: if
// the right was newer than a backup that the server came back from, it comes
// again with another generation, and they are sent again.
func (t *taking) purge(scope string) {
	for _, b := range []string{rowBucket, childBucket, shadowBucket} {
		clearBucket(t.w, b, scope+separator)
	}
	t.w.Delete(scopeBucket, scope)
	for _, e := range entries(t.w, func(e *entry) bool { return e.Scope == scope && e.State == accepted }) {
		e.Settled = true
		e.write(t.w)
	}
}

// enter notes the generation of a scope. A new one makes every kept edit of the
// scope unsent again, in the old order, each naming all own kept ones of its
// record before it: what the backup contains is repeated, the rest is applied.
func (t *taking) enter(scope, generation string) {
	s := t.scope(scope)
	if s.Generation == generation {
		return
	}
	known := s.Generation != ""
	if s.Resetting && s.Ended == "" {
		s.Ended = s.Generation
	}
	s.Generation, s.Cut = generation, 0
	writeJSON(t.w, scopeBucket, scope, s)
	kept := everyEntry(t.w, func(e *entry) bool {
		return e.Scope == scope && e.User == t.m.Me.User && (e.State == unsent || e.State == accepted)
	})
	if !known && !slices.ContainsFunc(kept, func(e *entry) bool { return e.State == accepted && e.Under != generation }) {
		return // nothing was accepted on another time line
	}
	before := map[merge.Key][]*entry{}
	for _, e := range kept {
		if e.State == accepted && e.Under == generation {
			before[e.record()] = append(before[e.record()], e)
			continue
		}
		e.State, e.Verdict, e.Seq, e.Epoch, e.Under, e.Lost, e.Settled, e.Forked = unsent, "", 0, 0, "", nil, false, true
		e.Mutation.After = union(e.Mutation.After, after(before[e.record()]))
		e.write(t.w)
		before[e.record()] = append(before[e.record()], e)
	}
}

// union lists the refs of both, each once.
func union(a, b []merge.Ref) []merge.Ref {
	out := slices.Clone(a)
	for _, r := range b {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// row puts one changed row into the base, or into the shadow of a reset.
func (t *taking) row(r *protocol.Row, row storedRow) {
	s := t.scope(r.Scope)
	k := key(r.Scope, r.Collection, r.ID)
	bucket, sum := rowBucket, &s.Sum
	if s.Resetting {
		bucket, sum = shadowBucket, &s.ShadowSum
	}
	mk := merge.Key{Collection: r.Collection, ID: r.ID}
	if old, ok := readJSON[storedRow](t.w, bucket, k); ok && !old.Deleted {
		*sum -= merge.Sum(mk, old.Version)
	}
	if !r.Deleted {
		*sum += merge.Sum(mk, r.Version)
	}
	writeJSON(t.w, bucket, k, row)
	if bucket == rowBucket {
		t.index(r.Scope, mk, row)
	}
	writeJSON(t.w, scopeBucket, r.Scope, s)
	t.touched[r.Scope] = true
}

// index makes an operation findable under the record it acts on.
func (t *taking) index(scope string, k merge.Key, row storedRow) {
	if parent, ok := t.c.parentOf(k.Collection, row); ok {
		t.w.Put(childBucket, key(scope, k.Collection, parent, k.ID), []byte{})
	}
}

// complete ends a cut: a reset replaces the old rows now, and the hash is
// compared.
func (t *taking) complete(scope string, now protocol.Scope) {
	s := t.scope(scope)
	if s.Resetting {
		t.swap(scope)
		s.Sum, s.ShadowSum, s.Resetting, s.Ended = s.ShadowSum, 0, false, ""
	}
	s.Cut, s.Partial = now.Seq, false
	s.AskReset = protocol.FormatHash(s.Sum) != now.Hash
	if s.AskReset {
		t.split++
	}
	writeJSON(t.w, scopeBucket, scope, s)
	t.touched[scope] = true
}

func (t *taking) swap(scope string) {
	clearBucket(t.w, rowBucket, scope+separator)
	clearBucket(t.w, childBucket, scope+separator)
	rows := map[string][]byte{}
	t.w.Scan(shadowBucket, scope+separator, func(k string, b []byte) bool {
		rows[k] = b
		return true
	})
	for k, b := range rows {
		t.w.Put(rowBucket, k, b)
		t.w.Delete(shadowBucket, k)
		var row storedRow
		must(jsonv2.Unmarshal(b, &row))
		parts := strings.Split(k, separator)
		t.index(scope, merge.Key{Collection: parts[1], ID: parts[2]}, row)
	}
}

// settle stops drawing accepted edits whose effect is in the base rows: the row
// has reached the verdict's seq, or a complete cut has.
func (t *taking) settle() {
	for _, e := range entries(t.w, func(e *entry) bool { return e.State == accepted && !e.Settled }) {
		s := t.scope(e.Scope)
		row, ok := readJSON[storedRow](t.w, rowBucket, key(e.Scope, e.Mutation.Collection, e.Mutation.ID))
		if (ok && row.Version >= e.Seq && !s.Resetting) || (s.Cut >= e.Seq && s.Cut > 0 && !s.Resetting) {
			e.Settled = true
			e.write(t.w)
		}
	}
}

// dropSaved removes what a complete backup of the server surely holds, and what
// was refused before it: those stay readable in the author's quarantine.
func (t *taking) dropSaved() {
	for _, e := range scanEntries(t.w, keptBucket, func(e *entry) bool {
		return e.Epoch < t.m.Backup && (e.State == accepted && e.Settled || e.State == refused)
	}) {
		e.remove(t.w)
	}
}

// keepAccepted is how long the phone keeps an accepted edit for a server that
// never says that a backup has it; sweepEvery is how often it looks.
const (
	keepAccepted merge.Millis = 35 * 24 * 3600 * 1000
	sweepEvery   merge.Millis = 24 * 3600 * 1000
)

// dropOld removes what was kept long enough: accepted edits, and refused ones that
// waited for what a restore took.
func (t *taking) dropOld() {
	old := func(e *entry) bool { return t.m.Now-e.At > keepAccepted }
	for _, e := range scanEntries(t.w, keptBucket, func(e *entry) bool { return e.State == accepted && old(e) }) {
		e.remove(t.w)
	}
	for _, e := range scanEntries(t.w, lostBucket, old) {
		e.remove(t.w)
		if e.State == lost {
			e.State = refused // for the author to look at, as long as such are kept
			e.write(t.w)
		}
	}
}

// rekey gives every unanswered edit of a cloned outbox a new name: those that
// the server asked for and everything behind the first of them in their
// incarnation and scope. The new names are derived from the old ones, so that
// two copies of one outbox arrive at the same.
func (t *taking) rekey() {
	first := map[string]uint64{}
	for _, v := range t.resp.Verdicts {
		k := key(v.Scope, v.Incarnation)
		if n, ok := first[k]; v.Verdict == merge.Rekey && (!ok || v.N < n) {
			first[k] = v.N
		}
	}
	renamed := map[merge.Ref]merge.Ref{}
	all := everyEntry(t.w, func(*entry) bool { return true })
	for _, e := range all {
		n, ok := first[key(e.Scope, e.Incarnation)]
		if !ok || e.State != unsent || e.Mutation.N < n {
			continue
		}
		old := merge.Ref{Incarnation: e.Incarnation, N: e.Mutation.N, Hash: e.Hash}
		e.Incarnation, e.Mutation.N = derivedIncarnation(old), 1
		renamed[old] = merge.Ref{Incarnation: e.Incarnation, N: 1, Hash: e.Hash}
		t.m.Me.Incarnation = t.c.IDs.New() // new edits take a fresh one
	}
	for _, e := range all {
		e.follow(renamed)
		e.write(t.w)
	}
}

// follow gives those that the entry lists their new names.
func (e *entry) follow(renamed map[merge.Ref]merge.Ref) {
	for i, r := range e.Mutation.After {
		if now, ok := renamed[r]; ok {
			e.Mutation.After[i] = now
		}
	}
}

// derivedIncarnation names the incarnation of a re-keyed edit: the first 16
// bytes of SHA-256 over the old incarnation, number and content hash.
func derivedIncarnation(old merge.Ref) string {
	sum := sha256Of(old.Incarnation, position(old.N), old.Hash.String())
	return "k" + hex.EncodeToString(sum[:16])
}
