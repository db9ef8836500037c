package programme_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// registrant is a row of a small list.
type registrant struct{ ref, phone, nib, name string }

func rowsAsCSV(rows ...registrant) []byte {
	var b strings.Builder
	b.WriteString("ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;NIB;Kabupaten/Kota;Kategori\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%s;2022-03-01 08:00;%s;Ibu Tenun;%s;%s;18.71;pangan\n", r.ref, r.name, r.phone, r.nib)
	}
	return []byte(b.String())
}

// singly fails unless numbers have no gap and whatever a file is known by is known of it alone.
func (o *office) singly(when string, files []merge.Row) {
	o.Helper()
	numbers, known := map[string]bool{}, map[string]string{}
	for _, f := range files {
		numbers[f.Text("number")] = true
		k := domain.FileKeys(f)
		for kind, word := range map[string]string{"ref": k.Ref, "nib": k.NIB, "who": k.Person} {
			if other, twice := known[kind+word]; twice && word != "" {
				o.Errorf("%s: %s %s has the numbers %s and %s", when, kind, word, other, f.Text("number"))
			}
			known[kind+word] = f.Text("number")
		}
	}
	if len(numbers) != len(files) || len(files) > 0 && !numbers[domain.ReceiptNumber("LGW22", len(files))] {
		o.Errorf("%s: %d files have the numbers %v", when, len(files), numbers)
	}
}

// rows are how many a job says that it has brought in.
func rows(j programme.Job) (n int) {
	for _, st := range j.Steps {
		n += st.Rows
	}
	return n
}

// accounted fails unless jobs that are done say of each of their rows what became of it, and of
// each file which of them brought it.
func (o *office) accounted(when string, e programme.Edition, jobs ...programme.Job) {
	o.Helper()
	files, brought := o.files(e), 0
	o.singly(when, files)
	admin := o.clerk()
	for _, j := range jobs {
		j, err := o.Job(o.Context(), o.as(admin), j.ID)
		o.unless(err)
		all := 0
		for _, st := range j.Steps {
			all += st.Rows + st.Unchanged + st.Left
			if st.State != domain.StepDone || len(st.Out) != st.Left {
				o.Errorf("%s: a step: %+v", when, st)
			}
			for _, w := range st.Out {
				if w.Line < 2 || w.Code != "already_registered" && w.Code != "registered_differs" {
					o.Errorf("%s: a row: %+v", when, w)
				}
			}
		}
		if brought += rows(j); int64(all) != j.Int("rows") {
			o.Errorf("%s: %d of %d rows are accounted for: %+v", when, all, j.Int("rows"), j.Steps)
		}
	}
	if brought != len(files) {
		o.Errorf("%s: two jobs brought %d, there are %d files", when, brought, len(files))
	}
	for _, f := range files {
		app, err := o.Record(o.Context(), o.as(admin), f.Text("business_id"), "application", f.ID)
		o.unless(err)
		if app.Text("state") != domain.ApplicationSubmitted || app.Text("number") != f.Text("number") || app.Text("external_ref") != f.Text("external_ref") {
			o.Errorf("%s: the file is %s and the application %s", when, f.EncodeFields(), app.EncodeFields())
		}
	}
}

// process is one that works on a store beside others.
func (o *office) process(s store.Store) *programme.Service {
	p := &programme.Service{People: o.People, Clock: o.Clock}
	p.Engine = &syncer.Engine{Store: s, Schema: o.Engine.Schema, Clock: o.clock, IDs: o.ids, Log: o.Engine.Log, Steps: p.Steps()}
	return p
}

// carryOut does a step of an import in some process. It may die.
func (o *office) carryOut(p *programme.Service, j programme.Job, no int) error {
	return p.Steps()[domain.JobImport](o.Context(), merge.Effect{Scope: domain.GeneralQueue, Collection: "job_step", ID: domain.NumberedStep(j.ID, no)})
}

// carriedOut does a step to its end: what somebody else was faster with is done again.
func (o *office) carriedOut(p *programme.Service, j programme.Job, no int) {
	o.Helper()
	err := o.carryOut(p, j, no)
	for range 3 {
		if fault.CodeOf(err) == "busy" {
			err = o.carryOut(p, j, no)
		}
	}
	o.unless(err)
}

// imported begins one import for each list, all of them held against what is filed now.
func (o *office) imported(e programme.Edition, lists ...[]registrant) (jobs []programme.Job) {
	o.Helper()
	admin := o.clerk()
	for _, list := range lists {
		j, in, err := o.Import(o.Context(), o.as(admin), e.ID, o.table(rowsAsCSV(list...)))
		if o.unless(err); len(in.Rejected) > 0 {
			o.Fatalf("a list: %+v", in.Rejected)
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// ofApplicant is a row about somebody who has begun to apply in the app.
func ofApplicant(a *applicant, ref, nib string) registrant {
	return registrant{ref, a.owner.Phone, nib, fmt.Sprint("Kopi ", strings.TrimPrefix(a.owner.Phone, "+6281170000"))}
}

// TestTwoListsAtOnce: the second list was held against what was filed before the first one was
// brought in. What meets that is left out, and counted by one of the two.
func TestTwoListsAtOnce(t *testing.T) {
	ani := registrant{"A1", "08117009001", "9120001234567", "Tenun Ani"}
	tests := []struct {
		name string
		also registrant
		said []string
	}{
		{"the same row", ani, nil},
		{"the same registration, changed", registrant{"a1", ani.phone, ani.nib, "Tenun Ani Jaya"}, []string{"3 external_ref registered_differs"}},
		{"the registration of somebody else", registrant{"A 1", "08117009002", "", "Kopi Budi"}, []string{"3 external_ref registered_differs"}},
		{"the number of somebody else's business", registrant{"B1", "08117009002", ani.nib, "Kopi Budi"}, []string{"3 nib already_registered"}},
		{"the same person under another registration", registrant{"B1", ani.phone, "", "TENUN  ani"}, []string{"3 phone already_registered"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("lagawi-fest-2022")
			jobs := o.imported(e, []registrant{ani}, []registrant{{"C1", "08117009003", "", "Kriya Cici"}, tt.also})
			o.work()
			o.accounted("both are in", e, jobs...)
			second, err := o.Job(t.Context(), o.as(o.clerk()), jobs[1].ID)
			o.unless(err)
			st := second.Steps[0]
			if st.Rows != 1 || st.Unchanged+st.Left != 1 || len(o.files(e)) != 2 {
				t.Errorf("%d files, the second list: %+v", len(o.files(e)), st)
			}
			var said []string
			for _, w := range st.Out {
				said = append(said, fmt.Sprint(w.Line, " ", w.Field, " ", w.Code))
			}
			if !slices.Equal(said, tt.said) {
				t.Errorf("the second list is told %q", said)
			}
		})
	}
}

// TestTwoListsInOneMoment: at every call of a step another process carries out the step of
// another list, or it dies there as well.
func TestTwoListsInOneMoment(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e := o.opened("lagawi-fest-2022")
	a, b, c := o.applicant(10, e, "18.71"), o.applicant(11, e, "18.71"), o.applicant(12, e, "18.71")
	o.work()
	const nib, other = "9120001234567", "9120007654321"
	jobs := o.imported(e,
		[]registrant{{"R1", "08117009001", nib, "Tenun Ani"}, ofApplicant(a, "R2", ""), ofApplicant(b, "R3", other), {"R4", "08117009004", "", "Kriya Dedi"}, {"R5", "08117009005", "", "Batik Eni"}},
		[]registrant{{"S1", "08117009011", nib, "Kopi Budi"}, ofApplicant(a, "S2", ""), {"S3", "08117009013", other, "Songket Feri"}, {"r 4", "08117009014", "", "Sulam Gita"}, {"R5", "08117009005", "", "Batik Eni"}, ofApplicant(c, "S6", "")})
	returned := 0
	for _, first := range []int{0, 1} {
		for _, dies := range []bool{false, true} {
			for n, whole := 1, false; !whole; n += 1 + n/40 {
				poor := before.Copy()
				o.Service.Engine = o.process(poor).Engine
				whole = true
				beside := func(call storefault.Call) storefault.Fate {
					if call.N == n {
						whole = false
						o.carriedOut(o.process(poor), jobs[1-first], 1)
						if dies {
							return storefault.DieBefore
						}
					}
					return storefault.Live
				}
				if err := o.carryOut(o.process(storefault.NewFailing(poor, beside, nil).Store()), jobs[first], 1); err != nil && !dies {
					o.unless(err, "busy")
				}
				o.work()
				when := fmt.Sprintf("list %d first, at call %d, dies %v", first, n, dies)
				o.accounted(when, e, jobs...)
				for _, x := range []*applicant{a, b, c} {
					if state := x.mine().Text("state"); (state == domain.ApplicationSubmitted) != (x.file().Version > 0) {
						t.Errorf("%s: the draft %s is %s, its file %q", when, x.application, state, x.file().Text("number"))
					}
				}
				if mine := b.mine(); mine.Text("state") == domain.ApplicationReturned {
					if returned++; mine.Text("returned_for") != domain.ReturnRegistered {
						t.Errorf("%s: returned for %s", when, mine.Text("returned_for"))
					}
					jobs := append(slices.Clone(jobs), o.imported(e, []registrant{ofApplicant(b, "T1", "")})...)
					o.work()
					o.accounted(when+", and a third one", e, jobs...)
					if b.mine().Text("state") != domain.ApplicationSubmitted || b.file().Text("external_ref") != "T1" {
						t.Errorf("%s: what was given back and comes again: %s", when, b.mine().EncodeFields())
					}
				}
				if t.Failed() {
					return
				}
			}
		}
	}
	if returned == 0 {
		t.Error("no draft was given back")
	}
}

// halves is a store that answers for words first and then for keys. What somebody does in
// between is in the second half alone.
type halves struct {
	store.Store
	between func()
}

func (h *halves) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	words, err := h.Store.Load(ctx, scope, store.Want{Tags: want.Tags})
	if err != nil {
		return words, err
	}
	if do := h.between; do != nil && slices.ContainsFunc(want.Keys, func(k merge.Key) bool { return k.Collection == "numbering" }) && len(want.Tags) > 0 {
		h.between = nil
		do()
	}
	want.Tags = nil
	all, err := h.Store.Load(ctx, scope, want)
	for _, r := range words.Records {
		if !slices.ContainsFunc(all.Records, func(o store.Record) bool { return o.Key() == r.Key() }) {
			all.Records = append(all.Records, r)
		}
	}
	slices.SortFunc(all.Records, func(a, b store.Record) int { return a.Key().Compare(b.Key()) })
	all.Tagged = words.Tagged
	return all, err
}

// TestAStoreThatAnswersInHalves gives the number of the other list's commit and none of its
// files: that nobody else is filed is asked inside the commit.
func TestAStoreThatAnswersInHalves(t *testing.T) {
	o := open(t)
	disk := storefault.NewPoor()
	o.Engine.Store = disk
	e := o.opened("lagawi-fest-2022")
	jobs := o.imported(e, []registrant{{"A1", "08117009001", "9120001234567", "Tenun Ani"}}, []registrant{{"B1", "08117009002", "9120001234567", "Kopi Budi"}, {"C1", "08117009003", "", "Kriya Cici"}})
	torn := &halves{Store: disk, between: func() { o.carriedOut(o.process(disk), jobs[0], 1) }}
	o.carriedOut(o.process(torn), jobs[1], 1)
	if torn.between != nil {
		t.Fatal("nothing was done in between")
	}
	o.Service.Engine = o.process(disk).Engine
	o.work()
	o.accounted("in halves", e, jobs...)
}

// TestStepsOfTwoListsInAnyOrder: lists that overlap in whatever is known of people, steps in any
// order, some beside each other, some of which die.
func TestStepsOfTwoListsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		for _, kind := range []string{"memory", "SQLite"} {
			t.Run(fmt.Sprint(kind, " ", seed), func(t *testing.T) {
				o, rng := open(t), rand.New(rand.NewPCG(seed, 68))
				if kind == "memory" {
					o.Engine.Store = storefault.NewPoor()
				}
				e := o.opened("lagawi-fest-2022")
				var begun []*applicant
				for n := range 3 {
					begun = append(begun, o.applicant(10+n, e, "18.71"))
				}
				o.work()
				jobs := o.imported(e, drawnList(rng, begun), drawnList(rng, begun))
				disk := o.Engine.Store
				next := []int{1, 1}
				for next[0] <= len(jobs[0].Steps) || next[1] <= len(jobs[1].Steps) {
					i := rng.IntN(2)
					if next[i] > len(jobs[i].Steps) {
						i = 1 - i
					}
					at, fate := 1+rng.IntN(400), []storefault.Fate{storefault.Live, storefault.DieBefore, storefault.DieAfter}[rng.IntN(3)]
					beside := rng.IntN(2) == 0 && next[1-i] <= len(jobs[1-i].Steps)
					plan := func(call storefault.Call) storefault.Fate {
						if call.N != at {
							return storefault.Live
						}
						if beside {
							o.carriedOut(o.process(disk), jobs[1-i], next[1-i])
							next[1-i]++
						}
						return fate
					}
					err := o.carryOut(o.process(storefault.NewFailing(disk, plan, nil).Store()), jobs[i], next[i])
					if err == nil {
						next[i]++
					}
				}
				o.Service.Engine = o.process(disk).Engine
				o.work()
				o.accounted("at the end", e, jobs...)
			})
		}
	}
}

// drawnList is of fifty rows of sixty people, who share registrations, numbers and phones with
// others of them, and of some who have begun to apply in the app.
func drawnList(rng *rand.Rand, begun []*applicant) (list []registrant) {
	seen := map[string]bool{}
	fresh := func(words ...string) bool {
		if slices.ContainsFunc(words, func(w string) bool { return seen[w] }) {
			return false
		}
		for _, w := range words {
			seen[w] = w != ""
		}
		return true
	}
	for _, a := range begun {
		r := ofApplicant(a, fmt.Sprint("R", rng.IntN(60)), "")
		if fresh(r.ref, r.phone+r.name) {
			list = append(list, r)
		}
	}
	for len(list) < 50 {
		r := registrant{ref: fmt.Sprint("R", rng.IntN(60)), phone: fmt.Sprintf("081170090%02d", rng.IntN(60)), name: fmt.Sprint("Tenun ", string(rune('A'+rng.IntN(3))))}
		if rng.IntN(3) > 0 {
			r.nib = fmt.Sprintf("91200012345%02d", rng.IntN(60))
		}
		if !fresh(r.ref, r.nib, r.phone+r.name) {
			continue
		}
		list = append(list, r)
	}
	return list
}
