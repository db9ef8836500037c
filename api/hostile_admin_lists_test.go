package api_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

var listedID = regexp.MustCompile(`"(?:id|user_id)":"([^"]*)"`)

// listed are the ids that an answer shows.
func listed(r apitest.Response) (ids []string) {
	for _, m := range listedID.FindAllStringSubmatch(string(r.Body), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// within wants a list to show nothing that is not among all of it, or to be refused.
func (o *tour) within(all []string, r apitest.Response, what string) {
	o.Helper()
	if r.Status != 200 && r.Status != 400 && r.Status != 422 {
		o.Errorf("%s: %s", what, heard(r))
	}
	for _, id := range listed(r) {
		if r.Status == 200 && !slices.Contains(all, id) {
			o.Errorf("%s shows %s", what, id)
		}
	}
}

// forgedPlaces are places of lists that nobody was given.
func forgedPlaces(real string) []string {
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return []string{real, real[:len(real)-2], real + "AA", "9" + real, strings.ToUpper(real), "0", "-1", "null", nobody, b64("null"), b64("[]"), b64("{}"), b64(`[1,2]`), b64(`[-1,"",""]`), b64(`[0,"","LGW22-99999"]`),
		b64(`[9223372036854775807,"case_file","z"]`), b64(`[1,"programme_setup","` + nobody + `"]`), b64(`["2022-05",1,"x","y"]`), b64(`["../decision",0,"",""]`), b64(`["2022-05",-9,"",""]`),
		b64(`["9999-12",1,"",""]`), b64(strings.Repeat("[", 100)), strings.Repeat("A", 110)}
}

// TestHostile06OfAdmins: a place of a list that is forged, altered, of another programme, of
// another person or of another kind begins the list somewhere, or is refused; it never
// shows anything that the list does not.
func TestHostile06OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	near := d.regional("+628117000113", "18")
	d.trail()
	get := func(who wire.Login, path, query string) apitest.Response {
		return d.client.Do(t, apitest.Request{Method: "GET", Path: path + query, Token: who.AccessToken, Hostile: true})
	}
	next := regexp.MustCompile(`"next":"([^"]+)"`)
	var places []string
	lists := map[string]wire.Login{"/v1/programmes/" + d.there.programme + "/files": d.second}
	for _, q := range d.row(func(op apitest.Operation) bool { return slices.Contains(op.Query, "after") }) {
		if !strings.HasSuffix(q.Path, "/receipts") && !strings.HasSuffix(q.Path, "/caseload") { // pages with numbers; one business
			lists[d.at(q.Path, d.here, nil)] = d.boss
		}
	}
	if len(lists) != 13 {
		t.Errorf("%d lists have a place", len(lists))
	}
	for path, who := range lists {
		m := next.FindStringSubmatch(string(get(who, path, "?limit=1").Body))
		if m == nil && strings.HasSuffix(path, "/enrolments") { // before the results are told nobody takes part; its places are those of files
			continue
		}
		if m == nil {
			t.Fatalf("%s has one page", path)
		}
		places = append(places, m[1])
	}
	places = append(places, next.FindStringSubmatch(string(get(near, "/v1/programmes/"+d.here.programme+"/files", "?limit=1").Body))[1])
	for path, who := range lists {
		all := listed(get(who, path, "?limit=500"))
		if strings.HasSuffix(path, "/audit") {
			all = nil
			for _, e := range d.trail() {
				all = append(all, e.Id)
			}
		}
		refused := 0
		for _, place := range places {
			for _, after := range forgedPlaces(place) {
				d.trail()
				r := get(who, path, "?limit=500&after="+url.QueryEscape(after))
				if strings.HasSuffix(path, "/audit") { // reading it makes it longer
					for _, e := range d.trail() {
						all = append(all, e.Id)
					}
				}
				if d.within(all, r, path+" after "+after); r.Status == 400 && r.Problem.Code != "query_invalid" {
					t.Errorf("%s after %s: %s", path, after, heard(r))
				}
				if r.Status != 200 {
					refused++
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s takes every place", path)
		}
	}
	here := "/v1/programmes/" + d.here.programme + "/files"
	for _, place := range places { // of admins, to whoever sees less
		for _, after := range forgedPlaces(place) {
			r := get(near, here, "?after="+url.QueryEscape(after))
			if d.within(listed(get(d.boss, here, "")), r, "a regional admin after "+after); strings.Contains(string(r.Body), `"state"`) || strings.Contains(string(r.Body), `"score_bp"`) {
				t.Errorf("a decision is told: %s", r.Body)
			}
			d.within(nil, get(near, "/v1/programmes/"+d.there.programme+"/files", "?after="+url.QueryEscape(after)), "another province after "+after)
		}
	}
	news := d.announced("sent") + "/receipts"
	for after, status := range map[string]int{"-1": 422, "1": 422, "1000000000": 422, "9223372036854775808": 400, "x": 400, "1.0": 400, "%00": 400, "0": 200} {
		d.want(status, d.boss.AccessToken, "GET", news+"?after="+after, "!")
	}
}

// TestHostile06CursorsOfPanels: the cursor of one curator brings another one, an admin or an
// owner nothing but their own.
func TestHostile06CursorsOfPanels(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	var theirs protocol.Response
	d.want(200, d.here.seats[0].AccessToken, "POST", "/v1/sync", syncBody).Into(t, &theirs)
	for name, who := range map[string]wire.Login{"the other curator": d.here.seats[1].Login, "a curator there": d.there.seats[0].Login, "an admin": d.boss, "an owner": d.owner.Login} {
		for _, cursor := range []string{theirs.Cursor, theirs.Cursor[:len(theirs.Cursor)-3], "1AAAA", "9" + theirs.Cursor[1:]} {
			r := d.want(200, who.AccessToken, "POST", "/v1/sync", strings.Replace(syncBody, "{", `{"cursor":"`+cursor+`",`, 1))
			var got protocol.Response
			if r.Into(t, &got); strings.Contains(string(r.Body), "/"+d.here.curator) && !slices.Contains(got.Purge, "panel/"+d.here.programme+"/"+d.here.curator) {
				t.Errorf("%s is told of the panel: %.300s", name, r.Body)
			}
			for _, row := range got.Changes {
				if strings.HasSuffix(row.Scope, d.here.curator) {
					t.Errorf("%s is sent %s", name, row.Scope)
				}
			}
		}
	}
}

// TestHostile07OfAdmins: every list that has a limit holds to its own; a list without one
// does not look at it.
func TestHostile07OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	limits := map[string]int{"1000000000": 200, "500": 200, "501": 200, "1": 200, "0": 400, "-1": 400, "many": 400, "1.5": 400, "1e3": 400, "0x10": 400, "9223372036854775808": 400, "%20": 400, "1%00": 400}
	lists := 0
	for _, q := range d.row(func(op apitest.Operation) bool { return op.Method == "GET" }) {
		path := d.at(q.Path, d.here, nil)
		plain := d.send(q, d.boss.AccessToken, path, "")
		for limit, status := range limits {
			r := d.send(q, d.boss.AccessToken, path+"?limit="+limit, "")
			if !slices.Contains(q.Query, "limit") {
				if refused := r.Status == 400 && r.Problem.Code == "query_invalid"; len(q.Query) > 0 && !refused || len(q.Query) == 0 && heard(r) != heard(plain) {
					t.Errorf("%s looks at a limit of %s: %s", q.op, limit, heard(r))
				}
				continue
			}
			if lists++; r.Status != status || status == 400 && r.Problem.Code != "query_invalid" {
				t.Errorf("%s with a limit of %s: %s", q.op, limit, heard(r))
			}
		}
	}
	if lists < 10*len(limits) {
		t.Errorf("only %d lists have a limit", lists/len(limits))
	}
}

// injections are what has made a filter, a pattern or a path of somebody's text.
func injections() []string {
	return []string{`{"$ne":""}`, `[$ne]`, `$gt`, `' OR 1=1--`, `" OR ""="`, `*`, `.*`, `(a+)+$`, `%`, `_`, "18.71' UNION SELECT 1", "../../decision/general", "a\x00b", "\u202e18", strings.Repeat("x", 3000)}
}

// searched are the parameters that take any text, because somebody searches by it.
func searched(op, name string) bool { return op == "GET /v1/reference/{list}" && name == "name" }

// TestHostile20OfAdmins: a text in a query or a path is a text; a filter that is none is
// refused, who searches by it finds nothing, and what is no parameter is refused by lists and changes nothing elsewhere.
func TestHostile20OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	before := d.state()
	for _, q := range d.row(func(op apitest.Operation) bool { return op.Method == "GET" }) {
		path := d.at(q.Path, d.here, nil)
		plain := d.send(q, d.boss.AccessToken, path, "")
		for _, bad := range injections() {
			for _, name := range q.Query {
				r := d.send(q, d.boss.AccessToken, path+"?"+name+"="+url.QueryEscape(bad), "")
				if nothing := searched(q.op, name) && r.Status == 200 && len(listed(r)) == 0; !nothing && r.Status != 400 && r.Status != 422 {
					t.Errorf("%s with %s = %.20q: %s", q.op, name, bad, heard(r))
				}
			}
			if q.Path == "/v1/admin/audit" {
				continue // reading it makes it longer
			}
			for _, name := range []string{"filter[$ne]", "state[$ne]", "region[$gt]", "sort", "order_by", "$where", "fields", "programme", "user", "scope"} {
				if r := d.send(q, d.boss.AccessToken, path+"?"+url.QueryEscape(name)+"="+url.QueryEscape(bad), ""); len(q.Query) > 0 && !slices.Contains(q.Query, name) {
					if r.Status != 400 || r.Problem.Code != "query_invalid" {
						t.Errorf("%s takes %s: %s", q.op, name, heard(r))
					}
				} else if len(q.Query) == 0 && heard(r) != heard(plain) {
					t.Errorf("%s looks at %s: %s", q.op, name, heard(r))
				}
			}
		}
	}
	for _, q := range d.row(func(op apitest.Operation) bool { return strings.Contains(op.Path, "{") }) {
		body, tag := d.sent(q), d.tag(q, d.here)
		for _, h := range hole.FindAllStringSubmatch(q.Path, -1) {
			for _, bad := range append(injections(), "+2", "02", "2.0", "0x2", "2e0", "-1", "99", nobody+" ", strings.ToUpper(d.here.programme)) {
				r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, map[string]string{h[1]: url.PathEscape(bad)}), body, "If-Match", tag)
				if r.Status != 404 && r.Status != 422 && r.Status != 403 {
					t.Errorf("%s with %.20q for %s: %s", q.op, bad, h[1], heard(r))
				}
			}
		}
	}
	d.unmoved(before, "a text in an address")
}

var stringMember = regexp.MustCompile(`("\w+":)"[^"]*"`)

// TestHostile20OperatorsInBodiesOfAdmins puts an operator, a list and a number in the place
// of every text of every body, and one into each header.
func TestHostile20OperatorsInBodiesOfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	before := d.state()
	for _, q := range d.row(func(op apitest.Operation) bool { return op.Body }) {
		if q.kind != "" {
			continue
		}
		body, tag := d.sent(q), d.tag(q, d.here)
		for _, m := range stringMember.FindAllStringSubmatchIndex(body, -1) {
			for _, bad := range []string{`{"$gt":""}`, `{"$ne":null}`, `["a"]`, `7`, `true`} {
				r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, nil), body[:m[3]]+bad+body[m[1]:], "If-Match", tag)
				if r.Status != 422 && (r.Problem.Code != q.code || r.Status < 400) {
					t.Errorf("%s with %s%s: %s", q.op, body[m[2]:m[3]], bad, heard(r))
				}
			}
		}
	}
	for _, q := range d.row(func(op apitest.Operation) bool { return slices.Contains(op.Header, "If-Match") }) {
		for _, bad := range []string{`{"$gt":""}`, `*`, `W/"1-1"`, `"1-1","1-2"`, `"1--1"`, `"-1-1"`, `"01-1"`, `"1-99999999999999999999"`} {
			if r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, nil), d.sent(q), "If-Match", bad); r.Status != 400 || r.Problem.Code != "header_invalid" {
				t.Errorf("%s of version %s: %s", q.op, bad, heard(r))
			}
		}
	}
	for _, q := range d.row(func(op apitest.Operation) bool { return slices.Contains(op.Header, "Idempotency-Key") }) {
		for _, bad := range []string{"short", "with a space", strings.Repeat("k", 129), "tab\tinside", fmt.Sprint("umlaut-", "ü")} {
			if r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, nil), d.sent(q), "Idempotency-Key", bad); r.Status != 400 || r.Problem.Code != "idempotency_required" {
				t.Errorf("%s under %.20q: %s", q.op, bad, heard(r))
			}
		}
	}
	d.unmoved(before, "an operator in a body")
}
