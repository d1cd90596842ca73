package rotation

import (
	"fmt"
	"strings"
)

// missingRights is the warning of a plan about actions that policies deny.
func missingRights(principal, userARN string, denied []string) *Problem {
	return &Problem{
		Summary: SummaryRights,
		Cause: fmt.Sprintf("IAM denies %s these actions on %s, which the rotation and the cleanup need:\n  - %s",
			principal, userARN, strings.Join(denied, "\n  - ")),
		World: worldUntouched,
		Advice: "Allow these actions before you apply the plan. The guide \"IAM policy\" has the whole policy, and the function iam_policy returns it " +
			"(Terraform 1.8, OpenTofu 1.7).",
	}
}
