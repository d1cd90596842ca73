package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// identified checks the identity of the resource that rotates.
func (s *stage) identified(set *simulator.Credentials) []statecheck.StateCheck {
	return []statecheck.StateCheck{statecheck.ExpectIdentity(credentialsAddress, map[string]knownvalue.Check{
		"organization_id": text(s.org.ID), "credentials_id": text(set.ID),
	})}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCredentials("other", s.AddUser("other").AddKey())
	moved := s.providerBlock() + fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id  = %q
  credentials_id   = %q
  rotate_on_create = false
}
`, s.org.ID, other.ID)
	s.runSince(tfversion.Version1_12_0,
		resource.TestStep{Config: s.credentials(adopt(trigger("1"))), ConfigStateChecks: s.identified(s.set)},
		resource.TestStep{Config: s.credentials(adopt(trigger("2"))), ConfigStateChecks: s.identified(s.set), Check: s.keys(2)},
		// Other ids are another resource, with an identity of its own.
		resource.TestStep{Config: moved, ConfigStateChecks: s.identified(other)},
		// Credentials that are gone leave the state at the refresh, with nothing left to destroy.
		resource.TestStep{PreConfig: other.Remove, Config: s.providerBlock(), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
	)
}

func TestImportByIdentity(t *testing.T) {
	t.Parallel()
	block := func(organizationID, credentialsID string) string {
		return fmt.Sprintf(`
import {
  to = qoveryrotation_aws_credentials.test
  identity = {
    organization_id = %q
    credentials_id  = %q
  }
}
`, organizationID, credentialsID)
	}
	s := newStage(t)
	s.runSince(tfversion.Version1_12_0,
		resource.TestStep{
			Config:      s.credentials("") + block(s.org.ID, "production"),
			ExpectError: says(provider.SummaryImportID, "production", "<organization_id>/<credentials_id>"),
		},
		resource.TestStep{
			Config:            s.credentials("") + block(s.org.ID, s.set.ID),
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionNoop), records),
			ConfigStateChecks: append(s.identified(s.set), value(credentialsAddress, "id", text(s.org.ID+"/"+s.set.ID))),
		},
	)
	s.unchanged()
}

// Every way to import finds the same resource.
func TestImportKinds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	steps := []resource.TestStep{{Config: s.credentials("")}}
	for _, kind := range []resource.ImportStateKind{
		resource.ImportCommandWithID, resource.ImportBlockWithID, resource.ImportBlockWithResourceIdentity,
	} {
		steps = append(steps, resource.TestStep{ResourceName: credentialsAddress, ImportState: true, ImportStateKind: kind})
	}
	s.runSince(tfversion.Version1_12_0, steps...)
}
