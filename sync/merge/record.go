package merge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Key names a record inside its scope.
type Key struct {
	Collection, ID string
}

// String is "collection/id".
func (k Key) String() string { return k.Collection + "/" + k.ID }

// Compare orders keys by collection, then id.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(k.Collection, o.Collection); c != 0 {
		return c
	}
	return strings.Compare(k.ID, o.ID)
}

// Row is a record as everybody who holds its scope sees it.
type Row struct {
	Key
	Version Seq
	Deleted bool
	Fields  map[string]Value
}

// Text reads a text field, or "".
func (r Row) Text(name string) string { return AsString(r.Fields[name]) }

// Int reads a whole-number field, or 0.
func (r Row) Int(name string) int64 { return AsInt(r.Fields[name]) }

// Strings reads a list of texts, or nil.
func (r Row) Strings(name string) []string { return AsStrings(r.Fields[name]) }

// Write is one accepted edit of a record, as the heads remember it.
type Write struct {
	Mutation string // MutationName, or the name of a server's write
	Author   string
	Role     Role
	Seq      Seq
	Time     Millis // of the commit
	Stamp    Millis
	Hash     Hash
	From     string // the scope that was merged into this one and had it first; "" for most
	Was      Seq    // its place there
	WasTime  Millis // of its commit there
}

// Head is one undominated write of a slot.
type Head struct {
	Write *Write // shared between the slots it wrote; never changed
	Value Value
}

// Lost is a journal entry of this record that nobody has answered yet.
type Lost struct {
	Slot     string
	Mutation string // whose value lost
	Journal  string // id of the entry
	Value    Value
}

// Record is a record as the server keeps it.
type Record struct {
	Row
	Born  *Write // the create
	Time  Millis // of the commit that gave it Version
	Slots map[string][]Head
	Lost  []Lost
	Tags  []string

	// The scope that the record was taken over from, and the version it had there:
	// it holds every edit up to that one. Empty for most.
	From string
	Was  Seq

	// Gone says that the record was deleted so long ago that nothing is left of it
	// but its key and version. It never lives again.
	Gone bool
}

// alive is the slot of a record's own liveness. No field can have its name.
const alive = "/alive"

// served is the slot that remembers who wrote server fields last.
const served = "/server"

// history is the slot of every value that a remembered field has shown, oldest
// first.
func history(field string) string { return "/was/" + field }

// remember notes what a field shows after a write.
func (r *Record) remember(f *Field, w *Write, shown Value) {
	if f.Remember {
		slot := history(f.Name)
		r.Slots[slot] = append(slices.Clone(r.Slots[slot]), Head{w, shown})
	}
}

// Written is when the value that counts of a field was written, by the corrected
// clock of its author; 0 if nobody wrote it. A field of a keyed list is named
// "list/key/field", and a group by its name.
func (r *Record) Written(c *Collection, field string) Millis {
	if w := r.writeOf(c, field); w != nil {
		return w.Stamp
	}
	return 0
}

// WrittenBy is who wrote the value that counts of a field; "" if the server did, or nobody.
// Fields are named as for Written.
func (r *Record) WrittenBy(c *Collection, field string) string {
	if w := r.writeOf(c, field); w != nil {
		return w.Author
	}
	return ""
}

// writeOf is the write whose value counts, nil without one.
func (r *Record) writeOf(c *Collection, field string) *Write {
	f := c.slotField(field)
	if f == nil {
		return nil
	}
	win, ok := winner(f, r.Slots[field])
	if !ok {
		return nil
	}
	return win.Write
}

// mostWritten bounds a history.
const mostWritten = 30

// chronicle notes a write in the history of its field and shows that anew. It is
// ordered by stamps and keeps the newest, so that it is the same in whatever
// order the writes arrive, those that lost among them.
func (r *Record) chronicle(f *Field, h Head) {
	if f.History == "" {
		return
	}
	slot := "/all/" + f.Name
	all := append(slices.Clone(r.Slots[slot]), h)
	slices.SortFunc(all, func(a, b Head) int { return -later(a, b) })
	all = all[:min(len(all), mostWritten)]
	r.Slots[slot] = all
	shown := make([]map[string]Value, len(all))
	for i, h := range all {
		shown[i] = map[string]Value{"value": h.Value, "at": h.Write.Stamp.Value(), "by": Str(h.Write.Author)}
	}
	r.Fields[f.History] = Encode(shown)
}

// About as many as most records have, so that their maps need not grow.
const (
	usualFields = 28
	usualSlots  = 10
)

func newRecord(k Key, born *Write) *Record {
	return &Record{Row: Row{Key: k, Fields: make(map[string]Value, usualFields)}, Born: born, Slots: make(map[string][]Head, usualSlots)}
}

// Clone copies what a resolve may change.
func (r *Record) Clone() *Record {
	c := *r
	c.Fields = maps.Clone(r.Fields)
	c.Slots = maps.Clone(r.Slots) // head slices are replaced, never written
	c.Lost = slices.Clone(r.Lost)
	c.Tags = slices.Clone(r.Tags)
	return &c
}

// Sum is the record's share in the additive hash of its scope: 8 bytes of
// SHA-256 over collection, id and version, zero bytes between. Only live
// records have one.
func Sum(k Key, version Seq) uint64 {
	b := make([]byte, 0, 128)
	b = append(b, k.Collection...)
	b = append(b, 0)
	b = append(b, k.ID...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(version))
	h := sha256.Sum256(b)
	return binary.BigEndian.Uint64(h[:8])
}

// storedRecord is the JSON of a record's server-only half. Writes are listed
// once; heads name them by index.
type storedRecord struct {
	Born   int                     `json:"b"`
	Time   Millis                  `json:"t"`
	Writes []storedWrite           `json:"w"`
	Slots  map[string][]storedHead `json:"s,omitempty"`
	Lost   []Lost                  `json:"l,omitempty"`
	From   string                  `json:"f,omitempty"`
	Was    Seq                     `json:"p,omitempty"`
	Gone   bool                    `json:"g,omitempty"`
}

// GoneState is the server-only half of a record of which nothing else is left.
const GoneState = `{"b":-1,"t":0,"w":null,"g":true}`

type storedWrite struct {
	Mutation string `json:"m"`
	Author   string `json:"a,omitempty"`
	Role     Role   `json:"r,omitempty"`
	Seq      Seq    `json:"q"`
	Time     Millis `json:"t"`
	Stamp    Millis `json:"s"`
	Hash     Hash   `json:"h"`
	From     string `json:"f,omitempty"`
	Was      Seq    `json:"p,omitempty"`
	WasTime  Millis `json:"pt,omitempty"`
}

type storedHead struct {
	Write int   `json:"w"`
	Value Value `json:"v"`
}

// EncodeFields writes the row's fields as they go on the wire: canonical JSON.
func (r Row) EncodeFields() json.RawMessage {
	keys := make([]string, 0, len(r.Fields))
	size := 2
	for k, v := range r.Fields {
		keys, size = append(keys, k), size+len(k)+len(v)+4
	}
	slices.Sort(keys)
	b := append(make([]byte, 0, size), '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendText(b, k), ':')
		b = append(b, r.Fields[k]...)
	}
	return append(b, '}')
}

// EncodeState writes the server-only half of the record: who wrote what.
func (r *Record) EncodeState() json.RawMessage {
	writes, slots := make([]*Write, 0, 2), make([]string, 0, len(r.Slots))
	place := func(w *Write) int {
		i := slices.Index(writes, w)
		if i < 0 {
			i = len(writes)
			writes = append(writes, w)
		}
		return i
	}
	born := -1
	if r.Born != nil {
		born = place(r.Born)
	}
	for slot, heads := range r.Slots {
		if len(heads) > 0 {
			slots = append(slots, slot)
		}
	}
	slices.Sort(slots)
	for _, slot := range slots {
		for _, h := range r.Slots[slot] {
			place(h.Write)
		}
	}
	b := make([]byte, 0, 600)
	b = strconv.AppendInt(append(b, `{"b":`...), int64(born), 10)
	b = strconv.AppendInt(append(b, `,"t":`...), int64(r.Time), 10)
	b = append(b, `,"w":`...)
	b = appendWrites(b, writes)
	for i, slot := range slots {
		if b = append(b, ','); i == 0 {
			b = append(b, `"s":{`...)
		}
		b = append(AppendText(b, slot), ':')
		b = appendHeads(b, r.Slots[slot], place)
	}
	if len(slots) > 0 {
		b = append(b, '}')
	}
	if len(r.Lost) > 0 {
		b = appendLost(append(b, `,"l":`...), r.Lost)
	}
	if r.From != "" {
		b = AppendText(append(b, `,"f":`...), r.From)
	}
	if r.Was != 0 {
		b = strconv.AppendUint(append(b, `,"p":`...), uint64(r.Was), 10)
	}
	if r.Gone {
		b = append(b, `,"g":true`...)
	}
	return append(b, '}')
}

func appendWrites(b []byte, writes []*Write) []byte {
	if len(writes) == 0 {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, w := range writes {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(append(b, `{"m":`...), w.Mutation)
		if w.Author != "" {
			b = AppendText(append(b, `,"a":`...), w.Author)
		}
		if w.Role != "" {
			b = AppendText(append(b, `,"r":`...), string(w.Role))
		}
		b = strconv.AppendUint(append(b, `,"q":`...), uint64(w.Seq), 10)
		b = strconv.AppendInt(append(b, `,"t":`...), int64(w.Time), 10)
		b = strconv.AppendInt(append(b, `,"s":`...), int64(w.Stamp), 10)
		b = append(hex.AppendEncode(append(b, `,"h":"`...), w.Hash[:]), '"')
		if w.From != "" {
			b = AppendText(append(b, `,"f":`...), w.From)
		}
		if w.Was != 0 {
			b = strconv.AppendUint(append(b, `,"p":`...), uint64(w.Was), 10)
		}
		if w.WasTime != 0 {
			b = strconv.AppendInt(append(b, `,"pt":`...), int64(w.WasTime), 10)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendLost(b []byte, all []Lost) []byte {
	b = append(b, '[')
	for i, l := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(append(b, `{"Slot":`...), l.Slot)
		b = AppendText(append(b, `,"Mutation":`...), l.Mutation)
		b = AppendText(append(b, `,"Journal":`...), l.Journal)
		b = append(appendValue(append(b, `,"Value":`...), l.Value), '}')
	}
	return append(b, ']')
}

// appendValue appends a value as it is.
func appendValue(b []byte, v Value) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return append(b, v...)
}

func appendHeads(b []byte, heads []Head, place func(*Write) int) []byte {
	b = append(b, '[')
	for i, h := range heads {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"w":`...), int64(place(h.Write)), 10)
		b = append(appendValue(append(b, `,"v":`...), h.Value), '}')
	}
	return append(b, ']')
}

// unescaped is a value in its canonical form: an earlier version wrote some characters
// of states as escapes, and equal values are equal bytes.
func unescaped(v Value) Value {
	if !bytes.Contains(v, []byte(`\u`)) {
		return v
	}
	if c, err := Canonical(v); err == nil {
		return c
	}
	return v
}

// DecodeRecord puts a record together again from what EncodeFields and
// EncodeState wrote.
func DecodeRecord(row Row, fields, state json.RawMessage, tags []string) (*Record, error) {
	r := &Record{Row: row, Tags: tags, Slots: map[string][]Head{}}
	r.Fields = map[string]Value{}
	if len(fields) > 0 {
		if err := json.Unmarshal(fields, &r.Fields); err != nil {
			return nil, err
		}
	}
	var in storedRecord
	if err := json.Unmarshal(state, &in); err != nil {
		return nil, err
	}
	writes := make([]*Write, len(in.Writes))
	for i := range in.Writes {
		w := Write(in.Writes[i])
		writes[i] = &w
	}
	at := func(i int) *Write {
		if i < 0 || i >= len(writes) {
			return nil
		}
		return writes[i]
	}
	r.Born, r.Time, r.Lost, r.From, r.Was, r.Gone = at(in.Born), in.Time, in.Lost, in.From, in.Was, in.Gone
	for i := range r.Lost {
		r.Lost[i].Value = unescaped(r.Lost[i].Value)
	}
	for slot, heads := range in.Slots {
		for _, h := range heads {
			w := at(h.Write)
			if w == nil {
				return nil, fmt.Errorf("slot %s has a head without a write", slot)
			}
			r.Slots[slot] = append(r.Slots[slot], Head{w, unescaped(h.Value)})
		}
	}
	return r, nil
}
