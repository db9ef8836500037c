package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

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

// report is what an import tells.
type report struct {
	Read      int       `json:"read"`
	Accepted  int       `json:"accepted"`
	Unchanged int       `json:"unchanged"`
	Refused   int       `json:"refused"`
	Errors    []problem `json:"errors"`
	Job       struct {
		ID string `json:"id"`
	} `json:"job"`
}

// problem is a mistake in a row.
type problem struct {
	Line    int    `json:"line"`
	Column  string `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// file is the list as it is sent.
func (s *lagawi) file() ([]byte, error) {
	var file bytes.Buffer
	err := s.list.WriteCSV(&file)
	return file.Bytes(), err
}

// checks has the list read on the day after the window, as a dry run: what would be
// brought in, and what is wrong where. Nothing of it stays.
func (s *lagawi) checks(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
	if err := s.admin.Login(ctx); err != nil { // a fresh second factor
		return err
	}
	dry, n, err := s.sends(ctx, "/imports/check")
	if err != nil {
		return err
	}
	s.out.Stored = n + s.invited(ctx)
	rows := [][]string{{"line", "column", "code", "what is said"}}
	for _, e := range dry.Errors {
		rows = append(rows, []string{fmt.Sprint(e.Line), e.Column, e.Code, e.Message})
		if err := s.explains(e); err != nil {
			return err
		}
	}
	s.tell.Table(rows...)
	if s.out.Read, s.out.Accepted, s.out.Refused = dry.Read, dry.Accepted, dry.Refused; len(dry.Errors) != dry.Refused {
		return fmt.Errorf("%d rows are refused, and %d mistakes are told", dry.Refused, len(dry.Errors))
	}
	return s.spells(ctx)
}

// invited counts the people of the list whom the server knows.
func (s *lagawi) invited(ctx context.Context) (n int) {
	for _, r := range s.list.Rows {
		if r.Refusal != "" {
			continue
		}
		if _, err := s.w.App.Auth.Store.UserByPhone(ctx, string(r.Registrant.Phone)); err == nil {
			n++
		}
	}
	return n
}

// explains wants a mistake to be the one of its line, in a column, in plain Indonesian.
func (s *lagawi) explains(e problem) error {
	at := slices.IndexFunc(s.list.Rows, func(r fixture.Row) bool { return r.Registrant.Line == e.Line })
	if at < 0 || s.list.Rows[at].Refusal != e.Code || e.Column == "" {
		return fmt.Errorf("line %d, column %q is refused as %s", e.Line, e.Column, e.Code)
	}
	params := map[string]any{"line": s.list.Rows[at].First}
	if id, en := message.Text(e.Code, message.ID, params).String(), message.Text(e.Code, message.EN, params).String(); e.Message == "" || e.Message == en || e.Message != id && !strings.Contains(id, "…") {
		return fmt.Errorf("line %d is told %q, want %q", e.Line, e.Message, id)
	}
	return nil
}

// spells reads a list in which one person registered three times, with a number that was
// spelled in three ways: it is one number, and one application.
func (s *lagawi) spells(ctx context.Context) error {
	list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
	for n, number := range []string{"08117345678", "62 811-7345678", "+62811 7345678"} {
		list += fmt.Sprintf("EJ-%d;2022-03-01 08:0%d;Ejaan Jaya;Bu Ejaan;%s;18.71;pangan\n", n, n, number)
	}
	var got report
	if err := s.table(ctx, s.path("/imports/check"), []byte(list), &got); err != nil {
		return err
	}
	s.out.Spellings = got.Accepted
	for _, e := range got.Errors {
		if e.Code != "duplicate_of_line" || e.Line < 3 {
			return fmt.Errorf("line %d of three spellings is %s", e.Line, e.Code)
		}
	}
	if got.Read != 3 || got.Refused != 2 {
		return fmt.Errorf("of %d spellings %d are refused", got.Read, got.Refused)
	}
	return nil
}

// imports brings the list in.
func (s *lagawi) imports(ctx context.Context) error {
	file, err := s.file()
	if err != nil {
		return err
	}
	var done report
	if err := errors.Join(s.table(ctx, s.path("/imports"), file, &done), s.w.Step(ctx)); err != nil {
		return err
	}
	var job struct{ Done, Failed, Total int64 }
	if err := s.admin.Send(ctx, http.MethodGet, "/v1/jobs/"+done.Job.ID, "", nil, &job); err != nil {
		return err
	}
	if job.Done != job.Total || job.Failed > 0 || done.Accepted != s.out.Accepted || done.Refused != s.out.Refused {
		return fmt.Errorf("the import came out as %+v, %d rows; the dry run had said %d", job, done.Accepted, s.out.Accepted)
	}
	n := 0
	for _, r := range s.list.Rows {
		if r.Refusal == "" {
			n++
			s.numbers[domain.ReceiptNumber("LGW22", n)] = r
		}
	}
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	for _, f := range files { // numbered by the hour of registration; seven spellings of numbers, each read as one
		if r := s.numbers[f.Text("number")]; r.Registrant.Ref != f.Text("external_ref") || string(r.Registrant.Phone) != f.Text("owner_phone") {
			return fmt.Errorf("file %s is %s with %s", f.Text("number"), f.Text("external_ref"), f.Text("owner_phone"))
		}
		s.rows[f.ID] = s.number(f)
	}
	if len(files) != done.Accepted || len(s.numbers) != len(files) {
		return fmt.Errorf("%d files of %d rows", len(files), done.Accepted)
	}
	s.tell.Say("%d rows, %d applications, %d refused; receipt numbers LGW22-00001 to LGW22-%05d.", s.out.Read, s.out.Accepted, s.out.Refused, s.out.Accepted)
	return nil
}

// sends sends the list to an address, and gives what is told and how many scopes moved by
// that.
func (s *lagawi) sends(ctx context.Context, to string) (told report, n int, err error) {
	file, err := s.file()
	if err != nil {
		return told, 0, err
	}
	before, err := s.heads(ctx)
	if err != nil {
		return told, 0, err
	}
	if err := errors.Join(s.table(ctx, s.path(to), file, &told), s.w.Step(ctx)); err != nil {
		return told, 0, err
	}
	after, err := s.heads(ctx)
	return told, moved(before, after), err
}

// again sends the same list once more, which changes nothing.
func (s *lagawi) again(ctx context.Context) error {
	done, n, err := s.sends(ctx, "/imports")
	if err != nil {
		return err
	}
	if n > 0 || done.Job.ID != "" {
		return fmt.Errorf("the same list again moved %d scopes, by job %q", n, done.Job.ID)
	}
	s.out.New, s.out.Unchanged = done.Accepted, done.Unchanged
	s.tell.Say("The same list again: %d new, %d unchanged.", s.out.New, s.out.Unchanged)
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
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	return nil
}

// refusedAs wants an error of a code.
func refusedAs(err error, codes ...string) error {
	switch {
	case err == nil:
		return fmt.Errorf("it was done, and should be refused as %v", codes)
	case !slices.Contains(codes, fault.CodeOf(err)):
		return fmt.Errorf("want one of %v: %w", codes, err)
	}
	return nil
}

// number is the row of the list that a file came from.
func (s *lagawi) number(f merge.Row) fixture.Row { return s.numbers[f.Text("number")] }
