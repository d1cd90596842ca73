package rotation_test

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// retirementOf asks for the retirement of the key that a rotation replaced.
func (s *stage) retirementOf(record *rotation.Record) rotation.Retirement {
	target := s.request().Target
	target.UserName, target.UserARN = record.UserName, record.UserARN
	return rotation.Retirement{Target: target, AccessKeyID: record.PreviousAccessKeyID, DeleteAfter: record.DrainEndsAt}
}

// A deployment of an environment that began with the previous key keeps the key until it ends, and no longer.
func TestRetireAfterTheLastDeployment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// asked is when the deployment is asked for, relative to the end of the drain window, and lasts is how long it runs.
		asked, lasts time.Duration
		allow, wait  bool
		// kept is whether the first retirement leaves the key, and waits is how long a waiting retirement takes.
		kept  bool
		waits time.Duration
	}{
		"before the drain window is over":          {asked: -time.Hour, lasts: 3 * time.Hour, kept: true},
		"and allowed":                              {asked: -time.Hour, lasts: 3 * time.Hour, allow: true},
		"and waited for":                           {asked: -time.Hour, lasts: 90 * time.Minute, wait: true, waits: 30 * time.Minute},
		"after the drain window, with the new key": {asked: time.Minute, lasts: 3 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			environment := s.org.AddProject("shop").AddEnvironment("production", s.cluster)
			record := s.mustRotate(s.request())
			s.Clock().AdvanceTo(record.DrainEndsAt.Add(test.asked))
			environment.Deploy(test.lasts)
			s.Clock().AdvanceTo(record.DrainEndsAt.Add(max(test.asked, 0)))

			retirement := s.retirementOf(record)
			retirement.AllowRunningDeployments = test.allow
			started := s.Clock().Now()
			outcome, err := s.process().Retire(t.Context(), retirement, test.wait, 3*time.Hour)
			if test.kept {
				checkProblem(t, err, rotation.SummaryStillDeploying, s.key.ID, `environment "production"`, `project "shop"`, `cluster "prod"`)
				if outcome.Status != rotation.StatusDue {
					t.Errorf("the status is %s", outcome.Status)
				}
				s.checkKeys(s.key.ID, record.AccessKeyID)
				s.Clock().Advance(test.lasts)
				outcome, err = s.process().Retire(t.Context(), retirement, false, time.Hour)
			}
			if err != nil || outcome.Status != rotation.StatusDeleted {
				t.Fatalf("%+v, %v", outcome, err)
			}
			if took := outcome.DeletedAt.Sub(started); test.wait && (took < test.waits || took > test.waits+2*time.Minute) {
				t.Errorf("it took %s, want %s", took, test.waits)
			}
			s.checkKeys(record.AccessKeyID)
		})
	}
}

// Deployments in a project that the token may not read are unknown.
func TestRetireNamesAProjectThatItMayNotRead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	project := s.org.AddProject("secret")
	project.AddEnvironment("production", s.cluster)
	project.Forbid()
	record := s.mustRotate(s.request())
	s.Clock().AdvanceTo(record.DrainEndsAt)
	_, err := s.process().Retire(t.Context(), s.retirementOf(record), false, time.Hour)
	checkProblem(t, err, rotation.SummaryForbidden, "secret")
	s.checkKeys(s.key.ID, record.AccessKeyID)
}

// During a repair, registries have no working key for some seconds. So no deployment may run that could log in to them.
func TestRepairWaitsForAQuietMoment(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	environment := s.org.AddProject("shop").AddEnvironment("production", s.cluster)
	record := s.leaveRegistryBehind()
	environment.Deploy(time.Hour)
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryRepairWaits, s.key.ID, `environment "production"`)
	s.checkKeys(s.key.ID, record.AccessKeyID)

	s.Clock().Advance(time.Hour)
	s.tolerateHandover(s.key.ID, s.cluster.Registry())
	repaired := s.mustRotate(s.request())
	if got := s.cluster.Registry().AccessKeyID(); got != repaired.AccessKeyID {
		t.Errorf("the registry has %s, want %s", got, repaired.AccessKeyID)
	}
	for _, dead := range s.DeadHolders() {
		if lasted := dead.Until.Sub(dead.From); lasted > 30*time.Second {
			t.Errorf("%s had the dead key %s for %s", dead.Holder.Name(), dead.AccessKeyID, lasted)
		}
	}
}
