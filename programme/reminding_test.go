package programme_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
)

// troubled are two processes that look at the calendar by a store which refuses some calls.
type troubled struct {
	*shop
	looks  [2]*programme.Reminding
	refuse func(storefault.Call) bool // nil: none
	calls  []time.Time                // of what was refused
}

func (o *office) troubled() *troubled {
	o.Helper()
	b := &troubled{shop: o.shop()}
	failing := storefault.NewFailing(b.Engine.Store, func(c storefault.Call) storefault.Fate {
		if b.refuse != nil && b.refuse(c) {
			b.calls = append(b.calls, b.clock.Now())
			return storefault.Refuse
		}
		return storefault.Live
	}, nil).Store()
	for i, s := range b.two {
		s.Engine.Store = failing
		b.looks[i] = &programme.Reminding{Service: s}
	}
	return b
}

// passes lets time pass up to an instant, with a look of both every ten seconds, and gives
// back how many looks failed.
func (b *troubled) passes(until string) (failed int) {
	b.Helper()
	for end := moment(until); b.clock.Now().Before(end); b.clock.Advance(10 * time.Second) {
		for _, l := range b.looks {
			if _, err := l.Look(b.Context()); err != nil {
				failed++
			}
		}
	}
	b.work()
	return failed
}

// TestALookThatFailedIsMadeAgainSoon: for a business that could not be read, and where the
// list of businesses could not; at each hour of reminders, once, and seldom while it lasts.
func TestALookThatFailedIsMadeAgainSoon(t *testing.T) {
	t.Parallel()
	reading := func(c storefault.Call) bool { return c.Method == "Changed" }
	listing := func(c storefault.Call) bool { return c.Method == "Scopes" }
	for name, tt := range map[string]struct {
		refuse     func(storefault.Call) bool
		from, back string // when the store fails, and works again
		until      string
		kind       string
		told       string // by then
	}{
		"a business at eight":                   {reading, "2022-03-29T00:59Z", "2022-03-29T01:03Z", "2022-03-29T01:12Z", domain.NoticeTaskDue, "N11 2022-03-29T01"},
		"the list at eight":                     {listing, "2022-03-29T00:59Z", "2022-03-29T01:03Z", "2022-03-29T01:12Z", domain.NoticeTaskDue, "N11 2022-03-29T01"},
		"a business at five":                    {reading, "2022-03-29T09:59Z", "2022-03-29T10:20Z", "2022-03-29T10:45Z", domain.NoticeVisitTomorrow, "visit_tomorrow 2022-03-29T10"},
		"a business at seven":                   {reading, "2022-03-23T11:59Z", "2022-03-23T12:03Z", "2022-03-23T12:12Z", domain.NoticeNothingLogged, "N22 2022-03-23T12"},
		"the list at seven":                     {listing, "2022-03-23T11:59Z", "2022-03-23T12:03Z", "2022-03-23T12:12Z", domain.NoticeNothingLogged, "N22 2022-03-23T12"},
		"a business all day, until the evening": {reading, "2022-03-23T00:59Z", "2022-03-23T13:30Z", "2022-03-23T13:55Z", domain.NoticeNothingLogged, "N22 2022-03-23T13"},
		"a business for two hours":              {reading, "2022-03-23T11:59Z", "2022-03-23T14:00Z", "2022-03-23T14:25Z", domain.NoticeNothingLogged, "N22 2022-03-23T14"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t).troubled()
			b.clock.Set(moment("2022-03-20T01:00Z"))
			b.writes(b.scope, b.mentor, "mentor", "task", b.ids.New(), true, fieldsOf("title", "Foto produk", "origin", "mentor", "due_on", "2022-03-29"))
			b.writes(b.scope, b.mentor, "mentor", "visit", b.ids.New(), true, fieldsOf("kind", "visit", "planned_at", "2022-03-30T03:00:00.000Z"))
			b.clock.Set(moment(tt.from).Add(-time.Minute))
			b.passes(tt.from)
			already := b.told(b.owner, tt.kind)
			b.refuse = tt.refuse
			if b.passes(tt.back) == 0 {
				t.Fatal("no look failed")
			}
			lasted := moment(tt.back).Sub(moment(tt.from))
			if most := 2 * (5 + int(lasted/(15*time.Minute))); len(b.calls) > most {
				t.Errorf("%d looks in %s, at most %d: %v", len(b.calls), lasted, most, b.calls)
			}
			b.refuse = nil
			if n := b.passes(tt.until); n > 0 {
				t.Errorf("%d looks failed with a store that works", n)
			}
			got := slices.DeleteFunc(b.told(b.owner, tt.kind), func(s string) bool { return slices.Contains(already, s) })
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.told) {
				t.Errorf("told %v, want one of %s", got, tt.told)
			}
			b.clock.Set(moment(tt.until).Truncate(time.Hour).Add(time.Hour))
			b.passes(b.clock.Now().Add(12 * time.Hour).Format("2006-01-02T15:04Z07:00"))
			if again := b.told(b.owner, tt.kind); len(again) != len(already)+1 {
				t.Errorf("told again: %v", again)
			}
		})
	}
}

// TestProcessesComeBackApart: what failed for both at one moment is not looked at again at
// one moment by both, nor all businesses at once.
func TestProcessesComeBackApart(t *testing.T) {
	t.Parallel()
	b := open(t).troubled()
	for range 20 {
		b.branch(b.owner, "18.71")
	}
	b.clock.Set(moment("2022-03-29T00:59Z"))
	b.passes("2022-03-29T00:59Z")
	b.refuse = func(c storefault.Call) bool { return c.Method == "Changed" }
	b.clock.Set(moment("2022-03-29T01:00Z"))
	b.passes("2022-03-29T01:01Z")
	first := len(b.calls)
	b.passes("2022-03-29T01:02Z")
	at := map[time.Time]int{}
	for _, c := range b.calls[first:] {
		at[c]++
	}
	if len(at) < 3 || first != 2*21 || len(b.calls) != 2*first {
		t.Errorf("%d looks at first, %d in all, again at %v", first, len(b.calls), at)
	}
}
