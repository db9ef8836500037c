package syncer

import (
	"context"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// introduce writes what a person's profile says of them into every window that
// names them. A window that is opened meanwhile brings an effect of its own; a
// profile that is changed meanwhile is seen here, so that who stalls between
// reading and writing leaves nothing old behind.
func (e *Engine) introduce(ctx context.Context, eff merge.Effect) error {
	for range attempts {
		profile, err := e.row(ctx, eff)
		if err != nil || profile.Version == 0 {
			return err
		}
		if err := e.presents(ctx, eff, profile); err != nil {
			return err
		}
		now, err := e.row(ctx, eff)
		if err != nil || now.Version == profile.Version {
			return err
		}
	}
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "the profile of " + eff.ID + " keeps changing", After: time.Second}
}

// presents writes a profile, as it was read, into the windows of its person.
func (e *Engine) presents(ctx context.Context, eff merge.Effect, profile merge.Row) error {
	heads, err := e.Store.HeadsFor(ctx, eff.ID, nil)
	if err != nil {
		return err
	}
	now := e.millis()
	for _, h := range heads {
		for _, g := range h.Access {
			if over := g.To != 0 && g.To <= now; over || g.User != eff.ID || h.MovedTo != "" { // what becomes of people who left is not for those they left
				continue
			}
			for _, c := range e.Schema.Collections {
				if c.Introduce == nil || c.Scope != merge.ScopeKind(h.Scope) {
					continue
				}
				there := merge.Effect{Scope: h.Scope, Collection: c.Name, ID: g.ID, Change: true}
				window, err := e.row(ctx, there)
				if err != nil {
					return err
				}
				if window.Version == 0 {
					continue
				}
				there.Set = c.Introduce(window, profile)
				if err := e.change(ctx, there); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
