package rotation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// watcher records the events of a job.
type watcher struct {
	mu     sync.Mutex
	events []rotation.Event
}

func (w *watcher) watch(ctx context.Context) context.Context {
	return rotation.WithReporter(ctx, func(_ context.Context, event rotation.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, event)
	})
}

// told returns the events as lines: "!" before a setback, and the named fields after each message.
func (w *watcher) told(fields ...string) []string {
	var lines []string
	for _, event := range w.events {
		line := event.Message
		if event.Setback {
			line = "! " + line
		}
		for _, name := range fields {
			if value, ok := event.Fields[name]; ok {
				line += fmt.Sprintf(" %s=%v", name, value)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// check compares the events with the wanted lines.
func (w *watcher) check(t *testing.T, want []string, fields ...string) {
	t.Helper()
	if got := strings.Join(w.told(fields...), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// The log of a rotation shows what happens to which key and cluster, how often it was tried, and how long it took.
func TestEventsOfARotation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.FailNext(simulator.OpDeployCluster, simulator.FaultResetBefore)
	var w watcher
	if _, err := s.process().Rotate(w.watch(t.Context()), s.request()); err != nil {
		t.Fatal(err)
	}
	w.check(t, []string{
		"creating an access key elapsed=0s remaining=2h0m0s",
		"created an access key; verifying it elapsed=0s remaining=2h0m0s",
		"verified the new access key elapsed=12s remaining=1h59m48s",
		"cutover: storing the new access key in Qovery attempt=1 elapsed=12s remaining=1h59m48s",
		"cutover: Qovery holds the new access key elapsed=12s remaining=1h59m48s",
		"stored the new access key elapsed=12s remaining=1h59m48s",
		"cluster \"prod\": deploying attempt=1 elapsed=12s remaining=1h59m48s",
		"! cluster \"prod\": Qovery did not confirm the deployment attempt=1 elapsed=12s remaining=1h59m48s",
		"cluster \"prod\": deploying attempt=2 elapsed=42s remaining=1h59m18s",
		"cluster \"prod\": DEPLOYMENT_QUEUED after 35s elapsed=47s remaining=1h59m13s",
		"cluster \"prod\": DEPLOYING after 40s elapsed=52s remaining=1h59m8s",
		"cluster \"prod\": DEPLOYED after 1m30s elapsed=1m42s remaining=1h58m18s",
		"rotation complete elapsed=1m42s remaining=1h58m18s",
	}, "attempt", "elapsed", "remaining")
	for _, event := range w.events {
		for name, want := range map[string]string{
			"organization_id": s.org.ID, "credentials_id": s.set.ID, "iam_user_name": s.user.Name,
		} {
			if event.Fields[name] != want {
				t.Errorf("%s: %s is %v", event.Message, name, event.Fields[name])
			}
		}
	}
}

// The end of a deployment is reported even if its state is the one from before.
func TestEventsOfAShortDeployment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetDeploymentDuration(time.Second)
	var w watcher
	if _, err := s.process().Rotate(w.watch(t.Context()), s.request()); err != nil {
		t.Fatal(err)
	}
	if told := strings.Join(w.told("state", "ended"), "\n"); !strings.Contains(told, "after 5s state=DEPLOYED ended=true") {
		t.Errorf("the end of the deployment is not told:\n%s", told)
	}
}

func TestEventsOfARollback(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(simulator.OpEditAWSCredentials)})
	var w watcher
	if _, err := s.process().Rotate(w.watch(t.Context()), s.request()); err == nil {
		t.Fatal("no error")
	}
	w.check(t, []string{
		"creating an access key",
		"created an access key; verifying it",
		"verified the new access key",
		"cutover: storing the new access key in Qovery",
		"rolling back",
		"deleting an access key",
		"rolled back",
		"! the rotation stopped problem=" + rotation.SummaryRefused,
	}, "problem")
}

// An outage is reported when it begins, once a minute, and when it is over.
func TestEventsOfAnOutage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetDeploymentDuration(10 * time.Minute)
	s.Before(simulator.OpDeployCluster, func(simulator.Request) {
		s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpListClusterStatuses), Times: 120})
	})
	var w watcher
	if _, err := s.process().Rotate(w.watch(t.Context()), s.request()); err != nil {
		t.Fatal(err)
	}
	var outage []string
	for _, line := range w.told("attempt", "after") {
		if strings.Contains(line, "the statuses") {
			outage = append(outage, line)
		}
	}
	want := []string{
		"! the statuses of the clusters cannot be read; deployments continue attempt=1",
		"! the statuses of the clusters cannot be read; deployments continue attempt=13",
		"! the statuses of the clusters cannot be read; deployments continue attempt=25",
		"the statuses of the clusters can be read again attempt=31 after=2m30s",
	}
	if !slices.Equal(outage, want) {
		t.Errorf("told:\n%s", strings.Join(outage, "\n"))
	}
}
