package programme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Receipts tells what became of an announcement at its audience.
type Receipts struct {
	People, Delivered, Read, Acked int       // of the whole audience
	Page                           []Receipt // a part of the audience, by user
	Next                           int       // page behind that one; 0: it was the last
}

// Receipt is what became of it at one person, by the words of their phones, and never later
// than now; zero times are not yet.
type Receipt struct {
	User                   string
	Delivered, Read, Acked time.Time
}

// AnnouncementReceipts counts what became of an announcement, and lists one page of its
// audience, counted from 0; pages hold up to domain.AudiencePage people. It reads every
// receipt: some three hundred bytes for each person who had it. A regional admin who did not
// write it sees the numbers and no people.
//
// Errors: Forbidden, NotFound; Invalid "invalid_value" for a page that is not there.
func (s *Service) AnnouncementReceipts(ctx context.Context, who Caller, announcement string, page int) (Receipts, error) {
	a, err := s.Announcement(ctx, who, announcement)
	if err != nil {
		return Receipts{}, err
	}
	out, pages := Receipts{People: int(a.Int("audience_count"))}, domain.AudiencePages(a.Row)
	if page < 0 || page > max(0, len(pages)-1) {
		return out, invalid("after", "no such page")
	}
	if len(pages) == 0 {
		return out, nil
	}
	head, err := s.Engine.Store.Head(ctx, domain.AnnouncementScope(announcement))
	if errors.Is(err, store.ErrAbsent) {
		err = notFound()
	}
	if err != nil {
		return out, fmt.Errorf("head of announcement: %w", err)
	}
	by := map[string]Receipt{}
	fields, none := picks("user_id", "delivered_at", "read_at", "acked_at"), out
	err = s.walk(ctx, head, func() { clear(by); out = none }, func(r *store.Record) error {
		if r.Collection != "announcement_receipt" {
			return nil
		}
		row, err := fields.of(r)
		if err != nil {
			return err
		}
		receipt := Receipt{row.Text("user_id"), s.past(row, "delivered_at"), s.past(row, "read_at"), s.past(row, "acked_at")}
		by[receipt.User] = receipt
		for n, at := range map[*int]time.Time{&out.Delivered: receipt.Delivered, &out.Read: receipt.Read, &out.Acked: receipt.Acked} {
			if !at.IsZero() {
				*n++
			}
		}
		return nil
	})
	if err != nil {
		return none, err
	}
	if is, err := s.authority(ctx, who); err != nil || !is.admin && a.Text("author") != who.User {
		return out, err
	}
	users, err := s.page(ctx, announcement, pages[page])
	for _, u := range users {
		receipt := by[u]
		receipt.User = u
		out.Page = append(out.Page, receipt)
	}
	if page+1 < len(pages) {
		out.Next = page + 1
	}
	return out, err
}

// past is an instant that a phone has said. One whose clock is ahead has said one that is not
// there yet: it is told as now, and kept as it was said, so that an earlier one still counts.
func (s *Service) past(r merge.Row, field string) time.Time {
	at, now := instant(r, field), s.Clock.Now()
	if at.After(now) {
		return now.UTC().Truncate(time.Millisecond)
	}
	return at
}
