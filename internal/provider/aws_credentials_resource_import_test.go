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
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestImport(t *testing.T) {
	t.Parallel()
	for _, separator := range []string{"/", ","} {
		t.Run(separator, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.runTerraform(
				resource.TestStep{
					Config:             s.credentials(""),
					ResourceName:       credentialsAddress,
					ImportState:        true,
					ImportStateId:      s.org.ID + separator + s.set.ID,
					ImportStatePersist: true,
				},
				unchangedPlan(s.credentials(""),
					value(credentialsAddress, "id", text(s.org.ID+"/"+s.set.ID)),
					value(credentialsAddress, "iam_user_name", text("qovery")),
					value(credentialsAddress, "access_key_id", text(s.key.ID)),
					value(credentialsAddress, "previous_access_key_id", knownvalue.Null()),
					value(credentialsAddress, "phase", text("stable"))),
				// Triggers after an import are a schedule that is added, which rotates nothing.
				resource.TestStep{Config: s.credentials(trigger("1")), ConfigPlanChecks: plans(records)},
			)
			s.unchanged()
		})
	}
}

func TestImportBlock(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	block := fmt.Sprintf(`
import {
  to = qoveryrotation_aws_credentials.test
  id = "%s/%s"
}
`, s.org.ID, s.set.ID)
	s.runTerraform(resource.TestStep{
		Config:           s.credentials("") + block,
		ConfigPlanChecks: plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionNoop), records),
	})
	s.unchanged()
}

// An import adopts the key in Qovery, and the next rotation replaces it.
func TestImportThenRotate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runTerraform(
		resource.TestStep{
			Config:             s.credentials(trigger("1")),
			ResourceName:       credentialsAddress,
			ImportState:        true,
			ImportStateId:      s.org.ID + "/" + s.set.ID,
			ImportStatePersist: true,
		},
		resource.TestStep{Config: s.credentials(trigger("1")), Check: check(s.untouched)},
		resource.TestStep{
			Config:            s.credentials(trigger("2")),
			Check:             resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "previous_access_key_id", text(s.key.ID))},
		},
	)
}

func TestImportVerify(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runTerraform(
		resource.TestStep{Config: s.credentials(adopt("iam_user_name = \"qovery\"\n  drain_window = \"3h\""))},
		resource.TestStep{
			ResourceName:      credentialsAddress,
			ImportState:       true,
			ImportStateVerify: true,
			// Only the configuration has these arguments. An import begins with their defaults.
			ImportStateVerifyIgnore: []string{"rotate_on_create", "drain_window"},
		},
	)
	s.unchanged()
}

func TestImportRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	role, scaleway := s.org.AddRoleCredentials("role"), s.org.AddScalewayCredentials("scaleway")
	p, err := s.open(s.credentials(""))
	s.must(err)
	malformed := []string{provider.SummaryImportID, "<organization_id>/<credentials_id>"}
	for _, test := range []struct {
		id    string
		facts []string
	}{
		{s.set.ID, malformed},
		{s.org.ID + ":" + s.set.ID, malformed},
		{s.org.ID + "/production", malformed},
		{s.org.ID + "/" + s.set.ID + "/" + s.set.ID, malformed},
		{s.set.ID + "/" + s.org.ID, []string{rotation.SummaryOrganizationNotFound, s.set.ID, "HTTP 404"}},
		{s.org.ID + "/" + s.org.ID, []string{rotation.SummaryCredentialsNotFound, s.org.ID}},
		{s.org.ID + "/" + role.ID, []string{rotation.SummaryNotStatic, `"role"`, "AWS_ROLE"}},
		{s.org.ID + "/" + scaleway.ID, []string{rotation.SummaryNotStatic, `"scaleway"`, "SCW"}},
	} {
		s.fails(p.imports(test.id), test.facts...)
	}
	s.unchanged()
}

// Credentials that changed to a role are a warning and no error, because they have no key to rotate.
func TestCredentialsThatGotARole(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.mustApply(s.credentials(adopt("")), object{})
	s.distort(`"object_type":"AWS"`, `"object_type":"AWS_ROLE"`)
	s.nothingToDo(s.credentials(adopt("")), before)
	s.holds(s.warned(provider.SummaryNothingToRotate, s.set.ID, "AWS_ROLE"))
	s.unchanged()
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.credentials(adopt(""))},
		resource.TestStep{
			Config: s.providerBlock(),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionDestroy),
			),
			Check: s.warned(provider.SummaryKeyStays, s.key.ID, `"qovery"`),
		},
	)
	s.unchanged()
}

func TestForgetByRemovedBlock(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runSince(tfversion.Version1_7_0,
		resource.TestStep{Config: s.credentials("")},
		resource.TestStep{
			PreConfig: s.ResetRequests,
			Config: s.providerBlock() + `
removed {
  from = qoveryrotation_aws_credentials.test
  lifecycle {
    destroy = false
  }
}
`,
			ConfigPlanChecks: plans(planCheck(func(req plancheck.CheckPlanRequest) error {
				if n := len(req.Plan.ResourceChanges); n != 1 || !req.Plan.ResourceChanges[0].Change.Actions.Forget() {
					return fmt.Errorf("the plan has %d changes, or another one than to forget", n)
				}
				return nil
			})),
			Check: s.keys(2),
		},
	)
	s.unchanged()
}
