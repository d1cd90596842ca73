package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestCleanupRefusesBadArguments(t *testing.T) {
	t.Parallel()
	const id = "AKIAIOSFODNN7EXAMPLE"
	cleanup := func(arguments string) func(*stage) string {
		return func(s *stage) string { return s.cleanup(id, s.Clock().Now(), arguments) }
	}
	for _, test := range []refusal{
		{
			name:      "access key id",
			terraform: true,
			config:    func(s *stage) string { return s.cleanup("AKIA", s.Clock().Now(), "") },
			facts:     facts("access_key_id = ", "AKIA"),
		},
		{
			name: "no time",
			config: func(s *stage) string {
				now := s.Clock().Now()
				return strings.Replace(s.cleanup(id, now, ""), now.Format(time.RFC3339), "tomorrow", 1)
			},
			facts: facts("delete_after = ", "tomorrow"),
		},
		{
			name: "time without a zone",
			config: func(s *stage) string {
				now := s.Clock().Now()
				return strings.Replace(s.cleanup(id, now, ""), now.Format(time.RFC3339), "2027-04-04T09:00:00", 1)
			},
			facts: facts("delete_after = ", "RFC3339", "2027-04-04T09:00:00"),
		},
		{
			name: "user name",
			config: func(s *stage) string {
				return strings.Replace(cleanup("")(s), `iam_user_name   = "qovery"`, `iam_user_name = "the user"`, 1)
			},
			facts: facts("iam_user_name = ", "the user"),
		},
		{
			name:   "organization id",
			config: func(s *stage) string { return strings.Replace(cleanup("")(s), s.org.ID, "acme", 1) },
			facts:  facts("organization_id = ", "UUID", "acme"),
		},
		{
			name:   "negative quarantine window",
			config: cleanup(`quarantine_window = "-1h"`),
			facts:  facts(provider.SummaryConfiguration, "quarantine_window = ", "-1h"),
		},
		{
			name:   "quarantine window that is no duration",
			config: cleanup(`quarantine_window = "a day"`),
			facts:  facts("quarantine_window = ", "a day"),
		},
		{
			name:   "ignored holder that is no UUID",
			config: cleanup(`ignored_holders = ["registry"]`),
			facts:  facts("ignored_holders = ", "UUID", "registry"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestCleanupChecks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// prepare returns the key to retire.
		prepare func(s *stage, old *simulator.AccessKey) *simulator.AccessKey
		facts   func(s *stage, old *simulator.AccessKey) []string
	}{
		{
			"key of another user",
			func(s *stage, _ *simulator.AccessKey) *simulator.AccessKey { return s.AddUser("other").AddKey() },
			func(_ *stage, key *simulator.AccessKey) []string {
				return []string{rotation.SummaryWrongUser, "iam_user_name = ", key.ID, `"other"`, `"qovery"`}
			},
		},
		{
			"key that was put back",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set.SetKey(old)
				return old
			},
			func(_ *stage, old *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, "credentials_id = ", `"production"`, old.ID}
			},
		},
		{
			"successor that is gone",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.key.Delete()
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, `"production"`, s.key.ID}
			},
		},
		{
			"successor that is Inactive",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.key.Deactivate()
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, `"production"`, s.key.ID, "Inactive"}
			},
		},
		{
			"credentials that are gone",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set.Remove()
				return old
			},
			func(_ *stage, old *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, "credentials_id = ", old.ID}
			},
		},
		{
			"credentials with a role",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.set = s.org.AddRoleCredentials("role")
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryNotReplaced, `"role"`, "AWS_ROLE"}
			},
		},
		{
			"container registry",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.Registry().SetKey(old)
				return old
			},
			func(s *stage, old *simulator.AccessKey) []string {
				return []string{rotation.SummaryKeyInUse, "access_key_id = ", old.ID, s.cluster.Registry().ID}
			},
		},
		{
			"helm repository and other credentials",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.org.AddHelmRepository("charts", "OCI_ECR", old)
				s.org.AddCredentials("staging", old)
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryKeyInUse, `credentials "staging"`, `helm repository "charts"`}
			},
		},
		{
			"hosted zone and secret manager",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.SetRoute53DNS(old)
				s.cluster.AddSecretManagerAccess("vault", old)
				return old
			},
			func(*stage, *simulator.AccessKey) []string {
				return []string{rotation.SummaryKeyInUse, "dns provider", `secret manager access "vault"`}
			},
		},
		{
			"cluster with invalid credentials",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.cluster.SetState("INVALID_CREDENTIALS")
				return old
			},
			func(s *stage, _ *simulator.AccessKey) []string {
				return []string{rotation.SummaryInvalidCredentials, s.cluster.ID, "INVALID_CREDENTIALS"}
			},
		},
		{
			"use after the deadline",
			func(_ *stage, old *simulator.AccessKey) *simulator.AccessKey {
				old.MarkUsed("s3", "us-west-2")
				return old
			},
			func(s *stage, old *simulator.AccessKey) []string {
				return []string{
					rotation.SummaryKeyInUse, "access_key_id = ", old.ID, s.Clock().Now().Format(time.RFC3339), "s3", "us-west-2", "allow_recent_use",
				}
			},
		},
		{
			"provider that signs with the key",
			func(s *stage, old *simulator.AccessKey) *simulator.AccessKey {
				s.signer = old
				return old
			},
			func(_ *stage, old *simulator.AccessKey) []string {
				return []string{rotation.SummarySignsWithKey, old.ID}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			old := s.addOld()
			deadline := s.Clock().Now()
			s.Clock().Advance(time.Hour)
			key := test.prepare(s, old)
			config := s.cleanup(key.ID, deadline, "")
			s.must(s.refuse(config))
			_, err := s.apply(config, object{})
			s.fails(err, test.facts(s, key)...)
			s.unchanged()
			s.holds(active(key))
		})
	}
}

// The next apply repeats a failed check, without a change of the resource.
func TestCleanupChecksAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				registry.SetKey(s.key)
			},
			Config:      s.pair("", ""),
			ExpectError: says("Error running apply", rotation.SummaryKeyInUse, registry.ID),
		},
		resource.TestStep{
			PreConfig: func() {
				s.holds(active(s.key))
				registry.SetKey(s.user.Keys()[1])
			},
			Config:            s.pair("", ""),
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(cleanupAddress, plancheck.ResourceActionUpdate)),
			Check:             gone(s.key),
			ConfigStateChecks: []statecheck.StateCheck{value(cleanupAddress, "status", text("deleted"))},
		},
	)
}

func TestCleanupAllowsRecentUse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				s.key.MarkUsed("ecr", "eu-west-3")
			},
			Config:      s.pair("", ""),
			ExpectError: says(rotation.SummaryKeyInUse, s.Clock().Now().Format("2006-01-02"), "ecr", "eu-west-3"),
		},
		resource.TestStep{Config: s.pair("", "allow_recent_use = true"), Check: gone(s.key)},
	)
}

func TestCleanupIgnoresHolders(t *testing.T) {
	t.Parallel()
	// This test asks for a holder with a deleted key.
	s := newStageTolerating(t, "while acme.example of organization acme holds it")
	old := s.addOld()
	dns := s.cluster.SetRoute53DNS(old)
	s.mustApply(s.cleanup(old.ID, s.Clock().Now(), fmt.Sprintf("ignored_holders = [%q]", dns.ID)), object{})
	s.holds(gone(old))
}
