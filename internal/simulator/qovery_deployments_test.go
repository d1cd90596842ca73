package simulator

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestDeployment checks that a deployment is not visible at first, in the answer and in the status.
func TestDeployment(t *testing.T) {
	p := newProduction(t)
	before := p.status(t)
	answer := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	if answer.status != http.StatusCreated || !reflect.DeepEqual(answer.object, before) {
		t.Errorf("answered with %d %v, want the status from before, %v", answer.status, answer.object, before)
	}
	for _, step := range []struct {
		after time.Duration
		state string
		moved bool
	}{
		{0, "DEPLOYED", false},
		{2 * time.Second, "DEPLOYED", false},
		{3 * time.Second, "DEPLOYMENT_QUEUED", true},
		{6 * time.Second, "DEPLOYING", true},
		{299 * time.Second, "DEPLOYING", true},
		{300 * time.Second, "DEPLOYED", true},
	} {
		p.w.Clock().AdvanceTo(start.Add(step.after))
		status := p.status(t)
		moved := status["last_execution_id"] != before["last_execution_id"]
		if status["status"] != step.state || moved != step.moved {
			t.Errorf("after %s: %v, moved on: %t; want %s, %t", step.after, status["status"], moved, step.state, step.moved)
		}
	}
	if got, want := p.status(t)["last_deployment_date"], jsonTime(start.Add(5*time.Minute)); got != want {
		t.Errorf("deployed at %v, want %s", got, want)
	}
	statuses := ask(t, p.w, http.MethodGet, p.path("/cluster/status"), nil).object["results"].([]any)
	if len(statuses) != 1 || !reflect.DeepEqual(statuses[0], any(p.status(t))) {
		t.Errorf("the statuses are %v", statuses)
	}
	deployments := p.cluster.Deployments()
	if len(deployments) != 1 || deployments[0].State != "DEPLOYED" || deployments[0].AccessKeyID != p.key.ID ||
		deployments[0].By != "a request" || deployments[0].EndedAt.Sub(deployments[0].StartedAt) != 5*time.Minute {
		t.Errorf("the deployments are %v", deployments)
	}
	if use := p.key.LastUsed(); use.Service != "eks" || !use.At.Equal(start.Add(5*time.Minute)) {
		t.Errorf("the key was last used %v", use)
	}
}

func TestDeploymentThatIsOverBeforeAnybodyLooks(t *testing.T) {
	p := newProduction(t)
	before := p.status(t)
	p.cluster.SetDeploymentDuration(time.Second)
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	p.w.Clock().Advance(time.Second)
	after := p.status(t)
	if after["status"] != "DEPLOYED" || after["last_execution_id"] == before["last_execution_id"] {
		t.Errorf("the status is %v", after)
	}
}

func TestDeploymentsThatFail(t *testing.T) {
	day := 24 * time.Hour
	for what, c := range map[string]struct {
		prepare func(p production)
		state   string
		took    time.Duration
		log     string
	}{
		"as told": {
			func(p production) { p.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "no nodes left") },
			"DEPLOYMENT_ERROR", 5 * time.Minute, "no nodes left",
		},
		"with a key that is inactive at the start": {
			func(p production) { p.key.Deactivate() },
			"INVALID_CREDENTIALS", 6 * time.Second, "is inactive",
		},
		"with a key that was deleted": {
			func(p production) { p.key.Delete() },
			"INVALID_CREDENTIALS", 6 * time.Second, "does not exist",
		},
		"with a wrong secret": {
			func(p production) { p.creds.SetKey(&AccessKey{ID: p.key.ID, Secret: p.w.Operator().Secret}) },
			"INVALID_CREDENTIALS", 6 * time.Second, "secret access key is wrong",
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := newProduction(t)
			c.prepare(p)
			p.cluster.DeployBySomebodyElse()
			p.w.Clock().Advance(day)
			if got := p.status(t)["status"]; got != c.state {
				t.Errorf("the state is %v, want %s", got, c.state)
			}
			d := p.cluster.Deployments()[0]
			if d.State != c.state || d.EndedAt.Sub(d.StartedAt) != c.took {
				t.Errorf("the deployment is %v, want it to end after %s", d, c.took)
			}
			logs := ask(t, p.w, http.MethodGet, p.clusterPath("/logs"), nil).object["results"].([]any)
			if len(logs) != 1 {
				t.Fatalf("the log is %v", logs)
			}
			entry := logs[0].(object)
			if line := entry["error"].(object)["user_log_message"].(string); entry["type"] != "error" ||
				!strings.Contains(line, c.log) {
				t.Errorf("the log says %q, want %q", line, c.log)
			}
			if c.state == "DEPLOYMENT_ERROR" {
				ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
				p.w.Clock().Advance(day)
				if got := p.status(t)["status"]; got != "DEPLOYED" {
					t.Errorf("the next deployment: %v", got)
				}
			}
		})
	}
}

func TestLogLags(t *testing.T) {
	p := newProduction(t)
	p.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "no nodes left")
	p.cluster.DelayLog(10 * time.Second)
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	for _, step := range []struct {
		wait time.Duration
		want int
	}{{5 * time.Minute, 0}, {9 * time.Second, 0}, {time.Second, 1}} {
		p.w.Clock().Advance(step.wait)
		logs := ask(t, p.w, http.MethodGet, p.clusterPath("/logs"), nil).object["results"].([]any)
		if len(logs) != step.want || p.status(t)["status"] != "DEPLOYMENT_ERROR" {
			t.Errorf("%s later the log is %v", step.wait, logs)
		}
	}
}

// TestDeploymentKeepsItsKey checks that a deployment uses the key with which it started until its end.
func TestDeploymentKeepsItsKey(t *testing.T) {
	p := newProduction(t)
	p.cluster.DeployBySomebodyElse()
	next := p.user.AddKey()
	p.creds.SetKey(next)
	p.w.Clock().Advance(time.Minute)
	p.key.Deactivate()
	p.w.Clock().Advance(4 * time.Minute)
	d := p.cluster.Deployments()[0]
	if d.AccessKeyID != p.key.ID || d.State != "INVALID_CREDENTIALS" || d.By != "somebody else" {
		t.Errorf("the deployment is %v", d)
	}
}

func TestDeploymentsThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		prepare func(p production)
		status  int
	}{
		"locked":        {func(p production) { p.cluster.Lock("alice", "release") }, http.StatusBadRequest},
		"restricted":    {func(p production) { p.org.RestrictDeployments("NO_CREDIT_CARD") }, http.StatusForbidden},
		"busy, unseen":  {func(p production) { p.cluster.DeployBySomebodyElse() }, http.StatusConflict},
		"busy, so said": {func(p production) { p.cluster.SetState("RESTARTING") }, http.StatusConflict},
	} {
		p := newProduction(t)
		c.prepare(p)
		deployments := len(p.cluster.Deployments())
		if r := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil); r.status != c.status {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
		if got := len(p.cluster.Deployments()); got != deployments {
			t.Errorf("%s: there are %d deployments", what, got)
		}
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	p := newProduction(t)
	if r := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy?dry_run=true"), nil); r.status != http.StatusCreated {
		t.Errorf("got %d", r.status)
	}
	if got := p.cluster.Deployments(); len(got) != 0 {
		t.Errorf("the deployments are %v", got)
	}
}

func TestWithoutDelays(t *testing.T) {
	p := newProduction(t, Config{DeploymentDuration: -1, InvisibleFor: -1, PropagationDelay: -1})
	id, secret := p.createKey(t)
	p.put(t, id, secret)
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	if d := p.cluster.Deployments(); d[0].State != "DEPLOYED" || !d[0].EndedAt.Equal(start) {
		t.Errorf("the deployment is %v", d[0])
	}
	if key := p.user.Keys()[1]; !key.Active() || !key.CreatedAt().Equal(start) {
		t.Errorf("the key is active: %t, from %s", key.Active(), key.CreatedAt())
	}
}
