package crashtest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestInterrupt presses Ctrl-C while a cluster is being deployed.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		applies int // before the interrupted one
		phase   string
	}{
		// An error with a state would make Terraform replace the resource, so a creation leaves none.
		{"create", 0, ""},
		{"update", 1, "deploying"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.rotations(c.applies)
			s.schedule("interrupted")
			started := make(chan *os.Process, 1)
			s.After(simulator.OpDeployCluster, func(simulator.Request) {
				// The provider must not see the end of the deployment before Terraform has forwarded the interrupt.
				s.Inject(simulator.Fault{Kind: simulator.FaultHang, Match: simulator.Operation(simulator.OpListClusterStatuses), Times: -1})
				_ = (<-started).Signal(os.Interrupt)
			})
			p := s.start(applyArguments...)
			started <- p.Process
			before := time.Now()
			r := s.finish(p)
			if took := time.Since(before); took > 10*time.Second {
				t.Errorf("Terraform took %s to stop", took)
			}
			r.expectFailure(t, rotation.SummaryInterrupted, "The next apply resumes here", "does not create another key")
			if got := s.attribute(credentialsAddress, "phase"); got != c.phase {
				t.Errorf("the phase in the state is %q, want %q", got, c.phase)
			}
			s.ClearFaults()
			s.mustApply()
			s.expectSettled(2)
			if got, want := s.cutovers(), c.applies+1; got != want {
				t.Errorf("%d cutovers, want %d", got, want)
			}
			s.expectEmptyPlan()
		})
	}
}

// TestBetweenPlanAndApply changes something between a plan and its apply.
func TestBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	const secondKey, cutOff, locked = rotation.SummaryForeignKey, rotation.SummaryCutOff, rotation.SummaryClusterLocked
	for _, c := range []struct {
		name    string
		applies int // before the plan
		happens func(s *scene)
		// fails is the error of the plan's apply, and plain is that of a plain apply afterwards. An empty one means success.
		fails, plain string
	}{
		{name: "a day passes", applies: 1, happens: func(s *scene) { s.Clock().Advance(24 * time.Hour) }},
		{name: "the previous key is deleted", applies: 1, happens: func(s *scene) { s.user.Keys()[0].Delete() }},
		{
			name: "somebody rotates by hand", applies: 1,
			happens: func(s *scene) {
				s.user.Keys()[0].Delete()
				s.rotateByHand()
			},
			fails: rotation.SummaryKeyChanged,
		},
		{
			name:    "somebody begins to rotate by hand",
			happens: func(s *scene) { s.user.AddKey() },
			fails:   secondKey, plain: secondKey,
		},
		{
			name:    "the key in Qovery is deleted",
			happens: func(s *scene) { s.user.Keys()[0].Delete() },
			fails:   cutOff, plain: cutOff,
		},
		{
			name:    "a cluster is locked",
			happens: func(s *scene) { s.cluster.Lock("alice", "maintenance") },
			fails:   locked, plain: locked,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.rotations(c.applies)
			s.schedule("planned")
			if r := s.terraform("plan", "-input=false", "-no-color", "-out=plan"); r.exitCode != 0 {
				t.Fatalf("plan:\n%s", r.output)
			}
			s.ResetRequests()
			c.happens(s)
			r := s.terraform("apply", "-input=false", "-no-color", "plan")
			if c.fails == "" {
				if r.exitCode != 0 {
					t.Errorf("the plan cannot be applied:\n%s", r.output)
				}
			} else {
				r.expectFailure(t, c.fails)
				s.expectUntouched()
			}
			if c.plain != "" {
				s.apply().expectFailure(t, c.plain)
				s.expectUntouched()
				return
			}
			s.mustApply()
			s.expectSettled(2)
			s.expectEmptyPlan()
			s.expectDrained()
		})
	}
}

// TestWrongClocks applies on different machines, whose clocks differ from each other, or from those of AWS and Qovery. The
// drain window must not end earlier than by the world's clock.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	const wrong = 10 * time.Minute
	for _, c := range []struct{ aws, qovery, first, second time.Duration }{
		{aws: wrong, qovery: -wrong},
		{aws: -wrong, qovery: wrong},
		{first: -wrong, second: wrong},
		{first: wrong, second: -wrong},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			s.SkewAWS(c.aws)
			s.SkewQovery(c.qovery)
			s.schedule("1")
			s.ahead = c.first
			s.mustApply()
			s.expectSettled(2)

			state := s.state()
			s.workspace = s.newWorkspace(t)
			s.write(stateFile, state)
			s.schedule("1")
			s.ahead = c.second
			s.Clock().Advance(drainWindow - time.Minute)
			s.mustApply()
			s.expectSettled(2)
			s.expectEmptyPlan()
			s.Clock().Advance(2 * time.Minute)
			s.mustApply()
			s.expectSettled(1)
			s.expectEmptyPlan()
			s.expectDrained()
		})
	}
}

// rotations rotates n times, each time after the drain window of the last one, and returns the states.
func (s *scene) rotations(n int) (states [][]byte) {
	s.t.Helper()
	for i := range n {
		s.schedule(fmt.Sprint(i))
		s.mustApply()
		states = append(states, s.state())
		s.Clock().Advance(afterDrain)
	}
	return states
}

// TestOlderState applies with a state from a backup, or with none. The provider reads from the journal what happened since.
func TestOlderState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		rotations int
		state     int // the rotation after which the state was saved; -1 for none
	}{
		{"by one rotation", 2, 0},
		{"by two rotations", 3, 0},
		{"none", 1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newQuarter(t)
			states := append(s.rotations(c.rotations), nil)
			s.write(stateFile, states[(c.state+len(states))%len(states)])
			s.ResetRequests()
			s.mustApply()
			if deployed := s.counts(simulator.OpDeployCluster); deployed > 0 {
				t.Errorf("clusters were deployed %d times, although all run with the key", deployed)
			}
			s.expectSettled(1) // The drain window is over.
			if got := s.cutovers(); got != c.rotations {
				t.Errorf("%d cutovers, want %d", got, c.rotations)
			}
			s.expectNoJournal()
			s.expectEmptyPlan()
			s.expectDrained()
		})
	}
}

// TestPartialApplies applies without a refresh and to one resource only.
func TestPartialApplies(t *testing.T) {
	t.Parallel()

	t.Run("without refresh", func(t *testing.T) {
		t.Parallel()
		s := newQuarter(t)
		s.rotations(1)
		s.mustApply("-refresh=false")
		s.expectSettled(2) // only a refresh finds that the key is due
		s.schedule("again")
		s.mustApply("-refresh=false")
		s.expectSettled(2)
		if got := s.cutovers(); got != 2 {
			t.Errorf("%d cutovers, want 2", got)
		}
		s.Clock().Advance(afterDrain)
		s.mustApply()
		s.expectSettled(1)
		s.expectEmptyPlan()
		s.expectDrained()
	})

	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		s := newQuarter(t)
		for i := range 2 {
			s.schedule(fmt.Sprint(i))
			s.mustApply("-target=" + credentialsAddress)
			s.expectSettled(2)
			s.Clock().Advance(afterDrain)
		}
		s.mustApply("-target=" + cleanupAddress)
		s.expectSettled(1)
		s.expectEmptyPlan()
		s.expectDrained()
	})

	t.Run("changes ignored", func(t *testing.T) {
		t.Parallel()
		s := newQuarter(t)
		ignoring := func(value string) string {
			return fmt.Sprintf("rotation_triggers = { schedule = %q }\n  lifecycle {\n    ignore_changes = [rotation_triggers]\n  }", value)
		}
		s.configure(ignoring("1"))
		s.mustApply()
		s.configure(ignoring("2"))
		s.expectEmptyPlan()
		s.Clock().Advance(afterDrain)
		s.mustApply()
		s.expectSettled(1)
		if got := s.cutovers(); got != 1 {
			t.Errorf("%d cutovers, want 1", got)
		}
		s.expectEmptyPlan()
	})
}
