package load

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// bomb is a body with the answer that it must get.
type bomb struct {
	name, encoding string
	text           []byte
	chunked        bool // sent without a length
	unread         bool // refused by its header: the connection may end before all of it is sent
	table          bool // a workbook that an admin has checked
	status         int
	code           string
}

// packer is a writer that compresses to another one.
func packer(encoding string, to io.Writer, o ...zstd.EOption) (io.WriteCloser, error) {
	if encoding == "gzip" {
		return gzip.NewWriterLevel(to, gzip.BestCompression)
	}
	return zstd.NewWriter(to, append(o, zstd.WithEncoderConcurrency(1))...)
}

// pack compresses a text.
func pack(encoding string, text []byte) ([]byte, error) {
	if encoding == "" {
		return text, nil
	}
	return packed(encoding, len(text), 1, func(w io.Writer, _ int) error {
		_, err := w.Write(text)
		return err
	})
}

// packed is so many members or frames one after the other, each of so many bytes that fill
// writes.
func packed(encoding string, size, members int, fill func(io.Writer, int) error, o ...zstd.EOption) ([]byte, error) {
	var out bytes.Buffer
	w, err := packer(encoding, &out, o...)
	if err != nil {
		return nil, err
	}
	err = fill(w, size)
	if failed := w.Close(); err == nil {
		err = failed
	}
	return bytes.Repeat(out.Bytes(), members), err
}

// zeros writes nothing but zeros.
func zeros(w io.Writer, n int) error {
	for block := make([]byte, 1<<20); n > 0; n -= len(block) {
		if _, err := w.Write(block[:min(n, len(block))]); err != nil {
			return err
		}
	}
	return nil
}

// noiseFirst writes as much noise as a connection takes of a body, nearly, and then zeros:
// the bytes that arrive are many, and those that come out many more.
func noiseFirst(w io.Writer, n int) error {
	noise := make([]byte, 3<<20+512<<10)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(noise); err != nil {
		return err
	}
	if _, err := w.Write(noise); err != nil {
		return err
	}
	return zeros(w, n-len(noise))
}

// makeBombs are bodies of every kind that inflate to size.
func makeBombs(size int) (out []bomb, err error) {
	add := func(name, encoding string, text []byte, failed error, change func(*bomb)) {
		if failed != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, failed)
		}
		b := bomb{name: name, encoding: encoding, text: text, status: fasthttp.StatusRequestEntityTooLarge, code: "body_too_large"}
		if change != nil {
			change(&b)
		}
		out = append(out, b)
	}
	const member = 512 << 10 // of each of many: below the limit by itself
	for _, encoding := range []string{"gzip", "zstd"} {
		text, failed := packed(encoding, size, 1, zeros)
		add(encoding+", zeros", encoding, text, failed, nil)
		add(encoding+", zeros, without a length", encoding, text, nil, func(b *bomb) { b.chunked = true })
		many, failed := packed(encoding, member, size/member, zeros)
		add(encoding+", many members one after the other", encoding, many, failed, nil)
		long, failed := packed(encoding, size, 1, noiseFirst)
		add(encoding+", long as it is sent", encoding, long, failed, func(b *bomb) { b.unread = true })
		add(encoding+", long as it is sent, without a length", encoding, long, nil, func(b *bomb) { b.chunked, b.unread = true, true })
		add(encoding+", cut in the middle", encoding, text[:len(text)/2], nil, nil)
		twice, failed := pack(encoding, text)
		add(encoding+" in itself, said", encoding+", "+encoding, twice, failed, func(b *bomb) { b.status, b.code = fasthttp.StatusUnsupportedMediaType, "encoding_unsupported" })
		add(encoding+" in itself, unsaid", encoding, twice, nil, func(b *bomb) { b.status, b.code = fasthttp.StatusBadRequest, "body_unreadable" })
	}
	for _, window := range []int{8 << 20, 512 << 20} {
		text, failed := packed("zstd", size, 1, zeros, zstd.WithWindowSize(window))
		add(fmt.Sprintf("zstd, zeros, a window of %d MiB", window>>20), "zstd", text, failed, nil)
	}
	known, failed := sized(size)
	add("zstd, zeros, with its size told", "zstd", known, failed, nil)
	add("zstd, says 512 MiB and holds nothing", "zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x20, 1, 0, 0}, nil, nil)
	add("plain, over the limit of a body", "", bytes.Repeat([]byte(" "), 1<<20+1), nil, func(b *bomb) { b.unread = true })
	add("plain, over the limit of a body, without a length", "", bytes.Repeat([]byte(" "), 1<<20+1), nil, func(b *bomb) { b.chunked, b.unread = true, true })
	return out, err
}

// sized is zeros in one frame whose header says how many.
func sized(size int) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	text := w.EncodeAll(make([]byte, size), nil)
	return slices.Clip(text), w.Close()
}
