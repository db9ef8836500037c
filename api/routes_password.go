package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
)

func (s *Server) passwordLogin(x *call) error {
	var in wire.PasswordLogin
	if err := x.read(&in); err != nil {
		return err
	}
	l, err := s.Auth.LogIn(x.ctx, auth.PasswordRequest{Phone: in.Phone, Password: in.Password, Code: in.Code, IP: x.ip, Device: deviceInfo(in.Device)})
	if err != nil {
		return err
	}
	return s.loggedIn(x, l)
}

func (s *Server) setUp(x *call) error {
	var in wire.SetupRequest
	if err := x.read(&in); err != nil {
		return err
	}
	out, err := s.Auth.SetUp(x.ctx, auth.SetupRequest{Token: in.Token, Password: in.Password, IP: x.ip})
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, wire.Setup{OtpauthUri: out.URI, Secret: out.Secret, RecoveryCodes: out.Recovery})
}

func (s *Server) confirmSetup(x *call) error {
	var in wire.SetupConfirmation
	if err := x.read(&in); err != nil {
		return err
	}
	if err := s.Auth.ConfirmSetup(x.ctx, in.Token, in.Code, x.ip); err != nil {
		return err
	}
	return x.none()
}

func (s *Server) stepUp(x *call) error {
	var in wire.StepUpRequest
	if err := x.read(&in); err != nil {
		return err
	}
	t, err := s.Auth.StepUp(x.ctx, x.who, in.Code)
	if err != nil {
		return err
	}
	return x.json(fiber.StatusOK, tokensOf(t))
}

func (s *Server) changePassword(x *call) error {
	var in wire.PasswordChange
	if err := x.read(&in); err != nil {
		return err
	}
	if err := s.Auth.ChangePassword(x.ctx, x.who, in.Old, in.New, in.Code); err != nil {
		return err
	}
	return x.none()
}
