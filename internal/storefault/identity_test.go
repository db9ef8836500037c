package storefault_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/storetest"
)

func TestMemoryIdentityKeepsThePromises(t *testing.T) {
	storetest.RunIdentity(t, func(*testing.T) store.Identity { return &storefault.MemoryIdentity{} })
}
