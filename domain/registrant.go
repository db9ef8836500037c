package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Registrant is one row of a list of people who registered elsewhere, read and
// checked.
type Registrant struct {
	Line         int       `json:"-"`             // of the file, as a spreadsheet shows it
	Ref          string    `json:"external_ref"`  // number of the registration over there
	RegisteredAt time.Time `json:"registered_at"` // UTC, whole seconds
	Business     string    `json:"business_name"`
	Owner        string    `json:"owner_name"`
	Phone        Phone     `json:"phone"`
	NIB          string    `json:"nib"`        // 13 digits; empty: none given
	Region       Region    `json:"region"`     // a regency or city, also one outside the programme's provinces
	Category     string    `json:"category"`   // the primary one, by its code
	Categories   []string  `json:"categories"` // Category first
	Address      string    `json:"address"`
	SizeClass    string    `json:"size_class"` // micro, small, medium; empty: not given
	Email        string    `json:"email"`

	Survey map[string]int  `json:"survey"` // 0 to 4 by item of SurveyItems; what was not answered is absent
	Checks map[string]bool `json:"checks"` // by item of RegistrantChecks; likewise

	Answers map[string]string `json:"answers,omitempty"` // to the programme's own questions, by code, as an application keeps them; likewise
}

// The answers of the survey.
const (
	SurveyMin = 0
	SurveyMax = 4
)

// SurveyItems lists the ten items of the survey of digital literacy in their order.
func SurveyItems() []string {
	return []string{"device", "internet", "chat_selling", "social_media", "marketplace", "ads", "photo", "packaging_info", "digital_payment", "bookkeeping"}
}

// What a registrant says of the business, for the checklist of the first stage.
const (
	CheckOwnProduction = "own_production"
	CheckNIBWilling    = "nib_willing"
	CheckMarketable    = "marketable_product"
	CheckConsent       = "consent"
	CheckAssisted      = "assisted_this_year"
)

// RegistrantChecks lists the questions that are answered with yes or no.
func RegistrantChecks() []string {
	return []string{CheckOwnProduction, CheckNIBWilling, CheckMarketable, CheckConsent, CheckAssisted}
}

// Keys are what a registration is known by. An empty one is none.
type Keys struct {
	Ref    string // of the registration, without case and blanks
	NIB    string
	Person string // phone and folded name of the business
	Digest string // of all that was said, by which a second import sees that nothing changed
}

// Keys gives what r is known by. Keep the digest of the import: what people edit
// afterwards does not belong into it.
func (r Registrant) Keys() Keys {
	k := Keys{Ref: strings.ToLower(strings.ReplaceAll(r.Ref, " ", "")), NIB: r.NIB, Digest: r.digest()}
	if r.Phone != "" && r.Business != "" {
		k.Person = string(r.Phone) + "/" + FoldBusiness(r.Business)
	}
	return k
}

// digest does not depend on the line, so that a row may move.
func (r Registrant) digest() string {
	text, err := json.Marshal(r)
	if err != nil {
		return "" // a struct of texts and numbers; nothing in it can fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Known is what was registered before an import. The zero value is nothing.
type Known struct {
	refs, nibs, people map[string]Registered
}

// Registered is one registration that is there already.
type Registered struct {
	ID     string // of the application
	Digest string // of its import; empty if it was not imported, and then nothing of it is compared
}

// Add puts the registration with the given id into k. Of two with one key the first
// stays.
func (k *Known) Add(id string, keys Keys) {
	if k.refs == nil {
		k.refs, k.nibs, k.people = map[string]Registered{}, map[string]Registered{}, map[string]Registered{}
	}
	put := func(m map[string]Registered, key string) {
		if _, taken := m[key]; key != "" && !taken {
			m[key] = Registered{ID: id, Digest: keys.Digest}
		}
	}
	put(k.refs, keys.Ref)
	put(k.nibs, keys.NIB)
	put(k.people, keys.Person)
}

// Met is how a row meets what is registered.
type Met struct {
	Field string // that both have, such as "nib"
	Code  string // "registered_differs" or "already_registered"; empty: nothing of it changed
}

// Unchanged reports whether the row says what is registered.
func (m Met) Unchanged() bool { return m.Code == "" }

// Meets says how a row of these keys meets what k has, if it does. Where one of both says no
// more than a number of the registration, nothing of them is compared.
func (k *Known) Meets(keys Keys) (m Met, met bool) {
	if there, ok := k.refs[keys.Ref]; ok && keys.Ref != "" {
		if there.Digest == "" || keys.Digest == "" || there.Digest == keys.Digest {
			return Met{Field: fieldRef}, true
		}
		return Met{fieldRef, "registered_differs"}, true
	}
	if _, ok := k.nibs[keys.NIB]; ok && keys.NIB != "" {
		return Met{fieldNIB, "already_registered"}, true
	}
	if _, ok := k.people[keys.Person]; ok && keys.Person != "" {
		return SameBusiness(), true
	}
	return Met{}, false
}

// SameBusiness is that the business of a row is registered already.
func SameBusiness() Met { return Met{fieldPhone, "already_registered"} }
