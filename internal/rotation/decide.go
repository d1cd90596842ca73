package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// journalTakeover is the age from which a journal from before the cutover is certainly dead: that part of a
	// rotation gives up after preCutoverLimit.
	journalTakeover = 10 * time.Minute
	// strayBefore and strayAfter bound when a key without a recorded id can have been created by the rotation that
	// wrote the journal: at its time, give or take the difference of two clocks and the time that it gives itself.
	strayBefore = time.Minute
	strayAfter  = preCutoverLimit + time.Minute
	// verificationService is what AWS calls the service that a new key is tried with.
	verificationService = "sts"
)

// MinimumTimeout is the shortest [Request.Timeout] that makes sense: the cutover has to fit in, or every attempt creates a
// key for nothing.
const MinimumTimeout = preCutoverLimit

// Request is what a resource asks for.
type Request struct {
	Target
	// Owner is an id that the resource keeps for its whole life. A journal with it was written by this resource.
	Owner string
	// Record is what the state remembers; nil when there is no state yet.
	Record *Record
	// Rotate asks for a rotation. Without it only what was left unfinished is carried on.
	Rotate bool
	// RotateRegistries carries the new key to every other holder in the organization.
	RotateRegistries bool
	// IgnoredHolders are ids of holders that are left with the key that they have.
	IgnoredHolders []string
	// DrainWindow is the time from the end of the last deployment to the moment when the previous key may go.
	DrainWindow time.Duration
	// Timeout bounds the whole rotation, most of which is the wait for the clusters.
	Timeout time.Duration
}

// Record is what Terraform's state remembers of the last rotation.
type Record struct {
	AccessKeyID         string
	PreviousAccessKeyID string
	RotatedAt           time.Time
	// DeployedAt and DrainEndsAt are zero until every cluster is deployed.
	DeployedAt, DrainEndsAt time.Time
	// Deploying is true when the cutover is done and the deployment is not.
	Deploying bool
	// DeployedClusters are the clusters that already run with the key of an unfinished rotation.
	DeployedClusters []string
}

// Action is what a [Decision] comes to.
type Action int

// The actions.
const (
	// ActionNone leaves everything as it is.
	ActionNone Action = iota
	// ActionRotate replaces Qovery's key by a new one.
	ActionRotate
	// ActionResume carries on after a cutover that was done before.
	ActionResume
	// ActionWatch finds out first whether an earlier rotation is alive.
	ActionWatch
)

// Decision is what has to be done about an [Observation].
type Decision struct {
	Action Action
	// WatchFor is how long to watch the journal first.
	WatchFor time.Duration
	// Stray is a key whose secret is lost, to be deleted before anything else.
	Stray string
	// Drained is the previous key, to be retired before another one is created, and DrainEndsAt since when that may be.
	Drained     string
	DrainEndsAt time.Time
	// Previous is the key before From. Holders that still have it get the new key too; CarryAgain says that this is what
	// the rotation is for, because an interrupted one left them behind.
	Previous   string
	CarryAgain bool
	// From is the key that is, or was, replaced. To, CutoverAt and DeployedAt tell what a rotation that is resumed did.
	From, To              string
	CutoverAt, DeployedAt time.Time
}

// Decide says what to do about what was observed. It is a pure function of its arguments; watched is a journal that did not
// change while it was watched, so that its writer is dead; nil if none was.
func Decide(now time.Time, req Request, o *Observation, watched *Journal) (_ Decision, err error) {
	if err := checkKey(req, o); err != nil {
		return Decision{}, err
	}
	current := o.Current.ID
	resume, unfinished := unfinished(req, o)
	carryAgain := unfinished && mustCarryAgain(now, req, o, resume)
	switch {
	case unfinished && !carryAgain:
		return resume.withStray(now, req, o, watched), nil
	case !unfinished && req.Record != nil && req.Record.Deploying:
		if err := checkPutBack(req, o); err != nil {
			return Decision{}, err
		}
		return Decision{}, keyChanged(req.Record.AccessKeyID, current)
	case !unfinished && !req.Rotate:
		return Decision{Action: ActionNone, From: current}, nil
	}
	if o.SignsWithCurrent {
		return Decision{}, &Problem{
			Summary: SummarySignsWithKey,
			Cause: fmt.Sprintf("The provider's own AWS requests are signed with access key %s, which is the key that Qovery "+
				"holds. Replacing it would cut the provider off half way.", current),
			World:  worldUntouched,
			Advice: "give the provider AWS credentials of its own, such as a role (see the provider's aws argument).",
		}
	}
	if err := checkPutBack(req, o); err != nil {
		return Decision{}, err
	}
	if err := checkOtherJournals(now, o); err != nil {
		return Decision{}, err
	}
	if req.Record != nil && req.Record.AccessKeyID != current && !carryAgain {
		return Decision{}, keyChanged(req.Record.AccessKeyID, current)
	}
	decision := Decision{Action: ActionRotate, From: current, CarryAgain: carryAgain}
	switch {
	case carryAgain && len(o.lagging(req, resume.Previous)) > 0: // Those of resume.From are found by Drained.
		decision.Previous = resume.Previous
	case carryAgain:
		decision.Previous = resume.From
	case o.Journal != nil && o.Journal.Before != "":
		decision.Previous = o.Journal.Before
	case req.Record != nil:
		decision.Previous = req.Record.PreviousAccessKeyID
	}
	for _, key := range o.Others {
		switch {
		case carryAgain && key.ID == resume.From:
			decision.Drained, decision.DrainEndsAt = key.ID, resume.DeployedAt.Add(req.DrainWindow)
		case isStray(o, key):
			decision.Stray = key.ID
		case req.Record != nil && key.ID == req.Record.PreviousAccessKeyID:
			if decision.DrainEndsAt, err = checkDrained(now, req, current); err != nil {
				return Decision{}, err
			}
			decision.Drained = key.ID
		default:
			return Decision{}, strangerKey(now, o, key)
		}
	}
	if err := checkHolders(req, o); err != nil {
		return Decision{}, err
	}
	if err := checkDeployable(o); err != nil {
		return Decision{}, err
	}
	return decision.watching(now, req, o, watched), nil
}

// withStray adds the key of an attempt that died, which was to make up for the rotation that is resumed.
func (d Decision) withStray(now time.Time, req Request, o *Observation, watched *Journal) Decision {
	i := slices.IndexFunc(o.Others, func(key OtherKey) bool { return isStray(o, key) })
	if i < 0 {
		return d
	}
	d.Stray = o.Others[i].ID
	return d.watching(now, req, o, watched)
}

// watching puts off what would be done until it is certain that the writer of the journal is dead.
func (d Decision) watching(now time.Time, req Request, o *Observation, watched *Journal) Decision {
	if j := o.Journal; j != nil && (watched == nil || *watched != *j) {
		if d.WatchFor = watchFor(now, req, *j); d.WatchFor > 0 {
			d.Action = ActionWatch
		}
	}
	return d
}

// watchFor is how long a journal from before the cutover has to stay as it is before its rotation counts as dead: one of
// somebody else because that run may go on elsewhere, and one that stores the key because its request may still arrive.
func watchFor(now time.Time, req Request, j Journal) time.Duration {
	age := now.Sub(j.At)
	switch {
	case !j.CutoverAt.IsZero():
		return 0
	case j.Owner != req.Owner && age < journalTakeover:
		return watchPeriod
	case j.Phase == JournalStoring:
		return max(0, watchPeriod-max(0, age))
	default:
		return 0
	}
}

// keyChanged is the problem that Qovery does not hold the key any more that was planned with.
func keyChanged(planned, current string) *Problem {
	return &Problem{
		Summary: SummaryKeyChanged,
		Cause:   fmt.Sprintf("Qovery holds access key %s; the plan was made for %s. Somebody replaced it in between.", current, planned),
		World:   worldUntouched,
		Advice:  "plan again, without -refresh=false; the new plan starts from the key that is there now.",
	}
}

// checkKey holds what must be true of Qovery's key whatever is asked for.
func checkKey(req Request, o *Observation) error {
	if o.Set.Type != CredentialsTypeStatic {
		return NotStatic(o.Set)
	}
	key := o.Set.AccessKeyID
	if req.UserName != "" && o.Owner != "" && o.Owner != req.UserName {
		return &Problem{
			Summary:  SummaryWrongUser,
			Cause:    fmt.Sprintf("Qovery holds access key %s, which belongs to IAM user %q, not to %q.", key, o.Owner, req.UserName),
			World:    worldUntouched,
			Advice:   "correct iam_user_name, or leave it out to rotate the keys of the user that owns Qovery's key.",
			Argument: ArgumentIAMUserName,
		}
	}
	fact := "is Inactive"
	if o.Current == nil {
		fact = "does not exist in the AWS account that the provider uses"
		if req.UserName != "" {
			fact = fmt.Sprintf("is not a key of IAM user %q", req.UserName)
		}
	}
	if o.Current == nil || !o.Current.Active {
		return &Problem{
			Summary: SummaryCutOff,
			Cause:   fmt.Sprintf("Qovery holds access key %s, which %s. Qovery cannot reach AWS with it.", key, fact),
			World:   worldUntouched,
			Advice: "check that the provider's AWS credentials are of the right account. If they are, put a working key into " +
				"Qovery by hand (or reactivate this one) and deploy the clusters; this resource rotates it from then on.",
			Argument: ArgumentCredentialsID,
		}
	}
	return nil
}

// NotStatic is the problem of credentials that have no access key to rotate.
func NotStatic(set CredentialsSet) *Problem {
	return &Problem{
		Summary: SummaryNotStatic,
		Cause: fmt.Sprintf("The credentials %q (%s) are of type %s. Only those of type %s hold an AWS access key that can be rotated.",
			set.Name, set.ID, set.Type, CredentialsTypeStatic),
		World:    worldUntouched,
		Advice:   "remove this resource: there is nothing to rotate.",
		Argument: ArgumentCredentialsID,
	}
}

// unfinished recognizes a rotation whose cutover is done and whose end was never recorded.
func unfinished(req Request, o *Observation) (Decision, bool) {
	current := o.Current.ID
	r := req.Record
	finished := r != nil && r.AccessKeyID == current && !r.Deploying
	if j := o.Journal; j != nil && j.To == current && !finished {
		resume := Decision{Action: ActionResume, From: j.From, To: current, Previous: j.Before, CutoverAt: j.CutoverAt}
		if j.CutoverAt.IsZero() {
			resume.CutoverAt = j.At
		}
		if j.Phase == JournalDeployed {
			resume.DeployedAt = j.At
		}
		return resume, true
	}
	if r != nil && r.Deploying && r.AccessKeyID == current {
		resume := Decision{
			Action: ActionResume, From: r.PreviousAccessKeyID, To: current, CutoverAt: r.RotatedAt, DeployedAt: r.DeployedAt,
		}
		if j := o.Journal; j != nil && j.From == current {
			// An attempt to make up for this rotation died before its cutover.
			resume.Previous = j.Before
		}
		return resume, true
	}
	return Decision{}, false
}

// lagging are the holders that should have got the new key of a rotation from one of the given ones, and did not.
func (o *Observation) lagging(req Request, from ...string) []Holder {
	if !req.RotateRegistries {
		return nil
	}
	return slices.DeleteFunc(o.HoldersOf(from...), func(h Holder) bool {
		return h.ID == o.Set.ID || !h.Kind.carriable() || slices.Contains(req.IgnoredHolders, h.ID)
	})
}

// mustCarryAgain tells whether an unfinished rotation can only be finished by one more: its clusters are deployed and the
// previous key is drained, but registries never got the new key, and its secret is gone. Other credentials are no registry:
// clusters live on their key.
func mustCarryAgain(now time.Time, req Request, o *Observation, resume Decision) bool {
	if resume.DeployedAt.IsZero() || now.Before(resume.DeployedAt.Add(req.DrainWindow)) {
		return false
	}
	lagging := o.lagging(req, resume.From, resume.Previous)
	return len(lagging) > 0 && !slices.ContainsFunc(lagging, func(h Holder) bool { return h.Kind == HolderCredentials })
}

// checkPutBack refuses to go on when somebody undid a cutover. Without the key that was new then, nothing is left to be
// careful about: the rotation never happened.
func checkPutBack(req Request, o *Observation) error {
	j := o.Journal
	undone := j != nil && j.From == o.Current.ID && !j.CutoverAt.IsZero()
	if !undone || !slices.ContainsFunc(o.Others, func(key OtherKey) bool { return key.ID == j.To }) {
		return nil
	}
	return &Problem{
		Summary: SummaryKeyChanged,
		Cause: fmt.Sprintf("Qovery was given access key %s in place of %s, and now holds %s again: somebody put the old "+
			"key back. Clusters may run with either of the two.", j.To, j.From, j.From),
		World: fmt.Sprintf("nothing was changed. IAM user %q has both keys.", o.User.Name),
		Advice: fmt.Sprintf("deploy the clusters in Qovery so that they run with %s. After the drain window delete %s "+
			"(aws iam delete-access-key --user-name %s --access-key-id %s) and the journal (aws iam untag-user --user-name %s "+
			"--tag-keys %s). If the Qovery provider manages the same credentials, keep it from writing the key.",
			j.From, j.To, o.User.Name, j.To, o.User.Name, journalTagKey(req.CredentialsID)),
	}
}

// checkOtherJournals refuses a rotation while one for other credentials works on the same user.
func checkOtherJournals(now time.Time, o *Observation) error {
	for _, j := range o.OtherJournals {
		namesKey := slices.ContainsFunc(o.Others, func(key OtherKey) bool { return key.ID == j.To })
		if namesKey || now.Sub(j.At) < journalTakeover {
			return &Problem{
				Summary: SummaryOtherRotation,
				Cause: fmt.Sprintf("The key %s of the same IAM user %q is being rotated for the credentials %s since %s.",
					j.From, o.User.Name, j.CredentialsID, j.At.Format(time.RFC3339)),
				World:  worldUntouched,
				Advice: "let that rotation come to its end, then apply again.",
			}
		}
	}
	return nil
}

// isStray recognizes a key that a rotation created before it died, so that nobody knows its secret. Qovery, whose key is
// another one, never had it: it was used for nothing but its own verification.
func isStray(o *Observation, key OtherKey) bool {
	j := o.Journal
	if j == nil || !j.CutoverAt.IsZero() || len(o.HoldersOf(key.ID)) > 0 {
		return false
	}
	if j.To != "" {
		return key.ID == j.To && (key.LastUse.At.IsZero() || key.LastUse.Service == verificationService)
	}
	return key.LastUse.At.IsZero() && j.mayHaveCreated(key.AccessKey)
}

// checkDrained refuses a rotation while the previous key may still be needed. The longer one of the window that was in
// force so far and the one that is asked for now counts.
func checkDrained(now time.Time, req Request, current string) (drainEndsAt time.Time, err error) {
	r := req.Record
	if !r.DrainEndsAt.IsZero() {
		drainEndsAt = r.DrainEndsAt
		if asked := r.DeployedAt.Add(req.DrainWindow); asked.After(drainEndsAt) {
			drainEndsAt = asked
		}
		if !now.Before(drainEndsAt) {
			return drainEndsAt, nil
		}
	}
	return time.Time{}, stillDraining(r.PreviousAccessKeyID, current, drainEndsAt)
}

// stillDraining is the problem that the previous key has to stay, until a time that is zero when it is not known yet.
func stillDraining(previous, current string, drainEndsAt time.Time) *Problem {
	when := "The clusters were not deployed with " + current + " yet."
	advice := "wait until they are, and until the drain window is over."
	if !drainEndsAt.IsZero() {
		when = fmt.Sprintf("Deployments that run with it have time until %s.", drainEndsAt.Format(time.RFC3339))
		advice = fmt.Sprintf("rotate from %s on. Until then keep rotation_triggers as they were.", drainEndsAt.Format(time.RFC3339))
	}
	return &Problem{
		Summary: SummaryStillDraining,
		Cause: fmt.Sprintf("The previous access key %s still exists, and an IAM user can have two keys only. %s",
			previous, when),
		World:    worldUntouched,
		Advice:   advice,
		Argument: ArgumentTriggers,
	}
}

// strangerKey is the problem of a second key that this resource knows nothing about.
func strangerKey(now time.Time, o *Observation, key OtherKey) *Problem {
	state, use := "Inactive", "was never used"
	if key.Active {
		state = "Active"
	}
	if !key.LastUse.At.IsZero() {
		use = fmt.Sprintf("was last used at %s for %s in %s",
			key.LastUse.At.Format(time.RFC3339), key.LastUse.Service, key.LastUse.Region)
	}
	days := int(now.Sub(key.CreatedAt).Hours() / 24)
	advice := fmt.Sprintf("find out who needs %s. If nobody does: aws iam delete-access-key --user-name %s --access-key-id %s",
		key.ID, o.User.Name, key.ID)
	if holders := o.HoldersOf(key.ID); len(holders) > 0 {
		names := make([]string, len(holders))
		for i, holder := range holders {
			names[i] = holder.String()
		}
		advice = fmt.Sprintf("Qovery needs %s: it is stored in %s. Give the one or the other the key of another IAM user, or a role.",
			key.ID, strings.Join(names, ", "))
	}
	return &Problem{
		Summary: SummaryStrangerKey,
		Cause: fmt.Sprintf("IAM user %q has, beside Qovery's key %s, the %s access key %s, which is %d days old and %s. A user can "+
			"have two keys, so there is no place for a new one.", o.User.Name, o.Current.ID, state, key.ID, days, use),
		World:    worldUntouched,
		Advice:   advice,
		Argument: ArgumentIAMUserName,
	}
}

// checkHolders refuses to replace a key that is stored where the new one cannot be put.
func checkHolders(req Request, o *Observation) error {
	var stuck []string
	for _, holder := range o.HoldersOf(o.Current.ID) {
		if !holder.Kind.carriable() && !slices.Contains(req.IgnoredHolders, holder.ID) {
			stuck = append(stuck, holder.String())
		}
	}
	if len(stuck) == 0 {
		return nil
	}
	return &Problem{
		Summary: SummaryUncarriableHolder,
		Cause: fmt.Sprintf("Access key %s is also stored in %s. Qovery wants more than the key to change these, so they "+
			"would keep a key that is going to be deleted.", o.Current.ID, strings.Join(stuck, ", ")),
		World:  worldUntouched,
		Advice: "give them a key of another IAM user, or a role. To rotate all the same, list their ids in ignored_holders.",
	}
}

// checkDeployable refuses a rotation that could not deploy its clusters afterwards.
func checkDeployable(o *Observation) error {
	if o.Organization.DeploymentRestriction != "" && len(o.Clusters) > 0 {
		return &Problem{
			Summary: SummaryRestricted,
			Cause: fmt.Sprintf("Organization %s has the deployment restriction %q, so its clusters could not be deployed with "+
				"the new key.", o.Organization.ID, o.Organization.DeploymentRestriction),
			World:    worldUntouched,
			Advice:   "settle the restriction in Qovery's billing settings.",
			Argument: ArgumentOrganizationID,
		}
	}
	if o.Statuses == nil {
		return nil
	}
	for _, cluster := range o.Clusters {
		status := o.Statuses[cluster.ID]
		if isLeftAlone(status) {
			continue
		}
		if status.Lock != nil {
			return lockedCluster(cluster, *status.Lock, worldUntouched)
		}
		if classify(status.State) == runUndeployable {
			return undeployableCluster(cluster, status.State, worldUntouched)
		}
	}
	return nil
}

// lockedCluster is the problem of a cluster that somebody protects from deployments.
func lockedCluster(cluster Cluster, lock ClusterLock, world string) *Problem {
	return &Problem{
		Summary: SummaryClusterLocked,
		Cause: fmt.Sprintf("%s is locked by %s since %s (%s), so it cannot take a new key.",
			cluster, lock.Owner, lock.LockedAt.Format(time.RFC3339), lock.Reason),
		World:  world,
		Advice: "unlock the cluster (qovery cluster unlock), then run the apply again.",
	}
}

// undeployableCluster is the problem of a cluster that is neither running nor safely at rest.
func undeployableCluster(cluster Cluster, state, world string) *Problem {
	if state == "" {
		state = "(none told by Qovery)"
	}
	return &Problem{
		Summary: SummaryClusterState,
		Cause: fmt.Sprintf("%s is in state %s: it may still run with its old key, and a deployment could start what somebody "+
			"wanted to end.", cluster, state),
		World:  world,
		Advice: "stop, delete or deploy the cluster in Qovery, then run the apply again.",
	}
}

// carriable tells whether a rotation can put a new key into such a holder.
func (k HolderKind) carriable() bool {
	return k == HolderCredentials || k == HolderContainerRegistry || k == HolderHelmRepository
}

// String names a holder for people.
func (h Holder) String() string {
	return fmt.Sprintf("%s %q (%s)", strings.ReplaceAll(string(h.Kind), "_", " "), h.Name, h.ID)
}

// String names a cluster for people.
func (c Cluster) String() string { return fmt.Sprintf("cluster %q (%s)", c.Name, c.ID) }
