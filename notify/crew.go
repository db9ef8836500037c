package notify

import "sync"

// crew is who is at work. What goes to many, and hints, get three quarters of the hands at
// the most, what is usual seven eighths, and so does each of them at every provider, which has
// itself three quarters of the hands where there are several: whatever comes into an earlier lane
// finds one free, however slow a provider is. An address has one hand: strangers name them.
type crew struct {
	mu   sync.Mutex
	busy hands
	of   map[string]*hands // by provider
	at   map[string]bool   // addresses
}

// hands are those who are busy, by the rank of the lane that they work for.
type hands [3]int

// rankOf is how long lanes have to wait for others: 0 for those whom nothing else keeps
// waiting.
func rankOf(lane string) int {
	switch lane {
	case LaneNow, LaneResults:
		return 0
	case LaneUsual:
		return 1
	}
	return 2
}

// left is how many hands a rank may still take of so many.
func (h *hands) left(rank, of int) int {
	share := [len(h)]int{of, max(1, of-of/8), max(1, of*3/4)}
	free, busy := of, 0
	for r := len(h) - 1; r >= 0; r-- {
		if busy += h[r]; r <= rank {
			free = min(free, share[r]-busy)
		}
	}
	return max(0, free)
}

// free is how many hands there are for a lane.
func (c *crew) free(lane string, workers int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busy.left(rankOf(lane), workers)
}

// full are the providers at which a lane has no hand left, of so many each.
func (c *crew) full(lane string, most int) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for provider, h := range c.of {
		if h.left(rankOf(lane), most) == 0 {
			out = append(out, provider)
		}
	}
	return out
}

// begin takes a hand for a delivery of a lane, unless its provider has none left for it or
// somebody is at its address.
func (c *crew) begin(lane, provider, address string, most int) (ok, attended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of, c.at = map[string]*hands{}, map[string]bool{}
	}
	if c.of[provider] == nil {
		c.of[provider] = &hands{}
	}
	rank := rankOf(lane)
	if c.of[provider].left(rank, most) == 0 || c.at[address] {
		return false, c.at[address]
	}
	c.busy[rank]++
	c.of[provider][rank]++
	c.at[address] = true
	return true, false
}

func (c *crew) end(lane, provider, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy[rankOf(lane)]--
	c.of[provider][rankOf(lane)]--
	delete(c.at, address)
}
