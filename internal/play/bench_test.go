package play_test

import (
	"net/http"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// spent is the processor time of this process so far, in microseconds.
func spent(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec)*1e6 + float64(u.Utime.Usec+u.Stime.Usec)
}

// BenchmarkNothingNew is a sync over HTTP of a phone that has nothing to tell and
// nothing to learn. The processor time is that of both sides and of a store in
// memory.
func BenchmarkNothingNew(b *testing.B) {
	s := set(b)
	s.sync(s.owner, s.owner)
	req, _, err := s.owner.Ask()
	s.ok(err)
	before := spent(b)
	for b.Loop() {
		var resp protocol.Response
		s.ok(s.owner.HTTP.Call(b.Context(), http.MethodPost, "/v1/sync", nil, req, &resp))
	}
	b.ReportMetric((spent(b)-before)/float64(b.N), "cpu-µs/op")
}

// BenchmarkSixSales is the evening of a business: a push of six entries.
func BenchmarkSixSales(b *testing.B) {
	s := set(b)
	s.sync(s.owner, s.owner)
	before := spent(b)
	for n := 0; b.Loop(); n++ {
		for k := range 6 {
			s.sell(s.owner, 500*(n*6+k+1))
		}
		s.sync(s.owner)
	}
	b.ReportMetric((spent(b)-before)/float64(b.N), "cpu-µs/op")
}

// BenchmarkRefresh is a phone that gets new tokens, as it does before a sync if the
// last one was more than a quarter of an hour ago.
func BenchmarkRefresh(b *testing.B) {
	s := set(b)
	session, err := s.owner.Session()
	s.ok(err)
	var next struct {
		Refresh string `json:"refresh_token"`
	}
	before := spent(b)
	for b.Loop() {
		s.ok(s.owner.HTTP.Call(b.Context(), http.MethodPost, "/v1/auth/refresh", nil, map[string]any{"refresh_token": session.Refresh}, &next))
		session.Refresh = next.Refresh
	}
	b.ReportMetric((spent(b)-before)/float64(b.N), "cpu-µs/op")
}

// BenchmarkPublication is the instant at which the results of 478 applicants are told: from
// it until every business has its own and every inbox the notice, on SQLite. It is to be
// done within 120 s.
func BenchmarkPublication(b *testing.B) {
	want := outcomes{domain.FileSelected: 30, domain.FileReserve: 10, domain.FileNotSelected: 56, domain.FileEliminated: 382}
	for b.Loop() {
		b.StopTimer()
		o := setEmbargo(b, want, play.Options{Path: filepath.Join(b.TempDir(), "play.db")})
		b.StartTimer()
		o.publish()
		b.StopTimer()
		told, err := o.w.Rows(b.Context(), domain.DecisionScope(o.id), "publication")
		o.ok(err)
		if len(told) != 1 || told[0].Text("state") != "told" || told[0].Int("total") != 478 {
			b.Fatalf("published: %v", told)
		}
		b.StartTimer()
	}
}
