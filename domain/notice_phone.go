package domain

import (
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// PhoneLetter tells somebody that they log in on a phone on which they were not logged in,
// or that one is removed. login names the login that begins, or that began what is removed: of one
// it is the same letter, however often it is made.
func PhoneLetter(user, device, model string, removed bool, login string) Letter {
	kind := NoticeNewPhone
	if removed {
		kind = NoticePhoneRemoved
	}
	return Letter{user, id.Derive("phone", kind, device, login, user),
		inboxItem(kind, merge.UserScope(user), merge.Key{Collection: "device", ID: device}, named(params{"device": device}, "model", model))}
}

// AcknowledgeLetter asks somebody for the confirmation of an announcement. It is worth
// nothing once the time for that is over.
func AcknowledgeLetter(announcement merge.Row, user string) Letter {
	by := announcement.Text("ack_by")
	set := inboxItem(NoticeAcknowledge, "", merge.Key{Collection: "announcement", ID: announcement.ID}, params{"at": by})
	set["expires_at"] = merge.Str(by)
	return Letter{user, id.Derive("reminder", NoticeAcknowledge, announcement.ID, by, user), set}
}

// askAhead is how long before its time a confirmation is asked for.
const askAhead = 24 * time.Hour

// AsksAt is when those who have not read an announcement are asked to confirm it; ok is
// false of one that nobody is asked about, or for which that was done, or that was sent
// later than that.
func AsksAt(a merge.Row) (at time.Time, ok bool) {
	by, sent := instantOf(a, "ack_by"), max(instantOf(a, "publish_at"), instantOf(a, "frozen_at"))
	at = by.Time().Add(-askAhead)
	return at, a.Text("state") == AnnouncementSent && by != 0 && a.Text("asked_at") == "" && at.After(sent.Time())
}

// Answered reports whether a person has read or confirmed an announcement, by the item of
// it in their inbox and by what their phones note.
func Answered(item merge.Row, receipts []merge.Row) bool {
	if item.Text("read_at") != "" {
		return true
	}
	for _, r := range receipts {
		if r.Text("read_at") != "" || r.Text("acked_at") != "" {
			return true
		}
	}
	return false
}

// ReceiptTag is the tag under which a person's receipts for an announcement are found.
func ReceiptTag(announcement string) string { return receiptTag(announcement) }

// AnnouncementReceiptID is the id of what the author is told of one person.
func AnnouncementReceiptID(announcement, user string) string {
	return id.Derive("announcement_receipt", announcement, user)
}
