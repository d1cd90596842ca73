package simulator

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestTokens(t *testing.T) {
	p := newProduction(t)
	for what, c := range map[string]struct {
		token string
		read  int
		write int
	}{
		"every right":   {p.w.Token(), http.StatusOK, http.StatusCreated},
		"read only":     {p.w.ReadOnlyToken(), http.StatusOK, http.StatusForbidden},
		"no right":      {p.w.StrangerToken(), http.StatusForbidden, http.StatusForbidden},
		"unknown token": {"unknown", http.StatusUnauthorized, http.StatusUnauthorized},
		"no token":      {"", http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		read := must(tryQovery(t.Context(), p.w, c.token, http.MethodGet, p.path("/credentials"), nil))(t)
		write := must(tryQovery(t.Context(), p.w, c.token, http.MethodPost, p.clusterPath("/deploy"), nil))(t)
		if read.status != c.read || write.status != c.write {
			t.Errorf("%s: read %d, write %d, want %d and %d", what, read.status, write.status, c.read, c.write)
		}
		if read.header.Get("X-Request-Id") == "" || read.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: headers are %v", what, read.header)
		}
	}
}

func TestUnknownObjectsAreNotFound(t *testing.T) {
	p := newProduction(t)
	stranger := p.w.AddOrganization("stranger")
	scaleway := p.org.AddScalewayCredentials("paris")
	nobody := newUUID()
	for _, path := range []string{
		"/organization/" + nobody,
		"/organization/" + stranger.ID + "/cluster/" + p.cluster.ID + "/status",
		"/organization/" + stranger.ID + "/aws/credentials/" + p.creds.ID,
		p.path("/aws/credentials/" + nobody),
		p.path("/aws/credentials/" + scaleway.ID),
		p.path("/cluster/" + nobody + "/status"),
		p.path("/containerRegistry/" + nobody),
		p.path("/helmRepository/" + nobody),
		"/cluster/" + nobody + "/dnsProvider",
		"/nonsense",
	} {
		if r := ask(t, p.w, http.MethodGet, path, nil); r.status != http.StatusNotFound || r.object["message"] == nil {
			t.Errorf("GET %s: %d %s", path, r.status, r.text)
		}
	}
	p.creds.Remove()
	if r := p.put(t, p.key.ID, p.key.Secret); r.status != http.StatusNotFound {
		t.Errorf("removed credentials: %d", r.status)
	}
}

func TestCredentialsOfEveryType(t *testing.T) {
	p := newProduction(t)
	p.org.AddRoleCredentials("role")
	p.org.AddVSphereCredentials("vsphere", p.key)
	p.org.AddScalewayCredentials("paris")
	list := ask(t, p.w, http.MethodGet, p.path("/credentials"), nil).object["results"].([]any)
	var types []string
	for _, entry := range list {
		types = append(types, entry.(object)["credential"].(object)["object_type"].(string))
	}
	if want := []string{"AWS", "AWS_ROLE", "EKS_ANYWHERE_VSPHERE", "SCW"}; !slices.Equal(types, want) {
		t.Errorf("the types are %v, want %v", types, want)
	}
	want := object{
		"credential": object{
			"id": p.creds.ID, "name": "production", "object_type": "AWS", "access_key_id": p.key.ID,
		},
		"clusters": []any{object{"id": p.cluster.ID, "name": "prod", "cloud_provider": "AWS"}},
	}
	if !reflect.DeepEqual(list[0], want) {
		t.Errorf("the first is %v, want %v", list[0], want)
	}
	aws := ask(t, p.w, http.MethodGet, p.path("/aws/credentials"), nil).object["results"].([]any)
	if len(aws) != 3 {
		t.Errorf("%d credentials are of AWS, want 3", len(aws))
	}
}

func TestEditingCredentials(t *testing.T) {
	p := newProduction(t)
	role := p.org.AddRoleCredentials("role")
	id, secret := p.createKey(t)
	valid := func() object {
		return object{"type": "AWS_STATIC", "name": "renamed", "access_key_id": id, "secret_access_key": secret}
	}
	with := func(name string, value any) object {
		body := valid()
		body[name] = value
		return body
	}
	without := func(name string) object {
		body := valid()
		delete(body, name)
		return body
	}
	before := p.creds.Object()
	for what, body := range map[string]any{
		"no type":               without("type"),
		"another type":          with("type", "AWS"),
		"no name":               without("name"),
		"name is null":          with("name", nil),
		"no secret":             without("secret_access_key"),
		"fields of an old API":  object{"name": "renamed", "access_key": id, "secret_key": secret},
		"unknown field":         with("object_type", "AWS"),
		"secret is cut off":     with("secret_access_key", secret[:39]),
		"key id is a number":    with("access_key_id", 7),
		"request is not object": []string{"AWS_STATIC"},
	} {
		r := ask(t, p.w, http.MethodPut, p.path("/aws/credentials/"+p.creds.ID), body)
		if r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	if r := ask(t, p.w, http.MethodPut, p.path("/aws/credentials/"+role.ID), valid()); r.status != http.StatusBadRequest {
		t.Errorf("credentials with a role: %d", r.status)
	}
	p.creds.RefuseUpdates(http.StatusUnprocessableEntity)
	if r := p.put(t, id, secret); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a refused update: %d", r.status)
	}
	if !reflect.DeepEqual(p.creds.Object(), before) {
		t.Errorf("refused requests changed the credentials to %v", p.creds.Object())
	}

	p.creds.RefuseUpdates(0)
	r := ask(t, p.w, http.MethodPut, p.path("/aws/credentials/"+p.creds.ID), valid())
	if want := (object{"id": p.creds.ID, "name": "renamed", "object_type": "AWS", "access_key_id": id}); r.status !=
		http.StatusOK || !reflect.DeepEqual(r.object, want) {
		t.Errorf("answered with %d %v, want %v", r.status, r.object, want)
	}
	if p.creds.AccessKeyID() != id || p.creds.Secret() != secret {
		t.Error("the key was not stored")
	}
}

// A deployment is not to be seen at first, whatever the answer and the status say.
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
			ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
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

// A deployment goes on with the key that it started with, so that key has to work until the end.
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

func TestWhatAClusterShows(t *testing.T) {
	p := newProduction(t)
	stopped := p.org.AddStoppedCluster("stopped", "eu-west-1", p.creds)
	fresh := p.org.AddNewCluster("new", "eu-west-1", p.creds)
	p.cluster.Lock("alice", "release")
	p.cluster.AddSecretManagerAccess("vault", p.key)

	if lock := p.status(t)["cluster_lock"].(object); lock["owner_name"] != "alice" || lock["reason"] != "release" {
		t.Errorf("the lock is %v", lock)
	}
	p.cluster.Unlock()
	if lock := p.status(t)["cluster_lock"]; lock != nil {
		t.Errorf("the lock is %v", lock)
	}
	statuses := map[any]string{}
	for _, entry := range ask(t, p.w, http.MethodGet, p.path("/cluster/status"), nil).object["results"].([]any) {
		status := entry.(object)
		statuses[status["cluster_id"]] = status["status"].(string)
		if (status["last_execution_id"] == nil) == status["is_deployed"].(bool) {
			t.Errorf("the status is %v", status)
		}
	}
	want := map[any]string{p.cluster.ID: "DEPLOYED", stopped.ID: "STOPPED", fresh.ID: "READY"}
	if !maps.Equal(statuses, want) {
		t.Errorf("the states are %v, want %v", statuses, want)
	}
	first := ask(t, p.w, http.MethodGet, p.path("/cluster"), nil).object["results"].([]any)[0].(object)
	access := first["secret_manager_accesses"].([]any)[0].(object)["authentication"].(object)
	wantAccess := object{"mode": "AWS_STATIC_CREDENTIALS", "region": "eu-west-3", "access_key": p.key.ID}
	if first["region"] != "eu-west-3" || !reflect.DeepEqual(access, wantAccess) {
		t.Errorf("the cluster is %v", first)
	}

	dns := func() object {
		return ask(t, p.w, http.MethodGet, "/cluster/"+p.cluster.ID+"/dnsProvider", nil).object["dns_provider"].(object)
	}
	if got := dns(); got["provider"] != "QOVERY" {
		t.Errorf("the DNS provider is %v", got)
	}
	holder := p.cluster.SetRoute53DNS(p.key)
	if got := dns()["credentials"]; !reflect.DeepEqual(got, any(object{"type": "STATIC", "aws_access_key_id": p.key.ID})) {
		t.Errorf("the credentials of the DNS provider are %v", got)
	}
	if holder.AccessKeyID() != p.key.ID || holder.Secret() != p.key.Secret {
		t.Errorf("the DNS provider stores %v", holder.Object())
	}
}

func TestRegistriesCheckTheKey(t *testing.T) {
	p := newProduction(t)
	registry := p.cluster.Registry()
	repository := p.org.AddHelmRepository("charts", "OCI_ECR", p.key)
	created := must(iamClient(p.w, p.w.Operator()).CreateAccessKey(t.Context(),
		&iam.CreateAccessKeyInput{UserName: &p.user.Name}))(t).AccessKey
	id, secret := *created.AccessKeyId, *created.SecretAccessKey
	put := func(path string, h *Holder, id, secret string) int {
		t.Helper()
		body := object{}
		for _, name := range []string{"name", "kind", "description", "url"} {
			body[name] = h.Object()[name]
		}
		if tls, ok := h.Object()["skip_tls_verification"]; ok {
			body["skip_tls_verification"] = tls
		}
		body["config"] = object{"region": "eu-west-3", "access_key_id": id, "secret_access_key": secret}
		return ask(t, p.w, http.MethodPut, p.path(path+h.ID), body).status
	}
	for path, h := range map[string]*Holder{"/containerRegistry/": registry, "/helmRepository/": repository} {
		before := h.Object()
		if got := put(path, h, id, secret); got != http.StatusBadRequest {
			t.Errorf("%s: a key that is not known yet: %d", path, got)
		}
		if got := put(path, h, p.key.ID, secret); got != http.StatusBadRequest {
			t.Errorf("%s: a wrong secret: %d", path, got)
		}
		if !reflect.DeepEqual(h.Object(), before) {
			t.Errorf("%s: refused requests changed the object to %v", path, h.Object())
		}
	}
	p.w.Clock().Advance(4 * time.Second)
	for path, h := range map[string]*Holder{"/containerRegistry/": registry, "/helmRepository/": repository} {
		want := h.Object()
		want["config"].(object)["access_key_id"], want["config"].(object)["secret_access_key"] = id, secret
		if got := put(path, h, id, secret); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
		if !reflect.DeepEqual(h.Object(), want) {
			t.Errorf("%s: the object is %v, want %v", path, h.Object(), want)
		}
		shown := ask(t, p.w, http.MethodGet, p.path(path+h.ID), nil)
		if strings.Contains(shown.text, secret) || !strings.Contains(shown.text, id) {
			t.Errorf("%s: shows %s", path, shown.text)
		}
	}
}

func TestEditingARegistryReplacesIt(t *testing.T) {
	p := newProduction(t)
	docker := p.org.AddDockerRegistry("hub")
	path := p.path("/containerRegistry/" + docker.ID)
	for what, body := range map[string]object{
		"response-only field": {
			"name": "hub", "kind": "DOCKER_HUB", "url": "https://docker.io", "config": object{}, "associated_services_count": 3,
		},
		"unknown kind": {"name": "hub", "kind": "HUB", "url": "https://docker.io", "config": object{}},
		"no config":    {"name": "hub", "kind": "DOCKER_HUB", "url": "https://docker.io"},
		"scheme":       {"name": "hub", "kind": "DOCKER_HUB", "url": "http://docker.io", "config": object{}},
		"config field": {"name": "hub", "kind": "DOCKER_HUB", "url": "https://docker.io", "config": object{"user": "a"}},
		"description":  {"name": "hub", "kind": "DOCKER_HUB", "url": "https://docker.io", "config": object{}, "description": nil},
		"no region":    {"name": "hub", "kind": "ECR", "url": "https://docker.io", "config": object{}},
	} {
		if r := ask(t, p.w, http.MethodPut, path, body); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	r := ask(t, p.w, http.MethodPut, path, object{
		"name": "hub", "kind": "DOCKER_HUB", "url": "https://docker.io", "config": object{},
	})
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	stored := docker.Object()
	if _, ok := stored["description"]; ok || len(stored["config"].(object)) != 0 || stored["associated_services_count"] != 3 {
		t.Errorf("the registry is %v", stored)
	}
}

func TestListsOfHolders(t *testing.T) {
	p := newProduction(t)
	p.org.AddCluster("role", "eu-west-1", p.org.AddRoleCredentials("role"))
	p.org.AddRegistry("images", "ECR", p.key)
	p.org.AddDockerRegistry("hub")
	var keys []any
	for _, entry := range ask(t, p.w, http.MethodGet, p.path("/containerRegistry"), nil).object["results"].([]any) {
		keys = append(keys, entry.(object)["config"].(object)["access_key_id"])
	}
	if want := []any{p.key.ID, nil, p.key.ID, nil}; !slices.Equal(keys, want) {
		t.Errorf("the registries have %v, want %v", keys, want)
	}
	list := ask(t, p.w, http.MethodGet, p.path("/helmRepository"), nil)
	if got := strings.TrimSpace(list.text); got != `{"results":[]}` {
		t.Errorf("no helm repositories are %s", got)
	}
	p.org.AddHelmRepository("charts", "OCI_ECR", p.key)
	list = ask(t, p.w, http.MethodGet, p.path("/helmRepository"), nil)
	if !strings.Contains(list.text, p.key.ID) || strings.Contains(list.text, p.key.Secret) {
		t.Errorf("the helm repositories are %s", list.text)
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
