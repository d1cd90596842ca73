package simulator

import (
	"fmt"
	"slices"
	"time"
)

// The judge* methods are called by requests, just before they take effect, and never by what a test does. That a user has
// two access keys at most needs no judge: there is no way to get a third.

// ViolationKind is the stable beginning of a violation.
type ViolationKind string

// The kinds of [World.Violations]: what requests must never do.
const (
	// ViolationHeldKey ends (deactivates or deletes) an access key that a holder of Qovery still has.
	ViolationHeldKey ViolationKind = "end of a held key"
	// ViolationUsedKey ends an access key that a deployment under way uses. Deployments of clusters and of environments
	// use two: the key of the cluster's credentials and the key of the cluster's own registry.
	ViolationUsedKey ViolationKind = "end of a used key"
	// ViolationForeignKey deletes an access key that was neither created by a request nor replaced in Qovery by one (see
	// [World.Expendable]).
	ViolationForeignKey ViolationKind = "deletion of a foreign key"
	// ViolationStoredKey stores an access key in Qovery's credentials that does not work in the region of each of their
	// clusters, or in a DNS provider.
	ViolationStoredKey ViolationKind = "store of a dead key"
	// ViolationDeadKey deploys a cluster with an access key that does not work, or ends a key with which somebody else's
	// deployment of a cluster or of an environment starts later.
	ViolationDeadKey ViolationKind = "deployment with a dead key"
	// ViolationSigner signs with an access key that a request has replaced in Qovery.
	ViolationSigner ViolationKind = "signature of a replaced key"
	// ViolationCluster deploys a cluster that is stopped, was never deployed, or is not managed by Qovery.
	ViolationCluster ViolationKind = "deployment of a wrong cluster"
	// ViolationAction asks IAM for an action that is not expected (see [World.ExpectActions]).
	ViolationAction ViolationKind = "unexpected action"
)

// Violations lists what requests did and must never do. Each begins with its kind and a colon; the time and what happened
// follow.
func (w *World) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// Expendable allows requests to delete a key that somebody else created.
func (w *World) Expendable(key *AccessKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key.expendable = true
}

func (w *World) violated(kind ViolationKind, format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf("%s: %s %s",
		kind, w.clock.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...)))
}

// judgeEnd looks at the deactivation or deletion of a key.
func (w *World) judgeEnd(k *AccessKey, how string) {
	w.ended[k.ID] = true
	for _, o := range w.organizations {
		for _, h := range o.holders() {
			if h.accessKeyID() == k.ID {
				w.violated(ViolationHeldKey, "%s was %s while %s of organization %s holds it", k.ID, how, h.name(), o.Name)
			}
		}
	}
	for _, d := range w.running {
		if d.uses(k.ID) {
			w.violated(ViolationUsedKey, "%s was %s while %s is deployed with it", k.ID, how, d.subject())
		}
	}
}

func (w *World) judgeDeletion(k *AccessKey) {
	if !k.byAPI && !k.replaced && !k.expendable {
		w.violated(ViolationForeignKey, "%s was deleted, which somebody else created and Qovery never held", k.ID)
	}
}

// judgeCutover looks at a key on its way into credentials, and marks the one that it replaces.
func (w *World) judgeCutover(c *Credentials, id, secret string) {
	regions := []string{defaultRegion}
	if len(c.clusters) > 0 {
		regions = nil
	}
	for _, cluster := range c.clusters {
		regions = append(regions, cluster.Region)
	}
	for _, region := range regions {
		if reason := w.usable(id, secret, region); reason != "" {
			w.violated(ViolationStoredKey, "credentials %s got %s: %s", c.name(), id, reason)
			break
		}
	}
	if old := w.keys[c.accessKeyID()]; old != nil && old.ID != id {
		old.replaced = true
	}
	if k := w.keys[id]; k != nil {
		k.replaced = false
	}
}

// judgeDNSProvider looks at a key on its way into a DNS provider.
func (w *World) judgeDNSProvider(c *Cluster, credentials object, region string) {
	id, secret := credentials["aws_access_key_id"].(string), credentials["aws_secret_access_key"].(string)
	if reason := w.usable(id, secret, region); reason != "" {
		w.violated(ViolationStoredKey, "DNS provider of cluster %s got %s: %s", c.Name, id, reason)
	}
}

func (w *World) judgeSigner(accessKeyID string) {
	if k := w.keys[accessKeyID]; k != nil && k.replaced {
		w.violated(ViolationSigner, "a request was signed with %s, which was replaced in Qovery", accessKeyID)
	}
}

// judgeStart looks at the keys with which a deployment starts. What people did to a key is only held against the requests
// that deploy with it.
func (w *World) judgeStart(d *run) {
	for _, k := range d.keys {
		if reason := w.usable(k.id, k.secret, d.cluster.Region); reason != "" && (d.By == byRequest || w.ended[k.id]) {
			w.violated(ViolationDeadKey, "%s was deployed with %s: %s", d.subject(), k.id, reason)
		}
	}
}

func (w *World) judgeDeployment(c *Cluster) {
	if c.state == "STOPPED" || !c.deployed {
		w.violated(ViolationCluster, "cluster %s was deployed, which starts it: it was %s", c.Name, c.state)
	}
	if c.kubernetes == "SELF_MANAGED" {
		w.violated(ViolationCluster, "cluster %s was deployed, which is %s", c.Name, c.kubernetes)
	}
}

func (o *Organization) holders() []*Holder {
	holders := slices.Concat(o.registries, o.repositories)
	for _, c := range o.credentials {
		holders = append(holders, &c.Holder)
	}
	for _, c := range o.clusters {
		holders = append(append(holders, c.dns), c.secretManagers...)
	}
	return holders
}

func (h *Holder) name() string {
	for _, field := range []string{"name", "domain"} {
		if name, ok := h.object[field].(string); ok {
			return name
		}
	}
	return h.ID
}
