package rotation

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// states is the whole ClusterStateEnum of Qovery, with states of older and newer versions, and what each state means.
var states = map[string]struct {
	run run
	// leftAlone is for a cluster that was deployed before, leftAloneNew for one that never was.
	leftAlone, leftAloneNew bool
}{
	"BUILDING":          {run: runRunning},
	"CANCELING":         {run: runRunning},
	"DELETE_QUEUED":     {run: runRunning},
	"DELETING":          {run: runRunning},
	"DRY_RUN":           {run: runRunning},
	"DEPLOYING":         {run: runRunning},
	"DEPLOYMENT_QUEUED": {run: runRunning},
	"QUEUED":            {run: runRunning},
	"RESTARTING":        {run: runRunning},
	"RESTART_QUEUED":    {run: runRunning},
	"STOPPING":          {run: runRunning},
	"STOP_QUEUED":       {run: runRunning},

	"DEPLOYED":  {run: runSucceeded},
	"RESTARTED": {run: runSucceeded},
	"RUNNING":   {run: runSucceeded},

	"INVALID_CREDENTIALS": {run: runInvalidCredentials, leftAloneNew: true},

	"BUILD_ERROR":      {run: runFailed, leftAloneNew: true},
	"CANCELED":         {run: runFailed, leftAloneNew: true},
	"DEPLOYMENT_ERROR": {run: runFailed, leftAloneNew: true},
	"INTERNAL_ERROR":   {run: runFailed, leftAloneNew: true},
	"READY":            {run: runFailed, leftAloneNew: true},
	"RESTART_ERROR":    {run: runFailed, leftAloneNew: true},

	"DELETED": {run: runAtRest, leftAlone: true, leftAloneNew: true},
	"STOPPED": {run: runAtRest, leftAlone: true, leftAloneNew: true},

	"":             {run: runUndeployable},
	"DELETE_ERROR": {run: runUndeployable},
	"STOP_ERROR":   {run: runUndeployable},

	"HIBERNATING":       {run: runRunning},
	"deployed":          {run: runRunning},
	"HIBERNATION_ERROR": {run: runFailed, leftAloneNew: true},
}

func TestClassify(t *testing.T) {
	for state, want := range states {
		if got := classify(state); got != want.run {
			t.Errorf("classify(%q) = %d, want %d", state, got, want.run)
		}
	}
}

func TestIsLeftAlone(t *testing.T) {
	for state, want := range states {
		if got := isLeftAlone(ClusterStatus{State: state, IsDeployed: true}); got != want.leftAlone {
			t.Errorf("in state %q after a deployment: %t, want %t", state, got, want.leftAlone)
		}
		if got := isLeftAlone(ClusterStatus{State: state}); got != want.leftAloneNew {
			t.Errorf("in state %q and never deployed: %t, want %t", state, got, want.leftAloneNew)
		}
	}
}

func TestJudgeDeployment(t *testing.T) {
	// What a state means if it is certain that it belongs to the requested deployment.
	results := map[run]deploymentResult{
		runRunning:            deploymentRunning,
		runSucceeded:          deploymentSucceeded,
		runInvalidCredentials: deploymentInvalidCredentials,
		runFailed:             deploymentFailed,
		runAtRest:             deploymentFailed,
		runUndeployable:       deploymentFailed,
	}
	before := ClusterStatus{State: "DEPLOYED", LastExecutionID: "1", LastDeploymentDate: "Monday"}
	for state, is := range states {
		want := results[is.run]
		unmoved := want
		if is.run != runRunning {
			unmoved = deploymentInvisible
		}
		tests := map[string]struct {
			now         ClusterStatus
			seenRunning bool
			want        deploymentResult
		}{
			"nothing moved":          {ClusterStatus{LastExecutionID: "1", LastDeploymentDate: "Monday"}, false, unmoved},
			"the execution moved":    {ClusterStatus{LastExecutionID: "2", LastDeploymentDate: "Monday"}, false, want},
			"the date moved":         {ClusterStatus{LastExecutionID: "1", LastDeploymentDate: "Tuesday"}, false, want},
			"a running one was seen": {ClusterStatus{LastExecutionID: "1", LastDeploymentDate: "Monday"}, true, want},
		}
		for name, test := range tests {
			test.now.State = state
			if got := judgeDeployment(before, test.now, test.seenRunning); got != test.want {
				t.Errorf("%s, state %q: %d, want %d", name, state, got, test.want)
			}
		}
	}
}

func TestJudgeDeploymentOfAClusterThatFailedBefore(t *testing.T) {
	before := ClusterStatus{State: "DEPLOYMENT_ERROR", LastExecutionID: "1"}
	if got := judgeDeployment(before, before, false); got != deploymentInvisible {
		t.Errorf("the error of the deployment before counts as %d, want %d", got, deploymentInvisible)
	}
	after := ClusterStatus{State: "DEPLOYMENT_ERROR", LastExecutionID: "2"}
	if got := judgeDeployment(before, after, false); got != deploymentFailed {
		t.Errorf("the same error of this deployment counts as %d, want %d", got, deploymentFailed)
	}
}

func TestLogBoundary(t *testing.T) {
	t.Parallel()
	read := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return read.Add(d).Format(time.RFC3339Nano) }
	for name, test := range map[string]struct {
		before ClusterStatus
		want   time.Time
	}{
		"long after the deployment before":  {ClusterStatus{ReadAt: read, LastDeploymentDate: date(-time.Hour)}, read.Add(-time.Second)},
		"right after the deployment before": {ClusterStatus{ReadAt: read, LastDeploymentDate: date(time.Second / 2)}, read.Add(time.Second / 2)},
		"never deployed before":             {ClusterStatus{ReadAt: read}, read.Add(-time.Second)},
		"date of another form":              {ClusterStatus{ReadAt: read, LastDeploymentDate: "Monday"}, read.Add(-time.Second)},
		"no time of the answer":             {ClusterStatus{LastDeploymentDate: date(-time.Hour)}, read.Add(-time.Hour)},
	} {
		if got := logBoundary(test.before); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := logBoundary(ClusterStatus{}); got.After(time.Time{}) {
		t.Errorf("without any time: %s", got)
	}
}

func TestFailedDeployment(t *testing.T) {
	t.Parallel()
	refused := errors.New("HTTP 403: no rights")
	for name, test := range map[string]struct {
		lines         []string
		err           error
		cause, advice string
	}{
		"with errors": {
			lines: []string{"first", "second"},
			cause: "\n  first\n  second", advice: "reported above",
		},
		"without": {
			cause: "shows no error", advice: "Qovery's console",
		},
		"unreadable": {
			err: refused, cause: "log could not be read", advice: "Qovery's console",
		},
	} {
		cluster := Cluster{ID: "c1", Name: "prod"}
		problem := failedDeployment(cluster, "DEPLOYMENT_ERROR", test.lines, test.err)
		if !strings.Contains(problem.Cause, test.cause) || !strings.Contains(problem.Advice, test.advice) ||
			errors.Is(problem, refused) != (test.err != nil) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}
