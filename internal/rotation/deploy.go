package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// visibilityPeriod is how long a deployment is looked for after a request whose answer was lost, before it is asked for again.
	visibilityPeriod = 30 * time.Second
	// deploymentRequests is how often a deployment is asked for if every answer is lost.
	deploymentRequests = 3
	// logLag is how long a cluster's log may need to show why a deployment failed.
	logLag = 10 * time.Second
)

// errBusy means that another deployment of the cluster began just before this one was requested.
var errBusy = errors.New("somebody else deploys the cluster")

// deployAll deploys the clusters, wave by wave. If a cluster fails, the next wave does not begin.
func (r *Rotator) deployAll(ctx context.Context, in Intent, c *change) error {
	clusters, err := r.clustersToDeploy(ctx, in, c)
	if err != nil {
		return notDeployable(c.journal, err)
	}
	pending := slices.DeleteFunc(clusters, func(cluster Cluster) bool { return slices.Contains(c.deployed, cluster.ID) })
	// The clusters of a leaked key have no key that works, so none of them waits for another cluster.
	plan := Waves(pending, in.ProductionLast && !r.IsCompromised(c.journal.From))
	c.took = map[string]time.Duration{}
	// The state has only the time that all waves took together, so every wave is measured from here.
	w := watch{began: r.clock.Now(), last: deploymentTook(in.Record)}
	for i, wave := range plan {
		// Statuses from before the previous wave are outdated.
		start, err := r.awaitStatuses(ctx, in.OrganizationID, watch{began: r.clock.Now()})
		if err != nil {
			return notDeployable(c.journal, err)
		}
		if problems := r.deployWave(ctx, in.OrganizationID, c, wave, start, w); len(problems) > 0 {
			problem := notAllDeployed(c.journal, problems, slices.Concat(plan[i+1:]...))
			if problem.Summary == SummaryTimeout {
				problem.World += deployedBefore(c.took)
			}
			return problem
		}
	}
	return nil
}

// deployWave deploys clusters in parallel. If one fails, the others continue.
func (r *Rotator) deployWave(
	ctx context.Context, organizationID string, c *change, wave []Cluster, start []ClusterStatus, w watch,
) []*Problem {
	var (
		mu       sync.Mutex
		group    sync.WaitGroup
		problems []*Problem
	)
	began := r.clock.Now()
	for _, cluster := range wave {
		group.Go(func() {
			status, err := r.deploy(ctx, organizationID, cluster, statusOf(start, cluster.ID), w)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				c.deployed = append(c.deployed, cluster.ID)
				if !isLeftAlone(status) {
					c.took[cluster.String()] = r.clock.Now().Sub(began)
				}
				return
			}
			problems = append(problems, notSeenToEnd(cluster, status, err))
		})
	}
	group.Wait()
	slices.Sort(c.deployed)
	return problems
}

// Waves returns the clusters in the order in which they are deployed: those of a wave in parallel, and the next wave after all of
// them have succeeded.
func Waves(clusters []Cluster, productionLast bool) [][]Cluster {
	var waves [2][]Cluster
	for _, cluster := range clusters {
		last := 0
		if productionLast && cluster.Production {
			last = 1
		}
		waves[last] = append(waves[last], cluster)
	}
	return slices.DeleteFunc(waves[:], func(wave []Cluster) bool { return len(wave) == 0 })
}

// clustersToDeploy reads which clusters use the new key. It does so after the cutover, because a cluster that was attached
// since the decision needs the key too.
func (r *Rotator) clustersToDeploy(ctx context.Context, in Intent, c *change) ([]Cluster, error) {
	var s Snapshot
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.Sets, err = r.qovery.Credentials(gctx, in.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		s.Clusters, err = r.qovery.Clusters(gctx, in.OrganizationID)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	clusters, selfManaged := bySelfManagement(s.clustersOf(func(set CredentialsSet) bool {
		everywhere := in.RotateRegistries || r.IsCompromised(c.journal.From)
		return set.ID == in.CredentialsID || everywhere && set.AccessKeyID == c.journal.To
	}))
	for _, cluster := range selfManaged {
		step(ctx, fmt.Sprintf("cluster %q: not deployed, because it is self-managed", cluster.Name), "cluster_id", cluster.ID)
	}
	return clusters, nil
}

// deploy deploys one cluster, whose status was just read, and waits until it runs with the new key. A cluster that is not
// running is left alone without an error. deploy returns the last status that it has read.
func (r *Rotator) deploy(
	ctx context.Context, organizationID string, cluster Cluster, status ClusterStatus, w watch,
) (ClusterStatus, error) {
	retried := false
	for {
		before, err := r.awaitRest(ctx, organizationID, cluster, status)
		if err != nil {
			return before, err
		}
		switch {
		case isLeftAlone(before):
			clusterStep(ctx, "not deployed, because it is not running", cluster, before)
			return before, nil
		case before.Lock != nil:
			return before, lockedCluster(cluster, *before.Lock)
		case classify(before.State) == runUndeployable:
			return before, undeployableCluster(cluster, before.State)
		}
		requested := r.clock.Now()
		switch status, err = r.requestDeployment(ctx, organizationID, cluster, before); {
		case errors.Is(err, errBusy):
			continue
		case err != nil:
			return status, err
		}
		// A status right after the request shows nothing new. The intervals count from the request.
		if err := r.clock.Sleep(ctx, cmp.Or(r.interval, w.interval(requested))); err != nil {
			return before, err
		}
		result, last, err := r.awaitDeployment(ctx, organizationID, cluster, before, requested, w)
		switch {
		case err != nil:
			return last, err
		case result == deploymentSucceeded:
			return last, nil
		case result == deploymentInvalidCredentials && !retried:
			// The key can still be unknown somewhere that the verification did not ask.
			retried, status = true, last
			continue
		}
		clusterStep(ctx, "reading the log of its deployment", cluster, last)
		lines, err := r.clusterErrors(ctx, organizationID, before)
		return last, failedDeployment(cluster, last.State, lines, err)
	}
}

// clusterStep reports a step for a cluster, with its last status. The message names the cluster, because the fields of a log line
// come in any order.
func clusterStep(ctx context.Context, message string, cluster Cluster, status ClusterStatus, pairs ...any) {
	step(ctx, fmt.Sprintf("cluster %q: %s", cluster.Name, message), append([]any{
		"cluster_id", cluster.ID, "state", status.State, "execution_id", status.LastExecutionID,
	}, pairs...)...)
}

// awaitStatuses reads the statuses of all clusters. It tries again after a failure that may pass or a rejection, because
// deployments continue meanwhile.
func (r *Rotator) awaitStatuses(ctx context.Context, organizationID string, w watch) ([]ClusterStatus, error) {
	for {
		statuses, err := r.statuses.await(ctx, organizationID, w)
		switch {
		case err == nil:
			return statuses, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !isPassing(err) && !errors.Is(err, ErrRejected):
			return nil, err
		}
	}
}

// status reads the status of one cluster.
func (r *Rotator) status(ctx context.Context, organizationID, clusterID string, w watch) (ClusterStatus, error) {
	statuses, err := r.awaitStatuses(ctx, organizationID, w)
	return statusOf(statuses, clusterID), err
}

// statusOf returns the status of one cluster. Its state is empty if the cluster is not in the list.
func statusOf(statuses []ClusterStatus, clusterID string) ClusterStatus {
	i := slices.IndexFunc(statuses, func(s ClusterStatus) bool { return s.ClusterID == clusterID })
	if i < 0 {
		return ClusterStatus{ClusterID: clusterID}
	}
	return statuses[i]
}

// awaitRest waits until no deployment of the cluster runs. It begins with the last status that was read.
func (r *Rotator) awaitRest(
	ctx context.Context, organizationID string, cluster Cluster, status ClusterStatus,
) (ClusterStatus, error) {
	w := watch{began: r.clock.Now()}
	for last := ""; classify(status.State) == runRunning; {
		if status.State != last {
			last = status.State
			clusterStep(ctx, "waiting for a deployment that already runs", cluster, status)
		}
		now, err := r.status(ctx, organizationID, cluster.ID, w)
		if err != nil {
			return status, err
		}
		status = now
	}
	return status, nil
}

// requestDeployment asks for a deployment. If the answer is lost, it checks whether a deployment begins before it asks again.
// With errBusy it returns the status of the other deployment.
func (r *Rotator) requestDeployment(
	ctx context.Context, organizationID string, cluster Cluster, before ClusterStatus,
) (ClusterStatus, error) {
	for n, unclear := 1, 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return before, err
		}
		clusterStep(ctx, "deploying", cluster, before, "attempt", n)
		once, cancel := r.detach(ctx, finishLimit)
		err := r.qovery.DeployCluster(once, organizationID, cluster.ID)
		cancel()
		if err == nil {
			return before, nil
		}
		setback(ctx, fmt.Sprintf("cluster %q: Qovery did not confirm the deployment", cluster.Name),
			"cluster_id", cluster.ID, "attempt", n, "error", err.Error())
		if errors.Is(err, ErrThrottled) {
			if err := r.clock.Sleep(ctx, retryInterval); err != nil {
				return before, err
			}
			continue
		}
		if IsDefinite(err) {
			status, readErr := r.status(ctx, organizationID, cluster.ID, watch{began: r.clock.Now()})
			if readErr == nil && classify(status.State) == runRunning {
				return status, errBusy
			}
			return before, deploymentRefused(cluster, errors.Join(err, readErr))
		}
		visible, lookErr := r.becomesVisible(ctx, organizationID, cluster, before)
		if visible || lookErr != nil {
			return before, lookErr
		}
		if unclear++; unclear == deploymentRequests {
			return before, deploymentUnclear(cluster, unclear, err)
		}
	}
}

// becomesVisible reports whether a deployment appears within visibilityPeriod.
func (r *Rotator) becomesVisible(ctx context.Context, organizationID string, cluster Cluster, before ClusterStatus) (bool, error) {
	w := watch{began: r.clock.Now()}
	for r.clock.Now().Sub(w.began) < visibilityPeriod {
		status, err := r.status(ctx, organizationID, cluster.ID, w)
		if err != nil {
			return false, err
		}
		if judgeDeployment(before, status, false) != deploymentInvisible {
			return true, nil
		}
	}
	return false, nil
}

// awaitDeployment waits for the end of the deployment that was asked for. It returns the last status that it has read.
func (r *Rotator) awaitDeployment(
	ctx context.Context, organizationID string, cluster Cluster, before ClusterStatus, requested time.Time, w watch,
) (deploymentResult, ClusterStatus, error) {
	seenRunning, last := false, before
	for {
		status, err := r.status(ctx, organizationID, cluster.ID, w)
		if err != nil {
			return deploymentInvisible, last, err
		}
		result := judgeDeployment(before, status, seenRunning)
		ended := result != deploymentInvisible && result != deploymentRunning
		if ended || status.State != last.State {
			took := r.clock.Now().Sub(requested).Round(time.Second)
			clusterStep(ctx, fmt.Sprintf("%s after %s", status.State, took), cluster, status, "deploying_for", took.String(), "ended", ended)
		}
		last = status
		if ended {
			return result, status, nil
		}
		seenRunning = seenRunning || result == deploymentRunning
	}
}

// clusterErrors reads the errors of the deployment that came after a status, and once more if there are none: the log can lag
// behind.
func (r *Rotator) clusterErrors(ctx context.Context, organizationID string, before ClusterStatus) ([]string, error) {
	after := logBoundary(before)
	lines, err := r.qovery.ClusterErrors(ctx, organizationID, before.ClusterID, after)
	if err == nil && len(lines) == 0 && r.clock.Sleep(ctx, logLag) == nil {
		return r.qovery.ClusterErrors(ctx, organizationID, before.ClusterID, after)
	}
	return lines, err
}
