package api_test

import (
	"strings"
	"testing"
)

// TestAMisspeltFilterIsRefused, at every list: it would show everything.
func TestAMisspeltFilterIsRefused(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	asked := 0
	for _, op := range d.client.Spec.Operations() {
		if op.Method != "GET" || len(op.Query) == 0 || strings.HasPrefix(op.Path, "/v1/sync/") {
			continue
		}
		asked++
		path := strings.NewReplacer("{programme}", d.here.programme, "{business}", d.here.business, "{announcement}", d.here.announcement, "{mentor}", d.here.mentor, "{list}", "region").Replace(op.Path)
		for _, name := range op.Query {
			for _, bad := range []string{name + "s", strings.ToUpper(name), name + "%5B%5D"} {
				r := d.want(400, d.boss.AccessToken, "GET", path+"?"+bad+"=1", "!")
				if d.code("query_invalid", r); len(r.Problem.Fields) != 1 || r.Problem.Fields[0].Field == name {
					t.Errorf("%s: %s", bad, r.Body)
				}
			}
			if r := d.send(request{Operation: op}, d.boss.AccessToken, path+"?"+name+"=", ""); r.Status == 400 && len(r.Problem.Fields) == 1 && r.Problem.Fields[0].Field != name {
				t.Errorf("%s knows no %s: %s", path, name, r.Body)
			}
		}
	}
	if asked < 15 {
		t.Errorf("only %d lists", asked)
	}
}
