package programme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Rows are those of a table, its header first.
type Rows = iter.Seq2[domain.TableRow, error]

// Table opens the table that a request brings, once it is known that it may.
type Table func() (Rows, error)

// rowsPerStep is how many registrants one step of an import brings in. Each is a
// business, so that a step costs as many commits.
const rowsPerStep = 40

// CheckImport reads a list of people who registered elsewhere and says what an import of
// it would bring: how many new ones, which of them have a draft in the app that it would
// submit, and every mistake by line and column. Nothing is stored. Only admins do.
//
// Errors: Forbidden, NotFound; Conflict "import_closed" unless the programme is open, or
// curates and its first stage is not decided; those of the table.
func (s *Service) CheckImport(ctx context.Context, who Caller, programme string, table Table) (domain.Import, error) {
	e, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return domain.Import{}, err
	}
	return s.checkImport(ctx, e, table)
}

func (s *Service) checkImport(ctx context.Context, e Edition, table Table) (domain.Import, error) {
	p := domain.ProgrammeOf(e.Row)
	if p.Status != domain.ProgrammeOpen && p.Status != domain.ProgrammeCurating {
		return domain.Import{}, importClosed()
	}
	if first, err := s.rows(ctx, domain.DecisionScope(p.ID), decisionKey(p.ID, 1)); err != nil {
		return domain.Import{}, err
	} else if len(first) > 0 {
		return domain.Import{}, importClosed()
	}
	rows, err := table()
	if err != nil {
		return domain.Import{}, err
	}
	known, drafts, err := s.registered(ctx, p.ID)
	if err != nil {
		return domain.Import{}, err
	}
	in, err := domain.ReadRegistrants(rows, p.RegistrantRules(), known)
	if err == nil {
		in.Drafts, err = s.drafted(ctx, in.Registrants, drafts)
	}
	return in, err
}

func importClosed() error {
	return conflict("import_closed", "the programme takes no registrants now")
}

// Import brings the registrants of a list into a programme that are right and new, as a
// job of steps of forty, and says what it does not bring. A repeated request gives the
// same job; the same list again brings nothing.
//
// Errors: as CheckImport; Invalid "nothing_to_import" with what is wrong in More.
func (s *Service) Import(ctx context.Context, who Caller, programme string, table Table) (Job, domain.Import, error) {
	e, err := s.mySetup(ctx, who, programme)
	if err != nil {
		return Job{}, domain.Import{}, err
	}
	in, err := s.checkImport(ctx, e, table)
	if err != nil {
		return Job{}, in, err
	}
	jid := id.Derive("job", who.Name)
	rest, written, err := s.unwritten(ctx, jid, in.Registrants)
	if err != nil {
		return Job{}, in, err
	}
	chunks := slices.Collect(slices.Chunk(rest, rowsPerStep))
	if written+len(chunks) > domain.MaxJobSteps {
		return Job{}, in, &fault.Error{Kind: fault.TooLarge, Code: "too_many_items", Text: "too many rows for one job"}
	}
	if written+len(chunks) == 0 {
		return Job{}, in, nil
	}
	if err := s.beginImport(ctx, who, jid, programme, written, chunks); err != nil {
		return Job{}, in, err
	}
	j, err := s.job(ctx, jid)
	return j, in, err
}

// unwritten leaves out of registrants those that wait in steps of a job which a request
// before has written and left, and gives how many steps there are. What was brought in from
// them is not among the registrants any more.
func (s *Service) unwritten(ctx context.Context, jid string, all []domain.Registrant) (rest []domain.Registrant, written int, err error) {
	got, err := s.Engine.Store.Load(ctx, domain.GeneralQueue, store.Want{Tags: []string{domain.JobTag(jid)}})
	if errors.Is(err, store.ErrAbsent) {
		return all, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load job: %w", err)
	}
	waits := map[string]bool{}
	for i := range got.Records {
		step, err := rowOf(&got.Records[i])
		if err != nil {
			return nil, 0, err
		}
		if step.Collection != "job_step" {
			continue
		}
		written++
		some, err := registrantsOf(step)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range some {
			waits[whoIs(r)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(r domain.Registrant) bool { return waits[whoIs(r)] }), written, nil
}

// whoIs tells registrants of one list apart.
func whoIs(r domain.Registrant) string {
	return strings.Join([]string{r.Ref, string(r.Phone), r.NIB, r.Business}, "\x00")
}

// beginImport writes the job down and then its steps, a few in a commit: ten thousand rows
// are more than one should hold. A request that dies in between is repeated under its
// key and goes on behind the steps that it has written, with what is in none of them.
func (s *Service) beginImport(ctx context.Context, who Caller, jid, programme string, written int, chunks [][]domain.Registrant) error {
	made := func(name, collection, record string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: who.Name + name, Author: who.User, Role: merge.Admin, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
	}
	total := 0
	for _, c := range chunks {
		total += len(c)
	}
	const perCommit = 10
	writes := []merge.ServerWrite{made("", "job", jid, map[string]merge.Value{"kind": merge.Str(domain.JobImport), "programme_id": merge.Str(programme), "total": merge.Num(len(chunks)),
		"rows": merge.Num(total)})}
	if written > 0 { // a part may have been brought in by another list meanwhile
		writes = []merge.ServerWrite{{Name: fmt.Sprint(who.Name, ".goes_on.", written), Author: who.User, Role: merge.Admin, Collection: "job", ID: jid, Op: merge.Put,
			Set: map[string]merge.Value{"total": merge.Num(written + len(chunks))}}}
	}
	for n, c := range chunks {
		n += written
		rows, err := inputOf(c)
		if err != nil {
			return err
		}
		writes = append(writes, made("."+strconv.Itoa(n), "job_step", domain.NumberedStep(jid, n+1), map[string]merge.Value{"job_id": merge.Str(jid),
			"kind": merge.Str(domain.JobImport), "no": merge.Num(n + 1), "state": merge.Str(domain.StepWaiting), "input": rows}))
		if len(writes) >= perCommit || n == written+len(chunks)-1 {
			if _, err := s.Engine.Write(ctx, domain.GeneralQueue, writes...); err != nil && fault.CodeOf(err) != "id_reuse" { // a step that is there has been begun, or done
				return err
			}
			writes = nil
		}
	}
	return nil
}

// bringing is a registrant on the way in.
type bringing struct {
	domain.Registrant
	owner       string // user id
	business    string
	there       bool // the business is
	application string
	attempt     int
	app         merge.Row // the application, if the business has begun one in the app
	returned    string    // by which operation it came back to its owner last
	draft       bool      // it is not submitted
	taken       bool      // it is submitted: counted by itself
}

// placeFor finds the business of a registrant: one of the same owner with the same number, or
// of the same name in the same province, is the same.
func (s *Service) placeFor(ctx context.Context, p domain.Programme, r domain.Registrant, owner string) (bringing, error) {
	b := bringing{Registrant: r, owner: owner, business: id.Derive("business", p.ID, r.Ref, string(r.Phone), domain.FoldBusiness(r.Business))}
	mine, err := s.Businesses(ctx, Caller{User: owner})
	if err != nil {
		return b, err
	}
	for _, have := range mine {
		if b.isOf(have.Row) && slices.Contains(have.Roles, merge.Owner) && have.Text("merged_into") == "" {
			b.business, b.there = have.ID, true
			break
		}
	}
	return s.begunInApp(ctx, p, b)
}

// isOf reports whether a registrant is of a business of the same owner. Its number says so
// anywhere; a name only in one province: who works in two of them under one name would
// take part in a programme of one with the business of the other.
func (b bringing) isOf(have merge.Row) bool {
	if b.NIB != "" && have.Text("nib") == b.NIB {
		return true
	}
	there := domain.Region(have.Text("region_code"))
	return domain.FoldBusiness(have.Text("name")) == domain.FoldBusiness(b.Business) && (there == "" || there.Province() == b.Region.Province())
}

// file is the case file of a registrant.
func (b bringing) file(job string) caseFile {
	keys := b.Keys()
	set := map[string]merge.Value{"business_id": merge.Str(b.business), "source": merge.Str("import"), "external_ref": optional(b.Ref),
		"counted_at": merge.Millis(b.RegisteredAt.UnixMilli()).Value(), "business_name": merge.Str(b.Business), "owner_id": merge.Str(b.owner), "owner_name": optional(b.Owner),
		"owner_phone": merge.Str(string(b.Phone)), "owner_email": optional(b.Email), "region_code": merge.Str(string(b.Region)), "category": optional(b.Category), "categories": merge.Encode(b.Categories),
		"nib": optional(b.NIB), "address": optional(b.Address), "size_class": optional(b.SizeClass), "answers": b.answers(), "survey": b.survey(), "state": merge.Str(domain.FileOpen), "digest": merge.Str(keys.Digest), "job_id": merge.Str(job)}
	if b.app.Version > 0 { // what it says with the row in it
		set["answers"], set["survey"], set["documents"] = laidOver(b.app.Fields["answers"], b.answers()), laidOver(b.app.Fields["survey"], b.survey()), orNull(b.app.Fields["documents"])
	}
	return caseFile{id: b.application, set: set, job: job, keys: keys}
}

// laidOver is a value by item with the items of another one in it.
func laidOver(below, above merge.Value) merge.Value {
	items := map[string]merge.Value{}
	for _, v := range []merge.Value{below, above} {
		var some map[string]merge.Value
		if !merge.Null(v) && json.Unmarshal(v, &some) == nil {
			maps.Copy(items, some)
		}
	}
	if len(items) == 0 {
		return orNull(below)
	}
	return merge.Encode(items)
}

// answers are the yes and no of the list, as answers to questions of the same codes, and what it
// answers of the programme's own.
func (b bringing) answers() merge.Value {
	out := map[string]map[string]string{}
	for code, value := range b.Answers {
		out[code] = map[string]string{"value": value}
	}
	for code, yes := range b.Checks {
		out[code] = map[string]string{"value": map[bool]string{true: "yes", false: "no"}[yes]}
	}
	return merge.Encode(out)
}

func (b bringing) survey() merge.Value {
	out := map[string]map[string]int{}
	for item, level := range b.Survey {
		out[item] = map[string]int{"level": level}
	}
	return merge.Encode(out)
}

// fields are those of the business of a registrant who has none.
func (b bringing) fields() map[string]merge.Value {
	return map[string]merge.Value{"name": merge.Str(b.Business), "region_code": merge.Str(string(b.Region)), "district_code": null(), "village_code": null(),
		"address": optional(b.Address), "primary_category": optional(b.Category), "nib": optional(b.NIB), "size_class": optional(b.SizeClass), "status": merge.Str("active")}
}

// place makes the application of a registrant, and the business if there is none, in one
// commit. One that was begun in the app is there, and hears its number from its file; where
// another list has submitted it, it says what was filed. Done again it changes nothing.
func (s *Service) place(ctx context.Context, name string, p domain.Programme, b bringing, number string) error {
	if b.app.Version > 0 && b.app.Text("external_ref") == b.Ref {
		return nil
	}
	if b.app.Version > 0 {
		_, err := s.Engine.Write(ctx, scopeOf(b.business), merge.ServerWrite{Name: name + "." + b.application, Role: merge.System, Collection: "application", ID: b.application, Op: merge.Put, Set: b.says()})
		return err
	}
	write := func(collection, record string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: name + "." + b.application, Role: merge.System, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
	}
	var writes []merge.ServerWrite
	if !b.there {
		window := map[string]merge.Value{"user_id": merge.Str(b.owner), "role": merge.Str(string(merge.Owner)), "from": merge.Millis(b.RegisteredAt.UnixMilli()).Value()}
		if err := s.introduce(ctx, "membership", b.owner, window); err != nil {
			return err
		}
		writes = append(writes, write("business", b.business, b.fields()), write("membership", id.Derive("membership", b.business, b.owner, "founder"), window))
	}
	app := write("application", b.application, map[string]merge.Value{"programme_id": merge.Str(p.ID), "opens": merge.Str(domain.ApplicationSubmitted), "external_ref": optional(b.Ref),
		"number": merge.Str(number), "counted_at": merge.Millis(b.RegisteredAt.UnixMilli()).Value(), "answers": b.answers(), "survey": b.survey()})
	if b.attempt > 1 {
		app.Set["attempt"] = merge.Num(b.attempt)
	}
	_, err := s.Engine.Write(ctx, scopeOf(b.business), append(writes, app)...)
	if fault.CodeOf(err) != "id_reuse" {
		return err
	}
	// Its people have written in it since; or a phone began it in this moment, and then the
	// step is done again, and finds it.
	if now, err := s.begunInApp(ctx, p, b); err != nil || !now.draft {
		return err
	}
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "somebody began the application in this moment"}
}
