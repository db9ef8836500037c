package syncer

import "context"

// Listening counts what the hub holds for its listeners.
func (e *Engine) Listening() int {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	return len(e.hub.users) + len(e.hub.scopes)
}

// FollowOnce is one turn of Follow.
func (e *Engine) FollowOnce(ctx context.Context) (int, error) { return e.follower()(ctx) }
