//go:build race

package replica_test

// stride is how many of many like cases are one. The race detector has nothing
// to find in runs of one goroutine, and makes them slow.
const stride = 5
