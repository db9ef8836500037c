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

// wrongFrame is a frame that is not where a crash cut the log of changes.
type wrongFrame struct {
	log   [walHead]byte // the head of that log: another one once it is begun anew
	frame int           // from 1; 0 is the head itself, below that there is none
	head  [frameHead]byte
}

// cutInside looks whether the log of changes beside a database ends before its end. What it
// gives says how; "" if it does not. A server may write to it meanwhile: of a log that is
// being written from its beginning once more, a reader finds old frames before new ones.
// So a frame counts only if it is the same, and as wrong, when it is read again; by then
// the writer is past it.
func cutInside(path string) (string, error) {
	last := wrongFrame{frame: -1}
	for range 100 { // whatever changes so often is written to by somebody who would notice
		f, err := os.Open(path + "-wal")
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		now, err := readWAL(f)
		if err = errors.Join(err, f.Close()); err != nil || now.frame < 0 {
			return "", err
		}
		if now == last {
			return fmt.Sprintf("frame %d of the log of changes is spoilt, and commits lie behind it", now.frame), nil
		}
		last = now
	}
	return "", nil
}

// readWAL reads a log of changes.
func readWAL(f io.Reader) (s wrongFrame, err error) {
	s.frame = -1
	head := s.log[:]
	if _, err := io.ReadFull(f, head); err != nil {
		return s, ignoreEnd(err)
	}
	w := &walFile{order: binary.LittleEndian, page: int(binary.BigEndian.Uint32(head[8:])), salts: bytes.Clone(head[16:24])}
	if head[3]&1 == 1 {
		w.order = binary.BigEndian
	}
	if w.page < 512 || w.page > 1<<16 || w.page&(w.page-1) != 0 {
		return s, nil // it never was one: SQLite passes it over
	}
	w.add(head[:24])
	good := w.is(head[24:])
	if !good {
		w.salts = nil // those of the first frame
	}
	err = w.frames(bufio.NewReaderSize(f, 1<<20), good, &s)
	return s, err
}

// frames looks for the first wrong frame that is not where a crash cut the log. A frame
// that was summed on from a commit was begun when that was flushed.
func (w *walFile) frames(r io.Reader, good bool, found *wrongFrame) error {
	frame := make([]byte, frameHead+w.page)
	wrong, committed := wrongFrame{log: found.log, frame: -1}, false
	if !good {
		wrong.frame = 0
	}
	for n := 1; ; n++ {
		if _, err := io.ReadFull(r, frame); err != nil {
			return ignoreEnd(err)
		}
		if w.salts == nil {
			w.salts = bytes.Clone(frame[8:16])
		}
		own := bytes.Equal(frame[8:16], w.salts)
		w.add(frame[:8])
		w.add(frame[frameHead:])
		follows := own && w.is(frame[16:24])
		switch {
		case wrong.frame < 0 && !follows:
			wrong.frame, wrong.head = n, [frameHead]byte(frame)
		case wrong.frame >= 0 && follows && committed:
			*found = wrong
			return nil
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
