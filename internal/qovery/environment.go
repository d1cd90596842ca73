package qovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	// concurrentRequests is the maximum number of parallel requests.
	concurrentRequests = 20

	// historySize is the number of an environment's newest deployments to read.
	historySize = 20
)

type project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// check implements [answer].
func (p *project) check() error {
	if p.ID == "" {
		return fmt.Errorf("%w: a project without an id", errIncomplete)
	}
	return nil
}

// environment is an environment with the state of its current or last deployment.
type environment struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Cluster cluster `json:"cluster"`
	// DeploymentStatus is nil for an environment that was never deployed.
	DeploymentStatus *struct {
		State string `json:"state"`
	} `json:"deployment_status"`
}

// check implements [answer].
func (e *environment) check() error {
	switch {
	case e.ID == "":
		return fmt.Errorf("%w: an environment without an id", errIncomplete)
	case e.DeploymentStatus != nil && e.DeploymentStatus.State == "":
		return fmt.Errorf("%w: environment %s has a deployment without a state", errIncomplete, e.ID)
	}
	return e.Cluster.check()
}

// runs reports whether a deployment of the environment has not ended. An unknown state counts as running.
func (e *environment) runs() bool {
	return e.DeploymentStatus != nil && !isFinal(e.DeploymentStatus.State)
}

// isFinal reports whether a value of Qovery's StateEnum means that nothing runs.
func isFinal(state string) bool {
	switch state {
	case "CANCELED", "DELETED", "DEPLOYED", "READY", "RESTARTED", "STOPPED":
		return true
	}
	return strings.HasSuffix(state, "_ERROR")
}

// deployment is an entry of an environment's deployment history.
type deployment struct {
	ActionStatus string `json:"action_status"`
	AuditingData struct {
		CreatedAt timestamp `json:"created_at"`
	} `json:"auditing_data"`
}

// check implements [answer].
func (d *deployment) check() error {
	if d.ActionStatus == "" {
		return fmt.Errorf("%w: a deployment without a status", errIncomplete)
	}
	return nil
}

// hasEnded reports whether a deployment has ended. An unknown status counts as running.
func (d *deployment) hasEnded() bool {
	return slices.Contains([]string{"SUCCESS", "ERROR", "CANCELED", "NEVER"}, d.ActionStatus)
}

// RunningDeployments implements [rotation.Qovery].
func (c *Client) RunningDeployments(ctx context.Context, organizationID string) ([]rotation.EnvironmentDeployment, error) {
	var projects list[project, *project]
	if err := c.get(ctx, "listProject", organizationPath(organizationID, "project"), &projects); err != nil {
		return nil, err
	}
	found := make([][]rotation.EnvironmentDeployment, len(*projects.Results))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentRequests)
	for i, p := range *projects.Results {
		group.Go(func() (err error) {
			if found[i], err = c.projectDeployments(ctx, p); err != nil {
				return fmt.Errorf("project %s: %w", brief(cmp.Or(p.Name, p.ID), c.token), err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// projectDeployments returns the running deployments of one project.
func (c *Client) projectDeployments(ctx context.Context, p project) ([]rotation.EnvironmentDeployment, error) {
	var environments list[environment, *environment]
	if err := c.get(ctx, "getProjectEnvironmentsOverview", pathOf("project", p.ID, "environment", "overview"), &environments); err != nil {
		return nil, err
	}
	var running []rotation.EnvironmentDeployment
	for _, e := range *environments.Results {
		if !e.runs() {
			continue
		}
		askedAt, err := c.askedAt(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		running = append(running, rotation.EnvironmentDeployment{
			EnvironmentID: e.ID,
			Environment:   e.Name,
			Project:       p.Name,
			ClusterID:     e.Cluster.ID,
			ClusterName:   e.Cluster.Name,
			State:         e.DeploymentStatus.State,
			AskedAt:       askedAt,
		})
	}
	return running, nil
}

// askedAt returns when an environment's oldest running deployment was requested, or zero if that is unknown. The history may
// lag behind the environment's state, continue on another page, or be deleted with the environment.
func (c *Client) askedAt(ctx context.Context, environmentID string) (time.Time, error) {
	var history list[deployment, *deployment]
	path := pathOf("environment", environmentID, "deploymentHistoryV2") + "?pageSize=" + strconv.Itoa(historySize)
	err := c.get(ctx, "listEnvironmentDeploymentHistoryV2", path, &history)
	switch {
	case errors.Is(err, rotation.ErrNotFound):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, err
	}
	running := slices.DeleteFunc(*history.Results, func(d deployment) bool { return d.hasEnded() })
	if len(running) == 0 || len(running) >= historySize {
		return time.Time{}, nil
	}
	return slices.MinFunc(running, func(a, b deployment) int {
		return a.AuditingData.CreatedAt.at.Compare(b.AuditingData.CreatedAt.at)
	}).AuditingData.CreatedAt.at, nil
}
