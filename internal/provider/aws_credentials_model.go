package provider

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// awsCredentialsModel is the state, plan or configuration of a qoveryrotation_aws_credentials.
type awsCredentialsModel struct {
	ID                  types.String      `tfsdk:"id"`
	OrganizationID      types.String      `tfsdk:"organization_id"`
	CredentialsID       types.String      `tfsdk:"credentials_id"`
	IAMUserName         types.String      `tfsdk:"iam_user_name"`
	IAMUserARN          types.String      `tfsdk:"iam_user_arn"`
	RotationTriggers    types.Map         `tfsdk:"rotation_triggers"`
	RotateAfterDays     types.Int64       `tfsdk:"rotate_after_days"`
	RotateOnCreate      types.Bool        `tfsdk:"rotate_on_create"`
	RotationWindow      types.Object      `tfsdk:"rotation_window"`
	RotateRegistries    types.Bool        `tfsdk:"rotate_registries"`
	IgnoredHolders      types.Set         `tfsdk:"ignored_holders"`
	ProductionLast      types.Bool        `tfsdk:"production_last"`
	DrainWindow         types.String      `tfsdk:"drain_window"`
	AccessKeyID         types.String      `tfsdk:"access_key_id"`
	AccessKeyCreatedAt  timetypes.RFC3339 `tfsdk:"access_key_created_at"`
	PreviousAccessKeyID types.String      `tfsdk:"previous_access_key_id"`
	RotatedAt           timetypes.RFC3339 `tfsdk:"rotated_at"`
	DeployedAt          timetypes.RFC3339 `tfsdk:"deployed_at"`
	DrainEndsAt         timetypes.RFC3339 `tfsdk:"drain_ends_at"`
	RotationDue         types.Bool        `tfsdk:"rotation_due"`
	RotationDueAt       timetypes.RFC3339 `tfsdk:"rotation_due_at"`
	Phase               types.String      `tfsdk:"phase"`
	ClusterIDs          types.List        `tfsdk:"cluster_ids"`
	Holders             types.List        `tfsdk:"holders"`
	Timeouts            timeouts.Value    `tfsdk:"timeouts"`
}

// holderType is the type of an element of holders.
var holderType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"kind": types.StringType, "id": types.StringType, "name": types.StringType, "access_key_id": types.StringType,
}}

// intent returns what the model asks for.
func (m *awsCredentialsModel) intent() rotation.Intent {
	return rotation.Intent{
		Target: rotation.Target{
			OrganizationID: m.OrganizationID.ValueString(),
			CredentialsID:  m.CredentialsID.ValueString(),
			UserName:       m.IAMUserName.ValueString(),
			UserARN:        m.IAMUserARN.ValueString(),
		},
		RotateRegistries: m.RotateRegistries.ValueBool() || m.RotateRegistries.IsUnknown(),
		IgnoredHolders:   stringsOf(m.IgnoredHolders),
		HoldersUnknown:   setIsUnknown(m.IgnoredHolders),
		ProductionLast:   m.ProductionLast.ValueBool(),
		DrainWindow:      durationOr(m.DrainWindow, 0),

		RegistriesUnknown: m.RotateRegistries.IsUnknown(),
	}
}

// record returns what the state records about the last rotation.
func (m *awsCredentialsModel) record(deployedClusters []string) *rotation.Record {
	return &rotation.Record{
		UserName:            m.IAMUserName.ValueString(),
		UserARN:             m.IAMUserARN.ValueString(),
		AccessKeyID:         m.AccessKeyID.ValueString(),
		AccessKeyCreatedAt:  timeOf(m.AccessKeyCreatedAt),
		PreviousAccessKeyID: m.PreviousAccessKeyID.ValueString(),
		RotatedAt:           timeOf(m.RotatedAt),
		DeployedAt:          timeOf(m.DeployedAt),
		DrainEndsAt:         timeOf(m.DrainEndsAt),
		DrainWindow:         durationOr(m.DrainWindow, 0),
		Unfinished:          m.Phase.ValueString() == string(rotation.PhaseDeploying),
		DeployedClusters:    deployedClusters,
	}
}

// setRecord records the result of a refresh or a rotation, and returns the schedule for the next plans. pendingSince is the
// time of a request that still waits, or zero.
func (m *awsCredentialsModel) setRecord(r *rotation.Record, pendingSince, now time.Time) schedule {
	m.IAMUserName, m.IAMUserARN = textValue(r.UserName), textValue(r.UserARN)
	m.AccessKeyID, m.AccessKeyCreatedAt = types.StringValue(r.AccessKeyID), timeValue(r.AccessKeyCreatedAt)
	m.PreviousAccessKeyID = textValue(r.PreviousAccessKeyID)
	m.RotatedAt, m.DeployedAt, m.DrainEndsAt = timeValue(r.RotatedAt), timeValue(r.DeployedAt), timeValue(r.DrainEndsAt)
	m.Phase = types.StringValue(string(r.PhaseAt(now)))
	m.setClusters(r.Clusters)
	m.setHolders(r.Holders)
	return m.setDue(pendingSince, r.HeldKeyID, now)
}

// setID sets the id, which depends on arguments only.
func (m *awsCredentialsModel) setID() {
	m.ID = types.StringValue(m.OrganizationID.ValueString() + "/" + m.CredentialsID.ValueString())
}

// copyComputed copies every attribute that only the provider sets, except the id.
func (m *awsCredentialsModel) copyComputed(from *awsCredentialsModel) {
	m.IAMUserARN, m.AccessKeyID, m.AccessKeyCreatedAt = from.IAMUserARN, from.AccessKeyID, from.AccessKeyCreatedAt
	m.PreviousAccessKeyID = from.PreviousAccessKeyID
	m.RotatedAt, m.DeployedAt, m.DrainEndsAt = from.RotatedAt, from.DeployedAt, from.DrainEndsAt
	m.RotationDue, m.RotationDueAt = from.RotationDue, from.RotationDueAt
	m.Phase, m.ClusterIDs, m.Holders = from.Phase, from.ClusterIDs, from.Holders
}

// setDue sets rotation_due and rotation_due_at as of now, from the key's age, a request that waits, and the window. It returns
// the schedule for the next plans, to which it adds the held key.
func (m *awsCredentialsModel) setDue(pendingSince time.Time, heldKeyID string, now time.Time) schedule {
	wanted := m.agedAt()
	aged := isReached(wanted, now)
	if !pendingSince.IsZero() && (wanted.IsZero() || pendingSince.Before(wanted)) {
		wanted = pendingSince
	}
	begins := m.window().BeginsAt(wanted, now)
	m.RotationDue, m.RotationDueAt = types.BoolValue(isReached(begins, now)), timeValue(begins)
	return schedule{PendingSince: pendingSince, Aged: aged, Open: m.window().Contains(now), HeldKeyID: heldKeyID}
}

// agedAt is when the key reaches rotate_after_days. It is zero without that argument.
func (m *awsCredentialsModel) agedAt() time.Time {
	return rotation.DueAt(timeOf(m.AccessKeyCreatedAt), m.RotateAfterDays.ValueInt64())
}

// isAskedFor reports whether the key's age or a request that waits asks for a rotation, whenever that may begin.
func (m *awsCredentialsModel) isAskedFor(pendingSince, now time.Time) bool {
	return !pendingSince.IsZero() || isReached(m.agedAt(), now)
}

// isReached reports whether a moment has come. The zero time is never reached.
func isReached(moment, now time.Time) bool { return !moment.IsZero() && !now.Before(moment) }

// sortedClusters returns clusters sorted by id, because Qovery guarantees no order.
func sortedClusters(clusters []rotation.Cluster) []rotation.Cluster {
	return slices.SortedFunc(slices.Values(clusters), func(a, b rotation.Cluster) int { return cmp.Compare(a.ID, b.ID) })
}

// sortedHolders returns holders sorted by kind and id, because Qovery guarantees no order.
func sortedHolders(holders []rotation.Holder) []rotation.Holder {
	return slices.SortedFunc(slices.Values(holders), func(a, b rotation.Holder) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
}

func (m *awsCredentialsModel) setClusters(clusters []rotation.Cluster) {
	sorted := sortedClusters(clusters)
	ids := make([]attr.Value, len(sorted))
	for i, cluster := range sorted {
		ids[i] = types.StringValue(cluster.ID)
	}
	m.ClusterIDs = types.ListValueMust(types.StringType, ids)
}

func (m *awsCredentialsModel) setHolders(holders []rotation.Holder) {
	sorted := sortedHolders(holders)
	objects := make([]attr.Value, len(sorted))
	for i, holder := range sorted {
		objects[i] = types.ObjectValueMust(holderType.AttrTypes, map[string]attr.Value{
			"kind":          types.StringValue(string(holder.Kind)),
			"id":            types.StringValue(holder.ID),
			"name":          types.StringValue(holder.Name),
			"access_key_id": types.StringValue(holder.AccessKeyID),
		})
	}
	m.Holders = types.ListValueMust(holderType, objects)
}

// stringsOf returns the known strings of a set.
func stringsOf(set types.Set) []string {
	var values []string
	for _, element := range set.Elements() {
		if value, ok := element.(types.String); ok && !value.IsUnknown() {
			values = append(values, value.ValueString())
		}
	}
	return values
}

// timeValue returns a time in UTC and full seconds, as the time provider does. The zero time is null.
func timeValue(t time.Time) timetypes.RFC3339 {
	if t.IsZero() {
		return timetypes.NewRFC3339Null()
	}
	return timetypes.NewRFC3339TimeValue(t.UTC().Truncate(time.Second))
}

// timeOf returns a recorded time. Null, unknown and malformed values are the zero time.
func timeOf(value timetypes.RFC3339) time.Time {
	if value.IsNull() || value.IsUnknown() {
		return time.Time{}
	}
	t, _ := value.ValueRFC3339Time()
	return t
}

// setIsUnknown reports whether a set or one of its elements is unknown.
func setIsUnknown(set types.Set) bool { return set.IsUnknown() || hasUnknownElement(set) }
