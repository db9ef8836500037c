package play_test

import (
	"fmt"
	"maps"
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
	m := accompany(t, func(o *play.Options) { o.Path, o.Store, o.Identity = address, nil, nil })
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
	books, bodies := 0, 0
	for seq := merge.Seq(1); seq <= head.Applied; seq++ {
		e, err := m.w.App.Engine.Store.Entry(t.Context(), m.scope, head.Generation.Count, seq)
		m.ok(err)
		body, err := e.Body()
		m.ok(err)
		bodies, books = bodies+len(body), books+len(encode(t, e.Pages))
	}
	t.Logf("the business's log: %d commits, %d bytes, of which %d are pages of the verdict book", head.Applied, bodies, books)
	if sum.Documents < days*daily || sum.Documents > 4*days*daily || sum.Bytes > days*daily*8_000 {
		t.Errorf("a season weighs %+v: correct docs/scale.md", sum)
	}
}

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
