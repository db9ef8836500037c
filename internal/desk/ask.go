package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/lumbung-ikm/lumbung/fault"
)

// terminal reports whether a stream is somebody at a keyboard.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// longestLine bounds an answer, in bytes.
const longestLine = 4096

// ask reads one line. At a terminal it writes the prompt, and what is secret is not
// echoed; otherwise the lines of the input are the answers, in the order of the questions.
//
// Errors: Invalid "input_ended"; the end of ctx.
func (d *desk) ask(ctx context.Context, prompt string, secret bool) (text string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	in := func() (string, error) { return line(d.In) }
	if f, ok := d.In.(*os.File); ok && terminal(f) {
		if secret {
			speak, bad := hush(f)
			if bad != nil {
				return "", bad
			}
			in = func() (string, error) { return hidden(f) }
			defer func() { // also of who goes away in the middle
				err = errors.Join(err, speak())
				fmt.Fprintln(d.Err)
			}()
		}
		fmt.Fprint(d.Err, prompt)
	}
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() { // which nobody can take back from the keyboard
		text, err := in()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		if errors.Is(a.err, io.EOF) || errors.Is(a.err, io.ErrUnexpectedEOF) {
			a.err = &fault.Error{Kind: fault.Invalid, Code: "input_ended", Text: "no more lines"}
		}
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// line reads up to the end of a line and no byte more, so that the next question finds its
// own answer.
func line(r io.Reader) (string, error) {
	var b []byte
	one := make([]byte, 1)
	for len(b) < longestLine {
		n, err := r.Read(one)
		if n == 1 && one[0] == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		b = append(b, one[:n]...)
		switch {
		case err == io.EOF && len(b) > 0:
			return string(b), nil // a last line without an end
		case err != nil:
			return "", err
		}
	}
	return "", io.ErrUnexpectedEOF
}

// agreed asks whether to go on.
//
// Errors: Invalid "not_confirmed".
func (d *desk) agreed(ctx context.Context, question string, p params) error {
	if d.yes {
		return nil
	}
	text, err := d.ask(ctx, d.phrase(question, p), false)
	if codeOf(err) == "input_ended" {
		text, err = "", nil
	}
	if err == nil && !slices.Contains([]string{"y", "ya", "yes"}, strings.ToLower(strings.TrimSpace(text))) {
		err = &fault.Error{Kind: fault.Invalid, Code: "not_confirmed", Text: "nobody agreed"}
	}
	return err
}

// note tells of an error after which one goes on.
func (d *desk) note(err error) { fmt.Fprintln(d.Err, d.told(context.Background(), err)) }
