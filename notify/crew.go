package notify

import "sync"

// crew is who is at work. What goes to many, and hints, get three quarters of the hands at
// the most, and so does every provider where there are several: whatever comes into an earlier
// lane finds one free, however slow a provider is. An address has one hand: strangers name them.
type crew struct {
	mu         sync.Mutex
	busy, many int
	of         map[string]int  // by provider
	at         map[string]bool // addresses
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

// begin takes a hand for a delivery of a lane, unless its provider has as many as it may or
// somebody is at its address.
func (c *crew) begin(lane, provider, address string, most int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of, c.at = map[string]int{}, map[string]bool{}
	}
	if c.of[provider] >= most || c.at[address] {
		return false
	}
	c.of[provider]++
	c.at[address] = true
	if c.busy++; toMany(lane) {
		c.many++
	}
	return true
}

func (c *crew) end(lane, provider, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[provider]--
	delete(c.at, address)
	if c.busy--; toMany(lane) {
		c.many--
	}
}
