package simulator

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

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
