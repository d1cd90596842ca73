package qovery

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestAgainstSimulator carries a key to every holder that takes one and deploys.
func TestAgainstSimulator(t *testing.T) {
	w := simulator.New(t)
	user := w.AddUser("qovery")
	oldKey := user.AddKey()
	org := w.AddOrganization("acme")
	org.RestrictDeployments("NO_CREDIT_CARD")
	static := org.AddCredentials("production", oldKey)
	vsphere := org.AddVSphereCredentials("datacenter", oldKey)
	role := org.AddRoleCredentials("role")
	cluster := org.AddCluster("prod", "eu-west-3", static)
	access := cluster.AddSecretManagerAccess("secrets", oldKey)
	cluster.Lock("Ada", "audit")
	org.AddDockerRegistry("docker")
	helm := org.AddHelmRepository("charts", "OCI_ECR", oldKey)
	client := newTestClient(t, Config{URL: w.QoveryURL(), Token: w.Token()})
	ctx := t.Context()

	organization, err := client.Organization(ctx, org.ID)
	want := rotation.Organization{ID: org.ID, Name: "acme", DeploymentRestriction: "NO_CREDIT_CARD"}
	if organization != want || err != nil {
		t.Errorf("organization = %+v, %v", organization, err)
	}
	clusters, err := client.Clusters(ctx, org.ID)
	if want := []rotation.Cluster{{
		ID: cluster.ID, Name: "prod", Region: "eu-west-3", Kubernetes: "MANAGED", DeploymentStatus: "UP_TO_DATE",
		SecretManagerKeys: []rotation.Holder{
			{
				Kind: rotation.HolderSecretManager, ID: access.ID, Name: "secrets", AccessKeyID: oldKey.ID,
				Obstacle: secretManagerObstacle,
			},
		},
	}}; !reflect.DeepEqual(clusters, want) || err != nil {
		t.Errorf("clusters = %+v, %v", clusters, err)
	}
	statuses, err := client.ClusterStatuses(ctx, org.ID)
	if err != nil || len(statuses) != 1 || statuses[0].State != "DEPLOYED" || !statuses[0].IsDeployed ||
		statuses[0].LastExecutionID == "" || statuses[0].Lock == nil || statuses[0].Lock.LockedAt.IsZero() {
		t.Errorf("statuses = %+v, %v", statuses, err)
	}
	sets, err := client.Credentials(ctx, org.ID)
	slices.SortFunc(sets, func(a, b rotation.CredentialsSet) int { return strings.Compare(a.Name, b.Name) })
	if want := []rotation.CredentialsSet{
		{ID: vsphere.ID, Name: "datacenter", Type: "EKS_ANYWHERE_VSPHERE", AccessKeyID: oldKey.ID},
		{
			ID: static.ID, Name: "production", Type: rotation.CredentialsTypeStatic, AccessKeyID: oldKey.ID,
			Clusters: []rotation.Cluster{{ID: cluster.ID, Name: "prod"}},
		},
		{ID: role.ID, Name: "role", Type: "AWS_ROLE"},
	}; !reflect.DeepEqual(sets, want) || err != nil {
		t.Errorf("credentials = %+v, %v", sets, err)
	}
	if holder, err := client.ClusterDNSProvider(ctx, cluster.ID); holder != nil || err != nil {
		t.Errorf("DNS provider = %+v, %v", holder, err)
	}
	cluster.SetRoute53DNS(oldKey)
	if holder, err := client.ClusterDNSProvider(ctx, cluster.ID); err != nil || holder.AccessKeyID != oldKey.ID {
		t.Errorf("DNS provider = %+v, %v", holder, err)
	}
	registries, err := client.ContainerRegistries(ctx, org.ID)
	if err != nil || len(registries) != 1 || registries[0].ID != cluster.Registry().ID {
		t.Fatalf("registries = %+v, %v", registries, err)
	}
	repositories, err := client.HelmRepositories(ctx, org.ID)
	if err != nil || len(repositories) != 1 || repositories[0].ID != helm.ID {
		t.Fatalf("helm repositories = %+v, %v", repositories, err)
	}

	created := user.AddKey()
	w.Clock().Advance(time.Minute)
	key := rotation.NewAccessKey{ID: created.ID, Secret: rotation.NewSecret(created.Secret)}
	for stored, holder := range map[*simulator.Holder]rotation.Holder{
		&static.Holder:     {Kind: rotation.HolderCredentials, ID: static.ID, AccessKeyID: oldKey.ID},
		cluster.Registry(): registries[0],
		helm:               repositories[0],
	} {
		before := withoutKey(t, stored)
		for range 2 {
			store, err := client.PrepareStore(ctx, org.ID, holder, key)
			if err == nil {
				err = store(ctx)
			}
			if err != nil {
				t.Errorf("%s: %v", holder.Kind, err)
			}
		}
		if stored.AccessKeyID() != created.ID || stored.Secret() != created.Secret {
			t.Errorf("%s holds %s", holder.Kind, stored.AccessKeyID())
		}
		if after := withoutKey(t, stored); !reflect.DeepEqual(before, after) {
			t.Errorf("%s was %v, is %v", holder.Kind, before, after)
		}
	}

	org.RestrictDeployments("")
	if err := client.DeployCluster(ctx, org.ID, cluster.ID); !rotation.IsDefinite(err) {
		t.Errorf("a locked cluster was deployed: %v", err)
	}
	cluster.Unlock()
	cluster.FailNextDeployment("DEPLOYMENT_ERROR", "Out of pods")
	if err := client.DeployCluster(ctx, org.ID, cluster.ID); err != nil {
		t.Error(err)
	}
	w.Clock().Advance(time.Hour)
	if lines, err := client.ClusterErrors(ctx, org.ID, cluster.ID, statuses[0].ReadAt); err != nil || len(lines) != 1 ||
		!strings.Contains(lines[0], "Out of pods") {
		t.Errorf("cluster errors = %q, %v", lines, err)
	}
}

// withoutKey is everything that a holder stores beside the access key.
func withoutKey(t *testing.T, holder *simulator.Holder) map[string]any {
	t.Helper()
	text, err := json.Marshal(holder.Object())
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	config, _ := object["config"].(map[string]any)
	for _, part := range []map[string]any{object, config} {
		delete(part, "access_key_id")
		delete(part, "secret_access_key")
	}
	delete(object, "updated_at")
	return object
}

func TestTokensAgainstSimulator(t *testing.T) {
	w := simulator.New(t)
	org := w.AddOrganization("acme")
	key := w.AddUser("qovery").AddKey()
	credentials := org.AddCredentials("production", key)
	cluster := org.AddCluster("prod", "eu-west-3", credentials)
	tests := map[string]struct {
		token               string
		wantRead, wantWrite error
	}{
		"every right": {token: w.Token()},
		"read only":   {token: w.ReadOnlyToken(), wantWrite: rotation.ErrForbidden},
		"no right":    {token: w.StrangerToken(), wantRead: rotation.ErrForbidden, wantWrite: rotation.ErrForbidden},
		"unknown":     {token: "unknown", wantRead: rotation.ErrUnauthenticated, wantWrite: rotation.ErrUnauthenticated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := newTestClient(t, Config{URL: w.QoveryURL(), Token: test.token})
			if _, err := client.Credentials(t.Context(), org.ID); !errors.Is(err, test.wantRead) {
				t.Errorf("reading: error = %v, want %v", err, test.wantRead)
			}
			if err := client.DeployCluster(t.Context(), org.ID, cluster.ID); !errors.Is(err, test.wantWrite) {
				t.Errorf("writing: error = %v, want %v", err, test.wantWrite)
			}
		})
	}
}
