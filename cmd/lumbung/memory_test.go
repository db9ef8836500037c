package main

import (
	"runtime/debug"
	"testing"
)

func TestTheLimitOfMemoryFollowsWhatLives(t *testing.T) {
	for _, tt := range []struct {
		live uint64
		want int64
	}{{0, 72 << 20}, {8 << 20, 72 << 20}, {37 << 20, 72 << 20}, {44 << 20, 82 << 20}, {400 << 20, 616 << 20}} {
		got := memoryLimitFor(tt.live)
		if got != tt.want || got <= int64(tt.live) {
			t.Errorf("%d MiB live: limit %d MiB, want %d", tt.live>>20, got>>20, tt.want>>20)
		}
	}
}

// TestWhoeverSetsALimitIsObeyed, and nothing stays set behind a server.
func TestWhoeverSetsALimitIsObeyed(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Setenv("GOMEMLIMIT", "300MiB")
	tendMemory(t.Context())()
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("limit %d, was %d", now, before)
	}
	t.Setenv("GOMEMLIMIT", "")
	tendMemory(t.Context())()
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("limit %d behind a server, was %d", now, before)
	}
}
