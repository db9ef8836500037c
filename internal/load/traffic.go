package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// open opens a stream for everybody and returns when each has been greeted.
func (m *run) open(ctx context.Context) error {
	var all []*user
	for _, b := range m.people.businesses {
		all = append(all, b.users...)
	}
	return each(ctx, len(all), 32, func(n int) error { return m.listen(ctx, all[n], n) })
}

// perAddress is how many streams one source address carries, well below the
// ports that it has.
const perAddress = 20_000

func (m *run) listen(ctx context.Context, u *user, n int) error {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n/perAddress))}
	c, err := (&net.Dialer{LocalAddr: from, Timeout: 20 * time.Second}).DialContext(ctx, "tcp", m.server.address)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET /v1/sync/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n", u.login.Access); err != nil {
		return errors.Join(err, c.Close())
	}
	head := bufio.NewReaderSize(c, 1024)
	resp, err := http.ReadResponse(head, nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("a stream was answered %s", resp.Status)
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	lines := bufio.NewReaderSize(resp.Body, 512)
	for greeted := false; !greeted; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return errors.Join(err, c.Close())
		}
		greeted = strings.HasPrefix(line, "event: hello")
	}
	m.readers.Go(func() {
		u.read(lines)
		if err := c.Close(); err != nil {
			return
		}
	})
	return nil
}

// read notes every event until the stream ends.
func (u *user) read(lines *bufio.Reader) {
	name := ""
	for {
		line, err := lines.ReadString('\n')
		now := clock.Precise{}.Now()
		if err != nil {
			return
		}
		if kind, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(kind)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var n protocol.News
		u.mu.Lock()
		switch name {
		case "bye":
			u.bye = true
		case "scope":
			if json.Unmarshal([]byte(data), &n) == nil {
				u.told = append(u.told, told{n.Scope, n.Seq, now})
			}
		}
		u.mu.Unlock()
	}
}

// pushed is a push that was answered.
type pushed struct {
	business        int
	scope           string
	seq             merge.Seq
	began, answered time.Time
	again           int // times that it was sent once more
}

// push sends at the rate of the plan for a while, one enterprise after the other.
func (m *run) push(ctx context.Context, long time.Duration) ([]pushed, error) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second / time.Duration(m.plan.Rate))
	defer tick.Stop()
	var mu sync.Mutex
	var out []pushed
	var errs []error
	var under sync.WaitGroup
	for n := range int(long.Seconds() * float64(m.plan.Rate)) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		under.Go(func() {
			p, err := m.sell(ctx, client, n%len(m.people.businesses))
			mu.Lock()
			defer mu.Unlock()
			out, errs = append(out, p), append(errs, err)
		})
	}
	under.Wait()
	for _, err := range errs {
		if err != nil {
			return out, err // the others say the same
		}
	}
	return out, nil
}

// sell pushes one sales entry.
func (m *run) sell(ctx context.Context, client *http.Client, n int) (pushed, error) {
	b := m.people.businesses[n]
	u := b.users[0]
	u.mu.Lock()
	b.n++
	count := b.n
	u.mu.Unlock()
	now := m.clock.Now()
	at := merge.Millis(now.UnixMilli())
	sale := merge.Mutation{N: count, Schema: 1, Collection: "sales", ID: id.Maker{Clock: clock.System{}, Rand: rand.Reader}.New(), Op: merge.Put,
		At: merge.Reading{Wall: at, Mono: 1, Boot: "b"}, Set: map[string]merge.Value{"sold_on": merge.Str(now.Format("2006-01-02")),
			"amount_idr": merge.Num(25_000), "channel": merge.Str("store"), "granularity": merge.Str("single"), "payment": merge.Str("cash")}}
	body, err := json.Marshal(protocol.Request{App: "1.4.2", Clock: protocol.Reading{Wall: merge.FormatInstant(at), Mono: 1, Boot: "b"},
		Push: []protocol.Part{{Scope: b.scope, Device: u.login.Device, Incarnation: u.login.Incarnation, Generation: b.generation, Mutations: []json.RawMessage{sale.WireMutation()}}}})
	if err != nil {
		return pushed{}, err
	}
	p := pushed{business: n, scope: b.scope, began: clock.Precise{}.Now()}
	r, err := m.send(ctx, client, u.login.Access, body)
	for ; err != nil && errors.Is(err, errAway) && p.again < mostAgain; p.again++ { // as a phone does, with the same bytes
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return p, ctx.Err()
		case <-timer.C:
		}
		r, err = m.send(ctx, client, u.login.Access, body)
	}
	p.answered = clock.Precise{}.Now()
	if err != nil {
		return p, err
	}
	if len(r.Verdicts) != 1 || r.Verdicts[0].Verdict != merge.Applied {
		return p, fmt.Errorf("a push was answered %+v", r.Verdicts)
	}
	p.seq = r.Verdicts[0].Seq
	return p, nil
}

// mostAgain is how often a push is sent again that the server had no time for.
const mostAgain = 10

// errAway is an answer that says to come back.
var errAway = errors.New("the server is not available")

// send pushes once.
func (m *run) send(ctx context.Context, client *http.Client, token string, body []byte) (r protocol.Response, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.server.address+"/v1/sync/push", bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return r, err
	case resp.StatusCode == http.StatusServiceUnavailable:
		return r, fmt.Errorf("%w: %s", errAway, text)
	case resp.StatusCode != http.StatusOK:
		return r, fmt.Errorf("a push was answered %s: %s", resp.Status, text)
	}
	return r, json.Unmarshal(text, &r)
}
