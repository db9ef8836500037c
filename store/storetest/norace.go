//go:build !race

package storetest

// stride is how many runs of one goroutine are one: each is.
const stride = 1
