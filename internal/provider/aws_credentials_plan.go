package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// update is what an update of a qoveryrotation_aws_credentials is going to do.
type update int

const (
	// updateRecord only writes arguments into the state.
	updateRecord update = iota
	// updateMoveDrain moves the end of the drain window.
	updateMoveDrain
	// updateReschedule changes when the next rotation is due.
	updateReschedule
	// updateResume carries on after a cutover.
	updateResume
	// updateMayRotate rotates if a value that is not known yet turns out to ask for it.
	updateMayRotate
	// updateRotate rotates.
	updateRotate
)

// updateOf says what the change from state to plan comes to, with a key that may be listed as compromised. It is a pure function,
// so Terraform gets the same answer when it plans again while it applies.
func updateOf(state, plan *awsCredentialsModel, compromised bool) update {
	switch {
	case compromised:
		return updateRotate
	case state.Phase.ValueString() == string(rotation.PhaseDeploying):
		return updateResume
	case triggersChange(state.RotationTriggers, plan.RotationTriggers), dueByAge(state, plan):
		return updateRotate
	case triggersMayChange(state.RotationTriggers, plan.RotationTriggers), shortensAge(state, plan):
		return updateMayRotate
	case !plan.RotateAfterDays.Equal(state.RotateAfterDays):
		return updateReschedule
	case !plan.DrainWindow.Equal(state.DrainWindow):
		return updateMoveDrain
	default:
		return updateRecord
	}
}

// triggersChange tells whether the triggers go from one map to another. From no map to a map, and back, is a schedule
// that is added or taken away, and rotates nothing.
func triggersChange(state, plan types.Map) bool {
	return !state.IsNull() && !plan.IsNull() && !hasUnknown(plan) && !plan.Equal(state)
}

// triggersMayChange is triggersChange for a map that is not known yet, or not in all of its elements.
func triggersMayChange(state, plan types.Map) bool {
	return !state.IsNull() && !plan.IsNull() && hasUnknown(plan)
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

// dueByAge tells whether the last refresh found the key old enough. While the previous key drains the rotation waits: it
// could not begin, and a plan that cannot succeed would keep everything else from being applied.
func dueByAge(state, plan *awsCredentialsModel) bool {
	return state.RotationDue.ValueBool() && !plan.RotateAfterDays.IsNull() && plan.RotateAfterDays.Equal(state.RotateAfterDays) &&
		state.Phase.ValueString() != string(rotation.PhaseDraining)
}

// shortensAge tells whether another rotate_after_days may make the key due at once, which the update finds out.
func shortensAge(state, plan *awsCredentialsModel) bool {
	return !plan.RotateAfterDays.IsNull() && !plan.RotateAfterDays.Equal(state.RotateAfterDays) &&
		state.Phase.ValueString() != string(rotation.PhaseDraining)
}

// planComputed gives every computed attribute its planned value: what the update could touch is unknown, the rest stays.
func (m *awsCredentialsModel) planComputed(state *awsCredentialsModel, what update) {
	m.copyComputed(state)
	if !m.IAMUserName.Equal(state.IAMUserName) {
		m.IAMUserARN = types.StringUnknown()
	}
	switch what {
	case updateRotate, updateMayRotate, updateResume:
		m.AccessKeyID, m.AccessKeyCreatedAt = types.StringUnknown(), timetypes.NewRFC3339Unknown()
		m.PreviousAccessKeyID = types.StringUnknown()
		m.RotatedAt, m.DeployedAt = timetypes.NewRFC3339Unknown(), timetypes.NewRFC3339Unknown()
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
		m.RotationDue, m.RotationDueAt = types.BoolUnknown(), timetypes.NewRFC3339Unknown()
		m.ClusterIDs, m.Holders = types.ListUnknown(types.StringType), types.ListUnknown(holderType)
	case updateReschedule:
		m.RotationDue, m.RotationDueAt = types.BoolUnknown(), timetypes.NewRFC3339Unknown()
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
	case updateMoveDrain:
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
	case updateRecord:
	}
}

// recordUpdate carries out an update that rotates nothing: exactly what the plan left open is brought up to date.
func (m *awsCredentialsModel) recordUpdate(state *awsCredentialsModel, what update, now time.Time) {
	if !m.IAMUserName.Equal(state.IAMUserName) {
		m.IAMUserARN = types.StringNull() // The next refresh records the one of the other user.
	}
	if what == updateRecord {
		return
	}
	record := m.record(nil).ExtendDrain(durationOr(m.DrainWindow, 0))
	m.DrainEndsAt = timeValue(record.DrainEndsAt)
	m.Phase = types.StringValue(string(record.PhaseAt(now)))
	if what != updateMoveDrain {
		m.setDue(now)
	}
}

// asksToRotate tells, with every value known, whether an update rotates. The key's age counts under a new
// rotate_after_days only: otherwise the last refresh decided, and the plan was shown accordingly.
func asksToRotate(state, plan *awsCredentialsModel, compromised bool, now time.Time) bool {
	switch updateOf(state, plan, compromised) {
	case updateRotate:
		return true
	case updateResume:
		// The rotation that is resumed is the one that is asked for, unless Qovery's key does not work any more.
		return triggersChange(state.RotationTriggers, plan.RotationTriggers)
	case updateMayRotate:
	default:
		return false
	}
	dueAt := rotation.DueAt(timeOf(state.AccessKeyCreatedAt), plan.RotateAfterDays.ValueInt64())
	return shortensAge(state, plan) && !dueAt.IsZero() && !now.Before(dueAt)
}
