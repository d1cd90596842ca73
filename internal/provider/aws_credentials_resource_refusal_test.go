package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestCredentialsRefuseBadArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []refusal{
		{
			name:      "organization id",
			terraform: true,
			config:    func(s *stage) string { return strings.Replace(s.credentials(""), s.org.ID, "acme", 1) },
			facts:     facts("organization_id = ", "UUID", "acme"),
		},
		{
			name:   "credentials id",
			config: func(s *stage) string { return strings.Replace(s.credentials(""), s.set.ID, s.set.ID+"0", 1) },
			facts:  facts("credentials_id = ", "UUID"),
		},
		{
			name:   "ARN in place of a user name",
			config: with(`iam_user_name = "arn:aws:iam::123456789012:user/qovery"`),
			facts:  facts("iam_user_name = ", "arn:aws:iam::123456789012:user/qovery"),
		},
		{
			name:   "drain window that is no duration",
			config: with(`drain_window = "2 hours"`),
			facts:  facts("drain_window = ", "2 hours"),
		},
		{
			name:   "negative drain window",
			config: with(`drain_window = "-2h"`),
			facts:  facts(provider.SummaryConfiguration, "drain_window = ", "-2h"),
		},
		{
			name:   "drain window under the default minimum",
			config: with(`drain_window = "119m"`),
			facts:  facts(provider.SummaryConfiguration, "drain_window = ", "1h59m", "minimum_drain_window", "2h"),
		},
		{
			name:    "drain window under the minimum of the provider block",
			prepare: func(s *stage) { s.settings = `minimum_drain_window = "6h"` },
			facts:   facts(provider.SummaryConfiguration, "2h", "minimum_drain_window", "6h"),
		},
		{
			name:   "drain window as long as the age",
			config: with("rotate_after_days = 1\n  drain_window = \"24h\""),
			facts:  facts(provider.SummaryConfiguration, "rotate_after_days = ", "drain_window", "24h"),
		},
		{
			name:   "no days",
			config: with("rotate_after_days = 0"),
			facts:  facts("rotate_after_days = ", "between 1 and"),
		},
		{
			name:   "ignored holder that is no UUID",
			config: with(`ignored_holders = ["registry"]`),
			facts:  facts("ignored_holders = ", "UUID", "registry"),
		},
		{
			name:   "drain window in days",
			config: with(`drain_window = "7d"`),
			facts:  facts(provider.SummaryConfiguration, "drain_window = ", `Write "168h" for 7 days`),
		},
		{
			name:   "timeout that is no duration",
			config: with(`timeouts { create = "soon" }`),
			facts:  facts(provider.SummaryConfiguration, `timeouts { create = "soon" }`, "timeouts.create", "not a duration"),
		},
		{
			name:   "negative timeout",
			config: with(`timeouts { update = "-1s" }`),
			facts:  facts(provider.SummaryConfiguration, "timeouts.update", "-1s"),
		},
		{
			name:   "timeout of nothing",
			config: with(`timeouts { create = "0s" }`),
			facts:  facts(provider.SummaryConfiguration, `timeouts { create = "0s" }`, "timeouts.create", "0s"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// Terraform validates again before it applies, when every value is known.
func TestCredentialsRefuseATimeoutKnownAfterApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.runTerraform(resource.TestStep{
		Config: s.credentials("timeouts { create = terraform_data.limit.output }") + `
resource "terraform_data" "limit" {
  input = "0s"
}
`,
		ExpectError: says("Error running apply", provider.SummaryConfiguration, "timeouts.create", "0s"),
	})
	s.unchanged()
}

func TestCredentialsRefuseToRotate(t *testing.T) {
	t.Parallel()
	for _, test := range []refusal{
		{
			name:      "credentials that do not exist",
			terraform: true,
			prepare:   func(s *stage) { s.set.Remove() },
			facts: func(s *stage) []string {
				return []string{rotation.SummaryCredentialsNotFound, "credentials_id = ", s.org.ID, s.set.ID}
			},
		},
		{
			name: "organization that does not exist",
			config: func(s *stage) string {
				return strings.Replace(s.credentials(""), s.org.ID, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", 1)
			},
			facts: facts(rotation.SummaryOrganizationNotFound, "organization_id = ", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "HTTP 404"),
		},
		{
			name:    "credentials with a role",
			prepare: func(s *stage) { s.set = s.org.AddRoleCredentials("role") },
			facts: func(s *stage) []string {
				return []string{rotation.SummaryNotStatic, "credentials_id = ", `"role"`, s.set.ID, "AWS_ROLE"}
			},
		},
		{
			name:    "credentials of another cloud",
			prepare: func(s *stage) { s.set = s.org.AddScalewayCredentials("scaleway") },
			facts:   facts(rotation.SummaryNotStatic, "credentials_id = ", `"scaleway"`, "SCW"),
		},
		{
			name:   "IAM user that does not exist",
			config: with(`iam_user_name = "nobody"`),
			facts:  facts(rotation.SummaryUserNotFound, "iam_user_name = ", `no IAM user "nobody"`),
		},
		{
			name:    "IAM user that does not own the key",
			prepare: func(s *stage) { s.AddUser("other") },
			config:  with(`iam_user_name = "other"`),
			facts: func(s *stage) []string {
				return []string{rotation.SummaryWrongUser, "iam_user_name = ", s.key.ID, `"qovery"`, `"other"`}
			},
		},
		{
			name: "second key that nobody used",
			prepare: func(s *stage) {
				s.user.AddKeyCreated(s.Clock().Now().AddDate(0, 0, -31)).Deactivate()
			},
			facts: func(s *stage) []string {
				foreign := s.user.Keys()[1].ID
				return []string{
					rotation.SummaryForeignKey, foreign, "Inactive", "31 days", "recorded no use",
					"aws iam delete-access-key --user-name qovery --access-key-id " + foreign,
				}
			},
		},
		{
			name: "second key in use",
			prepare: func(s *stage) {
				s.user.AddKeyCreated(s.Clock().Now().AddDate(0, 0, -7)).MarkUsed("s3", "us-west-2")
			},
			facts: func(s *stage) []string {
				return []string{
					rotation.SummaryForeignKey, s.user.Keys()[1].ID, "Active", "7 days", s.Clock().Now().Format(time.RFC3339), "s3", "us-west-2",
				}
			},
		},
		{
			name:    "Inactive key",
			prepare: func(s *stage) { s.key.Deactivate() },
			facts: func(s *stage) []string {
				return []string{rotation.SummaryCutOff, "credentials_id = ", s.key.ID, "Inactive"}
			},
		},
		{
			name:    "key that is gone",
			prepare: func(s *stage) { s.key.Delete() },
			facts: func(s *stage) []string {
				return []string{rotation.SummaryCutOff, "credentials_id = ", s.key.ID, "does not exist"}
			},
		},
		{
			name:    "key that the named user does not have any more",
			prepare: func(s *stage) { s.key.Delete() },
			config:  with(`iam_user_name = "qovery"`),
			facts:   facts(rotation.SummaryCutOff, "credentials_id = ", `"qovery"`),
		},
		{
			name:    "locked cluster",
			prepare: func(s *stage) { s.cluster.Lock("Ada", "freeze until Monday") },
			facts: func(s *stage) []string {
				return []string{rotation.SummaryClusterLocked, s.cluster.ID, "Ada", "freeze until Monday"}
			},
		},
		{
			name:    "cluster that somebody wanted off",
			prepare: func(s *stage) { s.cluster.SetState("STOP_ERROR") },
			facts:   facts(rotation.SummaryClusterState, `luster "prod"`, "STOP_ERROR"),
		},
		{
			name:    "organization with a restriction",
			prepare: func(s *stage) { s.org.RestrictDeployments("NO_CREDIT_CARD") },
			facts:   facts(rotation.SummaryRestricted, "organization_id = ", "NO_CREDIT_CARD"),
		},
		{
			name:    "provider that signs with the key",
			prepare: func(s *stage) { s.signer = s.key },
			facts: func(s *stage) []string {
				return []string{rotation.SummarySignsWithKey, s.key.ID}
			},
		},
		{
			name: "provider that assumes its role with the key",
			prepare: func(s *stage) {
				s.key = s.signer
				s.set = s.org.AddCredentials("of the operator", s.key)
				s.aws = fmt.Sprintf("assume_role = { role_arn = %q }", s.RoleARN())
			},
			facts: func(s *stage) []string {
				return []string{rotation.SummarySignsWithKey, s.key.ID}
			},
		},
		{
			name:    "journal of somebody else",
			prepare: func(s *stage) { s.user.SetTag("qoveryrotation:"+s.set.ID, "v9 something new") },
			facts: func(s *stage) []string {
				return []string{
					rotation.SummaryForeignJournal, "qoveryrotation:" + s.set.ID,
					"aws iam untag-user --user-name qovery --tag-keys qoveryrotation:" + s.set.ID,
				}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

// Neither a token that lost its permissions nor a gateway may remove a resource from the state.
func TestCredentialsStayInStateWhenQoveryRefuses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(""))
	before := s.mustApply(config, object{})
	refresh := func(fault simulator.Fault, facts ...string) {
		fault.Match, fault.Times = simulator.Operation(simulator.OpListCredentials), -1
		s.Inject(fault)
		defer s.ClearFaults()
		p, err := s.open(config)
		s.must(err)
		_, err = p.refresh(before)
		s.fails(err, facts...)
	}
	refresh(simulator.Fault{Kind: simulator.FaultStatus, Status: 403}, rotation.SummaryForbidden, "HTTP 403")
	refresh(simulator.Fault{Kind: simulator.FaultStatus, Status: 401}, rotation.SummaryUnauthenticated, "HTTP 401")
	refresh(simulator.Fault{Kind: simulator.FaultStatus, Status: 404}, rotation.SummaryOrganizationNotFound, "HTTP 404")
	refresh(simulator.Fault{Kind: simulator.FaultHTML, Status: 404},
		rotation.SummaryAPI, "HTTP 404", "HTML page instead of a response from the API")
	s.nothingToDo(config, before)
	s.unchanged()
}

func TestCredentialsLeaveStateWhenTheyAreGone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.credentials(adopt(""))},
		resource.TestStep{
			PreConfig: s.set.Remove,
			// A resource that is neither configured nor in the state has nothing to plan.
			Config:           s.providerBlock(),
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
		},
	)
	s.unchanged()
}

// A change between plan and apply is found before the apply changes anything.
func TestCredentialsLookAgainBeforeTheyRotate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		meanwhile func(s *stage)
		facts     []string
	}{
		{"cluster locked", func(s *stage) { s.cluster.Lock("Ada", "freeze") }, []string{rotation.SummaryClusterLocked, "Ada"}},
		{
			"organization restricted", func(s *stage) { s.org.RestrictDeployments("QUOTA_EXCEEDED") },
			[]string{rotation.SummaryRestricted, "QUOTA_EXCEEDED"},
		},
		{
			"second key", func(s *stage) { s.user.AddKey() },
			[]string{rotation.SummaryForeignKey, "0 days", "recorded no use"},
		},
		{
			"key replaced by hand", func(s *stage) {
				s.key.Delete()
				s.set.SetKey(s.user.AddKey())
			},
			[]string{rotation.SummaryKeyChanged},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
			p, err := s.open(s.credentials(adopt(trigger("2"))))
			s.must(err)
			planned, err := p.plan(before)
			s.must(err)
			test.meanwhile(s)
			_, err = p.apply(before, planned)
			s.fails(err, test.facts...)
			s.unchanged()
		})
	}
}
