package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestPlanRefusesToIgnoreAClustersRegistry(t *testing.T) {
	t.Parallel()
	refusal{
		config: func(s *stage) string {
			return s.credentials(fmt.Sprintf("ignored_holders = [%q]", s.cluster.Registry().ID))
		},
		facts: func(s *stage) []string {
			return []string{
				rotation.SummaryIgnoredRegistry, "ignored_holders = ", "(" + s.cluster.Registry().ID + `; cluster "prod"; 3 services)`,
				"Nothing was changed",
			}
		},
	}.run(t)
}

// The plan shows the order of the deployments. If one before production fails, production is not deployed before the next
// apply.
func TestProductionIsDeployedLast(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetProduction(true)
	staging := s.org.AddCluster("staging", "eu-west-3", s.set)
	s.org.AddCluster("own hardware", "eu-west-3", s.set).SetKubernetes("SELF_MANAGED")
	s.run(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{
			PreConfig: func() { staging.FailNextDeployment("DEPLOYMENT_ERROR") },
			Config:    s.credentials(adopt(trigger("2"))),
			ExpectError: says("Error running apply", rotation.SummaryDeployment, staging.ID,
				"because they come last: cluster", s.cluster.ID),
		},
		resource.TestStep{
			PreConfig: func() { s.holds(s.deployments(0)) },
			Config:    s.credentials(adopt(trigger("2"))),
			Check: resource.ComposeTestCheckFunc(s.deployments(1), s.warned(`Clusters to deploy: cluster "staging"`,
				`When all of these are deployed, production follows: cluster "prod"`, `because they are self-managed: cluster "own hardware"`)),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
		},
		resource.TestStep{
			Config: s.credentials(adopt(trigger("2")) + "\n  production_last = false"),
			Check:  s.deployments(1),
		},
	)
}

// A deployment also applies pending changes, so the plan names the clusters that have some.
func TestPlanNamesOutdatedClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetOutdated()
	s.mustApply(s.credentials(""), object{})
	s.holds(resource.ComposeTestCheckFunc(s.deployments(1),
		s.warned(`changes that are not applied yet, and the deployment applies them: cluster "prod" (`+s.cluster.ID)))
}

// The budget of requests may be larger at the apply, so a plan only warns.
func TestRotationWaitsForRequests(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for i := range 20 {
		s.org.AddHelmRepository(fmt.Sprint("charts ", i), "OCI_ECR", s.key)
	}
	s.SetBudget(50)
	config := s.credentials("")
	_, err := s.apply(config, object{})
	s.fails(err, rotation.SummaryTooFewRequests, "takes at least 44", "Nothing was changed")
	s.holds(s.warned(rotation.SummaryTooFewRequests, "If this is still so when the plan is applied, the rotation does not begin"))
	s.unchanged()
	s.SetBudget(1000)
	s.mustApply(config, object{})
	s.holds(s.deployments(1))
}
