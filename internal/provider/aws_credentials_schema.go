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
			Validators:          []validator.String{uuidValidator},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Rotates the AWS access key of a Qovery credentials set. A rotation creates a second key for the same IAM user, " +
			"verifies it, stores it in Qovery and deploys the clusters. It ends when every cluster runs with the new key. " +
			"`qoveryrotation_aws_access_key_cleanup` retires the previous key after the drain window.\n\n" +
			"A rotation is an update in place. It happens when the resource is created, when `rotation_triggers` changes, or when " +
			"the key reaches `rotate_after_days`. Destroying the resource changes nothing in AWS and Qovery.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				MarkdownDescription: "`<organization_id>/<credentials_id>`, which is also the import ID.",
				Computed:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"organization_id": id("UUID of the Qovery organization. Changing this forces a new resource."),
			"credentials_id":  id("UUID of the AWS credentials in Qovery, which must have a static access key. Changing this forces a new resource."),
			"iam_user_name": schema.StringAttribute{
				MarkdownDescription: "Name of the IAM user that owns the access key. Default: the owner of the key that Qovery holds. If set, this " +
					"user must own that key.",
				Optional:      true,
				Computed:      true,
				Validators:    []validator.String{iamUserNameValidator},
				PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"rotation_triggers": schema.MapAttribute{
				MarkdownDescription: "Map of arbitrary strings, usually the `id` of a `time_rotating`. Any change from one map to another rotates " +
					"the key. Adding or removing the whole map rotates nothing.",
				ElementType: types.StringType,
				Optional:    true,
			},
			"rotate_after_days": schema.Int64Attribute{
				MarkdownDescription: "Maximum age of the access key in days, from `1` to `36500`, counted from its creation in IAM. The first " +
					"apply after that rotates the key. Must be longer than `drain_window`. The rotation waits while the previous " +
					"key is in its drain window, or held by a cleanup.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, 36500)},
			},
			"rotate_on_create": schema.BoolAttribute{
				MarkdownDescription: "Whether creating the resource rotates the key. With `false`, the existing key is adopted, as an import " +
					"always does. Default: `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"rotation_window": windowAttribute(),
			"rotate_registries": schema.BoolAttribute{
				MarkdownDescription: "Whether a rotation also stores the new key in every other object of the organization that stores the old " +
					"one. These are other credentials, ECR container registries, ECR helm repositories and Route 53 DNS " +
					"providers. The container registry of a cluster starts with the cluster's key, and does not follow a change " +
					"of the credentials. Default: `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of Qovery objects that keep the old key in a rotation. A plan fails if the key is stored in another " +
					"object that cannot be updated, such as vSphere credentials or a secret-manager access. The container " +
					"registry of a cluster cannot be ignored, because every deployment uses its key.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.Set{setvalidator.ValueStringsAre(uuidValidator)},
			},
			"production_last": schema.BoolAttribute{
				MarkdownDescription: "Whether production clusters are deployed only after all other clusters have succeeded. If another cluster " +
					"fails, production is not deployed in this apply, and the next apply resumes. With `false`, all clusters are " +
					"deployed in parallel. Default: `true`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(true),
			},
			"drain_window": schema.StringAttribute{
				MarkdownDescription: "How long the previous key stays valid after the last cluster was deployed, as a [Go " +
					"duration](https://pkg.go.dev/time#ParseDuration) such as `2h`. Default: `2h`. Minimum: the provider's " +
					"`minimum_drain_window`. Running deployments can finish with the previous key in that time. Increasing the " +
					"value moves `drain_ends_at`. Decreasing it applies from the next rotation on. A change rotates nothing.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString(defaultDrainWindow),
				Validators: []validator.String{durationAtLeast(0)},
			},
			"iam_user_arn":          computedString("ARN of the IAM user that owns the access key. Once it is recorded, a run in another AWS account fails."),
			"access_key_id":         computedString("ID of the access key that Qovery holds."),
			"access_key_created_at": computedTime("Creation time of that key in IAM, in RFC 3339."),
			"previous_access_key_id": computedString("ID of the access key before the last rotation. It is kept after the key is deleted. Null before this resource " +
				"rotates for the first time."),
			"rotated_at": computedTime("Time of the cutover, when Qovery accepted the key, in RFC 3339. Null before this resource rotates for the first " +
				"time."),
			"deployed_at": computedTime("End of the last cluster deployment with the key, in RFC 3339. Null until every cluster is deployed."),
			"drain_ends_at": computedTime("Time from which the previous key may be deleted, in RFC 3339. It is `deployed_at` plus the longest " +
				"`drain_window` since the rotation. Null until every cluster is deployed."),
			"rotation_due": schema.BoolAttribute{
				MarkdownDescription: "Whether the next apply rotates the key, as of the last refresh. It does if the key has reached " +
					"`rotate_after_days`, or a rotation waits, and `rotation_window` is open. A rotation waits while the previous " +
					"key is in its drain window, or a cleanup holds it.",
				Computed: true,
			},
			"rotation_due_at": computedTime("Earliest time of the next rotation, in RFC 3339. It follows from `rotate_after_days`, or from a rotation that " +
				"waits, and lies inside `rotation_window`. Null if no rotation is scheduled."),
			"phase": computedString("Phase of the last rotation. `stable`: this resource has not rotated yet. `deploying`: Qovery holds the new key, " +
				"and not every cluster uses it yet. The next apply resumes. `draining`: the previous key may still be in use. " +
				"`drained`: the drain window is over."),
			"cluster_ids": schema.ListAttribute{
				MarkdownDescription: "UUIDs of the clusters that use the credentials, sorted. A rotation deploys those that are neither stopped " +
					"nor self-managed.",
				ElementType: types.StringType,
				Computed:    true,
			},
			"holders": schema.ListNestedAttribute{
				MarkdownDescription: "Objects of the organization that store the key, sorted by kind and ID.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"kind": computedString("`credentials`, `container_registry`, `helm_repository`, `vsphere_credentials`, `dns_provider` or " +
						"`secret_manager_access`."),
					"id":            computedString("UUID of the object in Qovery."),
					"name":          computedString("Name of the object in Qovery."),
					"access_key_id": computedString("ID of the access key that it stores."),
				}},
			},
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeoutsBlock(ctx, "Maximum duration of a rotation, as a Go duration. Most of it is spent waiting for the clusters. Default: `4h`. "+
				"Minimum: `1s`. With less than 10 seconds left, a rotation does not begin."),
		},
	}
}
