package notify

import (
	"context"

	"github.com/lumbung-ikm/lumbung/domain"
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
