package simulator

import (
	"maps"
	"net/http"
	"strings"
)

// registryConfig and repositoryConfig are the fields of "config" in the requests for a container registry and for a helm
// repository.
var (
	repositoryConfig = schema{
		"username": {valid: isText}, "password": {valid: isText},
		"access_key_id": {valid: isText}, "secret_access_key": {valid: isText}, "region": {valid: isText},
		"scaleway_access_key": {valid: isText}, "scaleway_secret_key": {valid: isText}, "scaleway_project_id": {valid: isText},
		"azure_tenant_id": {valid: isText}, "azure_subscription_id": {valid: isText}, "role_arn": {valid: isText},
	}
	registryConfig = extended(repositoryConfig, schema{
		"json_credentials": {valid: isText}, "gcp_credentials_type": {valid: oneOf("workload_identity_federation")},
		"project_id": {valid: isText}, "service_account_email": {valid: isText},
		"workload_identity_provider_resource": {valid: isText}, "token_lifetime_seconds": {valid: isNumber},
	})

	registryRequest = schema{
		"name": {true, isFilled},
		"kind": {true, oneOf("ECR", "SCALEWAY_CR", "DOCKER_HUB", "GITHUB_CR", "GITHUB_ENTERPRISE_CR", "GITLAB_CR",
			"PUBLIC_ECR", "DOCR", "GENERIC_CR", "GCP_ARTIFACT_REGISTRY", "AZURE_CR")},
		"description": {valid: isText},
		"url":         {valid: isURL},
		"config":      {true, isObject},
	}
	repositoryRequest = schema{
		"name": {true, isFilled},
		"kind": {true, oneOf("HTTPS", "OCI_ECR", "OCI_SCALEWAY_CR", "OCI_DOCKER_HUB", "OCI_PUBLIC_ECR", "OCI_GENERIC_CR",
			"OCI_GITHUB_CR", "OCI_GITLAB_CR")},
		"description":           {valid: isText},
		"url":                   {valid: isURL},
		"skip_tls_verification": {true, isBoolean},
		"config":                {true, isObject},
	}
)

func extended(s, more schema) schema {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

// AddRegistry creates a container registry of an ECR kind.
func (o *Organization) AddRegistry(name, kind string, key *AccessKey) *Holder {
	return o.addRegistry(name, kind, "https://"+ecrHost(defaultRegion), object{
		"region": defaultRegion, "access_key_id": key.ID, "secret_access_key": key.Secret,
	}, nil)
}

// AddDockerRegistry creates a container registry with a user name and a password.
func (o *Organization) AddDockerRegistry(name string) *Holder {
	return o.addRegistry(name, "DOCKER_HUB", "https://docker.io", object{"username": "acme", "password": "docker"}, nil)
}

// AddHelmRepository creates a helm repository of an ECR kind.
func (o *Organization) AddHelmRepository(name, kind string, key *AccessKey) *Holder {
	h := o.newHolder(object{
		"name": name, "kind": kind, "description": "charts of " + name, "url": "oci://" + ecrHost(defaultRegion),
		"skip_tls_verification": false, "associated_services_count": 2,
		"config": object{"region": defaultRegion, "access_key_id": key.ID, "secret_access_key": key.Secret},
	})
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	o.repositories = append(o.repositories, h)
	o.world.watchHolders()
	return h
}

func (o *Organization) addRegistry(name, kind, url string, config object, cluster *Cluster) *Holder {
	stored := object{
		"name": name, "kind": kind, "description": "images of " + name, "url": url, "associated_services_count": 3,
		"config": config,
	}
	if cluster != nil {
		stored["cluster"] = object{"id": cluster.ID, "name": cluster.Name}
	}
	h := o.newHolder(stored)
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	o.registries = append(o.registries, h)
	o.world.watchHolders()
	return h
}

func (o *Organization) newHolder(stored object) *Holder {
	id := newUUID()
	stored["id"], stored["created_at"] = id, jsonTime(o.created)
	return &Holder{
		ID: id, world: o.world, object: stored, section: []string{"config"},
		idField: "access_key_id", secret: "secret_access_key",
	}
}

func ecrHost(region string) string { return firstAccount + ".dkr.ecr." + region + ".amazonaws.com" }

func (w *World) listRegistries(_ *http.Request, o *Organization) (any, error) {
	return shownAll(o.registries), nil
}

func (w *World) listHelmRepositories(_ *http.Request, o *Organization) (any, error) {
	return shownAll(o.repositories), nil
}

func (w *World) getRegistry(r *http.Request, o *Organization) (any, error) {
	h, err := find(o.registries, r.PathValue("registry"))
	if err != nil {
		return nil, err
	}
	return h.shown(), nil
}

func (w *World) getHelmRepository(r *http.Request, o *Organization) (any, error) {
	h, err := find(o.repositories, r.PathValue("repository"))
	if err != nil {
		return nil, err
	}
	return h.shown(), nil
}

func (w *World) editRegistry(r *http.Request, o *Organization) (any, error) {
	h, err := find(o.registries, r.PathValue("registry"))
	if err != nil {
		return nil, err
	}
	return w.edit(r, h, registryRequest, registryConfig, "https://")
}

func (w *World) editHelmRepository(r *http.Request, o *Organization) (any, error) {
	h, err := find(o.repositories, r.PathValue("repository"))
	if err != nil {
		return nil, err
	}
	return w.edit(r, h, repositoryRequest, repositoryConfig, "https://", "oci://")
}

// edit replaces all fields that a request may set, and removes those that the request omits. It refuses a key that does not
// work.
func (w *World) edit(r *http.Request, h *Holder, request, config schema, schemes ...string) (any, error) {
	body, err := decode(r, request)
	if err != nil {
		return nil, err
	}
	part := body["config"].(object)
	if err := config.check("config.", part); err != nil {
		return nil, err
	}
	if err := checkURL(body, schemes); err != nil {
		return nil, err
	}
	if err := h.acceptsUpdates(); err != nil {
		return nil, err
	}
	if err := w.checkKey(body["kind"].(string), part); err != nil {
		return nil, err
	}
	for name := range request {
		if value, ok := body[name]; ok {
			h.object[name] = value
		} else {
			delete(h.object, name)
		}
	}
	w.watchHolders()
	return h.shown(), nil
}

func checkURL(body object, schemes []string) error {
	text, _ := body["url"].(string)
	for _, scheme := range schemes {
		if strings.HasPrefix(text, scheme) {
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "url must start with %s", strings.Join(schemes, " or "))
}

// checkKey checks whether the key of an ECR registry works, and records a use of it.
func (w *World) checkKey(kind string, config object) error {
	id, _ := config["access_key_id"].(string)
	secret, _ := config["secret_access_key"].(string)
	region, _ := config["region"].(string)
	switch {
	case kind != "ECR" && kind != "OCI_ECR":
		return nil
	case region == "":
		return refuse(http.StatusBadRequest, "config.region is required for kind %s", kind)
	case config["role_arn"] != nil:
		return nil
	}
	if reason := w.usable(id, secret, region); reason != "" {
		return refuse(http.StatusBadRequest, "Cannot log in to the registry: %s", reason)
	}
	w.use(w.keys[id], "ecr", region, w.clock.Now())
	return nil
}
