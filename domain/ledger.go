package domain

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of a sales entry.
const (
	SaleRecorded = "recorded"
	SaleVerified = "verified"
	SaleRejected = "rejected"
	SaleVoid     = "void"
)

// Flags of a sales entry.
const (
	FlagNeedsReview   = "needs_review"          // people disagree
	FlagBackdated     = "backdated"             // written down late
	FlagRefundTooHigh = "refund_exceeds_amount" // the refunds add up to more than the amount
)

// Kinds of adjustments.
const (
	KindCorrect   = "correct"
	KindVoid      = "void"
	KindReinstate = "reinstate"
	KindRefund    = "refund"
	KindVerify    = "verify"
	KindReject    = "reject"
	KindConfirm   = "confirm" // an owner stands by what was written for them; no figure changes
)

func adjustmentKinds() []string {
	return []string{KindCorrect, KindVoid, KindReinstate, KindRefund, KindVerify, KindReject, KindConfirm}
}

// A sales entry has three groups of fields that are corrected as one.
type saleGroup struct {
	name    string
	members []saleMember
}

// saleMember is a field, and the one that shows it after its corrections.
type saleMember struct{ name, effective string }

// saleGroups are asked for several times at every sale.
var saleGroups = sync.OnceValue(func() []saleGroup {
	group := func(name string, members ...string) saleGroup {
		g := saleGroup{name: name}
		for _, m := range members {
			g.members = append(g.members, saleMember{m, "effective_" + m})
		}
		return g
	}
	return []saleGroup{group("money", "amount_idr", "discount_idr", "lines"), group("place", "channel", "marketplace", "exhibition_id", "sold_on"), group("payment", "payment")}
})

// adjustment is one operation on an entry, made ready for the replay.
type adjustment struct {
	row      merge.Row
	kind     string
	rank     int
	covers   map[string]bool
	groups   map[string]string // canonical value by group written
	proposed bool              // its author had seen a standing verification, or voids beside one
	standing bool              // verify, reject: nobody took it back
}

func (a *adjustment) saw(b *adjustment) bool        { return a.covers[b.row.ID] }
func (a *adjustment) concurrent(b *adjustment) bool { return a != b && !a.saw(b) && !b.saw(a) }

// ownerSide reports whether a was made by an owner or staff.
func (a *adjustment) ownerSide() bool { return a.rank == 1 }

// later orders writes of one value: rank, stamp, id.
func (a *adjustment) later(b *adjustment) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), merge.EarlierOperation(a.row, b.row))
}

// saleRank orders roles: admin, mentor, then owner and staff alike.
func saleRank(role string) int {
	switch merge.Role(role) {
	case merge.Admin, merge.System:
		return 3
	case merge.Mentor:
		return 2
	}
	return 1
}

// ledger is the replay of one entry.
type ledger struct {
	entry merge.Row
	all   []*adjustment // by (stamp, id)
	heads map[string][]*adjustment
	voids []*adjustment // counting and seen by no reinstate
}

// newLedger finds out which adjustments count. It is a function of the set of
// adjustments; their order does not matter.
func newLedger(entry merge.Row, rows []merge.Row) *ledger {
	l := &ledger{entry: entry, heads: map[string][]*adjustment{}}
	rows = slices.SortedFunc(slices.Values(rows), merge.EarlierOperation)
	for _, r := range rows {
		a := &adjustment{row: r, kind: r.Text("kind"), rank: saleRank(r.Text("role"))}
		a.covers, _ = merge.Closure(rows, r.Strings("seen"))
		delete(a.covers, r.ID)
		if a.kind == KindCorrect || a.kind == KindVerify {
			a.groups = patchGroups(r.Fields["patch"])
		}
		l.all = append(l.all, a)
	}
	l.stand()
	for _, g := range saleGroups() {
		l.heads[g.name] = l.undominated(g.name)
	}
	l.voids = l.pick(func(a *adjustment) bool {
		return a.kind == KindVoid && !a.proposed && !l.seenByKind(a, KindReinstate)
	})
	return l
}

func (l *ledger) pick(fits func(*adjustment) bool) []*adjustment {
	var out []*adjustment
	for _, a := range l.all {
		if fits(a) {
			out = append(out, a)
		}
	}
	return out
}

func (l *ledger) any(fits func(*adjustment) bool) bool { return slices.ContainsFunc(l.all, fits) }

func (l *ledger) seenByKind(a *adjustment, kind string) bool {
	return l.any(func(b *adjustment) bool { return b.kind == kind && b.saw(a) })
}

// stand decides which verifications and rejections stand, and what is only
// proposed. A verification stands while no rejection has seen it; only a
// standing one holds back an owner's or staff's edit.
func (l *ledger) stand() {
	for _, a := range l.all {
		a.standing = a.kind == KindVerify && !l.seenByKind(a, KindReject)
	}
	for _, a := range l.all {
		a.proposed = a.ownerSide() && l.any(func(v *adjustment) bool {
			switch {
			case v.kind != KindVerify || !v.standing:
				return false
			case a.kind == KindCorrect:
				return a.saw(v)
			}
			return a.kind == KindVoid && (a.saw(v) || a.concurrent(v))
		})
	}
	for _, r := range l.all {
		if r.kind == KindReject {
			r.standing = !l.any(func(b *adjustment) bool {
				return b.saw(r) && (b.kind == KindVerify || b.kind == KindCorrect && !b.proposed)
			})
		}
	}
}

// writes reports whether a is a counting write of a group.
func (a *adjustment) writes(group string) bool {
	if _, ok := a.groups[group]; !ok || a.proposed {
		return false
	}
	return a.kind == KindCorrect || a.kind == KindVerify && a.standing && group == "money"
}

func (l *ledger) undominated(group string) []*adjustment {
	writers := l.pick(func(a *adjustment) bool { return a.writes(group) })
	return slices.DeleteFunc(slices.Clone(writers), func(a *adjustment) bool {
		return slices.ContainsFunc(writers, func(b *adjustment) bool { return b.saw(a) })
	})
}

// winner is the head whose value counts; nil if the entry's own does.
func (l *ledger) winner(group string) *adjustment {
	if len(l.heads[group]) == 0 {
		return nil
	}
	return slices.MaxFunc(l.heads[group], (*adjustment).later)
}

// void reports whether the entry counts for nothing.
func (l *ledger) void() bool { return len(l.voids) > 0 }

// verified reports whether a verification stands.
func (l *ledger) verified() bool {
	return l.any(func(a *adjustment) bool { return a.kind == KindVerify && a.standing })
}

// rejected reports whether a rejection stands.
func (l *ledger) rejected() bool {
	return l.any(func(a *adjustment) bool { return a.kind == KindReject && a.standing })
}

// disputed reports whether a person must decide: a fork, a void beside
// something that had not seen it, or a verification beside a rejection.
func (l *ledger) disputed() bool {
	for group, heads := range l.heads {
		for _, h := range heads[min(1, len(heads)):] {
			if h.groups[group] != heads[0].groups[group] {
				return true
			}
		}
	}
	return l.verified() && l.rejected() || slices.ContainsFunc(l.voids, l.voidDisputed)
}

func (l *ledger) voidDisputed(void *adjustment) bool {
	return l.any(func(a *adjustment) bool {
		if !a.concurrent(void) {
			return false
		}
		head := slices.ContainsFunc(saleGroups(), func(g saleGroup) bool { return slices.Contains(l.heads[g.name], a) })
		return head || a.kind == KindReinstate
	})
}

// refunds adds up every refund, each once.
func (l *ledger) refunds() Rupiah {
	var sum Rupiah
	for _, a := range l.all {
		if a.kind == KindRefund {
			sum += Rupiah(a.row.Int("refund_idr"))
		}
	}
	return sum
}

// patchGroups splits a patch into groups, each as canonical text. A member
// that is absent is cleared.
func patchGroups(patch merge.Value) map[string]string {
	members := objectOf(patch)
	out := map[string]string{}
	for _, g := range saleGroups() {
		var parts []string
		named := false
		for _, m := range g.members {
			named = named || members[m.name] != nil
			parts = append(parts, string(normal(m.name, members[m.name])))
		}
		if named {
			out[g.name] = strings.Join(parts, "\n")
		}
	}
	return out
}

// normal makes "no discount" and "no lines" one value, however they are said.
func normal(member string, v merge.Value) merge.Value {
	if member == "discount_idr" && string(v) == "0" || member == "lines" && string(v) == "[]" {
		return nil
	}
	return v
}
