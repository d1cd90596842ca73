package rotation_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// unknownKey is a key that does not exist.
const unknownKey = "AKIAFORMERFORMERFORM"

// adopted is the record of the stage's credentials before anything was rotated.
func (s *stage) adopted() *rotation.Record {
	s.t.Helper()
	in := s.request()
	in.Rotate = false
	return s.mustRotate(in)
}

// known is the intent of a resource with a state, without changes.
func (s *stage) known(record *rotation.Record) rotation.Intent {
	in := s.request()
	in.Rotate, in.Record = false, record
	in.UserName, in.UserARN = s.user.Name, record.UserARN
	return in
}

// refresh refreshes a record in a process of its own. There must be no error.
func (s *stage) refresh(in rotation.Intent) (*rotation.Record, *rotation.Problem) {
	s.t.Helper()
	record, warning, err := s.process().Refresh(s.t.Context(), in)
	if err != nil {
		s.t.Fatalf("refreshing: %s", err)
	}
	return record, warning
}

// checkRefresh refreshes a record and compares the result.
func (s *stage) checkRefresh(in rotation.Intent, want rotation.Record) *rotation.Record {
	s.t.Helper()
	s.ResetRequests()
	got, warning := s.refresh(in)
	if warning != nil {
		s.t.Errorf("warning %s", warning)
	}
	want.Clusters, want.Holders = got.Clusters, got.Holders
	if !reflect.DeepEqual(*got, want) {
		s.t.Errorf("refreshed to\n%+v, want\n%+v", *got, want)
	}
	s.checkUnchanged()
	return got
}

// checkWarning refreshes a record and checks its warning.
func (s *stage) checkWarning(in rotation.Intent, summary string, facts ...string) *rotation.Record {
	s.t.Helper()
	got, warning := s.refresh(in)
	if warning == nil {
		s.t.Errorf("no warning, refreshed to %+v", got)
		return got
	}
	checkProblem(s.t, warning, summary, facts...)
	return got
}

// TestRefresh finds what was recorded, with and without a rotation. It does not read the user, so an unreadable journal does
// not matter.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	check := func(record *rotation.Record) {
		t.Helper()
		got := s.checkRefresh(s.known(record), *record)
		if len(s.Requests()) != 5 || s.sent(listAccessKeys) != 1 {
			t.Errorf("requests: %v", s.Requests())
		}
		if !reflect.DeepEqual(got.Clusters, record.Clusters) || !slices.Equal(got.Holders, record.Holders) {
			t.Errorf("refreshed to %+v, want %+v", got, record)
		}
	}
	check(s.adopted())
	rotated := s.mustRotate(s.request())
	s.user.SetTag(s.journalTag(), "please keep")
	check(rotated)
}

// TestRefreshFindsTheOwner has a state with another user's name, or without one.
func TestRefreshFindsTheOwner(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "others"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.AddUser("others").AddKey()
			in := s.known(s.adopted())
			in.UserName = name
			in.Record.UserName = name
			want := *in.Record
			want.UserName = s.user.Name
			s.checkRefresh(in, want)
		})
	}
}

// TestRefreshAfterALostUpdate has a rotation that the state does not have. The next update adopts it.
func TestRefreshAfterALostUpdate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := s.known(s.adopted())
	in.Rotate = true
	rotated := s.mustRotate(in)
	want := *rotated
	want.Unfinished, want.DeployedClusters = true, nil
	in.Rotate = false
	got := s.checkRefresh(in, want)

	s.Clock().Advance(time.Hour)
	in.Record = got
	adopted := s.mustRotate(in)
	if adopted.Unfinished || !adopted.DeployedAt.Equal(rotated.DeployedAt) || !adopted.DrainEndsAt.Equal(rotated.DrainEndsAt) ||
		adopted.PreviousAccessKeyID != s.key.ID {
		t.Errorf("adopted %+v, want %+v", adopted, rotated)
	}
	s.checkUnchanged()
}

// TestRefreshAfterAnImport has only the ids of the credentials, and finds the rest in the journal.
func TestRefreshAfterAnImport(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	want := *s.mustRotate(s.request())
	want.DeployedClusters = nil
	for _, name := range []string{"", s.user.Name} {
		in := s.known(&rotation.Record{})
		in.UserName = name
		// The rotation's own window is longer than the default of an import.
		in.DrainWindow = time.Hour
		s.checkRefresh(in, want)
	}
}

// TestRefreshAfterTheRotationOfASharedKey: the resource of other credentials rotated the shared key. While clusters wait for
// the new key, every resource that shares it has something to do.
func TestRefreshAfterTheRotationOfASharedKey(t *testing.T) {
	t.Parallel()
	for name, incomplete := range map[string]bool{"complete": false, "incomplete": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			want := *s.adopted()
			in := s.known(s.adopted())
			staging := s.request()
			staging.CredentialsID = s.org.AddCredentials("staging", s.key).ID
			if incomplete {
				s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
			}
			rotated, err := s.rotate(staging)
			if (err != nil) != incomplete {
				t.Fatal(err)
			}
			want.AccessKeyID, want.AccessKeyCreatedAt = rotated.AccessKeyID, rotated.AccessKeyCreatedAt
			if incomplete {
				want.PreviousAccessKeyID, want.RotatedAt, want.Unfinished = s.key.ID, rotated.RotatedAt, true
			}
			s.checkRefresh(in, want)
		})
	}
}

// TestRefreshAfterSomebodyElse has a person replace the key, or delete the old one too.
func TestRefreshAfterSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := s.known(s.adopted())
	other := s.user.AddKey()
	s.set.SetKey(other)
	got := s.checkWarning(in, rotation.SummaryKeyReplaced, s.key.ID, other.ID)
	if !got.Unfinished || got.AccessKeyID != other.ID || got.PreviousAccessKeyID != s.key.ID || !got.DrainEndsAt.IsZero() {
		t.Errorf("refreshed to %+v", got)
	}

	s.key.Delete()
	want := *in.Record
	want.AccessKeyID, want.AccessKeyCreatedAt = other.ID, other.CreatedAt()
	s.checkRefresh(in, want)
}

// TestRefreshOfADeadKey: a refresh warns if Qovery's key does not work.
func TestRefreshOfADeadKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := s.known(s.adopted())
	s.key.Deactivate()
	s.checkWarning(in, rotation.SummaryCutOff, s.key.ID)
	s.key.Delete()
	if got := s.checkWarning(in, rotation.SummaryCutOff, s.key.ID); got.UserName != s.user.Name || got.UserARN != s.user.ARN() {
		t.Errorf("the user is forgotten: %+v", got)
	}
}

func TestRefreshFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given   func(s *stage, in *rotation.Intent)
		summary string
		facts   []string
		cause   error
	}{
		"credentials that do not exist": {
			given:   func(s *stage, _ *rotation.Intent) { s.set.Remove() },
			summary: rotation.SummaryCredentialsNotFound, cause: rotation.ErrNotFound,
		},
		"an organization that is not there": {
			given:   func(_ *stage, in *rotation.Intent) { in.OrganizationID = in.CredentialsID },
			summary: rotation.SummaryOrganizationNotFound, cause: rotation.ErrNotFound,
		},
		"credentials of a role": {
			given:   func(s *stage, in *rotation.Intent) { in.CredentialsID = s.org.AddRoleCredentials("role").ID },
			summary: rotation.SummaryNotStatic,
		},
		"credentials that may not be read": {
			given: func(s *stage, _ *rotation.Intent) {
				s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(simulator.OpListCredentials), Times: -1})
			},
			summary: rotation.SummaryForbidden, cause: rotation.ErrForbidden,
		},
		"keys that may not be listed": {
			given:   func(s *stage, _ *rotation.Intent) { s.DenyAction("iam:ListAccessKeys") },
			summary: rotation.SummaryForbidden, cause: rotation.ErrForbidden,
		},
		"an owner that may not be asked for": {
			given: func(s *stage, in *rotation.Intent) {
				in.UserName = ""
				s.DenyAction("iam:GetAccessKeyLastUsed")
			},
			summary: rotation.SummaryForbidden, cause: rotation.ErrForbidden,
		},
		"a journal that may not be read": {
			given: func(s *stage, in *rotation.Intent) {
				in.Record.AccessKeyID = unknownKey
				s.DenyAction("iam:GetUser")
			},
			summary: rotation.SummaryForbidden, cause: rotation.ErrForbidden,
		},
		"a tag that is no journal": {
			given: func(s *stage, in *rotation.Intent) {
				in.Record.AccessKeyID = unknownKey
				s.user.SetTag(s.journalTag(), "please keep")
			},
			summary: rotation.SummaryForeignJournal,
		},
		"the wrong account": {
			given:   func(s *stage, _ *rotation.Intent) { s.moveAbroad() },
			summary: rotation.SummaryWrongAccount, facts: []string{otherAccount, "123456789012"},
		},
		"the wrong account, which lacks the user": {
			given:   func(s *stage, _ *rotation.Intent) { s.account = s.AddAccount(otherAccount) },
			summary: rotation.SummaryWrongAccount, facts: []string{otherAccount, "123456789012"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			in := s.known(s.adopted())
			test.given(s, &in)
			record, warning, err := s.process().Refresh(t.Context(), in)
			if err == nil {
				t.Fatalf("refreshed to %+v, %v", record, warning)
			}
			checkProblem(t, rotation.AsProblem(err), test.summary, test.facts...)
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("error %q, want %q", err, test.cause)
			}
			s.checkUnchanged()
		})
	}
}

// TestRefreshAsksOnceForMany has 50 pairs of resources refreshed at once.
func TestRefreshAsksOnceForMany(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	in := s.known(s.adopted())
	cleanup := rotation.Retirement{Target: in.Target, AccessKeyID: s.key.ID, DeleteAfter: s.Clock().Now()}
	s.ResetRequests()
	process := s.process()
	var waits []func()
	for range 50 {
		waits = append(waits, background(func() {
			if _, _, err := process.Refresh(t.Context(), in); err != nil {
				t.Error(err)
			}
			if _, err := process.RefreshRetirement(t.Context(), cleanup); err != nil {
				t.Error(err)
			}
			if found, err := process.FindAccessKey(t.Context(), s.user.Name, s.key.ID); err != nil || !found {
				t.Errorf("found: %t, %v", found, err)
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
	if got := len(s.Requests()); got != 5 { // One asks for the account.
		t.Errorf("%d requests: %v", got, s.Requests())
	}
}

// TestRefreshAfterAChange: the process forgets answers from before it changed something.
func TestRefreshAfterAChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	in := s.known(s.adopted())
	check := func() {
		t.Helper()
		if got, _, err := process.Refresh(t.Context(), in); err != nil || got.AccessKeyID != s.set.AccessKeyID() {
			t.Errorf("found %+v, %v, want %s", got, err, s.set.AccessKeyID())
		}
	}
	check()
	if _, err := process.Rotate(t.Context(), s.request()); err != nil {
		t.Fatal(err)
	}
	check()

	cleanup := s.retirement(s.Clock().Now().Add(-drainWindow))
	if found, err := process.FindAccessKey(t.Context(), s.user.Name, s.key.ID); err != nil || !found {
		t.Errorf("found: %t, %v", found, err)
	}
	s.Clock().Advance(drainWindow)
	if _, err := process.Retire(t.Context(), cleanup, false, time.Hour); err != nil {
		t.Fatal(err)
	}
	if found, err := process.FindAccessKey(t.Context(), s.user.Name, s.key.ID); err != nil || found {
		t.Errorf("found: %t, %v", found, err)
	}
}
