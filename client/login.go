package client

import (
	"context"
	"errors"
	"net/http"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
)

// RequestCode asks for a one-time code and gives the challenge that Login wants
// back. It talks to the network.
func (p *Phone) RequestCode(phone string) (string, error) {
	var challenge string
	err := p.call(func(ctx context.Context) error {
		got, err := p.in().server.RequestCode(ctx, phone, p.in().device.Install)
		challenge = got.ID
		return err
	})
	return challenge, err
}

// Login proves the number and makes its user the user of this installation.
// Rows of another user are removed; what that one had not sent stays, and goes
// out when that user is back. It talks to the network.
func (p *Phone) Login(phone, challenge, code string) error {
	return p.call(func(ctx context.Context) error {
		return p.in().server.Login(ctx, phone, challenge, code, p.in().device)
	})
}

// Logout ends the session on the server, as far as it can be reached, and
// removes the rows from the phone. What is not sent stays for the same user;
// UnsentCount says beforehand whether there is any. It talks to the network.
func (p *Phone) Logout() error {
	err := p.call(func(ctx context.Context) error {
		err := p.in().server.Call(ctx, http.MethodPost, "/v1/auth/logout", nil, nil, nil)
		if err != nil && fault.KindOf(err) == fault.Unauthorized {
			return nil // it was over already
		}
		return err
	})
	if forget := errors.Join(p.in().inner.Forget(), p.in().inner.KeepSession(replica.Session{})); forget != nil {
		return p.fault(forget)
	}
	return err
}

// UserID is the user of this installation; empty before the first login.
func (p *Phone) UserID() string { return p.in().inner.Me().User }

// DeviceID is what the server calls this installation.
func (p *Phone) DeviceID() string { return p.in().inner.Me().Device }

// UserScope is the scope of the user's own records: profile, inbox, settings.
func (p *Phone) UserScope() string { return p.own() }

// Sync sends what is not sent and fetches what is new, until both are done. It
// gives up at the first error; what was done until then stands, and the next
// Sync goes on from there. It talks to the network.
func (p *Phone) Sync() error { return p.call(p.in().inner.Sync) }
