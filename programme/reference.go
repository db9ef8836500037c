package programme

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Reference is a reference list as it stands.
type Reference struct {
	List    string
	Version int // of the entries that the program brought along
	Entries []Entry
	At      Version // of the scope of all lists
}

// Entry is one entry of a reference list.
type Entry struct {
	merge.Row
	Version Version
}

// Reference gives a whole list, retired entries too, ordered as it is shown.
// Anybody who is logged in may ask.
//
// Errors: NotFound "not_found" for a list that does not exist; Transient "busy".
func (s *Service) Reference(ctx context.Context, list string) (Reference, error) {
	for range tornRetries {
		out, torn, err := s.wholeList(ctx, list)
		if err != nil || !torn {
			return out, err
		}
		if _, err := s.Engine.Repair(ctx); err != nil { // a commit is half folded, perhaps by a process that died
			return out, err
		}
	}
	return Reference{}, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "the lists are being changed"}
}

func (s *Service) wholeList(ctx context.Context, list string) (out Reference, torn bool, err error) {
	out, found, err := s.listHead(ctx, list)
	for at := (store.Position{}); err == nil && found; {
		page, err := s.Engine.Store.Changed(ctx, domain.ScopeReference, at, out.At.Seq, out.At.Seq, 1<<18)
		if err != nil || page.Torn {
			return out, page.Torn, err
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if err := out.add(r); err != nil {
				return out, false, err
			}
		}
		found = page.More
	}
	out.sort()
	return out, false, err
}

// listHead begins a list: found says that there are any.
func (s *Service) listHead(ctx context.Context, list string) (out Reference, found bool, err error) {
	out = Reference{List: list, Entries: []Entry{}}
	if _, ok := domain.ReferenceListOf(list); !ok {
		return out, false, notFound()
	}
	head, err := s.Engine.Store.Head(ctx, domain.ScopeReference)
	if errors.Is(err, store.ErrAbsent) {
		return out, false, nil
	}
	out.At = Version{head.Generation.Count, head.Applied}
	return out, true, err
}

// sort orders the entries as they are shown.
func (l *Reference) sort() {
	slices.SortFunc(l.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Int("sort"), b.Int("sort")), strings.Compare(a.Text("code"), b.Text("code")))
	})
}

// add takes a record of the scope into the list, if it belongs to it.
func (l *Reference) add(r *store.Record) error {
	if r.Collection != l.List && r.Key() != versionKey(l.List) {
		return nil
	}
	row, err := rowOf(r)
	switch {
	case err != nil:
		return err
	case r.Collection == l.List:
		l.Entries = append(l.Entries, Entry{row, Version{l.At.Generation, row.Version}})
	default:
		l.Version = int(row.Int("list_version"))
	}
	return nil
}

// FindReference gives the entries of a list that go by a name: a code, a name or
// an alias, in whatever case, spacing and punctuation.
//
// Errors: NotFound "not_found" for a list that does not exist.
func (s *Service) FindReference(ctx context.Context, list, name string) (Reference, error) {
	out, found, err := s.listHead(ctx, list)
	if err != nil || !found {
		return out, err
	}
	want := store.Want{Keys: []merge.Key{versionKey(list)}, Tags: []string{domain.ReferenceTag(list, name)}}
	got, err := s.Engine.Store.Load(ctx, domain.ScopeReference, want)
	for i := range got.Records {
		if err == nil && !got.Records[i].Deleted {
			err = out.add(&got.Records[i])
		}
	}
	out.sort()
	return out, err
}

// AddReference adds an entry to a list. It is on offer from then on; what
// records say of it is the word of the catalogue that it is counted as.
//
// Errors: NotFound, Forbidden; Invalid with the field; Conflict "conflict" if
// the code, or in a list other than that of the regions a name, is taken.
func (s *Service) AddReference(ctx context.Context, who Caller, list, code string, fields map[string]merge.Value) (Entry, error) {
	l, err := s.mayChange(ctx, who, list)
	if err != nil {
		return Entry{}, err
	}
	set := maps.Clone(fields)
	if set == nil {
		set = map[string]merge.Value{}
	}
	if err := s.fitting(l, set); err != nil {
		return Entry{}, err
	}
	if merge.AsString(set["name_id"]) == "" {
		return Entry{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "name_id", Text: "an entry has a name"}
	}
	said := slices.Sorted(maps.Keys(set)) // no later version of the list says otherwise
	if err := fillReference(l, code, set); err != nil {
		return Entry{}, err
	}
	set["edited"] = merge.Encode(said)
	k := merge.Key{Collection: list, ID: domain.ReferenceID(list, code)}
	w := merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: list, ID: k.ID, Op: merge.Put, Create: true, Set: set,
		Must: both(freeNames(l, k, set), parentThere(l, set))}
	_, err = s.Engine.Write(ctx, domain.ScopeReference, w)
	if fault.CodeOf(err) == "id_reuse" {
		err = conflict("conflict", "the code is taken")
	}
	if err != nil {
		return Entry{}, err
	}
	return s.entry(ctx, k)
}

// ChangeReference changes an entry that the caller saw at version v, or retires
// it (active false): an entry that records speak of is never deleted.
//
// Errors: as AddReference; Stale "stale_version".
func (s *Service) ChangeReference(ctx context.Context, who Caller, list, code string, v Version, fields map[string]merge.Value) (Entry, error) {
	l, err := s.mayChange(ctx, who, list)
	if err != nil {
		return Entry{}, err
	}
	set := maps.Clone(fields)
	if err := s.fitting(l, set); err != nil {
		return Entry{}, err
	}
	k := merge.Key{Collection: list, ID: domain.ReferenceID(list, code)}
	old, err := s.entry(ctx, k)
	if err != nil {
		return Entry{}, err
	}
	if v.Generation != old.Version.Generation {
		return Entry{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "read in another generation"}
	}
	for _, name := range []string{"name_id", "counted_as"} {
		if merge.Null(set[name]) && set[name] != nil {
			return Entry{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: name, Text: "cannot be emptied"}
		}
	}
	edited := append(old.Strings("edited"), slices.Collect(maps.Keys(set))...)
	slices.Sort(edited)
	seen := maps.Clone(old.Fields)
	maps.Copy(seen, set)
	set["edited"] = merge.Encode(slices.Compact(edited))
	w := merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: list, ID: k.ID, Op: merge.Put, Strict: &v.Seq, Set: set,
		Must: freeNames(l, k, seen)}
	if _, err := s.Engine.Write(ctx, domain.ScopeReference, w); err != nil {
		return Entry{}, err
	}
	return s.entry(ctx, k)
}

func (s *Service) mayChange(ctx context.Context, who Caller, list string) (domain.ReferenceList, error) {
	l, ok := domain.ReferenceListOf(list)
	if !ok {
		return l, notFound()
	}
	return l, s.mustBeAdmin(ctx, who)
}

func (s *Service) entry(ctx context.Context, k merge.Key) (Entry, error) {
	head, err := s.Engine.Store.Head(ctx, domain.ScopeReference)
	if errors.Is(err, store.ErrAbsent) {
		return Entry{}, notFound()
	}
	if err != nil {
		return Entry{}, err
	}
	rows, err := s.rows(ctx, head.Scope, k)
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}
