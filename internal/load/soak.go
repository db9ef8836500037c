package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// SoakPlan says how long a server is used as a day uses it. Every number must be above
// zero.
type SoakPlan struct {
	Program string        // path of the program to serve with
	People  int           // each with an enterprise and three phones
	Rate    int           // things that phones do in a second, well below what the server can
	Rests   int           // how often the load pauses to look, the first time after a warm-up; 2 or more
	Time    time.Duration // of load; rests come on top, of half a minute at most
	Log     io.Writer     // progress
}

// SoakReport is what came of it.
type SoakReport struct {
	Cores   int            `json:"cores"`
	Seconds float64        `json:"seconds_of_load"`
	Done    map[string]int `json:"done"`      // by kind of what phones did
	Again   int            `json:"refused"`   // with 429 or 503, and done again
	Wrong   []string       `json:"wrong"`     // answers that nobody should get, the first of them
	Latency Spread         `json:"answer_ms"` // of whatever was answered
	Samples []SoakSample   `json:"samples"`   // under load
	Resting []SoakSample   `json:"resting"`   // while nobody asked for anything
	Typed   int            `json:"sales_typed"`
	Missing int            `json:"sales_missing"`
	Extra   int            `json:"sales_too_many"`
	StopIn  float64        `json:"stop_s"`
	StuckAt string         `json:"goroutines,omitempty"` // by what they do, if there were too many
	GaveWay int            `json:"values_that_gave_way"` // to what somebody else had written
}

// Soak uses a server for a while in every way at once and looks whether it grows.
func Soak(ctx context.Context, p SoakPlan) (r SoakReport, err error) {
	if p.People <= 0 || p.Rate <= 0 || p.Rests < 2 || p.Time <= 0 {
		return r, errors.New("a plan has numbers above zero, and two rests")
	}
	folder, err := os.MkdirTemp("", "lumbung-soak-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tell := func(form string, args ...any) { fmt.Fprintf(p.Log, form+"\n", args...) }
	s := &soak{plan: p, tell: tell, folder: folder, path: filepath.Join(folder, "l.db"), clock: clock.Precise{}, report: &r}
	r.Cores, r.Done = runtime.NumCPU(), map[string]int{}
	if s.people, err = settleSoak(ctx, s.path, p.People, tell); err != nil {
		return r, fmt.Errorf("make phones: %w", err)
	}
	if s.office.campaign, err = openCampaign(ctx, s.path, soakFiles, tell); err != nil {
		return r, fmt.Errorf("make a programme: %w", err)
	}
	if s.server, err = launch(ctx, p.Program, s.path, "", true); err != nil {
		return r, err
	}
	defer s.server.kill()
	if err := s.rounds(ctx); err != nil {
		return r, err
	}
	return r, s.end(ctx)
}

// soak is one run.
type soak struct {
	plan   SoakPlan
	tell   func(string, ...any)
	folder string
	path   string
	clock  clock.Clock
	server *server
	people []*person
	report *SoakReport
	edits  atomic.Int64 // that were answered; each is in the log once
	office office

	mu     sync.Mutex
	took   []time.Duration
	wire   *wire
	copies int // made so far
}

// most connections to the server, live streams and hung-up ones not counted.
const soakConnections = 32

// rounds is load with rests in between. The first stretch warms up: what any traffic
// makes the process keep is there afterwards.
func (s *soak) rounds(ctx context.Context) error {
	stretch := s.plan.Time / time.Duration(s.plan.Rests)
	for n := range s.plan.Rests {
		s.tell("%d of %d: %d things a second for %v", n+1, s.plan.Rests, s.plan.Rate, stretch.Round(time.Second))
		if err := s.load(ctx, stretch); err != nil {
			return err
		}
		if err := s.rest(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load lets phones do things at the rate of the plan, whatever becomes of those
// before, with samples and backups meanwhile.
func (s *soak) load(ctx context.Context, long time.Duration) error {
	s.wire = dial(s.server.address, soakConnections)
	defer s.wire.client.CloseIdleConnections()
	began := s.clock.Now()
	var under sync.WaitGroup
	defer under.Wait()
	ended, stop := context.WithTimeout(ctx, long)
	defer stop()
	under.Go(func() { s.watch(ended, sampleEvery(s.plan.Time)) })
	under.Go(func() { s.backups(ended, max(long/2, time.Second)) })
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	slots := make(chan struct{}, soakConnections)
	for begun := 0; ; {
		select {
		case <-ended.Done():
			s.report.Seconds += s.clock.Now().Sub(began).Seconds()
			return ctx.Err()
		case <-tick.C:
		}
		for due := int(float64(s.plan.Rate) * s.clock.Now().Sub(began).Seconds()); begun < due; begun++ {
			select {
			case slots <- struct{}{}:
			case <-ended.Done():
				continue
			}
			under.Go(func() {
				defer func() { <-slots }()
				s.act(ended)
			})
		}
	}
}

// sampleEvery is so that a run has some hundred samples.
func sampleEvery(long time.Duration) time.Duration {
	return min(max(long/240, time.Second), 5*time.Second)
}

// backups makes one now and then, as an operator does: with the program, while the
// server goes on.
func (s *soak) backups(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.backup(context.WithoutCancel(ctx)); err != nil {
			s.wrong("backup: %v", err)
		}
	}
}

// backup copies the database and gives the size of the copy, which holds what the
// database holds and no room beside it.
func (s *soak) backup(ctx context.Context) (int64, error) {
	s.mu.Lock()
	s.copies++
	to := filepath.Join(s.folder, fmt.Sprintf("copy-%d.db", s.copies))
	s.mu.Unlock()
	cmd := exec.CommandContext(ctx, s.plan.Program, "backup", "-store", s.path, "-public-url", publicURL, "-otp-sender", "none", to)
	if said, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said)
	}
	s.did("backup")
	info, err := os.Stat(to)
	if err != nil {
		return 0, err
	}
	return info.Size(), os.Remove(to)
}

// end lets every phone send what it still has, counts the sales and stops the server.
func (s *soak) end(ctx context.Context) error {
	s.wire = dial(s.server.address, soakConnections)
	s.tell("letting every phone send what it has")
	if err := each(ctx, len(s.people), 8, func(n int) error { return s.settle(s.people[n]) }); err != nil {
		return err
	}
	for _, p := range s.people {
		s.report.Typed += p.sales()
		if err := s.count(p); err != nil {
			return err
		}
	}
	s.report.Latency = spread(s.took)
	figures, err := ask(ctx, "http://"+s.server.admin+"/metrics")
	if err != nil {
		return err
	}
	for _, m := range regexp.MustCompile(`(?m)^lumbung_sync_conflicts_total\{.*\} (\d+)$`).FindAllSubmatch(figures, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return err
		}
		s.report.GaveWay += n
	}
	began := s.clock.Now()
	err = s.server.stop()
	s.report.StopIn = s.clock.Now().Sub(began).Seconds()
	return err
}

// count compares the sales that a new phone of somebody gets with those that were
// written down.
func (s *soak) count(p *person) error {
	there := map[string]bool{}
	for cursor, more := "", true; more; {
		text, err := s.wire.post("/v1/sync", p.phones[0].user.login.Access, "", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: cursor, LimitBytes: 1 << 20}), true)
		if err != nil {
			return err
		}
		var r protocol.Response
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		for _, row := range r.Changes {
			if row.Collection == "sales" {
				there[row.ID] = true
			}
		}
		if cursor, more = r.Cursor, r.More; cursor == "" {
			more = false
		}
	}
	found := 0
	for _, id := range p.made {
		if there[id] {
			found++
		}
	}
	s.report.Missing += p.sales() - found
	s.report.Extra += len(there) - found
	return nil
}

// did counts something that a phone did.
func (s *soak) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Done[what]++
}

// mostWrong is how many wrong answers are kept.
const mostWrong = 20

func (s *soak) wrong(form string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.report.Wrong) < mostWrong {
		s.report.Wrong = append(s.report.Wrong, fmt.Sprintf(form, args...))
	}
}
