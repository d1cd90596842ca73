package simulator

import (
	"net/http"
	"testing"
	"time"
)

// listed returns the cluster as the list of clusters shows it.
func (p production) listed(t *testing.T) object {
	t.Helper()
	return ask(t, p.w, http.MethodGet, p.path("/cluster"), nil).object["results"].([]any)[0].(object)
}

func TestWhatPeopleSetOnAClusterShows(t *testing.T) {
	p := newProduction(t)
	expect := func(production bool, kubernetes, deployment string) {
		t.Helper()
		if c := p.listed(t); c["production"] != production || c["kubernetes"] != kubernetes || c["deployment_status"] != deployment {
			t.Errorf("the cluster is %v", c)
		}
	}
	expect(false, "MANAGED", "UP_TO_DATE")
	p.cluster.SetProduction(true)
	p.cluster.SetKubernetes("PARTIALLY_MANAGED")
	p.cluster.SetOutdated()
	expect(true, "PARTIALLY_MANAGED", "OUT_OF_DATE")
	p.cluster.FailNextDeployment("INTERNAL_ERROR")
	p.cluster.DeployBySomebodyElse()
	p.w.Clock().Advance(time.Hour)
	expect(true, "PARTIALLY_MANAGED", "OUT_OF_DATE")
	if got := p.cluster.State(); got != "INTERNAL_ERROR" {
		t.Errorf("the state is %s", got)
	}
	p.cluster.DeployBySomebodyElse()
	p.w.Clock().Advance(time.Hour)
	expect(true, "PARTIALLY_MANAGED", "UP_TO_DATE")
}

func TestMaintenance(t *testing.T) {
	p := newProduction(t)
	p.cluster.Lock("alice", "release")
	p.cluster.Maintain(time.Hour)
	if got := p.cluster.Deployments(); len(got) != 0 {
		t.Errorf("a locked cluster: %v", got)
	}
	p.cluster.Unlock()
	p.cluster.Maintain(time.Hour)
	for _, step := range []struct {
		after         time.Duration
		state, reason string
	}{
		{0, "DEPLOYED", "UNSPECIFIED"}, // not visible yet
		{time.Minute, "DEPLOYING", "MAINTENANCE"},
		{time.Hour, "DEPLOYED", "MAINTENANCE"},
	} {
		p.w.Clock().AdvanceTo(start.Add(step.after))
		if s := p.status(t); s["status"] != step.state || s["reason"] != step.reason {
			t.Errorf("after %s the status is %v", step.after, s)
		}
	}
	if d := p.cluster.Deployments()[0]; d.By != "Qovery itself" || d.State != "DEPLOYED" {
		t.Errorf("the deployment is %v", d)
	}
}

// TestDryRun checks that a dry run keeps the cluster busy and does not change its state.
func TestDryRun(t *testing.T) {
	p := newProduction(t)
	p.cluster.SetOutdated()
	before := p.status(t)
	p.cluster.DryRun(time.Hour)
	p.w.Clock().Advance(time.Minute)
	if got := p.status(t)["status"]; got != "DRY_RUN" {
		t.Errorf("the state is %v", got)
	}
	if r := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil); r.status != http.StatusConflict {
		t.Errorf("a deployment meanwhile: %d", r.status)
	}
	p.w.Clock().Advance(time.Hour)
	after := p.status(t)
	if after["status"] != "DEPLOYED" || after["last_deployment_date"] != before["last_deployment_date"] ||
		p.listed(t)["deployment_status"] != "OUT_OF_DATE" {
		t.Errorf("the status is %v", after)
	}
	p.cluster.SetState("DRY_RUN")
	if r := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil); r.status != http.StatusConflict {
		t.Errorf("a deployment while the state says DRY_RUN: %d", r.status)
	}
}

func TestARegistryNamesItsCluster(t *testing.T) {
	p := newProduction(t)
	p.cluster.Registry().SetField(7, "associated_services_count")
	shown := ask(t, p.w, http.MethodGet, p.path("/containerRegistry/"+p.cluster.Registry().ID), nil).object
	cluster, _ := shown["cluster"].(object)
	if cluster["id"] != p.cluster.ID || cluster["name"] != "prod" || shown["associated_services_count"] != 7.0 {
		t.Errorf("the registry is %v", shown)
	}
}

// TestSecretManagerAccessOfAnotherMode checks that the key is shown for every mode.
func TestSecretManagerAccessOfAnotherMode(t *testing.T) {
	p := newProduction(t)
	access := p.cluster.AddSecretManagerAccess("vault", p.key)
	access.SetField("AWS_PARAMETER_STORE", "endpoint", "mode")
	access.SetField("AWS_SOMETHING_NEW", "authentication", "mode")
	shown := p.listed(t)["secret_manager_accesses"].([]any)[0].(object)
	authentication := shown["authentication"].(object)
	if shown["endpoint"].(object)["mode"] != "AWS_PARAMETER_STORE" || authentication["mode"] != "AWS_SOMETHING_NEW" ||
		authentication["access_key"] != p.key.ID || access.AccessKeyID() != p.key.ID {
		t.Errorf("the access is %v", shown)
	}
}
