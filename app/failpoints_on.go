//go:build failpoints

package app

import (
	"os"

	"github.com/lumbung-ikm/lumbung/store/failpoint"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// openedAs gives the embedded store as a program uses it that dies at a point of its
// own, which the environment names.
func openedAs(db *sqlite.DB) (Database, error) {
	at, err := failpoint.Parse(os.Getenv(failpoint.Variable))
	if err != nil {
		return nil, err
	}
	return failpoint.Around(db, at), nil
}
