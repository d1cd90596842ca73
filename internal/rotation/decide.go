package rotation

import (
	"slices"
	"time"
)

// Intent is what a resource wants.
type Intent struct {
	Target
	// Record is what the state remembers; nil when there is no state yet.
	Record *Record
	// Rotate asks for a rotation. Without it, only an unfinished rotation is resumed.
	Rotate bool
	// RotateRegistries gives the new key to every other holder in the organization. With RegistriesUnknown a plan cannot tell yet.
	RotateRegistries, RegistriesUnknown bool
	// IgnoredHolders are ids of holders that a rotation leaves with the key that they have. HoldersUnknown is true in a plan
	// that does not know them yet.
	IgnoredHolders []string
	HoldersUnknown bool
	// ProductionLast deploys production clusters when all others have succeeded.
	ProductionLast bool
	// DrainWindow is the time from the end of the last deployment to the moment when the previous key may go.
	DrainWindow time.Duration
	// Timeout bounds the whole rotation, most of which is the wait for the clusters.
	Timeout time.Duration
	// Warn is called with warnings for a person; it may be nil.
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
	// ActionWait looks again when a run that may be alive is certainly dead.
	ActionWait Action = "wait"
	// ActionResume resumes after a cutover that was done before, or adopts a rotation that is complete.
	ActionResume Action = "resume"
	// ActionRotate replaces Qovery's key by a new one.
	ActionRotate Action = "rotate"
)

// Decision is what to do after a [Snapshot].
type Decision struct {
	Action  Action
	Problem *Problem
	// Until is when to look again.
	Until time.Time
	// Rotation is the one that is resumed, or what is known of a new one before its first step.
	Rotation Journal
	// Place is the permit to delete the user's other key first; nil if there is none.
	Place *Permit
	// Stale holders store a key that is gone or about to go, and not the one that is replaced. They are served first.
	Stale []Holder
}

// row is one line of the table: the first one that applies decides.
type row struct {
	situation string
	applies   func(view) bool
	decide    func(view) Decision
}

// table has every situation that a rotation can find. The first one that applies decides. DESIGN.md has the same rows.
var table = []row{
	{"The credentials have no access key", view.hasNoAccessKey, refuse(view.notStatic)},
	{"The IAM user does not exist", view.lacksUser, refuse(view.userNotFound)},
	{"Qovery's key is of another IAM user", view.isOfAnotherUser, refuse(view.wrongUser)},
	{"Qovery's key does not work, and no rotation of it is asked for and possible", view.isCutOff, refuse(view.cutOff)},
	{"The tag of the journal holds something else", view.cannotReadJournal, refuse(view.unknownJournal)},
	{"Nothing is unfinished and nothing is asked for", view.hasNothingToDo, none},
	{"A run before its cutover may be alive", view.mayBeBusy, view.wait},
	{"A cutover is done, and its rotation is not recorded as complete", view.canResume, view.resume},
	{"Somebody put the previous key back", view.isPutBack, refuse(view.putBack)},
	{"Qovery's key is not the one of the plan", view.hasChanged, refuse(view.keyChanged)},
	{"The provider signs with the key", view.signsWithCurrent, refuse(view.signs)},
	{"A rotation for other credentials of the user is unfinished", view.othersAreUnfinished, refuse(view.otherRotation)},
	{"The user's other key may not go", view.hasNoPlace, refuse(view.noPlace)},
	{"A registry that came with a cluster is ignored", view.ignoresClusterRegistry, refuse(view.ignoredRegistry)},
	{"The key is stored where it cannot be replaced", view.hasUnrotatableHolder, refuse(view.unrotatable)},
	{"The clusters cannot be deployed", view.isUndeployable, refuse(view.undeployable)},
	{"Fewer requests are left than the holders need", view.lacksRequests, refuse(view.tooFewRequests)},
	{"A rotation is asked for, or stale holders need one", view.always, view.rotate},
}

// Next decides what to do after a snapshot. It is a pure function of its arguments.
func Next(now time.Time, in Intent, s *Snapshot) Decision {
	v := view{now: now, Intent: in, Snapshot: s}
	v.Snapshot = v.completed()
	return v.first().decide(v)
}

// first is the first row that applies; the last one always does.
func (v view) first() row {
	i := slices.IndexFunc(table, func(row row) bool { return row.applies(v) })
	return table[i]
}

// view is a snapshot together with the time and the intent that decisions depend on.
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

// isCutOff does not apply when a rotation can replace the key that does not work. That requires a recorded owner: AWS also says of a
// key of another account that it does not exist.
func (v view) isCutOff() bool {
	return v.isDead() && (!v.isAskedFor() || v.UserARN == "" || v.UserARN != v.User.ARN)
}

// isDead reports whether Qovery's key is Inactive or deleted.
func (v view) isDead() bool { return v.Current == nil || !v.Current.Active }

// isAskedFor reports whether a rotation is wanted. A key that leaked needs no other reason.
func (v view) isAskedFor() bool { return v.Rotate || v.hasLeaked() }

// hasLeaked reports whether Qovery's key is listed as compromised. Only then, security comes before availability.
func (v view) hasLeaked() bool { return v.isListed(v.Set.AccessKeyID) }

func (v view) cannotReadJournal() bool { return v.JournalError != nil }

func (v view) hasNothingToDo() bool {
	isUnfinished := v.Record != nil && v.Record.Unfinished
	return !v.isAskedFor() && !isUnfinished && !v.canResume() && !v.needsRepair()
}

// mayBeBusy reports whether a run may still change something before its cutover. Age alone decides.
func (v view) mayBeBusy() bool { return !v.busyUntil().IsZero() }

func (v view) busyUntil() (until time.Time) {
	for _, j := range v.journals() {
		if j.mayBeAlive(v.now) && j.To != v.Set.AccessKeyID {
			until = latest(until, j.At.Add(livePeriod))
		}
	}
	return until
}

func (v view) wait() Decision { return Decision{Action: ActionWait, Until: v.busyUntil()} }

// isPutBack reports whether somebody undid a cutover. If the key that was new then is deleted, the undone rotation has no effect
// any more.
func (v view) isPutBack() bool {
	j := v.Journal
	return j != nil && j.cutOver() && j.From == v.Set.AccessKeyID && v.key(j.To) != nil && !v.hasLeaked()
}

func (v view) hasChanged() bool {
	return v.Record != nil && v.Record.AccessKeyID != v.Set.AccessKeyID && !v.needsRepair()
}

func (v view) signsWithCurrent() bool { return v.Current != nil && v.Current.Signs }

// othersAreUnfinished checks the journals of other credentials. A journal blocks only while its rotation is unfinished and its
// credentials hold the new key.
func (v view) othersAreUnfinished() bool {
	return slices.ContainsFunc(v.OtherJournals, v.isUnfinished)
}

// isUnfinished also applies to a rotation that left these credentials with the replaced key: its repair gives them a
// new one.
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

// lacksRequests checks the budget before the first change: after the cutover the holders cannot wait for more requests.
func (v view) lacksRequests() bool { return v.Budget.Known && v.Budget.Left < v.requestsForHolders() }

func (v view) always() bool { return true }
