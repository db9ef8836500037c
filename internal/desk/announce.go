package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
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
	if err := d.once(ctx, r, &a, func() (_ bool, err error) {
		a, err = d.announcement(ctx, a.Id)
		return !slices.Contains([]string{domain.AnnouncementCancelled, domain.AnnouncementRetracted}, text(a.Fields, "state")), err
	}); err != nil {
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
	r, err := asJSON(http.MethodPost, announcementPath(named[0], "/operations"), wire.AnnouncementOperation{Op: st.op, Reason: *reason})
	if err != nil {
		return err
	}
	r.tag = a.Etag
	if err := d.once(ctx, r, &a, func() (_ bool, err error) {
		a, err = d.announcement(ctx, named[0])
		return true, err
	}); err != nil {
		return err
	}
	d.show(a)
	return nil
}

func (d *desk) rewrite(ctx context.Context, args []string) error {
	r, _, err := d.putting(ctx, "change", http.MethodPatch, "", args)
	if err != nil {
		return err
	}
	var a wire.Announcement
	if err := d.send(ctx, r, &a); err != nil {
		return err
	}
	d.show(a)
	return nil
}

// corrected is what the server answers to a correction: the announcement, or the approval that
// another admin has to give.
type corrected struct {
	wire.Announcement
	What string `json:"what"` // of an approval
}

// correct makes another version of an announcement. Done again it makes none, so the errand is
// the same whatever version is there by now.
func (d *desk) correct(ctx context.Context, args []string) error {
	r, id, err := d.putting(ctx, "correct", http.MethodPost, "/versions", args)
	if err != nil {
		return err
	}
	r.any = true
	var got corrected
	if err := d.once(ctx, r, &got, func() (bool, error) {
		was := got
		if was.What != "" {
			if open, err := d.proposed(ctx, was.Id); err != nil || open {
				return true, err
			}
		}
		now, err := d.announcement(ctx, id)
		got = corrected{Announcement: now}
		return was.What == "" && sameField(was.Fields, now.Fields, "version") || holds(now.Fields, r.body), err
	}); err != nil {
		return err
	}
	if got.What != "" {
		d.say("announcement_pending", params{"id": got.Id})
		return nil
	}
	d.show(got.Announcement)
	return nil
}

// proposed reports whether an approval still waits for another admin.
func (d *desk) proposed(ctx context.Context, approval string) (bool, error) {
	query := url.Values{"state": {domain.ApprovalProposed}}
	for {
		var page wire.ApprovalList
		if err := d.send(ctx, get("/v1/admin/approvals?"+query.Encode()), &page); err != nil {
			return false, err
		}
		if slices.ContainsFunc(page.Approvals, func(a wire.Approval) bool { return a.Id == approval }) {
			return true, nil
		}
		if page.Next == "" || page.Next == query.Get("after") {
			return false, nil
		}
		query.Set("after", page.Next)
	}
}

// holds reports whether an announcement says what was written into it.
func holds(fields map[string]json.RawMessage, body []byte) bool {
	var in wire.AnnouncementFields
	if json.Unmarshal(body, &in) != nil {
		return false
	}
	for name := range in.Fields {
		if !sameField(fields, in.Fields, name) {
			return false
		}
	}
	return true
}

func sameField(a, b map[string]json.RawMessage, name string) bool {
	var x, y any
	return json.Unmarshal(a[name], &x) == nil && json.Unmarshal(b[name], &y) == nil && reflect.DeepEqual(x, y)
}

// putting is a request that puts the fields of a file into an announcement as it is, whose id
// is given too.
func (d *desk) putting(ctx context.Context, word, method, rest string, args []string) (r request, id string, err error) {
	f := d.set("admin announce " + word)
	file := f.String("file", "", "")
	programme := f.String("programme", "", "")
	named, err := d.parsed(f, args, "ID")
	if err != nil {
		return r, "", err
	}
	in, err := announcementOf(*file, *programme)
	if err != nil {
		return r, "", err
	}
	a, err := d.announcement(ctx, named[0])
	if err != nil {
		return r, "", err
	}
	r, err = asJSON(method, announcementPath(named[0], rest), in)
	r.tag = a.Etag
	return r, named[0], err
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
