package auth

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
)

// FuzzParseRefresh: one token, one spelling.
func FuzzParseRefresh(f *testing.F) {
	const session = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60"
	f.Add(refreshText([]byte("key"), session, 1))
	f.Add(refreshText([]byte("key"), session, 1<<62))
	f.Add("v1." + session + ".01.AAAA")
	f.Add("v1." + session + ".1.AAAB")
	f.Add("v1." + strings.ToUpper(session) + ".1.AAAA")
	f.Add("v1.x.1.")
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parseRefresh(text)
		if again := "v1." + r.session + "." + strconv.FormatInt(r.counter, 10) + "." + base64.RawURLEncoding.EncodeToString(r.mac); ok && again != text {
			t.Errorf("%q reads as %q", text, again)
		}
	})
}
