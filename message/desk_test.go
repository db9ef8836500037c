package message_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/message"
)

func TestEveryPhraseIsWholeInBothLanguages(t *testing.T) {
	for _, name := range message.Phrases() {
		id, en := message.PhraseHoles(name, message.ID), message.PhraseHoles(name, message.EN)
		slices.Sort(id)
		slices.Sort(en)
		if !slices.Equal(id, en) {
			t.Errorf("%s says different things: %q, %q", name, id, en)
		}
		if message.Phrase(name, message.ID, nil) == message.Phrase(name, message.EN, nil) {
			t.Errorf("%s is not translated", name)
		}
	}
	if got := message.Phrase("job_begun", "jv", map[string]any{"id": "{x}"}); got != "Pekerjaan {x}" {
		t.Errorf("%q", got)
	}
	if got := message.Phrase("no_such_phrase", message.EN, nil); got != "no_such_phrase" {
		t.Errorf("%q", got)
	}
}
