// Package arch holds no code, only the tests that keep the house in order: which
// package may import which, what may not be called where, and that every code
// of an error has its sentence. They read the sources through package os, so
// that the test cache notices every change.
package arch

//go:generate go test -run ^TestCodesArePrinted$ . -update
