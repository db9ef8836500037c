package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// three is a list of three registrants without a mistake.
func three() string {
	l := fixture.Campaign(1)
	var some []fixture.Row
	for _, r := range l.Rows {
		if r.Refusal == "" && len(some) < 3 {
			some = append(some, r)
		}
	}
	l.Rows = some
	var b bytes.Buffer
	if err := l.WriteCSV(&b); err != nil {
		panic(err)
	}
	return b.String()
}

// jobs are the ids of the imports that the server has begun.
func (b *office) jobs() (ids []string) {
	b.Helper()
	rows, err := b.w.Rows(b.Context(), domain.GeneralQueue, "job")
	b.ok(err)
	for _, r := range rows {
		if r.Text("kind") == domain.JobImport {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// errands counts the requests whose outcome a clerk does not know.
func (c *clerk) errands() int {
	all, err := os.ReadDir(c.file + ".errands")
	if err != nil && !os.IsNotExist(err) {
		c.b.Fatal(err)
	}
	return len(all)
}

// TestTheListOf486FromTheCommandLine is story A1: a dry run, a no, an answer that gets lost,
// the same command again, and once more.
func TestTheListOf486FromTheCommandLine(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan(judges())
	c := b.hire("+628117000011").login()
	l := fixture.Campaign(3)
	csv, xlsx := b.file("daftar.csv", l.WriteCSV), b.file("daftar.xlsx", l.WriteXLSX)
	sums := func(accepted, unchanged string) string {
		return "486 baris dibaca: " + accepted + " baru, " + unchanged + " sudah terdaftar, 8 ditolak."
	}
	for _, file := range []string{csv, xlsx} {
		out, said := c.does(desk.StatusPartly, nil, "import", "--programme", codeOfProgramme, "--check", file)
		wants(t, out, "BARIS", sums("478", "0"))
		wants(t, said, "(rows_refused)")
		for _, r := range l.Rows {
			if line := regexp.MustCompile(`(?m)^` + strconv.Itoa(r.Registrant.Line) + ` +.*` + r.Refusal); r.Refusal != "" && !line.MatchString(out) {
				t.Errorf("%s of line %d is not told of:\n%s", r.Refusal, r.Registrant.Line, out)
			}
		}
	}
	out, _ := c.does(desk.StatusPartly, nil, "import", "--lang", "en", "--check", csv, "--programme", codeOfProgramme)
	wants(t, out, "486 rows read: 478 new", "This registrant stands in row")
	for _, no := range [][]string{nil, {"tidak"}, {""}} {
		_, said := c.does(desk.StatusFailed, no, "import", "--programme", codeOfProgramme, csv)
		wants(t, said, "(not_confirmed)")
	}
	if b.files() != 0 || len(b.jobs()) != 0 || c.errands() != 0 {
		t.Fatalf("%d files, %d jobs, %d errands before anybody said yes", b.files(), len(b.jobs()), c.errands())
	}

	b.losing("/imports", func() {
		_, said := c.does(desk.StatusUnknown, []string{"ya"}, "import", "--programme", codeOfProgramme, csv)
		wants(t, said, "(server_unreachable)", "sekali lagi")
	})
	if c.errands() != 1 {
		t.Fatalf("%d errands after an answer got lost", c.errands())
	}
	out, said := c.does(desk.StatusPartly, nil, "import", "--programme", codeOfProgramme, csv)
	wants(t, out, "Melanjutkan", sums("478", "0"), "478 pendaftar masuk", "12 dari 12 langkah, 478/478 baris")
	wants(t, said, "(rows_refused)")
	if jobs := b.jobs(); b.files() != fixture.Accepted || len(jobs) != 1 || c.errands() != 0 || !strings.Contains(out, jobs[0]) {
		t.Errorf("%d files by %d jobs, %d errands", b.files(), len(jobs), c.errands())
	}
	for _, file := range []string{csv, xlsx} {
		out, _ = c.does(desk.StatusPartly, nil, "import", "--programme", codeOfProgramme, "--yes", file)
		wants(t, out, sums("0", "478"), "Tidak ada yang baru")
	}
	if b.files() != fixture.Accepted || len(b.jobs()) != 1 {
		t.Errorf("%d files by %d jobs", b.files(), len(b.jobs()))
	}
}

// TestWhoStopsWatchingStopsNothing: Ctrl-C leaves the job to the server, and another
// command sees it end.
func TestWhoStopsWatchingStopsNothing(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan(judges())
	c := b.hire("+628117000011").login()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &page{want: "0 dari 1 langkah", seen: make(chan struct{})}
	ended := c.start(ctx, strings.NewReader(""), out, &bytes.Buffer{}, "import", "--yes", "--programme", codeOfProgramme, b.text("daftar.csv", three()))
	select {
	case <-out.seen: // the server does nothing while nobody lets it
	case err := <-ended:
		t.Fatalf("%v\n%s", err, out)
	}
	stop()
	err := <-ended
	if err == nil || statusOf(err) != desk.StatusStopped || len(b.jobs()) != 1 {
		t.Fatalf("%v, %d jobs", err, len(b.jobs()))
	}
	wants(t, err.Error(), "lumbung admin job "+b.jobs()[0], "(watch_stopped)")
	text, _ := c.does(0, nil, "job", b.jobs()[0])
	wants(t, text, "1 dari 1 langkah", "Selesai: 1 langkah, 0 gagal.")
	if b.files() != 3 {
		t.Errorf("%d files", b.files())
	}
	_, said := c.does(desk.StatusFailed, nil, "job", "../me")
	wants(t, said, "(not_found)")
}

// TestTwoClerksWithOneList: who began before the other's list was in is told of each row that
// the other one brought, of the changed one by its line.
func TestTwoClerksWithOneList(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan(judges())
	c, other := b.hire("+628117000011").login(), b.hire("+628117000012").login()
	begun := func(c *clerk, file string) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		out := &page{want: "0 dari 1 langkah", seen: make(chan struct{})}
		ended := c.start(ctx, strings.NewReader(""), out, &bytes.Buffer{}, "import", "--yes", "--programme", codeOfProgramme, file)
		select {
		case <-out.seen:
		case err := <-ended:
			t.Fatalf("%v\n%s", err, out)
		}
		stop()
		if err := <-ended; err == nil || statusOf(err) != desk.StatusStopped {
			t.Fatal(err)
		}
	}
	name := fixture.Campaign(1).Rows[slices.IndexFunc(fixture.Campaign(1).Rows, func(r fixture.Row) bool { return r.Refusal == "" })].Registrant.Business
	theirs := b.text("lain.csv", strings.Replace(three(), name, name+" Jaya", 1))
	begun(c, b.text("daftar.csv", three()))
	begun(other, theirs) // and both jobs wait
	if len(b.jobs()) != 2 || b.files() != 0 {
		t.Fatalf("%d jobs, %d files", len(b.jobs()), b.files())
	}
	out, said := other.does(desk.StatusPartly, nil, "import", "--programme", codeOfProgramme, theirs)
	wants(t, out, "0 pendaftar masuk", "registered_differs", "2 baris sudah dimasukkan oleh impor lain.", "1 baris tidak masuk.", "Nomor pendaftaran ini sudah diimpor")
	wants(t, said, "(rows_refused)")
	if line := regexp.MustCompile(`(?m)^2 +external_ref +registered_differs`); !line.MatchString(out) {
		t.Errorf("which row is not told of:\n%s", out)
	}
	for _, id := range b.jobs() {
		text, _ := other.does(map[bool]int{true: desk.StatusPartly}[strings.Contains(out, id)], nil, "job", id)
		wants(t, text, "1 dari 1 langkah")
	}
	if b.files() != 3 {
		t.Errorf("%d files", b.files())
	}
}

// TestWhatIsNoList is told of before, or by the server, and leaves nothing behind.
func TestWhatIsNoList(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan(judges())
	c := b.hire("+628117000011").login()
	for name, tt := range map[string]struct{ file, programme, code string }{
		"a file that is not there": {b.TempDir() + "/none.csv", codeOfProgramme, "file_unreadable"},
		"one that is too large":    {b.text("besar.csv", strings.Repeat("x", 4<<20+1)), codeOfProgramme, "table_too_large"},
		"an empty one":             {b.text("kosong.csv", ""), codeOfProgramme, "table_empty"},
		"no such programme":        {b.text("daftar.csv", three()), "lagawi-fest-2032", "not_found"},
	} {
		if _, said := c.does(desk.StatusFailed, nil, "import", "--yes", "--programme", tt.programme, tt.file); !strings.Contains(said, "("+tt.code+")") {
			t.Errorf("%s: %s", name, said)
		}
	}
	out, _ := c.does(desk.StatusPartly, nil, "import", "--check", "--programme", codeOfProgramme, b.text("lucu.csv", "Nama Usaha\x1b[2J;No HP\nA;1\n"))
	if strings.ContainsRune(out, '\x1b') {
		t.Errorf("a file moves the cursor: %q", out)
	}
	if c.errands() != 0 || b.files() != 0 {
		t.Errorf("%d errands, %d files", c.errands(), b.files())
	}
}
