package notify

import "sync"

// crew is who is at work. What goes to many, and hints, get three quarters of the hands at
// the most: whatever comes into an earlier lane finds one free, however slow a provider is.
type crew struct {
	mu         sync.Mutex
	busy, many int
}

func toMany(lane string) bool { return lane == LaneBulk || lane == LaneHint }

// free is how many hands there are for a lane.
func (c *crew) free(lane string, workers int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := workers - c.busy
	if toMany(lane) {
		free = min(free, max(1, workers*3/4)-c.many)
	}
	return max(0, free)
}

func (c *crew) begin(lane string) { c.count(lane, 1) }
func (c *crew) end(lane string)   { c.count(lane, -1) }

func (c *crew) count(lane string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy += n; toMany(lane) {
		c.many += n
	}
}
