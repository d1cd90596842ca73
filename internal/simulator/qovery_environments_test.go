package simulator

import (
	"net/http"
	"reflect"
	"testing"
	"time"
)

func (p production) overviews(t *testing.T, project *Project) []any {
	t.Helper()
	return ask(t, p.w, http.MethodGet, "/project/"+project.ID+"/environment/overview", nil).object["results"].([]any)
}

// history returns the deployment history of an environment, the newest deployment first.
func (p production) history(t *testing.T, e *Environment, query string) []any {
	t.Helper()
	return ask(t, p.w, http.MethodGet, "/environment/"+e.ID+"/deploymentHistoryV2"+query, nil).object["results"].([]any)
}

// TestDeploymentOfAnEnvironment checks that a waiting deployment reads its keys when it starts. Its date is the time of the
// request by Qovery's clock.
func TestDeploymentOfAnEnvironment(t *testing.T) {
	p := newProduction(t)
	p.w.SkewQovery(time.Hour)
	project := p.org.AddProject("shop")
	staging := project.AddEnvironment("staging", p.cluster)
	if got := p.overviews(t, project)[0].(object); got["deployment_status"] != nil ||
		!reflect.DeepEqual(got["cluster"], any(object{"id": p.cluster.ID, "name": "prod", "cloud_provider": "AWS", "is_demo": false})) {
		t.Errorf("the overview is %v", got)
	}
	p.cluster.DeployBySomebodyElse()
	staging.Deploy(time.Hour)
	next := p.user.AddKey()
	p.creds.SetKey(next)
	for _, step := range []struct {
		after         time.Duration
		state, action string
	}{
		{0, "DEPLOYMENT_QUEUED", "QUEUED"},
		{5 * time.Minute, "DEPLOYING", "ONGOING"},
		{64 * time.Minute, "DEPLOYING", "ONGOING"},
		{65 * time.Minute, "DEPLOYED", "SUCCESS"},
	} {
		p.w.Clock().AdvanceTo(start.Add(step.after))
		status := p.overviews(t, project)[0].(object)["deployment_status"].(object)
		entry := p.history(t, staging, "")[0].(object)
		if status["state"] != step.state || status["last_deployment_state"] != step.state || entry["status"] != step.state ||
			entry["action_status"] != step.action || staging.State() != step.state {
			t.Errorf("after %s: status %v, history %v; want %s and %s", step.after, status, entry, step.state, step.action)
		}
		if id := entry["identifier"].(object)["execution_id"]; id != status["last_deployment_id"] {
			t.Errorf("the history has %v, the status %v", id, status["last_deployment_id"])
		}
		if got, want := entry["auditing_data"].(object)["created_at"], jsonTime(start.Add(time.Hour)); got != want {
			t.Errorf("asked for at %v, want %s", got, want)
		}
	}
	d := staging.Deployments()[0]
	if d.AccessKeyID != next.ID || d.RegistryKeyID != p.key.ID || !d.AskedAt.Equal(start) ||
		!d.StartedAt.Equal(start.Add(5*time.Minute)) || !d.EndedAt.Equal(start.Add(65*time.Minute)) {
		t.Errorf("the deployment is %+v", d)
	}
}

func TestDeploymentsOfAnEnvironmentTakeTurns(t *testing.T) {
	p := newProduction(t)
	staging := p.org.AddProject("shop").AddEnvironment("staging", p.cluster)
	other := p.org.AddProject("blog").AddEnvironment("other", p.cluster)
	for range 3 {
		staging.Deploy(time.Minute)
	}
	other.Deploy(30 * time.Second)
	staging.SetState("EXECUTING")
	if staging.State() != "EXECUTING" || len(p.history(t, staging, "?pageSize=2")) != 2 {
		t.Errorf("the state is %s", staging.State())
	}
	p.w.Clock().Advance(time.Hour) // in one step over the ends of all of them
	for i, d := range staging.Deployments() {
		if want := start.Add(time.Duration(i) * time.Minute); !d.StartedAt.Equal(want) || d.State != "DEPLOYED" {
			t.Errorf("deployment %d is %+v, want it to start at %s", i, d, want)
		}
	}
	if d := other.Deployments()[0]; !d.StartedAt.Equal(start) {
		t.Errorf("another environment waited: %+v", d)
	}
}

func TestADeadKeyFailsAnEnvironment(t *testing.T) {
	for what, kill := range map[string]func(p production){
		"credentials": func(p production) { p.creds.SetKey(&AccessKey{ID: p.key.ID, Secret: "wrong"}) },
		"registry":    func(p production) { p.cluster.Registry().SetKey(&AccessKey{ID: p.key.ID, Secret: "wrong"}) },
	} {
		p := newProduction(t)
		kill(p)
		staging := p.org.AddProject("shop").AddEnvironment("staging", p.cluster)
		staging.Deploy(time.Hour)
		p.w.Clock().Advance(time.Minute)
		if got := staging.State(); got != "DEPLOYMENT_ERROR" {
			t.Errorf("%s: the state is %s", what, got)
		}
		if got := p.history(t, staging, "")[0].(object)["action_status"]; got != "ERROR" {
			t.Errorf("%s: the action is %v", what, got)
		}
	}
}

func TestProjects(t *testing.T) {
	p := newProduction(t)
	project := p.org.AddProject("shop")
	staging := project.AddEnvironment("staging", p.cluster)
	want := []any{object{
		"id": project.ID, "created_at": jsonTime(start), "name": "shop", "organization": object{"id": p.org.ID},
		"associated_environments_count": 1.0,
	}}
	list := func() any { return ask(t, p.w, http.MethodGet, p.path("/project"), nil).object["results"] }
	if got := list(); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("the projects are %v, want %v", got, want)
	}
	status := func(path string) int { return ask(t, p.w, http.MethodGet, path, nil).status }
	overview, history := "/project/"+project.ID+"/environment/overview", "/environment/"+staging.ID+"/deploymentHistoryV2"
	project.Forbid()
	if got := []int{status(overview), status(history)}; got[0] != http.StatusForbidden || got[1] != http.StatusForbidden {
		t.Errorf("a forbidden project: %v", got)
	}
	if got := list(); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("the projects are %v, want %v", got, want)
	}
	project.Permit()
	if got := []int{status(overview), status(history)}; got[0] != http.StatusOK || got[1] != http.StatusOK {
		t.Errorf("a permitted project: %v", got)
	}
	for _, path := range []string{
		"/project/" + newUUID() + "/environment/overview", "/environment/" + newUUID() + "/deploymentHistoryV2",
	} {
		if got := status(path); got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
}
