package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// ModifyPlan implements [resource.ResourceWithModifyPlan].
func (r *awsCredentialsResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	ctx = withLogging(ctx)
	var plan awsCredentialsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if window := durationOr(plan.DrainWindow, r.minimumDrainWindow); window < r.minimumDrainWindow {
		addErrorAt(&resp.Diagnostics, path.Root("drain_window"), drainWindowTooShort(window, r.minimumDrainWindow))
		return
	}
	if req.State.Raw.IsNull() {
		r.planCreation(ctx, &plan, req, resp)
	} else {
		r.planUpdate(ctx, &plan, req, resp)
	}
}

func (r *awsCredentialsResource) planCreation(
	ctx context.Context, plan *awsCredentialsModel, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse,
) {
	if plan.OrganizationID.IsUnknown() || plan.CredentialsID.IsUnknown() {
		return
	}
	var owner owner
	getPrivate(ctx, req.Private, privateOwner, &owner, &resp.Diagnostics)
	plan.setID()
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), plan.ID)...)
	now := r.rotator.Now()
	waits := plan.creationWaits(now)
	intent := plan.intent()
	owner.hand(&intent.Target)
	r.destroyed(plan.ID.ValueString()).hand(&intent.Target)
	intent.Rotate = plan.RotateOnCreate.ValueBool() && !waits
	action := r.preflight(ctx, intent, false, &resp.Diagnostics)
	if waits && action != rotation.ActionRotate && action != rotation.ActionResume {
		addWarning(&resp.Diagnostics, windowClosed(plan.window().OpensAt(now), adoptedBefore(plan.CredentialsID.ValueString())))
	}
}

func (r *awsCredentialsResource) planUpdate(
	ctx context.Context, plan *awsCredentialsModel, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse,
) {
	intent := plan.intent()
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	setPrivate(ctx, resp.Private, privateOwner, ownerOf(&state), &resp.Diagnostics)
	proposed := *plan
	change := change{state: &state, plan: plan, compromised: r.rotator.IsCompromised(state.AccessKeyID.ValueString())}
	getPrivate(ctx, req.Private, privateSchedule, &change.seen, &resp.Diagnostics)
	change.planComputed()
	resp.Diagnostics.Append(setChanged(ctx, &resp.Plan, &proposed, plan)...)
	now, what := r.rotator.Now(), change.update()
	// Unknown triggers usually come from an expired time_rotating, so the plan is checked like a rotation.
	mayRotate := what >= updateResume && change.triggersMayChange() && !change.waits(now)
	rotates := mayRotate || change.rotates(now)
	userChanges := !plan.IAMUserName.Equal(state.IAMUserName)
	// With another id, the resource is replaced. Terraform plans its successor separately, and this state does not describe it.
	if !plan.OrganizationID.Equal(state.OrganizationID) || !plan.CredentialsID.Equal(state.CredentialsID) {
		return
	}
	change.warnIfWaits(now, &resp.Diagnostics)
	if change.waitsForHold() {
		addWarning(&resp.Diagnostics, rotationHeld(change.seen.HeldKeyID))
	}
	intent.UserARN = state.IAMUserARN.ValueString()
	if !plan.IAMUserName.IsUnknown() && (rotates || what == updateResume || userChanges) {
		intent.Rotate = rotates
		intent.Record = state.record(nil)
		r.preflight(ctx, intent, mayRotate, &resp.Diagnostics)
	}
}

// preflight refuses a plan that cannot be applied, and warns about what a rotation will touch. Planned values cannot show that,
// because it may change until the apply. An unfinished rotation of other credentials is a warning, because the same apply may
// finish it. With onlyIfAsked, it is not known yet whether the plan rotates, so a previous key in its drain window is a warning
// too. It returns what the apply would do now.
func (r *awsCredentialsResource) preflight(
	ctx context.Context, intent rotation.Intent, onlyIfAsked bool, diags *diag.Diagnostics,
) rotation.Action {
	snapshot, decision, err := r.rotator.Preflight(ctx, intent)
	if err != nil {
		switch problem := rotation.AsProblem(err); {
		case problem.Summary == rotation.SummaryTooFewRequests:
			addWarning(diags, problem.IfStillSo("the rotation does not begin"))
		case problem.Summary == rotation.SummaryOtherRotation, problem.Summary == rotation.SummaryStillDraining && onlyIfAsked:
			addWarning(diags, problem.IfStillSo("and a rotation is asked for then, the apply fails"))
		default:
			addError(diags, err)
		}
		return decision.Action
	}
	switch decision.Action {
	case rotation.ActionWait:
		addWarning(diags, waitsForOtherRun(snapshot.User.Name, decision.Until))
	case rotation.ActionResume:
		if from := decision.Rotation.From; r.rotator.IsCompromised(from) {
			addWarning(diags, leakStopsOnResume(snapshot.User.Name, from))
		}
	case rotation.ActionRotate:
		warnOfRotation(snapshot, snapshot.Forecast(intent, decision), intent, r.rotator.Now(), diags)
	default:
	}
	if intent.UserARN = snapshot.User.ARN; decision.Action == rotation.ActionRotate || intent.Record == nil {
		r.warnOfRights(ctx, intent.Target, diags)
	}
	return decision.Action
}

// warnOfRights warns about missing permissions before they are needed.
func (r *awsCredentialsResource) warnOfRights(ctx context.Context, target rotation.Target, diags *diag.Diagnostics) {
	if missing := r.rotator.MissingRights(ctx, target); missing != nil {
		addWarning(diags, missing)
	}
}

// warnOfRotation warns about what a rotation will touch.
func warnOfRotation(snapshot *rotation.Snapshot, forecast rotation.Forecast, intent rotation.Intent, now time.Time, diags *diag.Diagnostics) {
	addWarning(diags, rotationPlanned(snapshot, forecast, intent, now))
	if forecast.DeletedFirst != nil {
		addWarning(diags, forecast.DeletedFirst)
	}
	if left := holdersLeft(snapshot.Set.AccessKeyID, forecast); left != nil {
		addWarning(diags, left)
	}
}
