package programme

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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

// CuratorChange corrects what is known of a curator, or ends their seat.
type CuratorChange struct {
	Institution string // empty: as it is
	End         bool   // now
	Reason      string // why it ends
}

// Seat is a curator of a programme.
type Seat struct {
	merge.Row
	Version Version
	Status  store.UserStatus // of their account: who is suspended is given no file
}

// AddCurator opens the panel of a person in a programme: the scope in which they get
// files, and nothing else. Only admins do. The same person again changes nothing, but that a
// seat which had ended is open again, as if it never had.
//
// Errors: Forbidden, NotFound; Invalid with the field.
func (s *Service) AddCurator(ctx context.Context, who Caller, programme string, n NewCurator) (Seat, error) {
	e, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return Seat{}, err
	}
	set := map[string]merge.Value{"institution": merge.Str(strings.TrimSpace(n.Institution)), "from_at": s.now().Value()}
	if err := s.check("panel_member", set); err != nil {
		return Seat{}, err
	}
	user, err := s.People.InviteByPhone(ctx, n.Phone)
	if err != nil {
		return Seat{}, err
	}
	k := merge.Key{Collection: "panel_member", ID: id.Derive("panel_member", programme, user)}
	write := merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: true, Set: set}
	rows, err := s.rows(ctx, domain.DecisionScope(programme), k)
	switch {
	case err != nil:
		return Seat{}, err
	case len(rows) == 0:
		set["user_id"] = merge.Str(user)
	case s.seated(rows[0]):
		return s.seat(ctx, e, rows[0])
	default: // what they wrote while they had no seat is not refused for that any more
		delete(set, "from_at")
		set["to_at"], set["reason"] = null(), null()
		write.Create, write.Strict = false, &rows[0].Version
	}
	if _, err = s.Engine.Write(ctx, domain.DecisionScope(programme), write); err != nil && fault.CodeOf(err) != "id_reuse" {
		return Seat{}, err
	}
	if rows, err = s.rows(ctx, domain.DecisionScope(programme), k); err != nil {
		return Seat{}, err
	}
	return s.seat(ctx, e, first(rows))
}

func (s *Service) seat(ctx context.Context, e Edition, r merge.Row) (Seat, error) {
	status, err := s.statusOf(ctx, r.Text("user_id"))
	return Seat{r, seatVersion(e, r), status}, err
}

func seatVersion(e Edition, r merge.Row) Version { return Version{e.Version.Generation, r.Version} }

// statusOf is where somebody stands in the directory; who is not there any more is erased.
func (s *Service) statusOf(ctx context.Context, user string) (store.UserStatus, error) {
	u, err := s.People.User(ctx, user)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return store.UserErased, nil
	}
	return u.Status, err
}

// seated reports whether a seat has not ended.
func (s *Service) seated(seat merge.Row) bool {
	to := instant(seat, "to_at")
	return to.IsZero() || to.After(s.Clock.Now())
}

// ChangeCurator corrects the institution of a curator whom the caller saw at version v, or
// ends the seat: their phone is told to forget the panel, what they were given and have not
// sent in is given to others by the next Share, and what they have counts. Only admins do.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid with the field, "required"
// where nothing is said, or not why it ends; Conflict "conflict" for a seat that has ended.
func (s *Service) ChangeCurator(ctx context.Context, who Caller, programme, curator string, v Version, c CuratorChange) (Seat, error) {
	e, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return Seat{}, err
	}
	if !id.Valid(curator) {
		return Seat{}, notFound()
	}
	set := map[string]merge.Value{}
	if c.Institution != "" {
		set["institution"] = merge.Str(strings.TrimSpace(c.Institution))
	}
	if c.End {
		set["to_at"], set["reason"] = s.now().Value(), merge.Str(strings.TrimSpace(c.Reason))
	}
	if !c.End && c.Reason != "" {
		return Seat{}, invalid("reason", "a reason is that of an end")
	}
	if field := missingIn(c); field != "" {
		return Seat{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: field, Text: "say what changes, and why"}
	}
	if err := s.check("panel_member", set); err != nil {
		return Seat{}, err
	}
	scope, k := domain.DecisionScope(programme), merge.Key{Collection: "panel_member", ID: curator}
	rows, err := s.rows(ctx, scope, k)
	switch {
	case err != nil:
		return Seat{}, err
	case len(rows) == 0:
		return Seat{}, notFound()
	case v != seatVersion(e, rows[0]):
		return Seat{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since it was read"}
	case !s.seated(rows[0]):
		return Seat{}, conflict("conflict", "the seat has ended")
	}
	whole := func(view merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := view.Row(k.Collection, k.ID); !ok || r.Version != v.Seq {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Must: whole, Set: set}); err != nil {
		return Seat{}, err
	}
	if rows, err = s.rows(ctx, scope, k); err != nil {
		return Seat{}, err
	}
	return s.seat(ctx, e, first(rows))
}

// missingIn names what a change of a curator does not say.
func missingIn(c CuratorChange) string {
	switch {
	case !c.End && strings.TrimSpace(c.Institution) == "":
		return "institution"
	case c.End && strings.TrimSpace(c.Reason) == "":
		return "reason"
	}
	return ""
}

// Curators gives a page of who curates a programme now, ordered by id.
//
// Errors: Forbidden, NotFound.
func (s *Service) Curators(ctx context.Context, who Caller, programme string, page Page) ([]Seat, *Place, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, nil, err
	}
	e, err := s.setup(ctx, programme)
	if err != nil {
		return nil, nil, err
	}
	b := boardOf(e, 0)
	if err := s.walkScope(ctx, b.scope, b.clear, func(r *store.Record) error {
		if r.Collection != "panel_member" {
			return nil
		}
		return b.take(r, s.now())
	}); err != nil {
		return nil, nil, err
	}
	list := pager[merge.Row]{Page: page, of: func(r merge.Row) Place { return Place{ID: r.ID} }}
	for _, m := range b.panel {
		list.add(m)
	}
	rows, next := list.page()
	out := make([]Seat, len(rows))
	for i, r := range rows {
		if out[i], err = s.seat(ctx, e, r); err != nil {
			return nil, nil, err
		}
	}
	return out, next, nil
}

func first(rows []merge.Row) merge.Row {
	if len(rows) == 0 {
		return merge.Row{}
	}
	return rows[0]
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
	share := merge.Key{Collection: "file_share", ID: shareID(share{sheet.Text("application_id"), curator}, no)}
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
		switch {
		case found[share].Version == 0 || found[setup].Version == 0: // a sheet on a file that nobody gave them
			return nil
		case old.Int("seen") >= int64(sheet.Version): // said already
			return s.askAnother(ctx, scope, old, found[share])
		}
		set := scoreOf(domain.ProgrammeOf(found[setup]), sheet, curator, no)
		if found[share].Text("ended_at") != "" || old.Text("asked") != "" { // whatever they say of their own file, or take back once another one was asked
			set["conflict"] = merge.Flag(true)
		}
		ruling := decisionKey(programme, no)
		anew := old.Text("state") != domain.SheetSubmitted || old.Int("opened") != sheet.Int("opened") // it may have been out and in again by the time of this look
		if found[ruling].Text("state") == "decided" && sheet.Text("state") == domain.SheetSubmitted && anew {
			set["late"] = merge.Flag(true)
		}
		asRead := func(v merge.View, grants []merge.Grant) *merge.Reject {
			return cmp.Or(only(ruling, found[ruling].Version)(v, grants), only(share, found[share].Version)(v, grants))
		}
		w := merge.ServerWrite{Name: "score." + sheet.ID + "." + fmt.Sprint(sheet.Version), Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Create: old.Version == 0, Strict: &old.Version, Must: asRead, Set: set}
		if _, err = s.Engine.Write(ctx, scope, w); err != nil && !fasterOther(err) {
			return err
		} // the next look finds it said
	}
}

// decisionKey is the record that says that a stage was decided.
func decisionKey(programme string, no int) merge.Key {
	return merge.Key{Collection: "decision", ID: domain.DecisionID(programme, no)}
}

// scoreOf is what a sheet comes to.
func scoreOf(p domain.Programme, sheet merge.Row, curator string, no int) map[string]merge.Value {
	set := map[string]merge.Value{"application_id": sheet.Fields["application_id"], "stage": merge.Num(no), "curator_id": merge.Str(curator), "state": orNull(sheet.Fields["state"]),
		"total_bp": null(), "level": orNull(sheet.Fields["level"]), "conflict": orNull(sheet.Fields["conflict"]), "recommendation": orNull(sheet.Fields["recommendation"]), "note": orNull(sheet.Fields["note"]),
		"submitted_at": orNull(sheet.Fields["submitted_at"]), "opened": orNull(sheet.Fields["opened"]), "seen": merge.Num(sheet.Version)}
	if no >= 1 && no <= len(p.Stages) {
		if total, ok := p.Stages[no-1].SheetTotal(domain.Points(sheet)); ok {
			set["total_bp"] = merge.Num(total)
		}
	}
	return set
}

// Reopen gives a submitted sheet back to its curator, and says on which file it is. What
// comes of it counts as a new version; behind a decision it is late.
//
// Errors: Forbidden, NotFound; Invalid; Conflict "forbidden_transition" if it is not in.
func (s *Service) Reopen(ctx context.Context, who Caller, programme, sheet, curator, why string) (file string, err error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return "", err
	}
	if !id.Valid(sheet) || !id.Valid(curator) {
		return "", notFound()
	}
	if strings.TrimSpace(why) == "" {
		return "", &fault.Error{Kind: fault.Invalid, Code: "required", Field: "note", Text: "say why"}
	}
	scope := domain.PanelScope(programme, curator)
	rows, err := s.rows(ctx, scope, merge.Key{Collection: "sheet", ID: sheet})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return "", err
	}
	set := map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("reopen"), "note": optional(why)}
	if err := s.check("sheet_event", set); err != nil {
		return "", err
	}
	_, err = s.Engine.Write(ctx, scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "sheet_event", ID: id.Derive("sheet_event", sheet, who.Name),
		Op: merge.Put, Create: true, Set: set})
	return rows[0].Text("application_id"), err
}
