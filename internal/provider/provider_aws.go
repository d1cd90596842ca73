package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/objectvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
)

// awsModel is the aws argument. Its words are those of the AWS provider.
type awsModel struct {
	Region                    types.String            `tfsdk:"region"`
	Profile                   types.String            `tfsdk:"profile"`
	AccessKey                 types.String            `tfsdk:"access_key"`
	SecretKey                 types.String            `tfsdk:"secret_key"`
	Token                     types.String            `tfsdk:"token"`
	SharedConfigFiles         types.List              `tfsdk:"shared_config_files"`
	SharedCredentialsFiles    types.List              `tfsdk:"shared_credentials_files"`
	MaxRetries                types.Int64             `tfsdk:"max_retries"`
	AssumeRole                *assumeRoleModel        `tfsdk:"assume_role"`
	AssumeRoleWithWebIdentity *assumeRoleWithWebModel `tfsdk:"assume_role_with_web_identity"`
	Endpoints                 *endpointsModel         `tfsdk:"endpoints"`
	AllowedAccountIDs         types.Set               `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs       types.Set               `tfsdk:"forbidden_account_ids"`
}

type assumeRoleModel struct {
	RoleARN     types.String         `tfsdk:"role_arn"`
	SessionName types.String         `tfsdk:"session_name"`
	ExternalID  types.String         `tfsdk:"external_id"`
	Duration    timetypes.GoDuration `tfsdk:"duration"`
	Policy      types.String         `tfsdk:"policy"`
}

type assumeRoleWithWebModel struct {
	RoleARN              types.String `tfsdk:"role_arn"`
	SessionName          types.String `tfsdk:"session_name"`
	WebIdentityToken     types.String `tfsdk:"web_identity_token"`
	WebIdentityTokenFile types.String `tfsdk:"web_identity_token_file"`
}

type endpointsModel struct {
	IAM types.String `tfsdk:"iam"`
	STS types.String `tfsdk:"sts"`
	EC2 types.String `tfsdk:"ec2"`
}

func awsSchema() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How the provider signs its own requests to AWS, with the arguments of the AWS provider. Without it the usual chain applies: " +
			"environment variables, shared configuration and credentials files, IAM Identity Center, web identity, and the role of a container or " +
			"instance. These must not be the access key that is rotated.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"region": schema.StringAttribute{
				MarkdownDescription: "AWS region in which STS is asked, such as `eu-west-3`. IAM itself is global; in GovCloud and China it has to be one of " +
					"theirs. Default: `AWS_REGION`, the profile's, else `us-east-1`.",
				Optional:   true,
				Validators: []validator.String{regionValidator()},
			},
			"profile": schema.StringAttribute{
				MarkdownDescription: "Name of a profile in the shared files. Default: `AWS_PROFILE`.",
				Optional:            true,
			},
			"access_key": schema.StringAttribute{
				MarkdownDescription: "Access key id to sign with. Prefer a role.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("secret_key"))},
			},
			"secret_key": schema.StringAttribute{
				MarkdownDescription: "Secret access key to sign with.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("access_key"))},
			},
			"token": schema.StringAttribute{
				MarkdownDescription: "Session token that belongs to temporary `access_key` and `secret_key`.",
				Optional:            true,
				Sensitive:           true,
			},
			"shared_config_files": schema.ListAttribute{
				MarkdownDescription: "Paths of shared configuration files. Default: `~/.aws/config`.",
				ElementType:         types.StringType,
				Optional:            true,
			},
			"shared_credentials_files": schema.ListAttribute{
				MarkdownDescription: "Paths of shared credentials files. Default: `~/.aws/credentials`.",
				ElementType:         types.StringType,
				Optional:            true,
			},
			"max_retries": schema.Int64Attribute{
				MarkdownDescription: "How many times a request that fails or is throttled is sent at most, the first time included. Default: " +
					"`AWS_MAX_ATTEMPTS`, else 6. A request that creates a key is never repeated blindly.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"allowed_account_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of the only AWS accounts that the provider may work in, such as `123456789012`. With credentials of another " +
					"account nothing is read or changed. Conflicts with `forbidden_account_ids`.",
				ElementType: types.StringType,
				Optional:    true,
				Validators: []validator.Set{
					setvalidator.ValueStringsAre(accountIDValidator()),
					setvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("forbidden_account_ids")),
				},
			},
			"forbidden_account_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of AWS accounts that the provider must not work in. Conflicts with `allowed_account_ids`.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(accountIDValidator())},
			},
			"assume_role": schema.SingleNestedAttribute{
				MarkdownDescription: "A role to assume with the credentials found.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"role_arn": schema.StringAttribute{
						MarkdownDescription: "ARN of the role, such as `arn:aws:iam::123456789012:role/key-rotation`.",
						Required:            true,
						Validators:          []validator.String{roleARNValidator()},
					},
					"session_name": schema.StringAttribute{
						MarkdownDescription: "Name of the session, as CloudTrail shows it.",
						Optional:            true,
					},
					"external_id": schema.StringAttribute{
						MarkdownDescription: "External id that the role's trust policy asks for.",
						Optional:            true,
					},
					"duration": schema.StringAttribute{
						MarkdownDescription: "How long the session lasts before it is renewed, as a [Go duration](https://pkg.go.dev/time#ParseDuration) " +
							"from `15m` to `12h`. Default: `15m`.",
						Optional:   true,
						CustomType: timetypes.GoDurationType{},
						Validators: []validator.String{durationBetween(15*time.Minute, 12*time.Hour)},
					},
					"policy": schema.StringAttribute{
						MarkdownDescription: "IAM policy in JSON that narrows the session's permissions.",
						Optional:            true,
						Validators:          []validator.String{jsonObjectValidator()},
					},
				},
			},
			"assume_role_with_web_identity": schema.SingleNestedAttribute{
				MarkdownDescription: "A role to assume with an OpenID Connect token, as pipelines and HCP Terraform hand out. Conflicts with `access_key`.",
				Optional:            true,
				Validators: []validator.Object{
					objectvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("access_key")),
				},
				Attributes: map[string]schema.Attribute{
					"role_arn": schema.StringAttribute{
						MarkdownDescription: "ARN of the role, such as `arn:aws:iam::123456789012:role/key-rotation`.",
						Required:            true,
						Validators:          []validator.String{roleARNValidator()},
					},
					"session_name": schema.StringAttribute{
						MarkdownDescription: "Name of the session, as CloudTrail shows it.",
						Optional:            true,
					},
					"web_identity_token": schema.StringAttribute{
						MarkdownDescription: "The token itself.",
						Optional:            true,
						Sensitive:           true,
						Validators: []validator.String{
							stringvalidator.ExactlyOneOf(path.MatchRelative().AtParent().AtName("web_identity_token_file")),
						},
					},
					"web_identity_token_file": schema.StringAttribute{
						MarkdownDescription: "Path of a file with the token.",
						Optional:            true,
					},
				},
			},
			"endpoints": schema.SingleNestedAttribute{
				MarkdownDescription: "Other addresses for AWS's APIs, for private endpoints and emulators. `AWS_ENDPOINT_URL_IAM`, " +
					"`AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL_EC2` work too. All must be `https`; plain `http` is accepted for a loopback address only, because the new " +
					"key and the role's credentials travel there.",
				Optional: true,
				Attributes: map[string]schema.Attribute{
					"iam": schema.StringAttribute{
						MarkdownDescription: "URL of IAM.",
						Optional:            true,
						Validators:          []validator.String{urlValidator()},
					},
					"sts": schema.StringAttribute{
						MarkdownDescription: "URL of STS, for every region.",
						Optional:            true,
						Validators:          []validator.String{urlValidator()},
					},
					"ec2": schema.StringAttribute{
						MarkdownDescription: "URL of EC2, for every region. Default: AWS's own; with another address for `iam` or `sts` and none for " +
							"`ec2`, EC2 is not asked.",
						Optional:   true,
						Validators: []validator.String{urlValidator()},
					},
				},
			},
		},
	}
}

// awsConfiguration decodes the aws argument.
func awsConfiguration(ctx context.Context, object types.Object, diags *diag.Diagnostics) awsiam.Config {
	var config awsiam.Config
	if object.IsNull() || object.IsUnknown() {
		return config
	}
	reportUnknown(object, path.Root("aws"), diags)
	if diags.HasError() {
		return config
	}
	var model awsModel
	diags.Append(object.As(ctx, &model, basetypes.ObjectAsOptions{})...)
	if diags.HasError() {
		return config
	}
	config.Region = model.Region.ValueString()
	config.Profile = model.Profile.ValueString()
	config.AccessKey = model.AccessKey.ValueString()
	config.SecretKey = model.SecretKey.ValueString()
	config.Token = model.Token.ValueString()
	config.MaxRetries = int(model.MaxRetries.ValueInt64())
	config.AllowedAccountIDs, config.ForbiddenAccountIDs = stringsOf(model.AllowedAccountIDs), stringsOf(model.ForbiddenAccountIDs)
	diags.Append(model.SharedConfigFiles.ElementsAs(ctx, &config.SharedConfigFiles, false)...)
	diags.Append(model.SharedCredentialsFiles.ElementsAs(ctx, &config.SharedCredentialsFiles, false)...)
	if role := model.AssumeRole; role != nil {
		config.AssumeRole = &awsiam.AssumeRole{
			RoleARN:     role.RoleARN.ValueString(),
			SessionName: role.SessionName.ValueString(),
			ExternalID:  role.ExternalID.ValueString(),
			Duration:    durationOr(role.Duration, 0),
			Policy:      role.Policy.ValueString(),
		}
	}
	if role := model.AssumeRoleWithWebIdentity; role != nil {
		config.AssumeRoleWithWebIdentity = &awsiam.AssumeRoleWithWebIdentity{
			RoleARN:              role.RoleARN.ValueString(),
			SessionName:          role.SessionName.ValueString(),
			WebIdentityToken:     role.WebIdentityToken.ValueString(),
			WebIdentityTokenFile: role.WebIdentityTokenFile.ValueString(),
		}
	}
	if endpoints := model.Endpoints; endpoints != nil {
		config.Endpoints = awsiam.Endpoints{
			IAM: endpoints.IAM.ValueString(), STS: endpoints.STS.ValueString(), EC2: endpoints.EC2.ValueString(),
		}
	}
	return config
}

// reportUnknown refuses every unknown value inside an object.
func reportUnknown(object types.Object, at path.Path, diags *diag.Diagnostics) {
	for name, value := range object.Attributes() {
		nested, isObject := value.(types.Object)
		switch {
		case value.IsUnknown(), hasUnknownElement(value):
			addUnknownConfiguration(diags, at.AtName(name))
		case isObject:
			reportUnknown(nested, at.AtName(name), diags)
		}
	}
}

// hasUnknownElement tells whether a value is a list or set with an unknown element.
func hasUnknownElement(value attr.Value) bool {
	collection, ok := value.(interface{ Elements() []attr.Value })
	return ok && slices.ContainsFunc(collection.Elements(), attr.Value.IsUnknown)
}
