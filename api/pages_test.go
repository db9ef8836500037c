package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// pagedList is a list that is read page by page.
type pagedList struct {
	path, rows string
	add        func(n int) // makes one more row; numbers tell them apart
}

// pagedLists are those that admins go through, of the first programme of a scene.
func (d *scene) pagedLists() []pagedList {
	token := d.boss.AccessToken
	return []pagedList{
		{"/v1/announcements", "announcements", func(n int) {
			d.clock.Advance(time.Duration(n%2) * time.Millisecond) // some at the same instant
			d.want(201, token, "POST", "/v1/announcements", fmt.Sprintf(`{"fields":{"title_id":"Kabar %d"}}`, n))
		}},
		{"/v1/admin/approvals", "approvals", func(n int) {
			d.want(201, token, "POST", "/v1/admin/users", fmt.Sprintf(`{"phone":"+62811700%04d","name":"Pak Made","roles":["admin"]}`, 4100+n))
		}},
		{"/v1/reviews", "reviews", func(n int) {
			id := d.ids.New()
			at := merge.Millis(d.clock.Now().UnixMilli() - int64(n%3)).Value() // some at the same instant, some before those that are there
			_, err := d.parts.Engine.Write(d.Context(), []string{"decision/general", "decision/" + d.here.programme}[n%2], merge.ServerWrite{Name: "an item " + id, Role: merge.System, Collection: "review_item", ID: id,
				Op: merge.Put, Create: true, Set: map[string]merge.Value{"what": merge.Str("verify_against_cancel"), "scope": merge.Str("business/" + nobody), "at": at}})
			d.ok(0, err)
		}},
		{"/v1/programmes/" + d.here.programme + "/curators", "curators", func(n int) {
			d.want(201, token, "POST", "/v1/programmes/"+d.here.programme+"/curators", fmt.Sprintf(`{"phone":"+62811700%04d","institution":"Dinas"}`, 4200+n))
		}},
		{"/v1/plan-templates", "templates", func(n int) {
			d.want(201, token, "POST", "/v1/plan-templates", fmt.Sprintf(`{"code":"plan-%d","version":%d,"fields":{"name":"Rencana","items":[{"code":"shop","title_id":"Buka toko","track":"digital","offset_days":0,"duration_days":7}]}}`, n%3, 20-n))
		}},
		{"/v1/programmes", "programmes", func(n int) {
			var p wire.Programme
			d.want(201, token, "POST", "/v1/programmes", fmt.Sprintf(`{"code":"pasar-%d","fields":%s}`, n*7%10, d.plan("18", 10+n, d.here.template))).Into(d, &p)
			d.status(&p, "open")
			d.work()
		}},
	}
}

// rowsOf reads a page: its ids in order, and where the next one begins.
func (d *scene) rowsOf(l pagedList, query string) (ids []string, next string) {
	d.Helper()
	var out map[string]json.RawMessage
	d.want(200, d.boss.AccessToken, "GET", l.path+query, "").Into(d, &out)
	var rows []struct{ ID string }
	d.ok(0, json.Unmarshal(out[l.rows], &rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	if raw := out["next"]; raw != nil {
		d.ok(0, json.Unmarshal(raw, &next))
	}
	return ids, next
}

// TestListsAreReadPageByPage: in the order of the whole, however long pages are. What is
// added meanwhile moves nobody else: each row that was there comes once.
func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	for _, l := range d.pagedLists() {
		for n := range 6 {
			l.add(n)
		}
		all, next := d.rowsOf(l, "?limit=500")
		if len(all) < 8 || next != "" {
			t.Fatalf("%s: %d rows, and then %q", l.path, len(all), next)
		}
		for limit := 1; limit <= len(all)+1; limit++ {
			var got []string
			pages := 0
			for after := ""; pages == 0 || after != ""; pages++ {
				page, next := d.rowsOf(l, fmt.Sprintf("?limit=%d&after=%s", limit, url.QueryEscape(after)))
				if len(page) > limit || len(page) == 0 || pages > len(all) {
					t.Fatalf("%s: page %d of %d holds %d", l.path, pages, limit, len(page))
				}
				got, after = append(got, page...), next
			}
			if !slices.Equal(got, all) || pages != (len(all)+limit-1)/limit {
				t.Errorf("%s by %d: %d pages\n%v, want\n%v", l.path, limit, pages, got, all)
			}
		}
		got, after := d.rowsOf(l, "?limit=3")
		for n := 6; after != ""; n++ {
			if n < 9 { // between the pages
				l.add(n)
			}
			var page []string
			page, after = d.rowsOf(l, "?limit=3&after="+url.QueryEscape(after))
			got = append(got, page...)
		}
		now, _ := d.rowsOf(l, "?limit=500")
		if len(now) < len(all)+2 {
			t.Errorf("%s: nothing was added", l.path)
		}
		seen := map[string]int{}
		for _, id := range got {
			if seen[id]++; !slices.Contains(now, id) {
				t.Errorf("%s: nobody knows %s", l.path, id)
			}
		}
		for _, id := range now {
			if old := slices.Contains(all, id); seen[id] > 1 || old && seen[id] == 0 {
				t.Errorf("%s: %s came %d times, there before: %t", l.path, id, seen[id], old)
			}
		}
	}
}
