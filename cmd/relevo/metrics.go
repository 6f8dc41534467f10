package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"relevo/relay"
)

// metrics is what an operator watches. No label holds a workspace, a number
// or a URL: labels are few and secrets stay out.
type metrics struct {
	registry   *prometheus.Registry
	answers    *prometheus.CounterVec
	requests   *prometheus.HistogramVec
	tries      *prometheus.HistogramVec
	posts      *prometheus.HistogramVec
	spacing    prometheus.Histogram
	units      *prometheus.CounterVec
	unbalanced prometheus.Counter
	commits    prometheus.Histogram
	groups     prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "relevo_hook_calls_total",
			Help: "Calls of a known webhook by result: accepted, replayed or an error code."}, []string{"result"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "relevo_http_request_seconds",
			Help: "HTTP requests by route and status.", Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12)}, []string{"route", "status"}),
		tries: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "relevo_try_seconds",
			Help: "Calls of a provider by kind of channel and verdict.", Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 12)}, []string{"kind", "verdict"}),
		posts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "relevo_event_post_seconds",
			Help: "Tries to deliver an event to an endpoint by result: delivered, failed, given_up or disabled.", Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 10)}, []string{"result"}),
		spacing: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "relevo_lane_rest_seconds",
			Help:    "Rest of a lane between the end of one call and the start of the next.",
			Buckets: []float64{0.001, 0.1, 0.5, 1, 1.5, 1.75, 2, 2.25, 2.5, 3, 5, 10, 60, 600}}),
		units: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "relevo_units_total",
			Help: "Units moved by kind of entry."}, []string{"kind"}),
		unbalanced: prometheus.NewCounter(prometheus.CounterOpts{Name: "relevo_unbalanced_total",
			Help: "Times that the books of a workspace failed a check. Anything but 0 is an alarm."}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "relevo_commit_seconds",
			Help: "Time to make one group of transactions durable.", Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12)}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "relevo_commit_group_size",
			Help: "Transactions made durable by one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
	}
	m.registry.MustRegister(m.answers, m.requests, m.tries, m.posts, m.spacing, m.units, m.unbalanced, m.commits, m.groups,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// watch is what the relay tells.
func (m *metrics) watch() relay.Watch {
	return relay.Watch{
		Answered: func(result string) { m.answers.WithLabelValues(result).Inc() },
		Tried: func(kind, verdict string, took time.Duration) {
			m.tries.WithLabelValues(kind, verdict).Observe(took.Seconds())
		},
		Posted:     func(result string, took time.Duration) { m.posts.WithLabelValues(result).Observe(took.Seconds()) },
		Spaced:     func(rest time.Duration) { m.spacing.Observe(rest.Seconds()) },
		Moved:      func(kind string, units int64) { m.units.WithLabelValues(kind).Add(float64(units)) },
		Unbalanced: m.unbalanced.Inc,
	}
}

func (m *metrics) commit(took time.Duration, group int) {
	m.commits.Observe(took.Seconds())
	m.groups.Observe(float64(group))
}

// watchQueue adds the depth and age of the queue, read when asked.
func (m *metrics) watchQueue(store relay.Store) { m.registry.MustRegister(queueCollector{store}) }

type queueCollector struct{ store relay.Store }

// sized is a store that is a file.
type sized interface {
	Size() (file, used int64, err error)
}

var (
	depthDesc = prometheus.NewDesc("relevo_queue_depth", "Messages queued or being sent.", nil, nil)
	ageDesc   = prometheus.NewDesc("relevo_queue_oldest_seconds", "Age of the oldest queued message.", nil, nil)
	bytesDesc = prometheus.NewDesc("relevo_store_bytes", "Size of the database file, in use and free.", []string{"state"}, nil)
	lateDesc  = prometheus.NewDesc("relevo_events_overdue_seconds", "For how long the endpoint has waited that is next to be delivered to; 0 where none waits.", nil, nil)
	lanesDesc = prometheus.NewDesc("relevo_lanes", "Lanes by what they do: open, paused or on hold.", []string{"state"}, nil)
)

// Describe names the metrics.
func (q queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- depthDesc
	ch <- ageDesc
	ch <- lanesDesc
	ch <- lateDesc
	if _, ok := q.store.(sized); ok {
		ch <- bytesDesc
	}
}

// Collect reads the lanes.
func (q queueCollector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	waiting, err := q.store.Backlog(context.Background(), now)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(depthDesc, err)
		return
	}
	var age time.Duration
	if raw, ok := relay.RawMessageID(waiting.Oldest); ok {
		age = max(0, now.Sub(relay.MessageTime(raw)))
	}
	ch <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(waiting.Queued))
	ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age.Seconds())
	for state, n := range map[string]int64{"open": waiting.Open, "paused": waiting.Paused, "held": waiting.Held} {
		ch <- prometheus.MustNewConstMetric(lanesDesc, prometheus.GaugeValue, float64(n), state)
	}
	q.collectEvents(ch, now)
	disk, ok := q.store.(sized)
	if !ok {
		return
	}
	if file, used, err := disk.Size(); err == nil {
		ch <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(used), "used")
		ch <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(file-used), "free")
	}
}

// collectEvents tells how late events are. What waits for another try is not.
func (q queueCollector) collectEvents(ch chan<- prometheus.Metric, now time.Time) {
	late, err := relay.EventsOverdue(context.Background(), q.store, now)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(lateDesc, err)
		return
	}
	ch <- prometheus.MustNewConstMetric(lateDesc, prometheus.GaugeValue, late.Seconds())
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}
