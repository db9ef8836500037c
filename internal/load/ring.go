package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// RingPlan says how the phones of a campaign are rung by a server that is killed meanwhile.
// Every number but Kills must be above zero.
type RingPlan struct {
	Program string        // path of the program to serve with
	Lead    time.Duration // from the making of the campaign until the instant of the publication
	Kills   int           // of the server, behind the instant
	Silent  int           // applicants whose phones the server does not know
	Seed    uint64        // of when it is killed
	Log     io.Writer     // progress
}

// RingReport is what came of it.
type RingReport struct {
	Cores   int            `json:"cores"`
	Results int            `json:"applicants"`
	Phones  int            `json:"phones_that_can_be_reached"`
	Kills   int            `json:"kills"`
	Amid    int            `json:"kills_amid"` // while some phones had rung and others had not
	Shown   map[string]int `json:"phones_by_cards"`
	Twice   int            `json:"cards_drawn_twice"`
	Texts   int            `json:"different_cards"`
	Wrong   int            `json:"messages_to_others"` // that nobody is behind, or of another type
	Early   int            `json:"before_the_instant"`
	Items   map[string]int `json:"people_by_notices"`
	Got     Spread         `json:"instant_to_ring_ms"`
	Seed    uint64         `json:"seed"`
}

// Print writes it for people.
func (r RingReport) Print(w io.Writer) {
	fmt.Fprintf(w, "%d results ring on %d phones, the server killed %d times, %d of them amid (seed %d)\n", r.Results, r.Phones, r.Kills, r.Amid, r.Seed)
	fmt.Fprintf(w, "  phones by cards %v, %d different, %d drawn twice; %d messages to others, %d before the instant; people by notices %v\n", r.Shown, r.Texts, r.Twice, r.Wrong, r.Early, r.Items)
	fmt.Fprintf(w, "  instant to ring: p50 %.1f s, p99 %.1f s, the last after %.1f s\n", r.Got.P50/1000, r.Got.P99/1000, r.Got.Max/1000)
}

// rungWithin is how long behind the instant the last phone may ring.
const rungWithin = 2 * time.Minute

// Verdict is an error unless every phone that can be reached shows one card, in time, all
// alike, and every applicant has one notice.
func (r RingReport) Verdict() error {
	var errs []error
	say := func(bad bool, text string, of ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(text, of...))
		}
	}
	say(r.Phones == 0 || r.Shown["1"] != r.Phones || len(r.Shown) != 1, "%d phones show cards as %v", r.Phones, r.Shown)
	say(r.Items["1"] != r.Results || len(r.Items) != 1, "%d applicants have notices as %v", r.Results, r.Items)
	say(r.Texts != 1, "%d different cards", r.Texts)
	say(r.Wrong > 0, "%d messages to others", r.Wrong)
	say(r.Early > 0, "%d rang before the instant", r.Early)
	say(r.Got.Max > float64(rungWithin.Milliseconds()), "the last rang after %.1f s, wanted within %.0f s", r.Got.Max/1000, rungWithin.Seconds())
	say(r.Kills > 0 && r.Amid == 0, "it was never killed amid: nothing was shown by that")
	return errors.Join(errs...)
}

// Ring measures how the results of a campaign ring: by the program in a process of its own,
// which is killed at random while it tells and sends, through Firebase's SDK and a socket to
// a push service on this machine. What it reports is what the phones saw.
func Ring(ctx context.Context, p RingPlan) (r RingReport, err error) {
	if p.Lead <= 0 || p.Silent < 0 {
		return r, errors.New("a plan has numbers above zero")
	}
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "l.db")
	k := &ringing{plan: p, waking: waking{plan: WakePlan{Lead: p.Lead}, clock: clock.Precise{}}}
	if err := k.listen(); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, k.google.Close()) }()
	fmt.Fprintln(p.Log, "making a campaign, its applicants and their phones")
	k.settled = k.rings
	if err := k.settle(ctx, path); err != nil {
		return r, fmt.Errorf("make applicants: %w", err)
	}
	r.Cores, r.Results, r.Phones, r.Kills, r.Seed = runtime.NumCPU(), len(k.phones), len(k.bells), p.Kills, p.Seed
	r.Shown, r.Items = map[string]int{}, map[string]int{}
	if err := k.kills(ctx, path, &r); err != nil {
		return r, err
	}
	k.judge(&r)
	return r, k.notices(ctx, path, &r)
}

// ringing is one run.
type ringing struct {
	waking
	plan   RingPlan
	fake   *fcmfake.Server
	google *http.Server
	at     string           // the address of the push service
	proof  []byte           // credentials for it
	bells  []*fcmfake.Phone // that the server knows
	others []*fcmfake.Phone // that it does not
}

// listen begins the push service.
func (k *ringing) listen() (err error) {
	if k.fake, err = fcmfake.New(fcmfake.Options{Clock: k.clock}); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	k.at = "http://" + ln.Addr().String()
	k.google = &http.Server{Handler: k.fake, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := k.google.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(k.plan.Log, "the push service ended:", err)
		}
	}()
	k.proof, err = k.fake.Credentials(k.at)
	return err
}

// rings gives all applicants but some a phone that the server knows, and hours without any
// that are quiet: a run by night measures the same.
func (k *ringing) rings(ctx context.Context, a *app.App) error {
	a.Push.Senders = map[string]notify.Sender{"fcm": notify.LogSender{Log: slog.New(slog.DiscardHandler)}}
	for n, p := range k.phones {
		bell, user := k.fake.NewPhone(), p.user.login.User.ID
		if n < k.plan.Silent {
			k.others = append(k.others, bell)
			continue
		}
		k.bells = append(k.bells, bell)
		if _, err := a.Push.Register(ctx, user, p.user.login.Device, notify.Named{Provider: "fcm", Kind: "token", Value: bell.Address(), Locale: "id"}); err != nil {
			return err
		}
		if _, err := a.Engine.Write(ctx, merge.UserScope(user), merge.ServerWrite{Name: "load.quiet", Author: user, Role: merge.System, Collection: "preference", ID: domain.PreferenceID(user), Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"quiet_from": merge.Str("03:00"), "quiet_to": merge.Str("03:00")}}); err != nil {
			return err
		}
	}
	return nil
}

// rung is how many phones show a card.
func (k *ringing) rung() (n int) {
	for _, b := range k.bells {
		if len(b.Cards()) > 0 {
			n++
		}
	}
	return n
}

// kills serves until every phone has rung, and a while longer, and kills the server meanwhile:
// each time when some more have rung than the last time.
func (k *ringing) kills(ctx context.Context, path string, r *RingReport) error {
	draw := mathrand.New(mathrand.NewPCG(k.plan.Seed, 1))
	marks := make([]int, k.plan.Kills) // at so many phones
	for i := range marks {
		marks[i] = draw.IntN(len(k.bells) * 9 / 10)
	}
	slices.Sort(marks)
	end := k.waking.at.Add(rungWithin + 10*time.Second)
	for _, mark := range append(marks, len(k.bells)) {
		s, err := launch(ctx, k.plan.Program, path, "", false, "LUMBUNG_FCM_CREDENTIALS="+string(k.proof), "LUMBUNG_FCM_ENDPOINT="+k.at)
		if err != nil {
			return err
		}
		if err := k.until(ctx, mark, end); err != nil {
			s.kill()
			return err
		}
		if mark < len(k.bells) {
			pause := time.Duration(draw.Int64N(int64(300 * time.Millisecond)))
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			s.kill()
			if n := k.rung(); n > 0 && n < len(k.bells) {
				r.Amid++
			}
			fmt.Fprintf(k.plan.Log, "killed when %d of %d phones had rung\n", k.rung(), len(k.bells))
			continue
		}
		select { // what would ring twice
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
		if err := s.stop(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// until waits until so many phones have rung, but not for ever.
func (k *ringing) until(ctx context.Context, mark int, end time.Time) error {
	for k.clock.Now().Before(end) && (k.rung() < mark || k.clock.Now().Before(k.waking.at)) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// judge reads what the phones show.
func (k *ringing) judge(r *RingReport) {
	texts := map[string]bool{}
	var took []time.Duration
	for _, b := range k.bells {
		cards := b.Cards()
		r.Shown[fmt.Sprint(len(cards))]++
		for _, c := range cards {
			texts[c.Title+"\n"+c.Body+"\n"+c.Tag] = true
			if c.Drawn > 1 {
				r.Twice++
			}
		}
		first := true
		for _, d := range b.Seen() {
			switch {
			case d.Content.Data["type"] == notify.TypeHint: // shows nothing
			case d.Content.Data["type"] != domain.NoticeResults:
				r.Wrong++
			case d.At.Before(k.waking.at):
				r.Early++
			case first:
				first, took = false, append(took, d.At.Sub(k.waking.at))
			}
		}
	}
	for _, b := range k.others {
		r.Wrong += len(b.Seen())
	}
	r.Texts, r.Got = len(texts), spread(took)
}

// notices counts what stands in the inboxes.
func (k *ringing) notices(ctx context.Context, path string, r *RingReport) (err error) {
	cfg := config.Default()
	cfg.Store, cfg.PublicURL = path, publicURL
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	for _, p := range k.phones {
		n, err := results(ctx, a.Store, merge.UserScope(p.user.login.User.ID))
		if err != nil {
			return err
		}
		r.Items[fmt.Sprint(n)]++
	}
	return nil
}

// results counts the notices of a result in a scope.
func results(ctx context.Context, s store.Store, scope string) (n int, err error) {
	rows, err := recordsIn(ctx, s, scope, "inbox")
	for _, row := range rows {
		if row.Text("type") == domain.NoticeResults {
			n++
		}
	}
	return n, err
}
