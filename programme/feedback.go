package programme

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Dossier is a case file as an admin works on it.
type Dossier struct {
	merge.Row
	Version Version
}

// File gives one file of a programme to an admin.
//
// Errors: Forbidden, NotFound.
func (s *Service) File(ctx context.Context, who Caller, programme, file string) (Dossier, error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return Dossier{}, err
	}
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if err != nil {
		return Dossier{}, err
	}
	rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "case_file", ID: file})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Dossier{}, err
	}
	return Dossier{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}

// Advise writes what the owner of a file is told beside the result, in the place of the words
// for everybody of that result: what the curators say, and what to do next. It is told with
// the result and not before. Two people stand for it, as for the result: words that come while
// the publication waits for its approval make it another version, so that nobody approves what
// they have not seen, and from the approval on they are fixed; who wants others withdraws the
// publication. They are for the result that is decided when they are written, and left out
// where the owner is told another one because somebody withdrew.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid "invalid_value" (feedback);
// Conflict "publication_approved", "publication_begun".
func (s *Service) Advise(ctx context.Context, who Caller, programme, file string, seen Version, words string) (Dossier, error) {
	for {
		d, err := s.File(ctx, who, programme, file)
		if err != nil {
			return d, err
		}
		if d.Version != seen {
			return d, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since it was read"}
		}
		set := map[string]merge.Value{"feedback": optional(words)}
		if s.check("application_event", set) != nil {
			return d, invalid("feedback", "words that no owner can be told")
		}
		set["feedback_for"] = null()
		if words != "" && domain.FileDecided(d.Text("state")) {
			set["feedback_for"] = d.Fields["state"]
		}
		rows, err := s.rows(ctx, domain.DecisionScope(programme), publicationKey(programme))
		if err != nil {
			return d, err
		}
		beside, err := wordsBeside(first(rows), who, publicationKey(programme))
		if err != nil {
			return d, err
		}
		writes := append([]merge.ServerWrite{{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "case_file", ID: file, Op: merge.Put, Strict: &seen.Seq,
			Must: only(publicationKey(programme), first(rows).Version), Set: set}}, beside...)
		if _, err = s.Engine.Write(ctx, domain.DecisionScope(programme), writes...); err == nil {
			return s.File(ctx, who, programme, file)
		} else if fault.CodeOf(err) != "stale_version" { // else the next look finds which of the two it is
			return d, err
		}
	}
}

// wordsBeside is what words for one owner do to the publication as it stands.
//
// Errors: Conflict "publication_approved", "publication_begun".
func wordsBeside(told merge.Row, who Caller, k merge.Key) ([]merge.ServerWrite, error) {
	switch told.Text("state") {
	case "approved":
		return nil, conflict("publication_approved", "what owners are told is approved")
	case "telling", "told":
		return nil, conflict("publication_begun", "owners are being told")
	case "prepared":
		return []merge.ServerWrite{{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Set: map[string]merge.Value{"advised": merge.Num(told.Int("advised") + 1), "advised_by": merge.Encode(with(told.Strings("advised_by"), who.User))}}}, nil
	}
	return nil, nil
}

// with is a list that has an entry once.
func with(list []string, entry string) []string {
	if slices.Contains(list, entry) {
		return list
	}
	return append(list, entry)
}

// only refuses what was worked out from another version of a record; 0: from none.
func only(k merge.Key, version merge.Seq) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, _ := v.Row(k.Collection, k.ID); r.Version != version {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
}

// words are those for all owners of a result, as the publication has them.
func (b *board) words() (out Feedback, err error) {
	if v := b.told.Fields["feedback"]; !merge.Null(v) {
		err = json.Unmarshal(v, &out)
	}
	return out, err
}

// told is what the owner of a file is told beside a result: words of their own, if they were
// written for that one, or those for all.
func (f file) told(result string, words Feedback) (text string, own bool) {
	if f.feedback != "" && (f.meant == "" || f.meant == result) {
		return f.feedback, true
	}
	return words[result], false
}
