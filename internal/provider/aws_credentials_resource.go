package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	defaultDrainWindow     = "2h"
	defaultRotationTimeout = 4 * time.Hour
	// privateProgress is the key of the [progress] of an unfinished rotation in the resource's private state.
	privateProgress = "progress"
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
		config.DrainWindow = timetypes.NewGoDurationValueFromStringMust(defaultDrainWindow)
	}
	window, age := durationOr(config.DrainWindow, 0), time.Duration(config.RotateAfterDays.ValueInt64())*24*time.Hour
	if age > 0 && window >= age {
		resp.Diagnostics.AddAttributeError(path.Root("rotate_after_days"), summaryConfiguration, fmt.Sprintf(
			"rotate_after_days (%d) must be longer than drain_window (%s): a key cannot be rotated while its predecessor still drains. Nothing was changed.",
			config.RotateAfterDays.ValueInt64(), window))
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
	intent.Rotate, intent.Timeout = plan.RotateOnCreate.ValueBool(), timeout
	record, err := r.rotator.Rotate(ctx, intent)
	if err != nil {
		// No state is written, even after the cutover: Terraform would taint what it wrote and replace it, and so rotate
		// once more. The journal tells the next run where to carry on.
		addError(&resp.Diagnostics, err)
		return
	}
	plan.setRecord(record, r.rotator.Now())
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
	// Before anything else: a resource that is removed, and one that is left as it is, have an identity too.
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	intent := state.intent()
	intent.Record = state.record(nil)
	record, warning, err := r.rotator.Refresh(ctx, intent)
	switch {
	case rotation.IsProblem(err, rotation.SummaryCredentialsNotFound) && !state.AccessKeyID.IsNull():
		// Only Qovery itself says that the credentials are gone. A token that lost its rights must not empty the state.
		resp.State.RemoveResource(ctx)
		return
	case rotation.IsProblem(err, rotation.SummaryNotStatic) && !state.AccessKeyID.IsNull():
		resp.Diagnostics.AddWarning(summaryNothingToRotate, rotation.AsProblem(err).Detail())
		return
	case err != nil:
		addError(&resp.Diagnostics, err)
		return
	}
	if warning != nil {
		resp.Diagnostics.AddWarning(warning.Summary, warning.Detail())
	}
	state.setRecord(record, r.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
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
	what := updateOf(&state, &plan)
	resume, rotate := what == updateResume, asksToRotate(&state, &plan, r.rotator.Now())
	plan.copyComputed(&state)
	if !resume && !rotate {
		plan.recordUpdate(&state, what, r.rotator.Now())
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		return
	}

	var done progress
	getPrivate(ctx, req.Private, privateProgress, &done, &resp.Diagnostics)
	intent := plan.intent()
	intent.Rotate, intent.Timeout = rotate, timeout
	intent.Record = state.record(done.clustersOf(state.AccessKeyID.ValueString()))
	record, err := r.rotator.Rotate(ctx, intent)
	if err != nil {
		addError(&resp.Diagnostics, err)
		if record == nil {
			return
		}
	}
	if resume && triggersChange(state.RotationTriggers, plan.RotationTriggers) && err == nil {
		resp.Diagnostics.AddAttributeWarning(path.Root("rotation_triggers"), summaryResumeSwallowed, "The apply resumed a rotation that had been "+
			"interrupted. It is the one that rotation_triggers asks for, so no second one follows.")
	}
	plan.setRecord(record, r.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	done = progress{}
	if err != nil {
		done = progress{AccessKeyID: record.AccessKeyID, Clusters: record.DeployedClusters}
	}
	doneValue, marshalErr := json.Marshal(done)
	if marshalErr != nil {
		addError(&resp.Diagnostics, marshalErr)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateProgress, doneValue)...)
}

// progress tells which clusters run with the key of an unfinished rotation. It names the key, so that it says nothing about
// another rotation that is found unfinished later.
type progress struct {
	AccessKeyID string   `json:"access_key_id"`
	Clusters    []string `json:"clusters"`
}

// clustersOf returns the clusters that run with the given key.
func (p progress) clustersOf(accessKeyID string) []string {
	if p.AccessKeyID != accessKeyID {
		return nil
	}
	return p.Clusters
}

// Delete implements [resource.Resource]. It only forgets.
func (r *awsCredentialsResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.AddWarning(summaryKeyStays, fmt.Sprintf("Access key %s of IAM user %q stays valid, and Qovery goes on working with it. Terraform only "+
		"forgets it: nothing rotates it from now on.", state.AccessKeyID.ValueString(), state.IAMUserName.ValueString()))
}

// getPrivate decodes a value of the private state, if it is there.
func getPrivate(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}, key string, target any, diags *diag.Diagnostics,
) {
	value, getDiags := private.GetKey(ctx, key)
	diags.Append(getDiags...)
	if len(value) == 0 {
		return
	}
	if err := json.Unmarshal(value, target); err != nil {
		addError(diags, errors.Join(fmt.Errorf("the private state's %q cannot be read", key), err))
	}
}
