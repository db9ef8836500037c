// Package id makes and checks identifiers. Records carry UUIDv7 (RFC 9562)
// made where the record is made, mostly on a phone; what the server derives
// from other facts carries UUIDv8, so that the two are told apart on sight.
package id

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"

	"github.com/lumbung-ikm/lumbung/clock"
)

// Maker makes UUIDv7. It is safe for concurrent use if Rand is.
type Maker struct {
	Clock clock.Clock
	Rand  io.Reader // crypto/rand.Reader, or a seeded source in a simulation
}

// New makes a UUIDv7: 48 bits of Unix milliseconds, then 74 random bits. It
// panics if the random source fails, which crypto/rand never does.
func (m Maker) New() string {
	var b [16]byte
	if _, err := io.ReadFull(m.Rand, b[6:]); err != nil {
		panic("id: random source failed: " + err.Error())
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(m.Clock.Now().UnixMilli()))
	copy(b[:6], ms[2:])
	return format(b, 7)
}

// Derive makes a UUIDv8 from parts. Equal parts give equal ids on every
// machine; parts are told apart by length, so ("ab","c") and ("a","bc") differ.
func Derive(parts ...string) string {
	h := sha256.New()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		io.WriteString(h, p)
	}
	var b [16]byte
	copy(b[:], h.Sum(nil))
	return format(b, 8)
}

// Valid reports whether s is a UUID of version 7 or 8 in its one canonical
// form: 36 characters, lower case, hyphens.
func Valid(s string) bool {
	if len(s) != 36 || (s[14] != '7' && s[14] != '8') || !strings.ContainsRune("89ab", rune(s[19])) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

func format(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
