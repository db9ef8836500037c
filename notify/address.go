package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// longestAddress is that of a web push subscription with its keys.
const longestAddress = 4096

// KeyOf is the key of an address that is known by a text: it has one owner, whoever names it.
func KeyOf(provider, kind, known string) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + kind + "\x00" + known))
	return hex.EncodeToString(sum[:16])
}

// Named is an address as an app names it.
type Named struct {
	Provider, Kind, Value string
	Locale                string // id or en
}

// Register notes where an installation is reached, and that it is in use. An address that
// was another person's is this one's from now on: the phone has changed hands, and rings no
// more for the first. A device has one address of a provider, a person a few; the one that
// was named longest ago makes room.
//
// Errors: Invalid "push_provider_unknown", "invalid_value" (value); those of Still.
func (s *Service) Register(ctx context.Context, user, device string, n Named) (store.Address, error) {
	if s.Senders[n.Provider] == nil {
		return store.Address{}, &fault.Error{Kind: fault.Invalid, Code: "push_provider_unknown", Field: "provider", Text: "no sender for this provider"}
	}
	if v, ok := s.Senders[n.Provider].(Validator); ok {
		if err := v.Valid(n.Kind, n.Value); err != nil {
			return store.Address{}, err
		}
	}
	known := n.Value
	if c, ok := s.Senders[n.Provider].(Canonical); ok {
		n.Value, known = c.Canonical(n.Kind, n.Value)
	}
	if n.Value == "" || len(n.Value) > longestAddress || strings.ContainsAny(n.Value, "\r\n\x00") {
		return store.Address{}, &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "value", Text: "not an address"}
	}
	a := store.Address{Key: KeyOf(n.Provider, n.Kind, known), Provider: n.Provider, Kind: n.Kind, Value: n.Value, User: user, Device: device, Locale: cmp.Or(n.Locale, "id")}
	a, err := s.claimAddress(ctx, a)
	if err != nil {
		return a, err
	}
	if s.Still != nil { // asked behind the claim: whoever logs out from now on drops it (auth.Service.OnEnd)
		if err := s.Still(ctx, user, device); err != nil {
			return a, errors.Join(err, s.Store.DropAddress(context.WithoutCancel(ctx), a.Key, a.Rev))
		}
	}
	return a, s.makeRoom(ctx, user)
}

// Validator is what a sender may know of addresses beside how to send.
type Validator interface {
	// Valid refuses what is no address of the provider.
	//
	// Errors: Invalid with the field.
	Valid(kind, value string) error
}

// Canonical is a sender whose addresses apps write in several ways.
type Canonical interface {
	// Canonical gives an address that Valid has taken as it is kept, and what it is known by:
	// two that lead to one phone are known by one text.
	Canonical(kind, value string) (kept, known string)
}

func (s *Service) claimAddress(ctx context.Context, a store.Address) (store.Address, error) {
	for {
		now := s.Clock.Now()
		a.Created, a.Seen, a.Keep, a.Rev = now, now, now.Add(s.Limits.Forget), 1
		err := s.Store.InsertAddress(ctx, a)
		if !errors.Is(err, store.ErrTaken) {
			return a, err
		}
		old, err := s.Store.Address(ctx, a.Key)
		if errors.Is(err, store.ErrAbsent) { // dropped in between
			continue
		}
		if err != nil {
			return a, err
		}
		if a.Rev = old.Rev; old.User == a.User {
			a.Created = old.Created
		}
		if err := s.Store.ReplaceAddress(ctx, a); !errors.Is(err, store.ErrStale) {
			a.Rev++
			return a, err
		}
	}
}

// makeRoom drops what has no place: of a device all but the address of a provider that was
// named last, of a person all but a few. Which these are does not depend on who asks, so that two
// that are named at once do not drop each other; the one that was named earlier may find itself
// dropped.
func (s *Service) makeRoom(ctx context.Context, user string) error {
	all, err := s.Store.AddressesOf(ctx, user)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y store.Address) int { return cmp.Or(y.Seen.Compare(x.Seen), cmp.Compare(y.Key, x.Key)) })
	kept, has := 0, map[[2]string]bool{}
	for _, a := range all {
		of := [2]string{a.Device, a.Provider}
		if kept < s.Limits.PerUser && !has[of] {
			kept, has[of] = kept+1, true
			continue
		}
		if err := s.Store.DropAddress(ctx, a.Key, a.Rev); err != nil {
			return err
		}
	}
	return nil
}

// placeOf is what a push is planned for: a phone, whatever address it has by then. One that is
// planned again behind a change of the address is the same one.
func placeOf(a store.Address) string {
	if a.Device == "" {
		return a.Key
	}
	return a.Provider + " " + a.Device
}

// reached is the address that a delivery was planned for, or what took its place. One that is
// another person's now is given as it is where nothing did.
//
// Errors: store.ErrAbsent where there is neither.
func (s *Service) reached(ctx context.Context, d store.Delivery) (store.Address, error) {
	to, err := s.Store.Address(ctx, d.Address)
	if err == nil && to.User == d.User || err != nil && !errors.Is(err, store.ErrAbsent) {
		return to, err
	}
	if next, ok, broken := s.successor(ctx, d); ok || broken != nil {
		return next, broken
	}
	return to, err
}

// successor is the address that has taken the place of a delivery's own: of the same person,
// device and provider, named last. An address of another person never does, nor another phone.
func (s *Service) successor(ctx context.Context, d store.Delivery) (next store.Address, ok bool, err error) {
	if d.Device == "" {
		return next, false, nil
	}
	all, err := s.live(ctx, d.User)
	for _, a := range all {
		if a.Device == d.Device && a.Provider == d.Provider && a.Key != d.Address && (!ok || a.Seen.After(next.Seen)) {
			next, ok = a, true
		}
	}
	return next, ok, err
}

// Leave drops the addresses of a device, as at a logout; without a device all of a user.
func (s *Service) Leave(ctx context.Context, user, device string) error {
	all, err := s.Store.AddressesOf(ctx, user)
	if err != nil {
		return err
	}
	for _, a := range all {
		if device != "" && a.Device != device {
			continue
		}
		if err := s.Store.DropAddress(ctx, a.Key, a.Rev); err != nil {
			return err
		}
	}
	return nil
}
