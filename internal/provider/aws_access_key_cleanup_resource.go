package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
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

// Schema implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computedTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true, CustomType: timetypes.RFC3339Type{}}
	}
	id := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description,
			Required:            true,
			Validators:          []validator.String{uuidValidator()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Retires the access key that a rotation replaced: deactivates and deletes it in the first apply after `delete_after`, when " +
			"these checks hold at that very moment: the key belongs to the IAM user; Qovery holds another key, which exists and is Active; no object in the " +
			"organization stores the key; no cluster of the credentials is in `INVALID_CREDENTIALS`; nobody used the key after `delete_after`; the provider " +
			"does not sign with it. Where a check fails the apply fails, the key stays, and the next apply checks again.\n\n" +
			"Destroying the resource retires the key if it is due, with its quarantine over, and passes the checks; otherwise the key stays and a warning " +
			"tells how to delete it.",
		Attributes: map[string]schema.Attribute{
			"organization_id": id("UUID of the Qovery organization in which nothing may store the key any more."),
			"credentials_id":  id("UUID of the Qovery credentials that held the key before."),
			"iam_user_name": schema.StringAttribute{
				MarkdownDescription: "Name of the IAM user that owns the key.",
				Required:            true,
				Validators:          []validator.String{iamUserNameValidator()},
			},
			"access_key_id": schema.StringAttribute{
				MarkdownDescription: "Id of the key to retire, usually `previous_access_key_id` of a `qoveryrotation_aws_credentials`. Null: nothing to do yet.",
				Optional:            true,
				Validators:          []validator.String{accessKeyIDValidator()},
			},
			"delete_after": schema.StringAttribute{
				MarkdownDescription: "Earliest time of the retirement in RFC 3339, usually `drain_ends_at` of a `qoveryrotation_aws_credentials`. Null: not " +
					"scheduled yet.",
				Optional:   true,
				CustomType: timetypes.RFC3339Type{},
			},
			"quarantine_window": schema.StringAttribute{
				MarkdownDescription: "How long the key is Inactive, which can be undone in IAM, before a later apply deletes it, as a " +
					"[Go duration](https://pkg.go.dev/time#ParseDuration). Default `0s`: deactivated and deleted in one go. A rotation that is due " +
					"ends the quarantine, because an IAM user can have two keys only. With `wait` it must be shorter than the longer one of `timeouts`.",
				Optional:   true,
				Computed:   true,
				CustomType: timetypes.GoDurationType{},
				Default:    stringdefault.StaticString("0s"),
				Validators: []validator.String{durationAtLeast(0)},
			},
			"wait": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until the key may go, for pipelines without a schedule. Default `false`: a later apply retires the key.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"allow_recent_use": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is retired although somebody used it after `delete_after`. Default `false`.",
				Optional:            true,
				Computed:            true,
				Default:             booldefault.StaticBool(false),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of Qovery objects that may keep storing the key; they will hold a dead key.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(uuidValidator())},
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "`idle`: no key, or no time. `draining`: the key may still be in use. `due`: the last refresh found the next step due; the next " +
					"apply takes it. `quarantined`: the key is Inactive. `deleted`: the key is gone.",
				Computed: true,
			},
			"deactivated_at": computedTime("When this resource made the key Inactive, in RFC 3339. Null before."),
			"deleted_at":     computedTime("When the key was deleted, or first found gone, in RFC 3339. Null before."),
			"next_action_at": computedTime("When the next step can be taken, in RFC 3339. Null when there is none."),
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeoutsBlock(ctx, "How long an apply may take, which matters with `wait`, as a Go duration. Default `3h`, at least `1s`. An apply "+
				"that waits fails at once when the key cannot be gone by then."),
		},
	}
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
		resp.Diagnostics.AddAttributeError(path.Root("quarantine_window"), summaryConfiguration, fmt.Sprintf("quarantine_window (%s) is not over "+
			"within timeouts (%s), so an apply that waits could never delete the key. Nothing was changed. Raise timeouts, shorten "+
			"quarantine_window, or leave out wait: then a later apply deletes the key.", window, timeout))
	}
}

// ModifyPlan implements [resource.ResourceWithModifyPlan].
func (r *awsAccessKeyCleanupResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	var plan, state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || !callsForUpdate(&state, &plan) {
		// Where an argument changes, the framework has made every computed attribute unknown already.
		return
	}
	plan.planUpdate()
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
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
	plan.DeactivatedAt = timetypes.NewRFC3339Null()
	outcome, err := r.rotator.Retire(ctx, plan.retirement(), plan.Wait.ValueBool(), timeout)
	switch {
	case plan.retirement().QuarantineWindow > 0 && !outcome.DeactivatedAt.IsZero() && rotation.IsEndOfTime(err):
		// Only the state remembers when the quarantine began, and after an error Terraform would replace the resource.
		problem := rotation.AsProblem(err)
		resp.Diagnostics.AddWarning(problem.Summary, problem.Detail())
	case err != nil:
		// Without state the next apply creates the resource and checks again; with state Terraform would taint it.
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
	key, err := r.rotator.FindAccessKey(ctx, state.IAMUserName.ValueString(), state.AccessKeyID.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	state.refresh(key, r.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
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
	plan.DeactivatedAt = state.DeactivatedAt
	if !plan.AccessKeyID.Equal(state.AccessKeyID) {
		plan.DeactivatedAt = timetypes.NewRFC3339Null()
		r.warnForgotten(ctx, &state, &plan, resp)
	}
	outcome, err := r.rotator.Retire(ctx, plan.retirement(), plan.Wait.ValueBool(), timeout)
	if err != nil {
		addError(&resp.Diagnostics, err)
	}
	plan.setOutcome(outcome)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// warnForgotten names a key that is still there and that the resource turns away from.
func (r *awsAccessKeyCleanupResource) warnForgotten(
	ctx context.Context, state, plan *awsAccessKeyCleanupModel, resp *resource.UpdateResponse,
) {
	if state.isOver() {
		return
	}
	key, err := r.rotator.FindAccessKey(ctx, state.IAMUserName.ValueString(), state.AccessKeyID.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	if key != nil {
		resp.Diagnostics.AddWarning(summaryKeyForgotten, fmt.Sprintf("This resource looked after access key %s, which still exists, and looks after %s now. "+
			"If nobody needs the former: %s", key.ID, stringOr(plan.AccessKeyID, "no key"), deleteCommand(state)))
	}
}

// Delete implements [resource.Resource]. It retires a key that may go, and leaves every other one.
func (r *awsAccessKeyCleanupResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	ctx = withLogging(ctx)
	var state awsAccessKeyCleanupModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() || state.isOver() && !state.keyStays() {
		return
	}
	t := state.retirement()
	t.NoQuarantine = true
	outcome, err := r.rotator.Retire(ctx, t, false, defaultCleanupTimeout)
	var (
		problem *rotation.Problem
		reason  string
	)
	switch {
	case errors.As(err, &problem) && problem.IsCheck():
		reason = problem.Cause
	case err != nil:
		addError(&resp.Diagnostics, err)
		return
	case outcome.Status == rotation.StatusDeleted:
		return
	case outcome.Status == rotation.StatusDue:
		reason = "It is not to be deleted before its quarantine."
	default:
		reason = "It is not due yet."
	}
	resp.Diagnostics.AddWarning(summaryKeyStays, fmt.Sprintf("Access key %s of IAM user %q was not deleted. %s\n\nState of AWS and Qovery: the key is as it was, "+
		"and nothing will retire it.\n\nWhat to do: when nothing needs it any more: %s",
		state.AccessKeyID.ValueString(), state.IAMUserName.ValueString(), reason, deleteCommand(&state)))
}

// keyStays tells whether there is a key without a time for its retirement.
func (m *awsAccessKeyCleanupModel) keyStays() bool {
	return m.Status.ValueString() == string(rotation.StatusIdle) && m.AccessKeyID.ValueString() != ""
}

// deleteCommand is what a person runs to delete the key of a state.
func deleteCommand(state *awsAccessKeyCleanupModel) string {
	return fmt.Sprintf("aws iam delete-access-key --user-name %s --access-key-id %s", state.IAMUserName.ValueString(), state.AccessKeyID.ValueString())
}
