package crashtest

import (
	"bytes"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestTwoRunsAtOnce rotates the same key in two runs at the same time. Whichever is faster, the next applies find one rotation.
func TestTwoRunsAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		shared bool
	}{{"in two workspaces", false}, {"with one state and no lock", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			first := s.workspace
			second, arguments := first, besideArguments
			if !c.shared {
				second, arguments = s.newWorkspace(t), unlockedArguments
			}
			first.schedule("1")
			second.schedule("1")
			p, q := first.start(unlockedArguments...), second.start(arguments...)
			r := second.finish(q)
			if r.exitCode != 0 && !r.says(rotation.SummaryOtherRotation) && !r.says(rotation.SummaryCreateKey) {
				t.Errorf("the second run fails:\n%s", r.tail())
			}
			first.finish(p)

			if !c.shared {
				second.mustApply()
			}
			s.heal(&stage{cutovers: 1, keys: 2}, nothing)
			second.mustApply()
			second.expectEmptyPlan()
			s.workspace = second
			s.expectSettled(1)
			first.expectEmptyPlan()
		})
	}
}

// TestOtherAccount applies with credentials of another AWS account, which has a user of the same name, in every phase of a
// rotation. Every apply must fail, and no key counts as deleted. If no account is recorded, AWS denies access to the key of
// another account.
func TestOtherAccount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		begin func(s *scene)
	}{
		{"nothing was rotated yet", func(*scene) {}},
		{"the previous key drains", func(s *scene) { s.mustApply() }},
		{"the previous key is due", func(s *scene) { s.mustApply(); s.Clock().Advance(afterDrain) }},
		{"the state is lost", func(s *scene) { s.mustApply(); s.loseState() }},
		{"a rotation was interrupted", func(s *scene) {
			s.applyWithFaults(map[point]fault{{operation: simulator.OpDeployCluster, nth: 1}: providerKilledAfter})
		}},
		{"the previous key is retired", func(s *scene) {
			s.mustApply()
			s.Clock().Advance(afterDrain)
			s.mustApply()
			s.schedule("again")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			other := s.AddAccount("210987654321")
			other.AddUser("qovery").AddKey()
			s.schedule("1")
			c.begin(s)
			before, keys := s.state(), s.keyIDs()

			s.account = other
			s.ResetRequests()
			r := s.apply()
			if r.exitCode == 0 || !r.says(rotation.SummaryWrongAccount) && !r.says(rotation.SummaryForbidden) {
				t.Errorf("exit code %d:\n%s", r.exitCode, r.tail())
			}
			s.expectUntouched()
			if !bytes.Equal(s.state(), before) {
				t.Errorf("the state is\n%s\nand was\n%s", s.state(), before)
			}
			s.terraform("destroy", "-auto-approve", "-input=false", "-no-color")
			s.expectUntouched()
			s.remove(stateFile)
			if before != nil {
				s.write(stateFile, before)
			}

			s.account = s.Account()
			s.mustApply()
			s.expectSettled(len(s.keyIDs()))
			if len(keys) > 1 && s.cutovers() != 1 {
				t.Errorf("%d cutovers, want 1", s.cutovers())
			}
			s.expectEmptyPlan()
			if len(s.keyIDs()) > 1 {
				s.expectRetirement()
			}
		})
	}
}
