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
	// preCutoverLimit is the time from the first change to the cutover; after it a rotation rolls back. A journal from
	// before the cutover that is older than this is therefore dead.
	preCutoverLimit = 90 * time.Second
	// changeLimit bounds one request that changes something before the cutover. Together with preCutoverLimit it stays below
	// watchPeriod, so that nobody takes a rotation for dead whose last request is still under way.
	changeLimit = 20 * time.Second
	// finishLimit bounds what is finished or rolled back although the apply was canceled.
	finishLimit = time.Minute
	// concurrentChanges bounds how many holders are given the new key at once.
	concurrentChanges = 10
	// creationAttempts is how often a key is asked for when answers are lost.
	creationAttempts = 3
	// verificationPeriod and verifications say when a new key counts as known everywhere: after so many successes in a
	// row over so long. IAM needs up to some 10 s per endpoint, and answers from different hosts in that time.
	verificationPeriod   = 10 * time.Second
	verifications        = 5
	verificationInterval = 2 * time.Second
	// retryInterval is the pause before an unclear answer is looked into.
	retryInterval = 2 * time.Second
	// watchPeriod is how long a journal that may be alive is watched; nothing alive leaves it unchanged for so long, and no
	// request is still under way that was sent before it.
	watchPeriod   = 2 * time.Minute
	watchInterval = 10 * time.Second
)

// Outcome is what a rotation came to. With an error it tells how far the rotation got.
type Outcome struct {
	UserName           string
	AccessKeyID        string
	AccessKeyCreatedAt time.Time
	// PreviousAccessKeyID is the key that was replaced. It is empty when nothing was rotated.
	PreviousAccessKeyID string
	// RotatedAt is the cutover; zero when nothing was rotated.
	RotatedAt time.Time
	// DeployedAt is the end of the last deployment; zero until every cluster has the new key.
	DeployedAt time.Time
	// Clusters use the credentials.
	Clusters []Cluster
	// DeployedClusters run with the new key; a rotation that deploys clusters of other credentials too counts them here.
	DeployedClusters []string
	// Holders store the current key.
	Holders []Holder
	// Lagging holders still store the previous key.
	Lagging []Holder
}

// CutOver tells whether Qovery holds a new key, from this run or from one that this run carried on.
func (o Outcome) CutOver() bool { return o.PreviousAccessKeyID != "" }

// Rotate carries on what was left unfinished, or else rotates if that is asked for.
//
// An error with an Outcome that is not cut over means that Qovery still holds the old key; one with an Outcome that is
// means that the next run resumes from there.
func (r *Rotator) Rotate(ctx context.Context, req Request) (Outcome, error) {
	ctx, cancel := r.withJob(ctx, req.Target, req.Timeout)
	defer cancel()
	outcome, err := r.rotate(ctx, req)
	if err == nil {
		return outcome, nil
	}
	problem := AsProblem(err)
	if problem.Summary == SummaryTimeout && ctx.Err() != nil {
		problem.Advice += adviceLimit(req.Timeout)
	}
	setback(ctx, "the rotation stopped", "problem", problem.Summary)
	return outcome, problem
}

func (r *Rotator) rotate(ctx context.Context, req Request) (Outcome, error) {
	deadline := r.clock.Now().Add(req.Timeout)
	if !req.Rotate && req.Record == nil {
		if o, decision, err := r.Preflight(ctx, req); err != nil {
			return Outcome{}, err
		} else if decision.Action == ActionNone {
			return observed(o), nil
		}
	}
	defer r.reads.forget()
	if req.UserName == "" {
		inspection, err := r.Inspect(ctx, req.Target, "")
		if err != nil {
			return Outcome{}, err
		}
		req.UserName = inspection.UserName
		nameUser(ctx, req.UserName)
	}
	release, err := r.users.take(ctx, req.UserName)
	if err != nil {
		return Outcome{}, stopped(err, worldUntouched)
	}
	defer release()

	o, decision, err := r.decide(ctx, req)
	if err != nil {
		return Outcome{}, err
	}
	if done, ok := r.finished.by(o.Set.AccessKeyID); ok && supersedes(done, req.Record) {
		done.Clusters = o.Set.Clusters
		return done, nil
	}
	switch decision.Action {
	case ActionRotate:
		if r.clock.Now().Add(verificationPeriod).After(deadline) {
			// It would only create a key and delete it again.
			problem := stopped(context.DeadlineExceeded, worldUntouched)
			problem.Advice += adviceLimit(req.Timeout)
			return Outcome{}, problem
		}
		change, err := r.replaceKey(ctx, req, o, decision)
		if err != nil {
			return Outcome{}, err
		}
		return r.finish(ctx, req, change)
	case ActionResume:
		step(ctx, "carrying on after an interrupted rotation", "from", decision.From, "to", decision.To)
		c := resumedChange(req, o, decision)
		if err := r.takeUp(ctx, &c, decision.Stray); err != nil {
			return c.outcome(), err
		}
		return r.finish(ctx, req, c)
	default:
		return observed(o), nil
	}
}

// supersedes tells whether a rotation of this process did what is asked of another credentials set with the same key:
// it carried the new key there and deployed its clusters.
func supersedes(done Outcome, record *Record) bool {
	return record == nil || record.AccessKeyID == done.PreviousAccessKeyID
}

// observed is the Outcome of doing nothing.
func observed(o *Observation) Outcome {
	return Outcome{
		UserName:           o.Owner,
		AccessKeyID:        o.Current.ID,
		AccessKeyCreatedAt: o.Current.CreatedAt,
		Clusters:           o.Set.Clusters,
		Holders:            o.listedHolders(o.Current.ID),
	}
}

// decide observes and decides, and watches a journal that may be alive.
func (r *Rotator) decide(ctx context.Context, req Request) (*Observation, Decision, error) {
	look := func(watched *Journal) (*Observation, Decision, error) {
		o, err := observe(ctx, sources{iam: r.iam, qovery: r.qovery, statuses: r.statuses}, req)
		if err != nil {
			return nil, Decision{}, err
		}
		if done, ok := r.finished.by(o.Set.AccessKeyID); ok && supersedes(done, req.Record) {
			return o, Decision{}, nil
		}
		decision, err := Decide(r.Now(), req, o, watched)
		return o, decision, err
	}
	o, decision, err := look(nil)
	if err != nil || decision.Action != ActionWatch {
		return o, decision, err
	}
	step(ctx, "a rotation of the same key may not have ended; watching its journal", "owner", o.Journal.Owner, "phase", string(o.Journal.Phase),
		"from", o.Journal.From, "to", o.Journal.To, "for", decision.WatchFor.String())
	for left := decision.WatchFor; left > 0; left -= watchInterval {
		if err := r.clock.Sleep(ctx, min(left, watchInterval)); err != nil {
			return nil, Decision{}, stopped(err, worldUntouched)
		}
		user, err := r.iam.User(ctx, req.UserName)
		if err != nil {
			return nil, Decision{}, err
		}
		if now, _, err := journalsOf(user, req.CredentialsID); err != nil || now == nil || *now != *o.Journal {
			return nil, Decision{}, otherRotation(req.UserName, err)
		}
	}
	return look(o.Journal)
}

// otherRotation is the problem that somebody else rotates the same key.
func otherRotation(userName string, err error) *Problem {
	return &Problem{
		Summary: SummaryOtherRotation,
		Cause:   fmt.Sprintf("Another run is rotating the access key of IAM user %q at this moment.", userName),
		World:   "this run changed nothing that lasts; the other one goes on.",
		Advice:  "wait until that run has ended, then plan again.",
		Err:     err,
	}
}

// change is a replaced key on its way to the clusters.
type change struct {
	o         *Observation
	journal   Journal
	createdAt time.Time
	// holders have the new key; lagging ones should and do not.
	holders, lagging []Holder
	// refusals tells why they do not, if they were asked.
	refusals error
	// deployed are the clusters that have the key already; deployedAt is set when that is all of them.
	deployed   []string
	deployedAt time.Time
}

func resumedChange(req Request, o *Observation, d Decision) change {
	c := change{
		o: o,
		journal: Journal{
			CredentialsID: req.CredentialsID, Owner: req.Owner, From: d.From, To: d.To, Before: d.Previous,
			Phase: JournalDeploying, At: d.CutoverAt, CutoverAt: d.CutoverAt,
		},
		createdAt:  o.Current.CreatedAt,
		deployedAt: d.DeployedAt,
		holders:    o.listedHolders(d.To),
	}
	c.lagging = o.lagging(req, d.From, d.Previous)
	if req.Record != nil && req.Record.AccessKeyID == d.To { // Clusters that have another key have nothing yet.
		c.deployed = req.Record.DeployedClusters
	}
	return c
}

// takeUp makes the journal tell of a change whose cutover it does not have: it is known from the key in Qovery only, or from
// the state, or somebody put the old key back. A key whose secret is lost, and that only the old journal names, goes first.
func (r *Rotator) takeUp(ctx context.Context, c *change, stray string) error {
	if j := c.o.Journal; j != nil && j.To == c.journal.To && !j.CutoverAt.IsZero() {
		return nil
	}
	if stray != "" {
		step(ctx, "deleting a key whose secret was lost", "access_key_id", stray)
		if err := r.deleteKey(ctx, c.o.User.Name, stray); err != nil {
			return stopped(err, fmt.Sprintf("nothing was changed: Qovery holds %s. The key %s of an interrupted rotation could not be deleted.",
				c.journal.To, stray))
		}
	}
	c.journal.At = r.Now()
	if c.journal.CutoverAt.IsZero() {
		// Somebody else replaced the key. All that is known is that it was before now.
		c.journal.CutoverAt = c.journal.At
	}
	err := r.iam.TagUser(ctx, c.o.User.Name, journalTagKey(c.journal.CredentialsID), c.journal.String())
	if err == nil {
		return nil
	}
	problem := stopped(err, "nothing was changed: Qovery holds "+c.journal.To+", and not every cluster is known to run with it.")
	problem.Summary = SummaryJournal
	return problem
}

func (c change) outcome() Outcome {
	outcome := observed(c.o)
	outcome.AccessKeyID = c.journal.To
	outcome.AccessKeyCreatedAt = c.createdAt
	outcome.PreviousAccessKeyID = c.journal.From
	outcome.RotatedAt = c.journal.CutoverAt
	outcome.DeployedAt = c.deployedAt
	outcome.DeployedClusters = c.deployed
	outcome.Lagging = c.lagging
	outcome.Holders = c.holders
	return outcome
}

// replaceKey does everything up to and including the cutover. Whatever fails before it is rolled back, so that the only
// trace of a failure is its error.
func (r *Rotator) replaceKey(ctx context.Context, req Request, o *Observation, d Decision) (change, error) {
	if d.Drained != "" {
		if err := r.retireDrained(ctx, req, o, d); err != nil {
			return change{}, err
		}
	}
	limited, cancel := r.clock.WithTimeout(ctx, preCutoverLimit)
	defer cancel()
	a := &attempt{
		r: r, req: req, o: o, decision: d,
		journal: Journal{CredentialsID: req.CredentialsID, Owner: req.Owner, From: d.From},
	}
	if d.Previous != "" && len(o.lagging(req, d.Previous)) > 0 {
		a.journal.Before = d.Previous
	}
	if err := a.run(limited); err != nil {
		if !a.cutoverUnclear {
			err = endOfTime(ctx, limited, err)
		}
		return change{}, a.rollBack(ctx, err)
	}
	c := change{o: o, journal: a.journal, createdAt: a.key.CreatedAt}
	c.holders, c.lagging, c.refusals = a.carry(ctx)
	return c, nil
}

// endOfTime blames the end of the whole rotation where that ended what was being done, and else the end of the time that it
// was given itself, unless the error tells more than that.
func endOfTime(ctx, limited context.Context, err error) error {
	problem, told := errors.AsType[*Problem](err)
	switch {
	case limited.Err() == nil || !errors.Is(err, limited.Err()) || told && ctx.Err() == nil:
		return err
	case told:
		ended := stopped(ctx.Err(), problem.World)
		ended.Err = problem.Err
		return ended
	}
	ended := stopped(limited.Err(), worldUntouched)
	ended.Err = err
	if ctx.Err() == nil {
		ended.Cause = fmt.Sprintf("What comes before the cutover may take %s, and that is over.", preCutoverLimit)
	}
	return ended
}

// adviceLimit is what to do when the whole rotation ran out of time.
func adviceLimit(timeout time.Duration) string {
	return fmt.Sprintf(" The limit was %s; the argument timeouts sets another one.", timeout)
}

// attempt is a rotation before its cutover: the only place that holds the secret of the new key.
type attempt struct {
	r        *Rotator
	req      Request
	o        *Observation
	decision Decision
	// journal is the entry that was written last, and written are all of them: one whose answer was a refusal is not there.
	journal Journal
	written []string
	key     NewAccessKey
	// keyLost is true while a key may exist that only the journal tells of, and cutoverUnclear from the first request to
	// store the key in Qovery whose answer left open whether it was, or still will be, carried out.
	keyLost, cutoverUnclear bool
}

// run takes the steps up to the cutover. Only its waits end when ctx does: a request that changes something is always
// heard to its end.
func (a *attempt) run(ctx context.Context) error {
	userName := a.o.User.Name
	if stray := a.decision.Stray; stray != "" {
		step(ctx, "deleting a key whose secret was lost", "access_key_id", stray)
		a.keyLost = true
		if err := a.writeJournal(ctx, JournalVerifying, stray); err != nil {
			return err
		}
		if err := a.r.deleteKey(ctx, userName, stray); err != nil {
			return a.problem(SummaryCreateKey, "The key "+stray+" of an interrupted rotation could not be deleted.", err)
		}
		a.keyLost = false
	}
	step(ctx, "creating an access key", "from", a.journal.From)
	if err := a.writeJournal(ctx, JournalCreating, ""); err != nil {
		return err
	}
	if err := a.create(ctx); err != nil {
		return err
	}
	if err := a.writeJournal(ctx, JournalVerifying, a.key.ID); err != nil {
		return err
	}
	step(ctx, "created an access key; verifying it", "access_key_id", a.key.ID, "regions", regions(a.o.Clusters))
	if err := a.verify(ctx); err != nil {
		return err
	}
	step(ctx, "verified the new access key", "access_key_id", a.key.ID)
	if err := a.cutOver(ctx); err != nil {
		return err
	}
	step(ctx, "cutover: Qovery holds the new access key", "access_key_id", a.key.ID, "previous_access_key_id", a.journal.From)
	return nil
}

// problem is a failure before the cutover. What the rollback comes to is added by rollBack.
func (a *attempt) problem(summary, cause string, err error) *Problem {
	return &Problem{Summary: summary, Cause: cause, Advice: adviceAfter(err), Err: err}
}

// writeJournal records a phase of the attempt. A tag is set as often as wanted to the same effect, so the port repeats it.
func (a *attempt) writeJournal(ctx context.Context, phase JournalPhase, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.journal.Phase, a.journal.To, a.journal.At = phase, to, a.r.Now()
	a.written = append(a.written, a.journal.String())
	ctx, cancel := a.r.detach(ctx, changeLimit)
	defer cancel()
	err := a.r.iam.TagUser(ctx, a.o.User.Name, journalTagKey(a.journal.CredentialsID), a.journal.String())
	if err != nil {
		return a.problem(SummaryJournal, fmt.Sprintf("The rotation's journal could not be written as tag %q of IAM user %q.",
			journalTagKey(a.journal.CredentialsID), a.o.User.Name), err)
	}
	return nil
}

// create asks for the key. When the answer is lost, the key that may have come of it is of no use, because its secret is
// lost too: it is looked for and deleted before another one is asked for.
func (a *attempt) create(ctx context.Context) error {
	userName := a.o.User.Name
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		once, cancel := a.r.detach(ctx, changeLimit)
		key, err := a.r.iam.CreateAccessKey(once, userName)
		cancel()
		switch {
		case err == nil:
			// The user has two keys now, so no answer that was lost before can turn into one more.
			a.key, a.keyLost = key, false
			return nil
		case !IsDefinite(err):
			a.keyLost = true
		case !errors.Is(err, ErrThrottled) && !errors.Is(err, ErrLimitExceeded):
			return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not create an access key for user %q.", userName), err)
		}
		setback(ctx, "IAM did not create an access key", "attempt", n, "error", err.Error())
		waitErr := a.r.clock.Sleep(ctx, retryInterval)
		switch {
		case errors.Is(err, ErrThrottled):
		case a.keyLost:
			if lostErr := a.deleteLost(ctx, err); lostErr != nil {
				return lostErr
			}
		case errors.Is(err, ErrLimitExceeded):
			return a.crowdedOut(ctx, err)
		}
		if waitErr != nil {
			return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not create an access key for user %q in time.", userName), errors.Join(err, waitErr))
		}
		if n >= creationAttempts && !errors.Is(err, ErrThrottled) {
			return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not say whether it created an access key for user %q, %d times in a row. "+
				"Keys that came of it were deleted again.", userName, n), err)
		}
	}
}

// deleteLost deletes the key that came of a request whose answer was lost. A key that appears even later is found by the
// next run, for which the journal stays.
func (a *attempt) deleteLost(ctx context.Context, lost error) error {
	ctx, cancel := a.r.detach(ctx, changeLimit)
	defer cancel()
	userName := a.o.User.Name
	unclear := func(err error) error {
		return a.problem(SummaryCreateKey, fmt.Sprintf("IAM did not say whether it created an access key for user %q, and it could "+
			"not be found out either. The next run finds such a key by the journal and deletes it.", userName), errors.Join(lost, err))
	}
	if err := a.checkOwned(ctx); err != nil {
		return err
	}
	keys, err := a.r.iam.AccessKeys(ctx, userName)
	if err != nil {
		return unclear(err)
	}
	sets, err := a.r.qovery.Credentials(ctx, a.req.OrganizationID)
	if err != nil {
		return unclear(err)
	}
	for _, key := range keys {
		if key.ID == a.journal.From {
			continue
		}
		use, err := a.r.iam.AccessKeyLastUse(ctx, key.ID)
		if err != nil {
			return unclear(err)
		}
		held := slices.ContainsFunc(sets, func(set CredentialsSet) bool { return set.AccessKeyID == key.ID })
		if held || !use.At.IsZero() || !a.journal.mayHaveCreated(key) {
			return a.crowdedOut(ctx, lost)
		}
		step(ctx, "deleting a key whose secret was lost", "access_key_id", key.ID)
		if err := a.r.iam.DeleteAccessKey(ctx, userName, key.ID); err != nil {
			return unclear(err)
		}
	}
	return nil
}

// crowdedOut explains why there is no room for a key although there was when the user was observed: another run, or a
// person, was faster. A run that is faster writes its journal over this one's.
func (a *attempt) crowdedOut(ctx context.Context, limit error) error {
	if err := a.checkOwned(ctx); err != nil {
		return err
	}
	return a.problem(SummaryCreateKey, fmt.Sprintf("IAM user %q got a second access key from somebody else at this moment, so "+
		"there is no place for a new one.", a.o.User.Name), limit)
}

// checkOwned stops an attempt whose journal is not one that it wrote.
func (a *attempt) checkOwned(ctx context.Context) error {
	_, owned, err := a.readJournal(ctx)
	if err == nil && !owned {
		return otherRotation(a.o.User.Name, nil)
	}
	return err
}

// readJournal reads the journal and tells whether this attempt wrote it. It is compared as a whole: the same resource may
// have been taken up by another process.
func (a *attempt) readJournal(ctx context.Context) (found *Journal, owned bool, err error) {
	user, err := a.r.iam.User(ctx, a.o.User.Name)
	if err != nil {
		return nil, false, err
	}
	found, _, err = journalsOf(user, a.journal.CredentialsID)
	if err != nil {
		return nil, false, otherRotation(a.o.User.Name, err)
	}
	return found, found != nil && slices.Contains(a.written, found.String()), nil
}

// verify tries the new key in the region of every cluster.
func (a *attempt) verify(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, region := range regions(a.o.Clusters) {
		group.Go(func() error { return a.verifyIn(ctx, region) })
	}
	return group.Wait()
}

// regions are the regions of the clusters, each once; one empty name, for the provider's own, if there is none.
func regions(clusters []Cluster) []string {
	var names []string
	for _, cluster := range clusters {
		if cluster.Region != "" {
			names = append(names, cluster.Region)
		}
	}
	if len(names) == 0 {
		return []string{""}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *attempt) verifyIn(ctx context.Context, region string) error {
	var (
		successes int
		since     time.Time
		lastErr   error
	)
	for started := a.r.clock.Now(); ; {
		asked := a.r.clock.Now()
		arn, err := a.r.iam.CallerARN(ctx, a.key, region)
		switch {
		case ctx.Err() != nil: // Sleep returns with the reason.
		case err != nil:
			successes, lastErr = 0, err
		case arn != a.o.User.ARN:
			return a.problem(SummaryVerification, fmt.Sprintf("AWS says that the new access key %s is of %s, not of %s.",
				a.key.ID, arn, a.o.User.ARN), nil)
		default:
			if successes == 0 {
				since = asked
			}
			successes++
		}
		now := a.r.clock.Now()
		if successes >= verifications && now.Sub(since) >= verificationPeriod {
			return nil
		}
		if err := a.r.clock.Sleep(ctx, asked.Add(verificationInterval).Sub(now)); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				problem := a.problem(SummaryVerification, fmt.Sprintf("The new access key %s was not accepted in region %q within %s.",
					a.key.ID, region, now.Sub(started).Round(time.Second)), errors.Join(lastErr, err))
				problem.Advice = "apply again. If it happens again, check that the region is enabled in the account and can be reached from here."
				return problem
			}
			return err
		}
	}
}

// confirm makes sure, right before Qovery is given the key, that nobody took the rotation over and the key is there.
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
	if found != nil && found.To != "" {
		return otherRotation(a.o.User.Name, nil)
	}
	// Somebody announced a rotation, and perhaps took that back, while this one has the user's second key. Without a key of
	// his own he gave up. Had he taken this rotation over, he would have deleted its key before he wrote what is there now.
	return a.checkKeyThere(ctx)
}

// checkKeyThere makes sure that the new key exists and is Active.
func (a *attempt) checkKeyThere(ctx context.Context) error {
	keys, err := a.r.iam.AccessKeys(ctx, a.o.User.Name)
	if err != nil {
		return err
	}
	if key := findKey(keys, a.key.ID); key == nil || !key.Active {
		return a.problem(SummaryVerification, fmt.Sprintf("Somebody deleted or deactivated the new access key %s.", a.key.ID), nil)
	}
	return nil
}

// cutOver stores the new key in the credentials set. An answer that leaves open what happened is looked into until it is
// clear, because from here on a wrong guess would leave Qovery with a key that does not exist.
func (a *attempt) cutOver(ctx context.Context) error {
	set := Holder{Kind: HolderCredentials, ID: a.o.Set.ID, Name: a.o.Set.Name, AccessKeyID: a.journal.From}
	var lastErr error
	for n := 1; ; n++ {
		step(ctx, "cutover: storing the new access key in Qovery", "access_key_id", a.key.ID, "attempt", n)
		store, readErr, err := a.prepareCutover(ctx, set)
		if err == nil && readErr == nil {
			err = a.writeJournal(ctx, JournalStoring, a.key.ID)
		}
		if err != nil && a.cutoverUnclear && ctx.Err() != nil {
			return a.problem(SummaryCutoverUnclear, fmt.Sprintf("Storing the new access key %s in the credentials %q got no clear answer.",
				a.key.ID, a.o.Set.Name), errors.Join(lastErr, err))
		}
		if err != nil {
			return errors.Join(err, lastErr)
		}
		if lastErr = readErr; readErr == nil {
			once, cancel := a.r.detach(ctx, changeLimit)
			lastErr = store(once)
			cancel()
			a.cutoverUnclear = a.cutoverUnclear || lastErr != nil && !IsDefinite(lastErr)
		}
		switch {
		case lastErr == nil:
			a.journal.Phase, a.journal.CutoverAt = JournalDeploying, a.r.Now()
			a.journal.At = a.journal.CutoverAt
			return nil
		case IsDefinite(lastErr) && !isPassing(lastErr):
			return a.problem(SummaryRefused, fmt.Sprintf("Qovery did not take the new access key %s for the credentials %q.",
				a.key.ID, a.o.Set.Name), lastErr)
		}
		setback(ctx, "Qovery did not say that it holds the new access key", "access_key_id", a.key.ID, "attempt", n, "error", lastErr.Error())
		// When the time is over, the head of the loop says so.
		_ = a.r.clock.Sleep(ctx, retryInterval)
	}
}

// prepareCutover reads the credentials set beside the last checks. That it cannot be read is readErr and may pass.
func (a *attempt) prepareCutover(ctx context.Context, set Holder) (store func(context.Context) error, readErr, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.confirm(ctx) })
	group.Go(func() error {
		store, readErr = a.r.qovery.PrepareStore(ctx, a.req.OrganizationID, set, a.key)
		return nil
	})
	err = group.Wait()
	return store, readErr, err
}

// carry stores the new key in the other holders and records the cutover, all at once and to the end even if the apply is
// canceled, because the secret is lost afterwards. It returns the holders that have the new key, and those that should, with
// the reasons why they do not.
func (a *attempt) carry(ctx context.Context) (holders, lagging []Holder, refusals error) {
	ctx, cancel := a.r.detach(ctx, finishLimit)
	defer cancel()
	others := a.o.lagging(a.req, a.journal.From, a.decision.Previous, a.decision.Drained)
	failed := make([]error, len(others))
	var group errgroup.Group
	group.SetLimit(concurrentChanges)
	group.Go(func() error {
		if err := a.r.iam.TagUser(ctx, a.o.User.Name, journalTagKey(a.journal.CredentialsID), a.journal.String()); err != nil {
			setback(ctx, "the journal could not be brought up to date; the key in Qovery tells the same", "error", err.Error())
		}
		return nil
	})
	for i, holder := range others {
		group.Go(func() error {
			failed[i] = a.carryTo(ctx, holder)
			return nil
		})
	}
	_ = group.Wait()
	holders = []Holder{{Kind: HolderCredentials, ID: a.o.Set.ID, Name: a.o.Set.Name}}
	for i, holder := range others {
		if failed[i] != nil {
			lagging = append(lagging, holder)
		} else {
			holders = append(holders, holder)
		}
	}
	for i := range holders {
		holders[i].AccessKeyID = a.key.ID
	}
	return holders, lagging, errors.Join(failed...)
}

func (a *attempt) carryTo(ctx context.Context, holder Holder) error {
	for n := 1; ; n++ {
		store, err := a.r.qovery.PrepareStore(ctx, a.req.OrganizationID, holder, a.key)
		if err == nil {
			err = store(ctx)
		}
		if err == nil {
			step(ctx, "carried the new access key", "holder_kind", string(holder.Kind), "holder_id", holder.ID, "holder_name", holder.Name)
			return nil
		}
		setback(ctx, "a holder did not take the new access key", "holder_kind", string(holder.Kind), "holder_id", holder.ID,
			"holder_name", holder.Name, "attempt", n, "error", err.Error())
		if !isPassing(err) {
			return err
		}
		if waitErr := a.r.clock.Sleep(ctx, retryInterval); waitErr != nil {
			return err
		}
	}
}

// rollBack takes back what an attempt did, as far as it is certain that Qovery does not have the new key, and completes
// the error with the state that AWS and Qovery are in now.
func (a *attempt) rollBack(ctx context.Context, cause error) error {
	problem := AsProblem(cause)
	ctx, cancel := a.r.detach(ctx, finishLimit)
	defer cancel()
	keep := func(why string, err error) error {
		setback(ctx, "the new access key stays", "access_key_id", a.key.ID, "reason", why)
		problem.World = fmt.Sprintf("access key %s still exists and the journal on IAM user %q names it. %s", a.key.ID, a.o.User.Name, why)
		problem.Err = errors.Join(problem.Err, err)
		return problem
	}
	holds := a.journal.From
	if a.key.ID != "" {
		sets, err := a.r.qovery.Credentials(ctx, a.req.OrganizationID)
		switch {
		case err != nil:
			return keep("Whether Qovery has it could not be read.", err)
		case slices.ContainsFunc(sets, func(set CredentialsSet) bool { return set.AccessKeyID == a.key.ID }):
			return keep("Qovery has it.", nil)
		case a.cutoverUnclear:
			return keep("Qovery does not show it; a request to store it may still be under way there.", nil)
		}
		if i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == a.o.Set.ID }); i >= 0 {
			holds = sets[i].AccessKeyID
		}
		step(ctx, "rolling back: deleting the new access key", "access_key_id", a.key.ID)
		if err := a.r.deleteKey(ctx, a.o.User.Name, a.key.ID); err != nil {
			return keep("Qovery does not have it, but it could not be deleted.", err)
		}
		step(ctx, "rolled back", "access_key_id", holds)
	}
	problem.World = fmt.Sprintf("Qovery and AWS are as before: Qovery holds %s and IAM user %q has no new key.", holds, a.o.User.Name)
	switch {
	case a.keyLost:
		problem.World = fmt.Sprintf("Qovery holds %s as before. IAM user %q may have a key of which nobody knows the secret; the next run finds it "+
			"by the journal and deletes it.", holds, a.o.User.Name)
	case a.decision.Drained != "":
		problem.World = fmt.Sprintf("Qovery holds %s and IAM user %q has no new key. The previous access key %s was retired before.",
			holds, a.o.User.Name, a.decision.Drained)
	}
	if _, owned, err := a.readJournal(ctx); owned && !a.keyLost {
		if err := a.restoreJournal(ctx); err != nil {
			problem.World += " The journal is still there; it is harmless."
			problem.Err = errors.Join(problem.Err, err)
		}
	} else if err != nil {
		problem.Err = errors.Join(problem.Err, err)
	}
	return problem
}

// restoreJournal leaves the user with the journal that it had: none, or one that tells of holders that were left behind.
func (a *attempt) restoreJournal(ctx context.Context) error {
	tag := journalTagKey(a.journal.CredentialsID)
	if a.o.Journal != nil && (a.decision.CarryAgain || a.o.Journal.Before != "") {
		return a.r.iam.TagUser(ctx, a.o.User.Name, tag, a.o.Journal.String())
	}
	return a.r.iam.UntagUser(ctx, a.o.User.Name, tag)
}

// detach returns the context for something that a canceled apply lets come to its end, with a time limit of its own.
func (r *Rotator) detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return r.clock.WithTimeout(context.WithoutCancel(ctx), limit)
}

// AsProblem makes a Problem of any error.
func AsProblem(err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	return stopped(err, worldUntouched)
}

// stopped tells why a rotation did not go on.
func stopped(err error, world string) *Problem {
	problem := &Problem{World: world, Advice: adviceAfter(err), Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		problem.Summary, problem.Cause = SummaryTimeout, "The time that this may take is over."
	case errors.Is(err, context.Canceled):
		problem.Summary, problem.Cause = SummaryInterrupted, "The run was canceled."
	case errors.Is(err, ErrUnauthenticated):
		problem.Summary, problem.Cause = SummaryUnauthenticated, apiOf(err)+" does not accept the credentials that the provider was given."
	case errors.Is(err, ErrForbidden):
		problem.Summary, problem.Cause = SummaryForbidden, apiOf(err)+" knows the provider and does not allow what it asked for. That does not mean that "+
			"anything is gone."
	default:
		problem.Summary, problem.Cause = SummaryAPI, "A request to "+apiOf(err)+" failed."
	}
	return problem
}

// adviceAfter is what to do after a request that failed.
func adviceAfter(err error) string {
	switch {
	case errors.Is(err, ErrUnauthenticated) && apiOf(err) == "Qovery":
		return "check api_token (QOVERY_API_TOKEN), then apply again."
	case errors.Is(err, ErrUnauthenticated):
		return "check the provider's AWS credentials, from the argument aws or the environment, then apply again."
	case errors.Is(err, ErrForbidden) && apiOf(err) == "Qovery":
		return "give the API token's role the missing permission, then apply again."
	case errors.Is(err, ErrForbidden):
		return "give the provider's IAM identity the permission that the original error names, then apply again."
	case errors.Is(err, ErrRejected):
		return "mend what the original error names, then apply again."
	default:
		return adviceRetry
	}
}

// apiOf names the API that an error came from, as the ports' errors tell it.
func apiOf(err error) string {
	if known, ok := errors.AsType[interface {
		error
		API() string
	}](err); ok {
		return known.API()
	}
	return "AWS or Qovery"
}
