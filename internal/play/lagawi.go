package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lagawiCode is the code of the programme of the story.
const lagawiCode = "lagawi-fest-2022"

// Lagawi is what came of the campaign from registration to the plans.
type Lagawi struct {
	Read, Accepted, Refused int // rows of the list
	Passed                  [2]int
	Sheets, Offline         int // entered; of them without a network
	Selected, Reserve, Not  int
	Categories              map[string]int // of the selected, by primary category
	Memberships             int            // of the selected in categories, the second ones too
	Notices                 int            // of the results, one for each who applied
	Leaked                  int            // scopes of businesses in which anything happened before the instant
	Enrolled, Tasks         int
	MentorBusinesses        int // on the phone of the mentor who was looked at
	MentorTasks             int
	OwnerTasks              int
	Foreign                 int // records of other businesses on the owner's phone
}

// LagawiStart is when the registration opens.
func LagawiStart() time.Time { return time.Date(2022, 2, 26, 17, 0, 0, 0, time.UTC) }

// lagawi is the story under way.
type lagawi struct {
	w        *World
	tell     *Teller
	list     fixture.Lagawi
	numbers  map[string]fixture.Row // by receipt number
	admin    *Phone
	second   *Phone
	curators []*Phone
	id       string
	out      Lagawi
}

// LagawiOptions let everybody whom the story needs log in.
func LagawiOptions(o Options, seed uint64) Options {
	o.Seed, o.Crowd = seed, max(o.Crowd, 12)
	for _, r := range fixture.Campaign(seed).Rows {
		if r.Outcome == fixture.OutSelected || r.Outcome == fixture.OutReserve || r.Outcome == fixture.OutNotSelected {
			o.Numbers = append(o.Numbers, string(r.Registrant.Phone))
		}
	}
	return o
}

// PlayLagawi plays a campaign from 486 rows of a list to 30 businesses with mentors and
// plans: import, three stages of curation by people who are offline half of the time,
// publication, confirmation. The world must have been opened with LagawiOptions of the
// same seed.
func (w *World) PlayLagawi(ctx context.Context, tell *Teller, seed uint64) (Lagawi, error) {
	s := &lagawi{w: w, tell: tell, list: fixture.Campaign(seed), id: domain.ProgrammeID(lagawiCode), numbers: map[string]fixture.Row{}}
	for _, do := range []func(context.Context) error{s.opens, s.imports, s.curates, s.scores, s.decides, s.publishes, s.confirms, s.mentors} {
		if err := do(ctx); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

// Programme plays the campaign on a database in folder, which stays there, and prints what
// came of it. It fails if a number of the story does not come out.
func Programme(ctx context.Context, tell *Teller, folder string, seed uint64) (err error) {
	w, err := Open(ctx, LagawiStart(), LagawiOptions(Options{Path: Database(folder)}, seed))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	tell.Title("Lagawi Fest 2022: from 486 rows of a list to 30 businesses")
	got, err := w.PlayLagawi(ctx, tell, seed)
	if err != nil {
		return err
	}
	table := [][]string{{"", "businesses"}}
	for _, row := range []struct {
		what string
		n    int
	}{{"rows of the list", got.Read}, {"applications", got.Accepted}, {"pass stage 1", got.Passed[0]}, {"pass stage 2", got.Passed[1]}, {"selected", got.Selected}, {"reserve", got.Reserve},
		{"not selected", got.Not}, {"told at 10:00, in the same words", got.Notices}, {"told anything before", got.Leaked}, {"take part", got.Enrolled}} {
		table = append(table, []string{row.what, fmt.Sprint(row.n)})
	}
	for _, c := range slices.Sorted(maps.Keys(got.Categories)) {
		table = append(table, []string{"  " + c, fmt.Sprint(got.Categories[c])})
	}
	table = append(table, []string{"  memberships in categories", fmt.Sprint(got.Memberships)}, []string{"tasks", fmt.Sprint(got.Tasks)})
	tell.Say("")
	tell.Table(table...)
	if !got.asTold() {
		return fmt.Errorf("the campaign came out otherwise: %+v", got)
	}
	tell.Good("%d → %d → %d → %d + %d reserve + %d; %d businesses in %d memberships, %d tasks.", got.Accepted, got.Passed[0], got.Passed[1], got.Selected, got.Reserve, got.Not, got.Enrolled, got.Memberships, got.Tasks)
	return nil
}

// asTold reports whether every number is that of the story.
func (l Lagawi) asTold() bool {
	sum := 0
	for _, n := range l.Categories {
		sum += n
	}
	return l.Read == fixture.Read && l.Accepted == fixture.Accepted && l.Passed == [2]int{fixture.PassStage1, fixture.PassStage2} && l.Sheets == 2*fixture.PassStage2 && l.Offline == offlineSheets &&
		l.Selected == fixture.Selected && l.Reserve == fixture.Reserve && l.Not == fixture.NotSelected && sum == fixture.Selected && l.Memberships == 31 && l.Notices == fixture.Accepted &&
		l.Leaked == 0 && l.Enrolled == fixture.Selected && l.Tasks == 720 && l.MentorBusinesses == 5 && l.MentorTasks == 120 && l.OwnerTasks == 24 && l.Foreign == 0
}

func (s *lagawi) path(rest string) string { return "/v1/programmes/" + s.id + rest }

// opens sets the programme up and opens it.
func (s *lagawi) opens(ctx context.Context) (err error) {
	if s.admin, err = s.w.Enter(ctx, s.w.Person("Bu Ratna"), "desk of Bu Ratna"); err != nil {
		return err
	}
	if s.second, err = s.w.Enter(ctx, s.w.Person("Pak Guntur"), "desk of Pak Guntur"); err != nil {
		return err
	}
	var template struct {
		ID string `json:"id"`
	}
	if err := s.admin.Send(ctx, http.MethodPost, "/v1/plan-templates", "", map[string]any{"code": "bbi-90", "version": 1, "fields": map[string]any{"name": "BBI-90", "items": domain.BBI90()}}, &template); err != nil {
		return err
	}
	phase := func(code, from, to string) fields { return fields{"code": code, "starts_on": from, "ends_on": to} }
	plan := fields{"name": "Lagawi Fest 2022", "kind": "campaign", "movement": "Gernas BBI", "region_codes": []string{"18"}, "quota": 30, "reserve_size": 10, "champion_count": 5, "number_prefix": "LGW22",
		"confirm_days": 3, "plan_template_id": template.ID, "stages": lagawiStages(), "monitoring": fields{"starts_on": "2022-03-20", "ends_on": "2022-06-17"},
		"phases": []fields{phase(domain.PhaseRegistration, "2022-02-27", "2022-03-06"), phase(domain.PhaseCuration, "2022-03-07", "2022-03-14"),
			phase(domain.PhasePublication, "2022-03-17", "2022-03-17"), phase(domain.PhaseMentoring, "2022-03-20", "2022-06-17"), phase(domain.PhaseExhibition, "2022-06-01", "2022-06-06")}}
	if err := s.admin.Send(ctx, http.MethodPost, "/v1/programmes", "", map[string]any{"code": lagawiCode, "fields": plan}, nil); err != nil {
		return err
	}
	return s.advance(ctx, domain.ProgrammeOpen)
}

// lagawiStages are the three stages of the curation.
func lagawiStages() []fields {
	var checklist, survey, rubric []fields
	for _, code := range fixture.Checklist() {
		checklist = append(checklist, fields{"code": code, "label_id": code, "required": true})
	}
	for _, code := range domain.SurveyItems() {
		survey = append(survey, fields{"code": code, "label_id": code, "max": domain.SurveyMax})
	}
	for _, it := range fixture.Rubric() {
		rubric = append(rubric, fields{"code": it.Code, "label_id": it.Code, "max": 100, "weight_bp": it.Weight})
	}
	return []fields{{"no": 1, "kind": domain.StageChecklist, "items": checklist}, {"no": 2, "kind": domain.StageLevel, "items": survey, "pass": fields{"level": 2}},
		{"no": 3, "kind": domain.StageRubric, "items": rubric, "curators_per_file": 2, "blind": true}}
}

// advance takes the programme to its next status.
func (s *lagawi) advance(ctx context.Context, status string) error {
	var e struct {
		Etag string `json:"etag"`
	}
	if err := s.admin.Send(ctx, http.MethodGet, s.path(""), "", nil, &e); err != nil {
		return err
	}
	return s.admin.Send(ctx, http.MethodPost, s.path("/status"), e.Etag, map[string]any{"status": status}, nil)
}

// report is what an import tells.
type report struct {
	Read     int `json:"read"`
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
	Errors   []struct {
		Line    int    `json:"line"`
		Column  string `json:"column"`
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
	Job struct {
		ID string `json:"id"`
	} `json:"job"`
}

// imports brings the list in on the day after the window: first as a dry run.
func (s *lagawi) imports(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
	if err := s.admin.Login(ctx); err != nil { // a fresh second factor
		return err
	}
	var file bytes.Buffer
	if err := s.list.WriteCSV(&file); err != nil {
		return err
	}
	var dry, done report
	if err := s.table(ctx, s.path("/imports/check"), file.Bytes(), &dry); err != nil {
		return err
	}
	rows := [][]string{{"line", "column", "code", "what is said"}}
	for _, e := range dry.Errors {
		rows = append(rows, []string{fmt.Sprint(e.Line), e.Column, e.Code, e.Message})
	}
	s.tell.Table(rows...)
	if err := s.table(ctx, s.path("/imports"), file.Bytes(), &done); err != nil {
		return err
	}
	if err := s.w.Step(ctx); err != nil {
		return err
	}
	var job struct{ Done, Failed, Total int64 }
	if err := s.admin.Send(ctx, http.MethodGet, "/v1/jobs/"+done.Job.ID, "", nil, &job); err != nil {
		return err
	}
	if job.Done != job.Total || job.Failed > 0 || dry.Accepted != done.Accepted {
		return fmt.Errorf("the import came out as %+v, the dry run had said %d", job, dry.Accepted)
	}
	s.out.Read, s.out.Accepted, s.out.Refused = done.Read, done.Accepted, done.Refused
	n := 0
	for _, r := range s.list.Rows {
		if r.Refusal == "" {
			n++
			s.numbers[domain.ReceiptNumber("LGW22", n)] = r
		}
	}
	s.tell.Say("%d rows, %d applications, %d refused; receipt numbers LGW22-00001 to LGW22-%05d.", s.out.Read, s.out.Accepted, s.out.Refused, s.out.Accepted)
	return nil
}

// table sends a list as the admin.
func (s *lagawi) table(ctx context.Context, path string, file []byte, out any) error {
	session, err := s.admin.Session()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.w.URL+path, bytes.NewReader(file))
	if err != nil {
		return err
	}
	s.w.keys++
	for name, value := range map[string]string{"Authorization": "Bearer " + session.Access, "Content-Type": "text/csv", "Idempotency-Key": fmt.Sprintf("play-%06d", s.w.keys)} {
		req.Header.Set(name, value)
	}
	resp, err := s.admin.pipe.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		return errors.Join(err, fmt.Errorf("%s: %s %s", path, resp.Status, body))
	}
	return decodeInto(body, out)
}

// stage is a stage as the API tells it.
type stage struct {
	Basis    string         `json:"basis"`
	State    string         `json:"state"`
	Counts   map[string]int `json:"counts"`
	Missing  []string       `json:"missing"`
	Outcomes []struct {
		File   string `json:"file"`
		Result string `json:"result"`
	} `json:"outcomes"`
}

// decide decides a stage on what is seen of it.
func (s *lagawi) decide(ctx context.Context, no int) (v stage, err error) {
	at := s.path(fmt.Sprintf("/stages/%d", no))
	if err = s.admin.Send(ctx, http.MethodGet, at, "", nil, &v); err == nil {
		err = s.admin.Send(ctx, http.MethodPost, at+"/decision", "", map[string]any{"basis": v.Basis, "minutes": fmt.Sprintf("BA-%02d/2022", no)}, &v)
	}
	return v, err
}

// curates decides the two stages that answers decide, and lets the curators in.
func (s *lagawi) curates(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 13, 1, 0, 0, 0, time.UTC))
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	if err := s.advance(ctx, domain.ProgrammeCurating); err != nil {
		return err
	}
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/begin"), "", nil, nil); err != nil {
		return err
	}
	for no := range 2 {
		v, err := s.decide(ctx, no+1)
		if err != nil {
			return err
		}
		s.out.Passed[no] = v.Counts["passed"]
	}
	s.tell.Say("Stage 1, checklist: %d pass. Stage 2, level of the survey: %d pass.", s.out.Passed[0], s.out.Passed[1])
	for n, k := range fixture.Curators() {
		who := s.w.Neighbour(n)
		if err := s.admin.Send(ctx, http.MethodPost, s.path("/curators"), "", map[string]any{"phone": who.Number, "institution": k.Institution}, nil); err != nil {
			return err
		}
		p, err := s.w.Enter(ctx, who, "phone of "+k.Name)
		if err != nil {
			return err
		}
		s.curators = append(s.curators, p)
	}
	return s.admin.Send(ctx, http.MethodPost, s.path("/stages/3/shares"), "", map[string]any{}, nil)
}

func (s *lagawi) panel(p *Phone) string { return domain.PanelScope(s.id, p.Me().User) }

// offlineSheets are filled in in flight mode.
const offlineSheets = 61

// scores lets the curators fill in their sheets. Two of them are in flight mode the
// whole day; one declares a conflict of interest; one scores a file on two phones.
func (s *lagawi) scores(ctx context.Context) error {
	given := map[string]int{} // sheets by file
	if err := s.w.Sync(ctx, s.curators...); err != nil {
		return err
	}
	for n, p := range s.curators {
		files, err := p.Rows(s.panel(p), "dossier")
		if err != nil {
			return err
		}
		for i, d := range files {
			if d.Text("business_name") != "" {
				return fmt.Errorf("a blind file names %s", d.Text("business_name"))
			}
			r, known := s.numbers[d.Text("number")]
			if !known || given[d.ID] > 1 {
				return fmt.Errorf("file %s has %d sheets", d.Text("number"), given[d.ID])
			}
			if err := s.score(p, d, r.Sheets[given[d.ID]].Scores); err != nil {
				return err
			}
			given[d.ID]++
			s.out.Sheets++
			if n < 2 && s.out.Offline < offlineSheets {
				s.out.Offline++
				continue
			}
			if i == len(files)-1 || i%8 == 7 {
				if err := s.w.Sync(ctx, p); err != nil {
					return err
				}
			}
		}
	}
	s.w.Clock.Set(time.Date(2022, 3, 14, 10, 0, 0, 0, time.UTC)) // in the evening
	if err := s.w.Sync(ctx, s.curators...); err != nil {
		return err
	}
	s.tell.Say("%d sheets by %d curators of %d institutions, %d of them without a network.", s.out.Sheets, len(s.curators), institutions(), s.out.Offline)
	return s.oneSheetOnTwoPhones(ctx)
}

func institutions() int {
	var all []string
	for _, c := range fixture.Curators() {
		all = append(all, c.Institution)
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}

// score fills in a sheet and submits it.
func (s *lagawi) score(p *Phone, d merge.Row, points map[string]int) error {
	items := map[string]fields{}
	for code, n := range points {
		items[code] = fields{"points": n}
	}
	sid := domain.SheetID(d.Text("application_id"), 3, p.Me().User)
	if err := p.change(s.panel(p), "sheet", sid, fields{"application_id": d.Text("application_id"), "stage": 3, "items": items}); err != nil {
		return err
	}
	_, err := p.create(s.panel(p), "sheet_event", fields{"sheet_id": sid, "op": "submit"})
	return err
}

// oneSheetOnTwoPhones has a curator correct a sheet on another phone of theirs, while the
// first one has an older number that was never sent: what was written later counts.
func (s *lagawi) oneSheetOnTwoPhones(ctx context.Context) error {
	first := s.curators[5]
	second, err := s.w.Enter(ctx, first.Who, "tablet of "+fixture.Curators()[5].Name)
	if err != nil {
		return err
	}
	if err := s.w.Sync(ctx, second); err != nil {
		return err
	}
	sheets, err := second.Rows(s.panel(second), "sheet")
	if err != nil || len(sheets) == 0 {
		return errors.Join(err, fmt.Errorf("%d sheets on the tablet", len(sheets)))
	}
	sid := sheets[0].ID
	note := func() string {
		row, _, _ := second.Row(s.panel(second), "sheet", sid)
		return row.Text("note")
	}
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	reopen := map[string]any{"curator_id": first.Me().User, "note": "catatan kurang"}
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/sheets/"+sid+"/reopening"), "", reopen, nil); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, first, second); err != nil {
		return err
	}
	for i, p := range []*Phone{first, second} {
		if err := p.change(s.panel(p), "sheet", sid, fields{"note": fmt.Sprintf("catatan %d", i+1)}); err != nil {
			return err
		}
	}
	if err := s.w.Sync(ctx, second, first); err != nil {
		return err
	}
	if _, err := first.create(s.panel(first), "sheet_event", fields{"sheet_id": sid, "op": "submit"}); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, first, second); err != nil {
		return err
	}
	if note() != "catatan 2" {
		return fmt.Errorf("of two notes on two phones %q counts", note())
	}
	return nil
}

// decides ranks and selects, by two people.
func (s *lagawi) decides(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 14, 11, 0, 0, 0, time.UTC))
	for _, p := range []*Phone{s.admin, s.second} {
		if err := p.Login(ctx); err != nil {
			return err
		}
	}
	v, err := s.decide(ctx, 3)
	if err != nil {
		return err
	}
	if v.State != "prepared" {
		return fmt.Errorf("one person alone has made it %s", v.State)
	}
	if err := s.second.Send(ctx, http.MethodPost, s.path("/stages/3/approval"), "", map[string]any{"basis": v.Basis}, &v); err != nil {
		return err
	}
	s.out.Selected, s.out.Reserve, s.out.Not = v.Counts["selected"], v.Counts["reserve"], v.Counts["not_selected"]
	s.tell.Say("Stage 3, six curators: %d selected, %d reserve, %d not selected. Nobody of them knows.", s.out.Selected, s.out.Reserve, s.out.Not)
	var p struct {
		Etag string `json:"etag"`
	}
	words := map[string]string{"selected": "Selamat! Usaha Anda terpilih.", "reserve": "Usaha Anda masuk daftar cadangan.", "not_selected": "Belum terpilih kali ini.", "eliminated": "Belum terpilih kali ini."}
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/publication"), "", map[string]any{"publish_at": "2022-03-17T03:00:00Z", "feedback": words}, &p); err != nil {
		return err
	}
	return s.second.Send(ctx, http.MethodPost, s.path("/publication/approval"), p.Etag, nil, nil)
}

// files reads the case files from the server.
func (s *lagawi) files(ctx context.Context) ([]merge.Row, error) {
	return s.w.Rows(ctx, domain.DecisionScope(s.id), "case_file")
}

// commits counts the commits of every business that applied.
func (s *lagawi) commits(ctx context.Context) (map[string]merge.Seq, error) {
	files, err := s.files(ctx)
	out := map[string]merge.Seq{}
	for _, f := range files {
		head, bad := s.w.App.Store.Head(ctx, "business/"+f.Text("business_id"))
		err = errors.Join(err, bad)
		out[f.Text("business_id")] = head.Applied
	}
	return out, err
}

// publishes lets the instant come.
func (s *lagawi) publishes(ctx context.Context) error {
	before, err := s.commits(ctx)
	if err != nil {
		return err
	}
	s.w.Clock.Set(time.Date(2022, 3, 17, 2, 59, 59, 0, time.UTC))
	if err := s.due(ctx); err != nil {
		return err
	}
	after, err := s.commits(ctx)
	if err != nil {
		return err
	}
	for business, n := range before {
		if after[business] != n {
			s.out.Leaked++
		}
	}
	s.w.Clock.Set(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	if err := s.due(ctx); err != nil {
		return err
	}
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	s.out.Categories = map[string]int{}
	for _, f := range files {
		items, err := s.w.Rows(ctx, merge.UserScope(f.Text("owner_id")), "inbox")
		if err != nil {
			return err
		}
		for _, it := range items {
			if it.Text("type") == domain.NoticeResults {
				s.out.Notices++
			}
		}
		if f.Text("state") == domain.FileSelected {
			s.out.Categories[f.Text("category")]++
			s.out.Memberships += max(1, len(f.Strings("categories")))
		}
	}
	s.tell.Say("17 March, 10:00: %d of %d hear that the results are out, all in the same words; a second before nothing had moved in any of their scopes (%d had).", s.out.Notices, len(files), s.out.Leaked)
	return nil
}

// due lets the server look at its calendar and do what follows.
func (s *lagawi) due(ctx context.Context) error {
	for range 3 {
		if err := errors.Join(s.w.App.Programme.Due(ctx), s.w.Step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// owner is the phone of the owner of an application.
func (s *lagawi) owner(ctx context.Context, f merge.Row) (*Phone, error) {
	who := &Person{Name: f.Text("owner_name"), Number: f.Text("owner_phone")}
	p, err := s.w.Enter(ctx, who, "phone of "+f.Text("owner_name"))
	if err != nil {
		return nil, err
	}
	return p, s.w.Sync(ctx, p)
}

// answers has an owner say a word about an offer, without a network at that moment.
func (s *lagawi) answers(p *Phone, f merge.Row, op string) error {
	scope := "business/" + f.Text("business_id")
	row, ok, err := p.Row(scope, "application", f.ID)
	if err != nil || !ok || row.Text("state") != domain.ApplicationOffered {
		return errors.Join(err, fmt.Errorf("%s sees the application as %q", p.Name, row.Text("state")))
	}
	_, err = p.create(scope, "application_event", fields{"application_id": f.ID, "op": op})
	return err
}

// confirms has the owners answer: 29 confirm, one declines on the 18th, and the first of
// the reserve takes the place.
func (s *lagawi) confirms(ctx context.Context) error {
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b merge.Row) int { return int(a.Int("rank") - b.Int("rank")) })
	for _, f := range files {
		if f.Text("state") != domain.FileSelected {
			continue
		}
		p, err := s.owner(ctx, f)
		if err != nil {
			return err
		}
		op := "confirm"
		if f.Int("rank") == 30 {
			s.w.Clock.Set(time.Date(2022, 3, 18, 3, 0, 0, 0, time.UTC))
			op = "decline"
		}
		if err := s.answers(p, f, op); err != nil {
			return err
		}
		if err := s.w.Sync(ctx, p); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(files, func(f merge.Row) bool { return f.Int("rank") == 31 })
	p, err := s.owner(ctx, files[at])
	if err != nil {
		return err
	}
	if err := s.answers(p, files[at], "confirm"); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, p); err != nil {
		return err
	}
	s.tell.Say("29 confirm, one declines on 18 March; the first of the reserve is offered the place and takes it.")
	return nil
}

// mentors gives five businesses to each of six mentors, and looks at two phones.
func (s *lagawi) mentors(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	var businesses []string
	for _, f := range files {
		scope := "business/" + f.Text("business_id")
		enrolled, err := s.w.Rows(ctx, scope, "enrolment")
		if err != nil || len(enrolled) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		tasks, err := s.w.Rows(ctx, scope, "task")
		if err != nil {
			return err
		}
		s.out.Enrolled, s.out.Tasks = s.out.Enrolled+1, s.out.Tasks+len(tasks)
		businesses = append(businesses, f.Text("business_id"))
	}
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	var look *Phone
	for n := range 6 {
		who := s.w.Neighbour(6 + n)
		who.role = "mentor"
		p, err := s.w.Enter(ctx, who, fmt.Sprintf("phone of mentor %d", n+1))
		if err != nil {
			return err
		}
		for _, b := range businesses[min(len(businesses), 5*n):min(len(businesses), 5*n+5)] {
			if _, err := s.w.Assign(ctx, s.admin, b, who); err != nil {
				return err
			}
		}
		if look == nil {
			look = p
		}
	}
	if err := s.w.Sync(ctx, look); err != nil {
		return err
	}
	if err := s.looks(ctx, look, businesses[0]); err != nil {
		return err
	}
	s.tell.Say("%d businesses take part with %d tasks. A mentor's phone, offline from here on, holds %d businesses and %d tasks; an owner's %d tasks and %d records of anybody else.",
		s.out.Enrolled, s.out.Tasks, s.out.MentorBusinesses, s.out.MentorTasks, s.out.OwnerTasks, s.out.Foreign)
	return nil
}

// looks counts what is on the phone of a mentor and on that of an owner.
func (s *lagawi) looks(ctx context.Context, mentor *Phone, business string) error {
	scopes, err := mentor.Scopes()
	if err != nil {
		return err
	}
	for scope := range scopes {
		if !strings.HasPrefix(scope, "business/") {
			continue
		}
		tasks, err := mentor.Rows(scope, "task")
		if err != nil {
			return err
		}
		s.out.MentorBusinesses, s.out.MentorTasks = s.out.MentorBusinesses+1, s.out.MentorTasks+len(tasks)
	}
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(files, func(f merge.Row) bool { return f.Text("business_id") == business })
	owner, err := s.owner(ctx, files[at])
	if err != nil {
		return err
	}
	tasks, err := owner.Rows("business/"+business, "task")
	s.out.OwnerTasks = len(tasks)
	own, bad := owner.Scopes()
	for scope := range own {
		if strings.HasPrefix(scope, "business/") && scope != "business/"+business {
			s.out.Foreign++
		}
	}
	return errors.Join(err, bad)
}

// decodeInto reads an answer of the API.
func decodeInto(body []byte, out any) error {
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	return nil
}
