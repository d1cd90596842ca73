package crashtest

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestUnsavedState loses the state of an apply. The next apply adopts the rotation from the journal. It needs no import, and
// does not rotate or deploy again.
func TestUnsavedState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// before is the number of rotations that were saved.
		before int
		// saved is true if the previous state is restored. Otherwise there is no state.
		saved bool
	}{
		{"of a creation", 0, false},
		{"of an update", 1, true},
		{"of an update, and the one before too", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.rotations(c.before)
			if c.before > 0 {
				s.mustApply()
			}
			state := s.state()
			s.schedule("unsaved")
			s.mustApply()
			previous, drainEndsAt := s.user.Keys()[0], s.attribute(credentialsAddress, "drain_ends_at")
			s.remove(stateFile)
			if c.saved {
				s.write(stateFile, state)
			}
			s.Clock().Advance(time.Hour)

			s.ResetRequests()
			s.mustApply()
			s.expectSettled(2)
			s.expectUntouched()
			if got := s.attribute(credentialsAddress, "previous_access_key_id"); got != previous.ID {
				t.Errorf("previous_access_key_id is %q, want %q", got, previous.ID)
			}
			if got := s.attribute(credentialsAddress, "drain_ends_at"); got != drainEndsAt {
				t.Errorf("drain_ends_at is %q, want %q", got, drainEndsAt)
			}
			if got, want := s.cutovers(), c.before+1; got != want {
				t.Errorf("%d cutovers, want %d", got, want)
			}
			s.expectEmptyPlan()
			s.expectRetirement()
		})
	}
}

// TestShorterDrainWindow shortens drain_window while a rotation is unfinished. The longer window must still apply to the key.
func TestShorterDrainWindow(t *testing.T) {
	t.Parallel()
	const long, short = "drain_window = \"4h\"\n  ", "drain_window = \"2h\"\n  "
	for _, c := range []struct {
		name      string
		interrupt func(s *scene) result
		// finishes is true if the next apply completes the rotation.
		finishes bool
	}{
		{"the deployment fails", func(s *scene) result {
			s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "no capacity")
			return s.apply()
		}, true},
		{"registries are left behind", func(s *scene) result {
			s.applyWithFaults(map[point]fault{{operation: simulator.OpEditAWSCredentials, nth: 1}: providerKilledAfter})
			return s.apply()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.configure(long + `rotation_triggers = { schedule = "1" }`)
			s.mustApply()
			s.Clock().Advance(5 * time.Hour)
			s.mustApply()
			s.configure(long + `rotation_triggers = { schedule = "2" }`)
			r := c.interrupt(s)
			previous := s.user.Keys()[0]
			if r.exitCode == 0 || s.attribute(credentialsAddress, "phase") != "deploying" {
				t.Fatalf("the rotation is not unfinished:\n%s", r.tail())
			}
			began := s.Clock().Now()

			s.configure(short + `rotation_triggers = { schedule = "2" }`)
			if r := s.apply(); (r.exitCode == 0) != c.finishes {
				t.Errorf("exit code %d:\n%s", r.exitCode, r.tail())
			}
			drainEndsAt, err := time.Parse(time.RFC3339, s.attribute(credentialsAddress, "drain_ends_at"))
			if err != nil || drainEndsAt.Before(began.Add(4*time.Hour-time.Minute)) {
				t.Errorf("drain_ends_at is %s (%v), the rotation went on at %s", drainEndsAt, err, began)
			}
			s.Clock().Advance(3 * time.Hour)
			s.apply()
			if !previous.Active() {
				t.Error("the key went before the drain window that was promised was over")
			}
			s.tolerateRepair()
			s.Clock().AdvanceTo(drainEndsAt.Add(time.Minute))
			s.mustApply()
			if previous.Exists() {
				t.Error("the key is still there after the drain window")
			}
			s.expectEmptyPlan()
			s.expectDrained()
		})
	}
}

// TestLastUseDelay uses the provider's default. The previous key is kept until AWS would report a use of it.
func TestLastUseDelay(t *testing.T) {
	t.Parallel()
	s := newQuarter(t)
	s.lastUseDelay = ""
	s.rotations(1) // ends after the drain window
	s.mustApply()
	s.expectSettled(2)
	s.expectEmptyPlan()
	s.schedule("too early")
	s.ResetRequests()
	s.apply()
	s.expectUntouched()
	s.schedule("0")
	s.Clock().Advance(20 * time.Minute)
	s.mustApply()
	s.expectSettled(1)
	s.expectNoJournal()
	s.expectEmptyPlan()
	s.expectDrained()
}
