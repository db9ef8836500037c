package play_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// bell is what a scheduler does with the rows of the server: at every look it
// gives the reminders that became due since the look before, as the rows are by
// then. Two of them, and one that starts anew, share what was given.
type bell struct {
	*scene
	cases map[string]string // by scope
	given map[string]bool   // by key, as a database would keep it
	rang  map[string][]string
	last  map[int]time.Time // of each worker; forgotten when it starts anew
}

// look is one look of one worker.
func (b *bell) look(worker int) {
	b.Helper()
	now := b.w.Clock.Now()
	since, ok := b.last[worker]
	if !ok { // it knows nothing of before, and looks back a while
		since = now.Add(-12 * time.Hour)
	}
	for scope, record := range b.cases {
		b.scope = scope
		zone := domain.Zone(b.held("business", strings.TrimPrefix(scope, "business/")).Text("zone"))
		var steps map[string]struct {
			Due  domain.Date `json:"due_on"`
			Done domain.Date `json:"done_at"`
		}
		b.ok(json.Unmarshal(b.held("case", record).Fields["milestones"], &steps))
		step := steps["documents"]
		if step.Done != "" {
			continue
		}
		for _, r := range domain.PlanReminders("case/"+record+"/documents", step.Due, zone, since) {
			if !r.At.After(now) && !b.given[r.Key()] {
				b.given[r.Key()] = true
				b.rang[scope] = append(b.rang[scope], r.At.Format("2006-01-02T15:04Z"))
			}
		}
	}
	b.last[worker] = now
}

// until lets time pass to an instant of June in WIB, with a look of each worker
// every hour.
func (b *bell) until(day, hour, minute int) {
	b.Helper()
	end := time.Date(2022, time.June, day, hour, minute, 0, 0, domain.WIB.Location())
	for next := b.w.Clock.Now().Truncate(time.Hour).Add(time.Hour); next.Before(end); next = next.Add(time.Hour) {
		b.w.Clock.Set(next)
		b.look(1)
		b.look(2)
	}
	b.w.At(time.June, day, hour, minute)
}

// due keeps a date of the milestone on the mentor's phone, for every case.
func (b *bell) due(p *play.Phone, day string) {
	b.Helper()
	for scope, record := range b.cases {
		b.scope = scope
		b.write(p, "case", record, map[string]any{"milestones": map[string]any{"documents": map[string]any{"due_on": day}}})
	}
}

// TestACertificationDeadlineInThreeZones is story A9, but for the pushes: three
// owners' HACCP cases whose documents are due on 17 June, and a mentor who moves
// the date without a network.
func TestACertificationDeadlineInThreeZones(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playDeadline(t, on)
		})
	}
}

func playDeadline(t *testing.T, on func(play.Options) play.Options) {
	b := &bell{scene: set(t, func(o *play.Options) {
		o.Store, o.Identity = nil, nil
		*o = on(*o)
	}), cases: map[string]string{}, given: map[string]bool{}, rang: map[string][]string{}, last: map[int]time.Time{}}
	desk, mentor := b.enter(b.w.Person("Bu Ratna"), "desk"), b.enter(b.w.Person("Bu Sinta"), "mentor")
	lampung := b.scope
	scopes := map[domain.Zone]string{domain.WIB: lampung}
	for zone, region := range map[domain.Zone]string{domain.WITA: "73.71", domain.WIT: "91.71"} {
		business, err := b.w.Found(t.Context(), b.owner, "Cabang "+zone.Abbreviation(), region)
		b.ok(err)
		scopes[zone] = "business/" + business
	}
	b.w.At(time.June, 1, 9, 0)
	b.ok(desk.Login(t.Context()))
	b.ok(mentor.Login(t.Context()))
	b.ok(b.owner.Login(t.Context()))
	for _, scope := range scopes {
		_, err := b.w.Assign(t.Context(), desk, strings.TrimPrefix(scope, "business/"), mentor.Who)
		b.ok(err)
	}
	b.sync(b.owner, mentor)
	for zone, scope := range scopes {
		b.scope = scope
		b.cases[scope] = b.write(b.owner, "case", "", map[string]any{"kind": "haccp", "category": "food_beverage", "subject": map[string]any{"type": "facility", "name": "Dapur " + zone.Abbreviation()}})
	}
	b.scope = lampung
	b.write(b.owner, "case", "", map[string]any{"kind": "skkni", "subject": map[string]any{"type": "business"}})
	b.sync(b.owner, mentor)
	refused, err := b.owner.Refused()
	b.ok(err)
	if len(refused) != 1 || refused[0].Code != "case_subject_mismatch" {
		t.Errorf("SKKNI without a person: %+v", refused)
	}
	b.approve(desk)
	b.due(mentor, "2022-06-17")
	b.sync(mentor, b.owner)

	b.until(13, 10, 0)
	b.due(mentor, "2022-06-24") // without a network
	b.until(15, 12, 0)
	delete(b.last, 2) // one worker starts anew
	b.until(15, 20, 0)
	b.ok(mentor.Login(t.Context()))
	b.sync(mentor, b.owner)
	b.until(24, 12, 0)
	b.done()
	b.until(27, 12, 0)
	for zone, want := range map[domain.Zone][]string{
		domain.WIB:  {"2022-06-10T01:00Z", "2022-06-14T01:00Z", "2022-06-17T01:00Z", "2022-06-21T01:00Z", "2022-06-23T01:00Z", "2022-06-24T01:00Z"},
		domain.WITA: {"2022-06-10T00:00Z", "2022-06-14T00:00Z", "2022-06-17T00:00Z", "2022-06-21T00:00Z", "2022-06-23T00:00Z", "2022-06-24T00:00Z"},
		domain.WIT:  {"2022-06-09T23:00Z", "2022-06-13T23:00Z", "2022-06-16T23:00Z", "2022-06-20T23:00Z", "2022-06-22T23:00Z", "2022-06-23T23:00Z"},
	} {
		if got := b.rang[scopes[zone]]; !slices.Equal(got, want) {
			t.Errorf("%s: reminded at %v, want %v", zone.Abbreviation(), got, want)
		}
	}
}

// approve lets the admin, who pays, approve every case.
func (b *bell) approve(desk *play.Phone) {
	b.Helper()
	for scope, record := range b.cases {
		var r seenRecord
		path := "/v1/businesses/" + strings.TrimPrefix(scope, "business/")
		b.ok(desk.Send(b.Context(), http.MethodGet, path+"/records/case/"+record, "", nil, &r))
		b.ok(desk.Send(b.Context(), http.MethodPost, path+"/cases/"+record+"/events", r.Etag, map[string]any{"op": "approve", "patch": map[string]any{"deadline_on": "2022-09-30"}}, nil))
	}
}

// done lets the owner hand in the documents.
func (b *bell) done() {
	b.Helper()
	b.ok(b.owner.Login(b.Context()))
	for scope, record := range b.cases {
		b.scope = scope
		b.write(b.owner, "case", record, map[string]any{"milestones": map[string]any{"documents": map[string]any{"done_at": "2022-06-24"}}})
	}
	b.sync(b.owner)
}
