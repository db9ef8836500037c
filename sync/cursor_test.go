package syncer_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// forge rewrites the places of a cursor, which anybody can: it is not signed.
func forge(t *testing.T, token string, change func(scope string, place map[string]any)) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token[1:])
	if err != nil || token[0] != '0' {
		t.Fatalf("%q: %v", token, err)
	}
	var places map[string]map[string]any
	if err := json.Unmarshal(raw, &places); err != nil {
		t.Fatal(err)
	}
	for scope, p := range places {
		change(scope, p)
	}
	if raw, err = json.Marshal(places); err != nil {
		t.Fatal(err)
	}
	return "0" + base64.RawURLEncoding.EncodeToString(raw)
}

func TestACursorThatCannotBeTrueStartsAnew(t *testing.T) {
	for name, change := range map[string]func(place map[string]any){
		"another generation":     func(p map[string]any) { p["g"] = "1.ffff" },
		"a later generation":     func(p map[string]any) { p["g"] = "9" + p["g"].(string)[1:] },
		"another chain":          func(p map[string]any) { p["c"] = "00" },
		"no chain":               func(p map[string]any) { delete(p, "c") },
		"beyond the head":        func(p map[string]any) { p["h"] = 999 },
		"below the head":         func(p map[string]any) { p["h"] = 2 },
		"at nothing":             func(p map[string]any) { p["h"] = 0 },
		"a position beyond":      func(p map[string]any) { p["p"], p["v"] = true, 999 },
		"complete under nothing": func(p map[string]any) { clear(p); p["g"] = "1.000000000000" },
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, storefault.NewPoor())
			w.admit("ani", merge.Owner)
			w.things(6)
			r := w.as("ani").reader(0).all()
			want := maps.Clone(r.rows)
			r.cursor = forge(t, r.cursor, func(_ string, p map[string]any) { change(p) })
			if r.all(); !slices.Equal(r.resets, []string{box}) || !maps.Equal(r.rows, want) {
				t.Errorf("resets %q, %d rows", r.resets, len(r.rows))
			}
		})
	}
}

// TestACursorThatCannotBeReadIsEmpty cuts a token at every place and feeds what
// older and other servers may have written. The push is judged all the same.
func TestACursorThatCannotBeReadIsEmpty(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.things(6)
	r := w.as("ani").reader(0).all()
	tokens := []string{"2AAAA", "v1.2.3", "0", "1", "0AAAA", "1AAAA", "\x00\xff", "0" + base64.RawURLEncoding.EncodeToString([]byte(`[1,2]`)),
		"0" + base64.RawURLEncoding.EncodeToString([]byte(`{"box/1":{"g":"old","h":5}}`)),
		"0" + base64.RawURLEncoding.EncodeToString([]byte(`{"box/1":{"g":"1.a","h":-5}}`))}
	for i := range len(r.cursor) - 1 {
		tokens = append(tokens, r.cursor[:i])
	}
	for n, token := range tokens {
		req := w.request(w.part("i", w.create(1, "n")))
		req.Cursor = token
		resp := w.as("ani").sync(req)
		if len(resp.Verdicts) != 1 || !resp.Verdicts[0].Verdict.Final() || resp.Verdicts[0].Verdict == merge.Rejected || len(resp.Changes) != 8 || len(resp.Reset)+len(resp.Purge) > 0 {
			t.Errorf("token %d %q: %d rows, %+v", n, token, len(resp.Changes), resp)
		}
	}
}

// TestACursorIsNoRight tries the cursor of a member, and any place in it, as
// somebody who may not read.
func TestACursorIsNoRight(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.things(6)
	whole := w.as("ani").reader(0).all().cursor
	half := w.as("ani").reader(1)
	half.page()
	tokens := []string{whole, half.cursor}
	for v := range 8 {
		tokens = append(tokens, forge(t, half.cursor, func(_ string, p map[string]any) { p["v"] = v }),
			forge(t, whole, func(_ string, p map[string]any) { p["h"] = v }))
	}
	for _, user := range []string{"budi", "ani2", ""} {
		for _, token := range tokens {
			resp := w.as(user).sync(protocol.Request{Cursor: token, Reset: []string{box}})
			if len(resp.Changes)+len(resp.Scopes)+len(resp.Reset) > 0 || !slices.Equal(resp.Purge, []string{box}) {
				t.Fatalf("%q reads with %q: %+v", user, token, resp)
			}
		}
	}
}

// TestAMemberWhoForgesHarmsNobodyButThemselves: wherever the place is put, the
// rows are those of the scope, and a reset brings all of them.
func TestAMemberWhoForgesHarmsNobodyButThemselves(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.things(6)
	want := w.as("ani").reader(0).all().rows
	half := w.as("ani").reader(1)
	half.page()
	for v := range 5 {
		r := w.as("ani").reader(0)
		r.cursor = forge(t, half.cursor, func(_ string, p map[string]any) {
			p["v"], p["k"], p["i"], p["f"] = v, "thing", id.Derive("no such"), 99
		})
		r.all()
		for k, row := range r.rows {
			if want[k] != row {
				t.Errorf("place %d: %s is %s", v, k, row)
			}
		}
		resp := w.as("ani").sync(protocol.Request{Cursor: r.cursor, Reset: []string{box}})
		if len(resp.Changes) != len(want) || !slices.Equal(resp.Reset, []string{box}) {
			t.Errorf("place %d: a reset brings %d rows, %q", v, len(resp.Changes), resp.Reset)
		}
	}
}

// TestACursorOfManyScopesIsPacked, and reads like any other.
func TestACursorOfManyScopesIsPacked(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	for i := range 40 {
		set := map[string]merge.Value{"user": merge.Str("ani"), "role": merge.Str("mentor"), "from": merge.Num(0), "to": merge.Num(0)}
		sw := merge.ServerWrite{Name: "m", Role: merge.System, Collection: "member", ID: id.Derive("m"), Op: merge.Put, Set: set, Create: true}
		if _, err := w.Write(t.Context(), fmt.Sprint("box/", i), sw); err != nil {
			t.Fatal(err)
		}
	}
	r := w.as("ani").reader(300).all()
	if !strings.HasPrefix(r.cursor, "2") || len(r.cursor) > 40*30 {
		t.Errorf("%d bytes: %s", len(r.cursor), r.cursor)
	}
	if resp := r.page(); len(r.rows) != 40 || len(r.resets) > 0 || resp.Cursor != "" || len(resp.Changes) > 0 {
		t.Errorf("%d rows, resets %q, %+v", len(r.rows), r.resets, resp)
	}
}
