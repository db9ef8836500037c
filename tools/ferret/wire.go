package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// message is one message of MongoDB's protocol, with its header: length, number,
// number of what it answers, and kind, each of four bytes.
type message []byte

const (
	headerSize  = 16
	maxMessage  = 48 << 20 // what MongoDB takes
	kindMsg     = 2013     // OP_MSG, of every command since MongoDB 3.6
	moreToCome  = 1 << 1   // in the flags of a question: nobody waits for an answer
	sectionBody = 0        // the document whose first field is the command
	firstField  = headerSize + 4 + 1 + 4
)

// readMessage reads one message.
func readMessage(r io.Reader) (message, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	if size < headerSize || size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	m := make(message, size)
	copy(m, header[:])
	_, err := io.ReadFull(r, m[headerSize:])
	return m, err
}

func (m message) isMsg() bool {
	return len(m) > firstField+1 && binary.LittleEndian.Uint32(m[12:]) == kindMsg
}

// command is the name of the command that a message carries, "" if it is of another
// kind. Drivers send the body first.
func (m message) command() string {
	if !m.isMsg() || m[headerSize+4] != sectionBody {
		return ""
	}
	name, _, _ := bytes.Cut(m[firstField+1:], []byte{0}) // behind the type of the field
	return string(name)
}

// unanswered reports whether a client does not wait for an answer.
func (m message) unanswered() bool {
	return m.isMsg() && binary.LittleEndian.Uint32(m[headerSize:])&moreToCome != 0
}
