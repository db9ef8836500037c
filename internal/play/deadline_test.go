package play_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	server "github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// bell lets two servers on one database look for reminders, every hour and at
// once.
type bell struct {
	*scene
	cases   map[string]string // by scope
	workers [2]*server.App
	senders [2]*notify.Service // of pushes, in a world where phones ring
}

// begin starts a worker anew, as another program on the same database.
func (b *bell) begin(worker int) {
	b.Helper()
	a, err := server.New(b.Context(), play.Settings(""), server.Options{Clock: b.w.Clock, Store: b.w.App.Store, Identity: &storefault.MemoryIdentity{}, Schema: b.w.Schema,
		Log: slog.New(slog.DiscardHandler), Stderr: io.Discard, Version: "demo"})
	b.ok(err)
	b.workers[worker] = a
	b.senders[worker] = b.w.Dispatcher(b.w.App.Push.Store)
}

// look is one look of both workers.
func (b *bell) look() {
	b.Helper()
	var both sync.WaitGroup
	errs := make([]error, len(b.workers))
	for i, w := range b.workers {
		both.Go(func() { _, errs[i] = w.Programme.Remind(b.Context()) })
	}
	both.Wait()
	b.ok(errors.Join(errs...))
	if b.owner.Bell == nil {
		return
	}
	b.ok(b.w.Both(b.Context(), worksAll))
	for range 3 {
		b.w.Clock.Advance(15 * time.Second)
		b.ok(play.Rounds(b.Context(), b.senders[0], b.senders[1]))
	}
}

// rang lists when a phone rang for the step of the case of a scope, in the order of time.
func (b *bell) rang(p *play.Phone, scope, step string) (at []string) {
	b.Helper()
	rows, err := b.w.Rows(b.Context(), merge.UserScope(p.Who.User), "inbox")
	b.ok(err)
	for _, d := range p.Rang(domain.NoticeCaseDue) {
		if d.Content.Android.Priority == "high" || d.Content.Android.CollapseKey != "reminder" || d.Content.Android.TTL == "" {
			b.Errorf("a reminder as %+v", d.Content.Android)
		}
		for _, item := range strings.Split(d.Content.Data["items"], ",") {
			i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.ID == item })
			if i < 0 {
				b.Fatalf("a push about %q, which is not in the inbox", item)
			}
			var says struct{ Kind, Step string }
			b.ok(json.Unmarshal(rows[i].Fields["params"], &says))
			if rows[i].Text("scope") == scope && says.Step == step && says.Kind == "haccp" {
				at = append(at, d.At.UTC().Format("2006-01-02T15:04Z"))
			}
		}
	}
	return at
}

// until lets time pass to an instant of June in WIB, with a look every hour.
func (b *bell) until(day, hour, minute int) {
	b.Helper()
	end := time.Date(2022, time.June, day, hour, minute, 0, 0, domain.WIB.Location())
	for next := b.w.Clock.Now().Truncate(time.Hour).Add(time.Hour); next.Before(end); next = next.Add(time.Hour) {
		b.w.Clock.Set(next)
		b.look()
	}
	b.w.At(time.June, day, hour, minute)
}

// told lists when the inbox of a person was told of a step of the case of a scope,
// in the order of time; "" is the deadline.
func (b *bell) told(who *play.Person, scope, step string) (at []string) {
	b.Helper()
	rows, err := b.w.Rows(b.Context(), merge.UserScope(who.User), "inbox")
	b.ok(err)
	for _, r := range rows {
		var says struct{ Kind, Step, Due string }
		b.ok(json.Unmarshal(r.Fields["params"], &says))
		if r.Text("type") == domain.NoticeCaseDue && r.Text("scope") == scope && says.Step == step && says.Kind == "haccp" {
			made, err := merge.ParseInstant(r.Text("created_at"))
			b.ok(err)
			at = append(at, made.Time().UTC().Format("2006-01-02T15:04Z"))
		}
	}
	slices.Sort(at)
	return at
}

// due keeps a date of the milestone on the mentor's phone, for every case.
func (b *bell) due(p *play.Phone, day string) {
	b.Helper()
	for scope, record := range b.cases {
		b.scope = scope
		b.write(p, "case", record, map[string]any{"milestones": map[string]any{"documents": map[string]any{"due_on": day}}})
	}
}

// TestACertificationDeadlineInThreeZones is story A9: what the server wrote into the
// inboxes of owner and mentor, when, and when their phones rang for it. There are three
// HACCP cases of one owner whose documents are due on 17 June, and a mentor who moves the
// date without a network. Two processes plan and two send, at once, and some of them start
// anew on the way; each phone rings for each reminder once.
func TestACertificationDeadlineInThreeZones(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playDeadline(t, on)
		})
	}
}

// setBell gives everybody a login of 1 June, an admin and a mentor too.
func setBell(t *testing.T, change ...func(*play.Options)) (b *bell, desk, mentor *play.Phone) {
	t.Helper()
	b = &bell{scene: set(t, change...), cases: map[string]string{}}
	b.begin(0)
	b.begin(1)
	desk, mentor = b.enter(b.w.Person("Bu Ratna"), "desk"), b.enter(b.w.Person("Bu Sinta"), "mentor")
	b.w.At(time.June, 1, 9, 0)
	b.login(desk, mentor, b.owner)
	return b, desk, mentor
}

func (b *bell) login(phones ...*play.Phone) {
	b.Helper()
	for _, p := range phones {
		b.ok(p.Login(b.Context()))
	}
}

// propose keeps a HACCP case of the scope's kitchen.
func (b *bell) propose(kitchen string) {
	b.Helper()
	b.cases[b.scope] = b.write(b.owner, "case", "", map[string]any{"kind": "haccp", "category": "food_beverage", "subject": map[string]any{"type": "facility", "name": kitchen}})
}

func playDeadline(t *testing.T, on func(play.Options) play.Options) {
	var log *journal
	var fake *fcmfake.Server
	b, desk, mentor := setBell(t, func(o *play.Options) {
		o.Store, o.Identity = nil, nil
		rings(t, o, play.AmountStart())
		log, fake = listened(o), o.Google
		*o = on(*o)
	})
	lampung := b.scope
	b.login(b.tablet)
	scopes := map[domain.Zone]string{domain.WIB: lampung}
	for zone, region := range map[domain.Zone]string{domain.WITA: "73.71", domain.WIT: "91.71"} {
		business, err := b.w.Found(t.Context(), b.owner, "Cabang "+zone.Abbreviation(), region)
		b.ok(err)
		scopes[zone] = "business/" + business
	}
	for _, scope := range scopes {
		_, err := b.w.Assign(t.Context(), desk, strings.TrimPrefix(scope, "business/"), mentor.Who)
		b.ok(err)
	}
	b.sync(b.owner, mentor)
	for zone, scope := range scopes {
		b.scope = scope
		b.propose("Dapur " + zone.Abbreviation())
	}
	b.scope = lampung
	b.write(b.owner, "case", "", map[string]any{"kind": "skkni", "subject": map[string]any{"type": "business"}})
	b.sync(b.owner, mentor)
	refused, err := b.owner.Refused()
	b.ok(err)
	if len(refused) != 1 || refused[0].Code != "case_subject_mismatch" {
		t.Errorf("SKKNI without a person: %+v", refused)
	}
	b.approve(desk, "2022-09-30")
	b.due(mentor, "2022-06-17")
	b.sync(mentor, b.owner)

	b.until(13, 10, 0)
	b.due(mentor, "2022-06-24") // without a network
	b.until(15, 12, 0)
	b.begin(1) // one worker starts anew
	b.until(15, 20, 0)
	b.login(mentor)
	b.sync(mentor, b.owner)
	b.until(19, 12, 0)
	b.begin(0)
	b.until(24, 12, 0)
	b.done()
	b.until(27, 12, 0)
	for zone, want := range map[domain.Zone][]string{
		domain.WIB:  {"2022-06-10T01:00Z", "2022-06-14T01:00Z", "2022-06-17T01:00Z", "2022-06-21T01:00Z", "2022-06-23T01:00Z", "2022-06-24T01:00Z"},
		domain.WITA: {"2022-06-10T00:00Z", "2022-06-14T00:00Z", "2022-06-17T00:00Z", "2022-06-21T00:00Z", "2022-06-23T00:00Z", "2022-06-24T00:00Z"},
		domain.WIT:  {"2022-06-09T23:00Z", "2022-06-13T23:00Z", "2022-06-16T23:00Z", "2022-06-20T23:00Z", "2022-06-22T23:00Z", "2022-06-23T23:00Z"},
	} {
		for _, who := range []*play.Person{b.owner.Who, mentor.Who} {
			if got := b.told(who, scopes[zone], "haccp/documents"); !slices.Equal(got, want) {
				t.Errorf("%s, %s: reminded at %v, want %v", zone.Abbreviation(), who.Name, got, want)
			}
		}
		for _, p := range []*play.Phone{b.owner, b.tablet, mentor} {
			if got := b.rang(p, scopes[zone], "haccp/documents"); !slices.Equal(got, want) {
				t.Errorf("%s, %s rang at %v, want %v", zone.Abbreviation(), p.Name, got, want)
			}
		}
	}
	b.others(scopes[domain.WIB], b.owner.Who)
	keepsQuiet(t, fake, log, "Dapur", "Cabang", "Rafins", b.owner.Who.Name, mentor.Who.Name)
}

// others wants the reminders of a step that the approval dated: 121 days for seven
// steps, the first of them due on 19 June; none of the deadline, which is far off.
func (b *bell) others(scope string, who *play.Person) {
	b.Helper()
	want := []string{"2022-06-12T01:00Z", "2022-06-16T01:00Z", "2022-06-18T01:00Z", "2022-06-19T01:00Z", "2022-06-20T01:00Z"}
	if got := b.told(who, scope, "haccp/gap_check"); !slices.Equal(got, want) {
		b.Errorf("the first step: %v, want %v", got, want)
	}
	if got := b.told(who, scope, ""); got != nil {
		b.Errorf("the deadline: %v", got)
	}
}

// TestWhatIsDatedAfterTheHourIsNotRemindedOfThatHour: an approval at half past nine
// with a deadline a week ahead, and documents that are then due tomorrow, remind
// nobody of eight o'clock that day; the next day they do.
func TestWhatIsDatedAfterTheHourIsNotRemindedOfThatHour(t *testing.T) {
	t.Parallel()
	b, desk, mentor := setBell(t)
	_, err := b.w.Assign(t.Context(), desk, strings.TrimPrefix(b.scope, "business/"), mentor.Who)
	b.ok(err)
	b.sync(b.owner, mentor)
	b.propose("Dapur")
	b.sync(b.owner, mentor)
	b.until(16, 9, 30)
	b.login(desk, mentor, b.owner)
	b.approve(desk, "2022-06-23")
	b.due(mentor, "2022-06-17")
	b.sync(mentor, b.owner)
	b.until(17, 12, 0)
	want := map[string][]string{"": nil, "haccp/documents": {"2022-06-17T01:00Z"}, "haccp/gap_check": {"2022-06-17T01:00Z"}, "haccp/internal_audit": nil}
	for step, want := range want {
		if got := b.told(b.owner.Who, b.scope, step); !slices.Equal(got, want) {
			t.Errorf("%q: reminded at %v, want %v", step, got, want)
		}
	}
}

// approve lets the admin, who pays, approve every case.
func (b *bell) approve(desk *play.Phone, deadline string) {
	b.Helper()
	for scope, record := range b.cases {
		var r seenRecord
		path := "/v1/businesses/" + strings.TrimPrefix(scope, "business/")
		b.ok(desk.Send(b.Context(), http.MethodGet, path+"/records/case/"+record, "", nil, &r))
		b.ok(desk.Send(b.Context(), http.MethodPost, path+"/cases/"+record+"/events", r.Etag, map[string]any{"op": "approve", "patch": map[string]any{"deadline_on": deadline}}, nil))
	}
}

// done lets the owner hand in the documents.
func (b *bell) done() {
	b.Helper()
	b.login(b.owner)
	for scope, record := range b.cases {
		b.scope = scope
		b.write(b.owner, "case", record, map[string]any{"milestones": map[string]any{"documents": map[string]any{"done_at": "2022-06-24"}}})
	}
	b.sync(b.owner)
}
