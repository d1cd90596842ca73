package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// Who starts a deployment.
const (
	byRequest      = "a request"
	bySomebodyElse = "somebody else"
)

// Deployment is one run of a cluster deployment.
type Deployment struct {
	ExecutionID string
	// AccessKeyID is the key that the deployment uses from its start to its end.
	AccessKeyID string
	StartedAt   time.Time
	// EndedAt is zero while the deployment runs.
	EndedAt time.Time
	// State is DEPLOYING, or how the deployment ended.
	State string
	// By tells who started it: "a request", or "somebody else".
	By string
}

// run is a deployment with what only the world knows.
type run struct {
	Deployment
	secret    string
	visible   time.Time
	deploying time.Time
	end       time.Time
	final     string
	lines     []string
}

// failure is how a deployment to come ends.
type failure struct {
	state string
	lines []string
}

// logEntry is an entry of a cluster's log, and from when on the log shows it.
type logEntry struct {
	visible time.Time
	object  object
}

// FailNextDeployment has the next deployment end in a state such as DEPLOYMENT_ERROR, with lines in the cluster's log.
func (c *Cluster) FailNextDeployment(state string, logLines ...string) {
	c.change(func() { c.failures = append(c.failures, failure{state, logLines}) })
}

// DelayLog has errors show in the cluster's log only some time after the end of their deployment.
func (c *Cluster) DelayLog(d time.Duration) { c.change(func() { c.logLag = d }) }

// SetDeploymentDuration sets how long the deployments of this cluster take from now on.
func (c *Cluster) SetDeploymentDuration(d time.Duration) { c.change(func() { c.duration = d }) }

// DeployBySomebodyElse starts a deployment in the console, unless one runs already.
func (c *Cluster) DeployBySomebodyElse() {
	c.change(func() {
		if c.run == nil {
			c.start(bySomebodyElse)
		}
	})
}

// Deployments lists the deployments since the cluster was added, the one under way included.
func (c *Cluster) Deployments() []Deployment {
	var deployments []Deployment
	c.change(func() {
		for _, d := range c.deployments {
			deployments = append(deployments, d.Deployment)
		}
	})
	return deployments
}

// deployCluster answers with the status from before the deployment, as Qovery does.
func (w *World) deployCluster(r *http.Request, o *Organization) (any, error) {
	c, err := o.cluster(r)
	if err != nil {
		return nil, err
	}
	switch {
	case o.restriction != "":
		return nil, refuse(http.StatusForbidden, "Deployments are restricted: %s", o.restriction)
	case c.lock != nil:
		return nil, refuse(http.StatusBadRequest, "The cluster is locked by %s: %s", c.lock["owner_name"], c.lock["reason"])
	case c.isBusy():
		return nil, refuse(http.StatusConflict, "The cluster is being deployed")
	case r.URL.Query().Get("dry_run") == "true":
		return c.status(), nil
	}
	w.judgeDeployment(c)
	c.start(byRequest)
	return c.status(), nil
}

// start begins a deployment. One with a key that does not work fails as soon as it has left the queue.
func (c *Cluster) start(by string) {
	w := c.world
	now := w.clock.Now()
	d := &run{
		Deployment: Deployment{
			ExecutionID: executionID(now), AccessKeyID: c.credentials.accessKeyID(), StartedAt: now,
			State: "DEPLOYING", By: by,
		},
		secret:    c.credentials.secretAccessKey(),
		visible:   now.Add(w.config.InvisibleFor),
		deploying: now.Add(2 * w.config.InvisibleFor),
		end:       now.Add(c.duration),
		final:     "DEPLOYED",
	}
	if len(c.failures) > 0 {
		d.final, d.lines = c.failures[0].state, c.failures[0].lines
		c.failures = c.failures[1:]
	}
	if !d.useKey(c, now) && d.deploying.Before(d.end) {
		d.end = d.deploying
	}
	c.run = d
	c.deployments = append(c.deployments, d)
	w.running[c] = struct{}{}
	w.settle()
}

// useKey has a deployment use its key, and fail if it cannot.
func (d *run) useKey(c *Cluster, at time.Time) bool {
	w := c.world
	if d.AccessKeyID == "" {
		return true
	}
	if reason := w.usable(d.AccessKeyID, d.secret, c.Region); reason != "" {
		d.final, d.lines = "INVALID_CREDENTIALS", []string{fmt.Sprintf("AWS refuses %s: %s", d.AccessKeyID, reason)}
		return false
	}
	w.use(w.keys[d.AccessKeyID], "eks", c.Region, at)
	return true
}

// shownState is the state that the status shows, given the state from before.
func (d *run) shownState(now time.Time, before string) string {
	switch {
	case now.Before(d.visible):
		return before
	case now.Before(d.deploying):
		return "DEPLOYMENT_QUEUED"
	}
	return "DEPLOYING"
}

// settle ends the deployments that are over by now. Whatever looks at the world, or changes it, lets it settle first, so
// that a deployment meets its key as it is at the end of the deployment.
func (w *World) settle() {
	now := w.clock.Now()
	for c := range w.running {
		if !now.Before(c.run.end) {
			w.finish(c)
		}
	}
}

func (w *World) finish(c *Cluster) {
	d := c.run
	if d.final == "DEPLOYED" {
		d.useKey(c, d.end)
	}
	c.run = nil
	delete(w.running, c)
	d.EndedAt, d.State = d.end, d.final
	c.state, c.executionID, c.deploymentDate = d.final, d.ExecutionID, jsonTime(d.end.Add(w.skewQovery))
	if d.final == "DEPLOYED" {
		c.deployed = true
		w.noteAt(d.end, d.AccessKeyID, EventDeployed, c.Name)
		return
	}
	w.noteAt(d.end, d.AccessKeyID, EventDeploymentFailed, c.Name+": "+d.final)
	for _, line := range d.lines {
		c.logs = append(c.logs, logEntry{visible: d.end.Add(c.logLag), object: c.errorLog(d, line)})
	}
}

func (c *Cluster) errorLog(d *run, line string) object {
	return object{
		"type":      "error",
		"timestamp": jsonTime(d.end.Add(c.world.skewQovery)),
		"step":      "CreateError",
		"message":   object{"safe_message": "Deployment of the cluster failed."},
		"error": object{
			"tag":              d.final,
			"user_log_message": line,
			"hint_message":     "Fix the problem and deploy the cluster again.",
			"underlying_error": object{"message": d.ExecutionID},
			"event_details":    object{"provider_kind": "aws", "region": c.Region},
		},
	}
}

func executionID(at time.Time) string { return fmt.Sprintf("%s-%d", newUUID(), at.Unix()) }
