package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// AWS reports the use of a key late. That nobody used the key after its drain window is believed only when such a report would
// have come.
func TestCleanupWaitsForLateReportsOfUse(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Minute
	s := newStage(t)
	s.settings = "# last_use_delay has its default."
	config := s.pair("", "")
	var drainEndsAt time.Time
	retireAt := knownvalue.StringFunc(func(got string) error {
		return text(drainEndsAt.Add(delay).Format(time.RFC3339)).CheckValue(got)
	})
	draining := []statecheck.StateCheck{
		value(cleanupAddress, "status", text("draining")),
		value(cleanupAddress, "next_action_at", retireAt),
	}
	s.run(
		resource.TestStep{
			Config: config,
			Check: func(state *terraform.State) (err error) {
				drainEndsAt, err = time.Parse(time.RFC3339, state.RootModule().Resources[credentialsAddress].Primary.Attributes["drain_ends_at"])
				return err
			},
			ConfigStateChecks: draining,
		},
		resource.TestStep{
			PreConfig:         func() { s.Clock().AdvanceTo(drainEndsAt.Add(time.Second)) },
			Config:            config,
			ConfigPlanChecks:  plans(plancheck.ExpectEmptyPlan()),
			Check:             active(s.key),
			ConfigStateChecks: append(draining, value(credentialsAddress, "phase", text("drained"))),
		},
		resource.TestStep{PreConfig: func() { s.Clock().AdvanceTo(drainEndsAt.Add(delay - time.Second)) }, Config: config, PlanOnly: true},
		resource.TestStep{
			PreConfig:         func() { s.Clock().AdvanceTo(drainEndsAt.Add(delay)) },
			Config:            config,
			Check:             gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}
