package provider

import (
	"context"
	"slices"
	"time"

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

// awsModel is the aws argument. Its attributes have the names of the AWS provider's.
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
	RoleARN     types.String `tfsdk:"role_arn"`
	SessionName types.String `tfsdk:"session_name"`
	ExternalID  types.String `tfsdk:"external_id"`
	Duration    types.String `tfsdk:"duration"`
	Policy      types.String `tfsdk:"policy"`
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
		MarkdownDescription: "AWS credentials and settings of the provider, with the arguments of the AWS provider. Default: environment " +
			"variables, shared configuration and credentials files, IAM Identity Center, web identity, or the role of a container " +
			"or instance. The provider must not authenticate with the access key that is rotated.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"region": schema.StringAttribute{
				MarkdownDescription: "AWS region for requests to STS, such as `eu-west-3`. IAM is global. In GovCloud and China, it must be a " +
					"region of that partition. Default: `AWS_REGION`, otherwise the region of the profile, otherwise `us-east-1`.",
				Optional:   true,
				Validators: []validator.String{regionValidator},
			},
			"profile": schema.StringAttribute{
				MarkdownDescription: "Name of a profile in the shared files. Default: `AWS_PROFILE`.",
				Optional:            true,
			},
			"access_key": schema.StringAttribute{
				MarkdownDescription: "Access key ID of the provider. A role is safer.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("secret_key"))},
			},
			"secret_key": schema.StringAttribute{
				MarkdownDescription: "Secret access key of the provider.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("access_key"))},
			},
			"token": schema.StringAttribute{
				MarkdownDescription: "Session token of a temporary `access_key` and `secret_key`.",
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
				MarkdownDescription: "Maximum number of attempts for a request that fails or is throttled, including the first. Default: " +
					"`AWS_MAX_ATTEMPTS`, otherwise `6`. A request that creates an access key is never repeated automatically.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
			"allowed_account_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of the AWS accounts in which the provider may work, such as `123456789012`. With credentials of another " +
					"account, nothing is read or changed. Conflicts with `forbidden_account_ids`.",
				ElementType: types.StringType,
				Optional:    true,
				Validators: []validator.Set{
					setvalidator.ValueStringsAre(accountIDValidator),
					setvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("forbidden_account_ids")),
				},
			},
			"forbidden_account_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of AWS accounts in which the provider must not work. Conflicts with `allowed_account_ids`.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.Set{setvalidator.ValueStringsAre(accountIDValidator)},
			},
			"assume_role": schema.SingleNestedAttribute{
				MarkdownDescription: "IAM role that the provider assumes with its other AWS credentials.",
				Optional:            true,
				Attributes: map[string]schema.Attribute{
					"role_arn": schema.StringAttribute{
						MarkdownDescription: "ARN of the role, such as `arn:aws:iam::123456789012:role/key-rotation`.",
						Required:            true,
						Validators:          []validator.String{roleARNValidator},
					},
					"session_name": schema.StringAttribute{
						MarkdownDescription: "Name of the session, which CloudTrail shows.",
						Optional:            true,
					},
					"external_id": schema.StringAttribute{
						MarkdownDescription: "External ID that the trust policy of the role requires.",
						Optional:            true,
					},
					"duration": schema.StringAttribute{
						MarkdownDescription: "Duration of the session, after which it is renewed, as a [Go " +
							"duration](https://pkg.go.dev/time#ParseDuration) from `15m` to `12h`. Default: `15m`.",
						Optional:   true,
						Validators: []validator.String{durationBetween(15*time.Minute, 12*time.Hour)},
					},
					"policy": schema.StringAttribute{
						MarkdownDescription: "IAM policy in JSON that restricts the permissions of the session.",
						Optional:            true,
						Validators:          []validator.String{jsonObjectValidator},
					},
				},
			},
			"assume_role_with_web_identity": schema.SingleNestedAttribute{
				MarkdownDescription: "IAM role that the provider assumes with an OpenID Connect token, for example in pipelines and HCP Terraform. " +
					"Conflicts with `access_key`.",
				Optional: true,
				Validators: []validator.Object{
					objectvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("access_key")),
				},
				Attributes: map[string]schema.Attribute{
					"role_arn": schema.StringAttribute{
						MarkdownDescription: "ARN of the role, such as `arn:aws:iam::123456789012:role/key-rotation`.",
						Required:            true,
						Validators:          []validator.String{roleARNValidator},
					},
					"session_name": schema.StringAttribute{
						MarkdownDescription: "Name of the session, which CloudTrail shows.",
						Optional:            true,
					},
					"web_identity_token": schema.StringAttribute{
						MarkdownDescription: "OpenID Connect token.",
						Optional:            true,
						Sensitive:           true,
						Validators: []validator.String{
							stringvalidator.ExactlyOneOf(path.MatchRelative().AtParent().AtName("web_identity_token_file")),
						},
					},
					"web_identity_token_file": schema.StringAttribute{
						MarkdownDescription: "Path of a file that contains the OpenID Connect token.",
						Optional:            true,
					},
				},
			},
			"endpoints": schema.SingleNestedAttribute{
				MarkdownDescription: "Custom endpoints of AWS APIs, for private endpoints and emulators. Default: `AWS_ENDPOINT_URL_IAM`, " +
					"`AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL_EC2`. All must be `https`. `http` is accepted for a loopback address only, because the new " +
					"key and the credentials of the role are sent there.",
				Optional: true,
				Attributes: map[string]schema.Attribute{
					"iam": schema.StringAttribute{
						MarkdownDescription: "URL of IAM.",
						Optional:            true,
						Validators:          []validator.String{urlValidator},
					},
					"sts": schema.StringAttribute{
						MarkdownDescription: "URL of STS, for every region.",
						Optional:            true,
						Validators:          []validator.String{urlValidator},
					},
					"ec2": schema.StringAttribute{
						MarkdownDescription: "URL of EC2, for every region. Default: AWS's own; with another address for `iam` or `sts` and none for " +
							"`ec2`, EC2 is not asked.",
						Optional:   true,
						Validators: []validator.String{urlValidator},
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

// reportUnknown adds an error for every unknown value inside an object.
func reportUnknown(object types.Object, at path.Path, diags *diag.Diagnostics) {
	for name, value := range object.Attributes() {
		nested, isObject := value.(types.Object)
		switch {
		case value.IsUnknown(), hasUnknownElement(value):
			addErrorAt(diags, at.AtName(name), unknownConfiguration(at.AtName(name)))
		case isObject:
			reportUnknown(nested, at.AtName(name), diags)
		}
	}
}

// hasUnknownElement reports whether a value is a list or set with an unknown element.
func hasUnknownElement(value attr.Value) bool {
	collection, ok := value.(interface{ Elements() []attr.Value })
	return ok && slices.ContainsFunc(collection.Elements(), attr.Value.IsUnknown)
}
