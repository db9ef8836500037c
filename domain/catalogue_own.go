package domain

import (
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// publicity is one mention of a business in the media.
func publicity() *merge.Collection {
	return &merge.Collection{
		Name: "publicity", Scope: ScopeBusiness, Doc: "a business in the media; a mistake is hidden, never changed", Create: mentorSide(), Allow: allowPublicity, Fields: fields(
			required(once("outlet", text(2, 120), mentorSide(), "newspaper, channel or site")),
			required(once("published_on", date(), mentorSide(), "")),
			required(once("kind", enum("news_site", "newspaper", "television", "radio", "magazine", "social_media", "government_site", "other"), mentorSide(), "")),
			once("title", text(1, 200), mentorSide(), ""),
			once("url", form(`^https?://[^\s/]+(/\S*)?$`, 500), mentorSide(), ""),
			once("photos", list(ref("attachment"), MaxPhotos), mentorSide(), "cuttings"),
			latest("hidden", truth(), mentorSide(), "written down by mistake; by its author"),
		),
	}
}

func allowPublicity(a merge.Attempt) *merge.Reject {
	if day := Date(merge.AsString(a.Set["published_on"])); day > LastDay(a.Corrected.Time()).AddDays(FutureDays) {
		return refuse("date_in_future", "set.published_on")
	}
	if !a.Create && a.Set["hidden"] != nil && a.Role != merge.Admin && a.Before.Text("created_by") != a.Author {
		return refuse("forbidden", "set.hidden")
	}
	return nil
}

// Classes of notices that people set apart, and what they may be sent by beside
// the inbox.
func noticeClasses() []string {
	return []string{"results", "tasks", "deadlines", "sales", "announcements", "security"}
}

func noticeChannels() []string { return []string{"push", "whatsapp", "sms"} }

// preference is how a person wants to be told. The inbox holds every notice
// whatever stands here: these are about what rings.
func preference() *merge.Collection {
	var switches []merge.Field
	for _, class := range noticeClasses() {
		for _, channel := range noticeChannels() {
			switches = append(switches, latest(class+"_"+channel, truth(), self(), ""))
		}
	}
	clock := form(`^([01][0-9]|2[0-3]):[0-5][0-9]$`, 5)
	return &merge.Collection{
		Name: "preference", Scope: ScopeUser, Doc: "how a person wants to be told; one record per scope, with an id that every phone of the person works out alike; absent = on for push, off for the others",
		Create: self(), Allow: allowPreference, Fields: fields(
			switches,
			group("quiet",
				latest("quiet_from", clock, self(), "local time; absent = 21:00"),
				latest("quiet_to", clock, self(), "local time; absent = 06:00")),
			latest("digest", truth(), self(), "several at a time as one"),
		),
	}
}

// PreferenceID is the id of a person's one preference record, so that two phones
// that make it without a network make one.
func PreferenceID(user string) string { return id.Derive("preference", user) }

func allowPreference(a merge.Attempt) *merge.Reject {
	if a.Create && a.ID != PreferenceID(scopeID(a.View)) {
		return refuse("invalid_value", "id")
	}
	return nil
}

// Purposes that a person may agree to, one by one.
func consentPurposes() []string {
	return []string{"programme_admin", "curation", "sales_monitoring", "publicity", "research_aggregate", "notification_whatsapp"}
}

// consent is one word of a person about one purpose: given, or taken back. It is
// never changed; the newest per purpose rules, a no before a yes that has not seen it, and the profile says which that
// is.
func consent() *merge.Collection {
	return &merge.Collection{
		Name: "consent", Scope: ScopeUser, Doc: "consents given and withdrawn, as operations on the profile; the newest per purpose rules, a no before a yes that did not see it", Create: self(), Immutable: true,
		Parent: "user", ParentField: "user_id", Fields: fields(
			required(once("user_id", ref("user"), self(), "the own profile")),
			required(once("purpose", enum(consentPurposes()...), self(), "")),
			required(once("granted", truth(), self(), "false: withdrawn")),
			required(once("text_version", form(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[0-9]+)?$`, 16), self(), "of the text that the person had before the eyes")),
		),
	}
}

// consentType is how the profile lists what a person agreed to.
func consentType() merge.Type {
	return list(object(
		merge.Member{Name: "purpose", Type: enum(consentPurposes()...), Required: true},
		merge.Member{Name: "granted", Type: truth(), Required: true},
		merge.Member{Name: "text_version", Type: text(1, 16), Required: true},
		merge.Member{Name: "at", Type: instant(), Required: true}), 6)
}

// deriveUser works out what a person agrees to now: per purpose the newest word
// among those that no other of the purpose has seen. Of a yes and a no that did
// not see each other, the no holds: asking again costs less than going too far.
func deriveUser(v merge.View, r merge.Row) merge.Derived {
	words := v.Operations("consent", r.ID)
	d := merge.Derived{Fields: map[string]merge.Value{"consents": nil}, Operations: map[merge.Key]map[string]merge.Value{}}
	var state []map[string]merge.Value
	for _, purpose := range consentPurposes() {
		word, ok := consentOf(words, purpose)
		if !ok {
			continue
		}
		state = append(state, map[string]merge.Value{"purpose": merge.Str(purpose), "granted": word.Fields["granted"], "text_version": word.Fields["text_version"],
			"at": word.Fields["created_at"]})
		for _, w := range words {
			if w.Text("purpose") == purpose {
				outcome := Superseded
				if w.ID == word.ID {
					outcome = Effective
				}
				d.Operations[w.Key] = map[string]merge.Value{"outcome": merge.Str(outcome)}
			}
		}
	}
	if len(state) > 0 {
		d.Fields["consents"] = merge.Encode(state)
	}
	return d
}

// consentOf is the word that rules a purpose.
func consentOf(words []merge.Row, purpose string) (merge.Row, bool) {
	m := machine{lane: func(o merge.Row) string { return o.Text("purpose") }}
	heads := m.heads(words, purpose)
	if len(heads) == 0 {
		return merge.Row{}, false
	}
	if i := slices.IndexFunc(heads, func(o merge.Row) bool { return string(o.Fields["granted"]) == "false" }); i >= 0 {
		return heads[i], true
	}
	return heads[len(heads)-1], true
}

// Consented reports whether a profile agrees to a purpose now.
func Consented(profile merge.Row, purpose string) bool {
	granted, _ := consentTo(profile, purpose)
	return granted
}

func consentTo(profile merge.Row, purpose string) (granted, said bool) {
	var all []struct {
		Purpose string `json:"purpose"`
		Granted bool   `json:"granted"`
	}
	if v := profile.Fields["consents"]; v == nil || json.Unmarshal(v, &all) != nil {
		return false, false
	}
	for _, c := range all {
		if c.Purpose == purpose {
			return c.Granted, true
		}
	}
	return false, false
}

// Said reports whether a profile says anything about a purpose, yes or no.
func Said(profile merge.Row, purpose string) bool {
	_, said := consentTo(profile, purpose)
	return said
}
