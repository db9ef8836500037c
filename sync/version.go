package syncer

import (
	"strconv"
	"strings"
)

// olderVersion compares versions such as "1.4.2" by their numbers. What is no
// version at all is not older than anything: garbage in a header locks nobody
// out.
func olderVersion(have, want string) bool {
	a, b := strings.Split(have, "."), strings.Split(want, ".")
	for i := range b {
		wanted, err := strconv.Atoi(b[i])
		if err != nil {
			return false
		}
		got := 0
		if i < len(a) {
			if got, err = strconv.Atoi(a[i]); err != nil {
				return false
			}
		}
		if got != wanted {
			return got < wanted
		}
	}
	return false
}
