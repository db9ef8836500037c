package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/lumbung-ikm/lumbung/fault"
)

// inflateWindow is the largest window of a zstd body: what every encoder may use
// by default (RFC 8878 asks for 8 MiB).
const inflateWindow = 8 << 20

// guardBody refuses a body that is too large as it was sent, or packed in a way that is
// not spoken here. It reads nothing of it.
//
// Errors: Unsupported "encoding_unsupported", TooLarge "body_too_large".
func (s *Server) guardBody(c *fiber.Ctx) error {
	encodings := c.Request().Header.PeekAll(fiber.HeaderContentEncoding)
	if len(encodings) > 1 {
		return unsupported("two content encodings")
	}
	switch encoding := encodingOf(c); encoding {
	case "", "identity":
		if len(c.Request().Body()) > s.Limits.Body && !bringsTable(c.OriginalURL()) {
			return tooLarge()
		}
	case "gzip", "zstd":
	default:
		return unsupported("content encoding " + encoding)
	}
	return nil
}

func encodingOf(c *fiber.Ctx) string {
	return strings.ToLower(strings.TrimSpace(string(c.Request().Header.Peek(fiber.HeaderContentEncoding))))
}

// openBody replaces a compressed body by its content, never more than the limit, so that
// nothing behind it ever inflates anything. Who asks has a place by then, and a budget:
// inflating costs more than most of what is refused.
//
// Errors: TooLarge "body_too_large", Unreadable "body_unreadable", Transient "timeout".
func (s *Server) openBody(x *call) error {
	encoding := encodingOf(x.Ctx)
	if encoding == "gzip" || encoding == "zstd" {
		body, err := s.inflate(x.ctx, encoding, x.Request().Body(), x.body)
		if err != nil {
			return err
		}
		x.Request().SetBodyRaw(body)
	}
	x.Request().Header.Del(fiber.HeaderContentEncoding)
	return nil
}

// inflater is room to inflate one body in. There are a few, made once: what is found too
// large only when it passes the limit has cost the server no memory then, however often
// it comes.
type inflater struct {
	room []byte // a block of zstd more than the limit: the block that passes it is written whole
	gzip gzip.Reader
	zstd *zstd.Decoder
}

// zstdBlock is the largest block of zstd.
const zstdBlock = 128 << 10

// inflaters is how many bodies are inflated at a time: it is work for a processor, and each
// keeps its room.
func inflaters() int { return min(4, runtime.GOMAXPROCS(0)) }

func newInflater(limit int) *inflater {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(inflateWindow), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic("api: " + err.Error()) // the options are constants
	}
	return &inflater{room: make([]byte, limit+zstdBlock+1), zstd: z}
}

// inflate reads a whole compressed body, into where it came from.
func (s *Server) inflate(ctx context.Context, encoding string, raw []byte, into *body) ([]byte, error) {
	var i *inflater
	select {
	case i = <-s.inflaters:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.inflaters <- i }()
	n, err := i.read(encoding, raw)
	switch {
	case n > s.Limits.Body, errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooLarge()
	case err != nil:
		return nil, unreadableBody(err)
	}
	return into.instead(i.room[:n]), nil
}

// read inflates into the room and gives how much there was, as far as there is room. Behind
// more than the limit an error says nothing.
func (i *inflater) read(encoding string, raw []byte) (n int, err error) {
	if encoding == "zstd" {
		if repeats(raw) >= len(i.room)-zstdBlock {
			return 0, zstd.ErrDecoderSizeExceeded
		}
		out, err := i.zstd.DecodeAll(raw, i.room[:0]) // what is written is the window too: there is no other
		return len(out), err
	}
	if err := i.gzip.Reset(bytes.NewReader(raw)); err != nil {
		return 0, err
	}
	for n < len(i.room) && err == nil {
		var more int
		more, err = i.gzip.Read(i.room[n:])
		n += more
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// repeats is how many bytes the blocks of a zstd body say that are one byte repeated. The
// decoder takes new room for such a block before it looks whether it passes the limit.
// What does not parse counts nothing: the decoder will say so.
func repeats(raw []byte) (n int) {
	for len(raw) > 0 {
		var h zstd.Header
		if err := h.Decode(raw); err != nil {
			return n
		}
		raw = raw[min(h.HeaderSize, len(raw)):]
		if h.Skippable {
			raw = raw[min(int(h.SkippableSize), len(raw)):]
			continue
		}
		for last := false; !last; {
			if len(raw) < 3 {
				return n
			}
			block := int(raw[0]) | int(raw[1])<<8 | int(raw[2])<<16
			size := block >> 3
			last = block&1 == 1
			if block>>1&3 == 1 {
				n, size = n+size, 1
			}
			raw = raw[min(3+size, len(raw)):]
		}
		if h.HasCheckSum {
			raw = raw[min(4, len(raw)):]
		}
	}
	return n
}

func tooLarge() error {
	return &fault.Error{Kind: fault.TooLarge, Code: "body_too_large", Text: "body is over the limit"}
}

func unsupported(text string) error {
	return &fault.Error{Kind: fault.Unsupported, Code: "encoding_unsupported", Text: text}
}

func unreadableBody(cause error) error {
	return &fault.Error{Kind: fault.Unreadable, Code: "body_unreadable", Text: "body does not parse", Cause: cause}
}
