package simulator

import (
	"net/http"
	"time"
)

// failure is the end of a future deployment.
type failure struct {
	state string
	lines []string
}

// logEntry is an entry of a cluster's log, and the time from which the log shows it.
type logEntry struct {
	visible time.Time
	object  object
}

// FailNextDeployment makes the next deployment end in a state such as DEPLOYMENT_ERROR, with lines in the cluster's log.
func (c *Cluster) FailNextDeployment(state string, logLines ...string) {
	c.change(func() { c.failures = append(c.failures, failure{state, logLines}) })
}

// DelayLog sets how long after the end of a deployment its errors appear in the cluster's log.
func (c *Cluster) DelayLog(d time.Duration) { c.change(func() { c.logLag = d }) }

// SetDeploymentDuration sets how long the deployments of this cluster take from now on.
func (c *Cluster) SetDeploymentDuration(d time.Duration) { c.change(func() { c.duration = d }) }

// DeployBySomebodyElse starts a deployment in the console, unless one is running.
func (c *Cluster) DeployBySomebodyElse() {
	c.startUnlessBusy(func() *run { return c.newRun(bySomebodyElse) })
}

// Maintain starts a deployment by Qovery itself, as on the days of maintenance, unless one is running or the cluster is locked.
func (c *Cluster) Maintain(duration time.Duration) {
	c.startUnlessBusy(func() *run {
		if c.lock != nil {
			return nil
		}
		d := c.newRun(byItself)
		d.duration, d.reason = duration, "MAINTENANCE"
		return d
	})
}

// DryRun starts a dry run in the console, unless a deployment is running. It uses the keys like a deployment, and does not
// change the cluster's state.
func (c *Cluster) DryRun(duration time.Duration) {
	c.startUnlessBusy(func() *run {
		d := c.newRun(bySomebodyElse)
		d.duration, d.shows, d.final = duration, "DRY_RUN", c.state
		return d
	})
}

// Deployments lists the deployments since the cluster was added, including the running one.
func (c *Cluster) Deployments() []Deployment {
	var deployments []Deployment
	c.change(func() { deployments = published(c.deployments) })
	return deployments
}

func published(runs []*run) []Deployment {
	var deployments []Deployment
	for _, d := range runs {
		deployments = append(deployments, d.Deployment)
	}
	return deployments
}

// deployCluster answers with the status before the deployment, like Qovery.
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
	c.start(c.newRun(byRequest))
	return c.status(), nil
}

func (c *Cluster) startUnlessBusy(newRun func() *run) {
	c.change(func() {
		if c.run != nil {
			return
		}
		if d := newRun(); d != nil {
			c.start(d)
		}
	})
}

// newRun returns a deployment of the cluster that is requested now and does not have to wait.
func (c *Cluster) newRun(by string) *run {
	now := c.world.clock.Now()
	return &run{
		Deployment: Deployment{ExecutionID: executionID(now), AskedAt: now, By: by},
		cluster:    c, duration: c.duration, shows: "DEPLOYING", final: "DEPLOYED", reason: "UNSPECIFIED",
	}
}

func (c *Cluster) start(d *run) {
	if len(c.failures) > 0 {
		d.final, d.lines = c.failures[0].state, c.failures[0].lines
		c.failures = c.failures[1:]
	}
	c.run = d
	c.deployments = append(c.deployments, d)
	c.world.begin(d, d.AskedAt)
	c.world.settle()
}

// shownState returns the state in the cluster's status during the deployment. The previous state is given.
func (d *run) shownState(now time.Time, before string) string {
	switch {
	case now.Before(d.visible):
		return before
	case now.Before(d.deploying):
		return "DEPLOYMENT_QUEUED"
	}
	return d.shows
}

// finished applies the result of a deployment of the cluster.
func (c *Cluster) finished(d *run) {
	w := c.world
	c.run = nil
	c.state, c.executionID, c.reason = d.final, d.ExecutionID, d.reason
	for _, line := range d.lines {
		c.logs = append(c.logs, logEntry{visible: d.end.Add(c.logLag), object: c.errorLog(d, line)})
	}
	if d.shows == "DRY_RUN" {
		return
	}
	c.deploymentDate = jsonTime(d.end.Add(w.skewQovery))
	if d.final != "DEPLOYED" {
		w.noteAt(d.end, d.AccessKeyID, EventDeploymentFailed, c.Name+": "+d.final)
		return
	}
	c.deployed, c.outdated = true, false
	w.noteAt(d.end, d.AccessKeyID, EventDeployed, c.Name)
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
