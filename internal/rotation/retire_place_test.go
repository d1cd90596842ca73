package rotation_test

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// next asks for one more rotation, which needs the place of the key that the last one replaced.
func (r *retiring) next() rotation.Intent {
	in := r.request()
	in.UserName, in.UserARN, in.Record = r.user.Name, r.user.ARN(), r.record
	return in
}

// checkNext checks that the next rotation retires the previous key.
func (r *retiring) checkNext(in rotation.Intent) {
	r.t.Helper()
	if _, decision, err := r.stage.process().Preflight(r.t.Context(), in); err != nil || decision.Place == nil ||
		decision.Place.AccessKeyID() != r.key.ID {
		r.t.Errorf("decision %+v, %v", decision, err)
	}
	r.checkUnchanged()
	next := r.mustRotate(in)
	r.checkKeys(r.record.AccessKeyID, next.AccessKeyID)
	if next.PreviousAccessKeyID != r.record.AccessKeyID {
		r.t.Errorf("rotated from %s, want %s", next.PreviousAccessKeyID, r.record.AccessKeyID)
	}
}

// checkNoNext checks that the previous key keeps the next rotation from beginning, in the plan already.
func (r *retiring) checkNoNext(in rotation.Intent, summary string, facts ...string) {
	r.t.Helper()
	facts = append(facts, r.key.ID)
	_, _, err := r.stage.process().Preflight(r.t.Context(), in)
	checkProblem(r.t, err, summary, facts...)
	_, err = r.rotate(in)
	checkProblem(r.t, err, summary, facts...)
	r.checkUnchanged()
}

// TestRetireOnTheWayToTheNextRotation makes the key Inactive first: until it is deleted, somebody can make it Active again.
func TestRetireOnTheWayToTheNextRotation(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.checkNext(r.next())
	if got := r.sent(updateAccessKey); got != 1 {
		t.Errorf("the key was deactivated %d times", got)
	}
}

// TestRetireOnTheWayEndsAQuarantine rotates when a cleanup has just made the previous key Inactive.
func TestRetireOnTheWayEndsAQuarantine(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	asked := r.asked()
	asked.QuarantineWindow = 24 * time.Hour
	if outcome, err := r.retire(asked); err != nil || outcome.Status != rotation.StatusQuarantined {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
	r.ResetRequests()
	r.checkNext(r.next())
}

// TestRetireOnTheWayKeepsWhatTheRotationIgnores has a registry that the rotation ignores. The key that it stores must not be
// deleted.
func TestRetireOnTheWayKeepsWhatTheRotationIgnores(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	images := r.org.AddRegistry("images", "ECR", r.key)
	in := r.next()
	in.IgnoredHolders = []string{images.ID}
	r.checkNoNext(in, rotation.SummaryKeyInUse, images.ID)

	images.SetKey(r.user.Keys()[1])
	r.checkNext(in)
}

// TestRetireOnTheWayAfterALateUse: the key drains anew from its last use on, and is kept for last_use_delay after that.
func TestRetireOnTheWayAfterALateUse(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]time.Duration{"drain window": drainWindow, "no drain window": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.lastUseDelay = 20 * time.Minute
			req := s.request()
			req.DrainWindow = window
			r := &retiring{stage: s, record: s.mustRotate(req)}
			s.ResetRequests()
			s.Clock().AdvanceTo(r.record.DrainEndsAt.Add(time.Minute))
			s.key.MarkUsed("ecr", "eu-west-1")
			drained := s.Clock().Now().Add(window + s.lastUseDelay)
			in := r.next()
			in.DrainWindow = window

			r.checkNoNext(in, rotation.SummaryStillDraining, drained.Format(time.RFC3339))
			s.Clock().AdvanceTo(drained.Add(-time.Minute))
			r.checkNoNext(in, rotation.SummaryStillDraining, drained.Format(time.RFC3339))
			s.Clock().AdvanceTo(drained)
			r.checkNext(in)
		})
	}
}

// TestRotateKeepsTheJournalOfAKeyThatStays fails before the previous key is deleted for its place. Without a state, only the
// journal explains that key.
func TestRotateKeepsTheJournalOfAKeyThatStays(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	journal := r.journal()
	r.DenyAction("iam:UpdateAccessKey")
	in := r.next()
	_, err := r.rotate(in)
	checkProblem(t, err, rotation.SummaryRetire, r.key.ID)
	if got := r.journal(); got != journal {
		t.Errorf("the journal is %q, was %q", got, journal)
	}
	r.AllowAction("iam:UpdateAccessKey")
	r.ResetRequests()
	r.checkNext(in)
}
