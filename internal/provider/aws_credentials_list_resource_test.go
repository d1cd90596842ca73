package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/querycheck"
	"github.com/hashicorp/terraform-plugin-testing/querycheck/queryfilter"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const listAddress = "qoveryrotation_aws_credentials.test"

// query is a step that lists credentials, with the provider of the step before.
func (s *stage) query(arguments string, checks ...querycheck.QueryResultCheck) resource.TestStep {
	return resource.TestStep{
		Query: true,
		Config: fmt.Sprintf(`
list "qoveryrotation_aws_credentials" "test" {
  provider         = qoveryrotation
  include_resource = true
  config {
    organization_id = %q
    %s
  }
}
`, s.org.ID, arguments),
		QueryResultChecks: checks,
	}
}

// finds checks that a query finds these credentials and no others.
func finds(s *stage, sets ...*simulator.Credentials) []querycheck.QueryResultCheck {
	checks := []querycheck.QueryResultCheck{querycheck.ExpectLength(listAddress, len(sets))}
	for _, set := range sets {
		checks = append(checks, querycheck.ExpectIdentity(listAddress, map[string]knownvalue.Check{
			"organization_id": text(s.org.ID), "credentials_id": text(set.ID),
		}))
	}
	return checks
}

// displays checks the display name of credentials.
func displays(s *stage, set *simulator.Credentials, name string) querycheck.QueryResultCheck {
	return querycheck.ExpectResourceDisplayName(listAddress, queryfilter.ByResourceIdentity(map[string]knownvalue.Check{
		"organization_id": text(s.org.ID), "credentials_id": text(set.ID),
	}), text(name))
}

func TestList(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.org.AddRoleCredentials("role")
	s.org.AddScalewayCredentials("elsewhere")
	youngKey := s.AddUser("young").AddKey()
	young := s.org.AddCredentials("young", youngKey)
	s.Clock().Advance(10 * 24 * time.Hour)
	s.runSince(tfversion.Version1_14_0,
		resource.TestStep{Config: s.providerBlock()},
		s.query("", append(finds(s, s.set, young),
			displays(s, s.set, "production, key "+s.key.ID+", 100 days"),
			displays(s, young, "young, key "+youngKey.ID+", 10 days"),
			querycheck.ExpectResourceKnownValues(listAddress, queryfilter.ByDisplayName(text("young, key "+youngKey.ID+", 10 days")),
				[]querycheck.KnownValueCheck{
					{Path: tfjsonpath.New("id"), KnownValue: text(s.org.ID + "/" + young.ID)},
					{Path: tfjsonpath.New("access_key_id"), KnownValue: text(youngKey.ID)},
					{Path: tfjsonpath.New("iam_user_name"), KnownValue: text("young")},
					{Path: tfjsonpath.New("phase"), KnownValue: text("stable")},
				}),
		)...),
		s.query("minimum_age_days = 11", finds(s, s.set)...),
		s.query("minimum_age_days = 10", finds(s, s.set, young)...),
		s.query(fmt.Sprintf("cluster_ids = [%q]", s.cluster.ID), finds(s, s.set)...),
		s.query("cluster_ids = []", finds(s)...),
	)
	s.unchanged()
}

// Credentials whose key does not exist are listed for every age, and so are all others.
func TestListWithAKeyThatIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	gone := s.AddUser("gone").AddKey()
	set := s.org.AddCredentials("gone", gone)
	gone.Delete()
	s.runSince(tfversion.Version1_14_0,
		resource.TestStep{Config: s.providerBlock()},
		s.query("minimum_age_days = 90", append(finds(s, s.set, set), displays(s, set, "gone, key "+gone.ID+", age unknown"))...),
	)
}

func TestListRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	refused := func(arguments string, facts ...string) resource.TestStep {
		step := s.query(arguments)
		step.ExpectError = says(facts...)
		return step
	}
	s.runSince(tfversion.Version1_14_0,
		resource.TestStep{Config: s.providerBlock()},
		refused("minimum_age_days = 0", "minimum_age_days", "between 1 and 36500"),
		refused(`cluster_ids = ["prod"]`, "cluster_ids", "UUID", "prod"),
		resource.TestStep{Config: strings.Replace(s.providerBlock(), s.token, "wrong", 1)},
		refused("", rotation.SummaryUnauthenticated),
	)
}

// A query sends three requests to Qovery, and three to IAM per key.
func TestRequestsOfList(t *testing.T) {
	t.Parallel()
	const sets = 5
	s := newStage(t)
	s.addSets(sets)
	query := s.query("", querycheck.ExpectLength(listAddress, sets))
	query.PreConfig = s.ResetRequests
	s.runSince(tfversion.Version1_14_0, resource.TestStep{Config: s.providerBlock()}, query)
	got := map[string]int{}
	for _, request := range s.Requests() {
		got[request.Operation]++
	}
	want := map[string]int{
		simulator.OpListCredentials: 1, simulator.OpListRegistries: 1, simulator.OpListHelmRepositories: 1,
		"GetAccessKeyLastUsed": sets, "ListAccessKeys": sets, "GetUser": sets,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}
