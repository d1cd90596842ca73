package rotation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const updateAccessKey = "UpdateAccessKey"

// retiring is a stage after a rotation, at the end of its drain window.
type retiring struct {
	*stage
	process *rotation.Rotator
	record  *rotation.Record
}

func newRetiring(t *testing.T) *retiring {
	t.Helper()
	return newRetiringOn(newStage(t))
}

func newRetiringOn(s *stage) *retiring {
	s.t.Helper()
	r := &retiring{stage: s, record: s.mustRotate(s.request())}
	s.Clock().AdvanceTo(r.record.DrainEndsAt)
	s.ResetRequests()
	r.process = s.process()
	return r
}

// retirement is what a cleanup asks for before it has a state.
func (s *stage) retirement(deleteAfter time.Time) rotation.Retirement {
	return rotation.Retirement{Target: s.target(), AccessKeyID: s.key.ID, DeleteAfter: deleteAfter}
}

// asked is the retirement of the key that the rotation replaced.
func (r *retiring) asked() rotation.Retirement { return r.retirement(r.record.DrainEndsAt) }

// recorded is the same for a cleanup whose state has the IAM user.
func (r *retiring) recorded() rotation.Retirement {
	t := r.asked()
	t.UserARN = r.user.ARN()
	return t
}

// retire retires without waiting.
func (r *retiring) retire(t rotation.Retirement) (rotation.RetirementOutcome, error) {
	return r.process.Retire(r.t.Context(), t, false, time.Hour)
}

// refresh refreshes a retirement in another process.
func (r *retiring) refresh(t rotation.Retirement) (rotation.RetirementOutcome, error) {
	return r.stage.process().RefreshRetirement(r.t.Context(), t)
}

// checkOutcome compares the outcome of a retirement.
func checkOutcome(t *testing.T, got rotation.RetirementOutcome, err error, want rotation.RetirementOutcome) {
	t.Helper()
	if got != want || err != nil {
		t.Errorf("outcome %+v, %v, want %+v", got, err, want)
	}
}

// checkDeleted checks that a retirement deleted the key.
func (r *retiring) checkDeleted(outcome rotation.RetirementOutcome, err error) {
	r.t.Helper()
	if err != nil || outcome.Status != rotation.StatusDeleted || outcome.DeletedAt.IsZero() {
		r.t.Errorf("outcome %+v, %v", outcome, err)
	}
	r.checkKeys(r.record.AccessKeyID)
}

func TestRetire(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	now := r.Clock().Now()
	outcome, err := r.retire(r.asked())
	checkOutcome(t, outcome, err, rotation.RetirementOutcome{
		Status: rotation.StatusDeleted, DeactivatedAt: now, DeletedAt: now, UserARN: r.user.ARN(),
	})
	r.checkKeys(r.record.AccessKeyID)

	// The user's list has Qovery's key, so it is certain without a state that the other key is deleted.
	r.ResetRequests()
	r.checkDeleted(r.retire(r.asked()))
	r.checkUnchanged()
}

func TestRetireNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	noKey, noTime := s.retirement(s.Clock().Now()), s.retirement(time.Time{})
	noKey.AccessKeyID = ""
	for name, asked := range map[string]rotation.Retirement{"no key": noKey, "no time": noTime} {
		want := rotation.RetirementOutcome{Status: rotation.StatusIdle}
		outcome, err := process.Retire(t.Context(), asked, true, time.Hour)
		checkOutcome(t, outcome, err, want)
		if outcome, err = process.RefreshRetirement(t.Context(), asked); outcome != want || err != nil {
			t.Errorf("%s: refreshed to %+v, %v", name, outcome, err)
		}
	}
	if requests := s.Requests(); len(requests) > 0 {
		t.Errorf("requests were made: %v", requests)
	}
}

// TestRetireBeforeItsTime: an apply and a refresh read only the account and the list of keys.
func TestRetireBeforeItsTime(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	early := r.recorded()
	early.DeleteAfter = r.Clock().Now().Add(time.Second)
	want := rotation.RetirementOutcome{Status: rotation.StatusDraining, NextActionAt: early.DeleteAfter, UserARN: early.UserARN}
	outcome, err := r.retire(early)
	checkOutcome(t, outcome, err, want)
	outcome, err = r.refresh(early)
	checkOutcome(t, outcome, err, want)
	if requests := r.Requests(); len(requests) != 4 || r.sent(listAccessKeys) != 2 {
		t.Errorf("requests: %v", requests)
	}
}

// TestRetireByTheClockOfAWS has a machine whose clock is fast.
func TestRetireByTheClockOfAWS(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.SkewAWS(-10 * time.Minute)
	outcome, err := r.retire(r.asked())
	if err != nil || outcome.Status != rotation.StatusDraining {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
	r.checkUnchanged()
	r.Clock().Advance(10 * time.Minute)
	r.checkDeleted(r.retire(r.asked()))
}

func TestRetireWithQuarantine(t *testing.T) {
	t.Parallel()
	const window = 24 * time.Hour
	r := newRetiring(t)
	asked := r.recorded()
	asked.QuarantineWindow = window
	quarantined := func() rotation.RetirementOutcome {
		now := r.Clock().Now()
		return rotation.RetirementOutcome{
			Status: rotation.StatusQuarantined, DeactivatedAt: now, NextActionAt: now.Add(window), UserARN: asked.UserARN,
		}
	}
	want := quarantined()
	outcome, err := r.retire(asked)
	checkOutcome(t, outcome, err, want)
	if r.key.Active() || !r.key.Exists() {
		t.Errorf("the key is active: %t, there: %t", r.key.Active(), r.key.Exists())
	}
	asked.DeactivatedAt = outcome.DeactivatedAt

	r.Clock().Advance(time.Hour)
	r.ResetRequests()
	outcome, err = r.retire(asked)
	checkOutcome(t, outcome, err, want)
	outcome, err = r.refresh(asked)
	checkOutcome(t, outcome, err, want)
	r.checkUnchanged()

	// Somebody makes the key Active again. The next apply begins another quarantine.
	r.key.Activate()
	r.Clock().Advance(window)
	want = quarantined()
	outcome, err = r.retire(asked)
	checkOutcome(t, outcome, err, want)
	asked.DeactivatedAt = outcome.DeactivatedAt

	r.Clock().Advance(window)
	r.checkDeleted(r.retire(asked))
}

func TestRetireWaits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *retiring, asked *rotation.Retirement){
		"for the drain window and the quarantine": func(_ *retiring, asked *rotation.Retirement) { asked.QuarantineWindow = time.Hour },
		"for a drain window that outlasts the quarantine": func(r *retiring, asked *rotation.Retirement) {
			asked.QuarantineWindow, asked.DeactivatedAt = time.Minute, r.Clock().Now().Add(-time.Hour)
			r.key.Deactivate()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			asked := r.asked()
			asked.DeleteAfter = r.Clock().Now().Add(30 * time.Minute)
			gone := asked.DeleteAfter
			if change(r, &asked); asked.DeactivatedAt.IsZero() {
				gone = gone.Add(asked.QuarantineWindow)
			}
			outcome, err := r.process.Retire(t.Context(), asked, true, 3*time.Hour)
			r.checkDeleted(outcome, err)
			if late := outcome.DeletedAt.Sub(gone); late < 0 || late > time.Minute {
				t.Errorf("deleted at %s, want %s", outcome.DeletedAt, gone)
			}
			if got := r.sent(listAccessKeys); got > 6 {
				t.Errorf("the keys were read %d times", got)
			}
		})
	}
}

// The timeout counts on this machine's clock, and delete_after is a time of AWS's clock.
func TestRetireWaitsOnAClockThatIsSlow(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.SkewAWS(skew)
			asked := r.asked()
			asked.DeleteAfter = r.Clock().Now().Add(skew - time.Minute)
			// The journal's drain window ends by AWS's clock too.
			r.user.SetTags(nil)
			r.checkDeleted(r.stage.process().Retire(t.Context(), asked, true, 30*time.Minute))
		})
	}
}

// A wait that cannot end in time is refused before anything is changed. If an apply timed out during a quarantine, every apply
// would begin another one.
func TestRetireRefusesAWaitThatIsTooLong(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Hour
	tests := map[string]struct {
		drains, quarantine, lastUseDelay time.Duration
		fits                             bool
	}{
		"due, and the quarantine fits":     {quarantine: 2 * time.Hour, fits: true},
		"due, and the quarantine does not": {quarantine: 4 * time.Hour},
		"draining for longer":              {drains: 4 * time.Hour},
		"both together fit":                {drains: time.Hour, quarantine: time.Hour, fits: true},
		"both together do not":             {drains: 2 * time.Hour, quarantine: 2 * time.Hour},
		"AWS tells too late":               {drains: 2 * time.Hour, lastUseDelay: 2 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.lastUseDelay = test.lastUseDelay
			r := newRetiringOn(s)
			started := r.Clock().Now()
			asked := r.asked()
			asked.QuarantineWindow = test.quarantine
			asked.DeleteAfter = started.Add(test.drains)
			outcome, err := r.process.Retire(t.Context(), asked, true, timeout)
			if test.fits {
				r.checkDeleted(outcome, err)
				return
			}
			gone := started.Add(test.drains + test.quarantine + test.lastUseDelay).Format(time.RFC3339)
			checkProblem(t, err, rotation.SummaryRetireTimeout, gone, rotation.Short(timeout))
			if !r.key.Active() || r.Clock().Now().Sub(started) > time.Minute {
				t.Errorf("the key is active: %t, after %s", r.key.Active(), r.Clock().Now().Sub(started))
			}
		})
	}
}

// TestRetireEnds cancels a run in the middle of a quarantine.
func TestRetireEnds(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The list of keys is read before each decision, and once more in the snapshot before the quarantine begins.
	r.Inject(simulator.Fault{
		Kind: simulator.FaultCallAfter, Match: simulator.Operation(listAccessKeys), At: 3, Call: func(simulator.Request) { cancel() },
	})
	asked := r.asked()
	asked.QuarantineWindow = time.Hour
	outcome, err := r.process.Retire(ctx, asked, true, 3*time.Hour)
	checkProblem(t, err, rotation.SummaryRetireInterrupted, r.key.ID, outcome.DeactivatedAt.Format(time.RFC3339))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is not %q: %s", context.Canceled, err)
	}
	if outcome.Status != rotation.StatusQuarantined || r.key.Active() || !r.key.Exists() {
		t.Errorf("outcome %+v, the key is active: %t, there: %t", outcome, r.key.Active(), r.key.Exists())
	}

	r.Clock().Advance(time.Hour)
	asked.DeactivatedAt = outcome.DeactivatedAt
	r.checkDeleted(r.retire(asked))
}

// TestRetireHearsARequestToItsEnd cancels a run while it changes something. The request is completed.
func TestRetireHearsARequestToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.Before(updateAccessKey, func(simulator.Request) { cancel() })
	outcome, err := r.process.Retire(ctx, r.asked(), false, time.Hour)
	if outcome.DeactivatedAt.IsZero() || r.key.Active() {
		t.Errorf("the key is active: %t, outcome %+v, %v", r.key.Active(), outcome, err)
	}
}

// TestRetireFinishesAfterAFault has a request that changes something fail. The next run completes the retirement.
func TestRetireFinishesAfterAFault(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"iam:UpdateAccessKey", "iam:DeleteAccessKey"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.DenyAction(action)
			outcome, err := r.retire(r.asked())
			checkProblem(t, err, rotation.SummaryForbidden, action, r.key.ID)
			if deactivated := !outcome.DeactivatedAt.IsZero(); deactivated == r.key.Active() || outcome.Status != rotation.StatusDue {
				t.Errorf("outcome %+v, the key is active: %t", outcome, r.key.Active())
			}
			r.AllowAction(action)
			asked := r.asked()
			asked.DeactivatedAt = outcome.DeactivatedAt
			r.checkDeleted(r.retire(asked))
		})
	}
}

// TestRetireFailsInTheQuarantine: the key stays Inactive, and the problem has that.
func TestRetireFailsInTheQuarantine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given   func(r *retiring)
		summary string
	}{
		"a check": {func(r *retiring) { r.cluster.SetState("INVALID_CREDENTIALS") }, rotation.SummaryInvalidCredentials},
		"an organization that is hidden": {func(r *retiring) {
			r.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 404, Match: simulator.Operation(simulator.OpListClusters), Times: -1})
		}, rotation.SummaryOrganizationNotFound},
		"a deletion that is not permitted": {func(r *retiring) { r.DenyAction("iam:DeleteAccessKey") }, rotation.SummaryForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			asked := r.asked()
			asked.QuarantineWindow = 10 * time.Minute
			r.After(updateAccessKey, func(simulator.Request) { test.given(r) })
			outcome, err := r.process.Retire(t.Context(), asked, true, time.Hour)
			checkProblem(t, err, test.summary, outcome.DeactivatedAt.Format(time.RFC3339), "hold = true")
			if outcome.DeactivatedAt.IsZero() || r.key.Active() || !r.key.Exists() {
				t.Errorf("outcome %+v, the key is active: %t, there: %t", outcome, r.key.Active(), r.key.Exists())
			}
		})
	}
}

// TestRetireRemovesJournals: the journals that explained why the key existed are removed, and no others.
func TestRetireRemovesJournals(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	complete := rotation.Journal{
		From: r.key.ID, To: r.record.AccessKeyID, Stage: rotation.StageDeployed, At: r.record.DeployedAt, CutoverAt: r.record.RotatedAt,
	}
	next := rotation.Journal{From: r.record.AccessKeyID, Stage: rotation.StageCreating, At: r.Clock().Now()}
	r.user.SetTag("qoveryrotation:shared", complete.String())
	r.user.SetTag("qoveryrotation:next", next.String())
	r.user.SetTag("qoveryrotation:unknown", "please keep")
	r.user.SetTag("team", "platform")
	r.checkDeleted(r.retire(r.asked()))
	var got []string
	for key := range r.user.Tags() {
		got = append(got, key)
	}
	if slices.Sort(got); strings.Join(got, " ") != "qoveryrotation:next qoveryrotation:unknown team" {
		t.Errorf("the tags are %v", got)
	}
}

func TestRetireDespiteAJournalThatStays(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.DenyAction("iam:UntagUser")
	w := &watcher{}
	r.checkDeleted(r.process.Retire(w.watch(t.Context()), r.asked(), false, time.Hour))
	told := w.told("error")
	if last := told[len(told)-1]; !strings.HasPrefix(last, "! ") || !strings.Contains(last, "iam:UntagUser") {
		t.Errorf("nobody was told of the journal:\n%s", strings.Join(told, "\n"))
	}
}
