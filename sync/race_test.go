//go:build race

package syncer_test

// stride is how many calls lie between two that get a fault. The race detector
// has nothing to find in runs of one goroutine, and makes them slow.
const stride = 11

// pace is the stride of what has few calls, each of another kind.
const pace = 3
