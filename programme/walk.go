package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	// pageBytes is how much of a scope is read at a time.
	pageBytes = 1 << 20
	// tornRetries is how often a scope is read anew because a commit came in between.
	tornRetries = 10
	// lookEvery is after how many steps of a long computation it is asked whether anybody
	// still waits for it.
	lookEvery = 256
)

// walk calls look with the live records of a scope, of one moment at or after the head.
// begin is called before the first of them, and again when a commit came in between and
// everything is read anew. Records may not be kept: a page is let go before the next.
//
// Errors: Transient "busy" if commits keep coming in between; those of look.
func (s *Service) walk(ctx context.Context, head store.Head, begin func(), look func(*store.Record) error) error {
	_, err := s.walked(ctx, head, begin, look)
	return err
}

// walked is walk, and gives the version of the scope at that moment.
func (s *Service) walked(ctx context.Context, head store.Head, begin func(), look func(*store.Record) error) (at merge.Seq, err error) {
	for range tornRetries {
		begin()
		torn, err := s.cut(ctx, head, look)
		if err != nil || !torn {
			return head.Applied, err
		}
		if head, err = s.Engine.Store.Head(ctx, head.Scope); err != nil {
			return 0, fmt.Errorf("head of %s: %w", head.Scope, err)
		}
	}
	return 0, busyScope()
}

func busyScope() error {
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "commits came in between each time", After: time.Second}
}

func (s *Service) cut(ctx context.Context, head store.Head, look func(*store.Record) error) (torn bool, err error) {
	var at store.Position
	for {
		page, err := s.Engine.Store.Changed(ctx, head.Scope, at, head.Applied, head.Applied, pageBytes)
		if err != nil || page.Torn {
			return page.Torn, err
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Deleted {
				continue
			}
			if err := look(r); err != nil {
				return false, err
			}
		}
		if !page.More {
			return false, nil
		}
	}
}

// walkScope is walk from the head of now.
func (s *Service) walkScope(ctx context.Context, scope string, begin func(), look func(*store.Record) error) error {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil {
		return fmt.Errorf("head of %s: %w", scope, err)
	}
	return s.walk(ctx, head, begin, look)
}

// picked reads some fields of records, one record after the other into the same row.
type picked struct {
	row   merge.Row
	names []string
}

func picks(names ...string) *picked {
	return &picked{merge.Row{Fields: map[string]merge.Value{}}, names}
}

// of gives the row of a record, good until the next one.
func (p *picked) of(r *store.Record) (merge.Row, error) {
	p.row.Key, p.row.Version, p.row.Deleted = r.Key(), r.Version, r.Deleted
	if err := merge.Pick(merge.Value(r.Fields), p.row.Fields, p.names); err != nil {
		return p.row, fmt.Errorf("record %s: %w", r.Key(), err)
	}
	return p.row, nil
}

// kept are fields that stay when their record goes.
func kept(fields map[string]merge.Value) map[string]merge.Value {
	out := make(map[string]merge.Value, len(fields))
	for name, v := range fields {
		out[name] = slices.Clone(v)
	}
	return out
}

// everyFile calls look with every case file of a programme, read by read, and begin before
// the first.
func (s *Service) everyFile(ctx context.Context, programme string, read func(*store.Record) (merge.Row, error), begin func(), look func(merge.Row)) error {
	leave, err := s.wholes.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.walkScope(ctx, domain.DecisionScope(programme), begin, func(r *store.Record) error {
		if r.Collection != "case_file" {
			return nil
		}
		row, err := read(r)
		if err == nil {
			look(row)
		}
		return err
	})
}

// wholesAtOnce is how many programmes are read whole at a time, by requests and by what is
// done in the background: each holds some megabytes, and a processor.
const wholesAtOnce = 2

// wholes are the places of those who read whole programmes. The zero value is ready.
type wholes struct {
	once    sync.Once
	places  chan struct{}
	waiting atomic.Int64
}

// enter waits for a place, as long as ctx lasts.
func (w *wholes) enter(ctx context.Context) (leave func(), err error) {
	w.once.Do(func() { w.places = make(chan struct{}, wholesAtOnce) })
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	select {
	case w.places <- struct{}{}:
		return func() { <-w.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// WaitingWhole is how many wait to read a whole programme.
func (s *Service) WaitingWhole() int { return int(s.wholes.waiting.Load()) }

// everyDecision calls do with the id of every programme that is decided about. One that fails
// does not keep the others waiting; its error is in the error.
func (s *Service) everyDecision(ctx context.Context, do func(programme string) error) error {
	const prefix = domain.ScopeDecision + "/"
	var failed []error
	for after := prefix; ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, 100)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("programmes: %w", err))...)
		}
		for _, scope := range scopes {
			programme, ours := strings.CutPrefix(scope, prefix)
			if !ours {
				return errors.Join(failed...)
			}
			if after = scope; !id.Valid(programme) {
				continue // the general queue
			}
			if err := do(programme); err != nil {
				failed = append(failed, fmt.Errorf("programme %s: %w", programme, err))
			}
		}
		if len(scopes) < 100 {
			return errors.Join(failed...)
		}
	}
}
