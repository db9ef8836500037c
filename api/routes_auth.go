package api

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

func (s *Server) requestCode(x *call) error {
	var in wire.CodeRequest
	if err := x.read(&in); err != nil {
		return err
	}
	if in.Purpose == "" {
		in.Purpose = string(auth.PurposeLogin)
	}
	c, err := s.Auth.RequestCode(x.ctx, auth.CodeRequest{Phone: in.Phone, Purpose: auth.Purpose(in.Purpose), IP: x.ip, Install: in.InstallId})
	if err != nil {
		return err
	}
	return x.json(fiber.StatusAccepted, wire.Challenge{Challenge: c.ID, ExpiresAt: c.Expires, ResendAfterS: int((c.Resend + time.Second - 1) / time.Second)})
}

func (s *Server) login(x *call) error {
	var in wire.LoginRequest
	if err := x.read(&in); err != nil {
		return err
	}
	l, err := s.Auth.Verify(x.ctx, auth.VerifyRequest{Challenge: in.Challenge, Phone: in.Phone, Code: in.Code, IP: x.ip,
		Device: deviceInfo(in.Device)})
	if err != nil {
		return err
	}
	return s.loggedIn(x, l)
}

// loggedIn answers a session that has just begun.
func (s *Server) loggedIn(x *call, l auth.Login) error {
	x.who.User = l.User.ID
	d := s.deviceNow(x, l)
	return x.json(fiber.StatusOK, wire.Login{AccessToken: l.Access, ExpiresAt: l.Expires, RefreshToken: l.Refresh, Now: l.Now,
		User: userOf(l.User), Device: deviceOf(d), Session: l.Session, Incarnation: l.Incarnation})
}

func deviceInfo(d wire.DeviceInfo) auth.DeviceInfo {
	return auth.DeviceInfo{Install: d.InstallId, Platform: d.Platform, Model: d.Model, OSVersion: d.OsVersion, AppVersion: d.AppVersion}
}

// deviceNow finds the device of a login and writes it where its user's phones
// see it. The login stands whether that works or not: the next one writes it.
func (s *Server) deviceNow(x *call, l auth.Login) store.Device {
	found := store.Device{ID: l.Device, User: l.User.ID, Incarnation: l.Incarnation, Status: store.DeviceActive, Created: l.Now, Login: l.Now}
	devices, err := s.Auth.Devices(x.ctx, l.User.ID)
	for _, d := range devices {
		if d.ID == l.Device {
			found = d
		}
	}
	if err == nil {
		err = s.Programme.NoteDevice(x.ctx, found)
	}
	if err != nil {
		s.Log.LogAttrs(x.ctx, slog.LevelWarn, "note device", slog.Any("error", err))
	}
	return found
}

func (s *Server) refresh(x *call) error {
	var in wire.RefreshRequest
	if err := x.read(&in); err != nil {
		return err
	}
	session := auth.SessionOf(in.RefreshToken)
	if left, wait := s.refreshes.short(session, s.Clock.Now(), 1); wait > 0 {
		tellRate(x.Ctx, &s.refreshes, left)
		return overRate(&s.refreshes, wait)
	}
	t, err := s.Auth.Refresh(x.ctx, in.RefreshToken)
	if ofSession(err) {
		left, _ := s.refreshes.take(session, s.Clock.Now(), 1) // one that others overtook is answered: it is done
		tellRate(x.Ctx, &s.refreshes, left)
	}
	if err != nil {
		return s.failed(x, err)
	}
	return x.json(fiber.StatusOK, tokensOf(t))
}

func tokensOf(t auth.Tokens) wire.Tokens {
	return wire.Tokens{AccessToken: t.Access, ExpiresAt: t.Expires, RefreshToken: t.Refresh, Now: t.Now}
}

// ofSession reports whether a refresh was proven to be of its session, whatever became of
// it. Only then it uses the budget of the session: nobody else can use it up.
func ofSession(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unauthorized, fault.Forbidden:
		return fault.CodeOf(err) != "refresh_invalid"
	}
	return err == nil
}

func (s *Server) logout(x *call) error {
	if err := s.Auth.RevokeSession(x.ctx, x.who.User, x.who.Session, "logout"); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) jwks(x *call) error {
	keys, err := s.Auth.JWKS(x.ctx)
	if err != nil {
		return err
	}
	x.Set(fiber.HeaderCacheControl, "public, max-age="+strconv.Itoa(int(s.Auth.Limits.KeyCache.Seconds())))
	return x.bytes(fiber.MIMEApplicationJSON, keys)
}

func (s *Server) me(x *call) error {
	u, err := s.Auth.User(x.ctx, x.who.User)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.Me{User: userOf(u), Session: x.who.Session, Device: x.who.Device, Now: s.Clock.Now(), Push: s.pushProviders()})
}

func (s *Server) sessions(x *call) error {
	all, err := s.Auth.Sessions(x.ctx, x.who.User)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.SessionList{Sessions: each(all, sessionOf(x.who.Session))})
}

func (s *Server) endSessions(x *call) error {
	if err := s.Auth.RevokeSessions(x.ctx, x.who.User, "logout_everywhere"); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) endSession(x *call) error {
	if err := s.Auth.RevokeSession(x.ctx, x.who.User, x.Params("session"), "logout"); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) devices(x *call) error {
	all, err := s.Auth.Devices(x.ctx, x.who.User)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.DeviceList{Devices: each(all, deviceOf)})
}

func (s *Server) revokeDevice(x *call) error {
	to := store.DeviceStatus(x.Query("as", string(store.DeviceRevoked)))
	if to != store.DeviceRevoked && to != store.DeviceLost {
		return badQuery("as")
	}
	device := x.Params("device")
	if err := s.Auth.RevokeDevice(x.ctx, x.who.User, device, to); err != nil {
		return err
	}
	all, err := s.Auth.Devices(x.ctx, x.who.User)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.ID == device {
			if err := s.Programme.NoteDevice(x.ctx, d); err != nil {
				return err
			}
		}
	}
	return x.none()
}

func (s *Server) newIncarnation(x *call) error {
	var in wire.IncarnationRequest
	if err := x.read(&in); err != nil {
		return err
	}
	name, device := in.Incarnation, x.Params("device")
	var err error
	if name == "" {
		name, err = s.Auth.RegisterIncarnation(x.ctx, x.who.User, device)
	} else {
		err = s.Auth.ClaimIncarnation(x.ctx, x.who.User, device, name)
	}
	if err != nil {
		return err
	}
	return x.json(fiber.StatusCreated, wire.Incarnation{Incarnation: name})
}

func (s *Server) healthz(x *call) error {
	return x.json(fiber.StatusOK, wire.Status{Status: "ok"})
}

func (s *Server) readyz(x *call) error {
	if s.draining.Load() {
		return &fault.Error{Kind: fault.Transient, Code: "draining", Text: "about to stop", After: 5 * time.Second}
	}
	if s.Ready != nil {
		if err := s.Ready(x.ctx); err != nil {
			code := "unavailable"
			if fault.KindOf(err) == fault.Transient {
				code = fault.CodeOf(err)
			}
			return &fault.Error{Kind: fault.Transient, Code: code, Text: "not ready", After: 5 * time.Second, Cause: err}
		}
	}
	return x.json(fiber.StatusOK, wire.Status{Status: "ok"})
}

func (s *Server) version(x *call) error {
	return x.json(fiber.StatusOK, wire.Version{Version: s.Version, Schema: s.Engine.Schema.Version, MinApp: s.Engine.MinApp})
}
