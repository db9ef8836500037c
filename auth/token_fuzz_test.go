package auth_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
)

// FuzzAuthenticate: the tokens that were given out open the door, and nothing
// that anybody made of them.
func FuzzAuthenticate(f *testing.F) {
	h := newHouse()
	l := h.login(f, phone, 1)
	good := l.Access
	head, rest, _ := strings.Cut(good, ".")
	body, sum, _ := strings.Cut(rest, ".")
	f.Add(good)
	f.Add(head + "." + body + ".")
	f.Add("eyJhbGciOiJub25lIn0." + body + ".")
	f.Add(head + "." + body + "." + sum + "=")
	f.Add(" " + good)
	f.Add(head + "." + body + "." + sum[:20] + "\n" + sum[20:])
	f.Add(head + "." + body[:20] + "\r\n" + body[20:] + "." + sum)
	f.Add(good + "." + sum)
	f.Fuzz(func(t *testing.T, text string) {
		who, err := h.Authenticate(t.Context(), text)
		if text == good {
			if err != nil || who.User != l.User.ID {
				t.Fatalf("the token itself: %+v, %v", who, err)
			}
			return
		}
		if err == nil {
			t.Fatalf("%q opens the door for %+v", text, who)
		}
		if fault.KindOf(err) != fault.Unauthorized || fault.CodeOf(err) == "" {
			t.Errorf("%q: %v", text, err)
		}
	})
}
