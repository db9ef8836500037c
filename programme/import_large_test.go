package programme_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var every = flag.Bool("every", false, "as many rows as a list may have, instead of a tenth, and long works die at every call, instead of one of five")

// between is how far apart the calls are at which a long work dies.
func between() int {
	if *every {
		return 1
	}
	return 5
}

// TestTenThousandRowsInOneJob, or a thousand in a hurry: its counts only grow while it works, and at the end there is
// one file for each row, numbered without a gap.
func TestTenThousandRowsInOneJob(t *testing.T) {
	t.Parallel()
	rows := 1_000
	if *every {
		rows = 10_000
	}
	o := open(t)
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	var list bytes.Buffer
	list.WriteString("ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n")
	for n := range rows {
		fmt.Fprintf(&list, "E%05d;2022-03-01 08:00;Usaha %05d;Pemilik %05d;0812%08d;18.71;pangan\n", n, n, n, 10_000_000+n)
	}
	who := o.as(admin)
	job, in, err := o.Import(t.Context(), who, e.ID, o.table(list.Bytes()))
	o.unless(err)
	if in.Accepted != rows || in.Refused != 0 {
		t.Fatalf("%d of %d rows are accepted, %d refused: %v", in.Accepted, rows, in.Refused, in.Rejected[:min(3, len(in.Rejected))])
	}
	seen := 0
	watch := func() {
		now, err := o.Job(t.Context(), o.as(admin), job.ID)
		o.unless(err)
		done := now.Count(domain.StepDone)
		if done < seen || now.Count(domain.StepFailed) > 0 || done+now.Count(domain.StepWaiting) != len(job.Steps) {
			t.Fatalf("%d steps done after %d, %d failed", done, seen, now.Count(domain.StepFailed))
		}
		seen = done
	}
	begun, step := 0, o.Engine.Steps[domain.JobImport]
	o.Engine.Steps[domain.JobImport] = func(ctx context.Context, eff merge.Effect) error {
		if begun++; begun%10 == 0 {
			watch()
		}
		return step(ctx, eff)
	}
	o.work()
	if watch(); seen != len(job.Steps) || seen < rows/100 {
		t.Errorf("%d of %d steps are done", seen, len(job.Steps))
	}
	files := o.files(e)
	if len(files) != rows {
		t.Fatalf("%d files", len(files))
	}
	for n, f := range files {
		if want := domain.ReceiptNumber(e.Text("number_prefix"), n+1); f.Text("number") != want {
			t.Fatalf("file %d has the number %s, want %s", n, f.Text("number"), want)
		}
	}
}
