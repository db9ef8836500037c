package api

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// noting is what a call says about itself to the audit trail.
type noting struct {
	trail *programme.Trail // nil: there is none
	role  string           // in which the caller acts; empty: as anybody may
	saw   []string         // ids that the answer tells of, beside those of the path
}

// saw notes whom an answer tells of.
func (x *call) saw(ids ...string) {
	for _, of := range ids {
		if of != "" {
			x.note.saw = append(x.note.saw, of)
		}
	}
}

// named notes whom a body names, before anything is done: what is about to change says of
// whom. What is not an id of ours is nobody's, and may be anything.
func (x *call) named(ids ...string) {
	for _, of := range ids {
		if id.Valid(of) {
			x.saw(of)
		}
	}
}

// sawIn notes whose a scope is, such as the business of "business/<id>".
func (x *call) sawIn(scope string) { x.named(strings.Split(scope, "/")...) }

// Acts hears from the use case that the caller is here as an admin or a mentor, before
// anything is done. What is about to change is written down first; it keeps the promise of
// programme.Witness.
func (x *call) Acts(ctx context.Context, role string) error {
	if x.note.role != "" {
		return nil // it was said before
	}
	x.note.role = role
	if x.reads() {
		return nil
	}
	return x.note.trail.Change(ctx, x.entry(domain.AuditChange))
}

// reads reports whether a request changes nothing.
func (x *call) reads() bool {
	return x.Method() == fiber.MethodGet || strings.HasSuffix(x.route, "/check")
}

// entry is what the trail keeps of the call.
func (x *call) entry(what string) programme.AuditEntry {
	e := programme.AuditEntry{What: what, Actor: x.who.User, Session: x.who.Session, Role: x.note.role, Route: x.Method() + " " + x.route, Request: x.id}
	for _, hole := range holes.FindAllStringSubmatch(x.route, -1) {
		value := x.Params(hole[1])
		if !id.Valid(value) {
			continue // not an id of ours, so of nobody
		}
		switch hole[1] {
		case "business":
			e.Scope = domain.ScopeBusiness + "/" + value
		case "programme":
			e.Scope = domain.DecisionScope(value)
		}
		e.Subjects = append(e.Subjects, value)
	}
	once := map[string]bool{}
	e.Subjects = slices.DeleteFunc(append(e.Subjects, x.note.saw...), func(of string) bool {
		again := once[of]
		once[of] = true
		return again
	})
	if x.reads() {
		e.Fields = x.class()
		if asked := x.Query("subject"); id.Valid(asked) {
			e.Subjects = append(e.Subjects, asked)
		}
	} else {
		e.Fields = namesIn(x.Request().Body())
	}
	return e
}

var (
	holes = regexp.MustCompile(`\{(\w+)\}`)
	plain = regexp.MustCompile(`^[a-z][a-z0-9_]{0,59}$`)
)

// class is what kind of data a route tells: the last word of its path, and the collection
// of a record.
func (x *call) class() []string {
	words := slices.DeleteFunc(strings.Split(strings.TrimPrefix(x.route, "/v1/"), "/"), func(w string) bool { return strings.HasPrefix(w, "{") })
	out := words[max(0, len(words)-1):]
	if c := x.Params("collection"); plain.MatchString(c) {
		out = append(out, c)
	}
	return out
}

// namesIn lists the names of the fields that a body writes, down to those inside "set" and
// its like. What is no plain name may be somebody's data, and is left out.
func namesIn(body []byte) []string {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return nil // a table, or nothing
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if !plain.MatchString(name) {
			continue
		}
		var inner map[string]json.RawMessage
		if json.Unmarshal(top[name], &inner) != nil || len(inner) == 0 {
			out = append(out, name)
			continue
		}
		for _, n := range slices.Sorted(maps.Keys(inner)) {
			if both := name + "." + n; plain.MatchString(n) && len(both) <= 60 {
				out = append(out, both)
			}
		}
	}
	return out
}

// noted tells the trail what became of a call. What was read, and cannot be noted, is not
// told.
func (s *Server) noted(x *call, err error) error {
	if x.note.trail == nil {
		return err
	}
	if err == nil && x.GetRespHeader("Idempotent-Replayed") != "" {
		return s.toldAgain(x)
	}
	if x.note.role == "" {
		return err
	}
	if x.reads() {
		if err == nil {
			err = x.note.trail.Read(x.ctx, x.entry(domain.AuditRead))
		}
		return err
	}
	e := x.entry(domain.AuditResult)
	e.Fields = nil // the change has them
	if e.Status = x.Response().StatusCode(); err != nil {
		f := asFault(err)
		e.Status, e.Reason = statusFor(f), f.Code
	}
	x.note.trail.Note(x.ctx, e)
	return err
}

// toldAgain notes that somebody with a role was told again what a request of theirs had been
// answered: no use case was asked, so the role is that of the token.
func (s *Server) toldAgain(x *call) error {
	for _, role := range []string{auth.RoleAdmin, auth.RoleRegional, auth.RoleMentor} {
		if x.who.Has(role) && (role == auth.RoleMentor || x.who.Proved()) {
			x.note.role = role
			e := x.entry(domain.AuditRead)
			e.Fields = x.class()
			return x.note.trail.Read(x.ctx, e)
		}
	}
	return nil
}

// notePull notes which businesses the phone of a mentor was sent rows of.
func (s *Server) notePull(x *call, resp *protocol.Response) {
	if x.note.trail == nil || !x.who.Has(auth.RoleMentor) || len(resp.Changes) == 0 {
		return
	}
	var scopes []string
	for scope := range resp.Scopes {
		if ofBusinesses(scope) {
			scopes = append(scopes, scope)
		}
	}
	slices.Sort(scopes)
	e := x.entry(domain.AuditPulled)
	e.Role, e.Fields = auth.RoleMentor, []string{"sync"}
	x.note.trail.Pulled(x.ctx, e, scopes)
}

// noteRefused notes that a phone sent edits into a scope that is not its person's.
func (s *Server) noteRefused(x *call, resp *protocol.Response) {
	i := slices.IndexFunc(resp.Verdicts, func(v protocol.Verdict) bool {
		return v.Verdict == merge.Rejected && v.Code == "not_found" && !v.Repeated
	})
	if x.note.trail == nil || i < 0 {
		return
	}
	e := x.entry(domain.AuditEvent)
	e.Fields = []string{"sync"}
	kind, of, _ := strings.Cut(resp.Verdicts[i].Scope, "/")
	for part := range strings.SplitSeq(of, "/") {
		if !id.Valid(part) {
			kind = "" // not a scope of ours: it may be anything
		}
		e.Subjects = append(e.Subjects, part)
	}
	if e.Scope = kind + "/" + of; !plain.MatchString(kind) {
		e.Scope, e.Subjects = "", nil
	}
	x.note.trail.Refused(x.ctx, e)
}
