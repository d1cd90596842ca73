package rotation

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// statusReader answers with the statuses of all clusters of an organization as they are after the call began.
type statusReader interface {
	read(ctx context.Context, organizationID string) ([]ClusterStatus, error)
}

// statusBoard reads cluster statuses for every rotation of the process: however many wait, an organization is asked when the
// first of them wants to know, and one answer serves all who were waiting when the request was sent.
type statusBoard struct {
	qovery Qovery
	clock  Clock
	// interval is fixed for all if it is set. Otherwise it depends on the deployment that each one waits for.
	interval time.Duration

	mu            sync.Mutex
	organizations map[string]*organizationStatuses
}

// organizationStatuses is what the board has of one organization.
type organizationStatuses struct {
	mu       sync.Mutex
	asking   bool            // a request is under way
	news     context.Context // is done when the next request has ended
	announce context.CancelFunc
	requests int // sent so far
	sentAt   time.Time
	interval time.Duration // that came before the last request
	floor    time.Duration // the shortest interval that the budget allows
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

// pace is the shortest interval after an answer. It compares Qovery's times only with each other.
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

// outageReports is how often an outage is reported again.
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
	setback(ctx, "the statuses of the clusters cannot be read; deployments continue", "attempt", o.requests,
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

// await reads for a caller that waits for a deployment. Each caller sleeps until its own next request is due. The first to wake up
// asks for all, so that the shortest interval decides.
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

// begin notes a request that is going to be sent.
func (o *organizationStatuses) begin(now time.Time, interval time.Duration) (request int) {
	o.asking, o.sentAt, o.interval = true, now, interval
	o.requests++
	return o.requests
}

// rest waits for the answer to a request that is under way, or else for a time, and no longer than until there is news.
func (b *statusBoard) rest(ctx, news context.Context, asking bool, wait time.Duration) {
	ctx, wake := context.WithCancel(ctx)
	defer wake()
	defer context.AfterFunc(news, wake)()
	if asking {
		<-ctx.Done()
		return
	}
	_ = b.clock.Sleep(ctx, wait) // await looks why it ended.
}

// ask sends a request and wakes up all who wait.
func (b *statusBoard) ask(ctx context.Context, organizationID string, o *organizationStatuses, request int) ([]ClusterStatus, error) {
	statuses, err := b.qovery.ClusterStatuses(ctx, organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.announce() // the news that was awaited until here
	o.asking = false
	askedAt, now := o.sentAt, b.clock.Now()
	if now.Sub(o.sentAt) > cmp.Or(o.interval, shortestInterval) {
		// The port repeated the request, the last time just now perhaps.
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

// recent returns what the rotations that wait at present read last, if any do.
func (b *statusBoard) recent(organizationID string) ([]ClusterStatus, bool) {
	o := b.organization(organizationID)
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.statuses, o.answered > 0 && b.clock.Now().Sub(o.askedAt) < 2*max(o.interval, shortestInterval)
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
