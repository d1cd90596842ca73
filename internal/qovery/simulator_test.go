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

// TestAgainstSimulator stores a key in every kind of holder that can be written, and deploys a cluster.
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
	route53 := cluster.SetRoute53DNS(oldKey)
	route53.SetField("Z0965488", "hosted_zone_id")
	dns, err := client.ClusterDNSProvider(ctx, cluster.ID)
	if want := (rotation.Holder{
		Kind: rotation.HolderDNSProvider, ID: cluster.ID, Name: "acme.example", AccessKeyID: oldKey.ID,
	}); err != nil || *dns != want {
		t.Fatalf("DNS provider = %#v, %v", dns, err)
	}
	registries, err := client.ContainerRegistries(ctx, org.ID)
	if err != nil || len(registries) != 1 || registries[0].ID != cluster.Registry().ID || registries[0].ClusterID != cluster.ID ||
		registries[0].Obstacle != "" {
		t.Fatalf("registries = %#v, %v", registries, err)
	}
	repositories, err := client.HelmRepositories(ctx, org.ID)
	if err != nil || len(repositories) != 1 || repositories[0].ID != helm.ID || repositories[0].Obstacle != "" {
		t.Fatalf("helm repositories = %#v, %v", repositories, err)
	}

	created := user.AddKey()
	w.Clock().Advance(time.Minute)
	key := rotation.NewAccessKey{ID: created.ID, Secret: rotation.NewSecret(created.Secret)}
	for stored, holder := range map[*simulator.Holder]rotation.Holder{
		&static.Holder:     {Kind: rotation.HolderCredentials, ID: static.ID, AccessKeyID: oldKey.ID},
		cluster.Registry(): registries[0],
		helm:               repositories[0],
		route53:            *dns,
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

// withoutKey returns a holder's fields except those of the access key.
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
	credentials, _ := object["credentials"].(map[string]any)
	for _, part := range []map[string]any{object, config, credentials} {
		for _, field := range []string{"access_key_id", "secret_access_key", "aws_access_key_id", "aws_secret_access_key"} {
			delete(part, field)
		}
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
		"policy": {
			token: w.AddPolicyToken(simulator.OpDeployCluster), wantWrite: rotation.ErrUnauthenticated,
		},
		"unknown": {token: "unknown", wantRead: rotation.ErrUnauthenticated, wantWrite: rotation.ErrUnauthenticated},
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

func TestRunningDeploymentsAgainstSimulator(t *testing.T) {
	w := simulator.New(t)
	w.SkewQovery(time.Hour)
	w.SetBudget(1000)
	org := w.AddOrganization("acme")
	cluster := org.AddCluster("prod", "eu-west-3", org.AddCredentials("production", w.AddUser("qovery").AddKey()))
	project := org.AddProject("shop")
	api := project.AddEnvironment("api", cluster)
	project.AddEnvironment("new", cluster)
	finished := project.AddEnvironment("finished", cluster)
	org.AddProject("empty")
	client := newTestClient(t, Config{URL: w.QoveryURL(), Token: w.Token()})

	finished.Deploy(time.Minute)
	w.Clock().Advance(time.Hour)
	askedAt := w.Clock().Now().Add(time.Hour)
	api.Deploy(time.Hour)
	w.Clock().Advance(time.Minute)
	api.Deploy(time.Hour)
	want := []rotation.EnvironmentDeployment{{
		EnvironmentID: api.ID, Environment: "api", Project: "shop", ClusterID: cluster.ID, ClusterName: "prod", State: "DEPLOYING",
		AskedAt: askedAt,
	}}
	check := func(when string) {
		t.Helper()
		running, err := client.RunningDeployments(t.Context(), org.ID)
		if err != nil || !slices.EqualFunc(running, want, func(a, b rotation.EnvironmentDeployment) bool {
			same := a.AskedAt.Equal(b.AskedAt)
			a.AskedAt = b.AskedAt
			return same && a == b
		}) {
			t.Errorf("%s: got %+v, %v\nwant %+v", when, running, err, want)
		}
	}
	check("one runs and one waits for it")
	// The requests above were sent in parallel, so the budget is that of any of them.
	if _, err := client.Organization(t.Context(), org.ID); err != nil {
		t.Error(err)
	}
	if left, resetsAt, known := client.Budget(); left != 1000-5 || !known || !resetsAt.After(askedAt) {
		t.Errorf("budget = %d until %s, %t", left, resetsAt, known)
	}
	w.Clock().Advance(time.Hour)
	want[0].AskedAt = askedAt.Add(time.Minute)
	check("the second one runs")
	w.Clock().Advance(2 * time.Hour)
	want = nil
	check("all have ended")
	project.Forbid()
	if _, err := client.RunningDeployments(t.Context(), org.ID); !errors.Is(err, rotation.ErrForbidden) || !strings.Contains(err.Error(), "project shop") {
		t.Errorf("error = %v, want one that names the project", err)
	}
}
