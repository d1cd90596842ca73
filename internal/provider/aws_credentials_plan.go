package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// update is what an update of a qoveryrotation_aws_credentials is going to do. Each leaves at least as many planned values open as
// the one before it.
type update int

const (
	// updateRecord only writes arguments into the state.
	updateRecord update = iota
	// updatePostpone remembers that a rotation is asked for, which has to wait for rotation_window.
	updatePostpone
	// updateReschedule changes when the next rotation is due.
	updateReschedule
	// updateResume carries on after a cutover.
	updateResume
	// updateMayRotate rotates if a value that is not known yet, or the time, turns out to ask for it.
	updateMayRotate
	// updateRotate rotates.
	updateRotate
)

// gate is what a plan knows about rotation_window.
type gate int

const (
	// gateOpen is a window that was open at the last refresh, or no window.
	gateOpen gate = iota
	// gateChanged is a window that no refresh has looked at, or that is not known yet. The update finds out.
	gateChanged
	// gateClosed is a window that was closed at the last refresh.
	gateClosed
)

// request is what can ask for a rotation, and what comes of it, by what is known about rotation_window.
type request struct {
	reason  string
	applies func(change) bool
	then    [3]update
}

// requests are in no order: of all that apply, the one of which most comes decides. DESIGN.md has the same rows.
var requests = []request{
	{"`rotation_triggers` changed", change.triggersChange, [...]update{updateRotate, updateMayRotate, updatePostpone}},
	{"`rotation_triggers` may change", change.triggersMayChange, [...]update{updateMayRotate, updateMayRotate, updatePostpone}},
	{"A rotation waits", change.isPending, [...]update{updateRotate, updateMayRotate, updateRecord}},
	{"The key reached `rotate_after_days`", change.isDueByAge, [...]update{updateRotate, updateMayRotate, updateRecord}},
	{"`rotate_after_days` changed", change.setsAge, [...]update{updateMayRotate, updateMayRotate, updateReschedule}},
	{"Nothing asks for a rotation any more, or at another time", change.reschedules, [...]update{updateReschedule, updateReschedule, updateReschedule}},
}

// change is what Terraform knows when it plans an update, and all that the plan depends on.
type change struct {
	state, plan *awsCredentialsModel
	seen        schedule
	// compromised tells whether the current key is listed as such.
	compromised bool
}

// update says what the change comes to. It is a pure function, so Terraform gets the same answer when it plans again while it
// applies.
func (c change) update() update {
	switch {
	case c.compromised:
		return updateRotate
	case c.state.Phase.ValueString() == string(rotation.PhaseDeploying):
		return updateResume
	}
	what, gate := updateRecord, c.gate()
	for _, request := range requests {
		if request.applies(c) {
			what = max(what, request.then[gate])
		}
	}
	return what
}

func (c change) gate() gate {
	switch {
	case c.plan.RotationWindow.IsNull():
		return gateOpen
	case !c.plan.RotationWindow.Equal(c.state.RotationWindow):
		return gateChanged
	case c.seen.Open:
		return gateOpen
	default:
		return gateClosed
	}
}

// triggersChange tells whether the triggers go from one map to another. From no map to a map, and back, is a schedule
// that is added or taken away, and rotates nothing.
func (c change) triggersChange() bool {
	state, plan := c.state.RotationTriggers, c.plan.RotationTriggers
	return !state.IsNull() && !plan.IsNull() && !hasUnknown(plan) && !plan.Equal(state)
}

// triggersMayChange is triggersChange for a map that is not known yet, or not in all of its elements.
func (c change) triggersMayChange() bool {
	return !c.state.RotationTriggers.IsNull() && !c.plan.RotationTriggers.IsNull() && hasUnknown(c.plan.RotationTriggers)
}

func hasUnknown(m types.Map) bool {
	if m.IsUnknown() {
		return true
	}
	for _, element := range m.Elements() {
		if element.IsUnknown() {
			return true
		}
	}
	return false
}

// isDraining tells whether the previous key drains. A rotation that was asked for earlier, or by age, waits meanwhile: it could
// not begin, and a plan that cannot succeed would keep everything else from being applied.
func (c change) isDraining() bool {
	return c.state.Phase.ValueString() == string(rotation.PhaseDraining)
}

// isPending tells whether a rotation that was asked for waits for the window.
func (c change) isPending() bool { return !c.seen.PendingSince.IsZero() && !c.isDraining() }

// pendingAfter is since when a rotation is still asked for after what was carried out. What was resumed may have begun before
// somebody asked.
func (c change) pendingAfter(record *rotation.Record) time.Time {
	if c.update() == updateResume && record.RotatedAt.Before(c.seen.PendingSince) {
		return c.seen.PendingSince
	}
	return time.Time{}
}

// isDueByAge tells whether the last refresh found the key old enough.
func (c change) isDueByAge() bool {
	return c.seen.Aged && !c.plan.RotateAfterDays.IsNull() && !c.changesAge() && !c.isDraining()
}

func (c change) changesAge() bool { return !c.plan.RotateAfterDays.Equal(c.state.RotateAfterDays) }

// setsAge tells whether another rotate_after_days may make the key due at once, which the update finds out.
func (c change) setsAge() bool {
	return !c.plan.RotateAfterDays.IsNull() && c.changesAge() && !c.isDraining()
}

func (c change) reschedules() bool {
	return c.changesAge() || !c.plan.RotationWindow.Equal(c.state.RotationWindow)
}

// planComputed gives every computed attribute its planned value: what the update could touch is unknown, the rest stays.
func (c change) planComputed() {
	m, what := c.plan, c.update()
	m.copyComputed(c.state)
	if !m.IAMUserName.Equal(c.state.IAMUserName) {
		m.IAMUserARN = types.StringUnknown()
	}
	if what >= updatePostpone {
		m.RotationDueAt = timetypes.NewRFC3339Unknown()
	}
	if what >= updateReschedule {
		m.RotationDue = types.BoolUnknown()
	}
	if what >= updateResume || !m.DrainWindow.Equal(c.state.DrainWindow) {
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
	}
	if what >= updateResume {
		m.AccessKeyID, m.AccessKeyCreatedAt = types.StringUnknown(), timetypes.NewRFC3339Unknown()
		m.PreviousAccessKeyID = types.StringUnknown()
		m.RotatedAt, m.DeployedAt = timetypes.NewRFC3339Unknown(), timetypes.NewRFC3339Unknown()
		m.ClusterIDs, m.Holders = types.ListUnknown(types.StringType), types.ListUnknown(holderType)
	}
}

// record carries out an update that rotates nothing: exactly what the plan left open is brought up to date. It returns what the
// next plans are to go by.
func (c change) record(now time.Time) schedule {
	m, what := c.plan, c.update()
	m.copyComputed(c.state)
	if !m.IAMUserName.Equal(c.state.IAMUserName) {
		m.IAMUserARN = types.StringNull() // The next refresh records the one of the other user.
	}
	if !m.DrainWindow.Equal(c.state.DrainWindow) {
		record := m.record(nil).ExtendDrain(durationOr(m.DrainWindow, 0))
		m.DrainEndsAt, m.Phase = timeValue(record.DrainEndsAt), types.StringValue(string(record.PhaseAt(now)))
	}
	if what == updateRecord {
		return c.seen
	}
	pendingSince := c.seen.PendingSince
	if c.triggersChange() && pendingSince.IsZero() {
		pendingSince = now
	}
	seen := m.setDue(pendingSince, now)
	if what == updatePostpone {
		m.RotationDue = c.state.RotationDue // Only a refresh brings a rotation forward.
	}
	return seen
}

// isWanted tells, with every value known, whether a rotation is asked for. The key's age counts under a new rotate_after_days only:
// otherwise the last refresh decided, and the plan was shown accordingly.
func (c change) isWanted(now time.Time) bool {
	agedAt := rotation.DueAt(timeOf(c.state.AccessKeyCreatedAt), c.plan.RotateAfterDays.ValueInt64())
	return c.triggersChange() || c.isPending() || c.isDueByAge() || c.setsAge() && isReached(agedAt, now)
}

// rotates tells, with every value known, whether the update rotates. That the window is closed by now can only postpone.
func (c change) rotates(now time.Time) bool {
	switch c.update() {
	case updateRotate, updateMayRotate:
		return c.compromised || c.isWanted(now) && c.plan.window().Contains(now)
	case updateResume:
		// The rotation that is resumed is the one that is asked for, unless Qovery's key does not work any more.
		return c.triggersChange() || c.isPending()
	default:
		return false
	}
}

// waits tells whether the update leaves a rotation that is asked for, or may be, to a later one, because the window is closed.
func (c change) waits(now time.Time) bool {
	what := c.update()
	return !c.compromised && what != updateRecord && what != updateResume && (c.isWanted(now) || c.triggersMayChange()) && !c.plan.window().Contains(now)
}
