package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// onTwoPhones has a curator fill in one sheet on two phones, of which the first is without
// a network. What was written later counts, although the earlier comes last; and what
// comes once the sheet is in does not count at all, and goes back to its author.
func (s *lagawi) onTwoPhones(ctx context.Context, first *Phone, d merge.Row) error {
	tablet, err := s.w.Enter(ctx, first.Who, "tablet of "+fixture.Curators()[twoPhones].Name)
	if err != nil {
		return err
	}
	if err := s.w.Sync(ctx, first, tablet); err != nil {
		return err
	}
	first.Sky.Draw = noNetwork
	items, err := s.points(d)
	if err != nil {
		return err
	}
	sheet, panel, code := s.sheet(first, d), s.panel(first), fixture.Rubric()[0].Code
	worse := map[string]fields{}
	for item := range items {
		worse[item] = fields{"points": 1}
	}
	about := fields{"application_id": d.Text("application_id"), "stage": 3}
	for _, w := range []struct {
		p     *Phone
		items map[string]fields
	}{{first, worse}, {tablet, items}} {
		about["items"] = w.items
		if err := w.p.change(panel, "sheet", sheet, about); err != nil {
			return err
		}
	}
	if err := s.w.Sync(ctx, tablet); err != nil {
		return err
	}
	first.Sky.Draw = nil
	if err := s.w.Sync(ctx, first, tablet); err != nil {
		return err
	}
	if err := s.wants(tablet, sheet, code, items[code]["points"]); err != nil {
		return err
	}
	if err := first.change(panel, "sheet", sheet, fields{"items": map[string]fields{code: {"points": 2}}}); err != nil {
		return err
	}
	if err := s.submits(tablet, sheet); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, tablet, first, tablet); err != nil {
		return err
	}
	refused, err := first.Refused()
	if err != nil || !slices.ContainsFunc(refused, func(r replica.Refused) bool { return r.ID == sheet && r.Code == "locked" }) {
		return errors.Join(err, fmt.Errorf("what came once the sheet was in: %+v", refused))
	}
	s.tell.Say("A sheet on a phone and a tablet: the later marks count, in whatever order they come; what comes once it is in goes back to its author.")
	return s.wants(tablet, sheet, code, items[code]["points"])
}

// wants wants a sheet on a phone to give points for an item.
func (s *lagawi) wants(p *Phone, sheet, item string, points any) error {
	row, _, err := p.Row(s.panel(p), "sheet", sheet)
	if got := fmt.Sprint(domain.Points(row)[item]); err != nil || got != fmt.Sprint(points) {
		return errors.Join(err, fmt.Errorf("the sheet on %s gives %s for %s, want %v", p.Name, got, item, points))
	}
	return nil
}

// reopens gives a sheet back to its curator, who writes why into it and submits it again.
func (s *lagawi) reopens(ctx context.Context) error {
	p := s.curators[twoPhones]
	sheets, err := p.Rows(s.panel(p), "sheet")
	if err != nil || len(sheets) == 0 {
		return errors.Join(err, fmt.Errorf("%d sheets on %s", len(sheets), p.Name))
	}
	sheet := sheets[0].ID
	reopen := map[string]any{"curator_id": p.Me().User, "note": "catatan kurang"}
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/sheets/"+sheet+"/reopening"), "", reopen, nil); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, p); err != nil {
		return err
	}
	var v stage
	if err := s.admin.Send(ctx, http.MethodGet, s.path("/stages/3"), "", nil, &v); err != nil || len(v.Missing) != 1 {
		return errors.Join(err, fmt.Errorf("a sheet is open again, and %d files lack one", len(v.Missing)))
	}
	if err := p.change(s.panel(p), "sheet", sheet, fields{"note": "kemasan perlu label gizi"}); err != nil {
		return err
	}
	if err := errors.Join(s.submits(p, sheet), s.w.Sync(ctx, p)); err != nil {
		return err
	}
	row, _, err := p.Row(s.panel(p), "sheet", sheet)
	if err != nil || row.Text("note") != "kemasan perlu label gizi" || row.Int("opened") != 1 {
		return errors.Join(err, fmt.Errorf("the sheet that was opened: %s", row.EncodeFields()))
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
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/publication"), "", map[string]any{"publish_at": publication(), "feedback": words}, &p); err != nil {
		return err
	}
	return s.second.Send(ctx, http.MethodPost, s.path("/publication/approval"), p.Etag, nil, nil)
}

// publication is when the results are told.
func publication() time.Time { return time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC) }
