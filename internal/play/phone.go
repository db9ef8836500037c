package play

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Phone is an installation of the app in somebody's hand.
type Phone struct {
	*replica.Client
	HTTP *replica.HTTP
	Name string // for people
	Who  *Person
	Sky  *Sky           // the network in front of it
	Bell *fcmfake.Phone // the same phone, as the push service knows it; nil until it has named itself

	w       *World
	pipe    *http.Transport
	install string
	skew    time.Duration // wall clock minus true time
	booted  time.Time     // true time of the last boot
	boots   int
}

// Read implements replica.Clock.
func (p *Phone) Read() (wall, mono int64, boot string) {
	now := p.w.Clock.Now()
	return now.Add(p.skew).UnixMilli(), now.Sub(p.booted).Milliseconds(), fmt.Sprintf("boot-%d", p.boots)
}

// phoneClock is the wall clock of a phone, for the ids it makes.
type phoneClock struct{ p *Phone }

// Now is what the phone shows.
func (c phoneClock) Now() time.Time {
	if t := c.p.w.Clock.Now().Add(c.p.skew); t.Unix() > 0 {
		return t
	}
	return time.Unix(0, 0).UTC()
}

// SetClock sets the wall clock of the phone wrong by skew.
func (p *Phone) SetClock(skew time.Duration) { p.skew = skew }

// Reboot starts the phone anew.
func (p *Phone) Reboot() {
	p.boots++
	p.booted = p.w.Clock.Now()
}

// Login proves the number of the phone's owner with a one-time code, or an admin with a
// password and a second factor. It may be repeated at any time, also by somebody else
// after Who was changed. A phone that has named its push address names it again.
func (p *Phone) Login(ctx context.Context) error {
	if err := p.logsIn(ctx); err != nil || p.Bell == nil {
		return err
	}
	return p.Rings(ctx)
}

func (p *Phone) logsIn(ctx context.Context) error {
	p.w.Clock.Advance(time.Second)
	if p.Who.secret != "" {
		code, err := p.w.nextCode(p.Who)
		if err == nil {
			err = p.HTTP.PasswordLogin(ctx, p.Who.Number, Password, code, p.device())
		}
		if err != nil {
			return fmt.Errorf("%s logs in: %w", p.Name, err)
		}
		return p.w.Step(ctx)
	}
	c, err := p.HTTP.RequestCode(ctx, p.Who.Number, p.install)
	if err != nil {
		return fmt.Errorf("%s asks for a code: %w", p.Name, err)
	}
	if err := p.HTTP.Login(ctx, p.Who.Number, c.ID, Code, p.device()); err != nil {
		return fmt.Errorf("%s logs in: %w", p.Name, err)
	}
	p.Who.User = p.Me().User
	return p.w.Step(ctx)
}

func (p *Phone) device() replica.Device {
	return replica.Device{Install: p.install, Platform: "android", Model: "A03", OSVersion: "11", AppVersion: "1.4.2"}
}

// Copy is a second phone that began as an exact copy of this one, as a move to
// a new phone makes it.
func (p *Phone) Copy(name string) (*Phone, error) {
	memory, err := p.Save()
	if err != nil {
		return nil, err
	}
	return p.w.phone(p.Who, name, memory)
}

// Save copies what is on the phone, as a backup of the phone does.
func (p *Phone) Save() (*replica.Memory, error) {
	memory, ok := p.Local.(*replica.Memory)
	if !ok {
		return nil, fmt.Errorf("%s cannot be copied", p.Name)
	}
	return memory.Clone(), nil
}

// Load puts a copy of a backup in the place of everything on the phone, and
// starts the app anew.
func (p *Phone) Load(backup *replica.Memory) error {
	p.Client = &replica.Client{Local: backup.Clone(), Schema: p.w.Schema, Clock: p, IDs: p.IDs, App: p.App, PageBytes: p.PageBytes, Server: p.HTTP}
	p.HTTP.Phone = p.Client
	return p.Open()
}

// Update puts a newer app on the phone, which reads the server's catalogue of
// today. What the old one kept stays.
func (p *Phone) Update() error {
	p.Client = &replica.Client{Local: p.Local, Schema: p.w.Schema, Clock: p, IDs: p.IDs, App: "2.0.0", PageBytes: p.PageBytes, Server: p.HTTP}
	p.HTTP.Phone = p.Client
	return p.Open()
}

// Reinstall takes the app off the phone and puts it on again: nothing of the
// old one is left, and nobody is logged in.
func (p *Phone) Reinstall() error {
	p.install = p.IDs.New()
	return p.Load(&replica.Memory{})
}

// Send makes one request of the admin and owner API. A POST carries an
// idempotency key; tag may be empty.
func (p *Phone) Send(ctx context.Context, method, path, tag string, in, out any) error {
	header := http.Header{}
	if method == http.MethodPost {
		p.w.keys++
		header.Set("Idempotency-Key", fmt.Sprintf("play-%06d", p.w.keys))
	}
	if tag != "" {
		header.Set("If-Match", tag)
	}
	if err := p.HTTP.Call(ctx, method, path, header, in, out); err != nil {
		return fmt.Errorf("%s: %s %s: %w", p.Name, method, path, err)
	}
	return p.w.Step(ctx)
}

// create keeps a new record of a collection and gives its id.
func (p *Phone) create(scope, collection string, set fields) (string, error) {
	recordID, err := p.Do(replica.Edit{Scope: scope, Collection: collection, Set: set.values()})
	if err != nil {
		return "", fmt.Errorf("%s writes %s: %w", p.Name, collection, err)
	}
	p.w.Clock.Advance(time.Second)
	return recordID, nil
}

// change keeps an edit of a record that is on the phone.
func (p *Phone) change(scope, collection, recordID string, set fields) error {
	if _, err := p.Do(replica.Edit{Scope: scope, Collection: collection, ID: recordID, Set: set.values()}); err != nil {
		return fmt.Errorf("%s changes %s: %w", p.Name, collection, err)
	}
	p.w.Clock.Advance(time.Second)
	return nil
}

// fields are values by field name, as Go values.
type fields map[string]any

func (f fields) values() map[string]merge.Value {
	out := map[string]merge.Value{}
	for name, v := range f {
		out[name] = merge.Encode(v)
	}
	return out
}

// rowOf reads a stored record.
func rowOf(r *store.Record) (merge.Row, error) {
	row := merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}
	if err := json.Unmarshal(r.Fields, &row.Fields); err != nil {
		return row, fmt.Errorf("record %s: %w", r.Key(), err)
	}
	return row, nil
}

// Notices counts the inbox items of one type on the phone.
func (p *Phone) Notices(kind string) (int, error) {
	items, err := p.Rows(merge.UserScope(p.Me().User), "inbox")
	n := 0
	for _, i := range items {
		if i.Text("type") == kind {
			n++
		}
	}
	return n, err
}

// Holds reports whether the phone has the scope, whole.
func (p *Phone) Holds(scope string) (bool, error) {
	all, err := p.Scopes()
	return all[scope], err
}

func scopeOf(business string) string { return "business/" + business }
