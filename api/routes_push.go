package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// ownDevice is the device of the path, if it is the caller's and in use.
//
// Errors: NotFound.
func (s *Server) ownDevice(x *call) (string, error) {
	device := strings.Clone(x.Params("device"))
	all, err := s.Auth.Devices(x.ctx, x.who.User)
	if err != nil {
		return "", err
	}
	for _, d := range all {
		if d.ID == device && d.Status == store.DeviceActive {
			return device, nil
		}
	}
	return "", notFound()
}

// pushProviders are what an app has to know before it asks for an address.
func (s *Server) pushProviders() []wire.PushProvider {
	keys := s.Push.Keys()
	return each(s.Push.Providers(), func(p string) wire.PushProvider { return wire.PushProvider{Provider: p, PublicKey: keys[p]} })
}

func (s *Server) registerPush(x *call) error {
	var in wire.PushAddress
	if err := x.read(&in); err != nil {
		return err
	}
	device, err := s.ownDevice(x)
	if err != nil {
		return err
	}
	if device != x.who.Device { // it would ring on behind the logout of this one
		return notFound()
	}
	if _, err := s.Push.Register(x.ctx, x.who.User, device, notify.Named{Provider: in.Provider, Kind: in.Kind, Value: in.Value, Locale: in.Locale}); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) leavePush(x *call) error {
	device, err := s.ownDevice(x)
	if err != nil {
		return err
	}
	if err := s.Push.Leave(x.ctx, x.who.User, device); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) pushFigures(x *call) error {
	if err := s.Programme.MustBeAdmin(x.ctx, x.caller()); err != nil {
		return err
	}
	f, err := s.Push.Figures(x.ctx)
	if err != nil {
		return err
	}
	out := wire.PushFigures{Lanes: []wire.PushLane{}, Addresses: []wire.PushAddresses{}, Receipts: wire.PushReceipts{Delivered: f.Noted.Delivered, Read: f.Noted.Read, Acknowledged: f.Noted.Acknowledged},
		Attempts: wire.PushAttempts{Since: f.Made.Since, Made: f.Made.Attempts, Taken: f.Made.Taken, P50Ms: int(f.Made.P50.Milliseconds()), P99Ms: int(f.Made.P99.Milliseconds())}}
	for _, lane := range notify.Lanes() {
		arrived := f.Arrived[lane]
		l := wire.PushLane{Lane: lane, Open: f.Lanes[lane].Open, Taken: arrived.Taken, WaitP50Ms: int(arrived.P50.Milliseconds()), WaitP99Ms: int(arrived.P99.Milliseconds())}
		if at := f.Lanes[lane].Oldest; !at.IsZero() {
			l.Oldest = at
		}
		out.Lanes = append(out.Lanes, l)
	}
	for _, state := range notify.Waiting() {
		out.States = append(out.States, wire.PushState{State: string(state), Count: f.States[state]})
	}
	for _, p := range s.Push.Providers() {
		out.Addresses = append(out.Addresses, wire.PushAddresses{Provider: p, All: f.Addresses[p].All, InUse: f.Addresses[p].Seen})
	}
	return x.json(fiber.StatusOK, out)
}

func (s *Server) pushDeliveries(x *call) error {
	limit, err := x.limit()
	if err != nil {
		return err
	}
	var states []string
	for _, state := range store.DeliveryStates() {
		states = append(states, string(state))
	}
	state, err := x.oneOf("state", states...)
	if err != nil {
		return err
	}
	if state == "" {
		state = string(store.DeliveryDead)
	}
	after := strings.Clone(x.Query("after"))
	if after != "" && !id.Valid(after) {
		return badQuery("after")
	}
	if err := s.Programme.MustBeAdmin(x.ctx, x.caller()); err != nil {
		return err
	}
	all, err := s.Push.Deliveries(x.ctx, store.DeliveryState(state), after, limit+1)
	if err != nil {
		return err
	}
	var out wire.DeliveryList
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].ID
	}
	out.Deliveries = each(all, deliveryOf)
	for _, d := range all {
		x.saw(d.User)
	}
	return x.json(fiber.StatusOK, out)
}

func deliveryOf(d store.Delivery) wire.Delivery {
	out := wire.Delivery{Id: d.ID, Type: d.Type, UserId: d.User, Provider: d.Provider, Lane: d.Lane, State: string(d.State), Attempts: d.Attempts, Code: d.Code, Ambiguous: d.Ambiguous, CreatedAt: d.Created}
	if d.State.Open() {
		out.NextAt = d.Next
	}
	if !d.Done.IsZero() {
		out.DoneAt = d.Done
	}
	return out
}

func (s *Server) replayPush(x *call) error {
	if err := s.Programme.MustBeAdmin(x.ctx, x.caller()); err != nil {
		return err
	}
	d, err := s.Push.Replay(x.ctx, strings.Clone(x.Params("delivery")))
	if err != nil {
		return err
	}
	x.saw(d.User)
	return x.json(fiber.StatusOK, deliveryOf(d))
}

func (s *Server) checkPush(x *call) error {
	if err := s.Programme.MustBeAdmin(x.ctx, x.caller()); err != nil {
		return err
	}
	all, err := s.Push.Check(x.ctx, x.who.User)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.PushCheck{Checks: each(all, func(c notify.Checked) wire.PushChecked {
		return wire.PushChecked{Provider: c.Provider, Ok: c.Code == "", Code: c.Code}
	})})
}
