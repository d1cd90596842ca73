package crashtest

import (
	"os"
	"slices"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// fault is a column of the matrix.
type fault struct {
	name string
	kind simulator.FaultKind
	// kills is the process that a fault of a call kind kills.
	kills victim
	// onChanges is true for a fault that has the same effect as another one if the request changes nothing.
	onChanges bool
	// meanwhile is called when the fault occurs, and afterwards is called after the apply.
	meanwhile, afterwards func(*scene)
	// loses is the information that is lost.
	loses loss
}

type victim int

const (
	nobody victim = iota
	// theProvider is killed alone: Terraform sees a broken connection and writes its state.
	theProvider
	// theRunner takes Terraform with it, so no state is written.
	theRunner
)

type loss int

const (
	nothing loss = iota
	// theState is lost, or another workspace begins without one. If there is no journal either, a creation begins another
	// rotation.
	theState
	// theJournal is lost. A person may have to delete a key that only the journal named.
	theJournal
)

var providerKilledAfter = fault{name: "provider killed after", kind: simulator.FaultCallAfter, kills: theProvider, onChanges: true}

var faults = []fault{
	{name: "provider killed before", kind: simulator.FaultCallInstead, kills: theProvider},
	providerKilledAfter,
	{name: "runner killed before", kind: simulator.FaultCallInstead, kills: theRunner, onChanges: true},
	{name: "runner killed after", kind: simulator.FaultCallAfter, kills: theRunner, onChanges: true},
	{name: "answer lost", kind: simulator.FaultLost},
	{name: "500 before", kind: simulator.FaultBefore500},
	{name: "500 after", kind: simulator.FaultAfter500, onChanges: true},
	{name: "429", kind: simulator.Fault429},
	{name: "hang before", kind: simulator.FaultHang},
	{name: "hang after", kind: simulator.FaultHangAfter, onChanges: true},
	{name: "reset before", kind: simulator.FaultResetBefore},
	{name: "reset after", kind: simulator.FaultResetAfter, onChanges: true},
	{name: "HTML before", kind: simulator.FaultHTML},
	{name: "HTML after", kind: simulator.FaultHTMLAfter, onChanges: true},
	{name: "tags vanish", kind: simulator.FaultCallAfter, onChanges: true, meanwhile: (*scene).loseTags},
	{
		name: "tags vanish, provider killed", kind: simulator.FaultCallAfter, kills: theProvider, onChanges: true,
		meanwhile: (*scene).loseTags, loses: theJournal,
	},
	{
		name: "provider killed, state lost", kind: simulator.FaultCallAfter, kills: theProvider, onChanges: true,
		afterwards: (*scene).loseState, loses: theState,
	},
	{name: "a second run", kind: simulator.FaultCallAfter, onChanges: true, meanwhile: (*scene).runSecond},
	{name: "another workspace", kind: simulator.FaultCallAfter, onChanges: true, meanwhile: (*scene).runElsewhere, loses: theState},
}

// passing are the faults without a lasting effect.
var passing = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !f.passes() })

func (f fault) passes() bool { return f.kills == nobody && !f.onChanges }

// isPlain reports whether nothing else happens together with the fault.
func (f fault) isPlain() bool { return f.meanwhile == nil && f.afterwards == nil }

// loseTags removes all tags, like an update of Terraform's aws_iam_user whose configuration has none.
func (s *scene) loseTags() { s.user.SetTags(nil) }

func (s *scene) loseState() { s.remove(stateFile) }

// runSecond runs a second Terraform in the same directory with the current state and without a lock. Meanwhile the first one
// waits, like on a suspended machine.
func (s *scene) runSecond() {
	s.tolerateNextRepair()
	s.terraform(unlockedArguments...)
}

// runElsewhere is runSecond in another directory with the same configuration and no state.
func (s *scene) runElsewhere() {
	s.tolerateNextRepair()
	w := s.newWorkspace(s.t)
	w.write("main.tf", s.read("main.tf"))
	w.apply()
}

// patience is the provider's request timeout, and standingStill is the one for an apply in which another run ends meanwhile.
// Both are real time.
const (
	patience      = time.Second
	standingStill = time.Minute
)

func (f fault) patience() time.Duration {
	if f.meanwhile == nil {
		return patience
	}
	return standingStill
}

// call is called at the request for a fault of a call kind.
func (f fault) call(s *scene, terraform <-chan *os.Process) {
	if f.meanwhile != nil {
		f.meanwhile(s)
	}
	if f.kills == theRunner {
		_ = (<-terraform).Kill()
	}
	if f.kills != nobody {
		s.killProviders()
	}
}
