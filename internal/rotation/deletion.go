package rotation

import (
	"slices"
	"time"
)

// Reason is why an access key may be deactivated or deleted.
type Reason string

// The reasons. Nothing else ever deletes a key.
const (
	// ReasonRetired is a previous key that is drained and not needed any more.
	ReasonRetired Reason = "retired"
	// ReasonRepair is a key that only stale holders have, whose place is needed to give them a new one.
	ReasonRepair Reason = "repair"
	// ReasonCompromised is a key that leaked, or a key whose place the successor of a leaked key needs. It does not drain.
	ReasonCompromised Reason = "compromised"
	// ReasonOrphan is a key that a dead run of this provider created, so that its secret is lost.
	ReasonOrphan Reason = "orphan"
	// ReasonCompensated is a key that this very attempt created and that Qovery does not have.
	ReasonCompensated Reason = "compensated"
)

// Deletion is a request to delete a key, with what a [Snapshot] does not show.
type Deletion struct {
	AccessKeyID string
	UserName    string
	Reason      Reason
	// DeleteAfter is the end of the drain window, and RetireAt the time from which AWS is believed that nobody used the key
	// after it.
	DeleteAfter, RetireAt time.Time
	// AllowRecentUse retires the key although somebody used it after DeleteAfter.
	AllowRecentUse bool
	// AllowRunningDeployments retires the key although a deployment that began before DeleteAfter still runs.
	AllowRunningDeployments bool
	// Ignored are the ids of holders that may keep the key, because the cleanup ignores them. Served are those of holders that
	// get another key next.
	Ignored, Served []string
	// Heals is true when Qovery's key does not work, and the place is needed for its successor.
	Heals bool
	// Unclear is true while a request to store the key in Qovery may still be carried out.
	Unclear bool
}

// check is something that must hold before a key may be deleted. It returns nil when it holds.
type check func(now time.Time, d Deletion, s *Snapshot) *Problem

// checks are what must hold for each reason. The first one that fails is reported.
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

// stops are what must hold before a key is made Inactive although it may not be deleted yet. Only one that leaked is.
var stops = map[Reason][]check{
	ReasonCompromised: {hasLeaked, belongsToTheUser, isNotSigning, isReplaced},
}

// MayDelete decides whether a key may be deactivated and deleted now. It is a pure function of its arguments.
func MayDelete(now time.Time, d Deletion, s *Snapshot) (Permit, *Problem) {
	return permit(checks[d.Reason], now, d, s)
}

// MayStop decides whether a key may be made Inactive now, and no more. It is a pure function of its arguments.
func MayStop(now time.Time, d Deletion, s *Snapshot) (Permit, *Problem) {
	allowed, problem := permit(stops[d.Reason], now, d, s)
	allowed.stopsOnly = problem == nil
	return allowed, problem
}

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

// hasLeaked looks for the key, and for the one whose successor needs its place, in the list of compromised keys.
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
	if slices.ContainsFunc(s.journals(), func(j Journal) bool { return j.Hold == d.AccessKeyID }) {
		return held(d)
	}
	return nil
}

// isDrained uses the longest drain window that was recorded. A journal whose rotation is not finished keeps the replaced key
// as long as its credentials hold the new one.
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

// isStoredNowhere does not let a registry that came with a cluster be ignored: every deployment uses it.
func isStoredNowhere(_ time.Time, d Deletion, s *Snapshot) *Problem {
	holders := slices.DeleteFunc(s.HoldersOf(d.AccessKeyID), func(h Holder) bool {
		return slices.Contains(d.Served, h.ID) || h.ClusterID == "" && slices.Contains(d.Ignored, h.ID)
	})
	if len(holders) > 0 {
		return stillStored(d, holders)
	}
	return nil
}

// hasNoInvalidCluster checks every cluster that was deployed with the current key, also those of other credentials. If that key
// does not work, a cluster that does not accept it proves nothing.
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

// hasNoOldDeployment finds deployments of environments that may have begun with the key. The drain window does not bound
// them: a managed database or a job may take longer. The time of the request for a deployment is by Qovery's clock. Without that
// time, a deployment counts as old.
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

// isQuiet requires that no deployment runs on the clusters of the stale holders: it would lose its key.
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

// isOrphan recognizes a key that a run created before it died: the run's journal names it, or names none and the key appeared
// in its time. Qovery never had the key, so only its own verification used it.
func isOrphan(now time.Time, d Deletion, s *Snapshot) *Problem {
	key := s.key(d.AccessKeyID)
	ours := false
	for _, j := range s.journals() {
		named := j.To == key.ID || j.To == "" && j.mayHaveCreated(key.AccessKey) && key.LastUse.At.IsZero()
		switch {
		case !named:
		case j.cutOver(): // Qovery has had it, perhaps in another organization, whose holders are not seen.
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
