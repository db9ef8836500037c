package notify

import (
	"context"
	"log/slog"

	"github.com/lumbung-ikm/lumbung/store"
)

// LogSender is the provider of a workshop: it writes down that it would have rung, and
// nothing of whom.
type LogSender struct{ Log *slog.Logger }

// Send keeps the promise of Sender.
func (s LogSender) Send(ctx context.Context, _ store.Address, p Push) error {
	s.Log.LogAttrs(ctx, slog.LevelInfo, "push", slog.String("delivery", p.ID), slog.String("type", p.Type), slog.String("title", p.Title), slog.String("tag", p.Tag), slog.String("collapse", p.Collapse),
		slog.Bool("high", p.High), slog.Duration("ttl", p.TTL))
	return nil
}

// Check keeps the promise of Sender.
func (s LogSender) Check(context.Context, store.Address) error { return nil }
