package crashtest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// stage is an apply of the story: what there is before it, and what it has to come to.
type stage struct {
	name    string
	trigger string
	// wait is the time since the apply before.
	wait time.Duration
	// behind is a stage that begins when an interrupted rotation has left the registries behind with the previous key.
	behind bool
	// cutovers is how often Qovery's credentials get a key, and keys is how many the user has in the end.
	cutovers, keys int

	// What was recorded in a run without faults.
	at       time.Time
	state    []byte
	tags     map[string]string
	ids      []string
	created  []time.Time
	requests []point
}

// point is a request of an apply. It is named by its place among those for the same operation, because requests that are
// sent side by side come in any order; without an operation it is the nth of all.
type point struct {
	operation string
	nth       int
	// changes is true when it makes a difference to the world that the request took effect.
	changes bool
}

func (p point) String() string { return fmt.Sprintf("%s #%d", p.operation, p.nth) }

// story is the first rotation, the cleanup, another rotation, a third that finds the key before drained and not yet retired,
// and one that makes up for an interrupted one.
func story() []*stage {
	return []*stage{
		{name: "create", trigger: "1", cutovers: 1, keys: 2},
		{name: "cleanup", trigger: "1", wait: afterDrain, keys: 1},
		{name: "rotate", trigger: "2", cutovers: 1, keys: 2},
		{name: "retire and rotate", trigger: "3", wait: afterDrain, cutovers: 1, keys: 2},
		{name: "make up", trigger: "4", wait: afterDrain, behind: true, cutovers: 1, keys: 2},
	}
}

// record plays the story and fills in the stages.
func record(t tb) []*stage {
	t.Helper()
	stages := story()
	s := newQuarter(t)
	for _, st := range stages {
		s.Clock().Advance(st.wait)
		s.schedule(st.trigger)
		if st.behind {
			s.applyWithFaults(map[point]fault{{operation: simulator.OpEditAWSCredentials, nth: 1}: providerKilledAfter})
			s.expectLater(s.apply())
			s.Clock().Advance(st.wait)
		}
		st.at, st.state, st.tags, st.ids = s.Clock().Now(), s.state(), s.user.Tags(), s.ids()
		for _, key := range s.user.Keys() {
			st.created = append(st.created, key.CreatedAt())
		}
		before := s.cutovers()
		s.ResetRequests()
		s.mustApply()
		st.requests = points(s.Requests())
		s.expectSettled(st.keys)
		if got := s.cutovers() - before; got != st.cutovers {
			t.Errorf("%s: %d cutovers, want %d", st.name, got, st.cutovers)
		}
		s.expectEmptyPlan()
	}
	s.expectDrained()
	return stages
}

func points(requests []simulator.Request) []point {
	var found []point
	seen := map[string]int{}
	for _, r := range requests {
		seen[r.Operation]++
		found = append(found, point{r.Operation, seen[r.Operation], r.Mutating || r.API == simulator.APISTS})
	}
	return found
}

// ids are all ids of a scene, in the same order for every scene.
func (s *scene) ids() []string {
	ids := []string{s.organization.ID, s.credentials.ID, s.cluster.ID, s.cluster.Registry().ID, s.charts.ID}
	return append(ids, s.keyIDs()...)
}

// restore makes a scene in which the stage is about to begin.
func (st *stage) restore(t tb) *scene {
	t.Helper()
	s := newScene(t, simulator.Config{Clock: simulator.NewClock(st.at)}, st.created...)
	var pairs []string
	for i, id := range s.ids() {
		pairs = append(pairs, st.ids[i], id)
	}
	ids := strings.NewReplacer(pairs...)
	if st.state != nil {
		s.write(stateFile, []byte(ids.Replace(string(st.state))))
	}
	for key, value := range st.tags {
		s.user.SetTag(ids.Replace(key), ids.Replace(value))
	}
	if st.behind {
		for _, holder := range s.registries() {
			holder.SetKey(s.user.Keys()[0])
		}
		s.tolerateHandover()
	}
	s.schedule(st.trigger)
	return s
}

// fault is a column of the matrix.
type fault struct {
	name string
	kind simulator.FaultKind
	// kills is who is killed by a fault of a call kind.
	kills victim
	// onChanges is for a fault that comes to the same as another one unless a request changes something.
	onChanges bool
}

type victim int

const (
	nobody victim = iota
	// theProvider is killed alone: Terraform sees a broken connection and writes its state.
	theProvider
	// theRunner takes Terraform with it, so no state is written.
	theRunner
)

var providerKilledAfter = fault{"provider killed after", simulator.FaultCallAfter, theProvider, true}

var faults = []fault{
	{"provider killed before", simulator.FaultCallInstead, theProvider, false},
	providerKilledAfter,
	{"runner killed before", simulator.FaultCallInstead, theRunner, true},
	{"runner killed after", simulator.FaultCallAfter, theRunner, true},
	{"answer lost", simulator.FaultLost, nobody, false},
	{"500 before", simulator.FaultBefore500, nobody, false},
	{"500 after", simulator.FaultAfter500, nobody, true},
	{"429", simulator.Fault429, nobody, false},
	{"hang before", simulator.FaultHang, nobody, false},
	{"hang after", simulator.FaultHangAfter, nobody, true},
	{"reset before", simulator.FaultResetBefore, nobody, false},
	{"reset after", simulator.FaultResetAfter, nobody, true},
	{"HTML before", simulator.FaultHTML, nobody, false},
	{"HTML after", simulator.FaultHTMLAfter, nobody, true},
}

// passing are the faults after which nobody knows less about the world than before.
var passing = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !f.passes() })

func (f fault) passes() bool { return f.kills == nobody && !f.onChanges }

// applyWithFaults lets faults happen in an apply, and tells how many did. If they are several, the provider is expected to
// repeat each request that met one.
func (s *scene) applyWithFaults(cells map[point]fault) (r result, met int) {
	s.t.Helper()
	started := make(chan *os.Process, 1)
	s.ResetRequests()
	for p, f := range cells {
		at := p.nth
		if len(cells) > 1 {
			at = 2*p.nth - 1
		}
		var match func(simulator.Request) bool
		if p.operation != "" {
			match = simulator.Operation(p.operation)
		}
		s.Inject(simulator.Fault{Kind: f.kind, Match: match, At: at, Call: func(request simulator.Request) {
			if f.kills == theRunner {
				_ = (<-started).Kill()
			}
			s.killProviders(request)
		}})
	}
	p := s.start(applyArguments...)
	started <- p.Process
	r = s.finish(p)
	s.ClearFaults()
	for _, request := range s.Requests() {
		if request.Fault != "" {
			met++
		}
	}
	return r, met
}

// TestMatrix lets every fault happen to every request of the story. A fault that kills somebody or meets a request for a
// change has an apply of its own. The others, which a request for information has to survive, meet all those requests of an
// apply, each a different one, as often as it takes for every fault to have met every request. Without -full it is one
// rotation only, in which the provider is killed at every request for a change and each request meets one of the faults.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := &matrix{healings: map[string]*healing{}, cells: map[string]string{}}
	stages := record(t)
	if t.Failed() {
		return
	}
	t.Run("cells", func(t *testing.T) {
		for _, st := range stages {
			for i, p := range st.requests {
				for j, f := range faults {
					if !p.changes && (f.passes() || f.onChanges || st.behind) || !*full && !inSample(st, p, i, j) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%s", st.name, p, f.name), func(t *testing.T) {
						t.Parallel()
						m.try(t, st, map[point]fault{p: f})
					})
				}
			}
			for round := range passing {
				if !*full && (st.name != "rotate" || round > 0) {
					continue
				}
				t.Run(fmt.Sprintf("%s/round %d", st.name, round), func(t *testing.T) {
					t.Parallel()
					m.try(t, st, st.round(round))
				})
			}
		}
	})
	m.print(stages)
}

// inSample chooses what is tried without -full.
func inSample(st *stage, p point, request, column int) bool {
	return st.name == "rotate" && (column == request%len(faults) || p.changes && faults[column].kills == theProvider)
}

// round gives every request for information one of the passing faults, in each round another one.
func (st *stage) round(n int) map[point]fault {
	cells := map[point]fault{}
	for _, p := range st.requests {
		if !p.changes {
			cells[p] = passing[(len(cells)+n)%len(passing)]
		}
	}
	return cells
}

// matrix collects what the faults come to.
type matrix struct {
	mu       sync.Mutex
	healings map[string]*healing
	cells    map[string]string
}

// healing is what it takes to bring a scene to its end. Scenes with the same fingerprint take the same, so it is found out
// once for all of them.
type healing struct {
	done    chan struct{}
	applies int
	failed  bool
}

// try lets faults happen in an apply and brings the scene to its end.
func (m *matrix) try(t *testing.T, st *stage, cells map[point]fault) {
	s := st.restore(t)
	r, met := s.applyWithFaults(cells)
	h := m.heal(s, st)
	result := "·"
	switch {
	case t.Failed() || h.failed || len(s.violations()) > 0 || met == len(cells) && len(cells) > 1 && r.exitCode != 0:
		result = "✗"
		t.Errorf("the apply with the fault, exit code %d:\n%s", r.exitCode, r.tail())
	case met != len(cells):
		result = "?"
		t.Errorf("%d of %d faults happened:\n%s", met, len(cells), r.tail())
	case r.exitCode != 0:
		result = fmt.Sprint(h.applies)
	}
	for p, f := range cells {
		m.set(st, p, f, result)
	}
}

// heal brings the scene to its end, or waits for the end of one like it.
func (m *matrix) heal(s *scene, st *stage) *healing {
	fingerprint := st.name + "\n" + s.fingerprint()
	m.mu.Lock()
	h, known := m.healings[fingerprint]
	if !known {
		h = &healing{done: make(chan struct{})}
		m.healings[fingerprint] = h
	}
	m.mu.Unlock()
	if known {
		<-h.done
		return h
	}
	defer close(h.done)
	h.failed = true // unless heal returns
	h.applies = s.heal(st)
	h.failed = s.t.Failed()
	return h
}

// heal applies until Terraform is content, retires the old key, and checks what has come of it. It returns how many applies
// the rotation took.
func (s *scene) heal(st *stage) (applies int) {
	s.t.Helper()
	applies = 1
	if r := s.apply(); r.exitCode != 0 {
		s.expectLater(r)
		s.Clock().Advance(afterDrain)
		s.mustApply()
		applies = 2
	}
	s.expectSettled(st.keys)
	if got, want := s.cutovers(), st.cutovers+applies-1; got != want {
		s.t.Errorf("%d cutovers, want %d", got, want)
	}
	s.expectEmptyPlan()
	s.Clock().Advance(afterDrain)
	s.mustApply()
	s.expectSettled(1)
	s.expectDrained()
	if tags := s.user.Tags(); len(tags) > 0 {
		s.t.Errorf("a journal is left: %v", tags)
	}
	if got := s.attribute(cleanupAddress, "status"); got != "deleted" {
		s.t.Errorf("the status of the cleanup is %q", got)
	}
	s.expectEmptyPlan()
	return applies
}

// expectLater checks that an apply failed for the only reason that another one does not put right at once: the
// secret was lost between two holders. Those that were left behind get another key after the drain window.
func (s *scene) expectLater(r result) {
	s.t.Helper()
	behind := s.leftBehind()
	if len(behind) == 0 {
		s.t.Fatalf("the apply after the fault fails:\n%s", r.tail())
	}
	for _, holder := range behind {
		if !strings.Contains(r.output, holder.ID) {
			s.t.Errorf("the error does not name holder %s:\n%s", holder.ID, r.tail())
		}
	}
	s.tolerateHandover()
}

func (m *matrix) set(st *stage, p point, f fault, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[fmt.Sprint(st.name, p, f.name)] = what
}

// print shows the matrix. "go test" lets it be seen when it runs in the package's directory.
func (m *matrix) print(stages []*stage) {
	var b strings.Builder
	fmt.Fprintln(&b, "· the apply succeeds all the same   1, 2 so many more applies   ✗ not healed   ? the request did not come")
	for i, f := range faults {
		fmt.Fprintf(&b, "%s%s\n", strings.Repeat("│ ", i), f.name)
	}
	counts := map[string]int{}
	for _, st := range stages {
		fmt.Fprintf(&b, "%s\n", st.name)
		for _, p := range st.requests {
			for _, f := range faults {
				what := m.cells[fmt.Sprint(st.name, p, f.name)]
				counts[what]++
				fmt.Fprintf(&b, "%1s ", what)
			}
			fmt.Fprintln(&b, p)
		}
	}
	fmt.Fprintf(&b, "%d succeed, %d take one more apply, %d two, %d are not healed, %d did not come; %d different ends\n",
		counts["·"], counts["1"], counts["2"], counts["✗"], counts["?"], len(m.healings))
	fmt.Print(b.String())
}
