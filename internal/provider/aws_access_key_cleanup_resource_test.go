package provider_test

import (
	"fmt"
	"strings"
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
			Check: s.warned(provider.SummaryKeyStays, old.ID, `"qovery"`,
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

// A cleanup that turns to another key names the one that nothing tracks any more.
func TestCleanupOfAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.cleanup(s.key.ID, s.Clock().Now().Add(day), "")},
		resource.TestStep{
			Config: s.cleanup("AKIAIOSFODNN7EXAMPLE", s.Clock().Now().Add(day), ""),
			Check: s.warned(provider.SummaryKeyForgotten, s.key.ID,
				"aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
	s.unchanged()
}
