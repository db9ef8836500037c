//go:build !race

package replica_test

// stride is how many of many like cases are one: each is.
const stride = 1
