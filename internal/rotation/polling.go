package rotation

import (
	"math"
	"time"
)

// newsLikely has the interval by the time since a deployment was asked for, as a part of the time that the last one took. Many
// deployments end around that time. A minute in which nobody notices the end costs the same after a short and a long
// deployment, so the intervals do not grow with it.
var newsLikely = []struct {
	until    float64
	interval time.Duration
}{
	{0.5, 40 * time.Second},
	{0.8, 18 * time.Second},
	{1.2, 7 * time.Second},
	{1.6, 15 * time.Second},
	{math.Inf(1), lateInterval},
}

const (
	shortestInterval = 5 * time.Second
	// lateInterval is for deployments that take much longer than the last one, and the longest one if there was none.
	lateInterval = 30 * time.Second
	// firstInterval is for deployments that fail soon, if the length of the last one is known.
	firstInterval = 10 * time.Second
)

// PollInterval is how long to wait between two requests for the statuses of clusters. elapsed is the time since a deployment
// was asked for, and last is how long the last one took. If last is unknown, the interval is a fraction of elapsed.
func PollInterval(elapsed, last time.Duration) time.Duration {
	if last <= 0 {
		return min(max(shortestInterval, elapsed/20), lateInterval)
	}
	soon := max(firstInterval, elapsed/3)
	for _, row := range newsLikely {
		if elapsed.Seconds() < row.until*last.Seconds() {
			return min(soon, row.interval)
		}
	}
	return lateInterval
}

// watch is a wait for deployments: since when, and how long the last ones took.
type watch struct {
	began time.Time
	last  time.Duration
}

// interval is how long to wait for the next request after one that was sent at a time.
func (w watch) interval(sent time.Time) time.Duration { return PollInterval(sent.Sub(w.began), w.last) }

// deploymentTook is how long the last rotation waited for its clusters. It is 0 if there was none.
func deploymentTook(r *Record) time.Duration {
	if r == nil || r.RotatedAt.IsZero() || r.DeployedAt.IsZero() {
		return 0
	}
	return r.DeployedAt.Sub(r.RotatedAt)
}
