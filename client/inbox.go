package client

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// notice is one item of the inbox, in words.
type notice struct {
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	Class    string      `json:"class"`
	Title    string      `json:"title"`
	Detail   string      `json:"detail"`
	Scope    string      `json:"scope"`
	Object   merge.Value `json:"object,omitempty"`
	DeepLink string      `json:"deep_link"`
	At       string      `json:"at"`
	Read     bool        `json:"read"`

	// Of an announcement.
	Pin       bool   `json:"pin,omitempty"`
	Priority  string `json:"priority,omitempty"`
	Updated   bool   `json:"updated,omitempty"`
	Retracted bool   `json:"retracted,omitempty"`
	Confirm   bool   `json:"confirm,omitempty"`
	ConfirmBy string `json:"confirm_by,omitempty"`
}

// Inbox lists what the user is told, newest first, without what was dismissed or
// is out of date: a JSON list of id, type, title and detail in the language of
// the app, scope and object that it is about, deep_link, at, and whether it was
// read on any phone of the user. Hours are those of the business that an item is
// about, as far as the phone has it, else WIB. class is what the user switches by.
// An announcement has pin, priority, whether it was updated or retracted, and whether the
// user is asked to confirm it, and by when (Acknowledge).
func (p *Phone) Inbox() (string, error) {
	items, err := p.in().inner.Rows(p.own(), "inbox")
	now := merge.FormatInstant(merge.Millis(p.in().clock.WallMillis()))
	out := []notice{}
	for _, r := range items {
		if until := r.Text("expires_at"); string(r.Fields["dismissed"]) == "true" || until != "" && until <= now {
			continue
		}
		zone, err := p.zone(r.Text("scope"))
		if err != nil {
			return "", p.fault(err)
		}
		if r, err = p.inEnglish(r); err != nil {
			return "", p.fault(err)
		}
		s := domain.NoticeText(r, zone, p.in().lang)
		out = append(out, notice{r.ID, r.Text("type"), r.Text("class"), s.Title, s.Detail, r.Text("scope"), r.Fields["object"], r.Text("deep_link"),
			r.Text("created_at"), r.Text("read_at") != "", isTrue(r, "pin"), r.Text("priority"), r.Int("version") > 1, isTrue(r, "retracted"),
			isTrue(r, "require_ack"), r.Text("ack_by")})
	}
	slices.SortFunc(out, func(a, b notice) int { return strings.Compare(b.At+b.ID, a.At+a.ID) })
	return p.json(out, err)
}

// inEnglish has an item about a task of a plan name it in English to who reads that, as long
// as the phone has the task and nobody gave it another title.
func (p *Phone) inEnglish(item merge.Row) (merge.Row, error) {
	task := domain.NoticeObject(item)
	if p.in().lang != message.EN || task.Collection != "task" {
		return item, nil
	}
	t, there, err := p.in().inner.Row(item.Text("scope"), task.Collection, task.ID)
	if err != nil || !there {
		return item, err
	}
	return domain.NoticeOfTask(item, t, message.EN), nil
}

// zone is the time zone of the business of a scope.
func (p *Phone) zone(scope string) (domain.Zone, error) {
	r, _, err := p.in().inner.Row(scope, "business", strings.TrimPrefix(scope, "business/"))
	return domain.Zone(r.Text("zone")), err
}

// MarkRead notes that the user opened an item of the inbox; the first time on
// any phone counts.
func (p *Phone) MarkRead(noticeID string) error {
	at := merge.Millis(p.in().clock.WallMillis())
	_, err := p.Save(p.own(), "inbox", noticeID, `{"read_at":`+string(at.Value())+`}`)
	return err
}

// Acknowledge notes that the user confirmed an announcement of the inbox, which is also to
// have read it; the first time on any phone counts.
func (p *Phone) Acknowledge(noticeID string) error {
	r, _, err := p.in().inner.Row(p.own(), "inbox", noticeID)
	if err != nil {
		return p.fault(err)
	}
	announcement := domain.ItemAnnouncement(r)
	if announcement == "" {
		return p.fault(&fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "notice_id", Text: "no announcement"})
	}
	at := string(merge.Millis(p.in().clock.WallMillis()).Value())
	_, err = p.Save(p.own(), "receipt", "", `{"announcement_id":"`+announcement+`","read_at":`+at+`,"acked_at":`+at+`}`)
	return err
}

func isTrue(r merge.Row, field string) bool { return string(r.Fields[field]) == "true" }

// Dismiss takes an item of the inbox away, on every phone of the user.
func (p *Phone) Dismiss(noticeID string) error {
	_, err := p.Save(p.own(), "inbox", noticeID, `{"dismissed":true}`)
	return err
}

// PreferenceID is the id of the user's one record of collection "preference" in
// UserScope: how the user wants to be told. Save makes it under this id if it is
// not there.
func (p *Phone) PreferenceID() string { return domain.PreferenceID(p.in().inner.Me().User) }
