package api

import (
	"encoding/base64"
	"encoding/json"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
)

// longestCursor bounds what a place of a list may say, in bytes.
const longestCursor = 200

// cursorText writes where a page of a list ends, for whoever asks for the next one. It holds
// nothing that the page did not, and nobody is believed who writes one: what it leads to is
// asked for like everything else.
func cursorText(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor reads what cursorText wrote into pointers to its parts. Nothing is the
// beginning.
//
// Errors: any, of what nobody was given.
func readCursor(text string, into ...any) error {
	if text == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > longestCursor {
		return fault.Mistakes([]fault.Mistake{{Field: "after", Code: "cursor_invalid"}}, "no place")
	}
	return json.Unmarshal(raw, &into)
}

func placeText(at store.Position) string { return cursorText(at.Version, at.Key.Collection, at.Key.ID) }

func placeOf(text string) (at store.Position, err error) {
	return at, readCursor(text, &at.Version, &at.Key.Collection, &at.Key.ID)
}

func auditPlaceText(p programme.AuditPlace) string {
	return cursorText(p.Month, p.At.Version, p.At.Key.Collection, p.At.Key.ID)
}

func auditPlaceOf(text string) (p programme.AuditPlace, err error) {
	return p, readCursor(text, &p.Month, &p.At.Version, &p.At.Key.Collection, &p.At.Key.ID)
}

// page reads which page of a list is asked for.
//
// Errors: Invalid "query_invalid" (limit, after).
func (x *call) page() (p programme.Page, err error) {
	if p.Limit, err = x.limit(); err != nil {
		return p, err
	}
	if readCursor(x.Query("after"), &p.After.Key, &p.After.ID) != nil {
		return p, badQuery("after")
	}
	return p, nil
}

// nextText is where the page behind one begins; "" after the last.
func nextText(next *programme.Place) string {
	if next == nil {
		return ""
	}
	return cursorText(next.Key, next.ID)
}
