package provider

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const defaultCleanupTimeout = 3 * time.Hour

var (
	_ resource.Resource                   = (*awsAccessKeyCleanupResource)(nil)
	_ resource.ResourceWithConfigure      = (*awsAccessKeyCleanupResource)(nil)
	_ resource.ResourceWithValidateConfig = (*awsAccessKeyCleanupResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*awsAccessKeyCleanupResource)(nil)
)

type awsAccessKeyCleanupResource struct{ *clients }

func newAWSAccessKeyCleanupResource() resource.Resource { return &awsAccessKeyCleanupResource{} }

// Metadata implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_aws_access_key_cleanup"
}

// Configure implements [resource.ResourceWithConfigure].
func (r *awsAccessKeyCleanupResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.clients, _ = req.ProviderData.(*clients)
}

// ValidateConfig implements [resource.ResourceWithValidateConfig].
func (r *awsAccessKeyCleanupResource) ValidateConfig(
	ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse,
) {
	var config awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, window := config.longestTimeout(), durationOr(config.QuarantineWindow, 0)
	if config.Wait.ValueBool() && timeout > 0 && timeout <= window {
		addErrorAt(&resp.Diagnostics, path.Root("quarantine_window"), quarantineTooLong(window, timeout))
	}
}

// ModifyPlan implements [resource.ResourceWithModifyPlan].
func (r *awsAccessKeyCleanupResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	ctx = withLogging(ctx)
	var plan, state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		r.preview(ctx, &plan, &resp.Diagnostics)
		return
	}
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	proposed := plan
	if plan.IAMUserName.Equal(state.IAMUserName) && !state.IAMUserARN.IsNull() {
		plan.IAMUserARN = state.IAMUserARN
	}
	if callsForUpdate(&state, &plan, r.rotator.IsCompromised(state.AccessKeyID.ValueString())) {
		// If an argument changes, the framework has already made every computed attribute unknown.
		plan.planUpdate()
	}
	resp.Diagnostics.Append(setChanged(ctx, &resp.Plan, &proposed, &plan)...)
	if plan.Status.IsUnknown() {
		plan.DeactivatedAt = state.DeactivatedAt
		r.preview(ctx, &plan, &resp.Diagnostics)
	}
}

// preview warns about what an apply will do to the key, if every argument is known. Planned values cannot show it.
func (r *awsAccessKeyCleanupResource) preview(ctx context.Context, plan *awsAccessKeyCleanupModel, diags *diag.Diagnostics) {
	for _, value := range []attr.Value{
		plan.OrganizationID, plan.CredentialsID, plan.IAMUserName, plan.AccessKeyID, plan.DeleteAfter, plan.IgnoredHolders,
		plan.QuarantineWindow, plan.Hold, plan.AllowRecentUse, plan.AllowRunning,
	} {
		if value.IsUnknown() || hasUnknownElement(value) {
			return
		}
	}
	if warning := r.rotator.PreviewRetirement(ctx, plan.retirement()); warning != nil {
		addWarning(diags, warning)
	}
}

// Create implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ctx = withLogging(ctx)
	var plan awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultCleanupTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.DeactivatedAt, plan.IAMUserARN = timetypes.NewRFC3339Null(), types.StringNull()
	retirement := plan.retirement()
	retirement.Warn = warnTo(&resp.Diagnostics)
	outcome, err := r.rotator.Retire(ctx, retirement, plan.Wait.ValueBool(), timeout)
	switch {
	case retirement.QuarantineWindow > 0 && !outcome.DeactivatedAt.IsZero() && rotation.IsEndOfTime(err):
		// Only the state records when the quarantine began, and after an error Terraform would replace the resource.
		addWarning(&resp.Diagnostics, rotation.AsProblem(err))
	case err != nil:
		// Without a state, the next apply creates the resource and checks again. With one, Terraform would taint it.
		addError(&resp.Diagnostics, err)
		return
	}
	plan.setOutcome(outcome)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Read implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	ctx = withLogging(ctx)
	var state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || state.isOver() {
		return
	}
	outcome, err := r.rotator.RefreshRetirement(ctx, state.retirement())
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	stored := state
	state.setOutcome(outcome)
	resp.Diagnostics.Append(setChanged(ctx, &resp.State, &stored, &state)...)
}

// Update implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	ctx = withLogging(ctx)
	var plan, state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultCleanupTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if state.Status.ValueString() == string(rotation.StatusDeleted) && plan.AccessKeyID.Equal(state.AccessKeyID) {
		plan.copyComputed(&state) // A deleted key stays deleted, whatever other argument changes.
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		return
	}
	plan.DeactivatedAt, plan.IAMUserARN = state.DeactivatedAt, state.IAMUserARN
	if !plan.IAMUserName.Equal(state.IAMUserName) {
		plan.IAMUserARN = types.StringNull()
	}
	if !plan.AccessKeyID.Equal(state.AccessKeyID) {
		plan.DeactivatedAt = timetypes.NewRFC3339Null()
		r.warnForgotten(ctx, &state, &plan, resp)
	}
	retirement := plan.retirement()
	retirement.Released = state.Hold.ValueBool() && !plan.Hold.ValueBool()
	retirement.Warn = warnTo(&resp.Diagnostics)
	outcome, err := r.rotator.Retire(ctx, retirement, plan.Wait.ValueBool(), timeout)
	if err != nil {
		addError(&resp.Diagnostics, err)
	}
	plan.setOutcome(outcome)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// warnForgotten warns about an existing key that the resource no longer tracks.
func (r *awsAccessKeyCleanupResource) warnForgotten(
	ctx context.Context, state, plan *awsAccessKeyCleanupModel, resp *resource.UpdateResponse,
) {
	if state.isOver() {
		return
	}
	exists, err := r.rotator.FindAccessKey(ctx, state.IAMUserName.ValueString(), state.AccessKeyID.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	if exists {
		addWarning(&resp.Diagnostics, keyUntracked(state.IAMUserName.ValueString(), state.AccessKeyID.ValueString(),
			plan.AccessKeyID.ValueString()))
	}
}

// Delete implements [resource.Resource]. It retires a key that is due and passes the checks. Any other key stays.
func (r *awsAccessKeyCleanupResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	ctx = withLogging(ctx)
	var state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || state.isOver() && !state.keyStays() {
		return
	}
	t := state.retirement()
	if t.Hold {
		if err := r.rotator.Release(ctx, t); err != nil {
			addError(&resp.Diagnostics, err)
			return
		}
		addWarning(&resp.Diagnostics, heldKeyStays(t.UserName, t.AccessKeyID))
		return
	}
	t.NoQuarantine, t.Warn = true, warnTo(&resp.Diagnostics)
	outcome, err := r.rotator.Retire(ctx, t, false, defaultCleanupTimeout)
	problem, reason, world := (*rotation.Problem)(nil), "It is not due yet.", "The key was not changed."
	switch {
	case errors.As(err, &problem) && problem.IsCheck():
		reason, world = problem.Cause, problem.World
	case err != nil:
		addError(&resp.Diagnostics, err)
		return
	case outcome.Status == rotation.StatusDeleted:
		return
	case outcome.Status == rotation.StatusDue:
		reason = "Its quarantine has not begun."
	case outcome.Status == rotation.StatusQuarantined:
		reason = "Its quarantine is not over."
	}
	addWarning(&resp.Diagnostics, keyNotRetired(t.UserName, t.AccessKeyID, reason, world))
}

// keyStays reports whether there is a key without a time for its retirement.
func (m *awsAccessKeyCleanupModel) keyStays() bool {
	return m.Status.ValueString() == string(rotation.StatusIdle) && m.AccessKeyID.ValueString() != ""
}
