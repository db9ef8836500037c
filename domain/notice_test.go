package domain_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// of gives what one commit tells a person, by type, with the parameters.
func of(effects []merge.Effect, user string) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, e := range effects {
		if e.Collection != "inbox" || e.Scope != merge.UserScope(user) {
			continue
		}
		var params map[string]any
		if v := e.Set["params"]; v != nil && json.Unmarshal(v, &params) != nil {
			params = nil
		}
		out[merge.AsString(e.Set["type"])] = params
	}
	return out
}

// TestTasksOfOneCommitAreOneItem, in whatever order they come.
func TestTasksOfOneCommitAreOneItem(t *testing.T) {
	dates := []string{"2022-06-20", "2022-06-17", ""} // in the order in which they come
	permutations(3, func(order []int) {
		s := newScene(t)
		before := len(s.Effects)
		var items []merge.Item
		for n, i := range order {
			name := letter(i)
			set := texts("title", "Tugas "+name, "origin", domain.OriginMentor)
			if dates[n] != "" {
				set["due_on"] = merge.Str(dates[n])
			}
			items = append(items, s.make(s.mentor, "task", key(name), set))
		}
		for _, a := range s.send(s.mentor, items...) {
			s.must(a)
		}
		told := inboxes(s.Effects[before:])
		if want := map[string]int{"N10 " + s.owner.User: 1}; !maps.Equal(told, want) {
			t.Errorf("order %v: told %v, want %v", order, told, want)
		}
		says := of(s.Effects[before:], s.owner.User)["N10"]
		if want := map[string]any{"n": 3.0, "due": "2022-06-17"}; !maps.Equal(says, want) {
			t.Errorf("order %v: says %v, want %v", order, says, want)
		}
	})
}

// TestAnAssigneeIsCountedTheOwnTasks: who is told of fewer tasks reads of fewer.
func TestAnAssigneeIsCountedTheOwnTasks(t *testing.T) {
	s := newScene(t)
	before := len(s.Effects)
	first := s.make(s.mentor, "task", key("a"), texts("title", "Label", "origin", domain.OriginMentor))
	second := s.make(s.mentor, "task", key("b"), texts("title", "Foto", "origin", domain.OriginMentor, "assignee_id", s.staff.User))
	for _, a := range s.send(s.mentor, first, second) {
		s.must(a)
	}
	owner, staff := of(s.Effects[before:], s.owner.User)["N10"], of(s.Effects[before:], s.staff.User)["N10"]
	if owner["n"] != 2.0 || staff["n"] != 1.0 || staff["task"] != "Foto" {
		t.Errorf("owner %v, staff %v", owner, staff)
	}
}

func TestAMentorsWindowIsToldOf(t *testing.T) {
	const ahead = 10 * oneDay // 2022-04-12
	day := func(at merge.Millis) string { return string(domain.BusinessDay(at.Time(), domain.WIB)) }
	window := func(who string, from merge.Millis) map[string]merge.Value {
		return map[string]merge.Value{"mentor_id": merge.Str(key(who)), "name": merge.Str("Pak " + who), "from_at": from.Value()}
	}
	ends := func(at merge.Millis) map[string]merge.Value { return map[string]merge.Value{"to_at": at.Value()} }
	tests := []struct {
		name   string
		writes map[string]map[string]merge.Value // window → fields
		want   map[string]map[string]any         // type and person → parameters
	}{
		{"one that begins now", map[string]map[string]merge.Value{"new": window("new", start)}, map[string]map[string]any{
			"N09 owner": {"mentor": "Pak new", "from": day(start)}, "mentoring_begins new": {"business": "Rafins Snack", "from": day(start)}}},
		{"one that begins later", map[string]map[string]merge.Value{"new": window("new", start+ahead)}, map[string]map[string]any{
			"N09 owner": {"mentor": "Pak new", "from": "2022-04-12"}, "mentoring_begins new": {"business": "Rafins Snack", "from": "2022-04-12"}}},
		{"a hand-over", map[string]map[string]merge.Value{"window mentor": ends(start), "new": window("new", start)}, map[string]map[string]any{
			"N09 owner": {"mentor": "Pak new", "from": day(start)}, "mentoring_begins new": {"business": "Rafins Snack", "from": day(start)}, "mentoring_ends mentor": {"business": "Rafins Snack"}, "N35 mentor": {"business": "Rafins Snack"}}},
		{"an end", map[string]map[string]merge.Value{"window mentor": ends(start)}, map[string]map[string]any{
			"mentor_left owner": {"until": day(start)}, "mentoring_ends mentor": {"business": "Rafins Snack"}, "N35 mentor": {"business": "Rafins Snack"}}},
		{"an end to come", map[string]map[string]merge.Value{"window mentor": ends(start + ahead)}, map[string]map[string]any{
			"mentor_left owner": {"until": "2022-04-12"}, "mentoring_ends mentor": {"business": "Rafins Snack", "until": "2022-04-12"}}},
		{"one that is over already", map[string]map[string]merge.Value{"new": with(window("new", start-oneDay), ends(start-1))}, nil},
		{"a word about the lead", map[string]map[string]merge.Value{"window mentor": {"lead": merge.Flag(true)}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			before := len(s.Effects)
			part := &merge.Part{}
			for _, name := range slices.Sorted(maps.Keys(tt.writes)) {
				record := key(name)
				part.Writes = append(part.Writes, merge.ServerWrite{Name: "rest." + name, Role: merge.Admin, Author: s.admin, Collection: "assignment", ID: record, Op: merge.Put,
					Set: tt.writes[name], Create: s.Records[merge.Key{Collection: "assignment", ID: record}] == nil})
			}
			for _, a := range s.Commit(s.tick(), []*merge.Part{part}).Answers[0][0] {
				s.must(a)
			}
			got := map[string]map[string]any{}
			for _, person := range []string{"owner", "staff", "mentor", "mentor b", "new"} {
				for kind, params := range of(s.Effects[before:], key(person)) {
					got[kind+" "+person] = params
				}
			}
			if !maps.EqualFunc(got, tt.want, maps.Equal[map[string]any]) {
				t.Errorf("told %v, want %v", got, tt.want)
			}
			for _, e := range s.Effects[before:] {
				if kind := merge.AsString(e.Set["type"]); (kind == domain.NoticeMentoringEnds || kind == domain.NoticeAccessEnded) && (e.Set["scope"] != nil || e.Set["object"] != nil) {
					t.Errorf("the old mentor is told more than the name: %v", e.Set)
				}
			}
		})
	}
}

// TestHundredsOfRefusalsAreOneItem: those that one commit refuses, in whatever
// order and however often their records arrive.
func TestHundredsOfRefusalsAreOneItem(t *testing.T) {
	user := key("owner")
	box := mergetest.New(domain.MustCatalogue(), merge.UserScope(user))
	at := start
	refuse := func(name string, when merge.Millis, scope string) {
		qid := id.Derive("quarantine", name)
		at += 1000
		box.Commit(at, []*merge.Part{{Writes: []merge.ServerWrite{{Name: "effect." + qid, Role: merge.System, Collection: "quarantine", ID: qid, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"scope": merge.Str(scope), "code": merge.Str("forbidden"), "refused_at": when.Value()}}}}})
	}
	items := func() (found []merge.Row) {
		for k, r := range box.Records {
			if k.Collection == "inbox" && r != nil {
				found = append(found, r.Row)
			}
		}
		return found
	}
	for range 2 { // twice
		for n := range 200 {
			refuse(string(merge.Num(n)), start, "business/"+key("b"))
		}
	}
	first := items()
	if len(first) != 1 {
		t.Fatalf("%d items, want 1", len(first))
	}
	checkItem(t, first[0].Fields)
	s := domain.NoticeText(first[0], domain.WIB, message.ID)
	if want := "Ditinjau server pada Sabtu, 2 April 2022 pukul 08.00 WIB. Isinya tetap tersimpan dan alasannya dapat Anda baca."; s.Detail != want {
		t.Errorf("%q", s.Detail)
	}
	refuse("later", start+oneDay, "business/"+key("b"))
	refuse("elsewhere", start+oneDay, "x"+string(make([]byte, 200)))
	if n := len(items()); n != 3 {
		t.Errorf("%d items, want 3", n)
	}
}
