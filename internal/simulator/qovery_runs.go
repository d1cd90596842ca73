package simulator

import (
	"fmt"
	"slices"
	"time"
)

// The values of [Deployment.By].
const (
	byRequest      = "a request"
	bySomebodyElse = "somebody else"
	byItself       = "Qovery itself"
)

// Deployment is one run of the deployment of a cluster or of an environment.
type Deployment struct {
	ExecutionID string
	// AccessKeyID and RegistryKeyID are the keys of the cluster's credentials and of its own registry. A deployment reads both
	// when it starts, and uses them until its end. They are empty if there is no key.
	AccessKeyID, RegistryKeyID string
	// AskedAt is the time of the request. The deployment starts later if it has to wait for another one.
	AskedAt time.Time
	// StartedAt is zero while the deployment waits.
	StartedAt time.Time
	// EndedAt is zero until the deployment ends.
	EndedAt time.Time
	// State is DEPLOYMENT_QUEUED, DEPLOYING, DRY_RUN, or the state at the end of the deployment.
	State string
	// By is who requested the deployment: "a request", "somebody else", or "Qovery itself".
	By string
}

// run is a deployment with its internal state.
type run struct {
	Deployment
	cluster     *Cluster
	environment *Environment // nil for a deployment of the cluster itself
	duration    time.Duration
	shows       string // the state while it runs
	reason      string
	keys        []takenKey
	visible     time.Time
	deploying   time.Time
	end         time.Time
	final       string
	lines       []string
}

// takenKey is a key that a deployment has read from a holder.
type takenKey struct {
	id, secret string
	service    string // the service that the key is used for
	failure    string // the final state of the deployment if the key does not work
}

func (d *run) subject() string {
	if d.environment != nil {
		return "environment " + d.environment.Name
	}
	return "cluster " + d.cluster.Name
}

func (d *run) uses(accessKeyID string) bool {
	return slices.ContainsFunc(d.keys, func(k takenKey) bool { return k.id == accessKeyID })
}

// takeKeys copies the keys from their holders. The registry comes first, because a deployment logs in there first.
func (d *run) takeKeys() {
	invalid := "INVALID_CREDENTIALS"
	if d.environment != nil {
		invalid = "DEPLOYMENT_ERROR" // the only error state of an environment's deployment
	}
	registry, credentials := d.cluster.registry, &d.cluster.credentials.Holder
	d.AccessKeyID, d.RegistryKeyID = credentials.accessKeyID(), registry.accessKeyID()
	for _, k := range []takenKey{
		{d.RegistryKeyID, registry.secretAccessKey(), "ecr", "DEPLOYMENT_ERROR"},
		{d.AccessKeyID, credentials.secretAccessKey(), "eks", invalid},
	} {
		if k.id != "" {
			d.keys = append(d.keys, k)
		}
	}
}

// useKeys records a use of each key that works. If one does not, it makes the deployment fail and returns false.
func (d *run) useKeys(at time.Time) bool {
	w, region, works := d.cluster.world, d.cluster.Region, true
	for _, k := range d.keys {
		if reason := w.usable(k.id, k.secret, region); reason != "" {
			d.final, d.lines, works = k.failure, []string{fmt.Sprintf("AWS refuses %s: %s", k.id, reason)}, false
			continue
		}
		w.use(w.keys[k.id], k.service, region, at)
	}
	return works
}

// begin starts a deployment. With a key that does not work, it fails when it leaves the queue.
func (w *World) begin(d *run, at time.Time) {
	d.StartedAt, d.State = at, d.shows
	d.visible = at.Add(w.config.InvisibleFor)
	d.deploying = at.Add(2 * w.config.InvisibleFor)
	d.end = at.Add(d.duration)
	d.takeKeys()
	w.judgeStart(d)
	if !d.useKeys(at) && d.deploying.Before(d.end) {
		d.end = d.deploying
	}
	w.running = append(w.running, d)
}

// settle ends the deployments whose end has passed, and starts those that waited for them. It is called before every read and
// every change of the world, so that a deployment starts and ends with the keys of that time.
func (w *World) settle() {
	for now := w.clock.Now(); ; {
		var first *run
		for _, d := range w.running {
			if !now.Before(d.end) && (first == nil || d.end.Before(first.end)) {
				first = d
			}
		}
		if first == nil {
			return
		}
		w.finish(first)
	}
}

func (w *World) finish(d *run) {
	w.running = slices.DeleteFunc(w.running, func(other *run) bool { return other == d })
	if d.final == "DEPLOYED" {
		d.useKeys(d.end)
	}
	d.EndedAt, d.State = d.end, d.final
	if d.environment != nil {
		d.environment.finished(d)
	} else {
		d.cluster.finished(d)
	}
	d.cluster.startWaiting(d.end)
}

func executionID(at time.Time) string { return fmt.Sprintf("%s-%d", newUUID(), at.Unix()) }
