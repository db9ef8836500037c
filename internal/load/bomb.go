package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/message"
)

// BombPlan says what is thrown at a server. Every number must be above zero.
type BombPlan struct {
	Program string    // path of the program to serve with
	Size    int       // bytes that a body inflates to
	AtOnce  int       // requests
	Rounds  int       // of each kind, alone and at once
	Log     io.Writer // progress
}

// BombReport is what came of it.
type BombReport struct {
	Cores  int        `json:"cores"`
	Size   int        `json:"inflates_to_bytes"`
	AtOnce int        `json:"requests_at_once"`
	Kinds  []BombKind `json:"kinds"`
}

// BombKind is one kind of body.
type BombKind struct {
	Name    string   `json:"name"`
	Bytes   int      `json:"bytes_of_body"`
	Wanted  int      `json:"status_wanted"`
	Count   int      `json:"requests"`
	Wrong   []string `json:"wrong"` // other answers, the first of them
	Before  int64    `json:"rss_before_bytes"`
	Peak    int64    `json:"rss_peak_bytes"`
	Slowest float64  `json:"slowest_ms"`
	Most    int64    `json:"may_move_bytes"` // of memory
}

// Bomb throws bodies at a server that would inflate far beyond what one may, and looks
// how much memory that costs.
func Bomb(ctx context.Context, p BombPlan) (r BombReport, err error) {
	if p.Size <= 0 || p.AtOnce <= 0 || p.Rounds <= 0 {
		return r, errors.New("a plan has numbers above zero")
	}
	folder, err := os.MkdirTemp("", "lumbung-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tell := func(form string, args ...any) { fmt.Fprintf(p.Log, form+"\n", args...) }
	r = BombReport{Cores: runtime.NumCPU(), Size: p.Size, AtOnce: p.AtOnce}
	path := filepath.Join(folder, "l.db")
	f, err := gather(ctx, path, "", p.AtOnce, 0, 0, tell)
	if err != nil {
		return r, err
	}
	c, err := openCampaign(ctx, path, 100, tell)
	if err != nil {
		return r, err
	}
	tell("packing bodies of %d MiB", p.Size>>20)
	bombs, err := makeTables(p.Size)
	if err != nil {
		return r, err
	}
	bodies, err := makeBombs(p.Size)
	if err != nil {
		return r, err
	}
	bombs = append(bombs, bodies...)
	b := &bombing{plan: p, campaign: c, phones: f.fresh, path: path, clock: clock.Precise{}}
	for _, one := range bombs {
		tell("%s", one.name)
		k, err := b.fresh(ctx, one)
		if err != nil {
			return r, fmt.Errorf("%s: %w", one.name, err)
		}
		r.Kinds = append(r.Kinds, k)
	}
	return r, nil
}

// fresh throws one kind at a server that has just been started and warmed up: what the
// kinds before have cost would hide what this one costs.
func (b *bombing) fresh(ctx context.Context, one bomb) (k BombKind, err error) {
	if b.server, err = launch(ctx, b.plan.Program, b.path, "", false); err != nil {
		return k, err
	}
	defer b.server.kill()
	b.wire = dial(b.server.address, b.plan.AtOnce)
	defer b.wire.client.CloseIdleConnections()
	if err := b.warm(one.table); err != nil {
		return k, err
	}
	if k, err = b.throw(ctx, one); err != nil {
		return k, err
	}
	if _, err := b.phones[0].catchUp(b.wire); err != nil {
		return k, fmt.Errorf("afterwards: %w", err)
	}
	return k, b.server.stop()
}

// bombing is one run.
type bombing struct {
	plan   BombPlan
	clock  clock.Clock
	server *server
	wire   *wire
	phones []*phone // one for each request at once: of a large body a phone has one under way
	path   string   // of the database

	campaign *campaign // of tables
}

// warm lets the server answer as many requests at once as will come, of an ordinary size,
// and a list of registrants before tables, until it has the memory that any traffic makes it
// keep.
func (b *bombing) warm(tables bool) error {
	text := body(b.phones[0].batch(60)) // more are a large push
	for _, encoding := range []string{"", "gzip", "zstd"} {
		packed, err := pack(encoding, text)
		if err != nil {
			return err
		}
		if err := each(context.Background(), 8*b.plan.AtOnce, b.plan.AtOnce, func(int) error {
			a, err := b.send("/v1/sync/push", b.phones[0].user.login.Access, message.ID, bomb{encoding: encoding, text: packed})
			return good(a, err)
		}); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	if !tables {
		return nil
	}
	return good(b.sendTable(message.ID, b.campaign.list))
}

// throw sends a body to both routes, with a proof of identity and without, alone and with
// others.
func (b *bombing) throw(ctx context.Context, one bomb) (k BombKind, err error) {
	k = BombKind{Name: one.name, Bytes: len(one.text), Wanted: one.status, Most: mostOfBody}
	if one.table {
		k.Most = mostOfTable
	}
	if k.Before, err = b.server.rss(); err != nil {
		return k, err
	}
	if err := b.server.forgetPeak(); err != nil {
		return k, err
	}
	var mu sync.Mutex
	for n := range 2 * b.plan.Rounds {
		atOnce := 1
		if n%2 == 1 {
			atOnce = b.plan.AtOnce
		}
		if err := each(ctx, atOnce, atOnce, func(m int) error {
			path, token := []string{"/v1/sync", "/v1/sync/push"}[m%2], []string{b.phones[m%len(b.phones)].user.login.Access, ""}[(m/2+n/2)%2]
			began := b.clock.Now()
			wrong := b.judged(path, token, []message.Lang{message.ID, message.EN}[m%2], one)
			took := b.clock.Now().Sub(began)
			mu.Lock()
			defer mu.Unlock()
			k.Count, k.Slowest = k.Count+1, max(k.Slowest, float64(took.Microseconds())/1000)
			if wrong != nil && len(k.Wrong) < 5 {
				k.Wrong = append(k.Wrong, wrong.Error())
			}
			return nil
		}); err != nil {
			return k, err
		}
	}
	k.Peak, err = b.server.peak()
	return k, err
}

// judged sends a body and reports an answer that is not the one wanted.
func (b *bombing) judged(path, token string, lang message.Lang, one bomb) error {
	if one.table {
		token = b.campaign.admin.user.login.Access
	}
	a, err := b.send(path, token, lang, one)
	if err != nil && one.unread {
		return nil // the server went away from it: refused, whether the answer got through or not
	}
	if err != nil {
		return err
	}
	var p struct{ Code, Title string }
	if err := json.Unmarshal(a.body, &p); err != nil {
		return fmt.Errorf("answered %d: %.200q", a.status, a.body)
	}
	status, code := one.status, one.code
	if early := one.encoding == "" || one.unread || one.status == fasthttp.StatusUnsupportedMediaType; token == "" && !early { // nothing is inflated for who proves nothing
		status, code = fasthttp.StatusUnauthorized, "token_missing"
	}
	if want := message.Text(code, lang, nil).Title; a.status != status || p.Code != code || code != "" && p.Title != want && !one.unread { // in whatever language, where nothing was read
		return fmt.Errorf("answered %d %s %q, not %d %s %q", a.status, p.Code, p.Title, status, code, want)
	}
	return nil
}

func (b *bombing) send(path, token string, lang message.Lang, one bomb) (answer, error) {
	if one.table {
		return b.sendTable(lang, one.text)
	}
	return b.wire.request(path, token, "", true, func(r *fasthttp.Request) {
		r.Header.SetMethod(fasthttp.MethodPost)
		r.Header.SetContentType("application/json")
		r.Header.Set("Accept-Language", string(lang))
		if one.encoding != "" {
			r.Header.Set("Content-Encoding", one.encoding)
		}
		if one.chunked {
			r.SetBodyStream(bytes.NewReader(one.text), -1)
		} else {
			r.SetBodyRaw(one.text)
		}
	})
}

// forgetPeak lets the kernel count the most memory from now on.
func (s *server) forgetPeak() error {
	return os.WriteFile("/proc/"+strconv.Itoa(s.cmd.Process.Pid)+"/clear_refs", []byte("5"), 0)
}

// mostOfBody is how much memory inflating bodies may take, in bytes.
const mostOfBody = 10_000_000

// Verdict fails if a body was answered otherwise than it should, or cost more memory than
// its kind may.
func (r BombReport) Verdict() error {
	var errs []error
	if len(r.Kinds) == 0 {
		errs = append(errs, errors.New("nothing was sent"))
	}
	for _, k := range r.Kinds {
		if len(k.Wrong) > 0 || k.Count == 0 {
			errs = append(errs, fmt.Errorf("%s: %d requests, wrong: %s", k.Name, k.Count, strings.Join(k.Wrong, "; ")))
		}
		if grown := k.Peak - k.Before; grown >= k.Most {
			errs = append(errs, fmt.Errorf("%s: %.1f MB of memory", k.Name, float64(grown)/1e6))
		}
	}
	return errors.Join(errs...)
}

// Print writes the report as a table.
func (r BombReport) Print(w io.Writer) {
	fmt.Fprintf(w, "bodies that inflate to %d MiB, alone and %d at once, %d cores\n", r.Size>>20, r.AtOnce, r.Cores)
	fmt.Fprintf(w, "  %-52s %9s %6s %5s %6s %10s %12s %10s\n", "", "bytes", "status", "sent", "wrong", "RSS MB", "moved by MB", "slowest ms")
	for _, k := range r.Kinds {
		fmt.Fprintf(w, "  %-52s %9d %6d %5d %6d %10.1f %12.1f %10.1f\n", k.Name, k.Bytes, k.Wanted, k.Count, len(k.Wrong), float64(k.Before)/1e6, float64(k.Peak-k.Before)/1e6, k.Slowest)
	}
}
