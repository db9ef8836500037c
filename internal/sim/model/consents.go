package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// word is one word of a person about a purpose: "agree" or "withdraw".
func word(answer, purpose string) Move {
	return Move{Name: answer + " " + purpose, Make: operation("consent", "user_id", func(*Screen) map[string]merge.Value {
		return map[string]merge.Value{"purpose": merge.Str(purpose), "granted": merge.Flag(answer == "agree"), "text_version": merge.Str("2022-04-01")}
	})}
}

// Consents gives the games of what a person agrees to. All three phones are that
// person's.
func Consents(schema *merge.Schema) []*Game {
	games := []*Game{
		{Name: "consent, one purpose", Moves: []Move{word("agree", "publicity"), word("withdraw", "publicity")}},
		{Name: "consent, two purposes", Moves: []Move{word("agree", "publicity"), word("withdraw", "publicity"), word("withdraw", "curation")}},
		{Name: "consent, restored", Few: map[string][]int{"agree publicity": {0}, "withdraw publicity": {2}}, Moves: by([]Move{word("agree", "publicity"), word("withdraw", "publicity")}, []int{0, 1}, []int{2}), Restores: true, Alike: [Phones]int{0, 0, 1}},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Parent = schema, merge.UserScope(record()), "user"
		g.Loss, g.Law, g.Show = Kept, both(Taken, asked), showMachine("user", "consent")
		for p := range Phones {
			g.Access[p] = merge.Grant{ID: strconv.Itoa(p), User: record(), Role: merge.Self}
		}
		g.Start = startUser
	}
	return games
}

// startUser is the profile, which the server makes.
func startUser(s *mergetest.Scope) {
	s.Self = record()
	out := s.Commit(s.Time, []*merge.Part{{Author: "system", Writes: []merge.ServerWrite{{Name: "start", Author: "system", Role: merge.System,
		Collection: "user", ID: record(), Op: merge.Put, Set: map[string]merge.Value{"status": merge.Str("active")}, Create: true}}}})
	if a := out.Answers[0][0][0]; a.Outcome != merge.Applied {
		panic(fmt.Sprintf("model: the profile of a game is refused: %+v", a))
	}
}

// asked says that of each purpose the last word holds; of a yes and a no that did
// not see each other the no.
func asked(h *History) string {
	profile := h.Scope.Row("user", record())
	for _, purpose := range []string{"publicity", "curation"} {
		words := h.made("agree "+purpose, "withdraw "+purpose)
		last := h.unseen(words, words)
		no := slices.ContainsFunc(last, func(l int) bool { return strings.HasPrefix(h.Game.Moves[h.Edits[l].Move].Name, "withdraw") })
		if got, want := domain.Consented(profile, purpose), len(last) > 0 && !no; got != want {
			return fmt.Sprintf("%s: consented %t, want %t by edits %v", purpose, got, want, last)
		}
	}
	return ""
}
