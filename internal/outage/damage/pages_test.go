package damage_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/store"
)

var damages = flag.Int("damages", 12, "how often each kind of damage is done")

// kinds are what may happen to a file. Each changes it and says so.
func kinds() map[string]func(r *rand.Rand, file []byte, page int) []byte {
	at := func(r *rand.Rand, file []byte, page int) []byte {
		n := r.IntN(len(file) / page)
		return file[n*page : (n+1)*page]
	}
	return map[string]func(*rand.Rand, []byte, int) []byte{
		"a bit": func(r *rand.Rand, file []byte, _ int) []byte {
			file[r.IntN(len(file))] ^= 1 << r.IntN(8)
			return file
		},
		"a sector of zeros": func(r *rand.Rand, file []byte, page int) []byte {
			p := at(r, file, page)
			s := r.IntN(page/512) * 512
			clear(p[s : s+512])
			return file
		},
		"a page of rubbish": func(r *rand.Rand, file []byte, page int) []byte {
			p := at(r, file, page)
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			return file
		},
		"a page of zeros": func(r *rand.Rand, file []byte, page int) []byte {
			clear(at(r, file, page))
			return file
		},
		"a page in the place of another": func(r *rand.Rand, file []byte, page int) []byte {
			copy(at(r, file, page), at(r, file, page))
			return file
		},
		"the head of a page": func(r *rand.Rand, file []byte, page int) []byte {
			p := at(r, file, page)
			p[r.IntN(12)] ^= byte(1 + r.IntN(255))
			return file
		},
		"the first hundred bytes": func(r *rand.Rand, file []byte, _ int) []byte {
			file[r.IntN(100)] ^= byte(1 + r.IntN(255))
			return file
		},
		"the end is missing": func(r *rand.Rand, file []byte, _ int) []byte {
			return file[:r.IntN(len(file))]
		},
	}
}

// unhashed are fields that no hash covers and nothing else says: a letter that changes in
// one of them is read as if it had been written so. In a whole page it is found.
func unhashed(field string) bool {
	return slices.Contains([]string{"users doc", "sessions doc", "devices doc", "incarnations doc", "challenges doc", "tallies doc", "signing_keys doc", "replies doc", "credentials doc", "credentials rev",
		"users rev", "sessions rev", "devices rev", "incarnations rev", "challenges rev", "tallies rev", "signing_keys rev", "replies rev",
		"totals n", "totals expires", "contacts at", "contacts oldest", "contacts unsent", "claims holder", "backups began", "backups done", "heads doc",
		"log time", "records place"}, field)
}

// TestDamageIsFoundOrHarmless spoils a real database in every way: the doctor finds it, or
// all content reads as before. Where nothing covers a field, single bits may pass; how many
// did is told.
func TestDamageIsFoundOrHarmless(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	settle(t, path, 3, 120)
	before, err := content(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := int(binary.BigEndian.Uint16(whole[16:]))
	if h, err := app.Doctor(t.Context(), configuration(path)); err != nil || len(h.Findings) > 0 || h.Scopes < 3 {
		t.Fatalf("a sound database: %+v, %v", h, err)
	}
	r := rand.New(rand.NewPCG(1, 20))
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range kinds() {
			if !yield(name) {
				return
			}
		}
	}) {
		spoil := kinds()[name]
		found, harmless, passed := 0, 0, map[string]int{}
		for range *damages {
			spoilt := spoil(r, bytes.Clone(whole), page)
			switch fields := examined(t, before, spoilt); {
			case fields == nil:
				found++
			case len(fields) == 0:
				harmless++
			default:
				for _, f := range fields {
					passed[f]++
					if name != "a bit" || !unhashed(f) {
						t.Errorf("%s: %s changed, and nobody noticed", name, f)
					}
				}
			}
		}
		t.Logf("%-32s %3d: %3d found, %3d harmless, passed %v", name, *damages, found, harmless, passed)
	}
}

// TestASpoiltLogOfChangesMakesNothingUp: SQLite believes no frame behind the first one whose
// sum is wrong, as after a crash. What is read then is what the database was at some time:
// the commits behind it are gone, and nothing else is.
func TestASpoiltLogOfChangesMakesNothingUp(t *testing.T) {
	w := settle(t, filepath.Join(t.TempDir(), "l.db"), 2, 60)
	before, err := content(t.Context(), copyOf(t, w.crash, "", "-wal"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(w.crash + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 20))
	found, same, shorter := 0, 0, 0
	for range *damages {
		path := copyOf(t, w.crash, "", "-wal")
		spoilt := bytes.Clone(whole)
		spoilt[r.IntN(len(spoilt))] ^= 1 << r.IntN(8)
		if err := os.WriteFile(path+"-wal", spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := app.Doctor(t.Context(), configuration(path))
		if err != nil {
			t.Fatal(err)
		}
		if h.Grave() {
			found++
			continue
		}
		after, err := content(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for key, i := range after[store.ShelfLog] {
			if !i.Equal(before[store.ShelfLog][key]) {
				t.Errorf("the log has an entry that nobody wrote: %s", key)
			}
		}
		if len(differ(before, after)) == 0 {
			same++
		} else {
			shorter++
		}
	}
	t.Logf("%d bits of the log of changes: %d found, %d harmless, %d end it earlier", *damages, found, same, shorter)
}

// examined is nil if the doctor finds a spoilt file, and otherwise the fields in which its
// content differs.
func examined(t *testing.T, before map[store.Shelf]map[string]store.Item, spoilt []byte) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "l.db")
	if err := os.WriteFile(path, spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := app.Doctor(t.Context(), configuration(path))
	if err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, spoilt) {
		t.Fatalf("the doctor has changed the file (%v)", err)
	}
	if h.Grave() {
		return nil
	}
	after, err := content(t.Context(), path)
	if err != nil {
		t.Errorf("the doctor found nothing, and it cannot be read: %v", err)
		return []string{}
	}
	return append([]string{}, differ(before, after)...)
}
