package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// contactEvery is how often the figures of one device are written at most.
const contactEvery = time.Minute

// healthBuffer holds the newest figures of each device until they are written.
type healthBuffer struct {
	mu      sync.Mutex
	devices map[string]*pulse
}

type pulse struct {
	contact store.Contact
	written time.Time // when the figures were written last
	dirty   bool
}

// Contact notes that a device was heard of, and what it still has to send;
// oldestUnsent is zero if nothing waits. It costs no statement: the figures are
// written at most once a minute per device, and by Flush.
func (s *Service) Contact(device string, oldestUnsent time.Time, unsent int) {
	now := s.Clock.Now()
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.devices == nil {
		h.devices = map[string]*pulse{}
	}
	p := h.devices[device]
	if p == nil {
		p = &pulse{}
		h.devices[device] = p
	}
	p.contact = store.Contact{Device: device, At: now, OldestUnsent: oldestUnsent.UTC().Truncate(time.Millisecond), Unsent: unsent}
	p.dirty = true
}

// Flush writes every figure that is not written yet. Call it at the end, after
// the last Contact.
func (s *Service) Flush(ctx context.Context) error { return s.flush(ctx, 0) }

// flushDue writes the figures of devices whose minute is over.
func (s *Service) flushDue(ctx context.Context) error { return s.flush(ctx, contactEvery) }

func (s *Service) flush(ctx context.Context, age time.Duration) error {
	due := s.health.collect(s.Clock.Now(), age)
	if len(due) == 0 {
		return nil
	}
	if err := s.Store.SaveContacts(ctx, due); err != nil {
		s.health.giveBack(due)
		return fmt.Errorf("save contacts: %w", err)
	}
	return nil
}

// collect takes the figures that are due and forgets the devices that were
// silent for a while.
func (h *healthBuffer) collect(now time.Time, age time.Duration) []store.Contact {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []store.Contact
	for device, p := range h.devices {
		switch since := now.Sub(p.written); {
		case p.dirty && since >= age:
			due = append(due, p.contact)
			p.dirty, p.written = false, now
		case !p.dirty && since > 2*contactEvery:
			delete(h.devices, device)
		}
	}
	return due
}

// giveBack marks figures that could not be written.
func (h *healthBuffer) giveBack(contacts []store.Contact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range contacts {
		if p := h.devices[c.Device]; p != nil {
			p.dirty = true
		}
	}
}

func (h *healthBuffer) newest(device string) (store.Contact, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.devices[device]; p != nil {
		return p.contact, true
	}
	return store.Contact{}, false
}

// DeviceHealth is a device and how it stood when it was last heard of. The
// contact is zero for a device that never synced.
type DeviceHealth struct {
	Device  store.Device
	Contact store.Contact
}

// Seen is when the device was last heard of, at the least its login.
func (d DeviceHealth) Seen() time.Time {
	if d.Contact.At.After(d.Device.Login) {
		return d.Contact.At
	}
	return d.Device.Login
}

// Health gives the devices of the users with their figures, those of other
// processes up to a minute late.
func (s *Service) Health(ctx context.Context, users ...string) ([]DeviceHealth, error) {
	var out []DeviceHealth
	var names []string
	for _, u := range users {
		devices, err := s.Store.DevicesOf(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("devices: %w", err)
		}
		for _, d := range devices {
			out = append(out, DeviceHealth{Device: d})
			names = append(names, d.ID)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	contacts, err := s.Store.Contacts(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("contacts: %w", err)
	}
	byDevice := map[string]store.Contact{}
	for _, c := range contacts {
		byDevice[c.Device] = c
	}
	for i := range out {
		out[i].Contact = byDevice[out[i].Device.ID]
		if c, ok := s.health.newest(out[i].Device.ID); ok && c.At.After(out[i].Contact.At) {
			out[i].Contact = c
		}
	}
	return out, nil
}
