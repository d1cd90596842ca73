package simulator

import (
	"net/http"
	"time"
)

// Project is a project of an organization.
type Project struct {
	ID   string
	Name string

	organization *Organization
	created      time.Time
	environments []*Environment
	forbidden    bool
}

// AddProject creates a project without environments.
func (o *Organization) AddProject(name string) *Project {
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	p := &Project{ID: newUUID(), Name: name, organization: o, created: o.world.qoveryNow()}
	o.world.projects[p.ID] = p
	o.projects = append(o.projects, p)
	return p
}

// Forbid makes the API refuse to show the project's environments to any token. The list of projects still contains it.
func (p *Project) Forbid() { p.setForbidden(true) }

// Permit undoes Forbid.
func (p *Project) Permit() { p.setForbidden(false) }

func (p *Project) setForbidden(forbidden bool) {
	p.organization.world.mu.Lock()
	defer p.organization.world.mu.Unlock()
	p.forbidden = forbidden
}

func (p *Project) readable() error {
	if p.forbidden {
		return refuse(http.StatusForbidden, "This token does not have the permission to read project %s", p.ID)
	}
	return nil
}

func (w *World) listProjects(_ *http.Request, o *Organization) (any, error) {
	var list []any
	for _, p := range o.projects {
		list = append(list, object{
			"id": p.ID, "created_at": jsonTime(p.created), "name": p.Name, "organization": object{"id": o.ID},
			"associated_environments_count": len(p.environments),
		})
	}
	return results(list), nil
}

func (w *World) listEnvironments(_ *http.Request, p *Project) (any, error) {
	var list []any
	for _, e := range p.environments {
		list = append(list, e.overview())
	}
	return results(list), p.readable()
}
