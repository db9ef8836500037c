package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
)

// programmeID is the id of a programme that somebody names by its code, or by its id.
func programmeID(code string) string {
	if id.Valid(code) {
		return code
	}
	return domain.ProgrammeID(code)
}

func programmePath(code, rest string) string { return "/v1/programmes/" + programmeID(code) + rest }

// importList brings a list of registrants into a programme: it shows what the list would
// bring, asks, and watches the job.
func (d *desk) importList(ctx context.Context, args []string) error {
	f := d.set("admin import")
	programme := f.String("programme", "", "")
	sheet := f.String("sheet", "", "")
	check := f.Bool("check", false, "")
	f.BoolVar(&d.yes, "yes", false, "")
	named, err := d.parsed(f, args, "FILE")
	if err != nil {
		return err
	}
	if *programme == "" {
		return Usage{"admin import wants --programme"}
	}
	r, err := table(named[0])
	if err != nil {
		return err
	}
	query := ""
	if *sheet != "" {
		query = "?" + url.Values{"sheet": {*sheet}}.Encode()
	}
	r.method, r.path = http.MethodPost, programmePath(*programme, "/imports"+query)
	if !*check {
		e, known, err := d.errand(ctx, r)
		if err != nil {
			return err
		}
		if known { // it was agreed to, and what became of it is not known
			d.say("import_resumed", params{"began": e.Began.Local().Format("2006-01-02 15:04")})
			return d.bring(ctx, r, e)
		}
	}
	looks := r
	looks.path = programmePath(*programme, "/imports/check"+query)
	var dry wire.ImportReport
	if err := d.send(ctx, looks, &dry); err != nil {
		return err
	}
	d.rows(dry)
	switch {
	case *check:
		return partly(mistakes(dry))
	case dry.Accepted == 0:
		d.say("import_nothing", nil)
		return partly(mistakes(dry))
	}
	if err := d.agreed(ctx, "ask_import", params{"n": dry.Accepted, "programme": *programme}); err != nil {
		return err
	}
	e, _, err := d.errand(ctx, r)
	if err != nil {
		return err
	}
	return d.bring(ctx, r, e)
}

// table is a request with a list of registrants.
//
// Errors: Unreadable "file_unreadable"; TooLarge "table_too_large".
func table(path string) (request, error) {
	most := api.DefaultLimits().Raw // a server hangs up on more, before it says why
	info, err := os.Stat(path)
	if err == nil && info.Size() > int64(most) {
		return request{}, &fault.Error{Kind: fault.TooLarge, Code: "table_too_large", Text: "more than a server takes", Info: map[string]any{"limit": most}}
	}
	r := request{media: "text/csv"}
	if err == nil {
		r.body, err = os.ReadFile(path)
	}
	if err != nil {
		return r, unreadable(path, err)
	}
	if strings.EqualFold(filepath.Ext(path), ".xlsx") {
		r.media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return r, nil
}

func unreadable(path string, cause error) error {
	return &fault.Error{Kind: fault.Unreadable, Code: "file_unreadable", Field: path, Text: "not read", Cause: cause}
}

// bring carries out an import that was agreed to, from where it is.
func (d *desk) bring(ctx context.Context, r request, e errand) error {
	if e.Job == "" {
		if err := e.note(); err != nil {
			return err
		}
		var out wire.ImportReport
		r.key = e.Key
		if err := d.send(ctx, r, &out); err != nil {
			if definite(err) {
				return errors.Join(err, e.done())
			}
			return err
		}
		d.sums(out)
		if out.Job.Id == "" {
			d.say("import_nothing", nil)
			return errors.Join(e.done(), partly(mistakes(out)))
		}
		e.Job, e.Accepted, e.Refused = out.Job.Id, out.Accepted, mistakes(out)
		if err := e.note(); err != nil {
			return err
		}
	}
	j, err := d.watch(ctx, e.Job, e.Accepted)
	if err != nil {
		if definite(err) { // the server does not know it any more
			return errors.Join(err, e.done())
		}
		return err
	}
	if err := e.done(); err != nil {
		return err
	}
	d.say("import_done", params{"n": rowsOf(j)})
	if err := d.ended(j); err != nil {
		return err
	}
	return partly(e.Refused + leftBy(j))
}

// partly is the end of what was done but for some rows.
func partly(wrong int) error {
	if wrong == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Code: "rows_refused", Text: "rows with mistakes"}
}

// mistakes is how much is wrong with a list: rows, or headings without which none is read.
func mistakes(in wire.ImportReport) int { return max(in.Refused, len(in.Errors)+in.MoreErrors) }

// rows shows what a list lacks, every mistake of it, the drafts that it submits, and the sums.
func (d *desk) rows(in wire.ImportReport) {
	d.problems(slices.Concat(in.Warnings, in.Errors, in.Drafts))
	if n := len(in.Drafts) + in.MoreDrafts; n > 0 {
		d.say("rows_drafts", params{"n": n})
	}
	if in.MoreErrors > 0 {
		d.say("rows_more", params{"n": in.MoreErrors})
	}
	if len(in.Ignored) > 0 {
		d.say("columns_unread", params{"names": strings.Join(in.Ignored, ", ")})
	}
	d.sums(in)
}

// problems shows what is said of rows, by line.
func (d *desk) problems(told []wire.RowProblem) {
	if len(told) == 0 {
		return
	}
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, d.heading("rows_head"))
	for _, e := range told {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", e.Line, printable(cmp.Or(e.Column, e.Field)), printable(e.Code), printable(e.Message))
	}
	w.Flush()
}

func (d *desk) sums(in wire.ImportReport) {
	d.say("import_sums", params{"read": in.Read, "accepted": in.Accepted, "unchanged": in.Unchanged, "refused": in.Refused})
}
