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

// organizationStatuses is what the board has of one organization. Its fields belong to whoever holds turn.
type organizationStatuses struct {
	turn chan struct{}

	mu       sync.Mutex
	requests int // sent so far

	sentAt   time.Time
	statuses []ClusterStatus
	answered int // the request that statuses came with
}

func newStatusBoard(qovery Qovery, clock Clock, interval time.Duration) *statusBoard {
	return &statusBoard{qovery: qovery, clock: clock, interval: interval, organizations: map[string]*organizationStatuses{}}
}

func (b *statusBoard) organization(id string) *organizationStatuses {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.organizations[id]
	if o == nil {
		o = &organizationStatuses{turn: make(chan struct{}, 1)}
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
	if o.answered > seen {
		return o.statuses, nil
	}
	if wait := o.sentAt.Add(b.interval).Sub(b.clock.Now()); !o.sentAt.IsZero() && wait > 0 {
		if err := b.clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	o.requests++
	request := o.requests
	o.mu.Unlock()
	o.sentAt = b.clock.Now()
	statuses, err := b.qovery.ClusterStatuses(ctx, organizationID)
	if err != nil {
		return nil, err
	}
	o.statuses, o.answered = statuses, request
	return statuses, nil
}

// directStatuses reads statuses without a board, for plans, which read them once.
type directStatuses struct{ qovery Qovery }

func (d directStatuses) read(ctx context.Context, organizationID string) ([]ClusterStatus, error) {
	return d.qovery.ClusterStatuses(ctx, organizationID)
}
