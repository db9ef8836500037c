//go:build race

package storetest

// stride is how many runs of one goroutine are one. The race detector has
// nothing to find in them, and makes them slow.
const stride = 8
