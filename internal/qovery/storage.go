package qovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// storage describes how a kind of holder is read and written. A write replaces the whole holder, so an omitted field is lost.
// Qovery shows more fields than it accepts. Its published description has both lists.
type storage struct {
	read, write string
	path        func(organizationID, holderID string) string
	// levels are the nested objects from the outermost one to the one with the access key.
	levels []level
	// keyID and secret are the fields of the access key.
	keyID, secret string
}

// level is one of the nested objects of a holder.
type level struct {
	// name is the object's field in the object around it. It is empty for the outermost object.
	name string
	// accepted are the fields that are written back unchanged. required has the values of fields that must be sent but may be
	// missing in an answer.
	accepted []string
	required map[string]any
	// others are the known fields that are not written back unchanged: they are read-only, or replaced. A field that is in neither
	// list is an obstacle, unless others is nil.
	others []string
}

func (l level) knows(field string) bool {
	return l.others == nil || slices.Contains(l.accepted, field) || slices.Contains(l.others, field)
}

var storages = map[rotation.HolderKind]*storage{
	// Credentials have no other settings that a write could remove.
	rotation.HolderCredentials: {
		read:  "getAWSCredentials",
		write: "editAWSCredentials",
		path: func(organizationID, holderID string) string {
			return organizationPath(organizationID, "aws", "credentials", holderID)
		},
		levels: []level{{accepted: []string{"name"}, required: map[string]any{"type": "AWS_STATIC"}}},
		keyID:  "access_key_id", secret: "secret_access_key",
	},
	rotation.HolderContainerRegistry: {
		read:  "getContainerRegistry",
		write: "editContainerRegistry",
		path: func(organizationID, holderID string) string {
			return organizationPath(organizationID, "containerRegistry", holderID)
		},
		levels: []level{
			{
				accepted: []string{"name", "kind", "description", "url"},
				others:   []string{"id", "created_at", "updated_at", "cluster", "associated_services_count", "config"},
			},
			{
				name: "config",
				accepted: []string{
					"region", "role_arn", "username", "scaleway_access_key", "scaleway_project_id", "gcp_credentials_type",
					"project_id", "service_account_email", "workload_identity_provider_resource", "token_lifetime_seconds",
					"azure_tenant_id", "azure_subscription_id",
				},
				others: []string{"access_key_id", "azure_application_id", "azure_application_object_id"},
			},
		},
		keyID: "access_key_id", secret: "secret_access_key",
	},
	rotation.HolderHelmRepository: {
		read:  "getHelmRepository",
		write: "editHelmRepository",
		path: func(organizationID, holderID string) string {
			return organizationPath(organizationID, "helmRepository", holderID)
		},
		levels: []level{
			{
				accepted: []string{"name", "kind", "description", "url", "skip_tls_verification"},
				required: map[string]any{"skip_tls_verification": false},
				others:   []string{"id", "created_at", "updated_at", "associated_services_count", "config"},
			},
			{
				name: "config",
				accepted: []string{
					"region", "role_arn", "username", "scaleway_access_key", "scaleway_project_id", "azure_tenant_id",
					"azure_subscription_id",
				},
				others: []string{"access_key_id"},
			},
		},
		keyID: "access_key_id", secret: "secret_access_key",
	},
	rotation.HolderDNSProvider: {
		read:  "getClusterDnsProvider",
		write: "editClusterDnsProvider",
		path:  func(_, clusterID string) string { return pathOf("cluster", clusterID, "dnsProvider") },
		levels: []level{
			{others: []string{"dns_provider"}},
			{
				name:     "dns_provider",
				accepted: []string{"provider", "domain", "aws_region", "hosted_zone_id"},
				others:   []string{"credentials"},
			},
			{name: "credentials", accepted: []string{"type"}, others: []string{"aws_access_key_id"}},
		},
		keyID: "aws_access_key_id", secret: "aws_secret_access_key",
	},
}

// accessKeyID returns the id of the access key in a holder.
func (s *storage) accessKeyID(shown object) string {
	for _, level := range s.levels[1:] {
		shown = shown.object(level.name)
	}
	return shown.text(s.keyID)
}

// update returns the body of the request that writes a holder with another access key.
func (s *storage) update(shown object, key rotation.NewAccessKey) map[string]any {
	whole := map[string]any{}
	inner := whole
	for _, level := range s.levels {
		if level.name != "" {
			outer := inner
			inner, shown = map[string]any{}, shown.object(level.name)
			outer[level.name] = inner
		}
		maps.Copy(inner, level.required)
		shown.copy(inner, level.accepted)
	}
	inner[s.keyID], inner[s.secret] = key.ID, key.Secret.Reveal()
	return whole
}

// obstacle describes why a holder cannot be written without losing a field, without the given secrets. It is empty if it can.
func (s *storage) obstacle(shown object, secrets ...string) string {
	var path []string
	for _, level := range s.levels {
		if level.name != "" {
			shown = shown.object(level.name)
			path = append(path, level.name)
		}
		for _, field := range slices.Sorted(maps.Keys(shown)) {
			if shown.has(field) && !level.knows(field) {
				name := brief(strings.Join(append(path, field), "."), secrets...)
				return fmt.Sprintf("the field %q is not known to this version of the provider and would be lost", name)
			}
		}
	}
	return ""
}

// object is a holder as Qovery shows it, including fields that this version does not know.
type object map[string]json.RawMessage

// check implements [answer].
func (o object) check() error {
	if len(o) == 0 {
		return fmt.Errorf("%w: an empty object", errIncomplete)
	}
	return nil
}

// has reports whether a field is set.
func (o object) has(field string) bool {
	value, ok := o[field]
	return ok && string(value) != "null"
}

// text returns the string in a field, or "" if it is not a string.
func (o object) text(field string) string {
	var text string
	if json.Unmarshal(o[field], &text) != nil {
		return ""
	}
	return text
}

// object returns the object in a field, or an empty object.
func (o object) object(field string) object {
	var inner object
	if json.Unmarshal(o[field], &inner) != nil {
		return nil
	}
	return inner
}

// copy copies the given fields if they are set.
func (o object) copy(target map[string]any, fields []string) {
	for _, field := range fields {
		if o.has(field) {
			target[field] = o[field]
		}
	}
}
