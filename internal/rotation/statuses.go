package rotation

import (
	"context"
	"sync"
	"time"
)

// statusReader answers with the statuses of all clusters of an organization as they are after the call began.
type statusReader interface {
	read(ctx context.Context, organizationID string) ([]ClusterStatus, error)
}

// statusBoard reads cluster statuses for every rotation of the process: however many wait, an organization is asked at
// most once per interval, and one answer serves all who were waiting when the request was sent.
type statusBoard struct {
	qovery   Qovery
	clock    Clock
	interval time.Duration

	mu            sync.Mutex
	organizations map[string]*organizationStatuses
}

// organizationStatuses is what the board has of one organization. Whoever holds turn may send a request.
type organizationStatuses struct {
	turn chan struct{}

	mu       sync.Mutex
	interval time.Duration
	requests int // sent so far
	sentAt   time.Time
	statuses []ClusterStatus
	answered int // the request that statuses came with, and when it was sent
	askedAt  time.Time
	outage   outage
}

const (
	// budgetPeriod is the longest time until the API allows more requests.
	budgetPeriod = time.Hour
	// statusShare is the part of the requests that are left that statuses may use. The rest is for everything else, and for others
	// with the same token.
	statusShare = 2
)

// paced is how often statuses are read when so many requests are left until the API allows more: as often as is wanted, unless
// that would take more than a share of them.
func paced(interval time.Duration, left int, untilReset time.Duration) time.Duration {
	return max(interval, untilReset/time.Duration(max(left/statusShare, 1)))
}

// pace is how often to read statuses after an answer. It compares the times that Qovery tells with each other only.
func (b *statusBoard) pace(statuses []ClusterStatus) time.Duration {
	left, resetsAt, known := b.qovery.Budget()
	if !known {
		return b.interval
	}
	untilReset := budgetPeriod
	if len(statuses) > 0 && !statuses[0].ReadAt.IsZero() && !resetsAt.IsZero() {
		untilReset = min(resetsAt.Sub(statuses[0].ReadAt), budgetPeriod)
	}
	return paced(b.interval, left, untilReset)
}

// outageReports is how often it is reported that statuses still cannot be read.
const outageReports = time.Minute

// outage is the time in which no request for statuses succeeds; the zero value is none.
type outage struct {
	began, reported time.Time
	requests        int
}

// goesOn reports, now and then, that one more request failed.
func (o *outage) goesOn(ctx context.Context, now time.Time, err error) {
	if o.requests++; o.requests == 1 {
		o.began = now
	}
	if o.requests > 1 && now.Sub(o.reported) < outageReports {
		return
	}
	o.reported = now
	setback(ctx, "the statuses of the clusters cannot be read; deployments go on meanwhile", "attempt", o.requests,
		"since", o.began.Format(time.RFC3339), "error", err.Error())
}

// isOver reports that a request succeeded.
func (o *outage) isOver(ctx context.Context, now time.Time) {
	if o.requests > 0 {
		step(ctx, "the statuses of the clusters can be read again", "attempt", o.requests+1, "after", now.Sub(o.began).Round(time.Second).String())
	}
	*o = outage{}
}

func newStatusBoard(qovery Qovery, clock Clock, interval time.Duration) *statusBoard {
	return &statusBoard{qovery: qovery, clock: clock, interval: interval, organizations: map[string]*organizationStatuses{}}
}

func (b *statusBoard) organization(id string) *organizationStatuses {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.organizations[id]
	if o == nil {
		o = &organizationStatuses{turn: make(chan struct{}, 1), interval: b.interval}
		b.organizations[id] = o
	}
	return o
}

// read implements [statusReader].
func (b *statusBoard) read(ctx context.Context, organizationID string) ([]ClusterStatus, error) {
	o := b.organization(organizationID)
	o.mu.Lock()
	seen := o.requests
	o.mu.Unlock()

	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	statuses, answered, wait := o.since(seen, b.clock.Now())
	if answered {
		return statuses, nil
	}
	if wait > 0 {
		if err := b.clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	o.requests++
	request := o.requests
	o.sentAt = b.clock.Now()
	askedAt := o.sentAt
	o.mu.Unlock()
	statuses, err := b.qovery.ClusterStatuses(ctx, organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := b.clock.Now(); now.Sub(o.sentAt) > b.interval {
		// The port repeated the request, the last time just now perhaps.
		o.sentAt = now
	}
	if err != nil {
		if ctx.Err() == nil {
			o.outage.goesOn(ctx, b.clock.Now(), err)
		}
		return nil, err
	}
	o.outage.isOver(ctx, b.clock.Now())
	o.statuses, o.answered, o.askedAt, o.interval = statuses, request, askedAt, b.pace(statuses)
	return statuses, nil
}

// since returns the last answer if it came of a request after the one that was seen, and else the time until the next
// request may be sent.
func (o *organizationStatuses) since(seen int, now time.Time) ([]ClusterStatus, bool, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answered > seen {
		return o.statuses, true, 0
	}
	if o.sentAt.IsZero() {
		return nil, false, 0
	}
	return nil, false, o.sentAt.Add(o.interval).Sub(now)
}

// recent returns what the rotations that wait at present read last, if any do.
func (b *statusBoard) recent(organizationID string) ([]ClusterStatus, bool) {
	o := b.organization(organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.statuses, o.answered > 0 && b.clock.Now().Sub(o.askedAt) < 2*o.interval
}

// planStatuses reads statuses for plans, which decide nothing that changes anything: what waiting rotations have read is
// recent enough for them, and spares the API a request.
type planStatuses struct {
	board  *statusBoard
	qovery Qovery
}

func (p planStatuses) read(ctx context.Context, organizationID string) ([]ClusterStatus, error) {
	if statuses, ok := p.board.recent(organizationID); ok {
		return statuses, nil
	}
	return p.qovery.ClusterStatuses(ctx, organizationID)
}
