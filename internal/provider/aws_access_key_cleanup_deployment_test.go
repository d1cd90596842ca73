package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// A deployment that may have begun with the key keeps it from being deleted, unless allow_running_deployments is true.
func TestCleanupLeavesAKeyToADeployment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	environment := s.org.AddProject("shop").AddEnvironment("live", s.cluster)
	s.run(
		resource.TestStep{Config: s.pair("", ""), Check: s.keys(2)},
		resource.TestStep{
			PreConfig: func() {
				environment.Deploy(5 * time.Hour)
				s.Clock().Advance(3 * time.Hour)
			},
			Config:      s.pair("", ""),
			ExpectError: says(rotation.SummaryStillDeploying, `environment "live"`),
		},
		resource.TestStep{
			PreConfig:         func() { s.Clock().Advance(3 * time.Hour) },
			Config:            s.pair("", "allow_running_deployments = true"),
			Check:             s.keys(1),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}
