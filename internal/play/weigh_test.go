package play_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestWhatASeasonWeighs lets a business have the season of the programme (90 days,
// six sales a day sent each evening, 24 tasks of a mentor, corrections now and then)
// and prints what it left in each collection: docs/scale.md rests on it.
func TestWhatASeasonWeighs(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	name := address[strings.LastIndex(address, "/")+1 : strings.LastIndex(address, "?")]
	m := accompany(t, func(o *play.Options) { o.Path, o.Store, o.Identity, o.Rand = address, nil, nil, always() })
	empty := weights(t, address, name)
	const days, daily, tasks = 90, 6, 24
	for i := range tasks {
		m.write(m.mentor, "task", "", map[string]any{"title": fmt.Sprintf("Tugas %d: foto produk dan label", i+1), "origin": domain.OriginMentor, "track": "digital"})
	}
	m.sync(m.mentor, m.owner)
	all, err := m.owner.Rows(m.scope, "task")
	m.ok(err)
	start := m.w.Clock.Now()
	for day := range days {
		last := ""
		for n := range daily {
			last = m.sell(m.owner, 500*(20+day*daily+n))
		}
		if day%9 == 0 {
			m.write(m.owner, "sale_adjustment", "", map[string]any{"entry_id": last, "kind": domain.KindCorrect, "patch": map[string]any{"amount_idr": 9_500}})
		}
		if day%4 == 0 && day/4 < tasks {
			m.write(m.owner, "task_event", "", map[string]any{"task_id": all[day/4].ID, "op": "start"})
			m.write(m.owner, "task_event", "", map[string]any{"task_id": all[day/4].ID, "op": "submit", "note": "foto sudah diunggah"})
		}
		m.sync(m.owner)
		if day%4 == 0 && day/4 < tasks {
			m.sync(m.mentor)
			m.write(m.mentor, "task_event", "", map[string]any{"task_id": all[day/4].ID, "op": "verify"})
			m.sync(m.mentor)
		}
		m.w.Clock.Advance(start.AddDate(0, 0, day+1).Sub(m.w.Clock.Now()))
	}
	m.ok(m.w.Step(t.Context()))
	full := weights(t, address, name)
	t.Logf("one season of one business: %d days, %d sales, %d tasks; owner, mentor", days, days*daily, tasks)
	var sum mongotest.Weight
	for _, c := range slices.Sorted(maps.Keys(full)) {
		w := full[c]
		w.Documents, w.Bytes, w.Keys, w.KeyBytes = w.Documents-empty[c].Documents, w.Bytes-empty[c].Bytes, w.Keys-empty[c].Keys, w.KeyBytes-empty[c].KeyBytes
		w.Snappy, w.Zstd = w.Snappy-empty[c].Snappy, w.Zstd-empty[c].Zstd
		sum.Documents, sum.Bytes, sum.Keys, sum.KeyBytes = sum.Documents+w.Documents, sum.Bytes+w.Bytes, sum.Keys+w.Keys, sum.KeyBytes+w.KeyBytes
		sum.Snappy, sum.Zstd = sum.Snappy+w.Snappy, sum.Zstd+w.Zstd
		if w.Documents > 0 {
			t.Logf("%-10s %5d documents %8d bytes (%5d each), %8d by snappy, %8d by zstd, %5d index entries %7d bytes", c, w.Documents, w.Bytes, w.Bytes/w.Documents, w.Snappy, w.Zstd, w.Keys, w.KeyBytes)
		}
	}
	h := empty["heads"]
	t.Logf("before it: %d heads of %d bytes, %d bytes of index each", h.Documents, h.Bytes/h.Documents, h.KeyBytes/h.Documents)
	t.Logf("%-10s %5d documents %8d bytes, %8d by snappy, %8d by zstd, %5d index entries %7d bytes", "all", sum.Documents, sum.Bytes, sum.Snappy, sum.Zstd, sum.Keys, sum.KeyBytes)
	head, err := m.w.App.Engine.Store.Head(t.Context(), m.scope)
	m.ok(err)
	books, bodies, entries := 0, 0, 0
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		e, err := m.w.App.Engine.Store.Entry(t.Context(), m.scope, head.Generation.Count, seq)
		m.ok(err)
		body, err := e.Body()
		m.ok(err)
		bodies, books = bodies+len(body), books+len(encode(t, e.Pages))
		for _, p := range e.Pages {
			entries = max(entries, len(p.Entries))
		}
	}
	t.Logf("the business's log: %d commits, %d bytes, of which %d are pages of the verdict book", head.Applied, bodies, books)
	const written = 7 // records of an evening: the sales and a task, or a correction
	page, commit, record := full["state"].Largest, bodies/int(head.Applied), full["state"].Bytes/full["state"].Documents
	t.Logf("an evening touches 2 heads, a page of %d entries and %d bytes, a commit of %d bytes and %d records of %d bytes: %d bytes",
		entries, page, commit, written, record, 2*h.Bytes/h.Documents+page+commit+written*record)
	if entries != merge.PageSize {
		t.Errorf("no page of the verdict book was full: %d entries", entries)
	}
	if sum.Documents < days*daily || sum.Documents > 4*days*daily || sum.Bytes > days*daily*8_000 {
		t.Errorf("a season weighs %+v: correct docs/scale.md", sum)
	}
}

// TestWhatARegistrationWeighs lets a hundred owners log in on one phone each and make
// their business known, and prints what one of them left in each collection.
func TestWhatARegistrationWeighs(t *testing.T) {
	t.Parallel()
	const owners = 100
	address := mongotest.Address(t)
	name := address[strings.LastIndex(address, "/")+1 : strings.LastIndex(address, "?")]
	w := open(t, play.AmountStart(), play.Options{Path: address, Rand: always(), Crowd: owners})
	s := &scene{TB: t, w: w}
	before := weights(t, address, name)
	for n := range owners {
		p := s.enter(w.Neighbour(n), fmt.Sprint("phone ", n))
		_, err := w.Found(t.Context(), p, fmt.Sprint("Warung ", n), "18.10")
		s.ok(err)
		s.sync(p, p)
	}
	s.ok(w.App.Auth.Flush(t.Context()))
	after := weights(t, address, name)
	t.Logf("%d owners with a phone and a business each; for one of them:", owners)
	for _, c := range slices.Sorted(maps.Keys(after)) {
		a, b := after[c], before[c]
		if n := a.Documents - b.Documents; n > 0 {
			each := func(now, was int) float64 { return float64(now-was) / owners }
			t.Logf("%-10s %5.2f documents %6.0f bytes (%5d each), %6.0f by snappy, %6.0f by zstd, %5.2f index entries %5.0f bytes", c, each(a.Documents, b.Documents),
				each(a.Bytes, b.Bytes), (a.Bytes-b.Bytes)/n, each(a.Snappy, b.Snappy), each(a.Zstd, b.Zstd), each(a.Keys, b.Keys), each(a.KeyBytes, b.KeyBytes))
		}
	}
	for c, want := range map[string]int{"users": 1, "sessions": 1, "devices": 1, "names": 1, "contacts": 1, "heads": 2} {
		if n := after[c].Documents - before[c].Documents; n < want*owners || n > want*owners+owners/10 {
			t.Errorf("%d %s of %d owners: correct docs/scale.md", n, c, owners)
		}
	}
}

// always is the randomness of a weighing, so that it gives the same at every run.
func always() io.Reader { return &steady{src: rand.NewChaCha8([32]byte{7})} }

func weights(t *testing.T, address, name string) map[string]mongotest.Weight {
	t.Helper()
	all, err := mongotest.Weigh(t.Context(), address, name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]mongotest.Weight{}
	for _, w := range all {
		out[w.Collection] = w
	}
	return out
}
