package programme

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// seedAttempts bounds how often a list is written against admins who change it
// at the same moment.
const seedAttempts = 10

// Seed puts the reference lists that the program brings along where phones read
// them: those that are not there, or there in an earlier version. What an admin
// has changed stays. If nothing is new it costs one read.
func (s *Service) Seed(ctx context.Context, lists []domain.ReferenceList) error {
	var keys []merge.Key
	for _, l := range lists {
		keys = append(keys, versionKey(l.Name))
	}
	there, err := s.rows(ctx, domain.ScopeReference, keys...)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if slices.ContainsFunc(there, func(r merge.Row) bool { return r.Text("list") == l.Name && r.Int("list_version") >= int64(l.Version) }) {
			continue
		}
		if err := s.seed(ctx, l); err != nil {
			return fmt.Errorf("reference list %s: %w", l.Name, err)
		}
	}
	return nil
}

func versionKey(list string) merge.Key {
	return merge.Key{Collection: "reference_list", ID: domain.ReferenceID("reference_list", list)}
}

// seed writes one list in one commit, with its version.
func (s *Service) seed(ctx context.Context, l domain.ReferenceList) error {
	for range seedAttempts {
		writes, err := s.seedWrites(ctx, l)
		if err != nil {
			return err
		}
		_, err = s.Engine.Write(ctx, domain.ScopeReference, writes...)
		switch fault.CodeOf(err) {
		case "stale_version", "id_reuse": // an admin, or another process, was faster
			continue
		case "conflict": // a newer program has put a newer version there
			return nil
		}
		return err
	}
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "others change it all the time"}
}

// seedWrites are the writes that bring a list to the version that the program
// brings along.
func (s *Service) seedWrites(ctx context.Context, l domain.ReferenceList) ([]merge.ServerWrite, error) {
	version := versionKey(l.Name)
	keys := []merge.Key{version}
	for _, e := range l.Entries {
		keys = append(keys, merge.Key{Collection: l.Name, ID: domain.ReferenceID(l.Name, e.Code)})
	}
	rows, err := s.rows(ctx, domain.ScopeReference, keys...)
	if err != nil {
		return nil, err
	}
	old := map[merge.Key]merge.Row{}
	for _, r := range rows {
		old[r.Key] = r
	}
	name := fmt.Sprintf("reference.%s.%d", l.Name, l.Version)
	newest := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := v.Row(version.Collection, version.ID); ok && r.Int("list_version") >= int64(l.Version) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	set := map[string]merge.Value{"list": merge.Str(l.Name), "list_version": merge.Num(l.Version)}
	writes := []merge.ServerWrite{s.bring(name, old[version], version, set)}
	writes[0].Must = newest
	for i := range l.Entries {
		k := keys[i+1]
		if w := s.bring(name, old[k], k, l.Record(i)); len(w.Set) > 0 {
			writes = append(writes, w)
		}
	}
	return writes, nil
}

// bring is the write that gives a record these values, but for those that an
// admin has changed.
func (s *Service) bring(name string, old merge.Row, k merge.Key, want map[string]merge.Value) merge.ServerWrite {
	set := map[string]merge.Value{}
	for field, v := range want {
		same := bytes.Equal(old.Fields[field], v) || merge.Null(v) && old.Fields[field] == nil
		if !same && !slices.Contains(old.Strings("edited"), field) {
			set[field] = v
		}
	}
	return merge.ServerWrite{Name: name, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put, Create: old.Version == 0, Strict: &old.Version, Set: set}
}
