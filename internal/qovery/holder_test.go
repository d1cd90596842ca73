package qovery

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var newKey = rotation.NewAccessKey{ID: "AKIANEW", Secret: rotation.NewSecret(testSecret)}

// storeKey puts newKey into a holder of the organization "org".
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
				"azure_tenant_id":"t","azure_subscription_id":"b","azure_application_id":"not accepted","new_field":1}}`,
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
	shown := reply(200, `{"id":"id","name":"r","kind":"ECR","config":{"access_key_id":"AKIAOLD"}}`)
	tests := map[string]struct {
		answer      http.HandlerFunc
		wantUnclear bool
	}{
		"shows the key":    {answer: reply(200, `{"config":{"access_key_id":"AKIANEW"}}`)},
		"shows no key":     {answer: reply(200, `{"config":{}}`)},
		"is empty":         {answer: reply(204, ``)},
		"shows the old":    {answer: reply(200, `{"config":{"access_key_id":"AKIAOLD"}}`), wantUnclear: true},
		"is a page":        {answer: page(200), wantUnclear: true},
		"is nonsense":      {answer: reply(200, `"OK`), wantUnclear: true},
		"is an error":      {answer: reply(500, `{}`), wantUnclear: true},
		"never arrives":    {answer: reset, wantUnclear: true},
		"arrives in parts": {answer: cutOff, wantUnclear: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, shown, test.answer)
			holder := rotation.Holder{Kind: rotation.HolderContainerRegistry, ID: "id", AccessKeyID: "AKIAOLD"}
			err := storeKey(t.Context(), api.client(t), holder)
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
	for _, kind := range []rotation.HolderKind{
		rotation.HolderVSphereCredentials, rotation.HolderDNSProvider, rotation.HolderSecretManager,
	} {
		err := storeKey(t.Context(), api.client(t), rotation.Holder{Kind: kind, ID: "id"})
		if !errors.Is(err, rotation.ErrRejected) {
			t.Errorf("%s: error = %v", kind, err)
		}
	}
	if got := api.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}
