package domain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// NoticeText is an item of the inbox in words: days and hours by the clocks of
// zone, kinds of cases by their titles in lang. An item of a type that this
// program does not know has no words.
func NoticeText(item merge.Row, zone Zone, lang message.Lang) message.Sentence {
	row, ok := NoticeTypeOf(item.Text("type"))
	if !ok {
		return message.Sentence{}
	}
	var sent map[string]json.RawMessage
	if v := item.Fields["params"]; v != nil && json.Unmarshal(v, &sent) != nil {
		sent = nil
	}
	shown := map[string]any{}
	for _, p := range row.Params {
		if v := p.shown(sent[p.Name], zone, lang); v != nil {
			shown[p.Name] = v
		}
	}
	if isToday(item) {
		shown["today"] = true
	}
	s, _ := message.Inbox(row.ID, lang, shown)
	if title := item.Text("title_id"); title != "" {
		return newsText(item, lang)
	}
	return s
}

// isToday reports whether an item says that something is due on the day on which it was written.
func isToday(item merge.Row) bool { return saysOf(item)["day"] == today }

// NoticeOfTask is an item about a task that names it by the title that who reads a language
// is shown (TaskTitle), unless the task was called otherwise when the item was written.
func NoticeOfTask(item, task merge.Row, lang message.Lang) merge.Row {
	var says map[string]json.RawMessage
	if v := item.Fields["params"]; v == nil || json.Unmarshal(v, &says) != nil || string(says["task"]) != string(task.Fields["title"]) {
		return item
	}
	says["task"] = json.RawMessage(merge.Str(TaskTitle(task, lang)))
	item.Fields = maps.Clone(item.Fields)
	item.Fields["params"] = merge.Encode(says)
	return item
}

// newsText are the words of an announcement, in Indonesian where there are no others. Of
// one that was retracted the title is left.
func newsText(item merge.Row, lang message.Lang) message.Sentence {
	title, body := item.Text("title_id"), item.Text("body_id")
	if lang == message.EN && item.Text("title_en") != "" {
		title, body = item.Text("title_en"), item.Text("body_en")
	}
	return message.News(title, body, lang, item.Int("version") > 1, string(item.Fields["retracted"]) == "true")
}

// shown reads a parameter as package message writes it; nil is one that is absent,
// of another kind, or not for people.
func (p NoticeParam) shown(raw json.RawMessage, zone Zone, lang message.Lang) any {
	if p.Kind == ParamCount {
		var n int
		if raw == nil || json.Unmarshal(raw, &n) != nil {
			return nil
		}
		return n
	}
	var s string
	if raw == nil || json.Unmarshal(raw, &s) != nil || s == "" {
		return nil
	}
	switch p.Kind {
	case ParamText:
		return s
	case ParamDate:
		if t, err := time.Parse(dateForm, s); err == nil {
			return message.Date(t)
		}
	case ParamInstant:
		if at, err := merge.ParseInstant(s); err == nil {
			return at.Time().In(zone.Location())
		}
	case ParamCaseStep:
		return stepTitle(s, lang)
	case ParamCaseKind:
		kind, ok := CaseKindOf(s)
		switch {
		case ok && lang == message.EN:
			return kind.EN
		case ok:
			return kind.ID
		}
	}
	return nil
}

// stepTitle is the title of a usual milestone, given as kind and code; nil if there
// is none.
func stepTitle(s string, lang message.Lang) any {
	word, code, _ := strings.Cut(s, "/")
	kind, _ := CaseKindOf(word)
	i := slices.IndexFunc(kind.Milestones, func(m Step) bool { return m.Code == code })
	switch {
	case i < 0:
		return nil
	case lang == message.EN:
		return kind.Milestones[i].EN
	}
	return kind.Milestones[i].ID
}
