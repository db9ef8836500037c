package programme

import (
	"regexp"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// fixedFields are those of an entry that no admin writes: its code says them, the
// server keeps them, or the rules of the program follow them: a list must not
// promise what the rules then refuse.
func fixedFields() []string {
	return []string{"code", "edited", "kind", "parent", "zone", "created_by", "created_device", "created_at", "received_at", "review",
		"online", "subjects", "categories", "funded", "documents", "expiry"}
}

// fitting holds what an admin says of an entry against the tables.
//
// Errors: Invalid with the field.
func (s *Service) fitting(l domain.ReferenceList, set map[string]merge.Value) error {
	c, ok := s.Engine.Schema.Collection(l.Name)
	for name := range set {
		if _, known := c.Field(name); !ok || !known || slices.Contains(fixedFields(), name) {
			return invalid(name, "no field of this list that admins write")
		}
	}
	if from, to := merge.AsString(set["valid_from"]), merge.AsString(set["valid_to"]); from != "" && to != "" && to < from {
		return invalid("valid_to", "ends before it begins")
	}
	if w := merge.AsString(set["counted_as"]); set["counted_as"] != nil && !merge.Null(set["counted_as"]) && !slices.Contains(l.Words(), w) {
		return invalid("counted_as", "no word of the catalogue")
	}
	return s.check(l.Name, set)
}

// codeForm is the form of a code that is no region's.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_:-]{0,39}$`)

// regionForm is the form of a region's code. Whether there is such a region is
// for the admin to know: that is why it is added.
var regionForm = regexp.MustCompile(`^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?$`)

// fillReference adds what a new entry does not say.
//
// Errors: Invalid with the field.
func fillReference(l domain.ReferenceList, code string, set map[string]merge.Value) error {
	form := codeForm
	if l.Name == "region" {
		form = regionForm
		for name, v := range domain.RegionFields(domain.Region(code)) {
			set[name] = v
		}
	}
	if !form.MatchString(code) {
		return invalid("code", "not the form of a code")
	}
	set["code"] = merge.Str(code)
	if set["active"] == nil {
		set["active"] = merge.Flag(true)
	}
	words := l.Words()
	if len(words) == 0 || set["counted_as"] != nil && !merge.Null(set["counted_as"]) {
		return nil
	}
	if !slices.Contains(words, "other") {
		return invalid("counted_as", "records need a word of the catalogue for it")
	}
	set["counted_as"] = merge.Str("other")
	return nil
}

// freeNames refuses an entry whose code, name or alias another entry of the list
// goes by already. Names of regions are not unique: there are five Pringsewus.
func freeNames(l domain.ReferenceList, k merge.Key, set map[string]merge.Value) func(merge.View, []merge.Grant) *merge.Reject {
	names := map[string]string{"code": merge.AsString(set["code"]), "name_id": merge.AsString(set["name_id"]), "name_en": merge.AsString(set["name_en"])}
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		taken := func(name string) bool {
			return l.Name != "region" && domain.FoldName(name) != "" &&
				slices.ContainsFunc(v.Tagged(domain.ReferenceTag(l.Name, name)), func(r merge.Row) bool { return r.Key != k })
		}
		for _, field := range []string{"code", "name_id", "name_en"} {
			if taken(names[field]) {
				return &merge.Reject{Code: "conflict", Field: field}
			}
		}
		if slices.ContainsFunc(merge.AsStrings(set["aliases"]), taken) {
			return &merge.Reject{Code: "conflict", Field: "aliases"}
		}
		return nil
	}
}

// parentThere refuses a region in one that is not listed.
func parentThere(l domain.ReferenceList, set map[string]merge.Value) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		parent := merge.AsString(set["parent"])
		if parent == "" {
			return nil
		}
		if _, ok := v.Row(l.Name, domain.ReferenceID(l.Name, parent)); !ok {
			return &merge.Reject{Code: "invalid_reference", Field: "code"}
		}
		return nil
	}
}

// both asks two rules.
func both(a, b func(merge.View, []merge.Grant) *merge.Reject) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, access []merge.Grant) *merge.Reject {
		if r := a(v, access); r != nil {
			return r
		}
		return b(v, access)
	}
}
