package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/report"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// WakePlan says how the applicants of a campaign look for their results. Every number must
// be above zero.
type WakePlan struct {
	Program string        // path of the program to serve with
	Lead    time.Duration // from the start of the server until the instant of the publication
	Within  time.Duration // behind the instant all phones sync for the first time
	Again   time.Duration // between the looks of a phone that has no result yet
	Log     io.Writer     // progress
}

// WakeReport is what came of it.
type WakeReport struct {
	Cores   int            `json:"cores"`
	Apart   bool           `json:"server_and_generator_on_cores_of_their_own"`
	Phones  int            `json:"phones"`
	Early   int            `json:"phones_with_a_result_before_the_instant"`
	Got     Spread         `json:"instant_to_result_ms"`
	Sync    Spread         `json:"sync_ms"`
	Syncs   int            `json:"syncs"`
	Waits   int            `json:"told_to_wait"` // answers 429
	Failed  int            `json:"answers_5xx"`
	Results map[string]int `json:"phones_by_result"`
	Seconds float64        `json:"server_cpu_s"`
	RSS     int64          `json:"rss_bytes"` // the most
}

// wokenWithin is how long behind the instant the last phone may have its result.
const wokenWithin = 2 * time.Minute

// Print writes it for people.
func (r WakeReport) Print(w io.Writer) {
	fmt.Fprintf(w, "%d phones wake behind a publication: %d results, p50 %.1f s, p99 %.1f s, the last after %.1f s\n", r.Phones, r.had(), r.Got.P50/1000, r.Got.P99/1000, r.Got.Max/1000)
	fmt.Fprintf(w, "  %d syncs, p50 %.1f ms, p99 %.1f ms; %d told to wait, %d answered 5xx; %d had a result before the instant\n", r.Syncs, r.Sync.P50, r.Sync.P99, r.Waits, r.Failed, r.Early)
	fmt.Fprintf(w, "  results: %v; server %.1f s of one core, %.1f MiB at the most\n", r.Results, r.Seconds, float64(r.RSS)/(1<<20))
}

func (r WakeReport) had() (n int) {
	for _, some := range r.Results {
		n += some
	}
	return n
}

// Verdict is an error if a phone has no result in time, or one too early, or was answered 5xx.
func (r WakeReport) Verdict() error {
	var errs []error
	if r.Phones == 0 || r.had() != r.Phones {
		errs = append(errs, fmt.Errorf("%d of %d phones have a result", r.had(), r.Phones))
	}
	if limit := float64(wokenWithin.Milliseconds()); r.Got.Max > limit {
		errs = append(errs, fmt.Errorf("the last result came after %.1f s, wanted within %.0f s", r.Got.Max/1000, limit/1000))
	}
	if r.Failed > 0 {
		errs = append(errs, fmt.Errorf("%d answers 5xx", r.Failed))
	}
	if r.Early > 0 {
		errs = append(errs, fmt.Errorf("%d results before the instant", r.Early))
	}
	return errors.Join(errs...)
}

// Wake measures the minutes behind a publication: every applicant syncs when the results are
// told, while they are being told, and again until theirs is there.
func Wake(ctx context.Context, p WakePlan) (r WakeReport, err error) {
	if p.Lead <= 0 || p.Within <= 0 || p.Again <= 0 {
		return r, errors.New("a plan has numbers above zero")
	}
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "l.db")
	fmt.Fprintln(p.Log, "making a campaign and its applicants")
	k := &waking{plan: p, clock: clock.Precise{}}
	if err := k.settle(ctx, path); err != nil {
		return r, fmt.Errorf("make applicants: %w", err)
	}
	r.Cores, r.Phones, r.Results = runtime.NumCPU(), len(k.phones), map[string]int{}
	if r.Apart, err = apart(); err != nil {
		return r, err
	}
	s, err := launch(ctx, p.Program, path, "", false)
	if err != nil {
		return r, err
	}
	defer s.kill()
	k.wire = dial(s.address, len(k.phones))
	if err := k.measure(ctx, &r); err != nil {
		return r, err
	}
	if r.Seconds, err = s.cpu(); err != nil {
		return r, err
	}
	if r.RSS, err = s.peak(); err != nil {
		return r, err
	}
	return r, s.stop()
}

// waking is one run.
type waking struct {
	plan   WakePlan
	clock  clock.Clock
	phones []*phone
	wire   *wire
	at     time.Time // of the publication

	settled func(context.Context, *app.App) error // beside what settle does; may be nil

	mu   sync.Mutex
	got  []time.Duration
	took []time.Duration
}

// settle imports the list of the campaign, logs its applicants in, decides about them as the
// list says and has the results told a while from now.
func (k *waking) settle(ctx context.Context, path string) (err error) {
	rows := slices.DeleteFunc(fixture.Campaign(1).Rows, func(r fixture.Row) bool { return r.Refusal != "" })
	cfg := config.Default()
	cfg.Store, cfg.PublicURL, cfg.TestNumbers = path, publicURL, map[string]string{}
	for _, r := range rows {
		cfg.TestNumbers[string(r.Registrant.Phone)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	c, err := campaignOn(ctx, a, 0)
	if err != nil {
		return err
	}
	table, err := report.ReadTable(ctx, bytes.NewReader(c.list), int64(len(c.list)), report.Options{})
	if err != nil {
		return err
	}
	who := programme.Caller{User: c.admin.user.login.User.ID, Name: "load.import", Proved: true}
	if _, in, err := a.Programme.Import(ctx, who, c.programme, func() (programme.Rows, error) { return table.Rows(), nil }); err != nil || in.Accepted != len(rows) {
		return fmt.Errorf("import %d of %d: %w", in.Accepted, len(rows), err)
	}
	if err := worked(ctx, a); err != nil {
		return err
	}
	for n := range rows {
		k.phones = append(k.phones, newPhone(n))
	}
	ids := id.Maker{Clock: clock.System{}, Rand: rand.Reader}
	if err := each(ctx, len(rows), 32, func(n int) error {
		number := string(rows[n].Registrant.Phone)
		asked, err := a.Auth.RequestCode(ctx, auth.CodeRequest{Phone: number, Purpose: auth.PurposeLogin})
		if err != nil {
			return err
		}
		k.phones[n].user.login, err = a.Auth.Verify(ctx, auth.VerifyRequest{Challenge: asked.ID, Phone: number, Code: code, Device: auth.DeviceInfo{Install: ids.New()}})
		return err
	}); err != nil {
		return err
	}
	if k.settled != nil {
		if err := k.settled(ctx, a); err != nil {
			return err
		}
	}
	if err := k.decide(ctx, a, c, rows); err != nil {
		return err
	}
	return worked(ctx, a)
}

// worked lets a program do what follows, until nothing does.
func worked(ctx context.Context, a *app.App) error {
	for again := true; again; {
		n, err := a.Engine.Work(ctx)
		if err != nil {
			return err
		}
		again = n > 0
	}
	return nil
}

// decide writes down what became of every application, and when that is told.
func (k *waking) decide(ctx context.Context, a *app.App, c *campaign, rows []fixture.Row) error {
	scope := domain.DecisionScope(c.programme)
	by := map[string]fixture.Row{}
	for _, r := range rows {
		by[string(r.Registrant.Phone)] = r
	}
	states := map[string]string{fixture.OutSelected: domain.FileSelected, fixture.OutReserve: domain.FileReserve, fixture.OutNotSelected: domain.FileNotSelected, fixture.OutStage1: domain.FileEliminated, fixture.OutStage2: domain.FileEliminated}
	var writes []merge.ServerWrite
	add := func(collection, record string, create bool, set map[string]merge.Value) {
		writes = append(writes, merge.ServerWrite{Name: "load." + record, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set})
	}
	files, err := recordsIn(ctx, a.Store, scope, "case_file")
	if err != nil || len(files) != len(rows) {
		return fmt.Errorf("%d files of %d: %w", len(files), len(rows), err)
	}
	for _, f := range files {
		r := by[f.Text("owner_phone")]
		set := map[string]merge.Value{"state": merge.Str(states[r.Outcome]), "stage": merge.Num(2)}
		if r.Rank > 0 {
			set["rank"] = merge.Num(r.Rank)
		}
		add("case_file", f.ID, false, set)
	}
	add("decision", id.Derive("decision", c.programme, "2"), true, map[string]merge.Value{"stage": merge.Num(2), "state": merge.Str("decided"), "passed": merge.Num(fixture.Selected), "reserve": merge.Num(fixture.Reserve),
		"outcomes": merge.Value("[]")}) // each stands in its file already
	k.at = k.clock.Now().Add(k.plan.Lead).Truncate(time.Millisecond)
	add("publication", id.Derive("publication", c.programme), true, map[string]merge.Value{"publish_at": merge.Millis(k.at.UnixMilli()).Value(), "state": merge.Str("approved"), "feedback": merge.Value("{}")})
	for some := range slices.Chunk(writes, 200) {
		if _, err := a.Engine.Write(ctx, scope, some...); err != nil {
			return err
		}
	}
	return nil
}

// recordsIn reads the records of a collection.
func recordsIn(ctx context.Context, s store.Store, scope, collection string) (out []merge.Row, err error) {
	head, err := s.Head(ctx, scope)
	if err != nil {
		return nil, err
	}
	var at store.Position
	for more := true; more; {
		page, err := s.Changed(ctx, scope, at, head.Applied, head.Applied, 1<<20)
		if err != nil {
			return nil, err
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Collection != collection {
				continue
			}
			row := merge.Row{Key: r.Key(), Version: r.Version}
			if err := json.Unmarshal(r.Fields, &row.Fields); err != nil {
				return nil, err
			}
			out = append(out, row)
		}
		more = page.More
	}
	return out, nil
}

// What a phone sees of its result, in the order of states.
func resultsSeen() []string {
	return []string{domain.ApplicationOffered, domain.ApplicationReserve, domain.ApplicationNotSelected}
}

// measure has every phone sync once before the instant, and from it on until it has its
// result.
func (k *waking) measure(ctx context.Context, r *WakeReport) error {
	if err := each(ctx, len(k.phones), 16, func(n int) error {
		found, err := k.look(ctx, k.phones[n], r)
		if found != "" {
			r.count(&k.mu, &r.Early)
		}
		return err
	}); err != nil {
		return err
	}
	if !k.clock.Now().Before(k.at) {
		return errors.New("the instant came before every phone had synced: give a longer lead")
	}
	k.took, r.Syncs = nil, 0
	fmt.Fprintf(k.plan.Log, "%d phones wait for %s\n", len(k.phones), k.at.UTC().Format(time.TimeOnly))
	if err := each(ctx, len(k.phones), len(k.phones), func(n int) error { return k.wakes(ctx, k.phones[n], r) }); err != nil {
		return err
	}
	r.Got, r.Sync = spread(k.got), spread(k.took)
	return nil
}

// count adds one.
func (r *WakeReport) count(mu *sync.Mutex, n *int) {
	mu.Lock()
	defer mu.Unlock()
	*n++
}

// wakes is one phone from the instant on.
func (k *waking) wakes(ctx context.Context, p *phone, r *WakeReport) error {
	next := k.at.Add(time.Duration(p.draw.Int64N(int64(k.plan.Within))))
	for k.clock.Now().Before(k.at.Add(wokenWithin + 10*time.Second)) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(next.Sub(k.clock.Now())):
		}
		found, err := k.look(ctx, p, r)
		if err != nil {
			return err
		}
		if found != "" {
			k.mu.Lock()
			r.Results[found]++
			k.got = append(k.got, k.clock.Now().Sub(k.at))
			k.mu.Unlock()
			return nil
		}
		next = k.clock.Now().Add(k.plan.Again/2 + time.Duration(p.draw.Int64N(int64(k.plan.Again))))
	}
	return nil
}

// look syncs a phone until there is nothing more, and gives the result that it has seen by
// then, with its notice; "" for none.
func (k *waking) look(ctx context.Context, p *phone, r *WakeReport) (found string, err error) {
	for more := true; more; {
		began := k.clock.Now()
		a, err := k.wire.send("/v1/sync", p.user.login.Access, "gzip", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: p.cursor, LimitBytes: 1 << 20}), true)
		if err != nil {
			return "", err
		}
		k.mu.Lock()
		r.Syncs++
		k.took = append(k.took, k.clock.Now().Sub(began))
		if a.status >= 500 {
			r.Failed++
		}
		if a.status == fasthttp.StatusTooManyRequests {
			r.Waits++
		}
		k.mu.Unlock()
		switch {
		case a.status == fasthttp.StatusTooManyRequests || a.status == fasthttp.StatusServiceUnavailable:
			if err := waitFor(ctx, a.after); err != nil {
				return "", err
			}
			continue
		case a.status != fasthttp.StatusOK && a.status < 500:
			return "", fmt.Errorf("a sync was answered %d: %s", a.status, a.body[:min(len(a.body), 300)])
		case a.status != fasthttp.StatusOK:
			return "", nil // it is counted, and looks again
		}
		p.sees(a.body)
		if at := cursorOf(a.body); at != "" {
			p.cursor = at
		}
		more = bytes.Contains(a.body, []byte(`"more":true`))
	}
	if p.heard {
		found = p.result
	}
	return found, nil
}

// sees notes what an answer says of the result.
func (p *phone) sees(answer []byte) {
	p.heard = p.heard || bytes.Contains(answer, []byte(`"type":"`+domain.NoticeResults+`"`))
	for _, state := range resultsSeen() {
		if bytes.Contains(answer, []byte(`"state":"`+state+`"`)) {
			p.result = state
		}
	}
}
