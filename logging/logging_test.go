package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/logging"
)

const uuid = "01802912-3400-7123-8123-012345678901"

func TestRedact(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "push of 3 mutations in 15 ms", "push of 3 mutations in 15 ms"},
		{"a uuid stays", "record " + uuid + " is new", "record " + uuid + " is new"},
		{"an instant stays", "at 2022-06-17T08:00:00.123Z", "at 2022-06-17T08:00:00.123Z"},
		{"an address stays", "from 192.168.100.200:41234", "from 192.168.100.200:41234"},
		{"a phone number keeps three digits", "login of +62 811-7000-001 failed", "login of ***001 failed"},
		{"a local number too", "login of 08117000001", "login of ***001"},
		{"a number behind another number", "row 15 08117000001,ok", "row 15 ***001,ok"},
		{"a number in a URL", "/x?phone=%2B628117000001&y=1", "/x?phone=%2B***001&y=1"},
		{"a number behind an escape", "q=a%20628117000001", "q=a%20***001"},
		{"a number in Arabic-Indic digits", "nomor ٠٨١١٧٠٠٠٠٠١", "nomor ***001"},
		{"a landline", "call 0721-480001 now", "call ***001 now"},
		{"a line break cannot forge a line", "a\r\nlevel=ERROR msg=fake", "a  level=ERROR msg=fake"},
		{"a terminal sequence is taken out", "a\x1b[31mred\x1b[0m\x1b]0;title\x07b", "aredb"},
		{"a bare escape too", "a\x1b", "a"},
		{"a bidi mark too", "a\u202eb\u200bc", "abc"},
		{"broken text becomes readable", "a\xffb", "a?b"},
		{"a bearer token", "header Bearer abc.def-ghi", "header Bearer [redacted]"},
		{"a web token anywhere", "got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "got [redacted] end"},
		{"a refresh token", "got v1." + uuid + ".12.a8Fh_-x end", "got [redacted] end"},
		{"a secret in a query", "GET /x?token=abc&n=1", "GET /x?token=[redacted]&n=1"},
		{"a secret in JSON", `{"otp":"123456","n":1}`, `{"otp":"[redacted]","n":1}`},
		{"a login code in a sentence", "Kode masuk Anda 123456. Berlaku 5 menit.", "Kode masuk Anda [redacted]. Berlaku 5 menit."},
		{"an error code stays", "code: phone_invalid", "code: phone_invalid"},
	}
	for _, tt := range tests {
		if got := logging.Redact(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRedactCutsAndNeverInsideANumber(t *testing.T) {
	long := strings.Repeat("x", 5000)
	if got := logging.Redact(long); len(got) > 1024 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
	if got := logging.Redact(strings.Repeat("é", 3000)); len(got) > 1024 || strings.ContainsRune(got, unicode.ReplacementChar) {
		t.Errorf("cut inside a rune: %d bytes, %q", len(got), got[len(got)-6:])
	}
	for pad := 4070; pad < 4100; pad++ {
		in := strings.Repeat(" 08117000001", 400)[:pad-11-pad%2] + strings.Repeat("z", pad%2) + " 08117000001"
		if got := logging.Redact(in); strings.Contains(got, "8117") {
			t.Fatalf("part of a number survives: %q", got)
		}
	}
}

// record is the one line that log writes.
func record(t *testing.T, format string, log func(*slog.Logger)) string {
	t.Helper()
	var b bytes.Buffer
	log(logging.New(&b, slog.LevelDebug, format))
	if n := strings.Count(b.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %q", n, b.String())
	}
	return b.String()
}

type subject struct{ Name, Phone string }

func TestSecretsNeverReachTheLog(t *testing.T) {
	const phone, secret = "08117000001", "s3cr3t-value"
	tests := []struct {
		name string
		log  func(*slog.Logger)
	}{
		{"in the message", func(l *slog.Logger) { l.Info("login of " + phone) }},
		{"under their own name", func(l *slog.Logger) {
			l.Info("x", "authorization", secret, "access_token", secret, "refreshToken", secret, "OTP", secret, "pepper", secret, "session-key", secret, "password", secret)
		}},
		{"a login code as text and as number", func(l *slog.Logger) { l.Info("x", "code", "117000", "login_code", 117000, "otp", 117000) }},
		{"a phone as text and as number", func(l *slog.Logger) { l.Info("x", "phone", phone, "to_phone", 628117000001) }},
		{"inside a group", func(l *slog.Logger) {
			l.Info("x", slog.Group("token", "value", secret), slog.Group("user", "number", phone))
		}},
		{"by With and WithGroup", func(l *slog.Logger) { l.With("token", secret).WithGroup("secret").Info("x", "value", secret) }},
		{"inside an error", func(l *slog.Logger) {
			l.Error("x", "error", fmt.Errorf("send: %w", errors.New("to "+phone+" token="+secret)))
		}},
		{"inside a struct", func(l *slog.Logger) {
			l.Info("x", "who", subject{"Sari", phone}, "list", []string{phone}, "map", map[string]any{"p": phone})
		}},
		{"inside raw bytes", func(l *slog.Logger) { l.Info("x", "body", json.RawMessage(`{"phone":"`+phone+`"}`)) }},
		{"broken over lines", func(l *slog.Logger) { l.Info("0811\n7000001\r\nfake", "a\nb", "c\nd") }},
	}
	for _, tt := range tests {
		for _, format := range []string{"text", "json"} {
			t.Run(tt.name+" as "+format, func(t *testing.T) {
				got := record(t, format, tt.log)
				for _, never := range []string{secret, "117000", "811 7", "\r"} {
					if strings.Contains(got, never) {
						t.Errorf("%q is in %q", never, got)
					}
				}
			})
		}
	}
}

func TestWhatIsNoSecretStaysReadable(t *testing.T) {
	got := record(t, "json", func(l *slog.Logger) {
		l.Warn("push", "code", "stale_version", "n", 42, "took", 1500*time.Millisecond, "ok", true, "error", errors.New("disk full"), "record", uuid, "min", slog.LevelInfo)
	})
	var line map[string]any
	if err := json.Unmarshal([]byte(got), &line); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"level": "WARN", "msg": "push", "code": "stale_version", "n": 42.0, "ok": true, "error": "disk full", "record": uuid, "min": "INFO"} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
}

func TestRecordsCarryTheRequest(t *testing.T) {
	ctx := logging.WithRequest(context.Background(), uuid)
	if logging.Request(ctx) != uuid || logging.Request(context.Background()) != "" {
		t.Error("the context forgets its request")
	}
	got := record(t, "text", func(l *slog.Logger) { l.With("a", 1).InfoContext(ctx, "x") })
	if !strings.Contains(got, "request="+uuid) {
		t.Errorf("no request in %q", got)
	}
	if got := record(t, "text", func(l *slog.Logger) { l.Info("x") }); strings.Contains(got, "request=") {
		t.Errorf("a request out of nowhere in %q", got)
	}
}

func TestLevelIsObeyed(t *testing.T) {
	var b bytes.Buffer
	logging.New(&b, slog.LevelWarn, "text").Info("quiet")
	if b.Len() != 0 {
		t.Errorf("logged %q", b.String())
	}
}

// spelling draws a mobile number and one of the ways to write it.
func spelling(t *rapid.T) (national, written string) {
	national = rapid.StringMatching(`8[1-35-9][0-9]{7,10}`).Draw(t, "national")
	zero := rapid.SampledFrom([]rune{'0', '\u0660', '\u06f0', '\uff10'}).Draw(t, "digits")
	gaps := rapid.SampledFrom([]string{"", "", "", " ", "-", ".", "\u00a0", "\u2011", "\u2013", ") (", "  ", "\u200b", "\t"})
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"0", "62", "+62", "0062", "", "+62(0)", "62 0", "%2B62", "(0", "+ 62"}).Draw(t, "prefix"))
	for _, d := range national {
		b.WriteString(gaps.Draw(t, "gap"))
		b.WriteRune(d - '0' + zero)
	}
	return national, b.String()
}

func TestNoPhoneNumberOfAnySpellingSurvives(t *testing.T) {
	masked := regexp.MustCompile(`\*\*\*[0-9]{3}`)
	rapid.Check(t, func(t *rapid.T) {
		national, written := spelling(t)
		around := rapid.SampledFrom([]string{"", " ", "login ", "x", "n=", "\"", "15 ", "row 3: ", "tel:", "%20", "2022-06-17 ", "id " + uuid + " ", "0", "8 ", "+"})
		text := around.Draw(t, "before") + written + rapid.SampledFrom([]string{"", " ", ",", " 15 ms", "\"", "&x=1", " " + uuid, "."}).Draw(t, "after")
		var b bytes.Buffer
		logging.New(&b, slog.LevelInfo, rapid.SampledFrom([]string{"text", "json"}).Draw(t, "format")).Info("in "+text, "value", text, "error", errors.New(text))
		_, line, _ := strings.Cut(strings.ReplaceAll(b.String(), uuid, ""), "msg")
		left := digitsOf(masked.ReplaceAllString(line, ""))
		for _, hidden := range []string{national[:6], national[len(national)-6:]} {
			if strings.Contains(left, hidden) {
				t.Fatalf("%q shows %s in %q", text, hidden, b.String())
			}
		}
	})
}

// digitsOf is s without anything but its digits, in ASCII.
func digitsOf(s string) string {
	var b strings.Builder
	for _, r := range s {
		for _, zero := range []rune{'0', '\u0660', '\u06f0', '\uff10'} {
			if r >= zero && r <= zero+9 {
				b.WriteRune(r - zero + '0')
			}
		}
	}
	return b.String()
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"08117000001", "a\x1b[31m", "Bearer x", "eyJhbGciOiJFUzI1NiJ9.x.y", "\xff\r\n", uuid} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := logging.Redact(s)
		if len(got) > 1024 || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
