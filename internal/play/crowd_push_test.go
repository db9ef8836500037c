package play_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Sizes of the crowd that one announcement is for: by default, and with -every.
const (
	crowdUsual = 2000
	crowdWhole = 100_000
)

// crowd is an audience, of twenty people a business, and their phones at the push service.
type crowd struct {
	*newsroom
	users  []string
	phones []*fcmfake.Phone
	news   []int // times that each has got an announcement
	fake   *fcmfake.Server
}

// gather makes a crowd in Bangka Belitung with the program's own services, some at a time.
func gather(t *testing.T, people int) *crowd {
	t.Helper()
	c := &crowd{users: make([]string, people), phones: make([]*fcmfake.Phone, people), news: make([]int, people)}
	c.newsroom = setNewsroom(t, 1, 0, func(o *play.Options) {
		o.Store, o.Identity = nil, nil
		rings(t, o, newsroomHour())
		c.fake = o.Google
	})
	c.w.App.Push.Still = nil // nobody of the crowd logs in
	c.each(people, func(i int) error {
		u, err := c.w.App.Auth.CreateUser(t.Context(), fmt.Sprintf("+62812%08d", i), nil)
		if err != nil {
			return err
		}
		c.users[i], c.phones[i] = u.ID, c.fake.NewPhone()
		_, err = c.w.App.Push.Register(t.Context(), u.ID, "phone", notify.Named{Provider: "fcm", Kind: "token", Value: c.phones[i].Address()})
		return err
	})
	const each = 20
	from := merge.Millis(newsroomHour().UnixMilli()).Value()
	c.each(people/each, func(i int) error {
		b := id.Derive("crowd", fmt.Sprint(i))
		write := func(collection, record string, set map[string]merge.Value) merge.ServerWrite {
			return merge.ServerWrite{Name: "crowd." + b, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
		}
		writes := []merge.ServerWrite{write("business", b, map[string]merge.Value{"name": merge.Str(fmt.Sprint("Usaha ", i)), "region_code": merge.Str("19.71"), "district_code": merge.Value("null"), "village_code": merge.Value("null"), "primary_category": merge.Str("crafts"), "status": merge.Str("active")})}
		for _, u := range c.users[each*i : each*(i+1)] {
			writes = append(writes, write("membership", id.Derive("membership", b, u), map[string]merge.Value{"user_id": merge.Str(u), "role": merge.Str(string(merge.Owner)), "from": from}))
		}
		_, err := c.w.App.Engine.Write(t.Context(), "business/"+b, writes...)
		return err
	})
	for done := 1; done > 0; {
		var err error
		done, err = c.w.App.Engine.Work(t.Context())
		c.ok(err)
	}
	return c
}

// each does something for n numbers, sixteen at a time.
func (c *crowd) each(n int, do func(i int) error) {
	c.Helper()
	var all sync.WaitGroup
	errs := make([]error, 16)
	for w := range errs {
		all.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				errs[w] = do(i)
			}
		})
	}
	all.Wait()
	c.ok(errors.Join(errs...))
}

// publish sends an announcement to the crowd at an hour of today, and gives it.
func (c *crowd) publish(hour int) play.News {
	c.Helper()
	at := time.Date(2022, time.May, 30, hour, 0, 0, 0, domain.WIB.Location())
	c.ok(errors.Join(c.desk.Login(c.Context()), c.second.Login(c.Context())))
	fields := c.briefing(at)
	fields["audience"] = map[string]any{"regions": []string{"19"}}
	delete(fields, "require_ack")
	delete(fields, "ack_by")
	a := c.draft(fields)
	if len(c.users) > domain.ReviewAbove {
		c.operate(c.desk, a, "ask_review")
		c.operate(c.second, a, "approve")
	} else {
		c.operate(c.desk, a, "schedule")
	}
	c.w.At(time.May, 30, hour, 0)
	c.look()
	return a
}

// worksAll carries out the effects that wait.
func worksAll(ctx context.Context, s *programme.Service) error {
	_, err := s.Engine.Work(ctx)
	return err
}

// heap is how much of the heap is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// weighed is a queue that looks at the heap at every 500th push that comes in.
type weighed struct {
	store.Pushes
	n    atomic.Int64
	mu   sync.Mutex
	most int64

	half   func()       // called when half are planned
	at     int64        // that many
	behind atomic.Int64 // pushes that were planned when that of a result was
}

// InsertDelivery keeps the promise of store.Pushes.
func (w *weighed) InsertDelivery(ctx context.Context, d store.Delivery) error {
	if d.Lane == notify.LaneResults {
		w.behind.Store(w.n.Load())
		return w.Pushes.InsertDelivery(ctx, d)
	}
	n := w.n.Add(1)
	if n == w.at {
		w.half()
	}
	if n%500 == 0 {
		w.mu.Lock()
		w.most = max(w.most, heap())
		w.mu.Unlock()
	}
	return w.Pushes.InsertDelivery(ctx, d)
}

// plan has the server bring the announcement to everybody and plan their pushes, and says
// how much the heap grew meanwhile at most.
func (c *crowd) plan() (grew int64) {
	c.Helper()
	on := &weighed{Pushes: c.w.App.Push.Store}
	c.w.App.Push.Store = on
	defer func() { c.w.App.Push.Store = on.Pushes }()
	told := make(chan error, 1)
	on.at, on.half = int64(len(c.users)/2), func() { // as the engine's next round, which begins while one is under way
		go func() {
			began := time.Now()
			err := errors.Join(c.write(len(c.users)/3), worksAll(c.Context(), c.w.App.Programme))
			c.Logf("the round that heard of a result took %v", time.Since(began).Round(time.Millisecond))
			told <- err
		}()
	}
	before, began := heap(), time.Now()
	c.works()
	c.ok(<-told)
	c.works()
	if n := on.behind.Load() - on.at; n < 0 || n > 3*domain.AudiencePage { // a second of planning
		c.Errorf("%d more people were planned for before a result", n)
	} else {
		c.Logf("%d more people were planned for before a result", n)
	}
	took := time.Since(began)
	grew = on.most - before
	c.Logf("planning for %d people took %v, %v each; the heap grew by %d KB", len(c.users), took.Round(time.Millisecond), (took / time.Duration(len(c.users))).Round(time.Microsecond), grew>>10)
	return grew
}

// drained is what phones saw while a queue was sent.
type drained struct {
	news, results int           // pushes
	most          int           // of them in one second
	took          time.Duration // until the last of the news
	late          time.Duration // of the results that were told meanwhile, the latest
	grew          int64         // the heap
}

// drain sends a tenth of a second at a time, for at most as long as it may take and until so
// many phones have the news. Every ten seconds somebody of the crowd is told a result, and
// phones forget what they have seen, as what they keep lies in the same memory.
func (c *crowd) drain(atMost time.Duration, news int) (out drained) {
	c.Helper()
	began, before := c.w.Clock.Now(), heap()
	for s := 0; time.Duration(s)*time.Second < atMost && out.news < news; s++ {
		told, asked := -1, c.w.Clock.Now()
		if s%10 == 5 {
			told = len(c.users) - 1 - s/10
			c.tell(told)
		}
		from := c.fake.Taken()
		for range 10 {
			_, err := c.w.App.Push.Round(c.Context())
			c.ok(err)
			c.w.Clock.Advance(100 * time.Millisecond)
		}
		out.most = max(out.most, c.fake.Taken()-from)
		if told >= 0 {
			out.late = max(out.late, c.rang(told, asked))
		}
		if s%10 == 9 || c.fake.Taken()-out.results >= news {
			c.reads(&out, began)
			out.grew = max(out.grew, heap()-before)
		}
	}
	return out
}

// reads looks at every phone and clears it.
func (c *crowd) reads(out *drained, began time.Time) {
	for i, p := range c.phones {
		for _, d := range p.Seen() {
			if d.Content.Data["type"] != domain.NoticeAnnouncement {
				out.results++
				continue
			}
			c.news[i]++
			out.news++
			out.took = max(out.took, d.At.Sub(began))
		}
		p.Clear()
	}
}

// works has the server do what follows, until nothing does.
func (c *crowd) works() {
	c.Helper()
	for done := 1; done > 0; {
		var err error
		done, err = c.w.App.Engine.Work(c.Context())
		c.ok(err)
	}
}

// tell tells somebody a result.
func (c *crowd) tell(i int) {
	c.Helper()
	c.ok(c.write(i))
	c.ok(c.w.Step(c.Context()))
}

// write writes a result into somebody's inbox.
func (c *crowd) write(i int) error {
	item := id.Derive("result", fmt.Sprint(i))
	_, err := c.w.App.Engine.Write(c.Context(), merge.UserScope(c.users[i]), merge.ServerWrite{Name: "result." + item, Role: merge.System, Collection: "inbox", ID: item, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"type": merge.Str(domain.NoticeResults), "class": merge.Str("results"), "deep_link": merge.Str("app://hasil"), "scope": merge.Str("programmes")}})
	return err
}

// rang is how long behind an instant somebody's phone rang for a result.
func (c *crowd) rang(i int, asked time.Time) time.Duration {
	c.Helper()
	for _, d := range c.phones[i].Seen() {
		if d.Content.Data["type"] == domain.NoticeResults {
			return d.At.Sub(asked)
		}
	}
	return time.Hour
}

// TestOneAnnouncementToMany: the heap stays flat while it is planned and sent, the queue
// drains at the configured rate, results that are told meanwhile ring within two seconds,
// every phone shows one card, and taking the announcement back stops what is still to come.
// -every: to 100,000 people.
func TestOneAnnouncementToMany(t *testing.T) {
	people := crowdUsual
	if *everyByte {
		people = crowdWhole
	}
	c := gather(t, people)
	c.publish(8)
	const flat = 48 << 20 // 100,000 people have 200 MB of inboxes and pushes on the disk
	if grew := c.plan(); grew > flat {
		t.Errorf("the heap grew by %d MB while it was planned", grew>>20)
	}
	rate, ramp := c.w.App.Push.Limits.PerSecond, c.w.App.Push.Limits.Ramp
	bound := time.Duration(people/rate)*time.Second + ramp/2 + 15*time.Second
	got := c.drain(bound, people)
	t.Logf("%d and %d pushes in %v, at most %d in a second; a result is heard after %v at most; the heap grew by %d KB", got.news, got.results, got.took, got.most, got.late, got.grew>>10)
	if got.news != people || got.results == 0 || got.most > rate+rate/5 || got.took > bound || got.late > 2*time.Second || got.grew > flat {
		t.Errorf("%+v, within %v", got, bound)
	}
	for i, n := range c.news {
		if n != 1 {
			t.Fatalf("phone %d got it %d times", i, n)
		}
	}
}

// TestTakingAnAnnouncementBackStopsItsPushes: those that are still to come are suppressed,
// also where the person has not heard of it yet.
func TestTakingAnAnnouncementBackStopsItsPushes(t *testing.T) {
	t.Parallel()
	c := gather(t, 600)
	a := c.publish(8)
	c.plan()
	got := c.drain(10*time.Second, len(c.users))
	c.ok(c.desk.Login(t.Context()))
	c.operate(c.desk, a, domain.AnnounceRetract)
	c.ok(c.w.Both(t.Context(), worksAll))
	before := c.fake.Taken()
	c.ok(c.w.Sends(t.Context(), c.w.Clock.Now().Add(2*time.Minute), time.Second))
	if n := c.fake.Taken() - before; n != 0 || got.news > 200 {
		t.Errorf("%d rang before it was taken back, and %d behind it", got.news, n)
	}
	c.ok(c.desk.Login(t.Context()))
	of := c.receipts(a).Pushes
	if of.Planned != len(c.users) || of.HandedOver != got.news || of.Suppressed != of.Planned-of.HandedOver || of.Suppressed < 400 {
		t.Errorf("%d rang, outcomes %+v", got.news, of)
	}
}
