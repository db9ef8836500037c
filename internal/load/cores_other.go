//go:build !linux

package load

import "os/exec"

// apart tells that the server and the generator share what cores there are.
func apart() (bool, error) { return false, nil }

func startOnFirst(cmd *exec.Cmd) error { return cmd.Start() }
