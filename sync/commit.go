package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/trace"
)

// attemptTime bounds one attempt to commit. It is far below the age at which a
// log entry may be pruned.
const attemptTime = 30 * time.Second

// attempts bounds how often a commit is tried against faster writers. Somebody
// succeeds in every round, so this many losses in a row mean something is
// broken.
const attempts = 200

// job is one push waiting for a scope's next commit.
type job struct {
	parts     []*merge.Part
	elsewhere func(merge.BookKey, uint64) (merge.Entry, bool)
	alone     bool        // shares its commit with nobody, and is not committed if anything in it is refused
	read      *store.Head // of the scope, just now; nil: not yet
	answers   [][]merge.Answer
	head      store.Head    // after the commit
	epochs    *store.Epochs // read when the commit was durable; nil: not yet
	left      *left         // nil: nobody kept it
	err       error
	turn      chan bool // true: lead; false: done
}

// left is what a commit left behind: the records that it wrote or was decided from.
type left struct {
	head    store.Head
	wrote   []store.Record
	decided map[merge.Key]*merge.Record // as they were before; nil: absent
}

// record gives a record as the commit left it, nil if it is absent. known says
// whether that can be told.
func (l *left) record(k merge.Key) (r *store.Record, known bool) {
	if l == nil {
		return nil, false
	}
	for i := range l.wrote {
		if l.wrote[i].Key() == k {
			return &l.wrote[i], true
		}
	}
	old, known := l.decided[k]
	if old == nil {
		return nil, known
	}
	return &store.Record{Collection: k.Collection, ID: k.ID, Version: old.Version, Deleted: old.Deleted, Fields: old.EncodeFields()}, true
}

// queue lets pushes that wait for the same scope share one commit.
type queue struct {
	busy    bool
	waiting []*job
}

// submit brings j into the log of scope: alone if nobody else is waiting, else
// together with those who are. One of the waiting leads; the others rest.
func (e *Engine) submit(ctx context.Context, scope string, j *job) error {
	j.turn = make(chan bool, 1)
	e.mu.Lock()
	if e.queues == nil {
		e.queues = map[string]*queue{}
	}
	q := e.queues[scope]
	if q == nil {
		q = &queue{}
		e.queues[scope] = q
	}
	q.waiting = append(q.waiting, j)
	lead := !q.busy
	q.busy = true
	e.mu.Unlock()
	for {
		if !lead {
			j.read = nil // by then it is old
			select {
			case lead = <-j.turn:
			case <-ctx.Done():
				// The push may still be committed by whoever leads; the phone asks
				// again and gets the same verdict.
				if e.leave(scope, j) {
					return ctx.Err()
				}
				lead = <-j.turn
			}
		}
		if !lead || !e.lead(ctx, scope, j) {
			return j.err
		}
		lead = false // somebody else's turn, then ours again
	}
}

// leave takes a job out of the queue, unless it is being worked on or has been
// told to lead.
func (e *Engine) leave(scope string, j *job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[scope]
	if q == nil {
		return false // it is done, and nobody waits any more
	}
	i := slices.Index(q.waiting, j)
	if i < 0 || len(j.turn) > 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// lead commits the own job with those that fit beside it, then hands over. It
// does so even if a rule panics: the others wait for it. again says that the own
// job was not done and stands in the queue once more, behind those who waited.
func (e *Engine) lead(ctx context.Context, scope string, own *job) (again bool) {
	defer e.handOver(scope)
	batch := e.take(scope, own)
	defer func() {
		for _, j := range batch {
			if j != own {
				j.turn <- false
			}
		}
	}()
	again = e.commitBatch(ctx, scope, batch)
	return again
}

// giveWay puts a job that needs another commit behind those who wait, if there are
// any: a push of a thousand edits holds a scope up for one commit and not for all.
func (e *Engine) giveWay(scope string, batch []*job) bool {
	if len(batch) > 1 || batch[0].alone {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[scope]
	if len(q.waiting) == 0 {
		return false
	}
	q.waiting = append(q.waiting, batch[0])
	return true
}

// handOver lets the next of those who wait lead.
func (e *Engine) handOver(scope string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[scope]
	if len(q.waiting) > 0 {
		q.waiting[0].turn <- true
		return
	}
	delete(e.queues, scope)
}

// take removes the next batch from the queue: the own job first.
func (e *Engine) take(scope string, own *job) []*job {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := e.queues[scope]
	q.waiting = slices.DeleteFunc(q.waiting, func(j *job) bool { return j == own })
	batch := []*job{own}
	if own.alone {
		return batch
	}
	var rest []*job
	items := countItems(own)
	for _, j := range q.waiting {
		if n := countItems(j); !j.alone && items+n <= e.limits().CommitItems && len(j.turn) == 0 {
			batch, items = append(batch, j), items+n
			continue
		}
		rest = append(rest, j)
	}
	q.waiting = rest
	return batch
}

func countItems(j *job) (n int) {
	for _, p := range j.parts {
		n += len(p.Items)
	}
	return n
}

// commitBatch carries a batch through as many commits as it needs, or until it gives
// way to others: gaveWay.
func (e *Engine) commitBatch(ctx context.Context, scope string, batch []*job) (gaveWay bool) {
	// The attempt belongs to everybody in the batch, so it outlives the request
	// of the one who leads it.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
	defer stop()
	end(batch, errBroken) // unless it comes to an end
	for {
		begun := slices.DeleteFunc(slices.Clone(batch), func(j *job) bool { return j.answers == nil })
		again, err := e.commitOnce(ctx, scope, batch)
		if err != nil {
			end(batch, err)
			return false
		}
		for _, j := range begun { // not all of it is of one cut
			j.left = nil
		}
		if !again {
			end(batch, nil)
			return false
		}
		if e.giveWay(scope, batch) {
			return true
		}
	}
}

// errBroken is the answer to those who shared a commit with an edit that made a
// rule panic. The phone asks again.
var errBroken = &fault.Error{Kind: fault.Transient, Code: "busy", Text: "another edit broke the commit", After: time.Second}

func end(batch []*job, err error) {
	for _, j := range batch {
		j.err = err
	}
}

// commitOnce makes one commit: steps 1 to 8 of docs/protocol.md. again says that
// the batch did not fit into it.
func (e *Engine) commitOnce(ctx context.Context, scope string, batch []*job) (again bool, err error) {
	id := e.IDs.New()
	for range attempts {
		head, err := e.headFor(ctx, scope, batch[0])
		if err != nil {
			return false, err
		}
		in, out, err := e.resolve(ctx, head, batch)
		if errors.Is(err, store.ErrStale) {
			if _, err := e.foldNext(ctx, head); err != nil {
				return false, err
			}
			continue
		}
		if err != nil {
			return false, err
		}
		if !out.Changed || refusedAlone(batch, out) {
			deliver(batch, out, head, nil, nil)
			return out.Cut, nil
		}
		c, err := e.build(head, id, out)
		if err != nil {
			return false, err
		}
		placing, span := trace.Begin(ctx, "sync commit", trace.Internal)
		after, epochs, err := e.place(placing, c)
		span.Count(trace.Edits, len(c.Lines))
		span.End()
		if errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrStale) {
			continue // read everything again, the verdict book too
		}
		if err != nil {
			return false, err
		}
		e.recent.keep(c, after, in, out)
		e.count(c, batch, out)
		deliver(batch, out, after, epochs, leftBy(c, after, in))
		if len(c.Effects) > 0 && e.Wake != nil {
			e.Wake()
		}
		return out.Cut, nil
	}
	return false, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "commit lost every race for its place in " + scope, After: time.Second}
}

// headFor is the head that the one who leads has read just now, once; else it is
// read. It may be old: then the place in the log is taken.
func (e *Engine) headFor(ctx context.Context, scope string, leads *job) (store.Head, error) {
	if h := leads.read; h != nil {
		leads.read = nil
		return *h, nil
	}
	return e.Store.Head(ctx, scope)
}

// leftBy is what c left behind, nil if somebody has committed since.
func leftBy(c *store.Commit, after store.Head, in *merge.Input) *left {
	if after.Applied != c.Seq || after.Generation != c.Generation {
		return nil
	}
	return &left{after, c.Records, in.Records}
}

// place puts c into the log and folds it. ErrTaken or ErrStale: somebody was
// faster, and what they left behind is folded. It gives the numbers of the backups
// if it had to read them.
func (e *Engine) place(ctx context.Context, c *store.Commit) (store.Head, *store.Epochs, error) {
	if a, ok := e.Store.(store.Appender); ok {
		after, err := a.Append(ctx, c)
		if fault.KindOf(err) == fault.Transient { // the answer may have got lost
			after, err = a.Append(ctx, c)
		}
		if errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrStale) {
			if err = e.foldTaken(ctx, c); errors.Is(err, errOwn) {
				after, err = e.Store.Head(ctx, c.Scope)
			}
		}
		if err == nil {
			e.Observe(after)
			e.moved(after, c)
		}
		return after, nil, err
	}
	err := e.Store.Insert(ctx, c)
	if fault.KindOf(err) == fault.Transient {
		err = e.Store.Insert(ctx, c)
	}
	if errors.Is(err, store.ErrTaken) {
		if err = e.foldTaken(ctx, c); errors.Is(err, errOwn) {
			err = nil
		}
	}
	if err != nil {
		return store.Head{}, nil, err
	}
	now, epochs, err := e.Store.Look(ctx, c.Scope)
	if err != nil {
		return store.Head{}, nil, err
	}
	if c.Seq <= now.Pruned || now.Generation != c.Generation {
		// Somebody folded this place and pruned it while we stalled: nobody will
		// ever fold our entry.
		if err := e.Store.Withdraw(ctx, c); err != nil {
			return store.Head{}, nil, err
		}
		return store.Head{}, nil, store.ErrTaken
	}
	after, err := e.fold(ctx, now, c)
	return after, &epochs, err
}

// fold carries an entry into the records and tells those who listen. A head that is
// given was read since the entry lay in the log: see store.Log.
func (e *Engine) fold(ctx context.Context, head store.Head, c *store.Commit) (store.Head, error) {
	after, err := e.Store.Fold(ctx, c, head)
	if err == nil {
		e.Observe(after)
		e.moved(after, c)
	}
	return after, err
}

// moved says that a commit is there for others to fetch.
func (e *Engine) moved(after store.Head, c *store.Commit) {
	if e.Moved == nil {
		return
	}
	var devices []string
	for _, p := range c.Pages {
		if !slices.Contains(devices, p.Device) {
			devices = append(devices, p.Device)
		}
	}
	e.Moved(after, devices)
}

// errOwn says that the entry that holds our place is our own: its answer got
// lost.
var errOwn = errors.New("own entry")

// foldTaken folds the commit that holds c's place. It gives errOwn if that is c
// itself, else ErrTaken.
func (e *Engine) foldTaken(ctx context.Context, c *store.Commit) error {
	other, err := e.Store.Entry(ctx, c.Scope, c.Generation.Count, c.Seq)
	if errors.Is(err, store.ErrAbsent) {
		return store.ErrTaken // pruned or withdrawn meanwhile
	}
	if err != nil {
		return err
	}
	if other.ID == c.ID {
		return errOwn
	}
	if _, err := e.fold(ctx, store.Head{}, other); err != nil { // it may be younger than every head that was read
		return err
	}
	return store.ErrTaken
}

// foldNext folds the commit above head, if there is one, and gives the head
// afterwards.
func (e *Engine) foldNext(ctx context.Context, head store.Head) (store.Head, error) {
	c, err := e.Store.Entry(ctx, head.Scope, head.Generation.Count, head.Applied+1)
	if errors.Is(err, store.ErrAbsent) {
		return e.Store.Head(ctx, head.Scope)
	}
	if err != nil {
		return store.Head{}, err
	}
	return e.fold(ctx, store.Head{}, c) // head is from before c
}

// refusedAlone reports whether a job that shares nothing was refused in a part:
// then none of it happens.
func refusedAlone(batch []*job, out *merge.Output) bool {
	return batch[0].alone && slices.ContainsFunc(out.Answers[0], func(part []merge.Answer) bool {
		return slices.ContainsFunc(part, func(a merge.Answer) bool { return a.Outcome == merge.Rejected })
	})
}

// deliver hands every job its answers. What an earlier commit of the same batch
// answered keeps that answer.
func deliver(batch []*job, out *merge.Output, head store.Head, epochs *store.Epochs, l *left) {
	for i, j := range batch {
		j.head, j.epochs, j.left = head, epochs, l
		if j.answers == nil {
			j.answers = out.Answers[i]
			continue
		}
		for p, answers := range j.answers {
			next := 0
			for k := range answers {
				if answers[k].Outcome == "" {
					answers[k] = out.Answers[i][p][next]
					next++
				}
			}
		}
	}
}

// open gives the parts of a job with the items that no commit has answered yet.
// An answered one is not judged again: it may have no number by which the book
// would know it.
func (j *job) open() []*merge.Part {
	if j.answers == nil {
		return j.parts
	}
	out := make([]*merge.Part, len(j.parts))
	for p, part := range j.parts {
		rest := *part
		rest.Items = nil
		for k := range part.Items {
			if j.answers[p][k].Outcome == "" {
				rest.Items = append(rest.Items, part.Items[k])
			}
		}
		out[p] = &rest
	}
	return out
}

// resolve asks the resolver until it has everything it needs, and gives that too. What
// it decided without having it holds if nothing of it is there, which is so for most
// new records.
func (e *Engine) resolve(ctx context.Context, head store.Head, batch []*job) (*merge.Input, *merge.Output, error) {
	ctx, span := trace.Begin(ctx, "sync decide", trace.Internal)
	span.Count(trace.Pushes, len(batch))
	defer span.End()
	l := e.limits()
	in := &merge.Input{Schema: e.Schema, Scope: head.Scope, Generation: head.Generation, Forks: head.Forks, Applied: head.Applied,
		Time: head.Time, Sum: head.Sum, Access: head.Access, Now: e.millis(), Grace: merge.Millis(l.Grace.Milliseconds()),
		MaxItems: l.CommitItems, MaxBytes: l.CommitBytes, Self: selfOf(head.Scope), MovedTo: head.MovedTo,
		Records: map[merge.Key]*merge.Record{}, Tagged: map[string][]merge.Key{}, Books: map[merge.BookKey]*merge.Book{}}
	for _, j := range batch {
		in.Pushes = append(in.Pushes, j.open())
	}
	e.recent.into(in, head)
	in.Elsewhere = func(k merge.BookKey, n uint64) (merge.Entry, bool) {
		for _, j := range batch {
			if j.elsewhere != nil {
				if en, ok := j.elsewhere(k, n); ok {
					return en, true
				}
			}
		}
		return merge.Entry{}, false
	}
	for range 100 {
		out := merge.Resolve(in)
		if out.Need.Empty() {
			return in, out, nil
		}
		absent, err := e.load(ctx, in, out.Need)
		if err != nil {
			return nil, nil, err
		}
		if absent && !out.Unsure {
			out.Need = merge.Need{}
			return in, out, nil
		}
	}
	return nil, nil, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "a resolve never had enough"}
}

// selfOf is the user whose own scope this is, or "".
func selfOf(scope string) string {
	if user, ok := bytes.CutPrefix([]byte(scope), []byte("user/")); ok {
		return string(user)
	}
	return ""
}

// load brings what a resolve asked for into its input, and tells whether nothing of it
// is there.
func (e *Engine) load(ctx context.Context, in *merge.Input, need merge.Need) (absent bool, err error) {
	want := store.Want{}
	for k := range need.Keys {
		want.Keys = append(want.Keys, k)
	}
	for t := range need.Tags {
		want.Tags = append(want.Tags, t)
	}
	for p := range need.Pages {
		want.Pages = append(want.Pages, p)
	}
	got, err := e.Store.Load(ctx, in.Scope, want)
	if err != nil {
		return false, err
	}
	absent = len(got.Records)+len(got.Pages) == 0
	for _, k := range want.Keys {
		in.Records[k] = nil
	}
	for _, r := range got.Records {
		if r.Version > in.Applied {
			return false, fmt.Errorf("%w: %s is being folded", store.ErrStale, in.Scope)
		}
		rec, err := merge.DecodeRecord(merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
		if err != nil {
			return false, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "record " + r.Key().String() + " does not decode", Cause: err}
		}
		in.Records[r.Key()] = rec
	}
	for _, t := range want.Tags {
		in.Tagged[t] = got.Tagged[t]
		absent = absent && len(got.Tagged[t]) == 0
		if in.Tagged[t] == nil {
			in.Tagged[t] = []merge.Key{}
		}
	}
	fillBooks(in.Books, want.Pages, got)
	for _, p := range want.Pages { // below the newest page an absent one is gone, and its numbers with it
		absent = absent && in.Books[p.BookKey].Newest < int(p.Page)
	}
	return absent, nil
}

func fillBooks(books map[merge.BookKey]*merge.Book, asked []merge.PageKey, got store.Loaded) {
	for _, p := range asked {
		if books[p.BookKey] == nil {
			books[p.BookKey] = &merge.Book{Newest: -1, Pages: map[uint32]*merge.Page{}}
		}
		books[p.BookKey].Pages[p.Page] = nil
		if newest, ok := got.Newest[p.BookKey]; ok {
			books[p.BookKey].Newest = newest
		}
	}
	for i := range got.Pages {
		p := &got.Pages[i]
		books[p.BookKey].Pages[p.PageKey.Page] = p
	}
}

// build makes the commit document.
func (e *Engine) build(head store.Head, id string, out *merge.Output) (*store.Commit, error) {
	c := &store.Commit{Scope: head.Scope, Generation: head.Generation, Seq: out.Seq, ID: id, Time: out.Time, Lines: out.Lines,
		Access: out.Access, Sum: out.Sum, Effects: out.Effects, MovedTo: out.MovedTo}
	for _, r := range out.Records {
		c.Records = append(c.Records, store.Record{Collection: r.Collection, ID: r.ID, Version: r.Version, Deleted: r.Deleted,
			Fields: r.EncodeFields(), State: r.EncodeState(), Tags: r.Tags})
	}
	for _, p := range out.Pages {
		c.Pages = append(c.Pages, *p)
	}
	if len(c.Effects) > 0 {
		c.Todo = map[string]merge.Seq{Follower: c.Seq}
		c.Before = head.Todo[Follower]
	}
	if err := c.Seal(); err != nil {
		return nil, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "commit does not encode", Cause: err}
	}
	var err error
	if c.Chain, err = chained(head.Chain, c); err != nil {
		return nil, err
	}
	return c, nil
}

// chained is the chain hash of c behind a commit that has before.
func chained(before string, c *store.Commit) (string, error) {
	body, err := c.Body()
	if err != nil {
		return "", &fault.Error{Kind: fault.Internal, Code: "internal", Text: "commit does not encode", Cause: err}
	}
	sum := sha256.Sum256(body)
	h := sha256.New()
	h.Write([]byte(before + "\n" + c.ID + "\n" + hex.EncodeToString(sum[:])))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
