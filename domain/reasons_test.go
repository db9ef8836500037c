package domain_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
)

// TestAReasonToRefuseARowIsInWords: what sends a submission back also refuses rows of lists, and
// their report tells it in words.
func TestAReasonToRefuseARowIsInWords(t *testing.T) {
	for _, code := range []string{domain.ReturnWindowClosed, domain.ReturnNotCovered, domain.ReturnNoConsent, domain.ReturnRegistered} {
		if !message.Known(code) {
			t.Errorf("%s has no sentence", code)
		}
	}
}
