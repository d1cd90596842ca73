package simulator

import (
	"net/http"
	"strings"
	"time"
)

// Cluster is a cluster of an organization.
type Cluster struct {
	ID     string
	Name   string
	Region string

	world          *World
	organization   *Organization
	credentials    *Credentials
	registry       *Holder
	dns            *Holder
	secretManagers []*Holder
	created        time.Time

	state          string // while no deployment is visible
	deployed       bool
	outdated       bool
	production     bool
	kubernetes     string
	reason         string // of the last deployment
	executionID    string
	deploymentDate string
	lock           object
	run            *run // the running deployment
	deployments    []*run
	waiting        []*run // deployments of environments
	failures       []failure
	logs           []logEntry
	logLag         time.Duration
	duration       time.Duration
}

// AddCluster creates a deployed cluster with its own container registry.
func (o *Organization) AddCluster(name, region string, credentials *Credentials) *Cluster {
	return o.addCluster(name, region, credentials, "DEPLOYED", true)
}

// AddStoppedCluster creates a cluster that was deployed once and is stopped.
func (o *Organization) AddStoppedCluster(name, region string, credentials *Credentials) *Cluster {
	return o.addCluster(name, region, credentials, "STOPPED", true)
}

// AddNewCluster creates a cluster that was never deployed.
func (o *Organization) AddNewCluster(name, region string, credentials *Credentials) *Cluster {
	return o.addCluster(name, region, credentials, "READY", false)
}

func (o *Organization) addCluster(name, region string, credentials *Credentials, state string, deployed bool) *Cluster {
	w := o.world
	c := &Cluster{
		ID: newUUID(), Name: name, Region: region,
		world: w, organization: o, credentials: credentials, state: state, deployed: deployed,
		kubernetes: "MANAGED", reason: "UNSPECIFIED", duration: w.config.DeploymentDuration,
	}
	config := object{"region": region}
	if id := credentials.AccessKeyID(); id != "" {
		config["access_key_id"], config["secret_access_key"] = id, credentials.Secret()
	} else {
		config["role_arn"] = qoveryRole
	}
	c.registry = o.addRegistry("registry-"+c.ID, "ECR", "https://"+ecrHost(region), config, c)
	w.mu.Lock()
	defer w.mu.Unlock()
	c.dns = &Holder{
		ID: c.ID, world: w, object: object{"provider": "QOVERY", "domain": "z" + c.ID[:8] + ".qovery.run"},
		section: []string{"credentials"}, idField: "aws_access_key_id", secret: "aws_secret_access_key",
	}
	c.created = w.qoveryNow().AddDate(0, -6, 0)
	if deployed {
		before := w.qoveryNow().AddDate(0, 0, -7)
		c.executionID, c.deploymentDate = executionID(before), jsonTime(before)
	}
	w.clusters[c.ID] = c
	o.clusters = append(o.clusters, c)
	credentials.clusters = append(credentials.clusters, c)
	w.watchHolders()
	return c
}

// Registry returns the cluster's own container registry.
func (c *Cluster) Registry() *Holder { return c.registry }

// Stop stops the cluster.
func (c *Cluster) Stop() { c.SetState("STOPPED") }

// State returns the state that the cluster's status shows.
func (c *Cluster) State() string {
	var state string
	c.change(func() { state = c.shownState() })
	return state
}

// SetState sets the state without a deployment. A running deployment continues and overwrites it.
func (c *Cluster) SetState(state string) { c.change(func() { c.state = state }) }

// Lock locks the cluster, so that it cannot be deployed.
func (c *Cluster) Lock(owner, reason string) {
	c.change(func() {
		c.lock = object{
			"cluster_id": c.ID, "owner_name": owner, "reason": reason, "locked_at": jsonTime(c.world.qoveryNow()),
		}
	})
}

// SetProduction sets whether the cluster is marked as production.
func (c *Cluster) SetProduction(production bool) { c.change(func() { c.production = production }) }

// SetKubernetes sets who manages the cluster: MANAGED, SELF_MANAGED or PARTIALLY_MANAGED.
func (c *Cluster) SetKubernetes(kind string) { c.change(func() { c.kubernetes = kind }) }

// SetOutdated adds changes that the next successful deployment of the cluster applies.
func (c *Cluster) SetOutdated() { c.change(func() { c.outdated = true }) }

// Unlock undoes Lock.
func (c *Cluster) Unlock() { c.change(func() { c.lock = nil }) }

func (c *Cluster) change(f func()) {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.world.settle()
	f()
}

// shownState returns the state of the last visible deployment.
func (c *Cluster) shownState() string {
	if c.run == nil {
		return c.state
	}
	return c.run.shownState(c.world.clock.Now(), c.state)
}

// isBusy reports whether anything runs on the cluster, visible or not.
func (c *Cluster) isBusy() bool {
	return c.run != nil || c.state == "DRY_RUN" || strings.HasSuffix(c.state, "ING") || strings.HasSuffix(c.state, "QUEUED")
}

func (c *Cluster) status() object {
	id, reason := c.executionID, c.reason
	if c.run != nil && !c.world.clock.Now().Before(c.run.visible) {
		id, reason = c.run.ExecutionID, c.run.reason
	}
	status := object{
		"cluster_id":           c.ID,
		"status":               c.shownState(),
		"is_deployed":          c.deployed,
		"last_execution_id":    orNull(id),
		"last_deployment_date": orNull(c.deploymentDate),
		"cluster_lock":         nil,
		"reason":               reason,
	}
	if c.lock != nil {
		status["cluster_lock"] = c.lock
	}
	return status
}

func (c *Cluster) shown() object {
	accesses := []any{}
	for _, h := range c.secretManagers {
		accesses = append(accesses, h.shown())
	}
	deployment := "UP_TO_DATE"
	switch {
	case !c.deployed:
		deployment = "NEVER_DEPLOYED"
	case c.outdated:
		deployment = "OUT_OF_DATE"
	}
	return object{
		"id": c.ID, "created_at": jsonTime(c.created), "organization": object{"id": c.organization.ID},
		"name": c.Name, "region": c.Region, "cloud_provider": "AWS", "kubernetes": c.kubernetes, "production": c.production,
		"status": c.shownState(), "deployment_status": deployment, "secret_manager_accesses": accesses,
	}
}

func (o *Organization) cluster(r *http.Request) (*Cluster, error) {
	c := o.world.clusters[r.PathValue("cluster")]
	if c == nil || c.organization != o {
		return nil, refuse(http.StatusNotFound, "Cluster %s not found", r.PathValue("cluster"))
	}
	return c, nil
}

func (w *World) listClusters(_ *http.Request, o *Organization) (any, error) {
	var list []any
	for _, c := range o.clusters {
		list = append(list, c.shown())
	}
	return results(list), nil
}

func (w *World) listClusterStatuses(_ *http.Request, o *Organization) (any, error) {
	var list []any
	for _, c := range o.clusters {
		list = append(list, c.status())
	}
	return results(list), nil
}

func (w *World) getClusterStatus(r *http.Request, o *Organization) (any, error) {
	c, err := o.cluster(r)
	if err != nil {
		return nil, err
	}
	return c.status(), nil
}

func (w *World) listClusterLogs(r *http.Request, o *Organization) (any, error) {
	c, err := o.cluster(r)
	if err != nil {
		return nil, err
	}
	var list []any
	for _, entry := range c.logs {
		if !w.clock.Now().Before(entry.visible) {
			list = append(list, entry.object)
		}
	}
	return results(list), nil
}
