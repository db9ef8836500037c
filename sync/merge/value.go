package merge

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"github.com/lumbung-ikm/lumbung/id"
)

// Value is one JSON value in canonical form (RFC 8785), so that equal values
// are equal bytes. A nil Value means absent; the JSON null means cleared.
type Value = json.RawMessage

// MaxInt bounds whole numbers: every JSON reader keeps them exact.
const MaxInt = 1<<53 - 1

// Kind is what a value is.
type Kind uint8

// The kinds of values. Decimals are JSON strings with at most three places and
// no exponent; dates are calendar dates "2022-04-02"; instants are RFC 3339 in
// UTC with milliseconds; a reference is the id of a record. Any is a value as it
// came, foreign text included: for what the server keeps and nobody trusts.
const (
	Text Kind = iota
	Int
	Bool
	Enum
	Date
	Instant
	Decimal
	Reference
	List
	Object
	Any
)

// Type is the shape and the limits of a value.
type Type struct {
	Kind     Kind
	Min, Max int64             // Text: runes; Int: the number; Decimal: thousandths; List: items; Any: bytes. Max 0 = no limit but the kind's own
	Pattern  *regexp.Regexp    // Text: must match, may be nil
	Valid    func(string) bool // Text and Reference: a further check, may be nil
	Enum     []string          // Enum: the words
	Words    map[string]Word   // Enum: those that the first version did not have
	Of       *Type             // List: the element
	Members  []Member          // Object: its members
	To       string            // Reference: the collection, in the same scope; "" = not checked
	Unit     string            // for people: "rupiah", "ms", …
}

// Member is one member of an object value.
type Member struct {
	Name     string
	Type     Type
	Required bool
}

var (
	decimalForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})?$`)
	nullValue   = Value("null")
	trueValue   = Value("true")
	falseValue  = Value("false")
)

// Null reports whether v says "nothing".
func Null(v Value) bool { return len(v) == 0 || string(v) == "null" }

// Str makes the value of a text.
func Str(s string) Value {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil { // invalid UTF-8 was already replaced; nothing else can fail
		b, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return Value(b)
}

// AppendText appends the value of a text; nearly all mean what they are.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return append(b, Str(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// Num makes the value of a whole number.
func Num[T ~int | ~int64 | ~uint64 | ~uint32](n T) Value {
	return Value(strconv.FormatInt(int64(n), 10))
}

// Flag makes the value of a truth.
func Flag(b bool) Value {
	if b {
		return trueValue
	}
	return falseValue
}

// Time makes the value of an instant.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Value is the instant as it goes on the wire.
func (m Millis) Value() Value { return Str(FormatInstant(m)) }

// FormatInstant writes an instant as RFC 3339 in UTC with milliseconds.
func FormatInstant(m Millis) string { return m.Time().Format("2006-01-02T15:04:05.000Z") }

// AsString reads a text value, or "" if v is none.
func AsString(v Value) string {
	if plain(v) {
		return string(v[1 : len(v)-1])
	}
	if len(v) == 0 { // absent values are asked for often
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// plain reports whether v is a text that means what stands between its quotes.
// Most are.
func plain(v Value) bool {
	last := len(v) - 1
	if last < 1 || v[0] != '"' || v[last] != '"' {
		return false
	}
	for _, c := range v[1:last] {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// AsInt reads a whole number, or 0 if v is none.
func AsInt(v Value) int64 {
	if n, ok := digits(v); ok {
		return n
	}
	if len(v) == 0 {
		return 0
	}
	var whole int64
	if json.Unmarshal(v, &whole) != nil {
		return 0
	}
	return whole
}

// digits reads a number that is written with nothing but digits, and few. Most are.
func digits(v Value) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 18 || v[0] == '0' && len(v) > 1 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// AsStrings reads a list of texts, or nil if v is none.
func AsStrings(v Value) []string {
	if len(v) == 0 {
		return nil
	}
	var s []string
	if json.Unmarshal(v, &s) != nil {
		return nil
	}
	return s
}

// Encode makes the canonical value of any Go value that encodes to JSON. It
// panics on one that does not, which is a defect of the caller.
func Encode(x any) Value {
	b, err := json.Marshal(x)
	if err != nil {
		panic("merge: " + err.Error())
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		panic("merge: " + err.Error())
	}
	return Value(v)
}

// Canonical puts v into canonical form: sorted keys, no white space, shortest
// numbers. Duplicate keys and invalid UTF-8 are errors.
func Canonical(v Value) (Value, error) {
	c := jsontext.Value(bytes.Clone(v))
	if err := c.Canonicalize(); err != nil {
		return nil, err
	}
	return Value(c), nil
}

// Check brings v into its canonical form, or says where it breaks the type:
// path is "" for v itself, else ".member" or "[i]". Text is normalised to NFC.
func (t *Type) Check(v Value) (canonical Value, path string, ok bool) {
	v = bytes.TrimSpace(v)
	switch t.Kind {
	case Text, Enum, Date, Instant, Decimal, Reference:
		s := AsString(v)
		if s == "" && string(v) != `""` {
			return nil, "", false
		}
		s, ok = t.checkString(s)
		return AppendText(make([]byte, 0, len(s)+2), s), "", ok
	case Int:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil || string(v) == "-0" || n > MaxInt || n < -MaxInt || n < t.Min || (t.Max != 0 && n > t.Max) {
			return nil, "", false
		}
		return Num(n), "", true
	case Bool:
		s := string(v)
		return Flag(s == "true"), "", s == "true" || s == "false"
	case List:
		return t.checkList(v)
	case Object:
		return t.checkObject(v)
	case Any:
		c, err := Canonical(v)
		return c, "", err == nil && (t.Max == 0 || int64(len(c)) <= t.Max)
	}
	return nil, "", false
}

func (t *Type) checkString(s string) (string, bool) {
	if !utf8.ValidString(s) {
		return "", false
	}
	switch t.Kind {
	case Enum:
		return s, slices.Contains(t.Enum, s)
	case Date:
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil && len(s) == 10 && s >= "1900-01-01"
	case Instant:
		m, err := ParseInstant(s)
		return FormatInstant(m), err == nil
	case Decimal:
		if !decimalForm.MatchString(s) {
			return "", false
		}
		n := thousandths(s)
		return s, n >= t.Min && (t.Max == 0 || n <= t.Max)
	case Reference:
		return s, id.Valid(s) && (t.Valid == nil || t.Valid(s))
	}
	s = norm.NFC.String(s)
	for _, r := range s {
		if (unicode.IsControl(r) && r != '\n' && r != '\t') || r == '\uFFFD' || unicode.Is(unicode.Bidi_Control, r) {
			return "", false
		}
	}
	n := int64(utf8.RuneCountInString(s))
	most := t.Max
	if most == 0 {
		most = 4000
	}
	if n < t.Min || n > most || (t.Pattern != nil && !t.Pattern.MatchString(s)) || (t.Valid != nil && !t.Valid(s)) {
		return "", false
	}
	return s, true
}

func (t *Type) checkList(v Value) (Value, string, bool) {
	var items []Value
	if len(v) == 0 || v[0] != '[' || json.Unmarshal(v, &items) != nil {
		return nil, "", false
	}
	if n := int64(len(items)); n < t.Min || n > max(t.Max, 0) {
		return nil, "", false
	}
	out := []byte{'['}
	for i, item := range items {
		c, path, ok := t.Of.Check(item)
		if !ok {
			return nil, "[" + strconv.Itoa(i) + "]" + path, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, c...)
	}
	return append(out, ']'), "", true
}

func (t *Type) checkObject(v Value) (Value, string, bool) {
	var got map[string]Value
	if len(v) == 0 || v[0] != '{' || json.Unmarshal(v, &got) != nil {
		return nil, "", false
	}
	out := make(map[string]Value, len(got))
	for _, m := range t.Members {
		val, has := got[m.Name]
		delete(got, m.Name)
		if !has || Null(val) {
			if m.Required {
				return nil, "." + m.Name, false
			}
			continue
		}
		c, path, ok := m.Type.Check(val)
		if !ok {
			return nil, "." + m.Name + path, false
		}
		out[m.Name] = c
	}
	if len(got) > 0 {
		return nil, "." + slices.Min(slices.Collect(maps.Keys(got))), false
	}
	return Encode(out), "", true
}

// thousandths reads a decimal of the checked form: "1.25" is 1250.
func thousandths(s string) int64 {
	whole, part, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+(part + "000")[:3], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// sortedKeys gives the keys of m in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Thousandths reads a decimal value, such as "1.25" as 1250.
func Thousandths(v Value) int64 { return thousandths(AsString(v)) }

// ParseInstant reads RFC 3339 with any offset, cut to milliseconds. Years
// outside 1970 to 9999 are errors.
func ParseInstant(s string) (Millis, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	if y := t.UTC().Year(); y < 1970 || y > 9999 {
		return 0, strconv.ErrRange
	}
	return Millis(t.UnixMilli()), nil
}

// sameText reports whether two values differ by no more than white space.
func sameText(a, b Value) bool {
	if bytes.Equal(a, b) || (Null(a) && Null(b)) {
		return true
	}
	if len(a) == 0 || len(b) == 0 || a[0] != '"' || b[0] != '"' {
		return false
	}
	return strings.Join(strings.Fields(AsString(a)), " ") == strings.Join(strings.Fields(AsString(b)), " ")
}
