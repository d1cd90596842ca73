package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Schema implements [resource.Resource].
func (r *awsAccessKeyCleanupResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computedTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true, CustomType: timetypes.RFC3339Type{}}
	}
	id := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			MarkdownDescription: description,
			Required:            true,
			Validators:          []validator.String{uuidValidator},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Retires the access key that a rotation replaced: the first apply after `delete_after` plus the provider's `last_use_delay` " +
			"deactivates and deletes it.\n\n" +
			"That apply checks that Qovery holds another, Active key, and that no object of the organization stores the old one. No " +
			"cluster with the other key may have the state `INVALID_CREDENTIALS`. The old key must belong to the IAM user, and must not " +
			"have been used after `delete_after`. No environment deployment that was requested before `delete_after` may still run on a " +
			"cluster of the credentials. The provider must not authenticate with the old key. If a check fails, the apply fails and the " +
			"key stays. The next apply checks again.\n\n" +
			"Destroying the resource retires the key if it is due, its quarantine is over and all checks pass. Otherwise the key stays, " +
			"and a warning shows the command that deletes it.",
		Attributes: map[string]schema.Attribute{
			"organization_id": id("UUID of the Qovery organization whose objects must not store the key any more."),
			"credentials_id":  id("UUID of the Qovery credentials that held the key before."),
			"iam_user_name": schema.StringAttribute{
				MarkdownDescription: "Name of the IAM user that owns the key.",
				Required:            true,
				Validators:          []validator.String{iamUserNameValidator},
			},
			"access_key_id": schema.StringAttribute{
				MarkdownDescription: "ID of the key to retire, usually `previous_access_key_id` of a `qoveryrotation_aws_credentials`. With null, " +
					"there is no key to retire yet.",
				Optional:   true,
				Validators: []validator.String{accessKeyIDValidator},
			},
			"delete_after": schema.StringAttribute{
				MarkdownDescription: "Earliest time of the retirement in RFC 3339, usually `drain_ends_at` of a `qoveryrotation_aws_credentials`. " +
					"With null, nothing is scheduled yet.",
				Optional:   true,
				CustomType: timetypes.RFC3339Type{},
			},
			"quarantine_window": schema.StringAttribute{
				MarkdownDescription: "How long the key stays Inactive before a later apply deletes it, as a [Go " +
					"duration](https://pkg.go.dev/time#ParseDuration) such as `168h` for 7 days. Default: `0s`, which deactivates " +
					"and deletes the key in the same apply. `hold` makes an Inactive key Active again. A rotation that needs the " +
					"place of the key ends the quarantine, because an IAM user can have two access keys. With `wait`, it must be " +
					"shorter than the longer one of `timeouts`.",
				Optional:   true,
				Computed:   true,
				Default:    stringdefault.StaticString("0s"),
				Validators: []validator.String{durationAtLeast(0)},
			},
			"wait": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until the key is deleted, for pipelines without a schedule. Default: `false`, a later " +
					"apply retires the key.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"hold": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is kept, whatever is due. An Inactive key is made Active again. A rotation that needs the " +
					"place of the key fails. Setting it back to `false` begins the quarantine anew. An apply does not wait for a " +
					"key that is held. Keys in the provider's `compromised_access_key_ids` cannot be held. Default: `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"allow_recent_use": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is retired even if it was used after `delete_after`. The provider's `last_use_delay` then " +
					"does not apply. Default: `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"allow_running_deployments": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is retired even if an environment deployment that was requested before `delete_after` still " +
					"runs on a cluster of the credentials. That deployment may fail. Default: `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of Qovery objects that may continue to store the key after it is deleted. The container registry of a " +
					"cluster cannot be ignored, because every deployment uses its key.",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.Set{setvalidator.ValueStringsAre(uuidValidator)},
			},
			"iam_user_arn": schema.StringAttribute{
				MarkdownDescription: "ARN of the IAM user, recorded when AWS lists the key. In another AWS account, a missing key does not count " +
					"as deleted.",
				Computed: true,
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "Status of the key. `idle`: no key or no time is set. `draining`: the key may still be in use. `due`: the " +
					"next apply takes the next step. `quarantined`: the key is Inactive. `held`: `hold` keeps the key. `deleted`: " +
					"the key is deleted.",
				Computed: true,
			},
			"deactivated_at": computedTime("Time when this resource deactivated the key, in RFC 3339. Null before."),
			"deleted_at":     computedTime("Time when the key was deleted, or first found deleted, in RFC 3339. Null before."),
			"next_action_at": computedTime("Earliest time of the next step, in RFC 3339. Null if there is none."),
		},
		Blocks: map[string]schema.Block{
			"timeouts": timeoutsBlock(ctx, "Maximum duration of an apply, as a Go duration. Default: `3h`. Minimum: `1s`. With `wait`, an apply fails at "+
				"once if the key cannot be deleted in that time."),
		},
	}
}
