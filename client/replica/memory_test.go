package replica_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/localtest"
)

func TestMemory(t *testing.T) {
	localtest.Run(t, func(*testing.T) replica.Local { return &replica.Memory{} })
}
