package merge

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// story is a set of writes of one slot, each with what its author had seen:
// always with everything that those authors had seen.
type story struct {
	field  *Field
	writes []Head
	seen   []map[*Write]bool
}

func policies() []*Field {
	return []*Field{{Name: "latest", Policy: Latest}, {Name: "authority", Policy: Authority, Ranks: Rank("mentor > owner = staff")}, {Name: "set", Policy: Set},
		{Name: "earliest", Policy: Earliest}, {Name: "latest-of", Policy: LatestOf}}
}

func drawStory(t *rapid.T) *story {
	s := &story{field: rapid.SampledFrom(policies()).Draw(t, "policy")}
	n := rapid.IntRange(1, 7).Draw(t, "writes")
	for i := range n {
		v := Str(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "value"))
		switch s.field.Policy {
		case Set:
			v = Flag(rapid.Bool().Draw(t, "present"))
		case Earliest, LatestOf:
			v = Num(rapid.IntRange(1, 4).Draw(t, "number"))
		}
		w := &Write{Mutation: "m" + strconv.Itoa(i), Role: rapid.SampledFrom([]Role{Owner, Staff, Mentor}).Draw(t, "role"), Seq: Seq(i + 1),
			Stamp: Millis(rapid.IntRange(1, 3).Draw(t, "stamp"))}
		seen := map[*Write]bool{}
		for j := range i {
			if rapid.Bool().Draw(t, "saw") {
				seen[s.writes[j].Write] = true
				for o := range s.seen[j] {
					seen[o] = true
				}
			}
		}
		s.writes, s.seen = append(s.writes, Head{w, v}), append(s.seen, seen)
	}
	return s
}

// play applies the writes in an order in which what was seen comes first.
func (s *story) play(order []int) (heads []Head) {
	for _, i := range order {
		heads, _ = place(s.field, heads, s.writes[i], func(w *Write) bool { return s.seen[i][w] })
	}
	return heads
}

// shuffled draws an order in which everything that was seen comes before who saw
// it.
func (s *story) shuffled(t *rapid.T) []int {
	var order []int
	for len(order) < len(s.writes) {
		var ready []int
		for i := range s.writes {
			if slices.Contains(order, i) {
				continue
			}
			ok := true
			for j := range s.writes {
				ok = ok && (!s.seen[i][s.writes[j].Write] || slices.Contains(order, j))
			}
			if ok {
				ready = append(ready, i)
			}
		}
		order = append(order, rapid.SampledFrom(ready).Draw(t, "next"))
	}
	return order
}

func show(heads []Head) string {
	var out []string
	for _, h := range heads {
		out = append(out, fmt.Sprintf("%s=%s", h.Write.Mutation, h.Value))
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		a, b := s.play(s.shuffled(t)), s.play(s.shuffled(t))
		if show(a) != show(b) {
			t.Fatalf("%s: heads %s or %s", s.field.Name, show(a), show(b))
		}
		x, _ := winner(s.field, a)
		y, _ := winner(s.field, b)
		if !bytes.Equal(x.Value, y.Value) {
			t.Fatalf("%s: value %s or %s", s.field.Name, x.Value, y.Value)
		}
	})
}

func TestHeadsOutOfOrderHaveOneWinner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		heads := s.play(s.shuffled(t))
		x, _ := winner(s.field, heads)
		y, _ := winner(s.field, rapid.Permutation(heads).Draw(t, "heads"))
		if x.Write != y.Write {
			t.Fatalf("%s: %s or %s wins", s.field.Name, x.Write.Mutation, y.Write.Mutation)
		}
	})
}

// TestNoWriteIsSilentlyLost: every write is a head, or somebody who had seen it
// wrote; a register keeps its extremum and no head that is not.
func TestNoWriteIsSilentlyLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		heads := s.play(s.shuffled(t))
		win, ok := winner(s.field, heads)
		if !ok {
			t.Fatal("no value")
		}
		for _, w := range s.writes {
			head := slices.ContainsFunc(heads, func(h Head) bool { return h.Write == w.Write })
			replaced := slices.ContainsFunc(s.seen, func(seen map[*Write]bool) bool { return seen[w.Write] })
			if register := s.field.Policy == Earliest || s.field.Policy == LatestOf; register {
				if better := compareValues(w.Value, win.Value); s.field.Policy == Earliest && better < 0 || s.field.Policy == LatestOf && better > 0 {
					t.Fatalf("%s: %s was written and %s is the value", s.field.Name, w.Value, win.Value)
				}
				continue
			}
			if head == replaced {
				t.Fatalf("%s: %s is a head: %t, was replaced: %t", s.field.Name, w.Write.Mutation, head, replaced)
			}
		}
	})
}

func TestOnceKeepsTheFirst(t *testing.T) {
	f := &Field{Policy: Once}
	first := Head{&Write{Mutation: "a"}, Str("x")}
	heads, kept := place(f, nil, first, func(*Write) bool { return false })
	if !kept || len(heads) != 1 {
		t.Fatalf("%s, %t", show(heads), kept)
	}
	for value, want := range map[string]bool{"x": true, " x ": true, "y": false} {
		after, kept := place(f, heads, Head{&Write{Mutation: "b"}, Str(value)}, func(*Write) bool { return false })
		if kept != want || show(after) != show(heads) {
			t.Errorf("%q: %s, kept %t", value, show(after), kept)
		}
	}
}

func TestLiveness(t *testing.T) {
	dead, living := Head{&Write{Mutation: "a", Stamp: 2}, Flag(false)}, Head{&Write{Mutation: "b", Stamp: 1}, Flag(true)}
	for policy, want := range map[DeletePolicy]string{Keep: "true", DeleteWins: "false"} {
		if win, ok := aliveWinner(policy, []Head{dead, living}); !ok || string(win.Value) != want {
			t.Errorf("%v: %s", policy, win.Value)
		}
	}
	if _, ok := aliveWinner(Keep, nil); ok {
		t.Error("nobody wrote and somebody won")
	}
	if _, ok := winner(&Field{}, nil); ok {
		t.Error("nobody wrote and somebody won")
	}
}

func TestForkPoint(t *testing.T) {
	g := func(n uint32) Generation { return Generation{Count: n, Nonce: "x"} }
	in := &Input{Forks: []Fork{{g(1), 10, 0}, {g(2), 7, 0}, {g(3), 20, 0}}}
	for _, tt := range []struct {
		name string
		g    Generation
		want Seq
	}{
		{"what the second restore took is not shared any more", g(1), 7},
		{"the second", g(2), 7},
		{"the third", g(3), 20},
		{"a generation nobody knows", g(9), 0},
		{"another nonce", Generation{Count: 1, Nonce: "y"}, 0},
	} {
		if got := in.forkPoint(tt.g); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
