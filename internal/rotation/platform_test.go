package rotation_test

import (
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestRotateServesADNSProvider gives the key to a zone of Route 53 before a cluster is deployed, and keeps it out of the record,
// because a refresh does not ask for it.
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

// TestRotateServesADNSProviderLater has a DNS provider refuse the key, which one more rotation gives to it.
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

// TestRotateNamesWhyAHolderCannotBeWritten refuses before anything is changed.
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
			checkProblem(t, err, rotation.SummaryUncarriableHolder, test.facts...)
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

	// A registry that has another key anyway is no concern of the rotation.
	registry.SetKey(s.AddUser("registry").AddKey())
	outcome := s.mustRotate(req)
	if got := images.AccessKeyID(); got != s.key.ID || s.set.AccessKeyID() != outcome.AccessKeyID {
		t.Errorf("the ignored registry has %s, want %s", got, s.key.ID)
	}
}
