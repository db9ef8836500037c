package programme

import (
	"context"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Operation is something that an admin, or a mentor, does to a record on the
// server's own copy: what needs a connection, and everything else that the table
// of its machine allows them.
type Operation struct {
	Collection string // such as "task_event"
	Parent     string // id of the record
	Set        map[string]merge.Value
	// Along are fields of the record itself that are written in the same commit,
	// such as a new due date.
	Along map[string]merge.Value
	// Beside are writes of the server's own in the same commit.
	Beside []merge.ServerWrite
}

// Outcome is what became of an operation.
type Outcome struct {
	ID      string // of the operation
	Outcome string // effective, absorbed, proposed or superseded
	Record  Record
	In      string // business
}

// Operate carries out an operation on a record that the caller saw at version v,
// as one commit. The same request again changes nothing.
//
// Errors: NotFound, Forbidden; Stale "stale_version" if somebody operated on the
// record since; Conflict if its state forbids it; Invalid with the field.
func (s *Service) Operate(ctx context.Context, who Caller, business string, v Version, o Operation) (Outcome, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Outcome{}, err
	}
	role := merge.Mentor
	switch {
	case st.admin:
		role = merge.Admin
	case !st.is(merge.Mentor):
		return Outcome{}, st.forbidden()
	}
	c, ok := s.Engine.Schema.Collection(o.Collection)
	if !ok || c.Parent == "" {
		return Outcome{}, notFound()
	}
	parent := merge.Key{Collection: c.Parent, ID: o.Parent}
	before, err := s.record(ctx, st, parent)
	if err == nil {
		err = st.current(v)
	}
	if err != nil {
		return Outcome{}, err
	}
	set := maps.Clone(o.Set)
	set[c.ParentField] = merge.Str(o.Parent)
	o.Set, o.Along = set, along(o, before)
	key := merge.Key{Collection: o.Collection, ID: id.Derive(o.Collection, business, o.Parent, who.Name)}
	if err := s.wellFormed(c, role, o); err != nil {
		return Outcome{}, err
	}
	if _, err := s.Engine.Write(ctx, st.head.Scope, s.operation(who, role, v, key, parent, o)...); err != nil {
		return Outcome{}, err
	}
	return s.outcome(ctx, st, key, parent)
}

// along adds what an operation writes into its record by itself: an admin who
// confirms an issue pins the certificate that was on the screen, so that nothing
// a mentor wrote without knowing of it takes its place.
func along(o Operation, r Record) map[string]merge.Value {
	if o.Collection != "case_event" || merge.AsString(o.Set["op"]) != "confirm_issue" || o.Along["result"] != nil || r.Fields["certificate"] == nil {
		return o.Along
	}
	out := map[string]merge.Value{"result": r.Fields["certificate"]}
	maps.Copy(out, o.Along)
	return out
}

// wellFormed holds what a request says against the tables.
func (s *Service) wellFormed(c *merge.Collection, role merge.Role, o Operation) error {
	if err := s.permits(o.Collection, role, RecordChange{Set: o.Set}); err != nil {
		return err
	}
	for _, f := range c.Fields {
		if f.Required && f.Policy == merge.Once && f.Name != "seen" && merge.Null(o.Set[f.Name]) {
			return &fault.Error{Kind: fault.Invalid, Code: "required", Field: "set." + f.Name, Text: "missing"}
		}
	}
	return s.permits(c.Parent, role, RecordChange{Set: o.Along})
}

// operation is the commit: what goes along first, for the operation may fix it.
func (s *Service) operation(who Caller, role merge.Role, v Version, key, parent merge.Key, o Operation) []merge.ServerWrite {
	must := func(view merge.View, access []merge.Grant) *merge.Reject {
		if r := acts(view, access, who.User, role); r != nil {
			return r
		}
		if _, again := view.Row(key.Collection, key.ID); again {
			return nil
		}
		if slices.ContainsFunc(view.Operations(key.Collection, parent.ID), func(r merge.Row) bool { return r.Version > v.Seq }) {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	var out []merge.ServerWrite
	if len(o.Along) > 0 {
		out = append(out, merge.ServerWrite{Name: who.Name, Author: who.User, Role: role, Collection: parent.Collection, ID: parent.ID, Op: merge.Put,
			Set: o.Along, Strict: &v.Seq, Must: must})
	}
	out = append(out, merge.ServerWrite{Name: who.Name, Author: who.User, Role: role, Collection: key.Collection, ID: key.ID, Op: merge.Put,
		Create: true, Set: o.Set, Must: must})
	return append(out, o.Beside...)
}

// acts asks in the commit whether the caller still has the role, and the business
// still lives.
func acts(view merge.View, access []merge.Grant, user string, role merge.Role) *merge.Reject {
	if role == merge.Mentor && !slices.ContainsFunc(access, func(g merge.Grant) bool { return g.User == user && g.Role == role && g.Holds(view.Now()) }) {
		return &merge.Reject{Code: "forbidden"}
	}
	return alive(view)
}

func (s *Service) outcome(ctx context.Context, st standing, key, parent merge.Key) (Outcome, error) {
	op, err := s.record(ctx, st, key)
	if err != nil {
		return Outcome{}, err
	}
	r, err := s.record(ctx, st, parent)
	return Outcome{ID: op.ID, Outcome: op.Text("outcome"), Record: r, In: scopeTail(st.head.Scope)}, err
}
