package message_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/message"
)

func TestEveryCodeIsWholeInBothLanguages(t *testing.T) {
	code := regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)
	hole := regexp.MustCompile(`\{[a-z_]+\}`)
	codes := message.Codes()
	if len(codes) == 0 {
		t.Fatal("the catalogue is empty")
	}
	for i, c := range codes {
		if i > 0 && codes[i-1] == c {
			t.Errorf("%s stands in two tables", c)
		}
		if !code.MatchString(c) {
			t.Errorf("%q is no code", c)
		}
		params := map[string]any{}
		for _, name := range []string{"after", "field", "known", "limit", "line", "min", "max"} {
			params[name] = "{" + name + "}"
		}
		id, en := message.Text(c, message.ID, params), message.Text(c, message.EN, params)
		for lang, s := range map[message.Lang]message.Sentence{message.ID: id, message.EN: en} {
			if !strings.HasSuffix(s.Title, ".") || s.Detail != "" && !strings.HasSuffix(s.Detail, ".") {
				t.Errorf("%s has no whole sentence in %s: %q", c, lang, s)
			}
			if strings.Contains(s.String(), "…") {
				t.Errorf("%s in %s asks for a parameter that no caller knows: %q", c, lang, s)
			}
		}
		a, b := hole.FindAllString(id.String(), -1), hole.FindAllString(en.String(), -1)
		if !slices.Equal(a, b) || (id.Detail == "") != (en.Detail == "") {
			t.Errorf("%s says different things: %q, %q", c, id, en)
		}
		if id == en {
			t.Errorf("%s is not translated", c)
		}
		for _, word := range []string{" kamu", " mu ", " kau", "silahkan", " tolong"} {
			if strings.Contains(strings.ToLower(id.String()), word) {
				t.Errorf("%s is not polite, plain Indonesian: %q", c, id)
			}
		}
	}
}

func TestTextFillsItsHoles(t *testing.T) {
	tests := []struct {
		name   string
		code   string
		lang   message.Lang
		params map[string]any
		want   string
	}{
		{"a parameter is put in", "invalid_reference", message.EN, map[string]any{"field": "product_id"}, "The field product_id points to something that does not exist."},
		{"a missing parameter is an ellipsis", "invalid_reference", message.EN, nil, "The field … points to something that does not exist."},
		{"no field is to blame", "unreadable", message.EN, map[string]any{"field": ""}, "This change cannot be read. Your app may need an update."},
		{"nor is one named", "invalid_value", message.ID, map[string]any{"field": ""}, "Isian tidak benar. Silakan periksa kembali."},
		{"a number is written plainly", "too_large", message.ID, map[string]any{"limit": 65536}, "Isian terlalu besar. Batasnya 65536."},
		{"braces inside a parameter stay", "invalid_reference", message.EN, map[string]any{"field": "{limit}"}, "The field {limit} points to something that does not exist."},
		{"an unknown language is Indonesian", "nib_invalid", "jv", nil, "NIB harus terdiri dari 13 angka."},
		{"an unknown code is internal", "no_such_code", message.EN, nil, message.Text("internal", message.EN, nil).String()},
	}
	for _, tt := range tests {
		if got := message.Text(tt.code, tt.lang, tt.params).String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	both := message.Both("nib_invalid", nil)
	if both[message.ID] != "NIB harus terdiri dari 13 angka." || both[message.EN] != "An NIB has 13 digits." {
		t.Errorf("both languages: %q", both)
	}
	if message.Known("no_such_code") || !message.Known("internal") {
		t.Error("Known does not know")
	}
}

func TestPickPrefersIndonesian(t *testing.T) {
	tests := []struct {
		accept string
		want   message.Lang
	}{
		{"", message.ID}, {"en", message.EN}, {"en-US,en;q=0.9", message.EN}, {"id-ID,id;q=0.9,en-US;q=0.8", message.ID},
		{"en;q=0.5, id;q=0.5", message.ID}, {"in-ID, en;q=0.9", message.ID}, {"en, id;q=0.9", message.EN}, {"jv, en;q=0.3", message.EN},
		{"*", message.ID}, {"en;q=0", message.ID}, {"en;q=rubbish", message.ID}, {"en;q=9", message.ID}, {";;;,,,=", message.ID},
		{strings.Repeat("en,", 1000), message.ID}, {"\x00\xff", message.ID},
	}
	for _, tt := range tests {
		if got := message.Pick(tt.accept); got != tt.want {
			t.Errorf("%.40q picks %s, want %s", tt.accept, got, tt.want)
		}
	}
}

func TestDaysAndHoursAreWrittenInFull(t *testing.T) {
	at := time.Date(2022, 3, 17, 10, 0, 0, 0, time.FixedZone("WIB", 7*3600))
	for want, got := range map[string]string{
		"Kamis, 17 Maret 2022":    message.Day(at, message.ID),
		"Thursday, 17 March 2022": message.Day(at, message.EN),
		"10.00 WIB":               message.Hour(at, message.ID),
		"10:00 WIB":               message.Hour(at, message.EN),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWaitIsRoundedUp(t *testing.T) {
	tests := []struct {
		wait   time.Duration
		id, en string
	}{
		{0, "1 detik", "1 second"},
		{1500 * time.Millisecond, "2 detik", "2 seconds"},
		{90 * time.Second, "90 detik", "90 seconds"},
		{2 * time.Minute, "2 menit", "2 minutes"},
		{5*time.Minute + time.Second, "6 menit", "6 minutes"},
		{24 * time.Hour, "24 jam", "24 hours"},
	}
	for _, tt := range tests {
		if id, en := message.Wait(tt.wait, message.ID), message.Wait(tt.wait, message.EN); id != tt.id || en != tt.en {
			t.Errorf("%v is %q, %q; want %q, %q", tt.wait, id, en, tt.id, tt.en)
		}
	}
}
