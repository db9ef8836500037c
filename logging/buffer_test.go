package logging_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/logging"
)

// counted is what was written, and in how many pieces.
type counted struct {
	mu     sync.Mutex
	text   bytes.Buffer
	pieces int
}

func (c *counted) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pieces++
	return c.text.Write(b)
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pieces
}

func (c *counted) is(t *testing.T, pieces int, end string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pieces != pieces || !strings.HasSuffix(strings.TrimSpace(c.text.String()), end) {
		t.Errorf("%d pieces %q, want %d that end with %s", c.pieces, c.text.String(), pieces, end)
	}
}

func TestRequestsAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counted{}
		b := logging.NewBuffer(c)
		log := logging.New(b, slog.LevelInfo, "text")
		log.Info(logging.Frequent, "n", 1)
		log.Info(logging.Frequent, "n", 2)
		c.is(t, 0, "")
		synctest.Wait()
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		c.is(t, 1, "n=2")
		log.Info(logging.Frequent, "n", 3)
		log.Warn("the disk is full", "n", 4)
		c.is(t, 2, "n=4") // nothing waits behind what an operator should see, and the order stays
		log.With("worker", "a").Info("stopping", "n", 5)
		c.is(t, 3, "n=5")
		log.Info(logging.Frequent, "n", 6)
		if err := b.Flush(); err != nil {
			t.Error(err)
		}
		c.is(t, 4, "n=6")
		for range 3000 {
			log.Info(logging.Frequent, "n", 7)
		}
		if n := c.count() - 4; n < 2 || n > 16 {
			t.Errorf("3000 lines are written in %d pieces", n)
		}
		<-time.After(time.Second)
	})
}

func TestNoLineIsLostOrMixed(t *testing.T) {
	c := &counted{}
	b := logging.NewBuffer(c)
	log := logging.New(b, slog.LevelInfo, "text")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for n := range 500 {
				if n%50 == 0 {
					log.Warn("seldom")
				}
				log.Info(logging.Frequent, "n", n)
			}
		})
	}
	group.Wait()
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(c.text.String()), "\n")
	for _, l := range lines {
		if !strings.HasPrefix(l, "time=") || strings.Count(l, "time=") != 1 {
			t.Fatalf("a line is %q", l)
		}
	}
	if len(lines) != 8*510 {
		t.Errorf("%d lines, want %d", len(lines), 8*510)
	}
}
