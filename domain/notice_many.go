package domain

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// severalOf says how one push tells of several items of one type of the calendar: as of one, where
// the words of one are as true of several, else in words of their own; on the card, and with the way,
// that all of them have, if they do.
func severalOf(t NoticeType, items []merge.Row, m Many) Many {
	m.Words = t.ID
	m.Alike = !slices.Contains([]string{NoticeVisitTomorrow, NoticeTargetReached, NoticeSilentBusiness}, t.ID)
	same := func(of func(merge.Row) string) bool {
		return !slices.ContainsFunc(items, func(i merge.Row) bool { return of(i) != of(items[0]) })
	}
	if same(TagOf) {
		m.Tag = TagOf(items[0])
	}
	if link := func(i merge.Row) string { return i.Text("deep_link") }; same(link) {
		m.Link = link(items[0])
	}
	return m
}
