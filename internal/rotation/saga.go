package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// preCutoverLimit is the time from the first change to the cutover. A rotation that needs longer is rolled back.
	preCutoverLimit = 90 * time.Second
	// changeLimit bounds one request that changes something before the cutover.
	changeLimit = 20 * time.Second
	// finishLimit bounds what is finished or rolled back even if the apply is canceled.
	finishLimit = time.Minute
	// retryInterval is the pause before an unclear answer is read back.
	retryInterval = 2 * time.Second
)

// errOutdated means that another run has written the journal since the snapshot was taken.
var errOutdated = errors.New("another run has written the journal since it was read")

// errKeyLost means that IAM may have created a key, and that the answer with its secret was lost.
var errKeyLost = errors.New("an access key may exist whose secret is lost")

// attempt is a rotation up to its cutover. Only an attempt has the secret of the new key.
type attempt struct {
	r  *Rotator
	in Intent
	s  *Snapshot
	d  Decision
	// journal is the last entry, and written are all entries, as text.
	journal Journal
	written []string
	key     NewAccessKey
	// keyLost is true while a key may exist that only the journal explains.
	keyLost bool
	// madePlace is true when the user's other key is deleted.
	madePlace bool
	// unclear is true from the first request to store the key in Qovery on whose answer was unclear: it may have taken effect, or
	// may still do so.
	unclear bool
	// served are the holders that have the new key.
	served []Holder
}

// sagaStep is one step to the cutover. It is announced in the journal before it is taken, so that a run that finds the rotation
// dead knows what may have happened.
type sagaStep struct {
	announce func(context.Context) error
	do       func(context.Context) error
}

// steps lead to the cutover. If one fails, [attempt.rollBack] deletes the new key. Only the key that made the place stays
// deleted.
func (a *attempt) steps() []sagaStep {
	return []sagaStep{
		{a.announceNothing, a.checkUpToDate},
		{a.announcePlace, a.makePlace},
		{a.announceKey, a.create},
		{a.announceVerification, a.verify},
		{a.announceNothing, a.repair},
		{a.announceNothing, a.cutOver}, // Both write their entries themselves, right before their requests.
	}
}

// replaceKey takes the steps to the cutover, and then gives the new key to the other holders. A failure before the cutover is
// rolled back.
func (r *Rotator) replaceKey(ctx context.Context, in Intent, s *Snapshot, d Decision) (*change, error) {
	limited, cancel := r.clock.WithTimeout(ctx, preCutoverLimit)
	defer cancel()
	a := &attempt{r: r, in: in, s: s, d: d, journal: d.Rotation}
	for _, step := range a.steps() {
		err := step.announce(limited)
		if err == nil {
			err = step.do(limited)
		}
		if err != nil {
			if !a.unclear {
				err = endOfTime(ctx, limited, err)
			}
			return nil, a.rollBack(ctx, err)
		}
	}
	c := &change{s: s, journal: a.journal, createdAt: a.key.CreatedAt, written: true}
	c.served, c.stale, c.refusals = a.propagate(ctx)
	return c, nil
}

// problem is a failure before the cutover. [attempt.rollBack] adds the state of AWS and Qovery.
func (a *attempt) problem(summary, cause string, err error) *Problem {
	return &Problem{Summary: summary, Cause: cause, Advice: adviceAfter(err), Err: err}
}

// write writes an entry of the journal. The port may repeat the request, because setting a tag is idempotent.
func (a *attempt) write(ctx context.Context, stage Stage, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.journal.Stage, a.journal.To, a.journal.At = stage, to, a.r.Now()
	a.written = append(a.written, a.journal.String())
	detached, cancel := a.r.detach(ctx, changeLimit)
	defer cancel()
	if err := a.r.writeJournal(detached, a.s.User.Name, a.journal); err != nil {
		return a.problem(SummaryJournal, fmt.Sprintf("The journal of the rotation, tag %q of IAM user %q, could not be written.",
			journalTagKey(a.journal.CredentialsID), a.s.User.Name), err)
	}
	return ctx.Err() // If the process stood still, another run may have taken it for dead and deleted its key.
}

func (a *attempt) announceNothing(context.Context) error { return nil }

// checkUpToDate checks that the journal is the one of the snapshot. If the process stood still since then, another run may have
// made a whole rotation, and the first entry of this one would overwrite its journal.
func (a *attempt) checkUpToDate(ctx context.Context) error {
	found, _, err := a.readJournal(ctx)
	if err != nil {
		return err
	}
	if !sameJournal(found, a.s.Journal) {
		return otherRun(a.s.User.Name, errOutdated)
	}
	return nil
}

// sameJournal reports whether two journals are the same entry. Both may be nil.
func sameJournal(a, b *Journal) bool {
	return a == nil && b == nil || a != nil && b != nil && a.String() == b.String()
}

// announcePlace records the key that is deleted for its place. An orphan is recorded as the new key of this rotation, so that
// it is explained until it is deleted.
func (a *attempt) announcePlace(ctx context.Context) error {
	switch {
	case a.d.Place == nil:
		return nil
	case a.d.Place.reason == ReasonOrphan:
		a.keyLost = true
		return a.write(ctx, StageVerifying, a.d.Place.accessKeyID)
	default:
		return a.write(ctx, StageCreating, "")
	}
}

// makePlace deletes the user's other key. A key that was in use is made Inactive first, so that an interruption in between
// leaves a change that can be undone.
func (a *attempt) makePlace(ctx context.Context) error {
	if a.d.Place == nil {
		return nil
	}
	if a.d.Place.reason != ReasonOrphan {
		if err := a.r.deactivate(ctx, *a.d.Place); err != nil && !errors.Is(err, ErrNotFound) {
			return a.problem(SummaryRetire, "Access key "+a.d.Place.accessKeyID+" could not be deactivated.", err)
		}
	}
	if err := a.r.delete(ctx, *a.d.Place); err != nil {
		return a.problem(SummaryRetire, "Access key "+a.d.Place.accessKeyID+" could not be deleted.", err)
	}
	a.keyLost, a.madePlace = false, true
	warn(a.in.Warn, keyDeleted(*a.d.Place, a.r.Now()))
	return nil
}

func (a *attempt) announceKey(ctx context.Context) error { return a.write(ctx, StageCreating, "") }

// create asks for the key, and again only if IAM throttled the request. If the answer is lost, the secret is lost too. A key that
// was created is then deleted as an orphan when this rotation is certainly dead.
func (a *attempt) create(ctx context.Context) error {
	step(ctx, "creating an access key", "from", a.journal.From)
	for n := 1; ; n++ {
		once, cancel := a.r.detach(ctx, changeLimit)
		key, err := a.r.iam.CreateAccessKey(once, a.s.User.Name)
		cancel()
		if err == nil {
			a.key = key
			return nil
		}
		setback(ctx, "the request for an access key failed", "attempt", n, "error", err.Error())
		switch {
		case errors.Is(err, ErrLimitExceeded):
			return a.crowdedOut(ctx, err)
		case !IsDefinite(err):
			a.keyLost = true
			return a.problem(SummaryCreateKey, fmt.Sprintf("It is unknown whether IAM created an access key for user %q. Its answer was lost or unclear.",
				a.s.User.Name),
				errors.Join(err, errKeyLost, ctx.Err()))
		case !errors.Is(err, ErrThrottled):
			return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not create an access key for user %q.", a.s.User.Name), err)
		}
		if waitErr := a.r.clock.Sleep(ctx, retryInterval); waitErr != nil {
			return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not create an access key for user %q within the time limit.", a.s.User.Name),
				errors.Join(err, waitErr))
		}
	}
}

// crowdedOut explains why there is no place for a key although the snapshot had one. Another run, or a person, was faster.
func (a *attempt) crowdedOut(ctx context.Context, limit error) error {
	if _, owned, err := a.readJournal(ctx); err == nil && !owned {
		return otherRun(a.s.User.Name, nil)
	}
	return a.problem(SummaryCreateKey, fmt.Sprintf("Somebody else created a second access key for IAM user %q at this moment. "+
		"An IAM user can have two access keys.", a.s.User.Name), limit)
}

// readJournal reads the journal and reports whether this attempt wrote it.
func (a *attempt) readJournal(ctx context.Context) (found *Journal, owned bool, err error) {
	user, err := a.r.iam.User(ctx, a.s.User.Name)
	if err != nil {
		return nil, false, err
	}
	found, _, err = journalsOf(user, a.journal.CredentialsID)
	if err != nil {
		return nil, false, otherRun(a.s.User.Name, err)
	}
	return found, found != nil && slices.Contains(a.written, found.String()), nil
}

// confirm makes sure, right before Qovery is given the key, that no other run has taken over and that the key exists.
func (a *attempt) confirm(ctx context.Context) error {
	var (
		found *Journal
		owned bool
	)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		found, owned, err = a.readJournal(gctx)
		return err
	})
	group.Go(func() error { return a.checkKeyThere(gctx) })
	if err := group.Wait(); err != nil || owned {
		return err
	}
	if found != nil && found.To != "" && !sameJournal(found, a.s.Journal) {
		return otherRun(a.s.User.Name, nil)
	}
	// The journal is gone, names no key, or is the one from before. So another run overwrote this run's entry, and lost the race: this
	// run has the user's second key. If that run had taken this one for dead, it would have deleted the key before it wrote such an entry.
	return a.checkKeyThere(ctx)
}

// checkKeyThere checks that the new key exists and is Active.
func (a *attempt) checkKeyThere(ctx context.Context) error {
	keys, err := a.r.iam.AccessKeys(ctx, a.s.User.Name)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(key AccessKey) bool { return key.ID == a.key.ID && key.Active }) {
		return a.problem(SummaryVerification, fmt.Sprintf("Somebody deleted or deactivated the new access key %s.", a.key.ID), nil)
	}
	return nil
}

// rollBack deletes the new key and restores the journal, if it is certain that Qovery does not have the key. It adds the state
// of AWS and Qovery to the error.
func (a *attempt) rollBack(ctx context.Context, cause error) error {
	problem := AsProblem(cause)
	ctx, cancel := a.r.detach(ctx, finishLimit)
	defer cancel()
	holds := a.journal.From
	if a.key.ID != "" {
		s, stays, err := a.compensate(ctx)
		if stays != "" {
			setback(ctx, "the new access key was not deleted", "access_key_id", a.key.ID, "reason", stays)
			problem.World = newKeyStays(a.key.ID, a.s.User.Name, stays)
			problem.Err = errors.Join(problem.Err, err)
			return problem
		}
		if s.Set != nil {
			holds = s.Set.AccessKeyID
		}
		step(ctx, "rolled back", "access_key_id", holds)
	}
	problem.World = a.worldAfter(holds)
	if a.keyLost {
		return problem
	}
	if _, owned, err := a.readJournal(ctx); err != nil || owned {
		if err == nil {
			err = a.restoreJournal(ctx)
		}
		problem.Err = errors.Join(problem.Err, err)
	}
	return problem
}

// compensate deletes the key that this attempt created. It returns the snapshot from before, or the reason why the key stays.
func (a *attempt) compensate(ctx context.Context) (s *Snapshot, stays string, err error) {
	if s, err = a.r.fresh().read(ctx, a.in.Target, "", ScopeAll); err != nil {
		return nil, "It could not be read whether Qovery holds it.", err
	}
	permit, problem := MayDelete(a.r.Now(), Deletion{
		AccessKeyID: a.key.ID, UserName: a.s.User.Name, Reason: ReasonCompensated, Unclear: a.unclear,
	}, s)
	if problem != nil {
		return nil, problem.Cause, nil
	}
	step(ctx, "rolling back", "access_key_id", a.key.ID)
	if err := a.r.delete(ctx, permit); err != nil {
		return nil, "Qovery does not hold it, but it could not be deleted.", err
	}
	return s, "", nil
}

// restoreJournal writes the journal from before the attempt again if it explains stale holders or the user's other key, or says
// that a rotation is not complete. Otherwise it removes the journal.
func (a *attempt) restoreJournal(ctx context.Context) error {
	j := a.s.Journal
	if j != nil && (len(a.d.Stale) > 0 || j.cutOver() && (!a.madePlace || j.Stage != StageDeployed)) {
		return a.r.writeJournal(ctx, a.s.User.Name, *j)
	}
	return a.r.iam.UntagUser(ctx, a.s.User.Name, journalTagKey(a.journal.CredentialsID))
}
