package rotation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestDeploysEveryClusterOnce has clusters in every state from which a rotation is allowed.
func TestDeploysEveryClusterOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	slow := s.org.AddCluster("slow", "us-east-1", s.set)
	slow.SetDeploymentDuration(20 * time.Minute)
	failed := s.org.AddCluster("failed", "eu-west-3", s.set)
	failed.SetState("DEPLOYMENT_ERROR")
	stopped := s.org.AddStoppedCluster("stopped", "eu-west-3", s.set)
	fresh := s.org.AddNewCluster("new", "ap-south-1", s.set)
	other := s.org.AddCluster("other", "eu-west-3", s.org.AddCredentials("other", s.AddUser("other").AddKey()))

	outcome := s.mustRotate(s.request())
	s.checkRotated(outcome)
	for _, cluster := range []*simulator.Cluster{slow, failed} {
		s.checkDeployed(cluster, outcome.AccessKeyID)
	}
	for _, cluster := range []*simulator.Cluster{stopped, fresh, other} {
		s.checkDeployed(cluster)
	}
	if ended := slow.Deployments()[0].EndedAt; outcome.DeployedAt.Before(ended) {
		t.Errorf("deployed at %s, before the last cluster at %s", outcome.DeployedAt, ended)
	}
	if len(outcome.Clusters) != 5 {
		t.Errorf("clusters %v", outcome.Clusters)
	}
	if took := outcome.DeployedAt.Sub(outcome.RotatedAt); took > 21*time.Minute {
		t.Errorf("the deployments took %s, one after the other", took)
	}
}

func TestDeploymentsShareTheirStatusRequests(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for i := range 20 {
		s.org.AddCluster(fmt.Sprint("c", i), "eu-west-3", s.set)
	}
	started := s.Clock().Now()
	s.mustRotate(s.request())
	if most := int(s.Clock().Now().Sub(started)/pollInterval) + 1; s.sent(simulator.OpListClusterStatuses) > most {
		t.Errorf("%d status requests, want %d at most", s.sent(simulator.OpListClusterStatuses), most)
	}
	if got := s.sent(simulator.OpDeployCluster); got != 21 {
		t.Errorf("%d deployments were asked for", got)
	}
}

// TestDeploymentWaitsForAnotherOne has another deployment run before the rotation, or begin at the last moment.
func TestDeploymentWaitsForAnotherOne(t *testing.T) {
	t.Parallel()
	// later sets a state when the statuses are read for the fifth time.
	later := func(s *stage, state string) {
		s.Inject(simulator.Fault{
			Kind: simulator.FaultCallBefore, Match: simulator.Operation(simulator.OpListClusterStatuses), At: 5,
			Call: func(simulator.Request) { s.cluster.SetState(state) },
		})
	}
	tests := map[string]struct {
		given func(s *stage)
		// before and after are how often the cluster is deployed with the old key and with the new one.
		before, after int
	}{
		"under way from the start": {func(s *stage) { s.cluster.DeployBySomebodyElse() }, 1, 1},
		"from the last moment on": {
			func(s *stage) {
				s.Before(simulator.OpDeployCluster, func(simulator.Request) { s.cluster.DeployBySomebodyElse() })
			}, 0, 2,
		},
		"stopping": {func(s *stage) { s.cluster.SetState("STOPPING"); later(s, "STOPPED") }, 0, 0},
		"a state that is newer than this program": {func(s *stage) { s.cluster.SetState("HIBERNATING"); later(s, "DEPLOYED") }, 0, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.cluster.SetDeploymentDuration(3 * time.Minute)
			test.given(s)
			outcome := s.mustRotate(s.request())
			s.checkDeployed(s.cluster, slices.Concat(
				slices.Repeat([]string{s.key.ID}, test.before), slices.Repeat([]string{outcome.AccessKeyID}, test.after))...)
			if outcome.DeployedAt.IsZero() {
				t.Errorf("outcome %+v", outcome)
			}
		})
	}
}

// TestDeploymentIsRepeatedOnce has deployments end with INVALID_CREDENTIALS.
func TestDeploymentIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("INVALID_CREDENTIALS")
	outcome := s.mustRotate(s.request())
	s.checkDeployed(s.cluster, outcome.AccessKeyID, outcome.AccessKeyID)

	s = newStage(t)
	for range 2 {
		s.cluster.FailNextDeployment("INVALID_CREDENTIALS")
	}
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment, "ended with the state INVALID_CREDENTIALS")
	s.checkDeployed(s.cluster, outcome.AccessKeyID, outcome.AccessKeyID)
}

// TestDeploymentFailsAndIsResumed has one of two clusters fail. The next run deploys only that one.
func TestDeploymentFailsAndIsResumed(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"DEPLOYMENT_ERROR", "CANCELED", "BUILD_ERROR", "STOP_ERROR", "STOPPED"} {
		for _, withState := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s with state %t", state, withState), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				second := s.org.AddCluster("second", "eu-west-3", s.set)
				s.cluster.FailNextDeployment(state, "quota exceeded", "no nodes")
				outcome, err := s.rotate(s.request())
				checkProblem(t, err, rotation.SummaryDeployment, `cluster "prod"`, "ended with the state "+state, "quota exceeded", "no nodes",
					"Qovery holds the new access key "+outcome.AccessKeyID, s.key.ID+" still works", "does not create another key")
				if outcome == nil || !outcome.DeployedAt.IsZero() || !slices.Equal(outcome.DeployedClusters, []string{second.ID}) {
					t.Errorf("outcome %+v", outcome)
				}
				if strings.HasPrefix(state, "STOP") {
					return
				}

				req := s.request()
				if withState {
					req.Record = outcome
				}
				resumed := s.mustRotate(req)
				if resumed.AccessKeyID != outcome.AccessKeyID || resumed.DeployedAt.IsZero() ||
					resumed.RotatedAt.Truncate(time.Second) != outcome.RotatedAt.Truncate(time.Second) {
					t.Errorf("outcome %+v, then %+v", outcome, resumed)
				}
				s.checkKeys(s.key.ID, outcome.AccessKeyID)
				s.checkDeployed(s.cluster, outcome.AccessKeyID, outcome.AccessKeyID)
				want := []string{outcome.AccessKeyID}
				if !withState {
					want = append(want, outcome.AccessKeyID) // without a state, the cluster is deployed twice
				}
				s.checkDeployed(second, want...)
			})
		}
	}
}

func TestDeploymentsFailTogether(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCluster("second", "eu-west-3", s.set)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "no nodes")
	second.FailNextDeployment("CANCELED")
	s.Inject(simulator.Fault{
		Kind: simulator.FaultStatus, Status: 404, Times: -1,
		Match: func(r simulator.Request) bool {
			return r.Operation == simulator.OpListClusterLogs && strings.Contains(r.Path, second.ID)
		},
	})
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment, `cluster "prod"`, "ended with the state DEPLOYMENT_ERROR", "no nodes", `cluster "second"`,
		"ended with the state CANCELED",
		"The cluster's log could not be read", "reading the log of "+`cluster "second"`, "HTTP 404")
	if len(outcome.DeployedClusters) != 0 {
		t.Errorf("outcome %+v", outcome)
	}
}

// TestFailedDeploymentShowsItsOwnErrors has deployments fail before the one that the message is about.
func TestFailedDeploymentShowsItsOwnErrors(t *testing.T) {
	t.Parallel()
	const silent = "The cluster's log shows no error of this deployment"
	fail := func(s *stage, state string, lines ...string) { s.cluster.FailNextDeployment(state, lines...) }
	tests := map[string]struct {
		given     func(s *stage)
		want, not []string
		// reads is how often the log is read.
		reads int
	}{
		"after somebody else's long ago": {
			given: func(s *stage) {
				fail(s, "DEPLOYMENT_ERROR", "old trouble")
				s.cluster.DeployBySomebodyElse()
				s.Clock().Advance(24 * time.Hour)
				fail(s, "DEPLOYMENT_ERROR", "new trouble")
			},
			want: []string{"new trouble", "Fix the problem reported above"}, not: []string{"old trouble", "console"}, reads: 1,
		},
		"after somebody else's that was waited for": {
			given: func(s *stage) {
				s.cluster.DeployBySomebodyElse()
				fail(s, "DEPLOYMENT_ERROR", "new trouble")
			},
			want: []string{"new trouble"}, reads: 1,
		},
		"after a first try": {
			given: func(s *stage) {
				fail(s, "INVALID_CREDENTIALS", "first trouble")
				fail(s, "INVALID_CREDENTIALS", "second trouble")
			},
			want: []string{"second trouble"}, not: []string{"first trouble"}, reads: 1,
		},
		"without any, after somebody else's": {
			given: func(s *stage) {
				fail(s, "DEPLOYMENT_ERROR", "old trouble")
				s.cluster.DeployBySomebodyElse()
				s.Clock().Advance(time.Minute)
				fail(s, "CANCELED")
			},
			want: []string{silent, "Qovery's console"}, not: []string{"old trouble", "what the cluster's log names"}, reads: 2,
		},
		"when the answer to the request was lost": {
			given: func(s *stage) {
				fail(s, "DEPLOYMENT_ERROR", "new trouble")
				s.FailNext(simulator.OpDeployCluster, simulator.FaultLost)
			},
			want: []string{"new trouble"}, reads: 1,
		},
		"when Qovery's clock is slow": {
			given: func(s *stage) { s.SkewQovery(-time.Hour); fail(s, "DEPLOYMENT_ERROR", "new trouble") },
			want:  []string{"new trouble"}, reads: 1,
		},
		"when the log lags": {
			given: func(s *stage) { s.cluster.DelayLog(8 * time.Second); fail(s, "DEPLOYMENT_ERROR", "new trouble") },
			want:  []string{"new trouble"}, not: []string{silent}, reads: 2,
		},
		"when the log cannot be read": {
			given: func(s *stage) {
				fail(s, "DEPLOYMENT_ERROR", "new trouble")
				s.Inject(simulator.Fault{
					Kind: simulator.FaultStatus, Status: 403, Times: -1, Match: simulator.Operation(simulator.OpListClusterLogs),
				})
			},
			want: []string{"The cluster's log could not be read", "HTTP 403", "Qovery's console"},
			not:  []string{silent, "what the cluster's log names"}, reads: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.given(s)
			_, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryDeployment, append(test.want, "does not create another key")...)
			for _, not := range test.not {
				if strings.Contains(err.Error(), not) {
					t.Errorf("the message says %q:\n%s", not, err)
				}
			}
			if got := s.sent(simulator.OpListClusterLogs); got != test.reads {
				t.Errorf("the log was read %d times, want %d", got, test.reads)
			}
		})
	}
}

// TestFailedDeploymentOfAResumedRotation has both runs fail. The second one begins while the deployment of the first one runs.
func TestFailedDeploymentOfAResumedRotation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "first trouble")
	ctx, cancel := context.WithCancel(t.Context())
	s.After(simulator.OpDeployCluster, func(simulator.Request) { cancel() })
	if _, err := s.process().Rotate(ctx, s.request()); err == nil {
		t.Fatal("the rotation went on")
	}
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "second trouble")
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment, "second trouble")
	if strings.Contains(err.Error(), "first trouble") {
		t.Errorf("the message has the other run's trouble:\n%s", err)
	}
}
