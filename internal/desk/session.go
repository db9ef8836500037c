package desk

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/fault"
)

// session is who is logged in, and where. It is a file that nobody else may read.
type session struct {
	Server  string `json:"server"` // without a slash at the end
	User    string `json:"user"`
	Phone   string `json:"phone"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// load reads the session.
//
// Errors: Unauthorized "not_logged_in"; Invalid "session_exposed", "session_unreadable".
func (d *desk) load() (session, error) {
	var s session
	info, err := os.Stat(d.session)
	if errors.Is(err, fs.ErrNotExist) {
		return s, &fault.Error{Kind: fault.Unauthorized, Code: "not_logged_in", Text: "no session is kept"}
	}
	if err == nil && exposed(info) {
		return s, &fault.Error{Kind: fault.Invalid, Code: "session_exposed", Field: d.session, Text: "others may read it"}
	}
	if err = read(d.session, &s); err != nil || s.Server == "" || s.User == "" || s.Access == "" || s.Refresh == "" {
		return s, &fault.Error{Kind: fault.Invalid, Code: "session_unreadable", Field: d.session, Text: "no session in it", Cause: err}
	}
	return s, nil
}

// mine is load, if nobody else has logged in since old was read.
//
// Errors: as load; Unauthorized "session_changed".
func (d *desk) mine(old session) (session, error) {
	s, err := d.load()
	if err == nil && (s.User != old.User || s.Server != old.Server) {
		err = &fault.Error{Kind: fault.Unauthorized, Code: "session_changed", Text: "another user, or another server"}
	}
	return s, err
}

func read(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// keep writes a file that only this user may read, whole or not at all. After a cut of the
// power it may be the one before, which does no harm: the server gives the newest tokens
// once more for those.
//
// Errors: Internal "session_unwritable".
func keep(path string, v any) (err error) {
	defer func() {
		if err != nil {
			err = &fault.Error{Kind: fault.Internal, Code: "session_unwritable", Field: path, Text: "not kept", Cause: err}
		}
	}()
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // for this user alone
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// forget deletes a file that may be absent.
func forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &fault.Error{Kind: fault.Internal, Code: "session_unwritable", Field: path, Text: "not deleted", Cause: err}
	}
	return nil
}

// How long a command waits for another one that is at work with the session, and how often
// it looks.
const (
	lockLooks = 200
	lockEvery = 50 * time.Millisecond
)

// locked does something while no other command changes the session.
//
// Errors: Conflict "session_busy"; Internal "session_unwritable".
func (d *desk) locked(ctx context.Context, do func() error) (err error) {
	path := d.session + ".lock" // stays: who deletes a lock that somebody waits for makes two of it
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &fault.Error{Kind: fault.Internal, Code: "session_unwritable", Field: path, Text: "no folder", Cause: err}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return &fault.Error{Kind: fault.Internal, Code: "session_unwritable", Field: path, Text: "no lock", Cause: err}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for range lockLooks {
		held, err := lock(f)
		if err != nil {
			return &fault.Error{Kind: fault.Internal, Code: "session_unwritable", Field: path, Text: "no lock", Cause: err}
		}
		if held {
			return do()
		}
		if err := wait(ctx, lockEvery); err != nil {
			return err
		}
	}
	return &fault.Error{Kind: fault.Conflict, Code: "session_busy", Text: "another command holds it"}
}

// wait lets time pass, or says why it need not.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew gives the session with fresh tokens: those that another command has got meanwhile,
// or new ones, which are kept before anybody uses them. If their answer is lost the old
// ones are good once more.
func (d *desk) renew(ctx context.Context, old session) (now session, err error) {
	err = d.locked(ctx, func() error {
		if now, err = d.mine(old); err != nil || now.Access != old.Access {
			return err
		}
		now, err = d.trade(ctx, now)
		return err
	})
	return now, err
}

// trade trades the refresh token of a session that is locked.
func (d *desk) trade(ctx context.Context, s session) (session, error) {
	var t wire.Tokens
	if err := d.plain(ctx, s.Server, "", "/v1/auth/refresh", wire.RefreshRequest{RefreshToken: s.Refresh}, &t); err != nil {
		return s, err
	}
	return d.with(s, t)
}

// with keeps a session with other tokens.
func (d *desk) with(s session, t wire.Tokens) (session, error) {
	if t.AccessToken == "" || t.RefreshToken == "" {
		return s, foreign("an answer without tokens", nil)
	}
	s.Access, s.Refresh = t.AccessToken, t.RefreshToken
	return s, keep(d.session, s)
}

// stepUps is how often somebody at a terminal may mistype a code.
const stepUps = 3

// stepUp asks for a code and makes the proof of a session young again.
func (d *desk) stepUp(ctx context.Context, old session) (now session, err error) {
	for try := 1; ; try++ {
		code, err := d.ask(ctx, d.phrase("ask_fresh", nil), false)
		if codeOf(err) == "input_ended" {
			return old, errors.Join(&fault.Error{Kind: fault.Forbidden, Code: "step_up_required", Text: "nobody gives a code"}, err)
		}
		if err != nil {
			return old, err
		}
		now, err = d.prove(ctx, old, code)
		if c := codeOf(err); c != "code_wrong" && c != "factor_used" || try == stepUps || !terminal(d.In) {
			return now, err
		}
		d.note(err)
	}
}

// prove sends a code. Nobody else may trade the refresh token meanwhile: the answer brings
// the one of now.
func (d *desk) prove(ctx context.Context, old session, code string) (now session, err error) {
	err = d.locked(ctx, func() error {
		if now, err = d.mine(old); err != nil {
			return err
		}
		var t wire.Tokens
		again := func() error {
			return d.plain(ctx, now.Server, now.Access, "/v1/auth/step-up", wire.StepUpRequest{Code: code}, &t)
		}
		if err = again(); aged(err) {
			if now, err = d.trade(ctx, now); err == nil {
				err = again()
			}
		}
		if err == nil {
			now, err = d.with(now, t)
		}
		return err
	})
	return now, err
}

// aged reports whether other tokens may help.
func aged(err error) bool {
	c := codeOf(err)
	return c == "token_expired" || c == "token_invalid"
}

// plain posts JSON with an access token, or without.
func (d *desk) plain(ctx context.Context, server, token, path string, in, out any) error {
	r, err := asJSON(http.MethodPost, path, in)
	if err != nil {
		return err
	}
	return d.do(ctx, server, token, r, out)
}
