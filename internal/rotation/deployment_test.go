package rotation

import "testing"

// states is the whole ClusterStateEnum of Qovery, what older and newer versions of it may say, and what each state means.
var states = map[string]struct {
	run run
	// leftAlone is for a cluster that was deployed before, leftAloneNew for one that never was.
	leftAlone, leftAloneNew bool
}{
	"BUILDING":          {run: runRunning},
	"CANCELING":         {run: runRunning},
	"DELETE_QUEUED":     {run: runRunning},
	"DELETING":          {run: runRunning},
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
	"DRY_RUN":          {run: runFailed, leftAloneNew: true},
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
	// What a state means once it is certain that it is of the deployment that was asked for.
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
