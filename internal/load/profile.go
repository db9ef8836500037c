package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile takes a profile of the server while a workload runs, if the plan wants it,
// and gives what waits for its end.
func (t *trial) profile(ctx context.Context, load workload) (wait func()) {
	if t.plan.Profile == "" {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- t.takeProfile(ctx, load) }()
	return func() {
		if !load.timed {
			defer stop()
		}
		if err := <-done; err != nil {
			t.tell("no profile: %v", err)
		}
		stop()
	}
}

func (t *trial) takeProfile(ctx context.Context, load workload) error {
	seconds := 3
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", t.server.admin, seconds), nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := os.MkdirAll(t.plan.Profile, 0o755); err != nil {
		return err
	}
	name := strings.NewReplacer(" ", "-", "(", "", ")", "", ",", "").Replace(load.name + "-" + load.what + ".pprof")
	f, err := os.Create(filepath.Join(t.plan.Profile, name))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	if bad := f.Close(); err == nil {
		err = bad
	}
	return err
}
