package domain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The words under which entries find each other.
const (
	tagOrder = "order" // one order number in one marketplace
	tagDaily = "daily" // one day's total of one channel
	tagAlike = "alike" // same day, channel and amount
)

// tagSales gives the tags of an entry. A void entry has none: it stands in
// nobody's way.
func tagSales(r merge.Row) []string {
	if r.Text("state") == SaleVoid {
		return nil
	}
	where := []string{r.Text("effective_sold_on"), r.Text("effective_channel"), r.Text("effective_marketplace"), r.Text("effective_exhibition_id")}
	tags := []string{tag(tagAlike, where[0], where[1], string(r.Fields["effective_amount_idr"]))}
	if ref := strings.ToLower(strings.TrimSpace(r.Text("order_ref"))); ref != "" {
		tags = append(tags, tag(tagOrder, r.Text("effective_marketplace"), ref))
	}
	if r.Text("granularity") == "daily_total" {
		tags = append(tags, tag(tagDaily, where...))
	}
	return tags
}

func tag(kind string, parts ...string) string { return kind + ":" + strings.Join(parts, "|") }

// hintOf is the hint for two entries that share a tag.
func hintOf(t string) string {
	kind, _, _ := strings.Cut(t, ":")
	return map[string]string{tagOrder: HintSameOrder, tagDaily: HintSameDay, tagAlike: HintLookAlike}[kind]
}

// relateSales looks at the entries that share a tag. Of one order, or one day's
// total, the smallest (time made, id) counts, whichever arrived first.
func relateSales(v merge.View, r merge.Row) map[string]merge.Value {
	var original string
	var alike []string
	for _, t := range tagSales(r) {
		others := v.Tagged(t)
		if strings.HasPrefix(t, tagAlike) {
			alike = lookAlikes(r, others)
			continue
		}
		if first := slices.MinFunc(append(others, r), earlierEntry); first.ID != r.ID && original == "" {
			original = first.ID
		}
	}
	out := map[string]merge.Value{"duplicate_of": nil, "possible_duplicate": wordsValue(alike)}
	if original != "" {
		out["duplicate_of"] = merge.Str(original)
	}
	return out
}

// lookAlikes gives the entries that another phone made within a quarter of an
// hour. They count, and a person looks.
func lookAlikes(r merge.Row, others []merge.Row) []string {
	var out []string
	for _, o := range others {
		if o.ID != r.ID && o.Text("created_device") != r.Text("created_device") && near(instantOf(o, "created_at"), instantOf(r, "created_at")) && len(out) < 20 {
			out = append(out, o.ID)
		}
	}
	return out
}

func earlierEntry(a, b merge.Row) int {
	return cmp.Or(cmp.Compare(instantOf(a, "created_at"), instantOf(b, "created_at")), strings.Compare(a.ID, b.ID))
}
