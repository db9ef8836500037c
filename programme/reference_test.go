package programme_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// entries reads a list as code → fields.
func (o *office) entries(list string) map[string]programme.Entry {
	o.Helper()
	l, err := o.Reference(o.Context(), list)
	o.unless(err)
	out := map[string]programme.Entry{}
	for _, e := range l.Entries {
		out[e.Text("code")] = e
	}
	return out
}

// TestListsAreBroughtAlongOnce: the second start finds them and writes nothing.
func TestListsAreBroughtAlongOnce(t *testing.T) {
	o := open(t)
	for range 3 {
		o.unless(o.Seed(t.Context(), domain.ReferenceLists()))
	}
	head, err := o.Engine.Store.Head(t.Context(), domain.ScopeReference)
	o.unless(err)
	if want := len(domain.ReferenceLists()); int(head.Applied) != want || len(head.Access) != 0 {
		t.Errorf("%d commits for %d lists; %d on its access list", head.Applied, want, len(head.Access))
	}
	for _, l := range domain.ReferenceLists() {
		if got := o.entries(l.Name); len(got) != len(l.Entries) {
			t.Errorf("%s has %d entries, want %d", l.Name, len(got), len(l.Entries))
		}
	}
}

// TestANewerListLeavesWhatAdminsChanged, and changes everything else.
func TestANewerListLeavesWhatAdminsChanged(t *testing.T) {
	o := open(t)
	admin := o.person(2, "admin")
	list := func(version int, entries ...domain.Listed) []domain.ReferenceList {
		return []domain.ReferenceList{{Name: "marketplace", Version: version, Entries: entries}}
	}
	a, b := domain.Listed{Code: "shopee", Name: "Shopee"}, domain.Listed{Code: "blibli", Name: "Blibli"}
	o.unless(o.Seed(t.Context(), list(1, a, b)))
	e := o.entries("marketplace")["shopee"]
	_, err := o.ChangeReference(t.Context(), o.as(admin), "marketplace", "shopee", e.Version, map[string]merge.Value{"name_id": merge.Str("Shopee Indonesia")})
	o.unless(err)
	lazada := map[string]merge.Value{"name_id": merge.Str("Lazada ID")}
	_, err = o.AddReference(t.Context(), o.as(admin), "marketplace", "lazada", lazada)
	o.unless(err)
	a.Name, a.Aliases, b.Name = "SHOPEE", []string{"Sopi"}, "blibli.com"
	b.Replaced = []string{"tokopedia"}
	c := domain.Listed{Code: "lazada", Name: "Lazada"}
	o.unless(o.Seed(t.Context(), list(2, a, b, c)))
	o.unless(o.Seed(t.Context(), list(1, domain.Listed{Code: "shopee", Name: "an older program"})))
	got := o.entries("marketplace")
	if s := got["shopee"]; s.Text("name_id") != "Shopee Indonesia" || !slices.Equal(s.Strings("aliases"), []string{"Sopi"}) {
		t.Errorf("an admin's word: %s", s.EncodeFields())
	}
	if s := got["blibli"]; s.Text("name_id") != "blibli.com" || string(s.Fields["active"]) != "false" {
		t.Errorf("nobody's word: %s", s.EncodeFields())
	}
	if s := got["lazada"]; s.Text("name_id") != "Lazada ID" || s.Text("counted_as") != "lazada" {
		t.Errorf("an entry that an admin had added, and the catalogue knows now: %s", s.EncodeFields())
	}
}

// TestListsSurviveEveryCrash: a start that dies or fails anywhere is made good by
// the next one, and two at once do no harm.
func TestListsSurviveEveryCrash(t *testing.T) {
	o := open(t)
	lists := []domain.ReferenceList{{Name: "marketplace", Version: 1, Entries: []domain.Listed{{Code: "a", Name: "A"}, {Code: "b", Name: "B"}}},
		{Name: "category", Version: 1, Entries: []domain.Listed{{Code: "c", Name: "C"}}}}
	want := 0
	for n, failed := 1, true; failed; n++ {
		poor := storefault.NewPoor()
		failing := storefault.NewFailing(poor, storefault.At(n, storefault.DieAfter), nil)
		o.Engine.Store = failing.Store()
		failed = o.Seed(t.Context(), lists) != nil
		o.Engine.Store = poor
		o.unless(o.Seed(t.Context(), lists))
		for _, l := range lists {
			if got := o.entries(l.Name); len(got) != len(l.Entries) {
				t.Fatalf("call %d: %s has %d entries", n, l.Name, len(got))
			}
		}
		want = n
	}
	if want < 10 {
		t.Errorf("only %d calls", want)
	}
	poor := storefault.NewPoor()
	o.Engine.Store = poor
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		both.Go(func() { errs[i] = o.Seed(context.Background(), lists) })
	}
	both.Wait()
	o.unless(errs[0])
	o.unless(errs[1])
	if got := o.entries("marketplace"); len(got) != 2 {
		t.Errorf("%d marketplaces", len(got))
	}
}

// TestReferenceLookups: by code, name and alias, in whatever spelling; former
// codes lead to what took their place.
func TestReferenceLookups(t *testing.T) {
	o := open(t)
	o.unless(o.Seed(t.Context(), domain.ReferenceLists()))
	tests := []struct{ list, name, codes string }{
		{"region", "bandar lampung", "18.71"}, {"region", "KOTA BANDAR-LAMPUNG", "18.71"}, {"region", "b.lampung", "18.71"}, {"region", "Kab. Pesawaran", "18.09"},
		{"region", "91.01", "93"}, {"region", "ntt", "53"}, {"region", "Atlantis", ""}, {"marketplace", "TOKPED", "tokopedia"}, {"channel", "e-Smart  IKM", "esmartikm_site"},
		{"channel", "esmartikm.id", "esmartikm_site"}, {"zone", "asia/pontianak", "WIB"}, {"region", "Pringsewu", "18.10 18.10.01"},
	}
	for _, tt := range tests {
		got, err := o.FindReference(t.Context(), tt.list, tt.name)
		o.unless(err)
		var codes string
		for _, e := range got.Entries {
			codes += " " + e.Text("code")
		}
		if len(codes) > 0 {
			codes = codes[1:]
		}
		if codes != tt.codes {
			t.Errorf("%s %q is %q, want %q", tt.list, tt.name, codes, tt.codes)
		}
	}
}

// TestWhatAdminsMayAdd to a list, and what not.
func TestWhatAdminsMayAdd(t *testing.T) {
	o := open(t)
	o.unless(o.Seed(t.Context(), domain.ReferenceLists()))
	ani, admin := o.person(1), o.person(2, "admin")
	name := map[string]merge.Value{"name_id": merge.Str("Baru")}
	with := func(field string, v merge.Value) map[string]merge.Value {
		m := maps.Clone(name)
		m[field] = v
		return m
	}
	tests := []struct {
		list, code string
		set        map[string]merge.Value
		want       string
	}{
		{"region", "32.73", map[string]merge.Value{"name_id": merge.Str("Bandung")}, ""}, {"region", "18.14", name, ""}, {"region", "32.01.01", name, "invalid_reference"},
		{"region", "3273", name, "invalid_value"}, {"marketplace", "baru", nil, "required"}, {"marketplace", "ba ru", name, "invalid_value"},
		{"marketplace", "tokopedia", name, "conflict"}, {"marketplace", "x", with("name_id", merge.Str("TOKO-PEDIA")), "conflict"},
		{"marketplace", "x", with("edited", merge.Encode([]string{"x"})), "invalid_value"}, {"marketplace", "x", with("online", merge.Flag(true)), "invalid_value"},
		{"zone", "WITX", name, "invalid_value"}, {"payment", "paypal", with("counted_as", merge.Str("transfer")), ""}, {"payment", "barter", with("name_id", merge.Str("Barter")), "invalid_value"},
	}
	for _, tt := range tests {
		_, err := o.AddReference(t.Context(), o.as(admin), tt.list, tt.code, tt.set)
		if code := fault.CodeOf(err); err == nil && tt.want != "" || err != nil && code != tt.want {
			t.Errorf("%s %s %s: %v, want %q", tt.list, tt.code, tt.set, err, tt.want)
		}
		if _, err := o.AddReference(t.Context(), o.as(ani), tt.list, tt.code, tt.set); fault.CodeOf(err) != "forbidden" {
			t.Errorf("an owner adds: %v", err)
		}
	}
	if e := o.entries("region")["32.73"]; e.Text("kind") != domain.KindCity || e.Text("parent") != "32" || e.Text("zone") != string(domain.WIB) {
		t.Errorf("a city that an admin added: %s", e.EncodeFields())
	}
}
