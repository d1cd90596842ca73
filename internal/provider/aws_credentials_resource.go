package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/go-uuid"
	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	defaultDrainWindow     = "2h"
	defaultRotationTimeout = 2 * time.Hour
	// privateOwner is the key of the owner id in the resource's private state; see [rotation.Request].
	privateOwner = "owner"
	// privateProgress is the key of the [progress] of an unfinished rotation in the resource's private state.
	privateProgress = "progress"
)

var (
	_ resource.Resource                   = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithConfigure      = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithValidateConfig = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*awsCredentialsResource)(nil)
	_ resource.ResourceWithImportState    = (*awsCredentialsResource)(nil)
)

type awsCredentialsResource struct{ *clients }

func newAWSCredentialsResource() resource.Resource { return &awsCredentialsResource{} }

// Metadata implements [resource.Resource].
func (r *awsCredentialsResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_aws_credentials"
}

// Schema implements [resource.Resource].
func (r *awsCredentialsResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computedTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true, CustomType: timetypes.RFC3339Type{}}
	}
	computedString := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	id := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description,
			Required:            true,
			Validators:          []validator.String{uuidValidator()},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Rotates the AWS access key of a Qovery credentials set: creates a second key for the same IAM user, verifies it, puts it into " +
			"Qovery, deploys every cluster of the credentials and waits until they run with it. The old key is left to " +
			"`qoveryrotation_aws_access_key_cleanup`, which retires it after the drain window.\n\n" +
			"A rotation is an update in place. It happens when the resource is created, when `rotation_triggers` changes, or when the key reaches " +
			"`rotate_after_days`. Destroying the resource changes nothing in AWS and Qovery.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "`<organization_id>/<credentials_id>`, which is also the import id.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"organization_id": id("UUID of the Qovery organization. Another one replaces the resource."),
			"credentials_id": id("UUID of the AWS credentials in Qovery. They must be of the static type, with an access key. Another one replaces the " +
				"resource."),
			"iam_user_name": schema.StringAttribute{
				MarkdownDescription: "Name of the IAM user that owns the access key. Default: AWS is asked who owns the key that Qovery holds. When it is " +
					"given, it must own that key.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{iamUserNameValidator()},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"rotation_triggers": schema.MapAttribute{
				MarkdownDescription: "Arbitrary values; a change from one map to another rotates the key. Usually the `id` of a `time_rotating`. " +
					"Adding the map to a resource that had none, or taking it away, rotates nothing.",
				ElementType: types.StringType,
				Optional:    true,
			},
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Rotates when the current key, by its own creation date in IAM, is this many days old, from 1 to 36500. Must be longer than " +
					"`drain_window`. While the previous key drains the rotation waits.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, 36500)},
			},
			"rotate_on_create": schema.BoolAttribute{
				MarkdownDescription: "Whether creating the resource rotates the key. `false` adopts the key that is there, as an import always does. " +
					"Default `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"rotate_registries": schema.BoolAttribute{
				MarkdownDescription: "Whether a rotation carries the new key to every other object of the organization that stores the old one: other " +
					"credentials, ECR container registries and ECR helm repositories. Each cluster's own container registry starts with the cluster's " +
					"key and does not follow a change of the credentials. Default `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of objects that store the key and that a rotation may leave behind with the old one: those that Qovery does not let " +
					"change with the key alone (vSphere credentials, Route 53 DNS providers, secret-manager accesses), without which a plan refuses to rotate.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.Set{setvalidator.ValueStringsAre(uuidValidator())},
			},
			"drain_window": schema.StringAttribute{
				MarkdownDescription: "How long the previous key stays valid after the last cluster was deployed, so that deployments under way can finish, as " +
					"a [Go duration](https://pkg.go.dev/time#ParseDuration). Default `2h`. Not below the provider's `minimum_drain_window`. A change moves " +
					"`drain_ends_at` and rotates nothing.",
				Optional:   true,
				Computed:   true,
				CustomType: timetypes.GoDurationType{},
				Default:    stringdefault.StaticString(defaultDrainWindow),
				Validators: []validator.String{durationAtLeast(0)},
			},
			"access_key_id":         computedString("Id of the access key that Qovery holds."),
			"access_key_created_at": computedTime("When that key was created, by IAM, in RFC 3339."),
			"previous_access_key_id": computedString("Id of the access key before the last rotation, kept as history after its deletion. Null until this resource " +
				"rotated."),
			"rotated_at":  computedTime("When Qovery accepted the key (the cutover), in RFC 3339. Null until this resource rotated."),
			"deployed_at": computedTime("End of the last cluster deployment with the key, in RFC 3339. Null until every cluster is deployed."),
			"drain_ends_at": computedTime("`deployed_at` plus `drain_window`, in RFC 3339: from then on the previous key may go. Null until every cluster is " +
				"deployed."),
			"rotation_due": schema.BoolAttribute{
				MarkdownDescription: "Whether the key had reached `rotate_after_days` at the last refresh. The next apply rotates it.",
				Computed:            true,
			},
			"rotation_due_at": computedTime("When the key reaches `rotate_after_days`, in RFC 3339. Null without that argument."),
			"phase": computedString("`stable`: not rotated by this resource yet. `deploying`: Qovery holds the new key and not every cluster runs with it; the next " +
				"apply resumes. `draining`: the previous key may still be in use. `drained`: the previous key may go, or is gone."),
			"cluster_ids": schema.ListAttribute{
				MarkdownDescription: "UUIDs of the clusters that use the credentials, in order. A rotation deploys those of them that are not stopped.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"holders": schema.ListNestedAttribute{
				MarkdownDescription: "The objects of the organization that store the key, in the order of their kinds and ids.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"kind": computedString("`credentials`, `container_registry`, `helm_repository`, `vsphere_credentials`, `dns_provider` or " +
						"`secret_manager_access`."),
					"id":            computedString("UUID of the object in Qovery."),
					"name":          computedString("Name of the object in Qovery."),
					"access_key_id": computedString("Id of the access key that it stores."),
				}},
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeoutsBlock(ctx, "How long a rotation may take, most of which is the wait for the clusters, as a Go duration. "+
				"Default `2h`, at least `1s`. With less than 10 s left a rotation does not begin."),
		},
	}
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
	request := plan.request()
	if req.State.Raw.IsNull() {
		request.Rotate = plan.RotateOnCreate.ValueBool()
		if !plan.OrganizationID.IsUnknown() && !plan.CredentialsID.IsUnknown() {
			plan.setID()
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), plan.ID)...)
			r.preflight(ctx, request, false, &resp.Diagnostics)
		}
		return
	}
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	what := intentOf(&state, &plan)
	plan.planComputed(&state, what)
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	// Triggers that are not known yet are those of a time_rotating that has expired: the usual way to a rotation.
	mayRotate := triggersMayChange(state.RotationTriggers, plan.RotationTriggers)
	rotates := mayRotate || asksToRotate(&state, &plan, r.rotator.Now())
	userChanges := !plan.IAMUserName.Equal(state.IAMUserName)
	// With another id the resource is replaced: Terraform plans the creation of the new one by itself, and the state tells
	// nothing about that.
	same := plan.OrganizationID.Equal(state.OrganizationID) && plan.CredentialsID.Equal(state.CredentialsID)
	if same && !plan.IAMUserName.IsUnknown() && (rotates || what == intentResume || userChanges) {
		request.Rotate = rotates && what != intentResume
		request.Record = state.record(nil)
		r.preflight(ctx, request, mayRotate, &resp.Diagnostics)
	}
}

// preflight refuses a plan that could not be applied, and shows what one that rotates is going to touch: planned values
// cannot, because what is there may change until the apply. With onlyIfAsked it is not known yet whether the plan rotates:
// a key that drains is no reason then to refuse everything else, nor is another rotation that this very apply may finish.
func (r *awsCredentialsResource) preflight(ctx context.Context, req rotation.Request, onlyIfAsked bool, diags *diag.Diagnostics) {
	observed, decision, err := r.rotator.Preflight(ctx, req)
	if err != nil {
		switch problem := rotation.AsProblem(err); {
		case problem.Summary == rotation.SummaryOtherRotation, problem.Summary == rotation.SummaryStillDraining && onlyIfAsked:
			diags.AddWarning(problem.Summary, "If this is still so when the plan is applied, and a rotation is asked for then, the apply will fail.\n\n"+
				problem.Detail())
		default:
			addError(diags, err)
		}
		return
	}
	if decision.Action != rotation.ActionRotate && decision.Action != rotation.ActionWatch {
		return
	}
	forecast := observed.Forecast(req, decision)
	planned := fmt.Sprintf("Access key %s of IAM user %q will be replaced in %s. Clusters to deploy: %s.",
		decision.From, observed.User.Name, listOf(forecast.Carried), listOf(forecast.Deployed))
	if decision.Drained != "" {
		planned += fmt.Sprintf(" Access key %s, whose drain window is over, will be deleted first.", decision.Drained)
	}
	diags.AddWarning(summaryRotationPlanned, planned)
	if len(forecast.LeftBehind) > 0 {
		diags.AddAttributeWarning(path.Root("rotate_registries"), summaryHoldersLeft, fmt.Sprintf("Access key %s is also stored in %s. They keep it, and "+
			"the key cannot be retired until they have another one.\n\nState of AWS and Qovery: nothing was changed.\n\n"+
			"What to do: give them another key before the drain window is over, or set rotate_registries = true.",
			decision.From, listOf(forecast.LeftBehind)))
	}
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

// Create implements [resource.Resource].
func (r *awsCredentialsResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ctx = withLogging(ctx)
	var plan awsCredentialsModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultRotationTimeout)
	resp.Diagnostics.Append(diags...)
	owner, err := newOwner()
	if err != nil {
		addError(&resp.Diagnostics, err)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.setID()
	plan.copyComputed(&awsCredentialsModel{})
	request := plan.request()
	request.Owner, request.Rotate, request.Timeout = owner, plan.RotateOnCreate.ValueBool(), timeout
	outcome, err := r.rotator.Rotate(ctx, request)
	if err != nil {
		// No state is written, even after the cutover: Terraform would taint what it wrote and replace it, and so rotate
		// once more. The journal tells the next run where to carry on.
		addError(&resp.Diagnostics, err)
		return
	}
	plan.setOutcome(outcome, r.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateOwner, quote(owner))...)
}

// Read implements [resource.Resource].
func (r *awsCredentialsResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	ctx = withLogging(ctx)
	var state awsCredentialsModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	found, err := r.rotator.Inspect(ctx, state.target(), state.AccessKeyID.ValueString())
	switch {
	case isCredentialsNotFound(err) && !state.AccessKeyID.IsNull():
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		addError(&resp.Diagnostics, err)
		return
	case found.Set.Type != rotation.CredentialsTypeStatic && state.AccessKeyID.IsNull():
		addError(&resp.Diagnostics, rotation.NotStatic(found.Set))
		return
	case found.Set.Type != rotation.CredentialsTypeStatic:
		resp.Diagnostics.AddWarning(summaryNothingToRotate, rotation.NotStatic(found.Set).Detail())
		return
	}
	if summary, detail := state.refresh(found, r.rotator.Now()); summary != "" {
		resp.Diagnostics.AddWarning(summary, detail)
	}
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
	what := intentOf(&state, &plan)
	resume, rotate := what == intentResume, asksToRotate(&state, &plan, r.rotator.Now())
	plan.copyComputed(&state)
	if !resume && !rotate {
		plan.recordUpdate(what, r.rotator.Now())
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
		return
	}

	var (
		owner string
		done  progress
	)
	getPrivate(ctx, req.Private, privateOwner, &owner, &resp.Diagnostics)
	getPrivate(ctx, req.Private, privateProgress, &done, &resp.Diagnostics)
	if owner == "" {
		var err error
		if owner, err = newOwner(); err != nil {
			addError(&resp.Diagnostics, err)
			return
		}
	}
	request := plan.request()
	request.Owner, request.Rotate, request.Timeout = owner, rotate, timeout
	request.Record = state.record(done.clustersOf(state.AccessKeyID.ValueString()))
	outcome, err := r.rotator.Rotate(ctx, request)
	if err != nil {
		addError(&resp.Diagnostics, err)
		if !outcome.CutOver() {
			return
		}
	}
	if resume && triggersChange(state.RotationTriggers, plan.RotationTriggers) && err == nil {
		resp.Diagnostics.AddAttributeWarning(path.Root("rotation_triggers"), summaryResumeSwallowed, "A rotation that had been interrupted was carried "+
			"on; it is the one that rotation_triggers asks for. No second one follows.")
	}
	plan.setOutcome(outcome, r.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	done = progress{}
	if err != nil {
		done = progress{AccessKeyID: outcome.AccessKeyID, Clusters: outcome.DeployedClusters}
	}
	doneValue, marshalErr := json.Marshal(done)
	if marshalErr != nil {
		addError(&resp.Diagnostics, marshalErr)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateOwner, quote(owner))...)
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

var importIDPattern = regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[/,]([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// parseImportID splits an import id. The comma is the separator of Qovery's own provider.
func parseImportID(id string) (organizationID, credentialsID string, err error) {
	parts := importIDPattern.FindStringSubmatch(id)
	if parts == nil {
		return "", "", fmt.Errorf("%q is not of the form <organization_id>/<credentials_id>, two UUIDs in lowercase", id)
	}
	return parts[1], parts[2], nil
}

// ImportState implements [resource.ResourceWithImportState]. It adopts the key that is there.
func (r *awsCredentialsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	organizationID, credentialsID, err := parseImportID(req.ID)
	if err != nil {
		resp.Diagnostics.AddError(summaryImportID, err.Error()+". Nothing was changed.")
		return
	}
	owner, err := newOwner()
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	for name, value := range map[string]any{
		"id":                organizationID + "/" + credentialsID,
		"organization_id":   organizationID,
		"credentials_id":    credentialsID,
		"rotate_on_create":  true,
		"rotate_registries": true,
		"drain_window":      defaultDrainWindow,
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateOwner, quote(owner))...)
}

// newOwner returns the id by which a resource recognizes its own journal.
func newOwner() (string, error) {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return "", fmt.Errorf("cannot generate an id for the rotation's journal: %w", err)
	}
	return id, nil
}

// quote encodes a string that needs no escaping as JSON, which is what private state holds.
func quote(s string) []byte { return []byte(`"` + s + `"`) }

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
