package config_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/config"
)

// FuzzLoad: flags are read or refused, and the same flags read as the same.
func FuzzLoad(f *testing.F) {
	f.Add("-listen=:8080")
	f.Add("-listen\n:8080\nrest")
	f.Add("-no-such-flag")
	for _, s := range config.Settings() {
		f.Add("-" + s.Flag + "=x")
		f.Add("-" + s.Flag)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\n")
		none := func(string) string { return "" }
		c, rest, err := config.Load(args, none)
		if err != nil {
			return
		}
		again, rest2, err := config.Load(args, none)
		if err != nil || again.String() != c.String() || len(rest) != len(rest2) {
			t.Fatalf("%q is %s, then %s, %v", line, c, again, err)
		}
	})
}
