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
	// Rotate asks for a rotation. Without it only what was left unfinished is resumed.
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
	// Warn is called with what a person should know beside the outcome; it may be nil.
	Warn func(*Problem)

	lastUseDelay time.Duration
}

// Action is what a [Decision] comes to.
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

// Decision is what has to be done about a [Snapshot].
type Decision struct {
	Action  Action
	Problem *Problem
	// Until is when to look again.
	Until time.Time
	// Rotation is the one that is resumed, or as much of a new one as is known before its first step.
	Rotation Journal
	// Place is the permit for the one other key of the user, which goes first; nil if there is none.
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

// table is everything that a rotation may find, in the order in which it matters. DESIGN.md has the same rows.
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

// Next says what to do about what was observed. It is a pure function of its arguments.
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

// view is a snapshot as seen at a moment by somebody with an intent.
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

// isCutOff leaves a key that does not work to its rotation, which is the cure. That needs a recorded owner: AWS says of a key of
// another account, too, that it does not exist.
func (v view) isCutOff() bool {
	return v.isDead() && (!v.isAskedFor() || v.UserARN == "" || v.UserARN != v.User.ARN)
}

// isDead tells whether Qovery's key is Inactive or gone.
func (v view) isDead() bool { return v.Current == nil || !v.Current.Active }

// isAskedFor tells whether a rotation is wanted. A key that leaked needs no other reason.
func (v view) isAskedFor() bool { return v.Rotate || v.hasLeaked() }

// hasLeaked tells whether Qovery's key is listed as compromised. Security goes before availability then, and only then.
func (v view) hasLeaked() bool { return v.isListed(v.Set.AccessKeyID) }

func (v view) cannotReadJournal() bool { return v.JournalError != nil }

func (v view) hasNothingToDo() bool {
	isUnfinished := v.Record != nil && v.Record.Unfinished
	return !v.isAskedFor() && !isUnfinished && !v.canResume() && !v.needsRepair()
}

// mayBeBusy tells whether any run may still change something before its cutover. Nobody else is asked who it is.
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

// isPutBack tells whether somebody undid a cutover. Without the key that was new then, nothing is left to be careful about:
// the rotation never happened.
func (v view) isPutBack() bool {
	j := v.Journal
	return j != nil && j.cutOver() && j.From == v.Set.AccessKeyID && v.key(j.To) != nil && !v.hasLeaked()
}

func (v view) hasChanged() bool {
	return v.Record != nil && v.Record.AccessKeyID != v.Set.AccessKeyID && !v.needsRepair()
}

func (v view) signsWithCurrent() bool { return v.Current != nil && v.Current.Signs }

// othersAreUnfinished looks at journals of other credentials. One blocks only while its rotation is unfinished and its
// credentials hold the key that it gave to them.
func (v view) othersAreUnfinished() bool {
	return slices.ContainsFunc(v.OtherJournals, v.isUnfinished)
}

// isUnfinished counts a rotation that has left these credentials behind with the key that it replaced: its repair gives them a
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

// lacksRequests compares the two at once: after the cutover the holders cannot wait for more requests.
func (v view) lacksRequests() bool { return v.Budget.Known && v.Budget.Left < v.requestsForHolders() }

func (v view) always() bool { return true }
