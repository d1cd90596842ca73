package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// AWS reports the use of a key late. So the key is not retired before AWS has reported every use in its drain window.
func TestCleanupWaitsForLateReportsOfUse(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Minute
	s := newStage(t)
	s.settings = "# last_use_delay has its default."
	config := s.pair("", "")
	var drainEndsAt time.Time
	retireAt := knownvalue.StringFunc(func(got string) error {
		return text(drainEndsAt.Add(delay).Format(time.RFC3339)).CheckValue(got)
	})
	draining := []statecheck.StateCheck{
		value(cleanupAddress, "status", text("draining")),
		value(cleanupAddress, "next_action_at", retireAt),
	}
	late := unchangedPlan(config, append(draining, value(credentialsAddress, "phase", text("drained")))...)
	late.PreConfig = func() { s.Clock().AdvanceTo(drainEndsAt.Add(delay - time.Second)) }
	s.run(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: append([]statecheck.StateCheck{
				value(credentialsAddress, "drain_ends_at", knownvalue.StringFunc(func(got string) (err error) {
					drainEndsAt, err = time.Parse(time.RFC3339, got)
					return err
				})),
			}, draining...),
		},
		late,
		resource.TestStep{
			PreConfig:         func() { s.holds(active(s.key)); s.Clock().AdvanceTo(drainEndsAt.Add(delay)) },
			Config:            config,
			Check:             gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}

func TestCleanupQuarantine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.pair("", `quarantine_window = "24h"`)
	deactivatedAt := func() time.Time {
		events := s.Timeline()
		return events[slices.IndexFunc(events, func(e simulator.Event) bool { return e.What == simulator.EventDeactivated })].Time
	}
	s.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    config,
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate),
				open{cleanupAddress, []string{"status", "deactivated_at", "deleted_at", "next_action_at"}},
			),
			Check: inactive(s.key),
			ConfigStateChecks: []statecheck.StateCheck{
				value(cleanupAddress, "status", text("quarantined")),
				value(cleanupAddress, "deleted_at", knownvalue.Null()),
				value(cleanupAddress, "next_action_at", knownvalue.StringFunc(func(got string) error {
					if want := deactivatedAt().Add(day).Format(time.RFC3339); got != want {
						return fmt.Errorf("%s is not a day after the key was deactivated, which is %s", got, want)
					}
					return nil
				})),
			},
		},
		resource.TestStep{PreConfig: func() { s.Clock().AdvanceTo(deactivatedAt().Add(day - time.Second)) }, Config: config, PlanOnly: true},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(time.Second) },
			Config:    config,
			Check:     gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{
				value(cleanupAddress, "status", text("deleted")),
				value(cleanupAddress, "deactivated_at", knownvalue.NotNull()),
				value(cleanupAddress, "deleted_at", knownvalue.NotNull()),
			},
		},
	)
}

// Somebody needs a key that was made Active during its quarantine, so the quarantine begins anew.
func TestCleanupQuarantineUndone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.addOld()
	config := s.cleanup(old.ID, s.Clock().Now(), `quarantine_window = "24h"`)
	before := s.mustApply(config, object{})
	s.holds(inactive(old))
	s.Clock().Advance(2 * day)
	old.Activate()
	after := s.mustApply(config, before)
	s.holds(inactive(old))
	s.expect(cleanupAddress, after, status(rotation.StatusQuarantined))
}

func TestCleanupWaits(t *testing.T) {
	t.Parallel()
	t.Run("on create", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(resource.TestStep{
			Config: s.pair("", "wait = true"),
			Check:  resource.ComposeTestCheckFunc(gone(s.key), s.keys(1)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(cleanupAddress, "status", text("deleted")),
			},
		})
	})
	t.Run("on update, quarantine included", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		arguments := "wait = true\n  quarantine_window = \"30m\""
		s.run(
			resource.TestStep{Config: s.pair(adopt(trigger("1")), arguments)},
			resource.TestStep{
				Config:            s.pair(adopt(trigger("2")), arguments),
				Check:             gone(s.key),
				ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
			},
		)
	})
}

func TestCleanupRefusesItsTimeouts(t *testing.T) {
	t.Parallel()
	pair := func(arguments string) func(*stage) string {
		return func(s *stage) string { return s.pair("", arguments) }
	}
	for _, test := range []refusal{
		{
			name:   "none",
			config: pair(`timeouts { create = "0s" }`),
			facts:  facts(provider.SummaryConfiguration, "timeouts.create", "0s"),
		},
		{
			name:   "negative",
			config: pair(`timeouts { update = "-1s" }`),
			facts:  facts(provider.SummaryConfiguration, "timeouts.update", "-1s"),
		},
		{
			name:   "over before the quarantine",
			config: pair("wait = true\n  quarantine_window = \"24h\"\n  timeouts { create = \"2h\" }"),
			facts:  facts(provider.SummaryConfiguration, "quarantine_window = ", "24h", "timeouts", "3h"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestCleanupWaitIsInterrupted(t *testing.T) {
	t.Parallel()
	t.Run("by its timeout on create", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{
				Config:      s.pair("", "wait = true\n  timeouts {\n    create = \"1h\"\n  }"),
				ExpectError: says("Error running apply", rotation.SummaryRetireTimeout, s.key.ID, "1h"),
			},
			resource.TestStep{
				PreConfig: func() { s.holds(active(s.key)) },
				Config:    s.pair("", "wait = true"),
				Check:     gone(s.key),
			},
		)
	})
	t.Run("by the user in the quarantine, on create", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		arguments := "wait = true\n  quarantine_window = \"45m\""
		began := knownvalue.StringFunc(func(at string) error {
			if parsed, err := time.Parse(time.RFC3339, at); err != nil || s.Clock().Now().Sub(parsed) < time.Hour {
				return fmt.Errorf("the quarantine began at %q", at)
			}
			return nil
		})
		s.run(
			resource.TestStep{
				PreConfig: func() { s.interruptAfter(2*time.Hour + 15*time.Minute) },
				Config:    s.pair("", arguments),
				Check: resource.ComposeTestCheckFunc(inactive(s.key),
					s.warned(rotation.SummaryRetireInterrupted, s.key.ID, "Inactive")),
				ExpectNonEmptyPlan: true,
			},
			resource.TestStep{
				PreConfig:         func() { s.Clock().Advance(time.Hour) },
				Config:            s.pair("", arguments),
				Check:             gone(s.key),
				ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "deactivated_at", began)},
			},
		)
	})
	t.Run("by the user on update", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig:   func() { s.interruptAfter(time.Hour) },
				Config:      s.pair("", "wait = true"),
				ExpectError: says("Error running apply", rotation.SummaryRetireInterrupted, s.key.ID),
			},
			// An update is planned, although no argument changes and the key is not due.
			resource.TestStep{
				PreConfig:        func() { s.holds(active(s.key)) },
				Config:           s.pair("", "wait = true"),
				ConfigPlanChecks: plans(plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate)),
				Check:            gone(s.key),
			},
		)
	})
}
