package app

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// metrics is what the program counts, for Prometheus. Every label has few values, and
// none names a person, a phone or an enterprise.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	verdicts  *prometheus.CounterVec
	conflicts *prometheus.CounterVec
	pushes    prometheus.Histogram
	edits     prometheus.Histogram
	diverged  prometheus.Counter
	repaired  prometheus.Counter
	outbox    prometheus.Histogram
	receipts  *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	waited    *prometheus.HistogramVec
	noted     [3]atomic.Int64 // receipts: delivered, read, acknowledged
}

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumbung_http_request_duration_seconds", Help: "Time from the last byte of a request to its whole answer, by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25}}, []string{"method", "route", "status"}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumbung_sync_verdicts_total", Help: "Verdicts of edits that phones sent; repeated ones were decided before."},
			[]string{"verdict", "code", "repeated"}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumbung_sync_conflicts_total", Help: "Values that gave way to another and went into the journal, by rule."}, []string{"rule"}),
		pushes: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lumbung_sync_commit_pushes", Help: "Pushes that shared a commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64}}),
		edits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lumbung_sync_commit_edits", Help: "Edits of a commit.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200}}),
		diverged: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumbung_sync_diverged_scopes_total", Help: "Scopes whose rows on a phone had another hash than on the server. Each is a defect, and is sent anew."}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{Name: "lumbung_sync_repaired_commits_total", Help: "Commits that a process had left unfolded, and another folded."}),
		outbox: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lumbung_outbox_oldest_age_seconds", Help: "Age of the oldest edit that a phone still had to send when it was answered; phones with nothing to send are not in it.",
			Buckets: []float64{60, 600, 3600, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400, 180 * 86400}}),
	}
	m.receipts = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumbung_announcement_receipts_total", Help: "What phones noted about announcements: delivered, read, acknowledged; each phone of a person notes for itself."}, []string{"what"})
	m.attempts = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lumbung_push_attempts_total", Help: "Attempts to hand a push to a provider, by type of notice and how it ended."}, []string{"provider", "type", "code"})
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumbung_push_duration_seconds", Help: "Time that a provider took for a push.", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15}}, []string{"provider"})
	m.waited = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lumbung_push_wait_seconds", Help: "Time from when a push was due until a provider took it, by lane.",
		Buckets: []float64{.25, .5, 1, 2.5, 5, 15, 60, 120, 300, 900, 3600, 6 * 3600, 86400}}, []string{"lane"})
	m.registry.MustRegister(m.receipts, m.attempts, m.latency, m.waited)
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "lumbung_build_info", Help: "The version of the program.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.verdicts, m.conflicts, m.pushes, m.edits, m.diverged, m.repaired, m.outbox, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge adds a figure that is asked for when it is read.
func (m *metrics) gauge(name, help string, of func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of()) }))
}

// lines adds a gauge of what waits, by where, that is asked for when it is read.
func (m *metrics) lines(name, help string, of map[string]func() int) {
	for where, count := range of {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"where": where}}, func() float64 { return float64(count()) }))
	}
}

// counter is gauge for a figure that only grows.
func (m *metrics) counter(name, help string, of func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of()) }))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Answered implements api.Tally.
func (m *metrics) Answered(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Unsent implements api.Tally.
func (m *metrics) Unsent(oldest time.Duration) { m.outbox.Observe(oldest.Seconds()) }

// Decided implements syncer.Tally.
func (m *metrics) Decided(outcome merge.Outcome, code string, repeated bool) {
	m.verdicts.WithLabelValues(string(outcome), code, strconv.FormatBool(repeated)).Inc()
}

// Took implements syncer.Tally.
func (m *metrics) Took(edit *merge.Mutation) {
	if edit.Collection != "receipt" {
		return
	}
	for i, what := range [][2]string{{"delivered_at", "delivered"}, {"read_at", "read"}, {"acked_at", "acknowledged"}} {
		if !merge.Null(edit.Set[what[0]]) {
			m.receipts.WithLabelValues(what[1]).Inc()
			m.noted[i].Add(1)
		}
	}
}

// Noted are the receipts so far.
func (m *metrics) Noted() notify.Receipts {
	return notify.Receipts{Delivered: int(m.noted[0].Load()), Read: int(m.noted[1].Load()), Acknowledged: int(m.noted[2].Load())}
}

// Lost implements syncer.Tally.
func (m *metrics) Lost(rule string) { m.conflicts.WithLabelValues(rule).Inc() }

// Committed implements syncer.Tally.
func (m *metrics) Committed(pushes, edits int) {
	m.pushes.Observe(float64(pushes))
	m.edits.Observe(float64(edits))
}

// Diverged implements syncer.Tally.
func (m *metrics) Diverged(scopes int) { m.diverged.Add(float64(scopes)) }

// Repaired implements syncer.Tally.
func (m *metrics) Repaired(commits int) { m.repaired.Add(float64(commits)) }

// Pushed implements notify.Tally.
func (m *metrics) Pushed(provider, kind, code string, took time.Duration) {
	m.attempts.WithLabelValues(provider, kind, code).Inc()
	m.latency.WithLabelValues(provider).Observe(took.Seconds())
}

// Arrived implements notify.Tally.
func (m *metrics) Arrived(lane string, waited time.Duration) {
	m.waited.WithLabelValues(lane).Observe(waited.Seconds())
}
