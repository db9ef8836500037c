package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// cutScope is the kind of a scope and what it is of.
func cutScope(scope string) (kind, of string, ok bool) { return strings.Cut(scope, "/") }

// AuditQuery picks entries of the trail; an empty field picks all.
type AuditQuery struct {
	Subject string // id of a person, an enterprise or a record
	Actor   string // user id
	Session string
	From    time.Time // zero: thirty days before To
	To      time.Time // first instant after; zero: now
}

// AuditPlace is where a page of the trail ends.
type AuditPlace struct {
	Month string // as in the scope; empty: the beginning
	At    store.Position
}

// Bounds of one query.
const (
	auditSpan    = 30 * 24 * time.Hour
	auditLongest = 6 * 366 * 24 * time.Hour
	auditBytes   = 16 << 20 // that are read for one page
)

func (q AuditQuery) picks(r merge.Row) bool {
	at := instant(r, "at")
	return !at.Before(q.From) && at.Before(q.To) && (q.Actor == "" || r.Text("actor") == q.Actor) && (q.Session == "" || r.Text("session") == q.Session) &&
		(q.Subject == "" || r.Text("actor") == q.Subject || slices.Contains(merge.AsStrings(r.Fields["subjects"]), q.Subject))
}

// Audit gives a page of the trail to an admin, oldest first. It reads a bounded part of it:
// the page may be short, or empty, and next says where to go on; nil at the end. Entries
// of the last second may still be missing.
//
// Errors: Forbidden; Invalid "invalid_value" for an end before the beginning.
func (s *Service) Audit(ctx context.Context, who Caller, q AuditQuery, after AuditPlace, limit int) (out []merge.Row, next *AuditPlace, err error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, nil, err
	}
	if q.To.IsZero() {
		q.To = s.Clock.Now().Add(time.Minute) // other processes may be ahead
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-auditSpan)
	}
	if !q.From.Before(q.To) || q.To.Sub(q.From) > auditLongest {
		return nil, nil, invalid("to", "no span of time, or more than six years")
	}
	out = []merge.Row{}
	left := auditBytes
	for _, month := range months(q.From, q.To) {
		if month < after.Month {
			continue
		}
		var at store.Position
		if month == after.Month {
			at = after.At
		}
		var more bool
		if out, at, more, err = s.auditMonth(ctx, month, q, at, out, limit, &left); err != nil {
			return nil, nil, err
		}
		if more {
			return out, &AuditPlace{month, at}, nil
		}
	}
	return out, nil, nil
}

// months lists the months that a span touches.
func months(from, to time.Time) (out []string) {
	from, to = from.UTC(), to.UTC()
	for m := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); m.Before(to); m = m.AddDate(0, 1, 0) {
		_, month, _ := cutScope(domain.AuditScope(m))
		out = append(out, month)
	}
	return out
}

// auditMonth adds what a query picks of one month behind a place, until the page is full or
// enough was read.
func (s *Service) auditMonth(ctx context.Context, month string, q AuditQuery, at store.Position, out []merge.Row, limit int, left *int) ([]merge.Row, store.Position, bool, error) {
	head, err := s.Engine.Store.Head(ctx, domain.ScopeAudit+"/"+month)
	if errors.Is(err, store.ErrAbsent) {
		return out, at, false, nil
	}
	if err != nil {
		return nil, at, false, fmt.Errorf("head of the trail: %w", err)
	}
	for more, tries := true, 0; more; {
		page, err := s.Engine.Store.Changed(ctx, head.Scope, at, head.Applied, head.Applied, 1<<18)
		if err != nil {
			return nil, at, false, fmt.Errorf("read the trail: %w", err)
		}
		if page.Torn {
			if tries++; tries > tornRetries {
				return nil, at, false, torn(true)
			}
			if head, err = s.Engine.Store.Head(ctx, head.Scope); err != nil {
				return nil, at, false, fmt.Errorf("head of the trail: %w", err)
			}
			continue
		}
		for i := range page.Records {
			r := &page.Records[i]
			row, err := rowOf(r)
			if err != nil {
				return nil, at, false, err
			}
			if q.picks(row) {
				if len(out) == limit {
					return out, at, true, nil
				}
				out = append(out, row)
			}
			at, *left = store.Position{Version: r.Version, Key: r.Key()}, *left-r.Size()
		}
		if more = page.More; more && *left <= 0 {
			return out, at, true, nil
		}
	}
	return out, at, false, nil
}
