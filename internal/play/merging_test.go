package play_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// merging is a scene with a second record of the same enterprise, whose task a
// mentor looks after.
type merging struct {
	*scene
	mentor, admin *play.Phone
	old, survivor string // scopes
	task, sale    string // of the old one
}

func setMerging(t *testing.T, change ...func(*play.Options)) *merging {
	t.Helper()
	m := &merging{scene: set(t, change...)}
	m.old = m.scope
	second, err := m.w.Found(t.Context(), m.owner, "Rafin Snack", "18.10")
	m.ok(err)
	m.survivor = "business/" + second
	m.admin, m.mentor = m.enter(m.w.Person("Bu Ratna"), "office"), m.enter(m.w.Person("Bu Sinta"), "mentor")
	_, err = m.w.Assign(t.Context(), m.admin, strings.TrimPrefix(m.old, "business/"), m.mentor.Who)
	m.ok(err)
	m.sync(m.owner, m.mentor)
	m.sale = m.sell(m.owner, 10_000)
	m.task = m.write(m.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": domain.OriginMentor})
	m.sync(m.owner, m.mentor, m.staff, m.owner)
	return m
}

// merge asks the admin's screen to merge the old record into the survivor.
func (m *merging) merge() error {
	return m.admin.Send(m.Context(), http.MethodPost, "/v1/businesses/"+strings.TrimPrefix(m.old, "business/")+"/merge", "",
		map[string]any{"into": strings.TrimPrefix(m.survivor, "business/")}, nil)
}

// offline lets the mentor check the task off and the staff sell, without a
// network.
func (m *merging) offline() (sold string) {
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"})
	m.price(m.staff, 17_000)
	return m.sell(m.staff, 20_000)
}

// end fails unless the survivor has everything, once.
func (m *merging) end(sold string) {
	m.Helper()
	m.scope = m.survivor
	if got := m.sales(); len(got) != 2 || got[m.sale] != 10_000 || got[sold] != 20_000 {
		m.Errorf("sales of the survivor: %v", got)
	}
	task := m.held("task", m.task)
	if task.Text("state") != domain.TaskVerified || task.Text("verified_by") != m.mentor.Me().User {
		m.Errorf("task of the survivor: %s", task.EncodeFields())
	}
	if price := m.held("product", m.product).Int("price_idr"); price != 17_000 {
		m.Errorf("price %d", price)
	}
	m.settled(m.owner, m.mentor, m.staff)
	m.scope = m.old
	if got := m.sales(); len(got) != 2 || m.held("task", m.task).Text("state") != domain.TaskVerified {
		m.Errorf("the old record no longer says what was done: %v", got)
	}
	for _, p := range []*play.Phone{m.owner, m.mentor, m.staff} {
		if rows, err := p.Rows(merge.UserScope(p.Me().User), "quarantine"); err != nil || len(rows) != 0 {
			m.Errorf("%s has in quarantine: %v, %v", p.Name, rows, err)
		}
	}
}

// TestACheckOffOnAMergedEnterprise is the last but one row of the task's table:
// what phones write into the old record counts in the one that lives on, whether
// it arrives before the merger or after it.
func TestACheckOffOnAMergedEnterprise(t *testing.T) {
	for name, on := range stores(t) {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, synced first %t", name, first), func(t *testing.T) {
				t.Parallel()
				m := setMerging(t, func(o *play.Options) { *o = on(*o) })
				sold := m.offline()
				if first {
					m.sync(m.mentor, m.staff)
				}
				m.ok(m.merge())
				m.ok(m.merge()) // the answer got lost
				m.w.Clock.Advance(time.Minute)
				m.ok(m.w.Step(t.Context()))
				m.sync(m.staff, m.mentor, m.owner)
				m.ok(m.w.Step(t.Context()))
				m.sync(m.staff, m.mentor, m.owner)
				m.end(sold)
				later := m.sell(m.owner, 30_000) // days later, on a screen that still shows the old record
				m.sync(m.owner)
				m.ok(m.w.Step(t.Context()))
				m.scope = m.survivor
				if got := m.sales(); len(got) != 3 || got[later] != 30_000 {
					t.Errorf("sales of the survivor: %v", got)
				}
			})
		}
	}
}

// TestAMergerSurvivesEveryCrash dies, or fails once, at every call of the work
// behind a merger.
func TestAMergerSurvivesEveryCrash(t *testing.T) {
	for name, plan := range map[string]func(n int) storefault.Plan{
		"dies":         func(n int) storefault.Plan { return storefault.At(n, storefault.DieAfter) },
		"is not heard": func(n int) storefault.Plan { return storefault.At(n, storefault.Lose) },
		"fails thrice": func(n int) storefault.Plan {
			calls := 0
			return func(storefault.Call) storefault.Fate {
				if calls++; calls >= n && calls < n+3 {
					return storefault.Refuse
				}
				return storefault.Live
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := 1, true; failed; n++ {
				poor := storefault.NewPoor()
				m := setMerging(t, func(o *play.Options) { o.Store = poor })
				sold := m.offline()
				m.ok(m.merge())
				m.ok(m.staff.Sync(t.Context()))
				m.ok(m.mentor.Sync(t.Context()))
				failing := storefault.NewFailing(poor, plan(n), nil)
				m.w.App.Engine.Store = failing.Store()
				_, err := m.w.App.Engine.Work(t.Context())
				failed = err != nil || n < 90 // what is tried again at once hides a failure
				m.w.App.Engine.Store = poor
				m.ok(m.w.Step(t.Context()))
				m.sync(m.staff, m.mentor, m.owner)
				if m.end(sold); t.Failed() {
					t.Fatalf("call %d", n)
				}
			}
		})
	}
}

// TestWhoMayMerge: admins may, once and in one direction.
func TestWhoMayMerge(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	m.ok(m.merge())
	m.old, m.survivor = m.survivor, m.old
	if err := m.merge(); fault.CodeOf(err) != "business_merged" {
		t.Errorf("back again: %v", err)
	}
}
