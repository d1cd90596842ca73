package simulator

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
)

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
