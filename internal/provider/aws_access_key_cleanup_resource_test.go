package provider_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// cleanup is a configuration with a cleanup of its own, for a key of the stage's user.
func (s *stage) cleanup(accessKeyID string, deleteAfter time.Time, arguments string) string {
	return s.providerBlock() + fmt.Sprintf(`
resource "qoveryrotation_aws_access_key_cleanup" "test" {
  organization_id = %q
  credentials_id  = %q
  iam_user_name   = "qovery"
  access_key_id   = %q
  delete_after    = %q
  %s
}
`, s.org.ID, s.set.ID, accessKeyID, deleteAfter.Format(time.RFC3339), arguments)
}

// addOld gives the user a second key, from before the one that Qovery holds.
func (s *stage) addOld() *simulator.AccessKey {
	old := s.user.AddKeyCreated(s.key.CreatedAt().Add(-90 * day))
	s.Expendable(old)
	return old
}

// active checks that a key was left alone.
func active(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if !key.Active() {
			return fmt.Errorf("access key %s is not Active any more", key.ID)
		}
		return nil
	})
}

// inactive checks that a key is in its quarantine.
func inactive(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if key.Active() || !key.Exists() {
			return fmt.Errorf("access key %s: active is %t, exists is %t", key.ID, key.Active(), key.Exists())
		}
		return nil
	})
}

// gone checks that a key was deleted.
func gone(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if key.Exists() {
			return fmt.Errorf("access key %s still exists", key.ID)
		}
		return nil
	})
}

func TestCleanupRefusesBadArguments(t *testing.T) {
	t.Parallel()
	const id = "AKIAIOSFODNN7EXAMPLE"
	cleanup := func(arguments string) func(*stage) string {
		return func(s *stage) string { return s.cleanup(id, s.Clock().Now(), arguments) }
	}
	for _, test := range []refusal{
		{
			name:   "access key id",
			config: func(s *stage) string { return s.cleanup("AKIA", s.Clock().Now(), "") },
			facts:  facts("access_key_id = ", "must be an access key id such as AKIAIOSFODNN7EXAMPLE"),
		},
		{
			name: "no time",
			config: func(s *stage) string {
				now := s.Clock().Now()
				return strings.Replace(s.cleanup(id, now, ""), now.Format(time.RFC3339), "tomorrow", 1)
			},
			facts: facts("delete_after = ", "tomorrow"),
		},
		{
			name: "time without a zone",
			config: func(s *stage) string {
				now := s.Clock().Now()
				return strings.Replace(s.cleanup(id, now, ""), now.Format(time.RFC3339), "2027-04-04T09:00:00", 1)
			},
			facts: facts("delete_after = ", "RFC3339", "2027-04-04T09:00:00"),
		},
		{
			name: "user name",
			config: func(s *stage) string {
				return strings.Replace(cleanup("")(s), `iam_user_name   = "qovery"`, `iam_user_name = "the user"`, 1)
			},
			facts: facts("iam_user_name = ", "must be the name of an IAM user (not its ARN)"),
		},
		{
			name:   "organization id",
			config: func(s *stage) string { return strings.Replace(cleanup("")(s), s.org.ID, "acme", 1) },
			facts:  facts("organization_id = ", "must be a UUID in lowercase, such as"),
		},
		{
			name:   "negative quarantine window",
			config: cleanup(`quarantine_window = "-1h"`),
			facts:  facts("Invalid configuration", "quarantine_window = ", "quarantine_window is -1h0m0s; it must be at least 0s"),
		},
		{
			name:   "quarantine window that is no duration",
			config: cleanup(`quarantine_window = "a day"`),
			facts:  facts("quarantine_window = ", "a day"),
		},
		{
			name:   "ignored holder that is no UUID",
			config: cleanup(`ignored_holders = ["registry"]`),
			facts:  facts("ignored_holders = ", "must be a UUID in lowercase, such as"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestCleanupChecks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// prepare may name another key to retire than the old one.
		prepare func(s *stage, old *simulator.AccessKey) *simulator.AccessKey
		facts   func(s *stage, old *simulator.AccessKey) []string
		advice  string
	}{
		{
			"key of another user",
			func(s *stage, _ *simulator.AccessKey) *simulator.AccessKey { return s.AddUser("other").AddKey() },
			func(_ *stage, key *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryWrongUser, "iam_user_name = ",
					fmt.Sprintf(`Access key %s belongs to IAM user "other", not to "qovery"`, key.ID),
				}
			},
			"correct iam_user_name",
		},
		{
			"key that was put back",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set.SetKey(old)
				return old
			},
			func(_ *stage, old *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryNotReplaced, "credentials_id = ",
					fmt.Sprintf(`Qovery's credentials "production" hold access key %s itself: somebody put it back`, old.ID),
				}
			},
			"see to it that Qovery holds another, Active key",
		},
		{
			"successor that is gone",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.key.Delete()
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, "hold access key " + s.key.ID + ", which AWS does not have"}
			},
			"see to it that Qovery holds another, Active key",
		},
		{
			"successor that is Inactive",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.key.Deactivate()
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, "hold access key " + s.key.ID + ", which is Inactive"}
			},
			"see to it that Qovery holds another, Active key",
		},
		{
			"credentials that are gone",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set.Remove()
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, "has no credentials " + s.set.ID + " any more"}
			},
			"see to it that Qovery holds another, Active key",
		},
		{
			"credentials with a role",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set = s.org.AddRoleCredentials("role")
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, `credentials "role" are of type AWS_ROLE now and hold no access key`}
			},
			"see to it that Qovery holds another, Active key",
		},
		{
			"container registry",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.Registry().SetKey(old)
				return old
			},
			func(s *stage, old *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryKeyInUse, "access_key_id = ",
					fmt.Sprintf("Access key %s is still stored in container registry", old.ID), s.cluster.Registry().ID,
				}
			},
			"list its id in ignored_holders",
		},
		{
			"helm repository and other credentials",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.org.AddHelmRepository("charts", "OCI_ECR", old)
				s.org.AddCredentials("staging", old)
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryKeyInUse, `credentials "staging"`, `helm repository "charts"`}
			},
			"list its id in ignored_holders",
		},
		{
			"hosted zone and secret manager",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.SetRoute53DNS(old)
				s.cluster.AddSecretManagerAccess("vault", old)
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryKeyInUse, "dns provider", `secret manager access "vault"`}
			},
			"list its id in ignored_holders",
		},
		{
			"cluster with invalid credentials",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.SetState("INVALID_CREDENTIALS")
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryInvalidCredentials,
					fmt.Sprintf(`cluster "prod" (%s) is in state INVALID_CREDENTIALS`, s.cluster.ID),
				}
			},
			"deploy the cluster in Qovery",
		},
		{
			"use after the deadline",
			func(_ *stage, old *simulator.AccessKey) *simulator.AccessKey {
				old.MarkUsed("s3", "us-west-2")
				return old
			},
			func(s *stage, old *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryKeyInUse, "access_key_id = ",
					fmt.Sprintf("Access key %s was used at %s, for s3 in us-west-2", old.ID, s.Clock().Now().Format(time.RFC3339)),
				}
			},
			"set allow_recent_use = true",
		},
		{
			"provider that signs with the key",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.signer = old
				return old
			},
			func(_ *stage, old *simulator.AccessKey) []string {
				return []string{
					rotation.SummarySignsWithKey,
					fmt.Sprintf("signed with access key %s, which is to be deleted", old.ID),
				}
			},
			"credentials of its own, such as a role",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			old := s.addOld()
			deadline := s.Clock().Now()
			s.Clock().Advance(time.Hour)
			key := test.prepare(s, old)
			said := append([]string{"Error running apply"}, test.facts(s, key)...)
			s.run(resource.TestStep{
				Config:      s.cleanup(key.ID, deadline, ""),
				ExpectError: says(append(said, fmt.Sprintf("access key %s was not touched", key.ID), test.advice)...),
			})
			s.unchanged()
			s.holds(active(key))
		})
	}
}

// A check that failed is made again by the next apply, and nothing has to be said to the resource.
func TestCleanupChecksAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				registry.SetKey(s.key)
			},
			Config:      s.pair("", ""),
			ExpectError: says("Error running apply", rotation.SummaryKeyInUse, registry.ID),
		},
		resource.TestStep{
			PreConfig: func() {
				s.holds(active(s.key))
				registry.SetKey(s.user.Keys()[1])
			},
			Config:            s.pair("", ""),
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate)),
			Check:             gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}

func TestCleanupAllowsRecentUse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				s.key.MarkUsed("ecr", "eu-west-3")
			},
			Config:      s.pair("", ""),
			ExpectError: says(rotation.SummaryKeyInUse, s.Clock().Now().Format("2006-01-02"), "for ecr in eu-west-3"),
		},
		resource.TestStep{Config: s.pair("", "allow_recent_use = true"), Check: gone(s.key)},
	)
}

func TestCleanupIgnoresHolders(t *testing.T) {
	t.Parallel()
	// To leave a holder with a dead key is what is asked for here.
	s := newStageTolerating(t, "while acme.example of organization acme holds it")
	old := s.addOld()
	dns := s.cluster.SetRoute53DNS(old)
	s.run(resource.TestStep{
		Config: s.cleanup(old.ID, s.Clock().Now(), fmt.Sprintf("ignored_holders = [%q]", dns.ID)),
		Check:  gone(old),
	})
}

func TestCleanupIdle(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.addOld()
	now := s.Clock().Now()
	without := func(argument string) string {
		lines := strings.Split(s.cleanup(old.ID, now, ""), "\n")
		for i, line := range lines {
			if strings.HasPrefix(strings.TrimSpace(line), argument) {
				lines[i] = ""
			}
		}
		return strings.Join(lines, "\n")
	}
	idle := []statecheck.StateCheck{
		value(cleanupAddress, "status", text("idle")),
		value(cleanupAddress, "next_action_at", knownvalue.Null()),
		value(cleanupAddress, "deleted_at", knownvalue.Null()),
	}
	s.run(
		resource.TestStep{Config: without("access_key_id"), ConfigStateChecks: idle},
		resource.TestStep{Config: without("delete_after"), ConfigStateChecks: idle},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(day) }, Config: without("delete_after"), PlanOnly: true},
		// A key without a time is left, and named.
		resource.TestStep{
			Config: s.providerBlock(),
			Check: s.warned("Access key stays valid", "Access key "+old.ID+` of IAM user "qovery" was not deleted`,
				"aws iam delete-access-key --user-name qovery --access-key-id "+old.ID),
		},
	)
	s.unchanged()
}

func TestCleanupOfAKeyThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.addOld()
	config := s.cleanup(old.ID, s.Clock().Now().Add(day), "")
	deleted := []statecheck.StateCheck{
		value(cleanupAddress, "status", text("deleted")),
		value(cleanupAddress, "deleted_at", knownvalue.NotNull()),
		value(cleanupAddress, "next_action_at", knownvalue.Null()),
	}
	s.run(
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value(cleanupAddress, "status", text("draining")),
				value(cleanupAddress, "next_action_at", text(s.Clock().Now().Add(day).Format(time.RFC3339))),
			},
		},
		resource.TestStep{
			PreConfig:         old.Delete,
			Config:            config,
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: deleted,
		},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(2 * day) }, Config: config, PlanOnly: true},
	)
	s.run(resource.TestStep{Config: config, ConfigStateChecks: deleted})
	s.unchanged()
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
			Check: check(func() error {
				if !s.key.Exists() || s.key.Active() {
					return errors.New("the key is not Inactive")
				}
				return nil
			}),
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

// A key that somebody made Active again during its quarantine is needed: the quarantine starts anew.
func TestCleanupQuarantineUndone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.addOld()
	config := s.cleanup(old.ID, s.Clock().Now(), `quarantine_window = "24h"`)
	inactive := check(func() error {
		if !old.Exists() || old.Active() {
			return errors.New("the key is not Inactive")
		}
		return nil
	})
	s.run(
		resource.TestStep{Config: config, Check: inactive},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(2 * day)
				old.Activate()
			},
			Config:            config,
			Check:             inactive,
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("quarantined"))},
		},
	)
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
			facts:  facts("Invalid configuration", "timeouts.create is 0s; it must be at least 1s. Nothing was changed"),
		},
		{
			name:   "negative",
			config: pair(`timeouts { update = "-1s" }`),
			facts:  facts("Invalid configuration", "timeouts.update is -1s; it must be at least 1s"),
		},
		{
			name:   "over before the quarantine",
			config: pair("wait = true\n  quarantine_window = \"24h\"\n  timeouts { create = \"2h\" }"),
			facts: facts("Invalid configuration", "quarantine_window = ", "quarantine_window (24h0m0s) is not over within timeouts (3h0m0s)",
				"Nothing was changed. Raise timeouts, shorten quarantine_window, or leave out wait"),
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
				ExpectError: says("Error running apply", "Cleanup timed out", "its limit is 1h0m0s", "access key "+s.key.ID, "still exists"),
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
					s.warned("Cleanup was interrupted", "access key "+s.key.ID, "It is Inactive since")),
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
				ExpectError: says("Error running apply", "interrupted", "access key "+s.key.ID, "still exists"),
			},
			// Without a change of an argument, and before the key is due.
			resource.TestStep{
				PreConfig:        func() { s.holds(active(s.key)) },
				Config:           s.pair("", "wait = true"),
				ConfigPlanChecks: plans(plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate)),
				Check:            gone(s.key),
			},
		)
	})
}

func TestCleanupRemoved(t *testing.T) {
	t.Parallel()
	t.Run("before the key is due", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: s.ResetRequests,
				Config:    s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key), s.warned("Access key stays valid",
					"Access key "+s.key.ID+` of IAM user "qovery" was not deleted. It is not due yet`,
					"aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID)),
			},
		)
		s.unchanged()
	})
	t.Run("when the key is due", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
				Config:    s.credentials(""),
				Check:     gone(s.key),
			},
		)
	})
	t.Run("when somebody reactivated the key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", `quarantine_window = "24h"`)},
			resource.TestStep{
				PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
				Config:    s.pair("", `quarantine_window = "24h"`),
				Check:     inactive(s.key),
			},
			resource.TestStep{
				PreConfig: func() {
					s.key.Activate()
					s.Clock().Advance(25 * time.Hour)
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key),
					s.warned("Access key stays valid", "Access key "+s.key.ID, "not to be deleted before its quarantine")),
			},
		)
		s.unchanged()
	})
	t.Run("when the key is due and in use", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: func() {
					s.Clock().Advance(3 * time.Hour)
					s.key.MarkUsed("s3", "us-west-2")
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key), s.warned("Access key stays valid", "was not deleted",
					"for s3 in us-west-2", "aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID)),
			},
		)
		s.unchanged()
	})
	t.Run("when its quarantine was to begin", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", `quarantine_window = "24h"`)},
			resource.TestStep{
				PreConfig: func() {
					s.Clock().Advance(3 * time.Hour)
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key), s.warned("Access key stays valid",
					"It is not to be deleted before its quarantine")),
			},
		)
		s.unchanged()
	})
}

func TestCleanupRefusesToBeRemovedWithoutRights(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				s.DenyAction("iam:DeleteAccessKey")
			},
			Config:      s.credentials(""),
			ExpectError: says("Error running apply", "access key "+s.key.ID, "still exists", "iam:DeleteAccessKey: AccessDenied"),
		},
		resource.TestStep{
			PreConfig: func() { s.AllowAction("iam:DeleteAccessKey") },
			Config:    s.credentials(""),
			Check:     gone(s.key),
		},
	)
}

// A refresh that AWS refuses says nothing about the key.
func TestCleanupStaysInStateWhenAWSRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.cleanup(s.addOld().ID, s.Clock().Now().Add(day), "")
	s.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:   func() { s.DenyAction("iam:ListAccessKeys") },
			Config:      config,
			ExpectError: says("Error running pre-apply plan", rotation.SummaryForbidden, "iam:ListAccessKeys: AccessDenied"),
		},
		resource.TestStep{PreConfig: func() { s.AllowAction("iam:ListAccessKeys") }, Config: config, PlanOnly: true},
	)
	s.unchanged()
}

// A cleanup that turns to another key says which one nobody looks after any more.
func TestCleanupOfAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.cleanup(s.key.ID, s.Clock().Now().Add(day), "")},
		resource.TestStep{
			Config: s.cleanup("AKIAIOSFODNN7EXAMPLE", s.Clock().Now().Add(day), ""),
			Check: s.warned("Cleanup no longer tracks an existing access key", s.key.ID, "which still exists",
				"aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
	s.unchanged()
}
