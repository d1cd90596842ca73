package rotation

import (
	"strings"
	"time"
)

// logSkew is how far apart the clocks of Qovery's API and of the clusters' logs may be.
const logSkew = time.Second

// run is what the state of a cluster means for its running or last deployment.
type run int

const (
	// runRunning is every state that is not known to be final. A state that is newer than this program counts as running.
	runRunning run = iota
	// runSucceeded is a deployment that has succeeded.
	runSucceeded
	// runInvalidCredentials is a deployment that could not use its key. One more is worth trying.
	runInvalidCredentials
	// runFailed is every other final state, also of something else than a deployment.
	runFailed
	// runAtRest is a cluster that is off. It gets its key when somebody starts it.
	runAtRest
	// runUndeployable is a cluster whose stop or deletion failed, or one without a state.
	runUndeployable
)

// classify maps Qovery's ClusterStateEnum. Older versions of the API have RUNNING for DEPLOYED. DRY_RUN is a run that is under
// way.
func classify(state string) run {
	switch state {
	case "DEPLOYED", "RESTARTED", "RUNNING":
		return runSucceeded
	case "INVALID_CREDENTIALS":
		return runInvalidCredentials
	case "STOPPED", "DELETED":
		return runAtRest
	case "STOP_ERROR", "DELETE_ERROR", "":
		return runUndeployable
	case "CANCELED", "READY":
		return runFailed
	}
	if strings.HasSuffix(state, "_ERROR") {
		return runFailed
	}
	return runRunning
}

// isLeftAlone reports whether a rotation must not deploy the cluster, because that would start it. A cluster whose first
// deployment failed has run. So it is deployed, whatever its "is_deployed" is.
func isLeftAlone(status ClusterStatus) bool {
	neverDeployed := !status.IsDeployed && status.LastExecutionID == "" && status.LastDeploymentDate == ""
	switch classify(status.State) {
	case runAtRest:
		return true
	case runFailed, runInvalidCredentials:
		return neverDeployed || status.State == "READY" && !status.IsDeployed
	default:
		return false
	}
}

// bySelfManagement separates the clusters that Qovery deploys from the self-managed ones, which it does not. A mode that is newer
// than this program counts as deployed.
func bySelfManagement(clusters []Cluster) (deployed, selfManaged []Cluster) {
	for _, cluster := range clusters {
		if cluster.Kubernetes == "SELF_MANAGED" {
			selfManaged = append(selfManaged, cluster)
		} else {
			deployed = append(deployed, cluster)
		}
	}
	return deployed, selfManaged
}

// deploymentResult is what is known about a requested deployment.
type deploymentResult int

const (
	deploymentInvisible deploymentResult = iota
	deploymentRunning
	deploymentSucceeded
	deploymentInvalidCredentials
	deploymentFailed
)

// judgeDeployment distinguishes the requested deployment from the one before it. Right after the request, the status still
// shows the end of the previous deployment. So a final state counts only after the execution or its date has changed, or a
// running state was seen.
func judgeDeployment(before, now ClusterStatus, seenRunning bool) deploymentResult {
	result := classify(now.State)
	moved := now.LastExecutionID != before.LastExecutionID || now.LastDeploymentDate != before.LastDeploymentDate
	switch {
	case result == runRunning:
		return deploymentRunning
	case !moved && !seenRunning:
		return deploymentInvisible
	case result == runSucceeded:
		return deploymentSucceeded
	case result == runInvalidCredentials:
		return deploymentInvalidCredentials
	default:
		return deploymentFailed
	}
}

// logBoundary is the time, by Qovery's clock, after which a cluster's log is about the deployment that was asked for. Entries
// of the log name no deployment. The given status is the last one before the request, so the boundary also holds if the answer
// to the request was lost. Entries up to the date of the previous deployment belong to that one.
func logBoundary(before ClusterStatus) time.Time {
	boundary := before.ReadAt.Add(-logSkew)
	if previous, err := time.Parse(time.RFC3339, before.LastDeploymentDate); err == nil && previous.After(boundary) {
		return previous
	}
	return boundary
}
