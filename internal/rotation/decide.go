package rotation

import (
	"slices"
	"time"
)

// Intent is what a resource asks for.
type Intent struct {
	Target
	// Record is from the state. It is nil if there is no state yet.
	Record *Record
	// Rotate asks for a rotation. Without it, an unfinished rotation is resumed, and a new one begins only for a key that leaked
	// or for stale holders.
	Rotate bool
	// RotateRegistries gives the new key to all holders of the replaced one. RegistriesUnknown is true while a plan lacks the value.
	RotateRegistries, RegistriesUnknown bool
	// IgnoredHolders are ids of holders that a rotation leaves with their key, unless that key leaked. HoldersUnknown is true in a
	// plan that does not know them yet.
	IgnoredHolders []string
	HoldersUnknown bool
	// ProductionLast deploys production clusters after all others have succeeded.
	ProductionLast bool
	// DrainWindow is the time from the end of the last deployment to the moment when the previous key may be deleted.
	DrainWindow time.Duration
	// Timeout bounds the whole rotation, which mostly waits for the clusters.
	Timeout time.Duration
	// Warn receives warnings for users. It may be nil.
	Warn func(*Problem)

	lastUseDelay time.Duration
}

// Action is what a [Decision] does.
type Action string

// The actions.
const (
	// ActionNone leaves everything as it is.
	ActionNone Action = "none"
	// ActionRefuse stops with a problem.
	ActionRefuse Action = "refuse"
	// ActionWait waits until a run that may be alive is certainly dead. Then everything is read and decided again.
	ActionWait Action = "wait"
	// ActionResume resumes a rotation after its cutover, or adopts a rotation that is complete.
	ActionResume Action = "resume"
	// ActionRotate replaces Qovery's key by a new one.
	ActionRotate Action = "rotate"
)

// Decision is what to do, given a [Snapshot].
type Decision struct {
	Action  Action
	Problem *Problem
	// Until is the end of [ActionWait].
	Until time.Time
	// Rotation is the one that is resumed, or the beginning of the journal of a new one.
	Rotation Journal
	// Place is the permit to delete the user's other key first. It is nil if no key is deleted.
	Place *Permit
	// Stale are the stale holders. A new rotation gives them its key first. A rotation that is resumed cannot: its secret is lost.
	Stale []Holder
}

// row is a situation, whether it is the present one, and what is decided in it.
type row struct {
	situation string
	applies   func(view) bool
	decide    func(view) Decision
}

// table has every situation that a rotation can find. The first row that applies decides. DESIGN.md has the same rows.
var table = []row{
	{"The credentials have no access key", view.hasNoAccessKey, refuse(view.notStatic)},
	{"The IAM user does not exist", view.lacksUser, refuse(view.userNotFound)},
	{"Qovery's key is of another IAM user", view.isOfAnotherUser, refuse(view.wrongUser)},
	{"Qovery's key does not work, and no rotation of it is asked for and possible", view.isCutOff, refuse(view.cutOff)},
	{"The journal cannot be read", view.cannotReadJournal, refuse(view.unknownJournal)},
	{"Nothing is unfinished and nothing is asked for", view.hasNothingToDo, none},
	{"A run that still stores its key may be alive", view.mayBeBusy, view.wait},
	{"A cutover is done, and its rotation is not recorded as complete", view.canResume, view.resume},
	{"Somebody put the previous key back", view.isPutBack, refuse(view.putBack)},
	{"Qovery's key is not the one of the plan", view.hasChanged, refuse(view.keyChanged)},
	{"The provider signs with the key", view.signsWithCurrent, refuse(view.signs)},
	{"A rotation for other credentials of the user is unfinished", view.othersAreUnfinished, refuse(view.otherRotation)},
	{"The user's other key must not be deleted", view.hasNoPlace, refuse(view.noPlace)},
	{"A registry that came with a cluster is ignored", view.ignoresClusterRegistry, refuse(view.ignoredRegistry)},
	{"The key is stored where it cannot be replaced", view.hasUnrotatableHolder, refuse(view.unrotatable)},
	{"The clusters cannot be deployed", view.isUndeployable, refuse(view.undeployable)},
	{"Fewer requests are left than the holders need", view.lacksRequests, refuse(view.tooFewRequests)},
	{"A rotation is asked for, or stale holders need one", view.always, view.rotate},
}

// Next decides what a rotation does next, by the first row of the table that applies. It is a pure function of its arguments.
func Next(now time.Time, in Intent, s *Snapshot) Decision {
	v := view{now: now, Intent: in, Snapshot: s}
	v.Snapshot = v.snapshotWithRecord()
	return v.firstRow().decide(v)
}

// firstRow returns the first row that applies. The last row always applies.
func (v view) firstRow() row {
	i := slices.IndexFunc(table, func(row row) bool { return row.applies(v) })
	return table[i]
}

// view is everything that decisions depend on: a time, an intent and a snapshot.
type view struct {
	now time.Time
	Intent
	*Snapshot
}

func none(view) Decision { return Decision{Action: ActionNone} }

func refuse(problem func(view) *Problem) func(view) Decision {
	return func(v view) Decision { return Decision{Action: ActionRefuse, Problem: problem(v)} }
}

func (v view) hasNoAccessKey() bool { return v.Set == nil || v.Set.Type != CredentialsTypeStatic }

func (v view) lacksUser() bool {
	return v.UserMissing && v.UserName != ""
}

func (v view) isOfAnotherUser() bool {
	return v.UserName != "" && v.Owner != "" && v.Owner != v.UserName
}

// isCutOff does not apply if a rotation is asked for that can replace the key. That requires a recorded owner, because AWS also
// answers that a key does not exist if it belongs to another account.
func (v view) isCutOff() bool {
	return v.isDead() && (!v.isAskedFor() || v.UserARN == "" || v.UserARN != v.User.ARN)
}

// isDead reports whether Qovery's key is Inactive or not found.
func (v view) isDead() bool { return v.Current == nil || !v.Current.Active }

// isAskedFor reports whether a rotation is asked for. A key that leaked needs no other reason.
func (v view) isAskedFor() bool { return v.Rotate || v.hasLeaked() }

// hasLeaked reports whether Qovery's key is listed as compromised. Only then does security come before availability.
func (v view) hasLeaked() bool { return v.isListed(v.Set.AccessKeyID) }

func (v view) cannotReadJournal() bool { return v.JournalError != nil }

func (v view) hasNothingToDo() bool {
	isUnfinished := v.Record != nil && v.Record.Unfinished
	return !v.isAskedFor() && !isUnfinished && !v.canResume() && !v.needsRepair()
}

// mayBeBusy reports whether another run may still change something that this one decides from.
func (v view) mayBeBusy() bool { return !v.busyUntil().IsZero() }

// busyUntil is when the last of these runs is certainly dead, by its journal's age. A run whose key Qovery has only gives it to the
// other holders.
func (v view) busyUntil() (until time.Time) {
	for _, j := range v.journals() {
		if j.mayBeAlive(v.now) && (j.To != v.Set.AccessKeyID || len(v.stale()) > 0) {
			until = latest(until, j.At.Add(livePeriod))
		}
	}
	return until
}

func (v view) wait() Decision { return Decision{Action: ActionWait, Until: v.busyUntil()} }

// isPutBack reports whether somebody undid a cutover. If the new key of that rotation is deleted, the rotation has no effect
// any more.
func (v view) isPutBack() bool {
	j := v.Journal
	return j != nil && j.cutOver() && j.From == v.Set.AccessKeyID && v.key(j.To) != nil && !v.hasLeaked()
}

func (v view) hasChanged() bool {
	return v.Record != nil && v.Record.AccessKeyID != v.Set.AccessKeyID && !v.needsRepair()
}

func (v view) signsWithCurrent() bool { return v.Current != nil && v.Current.Signs }

// othersAreUnfinished checks the journals of other credentials.
func (v view) othersAreUnfinished() bool {
	return slices.ContainsFunc(v.OtherJournals, v.isUnfinished)
}

// isUnfinished reports whether the credentials of a journal hold its new key, and its rotation is not complete. A rotation that
// left these credentials with the replaced key is not complete either, because its repair gives them a new one.
func (v view) isUnfinished(j Journal) bool {
	isLeftBehind := j.From == v.Set.AccessKeyID && v.key(j.To) != nil
	return v.gave(j) && (j.Stage != StageDeployed || isLeftBehind)
}

func (v view) hasNoPlace() bool { _, problem := v.place(); return problem != nil }

func (v view) noPlace() *Problem {
	_, problem := v.place()
	return forRotation(problem)
}

func (v view) ignoresClusterRegistry() bool { return !v.hasLeaked() && len(v.ignoredRegistries()) > 0 }

func (v view) hasUnrotatableHolder() bool { return !v.hasLeaked() && len(v.unrotatableHolders()) > 0 }

func (v view) isUndeployable() bool { return !v.hasLeaked() && v.undeployable() != nil }

// lacksRequests checks the budget before the first change. After the cutover, the holders cannot wait for more requests.
func (v view) lacksRequests() bool { return v.Budget.Known && v.Budget.Left < v.requestsForHolders() }

func (v view) always() bool { return true }
