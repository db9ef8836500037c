package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// heard looks at every answer that leaves the server, whether or not it reaches
// its phone.
func (w *world) heard(p *phone, answer []byte) error {
	var resp protocol.Response
	if err := jsonv2.Unmarshal(answer, &resp); err != nil {
		return err
	}
	for _, v := range resp.Verdicts {
		w.report.Verdicts[v.Verdict]++
		if v.Code != "" {
			w.report.Codes[v.Code]++
		}
		if !v.Verdict.Final() || v.N == 0 {
			continue
		}
		k := name{v.Scope, v.Device, v.Incarnation, v.N}
		if old, ok := p.verdicts[k]; ok && (old.Verdict != v.Verdict || old.Code != v.Code || old.Seq != v.Seq) {
			return broken("I10 stable verdict", "%s was told %s %s at %d and then %s %s at %d of %v", p, old.Verdict, old.Code, old.Seq, v.Verdict, v.Code, v.Seq, k)
		}
		p.verdicts[k] = v
	}
	now, err := merge.ParseInstant(resp.Now)
	if err != nil {
		return err
	}
	for _, scope := range resp.Purge {
		if slices.ContainsFunc(resp.Changes, func(r protocol.Row) bool { return r.Scope == scope }) {
			return broken("I6 purge", "%s is told to purge %s and sent rows of it", p, scope)
		}
	}
	for _, r := range resp.Changes {
		if !w.entitled(p.person, r.Scope, now) {
			return broken("I6 purge", "%s was sent %s of %s", p, r.ID, r.Scope)
		}
	}
	for _, v := range resp.Verdicts {
		if (v.Record != nil || len(v.Journal) > 0) && !w.entitled(p.person, v.Scope, now) {
			return broken("I6 purge", "a verdict tells %s of %s", p, v.Scope)
		}
	}
	return nil
}

// entitled asks the world's own list of windows. After a restore the server may
// not know what it was told after the backup.
func (w *world) entitled(who *person, scope string, now merge.Millis) bool {
	if scope == merge.UserScope(who.id) || slices.Contains(w.schema.Shared, scope) {
		return true
	}
	business, mentoring := strings.CutPrefix(scope, domain.ScopeMentoring+"/")
	for _, s := range w.shops {
		if s.scope != scope && !(mentoring && s.scope == domain.ScopeBusiness+"/"+business) {
			continue
		}
		for _, x := range s.windows {
			if x.who == who && (x.forgot || x.holds(now.Time())) && (!mentoring || x.role == merge.Mentor) {
				return true
			}
		}
	}
	return false
}

// healRounds is how often everybody may sync until nothing is left to do.
const healRounds = 200

// heal lets the weather clear up and everybody finish.
func (w *world) heal() error {
	w.trace("healing")
	w.servers = []*server{w.boot(true)}
	rested := map[*phone]uint64{} // what was on disk when the phone found nothing to do
	for range healRounds {
		quiet := true
		n, err := w.servers[0].app.Engine.Work(w.ctx)
		if err != nil {
			return err
		}
		quiet = quiet && n == 0
		for _, p := range w.phones {
			on, err := w.written()
			if err != nil {
				return err
			}
			if was, ok := rested[p]; ok && was == on {
				continue // it would find nothing again
			}
			busy, err := w.round(p)
			if err != nil {
				return err
			}
			if rested[p] = on; busy {
				delete(rested, p)
				quiet = false
			}
		}
		if quiet {
			w.healed = true
			return nil
		}
	}
	var who []string
	for _, p := range w.phones {
		if u, err := p.Unsent(); err == nil && len(u) > 0 {
			who = append(who, fmt.Sprintf("%s still has %d to send", p, len(u)))
		}
	}
	return broken("I7 progress", "no end to healing: %s", strings.Join(who, ", "))
}

// written grows with every change of a scope, and with every login: one of them
// may end the session of a copy.
func (w *world) written() (uint64, error) {
	scopes, err := w.scopes()
	if err != nil {
		return 0, err
	}
	sum := w.logins
	for _, scope := range scopes {
		head, err := w.disk.Store().Head(w.ctx, scope)
		if err != nil {
			return 0, err
		}
		sum += head.Revision
	}
	return sum, nil
}

// round lets a phone finish, under a clear sky; busy says that it moved
// something.
func (w *world) round(p *phone) (busy bool, err error) {
	p.server = w.servers[0]
	defer func() { p.server = nil }()
	before, err := p.standing()
	if err != nil {
		return false, err
	}
	err = p.Sync(w.ctx)
	if fault.KindOf(err) == fault.Unauthorized { // two copies of a phone end each other's session
		if err = p.login(); err == nil {
			err = p.Sync(w.ctx)
		}
	}
	if err != nil {
		return false, err
	}
	after, err := p.standing()
	return before != after, err
}

// standing is what changes on a phone as long as there is something to do.
func (p *phone) standing() (string, error) {
	unsent, err := p.Unsent()
	if err != nil {
		return "", err
	}
	cursor, err := p.Cursor()
	return fmt.Sprint(len(unsent), " ", cursor), err
}

// history is one scope's time line as it is on disk.
type history struct {
	head store.Head
	log  []*store.Commit
	rows map[merge.Key]store.Record
	at   map[string]merge.Seq // seq by device and content hash of accepted phone edits
	line map[string]merge.Line
}

func (w *world) check() error {
	scopes, err := w.scopes()
	if err != nil {
		return err
	}
	all := map[string]*history{}
	for _, scope := range scopes {
		h, err := w.read(scope)
		if err != nil {
			return err
		}
		all[scope] = h
		if err := w.servers[0].app.Engine.Audit(w.ctx, scope); err != nil {
			return broken("I8 fold", "%v", err)
		}
		if err := errors.Join(w.checkFold(h), w.checkOnce(h), w.checkMonotone(h), w.checkDead(h)); err != nil {
			return err
		}
	}
	for _, p := range w.phones {
		if err := w.checkPhone(p, all); err != nil {
			return err
		}
	}
	if err := w.checkQuarantine(all); err != nil {
		return err
	}
	return w.checkLoss(all)
}

func (w *world) scopes() ([]string, error) {
	var out []string
	for _, s := range w.shops {
		out = append(out, s.scope)
	}
	for _, p := range w.people {
		scope := merge.UserScope(p.id)
		switch _, err := w.disk.Store().Head(w.ctx, scope); {
		case err == nil:
			out = append(out, scope)
		case !errors.Is(err, store.ErrAbsent):
			return nil, err
		}
	}
	return out, nil
}

func (w *world) read(scope string) (*history, error) {
	s := w.disk.Store()
	head, err := s.Head(w.ctx, scope)
	if err != nil {
		return nil, err
	}
	h := &history{head: head, rows: map[merge.Key]store.Record{}, at: map[string]merge.Seq{}, line: map[string]merge.Line{}}
	page, err := s.Changed(w.ctx, scope, store.Position{}, head.Applied, 0, 1<<30)
	if err != nil {
		return nil, err
	}
	for _, r := range page.Records {
		h.rows[r.Key()] = r
	}
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		count := generationAt(head, seq)
		c, err := s.Entry(w.ctx, scope, count, seq)
		if old := w.aside[place{scope, count, seq}]; old != nil && seq <= head.Pruned && errors.Is(err, store.ErrAbsent) {
			c, err = old, nil
		}
		if err != nil {
			return nil, broken("I8 fold", "entry %d of %s: %v", seq, scope, err)
		}
		h.log = append(h.log, c)
	}
	return h, nil
}

// checkFold folds the log again and compares.
func (w *world) checkFold(h *history) error {
	var sum uint64
	for k, r := range h.rows {
		if !r.Deleted {
			sum += merge.Sum(k, r.Version)
		}
	}
	if sum != h.head.Sum {
		return broken("I8 fold", "hash of %s is %x, its rows have %x", h.head.Scope, h.head.Sum, sum)
	}
	folded := map[merge.Key]store.Record{}
	for _, c := range h.log {
		for _, r := range c.Records {
			folded[r.Key()] = r
		}
	}
	for k, r := range folded {
		got := h.rows[k]
		erased := got.Deleted && w.behind(h, got.Version) && string(got.Fields) == `{}`
		if got.Version != r.Version || got.Deleted != r.Deleted || string(got.Fields) != string(r.Fields) && !erased {
			return broken("I8 fold", "%s %s is at %d, its log says %d", h.head.Scope, k, got.Version, r.Version)
		}
	}
	if len(folded) != len(h.rows) {
		return broken("I8 fold", "%s has %d records, its log %d", h.head.Scope, len(h.rows), len(folded))
	}
	return nil
}

// behind reports whether compaction may have let go of a version: its successor is
// as old as the horizon. The mark need not tell: content goes before it is raised,
// and a crash may come in between.
func (w *world) behind(h *history, version merge.Seq) bool {
	if version >= merge.Seq(len(h.log)) {
		return false
	}
	limit := merge.Millis(w.clock.Now().Add(-w.horizon()).UnixMilli())
	return h.log[version].Time <= limit
}

// checkOnce looks for mutations that took effect twice.
func (w *world) checkOnce(h *history) error {
	names := map[string]bool{}
	for _, c := range h.log {
		for _, l := range c.Lines {
			if l.Hash == (merge.Hash{}) {
				continue
			}
			known := l.Mutation
			if l.Verdict.Code == "not_found" { // the author's scope speaks for another, which counts for itself
				known += " elsewhere " + l.Hash.String()
			}
			if names[known] {
				return broken("I2 once", "%s has two verdicts in %s", l.Mutation, h.head.Scope)
			}
			names[known] = true
			device, _, _ := strings.Cut(l.Mutation, "/")
			k := device + l.Hash.String()
			if _, twice := h.at[k]; twice && l.Verdict.Outcome != merge.Rejected && !(w.report.Restores > 0 && w.copied > 0) {
				return broken("I2 once", "an edit of %s took effect twice in %s, as %s and as %s", device, h.head.Scope, h.line[k].Mutation, l.Mutation)
			}
			h.line[k] = l
			if l.Verdict.Outcome != merge.Rejected {
				h.at[k] = c.Seq
			}
		}
	}
	return nil
}

// checkMonotone follows every task through the log: what is done stays done,
// unless somebody reopened it.
func (w *world) checkMonotone(h *history) error {
	was := map[merge.Key]string{}
	for _, c := range h.log {
		reopened := map[string]bool{}
		for _, r := range c.Records {
			if r.Collection != "task_event" {
				continue
			}
			if row := rowOf(r); row.Text("op") == "reopen" {
				reopened[row.Text("task_id")] = true
			}
		}
		for _, r := range c.Records {
			if r.Collection != "task" {
				continue
			}
			now, before := rowOf(r).Text("state"), was[r.Key()]
			if before == "verified" && now != "verified" && !reopened[r.ID] {
				return broken("I5 monotone", "task %s went from %s to %s at %d", r.ID, before, now, c.Seq)
			}
			was[r.Key()] = now
		}
	}
	return nil
}

func rowOf(r store.Record) merge.Row {
	row := merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}
	if jsonv2.Unmarshal(r.Fields, &row.Fields) != nil {
		return merge.Row{Key: r.Key()}
	}
	return row
}

// checkPhone compares a phone with what its person may see.
func (w *world) checkPhone(p *phone, all map[string]*history) error {
	if n := p.Mismatches(); n > 0 {
		return broken("I4 convergence", "%s saw %d wrong hashes", p, n)
	}
	if u, err := p.Unsent(); err != nil || len(u) > 0 {
		return broken("I7 progress", "%s still has %d to send, %v", p, len(u), err)
	}
	now := merge.Millis(w.clock.Now().UnixMilli())
	for scope, h := range all {
		rows, err := p.Snapshot(scope)
		if err != nil {
			return err
		}
		if scope != merge.UserScope(p.person.id) && !merge.Granted(h.head.Access, p.person.id, max(now, h.head.Time)) {
			if len(rows) > 0 {
				return broken("I6 purge", "%s has %d rows of %s", p, len(rows), scope)
			}
			continue
		}
		if err := sameRows(p, h, rows); err != nil {
			return err
		}
	}
	return nil
}

func sameRows(p *phone, h *history, rows []merge.Row) error {
	live := 0
	for _, r := range h.rows {
		if !r.Deleted {
			live++
		}
	}
	for _, row := range rows {
		r, ok := h.rows[row.Key]
		if !ok || r.Deleted || r.Version != row.Version || string(p.w.schema.Cast(p.version, r.Collection, r.Fields)) != string(row.EncodeFields()) {
			return broken("I4 convergence", "%s has %s of %s at %d, the server at %d", p, row.Key, h.head.Scope, row.Version, r.Version)
		}
	}
	if live != len(rows) {
		return broken("I1 no-skip", "%s has %d rows of %s, the server %d", p, len(rows), h.head.Scope, live)
	}
	return nil
}

// checkQuarantine looks for every refused edit in its author's own scope.
func (w *world) checkQuarantine(all map[string]*history) error {
	for scope, h := range all {
		for _, l := range h.line {
			if l.Verdict.Outcome != merge.Rejected {
				continue
			}
			own := all[merge.UserScope(l.Author)]
			if own == nil {
				return broken("I3 no-loss", "%s was refused in %s and its author has no scope", l.Mutation, scope)
			}
			if _, ok := own.rows[merge.Key{Collection: "quarantine", ID: l.Verdict.Quarantine}]; !ok {
				return broken("I3 no-loss", "%s was refused in %s and is not in quarantine", l.Mutation, scope)
			}
		}
	}
	return nil
}

// checkLoss asks where every edit that a phone kept has gone, and every value
// that was accepted.
func (w *world) checkLoss(all map[string]*history) error {
	latest := w.latest()
	for _, k := range slices.SortedFunc(maps.Keys(w.made), func(a, b name) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		e := w.made[k]
		if e.excused != "" {
			continue
		}
		if m, ok := latest[k]; ok {
			e.kept.Mutation = m
		}
		h, own := all[k.scope], all[merge.UserScope(e.by.person.id)]
		key := k.device + k.incarnation
		if h != nil && h.at[key] > 0 {
			if lost := w.unexplained(h, e, h.at[key], latest); lost != "" {
				return broken("I3 no-loss", "%s of %s, accepted at %d of %s, is nowhere", lost, e.by, h.at[key], k.scope)
			}
			continue
		}
		if h != nil && w.report.Restores > 0 && w.back(h, e, h.line[key].Verdict.Code) {
			return broken("I3 no-loss", "an edit of %s on %s in %s was refused as %s, and what it needs is back: %v%s", e.by, e.kept.Mutation.ID, k.scope, h.line[key].Verdict.Code, e.kept.Mutation.Set, w.whereabouts(e))
		}
		if h != nil && h.line[key].Mutation != "" || own != nil && own.line[key].Mutation != "" {
			continue // refused, and looked for in quarantine above
		}
		if w.report.Restores > 0 && (!w.stillKept(e) || w.refusedBefore(e)) {
			continue // its phone had let go of it, or keeps it as refused
		}
		return broken("I3 no-loss", "an edit of %s on %s in %s has no verdict: %v%s", e.by, e.kept.Mutation.ID, k.scope, e.kept.Mutation.Set, w.whereabouts(e))
	}
	return nil
}

// stillKept reports whether a phone holds the edit in its outbox, and may see the
// scope: nobody sends accepted edits again to a place that is closed.
func (w *world) stillKept(e *edit) bool { return w.keeps(e, func(kept) bool { return true }) }

func (w *world) keeps(e *edit, how func(kept) bool) bool {
	for _, p := range w.phones {
		out, err := p.Outbox()
		scopes, _ := p.Scopes()
		if _, open := scopes[e.kept.Scope]; !open && e.excused == "" && w.healed {
			continue
		}
		if err == nil && slices.ContainsFunc(out, func(k kept) bool { return k.Hash == e.kept.Hash && k.Device == e.kept.Device && how(k) }) {
			return true
		}
	}
	return false
}

// whereabouts tells how the phones hold an edit, for the report of a defect.
func (w *world) whereabouts(e *edit) string {
	var b strings.Builder
	for _, p := range w.phones {
		out, err := p.Outbox()
		for _, k := range out {
			if err == nil && k.Hash == e.kept.Hash && k.Device == e.kept.Device {
				fmt.Fprintf(&b, "\n%s: answered %t %s %s at %d under %q, as %s/%d", p, k.Answered, k.Verdict, k.Code, k.Seq, k.Under, k.Incarnation, k.Mutation.N)
			}
		}
	}
	return b.String()
}

// refusedBefore reports whether a phone keeps the edit as one that was refused:
// those are not sent again after a restore.
func (w *world) refusedBefore(e *edit) bool {
	for _, p := range w.phones {
		out, err := p.Outbox()
		if err == nil && slices.ContainsFunc(out, func(k kept) bool {
			return k.Hash == e.kept.Hash && k.Device == e.kept.Device && k.Verdict == merge.Rejected
		}) {
			return true
		}
	}
	return false
}

// latest gives the mutations as the phones hold them now: after a restore or a
// rekey they list more than they did at first.
func (w *world) latest() map[name]merge.Mutation {
	out := map[name]merge.Mutation{}
	for _, p := range w.phones {
		if kept, err := p.Outbox(); err == nil {
			for _, k := range kept {
				out[name{k.Scope, k.Device, k.Hash.String(), 0}] = k.Mutation
			}
		}
	}
	return out
}

// unexplained names a value of an accepted edit that is neither on the record,
// nor in the journal, nor replaced by somebody who had seen it.
func (w *world) unexplained(h *history, e *edit, at merge.Seq, latest map[name]merge.Mutation) string {
	m := e.kept.Mutation
	r, ok := h.rows[merge.Key{Collection: m.Collection, ID: m.ID}]
	if !ok {
		return "record " + m.ID
	}
	if r.Deleted {
		r = h.last(r)
	}
	c, _ := w.schema.Collection(m.Collection)
	row := rowOf(r)
	for _, l := range leaves(m) {
		f, _ := c.Field(l.field)
		if f == nil || f.Policy == merge.Server || l.shown(row) || w.journalled(h, m, l, f) || w.replaced(h, e, l, at, latest) {
			continue
		}
		return l.slot + "=" + string(l.value)
	}
	return ""
}

// last is what a deleted record said before it was erased.
func (h *history) last(r store.Record) store.Record {
	for _, c := range slices.Backward(h.log) {
		for _, l := range c.Records {
			if l.Key() == r.Key() {
				return l
			}
		}
	}
	return r
}

func (w *world) journalled(h *history, m merge.Mutation, l leaf, f *merge.Field) bool {
	for k, r := range h.rows {
		if k.Collection != "journal" {
			continue
		}
		j := rowOf(r)
		if j.Text("record") != m.ID {
			continue
		}
		if j.Text("field") == l.slot && string(j.Fields["lost"]) == string(l.value) || f.Group != "" && j.Text("field") == f.Group && strings.Contains(string(j.Fields["lost"]), string(l.value)) {
			return true
		}
	}
	return false
}

func (w *world) replaced(h *history, e *edit, l leaf, at merge.Seq, latest map[name]merge.Mutation) bool {
	for k, o := range w.made {
		if o == e || k.scope != e.kept.Scope || o.kept.Mutation.ID != e.kept.Mutation.ID {
			continue
		}
		seq := h.at[k.device+k.incarnation]
		m := o.kept.Mutation
		if newer, ok := latest[k]; ok {
			m = newer
		}
		if seq == 0 || !slices.ContainsFunc(leaves(m), func(x leaf) bool { return x.slot == l.slot }) {
			continue
		}
		own := k.device == e.kept.Device && slices.ContainsFunc(m.After, func(r merge.Ref) bool { return r.Hash == e.kept.Hash })
		if own || m.Base != nil && at <= m.Base.Version {
			return true
		}
	}
	return false
}
