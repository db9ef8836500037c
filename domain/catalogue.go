package domain

//go:generate go test -run "^(TestCatalogueIsPrinted|TestNotificationsArePrinted|TestTheCatalogueOnlyGrows)$" . -update

import (
	"regexp"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Kinds of scopes that the catalogue has records for.
const (
	ScopeBusiness  = "business"
	ScopeUser      = "user"
	ScopeMentoring = "mentoring" // beside a business, for its mentors alone
	ScopeReference = "reference" // one, for everybody who is logged in
	ScopeDecision  = "decision"
	ScopeAudit     = "audit" // one a month; nobody is granted it
)

// Catalogue is everything that syncs: one table per collection. It is made anew
// on each call; a server or a phone makes one and keeps it.
func Catalogue() (*merge.Schema, error) {
	all := append(reference(),
		business(), membership(), assignment(), product(), sales(), saleAdjustment(), task(), taskEvent(), facilitation(), caseEvent(), attachment(), journal(),
		target(), visit(), visitEvent(), publicity(),
		mentoring(), mentorWindow(), mentorNote(), queueItem(),
		user(), mentorProfile(), consent(), preference(), device(), inbox(), receipt(), quarantine(),
		reviewItem(), job(), jobStep(), approval(), auditEntry())
	all = append(all, application(), applicationEvent(), enrolment(), enrolmentEvent(), businessPlan(), planTemplate())
	all = append(append(append(all, programmes()...), decisions()...), panels()...)
	all = append(all, announcements()...)
	s, err := merge.NewSchema(SchemaVersion, all...)
	if err != nil {
		return nil, err
	}
	s.Refused, s.Shared, s.Sources = refused, []string{ScopeReference, ScopeProgrammes}, map[string]string{ScopeMentoring: ScopeBusiness}
	s.Roots = map[string]string{ScopeBusiness: "business"}
	s.Whole = []string{ScopeAudit}
	return s, nil
}

// MustCatalogue is Catalogue for programs that cannot go on without it. It
// panics if the tables break a rule of the house, which a test excludes.
func MustCatalogue() *merge.Schema {
	s, err := Catalogue()
	if err != nil {
		panic("domain: " + err.Error())
	}
	return s
}

// Who may write. Admins edit online only.
func ownerSide() []merge.Role  { return []merge.Role{merge.Owner, merge.Staff, merge.Admin} }
func mentorSide() []merge.Role { return []merge.Role{merge.Mentor, merge.Admin} }
func everybody() []merge.Role {
	return []merge.Role{merge.Owner, merge.Staff, merge.Mentor, merge.Admin}
}
func self() []merge.Role { return []merge.Role{merge.Self} }

// The shapes of the tables.
func text(minimum, maximum int64) merge.Type {
	return merge.Type{Kind: merge.Text, Min: minimum, Max: maximum}
}
func form(pattern string, maximum int64) merge.Type {
	return merge.Type{Kind: merge.Text, Max: maximum, Pattern: regexp.MustCompile(pattern)}
}
func whole(minimum, maximum int64, unit string) merge.Type {
	return merge.Type{Kind: merge.Int, Min: minimum, Max: maximum, Unit: unit}
}
func rupiah(minimum, maximum Rupiah) merge.Type {
	return whole(int64(minimum), int64(maximum), "rupiah")
}
func enum(words ...string) merge.Type   { return merge.Type{Kind: merge.Enum, Enum: words} }
func ref(collection string) merge.Type  { return merge.Type{Kind: merge.Reference, To: collection} }
func truth() merge.Type                 { return merge.Type{Kind: merge.Bool} }
func date() merge.Type                  { return merge.Type{Kind: merge.Date, Unit: "local day"} }
func instant() merge.Type               { return merge.Type{Kind: merge.Instant} }
func anything(maximum int64) merge.Type { return merge.Type{Kind: merge.Any, Max: maximum} }
func list(of merge.Type, most int64) merge.Type {
	return merge.Type{Kind: merge.List, Max: most, Of: &of}
}

func object(members ...merge.Member) merge.Type {
	return merge.Type{Kind: merge.Object, Members: members}
}

// place is a point of the earth, to five decimals, about a metre.
func place() merge.Type {
	return object(
		merge.Member{Name: "lat", Type: form(`^-?([0-8]?[0-9](\.[0-9]{1,5})?|90(\.0{1,5})?)$`, 10), Required: true},
		merge.Member{Name: "lon", Type: form(`^-?((1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,5})?|180(\.0{1,5})?)$`, 10), Required: true})
}

// objectRef names a record of any collection.
func objectRef() merge.Type {
	return object(
		merge.Member{Name: "collection", Type: text(1, 40), Required: true},
		merge.Member{Name: "id", Type: ref(""), Required: true},
		merge.Member{Name: "field", Type: text(1, 60)})
}

// The policies of the tables.
func server(name string, t merge.Type, doc string) merge.Field {
	return merge.Field{Name: name, Type: t, Doc: doc}
}

func latest(name string, t merge.Type, write []merge.Role, doc string) merge.Field {
	return merge.Field{Name: name, Type: t, Policy: merge.Latest, Write: write, Doc: doc}
}

func once(name string, t merge.Type, write []merge.Role, doc string) merge.Field {
	return merge.Field{Name: name, Type: t, Policy: merge.Once, Write: write, Doc: doc}
}

func ranked(name string, t merge.Type, order string, write []merge.Role, doc string) merge.Field {
	return merge.Field{Name: name, Type: t, Policy: merge.Authority, Ranks: merge.Rank(order), Write: write, Doc: doc, Options: []string{order}}
}

func set(name string, t merge.Type, most int, write []merge.Role, doc string) merge.Field {
	return merge.Field{Name: name, Type: t, Policy: merge.Set, Max: most, Write: write, Doc: doc}
}

// remembered keeps what the field was, for rules about what an author saw.
func remembered(f merge.Field) merge.Field {
	f.Remember = true
	return f
}

// unique lets one business at a time have the value; taken receives it where
// another one had it first.
func unique(taken string, f merge.Field) merge.Field {
	f.Unique = taken
	return f
}

// written lists in the server field all what was ever written, newest first.
func written(all string, f merge.Field) merge.Field {
	f.History = all
	return f
}

// history is the server field that written fills.
func history(name string, t merge.Type, doc string) merge.Field {
	return server(name, list(object(
		merge.Member{Name: "value", Type: t},
		merge.Member{Name: "at", Type: instant(), Required: true},
		merge.Member{Name: "by", Type: text(0, 40), Required: true}), 30), doc)
}

func required(f merge.Field) merge.Field {
	f.Required = true
	return f
}

func group(name string, fields ...merge.Field) []merge.Field {
	for i := range fields {
		fields[i].Group = name
	}
	return fields
}

func fields(parts ...any) []merge.Field {
	var out []merge.Field
	for _, p := range parts {
		switch p := p.(type) {
		case merge.Field:
			out = append(out, p)
		case []merge.Field:
			out = append(out, p...)
		}
	}
	return out
}
