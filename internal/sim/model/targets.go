package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// aim makes an edit of the target.
func aim(name string, who []int, set func(v *Screen) map[string]merge.Value) Move {
	return Move{Name: name, Who: who, Make: func(v *Screen) merge.Mutation {
		return merge.Mutation{Collection: "target", ID: record(), Base: v.Base, Set: set(v)}
	}}
}

func always(field string, v merge.Value) func(*Screen) map[string]merge.Value {
	return func(*Screen) map[string]merge.Value { return map[string]merge.Value{field: v} }
}

// reach is an own value of every edit.
func reach(v *Screen) map[string]merge.Value {
	return map[string]merge.Value{"value": merge.Num(1000 + v.Label)}
}

// Targets gives the games of a sales target: an owner's proposal, and what a
// mentor set, which an owner only reads.
func Targets(schema *merge.Schema) []*Game {
	hers := []int{host}
	mentors := []int{lead, second}
	agree, decline := aim("agree", mentors, always("agreed_value", merge.Num(900))), aim("decline", mentors, always("agreed_value", merge.Num(0)))
	drop, resume := aim("drop", hers, always("dropped", merge.Flag(true))), aim("take up again", hers, always("dropped", merge.Flag(false)))
	games := []*Game{
		{Name: "target, proposed", Moves: []Move{aim("value", hers, reach), aim("mentor's value", mentors, reach), agree, decline}, Law: both(Taken, aimed), Start: startTarget("u1", domain.OriginOwnerRequest)},
		{Name: "target, dropped", Moves: []Move{agree, drop, resume, aim("mentor drops", mentors, always("dropped", merge.Flag(true)))}, Law: both(Taken, aimed), Start: startTarget("u1", domain.OriginOwnerRequest)},
		{Name: "target, a mentor's", Moves: []Move{aim("mentor's value", mentors, reach), aim("value", hers, reach), drop}, Law: both(onlyRead, aimed), Start: startTarget("u2", domain.OriginMentor)},
		{Name: "target, restored", Moves: []Move{aim("value", hers, reach), aim("mentor's value", mentors, reach)}, Law: both(Taken, aimed), Start: startTarget("u1", domain.OriginOwnerRequest), Restores: true},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.About, g.Alike = schema, "business/"+id.Derive("business"), "target", [Phones]int{0, 1, 1}
		g.Access = [Phones]merge.Grant{{ID: "1", User: "u1", Role: merge.Owner}, {ID: "2", User: "u2", Role: merge.Mentor}, {ID: "3", User: "u3", Role: merge.Mentor}}
		g.Show = showTarget
	}
	return games
}

func startTarget(author, origin string) func(*mergetest.Scope) {
	return func(s *mergetest.Scope) {
		create(s, author, "target", map[string]merge.Value{"origin": merge.Str(origin), "period": merge.Str("month"), "month": merge.Str("2022-04"),
			"metric": merge.Str(domain.MetricTotal), "value": merge.Num(900)})
	}
}

// showTarget is the row, without what tells of the server's clock or of a restore.
func showTarget(s *mergetest.Scope) string {
	var b strings.Builder
	r := s.Row("target", record())
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if name != "received_at" && name != "review" {
			fmt.Fprintf(&b, "%s=%s ", name, r.Fields[name])
		}
	}
	return b.String()
}

// aimed says that a number of the owner's stands against a mentor's only if she
// had seen it, and that the state says what the answers come to.
func aimed(h *History) string {
	r := h.Scope.Row("target", record())
	words := h.made("mentor's value")
	if words = h.unseen(words, append(h.made("value"), words...)); len(words) > 0 && !slices.ContainsFunc(words, func(l int) bool { return r.Int("value") == int64(1000+l) }) {
		return fmt.Sprintf("mentors wrote in edits %v, and the value is %d", words, r.Int("value"))
	}
	want := "active"
	switch {
	case string(r.Fields["dropped"]) == "true":
		want = "dropped"
	case r.Text("origin") == domain.OriginMentor:
	case string(r.Fields["agreed_value"]) == "0":
		want = "declined"
	case string(r.Fields["agreed_value"]) != string(r.Fields["value"]):
		want = "proposed" // nobody agreed to this number
	}
	if answers := h.made("agree", "decline"); len(answers) > 0 && r.Fields["agreed_value"] == nil {
		return fmt.Sprintf("mentors answered in edits %v, and there is no answer", answers)
	}
	if got := r.Text("state"); got != want {
		return fmt.Sprintf("the target is %s, want %s", got, want)
	}
	return ""
}

// onlyRead says that an owner changes nothing of what a mentor set, and that
// nothing else is refused.
func onlyRead(h *History) string {
	for l := range h.Edits {
		e, code := &h.Edits[l], ""
		if e.Phone == host {
			code = "forbidden"
		}
		if e.Code != code {
			return fmt.Sprintf("edit %d: %q, want %q", l, e.Code, code)
		}
	}
	return ""
}
