package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/notify"
)

// figuresWithin is how long the database may take for the figures of pushes.
const figuresWithin = 5 * time.Second

// pushFigures are the figures of pushes that stand in the database, read whenever somebody
// asks for metrics. While it does not answer they are left out, and the others are there.
type pushFigures struct {
	push   *notify.Service
	purses []*notify.Purse
	clock  clock.Clock

	depth, states, oldest, addresses, spent, bound *prometheus.Desc
}

func newPushFigures(s *notify.Service, purses []*notify.Purse, c clock.Clock) *pushFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &pushFigures{push: s, purses: purses, clock: c,
		depth:     desc("lumbung_push_queue_depth", "Pushes that are still to be sent, by lane; those planned for later too.", "lane"),
		states:    desc("lumbung_push_queue_states", "Pushes that are open or dead, by state: pending, retry, sending (leased), dead.", "state"),
		oldest:    desc("lumbung_push_oldest_pending_seconds", "How long the push has been due that has been due longest, by lane; 0 if none is.", "lane"),
		addresses: desc("lumbung_push_addresses", "Addresses under which phones are rung, by provider and whether their apps still name them.", "provider", "state"),
		spent:     desc("lumbung_messages_spent", "Messages of today that are paid for, by what they are for.", "purse"),
		bound:     desc("lumbung_messages_per_day", "Messages that a day may cost.", "purse")}
}

// Describe keeps the promise of prometheus.Collector.
func (f *pushFigures) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.depth, f.states, f.oldest, f.addresses, f.spent, f.bound} {
		c <- d
	}
}

// Collect keeps the promise of prometheus.Collector.
func (f *pushFigures) Collect(c chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), figuresWithin)
	defer stop()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := f.clock.Now()
	if got, err := f.push.Figures(ctx); err == nil {
		for lane, b := range got.Lanes {
			gauge(f.depth, float64(b.Open), lane)
			due := 0.0
			if !b.Oldest.IsZero() {
				due = max(now.Sub(b.Oldest).Seconds(), 0)
			}
			gauge(f.oldest, due, lane)
		}
		for _, state := range notify.Waiting() {
			gauge(f.states, float64(got.States[state]), string(state))
		}
		for provider, n := range got.Addresses {
			gauge(f.addresses, float64(n.Seen), provider, "live")
			gauge(f.addresses, float64(n.All-n.Seen), provider, "stale")
		}
	}
	for _, p := range f.purses {
		gauge(f.bound, float64(p.PerDay), p.Name)
		if n, err := p.Spent(ctx); err == nil {
			gauge(f.spent, float64(n), p.Name)
		}
	}
}
