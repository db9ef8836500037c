//go:build unix

package app

import "golang.org/x/sys/unix"

// freeSpace is how many bytes a folder still takes.
func freeSpace(folder string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
