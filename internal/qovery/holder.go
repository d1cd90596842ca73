package qovery

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// repository is a container registry or a helm repository.
type repository struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Config struct {
		AccessKeyID string `json:"access_key_id"`
	} `json:"config"`
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

// repositories lists those of one kind that store an access key, whatever kind of registry they say they are.
func (c *Client) repositories(
	ctx context.Context, operation string, kind rotation.HolderKind, path string,
) ([]rotation.Holder, error) {
	var found list[repository, *repository]
	if err := c.get(ctx, operation, path, &found); err != nil {
		return nil, err
	}
	var holders []rotation.Holder
	for _, f := range *found.Results {
		if f.Config.AccessKeyID != "" {
			holders = append(holders, rotation.Holder{Kind: kind, ID: f.ID, Name: f.Name, AccessKeyID: f.Config.AccessKeyID})
		}
	}
	return holders, nil
}

// object is a holder as Qovery shows it, with fields that this program knows nothing of.
type object map[string]json.RawMessage

// check implements [answer].
func (o object) check() error {
	if len(o) == 0 {
		return fmt.Errorf("%w: an empty object", errIncomplete)
	}
	return nil
}

// text returns a field that is a text, or "".
func (o object) text(field string) string {
	var text string
	if json.Unmarshal(o[field], &text) != nil {
		return ""
	}
	return text
}

// object returns a field that is an object, or an empty object.
func (o object) object(field string) object {
	var inner object
	if json.Unmarshal(o[field], &inner) != nil {
		return nil
	}
	return inner
}

// copy copies those of the fields that are set.
func (o object) copy(target map[string]any, fields []string) {
	for _, field := range fields {
		if value, ok := o[field]; ok && string(value) != "null" {
			target[field] = value
		}
	}
}

// storage says how a kind of holder is read and written. Qovery shows more fields than it accepts; those that it accepts
// go back as they are.
type storage struct {
	read, write, path string
	// fields are the accepted ones, and required are what to send for those that an answer may lack.
	fields   []string
	required map[string]any
	// config are the accepted fields of the inner object that the access key is in; nil if it is not in an inner object.
	config []string
}

// storageOf returns nil for holders that need more than a new key to be written.
func storageOf(kind rotation.HolderKind) *storage {
	switch kind {
	case rotation.HolderCredentials:
		return &storage{
			read:     "getAWSCredentials",
			write:    "editAWSCredentials",
			path:     "/aws/credentials",
			fields:   []string{"name"},
			required: map[string]any{"type": "AWS_STATIC"},
		}
	case rotation.HolderContainerRegistry:
		return &storage{
			read:   "getContainerRegistry",
			write:  "editContainerRegistry",
			path:   "/containerRegistry",
			fields: []string{"name", "kind", "description", "url"},
			config: []string{
				"region", "role_arn", "username", "scaleway_access_key", "scaleway_project_id", "gcp_credentials_type",
				"project_id", "service_account_email", "workload_identity_provider_resource", "token_lifetime_seconds",
				"azure_tenant_id", "azure_subscription_id",
			},
		}
	case rotation.HolderHelmRepository:
		return &storage{
			read:     "getHelmRepository",
			write:    "editHelmRepository",
			path:     "/helmRepository",
			fields:   []string{"name", "kind", "description", "url", "skip_tls_verification"},
			required: map[string]any{"skip_tls_verification": false},
			config: []string{
				"region", "role_arn", "username", "scaleway_access_key", "scaleway_project_id", "azure_tenant_id",
				"azure_subscription_id",
			},
		}
	default:
		return nil
	}
}

// accessKeyID finds the access key in what Qovery shows.
func (s *storage) accessKeyID(shown object) string {
	if s.config != nil {
		shown = shown.object("config")
	}
	return shown.text("access_key_id")
}

// update is what Qovery shows, with another access key, as it wants it back.
func (s *storage) update(shown object, key rotation.NewAccessKey) map[string]any {
	whole := maps.Clone(s.required)
	if whole == nil {
		whole = map[string]any{}
	}
	shown.copy(whole, s.fields)
	inner := whole
	if s.config != nil {
		inner = map[string]any{}
		shown.object("config").copy(inner, s.config)
		whole["config"] = inner
	}
	inner["access_key_id"], inner["secret_access_key"] = key.ID, key.Secret.Reveal()
	return whole
}

// PrepareStore implements [rotation.Qovery].
func (c *Client) PrepareStore(
	ctx context.Context, organizationID string, holder rotation.Holder, key rotation.NewAccessKey,
) (store func(context.Context) error, err error) {
	storage := storageOf(holder.Kind)
	if storage == nil {
		return nil, fmt.Errorf("%w: an access key cannot be stored in a holder of kind %s", rotation.ErrRejected, holder.Kind)
	}
	r := request{
		operation: storage.read,
		method:    http.MethodGet,
		path:      organizationPath(organizationID) + storage.path + pathOf(holder.ID),
		secret:    key.Secret,
	}
	var shown object
	if err := c.do(ctx, r, &shown); err != nil {
		return nil, err
	}
	if objectType := shown.text("object_type"); holder.Kind == rotation.HolderCredentials &&
		objectType != rotation.CredentialsTypeStatic {
		return nil, fmt.Errorf("%w: the credentials %s are of type %q now",
			rotation.ErrConflict, holder.ID, brief(objectType, c.token, key.Secret.Reveal()))
	}
	switch found := storage.accessKeyID(shown); found {
	case key.ID:
		return func(context.Context) error { return nil }, nil
	case holder.AccessKeyID:
	default:
		return nil, fmt.Errorf("%w: the %s %s holds the access key %q now, not %s", rotation.ErrConflict, holder.Kind,
			holder.ID, brief(found, c.token, key.Secret.Reveal()), holder.AccessKeyID)
	}
	r.operation, r.method, r.body = storage.write, http.MethodPut, storage.update(shown, key)
	return func(ctx context.Context) error { return c.do(ctx, r, &confirmation{storage: storage, want: key.ID}) }, nil
}

// confirmation is the answer to a key that was stored. It may leave the key out; it must not show another one.
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
		return fmt.Errorf("the answer shows the access key %q instead of %s", found, c.want)
	}
	return nil
}
