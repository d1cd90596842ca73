package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Retirement asks for a key to be retired.
type Retirement struct {
	// Target is whose key it is, and whom to ask before it goes. Its user name is required.
	Target
	// AccessKeyID is the key; empty when there is none yet.
	AccessKeyID string
	// DeleteAfter is the end of the drain window; zero when that is not known yet.
	DeleteAfter time.Time
	// QuarantineWindow is how long the key is Inactive before it is deleted.
	QuarantineWindow time.Duration
	// DeactivatedAt is when an earlier run made the key Inactive; zero if none did.
	DeactivatedAt time.Time
	// AllowRecentUse retires the key although somebody used it after DeleteAfter. UnusedFor does so when that is at least so
	// long ago; zero does not.
	AllowRecentUse bool
	UnusedFor      time.Duration
	// IgnoredHolders are ids of holders that may keep the key.
	IgnoredHolders []string
	// NoQuarantine leaves a key as it is that would have to begin its quarantine now: nobody would come back to delete it.
	NoQuarantine bool
	// KeepJournal leaves the journal of the rotation that replaced the key, because holders were left behind then.
	KeepJournal bool
}

// Status says where a key is on its way out.
type Status string

// The statuses of a key that is to be retired.
const (
	// StatusIdle is a retirement without a key or without a time.
	StatusIdle Status = "idle"
	// StatusDraining is a key that may still be in use.
	StatusDraining Status = "draining"
	// StatusDue is a key whose next step can be taken now.
	StatusDue Status = "due"
	// StatusQuarantined is a key that is Inactive and not deleted yet.
	StatusQuarantined Status = "quarantined"
	// StatusDeleted is a key that is gone.
	StatusDeleted Status = "deleted"
)

// StatusAt is the status of a retirement at a moment, for a key as the user's list shows it; nil when it is not there.
func (t Retirement) StatusAt(now time.Time, key *AccessKey) Status {
	switch {
	case t.AccessKeyID == "" || t.DeleteAfter.IsZero():
		return StatusIdle
	case key == nil:
		return StatusDeleted
	case now.Before(t.DeleteAfter):
		return StatusDraining
	case t.quarantined(key) && now.Before(t.quarantineEndsAt()):
		return StatusQuarantined
	default:
		return StatusDue
	}
}

func (t Retirement) quarantined(key *AccessKey) bool { return !key.Active && !t.DeactivatedAt.IsZero() }

func (t Retirement) quarantineEndsAt() time.Time { return t.DeactivatedAt.Add(t.QuarantineWindow) }

// goneAt is when the key can be gone at the earliest.
func (t Retirement) goneAt(now time.Time, key *AccessKey) time.Time {
	gone := now
	if t.DeleteAfter.After(gone) {
		gone = t.DeleteAfter
	}
	switch ends := t.quarantineEndsAt(); {
	case key == nil || !t.quarantined(key):
		return gone.Add(t.QuarantineWindow)
	case ends.After(gone):
		return ends
	default:
		return gone
	}
}

// NextActionAt is when the next step of a retirement in the given status can be taken; zero when there is none.
func (t Retirement) NextActionAt(status Status) time.Time {
	if status == StatusIdle || status == StatusDeleted {
		return time.Time{}
	}
	if ends := t.quarantineEndsAt(); !t.DeactivatedAt.IsZero() && ends.After(t.DeleteAfter) {
		return ends
	}
	return t.DeleteAfter
}

// RetirementStep is what a [DecideRetirement] comes to.
type RetirementStep int

// The steps of a retirement.
const (
	// RetirementWait waits for the end of the drain window or of the quarantine.
	RetirementWait RetirementStep = iota
	// RetirementDeactivate makes the key Inactive.
	RetirementDeactivate
	// RetirementDelete deletes the key.
	RetirementDelete
	// RetirementDone finds the key gone.
	RetirementDone
)

// RetirementObservation is the world as it was just before a step of a retirement.
type RetirementObservation struct {
	// Key is the key as the user's list shows it; nil when it is not there. Owner is who has it then, if anybody.
	Key     *AccessKey
	Owner   string
	LastUse LastUse
	// Set is Qovery's credentials set, nil when there is none; Successor is its key, if that exists.
	Set       *CredentialsSet
	Successor *AccessKey
	// Holders still store the key.
	Holders []Holder
	// InvalidClusters cannot use their credentials.
	InvalidClusters []Cluster
	// SignsWithKey is true when the provider's own requests are signed with the key.
	SignsWithKey bool
}

// DecideRetirement says which step can be taken, or which check stands against it. It is a pure function of its arguments.
func DecideRetirement(now time.Time, t Retirement, o *RetirementObservation) (RetirementStep, error) {
	if o.Key == nil && o.Owner == "" {
		return RetirementDone, nil
	}
	if now.Before(t.DeleteAfter) {
		return RetirementWait, nil
	}
	if err := checkRetirement(now, t, o); err != nil {
		return RetirementWait, err
	}
	switch {
	case t.NoQuarantine && t.QuarantineWindow > 0 && !t.quarantined(o.Key):
		return RetirementWait, nil
	case o.Key.Active:
		return RetirementDeactivate, nil
	case t.QuarantineWindow > 0 && t.DeactivatedAt.IsZero():
		// Somebody else made the key Inactive, or a run that died: the quarantine starts with the first look at it.
		return RetirementDeactivate, nil
	case now.Before(t.quarantineEndsAt()):
		return RetirementWait, nil
	default:
		return RetirementDelete, nil
	}
}

// checkRetirement holds everything that must be true before a key may go.
func checkRetirement(now time.Time, t Retirement, o *RetirementObservation) error {
	keeps := fmt.Sprintf("access key %s was not touched.", t.AccessKeyID)
	if !t.DeactivatedAt.IsZero() {
		keeps = keyStays(t)
	}
	if o.Key == nil {
		return &Problem{
			Summary:  SummaryWrongUser,
			Cause:    fmt.Sprintf("Access key %s belongs to IAM user %q, not to %q.", t.AccessKeyID, o.Owner, t.UserName),
			World:    keeps,
			Advice:   "correct iam_user_name.",
			Argument: ArgumentIAMUserName,
		}
	}
	if o.SignsWithKey {
		return &Problem{
			Summary: SummarySignsWithKey,
			Cause:   fmt.Sprintf("The provider's own AWS requests are signed with access key %s, which is to be deleted.", t.AccessKeyID),
			World:   keeps,
			Advice:  "give the provider AWS credentials of its own, such as a role (see the provider's aws argument).",
		}
	}
	if err := checkSuccessor(t, o, keeps); err != nil {
		return err
	}
	var holders []string
	for _, holder := range o.Holders {
		if !slices.Contains(t.IgnoredHolders, holder.ID) {
			holders = append(holders, holder.String())
		}
	}
	if len(holders) > 0 {
		return &Problem{
			Summary: SummaryKeyInUse,
			Cause:   fmt.Sprintf("Access key %s is still stored in %s.", t.AccessKeyID, strings.Join(holders, ", ")),
			World:   keeps,
			Advice: "give each of these objects another key or a role, or list its id in ignored_holders. The checks run again in the " +
				"next apply.",
			Argument: ArgumentAccessKeyID,
		}
	}
	if len(o.InvalidClusters) > 0 {
		return &Problem{
			Summary: SummaryInvalidCredentials,
			Cause:   fmt.Sprintf("%s is in state INVALID_CREDENTIALS, so it may not run with the current key.", o.InvalidClusters[0]),
			World:   keeps,
			Advice:  "deploy the cluster in Qovery until it is DEPLOYED, then apply again.",
		}
	}
	long := t.UnusedFor > 0 && now.Sub(o.LastUse.At) >= t.UnusedFor
	if use := o.LastUse; use.At.After(t.DeleteAfter) && !t.AllowRecentUse && !long {
		advice := "find what still uses the key (CloudTrail tells by access key id) and give it another one. "
		if t.UnusedFor > 0 {
			advice += fmt.Sprintf("The rotation needs the key's place; it goes on in the first apply when the key was not used for %s, or when it is "+
				"gone: aws iam delete-access-key --user-name %s --access-key-id %s.", t.UnusedFor, t.UserName, t.AccessKeyID)
		} else {
			advice += "To retire the key all the same, set allow_recent_use = true."
		}
		return &Problem{
			Summary: SummaryKeyInUse,
			Cause: fmt.Sprintf("Access key %s was used at %s, for %s in %s. That is after %s, when nothing should have used it any more.",
				t.AccessKeyID, use.At.Format(time.RFC3339), use.Service, use.Region, t.DeleteAfter.Format(time.RFC3339)),
			World:    keeps,
			Advice:   advice,
			Argument: ArgumentAccessKeyID,
		}
	}
	return nil
}

// checkSuccessor makes sure that Qovery works with another key.
func checkSuccessor(t Retirement, o *RetirementObservation, keeps string) error {
	var cause string
	switch {
	case o.Set == nil:
		cause = fmt.Sprintf("Organization %s has no credentials %s any more, so it cannot be told what replaced access key %s.",
			t.OrganizationID, t.CredentialsID, t.AccessKeyID)
	case o.Set.AccessKeyID == t.AccessKeyID:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s itself: somebody put it back.", o.Set.Name, t.AccessKeyID)
	case o.Set.AccessKeyID == "":
		cause = fmt.Sprintf("Qovery's credentials %q are of type %s now and hold no access key.", o.Set.Name, o.Set.Type)
	case o.Successor == nil:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which AWS does not have.", o.Set.Name, o.Set.AccessKeyID)
	case !o.Successor.Active:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which is Inactive.", o.Set.Name, o.Successor.ID)
	default:
		return nil
	}
	return &Problem{
		Summary: SummaryNotReplaced,
		Cause:   cause,
		World:   keeps,
		Advice: "see to it that Qovery holds another, Active key and that the clusters are deployed with it. The checks run again in " +
			"the next apply.",
		Argument: ArgumentCredentialsID,
	}
}

// RetirementOutcome is where a retirement got to.
type RetirementOutcome struct {
	Status                   Status
	DeactivatedAt, DeletedAt time.Time
	NextActionAt             time.Time
}

// Retire takes every step of a retirement that can be taken now. With wait it stays until the key is gone, unless that is
// later than timeout allows. With an error the outcome tells how far it got.
func (r *Rotator) Retire(ctx context.Context, t Retirement, wait bool, timeout time.Duration) (RetirementOutcome, error) {
	ctx, cancel := r.withJob(ctx, t.Target, timeout)
	defer cancel()
	defer r.reads.forget()
	outcome, err := r.retire(ctx, t, wait, timeout)
	if err != nil {
		problem := AsProblem(err)
		setback(ctx, "the retirement stopped", "access_key_id", t.AccessKeyID, "problem", problem.Summary)
		return outcome, problem
	}
	return outcome, nil
}

func (r *Rotator) retire(ctx context.Context, t Retirement, wait bool, timeout time.Duration) (RetirementOutcome, error) {
	deadline := r.clock.Now().Add(timeout)
	status := StatusIdle
	reached := func() RetirementOutcome {
		return RetirementOutcome{Status: status, DeactivatedAt: t.DeactivatedAt, NextActionAt: t.NextActionAt(status)}
	}
	if t.AccessKeyID == "" || t.DeleteAfter.IsZero() {
		return reached(), nil
	}
	// Until the key is looked at, the status is what the time alone makes of it.
	status = t.StatusAt(r.Now(), &AccessKey{Active: t.DeactivatedAt.IsZero()})
	for {
		o, err := r.observeRetirement(ctx, t)
		if err != nil {
			return reached(), retirementStopped(t, err)
		}
		now := r.Now()
		if o.Key != nil {
			status = t.StatusAt(now, o.Key)
		}
		next, err := DecideRetirement(now, t, o)
		if err != nil {
			return reached(), err
		}
		if gone := t.goneAt(now, o.Key); wait && next != RetirementDone && gone.Sub(now) > deadline.Sub(r.clock.Now()) {
			return reached(), waitTooLong(t, gone, timeout)
		}
		switch next {
		case RetirementDone:
			return r.retired(ctx, t), nil
		case RetirementWait:
			if !wait {
				return reached(), nil
			}
			until := t.NextActionAt(status)
			step(ctx, "waiting to retire an access key", "access_key_id", t.AccessKeyID, "status", string(status),
				"until", until.Format(time.RFC3339))
			if err := r.clock.Sleep(ctx, until.Sub(r.Now())); err != nil {
				return reached(), retirementStopped(t, err)
			}
		case RetirementDeactivate:
			err := r.deactivateKey(ctx, t)
			if errors.Is(err, ErrNotFound) {
				return r.retired(ctx, t), nil
			}
			if err != nil {
				return reached(), retirementStopped(t, err)
			}
			t.DeactivatedAt = r.Now()
			status = t.StatusAt(t.DeactivatedAt, &AccessKey{})
			if t.QuarantineWindow > 0 {
				continue
			}
			fallthrough
		case RetirementDelete:
			step(ctx, "deleting an access key", "access_key_id", t.AccessKeyID)
			if err := r.deleteKey(ctx, t.UserName, t.AccessKeyID); err != nil {
				return reached(), retirementStopped(t, err)
			}
			return r.retired(ctx, t), nil
		}
	}
}

// retired is the end of a retirement.
func (r *Rotator) retired(ctx context.Context, t Retirement) RetirementOutcome {
	step(ctx, "the access key is gone", "access_key_id", t.AccessKeyID)
	if !t.KeepJournal {
		r.dropJournal(ctx, t)
	}
	return RetirementOutcome{Status: StatusDeleted, DeactivatedAt: t.DeactivatedAt, DeletedAt: r.Now()}
}

// dropJournal removes the journal that was written for a key: none outlives it.
func (r *Rotator) dropJournal(ctx context.Context, t Retirement) {
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	user, err := r.iam.User(ctx, t.UserName)
	if err != nil {
		return
	}
	if j, _, err := journalsOf(user, t.CredentialsID); err != nil || j == nil || j.From != t.AccessKeyID {
		return
	}
	if err := r.iam.UntagUser(ctx, t.UserName, journalTagKey(t.CredentialsID)); err != nil {
		setback(ctx, "a finished journal could not be removed; it is harmless", "error", err.Error())
	}
}

// retirementStopped tells why a retirement did not go on.
func retirementStopped(t Retirement, err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		// Whoever looked at the world did not know what this run had done before.
		if problem.World == worldUntouched && !t.DeactivatedAt.IsZero() {
			problem.World = keyStays(t)
		}
		return problem
	}
	problem = stopped(err, keyStays(t))
	switch problem.Summary {
	case SummaryAPI:
		problem.Summary = SummaryRetire
	case SummaryTimeout:
		problem.Summary = SummaryRetireTimeout
	case SummaryInterrupted:
		problem.Summary = SummaryRetireInterrupted
	}
	return problem
}

// waitTooLong is the problem of a wait that cannot end in time. It is known at once, so nothing is waited for.
func waitTooLong(t Retirement, until time.Time, timeout time.Duration) *Problem {
	return &Problem{
		Summary: SummaryRetireTimeout,
		Cause: fmt.Sprintf("With wait = true this apply would have to wait until %s to see access key %s deleted, and its limit is %s.",
			until.Format(time.RFC3339), t.AccessKeyID, timeout),
		World:  keyStays(t),
		Advice: "set timeouts to more than the drain window and the quarantine take together, or leave out wait and apply again after that time.",
	}
}

// keyStays is the state of a key that was not deleted.
func keyStays(t Retirement) string {
	if t.DeactivatedAt.IsZero() {
		return fmt.Sprintf("access key %s of IAM user %q still exists.", t.AccessKeyID, t.UserName)
	}
	return fmt.Sprintf("access key %s of IAM user %q still exists. It is Inactive since %s; whoever needs it: aws iam update-access-key --user-name %s "+
		"--access-key-id %s --status Active.", t.AccessKeyID, t.UserName, t.DeactivatedAt.Format(time.RFC3339), t.UserName, t.AccessKeyID)
}

// deactivateKey makes a key Inactive, to the end even if the apply is canceled.
func (r *Rotator) deactivateKey(ctx context.Context, t Retirement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	step(ctx, "deactivating an access key", "access_key_id", t.AccessKeyID, "quarantine_window", t.QuarantineWindow.String())
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	return r.iam.DeactivateAccessKey(ctx, t.UserName, t.AccessKeyID)
}

// deleteKey deletes a key, to the end even if the apply is canceled. A key that is gone already is deleted.
func (r *Rotator) deleteKey(ctx context.Context, userName, accessKeyID string) error {
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	return r.iam.DeleteAccessKey(ctx, userName, accessKeyID)
}

// retireDrained retires the previous key on the way to the next rotation, which needs its place. A key that was used after
// its drain window goes when it was left alone for another one, so that a use that was found and ended does not keep the
// rotation from ever happening.
func (r *Rotator) retireDrained(ctx context.Context, req Request, o *Observation, d Decision) error {
	t := Retirement{
		Target:         req.Target,
		AccessKeyID:    d.Drained,
		DeleteAfter:    d.DrainEndsAt,
		UnusedFor:      req.DrainWindow,
		IgnoredHolders: slices.Clone(req.IgnoredHolders),
		KeepJournal:    d.CarryAgain,
	}
	var behind []string
	if d.CarryAgain {
		// These have the new key some seconds from now. There is no way to give it to them before: an IAM user can have two
		// keys only, and the secret of the one that they should have got is lost.
		for _, holder := range o.lagging(req, d.Drained) {
			t.IgnoredHolders, behind = append(t.IgnoredHolders, holder.ID), append(behind, holder.String())
		}
	}
	outcome, err := r.Retire(ctx, t, false, req.Timeout)
	if err == nil && outcome.Status != StatusDeleted {
		return stillDraining(d.Drained, d.From, outcome.NextActionAt)
	}
	err = endOfTime(ctx, ctx, err)
	if problem, ok := errors.AsType[*Problem](err); ok && problem.Summary == SummaryKeyInUse && len(behind) > 0 {
		problem.Advice += fmt.Sprintf(" It is still stored in %s, whose uses count too: this rotation is to give them a new key.", strings.Join(behind, ", "))
	}
	return err
}

// observeRetirement reads everything that a retirement is decided from, at this moment and side by side. Of a key that
// has to drain there is nothing to know but that it is there.
func (r *Rotator) observeRetirement(ctx context.Context, t Retirement) (*RetirementObservation, error) {
	var (
		o                RetirementObservation
		sets             []CredentialsSet
		clusters         []Cluster
		statuses         []ClusterStatus
		registries, helm []Holder
		dns              []Holder
	)
	keys, err := r.iam.AccessKeys(ctx, t.UserName)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	userFound := err == nil
	if o.Key = findKey(keys, t.AccessKeyID); o.Key != nil && r.Now().Before(t.DeleteAfter) {
		return &o, nil
	}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		o.LastUse, err = r.iam.AccessKeyLastUse(gctx, t.AccessKeyID)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden) && userFound && o.Key == nil:
			// AWS answers either way for a key that is gone. The user's list tells whether it is.
			return nil
		case errors.Is(err, ErrForbidden) && !userFound:
			return userOfKeyNotFound(t, err)
		}
		return err
	})
	group.Go(func() (err error) {
		o.SignsWithKey, err = r.iam.SignsWith(gctx, t.AccessKeyID)
		return err
	})
	group.Go(func() (err error) {
		sets, err = r.qovery.Credentials(gctx, t.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		if clusters, err = r.qovery.Clusters(gctx, t.OrganizationID); err != nil {
			return err
		}
		dns, err = dnsHolders(gctx, r.qovery, clusters)
		return err
	})
	group.Go(func() (err error) {
		statuses, err = r.statuses.read(gctx, t.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		registries, err = r.qovery.ContainerRegistries(gctx, t.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		helm, err = r.qovery.HelmRepositories(gctx, t.OrganizationID)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, notRead(t.Target, err)
	}
	for _, holder := range slices.Concat(credentialsHolders(sets), registries, helm, dns, secretManagerHolders(clusters)) {
		if holder.AccessKeyID == t.AccessKeyID && holder.ID != t.CredentialsID {
			o.Holders = append(o.Holders, holder)
		}
	}
	if i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == t.CredentialsID }); i >= 0 {
		o.Set = &sets[i]
	}
	o.InvalidClusters = slices.DeleteFunc(
		clustersOf(sets, clusters, func(set CredentialsSet) bool { return set.ID == t.CredentialsID }),
		func(cluster Cluster) bool {
			return !slices.ContainsFunc(statuses, func(s ClusterStatus) bool {
				return s.ClusterID == cluster.ID && classify(s.State) == runInvalidCredentials
			})
		})
	return &o, o.findKeys(ctx, r.iam, t, keys)
}

// userOfKeyNotFound is the problem that neither the key nor its user can be seen: the user was deleted, or the provider looks
// into another account.
func userOfKeyNotFound(t Retirement, err error) *Problem {
	return &Problem{
		Summary: SummaryUserNotFound,
		Cause:   fmt.Sprintf("The AWS account has no IAM user %q, and AWS does not say whose access key %s is.", t.UserName, t.AccessKeyID),
		World:   "this run changed nothing.",
		Advice: "check that the provider's AWS credentials are of the right account. If the user was deleted, its keys went with it, and this " +
			"resource can be removed.",
		Argument: ArgumentIAMUserName,
		Err:      err,
	}
}

// findKeys tells who owns a key that the user does not have, and looks for the successor among the keys of the user; a successor may belong to another user.
func (o *RetirementObservation) findKeys(ctx context.Context, iam IAM, t Retirement, keys []AccessKey) error {
	if o.Key == nil && o.LastUse.UserName != t.UserName {
		o.Owner = o.LastUse.UserName
	}
	if o.Set == nil || o.Set.AccessKeyID == "" {
		return nil
	}
	if o.Successor = findKey(keys, o.Set.AccessKeyID); o.Successor != nil {
		return nil
	}
	use, err := iam.AccessKeyLastUse(ctx, o.Set.AccessKeyID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if keys, err = iam.AccessKeys(ctx, use.UserName); err != nil {
		return err
	}
	o.Successor = findKey(keys, o.Set.AccessKeyID)
	return nil
}
