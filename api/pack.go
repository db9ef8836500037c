package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/zstd"
)

// packFrom is the size from which an answer is compressed; below it the headers
// cost more than is saved.
const packFrom = 1 << 10

// packers keeps compressors for the next answer. Each holds some megabytes, so that
// no more are at work than there are processors for.
type packers struct {
	gzip, zstd sync.Pool
	atOnce     chan struct{}
	waiting    atomic.Int64
}

// pack compresses the answer if it is long and the client reads it. The request still has
// its place among those that are worked on: compressing costs more than most of what
// is answered, and whoever waits for it holds a whole answer in memory.
//
// Errors: Transient "timeout" if there was no time left for it.
func (s *Server) pack(x *call) error {
	c, r := x.Ctx, x.Response()
	if len(r.Body()) < packFrom || len(r.Header.Peek(fiber.HeaderContentEncoding)) > 0 {
		return nil
	}
	encoding := accepted(c.Get(fiber.HeaderAcceptEncoding))
	if encoding == "" {
		return nil
	}
	s.packers.waiting.Add(1)
	select {
	case s.packers.atOnce <- struct{}{}:
		s.packers.waiting.Add(-1)
	case <-x.ctx.Done():
		s.packers.waiting.Add(-1)
		return x.ctx.Err()
	}
	defer func() { <-s.packers.atOnce }()
	s.squeezed(c, encoding)
	return nil
}

// squeezed compresses the answer, if that makes it smaller.
func (s *Server) squeezed(c *fiber.Ctx, encoding string) {
	r := c.Response()
	var b bytes.Buffer
	var err error
	switch encoding {
	case "zstd":
		z, ok := s.packers.zstd.Get().(*zstd.Encoder)
		if !ok {
			if z, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<20)); err != nil {
				return
			}
		}
		defer s.packers.zstd.Put(z)
		z.Reset(&b)
		err = squeeze(z, r.Body())
	case "gzip":
		z, ok := s.packers.gzip.Get().(*gzip.Writer)
		if !ok {
			z = gzip.NewWriter(nil)
		}
		defer s.packers.gzip.Put(z)
		z.Reset(&b)
		err = squeeze(z, r.Body())
	}
	if err != nil || b.Len() >= len(r.Body()) {
		return
	}
	r.SetBodyRaw(b.Bytes())
	c.Set(fiber.HeaderContentEncoding, encoding)
}

func squeeze(w io.WriteCloser, body []byte) error {
	if _, err := w.Write(body); err != nil {
		return err
	}
	return w.Close()
}

// accepted picks what an Accept-Encoding header allows: zstd, then gzip, else "".
func accepted(header string) string {
	if len(header) > 256 {
		return ""
	}
	best := ""
	for part := range strings.SplitSeq(strings.ToLower(header), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		if weight == "q=0" || strings.Trim(strings.TrimPrefix(weight, "q=0"), ".0") == "" && weight != "" {
			continue
		}
		switch strings.TrimSpace(name) {
		case "zstd":
			return "zstd"
		case "gzip":
			best = "gzip"
		}
	}
	return best
}
