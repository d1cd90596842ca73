package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// intent is what an update of a qoveryrotation_aws_credentials is going to do.
type intent int

const (
	// intentRecord only writes arguments into the state.
	intentRecord intent = iota
	// intentMoveDrain moves the end of the drain window.
	intentMoveDrain
	// intentReschedule changes when the next rotation is due.
	intentReschedule
	// intentResume carries on after a cutover.
	intentResume
	// intentMayRotate rotates if a value that is not known yet turns out to ask for it.
	intentMayRotate
	// intentRotate rotates.
	intentRotate
)

// intentOf says what the change from state to plan comes to. It is a pure function, so Terraform gets the same answer
// when it plans again while it applies.
func intentOf(state, plan *awsCredentialsModel) intent {
	switch {
	case state.Phase.ValueString() == phaseDeploying:
		return intentResume
	case triggersChange(state.RotationTriggers, plan.RotationTriggers), dueByAge(state, plan):
		return intentRotate
	case triggersMayChange(state.RotationTriggers, plan.RotationTriggers), shortensAge(state, plan):
		return intentMayRotate
	case !plan.RotateAfterDays.Equal(state.RotateAfterDays):
		return intentReschedule
	case !plan.DrainWindow.Equal(state.DrainWindow):
		return intentMoveDrain
	default:
		return intentRecord
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
		state.Phase.ValueString() != phaseDraining
}

// shortensAge tells whether another rotate_after_days may make the key due at once, which the update finds out.
func shortensAge(state, plan *awsCredentialsModel) bool {
	return !plan.RotateAfterDays.IsNull() && !plan.RotateAfterDays.Equal(state.RotateAfterDays) &&
		state.Phase.ValueString() != phaseDraining
}

// planComputed gives every computed attribute its planned value: what the update could touch is unknown, the rest stays.
func (m *awsCredentialsModel) planComputed(state *awsCredentialsModel, what intent) {
	m.copyComputed(state)
	switch what {
	case intentRotate, intentMayRotate, intentResume:
		m.AccessKeyID, m.AccessKeyCreatedAt = types.StringUnknown(), timetypes.NewRFC3339Unknown()
		m.PreviousAccessKeyID = types.StringUnknown()
		m.RotatedAt, m.DeployedAt = timetypes.NewRFC3339Unknown(), timetypes.NewRFC3339Unknown()
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
		m.RotationDue, m.RotationDueAt = types.BoolUnknown(), timetypes.NewRFC3339Unknown()
		m.ClusterIDs, m.Holders = types.ListUnknown(types.StringType), types.ListUnknown(holderType)
	case intentReschedule:
		m.RotationDue, m.RotationDueAt = types.BoolUnknown(), timetypes.NewRFC3339Unknown()
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
	case intentMoveDrain:
		m.DrainEndsAt, m.Phase = timetypes.NewRFC3339Unknown(), types.StringUnknown()
	case intentRecord:
	}
}

// recordUpdate carries out an update that rotates nothing: exactly what the plan left open is brought up to date.
func (m *awsCredentialsModel) recordUpdate(what intent, now time.Time) {
	if what == intentRecord {
		return
	}
	m.setDrain()
	m.setPhase(now, false)
	if what != intentMoveDrain {
		m.setDue(now)
	}
}

// asksToRotate tells, with every value known, whether an update rotates. The key's age counts under a new
// rotate_after_days only: otherwise the last refresh decided, and the plan was shown accordingly.
func asksToRotate(state, plan *awsCredentialsModel, now time.Time) bool {
	switch intentOf(state, plan) {
	case intentRotate:
		return true
	case intentMayRotate:
	default:
		return false
	}
	dueAt := timeOf(state.AccessKeyCreatedAt).AddDate(0, 0, int(plan.RotateAfterDays.ValueInt64()))
	return shortensAge(state, plan) && !state.AccessKeyCreatedAt.IsNull() && !now.Before(dueAt)
}
