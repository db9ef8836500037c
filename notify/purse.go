package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
)

// Purse bounds what messages cost: so many a day of the capital's zone, over all processes.
// A message is paid for once, however often it is tried: the service knows it by its id. It is
// safe for concurrent use.
type Purse struct {
	Name     string // of what is paid from it, such as codes
	PerDay   int
	Counters store.Counters
	Clock    clock.Clock
	Log      *slog.Logger

	mu    sync.Mutex // one at a time looks in, so that none is turned away by others who are
	held  int        // of this process, of which nobody knows yet whether they are spent
	doubt bool       // the counters failed last
	told  string     // the day on which the log was told that it is empty
}

// What becomes of a payment is remembered for longer than a message is tried.
const (
	dayKept     = 48 * time.Hour
	paymentKept = 72 * time.Hour
)

func (p *Purse) day() string {
	return p.Clock.Now().In(domain.WIB.Location()).Format(time.DateOnly)
}

func (p *Purse) key(day string) string { return "messages/" + p.Name + "/" + day }

func (p *Purse) paidKey(message string) string { return "messages/" + p.Name + "/paid/" + message }

// payment is what was taken out of a purse for an attempt.
type payment struct {
	day    string
	before bool // an earlier attempt of the message is paid for, and this one costs nothing
}

// Errors of a purse out of which nothing is taken.
var (
	errSpent = errors.New("the messages of a day are spent")
	errHeld  = errors.New("what is left of the day is held for messages under way")
)

// take pays for a message, before it is sent: several processes that send at once do not
// spend more than there is.
//
// Errors: errSpent, errHeld, those of counters.
func (p *Purse) take(ctx context.Context, message string) (payment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	paid, err := p.total(ctx, p.paidKey(message))
	if err != nil || paid > 0 {
		return payment{before: true}, err
	}
	out := payment{day: p.day()}
	if p.doubt { // what fails may have been counted, and nothing is taken until a count that changes nothing succeeds
		if err := p.add(ctx, p.key(out.day), 0, dayKept); err != nil {
			return out, err
		}
	}
	if err := p.add(ctx, p.key(out.day), 1, dayKept); err != nil {
		return out, err
	}
	spent, err := p.spent(ctx, out.day)
	if err != nil {
		return out, errors.Join(err, p.giveBack(ctx, out.day))
	}
	if spent <= p.PerDay {
		p.held++
		return out, nil
	}
	if err := p.giveBack(ctx, out.day); err != nil {
		return out, err
	}
	if spent-p.held <= p.PerDay {
		return out, errHeld
	}
	p.tell(ctx, out.day)
	return out, errSpent
}

// settle ends a payment: it is spent, or goes back into the purse.
func (p *Purse) settle(ctx context.Context, message string, of payment, spent bool) error {
	if of.before {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	if spent {
		return p.add(ctx, p.paidKey(message), 1, paymentKept)
	}
	return p.giveBack(ctx, of.day)
}

// giveBack puts a payment of a day back into the purse, also behind the end of ctx. Where that fails nobody knows whether it
// is back, and it counts as spent: given back a second time it might buy one more than there is.
func (p *Purse) giveBack(ctx context.Context, day string) error {
	return p.add(context.WithoutCancel(ctx), p.key(day), -1, dayKept)
}

// tell says once a day that the purse is empty.
func (p *Purse) tell(ctx context.Context, day string) {
	if p.told != day {
		p.told = day
		p.Log.LogAttrs(ctx, slog.LevelWarn, "no more messages today: the bound of a day is reached", slog.String("of", p.Name), slog.Int("per_day", p.PerDay))
	}
}

func (p *Purse) add(ctx context.Context, key string, n int64, kept time.Duration) error {
	err := p.Counters.Add(ctx, key, n, p.Clock.Now().Add(kept))
	if p.doubt = err != nil; p.doubt {
		return fmt.Errorf("count messages: %w", err)
	}
	return nil
}

func (p *Purse) total(ctx context.Context, key string) (int, error) {
	n, err := p.Counters.Totals(ctx, []string{key})
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	return int(n[0]), nil
}

func (p *Purse) spent(ctx context.Context, day string) (int, error) { return p.total(ctx, p.key(day)) }

// Spent is how many messages of today are paid for.
func (p *Purse) Spent(ctx context.Context) (int, error) { return p.spent(ctx, p.day()) }

// Codes of failures for which nothing was sent because the purse is empty, or may be.
const (
	codeCap  = "message_cap"
	codeHeld = "message_cap_held"
)

// Paid is a messenger whose messages are paid from a purse. What was not taken costs
// nothing; an attempt of which nobody knows counts as taken.
type Paid struct {
	Messenger
	Purse *Purse
}

// Send keeps the promise of Messenger. With an empty purse it is Refused "message_cap"; while
// messages under way hold what is left of it, Later "message_cap_held".
func (p Paid) Send(ctx context.Context, m Message) error {
	of, err := p.Purse.take(ctx, m.ID)
	switch {
	case errors.Is(err, errSpent):
		return &Failure{Class: Refused, Code: codeCap, Local: true, Cause: err}
	case errors.Is(err, errHeld):
		return &Failure{Class: Later, Code: codeHeld, Local: true, Cause: err}
	case err != nil:
		return &Failure{Class: Later, Code: "counters_unavailable", Cause: err}
	}
	err = p.Messenger.Send(ctx, m)
	f := FailureOf(err)
	if uncounted := p.Purse.settle(context.WithoutCancel(ctx), m.ID, of, f == nil || f.Ambiguous); uncounted != nil {
		p.Purse.Log.LogAttrs(ctx, slog.LevelWarn, "what became of a message was not counted", slog.Any("error", uncounted))
	}
	return err
}
