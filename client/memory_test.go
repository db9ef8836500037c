package client_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client"
	"github.com/lumbung-ikm/lumbung/client/localtest"
)

func TestMemory(t *testing.T) {
	localtest.Run(t, func(*testing.T) client.Local { return &client.Memory{} })
}
