package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
)

func TestKindAndCodeSurviveWrapping(t *testing.T) {
	cause := errors.New("disk is gone")
	inner := &fault.Error{Kind: fault.Transient, Code: "store_busy", Field: "set.note", Text: "write", Cause: cause}
	tests := []struct {
		name string
		err  error
		kind fault.Kind
		code string
	}{
		{"a plain error is internal", cause, fault.Internal, "internal"},
		{"nil is internal", nil, fault.Internal, "internal"},
		{"a fault keeps its kind", inner, fault.Transient, "store_busy"},
		{"a wrapped fault keeps its kind", fmt.Errorf("push: %w", inner), fault.Transient, "store_busy"},
		{"the outermost fault counts", &fault.Error{Kind: fault.Conflict, Code: "outer", Cause: inner}, fault.Conflict, "outer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.KindOf(tt.err); got != tt.kind {
				t.Errorf("kind %d, want %d", got, tt.kind)
			}
			if got := fault.CodeOf(tt.err); got != tt.code {
				t.Errorf("code %q, want %q", got, tt.code)
			}
		})
	}
	if !errors.Is(inner, cause) {
		t.Error("the cause is not found in the chain")
	}
	if got, want := inner.Error(), "store_busy (set.note): write: disk is gone"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}
