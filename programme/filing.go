package programme

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// caseFile is one to be filed, under the id of its application.
type caseFile struct {
	id       string
	set      map[string]merge.Value
	complete bool        // it is there, was returned, and comes back
	job      string      // import that brings it; empty: the app does
	keys     domain.Keys // of its row, or of what its business says: they are held against what is filed
	beside   []string    // other applications of its business, of which none may stand
}

// filed is what became of one. Neither number nor met: the first stage is decided.
type filed struct {
	number string
	there  bool        // it was, before
	met    *domain.Met // nil: it was not left out
}

// broughtBy reports whether a case file is that of a row of an import. One of before files said so is
// known by what the row says.
func broughtBy(file merge.Row, job string, row domain.Keys) bool {
	by := file.Text("job_id")
	return file.Version > 0 && file.Text("source") == "import" && file.Text("digest") == row.Digest && (by == job || by == "")
}

// stageDecided is the code of what comes behind the decision on the first stage.
const stageDecided = "stage_decided"

// mostFiled is how many files are made in one commit.
const mostFiled = 50

// file puts case files where a programme is decided, up to mostFiled, in one commit: each
// new one gets the next receipt number, so that numbers have no gaps and follow the
// order of files. One that is there keeps its number and stays as it is, unless it was
// returned and comes back. One that an import brings and that meets another file is left out:
// that is asked inside the commit too. The same files under the same name change nothing.
//
// Errors: Conflict "stage_decided" if the first stage is, for files that are not there yet; with
// what is there. Conflict "conflict" if another application of the business was faster.
func (s *Service) file(ctx context.Context, p domain.Programme, name string, files []caseFile) ([]filed, error) {
	scope := domain.DecisionScope(p.ID)
	ruling := decisionKey(p.ID, 1)
	want := store.Want{Keys: []merge.Key{numberingKey(p.ID), ruling}}
	for _, f := range files {
		want.Keys = append(want.Keys, merge.Key{Collection: "case_file", ID: f.id})
		want.Tags = append(want.Tags, f.keys.Tags()...)
	}
	for {
		there, err := s.filedBeside(ctx, scope, want)
		if err != nil {
			return nil, err
		}
		out, writes := filing(p, name, files, there)
		if len(writes) == 0 {
			return out, nil
		}
		if there[ruling].Version > 0 {
			for i := range out {
				if !out[i].there {
					out[i].number = ""
				}
			}
			return out, conflict(stageDecided, "the first stage is decided")
		}
		writes[0].Must = stillAlone(ruling, files, out, there)
		if _, err = s.Engine.Write(ctx, scope, writes...); err == nil || !fasterOther(err) {
			return out, err
		}
	}
}

func numberingKey(programme string) merge.Key {
	return merge.Key{Collection: "numbering", ID: programme}
}

// filedBeside gives records of a decision scope that are there, by key.
func (s *Service) filedBeside(ctx context.Context, scope string, want store.Want) (map[merge.Key]merge.Row, error) {
	got, err := s.Engine.Store.Load(ctx, scope, want)
	if err != nil {
		return nil, fmt.Errorf("load files: %w", err)
	}
	there := map[merge.Key]merge.Row{}
	for i := range got.Records {
		r := &got.Records[i]
		if r.Deleted {
			continue
		}
		if there[r.Key()], err = rowOf(r); err != nil {
			return nil, err
		}
	}
	return there, nil
}

// knownOf is what files among records are known by.
func knownOf(there map[merge.Key]merge.Row) (known domain.Known) {
	for _, k := range slices.SortedFunc(maps.Keys(there), merge.Key.Compare) {
		if k.Collection == "case_file" {
			known.Add(k.ID, domain.FileKeys(there[k]))
		}
	}
	return known
}

// stillAlone refuses a commit that another one has overtaken: the first stage is decided, or a
// file that is to be made meets one that was not there. The next look finds it so.
func stillAlone(ruling merge.Key, files []caseFile, out []filed, there map[merge.Key]merge.Row) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		_, overtaken := v.Row(ruling.Collection, ruling.ID)
		for i, f := range files {
			if !out[i].there && slices.ContainsFunc(f.beside, func(other string) bool { return filedIn(v, other) }) {
				return &merge.Reject{Code: "conflict"}
			}
			if out[i].there || out[i].met != nil {
				continue
			}
			for _, tag := range f.keys.Tags() {
				overtaken = overtaken || slices.ContainsFunc(v.Tagged(tag), func(r merge.Row) bool { return there[r.Key].Version == 0 })
			}
		}
		if overtaken {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
}

// filedIn reports whether an application has a file, and is not withdrawn as far as is known
// where its programme is decided.
func filedIn(v merge.View, application string) bool {
	_, there := v.Row("case_file", application)
	state, _ := v.Row("application_state", application)
	return there && state.Text("state") != domain.ApplicationWithdrawn
}

// meets says what a file that an import brings meets, if it is not there by that import. Else
// it is known from now on.
func (f caseFile) meets(old merge.Row, known *domain.Known) *domain.Met {
	if f.job == "" || broughtBy(old, f.job, f.keys) {
		return nil
	}
	m, met := known.Meets(f.keys)
	switch {
	case met:
		return &m
	case old.Version > 0: // what its row says is all new, and its business is there
		m = domain.SameBusiness()
		return &m
	}
	known.Add(f.id, f.keys)
	return nil
}

// alsoFiledAs finds the file of another business that is known by the same number or person,
// for one that an owner submits: a list leaves such a row out, and of an owner nobody but a
// person can say whether both are one enterprise. None: an empty row.
func (f caseFile) alsoFiledAs(there map[merge.Key]merge.Row) merge.Row {
	if f.job != "" {
		return merge.Row{}
	}
	for _, k := range slices.SortedFunc(maps.Keys(there), merge.Key.Compare) {
		other := there[k]
		if k.Collection != "case_file" || k.ID == f.id || other.Text("business_id") == merge.AsString(f.set["business_id"]) {
			continue
		}
		var known domain.Known
		known.Add(k.ID, domain.FileKeys(other))
		if _, met := known.Meets(f.keys); met {
			return other
		}
	}
	return merge.Row{}
}

// tellOfTwo puts two files that may be of one enterprise into the queue of the admins, in the
// commit that makes the second.
func (f caseFile) tellOfTwo(p domain.Programme, name string, other merge.Row) merge.ServerWrite {
	return merge.ServerWrite{Name: name, Role: merge.System, Collection: "review_item", ID: id.Derive("review", domain.DecisionScope(p.ID), "registered_twice", other.ID, f.id), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"what": merge.Str("registered_twice"), "scope": merge.Str(scopeOf(merge.AsString(f.set["business_id"]))),
			"object": merge.Encode(map[string]string{"collection": "application", "id": f.id}), "other": merge.Str(other.ID), "at": f.set["counted_at"]}}
}

// filing are the writes that file puts into one commit.
func filing(p domain.Programme, name string, files []caseFile, there map[merge.Key]merge.Row) (out []filed, writes []merge.ServerWrite) {
	counter := there[numberingKey(p.ID)]
	last, completed, known := int(counter.Int("last")), 0, knownOf(there)
	write := func(k merge.Key, old merge.Row, set map[string]merge.Value) {
		writes = append(writes, merge.ServerWrite{Name: name, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: old.Version == 0,
			Strict: &old.Version, Set: set})
	}
	for _, f := range files {
		k := merge.Key{Collection: "case_file", ID: f.id}
		old, set := there[k], maps.Clone(f.set)
		if m := f.meets(old, &known); m != nil {
			out = append(out, filed{met: m})
			continue
		}
		number := old.Text("number")
		if number == "" {
			last++
			number = domain.ReceiptNumber(p.NumberPrefix, last)
		}
		set["number"] = merge.Str(number)
		out = append(out, filed{number: number, there: old.Version > 0})
		switch {
		case old.Version > 0 && (!f.complete || old.Text("state") != domain.FileReturned):
			continue
		case f.complete:
			completed++
		}
		for field, v := range set {
			if bytes.Equal(old.Fields[field], v) || old.Fields[field] == nil && merge.Null(v) {
				delete(set, field)
			}
		}
		if len(set) > 0 {
			write(k, old, set)
		}
		if other := f.alsoFiledAs(there); other.ID != "" && old.Version == 0 {
			writes = append(writes, f.tellOfTwo(p, name, other))
		}
	}
	if len(writes) > 0 { // also without a new number: a decision on what was there before is void
		write(numberingKey(p.ID), counter, map[string]merge.Value{"last": merge.Num(last), "completed": merge.Num(int(counter.Int("completed")) + completed)})
	}
	return out, writes
}
