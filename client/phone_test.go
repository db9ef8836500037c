package client_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/client"
)

// still is a clock that stands.
type still struct{}

func (still) WallMillis() int64    { return 1_651_716_000_000 }
func (still) ElapsedMillis() int64 { return 1000 }
func (still) Boot() string         { return "boot" }

const shop = "business/0180a000-0000-7000-8000-000000000001"

func options(server string) *client.Options {
	o := client.NewOptions()
	o.Server, o.AppVersion, o.InstallID = server, "1.4.2", "0180a000-0000-7000-8000-000000000002"
	return o
}

func open(t *testing.T, o *client.Options) *client.Phone {
	t.Helper()
	p, err := client.Open(filepath.Join(t.TempDir(), "phone.db"), o, still{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestOpenRefusesOptionsThatCannotWork(t *testing.T) {
	for name, change := range map[string]func(o *client.Options){
		"no server":         func(o *client.Options) { o.Server = "" },
		"a server by name":  func(o *client.Options) { o.Server = "lumbung.example" },
		"no version":        func(o *client.Options) { o.AppVersion = "" },
		"no installation":   func(o *client.Options) { o.InstallID = "" },
		"nothing given yet": func(o *client.Options) { *o = client.Options{} },
	} {
		o := options("https://lumbung.example")
		change(o)
		_, err := client.Open(filepath.Join(t.TempDir(), "phone.db"), o, still{})
		wants(t, name, err, "invalid_value")
	}
	path := filepath.Join(t.TempDir(), "phone.db")
	_, err := client.Open(path, nil, still{})
	wants(t, "no options", err, "invalid_value")
	_, err = client.Open(path, options("https://lumbung.example"), nil)
	wants(t, "no clock", err, "invalid_value")
	_, err = client.Open(filepath.Join(path, "not", "there"), options("https://lumbung.example"), still{})
	wants(t, "no folder", err, "internal")
}

func wants(t *testing.T, what string, err error, code string) {
	t.Helper()
	if err == nil || client.CodeOf(err.Error()) != code {
		t.Errorf("%s: %v, want the code %s", what, err, code)
	}
}

func TestErrorsBeginWithTheirCodeAndSpeakBothLanguages(t *testing.T) {
	for language, words := range map[string][2]string{
		"id": {"Anda belum masuk di ponsel ini.", "Terjadi gangguan di server."},
		"en": {"Nobody is logged in on this phone.", "Something went wrong on the server."},
		"":   {"Anda belum masuk di ponsel ini.", "Terjadi gangguan di server."},
	} {
		o := options("https://lumbung.example")
		o.Language = language
		_, err := open(t, o).Save(shop, "product", "", `{"name":"Keripik"}`)
		wants(t, "an edit of nobody", err, "login_required")
		if text := err.Error(); !strings.HasPrefix(text, "login_required: "+words[0]) {
			t.Errorf("in %q: %s", language, text)
		}
		if got := client.Sentence("no_such_code", language); language != "" && !strings.HasPrefix(got, words[1]) {
			t.Errorf("in %q an unknown code is %q", language, got)
		}
	}
	p := open(t, options("https://lumbung.example"))
	for what, want := range map[string]struct{ collection, fields, code string }{
		"a collection of another app": {"spaceship", `{}`, "unknown_collection"},
		"a field of another app":      {"product", `{"wings":2}`, "unknown_field"},
		"no JSON":                     {"product", `{"name"`, "invalid_value"},
		"JSON that is no object":      {"product", `null`, "invalid_value"},
	} {
		_, err := p.Save(shop, want.collection, "", want.fields)
		wants(t, what, err, want.code)
	}
	_, err := p.Change(shop, "product", "", `[]`)
	wants(t, "a change that is no object", err, "invalid_value")
	wants(t, "a conflict that is not there", p.Restore(shop, "nothing"), "record_unknown")
	for text, want := range map[string]string{"busy: try later": "busy", "busy": "internal", "java.lang.Error: no": "internal", "": "internal"} {
		if got := client.CodeOf(text); got != want {
			t.Errorf("the code of %q is %s, want %s", text, got, want)
		}
	}
	if !client.IsTransient("network: no connection") || client.IsTransient("login_required: log in") || client.IsTransient("nonsense") {
		t.Error("time heals the wrong errors")
	}
}

// deaf lets people log in, and answers nothing else; asked gets one value for
// each request that waits.
func deaf(t *testing.T) (p *client.Phone, asked chan struct{}) {
	t.Helper()
	asked = make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body) // or nobody notices that the phone hangs up
		if err == nil && r.URL.Path == "/v1/auth/login" {
			_, err = io.WriteString(w, `{"user":{"id":"0180a000-0000-7000-8000-000000000003"},"device":{"id":"d1"},"incarnation":"i1","access_token":"a","refresh_token":"r"}`)
			if err != nil {
				t.Error(err)
			}
			return
		}
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	p = open(t, options(s.URL))
	if err := p.Login("081234567890", "challenge", "123456"); err != nil {
		t.Fatal(err)
	}
	return p, asked
}

func TestCancelAndCloseEndWhatWaitsForAnAnswer(t *testing.T) {
	for name, end := range map[string]func(p *client.Phone) error{
		"cancel": func(p *client.Phone) error { p.Cancel(); return nil },
		"close":  (*client.Phone).Close,
	} {
		for call, do := range map[string]func(p *client.Phone) error{
			"a sync": (*client.Phone).Sync,
			"a code": func(p *client.Phone) error { _, err := p.RequestCode("081234567890"); return err },
		} {
			p, asked := deaf(t)
			ended := make(chan error)
			go func() { ended <- do(p) }()
			<-asked
			if err := end(p); err != nil {
				t.Error(err)
			}
			wants(t, name+" during "+call, <-ended, "network")
		}
	}
}

func TestACancelledPhoneGoesOn(t *testing.T) {
	p, asked := deaf(t)
	ended := make(chan error)
	go func() { ended <- p.Sync() }()
	<-asked
	if _, err := p.Save(shop, "product", "", `{"name":"Keripik"}`); err != nil { // while it waits
		t.Error(err)
	}
	p.Cancel()
	wants(t, "the cancelled sync", <-ended, "network")
	if n, err := p.UnsentCount(); err != nil || n != 1 {
		t.Errorf("%d unsent, %v", n, err)
	}
	go func() { ended <- p.Sync() }()
	<-asked // the next one is sent all the same
	p.Cancel()
	wants(t, "the next sync", <-ended, "network")
}

func TestACallAfterCloseEndsAtOnce(t *testing.T) {
	p, _ := deaf(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wants(t, "a sync after the end", p.Sync(), "network")
	if err := p.Close(); err != nil {
		t.Errorf("the second close: %v", err)
	}
}

// TestAPhoneThatNobodyOpenedFails calls every method of a Phone as another
// language may make it, without Open.
func TestAPhoneThatNobodyOpenedFails(t *testing.T) {
	p := &client.Phone{}
	v := reflect.ValueOf(p)
	for i := range v.NumMethod() {
		m, name := v.Method(i), v.Type().Method(i).Name
		args := make([]reflect.Value, m.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(m.Type().In(j))
			if args[j].Kind() == reflect.String {
				args[j] = reflect.ValueOf("{}")
			}
		}
		out := m.Call(args)
		if n := len(out); n > 0 && m.Type().Out(n-1) == reflect.TypeFor[error]() {
			err, _ := out[n-1].Interface().(error)
			switch {
			case strings.HasPrefix(name, "Parse"): // needs no file
			case err == nil:
				t.Errorf("%s works on a Phone that nobody opened", name)
			case strings.Contains(err.Error(), "internal"):
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	_, err := p.Unsent()
	wants(t, "the outbox of a Phone that nobody opened", err, "phone_not_open")
	wants(t, "its sync", p.Sync(), "phone_not_open")
	heard := make(chan string)
	p.Watch(listener(heard)).Stop()
	if text := <-heard; client.CodeOf(text) != "phone_not_open" {
		t.Errorf("its watch: %s", text)
	}
}

type listener chan string

func (l listener) Synced()            { l <- "" }
func (l listener) Failed(text string) { l <- text }

// ids reads what Rows and RowsAfter give.
func ids(t *testing.T, text string, err error) (out []string) {
	t.Helper()
	var rows []struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Status != "pending" {
			t.Errorf("%s is %s", r.ID, r.Status)
		}
		out = append(out, r.ID)
	}
	return out
}

func TestRowsAfterGivesEveryRecordOnce(t *testing.T) {
	p, _ := deaf(t)
	for i := range 7 {
		if _, err := p.Save(shop, "product", "", fmt.Sprintf(`{"name":"Keripik %d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := p.Rows(shop, "product")
	all := ids(t, text, err)
	if len(all) != 7 || !slices.IsSorted(all) {
		t.Fatalf("rows %v", all)
	}
	for _, limit := range []int{1, 3, 7, 100} {
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			text, err := p.RowsAfter(shop, "product", after, limit)
			page := ids(t, text, err)
			if got = append(got, page...); len(page) < limit {
				break
			}
		}
		if !slices.Equal(got, all) {
			t.Errorf("in pages of %d: %v, want %v", limit, got, all)
		}
	}
	for _, limit := range []int{0, -1} {
		if text, err := p.RowsAfter(shop, "product", "", limit); err != nil || text != "[]" {
			t.Errorf("a page of %d: %s, %v", limit, text, err)
		}
	}
	if text, err := p.RowsAfter(shop, "product", all[6], 3); err != nil || text != "[]" {
		t.Errorf("behind the last: %s, %v", text, err)
	}
}

func TestThreadsMayUseOnePhoneTogether(t *testing.T) {
	p, _ := deaf(t)
	const each = 25
	var threads sync.WaitGroup
	for n := range 2 {
		threads.Go(func() {
			for i := range each {
				made, err := p.Save(shop, "product", "", fmt.Sprintf(`{"name":"Keripik %d %d"}`, n, i))
				if err != nil {
					t.Error(err)
					return
				}
				if text, err := p.Row(shop, "product", made); err != nil || !strings.Contains(text, made) {
					t.Errorf("what was kept is not there: %q, %v", text, err)
				}
			}
		})
	}
	threads.Wait()
	text, err := p.Rows(shop, "product")
	if got := ids(t, text, err); len(got) != 2*each {
		t.Errorf("%d records, want %d", len(got), 2*each)
	}
	if n, err := p.UnsentCount(); err != nil || n != 2*each {
		t.Errorf("%d unsent, %v", n, err)
	}
}
