package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// TestRotateLeavesARegistryBehind has a registry refuse the new key. It tries every way to end that.
func TestRotateLeavesARegistryBehind(t *testing.T) {
	t.Parallel()
	refused := "container registry \"registry-"
	tests := map[string]struct {
		// mend is what somebody does, so that the next run succeeds.
		mend func(s *stage, req *rotation.Intent)
		// repaired is whether the next run rotates again and gives the registry its key.
		repaired bool
	}{
		"it gets another key": {mend: func(s *stage, _ *rotation.Intent) {
			s.cluster.Registry().SetKey(s.AddUser("registry").AddKey())
		}},
		"it is ignored":                          {mend: func(s *stage, req *rotation.Intent) { req.IgnoredHolders = []string{s.cluster.Registry().ID} }},
		"it is none of this resource's business": {mend: func(_ *stage, req *rotation.Intent) { req.RotateRegistries = false }},
		"the drain window passes": {
			mend: func(s *stage, _ *rotation.Intent) {
				s.cluster.Registry().RefuseUpdates(0)
				s.Clock().Advance(drainWindow)
			},
			repaired: true,
		},
		"the drain window passes, and there is no state": {
			mend: func(s *stage, req *rotation.Intent) {
				s.cluster.Registry().RefuseUpdates(0)
				s.Clock().Advance(drainWindow)
				req.Record = nil
			},
			repaired: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.cluster.Registry().RefuseUpdates(400)
			outcome, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryHolderNotUpdated, "use the new access key "+outcome.AccessKeyID, refused,
				s.key.ID+" is still stored", "after "+outcome.DeployedAt.Add(drainWindow).Format(time.RFC3339), "ignored_holders",
				"HTTP 400: Updates are refused")
			if outcome == nil || outcome.DeployedAt.IsZero() || !outcome.Unfinished || len(outcome.Holders) != 1 {
				t.Errorf("outcome %+v", outcome)
			}
			if !strings.Contains(s.journal(), "phase=deployed") {
				t.Errorf("the journal is %q", s.journal())
			}

			req := s.request()
			req.Record = outcome
			again, err := s.rotate(req)
			checkProblem(t, err, rotation.SummaryHolderNotUpdated, refused)
			if again.AccessKeyID != outcome.AccessKeyID || !again.DeployedAt.Equal(outcome.DeployedAt) {
				t.Errorf("outcome %+v, then %+v", outcome, again)
			}
			s.checkKeys(s.key.ID, outcome.AccessKeyID)
			s.checkDeployed(s.cluster, outcome.AccessKeyID)

			if test.repaired {
				// A user cannot have three keys, so the registry has no working key for some seconds.
				s.tolerateHandover(s.key.ID, s.cluster.Registry())
			}
			test.mend(s, &req)
			mended := s.mustRotate(req)
			if got := s.set.AccessKeyID(); got != mended.AccessKeyID || mended.Unfinished {
				t.Errorf("Qovery holds %s, outcome %+v", got, mended)
			}
			if !test.repaired {
				if mended.AccessKeyID != outcome.AccessKeyID || mended.PreviousAccessKeyID != s.key.ID {
					t.Errorf("outcome %+v, in the end %+v", outcome, mended)
				}
				s.checkDeployed(s.cluster, outcome.AccessKeyID)
				return
			}
			if mended.PreviousAccessKeyID != outcome.AccessKeyID || s.cluster.Registry().AccessKeyID() != mended.AccessKeyID {
				t.Errorf("outcome %+v, in the end %+v", outcome, mended)
			}
			s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
			s.checkDeployed(s.cluster, outcome.AccessKeyID, mended.AccessKeyID)
		})
	}
}

// leaveRegistryBehind rotates while the cluster's registry refuses the new key, and lets the drain window pass.
func (s *stage) leaveRegistryBehind() *rotation.Record {
	s.t.Helper()
	registry := s.cluster.Registry()
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(s.t, err, rotation.SummaryHolderNotUpdated)
	registry.RefuseUpdates(0)
	s.Clock().Advance(drainWindow)
	return outcome
}

// TestRotateRepairsAfterAFailure has the repair of a registry fail before its cutover.
func TestRotateRepairsAfterAFailure(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	outcome := s.leaveRegistryBehind()
	s.tolerateHandover(s.key.ID, s.cluster.Registry())

	s.set.RefuseUpdates(400)
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryRefused, "is still stored in container registry")
	s.set.RefuseUpdates(0)
	s.tolerateHandover(s.cluster.Registry().AccessKeyID(), s.cluster.Registry())

	mended := s.mustRotate(s.request())
	if s.cluster.Registry().AccessKeyID() != mended.AccessKeyID || s.set.AccessKeyID() != mended.AccessKeyID {
		t.Errorf("Qovery holds %s, the registry has %s, want %s", s.set.AccessKeyID(), s.cluster.Registry().AccessKeyID(), mended.AccessKeyID)
	}
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
}

// TestRotateLeavesARegistryBehindTwice has the repair of a registry fail too. The registry has no working key until the next
// repair, which begins at once.
func TestRotateLeavesARegistryBehindTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.tolerateHandover(s.key.ID, registry)
	images := s.org.AddRegistry("images", "ECR", s.key)
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, "Both keys work")

	// If no stale holder accepts the new key, there is no cutover.
	s.Clock().Advance(drainWindow)
	again, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, "None of the objects")
	if again != nil || s.set.AccessKeyID() != outcome.AccessKeyID {
		t.Errorf("Qovery holds %s, outcome %+v", s.set.AccessKeyID(), again)
	}
	s.checkKeys(outcome.AccessKeyID)

	registry.RefuseUpdates(0)
	mended := s.mustRotate(s.request())
	if got := registry.AccessKeyID(); got != mended.AccessKeyID || images.AccessKeyID() != got || mended.Unfinished {
		t.Errorf("the registries have %s and %s, outcome %+v", got, images.AccessKeyID(), mended)
	}
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
}

// TestRotateLeavesCredentialsBehind has other credentials with the same key refuse the new one, and repairs them when the key
// is drained.
func TestRotateLeavesCredentialsBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("stage", "eu-west-1", second)
	second.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, `credentials "staging"`)
	s.checkDeployed(s.cluster, outcome.AccessKeyID)

	second.RefuseUpdates(0)
	s.Clock().Advance(24 * time.Hour)
	s.tolerateHandover(s.key.ID, &second.Holder)
	req := s.request()
	req.Record = outcome
	mended := s.mustRotate(req)
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
	if got := second.AccessKeyID(); got != mended.AccessKeyID || mended.Unfinished {
		t.Errorf("the second set has %s, outcome %+v", got, mended)
	}
	s.checkDeployed(cluster, mended.AccessKeyID)
}

// TestRotateDeletesTheKeyOfAnAttemptToMakeUp ignores a stale registry after its repair died before the cutover. The key of the
// repair is an orphan.
func TestRotateDeletesTheKeyOfAnAttemptToMakeUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated)
	req := s.request()
	req.Record = outcome
	req.IgnoredHolders = []string{registry.ID}
	s.Clock().Advance(drainWindow)

	// The repair deleted the drained key and created another one.
	s.Expendable(s.key)
	s.tolerateHandover(s.key.ID, registry)
	s.key.Delete()
	orphan := s.user.AddKey()
	s.Expendable(orphan)
	journal := rotation.Journal{
		From: outcome.AccessKeyID, To: orphan.ID, Before: []string{s.key.ID}, Stage: rotation.StageVerifying, At: s.Clock().Now(),
	}
	s.user.SetTag(s.journalTag(), journal.String())

	s.DenyAction("iam:DeleteAccessKey")
	_, err = s.rotate(req)
	checkProblem(t, err, rotation.SummaryForbidden, orphan.ID+" of an interrupted rotation still exists")
	s.AllowAction("iam:DeleteAccessKey")
	mended := s.mustRotate(req)
	s.checkKeys(outcome.AccessKeyID)
	if mended.AccessKeyID != outcome.AccessKeyID || mended.PreviousAccessKeyID != s.key.ID {
		t.Errorf("outcome %+v", mended)
	}
}

// TestRotateRemembersARegistryThroughFailures has repairs of a registry fail before and after their first entry in the journal.
// There is no state that explains the registry's key.
func TestRotateRemembersARegistryThroughFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.tolerateHandover(s.key.ID, registry)
	s.leaveRegistryBehind()

	s.DenyAction("iam:TagUser")
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryJournal)
	s.AllowAction("iam:TagUser")
	// The first repair dies, and two more are refused.
	died := rotation.Journal{From: s.set.AccessKeyID(), Before: []string{s.key.ID}, Stage: rotation.StageCreating, At: s.Clock().Now()}
	s.user.SetTag(s.journalTag(), died.String())
	s.set.RefuseUpdates(400)
	for range 2 {
		_, err = s.rotate(s.request())
		checkProblem(t, err, rotation.SummaryRefused, "is still stored in container registry")
		// The registry has the key of the repair, which the journal names.
		if got := registry.AccessKeyID(); !strings.Contains(s.journal(), "to="+got) {
			t.Errorf("the registry has %s, the journal is %q", got, s.journal())
		}
		s.tolerateHandover(registry.AccessKeyID(), registry)
	}
	s.set.RefuseUpdates(0)
	mended := s.mustRotate(s.request())
	if got := registry.AccessKeyID(); got != mended.AccessKeyID {
		t.Errorf("the registry has %s, want %s", got, mended.AccessKeyID)
	}
}
