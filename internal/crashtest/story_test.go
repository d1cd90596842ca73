package crashtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// stage is an apply of the story, with its start and its expected result.
type stage struct {
	name    string
	trigger string
	// wait is the time since the previous apply.
	wait time.Duration
	// behind is true for a stage after an interrupted rotation, which left the previous key in the registries.
	behind bool
	// leaks is true for a stage in which the current key has leaked.
	leaks bool
	// cutovers is the number of times that the key in Qovery's credentials is replaced, and keys is the number of keys afterwards.
	cutovers, keys int

	// Recorded in a run without faults.
	at       time.Time
	state    []byte
	tags     map[string]string
	ids      []string
	created  []time.Time
	requests []point
}

// point is a request of an apply: the nth one for its operation, because parallel requests arrive in any order. Without an
// operation it is the nth of all requests.
type point struct {
	operation string
	nth       int
	// mutates is true for a request for a change. changes is also true for a request that tries a new key, which is recorded as
	// a use of the key.
	changes, mutates bool
}

func (p point) String() string { return fmt.Sprintf("%s #%d", p.operation, p.nth) }

// story returns the stages: a first rotation, a cleanup, a second rotation, and a third one that also retires the previous
// key. Then a repair follows an interrupted rotation, and the key leaks during the drain window of the previous one.
func story() []*stage {
	return []*stage{
		{name: "create", trigger: "1", cutovers: 1, keys: 2},
		{name: "cleanup", trigger: "1", wait: afterDrain, keys: 1},
		{name: "rotate", trigger: "2", cutovers: 1, keys: 2},
		{name: "retire and rotate", trigger: "3", wait: afterDrain, cutovers: 1, keys: 2},
		{name: "make up", trigger: "4", wait: afterDrain, behind: true, cutovers: 1, keys: 2},
		{name: "leak", trigger: "4", wait: time.Minute, leaks: true, cutovers: 1, keys: 1},
	}
}

// record plays the story and fills in the stages.
func record(t tb) []*stage {
	t.Helper()
	stages := story()
	s := newQuarter(t)
	for _, st := range stages {
		s.Clock().Advance(st.wait)
		s.expectDrained()
		s.begin(st)
		if st.behind {
			s.applyWithFaults(map[point]fault{{operation: simulator.OpEditAWSCredentials, nth: 1}: providerKilledAfter})
			s.expectLater(s.apply())
			s.Clock().Advance(st.wait)
		}
		st.at, st.state, st.tags, st.ids = s.Clock().Now(), s.state(), s.user.Tags(), s.ids()
		for _, key := range s.user.Keys() {
			st.created = append(st.created, key.CreatedAt())
		}
		before, began := s.cutovers(), s.Clock().Now()
		s.ResetRequests()
		s.mustApply()
		st.requests = points(s.Requests())
		s.expectShortRepair(began)
		s.expectSettled(st.keys)
		if got := s.cutovers() - before; got != st.cutovers {
			t.Errorf("%s: %d cutovers, want %d", st.name, got, st.cutovers)
		}
		s.expectEmptyPlan()
	}
	return stages
}

// begin writes the configuration of a stage.
func (s *scene) begin(st *stage) {
	if st.leaks {
		s.compromised = []string{s.credentials.AccessKeyID()}
	}
	s.schedule(st.trigger)
}

func points(requests []simulator.Request) []point {
	var found []point
	seen := map[string]int{}
	for _, r := range requests {
		seen[r.Operation]++
		triesKey := r.API == simulator.APISTS || r.API == simulator.APIEC2 || r.Operation == "ListAccountAliases"
		found = append(found, point{r.Operation, seen[r.Operation], r.Mutating || triesKey, r.Mutating})
	}
	return found
}

// ids returns all ids of a scene, in the same order for every scene.
func (s *scene) ids() []string {
	ids := []string{s.organization.ID, s.credentials.ID, s.cluster.ID, s.cluster.Registry().ID, s.charts.ID}
	return append(ids, s.keyIDs()...)
}

// restore returns a scene at the start of the stage.
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
		s.tolerateRepair()
	}
	if !st.leaks { // After a leak, running deployments lose their key and may fail.
		s.addEnvironment()
	}
	s.begin(st)
	return s
}
