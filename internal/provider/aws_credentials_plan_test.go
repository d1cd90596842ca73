package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var (
	noTriggers      = types.MapNull(types.StringType)
	unknownTriggers = types.MapUnknown(types.StringType)
	someTriggers    = triggersOf(types.StringValue("1"))
	otherTriggers   = triggersOf(types.StringValue("2"))
	partialTriggers = types.MapValueMust(types.StringType, map[string]attr.Value{
		"schedule": types.StringUnknown(), "other": types.StringValue("1"),
	})
)

func triggersOf(schedule types.String) types.Map {
	return types.MapValueMust(types.StringType, map[string]attr.Value{"schedule": schedule})
}

// createdAt is when the key of testState was created; now is 90 days later.
var (
	createdAt = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)
	now       = createdAt.AddDate(0, 0, 90)
)

// testState is the state of credentials that were rotated long ago, with every computed attribute set.
func testState() awsCredentialsModel {
	m := awsCredentialsModel{
		RotationTriggers:    someTriggers,
		RotateAfterDays:     types.Int64Value(120),
		RotationWindow:      types.ObjectNull(windowType.AttrTypes),
		IgnoredHolders:      types.SetNull(types.StringType),
		DrainWindow:         types.StringValue("2h"),
		AccessKeyID:         types.StringValue("AKIACURRENT000000000"),
		AccessKeyCreatedAt:  timeValue(createdAt),
		PreviousAccessKeyID: types.StringValue("AKIAPREVIOUS00000000"),
		RotatedAt:           timeValue(createdAt.Add(15 * time.Second)),
		DeployedAt:          timeValue(createdAt.Add(5 * time.Minute)),
		DrainEndsAt:         timeValue(createdAt.Add(125 * time.Minute)),
		Phase:               types.StringValue(string(rotation.PhaseDrained)),
	}
	m.setClusters(nil)
	m.setHolders(nil)
	m.setDue(time.Time{}, "", now)
	return m
}

func TestUpdateOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		state, plan func(m *awsCredentialsModel)
		want        update
		// rotates is whether the update rotates, once every value is known.
		rotates bool
		// compromised lists the current key.
		compromised bool
		// seen is the schedule of the last refresh.
		seen schedule
	}{
		{name: "nothing changes, and the key leaked", compromised: true, want: updateRotate, rotates: true},
		{
			name: "an unfinished rotation, and the key leaked", compromised: true,
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDeploying)) },
			want:  updateRotate, rotates: true,
		},
		{
			name: "a drain window, and the key leaked", compromised: true,
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDraining)) },
			want:  updateRotate, rotates: true,
		},
		{name: "nothing changes", want: updateRecord},
		{
			name: "other arguments change",
			plan: func(m *awsCredentialsModel) { m.RotateRegistries = types.BoolValue(false) },
			want: updateRecord,
		},
		{
			name: "other triggers", plan: func(m *awsCredentialsModel) { m.RotationTriggers = otherTriggers },
			want: updateRotate, rotates: true,
		},
		{
			name: "first triggers", state: func(m *awsCredentialsModel) { m.RotationTriggers = noTriggers },
			want: updateRecord,
		},
		{
			name: "no more triggers", plan: func(m *awsCredentialsModel) { m.RotationTriggers = noTriggers },
			want: updateRecord,
		},
		{
			name: "unknown triggers", plan: func(m *awsCredentialsModel) { m.RotationTriggers = unknownTriggers },
			want: updateMayRotate,
		},
		{
			name: "one unknown trigger", plan: func(m *awsCredentialsModel) { m.RotationTriggers = partialTriggers },
			want: updateMayRotate,
		},
		{
			name:  "first triggers, unknown",
			state: func(m *awsCredentialsModel) { m.RotationTriggers = noTriggers },
			plan:  func(m *awsCredentialsModel) { m.RotationTriggers = unknownTriggers },
			want:  updateRecord,
		},
		{
			name: "due", seen: schedule{Aged: true},
			want: updateRotate, rotates: true,
		},
		{
			name: "due while the previous key drains", seen: schedule{Aged: true},
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDraining)) },
			want:  updateRecord,
		},
		{
			name: "due, and the schedule is taken away", seen: schedule{Aged: true},
			plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Null() },
			want: updateReschedule,
		},
		{
			name: "due, and the age is raised", seen: schedule{Aged: true},
			plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(365) },
			want: updateMayRotate,
		},
		{
			name: "age shortened to the key's", plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(90) },
			want: updateMayRotate, rotates: true,
		},
		{
			name: "age shortened, and still above the key's", plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(91) },
			want: updateMayRotate,
		},
		{
			name:  "age shortened while the previous key drains",
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDraining)) },
			plan:  func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(1) },
			want:  updateReschedule,
		},
		{
			name: "first age", state: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Null() },
			plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(30) },
			want: updateMayRotate, rotates: true,
		},
		{
			name: "age of a key that does not exist",
			state: func(m *awsCredentialsModel) {
				m.RotateAfterDays, m.AccessKeyCreatedAt = types.Int64Null(), timetypes.NewRFC3339Null()
			},
			plan: func(m *awsCredentialsModel) { m.RotateAfterDays = types.Int64Value(30) },
			want: updateMayRotate,
		},
		{
			name: "drain window",
			plan: func(m *awsCredentialsModel) { m.DrainWindow = types.StringValue("3h") },
			want: updateRecord,
		},
		{
			name: "drain window and triggers",
			plan: func(m *awsCredentialsModel) {
				m.DrainWindow = types.StringValue("3h")
				m.RotationTriggers = otherTriggers
			},
			want: updateRotate, rotates: true,
		},
		{
			name: "unfinished rotation", state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDeploying)) },
			want: updateResume,
		},
		{
			name:  "unfinished rotation and other triggers",
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(string(rotation.PhaseDeploying)) },
			plan:  func(m *awsCredentialsModel) { m.RotationTriggers = otherTriggers },
			want:  updateResume, rotates: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			state := testState()
			if test.state != nil {
				test.state(&state)
			}
			plan := testState()
			plan.RotateAfterDays = state.RotateAfterDays
			if test.plan != nil {
				test.plan(&plan)
			}
			c := change{&state, &plan, test.seen, test.compromised}
			if got := c.update(); got != test.want {
				t.Errorf("got intent %d, want %d", got, test.want)
			}
			if got := c.rotates(now); got != test.rotates {
				t.Errorf("got %t for whether to rotate, want %t", got, test.rotates)
			}
		})
	}
}

func TestRecordUpdate(t *testing.T) {
	t.Parallel()
	state := testState()
	for _, test := range []struct {
		name         string
		window       string
		days         int64
		phase        string
		drainEndsAt  time.Time
		due          bool
		dueAfterDays int
	}{
		{"nothing changes", "2h", 120, string(rotation.PhaseDrained), createdAt.Add(125 * time.Minute), false, 120},
		{
			"window that reaches into the future", "2400h", 120,
			string(rotation.PhaseDraining), createdAt.Add(2400*time.Hour + 5*time.Minute), false, 120,
		},
		{"window that is over", "3h", 120, string(rotation.PhaseDrained), createdAt.Add(185 * time.Minute), false, 120},
		{"window that is shorter than the one before", "1h", 120, string(rotation.PhaseDrained), createdAt.Add(125 * time.Minute), false, 120},
		{"key that becomes due", "2h", 90, string(rotation.PhaseDrained), createdAt.Add(125 * time.Minute), true, 90},
		{"key that is not due", "2h", 91, string(rotation.PhaseDrained), createdAt.Add(125 * time.Minute), false, 91},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := testState()
			m.DrainWindow = types.StringValue(test.window)
			m.RotateAfterDays = types.Int64Value(test.days)
			change{state: &state, plan: &m}.record(now)
			if got := m.Phase.ValueString(); got != test.phase {
				t.Errorf("the phase is %s, want %s", got, test.phase)
			}
			if got := timeOf(m.DrainEndsAt); !got.Equal(test.drainEndsAt) {
				t.Errorf("the drain window ends at %s, want %s", got, test.drainEndsAt)
			}
			if got := m.RotationDue.ValueBool(); got != test.due {
				t.Errorf("rotation_due is %t, want %t", got, test.due)
			}
			if got, want := timeOf(m.RotationDueAt), createdAt.AddDate(0, 0, test.dueAfterDays); !got.Equal(want) {
				t.Errorf("rotation_due_at is %s, want %s", got, want)
			}
		})
	}
}
