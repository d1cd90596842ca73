package crashtest

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// leaveBehind interrupts an apply right after the cutover, which leaves stale holders. It ends after the drain window, so
// that the next apply is a repair.
func (s *scene) leaveBehind() {
	s.t.Helper()
	s.applyWithFaults(map[point]fault{{operation: simulator.OpEditAWSCredentials, nth: 1}: providerKilledAfter})
	r := s.apply()
	r.expectFailure(s.t, rotation.SummaryHolderNotUpdated)
	s.expectLater(r)
	s.Clock().Advance(afterDrain)
}

// TestRepair repairs the stale holders of an interrupted rotation.
func TestRepair(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.schedule("1")
	s.leaveBehind()
	began := s.Clock().Now()
	s.mustApply()
	s.expectShortRepair(began)
	s.expectSettled(2)
	s.expectEmptyPlan()
	s.expectRetirement()
}

// TestRepairOfOtherCredentials repairs other credentials, which have their own resource in the same configuration.
func TestRepairOfOtherCredentials(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.addStaging(s.user.Keys()[0])
	s.configureEach(map[string]string{"production": ""})
	s.leaveBehind()
	s.configure("")
	began := s.Clock().Now()
	if r := s.apply(); r.exitCode != 0 {
		// Terraform applied the stale ones first.
		r.expectFailure(t, rotation.SummaryOtherRotation)
	}
	s.expectShortRepair(began)
	s.mustApply()
	s.expectSettled(2)
	s.expectEmptyPlan()
	s.Clock().Advance(afterDrain)
	s.mustApply()
	s.expectSettled(1)
	s.expectNoJournal()
	s.expectEmptyPlan()
	s.expectDrained()
}

// TestRepairWaits deploys the cluster when a repair is due. The repair must wait.
func TestRepairWaits(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.rotations(1)
	s.mustApply()
	s.schedule("left behind")
	s.leaveBehind()
	s.cluster.DeployBySomebodyElse()
	s.Clock().Advance(10 * time.Second) // Now the deployment is visible.
	s.ResetRequests()
	s.apply().expectFailure(t, rotation.SummaryRepairWaits)
	s.expectUntouched()
	s.Clock().Advance(time.Minute)
	s.mustApply()
	s.expectSettled(2)
	s.expectEmptyPlan()
	s.expectRetirement()
}

// TestRepairCutOff interrupts a repair while its holders have no working key. The next apply resumes it at once.
func TestRepairCutOff(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"DeleteAccessKey", "CreateAccessKey", simulator.OpEditRegistry} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.schedule("1")
			s.leaveBehind()
			if _, met := s.applyWithFaults(map[point]fault{{operation: operation, nth: 1}: providerKilledAfter}); met != 1 {
				t.Fatalf("%s was not asked for", operation)
			}
			s.tolerateRepair()
			s.mustApply()
			s.expectSettled(2)
			s.expectEmptyPlan()
			for _, dead := range s.DeadHolders() {
				if took := dead.Until.Sub(dead.From); dead.Until.IsZero() || took > 5*time.Minute {
					t.Errorf("%s had no working key for %s", dead.Holder.Object()["name"], took)
				}
			}
			s.expectRetirement()
		})
	}
}
