package sqlite

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/storetest"
)

func TestIdentityKeepsThePromises(t *testing.T) {
	storetest.RunIdentity(t, func(t *testing.T) store.Identity { return fresh(t, Options{}).Identity() })
}
