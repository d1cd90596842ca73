package crashtest

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestWalk performs actions of people and machines in random order, with interruptions. The world checks every request.
// Afterwards, plain applies must reach an empty plan, and the next rotation must succeed.
func TestWalk(t *testing.T) {
	t.Parallel()
	limitChecks(t)
	rapid.Check(t, func(t *rapid.T) {
		w := &walk{scene: newQuarter(t), t: t}
		if rapid.Bool().Draw(t, "two credentials sets") {
			w.addStaging(w.user.Keys()[0])
			w.astray = true
		}
		if rapid.Bool().Draw(t, "an environment that is deployed all the time") {
			w.addEnvironment()
		}
		w.otherAccount = w.AddAccount("210987654321")
		w.otherAccount.AddUser("qovery").AddKey()
		w.reschedule()
		actions := map[string]func(){
			"apply":               func() { w.run(applyArguments...) },
			"apply with a fault":  w.applyWithFault,
			"change the schedule": w.reschedule,
			"let time pass":       w.pass,
			"deploy by hand":      w.deployByHand,
			"lock or unlock":      w.lockOrUnlock,
			"destroy":             w.destroy,
			"restore a state":     w.restoreState,
			"import":              w.importProduction,
			"rotate by hand":      w.rotateByHandOnce,
			"two applies at once": w.applyTwice,
			"apply elsewhere":     w.applyElsewhere,
			"wrong account":       w.applyInOtherAccount,
			"hold or let go":      w.holdOrLetGo,
			"close or open":       w.closeOrOpen,
			"leak":                w.leak,
			"lose the tags":       func() { w.astray = true; w.loseTags() },
			"lose the state":      w.loseState,
		}
		names := slices.Sorted(maps.Keys(actions))
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			actions[rapid.SampledFrom(names).Draw(t, "action")]()
		}
		w.end()
	})
}

// limitChecks limits the number of walks, because real processes take long. It makes them the same in every run, so that only a
// change of the code can make one fail. With -rapid.checks, walks are random.
func limitChecks(t *testing.T) {
	t.Helper()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if asked {
		return
	}
	checks := "4"
	if *full {
		checks = "25"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.seed": "1"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
}

// walk is a scene with random actions.
type walk struct {
	*scene
	t        *rapid.T
	triggers int
	locked   bool
	// held is true if a cleanup may have held a key, perhaps in another workspace or in a state that is lost.
	held   bool
	states [][]byte
	// elsewhere is another workspace with the same configuration, if there is one.
	elsewhere    *workspace
	otherAccount *simulator.Account
	// astray is true after an action that may leave a problem that only a person can fix.
	astray bool
}

// run runs Terraform. The result does not matter.
func (w *walk) run(args ...string) result {
	w.tolerateRepair()
	r := w.terraform(args...)
	w.ClearFaults()
	w.states = append(w.states, w.state())
	w.tell(r, args...)
	return r
}

// tell logs a run, so that a failed walk can be understood.
func (w *walk) tell(r result, args ...string) {
	what := "succeeds"
	if _, problem, failed := strings.Cut(r.output, "Error: "); failed {
		what, _, _ = strings.Cut(problem, "\n")
	}
	w.t.Logf("%s terraform %s: exit code %d, %s; keys %v, Qovery holds %s, journal %v",
		w.Clock().Now().Format(time.DateTime), args[0], r.exitCode, what, w.keyIDs(), w.credentials.AccessKeyID(), w.user.Tags())
}

func (w *walk) applyWithFault() {
	f := rapid.SampledFrom(faults).Draw(w.t, "fault")
	w.tolerateRepair()
	r, _ := w.applyWithFaults(map[point]fault{{nth: rapid.IntRange(1, 80).Draw(w.t, "request")}: f})
	w.states = append(w.states, w.state())
	w.tell(r, applyArguments...)
}

// applyTwice runs two applies with the same state at the same time, without a lock. The state of the second one is lost.
func (w *walk) applyTwice() {
	w.tolerateRepair()
	p, q := w.start(unlockedArguments...), w.start(besideArguments...)
	w.tell(w.finish(p), unlockedArguments...)
	w.tell(w.finish(q), besideArguments...)
	w.ClearFaults()
	w.states = append(w.states, w.state())
}

// applyElsewhere applies the same configuration in another workspace with its own state.
func (w *walk) applyElsewhere() {
	if w.elsewhere == nil {
		w.elsewhere = w.newWorkspace(w.t)
	}
	w.tolerateRepair()
	w.elsewhere.write("main.tf", w.read("main.tf"))
	w.tell(w.elsewhere.apply(), "apply", "elsewhere")
	w.ClearFaults()
}

// applyInOtherAccount applies with the credentials of another AWS account, which has a user of the same name.
func (w *walk) applyInOtherAccount() {
	w.account = w.otherAccount
	w.ResetRequests()
	w.run(applyArguments...)
	w.expectUntouched()
	w.account = w.Account()
}

// deployByHand deploys the cluster, perhaps after an interrupted repair. Until the repair is repeated, a registry has no
// working key.
func (w *walk) deployByHand() {
	for _, holder := range w.leftBehind() {
		for _, why := range []string{"does not exist", "is inactive"} {
			w.tolerated = append(w.tolerated, fmt.Sprintf("was deployed with %s: the access key %s", holder.AccessKeyID(), why))
		}
	}
	w.cluster.DeployBySomebodyElse()
}

func (w *walk) reschedule() {
	w.triggers++
	w.schedule(fmt.Sprint(w.triggers))
}

func (w *walk) pass() {
	w.Clock().Advance(rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Minute, afterDrain, 24 * time.Hour}).Draw(w.t, "time"))
}

func (w *walk) lockOrUnlock() {
	w.locked = !w.locked
	if w.locked {
		w.cluster.Lock("alice", "maintenance")
	} else {
		w.cluster.Unlock()
	}
}

func (w *walk) holdOrLetGo() {
	w.hold, w.held = !w.hold, true
	w.schedule(fmt.Sprint(w.triggers))
}

// closeOrOpen adds a rotation_window that is closed now, or removes it.
func (w *walk) closeOrOpen() {
	if w.window != "" {
		w.window = ""
	} else {
		w.window = acctest.ClosedWindow(w.Clock().Now())
	}
	w.schedule(fmt.Sprint(w.triggers))
}

// leak lists Qovery's key as compromised, unless deployments run all the time: they would lose their key.
func (w *walk) leak() {
	if w.environment == nil {
		w.compromised = []string{w.credentials.AccessKeyID()}
		w.schedule(fmt.Sprint(w.triggers))
	}
}

func (w *walk) destroy() {
	w.astray = true
	w.run("destroy", "-auto-approve", "-input=false", "-no-color")
}

// restoreState restores an older state, or removes the state.
func (w *walk) restoreState() {
	w.astray = true
	w.write(stateFile, rapid.SampledFrom(append(w.states, nil)).Draw(w.t, "state"))
}

func (w *walk) importProduction() {
	w.astray = true
	w.run("import", "-input=false", "-no-color", credentialsAddress, w.organization.ID+"/"+w.credentials.ID)
}

// rotateByHandOnce rotates by hand if the user has fewer than two keys.
func (w *walk) rotateByHandOnce() {
	w.astray = true
	if len(w.user.Keys()) < 2 {
		w.rotateByHand()
	}
}

// end checks that plain applies complete everything, and that another rotation succeeds.
func (w *walk) end() {
	if w.locked {
		w.lockOrUnlock()
	}
	w.window = ""
	if w.held { // As the error says: hold the key here, then release it.
		w.hold = true
		w.schedule(fmt.Sprint(w.triggers))
		w.run(applyArguments...)
	}
	w.hold = false
	w.schedule(fmt.Sprint(w.triggers))
	w.converge()
	w.reschedule()
	before := w.cutovers()
	w.converge()
	if w.cutovers() == before {
		w.t.Error("the last schedule rotated nothing")
	}
	w.expectSettled(1)
	w.expectDrained()
	w.expectNoJournal()
	if w.t.Failed() {
		w.t.Logf("%s", w.Timeline())
	}
}

// converge applies until the plan is empty.
func (w *walk) converge() {
	for n := 0; ; n++ {
		r := w.run(applyArguments...)
		w.Clock().Advance(afterDrain)
		if r.exitCode == 0 && w.terraform("plan", "-detailed-exitcode", "-input=false").exitCode == 0 {
			return
		}
		switch {
		case n == 6:
			w.t.Fatalf("plain applies come to no end:\n%s\n%s", r.output, w.Timeline())
		case n == 3 && w.astray:
			w.t.Logf("fixing by hand")
			w.fixByHand()
		}
	}
}
