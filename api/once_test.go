package api_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// unrepeatable are the operations by POST that take no Idempotency-Key, each with why a
// request whose answer was lost may be sent again without one.
func unrepeatable() map[string]string {
	return map[string]string{
		"/v1/sync":                                 "each edit carries its own name",
		"/v1/sync/push":                            "each edit carries its own name",
		"/v1/sync/pull":                            "it reads",
		"/v1/auth/step-up":                         "it proves an instant, which a stored answer would not",
		"/v1/auth/logout":                          "there is no session left that could be told otherwise",
		"/v1/me/password":                          "it asks for the old password: a second try is told that this one is over",
		"/v1/me/devices/{device}/incarnations":     "a phone names the incarnation that it begins, or begins with the one that it heard of",
		"/v1/programmes/{programme}/imports/check": "it reads",
		"/v1/admin/attest":                         "who is vouched for is so for some hours from the last word on; the answer is empty",
		"/v1/admin/approvals/{approval}/token":     "a secret that is shown once: a stored answer would be read twice",
		"/v1/admin/push/check":                     "it asks the providers, and keeps nothing",
	}
}

// TestEveryPostIsDoneOnce: a POST of somebody who proves who they are takes an Idempotency-Key, or
// it is said why it needs none; and only of what there is.
func TestEveryPostIsDoneOnce(t *testing.T) {
	left := unrepeatable()
	for _, op := range spec(t).Operations() {
		if op.Method != http.MethodPost || op.Open {
			continue
		}
		keyed, why := slices.Contains(op.Header, "Idempotency-Key"), left[op.Path]
		delete(left, op.Path)
		if keyed == (why != "") {
			t.Errorf("%s: takes a key: %t, and needs none because %q", op.Path, keyed, why)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("%s is not there, or open to all", path)
	}
}
