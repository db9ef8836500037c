package programme

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// scopesAtOnce is how many scopes are listed at a time.
const scopesAtOnce = 200

// Remind gives every reminder of a case or a task whose instant was in the last
// domain.ReminderLife and that nobody has given, and reports how many it wrote. It
// remembers nothing: what is due follows from the rows of now, and an item that is
// there was given.
// So it may run in several processes at once, and again after a crash. A business
// that cannot be read is left for the next time; the others are done.
func (s *Service) Remind(ctx context.Context) (given int, err error) {
	var failed []error
	for after, prefix := scopeOf(""), scopeOf(""); ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, scopesAtOnce)
		if err != nil {
			return given, errors.Join(append(failed, fmt.Errorf("list businesses: %w", err))...)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, prefix) {
				return given, errors.Join(failed...)
			}
			n, err := s.remindIn(ctx, scope)
			given, after = given+n, scope
			if err != nil {
				failed = append(failed, fmt.Errorf("reminders of %s: %w", scope, err))
			}
		}
		if err := ctx.Err(); len(scopes) == 0 || err != nil {
			return given, errors.Join(append(failed, err)...)
		}
	}
}

// remindIn gives the reminders of one business; one that was merged into another
// has none.
func (s *Service) remindIn(ctx context.Context, scope string) (given int, err error) {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil || head.MovedTo != "" || len(head.Access) == 0 {
		return 0, err
	}
	letters, err := s.letters(ctx, scope, head, s.Clock.Now())
	if err != nil {
		return 0, err
	}
	for len(letters) > 0 { // those of one person at a time
		n := 1
		for n < len(letters) && letters[n].User == letters[0].User {
			n++
		}
		wrote, err := s.remind(ctx, letters[:n])
		if given += wrote; err != nil {
			return given, err
		}
		letters = letters[n:]
	}
	return given, nil
}

// letters are the reminders of a business that are due now or were a while ago.
func (s *Service) letters(ctx context.Context, scope string, head store.Head, now time.Time) ([]domain.Letter, error) {
	rows, err := s.collection(ctx, head, "business", "enrolment", "task", "case")
	if err != nil {
		return nil, err
	}
	p := &past{ctx: ctx, Service: s, scope: scope}
	return domain.DueReminders(scope, rows, head.Access, p, now.Add(-domain.ReminderLife), now), p.err
}

// remind puts letters to one person into the inbox, each unless it lies there.
func (s *Service) remind(ctx context.Context, letters []domain.Letter) (given int, err error) {
	inbox := merge.UserScope(letters[0].User)
	keys := make([]merge.Key, len(letters))
	for i, l := range letters {
		keys[i] = merge.Key{Collection: "inbox", ID: l.ID}
	}
	got, err := s.Engine.Store.Load(ctx, inbox, store.Want{Keys: keys})
	if err != nil {
		return 0, fmt.Errorf("load inbox: %w", err)
	}
	there := map[string]bool{}
	for _, r := range got.Records {
		there[r.ID] = true
	}
	for _, l := range letters {
		if there[l.ID] {
			continue
		}
		_, err := s.Engine.Write(ctx, inbox, merge.ServerWrite{Name: "reminder." + l.ID, Role: merge.System, Collection: "inbox", ID: l.ID, Op: merge.Put, Set: l.Set, Create: true})
		switch {
		case err == nil:
			given++
		case fault.CodeOf(err) != "id_reuse": // another worker gave it, in the words of another moment
			return given, fmt.Errorf("write inbox: %w", err)
		}
	}
	return given, nil
}

// past reads of a business what its rows do not tell. The first error stays.
type past struct {
	*Service
	ctx   context.Context
	scope string
	err   error
}

// Written keeps the promise of domain.Past.
func (p *past) Written(k merge.Key, field string) merge.Millis {
	c, known := p.Engine.Schema.Collection(k.Collection)
	got := p.load(store.Want{Keys: []merge.Key{k}})
	if !known || len(got) == 0 {
		return 0
	}
	r := &got[0]
	rec, err := merge.DecodeRecord(merge.Row{Key: k, Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
	if err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("record %s: %w", k, err))
		return 0
	}
	return rec.Written(c, field)
}

// Operations keeps the promise of domain.Past.
func (p *past) Operations(collection, parent string) (out []merge.Row) {
	c, known := p.Engine.Schema.Collection(collection)
	if !known {
		return nil
	}
	records := p.load(store.Want{Tags: []string{merge.OperationsTag(merge.Key{Collection: c.Parent, ID: parent})}})
	for i := range records {
		row, err := rowOf(&records[i])
		if p.err = errors.Join(p.err, err); err == nil && row.Collection == collection && !row.Deleted {
			out = append(out, row)
		}
	}
	return out
}

func (p *past) load(want store.Want) []store.Record {
	got, err := p.Engine.Store.Load(p.ctx, p.scope, want)
	p.err = errors.Join(p.err, err)
	return got.Records
}
