package syncer

import (
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/clock"
)

// TestAJobThatIsDoneCannotLeave: its request was given up as its answer came,
// and the queue is gone already.
func TestAJobThatIsDoneCannotLeave(t *testing.T) {
	e := &Engine{}
	if e.leave("box/1", &job{turn: make(chan bool, 1)}) {
		t.Error("it left")
	}
	e.queues = map[string]*queue{"box/1": {}} // a queue of others
	if e.leave("box/1", &job{turn: make(chan bool, 1)}) {
		t.Error("it left a queue it was not in")
	}
}

// TestMemoryIsBounded: what the engine remembers of incarnations and of
// strangers is forgotten before it is too much, and queues end.
func TestMemoryIsBounded(t *testing.T) {
	e := &Engine{owners: map[string]string{}, refusals: map[string]*allowance{}, Clock: &clock.Fixed{}}
	for i := range mostRemembered {
		e.remember(strconv.Itoa(i), "ani")
		e.allowHere(strconv.Itoa(i), 1)
	}
	e.remember("one more", "ani")
	e.allowHere("one more", 1)
	if len(e.owners) > 1 || len(e.refusals) > 1 {
		t.Errorf("%d incarnations, %d strangers", len(e.owners), len(e.refusals))
	}
}
