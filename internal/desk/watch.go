package desk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
)

// How often a job is looked at, and for how many looks in a row a server may give no
// answer.
const (
	firstLook = 50 * time.Millisecond
	lookEvery = time.Second
	silences  = 20
)

// job watches a job.
func (d *desk) job(ctx context.Context, args []string) error {
	named, err := d.parsed(d.set("admin job"), args, "ID")
	if err != nil {
		return err
	}
	j, err := d.watch(ctx, named[0], 0)
	if err != nil {
		return err
	}
	if err := d.ended(j); err != nil {
		return err
	}
	return partly(leftBy(j))
}

// watch looks at a job until nothing of it waits any more. rows are those that it is about;
// 0 is not known. Whoever stops watching stops nothing else.
//
// Errors: those of send; Conflict "watch_stopped".
func (d *desk) watch(ctx context.Context, job string, rows int) (wire.Job, error) {
	d.say("job_begun", params{"id": job})
	bar := progress{d: d, rows: rows}
	defer bar.end()
	silent := 0
	for pause := firstLook; ; pause = min(2*pause, lookEvery) {
		var j wire.Job
		err := d.send(ctx, get("/v1/jobs/"+url.PathEscape(job)), &j)
		switch {
		case ctx.Err() != nil:
			return j, &fault.Error{Kind: fault.Conflict, Code: "watch_stopped", Field: job, Text: "nobody watches"}
		case err == nil:
			silent = 0
			if bar.show(j); j.Waiting == 0 {
				return j, nil
			}
		case silent < silences && passing(err):
			silent++
			pause = max(pause, after(err))
		default:
			return j, err
		}
		if wait(ctx, pause) != nil {
			return j, &fault.Error{Kind: fault.Conflict, Code: "watch_stopped", Field: job, Text: "nobody watches"}
		}
	}
}

// passing reports whether a look may do better a moment later.
func passing(err error) bool {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Status >= 500 || r.Status == 429
	}
	return fault.KindOf(err) == fault.Transient
}

// ended tells how a job came out, and which rows of a list it did not bring in.
//
// Errors: Conflict "job_failed".
func (d *desk) ended(j wire.Job) error {
	for _, st := range j.Steps {
		if st.State != domain.StepFailed {
			continue
		}
		step := st.BusinessId
		if step == "" {
			step = fmt.Sprint(st.No)
		}
		why := params{"step": step, "code": st.Code, "why": message.Text(st.Code, d.lang, params{"field": ""}), "left": st.Left}
		if st.Left > 0 {
			d.say("job_step_rows", why)
			continue
		}
		d.say("job_step", why)
	}
	d.problems(j.Errors)
	if j.MoreErrors > 0 {
		d.say("rows_more", params{"n": j.MoreErrors})
	}
	if n := unchangedBy(j); n > 0 {
		d.say("job_unchanged", params{"n": n})
	}
	if j.Left > 0 {
		d.say("job_left", params{"n": j.Left})
	}
	d.say("job_ended", params{"done": j.Done, "failed": j.Failed})
	if j.Failed > 0 {
		return &fault.Error{Kind: fault.Conflict, Code: "job_failed", Text: "steps have failed"}
	}
	return nil
}

// rowsOf is how many rows a job has brought in.
func rowsOf(j wire.Job) (n int) {
	for _, st := range j.Steps {
		n += st.Rows
	}
	return n
}

// leftBy is how many rows of a job are not in, or not as they should be.
func leftBy(j wire.Job) int { return max(j.Left, len(j.Errors)+j.MoreErrors) }

// unchangedBy is how many rows of a job another import had brought in.
func unchangedBy(j wire.Job) (n int) {
	for _, st := range j.Steps {
		n += st.Unchanged
	}
	return n
}

// progress shows how far a job is: as a bar that moves at a terminal, else as a line for
// every change.
type progress struct {
	d    *desk
	rows int
	last string
}

// barWidth is how long a whole bar is, in characters.
const barWidth = 30

func (p *progress) show(j wire.Job) {
	rows := fmt.Sprint(rowsOf(j))
	if p.rows > 0 {
		rows += "/" + fmt.Sprint(p.rows)
	}
	text := p.d.phrase("job_progress", params{"done": j.Done + j.Failed, "total": j.Total, "rows": rows})
	if text == p.last {
		return
	}
	p.last = text
	if !terminal(p.d.Out) {
		fmt.Fprintln(p.d.Out, text)
		return
	}
	full := barWidth
	if j.Total > 0 {
		full = int(barWidth * (j.Done + j.Failed) / j.Total)
	}
	fmt.Fprintf(p.d.Out, "\r\x1b[K[%s%s] %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), text)
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.last != "" && terminal(p.d.Out) {
		fmt.Fprintln(p.d.Out)
	}
}
