package api_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/store"
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

// dying is a process that dies behind each commit, before it has kept what it answered.
type dying struct{ store.Replies }

func (dying) ReplaceReply(context.Context, store.Reply) error { return store.ErrStale }

// TestAKeyIsOfAPerson: a process died behind the commit of a request, and its author has logged in anew before it is
// repeated. What was written is found again.
func TestAKeyIsOfAPerson(t *testing.T) {
	o := newTour(t, unhurried, func(p *api.Parts) { p.Replies = dying{p.Replies} })
	l, next := o.proved("+628117000101")
	send := func() (a wire.Announcement) {
		t.Helper()
		o.want(201, l.AccessToken, "POST", "/v1/announcements", `{"fields":{"title_id":"Briefing pameran"}}`, "Idempotency-Key", "one-briefing").Into(o, &a)
		return a
	}
	first := send()
	o.clock.Advance(3 * time.Minute)
	o.want(200, "", "POST", "/v1/auth/password", fmt.Sprintf(`{"phone":"+628117000101","password":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-000000000777"}}`, password, next())).Into(o, &l)
	if again := send(); again.Id != first.Id {
		t.Errorf("the same request made %s and %s", first.Id, again.Id)
	}
}

// TestAKeyIsOfOneVersion: with the tag of another version it is another request.
func TestAKeyIsOfOneVersion(t *testing.T) {
	d := newScene(newTour(t, unhurried))
	var made wire.Programme
	d.want(201, d.boss.AccessToken, "POST", "/v1/programmes", `{"code":"versi","fields":`+d.plan("18", 9, d.here.template)+`}`).Into(d, &made)
	path, body := "/v1/programmes/"+made.Id, `{"status":"open"}`
	header := func(tag string) []string { return []string{"If-Match", tag, "Idempotency-Key", "one-key-of-a-version"} }
	d.want(200, d.boss.AccessToken, "POST", path+"/status", body, header(made.Etag)...)
	if r := d.want(200, d.boss.AccessToken, "POST", path+"/status", body, header(made.Etag)...); r.Header.Get("Idempotent-Replayed") != "true" {
		t.Error("the same again is done anew")
	}
	d.code("idempotency_reused", d.want(422, d.boss.AccessToken, "POST", path+"/status", body, header(d.version(path))...))
}
