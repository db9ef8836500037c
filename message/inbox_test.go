package message_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/message"
)

func TestEveryNoticeFitsAPhoneInBothLanguages(t *testing.T) {
	params := map[string]any{"task": "Foto produk", "kind": "Sertifikasi kompetensi SKKNI"}
	for _, notice := range message.Notices() {
		id, _ := message.Inbox(notice, message.ID, params)
		en, _ := message.Inbox(notice, message.EN, params)
		if id == en {
			t.Errorf("%s is not translated", notice)
		}
		for _, s := range []message.Sentence{id, en} {
			if s.Title == "" || utf8.RuneCountInString(s.Title) > 45 || strings.HasSuffix(s.Title, ".") {
				t.Errorf("%s: %q is no headline", notice, s.Title)
			}
			if !strings.HasSuffix(s.Detail, ".") || utf8.RuneCountInString(s.Detail) > 140 || strings.Contains(s.Detail, "…") {
				t.Errorf("%s: %q is no short sentence", notice, s.Detail)
			}
		}
	}
	if _, ok := message.Inbox("nothing", message.ID, nil); ok {
		t.Error("an unknown notice has a text")
	}
}
