package play_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// decision is a stage as admins see it.
type decision struct {
	Basis  string         `json:"basis"`
	State  string         `json:"state"`
	Counts map[string]int `json:"counts"`
}

// decide decides a stage of a programme on what is seen of it.
func (b *beside) decide(e *edition, no int) (v decision) {
	b.Helper()
	at := e.path(fmt.Sprintf("/stages/%d", no))
	b.send(b.admin, "GET", at, "", nil, &v)
	b.send(b.admin, "POST", at+"/decision", "", map[string]any{"basis": v.Basis, "minutes": "BA " + e.prefix}, &v)
	return v
}

// curates decides the first stage of each programme and gives the files to two curators
// each; one of them is a curator in Lampung and in South Sulawesi. They score without a
// network.
func (b *beside) curates() {
	b.Helper()
	b.at(time.Date(2022, 3, 8, 2, 0, 0, 0, time.UTC))
	b.login()
	both := b.joins(b.person(), "curator of two", 3)
	for n, e := range b.all {
		b.advance(e, domain.ProgrammeCurating)
		b.send(b.admin, "POST", e.path("/begin"), "", nil, nil)
		if v := b.decide(e, 1); v.Counts["passed"] != 4 || v.Counts["failed"] != 1 {
			b.Errorf("%s: %v", e.code, v.Counts)
		}
		if n < 2 {
			e.curators = []*play.Phone{both}
		} else {
			e.curators = []*play.Phone{b.joins(b.person(), "another curator of "+e.code, 1<<n)}
		}
		e.curators = append(e.curators, b.joins(b.person(), "curator of "+e.code, 1<<n))
		for i, p := range e.curators {
			b.send(b.admin, "POST", e.path("/curators"), "", map[string]any{"phone": p.Who.Number, "institution": []string{"Dekranasda", "BI"}[i]}, nil)
		}
		var given struct {
			Files int `json:"files"`
		}
		if b.send(b.admin, "POST", e.path("/stages/2/shares"), "", map[string]any{}, &given); given.Files != 8 {
			b.Errorf("%s: %d files were given", e.code, given.Files)
		}
	}
	for _, e := range b.all {
		for _, p := range e.curators {
			if p.Sky.Draw == nil {
				b.sync(p)
				b.away(p)
			}
			b.scores(e, p)
		}
	}
	for _, e := range slices.Backward(b.all) { // who curates two brings both at once
		for _, p := range e.curators {
			b.back(p)
		}
	}
}

// scores fills in the sheets of a curator in one programme: the earlier the number the
// better.
func (b *beside) scores(e *edition, p *play.Phone) {
	b.Helper()
	panel := domain.PanelScope(e.id, p.Me().User)
	files, err := p.Rows(panel, "dossier")
	b.ok(err)
	if len(files) != 4 {
		b.Errorf("%s has %d files of %s", p.Name, len(files), e.code)
	}
	theirs := b.files(e)
	for _, d := range files {
		n := 1 + slices.IndexFunc(theirs, func(f merge.Row) bool { return f.ID == d.Text("application_id") })
		if n == 0 || d.Text("number") != "" || !strings.Contains(string(d.Fields["items"]), e.item) {
			b.Errorf("%s of %s has file %s %s with %s", p.Name, e.code, d.Text("application_id"), d.Text("number"), d.Fields["items"])
		}
		sheet := domain.SheetID(d.Text("application_id"), 2, p.Me().User)
		b.in(p, panel, "sheet", sheet, map[string]any{"application_id": d.Text("application_id"), "stage": 2, "items": map[string]any{e.item: map[string]any{"points": 90 - 10*n}}})
		b.in(p, panel, "sheet_event", "", map[string]any{"sheet_id": sheet, "op": "submit"})
	}
}

// decides selects two of each programme, and plans to tell the results at ten by the clocks
// of the place.
func (b *beside) decides() {
	b.Helper()
	b.at(time.Date(2022, 3, 14, 2, 0, 0, 0, time.UTC))
	b.login()
	for _, e := range b.all {
		v := b.decide(e, 2)
		b.send(b.second, "POST", e.path("/stages/2/approval"), "", map[string]any{"basis": v.Basis}, &v)
		if v.State != "decided" || v.Counts["selected"] != 2 || v.Counts["reserve"] != 1 || v.Counts["not_selected"] != 1 {
			b.Errorf("%s: %+v", e.code, v)
		}
		var p ticket
		b.send(b.admin, "POST", e.path("/publication"), "", map[string]any{"publish_at": e.publish.At(10, 0, e.zone), "feedback": map[string]string{"selected": "Selamat dari " + e.prefix}}, &p)
		b.send(b.second, "POST", e.path("/publication/approval"), p.Etag, nil, nil)
	}
}

// due lets the server look at its calendar and do what follows.
func (b *beside) due() {
	b.Helper()
	for range 3 {
		b.ok(b.w.App.Programme.Due(b.Context()))
		b.ok(b.w.Step(b.Context()))
	}
}

// only wants nothing to have moved but what is of one programme: where it is decided, and
// the businesses and owners of its files. It gives how many businesses have.
func (b *beside) only(e *edition, what string, before map[string]merge.Seq) (businesses int) {
	b.Helper()
	may := map[string]bool{domain.DecisionScope(e.id): true, domain.GeneralQueue: true}
	for _, f := range b.files(e) {
		may["business/"+f.Text("business_id")], may[merge.UserScope(f.Text("owner_id"))] = true, true
	}
	for scope, at := range b.heads() {
		if before[scope] == at {
			continue
		}
		if !may[scope] {
			b.Errorf("%s of %s moved %s", what, e.code, scope)
		}
		if merge.ScopeKind(scope) == domain.ScopeBusiness {
			businesses++
		}
	}
	return businesses
}

// instants calls do with each programme when a moment of it comes, the earliest first.
func (b *beside) instants(of func(*edition) time.Time, do func(e *edition, at time.Time)) {
	b.Helper()
	for _, e := range slices.SortedStableFunc(slices.Values(b.all), func(x, y *edition) int { return of(x).Compare(of(y)) }) {
		b.at(of(e).Add(-5 * time.Minute))
		do(e, of(e))
	}
}

// states are how the applications of a programme stand on the phones of its owners.
func (b *beside) states(e *edition) string {
	b.Helper()
	b.sync(e.early, e.grace, e.late, b.three)
	return b.applied(e.early, e, "early").Text("state") + " " + b.applied(e.grace, e, "grace").Text("state") + " " + b.applied(b.three, e, "three").Text("state") + " " +
		b.applied(e.late, e, "late").Text("state")
}

// quiet wants nothing at all to happen until a second before an instant.
func (b *beside) quiet(at time.Time) {
	b.Helper()
	before := b.heads()
	b.at(at.Add(-time.Second))
	if b.due(); !maps.Equal(b.heads(), before) {
		b.Errorf("something moved before %v", at)
	}
}

// publishes has the results told, at a different instant in each programme, and the first of
// each confirm without a network. Nothing of the others moves.
func (b *beside) publishes() {
	b.Helper()
	told := map[*edition]bool{}
	tell := func(e *edition) time.Time { return e.publish.At(10, 0, e.zone) }
	b.instants(tell, func(e *edition, at time.Time) {
		if got := b.states(e); got != "submitted submitted submitted returned" {
			b.Errorf("%s before its instant: %s", e.code, got)
		}
		b.quiet(at)
		before := b.heads()
		b.at(at)
		b.due()
		if n := b.only(e, "the publication", before); n != 5 {
			b.Errorf("%s told %d businesses", e.code, n)
		}
		told[e] = true
		for _, other := range b.all {
			want := "submitted submitted submitted returned"
			if told[other] {
				want = map[bool]string{true: "offered", false: "confirmed"}[other == e] + " offered reserve returned"
			}
			if got := b.states(other); got != want {
				b.Errorf("%s once %s is told: %s, want %s", other.code, e.code, got, want)
			}
		}
		r := b.applied(e.early, e, "early")
		if r.Text("confirm_by") != merge.FormatInstant(merge.Millis(e.answerBy().UnixMilli())) || r.Text("feedback") != "Selamat dari "+e.prefix {
			b.Errorf("%s: %s", e.code, r.EncodeFields())
		}
		b.away(e.early)
		b.says(e.early, e, "early", "confirm")
		b.back(e.early)
	})
	for p, want := range map[*play.Phone]int{b.three: 3, b.all[0].early: 1, b.all[1].grace: 1, b.all[2].late: 0} {
		if n, err := p.Notices(domain.NoticeResults); err != nil || n != want {
			b.Errorf("%s heard of results %d times, want %d: %v", p.Name, n, want, err)
		}
	}
}

// lapses lets the days to confirm end, by the clocks of each place: who said nothing loses
// the place to the reserve, who takes it.
func (b *beside) lapses() {
	b.Helper()
	gone := map[*edition]bool{}
	b.instants((*edition).answerBy, func(e *edition, at time.Time) {
		b.quiet(at)
		before := b.heads()
		b.at(at)
		b.due()
		if n := b.only(e, "the end of the offers", before); n != 2 {
			b.Errorf("%s: %d businesses heard of it", e.code, n)
		}
		gone[e] = true
		for _, other := range b.all {
			want := "confirmed offered reserve returned"
			if gone[other] {
				want = "confirmed lapsed " + map[bool]string{true: "offered", false: "confirmed"}[other == e] + " returned"
			}
			if got := b.states(other); got != want {
				b.Errorf("%s once %s is over: %s, want %s", other.code, e.code, got, want)
			}
		}
		b.says(b.three, e, "three", "confirm")
		b.sync(b.three, b.three)
	})
}

// accompanies sends a mentor of its own to each programme. Every business that takes part
// has the tasks of its own plan, on days of the calendar.
func (b *beside) accompanies() {
	b.Helper()
	b.at(time.Date(2022, 3, 23, 2, 0, 0, 0, time.UTC))
	b.login()
	for n, e := range b.all {
		who := b.person()
		b.send(b.admin, "POST", "/v1/admin/users", "", map[string]any{"phone": who.Number, "name": "Pendamping " + e.prefix, "roles": []string{"mentor"}}, nil)
		e.mentor = b.joins(who, "mentor of "+e.code, 1<<n)
		for _, owner := range []string{"early", "three"} {
			_, err := b.w.Assign(b.Context(), b.admin, e.business[owner], who)
			b.ok(err)
		}
		b.sync(e.mentor, e.early, b.three)
		letter := e.plan[5:]
		want := []string{letter + "_photos 2022-04-07", letter + "_shop 2022-03-28"}
		if letter == "b" {
			want[0] = "b_photos 2022-04-08"
		}
		for owner, phones := range map[string][]*play.Phone{"early": {e.mentor, e.early}, "three": {e.mentor, b.three}} {
			for _, p := range phones {
				tasks, err := p.Rows("business/"+e.business[owner], "task")
				b.ok(err)
				var got []string
				for _, r := range tasks {
					if got = append(got, r.Text("template_code")+" "+r.Text("due_on")); r.Text("programme_id") != e.id {
						b.Errorf("%s: a task of programme %s", p.Name, r.Text("programme_id"))
					}
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					b.Errorf("%s: %v, want %v", p.Name, got, want)
				}
			}
		}
		if rows, err := e.grace.Rows("business/"+e.business["grace"], "task"); err != nil || len(rows) > 0 {
			b.Errorf("who takes no part in %s has %d tasks, %v", e.code, len(rows), err)
		}
	}
}

// reminds lets eight o'clock of the day come on which the first tasks are due: in South
// Sulawesi it comes an hour earlier.
func (b *beside) reminds() {
	b.Helper()
	count := func() (out []int) {
		_, err := b.w.App.Programme.Remind(b.Context())
		b.ok(err)
		for _, e := range b.all {
			rows, err := b.w.Rows(b.Context(), merge.UserScope(e.early.Me().User), "inbox")
			b.ok(err)
			out = append(out, len(slices.DeleteFunc(rows, func(r merge.Row) bool { return r.Text("type") != domain.NoticeTaskDue })))
		}
		return out
	}
	b.at(time.Date(2022, 3, 27, 23, 59, 59, 0, time.UTC))
	before := count()
	for _, step := range []struct{ hour, wib, wita int }{{0, 0, 1}, {1, 1, 1}} {
		b.at(time.Date(2022, 3, 28, step.hour, 0, 0, 0, time.UTC))
		if got, want := count(), []int{before[0] + step.wib, before[1] + step.wita, before[2] + step.wib}; !slices.Equal(got, want) {
			b.Errorf("at %d UTC %v were reminded, want %v", step.hour, got, want)
		}
	}
}

// announces writes to those who take part in South Sulawesi. Drafts for the others count
// their own people only, and those of one province where there are two.
func (b *beside) announces() {
	b.Helper()
	b.at(time.Date(2022, 3, 28, 23, 0, 0, 0, time.UTC))
	b.login()
	sulsel := b.all[1]
	publish := time.Date(2022, 3, 29, 2, 0, 0, 0, time.UTC)
	b.reaches()
	for n, e := range b.all {
		audience := map[string]any{"programme_id": e.id, "enrolment_states": []string{"active"}}
		if n == 2 {
			e.newsFor = []string{"34"}
			audience["regions"] = e.newsFor
		}
		a, err := b.admin.Draft(b.Context(), map[string]any{"title_id": "Kabar " + e.prefix, "title_en": "News " + e.prefix, "body_id": "Datang.", "body_en": "Come.", "audience": audience, "publish_at": publish})
		b.ok(err)
		e.news = a.ID
		got, err := b.admin.Preview(b.Context(), a.ID)
		b.ok(err)
		if owners := []int{2, 2, 1}[n]; got.Owners != owners || got.Businesses != owners || got.Mentors != 1 || got.People != owners+1 {
			b.Errorf("%s: it would reach %+v", e.code, got)
		}
	}
	_, err := b.admin.Operate(b.Context(), sulsel.news, domain.AnnounceAskReview)
	b.ok(err)
	_, err = b.second.Operate(b.Context(), sulsel.news, domain.AnnounceApprove)
	b.ok(err)
	b.at(publish)
	b.ok(b.w.Both(b.Context(), func(ctx context.Context, s *programme.Service) error {
		_, err := s.Announce(ctx)
		return err
	}))
	b.ok(b.w.Step(b.Context()))
	audience := []*play.Phone{sulsel.early, b.three, sulsel.mentor}
	for p := range b.phones {
		b.sync(p)
		for _, e := range b.all {
			if _, some, err := p.Item(e.news); err != nil || some != (e == sulsel && slices.Contains(audience, p)) {
				b.Errorf("%s has the news of %s: %t, %v", p.Name, e.code, some, err)
			}
		}
	}
	if r, err := b.admin.Receipts(b.Context(), sulsel.news); err != nil || r.People != 3 {
		b.Errorf("receipts %+v, %v", r, err)
	}
}

// reaches asks whom words to everybody who applied would reach: the owners of the five files
// and who came too late, and nobody whose province is not the programme's but for who is in
// its list.
func (b *beside) reaches() {
	b.Helper()
	for _, e := range b.all {
		a, err := b.admin.Draft(b.Context(), map[string]any{"title_id": "Kabar", "title_en": "News", "body_id": "Datang.", "body_en": "Come.", "audience": map[string]any{"programme_id": e.id}})
		b.ok(err)
		if got, err := b.admin.Preview(b.Context(), a.ID); err != nil || got.Businesses != 6 || got.Owners != 6 || got.Mentors != 1 || got.People != 7 {
			b.Errorf("all who applied to %s are %+v, %v", e.code, got, err)
		}
	}
}
