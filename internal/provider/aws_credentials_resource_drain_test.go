package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// A replacement has no state. While the previous key exists, the new resource adopts the rotation in the journal.
func TestReplace(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	replaced := plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionDestroyBeforeCreate))
	draining := []statecheck.StateCheck{
		value(credentialsAddress, "phase", text("draining")),
		value(cleanupAddress, "status", text("draining")),
	}
	ends, drainEndsAt := statecheck.CompareValue(compare.ValuesSame()), tfjsonpath.New("drain_ends_at")
	s.run(
		resource.TestStep{
			Config:            s.pair(trigger("1"), ""),
			Check:             s.keys(2),
			ConfigStateChecks: append(draining, ends.AddStateValue(credentialsAddress, drainEndsAt)),
		},
		resource.TestStep{
			Taint:            []string{credentialsAddress},
			Config:           s.pair(trigger("1"), ""),
			ConfigPlanChecks: replaced,
			Check:            resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), stores(s.newest, &s.set.Holder), active(s.key)),
			ConfigStateChecks: append(draining, ends.AddStateValue(credentialsAddress, drainEndsAt),
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				value(cleanupAddress, "access_key_id", text(s.key.ID))),
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    s.pair(trigger("1"), ""),
			Check:     resource.ComposeTestCheckFunc(s.keys(1), s.deployments(1), gone(s.key)),
		},
		// Now nothing is left to adopt, so the replacement rotates.
		resource.TestStep{
			Taint:             []string{credentialsAddress},
			Config:            s.pair(trigger("1"), ""),
			ConfigPlanChecks:  replaced,
			Check:             resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2)),
			ConfigStateChecks: draining,
		},
	)
}

// A longer drain_window applies at once, a shorter one from the next rotation on.
func TestDrainWindowMoves(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var o object
	apply := func(arguments string, plan *open, ends time.Duration, more ...statecheck.StateCheck) {
		config := s.credentials(arguments)
		if plan == nil {
			o = s.mustApply(config, o)
		} else {
			before, planned := s.plan(config, o, *plan)
			o = s.mustApplyPlan(config, before, planned)
		}
		var deployedAt time.Time
		s.expect(credentialsAddress, o, append([]statecheck.StateCheck{
			value(credentialsAddress, "deployed_at", knownvalue.StringFunc(func(got string) (err error) {
				deployedAt, err = time.Parse(time.RFC3339, got)
				return err
			})),
			value(credentialsAddress, "drain_ends_at", knownvalue.StringFunc(func(got string) error {
				return text(deployedAt.Add(ends).Format(time.RFC3339)).CheckValue(got)
			})),
		}, more...)...)
	}
	phase := value(credentialsAddress, "phase", text("draining"))
	moves := &open{credentialsAddress, []string{"drain_ends_at", "phase"}}
	once := resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1))
	apply(trigger("1"), nil, 2*time.Hour)
	s.Clock().Advance(3 * time.Hour)
	apply(trigger("1")+"\n  drain_window = \"4h\"", moves, 4*time.Hour, phase)
	apply(trigger("1")+"\n  drain_window = \"2h30m\"", moves, 4*time.Hour, phase)
	s.holds(once)
	// The same window in another notation changes nothing.
	apply(trigger("1")+"\n  drain_window = \"150m\"", nil, 4*time.Hour)
	s.holds(once)
	s.Clock().Advance(day)
	apply(trigger("2")+"\n  drain_window = \"150m\"", nil, 150*time.Minute)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), gone(s.key)))
}
