package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

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
		s.out.Passed[no], s.out.Eliminated[no] = v.Counts["passed"], v.Counts["failed"]
	}
	s.tell.Say("Stage 1, checklist: %d pass, %d do not. Stage 2, level of the survey: %d pass, %d do not.", s.out.Passed[0], s.out.Eliminated[0], s.out.Passed[1], s.out.Eliminated[1])
	for n, k := range fixture.Curators() {
		who := s.w.Neighbour(firstCurator + n)
		if err := s.admin.Send(ctx, http.MethodPost, s.path("/curators"), "", map[string]any{"phone": who.Number, "institution": k.Institution}, nil); err != nil {
			return err
		}
		p, err := s.w.Enter(ctx, who, "phone of "+k.Name)
		if err != nil {
			return err
		}
		s.curators = append(s.curators, p)
	}
	return s.shares(ctx, 2*fixture.PassStage2)
}

// shares gives the files of stage 3 to curators, and wants so many to be given.
func (s *lagawi) shares(ctx context.Context, want int) error {
	var given struct {
		Files int `json:"files"`
	}
	if err := s.admin.Send(ctx, http.MethodPost, s.path("/stages/3/shares"), "", map[string]any{}, &given); err != nil {
		return err
	}
	if given.Files != want {
		return fmt.Errorf("%d files were given to curators, want %d", given.Files, want)
	}
	return nil
}

func (s *lagawi) panel(p *Phone) string { return domain.PanelScope(s.id, p.Me().User) }

// Which curators do what, by their place in fixture.Curators.
const (
	offlineSheets = 61 // filled in in flight mode
	inFlight      = 2  // the first of them are, the whole day
	partial       = 3  // has an interest of their own in a file
	twoPhones     = 5  // has a tablet too
)

// scores lets the curators fill in their sheets: two of them in flight mode, until the
// evening of the second day. One declares a conflict of interest, and somebody else is
// asked; one scores a file on two phones.
func (s *lagawi) scores(ctx context.Context) error {
	if err := s.w.Sync(ctx, s.curators...); err != nil {
		return err
	}
	var left []func() error // for the evening
	for n, p := range s.curators {
		if n < inFlight {
			p.Sky.Draw = noNetwork
		}
		files, err := p.Rows(s.panel(p), "dossier")
		if err != nil {
			return err
		}
		for i, d := range files {
			if n < inFlight && s.out.Offline == offlineSheets {
				left = append(left, func() error { return s.score(p, d) })
				continue
			}
			if err := s.fills(ctx, n, i, d, i == len(files)-1); err != nil {
				return err
			}
		}
		if err := s.oversees(ctx); err != nil {
			return err
		}
	}
	s.w.Clock.Set(time.Date(2022, 3, 14, 9, 0, 0, 0, time.UTC)) // in the afternoon of the second day
	if err := s.lands(ctx); err != nil {
		return err
	}
	for _, do := range left {
		if err := do(); err != nil {
			return err
		}
	}
	if err := s.w.Sync(ctx, s.w.shuffled(s.curators)...); err != nil {
		return err
	}
	if err := s.asksAThird(ctx); err != nil {
		return err
	}
	return errors.Join(s.oversees(ctx), s.sheets(ctx))
}

// fills fills in the i-th sheet of a curator, and syncs now and then where there is a
// network.
func (s *lagawi) fills(ctx context.Context, curator, i int, d merge.Row, last bool) error {
	p := s.curators[curator]
	switch {
	case curator == partial && i == 0:
		if err := s.declares(p, d); err != nil {
			return err
		}
	case curator == twoPhones && last:
		if err := s.onTwoPhones(ctx, p, d); err != nil {
			return err
		}
	default:
		if err := s.score(p, d); err != nil {
			return err
		}
	}
	if curator < inFlight {
		s.out.Offline++
		return nil
	}
	if last || i%8 == 7 {
		return s.w.Sync(ctx, p)
	}
	return nil
}

// sheet is the id of a curator's sheet on a dossier.
func (s *lagawi) sheet(p *Phone, d merge.Row) string {
	return domain.SheetID(d.Text("application_id"), 3, p.Me().User)
}

// points are what the next sheet on a dossier gives, by item.
func (s *lagawi) points(d merge.Row) (map[string]fields, error) {
	file := d.Text("application_id")
	r, known := s.rows[file]
	if !known || s.given[file] > 1 || d.Text("business_name") != "" || d.Text("number") != "" {
		return nil, fmt.Errorf("file %s has %d sheets; a blind file names %q, %q", file, s.given[file], d.Text("business_name"), d.Text("number"))
	}
	out := map[string]fields{}
	for code, n := range r.Sheets[s.given[file]].Scores {
		out[code] = fields{"points": n}
	}
	s.given[file]++
	return out, nil
}

// score fills in a sheet and submits it.
func (s *lagawi) score(p *Phone, d merge.Row) error {
	items, err := s.points(d)
	if err != nil {
		return err
	}
	if err := p.change(s.panel(p), "sheet", s.sheet(p, d), fields{"application_id": d.Text("application_id"), "stage": 3, "items": items}); err != nil {
		return err
	}
	return s.submits(p, s.sheet(p, d))
}

func (s *lagawi) submits(p *Phone, sheet string) error {
	_, err := p.create(s.panel(p), "sheet_event", fields{"sheet_id": sheet, "op": "submit"})
	return err
}

// declares says of a file that its curator has an interest in it. The best marks beside
// that count for nothing.
func (s *lagawi) declares(p *Phone, d merge.Row) error {
	items := map[string]fields{}
	for _, it := range fixture.Rubric() {
		items[it.Code] = fields{"points": 100}
	}
	set := fields{"application_id": d.Text("application_id"), "stage": 3, "conflict": true, "note": "milik kerabat", "items": items}
	if err := p.change(s.panel(p), "sheet", s.sheet(p, d), set); err != nil {
		return err
	}
	return s.submits(p, s.sheet(p, d))
}

// lands gives the curators in flight their network back. Until then the server has heard
// nothing of them, and their phones could not sync.
func (s *lagawi) lands(ctx context.Context) error {
	scores, err := s.w.Rows(ctx, domain.DecisionScope(s.id), "score")
	if err != nil {
		return err
	}
	for _, p := range s.curators[:inFlight] {
		if slices.ContainsFunc(scores, func(r merge.Row) bool { return r.Text("curator_id") == p.Me().User }) || p.Sync(ctx) == nil {
			return fmt.Errorf("%s is in flight, and is heard", p.Name)
		}
		p.Sky.Draw = nil
	}
	s.w.Clock.Set(time.Date(2022, 3, 14, 10, 0, 0, 0, time.UTC)) // in the evening
	return nil
}

// asksAThird has somebody else look at the file of the conflict of interest, who was asked
// for it at once. Before that it lacks a sheet, and nothing can be decided.
func (s *lagawi) asksAThird(ctx context.Context) error {
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	var v stage
	if err := s.admin.Send(ctx, http.MethodGet, s.path("/stages/3"), "", nil, &v); err != nil {
		return err
	}
	if len(v.Missing) != 1 {
		return fmt.Errorf("%d files lack a sheet, want that of the conflict of interest", len(v.Missing))
	}
	err := s.admin.Send(ctx, http.MethodPost, s.path("/stages/3/decision"), "", map[string]any{"basis": v.Basis}, nil)
	if err := refusedAs(err, "stage_not_ready"); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, s.w.shuffled(s.curators)...); err != nil {
		return err
	}
	asked := 0
	for n, p := range s.curators {
		files, err := p.Rows(s.panel(p), "dossier")
		if err != nil {
			return err
		}
		for _, d := range files {
			if _, there, err := p.Row(s.panel(p), "sheet", s.sheet(p, d)); err != nil || there {
				if err != nil {
					return err
				}
				continue
			}
			if asked++; n == partial || d.Text("application_id") != v.Missing[0] {
				return fmt.Errorf("%s is asked for file %s", p.Name, d.Text("number"))
			}
			if err := s.score(p, d); err != nil {
				return err
			}
			if err := s.w.Sync(ctx, p); err != nil {
				return err
			}
		}
	}
	if asked != 1 {
		return fmt.Errorf("%d were asked for the file of the conflict of interest", asked)
	}
	return s.shares(ctx, 0)
}

// oversees counts what is within reach of a curator and not their own: on the phone, and
// at the addresses where others' marks are told.
func (s *lagawi) oversees(ctx context.Context) error {
	for _, p := range s.curators {
		scopes, err := p.Scopes()
		if err != nil {
			return err
		}
		for scope := range scopes {
			if strings.HasPrefix(scope, domain.ScopePanel+"/") && scope != s.panel(p) || strings.HasPrefix(scope, domain.ScopeDecision+"/") {
				s.out.Overseen++
			}
			sheets, err := p.Rows(scope, "sheet")
			if err != nil {
				return err
			}
			for _, r := range sheets {
				if r.ID != domain.SheetID(r.Text("application_id"), 3, p.Me().User) {
					s.out.Overseen++
				}
			}
		}
		if p.Sky.Draw != nil {
			continue
		}
		for _, path := range []string{"/stages/3", "/files", "/curators", "/publication"} {
			if err := refusedAs(p.Send(ctx, http.MethodGet, s.path(path), "", nil, nil), "forbidden", "not_found"); err != nil {
				s.out.Overseen++
			}
		}
	}
	return nil
}

// sheets counts what the server makes of them.
func (s *lagawi) sheets(ctx context.Context) error {
	scores, err := s.w.Rows(ctx, domain.DecisionScope(s.id), "score")
	if err != nil {
		return err
	}
	each := map[string]int{}
	for _, r := range scores {
		at, err := merge.ParseInstant(r.Text("submitted_at"))
		if err != nil {
			return fmt.Errorf("sheet %s: %w", r.ID, err)
		}
		day := at.Time().In(wib()).Format("2 January")
		switch {
		case string(r.Fields["conflict"]) == "true":
			s.out.Excluded++
		case r.Text("state") == domain.SheetSubmitted && string(r.Fields["late"]) != "true" && (day == "13 March" || day == "14 March"):
			s.out.Sheets++
			each[r.Text("application_id")]++
		}
	}
	for file, n := range each {
		if n != 2 {
			return fmt.Errorf("file %s has %d sheets that count", file, n)
		}
	}
	s.tell.Say("%d sheets by %d curators of %d institutions, %d of them without a network; one sheet by somebody with an interest does not count, and a third was asked.", s.out.Sheets, len(s.curators), institutions(),
		s.out.Offline)
	return nil
}

func institutions() int {
	var all []string
	for _, c := range fixture.Curators() {
		all = append(all, c.Institution)
	}
	slices.Sort(all)
	return len(slices.Compact(all))
}
