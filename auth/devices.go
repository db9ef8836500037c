package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// DeviceInfo is what an app says about the phone it runs on.
type DeviceInfo struct {
	Install    string // UUID made at the first start of the app
	Platform   string // such as "android"
	Model      string
	OSVersion  string
	AppVersion string
}

// check refuses a description that no app of ours sends.
//
// Errors: Invalid "device_invalid".
func (d DeviceInfo) check() error {
	bad := func(field, text string) error {
		return &fault.Error{Kind: fault.Invalid, Code: "device_invalid", Field: "device." + field, Text: text}
	}
	if n := len(d.Install); n < 8 || n > 64 || strings.Trim(d.Install, "0123456789abcdefABCDEF-") != "" {
		return bad("install_id", "want a UUID")
	}
	for field, text := range map[string]string{"platform": d.Platform, "model": d.Model, "os_version": d.OSVersion, "app_version": d.AppVersion} {
		if utf8.RuneCountInString(text) > 60 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return bad(field, "want at most 60 printable characters")
		}
	}
	return nil
}

// deviceID names an installation as used by one user: the same phone in the
// hands of another user is another device.
func deviceID(user, install string) string { return id.Derive("device", user, install) }

// registerDevice notes a login from an installation, also from one that was
// revoked or lost: whoever holds it has just proved the number. session is the one that follows.
func (s *Service) registerDevice(ctx context.Context, user, session string, info DeviceInfo) (store.Device, error) {
	now := s.Clock.Now()
	for range rounds {
		d, err := s.Store.Device(ctx, deviceID(user, info.Install))
		absent := errors.Is(err, store.ErrAbsent)
		if err != nil && !absent {
			return d, fmt.Errorf("device: %w", err)
		}
		if absent {
			d = store.Device{ID: deviceID(user, info.Install), User: user, Install: info.Install, Created: now}
		}
		was := d.Status
		d.Platform, d.Model, d.OSVersion, d.AppVersion = info.Platform, info.Model, info.OSVersion, info.AppVersion
		d.Status, d.Login = store.DeviceActive, now
		if err := s.passing(ctx, was, d, session); err != nil {
			return d, err
		}
		if absent {
			err = s.Store.InsertDevice(ctx, d)
		} else {
			err = s.Store.ReplaceDevice(ctx, d)
		}
		if err == nil {
			return d, s.limitDevices(ctx, user, d.ID)
		}
		if !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrStale) {
			return d, fmt.Errorf("store device: %w", err)
		}
	}
	return store.Device{}, contended("device")
}

// passing tells of a device that comes in or goes, before it does.
func (s *Service) passing(ctx context.Context, was store.DeviceStatus, d store.Device, session string) error {
	if s.OnDevice == nil || (was == store.DeviceActive) == (d.Status == store.DeviceActive) {
		return nil
	}
	if err := s.OnDevice(ctx, d, session); err != nil {
		return fmt.Errorf("tell of a device: %w", err)
	}
	return nil
}

// limitDevices revokes the devices that were heard of longest ago until the
// user has no more than allowed. A sixth phone is not refused: people reinstall
// and lose phones, and then have no other one to log out.
func (s *Service) limitDevices(ctx context.Context, user, keep string) error {
	all, err := s.Health(ctx, user)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(d DeviceHealth) bool {
		return d.Device.Status != store.DeviceActive || d.Device.ID == keep
	})
	slices.SortStableFunc(all, func(a, b DeviceHealth) int { return b.Seen().Compare(a.Seen()) })
	for i := max(0, s.Limits.ActiveDevices-1); i < len(all); i++ {
		if err := s.RevokeDevice(ctx, user, all[i].Device.ID, store.DeviceRevoked); err != nil {
			return err
		}
	}
	return nil
}

// RevokeDevice marks a device of the user as revoked or lost and ends its
// sessions.
//
// Errors: NotFound "not_found", also for a device of somebody else.
func (s *Service) RevokeDevice(ctx context.Context, user, device string, to store.DeviceStatus) error {
	err := s.editDevice(ctx, user, device, func(d *store.Device) { d.Status = to })
	if err != nil {
		return err
	}
	return s.revokeWhere(ctx, user, "device_"+string(to), func(x store.Session) bool { return x.Device == device })
}

func (s *Service) editDevice(ctx context.Context, user, device string, edit func(*store.Device)) error {
	for range rounds {
		d, err := s.Store.Device(ctx, device)
		if errors.Is(err, store.ErrAbsent) || err == nil && d.User != user {
			return refuse(fault.NotFound, "not_found", "no such device of this user")
		}
		if err != nil {
			return fmt.Errorf("device: %w", err)
		}
		was := d.Status
		edit(&d)
		if err := s.passing(ctx, was, d, ""); err != nil {
			return err
		}
		if err = s.Store.ReplaceDevice(ctx, d); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return contended("device")
}

// Devices gives every device of a user, newest first, revoked ones too.
func (s *Service) Devices(ctx context.Context, user string) ([]store.Device, error) {
	return s.Store.DevicesOf(ctx, user)
}

// RegisterIncarnation makes a new name under which the user pushes from the
// device. Names never come back.
//
// Errors: NotFound "not_found" for a device of somebody else.
func (s *Service) RegisterIncarnation(ctx context.Context, user, device string) (string, error) {
	raw := make([]byte, 12)
	if _, err := io.ReadFull(s.Rand, raw); err != nil {
		return "", fmt.Errorf("draw an incarnation: %w", err)
	}
	name := "x" + base64.RawURLEncoding.EncodeToString(raw)
	return name, s.ClaimIncarnation(ctx, user, device, name)
}

// ClaimIncarnation notes a name that the phone made itself, because it had to
// begin anew without a network. Claiming it twice is no error.
//
// Errors: Invalid "device_invalid" (a name that is too short to be random or
// too long), NotFound "not_found" (device), Conflict "owner_mismatch" (the name
// is another user's or another device's).
func (s *Service) ClaimIncarnation(ctx context.Context, user, device, name string) error {
	if len(name) < 16 || len(name) > 64 {
		return &fault.Error{Kind: fault.Invalid, Code: "device_invalid", Field: "incarnation", Text: "want 16 to 64 characters"}
	}
	d, err := s.Store.Device(ctx, device)
	if errors.Is(err, store.ErrAbsent) || err == nil && d.User != user {
		return refuse(fault.NotFound, "not_found", "no such device of this user")
	}
	if err != nil {
		return fmt.Errorf("device: %w", err)
	}
	err = s.Store.InsertIncarnation(ctx, store.Incarnation{Name: name, User: user, Device: device, Created: s.Clock.Now()})
	if errors.Is(err, store.ErrTaken) {
		i, err := s.Store.Incarnation(ctx, name)
		if err != nil {
			return fmt.Errorf("incarnation: %w", err)
		}
		if i.User != user || i.Device != device {
			return refuse(fault.Conflict, "owner_mismatch", "incarnation belongs to another user or device")
		}
	} else if err != nil {
		return fmt.Errorf("insert incarnation: %w", err)
	}
	return s.editDevice(ctx, user, device, func(d *store.Device) { d.Incarnation = name })
}

// Incarnation tells whose name it is.
//
// Errors: NotFound "not_found".
func (s *Service) Incarnation(ctx context.Context, name string) (store.Incarnation, error) {
	i, err := s.Store.Incarnation(ctx, name)
	if errors.Is(err, store.ErrAbsent) {
		return i, refuse(fault.NotFound, "not_found", "no such incarnation")
	}
	return i, err
}

// lastSeen is when the user was last active on any phone.
func (s *Service) lastSeen(ctx context.Context, user string) (time.Time, error) {
	var last time.Time
	sessions, err := s.Store.SessionsOf(ctx, user)
	if err != nil {
		return last, fmt.Errorf("sessions: %w", err)
	}
	for _, x := range sessions {
		if x.Used.After(last) {
			last = x.Used
		}
	}
	devices, err := s.Health(ctx, user)
	for _, d := range devices {
		if at := d.Seen(); at.After(last) {
			last = at
		}
	}
	return last, err
}
