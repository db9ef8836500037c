package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func goodFound() Found { return Found{Typed: 10, Told: 8, Phones: 6, Sound: true} }

func TestACrashIsJudgedByEveryBound(t *testing.T) {
	good := CrashReport{Kills: 5, planned: 5, Found: goodFound(), Power: &Power{Cuts: 1, Failed: 1, Held: 1, Left: 1, Torn: 1},
		Troubles: []Trouble{{Name: "full disk", code: "storage_full", Codes: map[string]int{"503 storage_full": 3}, Reads: "went on", Log: "storage_full", Healed: "by itself", Found: goodFound()},
			{Name: "start", Start: "storage_failed", Healed: "by a restart", Found: goodFound()}}}
	if err := good.Verdict(); err != nil {
		t.Errorf("a good report: %v", err)
	}
	for want, change := range map[string]func(*CrashReport){
		"4 kills of 5":               func(r *CrashReport) { r.Kills = 4 },
		"1 missing":                  func(r *CrashReport) { r.Found.Missing = 1 },
		"1 doubled":                  func(r *CrashReport) { r.Found.Doubled = 1 },
		"1 strange":                  func(r *CrashReport) { r.Found.Strange = 1 },
		"1 of 6 phones apart":        func(r *CrashReport) { r.Found.Apart = 1 },
		"doctor false":               func(r *CrashReport) { r.Found.Sound = false },
		"there was no load":          func(r *CrashReport) { r.Found.Told = 0 },
		"2 verdicts are missing":     func(r *CrashReport) { r.Power = &Power{Cuts: 1, Failed: 1, Held: 9, Left: 1, Torn: 1, Missing: 2} },
		"3 databases unsound":        func(r *CrashReport) { r.Power = &Power{Cuts: 1, Failed: 1, Held: 9, Left: 1, Torn: 1, Unsound: 3} },
		"nothing was shown":          func(r *CrashReport) { r.Power = &Power{Cuts: 1, Failed: 1, Held: 9} },
		"1 refused without":          func(r *CrashReport) { r.Troubles[0].Mute = 1 },
		"1 answered otherwise":       func(r *CrashReport) { r.Troubles[0].Other = []string{"500"} },
		"it did not heal":            func(r *CrashReport) { r.Troubles[0].Healed = "" },
		"reads gave":                 func(r *CrashReport) { r.Troubles[0].Reads = "gave 0 rows" },
		"phones were told map[]":     func(r *CrashReport) { r.Troubles[0].Codes = nil },
		`the log says ""`:            func(r *CrashReport) { r.Troubles[0].Log = "" },
		"the start says":             func(r *CrashReport) { r.Troubles[1].Start = "panic" },
		"full disk: 0 edits typed":   func(r *CrashReport) { r.Troubles[0].Found.Typed = 0 },
		"start: 10 edits typed, 0 t": func(r *CrashReport) { r.Troubles[1].Found.Told = 0 },
	} {
		bad := good
		bad.Troubles = append([]Trouble(nil), good.Troubles...)
		change(&bad)
		if err := bad.Verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestVerdictsAreHeldAgainstTheLog(t *testing.T) {
	lines := map[string]lineAt{"d/i/1": {7, merge.Line{Mutation: "d/i/1", Verdict: merge.Verdict{Outcome: merge.Applied}}}}
	for name, c := range map[string]struct {
		edit    string
		seq     merge.Seq
		verdict merge.Outcome
		missing int
	}{
		"as it is":                 {"d/i/1", 7, merge.Applied, 0},
		"never answered":           {"d/i/1", 7, "", 1},
		"told of another place":    {"d/i/1", 8, merge.Applied, 1},
		"told of another verdict":  {"d/i/1", 7, merge.Rejected, 1},
		"told, and not in the log": {"d/i/2", 7, merge.Applied, 1},
	} {
		var f Found
		if answered(c.edit, c.seq, c.verdict, lines, &f); f.Missing != c.missing {
			t.Errorf("%s: %d missing: %v", name, f.Missing, f.Examples)
		}
	}
}

const recorded = `7 100.000001 pwrite64(5</x/l.db-wal>, "\x61\x62\x63\x64", 4, 0) = 4 <0.000010>
7 100.000100 fsync(5</x/l.db-wal> <unfinished ...>
8 100.000110 pwrite64(6</x/l.db>, "\x7a", 1, 2) = 1 <0.000001>
7 100.000200 <... fsync resumed>) = 0 <0.000090>
7 100.000300 fsync(5</x/l.db-wal>) = -1 EIO (Input/output error) <0.000010>
9 100.000310 pwrite64(9<\x2f\x78\x2f\x6c\x2e\x64\x62>, "\x79", 1, 0) = 1 <0.000001>
7 100.000350 pwrite64(5</x/other>, "\x79", 1, 0) = 1 <0.000001>
7 100.000360 --- SIGURG {si_signo=SIGURG} ---
7 100.000400 ftruncate(6</x/l.db>, 2) = 0 <0.000001>
7 100.000500 unlink("/x/l.db-wal") = 0 <0.000010>
`

func TestARecordIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(file, []byte(recorded), 0o600); err != nil {
		t.Fatal(err)
	}
	steps, err := readRecord(file, "/x/l.db")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%s%s %d %q %d-%d", s.call, s.file, s.at, s.data, s.began.UnixMicro()-100e6, s.ended.UnixMicro()-100e6))
	}
	want := []string{`write-wal 0 "abcd" 1-11`, `flush-wal 0 "" 100-190`, `write 2 "z" 110-111`, `fail-wal 0 "" 300-310`, `write 0 "y" 310-311`, `cut 2 "" 400-401`, `remove-wal 0 "" 500-510`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("read\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWhatWasFlushedIsOnDisk: of a thousand disks none lacks it, and each kind of loss of
// the rest is there.
func TestWhatWasFlushedIsOnDisk(t *testing.T) {
	at := func(micros int64) time.Time { return time.UnixMicro(micros) }
	long := bytes.Repeat([]byte{'n'}, 1024)
	steps := []step{
		{file: "-wal", call: "write", data: []byte("sure"), began: at(1), ended: at(2)},
		{file: "-wal", call: "flush", began: at(3), ended: at(9)},
		{file: "-wal", call: "write", at: 4, data: long, began: at(4), ended: at(5)}, // beside the flush: nobody knows
		{file: "", call: "write", data: []byte("Z"), began: at(10), ended: at(11)},   // of a file that is not flushed
		{file: "", call: "write", data: []byte("later"), began: at(30), ended: at(31)},
	}
	seen := map[string]int{}
	var r Power
	dice := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		left := onDisk(dice, []byte("old"), steps, at(20), &r)
		if !strings.HasPrefix(string(left["-wal"]), "sure") || strings.Contains(string(left[""]), "later") {
			t.Fatalf("a disk holds %q", left)
		}
		seen[fmt.Sprintf("%.3s %d", left[""], len(left["-wal"]))]++
	}
	for _, want := range []string{"old 4", "old 516", "old 1028", "Zld 4", "Zld 516", "Zld 1028"} {
		if seen[want] == 0 {
			t.Errorf("no disk is %q: %v", want, seen)
		}
	}
	if len(seen) != 6 || r.Left == 0 || r.Torn == 0 {
		t.Errorf("disks are %v", seen)
	}
}

func TestAnAnswerWithoutVerdictsIsCounted(t *testing.T) {
	var r refusals
	r.note(answer{status: 503, after: "15", body: []byte(`{"code":"storage_full"}`)})
	r.note(answer{status: 503, body: []byte(`{"code":"storage_full"}`)})
	r.note(answer{status: 500, body: []byte(`{"code":"internal"}`)})
	codes, mute, others := r.take()
	if codes["503 storage_full"] != 2 || codes["500 internal"] != 1 || mute != 1 || len(others) != 1 {
		t.Errorf("%v, %d mute, others %q", codes, mute, others)
	}
}
