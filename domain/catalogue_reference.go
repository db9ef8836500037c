package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// reference lists the collections of the scope that everybody reads.
func reference() []*merge.Collection {
	return []*merge.Collection{
		referenceList(),
		listed("region", "regions by the code of the Ministry of Home Affairs: provinces, and Lampung down to its districts",
			server("kind", enum(regionKinds()...), ""),
			server("parent", text(2, 13), "code of the region it lies in; absent for a province"),
			server("zone", enum(zones()...), "")),
		listed("marketplace", "marketplaces", server("hosts", list(form(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`, 100), 20), "where addresses of its shops lie; absent = anywhere")),
		listed("channel", "channels of sales", server("online", truth(), "sales through it are online")),
		listed("category", "categories of enterprises and products"),
		listed("payment", "ways to pay"),
		listed("facilitation_kind", "kinds of facilitation and certification; steps, documents and validity are what is usual",
			server("subjects", list(enum(subjectTypes()...), 10), "types of what it is about"),
			server("categories", list(enum(categories()...), 10), "lines of business that it is for; absent = all"),
			server("funded", truth(), "the programme pays, so an admin approves"),
			server("milestones", list(stepType(), 20), ""),
			server("documents", list(stepType(), 20), ""),
			server("expiry", enum(string(Expires), string(MayExpire), string(NeverExpires)), "whether a result names its last day"),
			server("validity", text(0, 300), "note for people")),
		listed("zone", "time zones"),
	}
}

// referenceList says which version of a list the program has put there.
func referenceList() *merge.Collection {
	return &merge.Collection{
		Name: "reference_list", Scope: ScopeReference, Doc: "the lists and their versions", Fields: fields(
			server("list", text(1, 40), "its collection"),
			server("list_version", whole(1, 1_000_000, ""), "of the entries that the program brings along"),
		),
	}
}

// listed is the table of a reference list.
func listed(name, doc string, more ...merge.Field) *merge.Collection {
	return &merge.Collection{
		Name: name, Scope: ScopeReference, Doc: doc, Tags: tagReference(name), Fields: fields(
			server("code", text(1, 40), "for ever the same"),
			server("name_id", text(1, 120), ""),
			server("name_en", text(1, 120), "absent = as name_id"),
			server("aliases", list(text(1, 120), 100), "other spellings and former codes; lookups leave case, spaces and punctuation aside"),
			server("counted_as", text(1, 40), "word of the catalogue that records carry for it"),
			server("sort", whole(0, 1_000_000, ""), "order of the list; absent = by code"),
			server("active", truth(), "on offer; what is retired stays for old records"),
			server("valid_from", date(), "first day; absent = always"),
			server("valid_to", date(), "last day; absent = for ever"),
			server("replaced_by", list(text(1, 40), 20), "codes that took its place"),
			server("edited", list(text(1, 40), 20), "fields that an admin has changed, which no later version of the list changes"),
			more,
		),
	}
}

// stepType is a milestone or a document of a kind.
func stepType() merge.Type {
	return object(
		merge.Member{Name: "code", Type: text(1, 40), Required: true},
		merge.Member{Name: "name_id", Type: text(1, 120), Required: true},
		merge.Member{Name: "name_en", Type: text(1, 120), Required: true},
		merge.Member{Name: "needed", Type: truth()})
}
