package api

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// FuzzUnpack: taking the mutations out of a body loses none, changes none and
// leaves an envelope that reads as the body did without them.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(`{"cursor":"1x","push":[{"scope":"user/1","device":"d","incarnation":"i","generation":"1.a","mutations":[{"n":1},{"n":2,"set":{"mutations":[1]}}]}]}`))
	f.Add([]byte(`{"push":[{"mutations":[]},{"mutations":[5,"x",null],"scope":"a"}],"reset":["mutations"]}`))
	f.Add([]byte(`{"push":[{"mutations":[1],"mutations":[2]}]}`))
	f.Add([]byte(`{"push":{"mutations":[1]}}`))
	f.Add([]byte(`{"push":[{"mutations":[` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `]}]}`))
	f.Add([]byte(`{"a":[{"mutations":[1]}],"push":[[{"mutations":[1]}],{"mutations":{}}]}`))
	f.Add([]byte("{\"push\":[{\"mutations\":[\"\xff\",\"\\u0000\"]}]}"))
	type part struct {
		Mutations []jsontext.Value `json:"mutations"`
	}
	type body struct {
		Push []part `json:"push"`
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		envelope, parts, err := unpack(in)
		if err != nil {
			return
		}
		var was, left body
		if json.Unmarshal(in, &was) != nil {
			return // not strict, or no list of parts: the envelope tells
		}
		if err := json.Unmarshal(envelope, &left); err != nil {
			t.Fatalf("the envelope of a sound body: %v\n%s", err, envelope)
		}
		if len(parts) != len(was.Push) || len(left.Push) != len(was.Push) {
			if !bytes.Contains(in, []byte("null")) { // a part that is null holds no list
				t.Fatalf("%d parts of %d, %d in the envelope", len(parts), len(was.Push), len(left.Push))
			}
			return
		}
		for i, p := range was.Push {
			if len(p.Mutations) != len(parts[i]) || len(left.Push[i].Mutations) != 0 {
				t.Fatalf("part %d: %d mutations of %d, %d left", i, len(parts[i]), len(p.Mutations), len(left.Push[i].Mutations))
			}
			for j, m := range p.Mutations {
				if !bytes.Equal(bytes.TrimSpace(m), bytes.TrimSpace(parts[i][j])) {
					t.Errorf("mutation %d of part %d: %s, was %s", j, i, parts[i][j], m)
				}
			}
		}
	})
}

// FuzzDecodeSync: an envelope that is taken is scanned first, so it is shallow,
// narrow and without null bytes; whatever is refused has a code and a kind that
// says it is the caller's.
func FuzzDecodeSync(f *testing.F) {
	f.Add([]byte(`{"cursor":"1x","limit_bytes":5,"push":[]}`))
	f.Add([]byte(`{"limit_bytes":"x"}`))
	f.Add([]byte(`{"Cursor":"x"}`))
	f.Add([]byte(`{"cursor":"x","cursor":"y"}`))
	f.Add([]byte(`{} {}`))
	f.Add([]byte(strings.Repeat(`{"clock":`, 40)))
	f.Fuzz(func(t *testing.T, in []byte) {
		if scan(in) != nil {
			return
		}
		var req protocol.Request
		err := decode(in, &req)
		if k := fault.KindOf(err); err != nil && (k != fault.Invalid && k != fault.Unreadable || fault.CodeOf(err) == "") {
			t.Errorf("%v: %v %q", err, k, fault.CodeOf(err))
		}
		if err == nil && (strings.Contains(req.Cursor, "\x00") || strings.Contains(req.App, "\x00")) {
			t.Errorf("a null byte came through: %+v", req)
		}
	})
}

// FuzzInflate: nothing inflates beyond the limit, and what was packed comes out
// as it went in.
func FuzzInflate(f *testing.F) {
	s := &Server{Parts: Parts{Limits: Limits{Body: 1 << 12}}, inflaters: make(chan *inflater, 1)}
	s.inflaters <- newInflater(1 << 12)
	pack := func(t testing.TB, encoding string, in []byte) []byte {
		var b bytes.Buffer
		if encoding == "gzip" {
			w := gzip.NewWriter(&b)
			if _, err := w.Write(in); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(in); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(pack(f, "gzip", []byte(`{"a":1}`)))
	f.Add(pack(f, "zstd", []byte(`{"a":1}`)))
	f.Add(pack(f, "gzip", make([]byte, 1<<20)))
	f.Add(pack(f, "zstd", make([]byte, 1<<20)))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, encoding := range []string{"gzip", "zstd"} {
			out, err := s.inflate(t.Context(), encoding, in, nil)
			if len(out) > s.Limits.Body {
				t.Fatalf("%s: %d bytes", encoding, len(out))
			}
			if code := fault.CodeOf(err); err != nil && code != "body_too_large" && code != "body_unreadable" {
				t.Errorf("%s: %v", encoding, err)
			}
			out, err = s.inflate(t.Context(), encoding, pack(t, encoding, in), nil)
			if tooMuch := len(in) > s.Limits.Body; tooMuch != (fault.CodeOf(err) == "body_too_large") || !tooMuch && !bytes.Equal(out, in) {
				t.Errorf("%s: %d bytes come back as %d: %v", encoding, len(in), len(out), err)
			}
		}
	})
}

// FuzzReadTag: a tag that reads is the one that would be written.
func FuzzReadTag(f *testing.F) {
	for _, tag := range []string{`"1-7"`, `W/"1-7"`, `"1-7`, `"-"`, `"01-7"`, `"18446744073709551616-1"`, `*`, `"1-7", "1-8"`} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		if v, ok := readTag(tag); ok && etag(v) != tag {
			t.Errorf("%q reads as %s", tag, etag(v))
		}
	})
}
