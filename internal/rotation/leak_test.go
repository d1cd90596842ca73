package rotation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// leak lists keys as compromised for every process from now on.
func (s *stage) leak(keys ...*simulator.AccessKey) {
	s.compromised = nil
	for _, key := range keys {
		s.compromised = append(s.compromised, key.ID)
	}
}

// current is the key that Qovery holds.
func (s *stage) current() *simulator.AccessKey {
	for _, key := range s.user.Keys() {
		if key.ID == s.set.AccessKeyID() {
			return key
		}
	}
	s.t.Fatal("Qovery holds no key of the user")
	return nil
}

// TestLeakInADrainWindow: the previous key is deleted, because the place is needed for the successor of the leaked key.
func TestLeakInADrainWindow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	record := s.mustRotate(s.request())
	leaked := s.current()
	s.leak(leaked)
	in := s.request()
	in.Rotate, in.Record = false, record
	var warnings []string
	in.Warn = func(p *rotation.Problem) { warnings = append(warnings, p.Summary) }
	outcome := s.mustRotate(in)
	if s.key.Exists() || leaked.Active() || outcome.PreviousAccessKeyID != leaked.ID || outcome.Unfinished {
		t.Errorf("the outcome is %+v", outcome)
	}
	told := []string{rotation.SummaryDeleted, rotation.SummaryCompromisedStopped}
	if outcome.PhaseAt(s.Clock().Now()) != rotation.PhaseDrained || !slices.Equal(warnings, told) {
		t.Errorf("the phase is %s, the warnings are %q", outcome.PhaseAt(s.Clock().Now()), warnings)
	}
	retired, err := s.process().Retire(t.Context(), s.retirementOf(outcome), false, time.Hour)
	if err != nil || retired.Status != rotation.StatusDeleted || leaked.Exists() {
		t.Errorf("retired to %+v, %v", retired, err)
	}
}

// TestLeakOfBothKeys lists the current key and a foreign one.
func TestLeakOfBothKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	foreign := s.user.AddKey()
	s.tolerated = []string{foreign.ID + " was deleted, which no request created or replaced"}
	s.leak(s.key, foreign)
	outcome := s.mustRotate(s.request())
	if foreign.Exists() || s.key.Active() || outcome.AccessKeyID == s.key.ID {
		t.Errorf("the outcome is %+v", outcome)
	}
}

// TestLeakOfASharedKey: every credentials set with the leaked key gets the new one, also sets that no resource rotates.
func TestLeakOfASharedKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("staging", "eu-west-3", other)
	s.leak(s.key)
	in := s.request()
	in.RotateRegistries, in.IgnoredHolders = false, []string{other.ID, s.cluster.Registry().ID}
	outcome := s.mustRotate(in)
	if other.AccessKeyID() != outcome.AccessKeyID || s.cluster.Registry().AccessKeyID() != outcome.AccessKeyID || len(cluster.Deployments()) != 1 {
		t.Errorf("the outcome is %+v, the other credentials have %s", outcome, other.AccessKeyID())
	}
}

// TestLeakThatCannotBeStopped has AWS refuse to deactivate the key. The next run tries again.
func TestLeakThatCannotBeStopped(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leak(s.key)
	s.DenyAction("iam:UpdateAccessKey")
	record, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryCompromisedActive, s.key.ID)
	if record == nil || !record.Unfinished || record.DeployedAt.IsZero() {
		t.Fatalf("the record is %+v", record)
	}
	if len(s.cluster.Deployments()) != 1 {
		t.Error("the cluster was not deployed")
	}
	s.AllowAction("iam:UpdateAccessKey")
	in := s.request()
	in.Rotate, in.Record = false, record
	if outcome := s.mustRotate(in); outcome.Unfinished || s.key.Active() || len(s.cluster.Deployments()) != 1 {
		t.Errorf("the outcome is %+v, and the key is active: %t", outcome, s.key.Active())
	}
}

// TestLeakWithAnEndThatIsNotRecorded: the message has the state of the leaked key, whatever failed.
func TestLeakWithAnEndThatIsNotRecorded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leak(s.key)
	s.After(simulator.OpDeployCluster, func(simulator.Request) { s.DenyAction("iam:TagUser") })
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryJournal, "The compromised key "+s.key.ID+" is Inactive", "Every cluster runs with the new key")
}

// TestLeakDeletedBeforeTheDeployment has the cleanup delete the key while a cluster is not deployed yet. The journal of that
// rotation stays, so even a run without the state deploys the cluster.
func TestLeakDeletedBeforeTheDeployment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.leak(s.key)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	record, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	retired, err := s.process().Retire(t.Context(), s.retirementOf(record), false, time.Hour)
	if err != nil || retired.Status != rotation.StatusDeleted || s.key.Exists() {
		t.Errorf("retired to %+v, %v", retired, err)
	}
	outcome := s.mustRotate(s.request())
	if outcome.AccessKeyID != record.AccessKeyID || outcome.Unfinished {
		t.Errorf("the outcome is %+v, after %+v", outcome, record)
	}
	s.checkDeployed(s.cluster, record.AccessKeyID, record.AccessKeyID)

	// The journal that stayed blocks nobody.
	in := s.request()
	in.Record = outcome
	if next := s.mustRotate(in); next.PreviousAccessKeyID != outcome.AccessKeyID {
		t.Errorf("the next outcome is %+v", next)
	}
}

// TestLeakThatIsFoundLater lists the previous key in its drain window. A refresh asks for an update, which makes the key
// Inactive.
func TestLeakThatIsFoundLater(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	record := s.mustRotate(s.request())
	s.leak(s.key)
	in := s.known(record)
	record, _ = s.refresh(in)
	if record.PhaseAt(s.Clock().Now()) != rotation.PhaseDeploying {
		t.Fatalf("refreshed to %+v", record)
	}
	in = s.request()
	in.Rotate, in.Record = false, record
	outcome := s.mustRotate(in)
	if s.key.Active() || outcome.Unfinished || len(s.cluster.Deployments()) != 1 {
		t.Errorf("the outcome is %+v", outcome)
	}
	if again, _ := s.refresh(s.known(outcome)); again.Unfinished {
		t.Errorf("refreshed to %+v", again)
	}
}

// TestQoveryIsCutOffAndHealed asks for a rotation of a key that does not work.
func TestQoveryIsCutOffAndHealed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*simulator.AccessKey){
		"Inactive": (*simulator.AccessKey).Deactivate, "gone": (*simulator.AccessKey).Delete,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			record := s.adopted()
			end(s.key)
			in := s.request()
			in.Record, in.UserName, in.UserARN = record, record.UserName, record.UserARN
			outcome := s.mustRotate(in)
			if s.key.Active() || outcome.AccessKeyID == s.key.ID || outcome.PreviousAccessKeyID != s.key.ID || outcome.UserName != s.user.Name {
				t.Errorf("the outcome is %+v", outcome)
			}
		})
	}
}
