package programme

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// byMessage is the purpose of a consent to be written to by WhatsApp or SMS.
const byMessage = "notification_whatsapp"

// Contact keeps the promise of notify.Contacts: the number that somebody logs in with, and
// whether they have agreed to be written to there about what their phone cannot be rung for.
func (s *Service) Contact(ctx context.Context, user string) (notify.Contact, error) {
	u, err := s.People.User(ctx, user)
	if err != nil || u.Status != store.UserActive {
		return notify.Contact{}, unlessAbsent(err)
	}
	rows, err := s.rows(ctx, merge.UserScope(user), merge.Key{Collection: "user", ID: user})
	if err != nil {
		return notify.Contact{}, err
	}
	profile := first(rows)
	c := notify.Contact{Phone: domain.Phone(u.Phone), Locale: profile.Text("locale")}
	c.Agreed, err = agreed(profile, byMessage)
	return c, err
}

// agreed reports whether a profile lists a purpose as agreed to.
func agreed(profile merge.Row, purpose string) (bool, error) {
	listed := profile.Fields["consents"]
	if len(listed) == 0 {
		return false, nil
	}
	type word struct {
		Purpose string `json:"purpose"`
		Granted bool   `json:"granted"`
	}
	var all []word
	if err := json.Unmarshal(listed, &all); err != nil {
		return false, fmt.Errorf("consents of a person: %w", err)
	}
	return slices.ContainsFunc(all, func(w word) bool { return w.Purpose == purpose && w.Granted }), nil
}
