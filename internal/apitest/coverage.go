package apitest

import (
	"slices"
	"strconv"
	"sync"
)

// Coverage remembers which operations gave which statuses. The zero value is
// ready, and safe for concurrent use.
type Coverage struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (c *Coverage) note(method, path string, status int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[method+" "+path+" "+strconv.Itoa(status)] = true
}

// Missing lists what the specification promises and nobody has seen, as
// "METHOD path status", sorted.
func (c *Coverage) Missing(s *Spec) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, op := range s.Operations() {
		for _, status := range op.Statuses {
			if name := op.Method + " " + op.Path + " " + status; !c.seen[name] {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
