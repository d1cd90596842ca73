package awsiam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const simulatePrincipalPolicy = "SimulatePrincipalPolicy"

// Rights implements [rotation.IAM]. Its requests are not repeated: the result is optional, so a plan must not wait for it.
func (c *Client) Rights(ctx context.Context, userARN, tagKey string, actions []string) (rotation.Rights, error) {
	identity, err := c.identity(ctx, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
	if err != nil {
		return rotation.Rights{}, err
	}
	rights := rotation.Rights{Principal: principalOf(*identity.Arn, c.roles)}
	if rights.Principal == "" {
		return rotation.Rights{}, &Error{
			Action: "iam:" + simulatePrincipalPolicy, Message: *identity.Arn + " is neither a user nor a role", cause: rotation.ErrRejected,
		}
	}
	tagKeys := types.ContextEntry{
		ContextKeyName: aws.String("aws:TagKeys"), ContextKeyType: types.ContextKeyTypeEnumStringList, ContextKeyValues: []string{tagKey},
	}
	pages := iam.NewSimulatePrincipalPolicyPaginator(c.iam.Simulate, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &rights.Principal,
		ActionNames:     actions,
		ResourceArns:    []string{userARN},
		ContextEntries:  []types.ContextEntry{tagKeys},
	})
	for pages.HasMorePages() {
		out, err := do(ctx, simulatePrincipalPolicy, func(ctx context.Context) (*iam.SimulatePrincipalPolicyOutput, error) {
			return pages.NextPage(ctx, func(o *iam.Options) { o.Retryer = aws.NopRetryer{} })
		})
		if err != nil {
			return rotation.Rights{}, err
		}
		for _, result := range out.EvaluationResults {
			rights.Evaluations = append(rights.Evaluations, evaluationOf(result))
		}
	}
	return rights, nil
}

// evaluationOf translates IAM's result for one action on one user. IAM lists missing context values with the action or the
// user.
func evaluationOf(result types.EvaluationResult) rotation.Evaluation {
	e := rotation.Evaluation{Action: aws.ToString(result.EvalActionName), Unknown: slices.Clone(result.MissingContextValues)}
	switch result.EvalDecision {
	case types.PolicyEvaluationDecisionTypeAllowed:
		e.Decision = rotation.DecisionAllowed
	case types.PolicyEvaluationDecisionTypeExplicitDeny:
		e.Decision = rotation.DecisionExplicitDeny
	case types.PolicyEvaluationDecisionTypeImplicitDeny:
		e.Decision = rotation.DecisionImplicitDeny
	}
	organization, boundary := result.OrganizationsDecisionDetail, result.PermissionsBoundaryDecisionDetail
	for _, specific := range result.ResourceSpecificResults {
		e.Unknown = append(e.Unknown, specific.MissingContextValues...)
		boundary = cmp.Or(boundary, specific.PermissionsBoundaryDecisionDetail)
	}
	e.DeniedByOrganization = organization != nil && !organization.AllowedByOrganizations
	e.DeniedByBoundary = boundary != nil && !boundary.AllowedByPermissionsBoundary
	for _, matched := range result.MatchedStatements {
		e.Policies = append(e.Policies, aws.ToString(matched.SourcePolicyId))
	}
	return e
}

// principalOf returns the ARN of the identity whose policies apply to a caller: a user, or the role of a session. The ARN of
// a session lacks the path of its role, so the role is first searched among those with known ARNs. For other callers it
// returns "".
func principalOf(caller string, roles []string) string {
	parts := strings.SplitN(caller, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch {
	case parts[2] == "iam" && kind == "user":
		return caller
	case parts[2] != "sts" || kind != "assumed-role":
		return ""
	}
	name, _, _ = strings.Cut(name, "/")
	prefix := "arn:" + parts[1] + ":iam::" + parts[4] + ":role/"
	if i := slices.IndexFunc(roles, func(role string) bool {
		return strings.HasPrefix(role, prefix) && strings.HasSuffix(role, "/"+name)
	}); i >= 0 {
		return roles[i]
	}
	return prefix + name
}

// rolesOf returns the roles to assume from the provider's configuration, the environment and shared files.
func rolesOf(config Config, resolved aws.Config) []string {
	var roles []string
	if config.AssumeRole != nil {
		roles = append(roles, config.AssumeRole.RoleARN)
	}
	if config.AssumeRoleWithWebIdentity != nil {
		roles = append(roles, config.AssumeRoleWithWebIdentity.RoleARN)
	}
	for _, source := range resolved.ConfigSources {
		switch source := source.(type) {
		case awsconfig.EnvConfig:
			roles = append(roles, source.RoleARN)
		case awsconfig.SharedConfig:
			roles = append(roles, source.RoleARN)
		}
	}
	return roles
}
