package desk

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

// login proves who somebody is and keeps the session.
func (d *desk) login(ctx context.Context, args []string) error {
	f := d.set("admin login")
	server := f.String("server", "", "")
	phone := f.String("phone", "", "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	if *server == "" || *phone == "" {
		return Usage{"admin login wants --server and --phone"}
	}
	base, err := address(*server)
	if err != nil {
		return err
	}
	install, err := d.installation(ctx)
	if err != nil {
		return err
	}
	in := wire.PasswordLogin{Phone: *phone, Device: wire.DeviceInfo{InstallId: install, Platform: "cli", AppVersion: cut(d.Version)}}
	if in.Password, err = d.ask(ctx, d.phrase("ask_password", nil), true); err != nil {
		return err
	}
	if in.Code, err = d.ask(ctx, d.phrase("ask_code", nil), false); err != nil {
		return err
	}
	var out wire.Login
	if err := d.plain(ctx, base, "", "/v1/auth/password", in, &out); err != nil {
		return err
	}
	if out.AccessToken == "" || out.RefreshToken == "" || out.User.Id == "" {
		return foreign("a login without tokens", nil)
	}
	s := session{Server: base, User: out.User.Id, Phone: out.User.Phone, Access: out.AccessToken, Refresh: out.RefreshToken}
	if err := d.locked(ctx, func() error { return keep(d.session, s) }); err != nil {
		return err
	}
	d.say("logged_in", params{"who": s.Phone, "server": base, "file": d.session})
	return nil
}

// mostDevice is how long a word about a device may be.
const mostDevice = 60

func cut(text string) string { return text[:min(len(text), mostDevice)] }

// address is where a server is. Passwords are sent in the open to this machine only.
//
// Errors: Usage.
func address(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", Usage{"--server wants an address such as https://lumbung.example"}
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return "", Usage{"--server wants https://; http:// is for this machine only"}
	}
	return u.Scheme + "://" + u.Host, nil
}

// installation is the name of this place to work at. It stays over logins, because the
// server lets nobody's guesses keep out who has been here before.
func (d *desk) installation(ctx context.Context) (name string, err error) {
	path := d.session + ".install"
	err = d.locked(ctx, func() error {
		if bad := read(path, &name); bad == nil && name != "" {
			return nil
		}
		name = d.ids.New()
		return keep(path, name)
	})
	return name, err
}

// logout ends the session at the server, and deletes its file. One that has ended already
// is as good.
func (d *desk) logout(ctx context.Context, args []string) error {
	if _, err := d.parsed(d.set("admin logout"), args); err != nil {
		return err
	}
	s, err := d.load()
	if err != nil {
		return err
	}
	if err := d.send(ctx, request{method: http.MethodPost, path: "/v1/auth/logout"}, nil); err != nil && !over(err) {
		return err
	}
	if err := d.locked(ctx, func() error { return forget(d.session) }); err != nil {
		return err
	}
	d.say("logged_out", params{"server": s.Server})
	return nil
}

// over reports whether a session has ended.
func over(err error) bool {
	switch codeOf(err) {
	case "session_revoked", "session_expired", "refresh_reused", "refresh_invalid":
		return true
	}
	return false
}
