package auth_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

// stores are the stores on which the promises about races are tried.
func stores() map[string]func(t *testing.T) store.Identity {
	return map[string]func(t *testing.T) store.Identity{
		"in memory": func(*testing.T) store.Identity { return &storefault.MemoryIdentity{} },
	}
}
