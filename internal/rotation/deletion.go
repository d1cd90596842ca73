package rotation

import (
	"slices"
	"time"
)

// Reason is why an access key may be deactivated or deleted.
type Reason string

// The reasons. A key is never deleted for another reason.
const (
	// ReasonRetired is for a previous key that is drained and not needed any more.
	ReasonRetired Reason = "retired"
	// ReasonRepair is for a key that only stale holders have. Its place is needed to give them a new one.
	ReasonRepair Reason = "repair"
	// ReasonCompromised is for a key that leaked, or whose place is needed to replace a key that leaked. It does not drain.
	ReasonCompromised Reason = "compromised"
	// ReasonOrphan is for a key that a dead run of this provider created, so that its secret is lost.
	ReasonOrphan Reason = "orphan"
	// ReasonCompensated is for a key that this very attempt created and that Qovery does not have.
	ReasonCompensated Reason = "compensated"
)

// Deletion asks for the deletion of a key. It has what the decision needs and a [Snapshot] does not show.
type Deletion struct {
	AccessKeyID string
	UserName    string
	Reason      Reason
	// DeleteAfter is the end of the drain window. RetireAt is the earliest time of the deletion. It is DeleteAfter, plus the delay
	// with which AWS reports uses if these are checked.
	DeleteAfter, RetireAt time.Time
	// AllowRecentUse allows the deletion although somebody used the key after DeleteAfter.
	AllowRecentUse bool
	// AllowRunningDeployments allows the deletion although a deployment that began before DeleteAfter still runs.
	AllowRunningDeployments bool
	// Ignored are the ids of holders that may keep the key, because the cleanup ignores them. Served are the ids of holders that
	// get another key right after the deletion.
	Ignored, Served []string
	// Heals is true if Qovery's key does not work and the place is needed for its successor.
	Heals bool
	// Unclear is true while a request to store the key in Qovery may still take effect.
	Unclear bool
}

// check is a condition for a deletion. It returns nil if the condition holds, and otherwise the reason why the key must stay.
type check func(now time.Time, d Deletion, s *Snapshot) *Problem

// checks has, for each reason, all that must hold before a key may be deleted. The first check that fails is reported.
var checks = map[Reason][]check{
	ReasonRetired: {
		belongsToTheUser, isNotHeld, isDrained, isNotSigning, isReplaced, isStoredNowhere, hasNoInvalidCluster, isUnused, hasNoOldDeployment,
	},
	ReasonRepair: {
		belongsToTheUser, isNotHeld, isDrained, isNotSigning, isReplaced, isStoredNowhere, hasNoInvalidCluster, isQuiet,
	},
	ReasonCompromised: {hasLeaked, belongsToTheUser, isNotSigning, isReplaced, isStoredNowhere},
	ReasonOrphan:      {belongsToTheUser, isNotSigning, isOrphan, isStoredNowhere},
	ReasonCompensated: {isNotSigning, isStoredNowhere, isNotOnItsWay},
}

// stops has all that must hold before a key is made Inactive that may not be deleted yet. That is done only for a leak.
var stops = map[Reason][]check{
	ReasonCompromised: {hasLeaked, belongsToTheUser, isNotSigning, isReplaced},
}

// MayDelete is the one place that allows the deletion of a key. It is a pure function of its arguments.
func MayDelete(now time.Time, d Deletion, s *Snapshot) (Permit, *Problem) {
	return permit(checks[d.Reason], now, d, s)
}

// MayStop decides whether a key may be made Inactive now, but not deleted. It is a pure function of its arguments.
func MayStop(now time.Time, d Deletion, s *Snapshot) (Permit, *Problem) {
	allowed, problem := permit(stops[d.Reason], now, d, s)
	allowed.stopsOnly = problem == nil
	return allowed, problem
}

// permit makes a permit if every check holds. Without checks there is no permit, so an unknown reason deletes nothing.
func permit(checks []check, now time.Time, d Deletion, s *Snapshot) (Permit, *Problem) {
	for _, holds := range checks {
		if problem := holds(now, d, s); problem != nil {
			return Permit{}, problem
		}
	}
	if len(checks) == 0 || d.AccessKeyID == "" {
		return Permit{}, noReason(d)
	}
	return Permit{userName: d.UserName, accessKeyID: d.AccessKeyID, reason: d.Reason}, nil
}

// hasLeaked requires that the key is listed as compromised, or Qovery's key, whose successor needs the place.
func hasLeaked(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if s.isListed(d.AccessKeyID) || s.Set != nil && s.isListed(s.Set.AccessKeyID) {
		return nil
	}
	return noReason(d)
}

func belongsToTheUser(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if s.User.Name == d.UserName && s.key(d.AccessKeyID) != nil {
		return nil
	}
	return notOfTheUser(d, s)
}

func isNotHeld(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if s.isHeld(d.AccessKeyID) {
		return held(d)
	}
	return nil
}

// isDrained uses the longest drain window that was recorded. While a rotation is not finished and its credentials hold the new
// key, the replaced key stays.
func isDrained(now time.Time, d Deletion, s *Snapshot) *Problem {
	if d.DeleteAfter.IsZero() {
		return drainUnknown(d)
	}
	until := d.RetireAt
	for _, j := range s.journals() {
		if j.From != d.AccessKeyID || !s.gave(j) {
			continue
		}
		if j.deployedAt().IsZero() {
			return notDeployed(d, j)
		}
		until = latest(until, j.drainEndsAt())
	}
	if now.Before(until) {
		return stillDraining(d, s, until)
	}
	return nil
}

func isNotSigning(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if key := s.key(d.AccessKeyID); key != nil && key.Signs {
		return signsWith(d.AccessKeyID)
	}
	return nil
}

func isReplaced(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if s.Set != nil && s.Set.AccessKeyID != d.AccessKeyID && (d.Heals || s.Current != nil && s.Current.Active) {
		return nil
	}
	return notReplaced(d, s)
}

// isStoredNowhere never ignores a registry that came with a cluster, because every deployment of the cluster uses it.
func isStoredNowhere(_ time.Time, d Deletion, s *Snapshot) *Problem {
	holders := slices.DeleteFunc(s.HoldersOf(d.AccessKeyID), func(h Holder) bool {
		return slices.Contains(d.Served, h.ID) || h.ClusterID == "" && slices.Contains(d.Ignored, h.ID)
	})
	if len(holders) > 0 {
		return stillStored(d, holders)
	}
	return nil
}

// hasNoInvalidCluster checks the clusters of all credentials that hold the current key. If that key does not work, a cluster that
// does not accept it proves nothing.
func hasNoInvalidCluster(_ time.Time, d Deletion, s *Snapshot) *Problem {
	for _, cluster := range s.sharedClusters() {
		if !d.Heals && classify(s.Statuses[cluster.ID].State) == runInvalidCredentials {
			return invalidCluster(d, cluster)
		}
	}
	return nil
}

func isUnused(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if use := s.key(d.AccessKeyID).LastUse; use.At.After(d.DeleteAfter) && !d.AllowRecentUse {
		return recentlyUsed(d, use)
	}
	return nil
}

// hasNoOldDeployment looks for deployments of environments that may have begun with the key. The drain window does not bound
// them, because a managed database or a job can take longer. A deployment without the time of its request counts as old. That
// time is the only one of Qovery's that is compared with AWS's.
func hasNoOldDeployment(_ time.Time, d Deletion, s *Snapshot) *Problem {
	if s.DeploymentsError != nil && !d.AllowRunningDeployments {
		return AsProblem(s.DeploymentsError)
	}
	for _, deployment := range s.deploymentsOn(s.sharedClusters()) {
		if !d.AllowRunningDeployments && deployment.AskedAt.Before(d.DeleteAfter) {
			return stillDeploying(d, deployment)
		}
	}
	return nil
}

// isQuiet requires that no deployment runs on the clusters of the stale holders, because it would lose its key.
func isQuiet(_ time.Time, d Deletion, s *Snapshot) *Problem {
	clusters := s.clustersOfHolders(d.Served)
	for _, cluster := range clusters {
		if status, known := s.Statuses[cluster.ID]; known && classify(status.State) == runRunning {
			return notQuiet(d, cluster.String(), status.State)
		}
	}
	for _, deployment := range s.deploymentsOn(clusters) {
		return notQuiet(d, deployment.String(), deployment.State)
	}
	if s.DeploymentsError != nil {
		return AsProblem(s.DeploymentsError)
	}
	return nil
}

// isOrphan recognizes a key that a run created before it died. The run's journal names the key, or it names none and the key
// appeared in the run's time. Qovery never had the key, so only its own verification used it.
func isOrphan(now time.Time, d Deletion, s *Snapshot) *Problem {
	key := s.key(d.AccessKeyID)
	ours := false
	for _, j := range s.journals() {
		named := j.To == key.ID || j.To == "" && j.mayHaveCreated(key.AccessKey) && key.LastUse.At.IsZero()
		switch {
		case !named:
		case j.cutOver(): // Qovery has had it, perhaps in another organization, whose holders are not read.
			return foreignKey(now, s, *key)
		case j.mayBeAlive(now):
			return attemptMayBeAlive(d.UserName, j)
		default:
			ours = true
		}
	}
	switch {
	case !ours:
		return foreignKey(now, s, *key)
	case !key.LastUse.At.IsZero() && !isVerification(key.AccessKey, key.LastUse):
		return orphanInUse(d, key.LastUse)
	}
	return nil
}

func isNotOnItsWay(_ time.Time, d Deletion, _ *Snapshot) *Problem {
	if d.Unclear {
		return onItsWay(d)
	}
	return nil
}
