package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Environment is an environment of a project, which is deployed on a cluster.
type Environment struct {
	ID   string
	Name string

	project     *Project
	cluster     *Cluster
	created     time.Time
	state       string
	run         *run   // the running deployment
	deployments []*run // including those that wait
}

// AddEnvironment creates an environment that was never deployed.
func (p *Project) AddEnvironment(name string, cluster *Cluster) *Environment {
	w := cluster.world
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &Environment{ID: newUUID(), Name: name, project: p, cluster: cluster, created: w.qoveryNow(), state: "READY"}
	w.environments[e.ID] = e
	p.environments = append(p.environments, e)
	return e
}

// Deploy deploys the environment in the console. If the cluster or the environment is being deployed, the deployment waits
// for that to end, and reads its keys only when it starts.
func (e *Environment) Deploy(duration time.Duration) {
	c := e.cluster
	c.change(func() {
		now := c.world.clock.Now()
		d := &run{
			Deployment: Deployment{ExecutionID: executionID(now), AskedAt: now, State: "DEPLOYMENT_QUEUED", By: bySomebodyElse},
			cluster:    c, environment: e, duration: duration, shows: "DEPLOYING", final: "DEPLOYED",
		}
		e.deployments = append(e.deployments, d)
		c.waiting = append(c.waiting, d)
		c.startWaiting(now)
		c.world.settle()
	})
}

// State returns the state in the overview.
func (e *Environment) State() string {
	var state string
	e.cluster.change(func() { state = e.state })
	return state
}

// SetState sets the state in the overview, such as EXECUTING, until a deployment starts or ends.
func (e *Environment) SetState(state string) { e.cluster.change(func() { e.state = state }) }

// Deployments lists the deployments since the environment was added, including those that wait and the running one.
func (e *Environment) Deployments() []Deployment {
	var deployments []Deployment
	e.cluster.change(func() { deployments = published(e.deployments) })
	return deployments
}

// startWaiting starts the deployments of environments that no longer have to wait.
func (c *Cluster) startWaiting(at time.Time) {
	waiting := c.waiting
	c.waiting = nil
	for _, d := range waiting {
		e := d.environment
		switch {
		case e.run != nil:
			c.waiting = append(c.waiting, d)
		case c.run != nil:
			c.waiting = append(c.waiting, d)
			e.state = d.State
		default:
			e.run, e.state = d, d.shows
			c.world.begin(d, at)
		}
	}
}

func (e *Environment) finished(d *run) { e.run, e.state = nil, d.final }

func (e *Environment) overview() object {
	w, c := e.cluster.world, e.cluster
	overview := object{
		"id": e.ID, "created_at": jsonTime(e.created), "updated_at": jsonTime(e.created), "name": e.Name,
		"mode":              "DEVELOPMENT",
		"cluster":           object{"id": c.ID, "name": c.Name, "cloud_provider": "AWS", "is_demo": false},
		"services_overview": object{"service_count": 1, "managed_by": "QOVERY"},
		"deployment_status": nil,
	}
	if len(e.deployments) == 0 {
		return overview
	}
	last := e.deployments[len(e.deployments)-1]
	if e.run != nil {
		last = e.run
	}
	overview["deployment_status"] = object{
		"id": e.ID, "state": e.state, "last_deployment_state": last.State, "last_deployment_id": last.ExecutionID,
		"last_deployment_date":                 jsonTime(last.changed().Add(w.skewQovery)),
		"total_deployment_duration_in_seconds": int(last.took().Seconds()),
		"origin":                               "CONSOLE", "triggered_by": last.By, "deployment_status": "UP_TO_DATE",
		"deployment_request_id": nil,
	}
	return overview
}

// changed returns the time of the deployment's last change.
func (d *run) changed() time.Time {
	switch {
	case !d.EndedAt.IsZero():
		return d.EndedAt
	case !d.StartedAt.IsZero():
		return d.StartedAt
	}
	return d.AskedAt
}

func (d *run) took() time.Duration {
	if d.EndedAt.IsZero() {
		return 0
	}
	return d.EndedAt.Sub(d.StartedAt)
}

// progress returns the status of a deployment in the history, and that of its stages.
func (d *run) progress() (action, stage string) {
	switch {
	case d.StartedAt.IsZero():
		return "QUEUED", "QUEUED"
	case d.EndedAt.IsZero():
		return "ONGOING", "ONGOING"
	case d.State == "DEPLOYED":
		return "SUCCESS", "DONE"
	}
	return "ERROR", "ERROR"
}

func (d *run) history() object {
	skew := d.cluster.world.skewQovery
	took := fmt.Sprintf("PT%dS", int(d.took().Seconds()))
	action, stage := d.progress()
	return object{
		"identifier": object{"execution_id": d.ExecutionID, "environment_id": d.environment.ID},
		"auditing_data": object{
			"created_at": jsonTime(d.AskedAt.Add(skew)), "updated_at": jsonTime(d.changed().Add(skew)),
			"triggered_by": d.By, "origin": "CONSOLE",
		},
		"status": d.State, "trigger_action": "DEPLOY", "total_duration": took, "action_status": action,
		"stages": []any{object{"name": "Default", "status": stage, "duration": took, "services": []any{}}},
	}
}

// listDeployments returns one page of deployments, the newest first.
func (w *World) listDeployments(r *http.Request, e *Environment) (any, error) {
	size, err := strconv.Atoi(r.URL.Query().Get("pageSize"))
	if err != nil {
		size = 20
	}
	list := []any{}
	for i := len(e.deployments) - 1; i >= 0 && len(list) < size; i-- {
		list = append(list, e.deployments[i].history())
	}
	return object{"page": 1, "page_size": size, "results": list}, e.project.readable()
}
