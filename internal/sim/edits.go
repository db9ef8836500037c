package sim

import (
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// edit lets somebody type something.
func (w *world) edit() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	scopes, err := p.Scopes()
	if err != nil {
		return err
	}
	var mine []*shop
	for _, s := range w.shops {
		if _, ok := scopes[s.scope]; ok {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return w.exchange()
	}
	if w.rng.IntN(12) == 0 {
		if ed, ok := w.own(p); ok {
			return w.do(p, ed)
		}
	}
	ed := w.invent(p, mine[w.rng.IntN(len(mine))].scope)
	if w.rng.IntN(60) == 0 { // somebody else's business, by a broken app
		ed.Scope = w.shops[w.rng.IntN(len(w.shops))].scope
	}
	return w.do(p, ed)
}

// do keeps an edit and remembers it for the checks.
func (w *world) do(p *phone, ed replica.Edit) error {
	if _, err := p.Do(ed); err != nil {
		return nil // the phone itself does not know the record
	}
	k, ok, err := p.Last()
	if err != nil || !ok {
		return err
	}
	w.made[name{k.Scope, k.Device, k.Hash.String(), 0}] = &edit{by: p, kept: k}
	w.report.Edits++
	w.trace("%s %s %s/%s %v %s", p, k.Mutation.Op, k.Mutation.Collection, k.Mutation.ID[24:], k.Mutation.Set, k.Hash)
	return nil
}

// invent makes up an edit that fits the person; now and then one that does not.
func (w *world) invent(p *phone, scope string) replica.Edit {
	tag := fmt.Sprintf("%s %d", p.label, w.report.Edits)
	kinds := []func(*phone, string, string) (replica.Edit, bool){w.newSale, w.adjust, w.newTask, w.operate, w.tick, w.newProduct, w.editProduct, w.editBusiness, w.nonsense,
		w.scribble, w.photograph}
	weights := []int{10, 25, 5, 25, 15, 3, 20, 15, 4, 25, 5}
	total := 0
	for _, n := range weights {
		total += n
	}
	for {
		at := w.rng.IntN(total)
		for i, n := range weights {
			if at -= n; at < 0 {
				if ed, ok := kinds[i](p, scope, tag); ok {
					ed.Scope = scope
					return ed
				}
				break
			}
		}
	}
}

func (w *world) pick(p *phone, scope, collection string) (merge.Row, bool) {
	rows, err := p.Rows(scope, collection)
	if err != nil || len(rows) == 0 {
		return merge.Row{}, false
	}
	// Mostly one of the first, so that people meet.
	if n := min(len(rows), 2); w.rng.IntN(4) > 0 {
		return rows[w.rng.IntN(n)], true
	}
	return rows[w.rng.IntN(len(rows))], true
}

func values(kv ...any) map[string]merge.Value {
	out := map[string]merge.Value{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = merge.Encode(kv[i+1])
	}
	return out
}

func (w *world) amount() int64 { return int64(1+w.rng.IntN(4)) * 500_000 }

func (w *world) newSale(p *phone, scope, tag string) (replica.Edit, bool) {
	set := values("sold_on", w.clock.Now().Format("2006-01-02"), "channel", []string{"store", "reseller"}[w.rng.IntN(2)], "payment", "cash",
		"amount_idr", w.amount(), "granularity", "single", "note", tag)
	if w.rng.IntN(4) == 0 {
		set["order_ref"] = merge.Str(fmt.Sprint("order-", w.rng.IntN(4)))
	}
	if p.person.role == merge.Mentor {
		set["on_behalf"] = merge.Flag(true)
	}
	return replica.Edit{Collection: "sales", Set: set}, true
}

func (w *world) adjust(p *phone, scope, tag string) (replica.Edit, bool) {
	sale, ok := w.pick(p, scope, "sales")
	if !ok {
		return replica.Edit{}, false
	}
	if p.person.role == merge.Staff && sale.Text("created_by") != p.person.id && w.rng.IntN(10) > 0 {
		return replica.Edit{}, false
	}
	set := values("entry_id", sale.ID, "note", tag)
	kinds := map[merge.Role][]string{merge.Owner: {"correct", "correct", "void", "refund"}, merge.Staff: {"correct", "void"},
		merge.Mentor: {"verify", "verify", "reject", "correct"}}[p.person.role]
	if sale.Text("state") == "void" {
		kinds = []string{"reinstate"}
	}
	if w.rng.IntN(10) == 0 { // whatever comes to mind
		kinds = []string{"correct", "void", "reinstate", "refund", "verify", "reject"}
	}
	kind := kinds[w.rng.IntN(len(kinds))]
	set["kind"] = merge.Str(kind)
	money := map[string]any{"amount_idr": w.amount()}
	switch kind {
	case "correct":
		patches := []map[string]any{money, {"channel": "reseller", "sold_on": w.clock.Now().Format("2006-01-02")}, {"payment": "transfer"}}
		set["patch"] = merge.Encode(patches[w.rng.IntN(3)])
	case "verify":
		if n := sale.Int("effective_amount_idr"); n > 0 {
			money["amount_idr"] = n
		}
		set["patch"] = merge.Encode(money)
	case "refund":
		set["refund_idr"] = merge.Num(int64(1000 * (1 + w.rng.IntN(5))))
	}
	return replica.Edit{Collection: "sale_adjustment", Set: set}, true
}

func (w *world) newTask(p *phone, scope, tag string) (replica.Edit, bool) {
	if p.person.role == merge.Owner && w.rng.IntN(2) == 0 {
		return replica.Edit{}, false // most tasks come from mentors
	}
	set := values("title", tag, "origin", "owner_request")
	if p.person.role == merge.Mentor {
		set = values("title", tag, "origin", "mentor", "track", "digital", "mode", "online")
	}
	return replica.Edit{Collection: "task", Set: set}, true
}

func (w *world) operate(p *phone, scope, tag string) (replica.Edit, bool) {
	task, ok := w.pick(p, scope, "task")
	if !ok {
		return replica.Edit{}, false
	}
	mine := map[string][]string{"assigned": {"start", "submit", "block"}, "in_progress": {"submit", "block"}, "blocked": {"unblock", "submit"},
		"returned": {"start", "submit"}}
	if p.person.role == merge.Mentor {
		mine = map[string][]string{"proposed": {"accept", "accept", "refuse"}, "assigned": {"verify", "block"}, "in_progress": {"verify"},
			"blocked": {"unblock"}, "submitted": {"verify", "return", "return"}, "returned": {"verify"}}
	}
	ops := mine[task.Text("state")]
	if len(ops) == 0 && w.rng.IntN(10) > 0 {
		return replica.Edit{}, false
	}
	if len(ops) == 0 || w.rng.IntN(20) == 0 { // whatever comes to mind
		ops = []string{"start", "submit", "block", "unblock", "accept", "refuse", "return", "verify", "cancel"}
	}
	return replica.Edit{Collection: "task_event", Set: values("task_id", task.ID, "op", ops[w.rng.IntN(len(ops))], "note", tag)}, true
}

// tick changes the checklist and the notes of a task.
func (w *world) tick(p *phone, scope, tag string) (replica.Edit, bool) {
	task, ok := w.pick(p, scope, "task")
	if !ok {
		return replica.Edit{}, false
	}
	note := "owner_note"
	if p.person.role == merge.Mentor {
		note = "mentor_note"
	}
	item := map[string]any{fmt.Sprint("step", w.rng.IntN(2)): map[string]any{"label": tag, "done": w.rng.IntN(2) == 0}}
	set := values("checklist", item)
	if w.rng.IntN(2) == 0 {
		set = values(note, tag)
	}
	return replica.Edit{Collection: "task", ID: task.ID, Set: set}, true
}

func (w *world) newProduct(p *phone, scope, tag string) (replica.Edit, bool) {
	if p.person.role == merge.Mentor {
		return replica.Edit{}, false
	}
	return replica.Edit{Collection: "product", Set: values("name", tag, "price_idr", w.amount())}, true
}

func (w *world) editProduct(p *phone, scope, tag string) (replica.Edit, bool) {
	product, ok := w.pick(p, scope, "product")
	if !ok || p.person.role == merge.Mentor {
		return replica.Edit{}, false
	}
	sets := []map[string]merge.Value{values("name", tag), values("price_idr", w.amount()), values("name", tag, "unit", "pack"), values("archived", w.rng.IntN(2) == 0)}
	return replica.Edit{Collection: "product", ID: product.ID, Set: sets[w.rng.IntN(len(sets))]}, true
}

func (w *world) editBusiness(p *phone, scope, tag string) (replica.Edit, bool) {
	b, ok := w.pick(p, scope, "business")
	if !ok {
		return replica.Edit{}, false
	}
	ed := replica.Edit{Collection: "business", ID: b.ID}
	if p.person.role == merge.Mentor {
		ed.Set = values("youth_role", []string{"none", "supports", "leads"}[w.rng.IntN(3)])
		return ed, true
	}
	kbli := []string{fmt.Sprintf("1%04d", w.rng.IntN(3))}
	switch w.rng.IntN(4) {
	case 0:
		ed.Set = values("address", tag)
	case 1:
		ed.Set = values("shops", map[string]any{"shop" + fmt.Sprint(w.rng.IntN(2)): map[string]any{"marketplace": "shopee"}}, "story", tag)
	case 2:
		ed.Add = map[string][]string{"kbli": kbli}
	case 3:
		if slices.Contains(b.Strings("kbli"), kbli[0]) {
			ed.Remove = map[string][]string{"kbli": kbli}
		} else {
			ed.Add = map[string][]string{"kbli": kbli}
		}
	}
	return ed, true
}

// nonsense is what a broken app or a curious person sends.
func (w *world) nonsense(p *phone, scope, tag string) (replica.Edit, bool) {
	eds := []replica.Edit{
		{Collection: "product", Set: values("name", tag, "colour", "red")},
		{Collection: "product", Set: values("name", 5)},
		{Collection: "membership", Set: values("user_id", p.person.id, "role", "owner")},
		{Collection: "sales", Set: values("sold_on", "2022-13-40", "channel", "store", "payment", "cash", "amount_idr", -5, "granularity", "single")},
		{Collection: "sale_adjustment", Set: values("entry_id", w.unique("no", "sale"), "kind", "void", "note", tag)},
	}
	return eds[w.rng.IntN(len(eds))], true
}

// scribble makes, changes, deletes and brings back what may be deleted.
func (w *world) scribble(p *phone, scope, tag string) (replica.Edit, bool) {
	ed := replica.Edit{Collection: []string{memo, pin}[w.rng.IntN(2)]}
	row, ok := w.pick(p, scope, ed.Collection)
	switch n := w.rng.IntN(10); {
	case !ok || n == 0:
		ed.Set = values("text", tag)
		return ed, true
	case n < 4:
		ed.Op = merge.Delete
		w.trash = append(w.trash, row.Key)
	case n < 5 && len(w.trash) > 0:
		back := w.trash[w.rng.IntN(len(w.trash))]
		return replica.Edit{Collection: back.Collection, ID: back.ID, Op: merge.Undelete}, true
	case n < 7:
		ed.Set = values("text", tag)
	case n < 8:
		ed = w.novelty(p, ed, tag)
		if ed.Collection == card {
			return ed, true
		}
	default:
		word := []string{fmt.Sprint("word", w.rng.IntN(3))}
		if slices.Contains(row.Strings("words"), word[0]) {
			ed.Remove = map[string][]string{"words": word}
		} else {
			ed.Add = map[string][]string{"words": word}
		}
	}
	ed.ID = row.ID
	return ed, true
}

// novelty is what only newer apps can write.
func (w *world) novelty(p *phone, ed replica.Edit, tag string) replica.Edit {
	switch n := w.rng.IntN(3); {
	case n == 0 && p.version >= 2:
		ed.Set = values("hint", tag)
	case n == 1 && p.version >= 3:
		return replica.Edit{Collection: card, Set: values("text", tag)}
	case n == 2 && p.version >= 4:
		ed.Set = values("tone", tag)
	case p.version >= 3:
		ed.Set = values("mood", "festive")
	default:
		ed.Set = values("mood", "calm")
	}
	return ed
}

// photograph notes a file; its bytes are no matter of the simulator's.
func (w *world) photograph(p *phone, scope, tag string) (replica.Edit, bool) {
	set := values("sha256", fmt.Sprintf("%064x", w.report.Edits), "bytes", 1000, "mime", "image/jpeg", "caption", tag)
	if task, ok := w.pick(p, scope, "task"); ok {
		set["owner_ref"] = merge.Encode(map[string]string{"collection": "task", "id": task.ID})
	}
	return replica.Edit{Collection: "attachment", Set: set}, true
}

// own changes what is the person's alone: a notice is read, an announcement
// confirmed, the phone's own settings change, a refused edit is put away.
func (w *world) own(p *phone) (replica.Edit, bool) {
	ed := replica.Edit{Scope: merge.UserScope(p.person.id)}
	now := w.clock.Now().Add(p.skew)
	switch w.rng.IntN(5) {
	case 0, 1:
		row, ok := w.pick(p, ed.Scope, "inbox")
		ed.Collection, ed.ID, ed.Set = "inbox", row.ID, values("read_at", merge.FormatInstant(merge.Millis(max(now.UnixMilli(), 0))))
		return ed, ok
	case 2:
		ed.Collection, ed.ID, ed.Set = "device", p.Me().Device, values("notify_enabled", w.rng.IntN(2) == 0)
		_, ok, err := p.Row(ed.Scope, ed.Collection, ed.ID)
		return ed, ok && err == nil
	case 3:
		ed.Collection, ed.Set = "receipt", values("announcement_id", w.unique("announcement", fmt.Sprint(w.rng.IntN(2))), "read_at", merge.FormatInstant(merge.Millis(max(now.UnixMilli(), 0))))
		return ed, true
	}
	row, ok := w.pick(p, ed.Scope, "quarantine")
	ed.Collection, ed.ID, ed.Op = "quarantine", row.ID, merge.Delete
	return ed, ok
}
