package programme

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// scopesAtOnce is how many scopes are listed at a time.
const scopesAtOnce = 200

// Remind gives everything that the calendar tells in businesses whose instant was in the
// last domain.ReminderLife and that nobody has given, and reports how much it wrote. It
// remembers nothing: what is due follows from the rows of now, and an item that is
// there was given.
// So it may run in several processes at once, and again after a crash. A business
// that cannot be read is left for the next time; the others are done.
func (s *Service) Remind(ctx context.Context) (given int, err error) {
	return s.RemindSince(ctx, time.Time{})
}

// RemindSince is Remind in those businesses alone whose clocks have struck an hour of
// reminders after an instant. Of the others it reads the head and the business's own record.
func (s *Service) RemindSince(ctx context.Context, since time.Time) (given int, err error) {
	given, failed, err := s.remindAll(ctx, func(string) time.Time { return since })
	return given, errors.Join(append(slices.Collect(maps.Values(failed)), err)...)
}

// remindAll looks at all businesses, each since an instant of its own. It gives back why those
// failed that did, and an error if it did not come to all.
func (s *Service) remindAll(ctx context.Context, since func(scope string) time.Time) (given int, failed map[string]error, err error) {
	failed = map[string]error{}
	look := s.look()
	for after, prefix := scopeOf(""), scopeOf(""); ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, scopesAtOnce)
		if err != nil {
			return given, failed, fmt.Errorf("list businesses: %w", err)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, prefix) {
				return given, failed, nil
			}
			n, err := look.remindIn(ctx, scope, since(scope))
			given, after = given+n, scope
			if err != nil {
				failed[scope] = err
			}
		}
		if err := ctx.Err(); len(scopes) == 0 || err != nil {
			return given, failed, err
		}
	}
}

// look is one look at all businesses, or at one of them. Programmes are read once.
type look struct {
	*Service
	now        time.Time
	programmes map[string]domain.Programme
}

func (s *Service) look() *look {
	return &look{Service: s, now: s.Clock.Now(), programmes: map[string]domain.Programme{}}
}

// remindIn gives the reminders of one business, if its clocks have struck an hour of reminders
// since; one that was merged into another has none.
func (l *look) remindIn(ctx context.Context, scope string, since time.Time) (given int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reminders of %s: %w", scope, err)
		}
	}()
	head, err := l.Engine.Store.Head(ctx, scope)
	if err != nil || head.MovedTo != "" || len(head.Access) == 0 {
		return 0, err
	}
	zone, err := l.zoneIn(ctx, scope)
	if err != nil || !domain.RemindersBetween(since, l.now, zone) {
		return 0, err
	}
	letters, err := l.letters(ctx, head, zone, l.now.Add(-domain.ReminderLife))
	if err != nil {
		return 0, err
	}
	for len(letters) > 0 { // those of one person at a time
		n := 1
		for n < len(letters) && letters[n].User == letters[0].User {
			n++
		}
		wrote, err := l.remind(ctx, letters[:n])
		if given += wrote; err != nil {
			return given, err
		}
		letters = letters[n:]
	}
	return given, nil
}

// zoneIn is by whose clocks a business lives.
func (s *Service) zoneIn(ctx context.Context, scope string) (domain.Zone, error) {
	rows, err := s.rows(ctx, scope, merge.Key{Collection: "business", ID: strings.TrimPrefix(scope, scopeOf(""))})
	return domain.ZoneOf(rows), err
}

// letters are the reminders of a business whose instant lies behind since, of some types or
// of all. It reads the business once, and of sales what sums want.
func (l *look) letters(ctx context.Context, head store.Head, zone domain.Zone, since time.Time, kinds ...string) ([]domain.Letter, error) {
	var rows []merge.Row
	names, sales := domain.ReminderCollections(zone, since, l.now, kinds...), picks(domain.ReminderSales()...)
	err := l.walk(ctx, head, func() { rows = nil }, func(r *store.Record) error {
		if !slices.Contains(names, r.Collection) {
			return nil
		}
		read := rowOf
		if r.Collection == "sales" {
			read = sales.of
		}
		row, err := read(r)
		if r.Collection == "sales" {
			row.Fields = kept(row.Fields)
		}
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &past{look: l, ctx: ctx, scope: head.Scope}
	return domain.DueReminders(head.Scope, rows, head.Access, p, since, l.now, kinds...), p.err
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
	*look
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

// Programme keeps the promise of domain.Past.
func (p *past) Programme(programme string) (domain.Programme, bool) {
	if found, read := p.programmes[programme]; read {
		return found, found.ID != ""
	}
	rows, err := p.rows(p.ctx, domain.ScopeProgrammes, merge.Key{Collection: "programme", ID: programme})
	if p.err = errors.Join(p.err, err); err != nil {
		return domain.Programme{}, false
	}
	found := domain.Programme{}
	if len(rows) > 0 {
		found = domain.ProgrammeOf(rows[0])
	}
	p.programmes[programme] = found
	return found, found.ID != ""
}

// Heard keeps the promise of domain.Past.
func (p *past) Heard(users []string) []domain.Heard {
	all, err := p.heard(p.ctx, users...)
	p.err = errors.Join(p.err, err)
	return all
}

// heard tells of the active phones of people when each was heard of last.
func (s *Service) heard(ctx context.Context, users ...string) (out []domain.Heard, err error) {
	all, err := s.People.Health(ctx, users...)
	for _, d := range all {
		if d.Device.Status == store.DeviceActive {
			out = append(out, domain.Heard{Device: d.Device.ID, User: d.Device.User, At: d.Seen()})
		}
	}
	return out, err
}

func (p *past) load(want store.Want) []store.Record {
	got, err := p.Engine.Store.Load(p.ctx, p.scope, want)
	p.err = errors.Join(p.err, err)
	return got.Records
}
