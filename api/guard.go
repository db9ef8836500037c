package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
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
		if len(c.Request().Body()) > s.Limits.Body {
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
		body, err := s.inflate(x.ctx, encoding, x.Request().Body())
		if err != nil {
			return err
		}
		x.Request().SetBodyRaw(body)
	}
	x.Request().Header.Del(fiber.HeaderContentEncoding)
	return nil
}

// inflate reads a whole compressed body. Only a few are inflated at a time, so
// that the memory for it is bounded whatever arrives.
func (s *Server) inflate(ctx context.Context, encoding string, raw []byte) ([]byte, error) {
	select {
	case s.inflaters <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.inflaters }()
	r, err := opener(encoding, raw)
	if err != nil {
		return nil, unreadableBody(err)
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, int64(s.Limits.Body)+1))
	switch {
	case len(body) > s.Limits.Body, errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, tooLarge()
	case err != nil:
		return nil, unreadableBody(err)
	}
	return body, nil
}

func opener(encoding string, raw []byte) (io.ReadCloser, error) {
	if encoding == "gzip" {
		return gzip.NewReader(bytes.NewReader(raw))
	}
	z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(inflateWindow))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
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
