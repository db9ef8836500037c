package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
)

// step is an operation that takes an announcement further.
type step struct {
	op    string // as the API calls it
	to    string // the state that it leads to
	reach bool   // people have more or less of it afterwards: it is shown whom, and asked
}

// steps are the operations by the word of the command line.
func steps() map[string]step {
	return map[string]step{
		"review":   {domain.AnnounceAskReview, domain.AnnouncementInReview, false},
		"approve":  {domain.AnnounceApprove, domain.AnnouncementScheduled, true},
		"return":   {domain.AnnounceReturn, domain.AnnouncementDraft, false},
		"schedule": {domain.AnnounceSchedule, domain.AnnouncementScheduled, true},
		"cancel":   {domain.AnnounceCancel, domain.AnnouncementCancelled, false},
		"retract":  {domain.AnnounceRetract, domain.AnnouncementRetracted, true},
	}
}

// announce writes an announcement, or does something with one.
func (d *desk) announce(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if st, ok := steps()[args[0]]; ok {
			return d.takeFurther(ctx, args[0], st, args[1:])
		}
		does := map[string]func(context.Context, []string) error{"preview": d.preview, "receipts": d.receipts, "list": d.announcements, "show": d.showOne, "change": d.rewrite, "correct": d.correct}
		if do := does[args[0]]; do != nil {
			return do(ctx, args[1:])
		}
	}
	f := d.set("admin announce")
	file := f.String("file", "", "")
	programme := f.String("programme", "", "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	in, err := announcementOf(*file, *programme)
	if err != nil {
		return err
	}
	r, err := asJSON(http.MethodPost, "/v1/announcements", in)
	if err != nil {
		return err
	}
	var a wire.Announcement
	if err := d.once(ctx, r, &a); err != nil {
		return err
	}
	d.show(a)
	return nil
}

// announcementOf reads the fields of an announcement from a file. A programme that is named
// by its code is put into the audience.
//
// Errors: Usage; those of object.
func announcementOf(file, programme string) (in wire.AnnouncementFields, err error) {
	if file == "" {
		return in, Usage{"admin announce wants --file, or an action: list, show, preview, review, approve, return, schedule, cancel, retract, change, correct, receipts"}
	}
	if err := object(file, &in.Fields); err != nil {
		return in, err
	}
	if programme == "" {
		return in, nil
	}
	var audience map[string]json.RawMessage
	if raw := in.Fields["audience"]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &audience); err != nil {
			return in, &fault.Error{Kind: fault.Invalid, Code: "file_no_object", Field: file, Text: "an audience that is no object", Cause: err}
		}
	}
	if audience == nil {
		audience = map[string]json.RawMessage{}
	}
	audience["programme_id"] = json.RawMessage(strconv.Quote(programmeID(programme)))
	in.Fields["audience"], err = json.Marshal(audience)
	return in, err
}

func announcementPath(id, rest string) string {
	return "/v1/announcements/" + url.PathEscape(id) + rest
}

func (d *desk) announcement(ctx context.Context, id string) (a wire.Announcement, err error) {
	return a, d.send(ctx, get(announcementPath(id, "")), &a)
}

// show shows an announcement in short.
func (d *desk) show(a wire.Announcement) {
	d.say("announcement_state", params{"id": a.Id, "state": text(a.Fields, "state")})
	for _, title := range []string{"title_id", "title_en"} {
		if t := text(a.Fields, title); t != "" {
			d.say("announcement_title", params{"title": t})
		}
	}
	if at := text(a.Fields, "publish_at"); at != "" {
		d.say("announcement_at", params{"at": d.written(at, domain.WIB)})
	}
	d.warn(a.Warnings)
}

func (d *desk) warn(all []wire.Warning) {
	for _, w := range all {
		d.say("warning", params{"text": w.Message, "code": w.Code})
	}
}

func (d *desk) showOne(ctx context.Context, args []string) error {
	named, err := d.parsed(d.set("admin announce show"), args, "ID")
	if err != nil {
		return err
	}
	a, err := d.announcement(ctx, named[0])
	if err != nil {
		return err
	}
	d.show(a)
	return nil
}

func (d *desk) announcements(ctx context.Context, args []string) error {
	f := d.set("admin announce list")
	state := f.String("state", "", "")
	if _, err := d.parsed(f, args); err != nil {
		return err
	}
	query := url.Values{}
	if *state != "" {
		query.Set("state", *state)
	}
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	for {
		var page wire.AnnouncementList
		if err := d.send(ctx, get("/v1/announcements?"+query.Encode()), &page); err != nil {
			return err
		}
		for _, a := range page.Announcements {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Id, printable(text(a.Fields, "state")), printable(text(a.Fields, "publish_at")), printable(text(a.Fields, "title_id")))
		}
		if page.Next == "" || page.Next == query.Get("after") {
			return w.Flush()
		}
		query.Set("after", page.Next)
	}
}

// reach shows whom an announcement would reach now.
func (d *desk) reach(ctx context.Context, id string) (p wire.AnnouncementPreview, err error) {
	if err := d.send(ctx, get(announcementPath(id, "/preview")), &p); err != nil {
		return p, err
	}
	d.say("announcement_preview", params{"people": p.People, "businesses": p.Businesses, "owners": p.Owners, "staff": p.Staff, "mentors": p.Mentors})
	return p, nil
}

func (d *desk) preview(ctx context.Context, args []string) error {
	named, err := d.parsed(d.set("admin announce preview"), args, "ID")
	if err != nil {
		return err
	}
	p, err := d.reach(ctx, named[0])
	if err != nil {
		return err
	}
	d.warn(p.Warnings)
	if p.Review {
		d.say("announcement_review", params{"id": named[0]})
	}
	return nil
}

// takeFurther does an operation on an announcement as it was shown. One whose answer was
// lost is found to be done.
func (d *desk) takeFurther(ctx context.Context, word string, st step, args []string) error {
	f := d.set("admin announce " + word)
	reason := f.String("reason", "", "")
	f.BoolVar(&d.yes, "yes", false, "")
	named, err := d.parsed(f, args, "ID")
	if err != nil {
		return err
	}
	a, err := d.announcement(ctx, named[0])
	if err != nil {
		return err
	}
	me, err := d.load()
	if err != nil {
		return err
	}
	already := text(a.Fields, "state") == st.to && (st.op != domain.AnnounceApprove || text(a.Fields, "approver") == me.User)
	d.show(a)
	if already {
		d.say("announcement_already", nil)
		return nil
	}
	if st.reach {
		if _, err := d.reach(ctx, named[0]); err != nil {
			return err
		}
		if err := d.agreed(ctx, "ask_announcement", params{"op": word}); err != nil {
			return err
		}
	}
	return d.post(ctx, http.MethodPost, announcementPath(named[0], "/operations"), a.Etag, wire.AnnouncementOperation{Op: st.op, Reason: *reason})
}

func (d *desk) rewrite(ctx context.Context, args []string) error {
	return d.write(ctx, "change", http.MethodPatch, "", args)
}

func (d *desk) correct(ctx context.Context, args []string) error {
	return d.write(ctx, "correct", http.MethodPost, "/versions", args)
}

// write puts the fields of a file into an announcement as it is.
func (d *desk) write(ctx context.Context, word, method, rest string, args []string) error {
	f := d.set("admin announce " + word)
	file := f.String("file", "", "")
	programme := f.String("programme", "", "")
	named, err := d.parsed(f, args, "ID")
	if err != nil {
		return err
	}
	in, err := announcementOf(*file, *programme)
	if err != nil {
		return err
	}
	a, err := d.announcement(ctx, named[0])
	if err != nil {
		return err
	}
	return d.post(ctx, method, announcementPath(named[0], rest), a.Etag, in)
}

// post writes to an announcement as it was seen, and shows what became of it, which may be
// that another admin has to approve it.
func (d *desk) post(ctx context.Context, method, path, tag string, in any) error {
	r, err := asJSON(method, path, in)
	if err != nil {
		return err
	}
	r.tag = tag
	var got struct {
		wire.Announcement
		What string `json:"what"` // of an approval
	}
	send := d.send
	if method == http.MethodPost {
		send = d.once
	}
	if err := send(ctx, r, &got); err != nil {
		return err
	}
	if got.What != "" {
		d.say("announcement_pending", params{"id": got.Id})
		return nil
	}
	d.show(got.Announcement)
	return nil
}

// receipts tells how many have had, read and confirmed an announcement, and who.
func (d *desk) receipts(ctx context.Context, args []string) error {
	f := d.set("admin announce receipts")
	people := f.Bool("people", false, "")
	named, err := d.parsed(f, args, "ID")
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	for after := 0; ; {
		var got wire.AnnouncementReceipts
		if err := d.send(ctx, get(announcementPath(named[0], "/receipts?after="+strconv.Itoa(after))), &got); err != nil {
			return err
		}
		if after == 0 {
			d.say("receipt_sums", params{"people": got.People, "delivered": got.Delivered, "read": got.Read, "acked": got.Acked})
			if !*people {
				return nil
			}
			fmt.Fprintln(w, d.heading("receipt_head"))
		}
		for _, r := range got.Receipts {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(r.UserId), day(r.DeliveredAt), day(r.ReadAt), day(r.AckedAt))
		}
		if got.Next <= after {
			return w.Flush()
		}
		after = got.Next
	}
}

// day is an instant in a table; "-" where there is none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
