package notify

import (
	"context"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Letters write to people whose phones cannot be rung: about results and security, on a
// channel that they chose, if they have agreed to be written to.
type Letters struct {
	Messenger Messenger
	Channels  []string // that the service has, the preferred one first
	People    Contacts
}

// Contact is how somebody is written to.
type Contact struct {
	Phone  domain.Phone
	Locale string
	Agreed bool // to notices by WhatsApp or SMS (consent notification_whatsapp)
}

// Contacts knows people. programme.Service does.
type Contacts interface {
	// Contact gives the contact of a user; the zero one for whom nothing is sent to.
	Contact(ctx context.Context, user string) (Contact, error)
}

// letterLife is how long a message is worth sending: later people will have opened the app.
const letterLife = 48 * time.Hour

// lettersOf are the classes of notices that people are written to about.
func lettersOf() []string { return []string{"results", "security"} }

// reads reports whether messages of a class are wanted on a channel.
func (r Recipient) reads(class, channel string) bool {
	return slices.Contains(lettersOf(), class) && string(r.Preference.Fields[class+"_"+channel]) == "true"
}

// writes reports whether a provider is a channel of messages.
func (s *Service) writes(provider string) bool {
	return provider == ChannelWhatsApp || provider == ChannelSMS
}

// wanted reports whether somebody wants to hear of a class by a provider.
func (s *Service) wanted(r Recipient, class, provider string) bool {
	if s.writes(provider) {
		return r.reads(class, provider)
	}
	return r.rings(class)
}

// sender is who sends what goes to a provider; nil if nobody does.
func (s *Service) sender(provider string) Sender {
	if !s.writes(provider) {
		return s.Senders[provider]
	}
	if s.Letters == nil || !slices.Contains(s.Letters.Channels, provider) {
		return nil
	}
	return letterbox{s.Letters.Messenger}
}

// addressOf is where a delivery goes: where its phone is reached now. Numbers are looked up when
// they are needed, and stand in no delivery.
//
// Errors: store.ErrAbsent where there is none any more.
func (s *Service) addressOf(ctx context.Context, d store.Delivery) (store.Address, error) {
	if !s.writes(d.Provider) {
		return s.reached(ctx, d)
	}
	if s.Letters == nil {
		return store.Address{}, store.ErrAbsent
	}
	c, err := s.Letters.People.Contact(ctx, d.User)
	if err != nil {
		return store.Address{}, err
	}
	if !c.Agreed || c.Phone == "" {
		return store.Address{}, store.ErrAbsent
	}
	return store.Address{Key: d.Address, Provider: d.Provider, Value: string(c.Phone), User: d.User, Locale: c.Locale}, nil
}

// writeInstead writes to somebody about what a phone was to ring for, if none of theirs but
// that one can be rung. Done again it changes nothing.
func (s *Service) writeInstead(ctx context.Context, d store.Delivery) error {
	if s.Letters == nil || s.writes(d.Provider) || len(d.Items) == 0 {
		return nil
	}
	all, err := s.live(ctx, d.User)
	if err != nil || slices.ContainsFunc(all, func(a store.Address) bool { return a.Key != d.Address }) {
		return err
	}
	return s.writeAnyway(ctx, d)
}

// writeAnyway writes to somebody about what was to ring, whatever other phones they have: a
// defect of ours is met by each of them, and none knows what became of the others. Done again, also
// for another phone, it changes nothing.
func (s *Service) writeAnyway(ctx context.Context, d store.Delivery) error {
	if s.Letters == nil || s.writes(d.Provider) || len(d.Items) == 0 {
		return nil
	}
	r, items, err := s.Inbox.Ringing(ctx, d.User, d.Items)
	if err != nil {
		return err
	}
	for _, item := range items {
		t, ok := domain.NoticeTypeOf(item.Text("type"))
		if !ok {
			continue
		}
		if err := s.write(ctx, d.User, r, t, item); err != nil {
			return err
		}
	}
	return nil
}

// write plans the message about an item. Done again it changes nothing.
func (s *Service) write(ctx context.Context, user string, r Recipient, t domain.NoticeType, item merge.Row) error {
	if s.Letters == nil {
		return nil
	}
	i := slices.IndexFunc(s.Letters.Channels, func(c string) bool { return r.reads(t.Class, c) })
	if i < 0 {
		return nil
	}
	c, err := s.Letters.People.Contact(ctx, user)
	if err != nil || !c.Agreed || c.Phone == "" {
		return err
	}
	channel := s.Letters.Channels[i]
	now := s.Clock.Now()
	rung := writtenAt(item, now)
	gather := gathers(t, false, item, rung)
	p := plan{notice: t, gather: gather, other: gather, item: item, to: store.Address{Key: channel + "/" + user, Provider: channel, User: user}, who: r, rung: rung, life: letterLife}
	if now.Sub(p.rung) > letterLife {
		return nil
	}
	if err := s.enqueue(ctx, p); err != nil {
		return err
	}
	s.wake.up()
	return nil
}

// letterbox sends pushes as messages: the words of a lock screen, and no more.
type letterbox struct{ Messenger }

// Send keeps the promise of Sender.
func (l letterbox) Send(ctx context.Context, to store.Address, p Push) error {
	return l.Messenger.Send(ctx, Message{ID: p.ID, Channel: to.Provider, To: domain.Phone(to.Value), Template: p.Type, Locale: to.Locale, Params: map[string]string{"title": p.Title, "body": p.Body}})
}

// Check keeps the promise of Sender.
func (l letterbox) Check(context.Context, store.Address) error { return nil }
