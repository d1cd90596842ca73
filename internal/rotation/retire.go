package rotation

import (
	"context"
	"errors"
	"time"
)

// deploymentInterval is how often a waiting retirement checks whether a deployment has ended.
const deploymentInterval = time.Minute

// errKeyGone means that the key was there a moment ago, and that somebody has deleted it since then. [Rotator.find] proves it.
var errKeyGone = errors.New("the access key is not there any more")

// Retirement asks for the retirement of a key.
type Retirement struct {
	// Target is the owner of the key, and the credentials to check before it is deleted. Its user name is required.
	Target
	// AccessKeyID is the key. It is empty if there is none yet.
	AccessKeyID string
	// DeleteAfter is the end of the drain window. It is zero if that is not known yet.
	DeleteAfter time.Time
	// QuarantineWindow is how long the key is Inactive before it is deleted.
	QuarantineWindow time.Duration
	// DeactivatedAt is when a run made the key Inactive. It is zero if none did.
	DeactivatedAt time.Time
	// AllowRecentUse retires the key although somebody used it after DeleteAfter.
	AllowRecentUse bool
	// AllowRunningDeployments retires the key although a deployment that began before DeleteAfter still runs.
	AllowRunningDeployments bool
	// IgnoredHolders are ids of holders that may keep the key.
	IgnoredHolders []string
	// Hold keeps the key unless it leaked, and makes an Inactive one Active again. Released is true if Hold was set until now.
	Hold, Released bool
	// NoQuarantine keeps a key from beginning its quarantine, because no later run would end that.
	NoQuarantine bool
	// Warn receives warnings for users. It may be nil.
	Warn func(*Problem)

	lastUseDelay time.Duration
	compromised  bool
}

// RetirementOutcome is how far a retirement got.
type RetirementOutcome struct {
	Status                   Status
	DeactivatedAt, DeletedAt time.Time
	NextActionAt             time.Time
	// UserARN is the ARN of the user that has, or had, the key.
	UserARN string
}

// outcome is the outcome of a retirement in a stage.
func (t Retirement) outcome(stage Stage) RetirementOutcome {
	return RetirementOutcome{Status: stage.Status(), DeactivatedAt: t.DeactivatedAt, NextActionAt: t.nextActionAt(stage), UserARN: t.UserARN}
}

// deletion is what a retirement asks [MayDelete] for.
func (t Retirement) deletion() Deletion {
	reason := ReasonRetired
	if t.compromised {
		reason = ReasonCompromised
	}
	return Deletion{
		AccessKeyID: t.AccessKeyID, UserName: t.UserName, Reason: reason, DeleteAfter: t.DeleteAfter, RetireAt: t.retireAt(),
		AllowRecentUse: t.AllowRecentUse, AllowRunningDeployments: t.AllowRunningDeployments, Ignored: t.IgnoredHolders,
	}
}

// RefreshRetirement returns the present outcome of a retirement, by its key, the clock, and the journal if the key is held. It
// never returns that a key is deleted, because that is final. A key that AWS does not show is due, and the next apply finds out
// why.
func (r *Rotator) RefreshRetirement(ctx context.Context, t Retirement) (RetirementOutcome, error) {
	t.lastUseDelay, t.compromised = r.lastUseDelay, r.IsCompromised(t.AccessKeyID)
	if t.isIdle() {
		return t.outcome(StageNone), nil
	}
	w := r.cached()
	s, err := w.read(ctx, t.Target, "", ScopeKeys)
	if err != nil {
		return RetirementOutcome{}, err
	}
	key := s.key(t.AccessKeyID)
	switch {
	case key == nil:
		return t.outcome(StageDrained), nil
	case t.UserARN == "":
		user, err := w.iam.User(ctx, t.UserName)
		if err != nil {
			return RetirementOutcome{}, err
		}
		t.UserARN = user.ARN
	}
	stage := t.stageAt(r.Now(), &key.AccessKey)
	if stage == StageHeld {
		// If somebody removed the journal, the hold was removed with it. The next apply records it again.
		entry, err := w.holdEntry(ctx, t, r.Now())
		if err != nil {
			return RetirementOutcome{}, err
		}
		if entry != nil {
			stage = StageDrained
		}
	}
	return t.outcome(stage), nil
}

// FindAccessKey reports for a refresh whether the user's list has a key.
func (r *Rotator) FindAccessKey(ctx context.Context, userName, accessKeyID string) (bool, error) {
	s, err := r.cached().read(ctx, Target{UserName: userName}, "", ScopeKeys)
	if err != nil {
		return false, err
	}
	return s.key(accessKeyID) != nil, nil
}

// Retire takes every step of a retirement that can be taken now. With wait it returns when the key is deleted, or with an error
// if that would exceed the timeout. With an error, the outcome has the progress.
func (r *Rotator) Retire(ctx context.Context, t Retirement, wait bool, timeout time.Duration) (RetirementOutcome, error) {
	ctx, cancel := r.withJob(ctx, t.Target, timeout)
	defer cancel()
	defer r.reads.forget()
	t.lastUseDelay, t.compromised = r.lastUseDelay, r.IsCompromised(t.AccessKeyID)
	outcome, err := r.retire(ctx, &t, wait, timeout)
	if err != nil {
		problem := retirementStopped(t, err)
		setback(ctx, "the cleanup stopped", "access_key_id", t.AccessKeyID, "problem", problem.Summary)
		return outcome, problem
	}
	return outcome, nil
}

func (r *Rotator) retire(ctx context.Context, t *Retirement, wait bool, timeout time.Duration) (RetirementOutcome, error) {
	if t.isIdle() {
		return t.outcome(StageNone), nil
	}
	deadline := r.clock.Now().Add(timeout)
	// Before the key is read, the stage is determined by the time alone.
	stage := t.stageAt(r.Now(), &AccessKey{Active: t.DeactivatedAt.IsZero()})
	for {
		key, err := r.find(ctx, t)
		if err != nil {
			return t.outcome(stage), err
		}
		if key == nil {
			return r.retired(ctx, *t), nil
		}
		if t.holds() || t.Released {
			err := r.hold(ctx, t, key)
			if errors.Is(err, errKeyGone) {
				if err = r.clock.Sleep(ctx, retryInterval); err == nil {
					continue
				}
			}
			if err != nil || t.holds() {
				return t.outcome(t.stageAt(r.Now(), key)), err
			}
		}
		now := r.Now()
		stage = t.stageAt(now, key)
		if gone := t.goneAt(now, key); wait && gone.Sub(now) > deadline.Sub(r.clock.Now()) {
			return t.outcome(stage), waitTooLong(*t, gone, timeout)
		}
		if stage != StageDrained || t.leaves(key) {
			if !wait || t.leaves(key) {
				return t.outcome(stage), nil
			}
			if err := r.awaitStep(ctx, *t, stage); err != nil {
				return t.outcome(stage), err
			}
			continue
		}
		done, err := r.retireNow(ctx, t, key)
		stage = t.stageAt(r.Now(), key)
		pause := time.Duration(0)
		switch {
		case errors.Is(err, errKeyGone):
			pause = retryInterval
		case wait && IsProblem(err, SummaryStillDeploying):
			step(ctx, "waiting for a deployment that may use the access key", "access_key_id", t.AccessKeyID, "deployment", AsProblem(err).Cause)
			pause = deploymentInterval
		case err != nil:
			return t.outcome(stage), err
		case done:
			return r.retired(ctx, *t), nil
		}
		if err := r.clock.Sleep(ctx, pause); err != nil {
			return t.outcome(stage), err
		}
	}
}

// awaitStep waits until the next step of a retirement is due.
func (r *Rotator) awaitStep(ctx context.Context, t Retirement, stage Stage) error {
	until := t.nextActionAt(stage)
	step(ctx, "waiting until the access key can be retired", "access_key_id", t.AccessKeyID, "status", string(stage.Status()),
		"until", until.Format(time.RFC3339))
	return r.clock.Sleep(ctx, until.Sub(r.Now()))
}

// leaves reports whether NoQuarantine keeps a key as it is.
func (t Retirement) leaves(key *AccessKey) bool {
	return t.NoQuarantine && t.QuarantineWindow > 0 && !t.quarantined(key)
}

// beginsQuarantine reports whether the next step makes the key Inactive. If somebody else or a dead run made it Inactive, its
// quarantine begins now, because it is not known since when it is Inactive.
func (t Retirement) beginsQuarantine(key *AccessKey) bool {
	return key.Active || t.QuarantineWindow > 0 && t.DeactivatedAt.IsZero()
}

// retireNow takes the steps that are due, right after a fresh snapshot. It updates the retirement and its key.
func (r *Rotator) retireNow(ctx context.Context, t *Retirement, key *AccessKey) (done bool, err error) {
	if t.compromised && t.beginsQuarantine(key) {
		if err := r.stop(ctx, t, key); err != nil || t.QuarantineWindow > 0 {
			return false, err
		}
	}
	s, err := r.readAgain(ctx, t, ScopeAll)
	if err != nil {
		return false, err
	}
	permit, problem := MayDelete(r.Now(), t.deletion(), s)
	if problem != nil {
		return false, problem
	}
	if t.beginsQuarantine(key) {
		if err := r.beginQuarantine(ctx, t, key, permit); err != nil {
			return false, err
		}
		if t.QuarantineWindow > 0 {
			warn(t.Warn, keyDeactivated(permit, t.DeactivatedAt))
			return false, nil
		}
	}
	if err := r.delete(ctx, permit); err != nil {
		return false, err
	}
	warn(t.Warn, keyDeleted(permit, r.Now()))
	return true, nil
}

// stop makes a leaked key Inactive, whether or not it can be deleted.
func (r *Rotator) stop(ctx context.Context, t *Retirement, key *AccessKey) error {
	s, err := r.readAgain(ctx, t, ScopeHolders)
	if err != nil {
		return err
	}
	permit, problem := MayStop(r.Now(), t.deletion(), s)
	if problem != nil {
		return problem
	}
	if err := r.beginQuarantine(ctx, t, key, permit); err != nil {
		return err
	}
	warn(t.Warn, compromisedStopped(permit, s, t.DeactivatedAt))
	return nil
}

// readAgain reads what the decision about a key needs. Another cleanup of the same key may run in the same apply.
func (r *Rotator) readAgain(ctx context.Context, t *Retirement, scope Scope) (*Snapshot, error) {
	s, err := r.fresh().read(ctx, t.Target, "", scope)
	if err == nil && s.key(t.AccessKeyID) == nil {
		return nil, errKeyGone
	}
	return s, err
}

// beginQuarantine makes a key Inactive.
func (r *Rotator) beginQuarantine(ctx context.Context, t *Retirement, key *AccessKey, permit Permit) error {
	if err := r.deactivate(ctx, permit); err != nil {
		return goneIfNotFound(err)
	}
	t.DeactivatedAt, key.Active = r.Now(), false
	return nil
}

// goneIfNotFound is the error of a request that changes the key.
func goneIfNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return errKeyGone
	}
	return err
}

// find returns the key as its user's list shows it, or nil if it is certainly deleted. "Not found" and "denied" alone are never
// proof, because another account answers the same. The account is proven by the state, or else by Qovery's current key in the
// same list. Qovery is read only in the second case, so that a failure of Qovery does not block the end of a retirement.
func (r *Rotator) find(ctx context.Context, t *Retirement) (*AccessKey, error) {
	s, w := &Snapshot{}, r.fresh()
	if err := w.checkAccount(ctx, t.Target); err != nil {
		return nil, err
	}
	if err := w.readUser(ctx, s, t.UserName, t.UserARN == ""); err != nil {
		return nil, err
	}
	if key := s.key(t.AccessKeyID); key != nil {
		if t.UserARN == "" {
			t.UserARN = s.User.ARN
		}
		return &key.AccessKey, nil
	}
	if err := r.checkOwner(ctx, *t); err != nil || t.UserARN != "" {
		return nil, err
	}
	sets, err := w.qovery.Credentials(ctx, t.OrganizationID)
	if err != nil {
		return nil, notRead(t.Target, err)
	}
	if set := setOf(sets, t.CredentialsID); set != nil && set.AccessKeyID != t.AccessKeyID && s.key(set.AccessKeyID) != nil {
		return nil, nil
	}
	account, err := r.iam.Account(ctx)
	if err != nil {
		return nil, err
	}
	return nil, keyNotFound(*t, account)
}

// checkOwner checks that no other user has the key, because the name may be wrong and a user can be renamed. An answer without an
// owner proves nothing.
func (r *Rotator) checkOwner(ctx context.Context, t Retirement) error {
	use, err := r.iam.AccessKeyLastUse(ctx, t.AccessKeyID)
	switch {
	case errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden):
		return nil
	case err == nil && use.UserName != t.UserName:
		return keyOfAnotherUser(t, use.UserName)
	}
	return err
}

// retired ends a retirement. It removes the journals, which explained why the key existed.
func (r *Rotator) retired(ctx context.Context, t Retirement) RetirementOutcome {
	step(ctx, "the access key is deleted", "access_key_id", t.AccessKeyID)
	r.dropJournals(ctx, t)
	outcome := t.outcome(StageDeleted)
	outcome.DeletedAt = r.Now()
	return outcome
}

// dropJournals removes the journals of the rotations that replaced a key, unless they explain older keys too, or are not
// complete: a compromised key is deleted before that. A journal that cannot be removed is harmless.
func (r *Rotator) dropJournals(ctx context.Context, t Retirement) {
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	user, err := r.iam.User(ctx, t.UserName)
	if err != nil {
		return
	}
	own, others, _ := journalsOf(user, t.CredentialsID)
	for _, j := range (&Snapshot{Journal: own, OtherJournals: others}).journals() {
		if j.From != t.AccessKeyID || len(j.Before) > 0 || j.Stage != StageDeployed {
			continue
		}
		if err := r.iam.UntagUser(ctx, t.UserName, journalTagKey(j.CredentialsID)); err != nil {
			setback(ctx, "the journal of a complete rotation could not be removed; this has no effect", "error", err.Error())
		}
	}
}
