package play_test

import (
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAfterARestoreNobodyGivesThemselvesAPlace: owners answer an offer that nobody made them, out of
// what their phones say that they saw. It leads nowhere before the results, and behind them to no more
// places than there are.
func TestAfterARestoreNobodyGivesThemselvesAPlace(t *testing.T) {
	o := setEmbargo(t, outcomes{domain.FileSelected: 2, domain.FileNotSelected: 2, domain.FileReserve: 1, domain.FileEliminated: 1}, poor())
	o.restored()
	for _, f := range o.files() {
		o.answers(f, "confirm", o.admin.IDs.New())
		if got, parts := o.stands(f); got != domain.ApplicationSubmitted || parts != 0 {
			t.Errorf("of who is %s, before anybody was told: %s, %d enrolments", f.Text("state"), got, parts)
		}
	}
	o.publish()
	o.publish()
	want := map[string]string{domain.FileSelected: domain.ApplicationConfirmed, domain.FileReserve: domain.ApplicationReserve,
		domain.FileNotSelected: domain.ApplicationNotSelected, domain.FileEliminated: domain.ApplicationNotSelected}
	for _, f := range o.files() {
		if got, _ := o.stands(f); got != want[f.Text("state")] {
			t.Errorf("who is %s is told %s", f.Text("state"), got)
		}
	}
}

// TestAConfirmationComesBackBeforeItsOffer: a backup of before the results is restored, and the phones of those
// who have confirmed or declined send that again. The results are told again, and the answers count.
func TestAConfirmationComesBackBeforeItsOffer(t *testing.T) {
	o := setEmbargo(t, outcomes{domain.FileSelected: 3, domain.FileNotSelected: 1, domain.FileReserve: 1, domain.FileEliminated: 1}, poor())
	o.restored()
	said := map[string]string{}
	for _, f := range o.files() {
		if f.Text("state") == domain.FileSelected && len(said) < 2 {
			op := []string{"confirm", "decline"}[len(said)]
			said[f.ID] = op
			o.answers(f, op, id.Derive("application_event", f.ID, "result", "offer"))
		}
	}
	o.publish()
	for _, f := range o.files() {
		state, parts := o.stands(f)
		switch op := said[f.ID]; {
		case op == "confirm" && (state != domain.ApplicationConfirmed || parts != 1):
			t.Errorf("a confirmation that came back first: %s, %d enrolments", state, parts)
		case op == "decline" && (state != domain.ApplicationDeclined || parts != 0):
			t.Errorf("a refusal that came back first: %s, %d enrolments", state, parts)
		case op == "" && f.Text("state") == domain.FileSelected && state != domain.ApplicationOffered:
			t.Errorf("who has not answered is %s", state)
		}
	}
}

func (o *embargo) restored() {
	o.Helper()
	_, err := o.w.App.Restored(o.Context())
	o.ok(err)
}

// answers has the owner of a file answer an offer that they say they saw.
func (o *embargo) answers(f merge.Row, op, seen string) {
	o.Helper()
	v := o.arrives(f.Text("owner_phone"), f, false)
	v.sync("first sync", "")
	scope := scopeOf(f)
	v.look("push", "POST", "/v1/sync/push", fmt.Sprintf(
		`{%s,"push":[{"scope":%q,"device":%q,"incarnation":%q,"generation":%q,"mutations":[{"n":1,"schema":1,"collection":"application_event","id":%q,"op":"put","base":null,`+
			`"at":{"wall":"2022-03-10T02:00:00Z","mono_ms":1,"boot":"a","server":"2022-03-10T02:00:00.000Z"},"set":{"application_id":%q,"op":%q,"from":"offered","seen":[%q]}}]}]}`,
		embargoClock, scope, v.device, v.incarnation, v.generation(scope), o.admin.IDs.New(), f.ID, op, seen))
	o.ok(o.w.Step(o.Context()))
}

func scopeOf(f merge.Row) string { return domain.ScopeBusiness + "/" + f.Text("business_id") }

// stands reads the state of an application, and how often its business takes part.
func (o *embargo) stands(f merge.Row) (state string, parts int) {
	o.Helper()
	apps, err := o.w.Rows(o.Context(), scopeOf(f), "application")
	o.ok(err)
	enrolled, err := o.w.Rows(o.Context(), scopeOf(f), "enrolment")
	o.ok(err)
	return apps[0].Text("state"), len(enrolled)
}
