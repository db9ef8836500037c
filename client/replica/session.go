package replica

import (
	"crypto/sha256"
	"strings"
)

// Session is what keeps a user logged in.
type Session struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

// Session reads the stored session; zero if nobody is logged in.
func (c *Client) Session() (Session, error) {
	var s Session
	err := c.Local.View(func(r Reader) error {
		if m := c.readMeta(r); m.Session != nil {
			s = *m.Session
		}
		return nil
	})
	return s, err
}

// KeepSession stores a session, durably: a refresh token that was answered and
// not stored is asked for again.
func (c *Client) KeepSession(s Session) error {
	return c.Local.Update(func(w Writer) error {
		m := c.readMeta(w)
		m.Session = &s
		writeMeta(w, m)
		return nil
	})
}

// renewed stores what a refresh gave for old, and gives the session to go on
// with: another one, if somebody logged in or refreshed meanwhile.
func (c *Client) renewed(old, s Session) (Session, error) {
	err := c.Local.Update(func(w Writer) error {
		m := c.readMeta(w)
		if m.Session == nil || m.Session.Refresh != old.Refresh {
			s = Session{}
			if m.Session != nil {
				s = *m.Session
			}
			return nil
		}
		m.Session = &s
		writeMeta(w, m)
		return nil
	})
	return s, err
}

func sha256Of(parts ...string) [32]byte { return sha256.Sum256([]byte(strings.Join(parts, "\n"))) }
