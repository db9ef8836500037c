package load

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// apart puts this process on the last core, if there are several, and says so.
func apart() (bool, error) {
	n := runtime.NumCPU()
	if n < 2 {
		return false, nil
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return false, err
		}
		if err := unix.SchedSetaffinity(id, only(n-1)); err != nil && err != unix.ESRCH { // a thread may have ended
			return false, err
		}
	}
	return true, nil
}

func only(core int) *unix.CPUSet {
	var set unix.CPUSet
	set.Set(core)
	return &set
}

// startOnFirst starts a command on the first core: a child begins where the thread
// is that starts it.
func startOnFirst(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with this goroutine
		if err := unix.SchedSetaffinity(0, only(0)); err != nil {
			done <- err
			return
		}
		done <- cmd.Start()
	}()
	return <-done
}
