package play_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
)

// journal is the log of a server, down to what is said for debugging.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// listened has the server of a world write into a journal.
func listened(o *play.Options) *journal {
	j := &journal{}
	o.Log = slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return j
}

// personal is what neither a push nor a line of the log may hold, whoever it is of: numbers
// of telephones, amounts, and what was decided about somebody.
func personal() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\+62\d{6}|\b0?811[7-9]\d{5}|\bRp\s?\d|_idr\b|terpilih|cadangan|belum lolos|\bselected\b|not_selected|turn_down|\boffered\b`)
}

// ids are drawn, and may hold the digits of any number.
var ids = regexp.MustCompile(`\b([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})\b`)

// tells gives the first personal thing in a text; "" if there is none.
func tells(text string) string { return personal().FindString(ids.ReplaceAllString(text, "id")) }

// keepsQuiet fails if a message that any phone was sent, or a line of the log, holds
// something personal or one of some words; the log no address of a phone either.
func keepsQuiet(t *testing.T, fake *fcmfake.Server, log *journal, words ...string) {
	t.Helper()
	seen := 0
	look := func(where, text string, words []string) {
		if found := tells(text); found != "" {
			t.Errorf("%s says %q: %.300s", where, found, text)
		}
		for _, w := range words {
			if strings.Contains(text, w) {
				t.Errorf("%s says %q: %.300s", where, w, text)
			}
		}
	}
	var addresses []string
	for _, p := range fake.Phones() {
		addresses = append(addresses, p.Address())
		for _, d := range p.Seen() {
			seen++
			c := d.Content
			c.Token = "" // that is whom it is for
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			look("a push", string(text), words)
		}
	}
	lines := strings.Split(log.String(), "\n")
	for _, line := range lines {
		look("the log", line, words)
	}
	for _, a := range addresses { // one after the other over the whole: they are many
		if strings.Contains(log.String(), a) {
			t.Error("the log holds the address of a phone")
		}
	}
	if seen == 0 || len(lines) < 2 {
		t.Errorf("%d pushes and %d lines were looked at", seen, len(lines))
	}
	t.Logf("%d pushes and %d lines of the log keep quiet", seen, len(lines))
}

// namesOf are the names of people and businesses of a campaign.
func namesOf(rows []fixture.Row) (out []string) {
	for _, r := range rows {
		out = append(out, r.Registrant.Owner, r.Registrant.Business)
	}
	return out
}

// TestTheScanFindsWhatIsPersonal holds the scan itself to examples.
func TestTheScanFindsWhatIsPersonal(t *testing.T) {
	t.Parallel()
	for text, bad := range map[string]bool{
		"to +628117000001": true, "08117000001": true, "Rp1.520.000": true, "amount_idr=1": true, "Selamat, usaha Anda terpilih": true, `"state":"not_selected"`: true,
		"Hasil kurasi sudah terbit": false, "Ketuk untuk melihat hasil pendaftaran usaha Anda.": false, "delivery=018f8117-0000-7000-8000-000000000001 type=N06": false,
		"device=e0e8949b-2598-8c28-96b5-08119896218c": false, "user=08117000001-": true,
	} {
		if got := tells(text) != ""; got != bad {
			t.Errorf("%q: %t", text, got)
		}
	}
}
