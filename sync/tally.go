package syncer

import (
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Tally counts what an engine does. Its methods stand in the way of requests: they
// must not block. They may be called by several goroutines at once.
type Tally interface {
	// Decided tells of the verdict of one edit; code is "" for most.
	Decided(outcome merge.Outcome, code string, repeated bool)
	// Took tells of an edit of a phone that counts, at least in part, and was not there before.
	Took(m *merge.Mutation)
	// Lost tells of a value that gave way to another and went into the journal, by the
	// name of the rule.
	Lost(rule string)
	// Committed tells of a commit, of so many pushes and edits.
	Committed(pushes, edits int)
	// Diverged tells of scopes whose rows on a phone had not the hash that they should.
	Diverged(scopes int)
	// Repaired tells of commits that a process had left unfolded.
	Repaired(commits int)
}

// silent is the Tally of an engine that has none.
type silent struct{}

func (silent) Decided(merge.Outcome, string, bool) {}
func (silent) Took(*merge.Mutation)                {}
func (silent) Lost(string)                         {}
func (silent) Committed(int, int)                  {}
func (silent) Diverged(int)                        {}
func (silent) Repaired(int)                        {}

func (e *Engine) tally() Tally {
	if e.Tally == nil {
		return silent{}
	}
	return e.Tally
}

// count tells of a commit that is durable.
func (e *Engine) count(c *store.Commit, batch []*job, out *merge.Output) {
	t := e.tally()
	t.Committed(len(batch), len(c.Lines))
	for _, r := range out.Records {
		if r.Collection == "journal" && r.Born != nil && r.Born.Seq == c.Seq {
			t.Lost(r.Text("rule"))
		}
	}
}

// Queued is how many pushes wait for a commit, in all scopes.
func (e *Engine) Queued() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, q := range e.queues {
		n += len(q.waiting)
	}
	return n
}

// FirstSyncs is how many requests wait to read whole scopes.
func (e *Engine) FirstSyncs() int { return int(e.firstWait.Load()) }
