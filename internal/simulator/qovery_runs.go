package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Who starts a deployment.
const (
	byRequest      = "a request"
	bySomebodyElse = "somebody else"
	byItself       = "Qovery itself"
)

// Deployment is one run of the deployment of a cluster or of an environment.
type Deployment struct {
	ExecutionID string
	// AccessKeyID and RegistryKeyID are the keys of the cluster's credentials and of its own registry. A deployment takes
	// both when it starts and uses them to its end. One is empty when there is no key.
	AccessKeyID, RegistryKeyID string
	// AskedAt is when somebody asked for the deployment. It starts later if it has to wait for another one.
	AskedAt time.Time
	// StartedAt is zero while the deployment waits.
	StartedAt time.Time
	// EndedAt is zero until the deployment ends.
	EndedAt time.Time
	// State is DEPLOYMENT_QUEUED, DEPLOYING, DRY_RUN, or how the deployment ended.
	State string
	// By is who asked for it: "a request", "somebody else", or "Qovery itself".
	By string
}

// run is a deployment with what only the world knows.
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

// takenKey is a key that a deployment has taken from a holder.
type takenKey struct {
	id, secret string
	service    string // that the key is used with
	failure    string // how the deployment ends if the key does not work
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
		invalid = "DEPLOYMENT_ERROR" // there is no other error among the states of an environment
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

// useKeys has a deployment use its keys, and fail if it cannot.
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

// begin starts a deployment. One with a key that does not work fails as soon as it has left the queue.
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

// settle ends the deployments that are over by now, and starts those that waited for them. Whatever looks at the world, or
// changes it, lets it settle first, so that a deployment meets its keys as they are when it starts and when it ends.
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
