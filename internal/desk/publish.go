package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// publish says when the results of a programme are told, approves what another admin said,
// takes it back in time, or shows where it stands.
func (d *desk) publish(ctx context.Context, args []string) error {
	does := map[string]func(context.Context, []string) error{"approve": d.approvePublication, "withdraw": d.withdrawPublication, "status": d.publicationStatus}
	if len(args) > 0 && does[args[0]] != nil {
		return does[args[0]](ctx, args[1:])
	}
	f := d.set("admin publish")
	programme := f.String("programme", "", "")
	at := f.String("at", "", "")
	feedback := f.String("feedback", "", "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	if *programme == "" || *at == "" {
		return Usage{"admin publish wants --programme and --at, or an action: approve, withdraw, status"}
	}
	in := wire.NewPublication{}
	var err error
	if in.PublishAt, err = instant(*at); err != nil {
		return err
	}
	if *feedback != "" {
		if err := object(*feedback, &in.Feedback); err != nil {
			return err
		}
	}
	r, err := asJSON(http.MethodPost, programmePath(*programme, "/publication"), in)
	if err != nil {
		return err
	}
	me, err := d.load()
	if err != nil {
		return err
	}
	var out wire.Publication
	if err := d.once(ctx, r, &out, func() (_ bool, err error) {
		out, err = d.publication(ctx, *programme)
		at, none := time.Parse(time.RFC3339, text(out.Fields, "publish_at"))
		return none == nil && text(out.Fields, "withdrawn_by") == "" && text(out.Fields, "prepared_by") == me.User && at.Equal(in.PublishAt), err
	}); err != nil {
		return err
	}
	if err := d.showPublication(ctx, *programme, out); err != nil {
		return err
	}
	d.say("publication_next", params{"programme": *programme})
	return nil
}

// instant reads an instant with its zone, with seconds or without.
//
// Errors: Usage.
func instant(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, Usage{"--at wants an instant with its zone, such as 2022-03-17T10:00+07:00"}
}

// object reads a file that holds one JSON object.
//
// Errors: Unreadable "file_unreadable"; Invalid "file_no_object".
func object[V any](path string, out *map[string]V) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return unreadable(path, err)
	}
	if err := json.Unmarshal(b, out); err != nil || *out == nil {
		return &fault.Error{Kind: fault.Invalid, Code: "file_no_object", Field: path, Text: "no object", Cause: err}
	}
	return nil
}

// publication reads where the publication of a programme stands.
func (d *desk) publication(ctx context.Context, programme string) (out wire.Publication, err error) {
	return out, d.send(ctx, get(programmePath(programme, "/publication")), &out)
}

func (d *desk) publicationStatus(ctx context.Context, args []string) error {
	f := d.set("admin publish status")
	programme := f.String("programme", "", "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	if *programme == "" {
		return Usage{"admin publish status wants --programme"}
	}
	p, err := d.publication(ctx, *programme)
	if codeOf(err) == "not_found" {
		if _, err := d.zone(ctx, *programme); err != nil { // there is no such programme
			return err
		}
		d.say("publication_none", nil)
		return nil
	}
	if err != nil {
		return err
	}
	return d.showPublication(ctx, *programme, p)
}

func (d *desk) approvePublication(ctx context.Context, args []string) error {
	f := d.set("admin publish approve")
	programme := f.String("programme", "", "")
	f.BoolVar(&d.yes, "yes", false, "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	if *programme == "" {
		return Usage{"admin publish approve wants --programme"}
	}
	p, err := d.publication(ctx, *programme)
	if err != nil {
		return err
	}
	if err := d.showPublication(ctx, *programme, p); err != nil {
		return err
	}
	me, err := d.load()
	if err != nil {
		return err
	}
	if text(p.Fields, "approved_by") == me.User { // its answer was lost
		d.say("publication_ours", nil)
		return nil
	}
	if err := d.agreed(ctx, "ask_approve", nil); err != nil {
		return err
	}
	r := request{method: http.MethodPost, path: programmePath(*programme, "/publication/approval"), tag: p.Etag}
	if err := d.once(ctx, r, &p, func() (_ bool, err error) {
		p, err = d.publication(ctx, *programme)
		return text(p.Fields, "approved_by") == me.User, err
	}); err != nil {
		return err
	}
	return d.showPublication(ctx, *programme, p)
}

// withdrawPublication takes a publication back as it was shown, before its instant.
func (d *desk) withdrawPublication(ctx context.Context, args []string) error {
	f := d.set("admin publish withdraw")
	programme := f.String("programme", "", "")
	reason := f.String("reason", "", "")
	f.BoolVar(&d.yes, "yes", false, "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	if *programme == "" || *reason == "" {
		return Usage{"admin publish withdraw wants --programme and --reason"}
	}
	p, err := d.publication(ctx, *programme)
	if err != nil {
		return err
	}
	if err := d.showPublication(ctx, *programme, p); err != nil {
		return err
	}
	me, err := d.load()
	if err != nil || text(p.Fields, "withdrawn_by") == me.User { // its answer was lost
		return err
	}
	if err := d.agreed(ctx, "ask_withdraw", nil); err != nil {
		return err
	}
	r, err := asJSON(http.MethodPost, programmePath(*programme, "/publication/withdrawal"), wire.Withdrawal{Reason: *reason})
	if err != nil {
		return err
	}
	r.tag = p.Etag
	p = wire.Publication{}
	if err := d.once(ctx, r, &p, func() (_ bool, err error) {
		p, err = d.publication(ctx, *programme)
		return text(p.Fields, "withdrawn_by") == me.User, err
	}); err != nil {
		return err
	}
	return d.showPublication(ctx, *programme, p)
}

// zone is that of a programme.
func (d *desk) zone(ctx context.Context, programme string) (domain.Zone, error) {
	var p wire.Programme
	err := d.send(ctx, get(programmePath(programme, "")), &p)
	return domain.Zone(text(p.Fields, "default_zone")), err
}

// showPublication shows what was prepared, by whom, and what people are told.
func (d *desk) showPublication(ctx context.Context, programme string, p wire.Publication) error {
	zone, err := d.zone(ctx, programme)
	if err != nil {
		return err
	}
	d.say("publication_state", params{"programme": programme, "state": text(p.Fields, "state")})
	d.say("publication_at", params{"at": d.written(text(p.Fields, "publish_at"), zone)})
	d.say("publication_prepared", params{"who": text(p.Fields, "prepared_by")})
	if who := text(p.Fields, "approved_by"); who != "" {
		d.say("publication_approved", params{"who": who})
	}
	if who := text(p.Fields, "withdrawn_by"); who != "" {
		d.say("publication_withdrawn", params{"who": who, "reason": text(p.Fields, "reason")})
	}
	var words map[string]string
	if raw := p.Fields["feedback"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &words); err != nil {
			return foreign("feedback that does not read", err)
		}
	}
	for _, result := range slices.Sorted(maps.Keys(words)) {
		d.say("publication_words", params{"result": result, "words": words[result]})
	}
	if job := text(p.Fields, "job_id"); job != "" {
		d.say("job_begun", params{"id": job})
	}
	return nil
}

// text is a field that holds a text; "" where it does not.
func text(fields map[string]json.RawMessage, name string) (out string) {
	if json.Unmarshal(fields[name], &out) != nil {
		return ""
	}
	return out
}

// written is an instant as people of a zone say it, with the exact one behind it.
func (d *desk) written(at string, zone domain.Zone) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	if zone != "" {
		t = t.In(zone.Location())
	}
	return fmt.Sprintf("%s, %s (%s)", message.Day(t, d.lang), message.Hour(t, d.lang), at)
}
