//go:build aix || linux || solaris

package desk

import "golang.org/x/sys/unix"

// How a terminal is asked for its settings, and told others.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
