package rotation_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	stopped := s.org.AddStoppedCluster("stopped", "eu-west-1", second)
	vsphere := s.org.AddVSphereCredentials("datacenter", s.key)
	access := s.cluster.AddSecretManagerAccess("secrets", s.key)
	dns := s.cluster.SetRoute53DNS(s.key)

	in := s.request()
	_, _, err := s.process().Preflight(t.Context(), in)
	checkProblem(t, err, rotation.SummaryUnrotatableHolder, vsphere.ID, access.ID)

	in.IgnoredHolders = []string{vsphere.ID, access.ID, dns.ID, second.ID}
	seen, decision, err := s.process().Preflight(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if decision.Action != rotation.ActionRotate || decision.Rotation.From != s.key.ID || seen.Owner != s.user.Name || seen.User.ARN != s.user.ARN() {
		t.Errorf("decided %+v about %+v", decision, seen)
	}
	forecast := seen.Forecast(in, decision)
	registries := []string{s.cluster.Registry().ID, stopped.Registry().ID}
	checkHolders(t, forecast.Served, append(registries, s.set.ID)...)
	checkHolders(t, forecast.LeftBehind)
	if len(forecast.Deployed) != 1 || forecast.Deployed[0].ID != s.cluster.ID || forecast.Deployed[0].Region != "eu-west-3" {
		t.Errorf("deployed %v", forecast.Deployed)
	}

	in.RotateRegistries = false
	forecast = seen.Forecast(in, decision)
	checkHolders(t, forecast.Served, s.set.ID)
	checkHolders(t, forecast.LeftBehind, registries...)
	s.checkUnchanged()
}

// checkHolders compares the ids of holders in any order.
func checkHolders(t *testing.T, got []rotation.Holder, want ...string) {
	t.Helper()
	var ids []string
	for _, holder := range got {
		ids = append(ids, holder.ID)
	}
	slices.Sort(ids)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(ids, want) {
		t.Errorf("holders %v, want %v", ids, want)
	}
}

// TestPreflightRefuses has situations in which no rotation can begin. Both the plan and an apply that was planned before are
// refused.
func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given   func(s *stage, in *rotation.Intent) (fact string)
		summary string
	}{
		"credentials that do not exist": {func(s *stage, _ *rotation.Intent) string {
			s.set.Remove()
			return s.set.ID
		}, rotation.SummaryCredentialsNotFound},
		"an organization that is not there": {func(_ *stage, in *rotation.Intent) string {
			in.OrganizationID = in.CredentialsID
			return in.OrganizationID
		}, rotation.SummaryOrganizationNotFound},
		"a user that does not exist": {func(_ *stage, in *rotation.Intent) string {
			in.UserName = "nobody"
			return in.UserName
		}, rotation.SummaryUserNotFound},
		"a user that does not own the key": {func(s *stage, in *rotation.Intent) string {
			in.UserName = s.AddUser("somebody").Name
			return in.UserName
		}, rotation.SummaryWrongUser},
		"the wrong account": {func(s *stage, in *rotation.Intent) string {
			in.UserName, in.UserARN = s.user.Name, s.user.ARN()
			s.moveAbroad()
			return otherAccount
		}, rotation.SummaryWrongAccount},
		"a key that is gone": {func(s *stage, _ *rotation.Intent) string {
			s.key.Delete()
			return s.key.ID
		}, rotation.SummaryCutOff},
		"a key that is gone from its user": {func(s *stage, in *rotation.Intent) string {
			s.key.Delete()
			in.UserName = s.user.Name
			return s.key.ID
		}, rotation.SummaryCutOff},
		"the key of another account": {func(s *stage, in *rotation.Intent) string {
			s.set.SetKey(s.AddAccount(otherAccount).AddUser("abroad").AddKey())
			in.UserName = s.user.Name
			return s.set.AccessKeyID()
		}, rotation.SummaryCutOff},
		"an Inactive key": {func(s *stage, _ *rotation.Intent) string {
			s.key.Deactivate()
			return s.key.ID
		}, rotation.SummaryCutOff},
		"the provider's own key": {func(s *stage, _ *rotation.Intent) string {
			s.set.SetKey(s.Operator())
			return s.Operator().ID
		}, rotation.SummarySignsWithKey},
		"a foreign key": {func(s *stage, _ *rotation.Intent) string {
			return s.user.AddKeyCreated(s.Clock().Now().Add(-30 * 24 * time.Hour)).ID
		}, rotation.SummaryForeignKey},
		"a tag that is no journal": {func(s *stage, _ *rotation.Intent) string {
			s.user.SetTag(s.journalTag(), "please keep")
			return s.journalTag()
		}, rotation.SummaryForeignJournal},
		"credentials of a role": {func(s *stage, in *rotation.Intent) string {
			in.CredentialsID = s.org.AddRoleCredentials("role").ID
			return "AWS_ROLE"
		}, rotation.SummaryNotStatic},
		"credentials of another cloud": {func(s *stage, in *rotation.Intent) string {
			in.CredentialsID = s.org.AddScalewayCredentials("scaleway").ID
			return "SCW"
		}, rotation.SummaryNotStatic},
		"a locked cluster": {func(s *stage, _ *rotation.Intent) string {
			s.cluster.Lock("Ada", "audit")
			return "Ada"
		}, rotation.SummaryClusterLocked},
		"a restricted organization": {func(s *stage, _ *rotation.Intent) string {
			s.org.RestrictDeployments("NO_CREDIT_CARD")
			return "NO_CREDIT_CARD"
		}, rotation.SummaryRestricted},
		"a use that may not be read": {func(s *stage, in *rotation.Intent) string {
			in.UserName = s.user.Name
			s.user.AddKey()
			s.DenyAction("iam:GetAccessKeyLastUsed")
			return "iam:GetAccessKeyLastUsed"
		}, rotation.SummaryForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			in := s.request()
			fact := test.given(s, &in)
			_, _, err := s.process().Preflight(t.Context(), in)
			checkProblem(t, rotation.AsProblem(err), test.summary, fact)
			_, err = s.rotate(in)
			checkProblem(t, rotation.AsProblem(err), test.summary, fact)
			s.checkUnchanged()
		})
	}
}

// TestPreflightDoesNotKnowWhatIsServed plans before rotate_registries or ignored_holders is known. The plan is refused only if
// every value would be refused.
func TestPreflightDoesNotKnowWhatIsServed(t *testing.T) {
	t.Parallel()
	registries := func(in *rotation.Intent) { in.RegistriesUnknown = true }
	for name, test := range map[string]struct {
		given   func(s *stage)
		unknown func(in *rotation.Intent)
		// summary is empty if the plan is not refused. known is the summary if the argument has the worse value.
		summary, known string
	}{
		"a secret-manager access, which may be ignored": {
			func(s *stage) { s.cluster.AddSecretManagerAccess("secrets", s.key) },
			func(in *rotation.Intent) { in.HoldersUnknown = true }, "", rotation.SummaryUnrotatableHolder,
		},
		"a locked cluster of other credentials": {
			func(s *stage) {
				s.org.AddCluster("stage", "eu-west-1", s.org.AddCredentials("staging", s.key)).Lock("Ada", "audit")
			},
			registries, "", rotation.SummaryClusterLocked,
		},
		"a locked cluster": {
			func(s *stage) { s.cluster.Lock("Ada", "audit") }, registries, rotation.SummaryClusterLocked, rotation.SummaryClusterLocked,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.given(s)
			in := s.request()
			_, _, err := s.process().Preflight(t.Context(), in)
			checkProblem(t, err, test.known)
			test.unknown(&in)
			switch _, _, err = s.process().Preflight(t.Context(), in); {
			case test.summary != "":
				checkProblem(t, err, test.summary)
			case err != nil:
				t.Errorf("refused: %s", err)
			}
		})
	}
}

func TestFindAccessKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.key.Deactivate()
	process := s.process()
	for _, test := range []struct {
		user, key string
		want      bool
	}{
		{s.user.Name, s.key.ID, true}, {s.user.Name, unknownKey, false}, {"nobody", s.key.ID, false},
	} {
		if found, err := process.FindAccessKey(t.Context(), test.user, test.key); found != test.want || err != nil {
			t.Errorf("found %s of %s: %t, %v", test.key, test.user, found, err)
		}
	}
	s.DenyAction("iam:ListAccessKeys")
	if found, err := s.process().FindAccessKey(t.Context(), s.user.Name, s.key.ID); found || !errors.Is(err, rotation.ErrForbidden) {
		t.Errorf("found: %t, %v", found, err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dns := s.cluster.SetRoute53DNS(s.key)
	s.key.MarkUsed("eks", "eu-west-3")
	used := s.Clock().Now()
	s.Clock().Advance(time.Hour)
	target := s.target()
	for _, name := range []string{s.user.Name, ""} {
		target.UserName = name
		seen, use, err := s.process().Describe(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if want := (rotation.LastUse{UserName: s.user.Name, At: used, Service: "eks", Region: "eu-west-3"}); use != want {
			t.Errorf("last use %+v, want %+v", use, want)
		}
		if seen.Current == nil || seen.Current.ID != s.key.ID || len(seen.Clusters) != 1 || seen.Statuses[s.cluster.ID].State != "DEPLOYED" {
			t.Errorf("observed %+v", seen)
		}
		checkHolders(t, seen.HoldersOf(s.key.ID), s.set.ID, s.cluster.Registry().ID, dns.ID)
	}

	target.CredentialsID = s.org.AddRoleCredentials("role").ID
	seen, use, err := s.process().Describe(t.Context(), target)
	if err != nil || seen.Set.Type != "AWS_ROLE" || seen.Current != nil || use != (rotation.LastUse{}) {
		t.Errorf("observed %+v, %+v, %v", seen, use, err)
	}
	s.set.Remove()
	_, _, err = s.process().Describe(t.Context(), s.target())
	checkProblem(t, err, rotation.SummaryCredentialsNotFound, s.set.ID)
	s.checkUnchanged()
}

func TestStaticCredentials(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.org.AddRoleCredentials("role")
	s.org.AddScalewayCredentials("scaleway")
	s.org.AddVSphereCredentials("datacenter", s.key)
	second := s.org.AddCredentials("staging", s.key)
	process := s.process()
	for range 2 {
		sets, err := process.StaticCredentials(t.Context(), s.org.ID)
		if err != nil || len(sets) != 2 || sets[0].ID != s.set.ID || sets[1].ID != second.ID {
			t.Errorf("credentials %+v, %v", sets, err)
		}
	}
	if got := s.sent(simulator.OpListCredentials); got != 1 {
		t.Errorf("the credentials were listed %d times", got)
	}
	_, err := process.StaticCredentials(t.Context(), s.set.ID)
	checkProblem(t, err, rotation.SummaryOrganizationNotFound, s.set.ID)
}
