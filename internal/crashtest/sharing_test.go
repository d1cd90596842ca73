package crashtest

import (
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const stagingAddress = "qoveryrotation_aws_credentials.staging"

// TestOneUserInTwoCredentials rotates two credentials sets of one IAM user in one apply.
func TestOneUserInTwoCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		shared bool
	}{{"with the same key", true}, {"with a key each", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			key := s.user.Keys()[0]
			if !c.shared {
				key = s.user.AddKey()
			}
			s.addStaging(key)
			s.configure("")
			if !c.shared {
				s.apply().expectFailure(t, rotation.SummaryForeignKey, key.ID)
				s.expectUntouched()
				return
			}
			s.mustApply()
			s.expectSettled(2)
			s.expectDeployments(1)
			s.expectEmptyPlan()
			s.expectRetirement()
		})
	}
}

// expectDeployments checks how often every cluster was deployed.
func (s *scene) expectDeployments(want int) {
	s.t.Helper()
	for _, cluster := range s.clusters() {
		if got := len(cluster.Deployments()); got != want {
			s.t.Errorf("%s was deployed %d times, want %d", cluster.Name, got, want)
		}
	}
}

// TestAdoptionBesideRotation adopts a key with one resource while another one rotates it in the same apply, in any order.
// Afterwards the plan is empty, and no cluster was deployed twice.
func TestAdoptionBesideRotation(t *testing.T) {
	t.Parallel()
	for _, adopts := range []string{"production", "staging"} {
		t.Run(adopts+" adopts", func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.addStaging(s.user.Keys()[0])
			arguments := map[string]string{"production": "", "staging": ""}
			arguments[adopts] = "rotate_on_create = false"
			s.configureEach(arguments)
			s.mustApply()
			// The adopting resource may have read the key before the rotation. A refresh finds the other resource's rotation.
			s.expectEmptyPlan()
			s.mustApply()
			s.expectSettled(2)
			s.expectDeployments(1)
			if got := s.cutovers(); got != 1 {
				t.Errorf("%d cutovers, want 1", got)
			}
			s.expectEmptyPlan()
			s.Clock().Advance(afterDrain)
			s.mustApply()
			s.expectSettled(1)
			s.expectDeployments(1)
			s.expectNoJournal()
			s.expectEmptyPlan()
			s.expectDrained()
		})
	}
}

// TestCompleteJournalBlocksNobody keeps the journal of a complete rotation, because no cleanup retires the previous key. It
// must still be possible to add and rotate other credentials of the user.
func TestCompleteJournalBlocksNobody(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.addStaging(s.user.Keys()[0])
	s.configure(`rotation_triggers = { schedule = "1" }`)
	s.mustApply("-target=" + credentialsAddress)
	s.Clock().Advance(afterDrain)
	if len(s.user.Tags()) != 1 {
		t.Fatalf("the journals are %v, want the one of production", s.user.Tags())
	}
	s.mustApply("-target=" + stagingAddress)
	s.configureEach(map[string]string{
		"production": `rotation_triggers = { schedule = "1" }`, "staging": `rotation_triggers = { schedule = "2" }`,
	})
	s.mustApply("-target=" + stagingAddress)
	if got := s.cutovers(); got != 2 {
		t.Errorf("%d cutovers, want 2", got)
	}
	s.mustApply()
	s.expectSettled(2)
	s.expectDeployments(2)
	s.expectEmptyPlan()
	s.Clock().Advance(afterDrain)
	s.mustApply()
	s.expectSettled(1)
	s.expectNoJournal()
	s.expectEmptyPlan()
	s.expectDrained()
}
