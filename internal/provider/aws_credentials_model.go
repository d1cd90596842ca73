package provider

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The phases of a credentials set.
const (
	// phaseStable is a set that was not rotated by this resource yet.
	phaseStable = "stable"
	// phaseDeploying is a set whose new key has not reached every cluster: the next apply resumes.
	phaseDeploying = "deploying"
	// phaseDraining is a set whose previous key may still be in use.
	phaseDraining = "draining"
	// phaseDrained is a set whose previous key may go, or is gone.
	phaseDrained = "drained"
)

// awsCredentialsModel is the state, plan or configuration of a qoveryrotation_aws_credentials.
type awsCredentialsModel struct {
	ID                  types.String         `tfsdk:"id"`
	OrganizationID      types.String         `tfsdk:"organization_id"`
	CredentialsID       types.String         `tfsdk:"credentials_id"`
	IAMUserName         types.String         `tfsdk:"iam_user_name"`
	RotationTriggers    types.Map            `tfsdk:"rotation_triggers"`
	RotateAfterDays     types.Int64          `tfsdk:"rotate_after_days"`
	RotateOnCreate      types.Bool           `tfsdk:"rotate_on_create"`
	RotateRegistries    types.Bool           `tfsdk:"rotate_registries"`
	IgnoredHolders      types.Set            `tfsdk:"ignored_holders"`
	DrainWindow         timetypes.GoDuration `tfsdk:"drain_window"`
	AccessKeyID         types.String         `tfsdk:"access_key_id"`
	AccessKeyCreatedAt  timetypes.RFC3339    `tfsdk:"access_key_created_at"`
	PreviousAccessKeyID types.String         `tfsdk:"previous_access_key_id"`
	RotatedAt           timetypes.RFC3339    `tfsdk:"rotated_at"`
	DeployedAt          timetypes.RFC3339    `tfsdk:"deployed_at"`
	DrainEndsAt         timetypes.RFC3339    `tfsdk:"drain_ends_at"`
	RotationDue         types.Bool           `tfsdk:"rotation_due"`
	RotationDueAt       timetypes.RFC3339    `tfsdk:"rotation_due_at"`
	Phase               types.String         `tfsdk:"phase"`
	ClusterIDs          types.List           `tfsdk:"cluster_ids"`
	Holders             types.List           `tfsdk:"holders"`
	Timeouts            timeouts.Value       `tfsdk:"timeouts"`
}

// holderType is the type of an element of holders.
var holderType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"kind": types.StringType, "id": types.StringType, "name": types.StringType, "access_key_id": types.StringType,
}}

// target is what the model is about.
func (m *awsCredentialsModel) target() rotation.Target {
	return rotation.Target{
		OrganizationID: m.OrganizationID.ValueString(),
		CredentialsID:  m.CredentialsID.ValueString(),
		UserName:       m.IAMUserName.ValueString(),
	}
}

// record is what a state remembers of the last rotation.
func (m *awsCredentialsModel) record(deployedClusters []string) *rotation.Record {
	return &rotation.Record{
		AccessKeyID:         m.AccessKeyID.ValueString(),
		PreviousAccessKeyID: m.PreviousAccessKeyID.ValueString(),
		RotatedAt:           timeOf(m.RotatedAt),
		DeployedAt:          timeOf(m.DeployedAt),
		DrainEndsAt:         timeOf(m.DrainEndsAt),
		Deploying:           m.Phase.ValueString() == phaseDeploying,
		DeployedClusters:    deployedClusters,
	}
}

// request is what the model asks of a rotation.
func (m *awsCredentialsModel) request() rotation.Request {
	return rotation.Request{
		Target:           m.target(),
		RotateRegistries: m.RotateRegistries.ValueBool(),
		IgnoredHolders:   stringsOf(m.IgnoredHolders),
		DrainWindow:      durationOr(m.DrainWindow, 0),
	}
}

// setID fills in the id, which follows from the arguments alone.
func (m *awsCredentialsModel) setID() {
	m.ID = types.StringValue(m.OrganizationID.ValueString() + "/" + m.CredentialsID.ValueString())
}

// copyComputed takes over every attribute that is not an argument.
func (m *awsCredentialsModel) copyComputed(from *awsCredentialsModel) {
	m.AccessKeyID, m.AccessKeyCreatedAt = from.AccessKeyID, from.AccessKeyCreatedAt
	m.PreviousAccessKeyID = from.PreviousAccessKeyID
	m.RotatedAt, m.DeployedAt, m.DrainEndsAt = from.RotatedAt, from.DeployedAt, from.DrainEndsAt
	m.RotationDue, m.RotationDueAt = from.RotationDue, from.RotationDueAt
	m.Phase, m.ClusterIDs, m.Holders = from.Phase, from.ClusterIDs, from.Holders
}

// setOutcome records what a rotation came to.
func (m *awsCredentialsModel) setOutcome(outcome rotation.Outcome, now time.Time) {
	m.IAMUserName = types.StringValue(outcome.UserName)
	m.AccessKeyID = types.StringValue(outcome.AccessKeyID)
	m.AccessKeyCreatedAt = timeValue(outcome.AccessKeyCreatedAt)
	if outcome.CutOver() {
		m.PreviousAccessKeyID = types.StringValue(outcome.PreviousAccessKeyID)
		m.RotatedAt = timeValue(outcome.RotatedAt)
		m.DeployedAt = timeValue(outcome.DeployedAt)
	}
	m.setClusters(outcome.Clusters)
	m.setHolders(outcome.Holders)
	m.setDrain()
	m.setPhase(now, outcome.CutOver() && (outcome.DeployedAt.IsZero() || len(outcome.Lagging) > 0))
	m.setDue(now)
}

// setDrain moves the end of the drain window with the deployment and the window.
func (m *awsCredentialsModel) setDrain() {
	m.DrainEndsAt = timetypes.NewRFC3339Null()
	if deployedAt := timeOf(m.DeployedAt); !deployedAt.IsZero() {
		m.DrainEndsAt = timeValue(deployedAt.Add(durationOr(m.DrainWindow, 0)))
	}
}

// setPhase records what the present time makes of the drain window.
func (m *awsCredentialsModel) setPhase(now time.Time, deploying bool) {
	drainEndsAt := timeOf(m.DrainEndsAt)
	switch {
	case deploying:
		m.Phase = types.StringValue(phaseDeploying)
	case m.PreviousAccessKeyID.ValueString() == "" || drainEndsAt.IsZero():
		m.Phase = types.StringValue(phaseStable)
	case now.Before(drainEndsAt):
		m.Phase = types.StringValue(phaseDraining)
	default:
		m.Phase = types.StringValue(phaseDrained)
	}
}

// setDue records what the present time makes of the key's age.
func (m *awsCredentialsModel) setDue(now time.Time) {
	m.RotationDue, m.RotationDueAt = types.BoolValue(false), timetypes.NewRFC3339Null()
	if days := m.RotateAfterDays.ValueInt64(); days > 0 && !m.AccessKeyCreatedAt.IsNull() {
		dueAt := timeOf(m.AccessKeyCreatedAt).AddDate(0, 0, int(days))
		m.RotationDue, m.RotationDueAt = types.BoolValue(!now.Before(dueAt)), timeValue(dueAt)
	}
}

// sortedClusters returns clusters in an order of their own, because Qovery promises none.
func sortedClusters(clusters []rotation.Cluster) []rotation.Cluster {
	return slices.SortedFunc(slices.Values(clusters), func(a, b rotation.Cluster) int { return cmp.Compare(a.ID, b.ID) })
}

// sortedHolders returns holders in an order of their own, because Qovery promises none.
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

// refresh records what an inspection found, and returns a warning about what somebody else did, if anybody did.
func (m *awsCredentialsModel) refresh(found *rotation.Inspection, now time.Time) (summary, detail string) {
	deploying := m.Phase.ValueString() == phaseDeploying
	known, current := m.AccessKeyID.ValueString(), found.Set.AccessKeyID
	if current != known {
		m.AccessKeyID = types.StringValue(current)
		previous := m.PreviousAccessKeyID.ValueString()
		exists := func(id string) bool {
			return slices.ContainsFunc(found.Keys, func(key rotation.AccessKey) bool { return key.ID == id })
		}
		switch j := found.Journal; {
		case j != nil && j.To == current:
			deploying = true
			m.setPrevious(j.From, j.CutoverAt)
		case exists(known):
			deploying = true
			m.setPrevious(known, time.Time{})
			summary, detail = summaryKeyReplaced, fmt.Sprintf("Qovery holds access key %s in place of %s, and this resource did not put it there. "+
				"Whether every cluster runs with it cannot be told.\n\nState of AWS and Qovery: IAM user %q has both keys.\n\n"+
				"What to do: the next apply deploys the clusters with %s. The drain window of %s begins then.",
				current, known, found.UserName, current, known)
		case previous == current || !exists(previous):
			deploying = false
			m.setPrevious("", time.Time{})
		}
	}
	if found.UserName != "" {
		m.IAMUserName = types.StringValue(found.UserName)
	}
	m.AccessKeyCreatedAt = timetypes.NewRFC3339Null()
	if found.Current != nil {
		m.AccessKeyCreatedAt = timeValue(found.Current.CreatedAt)
	}
	m.setClusters(found.Set.Clusters)
	m.setHolders(found.Holders)
	m.setPhase(now, deploying)
	m.setDue(now)
	if found.Current == nil || !found.Current.Active {
		summary, detail = summaryCutOffNow, fmt.Sprintf("Qovery holds access key %s, which is Inactive or does not exist in the AWS account that the "+
			"provider uses.\n\nState of AWS and Qovery: nothing was changed.\n\nWhat to do: check that the provider's AWS credentials are of the right "+
			"account; if they are, put a working key into Qovery by hand and deploy the clusters.", current)
	}
	return summary, detail
}

// setPrevious records a cutover whose deployment is not known to be over.
func (m *awsCredentialsModel) setPrevious(accessKeyID string, cutoverAt time.Time) {
	m.PreviousAccessKeyID = types.StringNull()
	if accessKeyID != "" {
		m.PreviousAccessKeyID = types.StringValue(accessKeyID)
	}
	m.RotatedAt = timeValue(cutoverAt)
	m.DeployedAt, m.DrainEndsAt = timetypes.NewRFC3339Null(), timetypes.NewRFC3339Null()
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

// timeValue records a time in UTC and full seconds, as the time provider does; zero is null.
func timeValue(t time.Time) timetypes.RFC3339 {
	if t.IsZero() {
		return timetypes.NewRFC3339Null()
	}
	return timetypes.NewRFC3339TimeValue(t.UTC().Truncate(time.Second))
}

// timeOf returns a recorded time; null, unknown and malformed values are zero.
func timeOf(value timetypes.RFC3339) time.Time {
	if value.IsNull() || value.IsUnknown() {
		return time.Time{}
	}
	t, _ := value.ValueRFC3339Time()
	return t
}
