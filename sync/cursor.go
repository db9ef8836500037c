package syncer

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// cursor is where a phone stands in each of its scopes. It is a claim, never a
// right: which scopes are read is decided by the access lists alone.
type cursor map[string]place

// place is where a phone stands in one scope.
type place struct {
	Generation merge.Generation
	Head       merge.Seq // head under which the page was cut
	Chain      string    // chain hash of that head
	Check      string    // stands for generation and chain in a packed cursor, which has neither
	At         store.Position
	Complete   bool      // everything up to Head was delivered
	First      merge.Seq // head at the first page of a scope that was never complete
	Schema     int       // that the rows were cast for
}

// wirePlace is a place in few bytes.
type wirePlace struct {
	G  string    `json:"g"`
	H  merge.Seq `json:"h"`
	C  string    `json:"c"`
	S  string    `json:"s,omitempty"`
	V  merge.Seq `json:"v,omitempty"` // absent when complete
	KC string    `json:"k,omitempty"`
	KI string    `json:"i,omitempty"`
	P  bool      `json:"p,omitempty"` // partial
	F  merge.Seq `json:"f,omitempty"`
	R  int       `json:"r,omitempty"` // schema, if it is not the first
}

// plainCursor is the size below which packing a cursor costs more than it saves.
const plainCursor = 1200

// encode writes the cursor as an opaque token.
func (c cursor) encode() string {
	w := make(map[string]wirePlace, len(c))
	for scope, p := range c {
		e := wirePlace{G: p.Generation.String(), H: p.Head, C: p.Chain, S: hex.EncodeToString([]byte(p.Check))}
		if !p.Complete {
			e.P, e.V, e.KC, e.KI, e.F = true, p.At.Version, p.At.Key.Collection, p.At.Key.ID, p.First
		}
		if p.Schema > 1 {
			e.R = p.Schema
		}
		w[scope] = e
	}
	raw, err := json.Marshal(w)
	if err != nil {
		panic("syncer: a cursor does not encode: " + err.Error()) // strings and numbers always do
	}
	if len(raw) <= plainCursor {
		return "0" + base64.RawURLEncoding.EncodeToString(raw)
	}
	return "2" + base64.RawURLEncoding.EncodeToString(c.pack())
}

// readCursor reads a token. What cannot be read counts as empty: the phone then
// gets everything anew, and its push is judged all the same.
func readCursor(token string) cursor {
	c, _ := parseCursor(token)
	return c
}

// parseCursor reads a token; ok is false if it is none.
func parseCursor(token string) (c cursor, ok bool) {
	none := cursor{}
	c = cursor{}
	if len(token) < 2 {
		return none, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(token[1:])
	if err != nil {
		return none, false
	}
	if token[0] == '2' {
		return unpack(raw)
	}
	var w map[string]wirePlace
	if json.Unmarshal(raw, &w) != nil {
		return none, false
	}
	for scope, e := range w {
		check, err := hex.DecodeString(e.S)
		p := place{Head: e.H, Chain: e.C, Check: string(check), Complete: !e.P, First: e.F, Schema: max(e.R, 1)}
		if err != nil || p.Check == "" && p.Generation.UnmarshalText([]byte(e.G)) != nil {
			return none, false // half a cursor would leave rows behind that nobody knows of
		}
		p.At = store.Position{Version: e.H}
		if e.P {
			p.At = store.Position{Version: e.V, Key: merge.Key{Collection: e.KC, ID: e.KI}}
		}
		c[scope] = p
	}
	return c, true
}
