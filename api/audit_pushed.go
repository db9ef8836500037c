package api

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// ofBusinesses reports whether a scope is one of a business that its mentors are let into.
func ofBusinesses(scope string) bool {
	kind := merge.ScopeKind(scope)
	return kind == domain.ScopeBusiness || kind == domain.ScopeMentoring
}

// edit names a mutation of a phone.
type edit struct {
	incarnation string
	n           uint64
}

// notePush notes what the phone of a mentor changed in which businesses: one entry for a scope.
// What was refused changed nothing, and what was answered before is noted since then.
func (s *Server) notePush(x *call, req protocol.Request, resp *protocol.Response) {
	if x.note.trail == nil || !x.who.Has(auth.RoleMentor) || len(resp.Verdicts) == 0 {
		return
	}
	by, accepted := map[string]programme.Pushed{}, map[string]map[edit]bool{}
	for _, v := range resp.Verdicts {
		if !v.Verdict.Final() || v.Verdict == merge.Rejected || v.Repeated || !ofBusinesses(v.Scope) {
			continue
		}
		p, there := by[v.Scope]
		if !there {
			p, accepted[v.Scope] = programme.Pushed{Device: v.Device, First: v.Seq}, map[edit]bool{}
		}
		p.Edits, p.First, p.Last = p.Edits+1, min(p.First, v.Seq), max(p.Last, v.Seq)
		by[v.Scope], accepted[v.Scope][edit{v.Incarnation, v.N}] = p, true
	}
	for _, scope := range slices.Sorted(maps.Keys(by)) {
		e := x.entry(domain.AuditPushed)
		e.Role, e.Fields = auth.RoleMentor, collectionsOf(req, scope, accepted[scope])
		x.note.trail.Changed(x.ctx, e, scope, by[scope])
	}
}

// collectionsOf lists of what the accepted edits of a scope are, sorted.
func collectionsOf(req protocol.Request, scope string, accepted map[edit]bool) []string {
	names := map[string]bool{}
	for _, part := range req.Push {
		if part.Scope != scope {
			continue
		}
		for _, raw := range part.Mutations {
			var m struct {
				N          uint64 `json:"n"`
				Collection string `json:"collection"`
			}
			if json.Unmarshal(raw, &m) == nil && accepted[edit{part.Incarnation, m.N}] && plain.MatchString(m.Collection) {
				names[m.Collection] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
