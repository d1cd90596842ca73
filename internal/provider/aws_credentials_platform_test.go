package provider_test

import (
	"fmt"
	"testing"

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
