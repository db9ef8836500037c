package programme

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// board is what is decided about a programme, read whole: of each record what somebody asks
// for, which is some hundred bytes of a file.
type board struct {
	domain.Programme
	scope string
	asked domain.Stage // whose shares and sheets are read, and outcomes of files; no 0: of none

	files   []file            // by number
	panel   []merge.Row       // open windows only; by id
	left    []merge.Row       // windows that have ended
	shares  []newShare        // of the stage that is asked for, and not taken back
	sheets  map[string]sheets // on files in that stage, by file
	states  map[string]string // of the owners' side, by application
	seats   map[string]string // what they have of a place: domain.PlaceHeld, PlaceLeft, PlaceGone
	rulings map[int]merge.Row // decisions, by stage
	told    merge.Row         // publication
	at      merge.Seq         // version of the scope that was read
	setup   merge.Seq         // version of the setup in it
	now     time.Time
	own     map[string][]string // by file, if asked for: curators who are of its enterprise
	away    map[string]bool     // if asked for: curators whose account is suspended
	fields  map[string]*picked  // that are read of a collection
}

// file is what is needed of a case file.
type file struct {
	id, number, state string
	owner, business   string
	feedback          string
	meant             string // result that the words are for; "" if any
	region, category  string
	version           merge.Seq
	stage             int
	rank              int64
	ranked            bool         // came through to the last stage, and met its rule
	until             time.Time    // of one that is returned
	outcome           StageOutcome // of a stage that is asked for, and decided by answers
}

type share struct{ file, curator string }

// newShare is a share, with those who had the file before and in whose place it was given.
type newShare struct {
	share
	instead []string
}

func boardOf(e Edition, no int) *board {
	b := &board{Programme: domain.ProgrammeOf(e.Row), scope: domain.DecisionScope(e.ID)}
	if no >= 1 && no <= len(b.Stages) {
		b.asked = b.Stages[no-1]
	}
	b.fields = map[string]*picked{
		"case_file":         picks("number", "state", "stage", "rank", "owner_id", "business_id", "feedback", "feedback_for", "region_code", "category", "complete_by"),
		"file_share":        picks("application_id", "stage", "curator_id", "ended_at", "instead_of"),
		"score":             picks("application_id", "stage", "curator_id", "state", "conflict", "asked", "late", "total_bp", "level"),
		"application_state": picks("state", "place"),
	}
	if b.byAnswers() {
		files := b.fields["case_file"]
		files.names = append(files.names, domain.StageFields()...)
	}
	b.clear()
	return b
}

// byAnswers reports whether the stage that is asked for is decided by what files hold.
func (b *board) byAnswers() bool { return b.asked.No > 0 && b.asked.Kind != domain.StageRubric }

// atBoard reads what is decided of a programme, with a view to a stage (0: to none), and
// lets look see it. Few are held at a time: look works out what it needs, and keeps that.
//
// Errors: NotFound; Transient "busy" if commits keep coming in between; those of look.
func (s *Service) atBoard(ctx context.Context, programme string, no int, look func(*board) error) error {
	e, err := s.setup(ctx, programme)
	if err != nil {
		return err
	}
	return s.atBoardOf(ctx, e, no, look)
}

// atBoardOf is atBoard for who has read the setup.
func (s *Service) atBoardOf(ctx context.Context, e Edition, no int, look func(*board) error) error {
	leave, err := s.wholes.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for range tornRetries {
		b, now := boardOf(e, no), s.now()
		b.now = now.Time()
		head, err := s.Engine.Store.Head(ctx, b.scope)
		if err != nil {
			return fmt.Errorf("head of %s: %w", b.scope, err)
		}
		if b.at, err = s.walked(ctx, head, b.clear, func(r *store.Record) error { return b.take(r, now) }); err != nil {
			return err
		}
		if b.setup == e.Row.Version {
			b.sort()
			return look(b)
		}
		if e, err = s.setup(ctx, e.ID); err != nil { // it changed since it was read
			return err
		}
	}
	return busyScope()
}

// rulings reads what was decided on some stages, and the publication: a few records, whatever
// the size of the programme.
//
// Errors: NotFound.
func (s *Service) rulings(ctx context.Context, programme string, stages func(domain.Programme) []int) (*board, Edition, error) {
	e, err := s.setup(ctx, programme)
	if err != nil {
		return nil, e, err
	}
	b := boardOf(e, 0)
	keys := []merge.Key{publicationKey(programme)}
	for _, no := range stages(b.Programme) {
		keys = append(keys, decisionKey(programme, no))
	}
	rows, err := s.rows(ctx, b.scope, keys...)
	for _, r := range rows {
		b.rule(r)
	}
	return b, e, err
}

func (b *board) clear() {
	b.files, b.panel, b.left, b.shares, b.told = nil, nil, nil, nil, merge.Row{}
	b.sheets, b.states, b.seats, b.rulings = map[string]sheets{}, map[string]string{}, map[string]string{}, map[int]merge.Row{}
}

func (b *board) sort() {
	slices.SortFunc(b.files, func(x, y file) int { return cmp.Or(strings.Compare(x.number, y.number), strings.Compare(x.id, y.id)) })
	slices.SortFunc(b.panel, func(x, y merge.Row) int { return strings.Compare(x.ID, y.ID) })
	b.count()
}

// take puts a record onto the board, as it is at an instant.
func (b *board) take(rec *store.Record, now merge.Millis) error {
	if p := b.fields[rec.Collection]; p != nil {
		r, err := p.of(rec)
		if err == nil {
			b.put(r)
		}
		return err
	}
	switch rec.Collection {
	case "programme_setup":
		b.setup = rec.Version
	case "panel_member", "decision", "publication":
		r, err := rowOf(rec)
		switch to := instant(r, "to_at"); {
		case err != nil || r.Collection != "panel_member":
		case to.IsZero() || to.After(now.Time()):
			b.panel = append(b.panel, r)
		default:
			b.left = append(b.left, r)
		}
		b.rule(r)
		return err
	}
	return nil
}

// put puts a row onto the board, and keeps nothing of its fields.
func (b *board) put(r merge.Row) {
	switch {
	case r.Collection == "case_file":
		b.file(r)
	case r.Collection == "application_state":
		b.states[r.ID], b.seats[r.ID] = r.Text("state"), domain.PlaceOf(r)
	case b.asked.No == 0 || int(r.Int("stage")) != b.asked.No:
	case r.Collection == "file_share" && r.Text("ended_at") != "": // nobody gets again what was taken from them
		of := r.Text("application_id")
		on := b.sheets[of]
		on.conflicted = append(on.conflicted, r.Text("curator_id"))
		b.sheets[of] = on
	case r.Collection == "file_share":
		b.shares = append(b.shares, newShare{share{r.Text("application_id"), r.Text("curator_id")}, r.Strings("instead_of")})
	case r.Collection == "score":
		b.sheet(r)
	}
}

func (b *board) file(r merge.Row) {
	f := file{id: r.ID, number: r.Text("number"), state: r.Text("state"), owner: r.Text("owner_id"), business: r.Text("business_id"), feedback: r.Text("feedback"), version: r.Version,
		region: r.Text("region_code"), category: r.Text("category"), stage: int(r.Int("stage")), rank: r.Int("rank")}
	if f.meant = r.Text("feedback_for"); f.meant == "" && f.decided() { // written before this was kept, or before the decision
		f.meant = f.state
	}
	f.ranked = !merge.Null(r.Fields["rank"]) && f.decided() && f.state != domain.FileEliminated
	if f.state == domain.FileReturned {
		f.until = instant(r, "complete_by")
	}
	if b.byAnswers() && f.in(b.asked.No) {
		f.outcome = b.answered(b.asked, r)
	}
	b.files = append(b.files, f)
}

// rule notes what was decided.
func (b *board) rule(r merge.Row) {
	switch r.Collection {
	case "decision":
		b.rulings[int(r.Int("stage"))] = r
	case "publication":
		b.told = r
	}
}

// stage finds a stage of the programme.
//
// Errors: Invalid "invalid_value" (stage).
func (b *board) stage(no int) (domain.Stage, error) {
	if no < 1 || no > len(b.Stages) {
		return domain.Stage{}, invalid("stage", "the programme has no such stage")
	}
	return b.Stages[no-1], nil
}

// decided reports whether the curation of a file is over.
func (f file) decided() bool { return domain.FileDecided(f.state) }

func (f file) in(stage int) bool { return f.state == domain.FileStage && f.stage == stage }

// in lists the files that are in a stage, those left out whose owner withdrew.
func (b *board) in(no int) (out []file) {
	for _, f := range b.files {
		if f.in(no) && !b.withdrawn(f) {
			out = append(out, f)
		}
	}
	return out
}

// waits reports whether the first stage waits for a file: it is not in it yet, or its owner
// still has time to complete it, with the grace for what is finished offline. One that did
// not come back by then stays out.
func (b *board) waits(f file) bool {
	return !b.withdrawn(f) && (f.state == domain.FileOpen || f.state == domain.FileReturned && b.now.Before(f.until.Add(b.Grace())))
}

// lags reports whether a stage was decided and not carried out into every file yet: what is
// asked of the files then is not what was decided.
func (b *board) lags() bool {
	return slices.ContainsFunc(b.files, func(f file) bool {
		return f.state == domain.FileStage && b.rulings[f.stage].Text("state") == "decided" && !b.withdrawn(f)
	})
}

func (b *board) withdrawn(f file) bool {
	state := b.states[f.id]
	return state == domain.ApplicationWithdrawn || state == domain.ApplicationDisqualified
}
