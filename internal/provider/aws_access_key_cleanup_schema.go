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
			Validators:          []validator.String{uuidValidator()},
		}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Retires the access key that a rotation replaced: deactivates and deletes it in the first apply after `delete_after` and the " +
			"provider's `last_use_delay`, when these checks hold at that very moment: the key belongs to the IAM user; Qovery holds another key, which exists " +
			"and is Active; no object in the organization stores the key; no cluster that runs with the other key is in `INVALID_CREDENTIALS`; nobody " +
			"used the key after `delete_after`; no deployment of an environment that was asked for before `delete_after` runs on a cluster of the " +
			"credentials; the provider does not sign with the key. Where a check fails the apply fails, the key stays, and the next apply checks again.\n\n" +
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
			"hold": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is kept, whatever is due. An Inactive key is made Active again, and `status` is `held`. A rotation that needs " +
					"the place of the key is refused. Setting it back to `false` begins the quarantine anew. It has no effect on a key in the provider's " +
					"`compromised_access_key_ids`, and an apply does not wait for a key that is held. Default `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"allow_recent_use": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is retired although somebody used it after `delete_after`, and without waiting for the provider's " +
					"`last_use_delay`. Default `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"allow_running_deployments": schema.BoolAttribute{
				MarkdownDescription: "Whether the key is retired although a deployment of an environment that was asked for before `delete_after` still runs on a " +
					"cluster of the credentials. That deployment may fail. Default `false`.",
				Optional: true,
				Computed: true,
				Default:  booldefault.StaticBool(false),
			},
			"ignored_holders": schema.SetAttribute{
				MarkdownDescription: "UUIDs of Qovery objects that may keep storing the key; they will hold a dead key.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(uuidValidator())},
			},
			"iam_user_arn": schema.StringAttribute{
				MarkdownDescription: "ARN of the IAM user, recorded when its list shows the key. Only in this AWS account does a missing key mean that it was deleted.",
				Computed:            true,
			},
			"status": schema.StringAttribute{
				MarkdownDescription: "`idle`: no key, or no time. `draining`: the key may still be in use. `due`: the last refresh found the next step due; the next " +
					"apply takes it. `quarantined`: the key is Inactive. `held`: the key is kept by `hold`. `deleted`: the key is gone.",
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
