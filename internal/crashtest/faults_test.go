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
	// kills is who is killed by a fault of a call kind.
	kills victim
	// onChanges is for a fault that comes to the same as another one unless a request changes something.
	onChanges bool
	// meanwhile is what else happens at that moment, and afterwards when the apply has ended.
	meanwhile, afterwards func(*scene)
	// loses says what nobody can find out any more afterwards.
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
	// theState is gone, or somebody begins without one: where nothing is left of a rotation, a creation begins another one.
	theState
	// theJournal is gone, so a person may have to delete a key of which nobody else knows.
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

// passing are the faults after which nobody knows less about the world than before.
var passing = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !f.passes() })

func (f fault) passes() bool { return f.kills == nobody && !f.onChanges }

// isPlain tells whether only one thing goes wrong.
func (f fault) isPlain() bool { return f.meanwhile == nil && f.afterwards == nil }

// loseTags is what an update of Terraform's aws_iam_user does to tags that its configuration does not have.
func (s *scene) loseTags() { s.user.SetTags(nil) }

func (s *scene) loseState() { s.remove(stateFile) }

// runSecond runs a second Terraform to its end in the same directory, with the state that is there now, while the first one
// stands still like a machine that is suspended. Nobody asks for the lock.
func (s *scene) runSecond() {
	s.tolerateNextRepair()
	s.terraform(unlockedArguments...)
}

// runElsewhere is runSecond in another directory, which has the same configuration and no state.
func (s *scene) runElsewhere() {
	s.tolerateNextRepair()
	w := s.newWorkspace(s.t)
	w.write("main.tf", s.read("main.tf"))
	w.apply()
}

// patience is how long the provider waits for an answer, and standingStill how long if another run ends meanwhile. Both are
// real time.
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

// call is what happens at the request of a fault of a call kind.
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
