package api_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// unrepeatable are the operations by POST that take no Idempotency-Key, each with why a
// request whose answer was lost may be sent again without one.
func unrepeatable() map[string]string {
	return map[string]string{
		"/v1/sync":                                 "each edit carries its own name",
		"/v1/sync/push":                            "each edit carries its own name",
		"/v1/sync/pull":                            "it reads",
		"/v1/auth/step-up":                         "it proves an instant, which a stored answer would not",
		"/v1/auth/logout":                          "there is no session left that could be told otherwise",
		"/v1/me/password":                          "it asks for the old password: a second try is told that this one is over",
		"/v1/me/devices/{device}/incarnations":     "a phone names the incarnation that it begins, or begins with the one that it heard of",
		"/v1/programmes/{programme}/imports/check": "it reads",
		"/v1/admin/attest":                         "who is vouched for is so for some hours from the last word on; the answer is empty",
		"/v1/admin/approvals/{approval}/token":     "a secret that is shown once: a stored answer would be read twice",
		"/v1/admin/push/check":                     "it asks the providers, and keeps nothing",
	}
}

// TestEveryPostIsDoneOnce: a POST of somebody who proves who they are takes an Idempotency-Key, or
// it is said why it needs none; and only of what there is.
func TestEveryPostIsDoneOnce(t *testing.T) {
	left := unrepeatable()
	for _, op := range spec(t).Operations() {
		if op.Method != http.MethodPost || op.Open {
			continue
		}
		keyed, why := slices.Contains(op.Header, "Idempotency-Key"), left[op.Path]
		delete(left, op.Path)
		if keyed == (why != "") {
			t.Errorf("%s: takes a key: %t, and needs none because %q", op.Path, keyed, why)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("%s is not there, or open to all", path)
	}
}

// TestAKeyIsOfOneQuery: what a request asks for stands in its query too, so that a key which comes
// again with another one is refused, and not answered with what the first asked for.
func TestAKeyIsOfOneQuery(t *testing.T) {
	d := newScene(newTour(t, unhurried))
	path := "/v1/programmes/" + d.opened("lagi", "18", 8) + "/imports"
	const header = "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
	list := header + "X1;2022-05-02 08:00;Usaha Satu;Ani;081170060001;18.71;pangan\n"
	for n, first := range []string{"", "?sheet=Daftar1"} {
		key := []string{"Content-Type", "text/csv", "Idempotency-Key", "one-key-for-each-" + string(rune('0'+n))}
		d.want(202, d.boss.AccessToken, "POST", path+first, list, key...) // a table of text has no sheets
		for _, again := range []string{"", "?sheet=Daftar1", "?sheet=Daftar2", "?sheet=", "?Sheet=Daftar1"} {
			if again == first {
				if r := d.want(202, d.boss.AccessToken, "POST", path+again, list, key...); r.Header.Get("Idempotent-Replayed") != "true" {
					t.Errorf("%q again is done anew", again)
				}
				continue
			}
			d.code("idempotency_reused", d.want(422, d.boss.AccessToken, "POST", path+again, list, key...))
		}
	}
}
