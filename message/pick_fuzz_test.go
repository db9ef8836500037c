package message_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/message"
)

// FuzzPick: whatever a header says, one of the two languages is chosen, and the
// same header chooses the same.
func FuzzPick(f *testing.F) {
	for _, s := range []string{"", "id", "en-GB,en;q=0.8,id;q=0.9", "en;q=", "*;q=0.000", "en;q=1e9,id", ";;,,==", "EN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := message.Pick(accept)
		if got != message.ID && got != message.EN {
			t.Fatalf("%q chooses %q", accept, got)
		}
		if again := message.Pick(accept); again != got {
			t.Fatalf("%q chooses %q, then %q", accept, got, again)
		}
	})
}

// FuzzText: a sentence for a person is never empty, whatever fills its holes.
func FuzzText(f *testing.F) {
	for _, code := range message.Codes() {
		f.Add(code, "name", "value {name}")
	}
	f.Fuzz(func(t *testing.T, code, hole, value string) {
		for _, lang := range []message.Lang{message.ID, message.EN} {
			if s := message.Text(code, lang, map[string]any{hole: value}).String(); s == "" {
				t.Fatalf("%q in %s says nothing", code, lang)
			}
		}
	})
}
