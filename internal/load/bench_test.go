package load

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// bench is a fleet and the engine that it talks to without a network.
func bench(b *testing.B, fresh, full, records int) (*app.App, *fleet) {
	b.Helper()
	cfg := config.Default()
	cfg.Store, cfg.PublicURL, cfg.TestNumbers = filepath.Join(b.TempDir(), "l.db"), publicURL, map[string]string{}
	for n := range fresh + full {
		cfg.TestNumbers[number(n)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	a, err := app.New(b.Context(), cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := a.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	f, err := settled(b.Context(), a, fresh, full, records, b.Logf)
	if err != nil {
		b.Fatal(err)
	}
	return a, f
}

// BenchmarkPush is one push of 20 new sales, on disk: what W1 does, without HTTP.
func BenchmarkPush(b *testing.B) {
	a, f := bench(b, 40, 0, 0)
	var all []protocol.Request
	for n := range b.N {
		all = append(all, f.fresh[n%len(f.fresh)].batch(20))
	}
	b.ReportAllocs()
	b.ResetTimer()
	if err := each(b.Context(), b.N, 30, func(n int) error {
		r, err := a.Engine.Push(b.Context(), syncer.Caller{User: f.fresh[n%len(f.fresh)].user.login.User.ID}, all[n])
		if err != nil {
			return err
		}
		return applied(r)
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(20*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkPull is a sync that brings 20 changed records of 2,000, and one that brings
// them all: what W4 and W2 do, without HTTP.
func BenchmarkPull(b *testing.B) {
	const records = 2000
	a, f := bench(b, 0, 1, records)
	p := f.full[0]
	who := syncer.Caller{User: p.user.login.User.ID}
	sync := func(cursor string) *protocol.Response {
		r, err := a.Engine.Sync(b.Context(), who, protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: cursor, LimitBytes: 1 << 20})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	all := func() (cursor string, rows int) {
		for more := true; more; {
			r := sync(cursor)
			cursor, more, rows = r.Cursor, r.More, rows+len(r.Changes)
		}
		return cursor, rows
	}
	behind, _ := all()
	if _, err := a.Engine.Push(b.Context(), who, p.batch(20)); err != nil {
		b.Fatal(err)
	}
	b.Run("all", func(b *testing.B) {
		rows := 0
		b.ReportAllocs()
		for b.Loop() {
			_, n := all()
			rows += n
		}
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("changed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r := sync(behind); len(r.Changes) < 20 {
				b.Fatal(len(r.Changes))
			}
		}
	})
}

// BenchmarkCodec is each form that 20 new sales take on their way from the wire to the
// log, to the records and to another phone. MB/s counts the longer side.
func BenchmarkCodec(b *testing.B) {
	a, f := bench(b, 1, 0, 0)
	p := f.fresh[0]
	who := syncer.Caller{User: p.user.login.User.ID}
	push := p.batch(20)
	if r, err := a.Engine.Push(b.Context(), who, push); err != nil || applied(r) != nil {
		b.Fatal(err, applied(r))
	}
	head, err := a.Store.Head(b.Context(), p.scope)
	if err != nil {
		b.Fatal(err)
	}
	c, err := a.Store.Entry(b.Context(), p.scope, head.Generation.Count, head.Applied)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := a.Engine.Sync(b.Context(), who, protocol.Request{App: "1.4.2", Clock: clockNow(), LimitBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	wire := body(push)
	var records []*merge.Record
	for _, r := range c.Records {
		record, err := merge.DecodeRecord(merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags)
		if err != nil {
			b.Fatal(err)
		}
		records = append(records, record)
	}
	text, err := c.Body()
	if err != nil {
		b.Fatal(err)
	}
	for _, one := range []struct {
		name string
		size int
		do   func() error
	}{
		{"read_push", len(wire), func() error {
			var r protocol.Request
			if err := json.Unmarshal(wire, &r); err != nil {
				return err
			}
			for i, raw := range r.Push[0].Mutations {
				if it := merge.ReadItem(p.scope, r.Push[0].Device, i, raw); it.Bad != nil {
					return fmt.Errorf("%+v", *it.Bad)
				}
			}
			return nil
		}},
		{"write_answer", len(answer.AppendJSON(nil)), func() error { answer.AppendJSON(nil); return nil }},
		{"write_commit", len(text), func() error {
			_, err := (&store.Commit{Records: c.Records, Lines: c.Lines, Pages: c.Pages, Effects: c.Effects}).Body()
			return err
		}},
		{"read_commit", len(text), func() error { return (&store.Commit{}).ReadBody(text) }},
		{"write_records", len(text), func() error {
			for _, r := range records {
				r.EncodeFields()
				r.EncodeState()
			}
			return nil
		}},
		{"read_records", len(text), func() error {
			for _, r := range c.Records {
				if _, err := merge.DecodeRecord(merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}, r.Fields, r.State, r.Tags); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(one.size))
			for b.Loop() {
				if err := one.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStage is an admin's look at a stage of a programme as large as one import may
// make it, with two sheets on each file.
func BenchmarkStage(b *testing.B) {
	for _, files := range []int{1000, 10_000} {
		b.Run(strconv.Itoa(files), func(b *testing.B) {
			a, _ := bench(b, 0, 0, 0)
			c, err := campaignOn(b.Context(), a, files)
			if err != nil {
				b.Fatal(err)
			}
			who := programme.Caller{User: c.admin.user.login.User.ID, Proved: true}
			b.ReportAllocs()
			for b.Loop() {
				v, err := a.Programme.Stage(b.Context(), who, c.programme, 2)
				if err != nil || len(v.Outcomes) != files || v.Outcomes[0].Score == nil || len(v.Missing) != 0 {
					b.Fatalf("%d outcomes, %d missing, %v", len(v.Outcomes), len(v.Missing), err)
				}
			}
		})
	}
}
