package message_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/message"
)

// params draws what fills a hole, as long as people make it.
func params(t *rapid.T, holes []string) map[string]any {
	zones := []*time.Location{time.FixedZone("WIB", 7*3600), time.FixedZone("WITA", 8*3600), time.FixedZone("WIT", 9*3600)}
	moment := time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "moment"), 0).In(rapid.SampledFrom(zones).Draw(t, "zone"))
	all := map[string]any{"n": rapid.IntRange(1, 500).Draw(t, "n"), "at": moment}
	for _, hole := range holes {
		switch hole {
		case "from", "until", "due", "on":
			all[hole] = message.Date(moment)
		case "days":
			all[hole] = rapid.IntRange(1, 500).Draw(t, hole)
		case "n", "at":
		default:
			all[hole] = rapid.StringMatching(`[A-Za-z{} ]{1,120}[a-z]`).Draw(t, hole)
		}
	}
	return all
}

func TestEveryNoticeFitsAPhoneInBothLanguages(t *testing.T) {
	for _, notice := range message.Notices() {
		id, en := message.InboxTemplates(notice, message.ID), message.InboxTemplates(notice, message.EN)
		if slices.Equal(id, en) || len(id) != len(en) {
			t.Errorf("%s is not translated", notice)
		}
		for i := range id {
			for _, s := range []message.Sentence{id[i], en[i]} {
				if s.Title == "" || utf8.RuneCountInString(s.Title) > 45 || strings.ContainsAny(s.Title, ".{") {
					t.Errorf("%s: %q is no headline that is safe on a lock screen", notice, s.Title)
				}
			}
			if a, b := message.Holes(id[i].Detail), message.Holes(en[i].Detail); !slices.Equal(sorted(a), sorted(b)) {
				t.Errorf("%s: one language says %v, the other %v", notice, a, b)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		notice := rapid.SampledFrom(message.Notices()).Draw(t, "notice")
		lang := rapid.SampledFrom([]message.Lang{message.ID, message.EN}).Draw(t, "lang")
		var holes []string
		for _, s := range message.InboxTemplates(notice, lang) {
			holes = append(holes, message.Holes(s.Detail)...)
		}
		holes = sorted(holes)
		s, ok := message.Inbox(notice, lang, params(t, holes))
		if n := utf8.RuneCountInString(s.Detail); !ok || n == 0 || n > 140 || !strings.HasSuffix(s.Detail, ".") {
			t.Errorf("%s: %q has %d letters", notice, s.Detail, n)
		}
	})
	if _, ok := message.Inbox("nothing", message.ID, nil); ok {
		t.Error("an unknown notice has a text")
	}
}

func sorted(words []string) []string { return slices.Compact(slices.Sorted(slices.Values(words))) }

func TestAnItemIsWrittenAsPeopleRead(t *testing.T) {
	wita := time.Date(2022, 3, 17, 10, 0, 0, 0, time.FixedZone("WITA", 8*3600))
	tests := []struct {
		name, notice string
		params       map[string]any
		id, en       string
	}{
		{"hours stand in the zone of the business", "N17", map[string]any{"at": wita}, "Kamis, 17 Maret 2022 pukul 10.00 WITA.", "Thursday, 17 March 2022 at 10:00 WITA."},
		{"a day has no hour", "N10", map[string]any{"n": 1, "task": "Foto produk", "due": message.Date(wita)},
			"Foto produk menunggu Anda. Tenggat Kamis, 17 Maret 2022.", "Foto produk waits for you. It is due on Thursday, 17 March 2022."},
		{"what is absent is not spoken of", "N10", map[string]any{"n": 1, "task": "Foto produk"}, "Foto produk menunggu Anda.", "Foto produk waits for you."},
		{"several are counted", "N10", map[string]any{"n": 3, "due": message.Date(wita)},
			"3 tugas pendampingan baru menunggu Anda. Tenggat terdekat Kamis, 17 Maret 2022.", "3 new tasks wait for you. The nearest is due on Thursday, 17 March 2022."},
		{"braces of people are words", "N15", map[string]any{"task": "{kind}. {x}"}, "{kind}. {x} sudah diverifikasi.", "{kind}. {x} has been verified."},
		{"long words are cut", "N15", map[string]any{"task": strings.Repeat("panjang ", 15)},
			"panjang panjang panjang panjang panjang panjang panjang pan… sudah diverifikasi.", "panjang panjang panjang panjang panjang panjang panjang pan… has been verified."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, _ := message.Inbox(tt.notice, message.ID, tt.params)
			en, _ := message.Inbox(tt.notice, message.EN, tt.params)
			if id.Detail != tt.id || en.Detail != tt.en {
				t.Errorf("%q and %q", id.Detail, en.Detail)
			}
		})
	}
}
