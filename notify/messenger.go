package notify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
)

// Channels of messages.
const (
	ChannelWhatsApp = "whatsapp"
	ChannelSMS      = "sms"
	ChannelAny      = "any" // the service chooses: WhatsApp first, as people expect it
)

// Message is one message to a telephone number, as a messaging service takes it: a template
// that is agreed with it, and what fills its holes.
type Message struct {
	ID       string // the same at every attempt: a service that has seen it does nothing
	Channel  string
	To       domain.Phone
	Template string // login_code, or the type of a notice
	Locale   string // id or en
	Params   map[string]string
}

// Messenger hands messages to a service for WhatsApp or SMS. It is safe for concurrent use.
type Messenger interface {
	// Send makes one attempt, and does not try again by itself. Whatever it returns is a
	// *Failure, or the error of ctx; neither says anything of the number or the parameters.
	Send(ctx context.Context, m Message) error
}

// Purse bounds what messages cost: so many a day of the capital's zone, over all processes.
// It is safe for concurrent use.
type Purse struct {
	Name     string // of what is paid from it, such as codes
	PerDay   int
	Counters store.Counters
	Clock    clock.Clock
	Log      *slog.Logger

	mu   sync.Mutex // one at a time looks in, so that none is turned away by others who are
	told string     // the day on which the log was told that it is empty
}

func (p *Purse) day() string {
	return p.Clock.Now().In(domain.WIB.Location()).Format(time.DateOnly)
}

func (p *Purse) key(day string) string { return "messages/" + p.Name + "/" + day }

// take pays for a message, before it is sent: several processes that send at once do not
// spend more than there is. false: the day's is spent.
func (p *Purse) take(ctx context.Context) (day string, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	day = p.day()
	if err := p.add(ctx, day, 1); err != nil {
		return day, false, err
	}
	spent, err := p.spent(ctx, day)
	if err != nil {
		return day, false, err
	}
	if spent <= p.PerDay {
		return day, true, nil
	}
	p.tell(ctx, day)
	return day, false, p.add(ctx, day, -1)
}

// tell says once a day that the purse is empty.
func (p *Purse) tell(ctx context.Context, day string) {
	if p.told != day {
		p.told = day
		p.Log.LogAttrs(ctx, slog.LevelWarn, "no more messages today: the bound of a day is reached", slog.String("of", p.Name), slog.Int("per_day", p.PerDay))
	}
}

func (p *Purse) add(ctx context.Context, day string, n int64) error {
	if err := p.Counters.Add(ctx, p.key(day), n, p.Clock.Now().Add(48*time.Hour)); err != nil {
		return fmt.Errorf("count messages: %w", err)
	}
	return nil
}

func (p *Purse) spent(ctx context.Context, day string) (int, error) {
	n, err := p.Counters.Totals(ctx, []string{p.key(day)})
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	return int(n[0]), nil
}

// Spent is how many messages of today are paid for.
func (p *Purse) Spent(ctx context.Context) (int, error) { return p.spent(ctx, p.day()) }

// codeCap is the code of a failure for which nothing was sent because the purse is empty.
const codeCap = "message_cap"

// Paid is a messenger whose messages are paid from a purse. What was not taken costs
// nothing; an attempt of which nobody knows counts as taken.
type Paid struct {
	Messenger
	Purse *Purse
}

// Send keeps the promise of Messenger; with an empty purse it is Refused "message_cap".
func (p Paid) Send(ctx context.Context, m Message) error {
	day, ok, err := p.Purse.take(ctx)
	if err != nil {
		return &Failure{Class: Later, Code: "counters_unavailable", Cause: err}
	}
	if !ok {
		return &Failure{Class: Refused, Code: codeCap, Local: true, Cause: fmt.Errorf("%d messages of a day are spent", p.Purse.PerDay)}
	}
	err = p.Messenger.Send(ctx, m)
	if f := FailureOf(err); f != nil && !f.Ambiguous {
		if back := p.Purse.add(context.WithoutCancel(ctx), day, -1); back != nil {
			p.Purse.Log.LogAttrs(ctx, slog.LevelWarn, "a message that was not taken stays counted", slog.Any("error", back))
		}
	}
	return err
}
