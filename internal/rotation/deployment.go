package rotation

import (
	"strings"
	"time"
)

// logSkew is how far the clocks of Qovery's API and of what writes the clusters' logs may be apart.
const logSkew = time.Second

// run says what the state of a cluster means for its current or last deployment.
type run int

const (
	// runRunning is everything that is not known to be final: a state that is newer than this program is still running.
	runRunning run = iota
	// runSucceeded is a deployment that reached its end.
	runSucceeded
	// runInvalidCredentials is a deployment that could not use its key; one more is worth trying.
	runInvalidCredentials
	// runFailed is every other final state, among them those that are not of a deployment.
	runFailed
	// runAtRest is a cluster that is off: it gets its key when somebody starts it.
	runAtRest
	// runUndeployable is a cluster whose stop or deletion failed, or one without a state.
	runUndeployable
)

// classify maps Qovery's ClusterStateEnum. RUNNING is what older versions of the API said for DEPLOYED, and DRY_RUN is a run that
// is under way.
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
// deployment failed has run, so it is not left alone, whatever "is_deployed" says of it.
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

// bySelfManagement separates the clusters that are deployed from those that somebody else runs: Qovery has no deployment for
// these. A mode that is newer than this program is deployed.
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

// judgeDeployment distinguishes this deployment from the one before it: right after the request the status still shows the
// previous one's end, so a final state counts only once the execution moved or a running state was seen.
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

// logBoundary is the time, by Qovery's clock, after which a cluster's log is about the deployment that came after a status of
// the cluster at rest. Entries of the log name no deployment. The status is the one that [judgeDeployment] compares with, so
// the boundary holds too when the answer to the request to deploy was lost. Whatever is not later than the date of the
// deployment before belongs to that one, however short the time between the two.
func logBoundary(before ClusterStatus) time.Time {
	boundary := before.ReadAt.Add(-logSkew)
	if previous, err := time.Parse(time.RFC3339, before.LastDeploymentDate); err == nil && previous.After(boundary) {
		return previous
	}
	return boundary
}
