package programme

import (
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Record is a record of a business as somebody reads it before an edit. Its
// version is that of the newest of the record and the operations on it: who
// decides on it has seen them all.
type Record struct {
	merge.Row
	Version Version
}

// RecordChange is what an admin writes into one record.
type RecordChange struct {
	Set         map[string]merge.Value
	Add, Remove map[string][]string // elements of sets
}

// Record gives one record to the people of its business and to admins.
//
// Errors: NotFound "not_found".
func (s *Service) Record(ctx context.Context, who Caller, business, collection, record string) (Record, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Record{}, err
	}
	if !st.sees() { // not what regional admins look at
		return Record{}, st.forbidden()
	}
	return s.record(ctx, st, merge.Key{Collection: collection, ID: record})
}

func (s *Service) record(ctx context.Context, st standing, k merge.Key) (Record, error) {
	c, ok := s.Engine.Schema.Collection(k.Collection)
	if !ok || c.Scope != merge.ScopeKind(st.head.Scope) || !id.Valid(k.ID) {
		return Record{}, notFound()
	}
	got, err := s.Engine.Store.Load(ctx, st.head.Scope, store.Want{Keys: []merge.Key{k}, Tags: []string{merge.OperationsTag(k)}})
	if err != nil {
		return Record{}, fmt.Errorf("load record: %w", err)
	}
	i := slices.IndexFunc(got.Records, func(r store.Record) bool { return r.Key() == k })
	if i < 0 || got.Records[i].Deleted {
		return Record{}, notFound()
	}
	row, err := rowOf(&got.Records[i])
	out := Record{row, Version{st.head.Generation.Count, row.Version}}
	for _, r := range got.Records {
		out.Version.Seq = max(out.Version.Seq, r.Version)
	}
	return out, err
}

// ChangeRecord writes fields of a record that the caller saw at version v. Only
// admins do; what the server writes, and what operations decide, they leave
// alone like anybody else.
//
// Errors: NotFound, Forbidden; Stale "stale_version" if one of the fields was
// written since; Conflict "business_merged", "immutable_field" or
// "forbidden_transition"; Invalid with the field.
func (s *Service) ChangeRecord(ctx context.Context, who Caller, business, collection, record string, v Version, ch RecordChange) (Record, error) {
	st, err := s.enterAsAdmin(ctx, who, business)
	if err != nil {
		return Record{}, err
	}
	k := merge.Key{Collection: collection, ID: record}
	if _, err := s.record(ctx, st, k); err != nil {
		return Record{}, err
	}
	if err := st.current(v); err != nil {
		return Record{}, err
	}
	if len(ch.Set)+len(ch.Add)+len(ch.Remove) == 0 {
		return Record{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "set", Text: "nothing to write"}
	}
	if err := s.permits(collection, merge.Admin, ch); err != nil {
		return Record{}, err
	}
	w := merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: collection, ID: record, Op: merge.Put,
		Set: ch.Set, Add: ch.Add, Remove: ch.Remove, Strict: &v.Seq, Must: func(view merge.View, _ []merge.Grant) *merge.Reject { return alive(view) }}
	if _, err := s.Engine.Write(ctx, st.head.Scope, w); err != nil {
		return Record{}, err
	}
	return s.record(ctx, st, k)
}

// permits holds a write against the rights of a role by field.
//
// Errors: Forbidden "forbidden"; Invalid "unknown_field" or "invalid_value".
func (s *Service) permits(collection string, role merge.Role, ch RecordChange) error {
	c, ok := s.Engine.Schema.Collection(collection)
	if !ok {
		return notFound()
	}
	r := c.Permits(ch.Set, ch.Add, ch.Remove, role)
	switch {
	case r == nil:
		return nil
	case r.Code == "forbidden":
		return &fault.Error{Kind: fault.Forbidden, Code: r.Code, Field: r.Field, Text: "not the caller's to write"}
	}
	return &fault.Error{Kind: fault.Invalid, Code: r.Code, Field: r.Field, Text: "not what the catalogue allows"}
}

// tagged reads the live records of a scope that carry one of the tags.
func (s *Service) tagged(ctx context.Context, scope string, tags ...string) (out []merge.Row, err error) {
	got, err := s.Engine.Store.Load(ctx, scope, store.Want{Tags: tags})
	if err != nil {
		return nil, fmt.Errorf("load records: %w", err)
	}
	for i := range got.Records {
		if got.Records[i].Deleted {
			continue
		}
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}
