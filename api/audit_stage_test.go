package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

// TestWhoSawMarksIsFoundByPerson: who looked at a stage, prepared its decision or approved it saw
// what everybody in it was given, and is found by the owner and the enterprise as by the file.
func TestWhoSawMarksIsFoundByPerson(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	p := "/v1/programmes/" + d.here.programme
	const stage = "/v1/programmes/{programme}/stages/{stage}"
	var files wire.CaseFileList
	d.want(200, d.boss.AccessToken, "GET", p+"/files", "").Into(t, &files)
	of := map[string]string{"file": files.Files[0].Id}
	for _, who := range []string{"owner", "business"} {
		of[who] = strings.Trim(string(files.Files[0].Fields[who+"_id"]), `"`)
	}
	for _, look := range []struct{ method, part, token, more string }{
		{"GET", "", d.boss.AccessToken, ""}, {"POST", "/decision", d.boss.AccessToken, `,"minutes":"BA-2"`}, {"POST", "/approval", d.second.AccessToken, ""},
		{"GET", "", d.boss.AccessToken, ""}, // decided, and read from the decision
	} {
		body := ""
		if look.method == "POST" {
			body = `{"basis":"` + d.basis(d.here.programme, "2") + `"` + look.more + `}`
		}
		before, route := len(d.trail()), look.method+" "+stage+look.part
		d.want(200, look.token, look.method, p+"/stages/2"+look.part, body)
		got := d.subjects(before)
		for name, id := range of {
			if !slices.Contains(got, id) {
				t.Errorf("%s is about the %s %s, and the trail says of %v", route, name, id, got)
			}
		}
		for name, id := range of {
			var page wire.AuditPage
			d.want(200, d.boss.AccessToken, "GET", "/v1/admin/audit?subject="+id, "").Into(t, &page)
			if !slices.ContainsFunc(page.Entries, func(e wire.AuditEntry) bool { return said(e, "route") == route }) {
				t.Errorf("asked by the %s, the trail does not name who sent %s", name, route)
			}
		}
	}
}
