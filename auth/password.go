package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Argon is what one hash of a password costs (argon2id). A password that was hashed
// at another cost is hashed anew at its next login.
type Argon struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// The sizes of what is stored of a password, in bytes.
const (
	saltSize = 16
	sumSize  = 32
)

// costliest bounds what a stored hash may ask for, in KiB: a row that was tampered with
// must not take the machine's memory.
const costliest = 1 << 20

// phc is a hash in the text form of the password hashing competition:
// $argon2id$v=19$m=19456,t=2,p=1$salt$sum.
type phc struct {
	Argon
	salt, sum []byte
}

func (h phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Passes, h.Threads, enc.EncodeToString(h.salt), enc.EncodeToString(h.sum))
}

// parsePHC reads what String writes, in that one spelling.
func parsePHC(text string) (h phc, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.Memory, &h.Passes, &h.Threads); err != nil {
		return h, false
	}
	enc := base64.RawStdEncoding.Strict()
	var errs [2]error
	h.salt, errs[0] = enc.DecodeString(parts[4])
	h.sum, errs[1] = enc.DecodeString(parts[5])
	sane := h.Memory <= costliest && h.Passes > 0 && h.Passes <= 100 && h.Threads > 0 && len(h.sum) == sumSize
	return h, errs[0] == nil && errs[1] == nil && sane && h.String() == text
}

// newPHC hashes a password with fresh salt.
func (s *Service) newPHC(password string) (string, error) {
	h := phc{Argon: s.Limits.Argon, salt: make([]byte, saltSize)}
	if _, err := io.ReadFull(s.Rand, h.salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	h.sum = s.hash(h, password)
	return h.String(), nil
}

// hash is the sum of a password with the salt and at the cost of h.
func (s *Service) hash(h phc, password string) []byte {
	s.hashes.done.Add(1)
	return argon2.IDKey([]byte(password), h.salt, h.Passes, h.Memory, h.Threads, sumSize)
}

// is reports whether a password is the one, at the cost of one hash, which is also paid
// where there is nothing to compare with.
func (s *Service) is(stored, password string) bool {
	h, ok := parsePHC(stored)
	if !ok {
		h = phc{Argon: s.Limits.Argon, salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
	}
	return subtle.ConstantTimeCompare(s.hash(h, password), h.sum) == 1 && ok
}

// aged reports whether a password should be hashed anew.
func (s *Service) aged(stored string) bool {
	h, ok := parsePHC(stored)
	return ok && h.Argon != s.Limits.Argon
}

// The length of a password, in characters.
const (
	shortest = 12
	longest  = 128
)

// typed is a password as it is hashed: the same letters are the same bytes on every
// keyboard. One that is too long is none, so that nobody pays for hashing it.
func typed(password string) string {
	p := norm.NFC.String(password)
	if !utf8.ValidString(p) || utf8.RuneCountInString(p) > longest {
		return ""
	}
	return p
}

// chosen is typed for a password that somebody chooses.
//
// Errors: Invalid "password_weak".
func chosen(password, phone string) (string, error) {
	p := typed(password)
	if utf8.RuneCountInString(p) < shortest || guessable(p, phone) {
		return "", &fault.Error{Kind: fault.Invalid, Code: "password_weak", Field: "password", Text: "too short, too long or easily guessed",
			Info: map[string]any{"min_length": shortest, "max_length": longest}}
	}
	return p, nil
}
