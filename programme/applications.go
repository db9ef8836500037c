package programme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// followApplication carries what happened to an application to where its programme is
// decided: a submission is counted, which gives it a number, or goes back to its owner
// with a reason. It reads what is there when it is done, so order and repetition do not
// matter.
func (s *Service) followApplication(ctx context.Context, eff merge.Effect) error {
	head, err := s.home(ctx, strings.TrimPrefix(eff.Scope, scopeOf("")))
	if err != nil {
		return fmt.Errorf("head of business: %w", err)
	}
	app, err := s.appliedFor(ctx, strings.TrimPrefix(head.Scope, scopeOf("")), eff.ID)
	if err == nil && app.Version == 0 && head.Scope != eff.Scope { // the merger's own effect comes behind this one
		if err = s.bringAlong(ctx, eff); err == nil {
			app, err = s.appliedFor(ctx, strings.TrimPrefix(head.Scope, scopeOf("")), eff.ID)
		}
	}
	if err != nil || app.Version == 0 {
		return err
	}
	edition, err := s.openedTo(ctx, app.Text("programme_id"))
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return errors.Join(s.sendBack(ctx, app, merge.Row{}, domain.ReturnUnknown), s.tellOwners(ctx, app, domain.Programme{}))
	}
	if err != nil {
		return err
	}
	if app.Text("state") == domain.ApplicationSubmitted {
		if err := s.count(ctx, domain.ProgrammeOf(edition.Row), app); err != nil {
			return err
		}
	}
	if err := s.settle(ctx, app); err != nil { // before anybody else hears that a place came free
		return err
	}
	if err := s.copyState(ctx, app); err != nil {
		return err
	}
	if app.Text("state") == domain.ApplicationReturned {
		if err := s.tellOwners(ctx, app, domain.ProgrammeOf(edition.Row)); err != nil {
			return err
		}
	}
	return s.answered(ctx, app)
}

// bringAlong has the survivor of a merger take over an application and what happened to it.
func (s *Service) bringAlong(ctx context.Context, eff merge.Effect) error {
	k := merge.Key{Collection: eff.Collection, ID: eff.ID}
	for from := eff.Scope; ; {
		head, err := s.Engine.Store.Head(ctx, from)
		if err != nil || head.MovedTo == "" {
			return err
		}
		got, err := s.Engine.Store.Load(ctx, from, store.Want{Tags: []string{merge.OperationsTag(k)}})
		if err != nil {
			return err
		}
		keys := []merge.Key{k}
		for i := range got.Records {
			keys = append(keys, got.Records[i].Key())
		}
		if err := s.Engine.TakeOver(ctx, from, head.MovedTo, keys...); err != nil {
			return err
		}
		from = head.MovedTo
	}
}

// openedTo gives a programme that people may know of. A draft is for admins: to whoever
// applies it is as if there were none.
//
// Errors: NotFound.
func (s *Service) openedTo(ctx context.Context, programme string) (Edition, error) {
	e, err := s.setup(ctx, programme)
	if err == nil && e.Text("status") == domain.ProgrammeDraft {
		return Edition{}, notFound()
	}
	return e, err
}

// applied is an application with what belongs to it.
type applied struct {
	merge.Row
	scope    string
	business merge.Row
	events   []merge.Row
}

func (s *Service) appliedFor(ctx context.Context, business, application string) (applied, error) {
	k, root := merge.Key{Collection: "application", ID: application}, merge.Key{Collection: "business", ID: business}
	out := applied{scope: scopeOf(business)}
	got, err := s.Engine.Store.Load(ctx, out.scope, store.Want{Keys: []merge.Key{k, root}, Tags: []string{merge.OperationsTag(k)}})
	for i := range got.Records {
		if err != nil {
			break
		}
		var row merge.Row
		switch row, err = rowOf(&got.Records[i]); row.Key {
		case k:
			out.Row = row
		case root:
			out.business = row
		default:
			out.events = append(out.events, row)
		}
	}
	return out, err
}

// read is the version up to which an application and what happened to it was read: not every
// operation changes the application.
func (a applied) read() merge.Seq {
	out := a.Version
	for _, e := range a.events {
		out = max(out, e.Version)
	}
	return out
}

// submission is the one that counts: the effective one, the latest of several.
func (a applied) submission() (merge.Row, bool) {
	var found []merge.Row
	for _, e := range a.events {
		if e.Text("op") == "submit" && e.Text("outcome") == domain.Effective {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return merge.Row{}, false
	}
	return slices.MaxFunc(found, merge.EarlierOperation), true
}

// answers reads the values of a keyed list, by item.
func answersOf(v merge.Value, member string) map[string]string {
	var items map[string]map[string]json.RawMessage
	if merge.Null(v) || json.Unmarshal(v, &items) != nil {
		return nil
	}
	out := map[string]string{}
	for code, item := range items {
		if text := merge.AsString(item[member]); text != "" {
			out[code] = text
		} else if !merge.Null(item[member]) {
			out[code] = string(item[member])
		}
	}
	return out
}

// count gives a submission its number, or sends it back. One that was counted is left alone,
// unless it was returned since and comes back complete; an import files its own.
func (s *Service) count(ctx context.Context, p domain.Programme, app applied) error {
	sub, ok := app.submission()
	if !ok || app.imported(sub) {
		return nil // withdrawn meanwhile: what follows says so; or imported
	}
	files, err := s.rows(ctx, domain.DecisionScope(p.ID), merge.Key{Collection: "case_file", ID: app.ID})
	if err != nil {
		return err
	}
	old := first(files)
	if old.Version > 0 && !app.completes(sub, old) {
		return nil
	}
	owner := sub.Text("created_by")
	if old.Version == 0 { // what it was given when it came back without a consent still stands
		old.Fields = map[string]merge.Value{"complete_by": app.dueTime()}
	}
	until := instant(old, "complete_by")
	profile, err := s.rows(ctx, merge.UserScope(owner), merge.Key{Collection: "user", ID: owner})
	if err != nil {
		return err
	}
	answers := answersOf(app.Fields["answers"], "value")
	why, grace := p.Counts(domain.Submission{Made: instant(sub, "created_at"), Received: instant(sub, "received_at"), Until: until, Region: domain.Region(app.business.Text("region_code")),
		Answers: answers, Consents: consents(first(profile), old)})
	switch why {
	case "":
	case domain.ReturnIncomplete:
		return s.sendBack(ctx, app, old, why, p.Incomplete(answers)...)
	case domain.ReturnNoConsent: // it may lie on another phone still: what came in time is not too late for that
		if until.IsZero() {
			old.Fields["complete_by"] = s.completion(p).Value()
		}
		return s.sendBack(ctx, app, old, why)
	default:
		if old.Version == 0 && why == domain.ReturnWindowClosed {
			old = undated(old) // it is over
		}
		return s.sendBack(ctx, app, old, why)
	}
	file := map[string]merge.Value{"business_id": merge.Str(app.business.ID), "source": merge.Str("app"), "counted_at": sub.Fields["received_at"], "grace": null(),
		"business_name": orNull(app.business.Fields["name"]), "owner_id": merge.Str(owner), "owner_name": null(), "owner_phone": null(), "owner_email": null(),
		"region_code": orNull(app.business.Fields["region_code"]), "category": orNull(app.business.Fields["primary_category"]), "categories": orNull(app.business.Fields["categories"]),
		"nib": orNull(app.business.Fields["nib"]), "address": orNull(app.business.Fields["address"]), "size_class": orNull(app.business.Fields["size_class"]), "answers": orNull(app.Fields["answers"]), "survey": orNull(app.Fields["survey"]), "documents": orNull(app.Fields["documents"]),
		"state": merge.Str(domain.FileOpen)}
	if grace {
		file["grace"] = merge.Flag(true)
	}
	if len(profile) > 0 {
		file["owner_name"], file["owner_phone"], file["owner_email"] = orNull(profile[0].Fields["full_name"]), orNull(profile[0].Fields["phone"]), orNull(profile[0].Fields["email"])
	}
	if old.Version > 0 {
		grown(old, file)
	}
	keys := domain.FileKeys(merge.Row{Fields: file})
	switch err := s.fileAlone(ctx, p, app, caseFile{id: app.ID, set: file, complete: old.Version > 0, keys: keys}, sub.ID); fault.CodeOf(err) {
	case stageDecided: // it was received in time, and is counted too late
		return s.sendBack(ctx, app, undated(old), domain.ReturnWindowClosed)
	case domain.ReturnRegistered: // there is nothing to complete, unless it is the file that was returned
		if old.Version == 0 {
			old = undated(old)
		}
		return s.sendBack(ctx, app, old, domain.ReturnRegistered)
	default:
		return err
	}
}

// undated is a file without the time by which it was to be complete.
func undated(file merge.Row) merge.Row {
	file.Fields = maps.Clone(file.Fields)
	delete(file.Fields, "complete_by")
	return file
}

func orNull(v merge.Value) merge.Value {
	if v == nil {
		return null()
	}
	return v
}

// sendBack returns a submission to its owner, who can change it and submit it again; incomplete are
// the questions that it is about. What an admin asked for when the file was returned still holds.
func (s *Service) sendBack(ctx context.Context, app applied, file merge.Row, why string, incomplete ...string) error {
	sub, ok := app.submission()
	if !ok || app.Text("state") != domain.ApplicationSubmitted {
		return nil
	}
	k := merge.Key{Collection: "application_event", ID: id.Derive("application_event", sub.ID, "return")}
	still := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := v.Row("application", app.ID); !ok || r.Text("state") != domain.ApplicationSubmitted {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	set := map[string]merge.Value{"application_id": merge.Str(app.ID), "op": merge.Str("return"), "reason_code": merge.Str(why)}
	for _, name := range []string{"asked", "complete_by"} {
		if v := file.Fields[name]; !merge.Null(v) {
			set[name] = v
		}
	}
	if len(incomplete) > 0 {
		set["incomplete"] = merge.Encode(incomplete)
	}
	_, err := s.Engine.Write(ctx, app.scope, merge.ServerWrite{Name: "return." + sub.ID, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: true,
		Must: still, Set: set})
	if fault.CodeOf(err) == "conflict" { // withdrawn meanwhile
		return nil
	}
	return err
}

// copyState has the decision scope say where the application stands, unless a newer
// reading was there before. What is read where a business was merged into is newer than
// whatever was read in the business itself: their versions say nothing of each other.
func (s *Service) copyState(ctx context.Context, app applied) error {
	scope := domain.DecisionScope(app.Text("programme_id"))
	k := merge.Key{Collection: "application_state", ID: app.ID}
	set := map[string]merge.Value{"business_id": merge.Str(app.business.ID), "state": app.Fields["state"], "needs_review": orNull(app.Fields["needs_review"]),
		"confirm_by": orNull(app.Fields["confirm_by"]), "place": optional(domain.ApplicationPlace(app.Row, app.events)), "seen": merge.Num(app.read())}
	for {
		rows, err := s.rows(ctx, scope, k)
		if err != nil {
			return err
		}
		if newer, err := s.newerThan(ctx, app, first(rows)); err != nil || !newer {
			return err
		}
		w := merge.ServerWrite{Name: "state." + app.ID + "." + id.Derive(app.scope, app.Key.String(), string(set["seen"])), Role: merge.System, Collection: k.Collection, ID: k.ID,
			Op: merge.Put, Create: len(rows) == 0, Set: set}
		if len(rows) > 0 {
			w.Strict = &rows[0].Version
		}
		if _, err = s.Engine.Write(ctx, scope, w); err == nil || !fasterOther(err) {
			return err
		}
	}
}

// newerThan reports whether an application was read later than what its copy says.
func (s *Service) newerThan(ctx context.Context, app applied, there merge.Row) (bool, error) {
	if was := there.Text("business_id"); was != "" && was != app.business.ID {
		head, err := s.home(ctx, was)
		if err != nil {
			return false, fmt.Errorf("head of business: %w", err)
		}
		return head.Scope == app.scope, nil
	}
	return there.Int("seen") < int64(app.read()), nil
}

// fasterOther reports whether somebody wrote first what a caller wanted to write.
func fasterOther(err error) bool {
	code := fault.CodeOf(err)
	return code == "stale_version" || code == "id_reuse"
}

func torn(yes bool) error {
	if yes {
		return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "a commit is half folded"}
	}
	return nil
}
