package qovery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// repository is a container registry or a helm repository.
type repository struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Cluster struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"cluster"`
	AssociatedServicesCount int `json:"associated_services_count"`
	Config                  struct {
		AccessKeyID string `json:"access_key_id"`
	} `json:"config"`

	shown object
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *repository) UnmarshalJSON(text []byte) error {
	type known repository
	return unmarshalTwice(text, (*known)(r), &r.shown)
}

// unmarshalTwice decodes the known fields into known, and all fields into shown.
func unmarshalTwice(text []byte, known any, shown *object) error {
	if err := json.Unmarshal(text, known); err != nil {
		return err
	}
	return json.Unmarshal(text, shown)
}

// check implements [answer].
func (r *repository) check() error {
	if r.ID == "" {
		return fmt.Errorf("%w: a registry or repository without an id", errIncomplete)
	}
	return nil
}

// ContainerRegistries implements [rotation.Qovery].
func (c *Client) ContainerRegistries(ctx context.Context, organizationID string) ([]rotation.Holder, error) {
	return c.repositories(ctx, "listContainerRegistry", rotation.HolderContainerRegistry,
		organizationPath(organizationID, "containerRegistry"))
}

// HelmRepositories implements [rotation.Qovery].
func (c *Client) HelmRepositories(ctx context.Context, organizationID string) ([]rotation.Holder, error) {
	return c.repositories(ctx, "listHelmRepository", rotation.HolderHelmRepository,
		organizationPath(organizationID, "helmRepository"))
}

// repositories lists the holders of one kind that store an access key, whatever type of registry they have.
func (c *Client) repositories(
	ctx context.Context, operation string, kind rotation.HolderKind, path string,
) ([]rotation.Holder, error) {
	var found list[repository, *repository]
	if err := c.get(ctx, operation, path, &found); err != nil {
		return nil, err
	}
	var holders []rotation.Holder
	for _, f := range *found.Results {
		if f.Config.AccessKeyID == "" {
			continue
		}
		holders = append(holders, rotation.Holder{
			Kind:        kind,
			ID:          f.ID,
			Name:        f.Name,
			AccessKeyID: f.Config.AccessKeyID,
			ClusterID:   f.Cluster.ID,
			ClusterName: f.Cluster.Name,
			Services:    f.AssociatedServicesCount,
			Obstacle:    storages[kind].obstacle(f.shown, c.token),
		})
	}
	return holders, nil
}

// PrepareStore implements [rotation.Qovery].
func (c *Client) PrepareStore(
	ctx context.Context, organizationID string, holder rotation.Holder, key rotation.NewAccessKey,
) (store func(context.Context) error, err error) {
	storage := storages[holder.Kind]
	if storage == nil {
		return nil, fmt.Errorf("%w: an access key cannot be stored in a holder of kind %s", rotation.ErrRejected, holder.Kind)
	}
	r := request{
		operation: storage.read,
		method:    http.MethodGet,
		path:      storage.path(organizationID, holder.ID),
		secret:    key.Secret,
	}
	var shown object
	if err := c.do(ctx, r, &shown); err != nil {
		return nil, err
	}
	if objectType := shown.text("object_type"); holder.Kind == rotation.HolderCredentials &&
		objectType != rotation.CredentialsTypeStatic {
		return nil, fmt.Errorf("%w: the type of credentials %s is now %q",
			rotation.ErrConflict, holder.ID, brief(objectType, r.secrets(c.token)...))
	}
	switch found := storage.accessKeyID(shown); found {
	case key.ID:
		return func(context.Context) error { return nil }, nil
	case holder.AccessKeyID:
	default:
		return nil, fmt.Errorf("%w: the %s %s now holds the access key %q, not %s", rotation.ErrConflict, holder.Kind,
			holder.ID, brief(found, r.secrets(c.token)...), holder.AccessKeyID)
	}
	if obstacle := storage.obstacle(shown, r.secrets(c.token)...); obstacle != "" {
		return nil, fmt.Errorf("%w: the %s %s cannot be written: %s", rotation.ErrRejected, holder.Kind, holder.ID, obstacle)
	}
	r.operation, r.method, r.body = storage.write, http.MethodPut, storage.update(shown, key)
	return func(ctx context.Context) error { return c.do(ctx, r, &confirmation{storage: storage, want: key.ID}) }, nil
}

// confirmation is the answer to a request that stored a key. It may omit the key, but must not show another one.
type confirmation struct {
	object
	storage *storage
	want    string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *confirmation) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &c.object) }

// check implements [answer].
func (c *confirmation) check() error {
	if found := c.storage.accessKeyID(c.object); found != "" && found != c.want {
		return fmt.Errorf("the response shows the access key %q instead of %s", found, c.want)
	}
	return nil
}
