package merge

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
)

// Entries are what one page of a verdict book knows, by number. Their JSON is short,
// because a page goes into the log with every commit that adds to it: the entries that
// are plain "applied" are packed into one text in the order of their numbers, each as
// the distances to the one before and its hash, and the others stand beside it as they
// are. What an earlier version wrote, each entry by itself, reads too.
type Entries map[uint64]Entry

type storedEntries struct {
	Applied string           `json:"a,omitempty"`
	Others  map[uint64]Entry `json:"v,omitempty"`
}

// MarshalJSON writes the entries.
func (e Entries) MarshalJSON() ([]byte, error) {
	out := storedEntries{}
	var packed []byte
	var n uint64
	var last Entry
	for _, at := range sortedKeys(e) {
		one := e[at]
		if one.Verdict != nil {
			if out.Others == nil {
				out.Others = map[uint64]Entry{}
			}
			out.Others[at] = one
			continue
		}
		packed = binary.AppendUvarint(packed, at-n)
		packed = append(packed, one.Hash[:]...)
		packed = binary.AppendVarint(packed, int64(one.Seq-last.Seq))
		packed = binary.AppendVarint(packed, int64(one.Stamp-last.Stamp))
		n, last = at, one
	}
	if out.Others == nil && packed != nil { // most pages
		b := make([]byte, 0, base64.RawStdEncoding.EncodedLen(len(packed))+8)
		b = base64.RawStdEncoding.AppendEncode(append(b, `{"a":"`...), packed)
		return append(b, `"}`...), nil
	}
	out.Applied = base64.RawStdEncoding.EncodeToString(packed)
	return json.Marshal(out)
}

var errEntries = errors.New("a page of a verdict book does not unpack")

// UnmarshalJSON reads what MarshalJSON wrote, and what an earlier version did.
func (e *Entries) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	out := make(Entries, PageSize)
	for name, text := range raw {
		if err := out.read(name, text); err != nil {
			return err
		}
	}
	*e = out
	return nil
}

func (e Entries) read(name string, text json.RawMessage) error {
	switch name {
	case "a":
		if !plain(text) {
			return errEntries
		}
		packed, err := base64.RawStdEncoding.DecodeString(AsString(text))
		if err != nil {
			return err
		}
		return e.unpack(packed)
	case "v":
		var others map[uint64]Entry
		if err := json.Unmarshal(text, &others); err != nil {
			return err
		}
		for n, one := range others {
			if _, twice := e[n]; twice {
				return errEntries
			}
			e[n] = one
		}
		return nil
	}
	n, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return err
	}
	var one Entry
	err = json.Unmarshal(text, &one)
	e[n] = one
	return err
}

func (e Entries) unpack(packed []byte) error {
	var n uint64
	var last Entry
	for len(packed) > 0 {
		step, k := binary.Uvarint(packed)
		if k <= 0 || len(packed) < k+len(last.Hash) {
			return errEntries
		}
		packed = packed[k:]
		one := Entry{Hash: Hash(packed[:len(last.Hash)])}
		packed = packed[len(last.Hash):]
		seq, k := binary.Varint(packed)
		if k <= 0 {
			return errEntries
		}
		packed = packed[k:]
		stamp, k := binary.Varint(packed)
		if k <= 0 {
			return errEntries
		}
		packed = packed[k:]
		one.Seq, one.Stamp = last.Seq+Seq(seq), last.Stamp+Millis(stamp)
		n += step
		if _, twice := e[n]; twice {
			return errEntries
		}
		e[n], last = one, one
	}
	return nil
}
