package crashtest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// applyWithFaults applies with faults, and returns the number of faults that occurred. If there are several, it expects that
// the provider repeats each request with a fault.
func (s *scene) applyWithFaults(cells map[point]fault) (r result, met int) {
	s.t.Helper()
	started, calls := make(chan *os.Process, 1), sync.WaitGroup{}
	s.ClearFaults()
	s.ResetRequests()
	for p, f := range cells {
		at := p.nth
		// The provider repeats requests for information that fail, except the one whose result a plan does not need.
		if len(cells) > 1 && "iam:"+p.operation != rotation.ActionSimulate {
			at = 2*p.nth - 1
		}
		var match func(simulator.Request) bool
		if p.operation != "" {
			match = simulator.Operation(p.operation)
		}
		s.patience = f.patience()
		s.Inject(simulator.Fault{Kind: f.kind, Match: match, At: at, Call: func(simulator.Request) {
			calls.Go(func() { f.call(s, started) })
			calls.Wait()
		}})
	}
	p := s.start(applyArguments...)
	started <- p.Process
	r = s.finish(p)
	calls.Wait() // Another run may still run although the provider has given up.
	s.patience = patience
	s.ClearFaults()
	for _, request := range s.Requests() {
		if request.Fault != "" && request.Fault != simulator.FaultCallBefore {
			met++
		}
	}
	for _, f := range cells {
		if f.afterwards != nil {
			f.afterwards(s)
		}
	}
	return r, met
}

// TestMatrix tries every fault at every request of the story. A fault has its own apply if it kills a process or if the
// request changes something. The other faults occur together, a different one at each request for information, in several
// rounds, until every fault has occurred at each of these requests. The provider must survive them.
//
// Without -full there is only one rotation. The provider is killed at every request for a change, and each request has one
// fault.
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
					if !st.meets(p, f) || !*full && !inSample(st, p, i, j) {
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

// meets reports whether a fault has its own apply at a request.
func (st *stage) meets(p point, f fault) bool {
	if !f.isPlain() {
		return p.mutates
	}
	return p.changes || !f.passes() && !f.onChanges && !st.behind
}

// inSample reports whether a fault is tried at a request without -full.
func inSample(st *stage, p point, request, column int) bool {
	return st.name == "rotate" &&
		(column == request%len(faults) || p.changes && faults[column].kills == theProvider && faults[column].isPlain())
}

// round returns one of the passing faults for every request for information. Each round has other pairs.
func (st *stage) round(n int) map[point]fault {
	cells := map[point]fault{}
	for _, p := range st.requests {
		if !p.changes {
			cells[p] = passing[(len(cells)+n)%len(passing)]
		}
	}
	return cells
}

// matrix collects the results of the faults.
type matrix struct {
	mu       sync.Mutex
	healings map[string]*healing
	cells    map[string]string
}

// healing is the result of the applies after a fault. It is the same for scenes with the same fingerprint, so it is computed
// once.
type healing struct {
	done    chan struct{}
	applies int
	failed  bool
}

// try applies with faults, and heals the scene afterwards.
func (m *matrix) try(t *testing.T, st *stage, cells map[point]fault) {
	s := st.restore(t)
	r, met := s.applyWithFaults(cells)
	lost := nothing
	for _, f := range cells {
		lost = max(lost, f.loses)
	}
	h := m.heal(s, st, lost)
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

// heal heals the scene, or waits for the result of a scene with the same fingerprint.
func (m *matrix) heal(s *scene, st *stage, lost loss) *healing {
	fingerprint := fmt.Sprintln(st.name, lost, s.fingerprint())
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
	h.failed = true // in case heal ends the test
	h.applies = s.heal(st, lost)
	h.failed = s.t.Failed()
	return h
}

func (m *matrix) set(st *stage, p point, f fault, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[fmt.Sprint(st.name, p, f.name)] = what
}

// print prints the matrix. "go test" shows it if it runs in the package's directory.
func (m *matrix) print(stages []*stage) {
	var b strings.Builder
	fmt.Fprintln(&b, "· the apply succeeds   1, 2 number of further applies   ✗ not healed   ? the fault did not occur")
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
	fmt.Fprintf(&b, "%d succeed, %d need one more apply, %d need two, %d are not healed, %d did not occur; %d different results\n",
		counts["·"], counts["1"], counts["2"], counts["✗"], counts["?"], len(m.healings))
	fmt.Print(b.String())
}
