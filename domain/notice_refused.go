package domain

import (
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reactQuarantine tells a person of an edit that was refused for good. Edits that
// one commit refused bear one instant, and are one item: a phone that comes back
// with hundreds of them does not bury the rest of the inbox.
func reactQuarantine(c merge.Change) []merge.Effect {
	if !c.New {
		return nil
	}
	scope, at := c.After.Text("scope"), c.After.Text("refused_at")
	author := scopeID(c)
	item := id.Derive(NoticeEditRefused, author, scope, at)
	if n := utf8.RuneCountInString(scope); n > 100 { // it is whatever a phone wrote
		scope = ""
	}
	// The item is made in the commit that refuses, whose own rows nobody reacts to: so its
	// ring is asked for here.
	return []merge.Effect{{Scope: merge.UserScope(author), Collection: "inbox", ID: item,
		Set: inboxItem(NoticeEditRefused, scope, merge.Key{}, params{"at": at})},
		{Scope: merge.UserScope(author), Collection: "inbox", ID: item, Do: StepRing}}
}
