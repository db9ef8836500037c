package desk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/message"
)

// TestEveryPhraseIsThere looks for the names of phrases in the sources, and for phrases that
// nobody says.
func TestEveryPhraseIsThere(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	call := regexp.MustCompile(`(?:say|phrase|heading|agreed)\((?:ctx, )?"([a-z_]+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			said[m[1]] = true
		}
	}
	all := message.Phrases()
	for name := range said {
		if !slices.Contains(all, name) {
			t.Errorf("%s is no phrase", name)
		}
	}
	for _, name := range all {
		if !said[name] {
			t.Errorf("nobody says %s", name)
		}
	}
}

func TestWhereAServerMayBe(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"https://lumbung.example", "https://lumbung.example"}, {"https://lumbung.example:8443/", "https://lumbung.example:8443"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"}, {"http://[::1]:8080", "http://[::1]:8080"}, {"http://localhost", "http://localhost"},
		{"http://lumbung.example", ""}, {"http://10.0.0.5:8080", ""}, {"http://localhost.example", ""}, {"ftp://localhost", ""}, {"localhost:8080", ""}, {"//x", ""}, {"", ""},
		{"https://u:p@lumbung.example", ""}, {"https://lumbung.example/v1", ""}, {"https://lumbung.example?x", ""}, {"https://lumbung.example#x", ""}, {"https://", ""}, {"https://\x00", ""},
	}
	for _, tt := range tests {
		got, err := address(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.As(err, new(Usage)) {
			t.Errorf("%q is %q, %v", tt.in, got, err)
		}
	}
}

func TestWhichLanguageTheEnvironmentSpeaks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		env  map[string]string
		want message.Lang
	}{
		{nil, message.ID}, {map[string]string{"LANG": "C.UTF-8"}, message.ID}, {map[string]string{"LANG": "en_US.UTF-8"}, message.EN}, {map[string]string{"LANG": "id_ID"}, message.ID},
		{map[string]string{"LANG": "en_GB", "LC_ALL": "id_ID.UTF-8"}, message.ID}, {map[string]string{"LANG": "id_ID", "LC_MESSAGES": "en"}, message.EN}, {map[string]string{"LANG": "eng"}, message.ID},
	}
	for _, tt := range tests {
		if got := spoken(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v speaks %s", tt.env, got)
		}
	}
}

// TestAnswersAreReadLineByLine: each question finds its own answer, however the bytes come,
// and nothing behind it is swallowed.
func TestAnswersAreReadLineByLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[^\r\n]{0,20}`), 1, 5).Draw(t, "lines")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		var in io.Reader = strings.NewReader(strings.Join(lines, end) + end + "rest")
		if rapid.Bool().Draw(t, "torn") {
			in = iotest.OneByteReader(in)
		}
		d := &desk{Streams: Streams{In: in, Err: io.Discard}}
		for _, want := range append(lines, "rest") {
			if got, err := d.ask(context.Background(), "", rapid.Bool().Draw(t, "hidden")); got != want || err != nil {
				t.Fatalf("%q, %v, want %q", got, err, want)
			}
		}
		if _, err := d.ask(context.Background(), "", false); codeOf(err) != "input_ended" {
			t.Fatalf("behind the end: %v", err)
		}
	})
	d := &desk{Streams: Streams{In: bytes.NewReader(make([]byte, longestLine+1))}}
	if _, err := d.ask(t.Context(), "", false); codeOf(err) != "input_ended" {
		t.Errorf("a line without an end: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	d.In = r
	stop()
	if _, err := d.ask(ctx, "", false); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestNothingMovesTheCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := printable(rapid.String().Draw(t, "text"))
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", got)
		}
	})
	if got := printable("Kopi \x1b[2J\u202e\n50 % — é"); got != "Kopi ·[2J··50 % — é" {
		t.Errorf("%q", got)
	}
}

// TestOneCommandAtATimeChangesASession, whatever the others want.
func TestOneCommandAtATimeChangesASession(t *testing.T) {
	t.Parallel()
	d := &desk{session: filepath.Join(t.TempDir(), "deep", "admin.json")}
	if err := keep(d.session, 0); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := d.locked(t.Context(), func() error {
				var n int
				return errors.Join(read(d.session, &n), keep(d.session, n+1))
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var n int
	if err := read(d.session, &n); err != nil || n != 20 {
		t.Errorf("%d of 20, %v", n, err)
	}
	left, err := os.ReadDir(filepath.Dir(d.session))
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v beside the file and its lock", left, err)
	}
	busy := make(chan error, 1)
	err = d.locked(t.Context(), func() error {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		busy <- d.locked(ctx, func() error { return errors.New("both at once") })
		return nil
	})
	if got := <-busy; err != nil || !errors.Is(got, context.Canceled) {
		t.Errorf("%v, %v", err, got)
	}
}
