package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// runWithoutRefresh runs the steps of a test with plans that do not refresh the state.
func (s *stage) runWithoutRefresh(steps ...resource.TestStep) {
	s.t.Helper()
	resource.UnitTest(s.t, resource.TestCase{
		ProtoV6ProviderFactories: s.factories(),
		AdditionalCLIOptions:     &resource.AdditionalCLIOptions{Plan: resource.PlanOptions{NoRefresh: true}},
		Steps:                    steps,
	})
}

// Every other test checks that a plan right after an apply is empty. Here time passes before the plan.
func TestPlanStaysEmptyWhileTimePasses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(trigger("1"))
	o := s.mustApply(config, object{})
	later := func(d time.Duration, phase string) {
		s.Clock().Advance(d)
		s.nothingToDo(config, o)
		o = s.mustApply(config, o)
		s.expect(credentialsAddress, o, value(credentialsAddress, "phase", text(phase)))
	}
	later(2*time.Hour-time.Second, "draining")
	later(2*time.Second, "drained") // A drain window begins with a full second.
	later(1000*day, "drained")
}

func TestPlanTellsWhatARotationTouches(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	off := s.org.AddStoppedCluster("off", "eu-west-3", s.set)
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	p, err := s.open(s.credentials(adopt(trigger("2"))))
	s.must(err)
	planned, err := p.plan(before)
	s.must(err)
	s.holds(s.warned(provider.SummaryRotationPlanned, s.key.ID, `"qovery"`, s.set.ID, registry.ID,
		fmt.Sprintf(`: cluster "prod" (%s).`, s.cluster.ID)))
	_, err = p.apply(before, planned)
	s.must(err)
	if n := len(off.Deployments()); n > 0 {
		t.Errorf("the cluster that is off was deployed %d times", n)
	}
}

func TestPlanAppliedLater(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2")))
	before, planned := s.plan(config, s.mustApply(s.credentials(adopt(trigger("1"))), object{}), rotates)
	s.Clock().Advance(day)
	after := s.mustApplyPlan(config, before, planned)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
	s.expect(credentialsAddress, after, value(credentialsAddress, "phase", text("draining")))
}

// Only a refresh looks at the clock, so a plan from before the deadline stays valid after it.
func TestPlanFromBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			Config: s.pair("", ""),
			ConfigPlanChecks: plans(
				plancheck.ExpectEmptyPlan(),
				meanwhile(func() { s.Clock().Advance(3 * time.Hour) }),
			),
			Check: s.keys(2),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "phase", text("draining")),
				value(cleanupAddress, "status", text("draining")),
			},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{Config: s.pair("", ""), Check: s.keys(1)},
	)
}

// A planned deletion is postponed if the drain window grows in the same apply.
func TestPlanOfADeletionThatIsPutOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    s.pair(`drain_window = "24h"`, ""),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate),
				open{cleanupAddress, []string{"delete_after", "status", "deactivated_at", "deleted_at", "next_action_at"}},
			),
			Check:             s.keys(2),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("draining"))},
		},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(day) }, Config: s.pair(`drain_window = "24h"`, ""), Check: s.keys(1)},
	)
}

func TestPlanWithoutRefresh(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runWithoutRefresh(
		resource.TestStep{Config: s.pair(trigger("1"), "")},
		// Without a refresh, a plan does not notice that time has passed.
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }, Config: s.pair(trigger("1"), ""), PlanOnly: true},
		// A rotation looks at the clock itself, and retires the drained key.
		resource.TestStep{
			Config:            s.pair(trigger("2"), ""),
			Check:             resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), gone(s.key)),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("draining"))},
		},
	)
}

func TestPlanWithoutRefreshOfAKeyThatWasReplaced(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	s.key.Delete()
	s.set.SetKey(s.user.AddKey())
	p, err := s.open(s.credentials(adopt(trigger("2"))))
	s.must(err)
	_, err = p.plan(before)
	s.fails(err, rotation.SummaryKeyChanged, s.key.ID, "-refresh=false")
	s.unchanged()
}

func TestKeyReplacedByHand(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.pair(adopt(trigger("1")), "")
	s.run(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(cleanupAddress, "status", text("idle")),
				value(cleanupAddress, "next_action_at", knownvalue.Null()),
			},
		},
		// The next apply deploys the clusters with the new key. The old key drains from then on.
		resource.TestStep{
			PreConfig: func() {
				key := s.user.AddKey()
				s.set.SetKey(key)
				s.cluster.Registry().SetKey(key)
				s.Expendable(s.key)
			},
			Config: config,
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates, drifts("phase", "stable", "deploying"),
			),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1),
				s.warned(rotation.SummaryKeyReplaced, s.key.ID, `"qovery"`)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				value(credentialsAddress, "phase", text("draining")),
				value(cleanupAddress, "status", text("draining")),
			},
		},
		resource.TestStep{
			PreConfig:         func() { s.Clock().Advance(3 * time.Hour) },
			Config:            config,
			Check:             resource.ComposeTestCheckFunc(s.keys(1), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}

func TestKeyReplacedByHandWithoutTrace(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("1")))
	before := s.mustApply(config, object{})
	s.key.Delete()
	s.set.SetKey(s.user.AddKey())
	after := s.mustApply(config, before)
	s.nothingToDo(config, after)
	s.expect(credentialsAddress, after,
		value(credentialsAddress, "phase", text("stable")),
		value(credentialsAddress, "previous_access_key_id", knownvalue.Null()),
		value(credentialsAddress, "access_key_id", text(s.set.AccessKeyID())))
	s.unchanged()
}

func TestKeyDeactivatedByHand(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	s.key.Deactivate()
	s.nothingToDo(s.credentials(adopt(trigger("1"))), before)
	s.unchanged()
	s.mustApply(s.credentials(adopt(trigger("2"))), before)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), inactive(s.key)))
	s.holds(s.warned(rotation.SummaryCutOff, s.key.ID, "Inactive", "Ask for a rotation"))
	s.holds(s.warned(provider.SummaryRotationPlanned, "Qovery cannot use AWS at present", s.key.ID))
}
