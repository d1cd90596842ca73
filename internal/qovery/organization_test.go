package qovery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// readings are all methods that read, converted to one function type.
var readings = map[string]func(context.Context, *Client) (any, error){
	"organization": func(ctx context.Context, c *Client) (any, error) { return c.Organization(ctx, "org") },
	"credentials":  func(ctx context.Context, c *Client) (any, error) { return c.Credentials(ctx, "org") },
	"clusters":     func(ctx context.Context, c *Client) (any, error) { return c.Clusters(ctx, "org") },
	"statuses":     func(ctx context.Context, c *Client) (any, error) { return c.ClusterStatuses(ctx, "org") },
	"registries":   func(ctx context.Context, c *Client) (any, error) { return c.ContainerRegistries(ctx, "org") },
	"helm":         func(ctx context.Context, c *Client) (any, error) { return c.HelmRepositories(ctx, "org") },
	"deployments":  func(ctx context.Context, c *Client) (any, error) { return c.RunningDeployments(ctx, "org") },
	"dns":          func(ctx context.Context, c *Client) (any, error) { return c.ClusterDNSProvider(ctx, "cluster") },
	"errors": func(ctx context.Context, c *Client) (any, error) {
		return c.ClusterErrors(ctx, "org", "cluster", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	},
}

func TestReadings(t *testing.T) {
	answered := time.Date(2026, time.January, 1, 1, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		reading, path, answer string
		want                  any
	}{
		"organization": {
			reading: "organization", path: "/organization/org",
			answer: `{"id":"org","name":"acme","plan":"TEAM","billing_deployment_restriction":"NO_CREDIT_CARD","new_field":{}}`,
			want:   rotation.Organization{ID: "org", Name: "acme", DeploymentRestriction: "NO_CREDIT_CARD"},
		},
		"organization without restriction": {
			reading: "organization", path: "/organization/org",
			answer: `{"id":"org","name":"acme","billing_deployment_restriction":null}`,
			want:   rotation.Organization{ID: "org", Name: "acme"},
		},
		"credentials of every type": {
			reading: "credentials", path: "/organization/org/credentials",
			answer: `{"results":[
				{"credential":{"id":"a","name":"static","object_type":"AWS","access_key_id":"AKIA1"},
				 "clusters":[{"id":"c1","name":"prod","cloud_provider":"AWS"},{"id":"c2","name":"staging"}]},
				{"credential":{"id":"b","name":"role","object_type":"AWS_ROLE","role_arn":"arn:aws:iam::1:role/q"},"clusters":[]},
				{"credential":{"id":"c","name":"vsphere","object_type":"EKS_ANYWHERE_VSPHERE","access_key_id":"AKIA2"}},
				{"credential":{"id":"d","name":"vsphere role","object_type":"EKS_ANYWHERE_VSPHERE","access_key_id":null},
				 "clusters":null},
				{"credential":{"id":"e","name":"new","object_type":"MOON","access_key_id":"AKIA3"}},
				{"credential":{"id":"f","name":"scaleway","object_type":"SCW","scaleway_access_key":"SCW1"}}]}`,
			want: []rotation.CredentialsSet{
				{
					ID: "a", Name: "static", Type: "AWS", AccessKeyID: "AKIA1",
					Clusters: []rotation.Cluster{{ID: "c1", Name: "prod"}, {ID: "c2", Name: "staging"}},
				},
				{ID: "b", Name: "role", Type: "AWS_ROLE"},
				{ID: "c", Name: "vsphere", Type: "EKS_ANYWHERE_VSPHERE", AccessKeyID: "AKIA2"},
				{ID: "d", Name: "vsphere role", Type: "EKS_ANYWHERE_VSPHERE"},
				{ID: "e", Name: "new", Type: "MOON", AccessKeyID: "AKIA3"},
				{ID: "f", Name: "scaleway", Type: "SCW"},
			},
		},
		"no credentials": {
			reading: "credentials", path: "/organization/org/credentials",
			answer: `{"results":[]}`, want: []rotation.CredentialsSet{},
		},
		"clusters": {
			reading: "clusters", path: "/organization/org/cluster",
			answer: `{"results":[{"id":"c1","name":"prod","region":"eu-west-3","production":true,"kubernetes":"SELF_MANAGED",
				"deployment_status":"OUT_OF_DATE","secret_manager_accesses":[
				{"id":"s1","name":"static","authentication":
					{"mode":"AWS_STATIC_CREDENTIALS","region":"eu-west-3","access_key":"AKIA1","secret_key":null}},
				{"id":"s2","name":"role","authentication":{"mode":"AWS_ROLE_ARN","role_arn":"arn"}},
				{"id":"s3","name":"gcp","authentication":{"mode":"GCP_JSON_CREDENTIALS","json_credentials":null}},
				{"id":"s4","name":"new","authentication":{"mode":"AWS_STATIC_2","access_key":"AKIA2"}},
				{"id":"s5","name":"no mode","authentication":{"access_key":"AKIA3"}},
				{"id":"s6","name":"nothing","authentication":null}]},
				{"id":"c2","name":"other","region":"fr-par","production":null,"kubernetes":null,"deployment_status":"FROZEN"},
				{"id":"c3","name":"bare","secret_manager_accesses":null}]}`,
			want: []rotation.Cluster{
				{
					ID: "c1", Name: "prod", Region: "eu-west-3", Production: true, Kubernetes: "SELF_MANAGED", DeploymentStatus: "OUT_OF_DATE",
					SecretManagerKeys: []rotation.Holder{
						{Kind: rotation.HolderSecretManager, ID: "s1", Name: "static", AccessKeyID: "AKIA1", Obstacle: secretManagerObstacle},
						{Kind: rotation.HolderSecretManager, ID: "s4", Name: "new", AccessKeyID: "AKIA2", Obstacle: secretManagerObstacle},
						{Kind: rotation.HolderSecretManager, ID: "s5", Name: "no mode", AccessKeyID: "AKIA3", Obstacle: secretManagerObstacle},
					},
				},
				{ID: "c2", Name: "other", Region: "fr-par", DeploymentStatus: "FROZEN"},
				{ID: "c3", Name: "bare"},
			},
		},
		"statuses": {
			reading: "statuses", path: "/organization/org/cluster/status",
			answer: `{"results":[
				{"cluster_id":"c1","status":"DEPLOYED","is_deployed":true,"last_execution_id":"e1",
				 "last_deployment_date":"2026-01-01T00:00:00.5Z","reason":"UNSPECIFIED","cluster_lock":
					{"cluster_id":"c1","owner_name":"Ada","reason":"audit","locked_at":"2026-01-02T03:04:05Z"}},
				{"cluster_id":"c2","status":"SOMETHING_NEW","is_deployed":false,
				 "last_execution_id":null,"last_deployment_date":null,"cluster_lock":null},
				{"cluster_id":"c3","status":"READY","is_deployed":false,"cluster_lock":{"locked_at":"yesterday"}}]}`,
			want: []rotation.ClusterStatus{
				{
					ClusterID: "c1", State: "DEPLOYED", IsDeployed: true, LastExecutionID: "e1",
					LastDeploymentDate: "2026-01-01T00:00:00.5Z", ReadAt: answered,
					Lock: &rotation.ClusterLock{
						Owner: "Ada", Reason: "audit", LockedAt: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC),
					},
				},
				{ClusterID: "c2", State: "SOMETHING_NEW", ReadAt: answered},
				{ClusterID: "c3", State: "READY", ReadAt: answered, Lock: &rotation.ClusterLock{}},
			},
		},
		"registries": {
			reading: "registries", path: "/organization/org/containerRegistry",
			answer: `{"results":[
				{"id":"r1","name":"registry-c1","kind":"ECR","config":{"region":"eu-west-3","access_key_id":"AKIA1"},
				 "cluster":{"id":"c1","name":"prod"},"associated_services_count":3},
				{"id":"r2","name":"role","kind":"ECR","config":{"role_arn":"arn"}},
				{"id":"r3","name":"docker","kind":"DOCKER_HUB","config":null},
				{"id":"r4","name":"public","kind":"PUBLIC_ECR"},
				{"id":"r5","name":"new","kind":"ECR_2","config":{"access_key_id":"AKIA2"},"cluster":null,"associated_services_count":null}]}`,
			want: []rotation.Holder{
				{
					Kind: rotation.HolderContainerRegistry, ID: "r1", Name: "registry-c1", AccessKeyID: "AKIA1",
					ClusterID: "c1", ClusterName: "prod", Services: 3,
				},
				{Kind: rotation.HolderContainerRegistry, ID: "r5", Name: "new", AccessKeyID: "AKIA2"},
			},
		},
		"helm repositories": {
			reading: "helm", path: "/organization/org/helmRepository",
			answer: `{"results":[{"id":"h1","name":"charts","kind":"OCI_ECR","config":{"access_key_id":"AKIA1"},"associated_services_count":2},
				{"id":"h2","name":"open","kind":"HTTPS","config":{}}]}`,
			want: []rotation.Holder{
				{Kind: rotation.HolderHelmRepository, ID: "h1", Name: "charts", AccessKeyID: "AKIA1", Services: 2},
			},
		},
		"DNS in Route 53": {
			reading: "dns", path: "/cluster/cluster/dnsProvider",
			answer: `{"dns_provider":{"provider":"ROUTE53","domain":"example.com","aws_region":"eu-west-3",
				"credentials":{"type":"STATIC","aws_access_key_id":"AKIA1"}}}`,
			want: &rotation.Holder{Kind: rotation.HolderDNSProvider, ID: "cluster", Name: "example.com", AccessKeyID: "AKIA1"},
		},
		"DNS in a provider that is newer": {
			reading: "dns", path: "/cluster/cluster/dnsProvider",
			answer: `{"dns_provider":{"provider":"ROUTE54","domain":"example.com","credentials":{"type":"NEW","aws_access_key_id":"AKIA1"}}}`,
			want:   &rotation.Holder{Kind: rotation.HolderDNSProvider, ID: "cluster", Name: "example.com", AccessKeyID: "AKIA1"},
		},
		"DNS of Qovery": {
			reading: "dns", path: "/cluster/cluster/dnsProvider",
			answer: `{"dns_provider":{"provider":"QOVERY","domain":"example.com"}}`,
			want:   (*rotation.Holder)(nil),
		},
		"cluster errors": {
			reading: "errors", path: "/organization/org/cluster/cluster/logs",
			answer: `{"results":[
				{"type":"error","timestamp":"2026-01-01T00:00:03Z","error":{"user_log_message":"Cannot reach the cluster",
				 "hint_message":"Check the credentials.",
				 "underlying_error":{"message":"InvalidClientTokenId:\n the token is invalid"}}},
				{"type":"info","timestamp":"2026-01-01T00:00:02Z","message":{"safe_message":"Deploying"}},
				{"type":"ERROR","timestamp":"2026-01-01T00:00:01Z","message":{"safe_message":"It failed"}},
				{"type":"warning","timestamp":"2026-01-01T00:00:04Z","message":{"safe_message":"Only this"},
				 "error":{"underlying_error":null}},
				{"type":"error","timestamp":"2026-01-01T00:00:04Z"},
				{"type":"error","timestamp":"later","message":{"safe_message":"Nobody knows when"}},
				{"type":"error","timestamp":"2026-01-01T00:00:00Z","message":{"safe_message":"An earlier deployment failed"}},
				{"type":"error","timestamp":"2026-01-01T02:00:05.9+02:00","message":"of another type","error":{"hint_message":"Look."}}],
				"page":1}`,
			want: []string{
				"2026-01-01T00:00:01Z It failed",
				"2026-01-01T00:00:03Z Cannot reach the cluster (InvalidClientTokenId: the token is invalid) Check the credentials.",
				"2026-01-01T00:00:04Z Only this",
				"2026-01-01T00:00:05Z Look.",
			},
		},
		"last cluster errors": {
			reading: "errors", path: "/organization/org/cluster/cluster/logs",
			answer: `{"page":{"results":[]},"results":[` +
				strings.Repeat(`{"type":"error","timestamp":"2026-01-02T00:00:00Z","message":{"safe_message":"new"}},`, 10) +
				`{"type":"error","timestamp":"2026-01-01T00:00:01Z","message":{"safe_message":"old"}}]}`,
			want: slices.Repeat([]string{"2026-01-02T00:00:00Z new"}, 10),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, reply(200, test.answer, "Date", answered.Format(http.TimeFormat)))
			got, err := readings[test.reading](t.Context(), api.client(t))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if requests := api.requests(); len(requests) != 1 || requests[0].path != test.path {
				t.Errorf("requests = %v, want one to %s", requests, test.path)
			}
		})
	}
}

func TestIncompleteAnswers(t *testing.T) {
	tests := map[string][]string{
		"organization": {`{}`, `[]`, `null`},
		"credentials": {
			`{}`, `{"results":null}`, `[]`, `{"results":[{}]}`,
			`{"results":[{"credential":{"object_type":"AWS","access_key_id":"AKIA1"}}]}`,
			`{"results":[{"credential":{"id":"a","access_key_id":"AKIA1"}}]}`,
			`{"results":[{"credential":{"id":"a","object_type":"AWS"}}]}`,
			`{"results":[{"credential":{"id":"a","object_type":"AWS_ROLE","access_key_id":1}}]}`,
			`{"results":[{"credential":{"id":"a","object_type":"AWS_ROLE"},"clusters":[{"name":"nameless"}]}]}`,
		},
		"clusters": {
			`{}`, `{"results":[{"name":"prod"}]}`, `{"results":[{"id":"c1","production":"yes"}]}`,
			`{"results":[{"id":"c1","kubernetes":1}]}`, `{"results":[{"id":"c1","deployment_status":{}}]}`,
			`{"results":[{"id":"c1","secret_manager_accesses":[{"authentication":{"access_key":1}}]}]}`,
		},
		"statuses": {`{}`, `{"results":[{"status":"DEPLOYED"}]}`, `{"results":[{"cluster_id":"c1"}]}`},
		"registries": {
			`{}`, `{"results":[null]}`, `{"results":[[]]}`, `{"results":[{"config":{"access_key_id":"AKIA1"}}]}`,
			`{"results":[{"id":"r1","config":{"access_key_id":1}}]}`, `{"results":[{"id":"r1","config":"AKIA1"}]}`,
			`{"results":[{"id":"r1","cluster":"c1"}]}`, `{"results":[{"id":"r1","associated_services_count":"3"}]}`,
		},
		"helm": {`{"result":[]}`, `{"results":[{"config":{"access_key_id":"AKIA1"}}]}`},
		"dns": {
			`{}`, `null`, `[]`, `{"dns_provider":null}`, `{"dns_provider":"ROUTE53"}`, `{"dns_provider":{"domain":1}}`,
			`{"dns_provider":{"credentials":"AKIA1"}}`, `{"dns_provider":{"credentials":{"aws_access_key_id":1}}}`,
		},
		"errors": {`{}`, `[]`, `null`, `{"results":null}`, `{"results":{}}`, `{"page":1}`},
	}
	for reading, answers := range tests {
		for i, answer := range answers {
			t.Run(fmt.Sprintf("%s %d", reading, i), func(t *testing.T) {
				_, err := readings[reading](t.Context(), newFakeAPI(t, reply(200, answer)).client(t))
				if _, ok := errors.AsType[*Error](err); !ok || rotation.IsDefinite(err) {
					t.Errorf("%s: error = %v, want an unclear one", answer, err)
				}
			})
		}
	}
}

func TestUnreadableDNSProvider(t *testing.T) {
	_, err := newFakeAPI(t, reply(404, `{}`)).client(t).ClusterDNSProvider(t.Context(), "c1")
	if !errors.Is(err, rotation.ErrNotFound) || !strings.HasPrefix(err.Error(), "DNS provider of cluster c1 could not be read: ") {
		t.Errorf("error = %v, want %v with the cluster", err, rotation.ErrNotFound)
	}
	if _, err = newFakeAPI(t, page(404)).client(t).ClusterDNSProvider(t.Context(), "c1"); err == nil || rotation.IsDefinite(err) {
		t.Errorf("a gateway's page was taken for the API's answer: %v", err)
	}
}
