package rotation

import (
	"fmt"
	"strings"
)

// missingRights is the warning of a plan about actions that policies deny.
func missingRights(principal, userARN string, denied []string) *Problem {
	return &Problem{
		Summary: SummaryRights,
		Cause: fmt.Sprintf("%s is not allowed to take these actions on %s. A rotation and its cleanup need them:\n  - %s",
			principal, userARN, strings.Join(denied, "\n  - ")),
		World: WorldUntouched,
		Advice: "Allow these actions before a rotation begins. The guide \"IAM policy\" has the whole policy. The function iam_policy returns it " +
			"(Terraform 1.8, OpenTofu 1.7).",
	}
}
