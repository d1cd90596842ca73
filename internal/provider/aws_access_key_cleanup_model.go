package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// awsAccessKeyCleanupModel is the state, plan or configuration of a qoveryrotation_aws_access_key_cleanup.
type awsAccessKeyCleanupModel struct {
	OrganizationID   types.String      `tfsdk:"organization_id"`
	CredentialsID    types.String      `tfsdk:"credentials_id"`
	IAMUserName      types.String      `tfsdk:"iam_user_name"`
	AccessKeyID      types.String      `tfsdk:"access_key_id"`
	DeleteAfter      timetypes.RFC3339 `tfsdk:"delete_after"`
	QuarantineWindow types.String      `tfsdk:"quarantine_window"`
	Wait             types.Bool        `tfsdk:"wait"`
	Hold             types.Bool        `tfsdk:"hold"`
	AllowRecentUse   types.Bool        `tfsdk:"allow_recent_use"`
	AllowRunning     types.Bool        `tfsdk:"allow_running_deployments"`
	IgnoredHolders   types.Set         `tfsdk:"ignored_holders"`
	IAMUserARN       types.String      `tfsdk:"iam_user_arn"`
	Status           types.String      `tfsdk:"status"`
	DeactivatedAt    timetypes.RFC3339 `tfsdk:"deactivated_at"`
	DeletedAt        timetypes.RFC3339 `tfsdk:"deleted_at"`
	NextActionAt     timetypes.RFC3339 `tfsdk:"next_action_at"`
	Timeouts         timeouts.Value    `tfsdk:"timeouts"`
}

// retirement returns what the model asks for.
func (m *awsAccessKeyCleanupModel) retirement() rotation.Retirement {
	return rotation.Retirement{
		Target: rotation.Target{
			OrganizationID: m.OrganizationID.ValueString(),
			CredentialsID:  m.CredentialsID.ValueString(),
			UserName:       m.IAMUserName.ValueString(),
			UserARN:        m.IAMUserARN.ValueString(),
		},
		AccessKeyID:      m.AccessKeyID.ValueString(),
		DeleteAfter:      timeOf(m.DeleteAfter),
		QuarantineWindow: durationOr(m.QuarantineWindow, 0),
		DeactivatedAt:    timeOf(m.DeactivatedAt),
		AllowRecentUse:   m.AllowRecentUse.ValueBool(),
		IgnoredHolders:   stringsOf(m.IgnoredHolders),
		Hold:             m.Hold.ValueBool(),

		AllowRunningDeployments: m.AllowRunning.ValueBool(),
	}
}

// longestTimeout returns the longer one of the timeouts, or 0 if one of them is unknown or malformed.
func (m *awsAccessKeyCleanupModel) longestTimeout() time.Duration {
	if m.Timeouts.IsUnknown() {
		return 0
	}
	var longest time.Duration
	for _, name := range []string{"create", "update"} {
		timeout := defaultCleanupTimeout
		if value, ok := m.Timeouts.Attributes()[name].(types.String); ok && !value.IsNull() {
			parsed, err := time.ParseDuration(value.ValueString())
			if err != nil {
				return 0
			}
			timeout = parsed
		}
		longest = max(longest, timeout)
	}
	return longest
}

// setOutcome records the outcome of a retirement.
func (m *awsAccessKeyCleanupModel) setOutcome(outcome rotation.RetirementOutcome) {
	m.IAMUserARN = textValue(outcome.UserARN)
	m.Status = types.StringValue(string(outcome.Status))
	m.DeactivatedAt = timeValue(outcome.DeactivatedAt)
	m.DeletedAt = timeValue(outcome.DeletedAt)
	m.NextActionAt = timeValue(outcome.NextActionAt)
}

// copyComputed copies every attribute that only the provider sets.
func (m *awsAccessKeyCleanupModel) copyComputed(from *awsAccessKeyCleanupModel) {
	m.IAMUserARN, m.Status, m.NextActionAt = from.IAMUserARN, from.Status, from.NextActionAt
	m.DeactivatedAt, m.DeletedAt = from.DeactivatedAt, from.DeletedAt
}

// isOver reports whether nothing is left to do about the key.
func (m *awsAccessKeyCleanupModel) isOver() bool {
	switch rotation.Status(m.Status.ValueString()) {
	case rotation.StatusIdle, rotation.StatusDeleted:
		return true
	default:
		return false
	}
}

// callsForUpdate reports whether an update is planned although no argument changes. The last refresh found the next step due,
// an apply with wait was interrupted, or the key is listed as compromised. It is a pure function, so both plans agree.
func callsForUpdate(state, plan *awsAccessKeyCleanupModel, compromised bool) bool {
	switch rotation.Status(state.Status.ValueString()) {
	case rotation.StatusDue:
		return true
	case rotation.StatusDraining:
		return compromised || plan.Wait.ValueBool() && !plan.Hold.ValueBool()
	case rotation.StatusQuarantined:
		return plan.Wait.ValueBool()
	case rotation.StatusHeld:
		return compromised
	default:
		return compromised && state.keyStays()
	}
}

// planUpdate makes the attributes unknown that an update sets.
func (m *awsAccessKeyCleanupModel) planUpdate() {
	m.Status = types.StringUnknown()
	if m.IAMUserARN.IsNull() {
		m.IAMUserARN = types.StringUnknown()
	}
	m.DeactivatedAt, m.DeletedAt, m.NextActionAt = timetypes.NewRFC3339Unknown(), timetypes.NewRFC3339Unknown(), timetypes.NewRFC3339Unknown()
}
