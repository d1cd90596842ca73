package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// windowType is the type of rotation_window.
var windowType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"days": types.SetType{ElemType: types.StringType}, "from": types.StringType, "to": types.StringType,
}}

func windowAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Time window in UTC in which a rotation may begin, at least 10 minutes long. Default: always. A rotation that is " +
			"requested outside of the window is remembered, and the first apply inside the window rotates the key. Keys in " +
			"`compromised_access_key_ids` and interrupted rotations do not wait. A change of the window applies at once, also to " +
			"a rotation that waits.",
		Optional:   true,
		Validators: []validator.Object{windowValidator{}},
		Attributes: map[string]schema.Attribute{
			"days": schema.SetAttribute{
				MarkdownDescription: "Days on which the window opens: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Default: every day.",
				ElementType:         types.StringType,
				Optional:            true,
			},
			"from": schema.StringAttribute{
				MarkdownDescription: "Time of the day at which the window opens, such as `08:00`. From `00:00` to `23:59`.",
				Required:            true,
			},
			"to": schema.StringAttribute{
				MarkdownDescription: "Time of the day at which the window closes, such as `15:00`. From `00:00` to `24:00`. If it is earlier than " +
					"`from`, the window closes on the next day.",
				Required: true,
			},
		},
	}
}

// windowParts returns the values in a rotation_window. They are null if the window is null.
func windowParts(value types.Object) (days types.Set, from, to types.String) {
	attributes := value.Attributes()
	days, _ = attributes["days"].(types.Set)
	from, _ = attributes["from"].(types.String)
	to, _ = attributes["to"].(types.String)
	return days, from, to
}

// windowIsUnknown reports whether a rotation_window or a part of it is unknown.
func windowIsUnknown(value types.Object) bool {
	days, from, to := windowParts(value)
	return value.IsUnknown() || setIsUnknown(days) || from.IsUnknown() || to.IsUnknown()
}

// parseWindow parses a rotation_window. A window that is null or not known yet is always open.
func parseWindow(value types.Object) (rotation.Window, error) {
	if value.IsNull() || windowIsUnknown(value) {
		return rotation.Window{}, nil
	}
	set, from, to := windowParts(value)
	var days []string
	if !set.IsNull() {
		days = append([]string{}, stringsOf(set)...)
	}
	return rotation.ParseWindow(days, from.ValueString(), to.ValueString())
}

// window returns when rotations may begin. The validator has refused a malformed window.
func (m *awsCredentialsModel) window() rotation.Window {
	window, _ := parseWindow(m.RotationWindow)
	return window
}

// creationWaits reports whether a creation should rotate while the window is closed. It then adopts the key.
func (m *awsCredentialsModel) creationWaits(now time.Time) bool {
	return m.RotateOnCreate.ValueBool() && !m.window().Contains(now)
}

// windowValidator accepts windows that open, and stay open for long enough.
type windowValidator struct{}

// Description implements [validator.Object].
func (v windowValidator) Description(context.Context) string {
	return "must be a time window of at least 10 minutes"
}

// MarkdownDescription implements [validator.Object].
func (v windowValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateObject implements [validator.Object].
func (v windowValidator) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if _, err := parseWindow(req.ConfigValue); err != nil {
		addErrorAt(&resp.Diagnostics, req.Path, windowInvalid(req.Path, err))
	}
}

// warnIfWaits warns, in a plan and in its apply, that a rotation waits for the window, and when that opens.
func (c change) warnIfWaits(now time.Time, diags *diag.Diagnostics) {
	if c.waits(now) {
		addWarning(diags, windowClosed(c.plan.window().OpensAt(now), requestRemembered(c.state.AccessKeyID.ValueString())))
	}
}
