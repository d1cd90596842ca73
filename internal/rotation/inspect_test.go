package rotation_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// target names the stage's credentials and user.
func (s *stage) target() rotation.Target {
	return rotation.Target{OrganizationID: s.org.ID, CredentialsID: s.set.ID, UserName: s.user.Name}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	for name, userName := range map[string]string{"user name told": "qovery", "user name found": "", "another user's name": "others"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.AddUser("others").AddKey()
			target := s.target()
			target.UserName = userName
			s.user.SetTag(s.journalTag(), "please keep") // not read while Qovery's key is the known one
			found, err := s.process().Inspect(t.Context(), target, s.key.ID)
			if err != nil {
				t.Fatal(err)
			}
			if found.Set.ID != s.set.ID || found.UserName != s.user.Name || len(found.Keys) != 1 || found.Journal != nil ||
				found.Current == nil || found.Current.ID != s.key.ID || !found.Current.Active {
				t.Errorf("found %+v", found)
			}
			if len(found.Holders) != 2 {
				t.Errorf("holders %v", found.Holders)
			}
			s.checkUnchanged()
		})
	}
}

func TestInspectReadsTheJournalForAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.writeJournal("another-run", rotation.JournalVerifying, "AKIAANOTHERRUNSKEY00", 0)
	found, err := s.process().Inspect(t.Context(), s.target(), "AKIAFORMERFORMERFORM")
	if err != nil {
		t.Fatal(err)
	}
	if found.Journal == nil || found.Journal.Owner != "another-run" || found.Journal.CredentialsID != s.set.ID {
		t.Errorf("journal %v", found.Journal)
	}
}

// TestInspectFindsLess looks at credentials that are not as they should be.
func TestInspectFindsLess(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given func(s *stage, target *rotation.Target)
		check func(s *stage, found *rotation.Inspection) bool
	}{
		"credentials of a role": {
			func(s *stage, target *rotation.Target) { target.CredentialsID = s.org.AddRoleCredentials("role").ID },
			func(_ *stage, found *rotation.Inspection) bool {
				return found.Set.Type == "AWS_ROLE" && found.UserName == ""
			},
		},
		"a key that is gone": {
			func(s *stage, _ *rotation.Target) { s.key.Delete() },
			func(_ *stage, found *rotation.Inspection) bool { return found.UserName == "" && found.Current == nil },
		},
		"a key of another account": {
			func(s *stage, _ *rotation.Target) { s.set.SetKey(&simulator.AccessKey{ID: "AKIAABROADABROADABRO"}) },
			func(_ *stage, found *rotation.Inspection) bool { return found.UserName == "" && found.Current == nil },
		},
		"a user that is gone": {
			func(_ *stage, target *rotation.Target) { target.UserName = "leaver" },
			func(s *stage, found *rotation.Inspection) bool {
				return found.UserName == s.user.Name && found.Current != nil
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			target := s.target()
			test.given(s, &target)
			found, err := s.process().Inspect(t.Context(), target, s.key.ID)
			if err != nil {
				t.Fatal(err)
			}
			if !test.check(s, found) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestInspectFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given func(s *stage, target *rotation.Target)
		cause error
		// gone is whether the credentials certainly do not exist any more.
		gone bool
	}{
		"credentials that do not exist": {
			given: func(s *stage, _ *rotation.Target) { s.set.Remove() }, cause: rotation.ErrNotFound, gone: true,
		},
		"an organization that is not there": {
			given: func(_ *stage, target *rotation.Target) { target.OrganizationID = target.CredentialsID }, cause: rotation.ErrNotFound,
		},
		"credentials that may not be read": {
			given: func(s *stage, _ *rotation.Target) {
				s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(simulator.OpListCredentials), Times: -1})
			},
			cause: rotation.ErrForbidden,
		},
		"keys that may not be listed": {
			given: func(s *stage, _ *rotation.Target) { s.DenyAction("iam:ListAccessKeys") }, cause: rotation.ErrForbidden,
		},
		"an owner that may not be asked for": {
			given: func(s *stage, target *rotation.Target) {
				target.UserName = ""
				s.DenyAction("iam:GetAccessKeyLastUsed")
			},
			cause: rotation.ErrForbidden,
		},
		"the owner's keys may not be listed": {
			given: func(s *stage, target *rotation.Target) {
				target.UserName = ""
				s.DenyAction("iam:ListAccessKeys")
			},
			cause: rotation.ErrForbidden,
		},
		"a journal that may not be read": {
			given: func(s *stage, _ *rotation.Target) { s.DenyAction("iam:GetUser") }, cause: rotation.ErrForbidden,
		},
		"a tag that is no journal": {
			given: func(s *stage, _ *rotation.Target) { s.user.SetTag(s.journalTag(), "please keep") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			target := s.target()
			test.given(s, &target)
			found, err := s.process().Inspect(t.Context(), target, "AKIAFORMERFORMERFORM")
			if err == nil {
				t.Fatalf("found %+v", found)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("error %q, want %q", err, test.cause)
			}
			problem, ok := errors.AsType[*rotation.Problem](err)
			if gone := ok && problem.Summary == rotation.SummaryCredentialsNotFound; gone != test.gone {
				t.Errorf("the credentials are taken for gone: %t, want %t", gone, test.gone)
			}
		})
	}
}

func TestInspectAsksOnceForMany(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	var waits []func()
	for range 50 {
		waits = append(waits, background(func() {
			if _, err := process.Inspect(t.Context(), s.target(), s.key.ID); err != nil {
				t.Error(err)
			}
			if key, err := process.FindAccessKey(t.Context(), s.user.Name, s.key.ID); err != nil || key == nil {
				t.Errorf("found key %v, %v", key, err)
			}
		}))
	}
	for _, wait := range waits {
		wait()
	}
	for _, operation := range []string{
		simulator.OpListCredentials, simulator.OpListRegistries, simulator.OpListHelmRepositories, listAccessKeys,
	} {
		if got := s.sent(operation); got != 1 {
			t.Errorf("%s was sent %d times", operation, got)
		}
	}
	if got := len(s.Requests()); got != 4 {
		t.Errorf("%d requests: %v", got, s.Requests())
	}
}

// TestInspectAfterARotation has the process forget what it read before it changed something.
func TestInspectAfterARotation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	for want := s.key.ID; ; {
		found, err := process.Inspect(t.Context(), s.target(), want)
		if err != nil {
			t.Fatal(err)
		}
		if found.Set.AccessKeyID != want {
			t.Errorf("found %s, want %s", found.Set.AccessKeyID, want)
		}
		if want != s.key.ID {
			break
		}
		outcome, err := process.Rotate(t.Context(), s.request())
		if err != nil {
			t.Fatal(err)
		}
		want = outcome.AccessKeyID
	}
}

func TestFindAccessKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.key.Deactivate()
	process := s.process()
	key, err := process.FindAccessKey(t.Context(), s.user.Name, s.key.ID)
	if err != nil || key == nil || key.ID != s.key.ID || key.Active || !key.CreatedAt.Equal(s.key.CreatedAt()) {
		t.Errorf("found %+v, %v", key, err)
	}
	for _, user := range []string{s.user.Name, "nobody"} {
		if key, err = process.FindAccessKey(t.Context(), user, "AKIAFORMERFORMERFORM"); key != nil || err != nil {
			t.Errorf("found %+v, %v at user %s", key, err, user)
		}
	}
	s.DenyAction("iam:ListAccessKeys")
	if key, err = s.process().FindAccessKey(t.Context(), s.user.Name, s.key.ID); !errors.Is(err, rotation.ErrForbidden) {
		t.Errorf("found %+v, %v", key, err)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	stopped := s.org.AddStoppedCluster("stopped", "eu-west-1", second)
	vsphere := s.org.AddVSphereCredentials("datacenter", s.key)
	access := s.cluster.AddSecretManagerAccess("secrets", s.key)
	s.cluster.SetRoute53DNS(s.key)

	req := s.request()
	_, _, err := s.process().Preflight(t.Context(), req)
	checkProblem(t, err, rotation.SummaryUncarriableHolder, "datacenter", "secrets", "acme.example")

	req.IgnoredHolders = []string{vsphere.ID, access.ID, s.cluster.ID, second.ID}
	o, decision, err := s.process().Preflight(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if decision.Action != rotation.ActionRotate || decision.From != s.key.ID || o.Owner != s.user.Name || o.User.ARN != s.user.ARN() {
		t.Errorf("decided %+v about %+v", decision, o)
	}
	forecast := o.Forecast(req, decision)
	if ids := holderIDs(forecast.Carried); !slices.Equal(ids, sorted(s.set.ID, s.cluster.Registry().ID, stopped.Registry().ID)) {
		t.Errorf("carried %v", forecast.Carried)
	}
	if len(forecast.LeftBehind) > 0 {
		t.Errorf("left behind %v", forecast.LeftBehind)
	}
	if len(forecast.Deployed) != 1 || forecast.Deployed[0].ID != s.cluster.ID || forecast.Deployed[0].Region != "eu-west-3" {
		t.Errorf("deployed %v", forecast.Deployed)
	}
	req.RotateRegistries = false
	forecast = o.Forecast(req, decision)
	if ids := holderIDs(forecast.Carried); !slices.Equal(ids, []string{s.set.ID}) {
		t.Errorf("carried without registries %v", forecast.Carried)
	}
	if ids := holderIDs(forecast.LeftBehind); !slices.Equal(ids, sorted(s.cluster.Registry().ID, stopped.Registry().ID)) {
		t.Errorf("left behind without registries %v", forecast.LeftBehind)
	}
	s.checkUnchanged()
}

func holderIDs(holders []rotation.Holder) []string {
	var ids []string
	for _, holder := range holders {
		ids = append(ids, holder.ID)
	}
	return sorted(ids...)
}

func sorted(texts ...string) []string {
	slices.Sort(texts)
	return texts
}

// TestPreflightRefuses has the world stand against a rotation before anything is changed.
func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given   func(s *stage, req *rotation.Request)
		summary string
		facts   []string
	}{
		"credentials that do not exist": {
			func(s *stage, _ *rotation.Request) { s.set.Remove() },
			rotation.SummaryCredentialsNotFound,
			[]string{"has no credentials", "Cloud credentials"},
		},
		"an organization that is not there": {
			func(_ *stage, req *rotation.Request) { req.OrganizationID = req.CredentialsID },
			rotation.SummaryOrganizationNotFound,
			[]string{"knows no organization"},
		},
		"a user that does not exist": {
			func(_ *stage, req *rotation.Request) { req.UserName = "nobody" },
			rotation.SummaryUserNotFound,
			[]string{`no IAM user "nobody"`, "NoSuchEntity"},
		},
		"a user that does not own the key": {
			func(s *stage, req *rotation.Request) { req.UserName = s.AddUser("somebody").Name },
			rotation.SummaryWrongUser,
			[]string{`belongs to IAM user "qovery", not to "somebody"`},
		},
		"a key that is gone": {
			func(s *stage, _ *rotation.Request) { s.key.Delete() },
			rotation.SummaryCutOff,
			[]string{"does not exist in the AWS account"},
		},
		"a key that is gone from a user": {
			func(s *stage, req *rotation.Request) { s.key.Delete(); req.UserName = s.user.Name },
			rotation.SummaryCutOff,
			[]string{`is not a key of IAM user "qovery"`},
		},
		"a key of another account": {
			func(s *stage, req *rotation.Request) {
				s.set.SetKey(&simulator.AccessKey{ID: "AKIAABROADABROADABRO"})
				req.UserName = s.user.Name
			},
			rotation.SummaryCutOff,
			[]string{`AKIAABROADABROADABRO, which is not a key of IAM user "qovery"`},
		},
		"an Inactive key": {
			func(s *stage, _ *rotation.Request) { s.key.Deactivate() }, rotation.SummaryCutOff, []string{"is Inactive"},
		},
		"the provider's own key": {
			func(s *stage, _ *rotation.Request) { s.set.SetKey(s.Operator()) },
			rotation.SummarySignsWithKey,
			[]string{"credentials of its own"},
		},
		"a stranger's key": {
			func(s *stage, _ *rotation.Request) { s.user.AddKeyCreated(s.Clock().Now().Add(-30 * 24 * time.Hour)) },
			rotation.SummaryStrangerKey,
			[]string{"30 days old and was never used"},
		},
		"a tag that is no journal": {
			func(s *stage, _ *rotation.Request) { s.user.SetTag(s.journalTag(), "please keep") },
			rotation.SummaryForeignJournal,
			[]string{`"please keep"`, "aws iam untag-user --user-name qovery --tag-keys qoveryrotation:"},
		},
		"credentials of a role": {
			func(s *stage, req *rotation.Request) { req.CredentialsID = s.org.AddRoleCredentials("role").ID },
			rotation.SummaryNotStatic,
			[]string{"AWS_ROLE"},
		},
		"credentials of another cloud": {
			func(s *stage, req *rotation.Request) { req.CredentialsID = s.org.AddScalewayCredentials("scaleway").ID },
			rotation.SummaryNotStatic,
			[]string{"SCW"},
		},
		"a locked cluster": {
			func(s *stage, _ *rotation.Request) { s.cluster.Lock("Ada", "audit") }, rotation.SummaryClusterLocked, []string{"locked by Ada"},
		},
		"a restricted organization": {
			func(s *stage, _ *rotation.Request) { s.org.RestrictDeployments("NO_CREDIT_CARD") },
			rotation.SummaryRestricted,
			[]string{"NO_CREDIT_CARD"},
		},
		"a use that may not be read": {
			func(s *stage, req *rotation.Request) {
				req.UserName = s.user.Name
				s.user.AddKey()
				s.DenyAction("iam:GetAccessKeyLastUsed")
			},
			rotation.SummaryForbidden,
			[]string{"iam:GetAccessKeyLastUsed"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			req := s.request()
			test.given(s, &req)
			_, _, err := s.process().Preflight(t.Context(), req)
			checkProblem(t, rotation.AsProblem(err), test.summary, test.facts...)

			// An apply that was planned before finds the same.
			_, err = s.rotate(req)
			checkProblem(t, rotation.AsProblem(err), test.summary, test.facts...)
			s.checkUnchanged()
		})
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.key.MarkUsed("eks", "eu-west-3")
	used := s.Clock().Now()
	s.Clock().Advance(time.Hour)
	o, use, err := s.process().Describe(t.Context(), s.target())
	if err != nil {
		t.Fatal(err)
	}
	if want := (rotation.LastUse{UserName: s.user.Name, At: used, Service: "eks", Region: "eu-west-3"}); use != want {
		t.Errorf("last use %+v, want %+v", use, want)
	}
	if o.Current == nil || o.Current.ID != s.key.ID || len(o.Clusters) != 1 || o.Statuses[s.cluster.ID].State != "DEPLOYED" {
		t.Errorf("observed %+v", o)
	}

	target := s.target()
	target.CredentialsID = s.org.AddRoleCredentials("role").ID
	o, use, err = s.process().Describe(t.Context(), target)
	if err != nil || o.Set.Type != "AWS_ROLE" || o.Current != nil || use != (rotation.LastUse{}) {
		t.Errorf("observed %+v, %+v, %v", o, use, err)
	}
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
		if err != nil {
			t.Fatal(err)
		}
		if len(sets) != 2 || sets[0].ID != s.set.ID || sets[1].ID != second.ID {
			t.Errorf("credentials %+v", sets)
		}
	}
	if got := s.sent(simulator.OpListCredentials); got != 1 {
		t.Errorf("the credentials were listed %d times", got)
	}
	if _, err := process.StaticCredentials(t.Context(), s.set.ID); !errors.Is(err, rotation.ErrNotFound) {
		t.Errorf("credentials of no organization: %v", err)
	}
}
