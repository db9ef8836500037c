package syncer

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// checkSize is how many bytes of a packed cursor say that generation and chain
// are still the same. They guard an honest phone whose server was put back, and
// nobody else: a cursor is no right.
const checkSize = 8

// checkOf stands for a generation and the chain hash of one of its commits.
func checkOf(g merge.Generation, chain string) string {
	sum := sha256.Sum256([]byte(g.String() + "\n" + chain))
	return string(sum[:checkSize])
}

// check is what a packed cursor says of the place.
func (p place) check() string {
	if p.Check != "" {
		return p.Check
	}
	return checkOf(p.Generation, p.Chain)
}

// scopeName is the name of a scope in two parts, the second a UUID or empty.
type scopeName struct{ prefix, id string }

func splitScope(scope string) scopeName {
	if i := strings.LastIndexByte(scope, '/') + 1; id.Valid(scope[i:]) {
		return scopeName{scope[:i], scope[i:]}
	}
	return scopeName{prefix: scope}
}

// What the tag of a packed place says, beside the number of its prefix.
const (
	tagPartial = 1 << iota
	tagNamed   // a UUID belongs to the name
	tagSame    // it is the one of the place before
	tagSchema  // the rows were not cast for the first schema
	tagBits    = 4
)

// pack writes the cursor of many scopes in few bytes: the beginnings of their
// names once, each UUID once for all the scopes that have it, and a check in the
// place of generation and chain.
func (c cursor) pack() []byte {
	var names []scopeName
	var prefixes []string
	for _, scope := range slices.Sorted(maps.Keys(c)) {
		n := splitScope(scope)
		names = append(names, n)
		if !slices.Contains(prefixes, n.prefix) {
			prefixes = append(prefixes, n.prefix)
		}
	}
	slices.SortFunc(names, func(a, b scopeName) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.prefix, b.prefix)) })
	b := binary.AppendUvarint(nil, uint64(len(prefixes)))
	for _, p := range prefixes {
		b = appendText(b, p)
	}
	last := ""
	for _, n := range names {
		b = appendPlace(b, c[n.prefix+n.id], n, last, slices.Index(prefixes, n.prefix))
		last = n.id
	}
	return b
}

func appendPlace(b []byte, p place, n scopeName, last string, prefix int) []byte {
	tag := uint64(prefix) << tagBits
	if !p.Complete {
		tag |= tagPartial
	}
	if n.id != "" {
		tag |= tagNamed
	}
	if n.id != "" && n.id == last {
		tag |= tagSame
	}
	if p.Schema > 1 {
		tag |= tagSchema
	}
	b = binary.AppendUvarint(b, tag)
	if tag&tagNamed != 0 && tag&tagSame == 0 {
		raw, _ := hex.DecodeString(strings.ReplaceAll(n.id, "-", "")) // it is a UUID
		b = append(b, raw...)
	}
	if tag&tagSchema != 0 {
		b = binary.AppendUvarint(b, uint64(p.Schema))
	}
	b = append(binary.AppendUvarint(b, uint64(p.Head)), p.check()...)
	if !p.Complete {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(p.At.Version)), uint64(p.First))
		b = appendText(appendText(b, p.At.Key.Collection), p.At.Key.ID)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpack reads what pack wrote; ok is false for anything else.
func unpack(raw []byte) (c cursor, ok bool) {
	r := &packed{rest: raw}
	var prefixes []string
	for range min(r.number(), uint64(len(raw))) {
		prefixes = append(prefixes, r.text())
	}
	c = cursor{}
	for last := ""; len(r.rest) > 0 && !r.bad; {
		tag := r.number()
		i := tag >> tagBits
		if i >= uint64(len(prefixes)) {
			return cursor{}, false
		}
		switch {
		case tag&tagNamed == 0:
			last = ""
		case tag&tagSame == 0:
			last = r.uuid()
		}
		schema := 1
		if tag&tagSchema != 0 {
			schema = int(min(r.number(), 1<<20))
		}
		p := r.place(tag&tagPartial != 0)
		p.Schema = schema
		c[prefixes[i]+last] = p
	}
	if r.bad {
		return cursor{}, false // half a cursor would leave rows behind that nobody knows of
	}
	return c, true
}

// packed is what is left to read of a packed cursor.
type packed struct {
	rest []byte
	bad  bool
}

func (r *packed) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *packed) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *packed) text() string {
	s := string(r.take(r.number()))
	r.bad = r.bad || !utf8.ValidString(s)
	return s
}

func (r *packed) uuid() string {
	h := hex.EncodeToString(r.take(16))
	if len(h) != 32 {
		return ""
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (r *packed) place(partial bool) place {
	p := place{Head: merge.Seq(r.number()), Check: string(r.take(checkSize)), Complete: !partial}
	p.At = store.Position{Version: p.Head}
	if partial {
		p.At.Version, p.First = merge.Seq(r.number()), merge.Seq(r.number())
		p.At.Key = merge.Key{Collection: r.text(), ID: r.text()}
	}
	return p
}
