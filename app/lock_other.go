//go:build !unix

package app

// lockDatabase is not kept from others where the system has no such locks.
func lockDatabase(string) (release func() error, err error) { return func() error { return nil }, nil }
