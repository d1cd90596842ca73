package provider_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

// terraformVersion returns the version of an executable.
func terraformVersion(t *testing.T, program string) *version.Version {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program, "version", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	return version.Must(version.NewVersion(answer.Version))
}

// terraformSince returns the Terraform that the tests run with. If it is older than the given version, the test is skipped.
func terraformSince(t *testing.T, minimum *version.Version) string {
	t.Helper()
	program, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found := terraformVersion(t, program); found.LessThan(minimum) {
		t.Skipf("Terraform %s is older than %s", found, minimum)
	}
	return program
}

// olderTerraforms returns executables of Terraform without identities: the oldest one that is supported, and the one on PATH if
// it is old enough.
func olderTerraforms(t *testing.T) map[string]string {
	t.Helper()
	oldest, err := acctest.OldestTerraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{terraformVersion(t, oldest).String(): oldest}
	if program, err := exec.LookPath("terraform"); err == nil {
		if found := terraformVersion(t, program); found.LessThan(tfversion.Version1_12_0) {
			programs[found.String()] = program
		}
	}
	return programs
}

// A state moves back and forth between a Terraform with identities and one without. No plan changes anything on the way.
func TestStateOfAnotherTerraform(t *testing.T) {
	t.Parallel()
	newer := terraformSince(t, tfversion.Version1_12_0)
	cliConfig := builtProviders(t)
	for name, older := range olderTerraforms(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newExample(t, older, cliConfig)
			configure := func(drainWindow string) {
				e.write("main.tf", fmt.Sprintf(`resource "qoveryrotation_aws_credentials" "test" {
  organization_id  = %q
  credentials_id   = %q
  rotate_on_create = false
  drain_window     = %q
}
`, e.org.ID, e.set.ID, drainWindow))
			}
			use := func(program string) {
				t.Helper()
				e.program = program
				e.terraform("init", "-input=false")
			}
			applies := func(program string, identified bool, flags ...string) {
				t.Helper()
				use(program)
				e.terraform(append([]string{"apply", "-input=false", "-auto-approve"}, flags...)...)
				e.terraform("plan", "-input=false", "-detailed-exitcode")
				e.terraform("plan", "-input=false", "-detailed-exitcode", "-refresh=false")
				if got := strings.Contains(e.state(), `"identity"`); got != identified {
					t.Errorf("the state has an identity: %t, want %t\n%s", got, identified, e.state())
				}
			}
			plansNothing := func(program string) {
				t.Helper()
				use(program)
				e.terraform("plan", "-input=false", "-detailed-exitcode", "-refresh=false")
				e.terraform("plan", "-input=false", "-detailed-exitcode")
			}
			configure("3h")
			applies(older, false)
			plansNothing(newer)
			applies(newer, true)
			plansNothing(older)
			// An older Terraform writes the state without identity, and the newer one updates it without a refresh.
			configure("4h")
			applies(older, false)
			configure("5h")
			applies(newer, true, "-refresh=false")
			plansNothing(older)
			// A refresh that removes a resource without an identity must return one.
			configure("6h")
			applies(older, false)
			e.set.Remove()
			use(newer)
			e.terraform("apply", "-refresh-only", "-input=false", "-auto-approve")
			if strings.Contains(e.state(), e.set.ID) {
				t.Errorf("credentials that are gone are still in the state\n%s", e.state())
			}
		})
	}
}
