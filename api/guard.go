package api

import (
	"bytes"
	"compress/gzip"
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

// guardBody replaces a compressed body by its content, never more than the
// limit, so that nothing behind it ever inflates anything.
//
// Errors: Unsupported "encoding_unsupported", TooLarge "body_too_large",
// Unreadable "body_unreadable".
func (s *Server) guardBody(c *fiber.Ctx) error {
	h := &c.Request().Header
	raw := c.Request().Body()
	encodings := h.PeekAll(fiber.HeaderContentEncoding)
	if len(encodings) > 1 {
		return unsupported("two content encodings")
	}
	encoding := ""
	if len(encodings) == 1 {
		encoding = strings.ToLower(strings.TrimSpace(string(encodings[0])))
	}
	body := raw
	switch encoding {
	case "", "identity":
		if len(raw) > s.Limits.Body {
			return tooLarge()
		}
	case "gzip", "zstd":
		var err error
		if body, err = s.inflate(encoding, raw); err != nil {
			return err
		}
	default:
		return unsupported("content encoding " + encoding)
	}
	if encoding != "" {
		c.Request().SetBodyRaw(body)
		h.Del(fiber.HeaderContentEncoding)
	}
	return nil
}

// inflate reads a whole compressed body. Only a few are inflated at a time, so
// that the memory for it is bounded whatever arrives.
func (s *Server) inflate(encoding string, raw []byte) ([]byte, error) {
	s.inflaters <- struct{}{}
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
