package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestCallsForUpdate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status rotation.Status
		// plain, waiting and compromised are whether an update is planned without wait, with wait, and for a compromised key.
		plain, waiting, compromised bool
	}{
		{rotation.StatusIdle, false, false, true},
		{rotation.StatusDraining, false, true, true},
		{rotation.StatusDue, true, true, true},
		{rotation.StatusQuarantined, false, true, false},
		{rotation.StatusHeld, false, false, true},
		{rotation.StatusDeleted, false, false, false},
	} {
		state := awsAccessKeyCleanupModel{AccessKeyID: types.StringValue("AKIAIOSFODNN7EXAMPLE"), Status: types.StringValue(string(test.status))}
		for _, variant := range []struct{ wait, compromised, want bool }{
			{false, false, test.plain}, {true, false, test.waiting}, {false, true, test.compromised},
		} {
			plan := awsAccessKeyCleanupModel{Wait: types.BoolValue(variant.wait)}
			if got := callsForUpdate(&state, &plan, variant.compromised); got != variant.want {
				t.Errorf("%s, %+v: got %t", test.status, variant, got)
			}
		}
	}
}

// TestCleanupPreviewNeedsItsArguments needs no clients, because the preview sends no request.
func TestCleanupPreviewNeedsItsArguments(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(m *awsAccessKeyCleanupModel){
		"access_key_id":             func(m *awsAccessKeyCleanupModel) { m.AccessKeyID = types.StringUnknown() },
		"delete_after":              func(m *awsAccessKeyCleanupModel) { m.DeleteAfter = timetypes.NewRFC3339Unknown() },
		"ignored_holders":           func(m *awsAccessKeyCleanupModel) { m.IgnoredHolders = types.SetUnknown(types.StringType) },
		"quarantine_window":         func(m *awsAccessKeyCleanupModel) { m.QuarantineWindow = types.StringUnknown() },
		"hold":                      func(m *awsAccessKeyCleanupModel) { m.Hold = types.BoolUnknown() },
		"allow_recent_use":          func(m *awsAccessKeyCleanupModel) { m.AllowRecentUse = types.BoolUnknown() },
		"allow_running_deployments": func(m *awsAccessKeyCleanupModel) { m.AllowRunning = types.BoolUnknown() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := awsAccessKeyCleanupModel{AccessKeyID: types.StringValue("AKIAIOSFODNN7EXAMPLE"), DeleteAfter: timeValue(now)}
			forget(&m)
			var diags diag.Diagnostics
			if (&awsAccessKeyCleanupResource{}).preview(t.Context(), &m, &diags); len(diags) > 0 {
				t.Errorf("the preview says %v", diags)
			}
		})
	}
}

func TestCleanupLongestTimeout(t *testing.T) {
	t.Parallel()
	known, null, unknown := types.StringValue, types.StringNull(), types.StringUnknown()
	for name, test := range map[string]struct {
		create, update types.String
		want           time.Duration
	}{
		"both":            {known("5h"), known("4h"), 5 * time.Hour},
		"only the update": {null, known("6h"), 6 * time.Hour},
		"only a creation": {known("1h"), null, 3 * time.Hour},
		"none":            {null, null, 3 * time.Hour},
		"one unknown":     {unknown, known("1h"), 0},
		"one malformed":   {known("soon"), known("1h"), 0},
	} {
		var m awsAccessKeyCleanupModel
		m.Timeouts.Object = types.ObjectValueMust(map[string]attr.Type{"create": types.StringType, "update": types.StringType},
			map[string]attr.Value{"create": test.create, "update": test.update})
		if got := m.longestTimeout(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	m := awsAccessKeyCleanupModel{}
	m.Timeouts.Object = types.ObjectUnknown(nil)
	if got := m.longestTimeout(); got != 0 {
		t.Errorf("timeouts that are not known: got %s", got)
	}
}
