package rotation

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// statusReader reads the statuses of all clusters of an organization.
type statusReader interface {
	read(ctx context.Context, organizationID string) ([]ClusterStatus, error)
}

// statusBoard reads cluster statuses for all rotations of the process. It asks an organization when the first of them needs it.
// All that wait when the request is sent share the answer, so nobody gets a status that is older than the question.
type statusBoard struct {
	qovery Qovery
	clock  Clock
	// interval is fixed if it is set. Otherwise the interval depends on the deployment that a rotation waits for.
	interval time.Duration

	mu            sync.Mutex
	organizations map[string]*organizationStatuses
}

// organizationStatuses is what the board has about one organization.
type organizationStatuses struct {
	mu       sync.Mutex
	asking   bool            // a request is under way
	news     context.Context // done when the next request has ended
	announce context.CancelFunc
	requests int // sent so far
	sentAt   time.Time
	interval time.Duration // before the last request
	floor    time.Duration // the shortest interval that the budget allows
	statuses []ClusterStatus
	answered int // the request that statuses are from, which was sent at askedAt
	askedAt  time.Time
	outage   outage
}

const (
	// budgetPeriod is the longest time until the API allows more requests.
	budgetPeriod = time.Hour
	// statusShare is the divisor for the requests that are left: statuses may use every second one. The rest is for everything else,
	// and for others with the same token.
	statusShare = 2
)

// paced is the given interval, or a longer one if statuses would use more than their share of the requests that are left until
// the API allows more.
func paced(interval time.Duration, left int, untilReset time.Duration) time.Duration {
	return max(interval, untilReset/time.Duration(max(left/statusShare, 1)))
}

// pace is the shortest interval that the budget allows after an answer. It compares Qovery's times only with each other.
func (b *statusBoard) pace(statuses []ClusterStatus) time.Duration {
	left, resetsAt, known := b.qovery.Budget()
	if !known {
		return 0
	}
	untilReset := budgetPeriod
	if len(statuses) > 0 && !statuses[0].ReadAt.IsZero() && !resetsAt.IsZero() {
		untilReset = min(resetsAt.Sub(statuses[0].ReadAt), budgetPeriod)
	}
	return paced(0, left, untilReset)
}

// outageReports is the time between two reports of an outage.
const outageReports = time.Minute

// outage is a time in which every request for statuses fails. The zero value is none.
type outage struct {
	began, reported time.Time
	requests        int
}

// goesOn counts a request that failed, and reports the outage from time to time.
func (o *outage) goesOn(ctx context.Context, now time.Time, err error) {
	if o.requests++; o.requests == 1 {
		o.began = now
	}
	if o.requests > 1 && now.Sub(o.reported) < outageReports {
		return
	}
	o.reported = now
	setback(ctx, "the statuses of the clusters cannot be read; deployments continue", "attempt", o.requests,
		"since", o.began.Format(time.RFC3339), "error", err.Error())
}

// isOver ends the outage after a request that succeeded, and reports that.
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
		o = &organizationStatuses{}
		o.news, o.announce = context.WithCancel(context.Background())
		b.organizations[id] = o
	}
	return o
}

// read implements [statusReader], for a caller that does not wait for a certain deployment.
func (b *statusBoard) read(ctx context.Context, organizationID string) ([]ClusterStatus, error) {
	return b.await(ctx, organizationID, watch{began: b.clock.Now()})
}

// await reads for a caller that waits for a deployment. Each caller sleeps until its own next request is due. The first one
// that wakes up asks for all, so the shortest interval decides.
func (b *statusBoard) await(ctx context.Context, organizationID string, w watch) ([]ClusterStatus, error) {
	o := b.organization(organizationID)
	o.mu.Lock()
	seen := o.requests
	o.mu.Unlock()
	for {
		o.mu.Lock()
		if o.answered > seen {
			defer o.mu.Unlock()
			return o.statuses, nil
		}
		asking, news, now := o.asking, o.news, b.clock.Now()
		interval, wait := o.next(b.interval, w, now)
		if !asking && wait <= 0 {
			request := o.begin(now, interval)
			o.mu.Unlock()
			return b.ask(ctx, organizationID, o, request)
		}
		o.mu.Unlock()
		b.rest(ctx, news, asking, wait)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// next is the interval after the last request, and how much of it is left.
func (o *organizationStatuses) next(fixed time.Duration, w watch, now time.Time) (interval, wait time.Duration) {
	if o.sentAt.IsZero() {
		return fixed, 0
	}
	interval = max(cmp.Or(fixed, w.interval(o.sentAt)), o.floor)
	return interval, o.sentAt.Add(interval).Sub(now)
}

// begin records that a request is sent.
func (o *organizationStatuses) begin(now time.Time, interval time.Duration) (request int) {
	o.asking, o.sentAt, o.interval = true, now, interval
	o.requests++
	return o.requests
}

// rest waits for the answer to a request that is under way. Without one, it waits for a time, or until a request has ended.
func (b *statusBoard) rest(ctx, news context.Context, asking bool, wait time.Duration) {
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	defer context.AfterFunc(news, wake)()
	if asking {
		<-ctx.Done()
		return
	}
	_ = b.clock.Sleep(ctx, wait) // The caller checks why it ended.
}

// ask sends a request and wakes up all that wait.
func (b *statusBoard) ask(ctx context.Context, organizationID string, o *organizationStatuses, request int) ([]ClusterStatus, error) {
	statuses, err := b.qovery.ClusterStatuses(ctx, organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.announce() // wakes up those that wait for the present news, which is replaced below
	o.asking = false
	askedAt, now := o.sentAt, b.clock.Now()
	if now.Sub(o.sentAt) > cmp.Or(o.interval, shortestInterval) {
		// The port repeated the request, perhaps just now.
		o.sentAt = now
	}
	o.news, o.announce = context.WithCancel(context.Background())
	if err != nil {
		if ctx.Err() == nil {
			o.outage.goesOn(ctx, now, err)
		}
		return nil, err
	}
	o.outage.isOver(ctx, now)
	o.statuses, o.answered, o.askedAt, o.floor = statuses, request, askedAt, b.pace(statuses)
	return statuses, nil
}

// recent returns the last statuses that waiting rotations have read, and whether they are recent.
func (b *statusBoard) recent(organizationID string) ([]ClusterStatus, bool) {
	o := b.organization(organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.statuses, o.answered > 0 && b.clock.Now().Sub(o.askedAt) < 2*max(o.interval, shortestInterval)
}

// planStatuses reads statuses for plans. A plan changes nothing, so what waiting rotations have read is recent enough.
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
