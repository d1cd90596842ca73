package rotation

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// ActionSimulate is the action that lets plans check permissions. It is optional, and its resource is the provider's own
// identity.
const ActionSimulate = "iam:SimulatePrincipalPolicy"

// policyActions are all actions of IAM that a rotation and a retirement need on the user, in alphabetical order.
var policyActions = []string{
	"iam:CreateAccessKey",
	"iam:DeleteAccessKey",
	"iam:GetAccessKeyLastUsed",
	"iam:GetUser",
	"iam:ListAccessKeys",
	"iam:TagUser",
	"iam:UntagUser",
	"iam:UpdateAccessKey",
}

// PolicyActions are the actions that [Policy] allows.
func PolicyActions() []string { return slices.Clone(policyActions) }

// userARN matches the ARN of an IAM user in every partition. In a policy, the characters *, ? and $ would match more than this user:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var userARN = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:user/([!-#%-)+->@-~]+/)?[\w+=,.@-]{1,64}$`)

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource string
}

// Policy is the least-privilege IAM policy for the rotation of one user's access keys, as JSON. It is the only source of that
// policy, for the documentation too.
func Policy(arn string) (string, error) {
	if !userARN.MatchString(arn) {
		return "", fmt.Errorf("%q is not the ARN of an IAM user, such as arn:aws:iam::123456789012:user/qovery", arn)
	}
	text, err := json.MarshalIndent(policy{
		Version:   "2012-10-17",
		Statement: []statement{{Effect: "Allow", Action: policyActions, Resource: arn}},
	}, "", "  ")
	return string(text), err
}
