package domain

import (
	"cmp"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Metrics of a target.
const (
	MetricTotal  = "total"  // rupiah, all channels
	MetricOnline = "online" // rupiah, online channels
	MetricOrders = "orders" // entries
)

// target is what a business wants to sell. Progress is no field: it is worked
// out where it is shown, from the sales that are there, by TargetProgress.
func target() *merge.Collection {
	const order = "admin > mentor > owner"
	people := []merge.Role{merge.Owner, merge.Mentor, merge.Admin}
	return &merge.Collection{
		Name: "target", Scope: ScopeBusiness, Doc: "sales target of a month or a programme; an owner's counts as a proposal until a mentor agrees", Create: people,
		Allow: allowTarget, Derive: deriveTarget, Tags: tagTarget, Relate: relateTarget, Fields: fields(
			required(once("origin", enum(OriginMentor, OriginOwnerRequest), people, "owner_request, and only then, is made by an owner: a proposal")),
			required(once("period", enum("month", "programme"), people, "")),
			once("month", form(`^20[0-9]{2}-(0[1-9]|1[0-2])$`, 7), people, "with period month, and only then"),
			once("programme_id", ref(""), people, "with period programme, and only then"),
			required(once("metric", enum(MetricTotal, MetricOnline, MetricOrders), people, "")),
			required(ranked("value", whole(1, 1_000_000_000_000, "rupiah, or entries"), order, people, "to be reached; the owner writes it in an own proposal only")),
			ranked("agreed_value", whole(0, 1_000_000_000_000, "rupiah, or entries"), "admin > mentor", mentorSide(), "answers an owner's proposal: the number that is agreed to, which counts while it is the proposed one; 0 = it is not to be"),
			ranked("note", text(0, 500), order, people, ""),
			latest("dropped", truth(), people, "no longer wanted; by whoever made it, mentors and admins"),
			server("state", enum("proposed", "active", "declined", "dropped"), "of those only active ones are shown as targets"),
			server("duplicate_of", ref("target"), "the target of this period and metric that counts instead"),
		),
	}
}

// allowTarget ties the period to what names it, and leaves what a mentor set to
// mentors.
func allowTarget(a merge.Attempt) *merge.Reject {
	if !a.Create {
		own := a.Before.Text("created_by") == a.Author
		for _, name := range []string{"value", "note", "dropped"} {
			if a.Set[name] != nil && a.Role == merge.Owner && !own {
				return refuse("forbidden", "set."+name)
			}
		}
		return nil
	}
	monthly := merge.AsString(a.Set["period"]) == "month"
	for _, tie := range []struct {
		name   string
		wanted bool
	}{{"month", monthly}, {"programme_id", !monthly}} {
		switch given := !merge.Null(a.Set[tie.name]); {
		case tie.wanted && !given:
			return refuse("required", "set."+tie.name)
		case !tie.wanted && given:
			return refuse("invalid_value", "set."+tie.name)
		}
	}
	if proposes := merge.AsString(a.Set["origin"]) == OriginOwnerRequest; proposes != (a.Role == merge.Owner) {
		return refuse("forbidden", "set.origin")
	}
	if a.Set["agreed_value"] != nil {
		return refuse("invalid_value", "set.agreed_value") // it answers a proposal
	}
	return nil
}

// deriveTarget says how a target stands. Its origin decides whether somebody
// must agree, and that never changes. Who agrees, agrees to a number: another one
// is a proposal again, whether its author had seen the answer or not.
func deriveTarget(v merge.View, r merge.Row) merge.Derived {
	state := "active"
	switch {
	case string(r.Fields["dropped"]) == "true":
		state = "dropped"
	case r.Text("origin") != OriginOwnerRequest:
	case string(r.Fields["agreed_value"]) == "0":
		state = "declined"
	case r.Fields["agreed_value"] == nil || r.Int("agreed_value") != r.Int("value"):
		state = "proposed"
	}
	return merge.Derived{Fields: map[string]merge.Value{"state": merge.Str(state)}}
}

func tagTarget(r merge.Row) []string {
	if r.Text("state") != "active" {
		return nil
	}
	return []string{tag("target", r.Text("period"), r.Text("month"), r.Text("programme_id"), r.Text("metric"))}
}

// relateTarget lets one target per period and metric count: what a mentor or an
// admin set before what an owner proposed, and of equals the earliest made,
// whichever arrived first.
func relateTarget(v merge.View, r merge.Row) map[string]merge.Value {
	out := map[string]merge.Value{"duplicate_of": nil}
	for _, t := range tagTarget(r) {
		if first := slices.MinFunc(append(v.Tagged(t), r), firstTarget); first.ID != r.ID {
			out["duplicate_of"] = merge.Str(first.ID)
		}
	}
	return out
}

func firstTarget(a, b merge.Row) int {
	proposed := func(r merge.Row) int {
		if r.Text("origin") == OriginOwnerRequest {
			return 1
		}
		return 0
	}
	return cmp.Or(proposed(a)-proposed(b), earlierEntry(a, b))
}

// Progress is how far a target is reached.
type Progress struct {
	From   Date  `json:"from"`
	To     Date  `json:"to"`
	Value  int64 `json:"value"`  // to be reached: rupiah, or entries
	Done   int64 `json:"done"`   // reached, with what is not sent yet
	Unsent int64 `json:"unsent"` // part of Done that the server does not have
	// Percent is Done of Value, rounded down, so that 100 is never shown too early.
	Percent int64 `json:"percent"`
}

// TargetProgress works out how far a target of a month is reached.
func TargetProgress(t merge.Row, totals []Total) Progress {
	p := Progress{Value: t.Int("value")}
	p.From, p.To = monthDays(t.Text("month"))
	s := Summarise(totals, p.From, p.To)
	switch t.Text("metric") {
	case MetricTotal:
		p.Done, p.Unsent = int64(s.All.Amount), int64(s.All.Pending)
	case MetricOnline:
		p.Done, p.Unsent = int64(s.Online.Amount), int64(s.Online.Pending)
	case MetricOrders:
		p.Done, p.Unsent = int64(s.All.Entries), int64(s.All.Unsent)
	}
	if p.Value > 0 {
		p.Percent = p.Done * 100 / p.Value
	}
	return p
}

// monthDays are the first and the last day of YYYY-MM.
func monthDays(month string) (from, to Date) {
	from, err := ParseDate(month + "-01")
	if err != nil {
		return "", ""
	}
	next := from.AddDays(31)
	return from, Date(next[:8] + "01").AddDays(-1)
}
