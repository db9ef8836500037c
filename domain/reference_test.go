package domain_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAChangedListHasANewVersion: servers look at the version alone. Whoever
// changes the entries of a list raises it, and writes down here what it is.
func TestAChangedListHasANewVersion(t *testing.T) {
	known := map[string]string{
		"region":      "1 282 63bdffea",
		"marketplace": "1 6 b929a9d5",
		"channel":     "1 12 17d34958",
		"category":    "1 6 db5ff0e5",
		"payment":     "1 11 543a6c7d",
		"zone":        "1 3 9a7b3917",

		"facilitation_kind": "1 14 23180cf7",
	}
	for _, l := range domain.ReferenceLists() {
		h := sha256.New()
		for i := range l.Entries {
			h.Write(merge.Encode(l.Record(i)))
		}
		got := fmt.Sprintf("%d %d %s", l.Version, len(l.Entries), hex.EncodeToString(h.Sum(nil))[:8])
		if known[l.Name] != got {
			t.Errorf("%s is %q, known as %q", l.Name, got, known[l.Name])
		}
	}
}

// TestListsAndRulesAgree: what phones are shown is what the rules know.
func TestListsAndRulesAgree(t *testing.T) {
	s := domain.MustCatalogue()
	enum := func(collection, field string) []string {
		c, _ := s.Collection(collection)
		f, ok := c.Field(field)
		if !ok {
			t.Fatalf("%s has no %s", collection, field)
		}
		return f.Type.Enum
	}
	for list, words := range map[string][]string{"marketplace": enum("sales", "marketplace"), "channel": enum("sales", "channel"), "payment": enum("sales", "payment"),
		"category": enum("business", "primary_category"), "facilitation_kind": enum("case", "kind"), "zone": enum("business", "zone")} {
		l, ok := domain.ReferenceListOf(list)
		if !ok || !slices.Equal(l.Words(), words) {
			t.Errorf("%s offers %q, the catalogue takes %q", list, l.Words(), words)
		}
	}
	for _, l := range domain.ReferenceLists() {
		c, ok := s.Collection(l.Name)
		if !ok || c.Scope != domain.ScopeReference {
			t.Fatalf("no collection %s", l.Name)
		}
		codes, names := map[string]bool{}, map[string]string{}
		for i, e := range l.Entries {
			for _, name := range append([]string{e.Code, e.Name, e.English}, e.Aliases...) {
				if tag := domain.ReferenceTag(l.Name, name); name != "" && l.Name != "region" && names[tag] != "" && names[tag] != e.Code {
					t.Errorf("%s: %s goes by the name of %s", l.Name, e.Code, names[tag])
				} else {
					names[tag] = e.Code
				}
			}
			if codes[e.Code] {
				t.Errorf("%s: %s is there twice", l.Name, e.Code)
			}
			codes[e.Code] = true
			for name, v := range l.Record(i) {
				if f, ok := c.Field(name); !ok {
					t.Errorf("%s has no %s", l.Name, name)
				} else if _, path, ok := f.Type.Check(v); !ok && !merge.Null(v) {
					t.Errorf("%s %s: %s%s is %s", l.Name, e.Code, name, path, v)
				}
			}
		}
	}
	channels, _ := domain.ReferenceListOf("channel")
	for i, e := range channels.Entries {
		if got := string(channels.Record(i)["online"]) == "true"; got != domain.OnlineChannel(e.Code) {
			t.Errorf("%s is online %t", e.Code, got)
		}
	}
}

// TestRegionsAreComplete: every province, and of Lampung every regency, city and
// district, each inside its parent, with the zone that the rules give it.
func TestRegionsAreComplete(t *testing.T) {
	l, _ := domain.ReferenceListOf("region")
	kinds, codes := map[string]int{}, map[string]bool{}
	for i, e := range l.Entries {
		set := l.Record(i)
		codes[e.Code] = true
		kinds[merge.AsString(set["kind"])]++
		r, err := domain.ParseRegion(e.Code)
		if err != nil {
			t.Errorf("%s: %v", e.Code, err)
		}
		zone, err := r.Zone()
		if err != nil || merge.AsString(set["zone"]) != string(zone) {
			t.Errorf("%s: zone %s, want %s, %v", e.Code, set["zone"], zone, err)
		}
		if parent := merge.AsString(set["parent"]); len(e.Code) > 2 && (!codes[parent] || !strings.HasPrefix(e.Code, parent+".")) {
			t.Errorf("%s lies in %q", e.Code, parent)
		}
		if e.Name == "" || e.Name == strings.ToUpper(e.Name) && !strings.HasPrefix(e.Name, "DKI") || e.Name != strings.TrimSpace(e.Name) {
			t.Errorf("%s is called %q", e.Code, e.Name)
		}
	}
	if want := map[string]int{"province": 38, "regency": 13, "city": 2, "district": 229}; fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", kinds, want)
	}
	if len(domain.LampungDistricts()) != 229 {
		t.Errorf("%d districts", len(domain.LampungDistricts()))
	}
}

func TestNamesAreFolded(t *testing.T) {
	tests := []struct{ a, b string }{
		{"B. Lampung", "b lampung"}, {"e-Smart IKM", "ESMARTIKM"}, {"Bandar  Lampung", "bandarlampung"}, {"Asia/Jakarta", "asia jakarta"}, {"e-Smart IKM", "e‑smart ikm"}, {"91.01", "9101"},
	}
	for _, tt := range tests {
		if domain.ReferenceTag("x", tt.a) != domain.ReferenceTag("x", tt.b) {
			t.Errorf("%q and %q differ", tt.a, tt.b)
		}
	}
	if domain.FoldName("18.71") == domain.FoldName("18.72") {
		t.Error("two codes are one")
	}
}
