package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// customer has the arguments for the methods of the port.
type customer struct {
	organizationID, clusterID string
	holders                   []rotation.Holder
	key                       rotation.NewAccessKey
}

// calls has a call of each method of the port.
var calls = map[string]func(context.Context, rotation.Qovery, customer) error{
	"Organization": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.Organization(ctx, c.organizationID)
		return err
	},
	"Credentials": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.Credentials(ctx, c.organizationID)
		return err
	},
	"Clusters": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.Clusters(ctx, c.organizationID)
		return err
	},
	"ClusterStatuses": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.ClusterStatuses(ctx, c.organizationID)
		return err
	},
	"RunningDeployments": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.RunningDeployments(ctx, c.organizationID)
		return err
	},
	"LastCredentialsChange": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.LastCredentialsChange(ctx, c.organizationID, showcaseID)
		return err
	},
	"Budget": func(context.Context, rotation.Qovery, customer) error { return nil }, // It sends nothing.
	"ContainerRegistries": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.ContainerRegistries(ctx, c.organizationID)
		return err
	},
	"HelmRepositories": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.HelmRepositories(ctx, c.organizationID)
		return err
	},
	"ClusterDNSProvider": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.ClusterDNSProvider(ctx, c.clusterID)
		return err
	},
	"PrepareStore": func(ctx context.Context, q rotation.Qovery, c customer) error {
		for _, holder := range c.holders {
			store, err := q.PrepareStore(ctx, c.organizationID, holder, c.key)
			if err == nil {
				err = store(ctx)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", holder.Kind, err)
			}
		}
		return nil
	},
	"DeployCluster": func(ctx context.Context, q rotation.Qovery, c customer) error {
		return q.DeployCluster(ctx, c.organizationID, c.clusterID)
	},
	"ClusterErrors": func(ctx context.Context, q rotation.Qovery, c customer) error {
		_, err := q.ClusterErrors(ctx, c.organizationID, c.clusterID, time.Time{})
		return err
	},
}

// newClient returns a client with a guard, which fails the test if it reports something.
func newClient(t *testing.T, url, token string, next http.RoundTripper) (*qovery.Client, *guard) {
	t.Helper()
	g := newGuard(t, next, t.Errorf)
	client, err := qovery.New(qovery.Config{
		URL: url, Token: token, Transport: g, MaxTries: 1, RetryWaitMin: time.Millisecond, RetryWaitMax: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, g
}

// callAll calls every method of the port and checks that all operations were called.
func callAll(t *testing.T, client rotation.Qovery, g *guard, c customer) {
	t.Helper()
	for method := range reflect.TypeFor[rotation.Qovery]().Methods() {
		call := calls[method.Name]
		if call == nil {
			t.Errorf("calls lacks the method %s", method.Name)
			continue
		}
		if err := call(t.Context(), client, c); err != nil {
			t.Errorf("%s: %s", method.Name, err)
		}
	}
	if got := slices.Sorted(maps.Keys(g.seen)); !slices.Equal(got, inUse) {
		t.Errorf("called %v, want %v", got, inUse)
	}
}

// TestPortAgainstShowcase checks that the port decodes every described field, and writes back every accepted one.
func TestPortAgainstShowcase(t *testing.T) {
	client, g := newClient(t, "http://127.0.0.1", "token", showcase{newRouter(t)})
	c := customer{
		organizationID: showcaseID, clusterID: showcaseID,
		key: rotation.NewAccessKey{ID: showcaseNewKey, Secret: rotation.NewSecret("secret")},
	}
	for _, kind := range []rotation.HolderKind{
		rotation.HolderCredentials, rotation.HolderContainerRegistry, rotation.HolderHelmRepository, rotation.HolderDNSProvider,
	} {
		c.holders = append(c.holders, rotation.Holder{Kind: kind, ID: showcaseID, AccessKeyID: showcaseOldKey})
	}
	callAll(t, client, g, c)
}

// TestPortAgainstSimulator checks that the simulator's answers are as described, for objects of every kind.
func TestPortAgainstSimulator(t *testing.T) {
	w := simulator.New(t)
	user := w.AddUser("qovery")
	oldKey := user.AddKey()
	org := w.AddOrganization("acme")
	set := org.AddCredentials("production", oldKey)
	org.AddVSphereCredentials("datacenter", oldKey)
	org.AddRoleCredentials("role")
	org.AddScalewayCredentials("scaleway")
	cluster := org.AddCluster("prod", "eu-west-3", set)
	cluster.AddSecretManagerAccess("secrets", oldKey)
	cluster.SetRoute53DNS(oldKey)
	org.AddNewCluster("new", "eu-west-3", set)
	org.AddStoppedCluster("stopped", "eu-west-3", set).Lock("Ada", "audit")
	org.AddCluster("broken", "eu-west-3", set).SetState("INTERNAL_ERROR")
	org.AddDockerRegistry("docker")
	registry := org.AddRegistry("images", "ECR", oldKey)
	helm := org.AddHelmRepository("charts", "OCI_ECR", oldKey)
	newKey := user.AddKey()
	w.Clock().Advance(time.Minute)
	cluster.FailNextDeployment("DEPLOYMENT_ERROR", "Out of pods")
	cluster.DeployBySomebodyElse()
	w.Clock().Advance(time.Hour)
	org.AddProject("shop").AddEnvironment("staging", org.AddCluster("apps", "eu-west-3", set)).Deploy(time.Hour)

	client, g := newClient(t, w.QoveryURL(), w.Token(), http.DefaultTransport)
	c := customer{
		organizationID: org.ID, clusterID: cluster.ID,
		holders: []rotation.Holder{
			{Kind: rotation.HolderCredentials, ID: set.ID, AccessKeyID: oldKey.ID},
			{Kind: rotation.HolderContainerRegistry, ID: registry.ID, AccessKeyID: oldKey.ID},
			{Kind: rotation.HolderHelmRepository, ID: helm.ID, AccessKeyID: oldKey.ID},
			{Kind: rotation.HolderDNSProvider, ID: cluster.ID, AccessKeyID: oldKey.ID},
		},
		key: rotation.NewAccessKey{ID: newKey.ID, Secret: rotation.NewSecret(newKey.Secret)},
	}
	callAll(t, client, g, c)

	if err := client.DeployCluster(t.Context(), org.ID, cluster.ID); !rotation.IsDefinite(err) {
		t.Errorf("deploying a busy cluster: %v", err)
	}
	cluster.Lock("Ada", "audit")
	w.Clock().Advance(time.Hour)
	if err := client.DeployCluster(t.Context(), org.ID, cluster.ID); !rotation.IsDefinite(err) {
		t.Errorf("deploying a locked cluster: %v", err)
	}
}
