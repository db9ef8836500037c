package play_test

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/fcm"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// google is the push service that phones hear, and the sender that speaks to it through
// Firebase's SDK.
func google(t testing.TB, now interface{ Now() time.Time }) (*fcmfake.Server, map[string]notify.Sender) {
	t.Helper()
	fake, err := fcmfake.New(fcmfake.Options{Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(fake)
	t.Cleanup(h.Close)
	credentials, err := fake.Credentials(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := fcm.New(t.Context(), fcm.Options{Credentials: credentials, Endpoint: h.URL, Transport: &http.Transport{MaxIdleConnsPerHost: 64}})
	if err != nil {
		t.Fatal(err)
	}
	return fake, map[string]notify.Sender{fcm.Provider: sender}
}

// rings sets up phones that ring in a world that begins at an instant.
func rings(t testing.TB, o *play.Options, at time.Time) {
	t.Helper()
	o.Clock = clock.At(at)
	o.Google, o.Push = google(t, o.Clock)
}

// later is a clock that is set once the world has one.
type later struct{ of atomic.Pointer[play.World] }

func (l *later) Now() time.Time {
	if w := l.of.Load(); w != nil {
		return w.Clock.Now()
	}
	return play.LagawiStart()
}

// mortalPushes is a store as a process sees it that dies behind so many writes: those that
// it makes then are not made.
type mortalPushes struct {
	store.Pushes
	left atomic.Int64
}

var errKilled = errors.New("killed")

func (m *mortalPushes) ReplaceDelivery(ctx context.Context, d store.Delivery) error {
	if m.left.Add(-1) < 0 {
		return errKilled
	}
	return m.Pushes.ReplaceDelivery(ctx, d)
}

// TestPublishing478Rings: 478 inbox items, one card on each phone that can be reached and
// none on others, handed over within 120 s at the default rate, although whoever sends is
// killed three times, and once answers get lost; and every card says the same.
func TestPublishing478Rings(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := &later{}
			fake, senders := google(t, now)
			options := play.Options{Push: senders}
			log := listened(&options)
			o := setEmbargo(t, outcomes{domain.FileSelected: 30, domain.FileReserve: 10, domain.FileNotSelected: 56, domain.FileEliminated: 382}, on(options))
			now.of.Store(o.w)
			rng := mathrand.New(mathrand.NewPCG(4, 4))
			phones, silent := o.register455(fake)
			stranger := fake.NewPhone()
			inCase := fake.NewPhone()
			inCase.Uninstall()
			o.publish()
			from := o.w.Clock.Now()
			for range 3 { // each dies somewhere between two writes
				s := &mortalPushes{Pushes: o.w.App.Push.Store}
				s.left.Store(rng.Int64N(150) + 20)
				d := o.w.Dispatcher(s)
				for _, err := d.Round(t.Context()); !errors.Is(err, errKilled); _, err = d.Round(t.Context()) {
					o.w.Clock.Advance(time.Second)
				}
			}
			fake.Fail(fcmfake.Fault{Kind: fcmfake.AcceptThenDrop, Times: 5})
			both := []*notify.Service{o.w.Dispatcher(o.w.App.Push.Store), o.w.Dispatcher(o.w.App.Push.Store)}
			for o.w.Clock.Now().Sub(from) < 200*time.Second {
				for _, d := range both {
					_, err := d.Round(t.Context())
					o.ok(err)
				}
				o.w.Clock.Advance(time.Second)
			}
			o.heard(phones, from)
			keepsQuiet(t, fake, log, "Usaha 0", "Pemilik")
			for _, p := range append(silent, stranger, inCase) {
				if len(p.Seen()) > 0 {
					t.Errorf("a phone that nobody named has seen %+v", p.Seen())
				}
			}
			for _, f := range o.files() {
				items, err := o.w.Rows(t.Context(), "user/"+f.Text("owner_id"), "inbox")
				o.ok(err)
				items = slices.DeleteFunc(items, func(r merge.Row) bool { return r.Text("type") != domain.NoticeResults })
				if len(items) != 1 {
					t.Fatalf("%s has %d items", f.Text("number"), len(items))
				}
			}
		})
	}
}

// register455 gives everybody a phone, and has all but 23 name it.
func (o *embargo) register455(fake *fcmfake.Server) (heard, silent []*fcmfake.Phone) {
	o.Helper()
	for n, f := range o.files() {
		p, v := fake.NewPhone(), o.arrives(f.Text("owner_phone"), f, false)
		if n < 23 {
			silent = append(silent, p)
			continue
		}
		if a := v.look("name", "PUT", "/v1/me/devices/"+v.device+"/push", fmt.Sprintf(`{"provider":"fcm","kind":"token","value":%q}`, p.Address())); a.status != http.StatusNoContent {
			o.Fatalf("%d %s", a.status, a.body)
		}
		heard = append(heard, p)
	}
	return heard, silent
}

// heard fails unless every phone shows one card of the results, all with the same words,
// within two minutes.
func (o *embargo) heard(phones []*fcmfake.Phone, from time.Time) {
	o.Helper()
	texts, twice, last := map[string]int{}, 0, from
	for _, p := range phones {
		cards := p.Cards()
		if len(cards) != 1 {
			o.Fatalf("%d cards, %d messages", len(cards), len(p.Seen()))
		}
		c := cards[0].Message.Content
		text := fmt.Sprint(cards[0].Title, cards[0].Body, cards[0].Tag, c.Data["type"], c.Data["link"], c.Android.Priority, c.Android.CollapseKey)
		texts[text]++
		if cards[0].Drawn > 1 {
			twice++
		}
		if at := p.Seen()[0].At; at.After(last) {
			last = at
		}
	}
	if len(texts) != 1 || last.Sub(from) > 120*time.Second {
		o.Errorf("%d texts, the last after %s", len(texts), last.Sub(from))
	}
	for text := range texts {
		if strings.Contains(text, "Usaha") || strings.Contains(text, "Pemilik") {
			o.Error(text)
		}
	}
	o.Logf("%d phones, the last after %s; %d got the same card twice", len(phones), last.Sub(from), twice)
}
