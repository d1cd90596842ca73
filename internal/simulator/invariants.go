package simulator

import (
	"fmt"
	"slices"
	"time"
)

// The judge* methods are called by requests, just before they take effect, and never by what a test does. That a user has
// two access keys at most needs no judge: there is no way to get a third.

// Violations lists what requests did and must never do:
//   - end (deactivate or delete) an access key that a holder of Qovery still has, or a deployment under way still uses;
//   - delete an access key that was neither created by a request nor replaced in Qovery by one (see [World.Expendable]);
//   - store an access key in Qovery's credentials that does not work in the region of each of their clusters;
//   - sign with an access key that a request has replaced in Qovery;
//   - deploy a cluster that is stopped or was never deployed.
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

func (w *World) violated(format string, args ...any) {
	w.violations = append(w.violations, w.clock.Now().UTC().Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
}

// judgeEnd looks at the deactivation or deletion of a key.
func (w *World) judgeEnd(k *AccessKey, how string) {
	for _, o := range w.organizations {
		for _, h := range o.holders() {
			if h.accessKeyID() == k.ID {
				w.violated("%s was %s while %s of organization %s holds it", k.ID, how, h.name(), o.Name)
			}
		}
	}
	for c := range w.running {
		if c.run.AccessKeyID == k.ID {
			w.violated("%s was %s while cluster %s is deployed with it", k.ID, how, c.Name)
		}
	}
}

func (w *World) judgeDeletion(k *AccessKey) {
	if !k.byAPI && !k.replaced && !k.expendable {
		w.violated("%s was deleted, which somebody else created and Qovery never held", k.ID)
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
			w.violated("credentials %s got %s: %s", c.name(), id, reason)
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

func (w *World) judgeSigner(accessKeyID string) {
	if k := w.keys[accessKeyID]; k != nil && k.replaced {
		w.violated("a request was signed with %s, which was replaced in Qovery", accessKeyID)
	}
}

func (w *World) judgeDeployment(c *Cluster) {
	if c.state == "STOPPED" || !c.deployed {
		w.violated("cluster %s was deployed, which starts it: it was %s", c.Name, c.state)
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
