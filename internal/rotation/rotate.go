package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Forecast is what a rotation would change if it began now.
type Forecast struct {
	// Served are the holders that get the new key, stale ones and credentials first. LeftBehind are those that keep the old key
	// although they are not ignored.
	Served, LeftBehind []Holder
	// Deployed are the clusters that the rotation deploys. SelfManaged are those that Qovery does not deploy.
	Deployed, SelfManaged []Cluster
	// Outdated are the deployed clusters with other changes that wait for their next deployment.
	Outdated []Cluster
	// DeletedFirst is the warning about the user's other key, which is deleted for its place. It is nil if no key is.
	DeletedFirst *Problem
	// Compromised is true if the key leaked, and IsDead if it does not work.
	Compromised, IsDead bool
	// LastTook is how long the clusters took in the last rotation. It is zero if that is unknown.
	LastTook time.Duration
	// Running are deployments of environments that may use a compromised key.
	Running []EnvironmentDeployment
	// Stale are the stale holders.
	Stale []Holder
}

// Preflight decides for a plan, from cached answers and with the same table as [Rotator.Rotate]. It changes nothing. It returns
// the snapshot and the decision. The adoption of a key reads no clusters, unless a rotation is unfinished.
func (r *Rotator) Preflight(ctx context.Context, in Intent) (*Snapshot, Decision, error) {
	known := ""
	if in.Record != nil {
		known = in.Record.AccessKeyID
	}
	if !in.Rotate && in.Record == nil {
		s, decision, err := r.decide(ctx, r.cached(), in, known, ScopeHolders)
		if err != nil || decision.Action == ActionNone {
			return s, decision, err
		}
	}
	s, decision, err := r.decide(ctx, r.cached(), in, known, ScopeAll)
	if err == nil && s.Current != nil && r.IsCompromised(s.Set.AccessKeyID) {
		// Both are only shown, so a failure to read them does not matter.
		s.Current.LastUse, _ = r.cached().iam.AccessKeyLastUse(ctx, s.Current.ID)
		s.Deployments, _ = r.cached().qovery.RunningDeployments(ctx, in.OrganizationID)
	}
	return s, decision, err
}

// decide reads a snapshot and asks [Next]. A refusal is an error.
func (r *Rotator) decide(ctx context.Context, w world, in Intent, known string, scope Scope) (*Snapshot, Decision, error) {
	s, err := w.read(ctx, in.Target, known, scope)
	if err != nil {
		return nil, Decision{}, err
	}
	if s.Set == nil {
		return nil, Decision{}, credentialsNotFound(in.Target)
	}
	in.lastUseDelay = r.lastUseDelay
	if in.UserName == "" {
		in.UserName = s.Owner
	}
	decision := Next(r.Now(), in, s)
	if decision.Action == ActionRefuse && in.RegistriesUnknown { // Refused only if both values would be.
		in.RotateRegistries = !in.RotateRegistries
		decision = Next(r.Now(), in, s)
	}
	if decision.Action == ActionRefuse {
		return nil, decision, decision.Problem
	}
	return s, decision, nil
}

// Forecast lists what a rotation would change.
func (s *Snapshot) Forecast(in Intent, d Decision) Forecast {
	v := view{Intent: in, Snapshot: s}
	f := Forecast{Served: slices.Clone(d.Stale), Stale: d.Stale, Compromised: v.hasLeaked(), IsDead: v.isDead(), LastTook: deploymentTook(in.Record)}
	for _, holder := range s.HoldersOf(s.Set.AccessKeyID) {
		switch {
		case holder.ID == s.Set.ID:
			f.Served = slices.Insert(f.Served, len(d.Stale), holder)
		case v.serves(holder):
			f.Served = append(f.Served, holder)
		case f.Compromised || !slices.Contains(in.IgnoredHolders, holder.ID):
			f.LeftBehind = append(f.LeftBehind, holder)
		}
	}
	clusters, selfManaged := bySelfManagement(v.clusters())
	f.SelfManaged = selfManaged
	if f.Compromised {
		f.Running = s.deploymentsOn(v.clusters())
	}
	for _, cluster := range clusters {
		if !isLeftAlone(s.Statuses[cluster.ID]) {
			f.Deployed = append(f.Deployed, cluster)
		}
	}
	f.Outdated = slices.DeleteFunc(slices.Clone(f.Deployed), func(c Cluster) bool { return c.DeploymentStatus != "OUT_OF_DATE" })
	if d.Place != nil {
		deletion := Deletion{AccessKeyID: d.Place.accessKeyID, UserName: d.Place.userName, Reason: d.Place.reason}
		f.DeletedFirst = willBeDeleted(deletion, *s.key(d.Place.accessKeyID), s, becauseOfPlace(deletion.Reason))
	}
	return f
}

// Rotate resumes an unfinished rotation, or else rotates if that is asked for. It returns the record for the state.
//
// An error with a record means that the cutover is done and the next run resumes from there. An error without a record means that
// this run made no cutover, or does not know whether it did.
func (r *Rotator) Rotate(ctx context.Context, in Intent) (*Record, error) {
	ctx, cancel := r.withJob(ctx, in.Target, in.Timeout)
	defer cancel()
	record, err := r.rotate(ctx, in)
	if err == nil {
		return record, nil
	}
	problem := AsProblem(err)
	if problem.Summary == SummaryTimeout && ctx.Err() != nil {
		problem.Advice += adviceLimit(in.Timeout) + lastDeployments(in.Record)
	}
	setback(ctx, "the rotation stopped", "problem", problem.Summary)
	return record, problem
}

func (r *Rotator) rotate(ctx context.Context, in Intent) (*Record, error) {
	deadline := r.clock.Now().Add(in.Timeout)
	if !in.Rotate && in.Record == nil {
		if s, decision, err := r.Preflight(ctx, in); err != nil {
			return nil, err
		} else if decision.Action == ActionNone {
			record := recordOf(s)
			return &record, nil
		}
	}
	defer r.reads.forget()
	release, err := r.takeTurn(ctx, &in)
	if err != nil {
		return nil, err
	}
	defer release()
	for retried := false; ; retried = true {
		s, decision, err := r.settle(ctx, in)
		if err != nil {
			return nil, err
		}
		if decision.Action == ActionNone {
			record := recordOf(s)
			return &record, nil
		}
		c, err := r.begin(ctx, in, s, decision, deadline)
		if (errors.Is(err, errKeyLost) || errors.Is(err, errOutdated)) && !retried && ctx.Err() == nil {
			// The key that a request may have created is an orphan when its rotation counts as dead.
			setback(ctx, "starting again", "error", err.Error())
			if r.clock.Sleep(ctx, retryInterval) == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		return r.finish(ctx, in, c)
	}
}

// begin carries out a decision to the point where Qovery holds the new key, from this run or from an earlier one.
func (r *Rotator) begin(ctx context.Context, in Intent, s *Snapshot, d Decision, deadline time.Time) (*change, error) {
	if d.Action == ActionResume {
		step(ctx, "resuming an interrupted rotation", "from", d.Rotation.From, "to", d.Rotation.To)
		return r.resume(ctx, in, s, d)
	}
	if r.clock.Now().Add(verificationPeriod).After(deadline) {
		// The rotation would only create a key and delete it again.
		problem := stopped(context.DeadlineExceeded, WorldUntouched)
		problem.Cause = fmt.Sprintf("The rotation did not begin: verifying a new access key takes %s, and less time is left.", verificationPeriod)
		problem.Advice += adviceLimit(in.Timeout)
		return nil, problem
	}
	return r.replaceKey(ctx, in, s, d)
}

// change is a rotation after its cutover.
type change struct {
	// s is from before the cutover, if this run did it.
	s       *Snapshot
	journal Journal
	// createdAt is when the new key was created.
	createdAt time.Time
	// stale are the holders that should have the new key and do not. refusals is why, if this run tried.
	stale    []Holder
	refusals error
	// served are the holders that have the new key.
	served []Holder
	// deployed are the clusters that run with the new key. took is how long each took that this run deployed.
	deployed []string
	took     map[string]time.Duration
	// written is true if the journal on the user is the same as this one.
	written bool
	// stopped is true if the replaced key leaked and does not work any more.
	stopped bool
}

// resume continues a rotation whose cutover is done. It deletes an orphan, and records the cutover if the journal does not have
// it.
func (r *Rotator) resume(ctx context.Context, in Intent, s *Snapshot, d Decision) (*change, error) {
	c := &change{s: s, journal: d.Rotation, createdAt: s.Current.CreatedAt, stale: d.Stale, served: s.HoldersOf(d.Rotation.To)}
	if in.Record != nil && in.Record.AccessKeyID == d.Rotation.To { // The state may list clusters that run with an older key.
		c.deployed = in.Record.DeployedClusters
	}
	if d.Place != nil {
		if err := r.delete(ctx, *d.Place); err != nil {
			return nil, orphanStays(*d.Place, c.journal.To, err)
		}
	}
	// No entry is needed if the journal has this one, or if the rotation is complete and another journal or the state has it. A
	// journal that explained a deleted orphan is out of date.
	j := s.Journal
	own := j != nil && j.To == c.journal.To
	complete := !c.journal.deployedAt().IsZero() && len(c.stale) == 0
	if c.written = d.Place == nil && (own && j.Stage == c.journal.Stage || !own && complete); c.written {
		return c, nil
	}
	if complete {
		return c, nil
	}
	if c.journal.Stage == StageDeploying {
		c.journal.At = r.Now()
	}
	// If somebody else replaced the key, it is only known that this was before now.
	c.journal.CutoverAt = firstNonZero(c.journal.CutoverAt, c.journal.At)
	if err := r.writeJournal(ctx, s.User.Name, c.journal); err != nil {
		return nil, journalOfResume(c.journal, err)
	}
	c.written = true
	return c, nil
}

// writeJournal writes a journal to the user's tag.
func (r *Rotator) writeJournal(ctx context.Context, userName string, j Journal) error {
	return r.iam.TagUser(ctx, userName, journalTagKey(j.CredentialsID), j.String())
}

// record is the record of a change for the state.
func (c *change) record() *Record {
	r := recordOf(c.s).withRotation(c.journal)
	r.UserName = c.s.User.Name // The snapshot has no owner of a replaced key that was gone.
	r.AccessKeyID, r.AccessKeyCreatedAt, r.Holders, r.DeployedClusters = c.journal.To, c.createdAt, listedHolders(c.served), c.deployed
	r.Unfinished = r.Unfinished || len(c.stale) > 0
	return &r
}

// finish does everything after the cutover and the propagation: it stops a key that leaked, deploys the clusters and records
// the end.
func (r *Rotator) finish(ctx context.Context, in Intent, c *change) (*Record, error) {
	r.reads.forget()
	stopErr := r.stopCompromised(ctx, in, c)
	if c.stopped && len(c.stale) > 0 {
		// Clusters whose registries have no working key cannot be deployed. The next rotation serves those holders first.
		return c.record(), staleHolders(c)
	}
	if c.journal.deployedAt().IsZero() {
		if err := r.deployAll(ctx, in, c); err != nil {
			return c.record(), c.afterLeak(err)
		}
		// Recorded in full seconds, rounded up: the drain window must not begin before the deployment ended.
		c.journal.Stage, c.journal.At = StageDeployed, r.Now().Add(time.Second-1).Truncate(time.Second)
		c.written = false
	}
	if !c.written {
		if err := r.recordEnd(ctx, c); err != nil {
			record := c.record()
			record.Unfinished = true
			return record, c.afterLeak(journalOfEnd(c.journal, err))
		}
	}
	if stopErr != nil {
		record := c.record()
		record.Unfinished = true
		return record, notStopped(c.journal, stopErr)
	}
	if len(c.stale) > 0 {
		return c.record(), staleHolders(c)
	}
	step(ctx, "rotation complete", "access_key_id", c.journal.To, "previous_access_key_id", c.journal.From)
	return c.record(), nil
}

// stopCompromised makes the replaced key Inactive if it leaked, before any cluster is deployed. A canceled apply does not
// interrupt it.
func (r *Rotator) stopCompromised(ctx context.Context, in Intent, c *change) error {
	if !r.IsCompromised(c.journal.From) {
		return nil
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	s, err := r.fresh().read(ctx, in.Target, "", ScopeHolders)
	if err != nil {
		return err
	}
	key := s.key(c.journal.From)
	if c.stopped = key == nil || !key.Active; c.stopped {
		return nil
	}
	permit, problem := MayStop(r.Now(), Deletion{AccessKeyID: key.ID, UserName: s.User.Name, Reason: ReasonCompromised}, s)
	if problem != nil {
		return problem
	}
	if err := r.deactivate(ctx, permit); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	c.stopped = true
	warn(in.Warn, compromisedStopped(permit, s, r.Now()))
	return nil
}

// warn passes a warning on if there is a receiver.
func warn(receiver func(*Problem), problem *Problem) {
	if receiver != nil {
		receiver(problem)
	}
}

// recordEnd records in the journal that the clusters are deployed. Other resources and processes rely on that, and so does a run
// whose state was lost.
func (r *Rotator) recordEnd(ctx context.Context, c *change) error {
	c.journal.Before = nil
	for _, holder := range c.stale {
		if holder.AccessKeyID != c.journal.From {
			c.journal.Before = append(c.journal.Before, holder.AccessKeyID)
		}
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	return r.writeJournal(ctx, c.s.User.Name, c.journal)
}

// adviceLimit is what to do if the whole rotation timed out.
func adviceLimit(timeout time.Duration) string {
	return fmt.Sprintf(" The timeout was %s. To change it, set timeouts.", Short(timeout))
}
