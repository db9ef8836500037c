package domain

import (
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// params are what an item of the inbox says beside its type; values are texts and
// whole numbers.
type params map[string]any

// notice makes one inbox item per person. People who have no right to the scope
// now get none.
func notice(c merge.Change, kind string, about merge.Key, says params, people []string) []merge.Effect {
	people = slices.DeleteFunc(slices.Clone(people), func(p string) bool { return !merge.Granted(c.Access, p, c.Now()) })
	return letter(kind, kind+" "+about.String(), c.Scope(), about, says, people)
}

// letter makes one inbox item per person, whether they have a right to the scope
// or not. Of one commit those with one key are one. An empty scope or object
// stays unsaid.
func letter(kind, key, scope string, about merge.Key, says params, people []string) []merge.Effect {
	var out []merge.Effect
	for _, p := range slices.Compact(slices.Sorted(slices.Values(people))) {
		out = append(out, merge.Effect{Scope: merge.UserScope(p), Collection: "inbox", Key: key, Set: inboxItem(kind, scope, about, says)})
	}
	return out
}

// inboxItem is the content of an item, by the row of its type.
func inboxItem(kind, scope string, about merge.Key, says params) map[string]merge.Value {
	row, ok := NoticeTypeOf(kind)
	if !ok {
		panic("domain: no row for notice " + kind)
	}
	set := map[string]merge.Value{"type": merge.Str(kind), "class": merge.Str(row.Class), "deep_link": merge.Str(row.LinkTo(about.ID, says))}
	if len(says) > 0 {
		set["params"] = merge.Encode(says)
	}
	if scope != "" {
		set["scope"] = merge.Str(scope)
	}
	if about.ID != "" {
		set["object"] = merge.Encode(map[string]string{"collection": about.Collection, "id": about.ID})
	}
	return set
}

// present lists who has a role now.
func present(c merge.Change, role merge.Role) []string {
	var out []string
	for _, g := range c.Access {
		if g.Role == role && g.Holds(c.Now()) {
			out = append(out, g.User)
		}
	}
	return out
}

// lead lists the mentor who leads now; nobody if no mentor is in.
func lead(c merge.Change) []string {
	var windows []MentorWindow
	for _, g := range c.Access {
		if g.Role != merge.Mentor || !g.Holds(c.Now()) {
			continue
		}
		r, _ := c.Row("assignment", g.ID)
		windows = append(windows, MentorWindow{ID: g.ID, Mentor: g.User, From: g.From, To: g.To, Named: string(r.Fields["lead"]) == "true"})
	}
	if w, ok := LeadAt(windows, c.Now()); ok {
		return []string{w.Mentor}
	}
	return nil
}

func others(people []string, author string) []string {
	return slices.DeleteFunc(people, func(p string) bool { return p == author })
}

// reactJournal tells an author that an edit lost. In a person's own scope, where
// nobody else writes, the journal is enough.
func reactJournal(c merge.Change) []merge.Effect {
	if !c.New {
		return nil
	}
	about := merge.Key{Collection: c.After.Text("collection"), ID: c.After.Text("record")}
	who := c.After.Text("lost_by")
	return notice(c, NoticeEditLost, about, params{"field": c.After.Text("field"), "journal": c.After.ID}, []string{who})
}

// reactSales tells owners and authors that an entry needs a person: it became
// disputed, rejected, or looks like another one.
func reactSales(c merge.Change) []merge.Effect {
	if !flagged(c) {
		return nil
	}
	people := append(present(c, merge.Owner), c.After.Text("created_by"))
	for _, o := range c.Operations("sale_adjustment", c.After.ID) {
		people = append(people, o.Text("created_by"))
	}
	return saleFlagged(c, c.After.ID, people)
}

func saleFlagged(c merge.Change, entry string, people []string) []merge.Effect {
	return notice(c, NoticeSaleFlagged, merge.Key{Collection: "sales", ID: entry}, nil, people)
}

// flagged reports whether the entry has a reason to be looked at that it had
// not before.
func flagged(c merge.Change) bool {
	if f := c.After.Fields; f["flags"] == nil && f["possible_duplicate"] == nil && f["duplicate_of"] == nil && string(f["rejected"]) != "true" {
		return false // as most
	}
	before := saleMarks(c.Before)
	return slices.ContainsFunc(saleMarks(c.After), func(m string) bool { return !slices.Contains(before, m) })
}

// saleMarks are the reasons for which a person should look at an entry.
func saleMarks(r merge.Row) []string {
	marks := slices.DeleteFunc(r.Strings("flags"), func(f string) bool { return f == FlagBackdated })
	if string(r.Fields["rejected"]) == "true" {
		marks = append(marks, "rejected")
	}
	for _, other := range append(r.Strings("possible_duplicate"), r.Text("duplicate_of")) {
		if other != "" {
			marks = append(marks, "duplicate "+other)
		}
	}
	return marks
}

// reactAdjustment tells an author that an adjustment does not count, whether it
// never did or an earlier one came in later; and mentors that one waits.
func reactAdjustment(c merge.Change) []merge.Effect {
	was, is, entry := c.Before.Text("outcome"), c.After.Text("outcome"), c.After.Text("entry_id")
	if was == is {
		return nil
	}
	queue := waits(c, proposedAdjustment(was), proposedAdjustment(is), waiting{about: c.After.Key, since: c.After.Fields["created_at"]})
	return append(queue, adjustmentNotice(c, is, entry)...)
}

func adjustmentNotice(c merge.Change, is, entry string) []merge.Effect {
	switch {
	case is == Proposed:
		return notice(c, NoticeAdjustmentProposed, merge.Key{Collection: "sales", ID: entry}, nil, present(c, merge.Mentor))
	case is == Superseded && lostUnseen(c, "sale_adjustment", entry):
		return saleFlagged(c, entry, []string{c.After.Text("created_by")})
	}
	return nil
}

// lostUnseen reports whether no author of another operation has seen this one:
// it lost to something concurrent, not to somebody who went on from it.
func lostUnseen(c merge.Change, collection, parent string) bool {
	ops := c.Operations(collection, parent)
	return slices.ContainsFunc(merge.Undominated(ops), func(o merge.Row) bool { return o.ID == c.After.ID })
}

// refused puts an edit that came too late from somebody who once had the right
// before an admin.
func refused(r merge.Refusal) []merge.Effect {
	if r.Verdict.Code != "not_assigned" || !merge.Ever(r.Access, r.Author) {
		return nil
	}
	m := r.Item.Mutation
	set := map[string]merge.Value{"what": merge.Str("refused_edit"), "quarantine": merge.Str(r.ID), "scope": merge.Str(r.Scope()), "author": merge.Str(r.Author),
		"code": merge.Str(r.Verdict.Code), "mutation": merge.Str(string(r.Item.Raw)), "made_at": r.Made.Value(), "at": r.Received.Value()}
	if id.Valid(m.ID) && m.Collection != "" && len(m.Collection) <= 40 {
		set["object"] = merge.Encode(map[string]string{"collection": m.Collection, "id": m.ID})
	}
	return []merge.Effect{{Scope: reviewScope(r, r.Access, r.Author), Collection: "review_item", Set: set}}
}

// reviewScope is where the admins look: the programme that sent author here,
// else the one the business is in, else the general queue.
func reviewScope(v merge.View, access []merge.Grant, author string) string {
	for _, g := range slices.Backward(access) {
		if g.User != author || g.Role != merge.Mentor {
			continue
		}
		if r, ok := v.Row("assignment", g.ID); ok && r.Text("programme_id") != "" {
			return ScopeDecision + "/" + r.Text("programme_id")
		}
	}
	if r, ok := v.Row("business", scopeID(v)); ok && r.Text("programme_id") != "" {
		return ScopeDecision + "/" + r.Text("programme_id")
	}
	return GeneralQueue
}

// reactReview tells the author of a refused edit how an admin settled it, and
// settles the record in the author's quarantine.
func reactReview(c merge.Change) []merge.Effect {
	author, decision := c.After.Text("author"), c.After.Text("decision")
	if c.After.Text("what") != "refused_edit" || author == "" || decision == "" || c.After.Text("resolved_at") == "" || c.Before.Text("resolved_at") != "" {
		return nil
	}
	kind := NoticeReviewDismissed
	if decision == "applied" {
		kind = NoticeReviewApplied
	}
	says := params{}
	if q := c.After.Text("quarantine"); q != "" {
		says["quarantine"] = q
	}
	out := letter(kind, kind, c.After.Text("scope"), NoticeObject(c.After), says, []string{author})
	if q := c.After.Text("quarantine"); q != "" {
		out = append(out, merge.Effect{Scope: merge.UserScope(author), Collection: "quarantine", ID: q, Change: true, Set: map[string]merge.Value{"resolved": merge.Flag(true)}})
	}
	return out
}

// NoticeObject is what a review or an item of the inbox is about; a zero key is nothing, or
// several.
func NoticeObject(r merge.Row) merge.Key {
	var o struct{ Collection, ID string }
	if v := r.Fields["object"]; v == nil || json.Unmarshal(v, &o) != nil {
		return merge.Key{}
	}
	return merge.Key{Collection: o.Collection, ID: o.ID}
}
