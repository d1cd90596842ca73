package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var _ function.Function = iamPolicyFunction{}

type iamPolicyFunction struct{}

func newIAMPolicyFunction() function.Function { return iamPolicyFunction{} }

// Metadata implements [function.Function].
func (iamPolicyFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "iam_policy"
}

// Definition implements [function.Function].
func (iamPolicyFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Returns the least-privilege IAM policy of the provider.",
		MarkdownDescription: "Returns an IAM policy in JSON that allows what the provider does with the access keys of one IAM user, and nothing " +
			"else. Attach it to the role or user with which the provider authenticates. Do not attach it to the user whose key is " +
			"rotated. Requires Terraform 1.8 or OpenTofu 1.7.",
		Parameters: []function.Parameter{function.StringParameter{
			Name: "user_arn",
			MarkdownDescription: "ARN of the IAM user whose access key Qovery holds, such as `arn:aws:iam::123456789012:user/qovery`, in any " +
				"partition. It includes the path, as in `user/system/qovery`.",
		}},
		Return: function.StringReturn{},
	}
}

// Run implements [function.Function].
func (iamPolicyFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var userARN string
	if resp.Error = req.Arguments.Get(ctx, &userARN); resp.Error != nil {
		return
	}
	policy, err := rotation.Policy(userARN)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error()+".")
		return
	}
	resp.Error = resp.Result.Set(ctx, policy)
}
