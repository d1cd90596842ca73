// Package rotation is the job itself: it replaces the AWS access key that Qovery holds by a new one, sees to it that
// every cluster runs with the new key, and retires the old key when nothing needs it any more.
//
// It is free of Terraform, HTTP and the AWS SDK. What it needs of AWS and Qovery are the ports [IAM] and [Qovery]; what it
// decides are pure functions of what it observed ([Decide], [DecideRetirement]); what it does are the few methods of
// [Rotator] that change something.
package rotation

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Config is what a [Rotator] works with.
type Config struct {
	IAM    IAM
	Qovery Qovery
	Clock  Clock
	// PollInterval is how often the statuses of an organization's clusters are read while a deployment runs.
	PollInterval time.Duration
}

// Rotator rotates access keys and retires them. It is safe for concurrent use and meant to be one per process: what it
// reads for plans it reads once, and rotations of one IAM user take turns.
type Rotator struct {
	iam      IAM
	qovery   Qovery
	clock    Clock
	interval time.Duration
	statuses *statusBoard
	reads    *reads
	users    turns
	finished finished
}

// New returns a Rotator.
func New(config Config) *Rotator {
	return &Rotator{
		iam:      config.IAM,
		qovery:   config.Qovery,
		clock:    config.Clock,
		interval: config.PollInterval,
		statuses: newStatusBoard(config.Qovery, config.Clock, config.PollInterval),
		reads:    newReads(config.IAM, config.Qovery),
		users:    turns{held: map[string]chan struct{}{}},
		finished: finished{outcomes: map[string]Outcome{}},
	}
}

// Now is AWS's time. All decisions are taken, and all times recorded, on this one clock, because the run that retires a
// key is usually on another machine than the one that created it.
func (r *Rotator) Now() time.Time { return r.clock.Now().Add(r.iam.ClockOffset()) }

// turns lets one rotation at a time work on an IAM user.
type turns struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// take waits for the turn on a user; the caller gives it back by calling release.
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

// taken tells whether somebody has the turn on a user.
func (t *turns) taken(userName string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held[userName]) > 0
}

// finished remembers the rotations that this process brought to their end.
type finished struct {
	mu       sync.Mutex
	outcomes map[string]Outcome
	journals []finishedJournal
}

// finishedJournal is a journal that is not needed once Terraform has the state that the rotation ended with.
type finishedJournal struct{ userName, credentialsID, to string }

func (f *finished) add(outcome Outcome, credentialsID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outcomes[outcome.AccessKeyID] = outcome
	f.journals = append(f.journals, finishedJournal{outcome.UserName, credentialsID, outcome.AccessKeyID})
}

// by returns the rotation that created a key.
func (f *finished) by(accessKeyID string) (Outcome, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	outcome, ok := f.outcomes[accessKeyID]
	return outcome, ok
}

// Close removes the journals of the rotations that came to their end. It is for the end of the process: a journal that
// were removed any earlier would be missing if Terraform never got, or never saved, the state that tells the same.
// Whatever is left because of an error is recognized as finished and overwritten by the next rotation.
func (r *Rotator) Close(ctx context.Context) error {
	r.finished.mu.Lock()
	defer r.finished.mu.Unlock()
	errs := make([]error, len(r.finished.journals))
	var group sync.WaitGroup
	for i, journal := range r.finished.journals {
		group.Go(func() { errs[i] = r.closeJournal(ctx, journal) })
	}
	group.Wait()
	r.finished.journals = nil
	return errors.Join(errs...)
}

// closeJournal removes a journal, unless a later rotation has written over it.
func (r *Rotator) closeJournal(ctx context.Context, journal finishedJournal) error {
	user, err := r.iam.User(ctx, journal.userName)
	if err != nil {
		return err
	}
	if j, _, err := journalsOf(user, journal.credentialsID); err != nil || j == nil || j.To != journal.to {
		return err
	}
	return r.iam.UntagUser(ctx, journal.userName, journalTagKey(journal.credentialsID))
}
