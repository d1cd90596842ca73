package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestDeploymentIsRefused changes a cluster between the cutover and its deployment.
func TestDeploymentIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(s *stage)
		undo    func(s *stage)
		summary string
		facts   []string
	}{
		"locked": {
			func(s *stage) { s.cluster.Lock("Ada", "audit") }, func(s *stage) { s.cluster.Unlock() },
			rotation.SummaryClusterLocked,
			[]string{`luster "prod"`, "locked by Ada", "audit"},
		},
		"being stopped": {
			func(s *stage) { s.cluster.SetState("STOP_ERROR") }, func(s *stage) { s.cluster.SetState("DEPLOYED") },
			rotation.SummaryClusterState,
			[]string{`luster "prod"`, "STOP_ERROR"},
		},
		"restricted": {
			func(s *stage) { s.org.RestrictDeployments("NO_CREDIT_CARD") }, func(s *stage) { s.org.RestrictDeployments("") },
			rotation.SummaryDeployment,
			[]string{`refused to deploy cluster "prod"`, "NO_CREDIT_CARD", "HTTP 403"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.After(simulator.OpEditRegistry, func(simulator.Request) { test.change(s) })
			outcome, err := s.rotate(s.request())
			checkProblem(t, err, test.summary, append(test.facts, "Qovery holds the new access key "+outcome.AccessKeyID)...)
			if outcome == nil || !outcome.DeployedAt.IsZero() {
				t.Errorf("outcome %+v", outcome)
			}
			s.checkDeployed(s.cluster)

			test.undo(s)
			req := s.request()
			req.Record = outcome
			s.checkRotated(s.mustRotate(req))
		})
	}
}

// TestDeploymentIsAskedForUntilItBegins loses every answer, and every request before them.
func TestDeploymentIsAskedForUntilItBegins(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Inject(simulator.Fault{
		Kind: simulator.FaultResetBefore, Match: simulator.Operation(simulator.OpDeployCluster), Times: 3,
	})
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment, `deployment of cluster "prod"`, "3 times", "no clear answer, and no deployment began")
	if outcome == nil {
		t.Errorf("outcome %+v", outcome)
	}
	req := s.request()
	req.Record = outcome
	s.checkRotated(s.mustRotate(req))
}

// TestDeploymentOutlivesStatusesThatCannotBeRead has Qovery fail for a while, in ways that pass and in one that does not.
func TestDeploymentOutlivesStatusesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.FaultKind{simulator.FaultHTML, simulator.FaultBefore500, simulator.FaultResetBefore} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.After(simulator.OpDeployCluster, func(simulator.Request) {
				s.Inject(simulator.Fault{Kind: kind, Match: simulator.Operation(simulator.OpListClusterStatuses), Times: 10})
			})
			s.checkRotated(s.mustRotate(s.request()))
		})
	}
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.After(simulator.OpDeployCluster, func(simulator.Request) {
			s.Inject(simulator.Fault{
				Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(simulator.OpListClusterStatuses), Times: -1,
			})
		})
		outcome, err := s.rotate(s.request())
		checkProblem(t, err, rotation.SummaryForbidden, `cluster "prod"`, "It is unknown whether", "HTTP 403", outcome.AccessKeyID)
		if outcome == nil || !errors.Is(err, rotation.ErrForbidden) {
			t.Errorf("outcome %+v", outcome)
		}
	})
}

// TestClustersCannotBeReadAfterTheCutover resumes when every recorded cluster is deployed, and attaches one more. The rotation
// is not complete before that cluster is deployed too.
func TestClustersCannotBeReadAfterTheCutover(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{simulator.OpListCredentials, simulator.OpListClusters} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
			req := s.request()
			req.UserName = s.user.Name
			req.Record, _ = s.rotate(req)
			req.Record.DeployedClusters = []string{s.cluster.ID}
			var late *simulator.Cluster
			s.After(operation, func(simulator.Request) { late = s.org.AddCluster("late", "eu-west-3", s.set) })
			s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(operation), At: 2})
			outcome, err := s.rotate(req)
			checkProblem(t, err, rotation.SummaryForbidden, "HTTP 403", "next apply")
			if outcome == nil || !outcome.Unfinished || !outcome.DeployedAt.IsZero() {
				t.Errorf("outcome %+v", outcome)
			}
			s.checkDeployed(late)

			req.Record = outcome
			outcome = s.mustRotate(req)
			s.checkDeployed(late, outcome.AccessKeyID)
		})
	}
}

// TestRotationEnds ends a rotation in each of its waits, by a cancellation or by its timeout. The next run completes it.
func TestRotationEnds(t *testing.T) {
	t.Parallel()
	at := func(operation string, n int) func(s *stage, end func()) {
		return func(s *stage, end func()) {
			s.Inject(simulator.Fault{
				Kind: simulator.FaultCallAfter, Match: simulator.Operation(operation), At: n, Call: func(simulator.Request) { end() },
			})
		}
	}
	after := func(fault simulator.FaultKind, operation string) func(s *stage, end func()) {
		return func(s *stage, end func()) {
			s.Inject(simulator.Fault{Kind: fault, Match: simulator.Operation(operation), Call: func(simulator.Request) { end() }})
		}
	}
	tests := map[string]struct {
		given   func(s *stage, end func())
		cutOver bool
		// cancelOnly is for a request that a cancellation does not end, but a timeout does.
		cancelOnly bool
	}{
		"while a journal is watched": {given: func(s *stage, end func()) {
			s.writeJournal(rotation.StageCreating, "", 0)
			// The clock moves by itself as soon as somebody waits, so the rotation must have begun before.
			s.Before("GetUser", func(simulator.Request) { s.later(time.Minute, end) })
		}},
		"after the journal":                {given: at(tagUser, 1)},
		"during the creation":              {given: at(createAccessKey, 1)},
		"during a creation that gets lost": {given: after(simulator.FaultCallInstead, createAccessKey)},
		"during the verification":          {given: at(getCallerIdentity, 3)},
		"at the cutover":                   {given: at(simulator.OpEditAWSCredentials, 1), cutOver: true, cancelOnly: true},
		"while holders are served":         {given: at(simulator.OpEditRegistry, 1), cutOver: true},
		"at the deployment":                {given: at(simulator.OpDeployCluster, 1), cutOver: true},
		"while the deployment runs":        {given: at(simulator.OpListClusterStatuses, 5), cutOver: true},
		"while another deployment is awaited": {given: func(s *stage, end func()) {
			s.cluster.DeployBySomebodyElse()
			at(simulator.OpListClusterStatuses, 3)(s, end)
		}, cutOver: true},
		"while an unclear deployment is looked for": {given: func(s *stage, end func()) {
			s.FailNext(simulator.OpDeployCluster, simulator.FaultResetBefore)
			at(simulator.OpListClusterStatuses, 4)(s, end)
		}, cutOver: true},
	}
	for name, test := range tests {
		for _, timeout := range []bool{false, true} {
			if timeout && test.cancelOnly {
				continue
			}
			t.Run(fmt.Sprintf("%s timeout=%t", name, timeout), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var endedAt time.Time
				summary, cause := rotation.SummaryInterrupted, context.Canceled
				end := func() {
					endedAt = s.Clock().Now()
					cancel()
				}
				if timeout {
					summary, cause = rotation.SummaryTimeout, context.DeadlineExceeded
					end = func() {
						endedAt = s.Clock().Now().Add(3 * time.Hour)
						s.Clock().AdvanceTo(endedAt)
					}
				}
				test.given(s, end)
				req := s.request()
				req.UserName = s.user.Name
				outcome, err := s.process().Rotate(ctx, req)
				if err == nil {
					t.Fatalf("the rotation went on: %+v", outcome)
				}
				if problem := rotation.AsProblem(err); problem.Summary != summary && !errors.Is(err, cause) {
					t.Errorf("error %v, want %q", err, summary)
				}
				if took := s.Clock().Now().Sub(endedAt); took > 10*time.Second {
					t.Errorf("it ended after %s", took)
				}
				if outcome != nil != test.cutOver {
					t.Errorf("outcome %+v, cut over is wanted to be %t", outcome, test.cutOver)
				}
				if held := s.set.AccessKeyID(); (held != s.key.ID) != test.cutOver {
					t.Errorf("Qovery holds %s", held)
				}

				s.ClearFaults()
				next := s.request()
				if test.cutOver {
					next.Record = outcome
				}
				again := s.mustRotate(next)
				if again.DeployedAt.IsZero() || s.set.AccessKeyID() != again.AccessKeyID ||
					s.cluster.Registry().AccessKeyID() != again.AccessKeyID {
					t.Errorf("outcome %+v", again)
				}
				s.checkKeys(s.key.ID, again.AccessKeyID)
			})
		}
	}
}
