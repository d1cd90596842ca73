package crashtest

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// leaveBehind applies and interrupts that right after the credentials have the new key. It returns when the drain window is over
// and the next apply is going to be a repair.
func (s *scene) leaveBehind() {
	s.t.Helper()
	s.applyWithFaults(map[point]fault{{operation: simulator.OpEditAWSCredentials, nth: 1}: providerKilledAfter})
	r := s.apply()
	r.expectFailure(s.t, rotation.SummaryHolderNotUpdated)
	s.expectLater(r)
	s.Clock().Advance(afterDrain)
}

// TestRepair gives a key to everything that an interrupted rotation left behind.
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

// TestRepairOfOtherCredentials leaves other credentials behind, which have a resource of their own in the same configuration.
func TestRepairOfOtherCredentials(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.addStaging(s.user.Keys()[0])
	s.configureEach(map[string]string{"production": ""})
	s.leaveBehind()
	s.configure("")
	began := s.Clock().Now()
	if r := s.apply(); r.exitCode != 0 {
		// Terraform tried the ones that were left behind first.
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

// TestRepairWaits has somebody deploy the cluster when a repair is due.
func TestRepairWaits(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.rotations(1)
	s.mustApply()
	s.schedule("left behind")
	s.leaveBehind()
	s.cluster.DeployBySomebodyElse()
	s.Clock().Advance(10 * time.Second) // It is to be seen now.
	s.ResetRequests()
	s.apply().expectFailure(t, rotation.SummaryRepairWaits)
	s.expectUntouched()
	s.Clock().Advance(time.Minute)
	s.mustApply()
	s.expectSettled(2)
	s.expectEmptyPlan()
	s.expectRetirement()
}

// TestRepairCutOff interrupts a repair while its holders have no working key. The next apply goes on at once.
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
