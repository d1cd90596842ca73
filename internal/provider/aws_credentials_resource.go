package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	defaultDrainWindow     = "2h"
	defaultRotationTimeout = 4 * time.Hour
)

var (
	_ resource.Resource                   = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithConfigure      = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithValidateConfig = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithImportState    = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithIdentity       = (*awsCredentialsResource)(nil)
)

type awsCredentialsResource struct{ *clients }

func newAWSCredentialsResource() resource.Resource { return &awsCredentialsResource{} }

// Metadata implements [resource.Resource].
func (r *awsCredentialsResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_aws_credentials"
}

// Configure implements [resource.ResourceWithConfigure].
func (r *awsCredentialsResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.clients, _ = req.ProviderData.(*clients)
}

// ValidateConfig implements [resource.ResourceWithValidateConfig].
func (r *awsCredentialsResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config awsCredentialsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if config.DrainWindow.IsNull() {
		config.DrainWindow = types.StringValue(defaultDrainWindow)
	}
	window, age := durationOr(config.DrainWindow, 0), time.Duration(config.RotateAfterDays.ValueInt64())*24*time.Hour
	if age > 0 && window >= age {
		addErrorAt(&resp.Diagnostics, path.Root("rotate_after_days"), ageTooShort(config.RotateAfterDays.ValueInt64(), window))
	}
}

// Create implements [resource.Resource].
func (r *awsCredentialsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ctx = withLogging(ctx)
	var plan awsCredentialsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultRotationTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.setID()
	plan.copyComputed(&awsCredentialsModel{})
	intent := plan.intent()
	r.destroyed(plan.ID.ValueString()).hand(&intent.Target)
	now := r.rotator.Now()
	waits := plan.creationWaits(now)
	intent.Rotate, intent.Timeout, intent.Warn = plan.RotateOnCreate.ValueBool() && !waits, timeout, warnTo(&resp.Diagnostics)
	record, err := r.rotator.Rotate(ctx, intent)
	if err != nil {
		// No state is returned, even after the cutover. Terraform would taint it and replace the resource, which would rotate
		// once more. The next run resumes from the journal.
		addError(&resp.Diagnostics, err)
		return
	}
	var pendingSince time.Time
	if waits && record.RotatedAt.IsZero() {
		pendingSince = now
		addWarning(&resp.Diagnostics, windowClosed(plan.window().OpensAt(now), adoptedNow(record.AccessKeyID)))
	}
	setPrivate(ctx, resp.Private, privateSchedule, plan.setRecord(record, pendingSince, r.rotator.Now()), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
}

// Read implements [resource.Resource].
func (r *awsCredentialsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	ctx = withLogging(ctx)
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	// The identity comes first: a resource that is removed, or left as it is, must have one too.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	var seen schedule
	getPrivate(ctx, req.Private, privateSchedule, &seen, &resp.Diagnostics)
	intent := state.intent()
	intent.Record, intent.Rotate = state.record(nil), state.isAskedFor(seen.PendingSince, r.rotator.Now())
	record, warning, err := r.rotator.Refresh(ctx, intent)
	switch {
	case rotation.IsProblem(err, rotation.SummaryCredentialsNotFound) && !state.AccessKeyID.IsNull():
		// Only a list of Qovery without the credentials ends here. A token without permissions must not empty the state.
		resp.State.RemoveResource(ctx)
		return
	case rotation.IsProblem(err, rotation.SummaryNotStatic) && !state.AccessKeyID.IsNull():
		addWarning(&resp.Diagnostics, nothingToRotate(rotation.AsProblem(err)))
		return
	case err != nil:
		addError(&resp.Diagnostics, err)
		return
	}
	if warning != nil {
		addWarning(&resp.Diagnostics, warning)
	}
	if state.AccessKeyID.IsNull() { // The first refresh after an import.
		intent.UserARN = record.UserARN
		r.warnOfRights(ctx, intent.Target, &resp.Diagnostics)
	}
	stored := state
	setPrivate(ctx, resp.Private, privateSchedule, state.setRecord(record, seen.PendingSince, r.rotator.Now()), &resp.Diagnostics)
	resp.Diagnostics.Append(setChanged(ctx, &resp.State, &stored, &state)...)
}

// Update implements [resource.Resource].
func (r *awsCredentialsResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	ctx = withLogging(ctx)
	var plan, state awsCredentialsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := plan.Timeouts.Update(ctx, defaultRotationTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	change := change{state: &state, plan: &plan, compromised: r.rotator.IsCompromised(state.AccessKeyID.ValueString())}
	getPrivate(ctx, req.Private, privateSchedule, &change.seen, &resp.Diagnostics)
	now := r.rotator.Now()
	resume, rotate := change.update() == updateResume, change.rotates(now)
	if !resume && !rotate {
		change.warnIfWaits(now, &resp.Diagnostics)
		setPrivate(ctx, resp.Private, privateSchedule, change.record(now), &resp.Diagnostics)
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		return
	}

	var done progress
	getPrivate(ctx, req.Private, privateProgress, &done, &resp.Diagnostics)
	plan.copyComputed(&state)
	intent := plan.intent()
	intent.Rotate, intent.Timeout, intent.Warn = rotate, timeout, warnTo(&resp.Diagnostics)
	intent.Record = state.record(done.clustersOf(state.AccessKeyID.ValueString()))
	record, err := r.rotator.Rotate(ctx, intent)
	if err != nil {
		addError(&resp.Diagnostics, err)
		if record == nil {
			return
		}
	}
	if resume && change.triggersChange() && err == nil {
		addWarning(&resp.Diagnostics, changeCovered())
	}
	setPrivate(ctx, resp.Private, privateSchedule, plan.setRecord(record, change.pendingAfter(record), r.rotator.Now()), &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	done = progress{}
	if err != nil {
		done = progress{AccessKeyID: record.AccessKeyID, Clusters: record.DeployedClusters}
	}
	setPrivate(ctx, resp.Private, privateProgress, done, &resp.Diagnostics)
}

// Delete implements [resource.Resource]. It changes nothing in AWS and Qovery.
func (r *awsCredentialsResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	r.owners.Store(state.ID.ValueString(), ownerOf(&state))
	addWarning(&resp.Diagnostics, keyForgotten(state.IAMUserName.ValueString(), state.AccessKeyID.ValueString(), state.ID.ValueString()))
}
