package domain

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ReferenceList is a list as the program ships it. Admins add to it and change
// it; what they changed no later version changes back.
type ReferenceList struct {
	Name    string // of its collection
	Version int    // raised with every change of the entries
	Entries []Listed
}

// ReferenceLists are all lists, one a line. An entry is never taken out: it gets
// those that replaced it.
func ReferenceLists() []ReferenceList {
	return []ReferenceList{
		{"region", 1, regionEntries()},
		{"marketplace", 1, marketplaceList()},
		{"channel", 1, channelList()},
		{"category", 1, categoryList()},
		{"payment", 1, paymentList()},
		{"zone", 1, zoneList()},
		{"facilitation_kind", 1, caseKindList()},
	}
}

// ReferenceListOf finds a list by name.
func ReferenceListOf(name string) (ReferenceList, bool) {
	all := ReferenceLists()
	i := slices.IndexFunc(all, func(l ReferenceList) bool { return l.Name == name })
	if i < 0 {
		return ReferenceList{}, false
	}
	return all[i], true
}

// Words are those of the catalogue that an entry may be counted as; none for
// regions, whose codes say everything.
func (l ReferenceList) Words() []string {
	if l.Name == "region" {
		return nil
	}
	return words(l.Entries)
}

// ReferenceID is the id of the record of an entry, the same on every server.
func ReferenceID(list, code string) string { return id.Derive("reference", list, code) }

// Record is what the record of entry number i says.
func (l ReferenceList) Record(i int) map[string]merge.Value {
	e := l.Entries[i]
	set := map[string]merge.Value{"code": merge.Str(e.Code), "name_id": merge.Str(e.Name), "active": merge.Flag(len(e.Replaced) == 0),
		"name_en": orNull(nil), "aliases": orNull(nil), "valid_from": orNull(nil), "replaced_by": orNull(nil)}
	if e.English != "" && e.English != e.Name {
		set["name_en"] = merge.Str(e.English)
	}
	if len(e.Aliases) > 0 {
		set["aliases"] = merge.Encode(e.Aliases)
	}
	if e.From != "" {
		set["valid_from"] = merge.Str(string(e.From))
	}
	if len(e.Replaced) > 0 {
		set["replaced_by"] = merge.Encode(e.Replaced)
	}
	if l.Name != "region" {
		set["counted_as"], set["sort"] = merge.Str(e.word()), merge.Num(10*(i+1))
	}
	for name, v := range e.Fields {
		set[name] = v
	}
	return set
}

// caseKindList are the kinds of cases with what their table says.
func caseKindList() (out []Listed) {
	for _, k := range CaseKinds() {
		set := map[string]merge.Value{"subjects": merge.Encode(k.Subjects), "categories": wordsValue(k.Categories), "funded": merge.Flag(k.Funded),
			"milestones": steps(k.Milestones), "documents": steps(k.Documents), "expiry": merge.Str(string(k.Expiry)), "validity": merge.Str(k.Validity)}
		maps.DeleteFunc(set, func(_ string, v merge.Value) bool { return v == nil })
		out = append(out, Listed{Code: k.Kind, Name: k.ID, English: k.EN, Fields: set})
	}
	return out
}

func steps(all []Step) merge.Value {
	if len(all) == 0 {
		return nil
	}
	out := make([]map[string]any, 0, len(all))
	for _, s := range all {
		m := map[string]any{"code": s.Code, "name_id": s.ID, "name_en": s.EN}
		if s.Needed {
			m["needed"] = true
		}
		out = append(out, m)
	}
	return merge.Encode(out)
}

// regionEntries are the regions with what their codes say.
func regionEntries() (out []Listed) {
	for _, r := range regionList {
		out = append(out, Listed{Code: string(r.Code), Name: r.Name, Aliases: r.Aliases, From: r.Since, Fields: RegionFields(r.Code)})
	}
	return out
}

// RegionFields are what the code of a region says about it: kind, parent and
// time zone.
func RegionFields(r Region) map[string]merge.Value {
	set := map[string]merge.Value{"kind": merge.Str(r.Kind())}
	if i := strings.LastIndexByte(string(r), '.'); i > 0 {
		set["parent"] = merge.Str(string(r[:i]))
	}
	if zone, err := r.Zone(); err == nil {
		set["zone"] = merge.Str(string(zone))
	}
	return set
}

// FoldName is a name as lookups compare it: without case, spaces and
// punctuation.
func FoldName(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, name)
}

// ReferenceTag is the tag under which the entry of a list is found by a name of
// it, in whatever spelling.
func ReferenceTag(list, name string) string { return list + "=" + FoldName(name) }

// tagReference lists the names by which an entry is known.
func tagReference(list string) func(merge.Row) []string {
	return func(r merge.Row) []string {
		names := append([]string{r.Text("code"), r.Text("name_id"), r.Text("name_en")}, r.Strings("aliases")...)
		switch r.Text("kind") {
		case KindCity:
			names = append(names, "Kota "+r.Text("name_id"))
		case KindRegency:
			names = append(names, "Kabupaten "+r.Text("name_id"), "Kab "+r.Text("name_id"))
		case KindDistrict:
			names = append(names, "Kecamatan "+r.Text("name_id"))
		case KindProvince:
			names = append(names, "Provinsi "+r.Text("name_id"))
		}
		var tags []string
		for _, n := range names {
			if FoldName(n) != "" {
				tags = append(tags, ReferenceTag(list, n))
			}
		}
		slices.Sort(tags)
		return slices.Compact(tags)
	}
}
