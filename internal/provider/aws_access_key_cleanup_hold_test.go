package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// hold makes a key in quarantine Active and keeps it. Without hold, the quarantine begins anew.
func TestCleanupHold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	quarantine := `quarantine_window = "24h"`
	held := quarantine + "\n  hold = true"
	later := func(after time.Duration) func() { return func() { s.Clock().Advance(after) } }
	s.run(
		resource.TestStep{Config: s.pair("", quarantine)},
		resource.TestStep{PreConfig: later(3 * time.Hour), Config: s.pair("", quarantine), Check: inactive(s.key)},
		resource.TestStep{
			Config: s.pair("", held), Check: active(s.key),
			ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusHeld)},
		},
		resource.TestStep{PreConfig: later(48 * time.Hour), Config: s.pair("", "hold = true\n  wait = true"), Check: active(s.key)},
		resource.TestStep{Config: s.pair(trigger("2"), held)},
		resource.TestStep{Config: s.pair(trigger("3"), held), ExpectError: says(rotation.SummaryHeld, s.key.ID)},
		resource.TestStep{
			Config: s.pair(trigger("2"), quarantine), Check: inactive(s.key),
			ConfigStateChecks: []statecheck.StateCheck{status(rotation.StatusQuarantined)},
		},
	)
	s.holds(s.warned(rotation.SummaryWillBeDeactivated, s.key.ID, "hold = true"))
	s.holds(s.warned(rotation.SummaryWillBeActivated, s.key.ID))
	s.holds(s.warned(rotation.SummaryActivated, s.key.ID))
	s.holds(s.warned(rotation.SummaryDeactivated, s.key.ID))
}

// A rotation that the key's age or a remembered request asks for waits for the end of a hold. If it were refused, no plan could
// end the hold.
func TestRotationWaitsForHold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	later := func(after time.Duration) func() { return func() { s.Clock().Advance(after) } }
	const aged = "rotate_after_days = 30"
	s.run(
		resource.TestStep{Config: s.pair(aged, "")},
		resource.TestStep{PreConfig: later(3 * time.Hour), Config: s.pair(aged, "hold = true")},
		resource.TestStep{PreConfig: later(31 * 24 * time.Hour), Config: s.pair(aged, "hold = true"), Check: active(s.key)},
		resource.TestStep{Config: s.pair(aged, ""), Check: gone(s.key), ExpectNonEmptyPlan: true},
		resource.TestStep{
			Config:            s.pair(aged, ""),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
		},
	)
	s.holds(s.warned(provider.SummaryWaitsForHold, s.key.ID, "hold is true"))
}

// A cleanup that is destroyed while hold is true leaves the key Active. The next rotation that needs the place deletes it.
func TestCleanupRemovedWhileItHolds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }, Config: s.pair("", "hold = true"), Check: active(s.key)},
		resource.TestStep{Config: s.credentials(""), Check: active(s.key)},
		resource.TestStep{Config: s.credentials(trigger("1"))},
		resource.TestStep{Config: s.credentials(trigger("2")), Check: gone(s.key)},
	)
	s.holds(s.warned("Access key stays valid", s.key.ID, "hold is true"))
	s.holds(s.warned(rotation.SummaryWillBeDeleted, s.key.ID, "An IAM user can have two access keys"))
	s.holds(s.warned(rotation.SummaryDeleted, s.key.ID))
}

// A plan warns about the key that it deletes, and the apply reports the time of the deletion.
func TestCleanupSaysWhatItDeletes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }, Config: s.pair("", ""), Check: gone(s.key)},
	)
	s.holds(s.warned(rotation.SummaryWillBeDeleted, s.key.ID, "It was created at", "AWS has recorded no use of it", s.set.AccessKeyID(), "Deletion is permanent"))
	s.holds(s.warned(rotation.SummaryDeleted, s.key.ID, "was deleted at"))
}

// A plan warns that a key cannot be deleted, before the apply fails.
func TestCleanupSaysWhatStays(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dns := s.cluster.SetRoute53DNS(s.AddUser("dns").AddKey())
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig:   func() { s.Clock().Advance(3 * time.Hour); dns.SetKey(s.key) },
			Config:      s.pair("", ""),
			ExpectError: says(rotation.SummaryKeyInUse, s.key.ID),
		},
	)
	s.holds(s.warned(rotation.SummaryKeyInUse, "If this is still so when the plan is applied", s.key.ID))
}
