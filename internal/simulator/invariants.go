package simulator

import (
	"fmt"
	"slices"
	"time"
)

// The judge* methods check requests just before they take effect. They do not check what a test does. It needs no check that a
// user has at most two access keys, because the simulator cannot create a third one.

// ViolationKind is the text with which a violation begins. Tests may compare it.
type ViolationKind string

// The kinds of [World.Violations].
const (
	// ViolationHeldKey means that a request ended (deactivated or deleted) an access key that a holder in Qovery still stores.
	ViolationHeldKey ViolationKind = "end of a held key"
	// ViolationUsedKey means that a request ended an access key that a running deployment uses. Deployments of clusters and of
	// environments use two keys: that of the cluster's credentials and that of the cluster's registry.
	ViolationUsedKey ViolationKind = "end of a used key"
	// ViolationForeignKey means that a request deleted an access key that no request had created, or replaced in Qovery. See
	// [World.Expendable].
	ViolationForeignKey ViolationKind = "deletion of a foreign key"
	// ViolationStoredKey means that a request stored a key that does not work, in Qovery's credentials or in a DNS provider. A key
	// in credentials must work in the regions of all their clusters.
	ViolationStoredKey ViolationKind = "store of a dead key"
	// ViolationDeadKey means that a request deployed a cluster with an access key that does not work, or ended a key with which
	// another deployment of a cluster or an environment started later.
	ViolationDeadKey ViolationKind = "deployment with a dead key"
	// ViolationSigner means that a request was signed with an access key that a request had replaced in Qovery.
	ViolationSigner ViolationKind = "signature of a replaced key"
	// ViolationCluster means that a request deployed a cluster that is stopped, was never deployed, or is self-managed.
	ViolationCluster ViolationKind = "deployment of a wrong cluster"
	// ViolationAction means that a request was for an action of IAM that is not expected. See [World.ExpectActions].
	ViolationAction ViolationKind = "unexpected action"
)

// Violations lists what requests did but must never do. Each text begins with its kind and a colon, followed by the time and a
// description.
func (w *World) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// Expendable allows requests to delete a key that no request created.
func (w *World) Expendable(key *AccessKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key.expendable = true
}

func (w *World) violated(kind ViolationKind, format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf("%s: %s %s",
		kind, w.clock.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...)))
}

// judgeEnd checks the deactivation or deletion of a key.
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
		w.violated(ViolationForeignKey, "%s was deleted, which no request created or replaced", k.ID)
	}
}

// judgeCutover checks a key that a request stores in credentials, and marks the key that it replaces.
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

// judgeDNSProvider checks a key that a request stores in a DNS provider.
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

// judgeStart checks the keys with which a deployment starts. A deployment by somebody else is a violation only if a request
// ended the key.
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
