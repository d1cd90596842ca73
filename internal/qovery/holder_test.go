package qovery

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var newKey = rotation.NewAccessKey{ID: "AKIANEW", Secret: rotation.NewSecret(testSecret)}

// storeKey stores newKey in a holder of the organization "org".
func storeKey(ctx context.Context, client *Client, holder rotation.Holder) error {
	store, err := client.PrepareStore(ctx, "org", holder, newKey)
	if err != nil {
		return err
	}
	return store(ctx)
}

func TestPrepareStore(t *testing.T) {
	const secret = `"secret_access_key":"` + testSecret + `"`
	tests := map[string]struct {
		kind              rotation.HolderKind
		path, shown, sent string
	}{
		"credentials": {
			kind:  rotation.HolderCredentials,
			path:  "/organization/org/aws/credentials/id",
			shown: `{"id":"id","name":"production","object_type":"AWS","access_key_id":"AKIAOLD"}`,
			sent:  `{"type":"AWS_STATIC","name":"production","access_key_id":"AKIANEW",` + secret + `}`,
		},
		"registry": {
			kind: rotation.HolderContainerRegistry,
			path: "/organization/org/containerRegistry/id",
			shown: `{"id":"id","created_at":"2026-01-01T00:00:00Z","name":"registry-c1","kind":"ECR","description":"<by Qovery>",
				"url":"https://1.dkr.ecr.eu-west-3.amazonaws.com","cluster":{"id":"c1","name":"prod"},"associated_services_count":3,
				"config":{"region":"eu-west-3","access_key_id":"AKIAOLD"}}`,
			sent: `{"name":"registry-c1","kind":"ECR","description":"<by Qovery>",
				"url":"https://1.dkr.ecr.eu-west-3.amazonaws.com",
				"config":{"region":"eu-west-3","access_key_id":"AKIANEW",` + secret + `}}`,
		},
		"registry with every field": {
			kind: rotation.HolderContainerRegistry,
			path: "/organization/org/containerRegistry/id",
			shown: `{"id":"id","name":"odd","kind":"ECR","description":null,"url":"",
				"config":{"access_key_id":"AKIAOLD","region":"r","role_arn":"","username":"u","scaleway_access_key":"s",
				"scaleway_project_id":"p","gcp_credentials_type":"workload_identity_federation","project_id":"g",
				"service_account_email":"e","workload_identity_provider_resource":"w","token_lifetime_seconds":14400,
				"azure_tenant_id":"t","azure_subscription_id":"b","azure_application_id":"not accepted",
				"azure_application_object_id":"not accepted"}}`,
			sent: `{"name":"odd","kind":"ECR","url":"",
				"config":{"access_key_id":"AKIANEW",` + secret + `,
				"region":"r","role_arn":"","username":"u","scaleway_access_key":"s",
				"scaleway_project_id":"p","gcp_credentials_type":"workload_identity_federation","project_id":"g",
				"service_account_email":"e","workload_identity_provider_resource":"w","token_lifetime_seconds":14400,
				"azure_tenant_id":"t","azure_subscription_id":"b"}}`,
		},
		"helm repository": {
			kind: rotation.HolderHelmRepository,
			path: "/organization/org/helmRepository/id",
			shown: `{"id":"id","name":"charts","kind":"OCI_ECR","url":"oci://1.dkr.ecr.eu-west-3.amazonaws.com",
				"skip_tls_verification":true,"config":{"region":"eu-west-3","access_key_id":"AKIAOLD","username":null}}`,
			sent: `{"name":"charts","kind":"OCI_ECR","url":"oci://1.dkr.ecr.eu-west-3.amazonaws.com",
				"skip_tls_verification":true,"config":{"region":"eu-west-3","access_key_id":"AKIANEW",` + secret + `}}`,
		},
		"helm repository without optional fields": {
			kind:  rotation.HolderHelmRepository,
			path:  "/organization/org/helmRepository/id",
			shown: `{"id":"id","name":"charts","kind":"OCI_ECR","config":{"access_key_id":"AKIAOLD"}}`,
			sent: `{"name":"charts","kind":"OCI_ECR","skip_tls_verification":false,
				"config":{"access_key_id":"AKIANEW",` + secret + `}}`,
		},
		"credentials with a new field": {
			kind:  rotation.HolderCredentials,
			path:  "/organization/org/aws/credentials/id",
			shown: `{"id":"id","name":"production","object_type":"AWS","access_key_id":"AKIAOLD","new_field":1}`,
			sent:  `{"type":"AWS_STATIC","name":"production","access_key_id":"AKIANEW",` + secret + `}`,
		},
		"Route 53": {
			kind: rotation.HolderDNSProvider,
			path: "/cluster/id/dnsProvider",
			shown: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"eu-west-3","hosted_zone_id":"Z1",
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIAOLD"}}}`,
			sent: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"eu-west-3","hosted_zone_id":"Z1",
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIANEW","aws_secret_access_key":"` + testSecret + `"}}}`,
		},
		"Route 53 without a zone": {
			kind: rotation.HolderDNSProvider,
			path: "/cluster/id/dnsProvider",
			shown: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"eu-west-3","hosted_zone_id":null,
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIAOLD"}}}`,
			sent: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"eu-west-3",
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIANEW","aws_secret_access_key":"` + testSecret + `"}}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, reply(200, test.shown), reply(200, ``))
			holder := rotation.Holder{Kind: test.kind, ID: "id", AccessKeyID: "AKIAOLD"}
			if err := storeKey(t.Context(), api.client(t), holder); err != nil {
				t.Fatal(err)
			}
			requests := api.requests()
			if len(requests) != 2 || requests[0].path != test.path || requests[1].path != test.path {
				t.Fatalf("requests = %v, want two to %s", requests, test.path)
			}
			put := requests[1]
			if put.method != http.MethodPut || put.header.Get("Content-Type") != "application/json" {
				t.Errorf("second request is a %s with %s", put.method, put.header.Get("Content-Type"))
			}
			var got, want any
			if err := errors.Join(json.Unmarshal([]byte(put.body), &got), json.Unmarshal([]byte(test.sent), &want)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("sent %v\nwant %v", got, want)
			}
		})
	}
}

func TestPrepareStoreLooksFirst(t *testing.T) {
	tests := map[string]struct {
		kind  rotation.HolderKind
		shown http.HandlerFunc
		want  error
	}{
		"has the key already": {
			kind:  rotation.HolderCredentials,
			shown: reply(200, `{"id":"id","object_type":"AWS","access_key_id":"AKIANEW"}`),
		},
		"registry has the key already": {
			kind:  rotation.HolderContainerRegistry,
			shown: reply(200, `{"id":"id","config":{"access_key_id":"AKIANEW"}}`),
		},
		"has another key": {
			kind:  rotation.HolderCredentials,
			shown: reply(200, `{"id":"id","object_type":"AWS","access_key_id":"AKIAOTHER"}`),
			want:  rotation.ErrConflict,
		},
		"Route 53 has the key already, whatever else is new": {
			kind:  rotation.HolderDNSProvider,
			shown: reply(200, `{"dns_provider":{"new_field":1,"credentials":{"aws_access_key_id":"AKIANEW"}}}`),
		},
		"DNS is with another provider now": {
			kind:  rotation.HolderDNSProvider,
			shown: reply(200, `{"dns_provider":{"provider":"QOVERY","domain":"example.com"}}`),
			want:  rotation.ErrConflict,
		},
		"DNS provider is not found": {
			kind:  rotation.HolderDNSProvider,
			shown: reply(404, `{}`),
			want:  rotation.ErrNotFound,
		},
		"has no key any more": {
			kind:  rotation.HolderContainerRegistry,
			shown: reply(200, `{"id":"id","config":{"role_arn":"arn"}}`),
			want:  rotation.ErrConflict,
		},
		"has another type": {
			kind:  rotation.HolderCredentials,
			shown: reply(200, `{"id":"id","object_type":"AWS_ROLE","access_key_id":"AKIAOLD"}`),
			want:  rotation.ErrConflict,
		},
		"is gone": {
			kind:  rotation.HolderHelmRepository,
			shown: reply(404, `{}`),
			want:  rotation.ErrNotFound,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, test.shown)
			holder := rotation.Holder{Kind: test.kind, ID: "id", AccessKeyID: "AKIAOLD"}
			if err := storeKey(t.Context(), api.client(t), holder); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if requests := api.requests(); len(requests) != 1 || requests[0].method != http.MethodGet {
				t.Errorf("requests = %v, want one GET", requests)
			}
		})
	}
}

func TestPrepareStoreChecksTheAnswer(t *testing.T) {
	registry := rotation.Holder{Kind: rotation.HolderContainerRegistry, ID: "id", AccessKeyID: "AKIAOLD"}
	route53 := rotation.Holder{Kind: rotation.HolderDNSProvider, ID: "id", AccessKeyID: "AKIAOLD"}
	shown := map[rotation.HolderKind]http.HandlerFunc{
		registry.Kind: reply(200, `{"id":"id","name":"r","kind":"ECR","config":{"access_key_id":"AKIAOLD"}}`),
		route53.Kind:  reply(200, `{"dns_provider":{"provider":"ROUTE53","credentials":{"aws_access_key_id":"AKIAOLD"}}}`),
	}
	tests := map[string]struct {
		holder      rotation.Holder
		answer      http.HandlerFunc
		wantUnclear bool
	}{
		"shows the key":         {registry, reply(200, `{"config":{"access_key_id":"AKIANEW"}}`), false},
		"shows no key":          {registry, reply(200, `{"config":{}}`), false},
		"is empty":              {registry, reply(204, ``), false},
		"shows the old":         {registry, reply(200, `{"config":{"access_key_id":"AKIAOLD"}}`), true},
		"is a page":             {registry, page(200), true},
		"is nonsense":           {registry, reply(200, `"OK`), true},
		"is an error":           {registry, reply(500, `{}`), true},
		"never arrives":         {registry, reset, true},
		"arrives in parts":      {registry, cutOff, true},
		"shows the zone's key":  {route53, reply(200, `{"dns_provider":{"credentials":{"aws_access_key_id":"AKIANEW"}}}`), false},
		"shows the zone's old":  {route53, reply(200, `{"dns_provider":{"credentials":{"aws_access_key_id":"AKIAOLD"}}}`), true},
		"shows no zone":         {route53, reply(200, `{"dns_provider":null}`), false},
		"is empty for the zone": {route53, reply(200, `{}`), false},
		"is a list":             {route53, reply(200, `[]`), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, shown[test.holder.Kind], test.answer)
			err := storeKey(t.Context(), api.client(t), test.holder)
			if (err != nil) != test.wantUnclear || rotation.IsDefinite(err) {
				t.Errorf("error = %v, want an unclear one: %t", err, test.wantUnclear)
			}
			if got := len(api.requests()); got != 2 {
				t.Errorf("sent %d requests, want 2", got)
			}
		})
	}
}

func TestPrepareStoreInOtherHolders(t *testing.T) {
	api := newFakeAPI(t, reply(200, `{}`))
	for _, kind := range []rotation.HolderKind{rotation.HolderVSphereCredentials, rotation.HolderSecretManager} {
		err := storeKey(t.Context(), api.client(t), rotation.Holder{Kind: kind, ID: "id"})
		if !errors.Is(err, rotation.ErrRejected) {
			t.Errorf("%s: error = %v", kind, err)
		}
	}
	if got := api.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// TestObstacles checks that a field that cannot be written back is found by the list of holders and by PrepareStore.
func TestObstacles(t *testing.T) {
	tests := map[string]struct {
		kind  rotation.HolderKind
		shown string
		// want is the field that is an obstacle, or empty.
		want string
	}{
		"registry": {
			kind: rotation.HolderContainerRegistry,
			shown: `{"id":"id","created_at":"x","updated_at":"x","name":"n","kind":"ECR","description":"d","url":"u",
				"cluster":{"id":"c1","name":"prod","new_field":1},"associated_services_count":3,"new_field":null,
				"config":{"access_key_id":"AKIAOLD","region":"r","azure_application_id":"a","azure_application_object_id":"o"}}`,
		},
		"registry with a new field": {
			kind:  rotation.HolderContainerRegistry,
			shown: `{"id":"id","immutable_tags":false,"config":{"access_key_id":"AKIAOLD"}}`,
			want:  "immutable_tags",
		},
		"registry with a new field in its configuration": {
			kind:  rotation.HolderContainerRegistry,
			shown: `{"id":"id","config":{"access_key_id":"AKIAOLD","proxy":{"url":""}}}`,
			want:  "config.proxy",
		},
		"registry with a field of helm repositories": {
			kind:  rotation.HolderContainerRegistry,
			shown: `{"id":"id","skip_tls_verification":true,"config":{"access_key_id":"AKIAOLD"}}`,
			want:  "skip_tls_verification",
		},
		"helm repository": {
			kind: rotation.HolderHelmRepository,
			shown: `{"id":"id","created_at":"x","updated_at":"x","name":"n","kind":"OCI_ECR","description":"d","url":"u",
				"skip_tls_verification":true,"associated_services_count":3,"config":{"access_key_id":"AKIAOLD","region":"r"}}`,
		},
		"helm repository with new fields": {
			kind:  rotation.HolderHelmRepository,
			shown: `{"id":"id","config":{"access_key_id":"AKIAOLD","b\u001b[31m\n":1,"c":1}}`,
			want:  "config.b",
		},
		"Route 53": {
			kind: rotation.HolderDNSProvider,
			shown: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"r","hosted_zone_id":"z",
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIAOLD"}}}`,
		},
		"Route 53 with a new field": {
			kind:  rotation.HolderDNSProvider,
			shown: `{"dns_provider":{"private":true,"credentials":{"aws_access_key_id":"AKIAOLD"}}}`,
			want:  "dns_provider.private",
		},
		"Route 53 with a new field in its credentials": {
			kind:  rotation.HolderDNSProvider,
			shown: `{"dns_provider":{"credentials":{"aws_access_key_id":"AKIAOLD","role_arn":"arn"}}}`,
			want:  "dns_provider.credentials.role_arn",
		},
		"Route 53 with a new field around it": {
			kind:  rotation.HolderDNSProvider,
			shown: `{"fallback":{},"dns_provider":{"credentials":{"aws_access_key_id":"AKIAOLD"}}}`,
			want:  "fallback",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listed, err := listHolder(t, test.kind, test.shown)
			if err != nil || !strings.Contains(listed.Obstacle, test.want) || (listed.Obstacle != "") != (test.want != "") ||
				strings.ContainsAny(listed.Obstacle, "\n\x1b") {
				t.Errorf("listed as %#v, %v, want an obstacle with %q", listed, err, test.want)
			}
			api := newFakeAPI(t, reply(200, test.shown))
			_, err = api.client(t).PrepareStore(t.Context(), "org", *listed, newKey)
			if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, rotation.ErrRejected) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("preparing: error = %v, want %q in it", err, test.want)
			}
		})
	}
}

// listHolder reads the only holder of a kind, for which Qovery's answer is given.
func listHolder(t *testing.T, kind rotation.HolderKind, shown string) (*rotation.Holder, error) {
	t.Helper()
	if kind == rotation.HolderDNSProvider {
		return newFakeAPI(t, reply(200, shown)).client(t).ClusterDNSProvider(t.Context(), "id")
	}
	client := newFakeAPI(t, reply(200, `{"results":[`+shown+`]}`)).client(t)
	list := client.ContainerRegistries
	if kind == rotation.HolderHelmRepository {
		list = client.HelmRepositories
	}
	holders, err := list(t.Context(), "org")
	if err != nil {
		return nil, err
	}
	return &holders[0], nil
}
