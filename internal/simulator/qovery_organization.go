package simulator

import (
	"net/http"
	"time"
)

// Organization is an organization of Qovery.
type Organization struct {
	ID   string
	Name string

	world        *World
	created      time.Time
	restriction  string
	credentials  []*Credentials
	clusters     []*Cluster
	projects     []*Project
	registries   []*Holder
	repositories []*Holder
	events       []object
}

// AddOrganization creates an organization.
func (w *World) AddOrganization(name string) *Organization {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := &Organization{ID: newUUID(), Name: name, world: w, created: w.qoveryNow()}
	w.organizations[o.ID] = o
	return o
}

// RestrictDeployments makes Qovery refuse all deployments for a reason, such as NO_CREDIT_CARD. An empty reason ends that.
func (o *Organization) RestrictDeployments(reason string) {
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	o.restriction = reason
}

func (w *World) getOrganization(_ *http.Request, o *Organization) (any, error) {
	return object{
		"id":                             o.ID,
		"created_at":                     jsonTime(o.created),
		"name":                           o.Name,
		"plan":                           "ENTERPRISE_2025",
		"billing_deployment_restriction": orNull(o.restriction),
	}, nil
}

// orNull returns a text, or null if it is empty.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
