package scratch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Around stands between a process and the server. It is given the name of a command
// with its collection, such as "update state", and a function that carries it out;
// what that gives is an error of the connection only. An error of Around goes to the
// process as the server's answer, in the place of the true one if there is one: the
// answer of a server that could not do it in time, which says nothing about whether
// the command was carried out, and which the driver does not try again. So a process
// is dead when Around does nothing any more.
//
// Several goroutines may be in it at once.
type Around func(command string, do func() error) error

// wires makes connections that go through an Around.
type wires struct{ around Around }

func (w wires) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: c, around: w.around}, nil
}

// wire is one connection. The driver writes a message whole, and reads the answer
// before it writes the next: so a command is carried out while it is written.
type wire struct {
	net.Conn
	around Around
	answer bytes.Buffer
}

// SetWriteDeadline bounds what Write does, which is to read the answer too.
func (w *wire) SetWriteDeadline(at time.Time) error { return w.Conn.SetDeadline(at) }

// Write implements net.Conn.
func (w *wire) Write(message []byte) (int, error) {
	name, err := commandOf(message)
	if err != nil {
		return 0, err
	}
	if name == "" {
		return w.Conn.Write(message)
	}
	var broken error // of the connection
	err = w.around(name, func() error {
		w.answer.Reset()
		if _, broken = w.Conn.Write(message); broken == nil {
			broken = w.receive()
		}
		return broken
	})
	switch {
	case broken != nil:
		return 0, broken
	case err != nil:
		w.answer.Reset()
		if err := refuse(&w.answer, message, err); err != nil {
			return 0, err
		}
	}
	return len(message), nil
}

// receive reads one message of the server.
func (w *wire) receive() error {
	var size [4]byte
	if _, err := io.ReadFull(w.Conn, size[:]); err != nil {
		return err
	}
	w.answer.Write(size[:])
	_, err := io.CopyN(&w.answer, w.Conn, int64(binary.LittleEndian.Uint32(size[:]))-int64(len(size)))
	return err
}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.answer.Len() > 0 {
		return w.answer.Read(p)
	}
	return w.Conn.Read(p)
}

// The wire protocol: a header of four numbers, and for messages of this kind flags,
// the sign of a body, and the body.
const (
	opMessage   = 2013
	headerBytes = 16
	bodyAt      = headerBytes + 4 + 1
)

var errPieces = errors.New("scratch: the driver writes messages in pieces")

// commandOf names the command of a message and its collection; "" for what keeps
// the connection alive and nobody may cut.
func commandOf(message []byte) (string, error) {
	if len(message) < headerBytes || int(binary.LittleEndian.Uint32(message)) != len(message) {
		return "", errPieces
	}
	if binary.LittleEndian.Uint32(message[12:]) != opMessage {
		return "", nil // the first greeting has the old form
	}
	if len(message) < bodyAt || message[bodyAt-1] != 0 {
		return "", errors.New("scratch: a message without a body first")
	}
	first, err := bson.Raw(message[bodyAt:]).IndexErr(0)
	if err != nil {
		return "", fmt.Errorf("scratch: read a command: %w", err)
	}
	switch name := first.Key(); name {
	case "hello", "isMaster", "ismaster", "endSessions":
		return "", nil
	default:
		on, _ := first.Value().StringValueOK()
		if on == "" {
			on, _ = bson.Raw(message[bodyAt:]).Lookup("collection").StringValueOK() // of getMore
		}
		return name + " " + on, nil
	}
}

// refuse writes the answer of a server that could not do it in time.
func refuse(to *bytes.Buffer, message []byte, why error) error {
	const maxTimeExpired = 50
	body, err := bson.Marshal(bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: why.Error()}, {Key: "code", Value: int32(maxTimeExpired)}, {Key: "codeName", Value: "MaxTimeMSExpired"}})
	if err != nil {
		return err
	}
	request := binary.LittleEndian.Uint32(message[4:])
	for _, n := range []uint32{uint32(bodyAt + len(body)), 0, request, opMessage, 0} {
		to.Write(binary.LittleEndian.AppendUint32(nil, n))
	}
	to.WriteByte(0)
	to.Write(body)
	return nil
}
