//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package desk

import "golang.org/x/sys/unix"

// How a terminal is asked for its settings, and told others.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
