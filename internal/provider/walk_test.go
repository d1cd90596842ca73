package provider_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// walks is how many walks are tried. More of them take minutes.
var walks = flag.Uint64("walks", 20, "number of random walks")

// afterDrain is longer than the default of drain_window.
const afterDrain = 2*time.Hour + time.Minute

// walk is a stage on which people and machines do something in random order. Its workspace carries out everything in the test's
// process, so ten walks take the time of one with the processes of Terraform.
type walk struct {
	*stage
	random *rand.Rand
	charts *simulator.Holder
	// here is the workspace with the state, and elsewhere another one with the same configuration and its own state.
	here, elsewhere *workspace
	// isDead is true after the provider was killed, until its apply has ended.
	isDead atomic.Bool
	// calls are the runs beside another one.
	calls sync.WaitGroup

	triggers                int
	hold, locked            bool
	quarantine, window, age string
	compromised             string
	// wasHeld is true if a cleanup may have held a key, perhaps in another workspace or in a state that is lost.
	wasHeld bool
	// isAstray is true after an action that may leave a problem that only a person can fix.
	isAstray bool

	states []map[string]object
	mu     sync.Mutex
	// tolerated are the ends of violations that cannot be avoided, and story is what happened, for people.
	tolerated, story []string
}

// actions are what happens in a walk, with the relative frequency.
var actions = []struct {
	weight int
	do     func(*walk)
}{
	{12, func(w *walk) { _ = w.apply("apply") }},
	{23, (*walk).applyAndDie},
	{10, (*walk).applyWithFault},
	{10, (*walk).applyBesideAnother},
	{5, (*walk).applyTwice},
	{3, func(w *walk) { _ = w.run("apply elsewhere", w.otherWorkspace()) }},
	{12, (*walk).pass},
	{12, (*walk).trigger},
	{3, func(w *walk) { w.hold, w.wasHeld = !w.hold, true; w.tell("hold is %t", w.hold) }},
	{2, func(w *walk) {
		w.quarantine = w.pick("", `quarantine_window = "24h"`, `quarantine_window = "1h"`)
		w.tell("%q", w.quarantine)
	}},
	{2, (*walk).closeOrOpen},
	{2, func(w *walk) { w.age = w.pick("", "rotate_after_days = 1"); w.tell("%q", w.age) }},
	{2, (*walk).leak},
	{2, (*walk).lockOrUnlock},
	{1, func(w *walk) { w.cluster.DeployBySomebodyElse(); w.tell("deployed by somebody else") }},
	{1, func(w *walk) { w.isAstray = true; w.user.SetTags(nil); w.tell("the tags are lost") }},
	{1, func(w *walk) { w.restore(map[string]object{}, "the state is lost") }},
	{1, func(w *walk) { w.restore(w.states[w.random.IntN(len(w.states))], "an older state is restored") }},
}

// TestWalk takes random walks. The world checks every request. Afterwards, plain applies must reach an empty plan, and the next
// rotation must succeed. A walk is the same in every run, as far as parallel requests are.
func TestWalk(t *testing.T) {
	t.Parallel()
	var all []func(*walk)
	for _, action := range actions {
		for range action.weight {
			all = append(all, action.do)
		}
	}
	for seed := range *walks {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWalk(t, seed)
			for range 3 + w.random.IntN(12) {
				all[w.random.IntN(len(all))](w)
			}
			w.end()
		})
	}
}

func (w *walk) pick(values ...string) string { return values[w.random.IntN(len(values))] }

// config returns the configuration as it is now.
func (w *walk) config() string {
	if w.settings = ""; w.compromised != "" {
		w.settings = fmt.Sprintf("compromised_access_key_ids = [%q]", w.compromised)
	}
	return w.pair(strings.Join([]string{trigger(fmt.Sprint(w.triggers)), w.window, w.age}, "\n"), fmt.Sprintf("hold = %t\n%s", w.hold, w.quarantine))
}

// run applies in a workspace.
func (w *walk) run(what string, in *workspace) error { return w.runWith(what, in, w.config()) }

func (w *walk) runWith(what string, in *workspace, config string) error {
	w.tolerate()
	in.config = config
	planned, err := in.plan(true)
	if err == nil {
		err = in.apply(planned)
	}
	w.tellRun(what, err)
	return err
}

// apply applies with the faults that were injected.
func (w *walk) apply(what string) error {
	err := w.run(what, w.here)
	w.calls.Wait() // The request that one of them is called at may have reached its time limit.
	w.ClearFaults()
	w.states = append(w.states, maps.Clone(w.here.objects))
	return err
}

// at returns a random point in time of an apply: one of its requests, mostly one that changes something.
func (w *walk) at(kind simulator.FaultKind) simulator.Fault {
	if w.random.IntN(3) == 0 {
		return simulator.Fault{Kind: kind, At: 1 + w.random.IntN(130)}
	}
	return simulator.Fault{Kind: kind, At: 1 + w.random.IntN(12), Match: func(r simulator.Request) bool { return r.Mutating }}
}

// applyAndDie kills the provider at a request, before or after it is carried out: none of its later requests arrives. Half of the
// time the runner dies too, and no state is written.
func (w *walk) applyAndDie() {
	f := w.at(simulator.FaultCallInstead)
	if w.random.IntN(2) == 0 {
		f.Kind = simulator.FaultCallAfter
	}
	f.Call = func(simulator.Request) {
		w.isDead.Store(true)
		w.Inject(simulator.Fault{Kind: simulator.FaultResetBefore, Times: -1})
		go w.interrupt()
	}
	before := maps.Clone(w.here.objects)
	w.Inject(f)
	_ = w.apply(fmt.Sprintf("killed, %s %d", f.Kind, f.At))
	if w.isDead.Load() && w.random.IntN(2) == 0 {
		w.here.objects = before
		w.tell("and the runner was killed")
	}
	w.isDead.Store(false)
}

func (w *walk) applyWithFault() {
	kinds := []simulator.FaultKind{
		simulator.FaultLost, simulator.FaultBefore500, simulator.FaultAfter500, simulator.Fault429, simulator.FaultResetBefore,
		simulator.FaultResetAfter, simulator.FaultHTML, simulator.FaultHTMLAfter,
	}
	f := w.at(kinds[w.random.IntN(len(kinds))])
	f.Times = 1 + w.random.IntN(3)
	w.Inject(f)
	_ = w.apply(fmt.Sprintf("%s %d", f.Kind, f.At))
}

// applyBesideAnother lets the apply stand still at a request, while a whole apply with the same state, or of another workspace,
// is carried out.
func (w *walk) applyBesideAnother() {
	other, what := w.copyOfHere(), "another run"
	if w.random.IntN(2) == 0 {
		other, what = w.otherWorkspace(), "another workspace"
	}
	f := w.at(simulator.FaultCallAfter)
	f.Call = func(simulator.Request) {
		done := make(chan struct{})
		w.calls.Go(func() { defer close(done); _ = w.run("  "+what, other) })
		<-done
	}
	w.Inject(f)
	_ = w.apply(fmt.Sprintf("beside %s, %d", what, f.At))
}

// applyTwice runs two applies with the same state at the same time. The state of the second one is lost.
func (w *walk) applyTwice() {
	other, config := w.copyOfHere(), w.config()
	w.calls.Go(func() { _ = w.runWith("  the other one", other, config) })
	_ = w.apply("two at once")
}

func (w *walk) copyOfHere() *workspace {
	other := w.newWorkspace()
	other.objects = maps.Clone(w.here.objects)
	return other
}

func (w *walk) otherWorkspace() *workspace {
	if w.elsewhere == nil {
		w.elsewhere = w.newWorkspace()
	}
	return w.elsewhere
}

func (w *walk) pass() {
	times := []time.Duration{time.Minute, 2 * time.Minute, 15 * time.Minute, afterDrain, 24 * time.Hour}
	d := times[w.random.IntN(len(times))]
	w.Clock().Advance(d)
	w.tell("%s pass", d)
}

func (w *walk) trigger() {
	w.triggers++
	w.tell("trigger %d", w.triggers)
}

// closeOrOpen adds a rotation_window that is closed now, or removes it.
func (w *walk) closeOrOpen() {
	if w.window != "" {
		w.window = ""
	} else {
		w.window = acctest.ClosedWindow(w.Clock().Now())
	}
	w.tell("%q", w.window)
}

// leak lists Qovery's key as compromised. A deployment that runs with it loses it.
func (w *walk) leak() {
	w.compromised = w.set.AccessKeyID()
	w.tolerateEnd("%s was deactivated while cluster prod is deployed with it", w.compromised)
	w.tell("%s leaked", w.compromised)
}

func (w *walk) lockOrUnlock() {
	if w.locked = !w.locked; w.locked {
		w.cluster.Lock("alice", "maintenance")
	} else {
		w.cluster.Unlock()
	}
	w.tell("the cluster is locked: %t", w.locked)
}

func (w *walk) restore(state map[string]object, what string) {
	w.isAstray = true
	w.here.objects = maps.Clone(state)
	w.tell("%s", what)
}

// end checks that plain applies complete everything, and that another rotation succeeds.
func (w *walk) end() {
	if w.locked {
		w.lockOrUnlock()
	}
	w.window, w.quarantine, w.age = "", "", ""
	if w.wasHeld { // As the message says: hold the key here, without changed triggers, and then release it.
		w.hold = true
		w.restoreTriggers()
		_ = w.apply("hold")
	}
	w.hold = false
	w.converge()
	w.triggers += 1000
	before := w.set.AccessKeyID()
	w.converge()
	if w.set.AccessKeyID() == before {
		w.t.Error("the last trigger rotated nothing")
	}
	w.expectSettled()
	w.expectDrained()
}

func (w *walk) restoreTriggers() {
	triggers := cty.NilVal
	if o := w.here.objects[credentialsAddress]; o.exists() {
		triggers = o.state.GetAttr("rotation_triggers")
	}
	if triggers != cty.NilVal && !triggers.IsNull() {
		_, err := fmt.Sscan(triggers.AsValueMap()["schedule"].AsString(), &w.triggers)
		w.must(err)
	}
}

// converge applies until the plan is empty. A person may have to help if the walk is astray.
func (w *walk) converge() {
	for n := 0; ; n++ {
		err := w.apply("apply")
		w.Clock().Advance(afterDrain)
		if err == nil {
			if planned, err := w.here.plan(true); err == nil && planned.isEmpty() {
				return
			}
		}
		switch {
		case n == 6:
			w.t.Fatalf("plain applies come to no end: %v", err)
		case n == 3 && w.isAstray:
			w.fixByHand()
		}
	}
}
