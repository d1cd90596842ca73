package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// leaked returns a configuration whose provider block lists keys as compromised.
func (s *stage) leaked(config func() string, keys ...*simulator.AccessKey) string {
	settings := s.settings
	defer func() { s.settings = settings }()
	s.settings += "\n  compromised_access_key_ids = ["
	for _, key := range keys {
		s.settings += fmt.Sprintf("%q, ", key.ID)
	}
	s.settings += "]"
	return config()
}

// unchangedPlan is a step with an empty plan, and with checks of the refreshed state.
func unchangedPlan(config string, states ...statecheck.StateCheck) resource.TestStep {
	refreshed := planCheck(func(req plancheck.CheckPlanRequest) error { return checkState(req.Plan, states) })
	return resource.TestStep{
		Config: config, PlanOnly: true,
		ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{refreshed}},
	}
}

func status(want rotation.Status) statecheck.StateCheck {
	return value(cleanupAddress, "status", text(string(want)))
}

// Whatever happened to a compromised key, it is replaced, made Inactive before any deployment, and deleted.
func TestLeakedKey(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(s *stage){
		"it works":                          func(*stage) {},
		"somebody made it Inactive":         func(s *stage) { s.key.Deactivate() },
		"somebody deleted it":               func(s *stage) { s.key.Delete() },
		"somebody uses it all the time":     func(s *stage) { s.key.MarkUsed("s3", "eu-west-3") },
		"the clusters do not accept it":     func(s *stage) { s.key.Deactivate(); s.cluster.SetState("INVALID_CREDENTIALS") },
		"nobody asked for a rotation since": func(s *stage) { s.Clock().Advance(400 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			config := func() string { return s.credentials(adopt("rotate_registries = false")) }
			adopted := s.mustApply(config(), object{})
			before(s)
			s.ResetRequests()
			rotated := s.mustApply(s.leaked(config, s.key), adopted)
			retire := func() string { return s.cleanup(s.key.ID, s.Clock().Now().Add(2*time.Hour), "") }
			s.expect(cleanupAddress, s.mustApply(s.leaked(retire, s.key), object{}), status(rotation.StatusDeleted))
			s.holds(resource.ComposeTestCheckFunc(gone(s.key), s.keys(1)))
			s.nothingToDo(config(), rotated)
			s.expect(credentialsAddress, s.mustApply(config(), rotated), value(credentialsAddress, "phase", text("drained")))
			s.holds(s.warned("Access key will be replaced", s.key.ID, "listed as compromised", "Deployments that run now may fail"))
			if name == "it works" {
				s.holds(s.order("CreateAccessKey", "PUT /organization/{org}/aws/credentials/{credentials}", "UpdateAccessKey",
					"POST /organization/{org}/cluster/{cluster}/deploy", "DeleteAccessKey"))
				s.holds(s.warned(rotation.SummaryCompromisedStopped, s.key.ID))
			}
		})
	}
}

// Both resources do this in one apply. The plan after it is empty.
func TestLeakedKeyInOneApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := func() string { return s.pair(adopt("rotate_registries = false"), "") }
	s.run(
		resource.TestStep{Config: config(), Check: s.keys(1)},
		resource.TestStep{
			Config:            s.leaked(config, s.key),
			Check:             resource.ComposeTestCheckFunc(gone(s.key), s.keys(1)),
			ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusDeleted), value(credentialsAddress, "phase", text("drained"))},
		},
		unchangedPlan(s.leaked(config, s.key)),
		unchangedPlan(config()),
	)
}

// A creation replaces a compromised key instead of adopting it.
func TestLeakedKeyOfACreation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.leaked(func() string { return s.pair(adopt(""), "") }, s.key)
	s.run(
		resource.TestStep{Config: config, Check: gone(s.key), ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusDeleted)}},
		unchangedPlan(config),
	)
}

// A compromised previous key is deleted at once, or made Inactive if there is no cleanup.
func TestLeakedPreviousKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config func(s *stage) string
		check  func(key *simulator.AccessKey) resource.TestCheckFunc
	}{
		"with a cleanup":    {func(s *stage) string { return s.pair("", "") }, gone},
		"without a cleanup": {func(s *stage) string { return s.credentials("") }, inactive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			config := func() string { return test.config(s) }
			s.run(
				resource.TestStep{Config: config(), Check: active(s.key)},
				resource.TestStep{Config: s.leaked(config, s.key), Check: test.check(s.key)},
				unchangedPlan(s.leaked(config, s.key)),
				unchangedPlan(config()),
			)
			s.holds(s.warned(rotation.SummaryCompromisedStopped, s.key.ID))
		})
	}
}

// With a quarantine, the key stays Inactive for an investigation.
func TestLeakedKeyInQuarantine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := func() string { return s.pair(adopt(""), `quarantine_window = "24h"`) }
	s.run(
		resource.TestStep{Config: config()},
		resource.TestStep{
			Config: s.leaked(config, s.key), Check: inactive(s.key),
			ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusQuarantined)},
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(25 * time.Hour) },
			Config:    s.leaked(config, s.key), Check: gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusDeleted)},
		},
	)
}

// A holder that cannot get the new key loses its access, and keeps the old key from being deleted.
func TestLeakedKeyThatCannotBeReplacedEverywhere(t *testing.T) {
	t.Parallel()
	s := newStageTolerating(t, "while secrets of organization acme holds it")
	config := func() string { return s.pair(adopt(""), "") }
	access := s.cluster.AddSecretManagerAccess("secrets", s.key)
	s.run(
		resource.TestStep{Config: config()},
		resource.TestStep{Config: s.leaked(config, s.key), ExpectError: says(rotation.SummaryKeyInUse, s.key.ID, access.ID)},
		resource.TestStep{
			PreConfig: func() { s.holds(inactive(s.key)); access.SetKey(s.AddUser("others").AddKey()) },
			Config:    s.leaked(config, s.key), Check: gone(s.key),
		},
	)
	s.holds(s.warned("Other objects keep the previous access key", access.ID))
}

// A cluster that cannot be deployed delays neither the other clusters nor the deactivation of the key.
func TestLeakedKeyWithALockedCluster(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCluster("staging", "eu-west-3", s.set)
	other.Lock("Ada", "audit")
	s.cluster.SetProduction(true)
	config := func() string { return s.pair(adopt(""), "") }
	s.run(
		resource.TestStep{Config: config()},
		resource.TestStep{Config: s.leaked(config, s.key), ExpectError: says(rotation.SummaryClusterLocked, other.ID)},
		resource.TestStep{
			PreConfig: func() {
				s.holds(inactive(s.key))
				s.holds(s.deployments(1))
				other.Unlock()
			},
			Config: s.leaked(config, s.key), Check: gone(s.key),
		},
	)
	s.holds(s.deployments(1))
}

// replaceDeadKey replaces a resource whose key does not work. Terraform plans the creation without the state, which has the
// owner of the key.
func replaceDeadKey(t *testing.T, terraform, cliConfig string) {
	t.Helper()
	e := newExample(t, terraform, cliConfig, filepath.Join(examplesDir, "single", "main.tf"))
	e.terraform("init", "-input=false")
	e.terraform("apply", "-input=false", "-auto-approve", "-parallelism=1")
	e.Clock().Advance(3 * time.Hour)
	e.terraform("apply", "-input=false", "-auto-approve", "-parallelism=1")
	for _, key := range e.user.Keys() {
		key.Deactivate()
	}
	output := e.terraform("apply", "-input=false", "-auto-approve", "-parallelism=1", "-replace=qoveryrotation_aws_credentials.production")
	if got := keyStates(e.user); got != "IA" || !strings.Contains(output, "Qovery cannot use AWS at present") {
		t.Errorf("the keys are %q:\n%s", got, output)
	}
	e.terraform("plan", "-input=false", "-detailed-exitcode")
}
