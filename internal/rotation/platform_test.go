package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestRotateServesADNSProvider: a zone in Route 53 gets the key before a cluster is deployed. It is not in the record, because a
// refresh does not read it.
func TestRotateServesADNSProvider(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dns := s.cluster.SetRoute53DNS(s.key)
	var before string
	s.Before(simulator.OpDeployCluster, func(simulator.Request) { before = dns.AccessKeyID() })
	outcome := s.mustRotate(s.request())
	s.checkRotated(outcome)
	if got := dns.AccessKeyID(); got != outcome.AccessKeyID || before != got {
		t.Errorf("the DNS provider has %s, and had %s when the cluster was deployed, want %s", got, before, outcome.AccessKeyID)
	}
	for _, holder := range outcome.Holders {
		if holder.Kind == rotation.HolderDNSProvider {
			t.Errorf("the record has %s", holder)
		}
	}
}

// TestRotateServesADNSProviderLater has a DNS provider refuse the key. A repair serves it.
func TestRotateServesADNSProviderLater(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dns := s.cluster.SetRoute53DNS(s.key)
	dns.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, `dns provider "acme.example"`, s.key.ID+" is still stored")
	dns.RefuseUpdates(0)
	s.Clock().Advance(drainWindow)
	s.tolerated = append(s.tolerated, "while "+dns.Name()+" of organization acme holds it")
	req := s.request()
	req.Record = outcome
	repaired := s.mustRotate(req)
	if got := dns.AccessKeyID(); got != repaired.AccessKeyID || got == outcome.AccessKeyID || repaired.Unfinished {
		t.Errorf("the DNS provider has %s, outcome %+v", got, repaired)
	}
}

// TestRotateNamesWhyAHolderCannotBeWritten: a rotation that cannot serve a holder is refused before anything is changed.
func TestRotateNamesWhyAHolderCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(s *stage)
		facts   []string
	}{
		"a registry with an unknown setting": {
			func(s *stage) { s.cluster.Registry().SetField(true, "immutable_tags") },
			[]string{"container registry", `the field "immutable_tags" is not known`},
		},
		"vSphere credentials": {
			func(s *stage) { s.org.AddVSphereCredentials("on premises", s.key) },
			[]string{`vsphere credentials "on premises"`, "the vSphere password"},
		},
		"a secret-manager access": {
			func(s *stage) { s.cluster.AddSecretManagerAccess("vault", s.key) },
			[]string{`secret manager access "vault"`, "the settings of its cluster"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			_, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryUnrotatableHolder, test.facts...)
			s.checkUnchanged()
		})
	}
}

// TestRotateRefusesToIgnoreAClustersRegistry ignores registries with and without a cluster.
func TestRotateRefusesToIgnoreAClustersRegistry(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry, images := s.cluster.Registry(), s.org.AddRegistry("images", "ECR", s.key)
	registry.SetField(7, "associated_services_count")
	req := s.request()
	req.IgnoredHolders = []string{registry.ID, images.ID}
	_, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryIgnoredRegistry, registry.ID+`; cluster "prod"; 7 services)`, "Every deployment of the cluster")
	if problem := rotation.AsProblem(err); problem.Argument != rotation.ArgumentIgnoredHolders || strings.Contains(problem.Cause, images.ID) {
		t.Errorf("argument %q, cause %s", problem.Argument, problem.Cause)
	}
	s.checkUnchanged()

	// A registry with another key does not matter to the rotation.
	registry.SetKey(s.AddUser("registry").AddKey())
	outcome := s.mustRotate(req)
	if got := images.AccessKeyID(); got != s.key.ID || s.set.AccessKeyID() != outcome.AccessKeyID {
		t.Errorf("the ignored registry has %s, want %s", got, s.key.ID)
	}
}

// TestRotateWaitsForADryRun: a cluster is deployed after its dry run.
func TestRotateWaitsForADryRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	began := s.Clock().Now()
	s.cluster.DryRun(30 * time.Minute)
	outcome := s.mustRotate(s.request())
	// The dry run used the key that Qovery held when it began.
	s.checkDeployed(s.cluster, s.key.ID, outcome.AccessKeyID)
	if took := outcome.DeployedAt.Sub(began); took < 31*time.Minute {
		t.Errorf("the rotation took %s", took)
	}
}

// TestRotateAfterAnInternalError has a deployment end in a state that only Qovery's command-line client documents.
func TestRotateAfterAnInternalError(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("INTERNAL_ERROR")
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment, "INTERNAL_ERROR")
	req := s.request()
	req.Record = outcome
	again := s.mustRotate(req)
	s.checkDeployed(s.cluster, outcome.AccessKeyID, again.AccessKeyID)
}

// TestRotateDoesNotDeploySelfManagedClusters has one in a state in which no other cluster could be deployed.
func TestRotateDoesNotDeploySelfManagedClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCluster("own hardware", "eu-west-3", s.set)
	other.SetKubernetes("SELF_MANAGED")
	other.Lock("Ada", "audit")
	unknown := s.org.AddCluster("new mode", "eu-west-3", s.set)
	unknown.SetKubernetes("AUTOPILOT")
	snapshot, decision, err := s.process().Preflight(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	forecast := snapshot.Forecast(s.request(), decision)
	if len(forecast.Deployed) != 2 || len(forecast.SelfManaged) != 1 || forecast.SelfManaged[0].ID != other.ID {
		t.Errorf("the forecast is %+v", forecast)
	}
	outcome := s.mustRotate(s.request())
	s.checkDeployed(s.cluster, outcome.AccessKeyID)
	s.checkDeployed(unknown, outcome.AccessKeyID)
	s.checkDeployed(other)
}

// TestRotateWithoutAClusterToDeploy: a restriction on deployments does not matter without clusters.
func TestRotateWithoutAClusterToDeploy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetKubernetes("SELF_MANAGED")
	s.org.RestrictDeployments("OVERDUE_INVOICES")
	if outcome := s.mustRotate(s.request()); outcome.Unfinished || outcome.DeployedAt.IsZero() {
		t.Errorf("outcome %+v", outcome)
	}
	s.checkDeployed(s.cluster)
}

func TestWaves(t *testing.T) {
	t.Parallel()
	staging, qa, prod, shop := rotation.Cluster{ID: "staging"}, rotation.Cluster{ID: "qa"},
		rotation.Cluster{ID: "prod", Production: true}, rotation.Cluster{ID: "shop", Production: true}
	for name, test := range map[string]struct {
		clusters       []rotation.Cluster
		productionLast bool
		want           string
	}{
		"none":                     {nil, true, ""},
		"no production":            {[]rotation.Cluster{staging, qa}, true, "[staging qa]"},
		"only production":          {[]rotation.Cluster{prod, shop}, true, "[prod shop]"},
		"both":                     {[]rotation.Cluster{prod, staging, shop, qa}, true, "[staging qa] [prod shop]"},
		"both, and no order":       {[]rotation.Cluster{prod, staging}, false, "[prod staging]"},
		"none, and there is order": {[]rotation.Cluster{}, false, ""},
	} {
		var waves []string
		for _, wave := range rotation.Waves(test.clusters, test.productionLast) {
			var ids []string
			for _, cluster := range wave {
				ids = append(ids, cluster.ID)
			}
			waves = append(waves, fmt.Sprint(ids))
		}
		if got := strings.Join(waves, " "); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestRotateDeploysProductionLast has the other cluster fail first, while production waits.
func TestRotateDeploysProductionLast(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetProduction(true)
	staging := s.org.AddCluster("staging", "eu-west-3", s.set)
	qa := s.org.AddCluster("qa", "eu-west-3", s.set)
	staging.FailNextDeployment("DEPLOYMENT_ERROR", "Out of pods")
	req := s.request()
	req.ProductionLast = true
	outcome, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryDeployment, "Out of pods", `were not deployed, because they come last: cluster "prod"`)
	s.checkDeployed(s.cluster)
	s.checkDeployed(qa, outcome.AccessKeyID)

	// Somebody deploys production while the others are deployed, so its status from before is outdated.
	staging.SetDeploymentDuration(time.Hour)
	s.later(10*time.Minute, s.cluster.DeployBySomebodyElse)
	req.Record = outcome
	again := s.mustRotate(req)
	key := outcome.AccessKeyID
	s.checkDeployed(staging, key, key)
	s.checkDeployed(qa, key)
	s.checkDeployed(s.cluster, key, key)
	if again.Unfinished {
		t.Errorf("outcome %+v", again)
	}
	deployed := s.cluster.Deployments()
	if last := staging.Deployments()[1]; deployed[1].StartedAt.Before(last.EndedAt) {
		t.Errorf("production was deployed at %s, before the others were at %s", deployed[1].StartedAt, last.EndedAt)
	}
}

// TestForecastOfOutdatedClusters: the outdated clusters are those that the rotation deploys.
func TestForecastOfOutdatedClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetOutdated()
	s.org.AddCluster("staging", "eu-west-3", s.set)
	stopped := s.org.AddStoppedCluster("stopped", "eu-west-3", s.set)
	stopped.SetOutdated()
	snapshot, decision, err := s.process().Preflight(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	if got := snapshot.Forecast(s.request(), decision).Outdated; len(got) != 1 || got[0].ID != s.cluster.ID {
		t.Errorf("outdated are %v, want %s", got, s.cluster.ID)
	}
}

// TestProblemsOfPermissions has Qovery answer 401 to what a policy does not permit, and 403 to what does not exist.
func TestProblemsOfPermissions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status        int
		summary       string
		cause, advice string
	}{
		{401, rotation.SummaryUnauthenticated, "the API token is not valid, or its policy does not permit the request", "If the token has a policy"},
		{403, rotation.SummaryForbidden, "lacks a permission, or the object does not exist", "check the ids"},
	} {
		s := newStage(t)
		s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Match: simulator.Operation(simulator.OpListRegistries), Status: test.status})
		_, err := s.rotate(s.request())
		checkProblem(t, err, test.summary, test.cause, test.advice, "Nothing was changed")
		s.checkUnchanged()
	}
}

// TestRotateNeedsRequestsForItsHolders has enough requests left, or too few, after everything was read. Answers to parallel
// requests come in any order, so the number is not exact.
func TestRotateNeedsRequestsForItsHolders(t *testing.T) {
	t.Parallel()
	for left, refused := range map[int]bool{30: true, 60: false} {
		s := newStage(t)
		for i := range 20 {
			s.org.AddHelmRepository(fmt.Sprint("charts ", i), "OCI_ECR", s.key)
		}
		if _, _, err := s.process().Preflight(t.Context(), s.request()); err != nil {
			t.Fatal(err)
		}
		reads := 0
		for _, request := range s.Requests() {
			if request.API == simulator.APIQovery {
				reads++
			}
		}
		s.SetBudget(reads + left)
		_, decision, err := s.process().Preflight(t.Context(), s.request())
		if !refused {
			if err != nil || decision.Action != rotation.ActionRotate {
				t.Errorf("with %d requests left: %s, %v", left, decision.Action, err)
			}
			continue
		}
		checkProblem(t, err, rotation.SummaryTooFewRequests, "takes at least 44", "Run Terraform again after 20", "Nothing was changed")
	}
}

// TestStatusesAreReadWithinTheBudget has a deployment take so long that the requests would not last at the usual interval.
func TestStatusesAreReadWithinTheBudget(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.SetBudget(100)
	s.cluster.SetDeploymentDuration(3 * time.Hour)
	req := s.request()
	req.Timeout = 4 * time.Hour
	outcome := s.mustRotate(req)
	s.checkRotated(outcome)
	if polls := s.sent(simulator.OpListClusterStatuses); polls < 10 || polls >= 300 {
		t.Errorf("statuses were read %d times in three hours", polls)
	}
}

// TestRefreshNamesWhoReplacedTheKey: events are read only if there is something to explain, and are not required.
func TestRefreshNamesWhoReplacedTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	refresh := func() *rotation.Problem {
		req := s.request()
		req.UserName, req.UserARN = s.user.Name, s.user.ARN()
		req.Record = &rotation.Record{UserName: s.user.Name, AccessKeyID: s.key.ID}
		_, warning, err := s.process().Refresh(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return warning
	}
	if warning := refresh(); warning != nil || s.sent(simulator.OpListEvents) != 0 {
		t.Errorf("a key that nobody replaced: %v, %d questions about events", warning, s.sent(simulator.OpListEvents))
	}
	s.set.SetKey(s.user.AddKey())
	at := s.Clock().Now().UTC().Format(time.RFC3339)
	checkProblem(t, refresh(), rotation.SummaryKeyReplaced, `a change by "somebody else" (CONSOLE) at `+at)

	s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Match: simulator.Operation(simulator.OpListEvents), Status: 403})
	warning := refresh()
	checkProblem(t, warning, rotation.SummaryKeyReplaced)
	if strings.Contains(warning.Detail(), "event") || strings.Contains(warning.Detail(), "403") {
		t.Errorf("without events: %s", warning)
	}
}
