package rotation

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Config has the ports and the settings of a [Rotator].
type Config struct {
	IAM    IAM
	Qovery Qovery
	Clock  Clock
	// PollInterval is how often the statuses of an organization's clusters are read while a deployment runs. If it is zero, the
	// function [PollInterval] chooses the interval.
	PollInterval time.Duration
	// LastUseDelay is how late AWS may report the use of a key.
	LastUseDelay time.Duration
	// VerifyServices tries a new key with IAM and EC2 too, and not only with STS.
	VerifyServices bool
	// CompromisedAccessKeyIDs are keys that leaked.
	CompromisedAccessKeyIDs []string
}

// Rotator rotates access keys and retires them. It is safe for concurrent use. A process needs only one: it reads everything for
// plans once, and its rotations of an IAM user take turns.
type Rotator struct {
	iam            IAM
	qovery         Qovery
	clock          Clock
	interval       time.Duration
	lastUseDelay   time.Duration
	verifyServices bool
	compromised    []string
	statuses       *statusBoard
	reads          *reads // of refreshes and plans
	questions      *reads // of changes
	users          turns
}

// New returns a Rotator.
func New(config Config) *Rotator {
	return &Rotator{
		iam:            config.IAM,
		qovery:         config.Qovery,
		clock:          config.Clock,
		interval:       config.PollInterval,
		lastUseDelay:   config.LastUseDelay,
		verifyServices: config.VerifyServices,
		compromised:    config.CompromisedAccessKeyIDs,
		statuses:       newStatusBoard(config.Qovery, config.Clock, config.PollInterval),
		reads:          newReads(true),
		questions:      newReads(false),
		users:          turns{held: map[string]chan struct{}{}},
	}
}

// Now is AWS's time. Every decision and every recorded time uses this clock, because the run that retires a key is usually on
// another machine than the run that created it.
func (r *Rotator) Now() time.Time { return r.clock.Now().Add(r.iam.ClockOffset()) }

// IsCompromised reports whether a key is listed as compromised.
func (r *Rotator) IsCompromised(accessKeyID string) bool {
	return slices.Contains(r.compromised, accessKeyID)
}

// detach returns a context that a canceled apply does not end, with a time limit of its own.
func (r *Rotator) detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return r.clock.WithTimeout(context.WithoutCancel(ctx), limit)
}

// turns lets one rotation at a time work on an IAM user. So rotations of one process need not wait until a journal is old.
type turns struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// take waits for the turn on a user. The caller ends the turn with release.
func (t *turns) take(ctx context.Context, userName string) (release func(), err error) {
	t.mu.Lock()
	turn := t.held[userName]
	if turn == nil {
		turn = make(chan struct{}, 1)
		t.held[userName] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
