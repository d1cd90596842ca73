package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func TestRotationFromCreationToCleanup(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{
			Config: s.pair(trigger("1"), ""),
			Check:  resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				value(credentialsAddress, "phase", text("draining")),
				value(credentialsAddress, "iam_user_arn", text(s.user.ARN())),
				value(cleanupAddress, "status", text("draining")),
				value(cleanupAddress, "iam_user_arn", text(s.user.ARN())),
			},
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    s.pair(trigger("1"), ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionNoop),
				plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate),
			}},
			Check: resource.ComposeTestCheckFunc(s.keys(1), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "phase", text("drained")),
				value(cleanupAddress, "status", text("deleted")),
			},
		},
		resource.TestStep{
			Config: s.pair(trigger("2"), ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate),
			}},
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2)),
		},
	)
}
