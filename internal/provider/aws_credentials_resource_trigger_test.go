package provider_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// rotates has the attributes that are unknown in a plan that rotates, or may rotate.
var rotates = open{credentialsAddress, []string{
	"access_key_id", "access_key_created_at", "previous_access_key_id", "rotated_at", "deployed_at", "drain_ends_at", "rotation_due",
	"rotation_due_at", "phase", "cluster_ids", "holders",
}}

// records is a plan that only writes arguments into the state.
var records = open{address: credentialsAddress}

const day = 24 * time.Hour

func TestTriggers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{
			Config: s.credentials(adopt("")),
			Check:  resource.ComposeTestCheckFunc(check(s.untouched), s.deployments(0)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "id", text(s.org.ID+"/"+s.set.ID)),
				value(credentialsAddress, "iam_user_name", text("qovery")),
				value(credentialsAddress, "iam_user_arn", text(s.user.ARN())),
				value(credentialsAddress, "access_key_id", text(s.key.ID)),
				value(credentialsAddress, "access_key_created_at", text(s.key.CreatedAt().Format(time.RFC3339))),
				value(credentialsAddress, "previous_access_key_id", knownvalue.Null()),
				value(credentialsAddress, "rotated_at", knownvalue.Null()),
				value(credentialsAddress, "drain_ends_at", knownvalue.Null()),
				value(credentialsAddress, "rotation_due", knownvalue.Bool(false)),
				value(credentialsAddress, "rotation_due_at", knownvalue.Null()),
				value(credentialsAddress, "phase", text("stable")),
				value(credentialsAddress, "cluster_ids", knownvalue.ListExact([]knownvalue.Check{text(s.cluster.ID)})),
			},
		},
		// A schedule that is added rotates nothing.
		resource.TestStep{
			Config:           s.credentials(adopt(trigger("1"))),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), records),
			Check:            resource.ComposeTestCheckFunc(check(s.untouched), s.deployments(0)),
		},
		resource.TestStep{
			Config:           s.credentials(adopt(trigger("2"))),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates),
			Check:            resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				value(credentialsAddress, "phase", text("draining")),
			},
		},
		// Removing it rotates nothing either.
		resource.TestStep{
			Config:           s.credentials(adopt("")),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), records),
			Check:            resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
		},
		resource.TestStep{
			Config:           s.credentials(adopt(trigger("3"))),
			ConfigPlanChecks: plans(records),
			Check:            resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
		},
		resource.TestStep{
			Config:      s.credentials(adopt(trigger("4"))),
			ExpectError: says("Error running pre-apply plan", rotation.SummaryStillDraining, "rotation_triggers = ", s.key.ID),
		},
		// A rotation retires a drained key itself.
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    s.credentials(adopt(trigger("4"))),
			Check:     resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), gone(s.key)),
		},
	)
}

func TestTriggersIgnored(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ignore := "\n  lifecycle {\n    ignore_changes = [rotation_triggers]\n  }"
	s.runTerraform(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{Config: s.credentials(adopt(trigger("2") + ignore)), PlanOnly: true},
	)
	s.unchanged()
}

// withPeriod returns a configuration with triggers that come from another resource. Another period replaces that resource, like
// an expired time_rotating. Its output equals its input, and is unknown until it is applied.
func (s *stage) withPeriod(period, input, triggers string) string {
	return s.credentials(adopt(triggers)) + fmt.Sprintf(`
resource "terraform_data" "period" {
  input            = %q
  triggers_replace = %q
}
`, input, period)
}

func TestTriggersKnownAfterApply(t *testing.T) {
	t.Parallel()
	const (
		single  = "rotation_triggers = { schedule = terraform_data.period.output }"
		partial = "rotation_triggers = { schedule = terraform_data.period.output, other = \"%s\" }"
		whole   = "rotation_triggers = terraform_data.period.output == \"\" ? null : { schedule = terraform_data.period.output }"
	)
	for _, test := range []struct {
		name              string
		before, triggers  string
		input             string
		keys, deployments int
	}{
		{"the same value", single, single, "1", 1, 0},
		{"another value", single, single, "2", 2, 1},
		{"the same values, one of them known", fmt.Sprintf(partial, "a"), fmt.Sprintf(partial, "a"), "1", 1, 0},
		{"the same value next to another one that is known", fmt.Sprintf(partial, "a"), fmt.Sprintf(partial, "b"), "1", 2, 1},
		{"the same map", whole, whole, "1", 1, 0},
		{"another map", whole, whole, "2", 2, 1},
		{"no map before", "", single, "2", 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			o := s.mustApply(s.credentials(adopt(known(test.before, "1"))), object{})
			s.appliesUnknown(o, test.triggers, test.input)
			s.holds(resource.ComposeTestCheckFunc(s.keys(test.keys), s.deployments(test.deployments)))
		})
	}
}

// known replaces references to another resource by the value after its apply.
func known(triggers, value string) string {
	return strings.ReplaceAll(triggers, "terraform_data.period.output", strconv.Quote(value))
}

// appliesUnknown plans triggers with an unknown value, and applies them with the given one.
func (s *stage) appliesUnknown(before object, triggers, value string) object {
	s.t.Helper()
	p, err := s.open(s.credentials(adopt(triggers)))
	s.must(err)
	planned, err := p.plan(before)
	s.must(err)
	if planned.state.RawEquals(before.state) {
		s.t.Error("the plan changes nothing")
	}
	return s.mustApplyPlan(s.credentials(adopt(known(triggers, value))), before, planned)
}

// Terraform plans twice, the second time with the value.
func TestTriggersKnownAfterApplyOfTerraform(t *testing.T) {
	t.Parallel()
	const triggers = "rotation_triggers = { schedule = terraform_data.period.output }"
	s := newStage(t)
	step := func(period, input string, keys int) resource.TestStep {
		return resource.TestStep{
			Config: s.withPeriod(period, input, triggers),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue("terraform_data.period", tfjsonpath.New("output")),
			),
			Check: resource.ComposeTestCheckFunc(s.keys(keys), s.deployments(keys-1)),
		}
	}
	s.runTerraform(resource.TestStep{Config: s.withPeriod("1", "1", triggers)}, step("2", "1", 1), step("3", "2", 2))
}

// A plan that may rotate nothing is not refused because of a drain window.
func TestTriggersKnownAfterApplyWhileDraining(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const triggers = "rotation_triggers = { schedule = terraform_data.period.output }"
	o := s.appliesUnknown(s.mustApply(s.credentials(adopt(known(triggers, "1"))), object{}), triggers, "2")
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
	s.ResetRequests()
	o = s.appliesUnknown(o, triggers, "2")
	s.holds(s.warned(rotation.SummaryStillDraining, s.key.ID))
	p, err := s.open(s.credentials(adopt(triggers)))
	s.must(err)
	planned, err := p.plan(o)
	s.must(err)
	_, err = s.applyPlan(s.credentials(adopt(known(triggers, "3"))), o, planned)
	s.fails(err, rotation.SummaryStillDraining, s.key.ID)
	s.unchanged()
	s.Clock().Advance(3 * time.Hour)
	s.appliesUnknown(o, triggers, "3")
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), gone(s.key)))
}

func TestTriggersOfTimeRotating(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt("rotation_triggers = { schedule = time_rotating.quarterly.id }")) + `
resource "time_rotating" "quarterly" {
  rotation_days = 90
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: s.factories(),
		ExternalProviders:        map[string]resource.ExternalProvider{"time": {Source: "hashicorp/time"}},
		Steps: []resource.TestStep{
			{
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.CompareValuePairs("time_rotating.quarterly", tfjsonpath.New("id"),
						credentialsAddress, tfjsonpath.New("rotation_triggers").AtMapKey("schedule"), compare.ValuesSame()),
				},
			},
			{Config: config, PlanOnly: true},
		},
	})
	s.unchanged()
}

// drifts checks that the refresh of a plan found another value of an attribute.
func drifts(attribute string, before, after any) plancheck.PlanCheck {
	return planCheck(func(req plancheck.CheckPlanRequest) error {
		for _, drift := range req.Plan.ResourceDrift {
			old, _ := drift.Change.Before.(map[string]any)
			refreshed, _ := drift.Change.After.(map[string]any)
			if drift.Address == credentialsAddress && old[attribute] == before && refreshed[attribute] == after {
				return nil
			}
		}
		return fmt.Errorf("the refresh did not change %s from %v to %v", attribute, before, after)
	})
}

func TestRotateAfterDays(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	due := s.key.CreatedAt().Add(120 * day)
	s.run(
		resource.TestStep{
			Config: s.credentials(adopt("rotate_after_days = 120")),
			Check:  check(s.untouched),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "rotation_due", knownvalue.Bool(false)),
				value(credentialsAddress, "rotation_due_at", text(due.Format(time.RFC3339))),
			},
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().AdvanceTo(due.Add(-time.Second)) },
			Config:    s.credentials(adopt("rotate_after_days = 120")),
			PlanOnly:  true,
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().AdvanceTo(due) },
			Config:    s.credentials(adopt("rotate_after_days = 120")),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates,
				drifts("rotation_due", false, true),
			),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "rotation_due", knownvalue.Bool(false)),
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				statecheck.ExpectKnownValue(credentialsAddress, tfjsonpath.New("rotation_due_at"), knownvalue.StringFunc(func(got string) error {
					if want := s.user.Keys()[1].CreatedAt().Add(120 * day).Format(time.RFC3339); got != want {
						return fmt.Errorf("%s is not 120 days after the new key's creation, which is %s", got, want)
					}
					return nil
				})),
			},
		},
	)
}

func TestRotateAfterDaysChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		days              string
		plan              open
		keys, deployments int
	}{
		{"shortened below the age", "rotate_after_days = 60", rotates, 2, 1},
		{"shortened above the age", "rotate_after_days = 91", rotates, 1, 0},
		{"raised", "rotate_after_days = 365", rotates, 1, 0},
		{"removed", "", open{credentialsAddress, []string{"rotation_due", "rotation_due_at"}}, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			config := s.credentials(adopt(test.days))
			before, planned := s.plan(config, s.mustApply(s.credentials(adopt("rotate_after_days = 120")), object{}), test.plan)
			s.mustApplyPlan(config, before, planned)
			s.holds(resource.ComposeTestCheckFunc(s.keys(test.keys), s.deployments(test.deployments)))
		})
	}
}

// A key that is due waits until its predecessor is drained, because a plan that fails would block everything else.
func TestRotateAfterDaysWhileDraining(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials("rotate_after_days = 3\n  drain_window = \"71h59m\"")
	o := s.mustApply(config, object{})
	s.holds(s.keys(2))
	s.Clock().AdvanceTo(s.user.Keys()[1].CreatedAt().Add(3 * day))
	s.nothingToDo(config, o)
	s.Clock().Advance(time.Hour)
	s.mustApply(config, o)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2)))
}

func TestAdoptedKeyThatIsDue(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt("rotate_after_days = 90"))
	s.run(
		resource.TestStep{
			Config:             config,
			Check:              check(s.untouched),
			ConfigStateChecks:  []statecheck.StateCheck{value(credentialsAddress, "rotation_due", knownvalue.Bool(true))},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1))},
	)
}
