//go:build !race

package syncer_test

// stride is how many calls lie between two that get a fault: every call.
const stride = 1

// pace is the stride of what has few calls, each of another kind.
const pace = 1
