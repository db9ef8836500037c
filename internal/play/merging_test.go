package play_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
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
			for n, failed := 1, true; failed; n += every() {
				m := setMerging(t)
				whole := m.w.App.Engine.Store
				sold := m.offline()
				m.ok(m.merge())
				m.ok(m.staff.Sync(t.Context()))
				m.ok(m.mentor.Sync(t.Context()))
				failing := storefault.NewFailing(whole, plan(n), nil)
				m.w.App.Engine.Store = failing.Store()
				_, err := m.w.App.Engine.Work(t.Context())
				failed = err != nil || n < 90 // what is tried again at once hides a failure
				m.w.App.Engine.Store = whole
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

// merged merges and lets everybody hear of it.
func (m *merging) merged() {
	m.Helper()
	m.ok(m.merge())
	m.ok(m.w.Step(m.Context()))
	m.sync(m.owner, m.mentor, m.staff)
	m.w.Clock.Advance(time.Hour)
}

// round sends what phones have, and what it causes.
func (m *merging) round() {
	m.Helper()
	for range 2 {
		m.sync(m.staff, m.mentor, m.owner)
		m.ok(m.w.Step(m.Context()))
	}
	m.sync(m.staff, m.mentor, m.owner)
}

// alike fails unless a record shows the same in both scopes, and gives it.
func (m *merging) alike(collection, id string) merge.Row {
	m.Helper()
	was := m.scope
	defer func() { m.scope = was }()
	m.scope = m.old
	old := m.held(collection, id)
	m.scope = m.survivor
	got := m.held(collection, id)
	if string(old.EncodeFields()) != string(got.EncodeFields()) {
		m.Errorf("%s\n old one  %s\n survivor %s", collection, old.EncodeFields(), got.EncodeFields())
	}
	return got
}

// none fails if a phone has records of a collection of its user.
func (m *merging) none(p *play.Phone, collection string) {
	m.Helper()
	rows, err := p.Rows(merge.UserScope(p.Me().User), collection)
	m.ok(err)
	for _, r := range rows {
		m.Errorf("%s of %s: %s", collection, p.Name, r.EncodeFields())
	}
}

// TestAMergerKeepsTheOrderOfOneAuthor: a phone reboots into a wrong year between
// two edits of one field. Only the scope that it wrote to knows their order.
func TestAMergerKeepsTheOrderOfOneAuthor(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	m.merged()
	m.price(m.staff, 17_000)
	m.w.Clock.Advance(time.Hour)
	m.staff.Reboot()
	m.staff.SetClock(-10 * 365 * 24 * time.Hour)
	m.price(m.staff, 18_000)
	m.w.Clock.Advance(time.Hour)
	m.staff.Reboot()
	m.staff.SetClock(0)
	m.w.Clock.Advance(time.Hour)
	m.round()
	if got := m.alike("product", m.product).Int("price_idr"); got != 18_000 {
		t.Errorf("price %d", got)
	}
}

// TestAMergerMakesNobodyHearMore: the mentor's tablet is offline while her phone
// verifies a task; at the tablet she moves its date, and may, for she cannot know.
func TestAMergerMakesNobodyHearMore(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	tablet := m.enter(m.mentor.Who, "tablet")
	m.sync(tablet)
	m.merged()
	m.sync(tablet) // the last that it hears
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"})
	m.round()
	m.w.Clock.Advance(time.Hour)
	m.write(tablet, "task", m.task, map[string]any{"due_on": "2022-05-01"})
	m.w.Clock.Advance(time.Hour)
	m.sync(tablet)
	m.round()
	if got := m.alike("task", m.task).Text("due_on"); got != "2022-05-01" {
		t.Errorf("due on %q", got)
	}
	m.none(m.mentor, "quarantine")
}

// TestAMergerLetsGoWhatIsTakenOff: what somebody takes off after a merger is off
// in the survivor too, whether it was there before the merger, or came after it.
func TestAMergerLetsGoWhatIsTakenOff(t *testing.T) {
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprintf("added before %t", before), func(t *testing.T) {
			t.Parallel()
			m := setMerging(t)
			photo := m.write(m.owner, "attachment", "", map[string]any{"bytes": 1000, "mime": "image/jpeg",
				"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"})
			change := func(e replica.Edit) {
				t.Helper()
				e.Scope, e.Collection, e.ID = m.old, "product", m.product
				_, err := m.owner.Do(e)
				m.ok(err)
			}
			photos := map[string][]string{"photos": {photo}}
			if before {
				change(replica.Edit{Add: photos})
				m.sync(m.owner)
				m.merged()
			} else {
				m.merged()
				change(replica.Edit{Add: photos})
				m.sync(m.owner)
				m.ok(m.w.Step(t.Context()))
				if got := m.alike("product", m.product).Strings("photos"); len(got) != 1 {
					t.Fatalf("photos %v", got)
				}
				change(replica.Edit{Remove: photos})
				change(replica.Edit{Add: photos}) // which its next edit had seen without the server's word
			}
			change(replica.Edit{Remove: photos})
			m.round()
			if got := m.alike("product", m.product).Strings("photos"); len(got) != 0 {
				t.Errorf("photos %v", got)
			}
		})
	}
}

// TestAMergerCoversNothingOfTheSurvivor: an edit that comes from the old record
// has not seen what others wrote into the survivor; what loses is in the journal.
func TestAMergerCoversNothingOfTheSurvivor(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	m.merged()
	m.price(m.staff, 17_000)
	m.scope = m.survivor
	m.write(m.owner, "product", m.product, map[string]any{"price_idr": 19_000})
	m.sync(m.owner)
	m.w.Clock.Advance(time.Minute)
	m.scope = m.old
	m.round()
	journal, err := m.owner.Rows(m.survivor, "journal")
	m.ok(err)
	if len(journal) != 1 || journal[0].Text("field") != "price_idr" {
		t.Errorf("journal of the survivor: %v", journal)
	}
}

// asleep is a store whose effects nobody sees.
type asleep struct{ store.Store }

func (asleep) Waiting(context.Context, string, int) ([]store.Head, error) { return nil, nil }

// TestAnEditBetweenAMergerAndItsTakeOverIsThereOnce, with what it causes.
func TestAnEditBetweenAMergerAndItsTakeOverIsThereOnce(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	whole := m.w.App.Engine.Store
	before := m.notices()
	m.w.App.Engine.Store = asleep{whole}
	m.ok(m.merge())
	m.price(m.staff, 17_000)
	m.price(m.staff, 18_000)
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"})
	m.ok(m.staff.Sync(t.Context()))
	m.ok(m.mentor.Sync(t.Context()))
	m.w.App.Engine.Store = whole
	m.round()
	if got := m.alike("product", m.product).Int("price_idr"); got != 18_000 {
		t.Errorf("price %d", got)
	}
	m.alike("task", m.task)
	if journal, err := m.owner.Rows(m.survivor, "journal"); err != nil || len(journal) != 0 {
		t.Errorf("journal of the survivor: %v, %v", journal, err)
	}
	if got := m.notices(); got != before+1 {
		t.Errorf("%d notices more for the owner, want 1", got-before)
	}
}

func (m *merging) notices() int {
	m.Helper()
	m.sync(m.owner)
	rows, err := m.owner.Rows(merge.UserScope(m.owner.Me().User), "inbox")
	m.ok(err)
	return len(rows)
}

// TestAMergerTellsEverybodyOnce: what happens in the old record later is told by
// the survivor alone.
func TestAMergerTellsEverybodyOnce(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	m.merged()
	before := m.notices()
	m.write(m.mentor, "task", "", map[string]any{"title": "Label baru", "origin": domain.OriginMentor})
	m.write(m.mentor, "task_event", "", map[string]any{"task_id": m.task, "op": "verify", "note": "kunjungan"})
	m.round()
	if got := m.notices(); got != before+2 {
		t.Errorf("%d notices more for the owner, want 2", got-before)
	}
}

// TestAMergerLeavesTheProfileBehind: the profile of the record that goes stays
// with it, and so do later edits of it.
func TestAMergerLeavesTheProfileBehind(t *testing.T) {
	t.Parallel()
	m := setMerging(t)
	m.merged()
	m.write(m.owner, "business", strings.TrimPrefix(m.old, "business/"), map[string]any{"name": "Nama Baru"})
	m.round()
	m.none(m.owner, "quarantine")
	m.scope = m.survivor
	if got := m.held("business", strings.TrimPrefix(m.survivor, "business/")).Text("name"); got != "Rafin Snack" {
		t.Errorf("name of the survivor: %q", got)
	}
}

// TestAMergerGivesTheNumberToItsSurvivor: both records show one business number,
// and whichever had it first, the survivor is not marked for it afterwards, nor
// does anything hold it twice, whatever call of the work behind it dies.
func TestAMergerGivesTheNumberToItsSurvivor(t *testing.T) {
	const nib = "8120000000001"
	for _, survivorFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("survivor first %t", survivorFirst), func(t *testing.T) {
			t.Parallel()
			for n, failed := 1, true; failed; n += every() {
				m := setMerging(t)
				whole := m.w.App.Engine.Store
				number := func(scope string) merge.Row {
					m.scope = scope
					return m.held("business", strings.TrimPrefix(scope, "business/"))
				}
				scopes := []string{m.old, m.survivor}
				if survivorFirst {
					scopes = []string{m.survivor, m.old}
				}
				for _, s := range scopes {
					m.scope = s
					m.write(m.owner, "business", strings.TrimPrefix(s, "business/"), map[string]any{"nib": nib})
					m.sync(m.owner)
					m.ok(m.w.Step(t.Context()))
				}
				m.sync(m.owner)
				if got := number(scopes[1]).Text("nib_taken"); got != nib {
					t.Fatalf("the second is not marked: %q", got)
				}
				m.ok(m.merge())
				failing := storefault.NewFailing(whole, storefault.At(n, storefault.DieAfter), nil)
				m.w.App.Engine.Store = failing.Store()
				_, err := m.w.App.Engine.Work(t.Context())
				failed = err != nil
				m.w.App.Engine.Store = whole
				m.ok(m.w.Step(t.Context()))
				m.sync(m.owner)
				for _, s := range scopes {
					if got := number(s).Text("nib_taken"); got != "" {
						t.Fatalf("call %d: %s is marked: %s", n, s, got)
					}
				}
				if has, err := whole.Holder(t.Context(), "business.nib", nib); err != nil || !strings.HasPrefix(has, m.survivor+"#") {
					t.Fatalf("call %d: %q has the number, %v", n, has, err)
				}
			}
		})
	}
}
