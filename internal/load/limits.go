package load

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/load/bare"
)

// Bare serves what limits measures against, until ctx ends.
func Bare(ctx context.Context, address string) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return bare.Serve(ctx, ln)
}

// limitTime is how long each limit is measured.
const limitTime = 3 * time.Second

// limits measures what a server of the same library gives that does nothing with a
// push of 20 sales, or decodes it, and what commits of such rows give.
func limits(ctx context.Context, program, folder string, p *phone, connections int, c clock.Clock) (map[string]float64, error) {
	out := map[string]float64{}
	n := p.n
	text := body(p.batch(20))
	p.n = n // nobody sends it
	s, err := startBare(ctx, program)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	for name, path := range map[string]string{"bare Fiber echo of a push of 20, requests": "/echo", "bare Fiber decoding a push of 20, requests": "/decode"} {
		if out[name], err = rateOf(ctx, dial(s.address, connections), path, text, connections, c); err != nil {
			return nil, err
		}
	}
	for _, rows := range []int{20, 100} {
		name := fmt.Sprintf("bare SQLite with fsync, rows of 1 KiB in commits of %d", rows)
		if out[name], err = bare.Commit(ctx, filepath.Join(folder, fmt.Sprintf("bare-%d.sqlite", rows)), 1<<10, rows, limitTime, c); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"bare-20.sqlite", "bare-100.sqlite"} {
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(filepath.Join(folder, name+end)); err != nil && !os.IsNotExist(err) {
				return nil, err
			}
		}
	}
	return out, nil
}

func rateOf(ctx context.Context, w *wire, path string, text []byte, connections int, c clock.Clock) (float64, error) {
	var done atomic.Int64
	var failed atomic.Value
	var group sync.WaitGroup
	began := c.Now()
	for range connections {
		group.Go(func() {
			for c.Now().Sub(began) < limitTime && ctx.Err() == nil {
				if _, err := w.post(path, "", "", text, false); err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(done.Load()) / c.Now().Sub(began).Seconds(), ctx.Err()
}

// startBare starts what the limits are measured with, on the core of the server.
func startBare(ctx context.Context, program string) (s *server, err error) {
	s = &server{}
	if s.address, err = free(); err != nil {
		return nil, err
	}
	s.cmd = exec.CommandContext(ctx, program, "load", "bare", "-listen", s.address)
	if err := startOnFirst(s.cmd); err != nil {
		return nil, err
	}
	for range 200 {
		if _, err = dial(s.address, 1).post("/echo", "", "", []byte("{}"), false); err == nil {
			return s, nil
		}
		select {
		case <-ctx.Done():
			s.kill()
			return nil, ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	s.kill()
	return nil, fmt.Errorf("the bare server does not answer: %w", err)
}
