package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// cleanup returns a configuration with only a cleanup, for a key of the stage's user.
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

// addOld gives the user a second key that is older than the one in Qovery.
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
	var idle object
	for _, argument := range []string{"access_key_id", "delete_after"} {
		idle = s.mustApply(without(argument), idle)
		s.expect(cleanupAddress, idle,
			value(cleanupAddress, "status", text("idle")),
			value(cleanupAddress, "next_action_at", knownvalue.Null()),
			value(cleanupAddress, "deleted_at", knownvalue.Null()))
	}
	s.Clock().Advance(day)
	s.nothingToDo(without("delete_after"), idle)
	// A key without a time stays, and a warning names it.
	s.destroy(without("delete_after"), idle)
	s.holds(s.warned(provider.SummaryKeyStays, old.ID, `"qovery"`,
		"aws iam delete-access-key --user-name qovery --access-key-id "+old.ID))
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
	draining := s.mustApply(config, object{})
	s.expect(cleanupAddress, draining,
		value(cleanupAddress, "status", text("draining")),
		value(cleanupAddress, "next_action_at", text(s.Clock().Now().Add(day).Format(time.RFC3339))))
	old.Delete()
	after := s.mustApply(config, draining)
	s.expect(cleanupAddress, after, deleted...)
	s.Clock().Advance(2 * day)
	s.nothingToDo(config, after)
	s.expect(cleanupAddress, s.mustApply(config, object{}), deleted...)
	s.unchanged()
}

// A refresh that AWS denies leaves the state as it is.
func TestCleanupStaysInStateWhenAWSRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.cleanup(s.addOld().ID, s.Clock().Now().Add(day), "")
	before := s.mustApply(config, object{})
	s.DenyAction("iam:ListAccessKeys")
	p, err := s.open(config)
	s.must(err)
	_, err = p.refresh(before)
	s.fails(err, rotation.SummaryForbidden, "iam:ListAccessKeys: AccessDenied")
	s.AllowAction("iam:ListAccessKeys")
	s.nothingToDo(config, before)
	s.unchanged()
}

// A cleanup that changes to another key warns about the one that it no longer tracks.
func TestCleanupOfAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	tomorrow := s.Clock().Now().Add(day)
	before := s.mustApply(s.cleanup(s.key.ID, tomorrow, ""), object{})
	after := s.mustApply(s.cleanup("AKIAIOSFODNN7EXAMPLE", tomorrow, ""), before)
	s.expect(cleanupAddress, after, value(cleanupAddress, "status", text("deleted")))
	s.holds(s.warned(provider.SummaryKeyForgotten, s.key.ID,
		"aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID))
	s.unchanged()
}

// The time of the deletion stays when another argument changes.
func TestCleanupRemembersTheDeletion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old := s.addOld()
	config := func(arguments string) string { return s.cleanup(old.ID, s.Clock().Now().Add(-time.Hour), arguments) }
	deletedAt := s.Clock().Now()
	deleted := s.mustApply(config(""), object{})
	s.Clock().Advance(day)
	s.expect(cleanupAddress, s.mustApply(config(`quarantine_window = "24h"`), deleted),
		status(rotation.StatusDeleted), value(cleanupAddress, "deleted_at", text(deletedAt.Format(time.RFC3339))))
	if old.Exists() {
		t.Error("the key was not deleted")
	}
}
