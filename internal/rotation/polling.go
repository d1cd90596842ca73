package rotation

import (
	"math"
	"time"
)

// newsLikely is how often statuses are worth a request, by the time since a deployment was asked for as a part of the time
// that the last one took. Around that time many deployments end. The lateness with which an end is noticed costs the same in
// short and in long deployments, so the intervals do not grow with them.
var newsLikely = []struct {
	until    float64
	interval time.Duration
}{
	{0.5, 40 * time.Second},
	{0.8, 18 * time.Second},
	{1.2, 7 * time.Second},
	{1.6, 15 * time.Second},
	{math.Inf(1), longestInterval},
}

const (
	shortestInterval = 5 * time.Second
	longestInterval  = 30 * time.Second
	// firstInterval is for what fails soon after the start of a deployment whose length is known.
	firstInterval = 10 * time.Second
)

// PollInterval is how long to wait between two requests for the statuses of clusters when a deployment was asked for some
// time ago and the last one took so long. Without a last one, the interval is a fraction of the time since the request.
func PollInterval(elapsed, last time.Duration) time.Duration {
	if last <= 0 {
		return min(max(shortestInterval, elapsed/20), longestInterval)
	}
	soon := max(firstInterval, elapsed/3)
	for _, row := range newsLikely {
		if elapsed.Seconds() < row.until*last.Seconds() {
			return min(soon, row.interval)
		}
	}
	return longestInterval
}

// watch is a deployment to wait for: when it was requested, and how long the last one took.
type watch struct {
	began time.Time
	last  time.Duration
}

// interval is how long the watch can wait for the request after one that was sent at a time.
func (w watch) interval(sent time.Time) time.Duration { return PollInterval(sent.Sub(w.began), w.last) }

// deploymentTook is how long the last rotation waited for its clusters; 0 when there was none.
func deploymentTook(r *Record) time.Duration {
	if r == nil || r.RotatedAt.IsZero() || r.DeployedAt.IsZero() {
		return 0
	}
	return r.DeployedAt.Sub(r.RotatedAt)
}
