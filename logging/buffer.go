package logging

import (
	"io"
	"sync"
	"time"
)

// Frequent is the message of records that need not be written at once: one a request. Each
// write by itself takes a tenth of what a request with nothing new does.
const Frequent = "request"

// Bounds of what waits to be written.
const (
	mostWaits = 32 << 10               // bytes
	waitsAt   = 100 * time.Millisecond // at the most
)

// Buffer writes lines in larger pieces. What waits is written when it is much, after a tenth
// of a second, and before any record that is not Frequent: so the order stays, and who is
// killed loses no more than what was asked in the last tenth of a second. It is safe for
// concurrent use.
type Buffer struct {
	mu    sync.Mutex
	to    io.Writer
	lines []byte
	timer bool
}

// NewBuffer gives a buffer in front of w.
func NewBuffer(w io.Writer) *Buffer { return &Buffer{to: w} }

// Write keeps a line. An error of writing is told by the next call of Flush or Write that
// writes.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line...)
	if len(b.lines) >= mostWaits {
		return len(line), b.flush()
	}
	if !b.timer {
		b.timer = true
		time.AfterFunc(waitsAt, b.late)
	}
	return len(line), nil
}

func (b *Buffer) late() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = false
	if err := b.flush(); err != nil {
		return // the log is what errors would be told to
	}
}

// Flush writes what waits.
func (b *Buffer) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flush()
}

func (b *Buffer) flush() error {
	if len(b.lines) == 0 {
		return nil
	}
	_, err := b.to.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}
