package merge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lumbung-ikm/lumbung/id"
)

// Seq counts the commits of a scope: 1, 2, 3 … without gaps. It is also the
// version of a record.
type Seq uint64

// Millis is an instant in milliseconds since 1970, UTC.
type Millis int64

// Hash is the content hash of a mutation: 8 bytes of SHA-256.
type Hash [8]byte

// String is the hash in hexadecimal, as it goes on the wire.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 16 {
		return fmt.Errorf("a content hash has 16 digits, not %d", len(b))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// Generation names one life of a scope's log. A restore from backup raises the
// count; the nonce tells apart two restores of one backup. The text form is
// "3.9f2c1a07".
type Generation struct {
	Count uint32
	Nonce string
}

// String is the wire form.
func (g Generation) String() string { return strconv.FormatUint(uint64(g.Count), 10) + "." + g.Nonce }

// MarshalText writes the wire form.
func (g Generation) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads the wire form.
func (g *Generation) UnmarshalText(b []byte) error {
	count, nonce, ok := strings.Cut(string(b), ".")
	n, err := strconv.ParseUint(count, 10, 32)
	if !ok || err != nil || nonce == "" || len(nonce) > 32 || (len(count) > 1 && count[0] == '0') {
		return fmt.Errorf("%q is no generation", b)
	}
	g.Count, g.Nonce = uint32(n), nonce
	return nil
}

// Zero reports whether g names no generation.
func (g Generation) Zero() bool { return g.Count == 0 }

// Fork is where an ended generation parted from the one that followed it: at
// At, commits up to Seq were shared.
type Fork struct {
	Generation Generation
	Seq        Seq
	At         Millis
}

// Op is what a mutation does.
type Op string

// The operations.
const (
	Put      Op = "put"
	Delete   Op = "delete"
	Undelete Op = "undelete"
)

// Base is the row under the author's screen.
type Base struct {
	Generation Generation `json:"generation"`
	Version    Seq        `json:"version"`
}

// Ref names an own earlier mutation of the same record that the author had on
// the screen. The device is that of the mutation that carries it.
type Ref struct {
	Incarnation string `json:"incarnation"`
	N           uint64 `json:"n"`
	Hash        Hash   `json:"hash"`
}

// Reading is what the clocks of a phone showed.
type Reading struct {
	Wall   Millis // wall clock
	Mono   int64  // ms since boot
	Boot   string // changes with each boot
	Server Millis // server time of the last answer the phone had; 0 = none
}

// Mutation is one edit by one person on one record.
type Mutation struct {
	N          uint64
	Schema     int
	Collection string
	ID         string
	Op         Op
	Base       *Base // nil: none
	After      []Ref
	At         Reading
	Set        map[string]Value
	Add        map[string][]string
	Remove     map[string][]string
}

// Create reports whether m says that its record is new.
func (m *Mutation) Create() bool { return m.Base == nil && len(m.After) == 0 }

// MaxMutation is the size of one mutation, in bytes of JSON.
const MaxMutation = 64 << 10

// Item is a mutation as it arrived: readable or not.
type Item struct {
	Raw      json.RawMessage
	Index    int  // its place in the part
	HasN     bool // without it the item is answered by its index
	Mutation Mutation
	Hash     Hash
	Bad      *Reject // why it cannot be read; Mutation.N is valid if HasN
	Again    *Repeat // another scope has judged it before; nil for what phones send
}

// MutationName is the name of a phone's mutation inside a scope.
func MutationName(device, incarnation string, n uint64) string {
	return device + "/" + incarnation + "/" + strconv.FormatUint(n, 10)
}

// ContentHash is the hash of a mutation's content: of scope, device and the
// mutation without n and after, in canonical JSON. raw must be a JSON object.
func ContentHash(scope, device string, raw json.RawMessage) (Hash, error) {
	body, err := Canonical(raw)
	if err != nil {
		return Hash{}, err
	}
	if body[0] != '{' {
		return Hash{}, errNoObject
	}
	text := append(make([]byte, 0, len(scope)+len(device)+len(body)+2), scope...)
	text = append(append(append(text, '\n'), device...), '\n')
	sum := sha256.Sum256(appendWithout(text, body, `"n"`, `"after"`))
	return Hash(sum[:8]), nil
}

var errNoObject = errors.New("a mutation is a JSON object")

// appendWithout appends a canonical object without the members of these names,
// which are written as in canonical JSON.
func appendWithout(dst []byte, object Value, names ...string) []byte {
	dst = append(dst, '{')
	first := true
	for rest := object[1:]; len(rest) > 1; {
		name := rest[:valueEnd(rest)]
		end := len(name) + 1 + valueEnd(rest[len(name)+1:])
		if !slices.Contains(names, string(name)) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, rest[:end]...)
		}
		rest = bytes.TrimPrefix(rest[end:], []byte{','})
	}
	return append(dst, '}')
}

// valueEnd is the length of the value that canonical text begins with.
func valueEnd(text []byte) int {
	depth, quoted, escaped := 0, false, false
	for i, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			if escaped = c == '\\'; c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']'):
			return i
		case c == '}' || c == ']':
			depth--
		}
	}
	return len(text)
}

// wireMutation is the JSON of a mutation. Numbers that may be absent are
// pointers.
type wireMutation struct {
	N          *uint64             `json:"n"`
	Schema     int                 `json:"schema"`
	Collection string              `json:"collection"`
	ID         string              `json:"id"`
	Op         Op                  `json:"op"`
	Base       *Base               `json:"base"`
	After      []Ref               `json:"after"`
	At         wireReading         `json:"at"`
	Set        map[string]Value    `json:"set"`
	Add        map[string][]string `json:"add"`
	Remove     map[string][]string `json:"remove"`
}

type wireReading struct {
	Wall   string `json:"wall"`
	Mono   int64  `json:"mono_ms"`
	Boot   string `json:"boot"`
	Server string `json:"server"`
}

// ReadItem reads one element of a push. It never fails: what is wrong with the
// element is in Bad, and the hash is that of its content either way. What
// readers of JSON understand differently (repeated or differently cased
// members, broken UTF-8) is unreadable.
func ReadItem(scope, device string, index int, raw json.RawMessage) Item {
	it := Item{Raw: raw, Index: index}
	once, odd := members(raw)
	if once {
		it.number(raw, odd == nil)
	}
	hash, err := ContentHash(scope, device, raw)
	if err != nil || odd != nil {
		sum := sha256.Sum256(append([]byte(scope+"\n"+device+"\n"), raw...))
		it.Hash, it.Bad = Hash(sum[:8]), reject("unreadable", "")
		if odd != nil {
			it.Bad = odd
		}
		return it
	}
	it.Hash = hash
	if len(raw) > MaxMutation {
		it.Bad = reject("too_large", "")
		return it
	}
	it.Bad = it.read(raw)
	return it
}

// number reads the number of an element that has one member of that name.
func (it *Item) number(raw json.RawMessage, valid bool) {
	var n int64
	if valid && eachMember(raw, func(name []byte, v Value) (ok bool) {
		if string(name) == "n" {
			n, ok = digits(v)
			return ok
		}
		return true
	}) {
		if n > 0 && n <= MaxInt {
			it.HasN, it.Mutation.N = true, uint64(n)
		}
		return
	}
	var named struct {
		N *uint64 `json:"n"`
	}
	if json.Unmarshal(raw, &named) == nil && named.N != nil && *named.N > 0 && *named.N <= MaxInt {
		it.HasN, it.Mutation.N = true, *named.N
	}
}

// maxNesting bounds how deeply the values of a mutation are nested.
const maxNesting = 32

// members looks at an element as every reader of JSON must see it alike. once
// says that it has one number n; odd why it cannot be read.
func members(raw json.RawMessage) (once bool, odd *Reject) {
	if !jsontext.Value(raw).IsValid() || nesting(raw) > maxNesting {
		odd = reject("unreadable", "")
	} else if eachMember(raw, func(name []byte, _ Value) bool { // a valid object names nothing twice
		once = once || string(name) == "n"
		return knownMember(name)
	}) {
		return once, nil
	}
	once = false
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false, reject("unreadable", "")
	}
	count := 0
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			return false, reject("unreadable", "")
		}
		name := t.String()
		switch {
		case strings.EqualFold(name, "n"):
			count++
			once = name == "n"
		case !knownMember([]byte(name)) && odd == nil:
			odd = reject("unreadable", name[:min(len(name), 64)])
		}
		if d.SkipValue() != nil {
			return false, reject("unreadable", "")
		}
	}
	once = once && count == 1
	if count > 0 && !once && odd == nil {
		odd = reject("unreadable", "n")
	}
	return once, odd
}

// knownMember reports whether a mutation may have a member of that name.
func knownMember(name []byte) bool {
	switch string(name) {
	case "n", "schema", "collection", "id", "op", "base", "after", "at", "set", "add", "remove":
		return true
	}
	return false
}

// nesting is the greatest depth of brackets outside of texts.
func nesting(raw []byte) (deepest int) {
	depth, text, escaped := 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped, text = c == '\\', c != '"'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func (it *Item) read(raw json.RawMessage) *Reject {
	if !it.HasN {
		return reject("unreadable", "n")
	}
	var w wireMutation
	if !w.plainly(raw) {
		var err error
		if w, err = decodeMutation(raw); err != nil {
			return reject("unreadable", fieldOf(err))
		}
	}
	m := Mutation{N: it.Mutation.N, Schema: w.Schema, Collection: w.Collection, ID: w.ID, Op: w.Op, Base: w.Base, After: w.After,
		Set: w.Set, Add: w.Add, Remove: w.Remove, At: Reading{Mono: w.At.Mono, Boot: w.At.Boot}}
	m.At.Wall, _ = ParseInstant(w.At.Wall) // an absurd clock is no reason to refuse an edit
	m.At.Server, _ = ParseInstant(w.At.Server)
	it.Mutation = m
	switch {
	case m.Op != Put && m.Op != Delete && m.Op != Undelete:
		return reject("unreadable", "op")
	case !id.Valid(m.ID):
		return reject("unreadable", "id")
	case m.Schema < 1:
		return reject("unreadable", "schema")
	case len(m.After) > 1000:
		return reject("too_large", "after")
	case m.Op != Put && len(m.Set)+len(m.Add)+len(m.Remove) > 0:
		return reject("unreadable", "set")
	case len(m.At.Boot) > 64 || m.At.Mono < 0:
		return reject("unreadable", "at")
	}
	return nil
}

func decodeMutation(raw json.RawMessage) (w wireMutation, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return w, dec.Decode(&w)
}

// WireMutation writes m as it goes on the wire, in canonical JSON.
func (m *Mutation) WireMutation() json.RawMessage {
	return Encode(struct {
		Add        map[string][]string `json:"add,omitempty"`
		After      []Ref               `json:"after,omitempty"`
		At         wireReading         `json:"at"`
		Base       *Base               `json:"base"`
		Collection string              `json:"collection"`
		ID         string              `json:"id"`
		N          uint64              `json:"n"`
		Op         Op                  `json:"op"`
		Remove     map[string][]string `json:"remove,omitempty"`
		Schema     int                 `json:"schema"`
		Set        map[string]Value    `json:"set,omitempty"`
	}{m.Add, m.After, m.At.wire(), m.Base, m.Collection, m.ID, m.N, m.Op, m.Remove, m.Schema, m.Set})
}

func (r Reading) wire() wireReading {
	w := wireReading{Wall: FormatInstant(r.Wall), Mono: r.Mono, Boot: r.Boot}
	if r.Server > 0 {
		w.Server = FormatInstant(r.Server)
	}
	return w
}

func fieldOf(err error) string {
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return e.Field
	}
	const unknown = `json: unknown field "`
	if s, ok := strings.CutPrefix(err.Error(), unknown); ok {
		return strings.TrimSuffix(s, `"`)
	}
	return ""
}
