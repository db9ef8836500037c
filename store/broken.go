package store

import (
	"errors"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Broken turns a driver's error into a fault: Transient if passing says that the
// same call may work later, else Internal. Faults and the answers of a store pass
// unchanged, and so does nil.
func Broken(doing string, err error, passing func(error) bool) error {
	if err == nil || errors.Is(err, ErrTaken) || errors.Is(err, ErrStale) || errors.Is(err, ErrAbsent) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if passing(err) {
		return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: doing, Cause: err}
	}
	return &fault.Error{Kind: fault.Internal, Code: "internal", Text: doing, Cause: err}
}
