package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

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
			"rotation_window": windowAttribute(),
			"rotate_registries": schema.BoolAttribute{
				MarkdownDescription: "Whether a rotation stores the new key in every other object of the organization that has the old one: other " +
					"credentials, ECR container registries, ECR helm repositories and Route 53 DNS providers. Each cluster's own container registry starts " +
					"with the cluster's key and does not follow a change of the credentials. Default `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of objects that store the key and keep the old one in a rotation. Without it, a plan refuses to rotate while an object " +
					"that cannot be given the new key stores it, such as vSphere credentials or a secret-manager access. A container registry that came " +
					"with a cluster cannot be ignored: every deployment of the cluster uses its key.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.Set{setvalidator.ValueStringsAre(uuidValidator())},
			},
			"production_last": schema.BoolAttribute{
				MarkdownDescription: "Whether clusters that Qovery marks as production are deployed after all others have succeeded. When one of those fails, " +
					"production is not deployed in this apply, and the next apply carries on. `false` deploys all side by side. Default `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"drain_window": schema.StringAttribute{
				MarkdownDescription: "How long the previous key stays valid after the last cluster was deployed, so that deployments under way can finish, as " +
					"a [Go duration](https://pkg.go.dev/time#ParseDuration). Default `2h`. Not below the provider's `minimum_drain_window`. A longer one moves " +
					"`drain_ends_at`, a shorter one holds from the next rotation on. A change rotates nothing.",
				Optional:   true,
				Computed:   true,
				CustomType: timetypes.GoDurationType{},
				Default:    stringdefault.StaticString(defaultDrainWindow),
				Validators: []validator.String{durationAtLeast(0)},
			},
			"iam_user_arn":          computedString("ARN of the IAM user that owns the access key. Once it is recorded, a later run in another AWS account fails."),
			"access_key_id":         computedString("Id of the access key that Qovery holds."),
			"access_key_created_at": computedTime("When that key was created, by IAM, in RFC 3339."),
			"previous_access_key_id": computedString("Id of the access key before the last rotation, kept as history after its deletion. Null until this resource " +
				"rotated."),
			"rotated_at":  computedTime("When Qovery accepted the key (the cutover), in RFC 3339. Null until this resource rotated."),
			"deployed_at": computedTime("End of the last cluster deployment with the key, in RFC 3339. Null until every cluster is deployed."),
			"drain_ends_at": computedTime("`deployed_at` plus the longest `drain_window` since the rotation, in RFC 3339: from then on the previous key may be " +
				"deleted. Null until every cluster is deployed."),
			"rotation_due": schema.BoolAttribute{
				MarkdownDescription: "Whether the key had reached `rotate_after_days`, or a rotation waited for `rotation_window`, at the last refresh, and the " +
					"window was open. The next apply rotates the key, unless its predecessor still drains.",
				Computed: true,
			},
			"rotation_due_at": computedTime("When the key reaches `rotate_after_days`, or from when on a rotation waits, but not before `rotation_window` opens, in " +
				"RFC 3339. Null when nothing is due."),
			"phase": computedString("`stable`: not rotated by this resource yet. `deploying`: Qovery holds the new key and not every cluster runs with it; the next " +
				"apply resumes. `draining`: the previous key may still be in use. `drained`: the previous key may go, or is gone."),
			"cluster_ids": schema.ListAttribute{
				MarkdownDescription: "UUIDs of the clusters that use the credentials, in order. A rotation deploys those that are neither stopped nor self-managed.",
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
				"Default `4h`, at least `1s`. With less than 10 s left a rotation does not begin."),
		},
	}
}
