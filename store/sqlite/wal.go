package sqlite

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// SQLite believes the log of changes up to the first frame whose sum is wrong, and forgets
// the rest without a word: that is where a crash has cut it. But every commit was flushed
// before the next one began. Where a commit lies behind the wrong frame, and a frame that
// was summed on from it, the wrong one was on disk once: then it is no crash but damage,
// and commits that were acknowledged would be gone. Frames that follow from nothing are
// those of a longer commit whose flush failed, and which the next one was written over.

const (
	walHead   = 32
	frameHead = 24
)

// walFile is a log of changes as it is read.
type walFile struct {
	order binary.ByteOrder // of the words that are summed
	page  int
	salts []byte // which frames belong to it
	sum   [2]uint32
}

// add sums bytes up, eight at a time.
func (w *walFile) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		w.sum[0] += w.order.Uint32(b) + w.sum[1]
		w.sum[1] += w.order.Uint32(b[4:]) + w.sum[0]
	}
}

// is reports whether the sum stands in eight bytes.
func (w *walFile) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == w.sum[0] && binary.BigEndian.Uint32(b[4:]) == w.sum[1]
}

// cutInside looks whether the log of changes beside a database ends before its end. What it
// gives says how; "" if it does not. A server may write to it meanwhile.
func cutInside(path string) (string, error) {
	for {
		f, err := os.Open(path + "-wal")
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		why, again, err := readWAL(f)
		if err = errors.Join(err, f.Close()); err != nil || !again {
			return why, err
		}
	}
}

// readWAL reads a log of changes. again: it was begun anew meanwhile.
func readWAL(f *os.File) (why string, again bool, err error) {
	head := make([]byte, walHead)
	if _, err := io.ReadFull(f, head); err != nil {
		return "", false, ignoreEnd(err)
	}
	w := &walFile{order: binary.LittleEndian, page: int(binary.BigEndian.Uint32(head[8:])), salts: bytes.Clone(head[16:24])}
	if head[3]&1 == 1 {
		w.order = binary.BigEndian
	}
	if w.page < 512 || w.page > 1<<16 || w.page&(w.page-1) != 0 {
		return "", false, nil // it never was one: SQLite passes it over
	}
	w.add(head[:24])
	good := w.is(head[24:])
	if !good {
		w.salts = nil // those of the first frame
	}
	wrong, err := w.frames(bufio.NewReaderSize(f, 1<<20), good)
	if err != nil || wrong < 0 {
		return "", false, err
	}
	now := make([]byte, walHead)
	if _, err := f.ReadAt(now, 0); err != nil {
		return "", false, ignoreEnd(err)
	}
	return fmt.Sprintf("frame %d of the log of changes is spoilt, and commits lie behind it", wrong), !bytes.Equal(now, head), nil
}

// frames gives the number of the first wrong frame that is not where a crash cut the log,
// or -1. A frame that was summed on from a commit was begun when that was flushed.
func (w *walFile) frames(r io.Reader, good bool) (int, error) {
	frame := make([]byte, frameHead+w.page)
	wrong, committed := -1, false
	if !good {
		wrong = 0
	}
	for n := 1; ; n++ {
		if _, err := io.ReadFull(r, frame); err != nil {
			return -1, ignoreEnd(err)
		}
		if w.salts == nil {
			w.salts = bytes.Clone(frame[8:16])
		}
		own := bytes.Equal(frame[8:16], w.salts)
		w.add(frame[:8])
		w.add(frame[frameHead:])
		follows := own && w.is(frame[16:24])
		switch {
		case wrong < 0 && !follows:
			wrong = n
		case wrong >= 0 && follows && committed:
			return wrong, nil
		}
		committed = own && binary.BigEndian.Uint32(frame[4:]) != 0
		w.sum = [2]uint32{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])}
	}
}

// ignoreEnd is nil at the end of a file.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
