package programme

import (
	"bytes"
	"context"
	"maps"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// caseFile is one to be filed, under the id of its application.
type caseFile struct {
	id       string
	set      map[string]merge.Value
	complete bool // it is there, was returned, and comes back
}

// stageDecided is the code of what comes behind the decision on the first stage.
const stageDecided = "stage_decided"

// mostFiled is how many files are made in one commit.
const mostFiled = 50

// file puts case files where a programme is decided, up to mostFiled, in one commit: each
// new one gets the next receipt number, so that numbers have no gaps and follow the
// order of files. One that is there keeps its number and stays as it is, unless it was
// returned and comes back. It gives the numbers. The same files under the same name change
// nothing.
//
// Errors: Conflict "stage_decided" if the first stage is, for files that are not there yet.
func (s *Service) file(ctx context.Context, p domain.Programme, name string, files []caseFile) ([]string, error) {
	scope := domain.DecisionScope(p.ID)
	counter := merge.Key{Collection: "numbering", ID: p.ID}
	ruling := decisionKey(p.ID, 1)
	keys := []merge.Key{counter, ruling}
	for _, f := range files {
		keys = append(keys, merge.Key{Collection: "case_file", ID: f.id})
	}
	for {
		rows, err := s.rows(ctx, scope, keys...)
		if err != nil {
			return nil, err
		}
		there := map[merge.Key]merge.Row{}
		for _, r := range rows {
			there[r.Key] = r
		}
		numbers, writes := filing(p, name, files, there)
		if len(writes) == 0 {
			return numbers, nil
		}
		if there[ruling].Version > 0 {
			return nil, conflict(stageDecided, "the first stage is decided")
		}
		writes[0].Must = func(v merge.View, _ []merge.Grant) *merge.Reject {
			if _, decided := v.Row(ruling.Collection, ruling.ID); decided {
				return &merge.Reject{Code: "stale_version"} // and is found so by the next look
			}
			return nil
		}
		if _, err = s.Engine.Write(ctx, scope, writes...); err == nil || !fasterOther(err) {
			return numbers, err
		}
	}
}

// filing are the writes that file puts into one commit.
func filing(p domain.Programme, name string, files []caseFile, there map[merge.Key]merge.Row) (numbers []string, writes []merge.ServerWrite) {
	counter := there[merge.Key{Collection: "numbering", ID: p.ID}]
	last, completed := int(counter.Int("last")), 0
	write := func(k merge.Key, old merge.Row, set map[string]merge.Value) {
		writes = append(writes, merge.ServerWrite{Name: name, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: old.Version == 0,
			Strict: &old.Version, Set: set})
	}
	for _, f := range files {
		k := merge.Key{Collection: "case_file", ID: f.id}
		old, set := there[k], maps.Clone(f.set)
		number := old.Text("number")
		if number == "" {
			last++
			number = domain.ReceiptNumber(p.NumberPrefix, last)
		}
		set["number"] = merge.Str(number)
		numbers = append(numbers, number)
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
	}
	if len(writes) > 0 { // also without a new number: a decision on what was there before is void
		write(merge.Key{Collection: "numbering", ID: p.ID}, counter, map[string]merge.Value{"last": merge.Num(last), "completed": merge.Num(int(counter.Int("completed")) + completed)})
	}
	return numbers, writes
}
