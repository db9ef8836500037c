package merge_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// FuzzReadItem: whatever a phone sends for a mutation has one hash and one
// meaning; what is read is what would be sent; and judging it, readable or not,
// gives one final verdict and takes nothing from anybody else.
func FuzzReadItem(f *testing.F) {
	b := newBox(f, things(f, merge.Keep))
	m := put(thingID("1"), b.base(), b.now, set("note", "a", "color", "red"))
	m.N, m.Schema, m.Op, m.Add = 4, 1, merge.Put, map[string][]string{"labels": {"x"}}
	m.After = []merge.Ref{{Incarnation: "i", N: 1, Hash: merge.Hash{1}}}
	f.Add([]byte(m.WireMutation()))
	m.Op, m.Set, m.Add, m.Base = merge.Delete, nil, nil, nil
	f.Add([]byte(m.WireMutation()))
	for _, s := range []string{``, `null`, `{}`, `[]`, `{"n":1}`, `{"n":1`, `{"n":1,`, `{"n":1} x`, `{"n":1,"n":2}`, `{"n":1.5}`, `{"n":-1}`, `{"n":9007199254740992}`, `{"N":1,"schema":1}`, `{"n":1,"set":{"a":[[[[1]]]]}}`, "{\"n\":1,\"op\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	schema := things(f, merge.Keep)
	f.Fuzz(func(t *testing.T, raw []byte) {
		it := merge.ReadItem("box/1", "do", 3, raw)
		if again := merge.ReadItem("box/1", "do", 0, bytes.Clone(raw)); again.Hash != it.Hash || (again.Bad == nil) != (it.Bad == nil) || again.HasN != it.HasN {
			t.Fatalf("%+v, then %+v", it, again)
		}
		if it.Hash == (merge.Hash{}) || it.Index != 3 || it.Bad == nil && !it.HasN || it.HasN && (it.Mutation.N == 0 || it.Mutation.N > merge.MaxInt) {
			t.Fatalf("%+v", it)
		}
		if it.Bad == nil {
			if !id.Valid(it.Mutation.ID) || it.Mutation.Schema < 1 || len(raw) > merge.MaxMutation {
				t.Fatalf("%+v", it.Mutation)
			}
			wire := it.Mutation.WireMutation()
			if back := merge.ReadItem("box/1", "do", 0, wire); back.Bad == nil && !bytes.Equal(back.Mutation.WireMutation(), wire) {
				t.Fatalf("%s, then %s", wire, back.Mutation.WireMutation())
			}
		}
		judged(t, schema, it)
	})
}

// judged commits the item between two good ones.
func judged(t *testing.T, schema *merge.Schema, it merge.Item) {
	s := mergetest.New(schema, "box/1")
	s.Codec = true
	s.Access = []merge.Grant{{ID: "1", User: "uo", Role: merge.Owner}}
	p := &mergetest.Phone{User: "uo", Device: "do", Incarnation: "io"}
	p.N = merge.MaxInt - 10
	if it.HasN && it.Mutation.N > merge.MaxInt-100 {
		return // it may be one of the two good ones' numbers
	}
	const now = 1000 * day
	before, behind := p.Item(s.Name, put(thingID("before"), nil, now, set("note", "a"))), p.Item(s.Name, put(thingID("behind"), nil, now, set("note", "b")))
	behindWants := merge.Applied
	if it.Bad == nil && it.Mutation.Schema > 1 {
		behindWants = merge.Again
	}
	out := s.Commit(now, p.Part(at(now), before, it, behind))
	a := out.Answers[0][0]
	if a[0].Outcome != merge.Applied || a[2].Outcome != behindWants {
		t.Fatalf("the good ones: %+v and %+v", a[0], a[2])
	}
	if behindWants == merge.Applied && !a[1].Outcome.Final() || a[1].Outcome == merge.Rejected && a[1].Quarantine == "" || it.Bad != nil && a[1].Outcome != merge.Rejected {
		t.Fatalf("%+v of %s", a[1], it.Raw)
	}
	if s.Sum != s.TrueSum() {
		t.Fatalf("sum %x, want %x", s.Sum, s.TrueSum())
	}
}

// FuzzDecodeRecord: what decodes encodes again, and then stays what it is.
func FuzzDecodeRecord(f *testing.F) {
	b := newBox(f, things(f, merge.Keep))
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")))
	b.send(b.staff, b.staff.Item(b.Name, put(thingID("1"), nil, b.now, set("note", "b"))))
	for _, r := range b.Records {
		f.Add([]byte(r.EncodeFields()), []byte(r.EncodeState()))
	}
	f.Add([]byte(`{}`), []byte(`{"b":5,"w":[],"s":{"note":[{"w":7,"v":"x"}]}}`))
	f.Add([]byte(``), []byte(`{}`))
	f.Fuzz(func(t *testing.T, fields, state []byte) {
		r, err := merge.DecodeRecord(merge.Row{}, fields, state, nil)
		if err != nil {
			return
		}
		for slot, heads := range r.Slots {
			for _, h := range heads {
				if h.Write == nil {
					t.Fatalf("a head of %s without a write", slot)
				}
			}
		}
		again, err := merge.DecodeRecord(merge.Row{}, r.EncodeFields(), r.EncodeState(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.EncodeFields(), r.EncodeFields()) || !bytes.Equal(again.EncodeState(), r.EncodeState()) {
			t.Fatalf("%s, then %s", r.EncodeState(), again.EncodeState())
		}
	})
}

// FuzzGeneration: the wire form of what reads reads as the same.
func FuzzGeneration(f *testing.F) {
	for _, s := range []string{"3.9f2c1a07", "1.a", "0.x", "+1.a", "01.a", "1.a.b", "", ".", "4294967296.a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var g, again merge.Generation
		if g.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(g.String())); err != nil || again != g {
			t.Fatalf("%q is %+v, written %s, read %+v, %v", s, g, g, again, err)
		}
		if g.String() != s {
			t.Fatalf("%q and %s are one generation", s, g)
		}
	})
}

// FuzzParseInstant: what reads lies in the years of the catalogue and is written
// in one form.
func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2022-05-05T02:11:09.120Z", "2022-05-05T09:11:09.1209999+07:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-12:00", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := merge.ParseInstant(s)
		if err != nil {
			return
		}
		again, err := merge.ParseInstant(merge.FormatInstant(m))
		if err != nil || again != m || m < 0 {
			t.Fatalf("%q is %d, written %s, read %d, %v", s, m, merge.FormatInstant(m), again, err)
		}
	})
}

// FuzzCheck: a value that fits its type is canonical, fits it again and stays the
// same.
func FuzzCheck(f *testing.F) {
	item := merge.Type{Kind: merge.Object, Members: []merge.Member{{Name: "name", Type: merge.Type{Min: 1, Max: 9}, Required: true}, {Name: "qty", Type: merge.Type{Kind: merge.Decimal, Min: 1}}}}
	types := []merge.Type{{Max: 20}, {Kind: merge.Int}, {Kind: merge.Bool}, {Kind: merge.Enum, Enum: []string{"a"}}, {Kind: merge.Date}, {Kind: merge.Instant}, {Kind: merge.Decimal},
		{Kind: merge.Reference}, {Kind: merge.List, Max: 5, Of: &item}, item, {Kind: merge.Any, Max: 1000}}
	for i, s := range []string{`"a"`, `5`, `true`, `"a"`, `"2022-04-02"`, `"2022-05-05T02:11:09.120Z"`, `"1.25"`, `"018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60"`, `[{"name":"x","qty":"1"}]`, `{"name":"x"}`, `{"a":[1,null]}`} {
		f.Add(uint8(i), []byte(s))
	}
	f.Add(uint8(0), []byte(`"e\u0301\ud834\udd1e"`))
	f.Add(uint8(10), []byte(`1e400`))
	f.Fuzz(func(t *testing.T, kind uint8, v []byte) {
		of := &types[int(kind)%len(types)]
		got, _, ok := of.Check(v)
		if !ok {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%q becomes %q", v, got)
		}
		if same, err := merge.Canonical(got); err != nil || !bytes.Equal(same, got) {
			t.Fatalf("%q becomes %q, canonical %q, %v", v, got, same, err)
		}
		if again, path, ok := of.Check(got); !ok || !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q, then %q at %q", v, got, again, path)
		}
	})
}
