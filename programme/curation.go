package programme

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// NewCurator lets a person curate a programme.
type NewCurator struct {
	Phone       string // in any spelling; one who never logged in becomes active then
	Institution string
}

// AddCurator opens the panel of a person in a programme: the scope in which they get
// files, and nothing else. Only admins do. The same person again changes nothing.
//
// Errors: Forbidden, NotFound; Invalid with the field.
func (s *Service) AddCurator(ctx context.Context, who Caller, programme string, n NewCurator) (merge.Row, error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return merge.Row{}, err
	}
	set := map[string]merge.Value{"institution": merge.Str(strings.TrimSpace(n.Institution)), "from_at": s.now().Value()}
	if err := s.check("panel_member", set); err != nil {
		return merge.Row{}, err
	}
	user, err := s.People.InviteByPhone(ctx, n.Phone)
	if err != nil {
		return merge.Row{}, err
	}
	scope, k := domain.DecisionScope(programme), merge.Key{Collection: "panel_member", ID: id.Derive("panel_member", programme, user)}
	rows, err := s.rows(ctx, scope, k)
	if err != nil || len(rows) > 0 {
		return first(rows), err
	}
	set["user_id"] = merge.Str(user)
	_, err = s.Engine.Write(ctx, scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: true, Set: set})
	if err != nil && fault.CodeOf(err) != "id_reuse" {
		return merge.Row{}, err
	}
	rows, err = s.rows(ctx, scope, k)
	return first(rows), err
}

// Curators lists who curates a programme now, ordered by id.
//
// Errors: Forbidden, NotFound.
func (s *Service) Curators(ctx context.Context, who Caller, programme string) ([]merge.Row, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, err
	}
	b, err := s.board(ctx, programme)
	return b.panel, err
}

func first(rows []merge.Row) merge.Row {
	if len(rows) == 0 {
		return merge.Row{}
	}
	return rows[0]
}

// board is what is decided about a programme, read whole.
type board struct {
	domain.Programme
	generation uint32
	scope      string
	files      []merge.Row // by number
	panel      []merge.Row // open windows only
	shares     []merge.Row
	scores     []merge.Row
	states     map[string]merge.Row // of the owners' side, by application
	stages     map[int]merge.Row    // decisions, by stage
	told       merge.Row            // publication
}

// board reads everything of a programme's decisions. It is some megabytes for ten thousand
// applications: for what admins do a few times in a programme.
func (s *Service) board(ctx context.Context, programme string) (b board, err error) {
	e, err := s.setup(ctx, programme)
	if err != nil {
		return b, err
	}
	b = board{Programme: domain.ProgrammeOf(e.Row), generation: e.Version.Generation, scope: domain.DecisionScope(programme), states: map[string]merge.Row{}, stages: map[int]merge.Row{}}
	now := s.now()
	err = s.everyRecord(ctx, b.scope, func(r merge.Row) {
		switch r.Collection {
		case "case_file":
			b.files = append(b.files, r)
		case "panel_member":
			if to := instant(r, "to_at"); to.IsZero() || to.After(now.Time()) {
				b.panel = append(b.panel, r)
			}
		case "file_share":
			b.shares = append(b.shares, r)
		case "score":
			b.scores = append(b.scores, r)
		case "application_state":
			b.states[r.ID] = r
		case "decision":
			b.stages[int(r.Int("stage"))] = r
		case "publication":
			b.told = r
		}
	})
	slices.SortFunc(b.files, func(x, y merge.Row) int { return strings.Compare(x.Text("number"), y.Text("number")) })
	slices.SortFunc(b.panel, func(x, y merge.Row) int { return strings.Compare(x.ID, y.ID) })
	return b, err
}

// everyRecord calls look with every live record of a scope.
func (s *Service) everyRecord(ctx context.Context, scope string, look func(merge.Row)) error {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil {
		return fmt.Errorf("head of %s: %w", scope, err)
	}
	for at, more := (store.Position{}), true; more; {
		page, err := s.Engine.Store.Changed(ctx, head.Scope, at, head.Applied, head.Applied, 1<<19)
		if err != nil {
			return fmt.Errorf("read %s: %w", scope, err)
		}
		if err := torn(page.Torn); err != nil {
			return err
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Deleted {
				continue
			}
			row, err := rowOf(r)
			if err != nil {
				return err
			}
			look(row)
		}
		more = page.More
	}
	return nil
}

// stage finds a stage of the programme.
//
// Errors: Invalid "invalid_value" (stage).
func (b board) stage(no int) (domain.Stage, error) {
	if no < 1 || no > len(b.Stages) {
		return domain.Stage{}, invalid("stage", "the programme has no such stage")
	}
	return b.Stages[no-1], nil
}

// in lists the files that are in a stage, those left out whose owner withdrew.
func (b board) in(no int) []merge.Row {
	return slices.DeleteFunc(slices.Clone(b.files), func(f merge.Row) bool {
		return f.Text("state") != domain.FileStage || int(f.Int("stage")) != no || b.withdrawn(f)
	})
}

func (b board) withdrawn(f merge.Row) bool {
	state := b.states[f.ID].Text("state")
	return state == domain.ApplicationWithdrawn || state == domain.ApplicationDisqualified
}

// scoresOf lists the sheets on a file in a stage that count.
func (b board) scoresOf(file string, no int) (out []merge.Row) {
	for _, r := range b.scores {
		if r.Text("application_id") == file && int(r.Int("stage")) == no && r.Text("state") == domain.SheetSubmitted && string(r.Fields["conflict"]) != "true" &&
			string(r.Fields["late"]) != "true" {
			out = append(out, r)
		}
	}
	return out
}

// conflicted lists who said of a file that they must not be counted.
func (b board) conflicted(file string, no int) (out []string) {
	for _, r := range b.scores {
		if r.Text("application_id") == file && int(r.Int("stage")) == no && string(r.Fields["conflict"]) == "true" {
			out = append(out, r.Text("curator_id"))
		}
	}
	return out
}

// Share gives the files of a stage to curators, as many as the stage wants for each, of
// different institutions, evenly; where somebody declared a conflict of interest, to one
// more. It gives how many shares it made. Done again it changes nothing, until there is a
// new file or conflict.
//
// Errors: Forbidden, NotFound; Invalid; Conflict "stage_not_begun", "too_few_curators" if
// a file cannot get as many as it should.
func (s *Service) Share(ctx context.Context, who Caller, programme string, no int, due *time.Time) (int, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return 0, err
	}
	b, err := s.board(ctx, programme)
	if err != nil {
		return 0, err
	}
	stage, err := b.stage(no)
	switch {
	case err != nil:
		return 0, err
	case stage.Curators == 0:
		return 0, invalid("stage", "nobody looks at the files of this stage")
	case len(b.in(no)) == 0:
		return 0, conflict("stage_not_begun", "no file is in the stage")
	}
	shares, short := b.shareOut(stage)
	if short {
		return 0, conflict("too_few_curators", "a file cannot be given to as many as it should")
	}
	var writes []merge.ServerWrite
	for _, sh := range shares {
		set := map[string]merge.Value{"application_id": merge.Str(sh.file), "stage": merge.Num(no), "curator_id": merge.Str(sh.curator), "due_at": null()}
		if due != nil {
			set["due_at"] = merge.Millis(due.UnixMilli()).Value()
		}
		writes = append(writes, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "file_share",
			ID: id.Derive("file_share", sh.file, fmt.Sprint(no), sh.curator), Op: merge.Put, Create: true, Set: set})
	}
	for some := range slices.Chunk(writes, mostFiled) {
		if _, err := s.Engine.Write(ctx, b.scope, some...); err != nil && fault.CodeOf(err) != "id_reuse" {
			return 0, err
		}
	}
	return len(shares), nil
}

type share struct{ file, curator string }

// shareOut says who is to get what. short is true if there are too few curators.
func (b board) shareOut(stage domain.Stage) (out []share, short bool) {
	has, load := map[string][]string{}, map[string]int{}
	for _, r := range b.shares {
		if int(r.Int("stage")) == stage.No {
			has[r.Text("application_id")] = append(has[r.Text("application_id")], r.Text("curator_id"))
			load[r.Text("curator_id")]++
		}
	}
	never := map[string]map[string]bool{}
	var files []string
	for _, f := range b.in(stage.No) {
		out := b.conflicted(f.ID, stage.No)
		for _, c := range out {
			if never[c] == nil {
				never[c] = map[string]bool{}
			}
			never[c][f.ID] = true
		}
		has[f.ID] = slices.DeleteFunc(has[f.ID], func(c string) bool { return slices.Contains(out, c) })
		files = append(files, f.ID)
	}
	var curators []domain.Curating
	for _, m := range b.panel {
		u := m.Text("user_id")
		curators = append(curators, domain.Curating{User: u, Institution: m.Text("institution"), Files: load[u], Never: never[u]})
	}
	given := domain.ShareFiles(files, stage.Curators, curators, has)
	for _, f := range files {
		for _, c := range given[f] {
			out = append(out, share{f, c})
		}
		short = short || len(has[f])+len(given[f]) < stage.Curators
	}
	return out, short
}

// followSheet carries a curator's sheet to where the programme is decided, as it is now.
func (s *Service) followSheet(ctx context.Context, eff merge.Effect) error {
	rows, err := s.rows(ctx, eff.Scope, merge.Key{Collection: "sheet", ID: eff.ID})
	if err != nil || len(rows) == 0 {
		return err
	}
	sheet := rows[0]
	parts := strings.Split(eff.Scope, "/") // panel/<programme>/<curator>
	if len(parts) != 3 {
		return nil
	}
	programme, curator, no := parts[1], parts[2], int(sheet.Int("stage"))
	scope, k := domain.DecisionScope(programme), merge.Key{Collection: "score", ID: sheet.ID}
	share := merge.Key{Collection: "file_share", ID: id.Derive("file_share", sheet.Text("application_id"), fmt.Sprint(no), curator)}
	setup := merge.Key{Collection: "programme_setup", ID: programme}
	for {
		there, err := s.rows(ctx, scope, k, share, setup, decisionKey(programme, no))
		if err != nil {
			return err
		}
		found := map[merge.Key]merge.Row{}
		for _, r := range there {
			found[r.Key] = r
		}
		old := found[k]
		if found[share].Version == 0 || found[setup].Version == 0 || old.Int("seen") >= int64(sheet.Version) {
			return nil // a sheet on a file that nobody gave them, or said already
		}
		set := scoreOf(domain.ProgrammeOf(found[setup]), sheet, curator, no)
		if found[decisionKey(programme, no)].Text("state") == "decided" && sheet.Text("state") == domain.SheetSubmitted && old.Text("state") != domain.SheetSubmitted {
			set["late"] = merge.Flag(true)
		}
		w := merge.ServerWrite{Name: "score." + sheet.ID + "." + fmt.Sprint(sheet.Version), Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Create: old.Version == 0, Strict: &old.Version, Set: set}
		if _, err = s.Engine.Write(ctx, scope, w); err == nil || !fasterOther(err) {
			return err
		}
	}
}

// decisionKey is the record that says that a stage was decided.
func decisionKey(programme string, no int) merge.Key {
	return merge.Key{Collection: "decision", ID: id.Derive("decision", programme, fmt.Sprint(no))}
}

// scoreOf is what a sheet comes to.
func scoreOf(p domain.Programme, sheet merge.Row, curator string, no int) map[string]merge.Value {
	set := map[string]merge.Value{"application_id": sheet.Fields["application_id"], "stage": merge.Num(no), "curator_id": merge.Str(curator), "state": orNull(sheet.Fields["state"]),
		"total_bp": null(), "conflict": orNull(sheet.Fields["conflict"]), "recommendation": orNull(sheet.Fields["recommendation"]), "note": orNull(sheet.Fields["note"]),
		"submitted_at": orNull(sheet.Fields["submitted_at"]), "opened": orNull(sheet.Fields["opened"]), "seen": merge.Num(sheet.Version)}
	if no >= 1 && no <= len(p.Stages) {
		if total, ok := p.Stages[no-1].SheetTotal(domain.Points(sheet)); ok {
			set["total_bp"] = merge.Num(total)
		}
	}
	return set
}

// Reopen gives a submitted sheet back to its curator. What comes of it counts as a new
// version; behind a decision it is late.
//
// Errors: Forbidden, NotFound; Invalid; Conflict "forbidden_transition" if it is not in.
func (s *Service) Reopen(ctx context.Context, who Caller, programme, sheet, curator, why string) error {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return err
	}
	if !id.Valid(sheet) || !id.Valid(curator) {
		return notFound()
	}
	if strings.TrimSpace(why) == "" {
		return &fault.Error{Kind: fault.Invalid, Code: "required", Field: "note", Text: "say why"}
	}
	scope := domain.PanelScope(programme, curator)
	rows, err := s.rows(ctx, scope, merge.Key{Collection: "sheet", ID: sheet})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return err
	}
	set := map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("reopen"), "note": optional(why)}
	if err := s.check("sheet_event", set); err != nil {
		return err
	}
	_, err = s.Engine.Write(ctx, scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "sheet_event", ID: id.Derive("sheet_event", sheet, who.Name),
		Op: merge.Put, Create: true, Set: set})
	return err
}
