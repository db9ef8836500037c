//go:build !failpoints

package app

import "github.com/lumbung-ikm/lumbung/store/sqlite"

// openedAs gives the embedded store as the program uses it: as it is.
func openedAs(db *sqlite.DB) (Database, error) { return db, nil }
