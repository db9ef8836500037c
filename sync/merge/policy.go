package merge

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// later orders heads by (stamp, mutation).
func later(a, b Head) int {
	return cmp.Or(cmp.Compare(a.Write.Stamp, b.Write.Stamp), strings.Compare(a.Write.Mutation, b.Write.Mutation))
}

// winner picks the head whose value is the value of the slot. It is a function
// of the heads alone. ok is false for no heads.
func winner(f *Field, heads []Head) (win Head, ok bool) {
	switch len(heads) {
	case 0:
		return Head{}, false
	case 1:
		return heads[0], true
	}
	order := later
	switch f.Policy {
	case Authority:
		order = func(a, b Head) int {
			return cmp.Or(cmp.Compare(f.Ranks[a.Write.Role], f.Ranks[b.Write.Role]), later(a, b))
		}
	case Once:
		return heads[0], true
	case Set: // an add that nobody removed
		order = func(a, b Head) int { return cmp.Or(boolOrder(a.Value, b.Value), later(a, b)) }
	case Earliest:
		order = func(a, b Head) int { return cmp.Or(-compareValues(a.Value, b.Value), -later(a, b)) }
	case LatestOf:
		order = func(a, b Head) int { return cmp.Or(compareValues(a.Value, b.Value), -later(a, b)) }
	}
	return slices.MaxFunc(heads, order), true
}

// boolOrder puts false before true.
func boolOrder(a, b Value) int {
	return cmp.Compare(string(a), string(b)) // "false" < "true"
}

// compareValues orders two numbers, or two dates or instants, of a monotone
// register. A cleared value is further from the extremum than any other.
func compareValues(a, b Value) int {
	if len(a) > 0 && a[0] == '"' {
		return bytes.Compare(a, b)
	}
	return cmp.Compare(AsInt(a), AsInt(b))
}

// aliveField is the policy of a record's own liveness: with Keep an edit that no
// delete had seen holds the record alive, with DeleteWins a delete that no edit
// had seen holds it dead.
func aliveWinner(d DeletePolicy, heads []Head) (win Head, ok bool) {
	if len(heads) == 0 {
		return Head{}, false
	}
	order := func(a, b Head) int { return cmp.Or(boolOrder(a.Value, b.Value), later(a, b)) }
	if d == DeleteWins {
		order = func(a, b Head) int { return cmp.Or(-boolOrder(a.Value, b.Value), later(a, b)) }
	}
	return slices.MaxFunc(heads, order), true
}

// place puts one write into the heads of a slot. covered says what the writer
// had seen. kept is false if the write left no head: it lost for good.
func place(f *Field, heads []Head, h Head, covered func(*Write) bool) (out []Head, kept bool) {
	switch f.Policy {
	case Once:
		if len(heads) > 0 {
			return heads, sameText(heads[0].Value, h.Value)
		}
		return []Head{h}, true
	case Earliest, LatestOf:
		// A register keeps its extremum only: it is the same whatever order the
		// writes came in, seen or not. Equal extrema stay side by side, because
		// who sees one of them has not seen the other.
		all := append(slices.Clone(heads), h)
		win, _ := winner(f, all)
		for _, w := range all {
			if bytes.Equal(w.Value, win.Value) && (w.Write == h.Write || !bytes.Equal(w.Value, h.Value) || !covered(w.Write)) {
				out = append(out, w)
			}
		}
		slices.SortFunc(out, later)
		return out, bytes.Equal(h.Value, win.Value)
	}
	out = make([]Head, 0, 1+len(heads))
	for _, old := range heads {
		if !covered(old.Write) {
			out = append(out, old)
		}
	}
	out = append(out, h)
	slices.SortFunc(out, later)
	return out, true
}
