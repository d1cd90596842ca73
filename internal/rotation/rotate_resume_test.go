package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestRotateDeletesNoKeyOfSomebodyElse has somebody else's key appear when the answer to a creation is lost.
func TestRotateDeletesNoKeyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		create  func(s *stage) *simulator.AccessKey
		summary string
	}{
		"older": {func(s *stage) *simulator.AccessKey {
			return s.user.AddKeyCreated(s.Clock().Now().Add(-time.Hour))
		}, rotation.SummaryForeignKey},
		"in use": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			key.MarkUsed("s3", "eu-west-3")
			return key
		}, rotation.SummaryForeignKey},
		"in Qovery": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			s.org.AddCredentials("staging", key)
			return key
		}, rotation.SummaryKeyInUse},
		"in a DNS provider": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			s.cluster.SetRoute53DNS(key)
			return key
		}, rotation.SummaryKeyInUse},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var key *simulator.AccessKey
			s.Inject(simulator.Fault{
				Kind: simulator.FaultCallInstead, Match: simulator.Operation(createAccessKey), Call: func(simulator.Request) { key = test.create(s) },
			})
			_, err := s.rotate(s.request())
			checkProblem(t, err, test.summary, key.ID)
			if !key.Active() {
				t.Error("the key is gone")
			}
			if got := s.sent("DeleteAccessKey"); got != 0 {
				t.Errorf("%d keys were deleted", got)
			}
		})
	}
}

// TestRotateDeploysAClusterThatWasAttachedMeanwhile has a cluster appear between the decision and the cutover.
func TestRotateDeploysAClusterThatWasAttachedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var cluster *simulator.Cluster
	s.Before(simulator.OpEditAWSCredentials, func(simulator.Request) { cluster = s.org.AddCluster("late", "eu-west-3", s.set) })
	outcome := s.mustRotate(s.request())
	s.checkDeployed(cluster, outcome.AccessKeyID)
}

// TestRotateResumesWithoutAJournal resumes from the state alone.
func TestRotateResumesWithoutAJournal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	s.user.RemoveTag(s.journalTag())
	req := s.request()
	req.Record = outcome

	s.DenyAction("iam:TagUser")
	got, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryJournal, "Qovery holds "+outcome.AccessKeyID, "iam:TagUser")
	if got != nil {
		t.Errorf("outcome %+v", got)
	}
	s.checkDeployed(s.cluster, outcome.AccessKeyID)

	s.AllowAction("iam:TagUser")
	req.Record.RotatedAt = time.Time{} // as after somebody else's change
	var journal string
	s.Before(simulator.OpDeployCluster, func(simulator.Request) { journal = s.journal() })
	resumed := s.mustRotate(req)
	if !strings.Contains(journal, "from="+s.key.ID+" to="+outcome.AccessKeyID+" phase=deploying") {
		t.Errorf("the journal was %q during the deployment", journal)
	}
	if resumed.PreviousAccessKeyID != s.key.ID || resumed.AccessKeyID != outcome.AccessKeyID || resumed.RotatedAt.IsZero() {
		t.Errorf("outcome %+v", resumed)
	}
}

// TestRotateRecordsACutoverThatItFound resumes after a run that died right after the PUT. Then somebody puts the old key back.
func TestRotateRecordsACutoverThatItFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	found := s.user.AddKey()
	s.writeJournal(rotation.StageStoring, found.ID, time.Minute)
	s.set.SetKey(found)
	s.cluster.Registry().SetKey(found)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	if !strings.Contains(s.journal(), "phase=deploying") || !strings.Contains(s.journal(), "cutover=") {
		t.Errorf("the journal is %q", s.journal())
	}
	s.set.SetKey(s.key)
	s.cluster.Registry().SetKey(s.key)
	_, err = s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryPutBack, "stored "+s.key.ID+" again")
	s.checkKeys(s.key.ID, found.ID)
}

// TestRotateDeploysAfterAnotherRotationThanTheState resumes a rotation with the state of the one before. The clusters in that
// state are deployed with a key that is replaced since.
func TestRotateDeploysAfterAnotherRotationThanTheState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.tolerateHandover(s.key.ID, s.cluster.Registry())
	outcome := s.leaveRegistryBehind()

	req := s.request()
	req.Record = outcome
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	again, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryDeployment)
	mended := s.mustRotate(req) // with the state from before
	s.checkDeployed(s.cluster, outcome.AccessKeyID, again.AccessKeyID, again.AccessKeyID)
	if mended.AccessKeyID != again.AccessKeyID || mended.PreviousAccessKeyID != outcome.AccessKeyID {
		t.Errorf("outcome %+v, want one from %s to %s", mended, outcome.AccessKeyID, again.AccessKeyID)
	}
}
