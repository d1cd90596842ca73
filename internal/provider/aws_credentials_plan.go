package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// update is what an update of a qoveryrotation_aws_credentials will do. Each value makes at least as many planned attributes
// unknown as the one before it.
type update int

const (
	// updateRecord only writes arguments into the state.
	updateRecord update = iota
	// updatePostpone remembers a requested rotation that has to wait for rotation_window.
	updatePostpone
	// updateReschedule changes when the next rotation is due.
	updateReschedule
	// updateResume resumes a rotation after its cutover.
	updateResume
	// updateMayRotate rotates if an unknown value or the time of the apply asks for it.
	updateMayRotate
	// updateRotate rotates.
	updateRotate
)

// gate is what a plan knows about rotation_window.
type gate int

const (
	// gateOpen is a window that was open at the last refresh, or no window.
	gateOpen gate = iota
	// gateChanged is a window that no refresh has evaluated, or that is not known yet. The update evaluates it.
	gateChanged
	// gateClosed is a window that was closed at the last refresh.
	gateClosed
)

// request is a reason to rotate, and what the update does about it in each [gate].
type request struct {
	reason  string
	applies func(change) bool
	then    [3]update
}

// requests are in no order. Of those that apply, the greatest update decides. DESIGN.md has the same rows.
var requests = []request{
	{"`rotation_triggers` changed", change.triggersChange, [...]update{updateRotate, updateMayRotate, updatePostpone}},
	{"`rotation_triggers` may change", change.triggersMayChange, [...]update{updateMayRotate, updateMayRotate, updatePostpone}},
	{"A rotation waits", change.isPending, [...]update{updateRotate, updateMayRotate, updateRecord}},
	{"The key reached `rotate_after_days`", change.isDueByAge, [...]update{updateRotate, updateMayRotate, updateRecord}},
	{"`rotate_after_days` changed", change.setsAge, [...]update{updateMayRotate, updateMayRotate, updateReschedule}},
	{"Nothing asks for a rotation any more, or at another time", change.reschedules, [...]update{updateReschedule, updateReschedule, updateReschedule}},
}

// change is everything that the plan of an update depends on.
type change struct {
	state, plan *awsCredentialsModel
	seen        schedule
	// compromised is whether the current key is listed as compromised.
	compromised bool
}

// update returns what the update will do. It is a pure function, so the second plan, during the apply, agrees with the first.
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

// triggersChange reports whether the triggers change from one map to another. Adding or removing the whole map adds or removes
// a schedule, and rotates nothing.
func (c change) triggersChange() bool {
	state, plan := c.state.RotationTriggers, c.plan.RotationTriggers
	return !state.IsNull() && !plan.IsNull() && !hasUnknown(plan) && !plan.Equal(state)
}

// triggersMayChange reports whether the planned map or one of its elements is unknown, so that the triggers may change.
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

// keepsPrevious reports whether the previous key drains, or a cleanup holds a key. A waiting request and the key's age rotate
// nothing meanwhile, because a plan that fails would block everything else, and so the end of the hold.
func (c change) keepsPrevious() bool {
	return c.state.Phase.ValueString() == string(rotation.PhaseDraining) || c.seen.HeldKeyID != ""
}

// isPending reports whether a request is remembered that waits for nothing but the window.
func (c change) isPending() bool { return !c.seen.PendingSince.IsZero() && !c.keepsPrevious() }

// waitsForHold reports whether a rotation that is asked for waits for the end of a hold.
func (c change) waitsForHold() bool {
	return c.seen.HeldKeyID != "" && (!c.seen.PendingSince.IsZero() || c.isAged()) && c.update() < updateResume
}

// pendingAfter returns the time of a request that still waits after the update. A resumed rotation fulfills no request that is
// younger than its cutover.
func (c change) pendingAfter(record *rotation.Record) time.Time {
	if c.update() == updateResume && record.RotatedAt.Before(c.seen.PendingSince) {
		return c.seen.PendingSince
	}
	return time.Time{}
}

// isDueByAge reports whether the key's age asks for a rotation that waits for nothing but the window.
func (c change) isDueByAge() bool { return c.isAged() && !c.keepsPrevious() }

// isAged reports whether the last refresh found that the key had reached rotate_after_days.
func (c change) isAged() bool {
	return c.seen.Aged && !c.plan.RotateAfterDays.IsNull() && !c.changesAge()
}

func (c change) changesAge() bool { return !c.plan.RotateAfterDays.Equal(c.state.RotateAfterDays) }

// setsAge reports whether a changed rotate_after_days may make the key due at once. The update decides.
func (c change) setsAge() bool {
	return !c.plan.RotateAfterDays.IsNull() && c.changesAge() && !c.keepsPrevious()
}

func (c change) reschedules() bool {
	return c.changesAge() || !c.plan.RotationWindow.Equal(c.state.RotationWindow)
}

// planComputed sets every computed attribute to its planned value. Attributes that the update can change are unknown, the
// others keep their value.
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

// record applies an update that rotates nothing. It sets exactly the attributes that the plan left unknown, and returns the
// schedule for the next plans.
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
	seen := m.setDue(pendingSince, c.seen.HeldKeyID, now)
	if what == updatePostpone {
		m.RotationDue = c.state.RotationDue // Only a refresh brings a rotation forward.
	}
	return seen
}

// isWanted reports whether a rotation is asked for, once every value is known. The key's present age counts only under a
// changed rotate_after_days. Otherwise the last refresh decided, and the plan shows it.
func (c change) isWanted(now time.Time) bool {
	agedAt := rotation.DueAt(timeOf(c.state.AccessKeyCreatedAt), c.plan.RotateAfterDays.ValueInt64())
	return c.triggersChange() || c.isPending() || c.isDueByAge() || c.setsAge() && isReached(agedAt, now)
}

// rotates reports whether the update rotates, once every value is known. A window that has closed since the plan can only
// postpone.
func (c change) rotates(now time.Time) bool {
	switch c.update() {
	case updateRotate, updateMayRotate:
		return c.compromised || c.isWanted(now) && c.plan.window().Contains(now)
	case updateResume:
		// The resumed rotation is the one that is asked for. If Qovery's key does not work any more, a new rotation replaces
		// it.
		return c.triggersChange() || c.isPending()
	default:
		return false
	}
}

// waits reports whether a rotation that is asked for, or may be, waits for a later update, because the window is closed.
func (c change) waits(now time.Time) bool {
	what := c.update()
	return !c.compromised && what != updateRecord && what != updateResume && (c.isWanted(now) || c.triggersMayChange()) && !c.plan.window().Contains(now)
}
