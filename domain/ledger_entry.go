package domain

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// deriveSales replays one entry: the group effective, and what became of every
// adjustment. It reads nothing but rows, so the phone shows what the server
// will say.
func deriveSales(v merge.View, entry merge.Row) merge.Derived {
	l := newLedger(entry, v.Operations("sale_adjustment", entry.ID))
	d := merge.Derived{Fields: l.fields(), Operations: map[merge.Key]map[string]merge.Value{}}
	var proposed []string
	for _, a := range l.all {
		outcome := l.outcome(a)
		d.Operations[a.row.Key] = map[string]merge.Value{"outcome": merge.Str(outcome)}
		if outcome == Proposed {
			proposed = append(proposed, a.row.ID)
		}
	}
	slices.Sort(proposed)
	d.Fields["proposed"] = wordsValue(proposed)
	return d
}

// wordsValue is nil for an empty list: absent and empty are one.
func wordsValue(words []string) merge.Value {
	if len(words) == 0 {
		return nil
	}
	return merge.Encode(words)
}

// fields is the entry after its adjustments.
func (l *ledger) fields() map[string]merge.Value {
	f := make(map[string]merge.Value, 24)
	for _, g := range saleGroups() {
		from := l.entry.Fields
		if w := l.winner(g.name); w != nil {
			from = objectOf(w.row.Fields["patch"])
		}
		for _, m := range g.members {
			f[m.effective] = normal(m.name, from[m.name])
		}
	}
	amount := Rupiah(merge.AsInt(f["effective_amount_idr"]))
	refunds := l.refunds()
	flags := l.flags(amount, refunds, Date(merge.AsString(f["effective_sold_on"])))
	if l.void() {
		amount = 0
	}
	refunded := min(refunds, amount)
	f["effective_amount_idr"], f["refunded_idr"], f["counted_idr"] = merge.Num(amount), merge.Num(refunded), merge.Num(amount-refunded)
	f["is_online"] = merge.Flag(OnlineChannel(merge.AsString(f["effective_channel"])))
	f["verified"], f["rejected"] = merge.Flag(l.verified() && !l.rejected()), merge.Flag(l.rejected())
	f["state"], f["flags"], f["behalf_confirmed"] = merge.Str(l.state()), wordsValue(flags), nil
	if string(l.entry.Fields["on_behalf"]) == "true" {
		f["behalf_confirmed"] = merge.Flag(l.any(func(a *adjustment) bool { return a.kind == KindConfirm }))
	}
	return f
}

func (l *ledger) state() string {
	switch {
	case l.void():
		return SaleVoid
	case l.rejected():
		return SaleRejected
	case l.verified():
		return SaleVerified
	}
	return SaleRecorded
}

func (l *ledger) flags(amount, refunds Rupiah, soldOn Date) []string {
	var flags []string
	if backdated(l.entry, soldOn) {
		flags = append(flags, FlagBackdated)
	}
	if l.disputed() {
		flags = append(flags, FlagNeedsReview)
	}
	if refunds > amount {
		flags = append(flags, FlagRefundTooHigh)
	}
	return flags
}

// backdated compares the day of the sale with the day on which it was written
// down, by the corrected clock. The day is taken in WIB, where it begins last:
// the flag must not depend on whether the region was set before or after.
func backdated(entry merge.Row, soldOn Date) bool {
	made, err := time.Parse(time.RFC3339, entry.Text("created_at"))
	return err == nil && soldOn.DaysUntil(BusinessDay(made, WIB)) > BackdatedDays
}

// outcome says what became of one adjustment.
func (l *ledger) outcome(a *adjustment) string {
	switch {
	case a.proposed:
		return l.proposal(a)
	case l.void() && a.kind != KindVoid:
		return Superseded
	}
	switch a.kind {
	case KindCorrect:
		return l.correction(a)
	case KindVerify:
		return l.verification(a)
	case KindVoid:
		return first(a, l.voids)
	case KindReinstate:
		return first(a, l.pick(func(b *adjustment) bool { return b.kind == KindReinstate && !l.answered(b) }))
	case KindReject:
		return first(a, l.pick(func(b *adjustment) bool { return b.kind == KindReject && b.standing }))
	}
	return Effective // refunds add up, and one confirmation is as good as two
}

// first gives the earliest of equals its effect.
func first(a *adjustment, equals []*adjustment) string {
	switch i := slices.Index(equals, a); {
	case i == 0:
		return Effective
	case i > 0:
		return Absorbed
	}
	return Superseded
}

// answered reports whether somebody voided again after a reinstate.
func (l *ledger) answered(r *adjustment) bool {
	return l.any(func(b *adjustment) bool { return b.kind == KindVoid && !b.proposed && b.saw(r) })
}

// proposal is over once a mentor or admin, or a later proposal, has seen it; it
// was accepted if its values are the effective ones.
func (l *ledger) proposal(a *adjustment) string {
	if !l.any(func(b *adjustment) bool {
		return b.saw(a) && (!b.ownerSide() || b.kind == KindCorrect || b.kind == KindVoid || b.kind == KindReinstate)
	}) {
		return Proposed
	}
	if a.kind == KindVoid && l.void() || a.kind == KindCorrect && !l.void() && l.holds(a) {
		return Absorbed
	}
	return Superseded
}

// holds reports whether every group that a wrote has its value.
func (l *ledger) holds(a *adjustment) bool {
	for group, value := range a.groups {
		if w := l.winner(group); w == nil || w.groups[group] != value {
			return false
		}
	}
	return true
}

// correction looks at every group that a wrote; the best of them is its
// outcome, but a part that waits for a mentor makes all of it wait.
func (l *ledger) correction(a *adjustment) string {
	got := map[string]bool{}
	for group := range a.groups {
		got[l.corrected(a, group)] = true
	}
	for _, outcome := range []string{Proposed, Effective, Absorbed} {
		if got[outcome] {
			return outcome
		}
	}
	return Superseded
}

func (l *ledger) corrected(a *adjustment, group string) string {
	heads, w := l.heads[group], l.winner(group)
	if !slices.Contains(heads, a) {
		return Superseded // by somebody who had seen it
	}
	if a.groups[group] == w.groups[group] {
		equal := slices.DeleteFunc(slices.Clone(heads), func(b *adjustment) bool { return b.groups[group] != w.groups[group] })
		if i := slices.IndexFunc(equal, func(b *adjustment) bool { return b.kind == KindVerify }); i >= 0 {
			return Absorbed
		}
		return first(a, equal)
	}
	waits := group == "money" && a.ownerSide() && l.any(func(v *adjustment) bool { return v.kind == KindVerify && v.standing && a.concurrent(v) })
	if waits {
		return Proposed
	}
	return Superseded
}

func (l *ledger) verification(a *adjustment) string {
	w := l.winner("money")
	return first(a, l.pick(func(v *adjustment) bool {
		return v.kind == KindVerify && v.standing && slices.Contains(l.heads["money"], v) && v.groups["money"] == w.groups["money"]
	}))
}

// objectOf reads an object value, or nil if v is none.
func objectOf(v merge.Value) map[string]merge.Value {
	if len(v) == 0 {
		return nil
	}
	var m map[string]merge.Value
	if json.Unmarshal(v, &m) != nil {
		return nil
	}
	return m
}
