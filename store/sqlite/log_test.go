package sqlite

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/storetest"
)

func TestEveryPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return fresh(t, Options{}) })
}
