package webhook

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/notify"
)

// TemplateCode is the template of a login code; its parameters are code, purpose and
// minutes, which is how long it is good for.
const TemplateCode = "login_code"

// Codes sends login codes as messages. It is a sender of package auth, which tries again
// what failed for the moment.
type Codes struct {
	Messenger notify.Messenger
	Tally     notify.Tally // may be nil
	Clock     clock.Clock
	// Locale is that of whoever has a number, id or en; "" where nobody has it, or it cannot be
	// asked now. It is asked when a code is sent, behind the answer to who wanted it, which
	// therefore tells nothing. May be nil.
	Locale func(ctx context.Context, phone domain.Phone) string
}

// Send keeps the promise of auth.Sender. Nothing of the code or the number gets into an
// error.
func (c Codes) Send(ctx context.Context, m auth.Message) error {
	from := c.Clock.Now()
	minutes := max(int(m.Expires.Sub(from).Round(time.Minute)/time.Minute), 1)
	locale := ""
	if c.Locale != nil {
		locale = c.Locale(ctx, m.Phone)
	}
	f := notify.FailureOf(c.Messenger.Send(ctx, notify.Message{ID: m.Key, Channel: notify.ChannelAny, To: m.Phone, Template: TemplateCode, Locale: cmp.Or(locale, "id"),
		Params: map[string]string{"code": m.Code, "purpose": string(m.Purpose), "minutes": strconv.Itoa(minutes)}}))
	code := "sent"
	if f != nil {
		code = f.Code
	}
	if c.Tally != nil {
		c.Tally.Pushed(Provider, TemplateCode, code, c.Clock.Now().Sub(from))
	}
	switch {
	case f == nil:
		return nil
	case f.Class == notify.Gone || f.Class == notify.Refused:
		return errors.New("a login code was not taken by the messaging service: " + f.Code) // for good
	}
	return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: "a login code waits for the messaging service: " + f.Code, After: f.RetryAfter}
}
