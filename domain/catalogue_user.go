package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// user is a person's own profile.
func user() *merge.Collection {
	const order = "admin > self"
	both := []merge.Role{merge.Self, merge.Admin}
	return &merge.Collection{
		Name: "user", Scope: ScopeUser, Doc: "the person; one record per scope, made by the server", Derive: deriveUser, React: reactUser, Fields: fields(
			server("phone", text(1, 20), "E.164; changed by a verified flow only"),
			server("phone_verified_at", instant(), ""),
			server("wa_capable", truth(), "the number has WhatsApp"),
			ranked("full_name", text(2, 100), order, both, ""),
			latest("email", form(`^[^@\s]+@[^@\s]+\.[^@\s]+$`, 254), both, ""),
			latest("locale", enum("id", "en"), both, "absent = id"),
			latest("birth_year", whole(1900, 2100, "year"), self(), "optional; never the whole date"),
			latest("gender", enum("female", "male"), self(), "optional"),
			server("grants", list(object(
				merge.Member{Name: "role", Type: text(1, 20), Required: true},
				merge.Member{Name: "scope_type", Type: enum("programme", "region", "business", "system"), Required: true},
				merge.Member{Name: "scope_id", Type: text(1, 40)},
				merge.Member{Name: "from", Type: instant()},
				merge.Member{Name: "to", Type: instant()}), 100), "index of what the person may do; decides nothing"),
			server("consents", consentType(), "what holds now, replayed from the consents"),
			server("nik_last4", form(`^[0-9]{4}$`, 4), "the number itself never syncs"),
			server("status", enum("invited", "active", "suspended", "erased"), ""),
		),
	}
}

// device is one installation of the app.
func device() *merge.Collection {
	return &merge.Collection{
		Name: "device", Scope: ScopeUser, Doc: "an installation of the app; made at login, written by itself alone", Allow: allowDevice, Fields: fields(
			server("install_id", text(1, 64), "made anew at each installation"),
			latest("platform", text(0, 60), self(), "noted at each login too"), latest("model", text(0, 60), self(), ""),
			latest("os_version", text(0, 60), self(), ""), latest("app_version", text(0, 60), self(), ""),
			latest("push_token", text(0, 4000), self(), "address at the push service; the server removes one that is dead"),
			server("push_token_at", instant(), ""),
			latest("notify_enabled", truth(), self(), "the phone lets the app notify"),
			server("clock_skew_ms", whole(-merge.MaxInt, merge.MaxInt, "ms"), "phone minus server, estimated"),
			server("status", enum("active", "revoked", "lost"), ""),
		),
	}
}

// inbox holds what a person is told. A push is only a hint that it grew.
func inbox() *merge.Collection {
	return &merge.Collection{
		Name: "inbox", Scope: ScopeUser, Doc: "notices; the truth behind every push", React: reactInbox, Fields: fields(
			server("type", text(1, 40), "key of the sentence in the message catalogue"),
			server("class", enum(noticeClasses()...), "what people switch by"),
			server("params", anything(4000), "what fills the holes of the sentence"),
			server("scope", text(1, 100), "where the object lives"),
			server("object", objectRef(), "what it is about"),
			server("deep_link", text(1, 200), "where a tap leads"),
			server("expires_at", instant(), ""),
			announcementWords(),
			server("version", whole(1, 1_000_000, ""), "of the words of an announcement; above 1: updated"),
			server("retracted", truth(), "the words were taken back, the title stays"),
			server("pin", truth(), "stands above the others"),
			server("priority", enum(PriorityNormal, PriorityImportant, PriorityUrgent), "of an announcement"),
			server("require_ack", truth(), "please confirm: acked_at of a receipt"),
			server("ack_by", instant(), ""),
			server("push_public", truth(), "of an announcement: pushes carry its title"),
			merge.Field{Name: "read_at", Type: instant(), Policy: merge.Earliest, Write: self(), Doc: "first read on any phone"},
			latest("dismissed", truth(), self(), "swiped away"),
		),
	}
}

// receipt says what became of an announcement at one person.
func receipt() *merge.Collection {
	earliest := func(name, doc string) merge.Field {
		return merge.Field{Name: name, Type: instant(), Policy: merge.Earliest, Write: self(), Doc: doc}
	}
	return &merge.Collection{
		Name: "receipt", Scope: ScopeUser, Doc: "delivery and reading of an announcement; several of one person are one", Create: self(), Tags: tagReceipt, React: reactReceipt, Fields: fields(
			required(once("announcement_id", ref(""), self(), "")),
			earliest("delivered_at", "first arrival on any phone"), earliest("read_at", "first opening"), earliest("acked_at", "first confirmation"),
			latest("device", text(1, 64), self(), "phone that wrote last"),
		),
	}
}

// quarantine holds refused edits, whole. The resolver writes it.
func quarantine() *merge.Collection {
	return &merge.Collection{
		Name: "quarantine", Scope: ScopeUser, Doc: "own edits that were refused, with the reason", Delete: self(), OnDelete: merge.DeleteWins, React: reactQuarantine, Fields: fields(
			server("scope", anything(0), "where it was meant to go"),
			server("collection", anything(0), ""), server("record", anything(0), ""),
			server("code", text(1, 60), "why; key of the message catalogue"), server("field", anything(0), "path in the mutation"),
			server("device", anything(0), ""), server("incarnation", anything(0), ""), server("n", anything(0), "its number there"),
			server("refused_at", instant(), ""), server("mutation", anything(0), "as it came, cut at 64 KiB"),
			latest("resolved", truth(), self(), "seen and settled by its author"),
		),
	}
}

// reviewItem is something that an admin must look at.
func reviewItem() *merge.Collection {
	return &merge.Collection{
		Name: "review_item", Scope: ScopeDecision, Doc: "queue of the admins; never on a phone", React: reactReview, Tags: tagReview, Fields: fields(
			server("what", enum("refused_edit", "verify_against_cancel", "issue_against_reject", "case_funding", "case_confirmation", "announcement_withheld", "offer_unclear", "two_applications", "registered_twice", "curator_joined", "place_unfilled"), ""),
			server("scope", text(1, 100), "where it happened"),
			server("object", objectRef(), "what it is about"),
			server("other", ref(""), "of registered_twice: the application that was there before"),
			server("author", text(0, 40), "whose edit it was"),
			server("code", text(0, 60), "why it was refused, or withheld"),
			server("mutation", anything(0), "the edit as it came"),
			server("made_at", instant(), "when the edit was made, by the corrected clock"),
			server("at", instant(), "when the server had it"),
			server("quarantine", ref(""), "the author's own record of it"),
			server("resolved_at", instant(), ""), server("resolved_by", text(0, 40), ""), server("resolution", text(0, 2000), "for the author too"),
			server("decision", enum("applied", "dismissed"), "applied: the edit was made after all, in its author's name"),
		),
	}
}

// OpenReviewTag is the tag of what waits for an admin.
const OpenReviewTag = "review=open"

func tagReview(r merge.Row) []string {
	if r.Text("resolved_at") != "" {
		return nil
	}
	return []string{OpenReviewTag}
}
