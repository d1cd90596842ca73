package provider

import (
	"context"
	"fmt"
	"strings"
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
		resp.Diagnostics.AddAttributeError(path.Root("drain_window"), summaryConfiguration, fmt.Sprintf(
			"drain_window (%s) is below the provider's minimum_drain_window (%s). Nothing was changed.", window, r.minimumDrainWindow))
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
		warnOfWindow(fmt.Sprintf("If the resource is created before then, the access key of credentials %s is adopted, and a later apply rotates it. If it is "+
			"created later, the key is rotated at once.", plan.CredentialsID.ValueString()), plan.window().OpensAt(now), &resp.Diagnostics)
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
	change := change{state: &state, plan: plan, compromised: r.rotator.IsCompromised(state.AccessKeyID.ValueString())}
	getPrivate(ctx, req.Private, privateSchedule, &change.seen, &resp.Diagnostics)
	change.planComputed()
	resp.Diagnostics.Append(resp.Plan.Set(ctx, plan)...)
	now, what := r.rotator.Now(), change.update()
	// Triggers that are not known yet are those of a time_rotating that has expired: the usual way to a rotation.
	mayRotate := what >= updateResume && change.triggersMayChange() && !change.waits(now)
	rotates := mayRotate || change.rotates(now)
	userChanges := !plan.IAMUserName.Equal(state.IAMUserName)
	// With another id the resource is replaced: Terraform plans the creation of the new one by itself, and the state tells
	// nothing about that.
	if !plan.OrganizationID.Equal(state.OrganizationID) || !plan.CredentialsID.Equal(state.CredentialsID) {
		return
	}
	change.warnIfWaits(now, &resp.Diagnostics)
	intent.UserARN = state.IAMUserARN.ValueString()
	if !plan.IAMUserName.IsUnknown() && (rotates || what == updateResume || userChanges) {
		intent.Rotate = rotates
		intent.Record = state.record(nil)
		r.preflight(ctx, intent, mayRotate, &resp.Diagnostics)
	}
}

// preflight refuses a plan that could not be applied, and shows what one that rotates is going to touch: planned values
// cannot, because what is there may change until the apply. With onlyIfAsked it is not known yet whether the plan rotates:
// a key that drains is no reason then to refuse everything else, nor is another rotation that this very apply may finish. It
// returns what the apply would do at this moment.
func (r *awsCredentialsResource) preflight(
	ctx context.Context, intent rotation.Intent, onlyIfAsked bool, diags *diag.Diagnostics,
) rotation.Action {
	snapshot, decision, err := r.rotator.Preflight(ctx, intent)
	if err != nil {
		switch problem := rotation.AsProblem(err); {
		case problem.Summary == rotation.SummaryTooFewRequests:
			diags.AddWarning(problem.Summary, "If this is still so when the plan is applied, the rotation does not begin.\n\n"+problem.Detail())
		case problem.Summary == rotation.SummaryOtherRotation, problem.Summary == rotation.SummaryStillDraining && onlyIfAsked:
			diags.AddWarning(problem.Summary, "If this is still so when the plan is applied, and a rotation is asked for then, the apply will fail.\n\n"+
				problem.Detail())
		default:
			addError(diags, err)
		}
		return decision.Action
	}
	switch decision.Action {
	case rotation.ActionWait:
		diags.AddWarning(rotation.SummaryOtherRotation, fmt.Sprintf("Another run may be rotating an access key of IAM user %q at this moment. The apply waits "+
			"until %s, then decides what to do.", snapshot.User.Name, decision.Until.UTC().Format(time.RFC3339)))
	case rotation.ActionResume:
		if from := decision.Rotation.From; r.rotator.IsCompromised(from) {
			diags.AddWarning(rotation.SummaryWillBeDeactivated, fmt.Sprintf("Access key %s of IAM user %q is listed as compromised. It will be made Inactive. "+
				"Deployments that began with it may fail.", from, snapshot.User.Name))
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

// warnOfRights tells which permissions are missing, before they are needed.
func (r *awsCredentialsResource) warnOfRights(ctx context.Context, target rotation.Target, diags *diag.Diagnostics) {
	if missing := r.rotator.MissingRights(ctx, target); missing != nil {
		diags.AddWarning(missing.Summary, missing.Detail())
	}
}

// warnOfRotation shows what a rotation is going to touch.
func warnOfRotation(snapshot *rotation.Snapshot, forecast rotation.Forecast, intent rotation.Intent, now time.Time, diags *diag.Diagnostics) {
	current := snapshot.Set.AccessKeyID
	var planned []string
	say := func(applies bool, format string, args ...any) {
		if applies {
			planned = append(planned, fmt.Sprintf(format, args...))
		}
	}
	say(forecast.IsDead, "Qovery cannot use AWS at present: access key %s is Inactive or does not exist. This apply gives Qovery a key that works.", current)
	say(forecast.Compromised, "Access key %s of IAM user %q is listed as compromised: it will be replaced in %s, made Inactive right after that, and deleted. "+
		"Deployments that run now may fail.", current, snapshot.User.Name, listOf(forecast.Served))
	say(len(forecast.Running) > 0, "These run now: %s.", listOf(forecast.Running))
	say(forecast.Compromised && snapshot.Current != nil, "%s", lastUseOf(snapshot.Current))
	say(!forecast.Compromised, "Access key %s of IAM user %q will be replaced in %s.", current, snapshot.User.Name, listOf(forecast.Served))
	say(true, "Clusters to deploy: %s.", order(rotation.Waves(forecast.Deployed, intent.ProductionLast && !forecast.Compromised)))
	say(forecast.LastTook > 0, "Last time they took %s.", forecast.LastTook.Round(time.Second))
	say(!forecast.Compromised, "The replaced key is kept until %s at least: %s after the end of the last deployment.",
		now.Add(forecast.LastTook+intent.DrainWindow).UTC().Format(time.RFC3339), intent.DrainWindow)
	say(len(forecast.Stale) > 0, "This is a repair: an interrupted rotation left %s with a key that cannot stay. They have no working key for some seconds, "+
		"until the new one is created, and get it before the credentials. Deployments that use them fail meanwhile, those of a registry's cluster "+
		"among them, so it begins only while no deployment runs.", listOf(forecast.Stale))
	say(len(forecast.SelfManaged) > 0, "Not deployed, because self-managed: %s.", listOf(forecast.SelfManaged))
	say(len(forecast.Outdated) > 0, "These have changes that are not applied yet, and the deployment applies them: %s.", listOf(forecast.Outdated))
	diags.AddWarning(summaryRotationPlanned, strings.Join(planned, " "))
	if forecast.DeletedFirst != nil {
		diags.AddWarning(forecast.DeletedFirst.Summary, forecast.DeletedFirst.Detail())
	}
	switch {
	case len(forecast.LeftBehind) == 0:
	case forecast.Compromised:
		diags.AddWarning(summaryHoldersLeft, fmt.Sprintf("Access key %s is also stored in %s. They cannot get the new key, and have none that works as soon as "+
			"it is Inactive.\n\nState of AWS and Qovery: Nothing was changed.\n\nWhat to do: Give them another key, or a role. The compromised key is kept "+
			"Inactive, and cannot be deleted before that.", current, listOf(forecast.LeftBehind)))
	default:
		diags.AddAttributeWarning(path.Root("rotate_registries"), summaryHoldersLeft, fmt.Sprintf("Access key %s is also stored in %s. They keep it, and "+
			"the key cannot be retired until they have another one.\n\nState of AWS and Qovery: Nothing was changed.\n\n"+
			"What to do: Give them another key before the drain window is over, or set rotate_registries = true.",
			current, listOf(forecast.LeftBehind)))
	}
}

// lastUseOf says where a key was used last.
func lastUseOf(key *rotation.Key) string {
	if key == nil {
		return ""
	}
	return key.LastUse.String()
}

// order names clusters in the order in which they are deployed.
func order(waves [][]rotation.Cluster) string {
	if len(waves) == 0 {
		return "none"
	}
	names := make([]string, len(waves))
	for i, wave := range waves {
		names[i] = listOf(wave)
	}
	return strings.Join(names, "; when all of these have succeeded, production: ")
}

// listOf names things for people.
func listOf[T fmt.Stringer](things []T) string {
	if len(things) == 0 {
		return "none"
	}
	names := make([]string, len(things))
	for i, thing := range things {
		names[i] = thing.String()
	}
	return strings.Join(names, ", ")
}
