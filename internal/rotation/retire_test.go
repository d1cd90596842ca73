package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	oldKey = "AKIAOLDOLDOLDOLDOLD0"
	newKey = "AKIANEWNEWNEWNEWNEW0"
)

var (
	retireNow = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)
	active    = &rotation.AccessKey{ID: oldKey, Active: true}
	inactive  = &rotation.AccessKey{ID: oldKey}
)

func before(d time.Duration) time.Time { return retireNow.Add(-d) }
func after(d time.Duration) time.Time  { return retireNow.Add(d) }

// retirement is one whose drain window ended an hour ago.
func retirement() rotation.Retirement {
	return rotation.Retirement{
		Target:      rotation.Target{OrganizationID: "org", CredentialsID: "creds", UserName: "qovery"},
		AccessKeyID: oldKey,
		DeleteAfter: before(time.Hour),
	}
}

func TestStatusAtAndNextActionAt(t *testing.T) {
	tests := map[string]struct {
		change func(t *rotation.Retirement)
		key    *rotation.AccessKey
		status rotation.Status
		next   time.Time
	}{
		"no key yet":  {func(t *rotation.Retirement) { t.AccessKeyID = "" }, nil, rotation.StatusIdle, time.Time{}},
		"no time yet": {func(t *rotation.Retirement) { t.DeleteAfter = time.Time{} }, active, rotation.StatusIdle, time.Time{}},
		"gone":        {func(*rotation.Retirement) {}, nil, rotation.StatusDeleted, time.Time{}},
		"gone early":  {func(t *rotation.Retirement) { t.DeleteAfter = after(time.Hour) }, nil, rotation.StatusDeleted, time.Time{}},
		"draining": {
			func(t *rotation.Retirement) { t.DeleteAfter = after(time.Second) }, active, rotation.StatusDraining, after(time.Second),
		},
		"draining, made Inactive by somebody else": {
			func(t *rotation.Retirement) { t.DeleteAfter = after(time.Second) }, inactive, rotation.StatusDraining, after(time.Second),
		},
		"due at this moment": {func(t *rotation.Retirement) { t.DeleteAfter = retireNow }, active, rotation.StatusDue, retireNow},
		"due":                {func(*rotation.Retirement) {}, active, rotation.StatusDue, before(time.Hour)},
		"due, made Inactive by somebody else": {
			func(t *rotation.Retirement) { t.QuarantineWindow = time.Hour }, inactive, rotation.StatusDue, before(time.Hour),
		},
		"quarantined": {func(t *rotation.Retirement) {
			t.QuarantineWindow, t.DeactivatedAt = time.Hour, before(time.Hour-time.Second)
		}, inactive, rotation.StatusQuarantined, after(time.Second)},
		"quarantine ends at this moment": {func(t *rotation.Retirement) {
			t.QuarantineWindow, t.DeactivatedAt = time.Hour, before(time.Hour)
		}, inactive, rotation.StatusDue, retireNow},
		"no quarantine, not deleted yet": {
			func(t *rotation.Retirement) { t.DeactivatedAt = before(time.Minute) }, inactive, rotation.StatusDue, before(time.Minute),
		},
		"reactivated by somebody during the quarantine": {func(t *rotation.Retirement) {
			t.QuarantineWindow, t.DeactivatedAt = time.Hour, before(2*time.Hour)
		}, active, rotation.StatusDue, before(time.Hour)},
		"draining again after it was deactivated": {func(t *rotation.Retirement) {
			t.DeleteAfter, t.QuarantineWindow, t.DeactivatedAt = after(time.Hour), time.Minute, before(time.Hour)
		}, inactive, rotation.StatusDraining, after(time.Hour)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := retirement()
			test.change(&r)
			status := r.StatusAt(retireNow, test.key)
			if status != test.status {
				t.Errorf("status %q, want %q", status, test.status)
			}
			if next := r.NextActionAt(status); !next.Equal(test.next) {
				t.Errorf("next action at %s, want %s", next, test.next)
			}
		})
	}
}

// replaced is the world in which a key may go.
func replaced() *rotation.RetirementObservation {
	return &rotation.RetirementObservation{
		Key:       &rotation.AccessKey{ID: oldKey, Active: true},
		LastUse:   rotation.LastUse{UserName: "qovery", At: before(2 * time.Hour), Service: "eks", Region: "eu-west-3"},
		Set:       &rotation.CredentialsSet{ID: "creds", Name: "production", Type: rotation.CredentialsTypeStatic, AccessKeyID: newKey},
		Successor: &rotation.AccessKey{ID: newKey, Active: true},
	}
}

func TestDecideRetirement(t *testing.T) {
	tests := map[string]struct {
		given func(t *rotation.Retirement, o *rotation.RetirementObservation)
		want  rotation.RetirementStep
	}{
		"draining": {
			func(t *rotation.Retirement, _ *rotation.RetirementObservation) { t.DeleteAfter = after(time.Second) }, rotation.RetirementWait,
		},
		"draining, though a check fails": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.DeleteAfter, o.SignsWithKey = after(time.Second), true
		}, rotation.RetirementWait},
		"due": {func(*rotation.Retirement, *rotation.RetirementObservation) {}, rotation.RetirementDeactivate},
		"due at this moment": {
			func(t *rotation.Retirement, _ *rotation.RetirementObservation) { t.DeleteAfter = retireNow }, rotation.RetirementDeactivate,
		},
		"due, with a quarantine": {
			func(t *rotation.Retirement, _ *rotation.RetirementObservation) { t.QuarantineWindow = time.Hour }, rotation.RetirementDeactivate,
		},
		"gone": {func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Key = nil }, rotation.RetirementDone},
		"gone early": {
			func(t *rotation.Retirement, o *rotation.RetirementObservation) {
				t.DeleteAfter, o.Key = after(time.Hour), nil
			}, rotation.RetirementDone,
		},
		"gone, though a check fails": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Key, o.Set = nil, nil }, rotation.RetirementDone,
		},
		"Inactive, without a quarantine": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Key.Active = false }, rotation.RetirementDelete,
		},
		"quarantine begins with a key that somebody made Inactive": {
			func(t *rotation.Retirement, o *rotation.RetirementObservation) {
				t.QuarantineWindow, o.Key.Active = time.Hour, false
			},
			rotation.RetirementDeactivate,
		},
		"quarantined": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.QuarantineWindow, t.DeactivatedAt, o.Key.Active = time.Hour, before(time.Hour-time.Second), false
		}, rotation.RetirementWait},
		"quarantine over at this moment": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.QuarantineWindow, t.DeactivatedAt, o.Key.Active = time.Hour, before(time.Hour), false
		}, rotation.RetirementDelete},
		"quarantine starts anew with a key that somebody reactivated": {func(t *rotation.Retirement, _ *rotation.RetirementObservation) {
			t.QuarantineWindow, t.DeactivatedAt = time.Hour, before(2*time.Hour)
		}, rotation.RetirementDeactivate},
		"in its quarantine, the last time that anybody looks": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.NoQuarantine, t.QuarantineWindow, t.DeactivatedAt, o.Key.Active = true, time.Hour, before(time.Hour), false
		}, rotation.RetirementDelete},
		"with its quarantine to come, the last time that anybody looks": {func(t *rotation.Retirement, _ *rotation.RetirementObservation) {
			t.NoQuarantine, t.QuarantineWindow = true, time.Hour
		}, rotation.RetirementWait},
		"reactivated, the last time that anybody looks": {func(t *rotation.Retirement, _ *rotation.RetirementObservation) {
			t.NoQuarantine, t.QuarantineWindow, t.DeactivatedAt = true, time.Hour, before(2*time.Hour)
		}, rotation.RetirementWait},
		"without a quarantine, the last time that anybody looks": {func(t *rotation.Retirement, _ *rotation.RetirementObservation) {
			t.NoQuarantine = true
		}, rotation.RetirementDeactivate},
		"used up to the end of the drain window": {
			func(t *rotation.Retirement, o *rotation.RetirementObservation) { o.LastUse.At = t.DeleteAfter }, rotation.RetirementDeactivate,
		},
		"never used": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.LastUse = rotation.LastUse{} }, rotation.RetirementDeactivate,
		},
		"used after the drain window, which is allowed": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.AllowRecentUse, o.LastUse.At = true, before(time.Minute)
		}, rotation.RetirementDeactivate},
		"used after the drain window, long ago": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.UnusedFor, o.LastUse.At = 30*time.Minute, before(30*time.Minute)
		}, rotation.RetirementDeactivate},
		"held by an ignored holder": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.IgnoredHolders = []string{"r"}
			o.Holders = []rotation.Holder{{Kind: rotation.HolderContainerRegistry, ID: "r"}}
		}, rotation.RetirementDeactivate},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, o := retirement(), replaced()
			test.given(&r, o)
			got, err := rotation.DecideRetirement(retireNow, r, o)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("step %d, want %d", got, test.want)
			}
		})
	}
}

func TestDecideRetirementRefuses(t *testing.T) {
	tests := map[string]struct {
		given    func(t *rotation.Retirement, o *rotation.RetirementObservation)
		summary  string
		argument rotation.Argument
		facts    []string
	}{
		"another user's key": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Key, o.Owner = nil, "somebody" },
			rotation.SummaryWrongUser, rotation.ArgumentIAMUserName,
			[]string{`belongs to IAM user "somebody", not to "qovery"`},
		},
		"the provider signs with it": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.SignsWithKey = true },
			rotation.SummarySignsWithKey, rotation.ArgumentNone,
			[]string{"credentials of its own"},
		},
		"Qovery's credentials are gone": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Set, o.Successor = nil, nil },
			rotation.SummaryNotReplaced, rotation.ArgumentCredentialsID,
			[]string{"Organization org has no credentials creds"},
		},
		"Qovery holds the key itself": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) {
				o.Set.AccessKeyID, o.Successor = oldKey, o.Key
			},
			rotation.SummaryNotReplaced, rotation.ArgumentCredentialsID,
			[]string{`"production" hold access key ` + oldKey + " itself", "put it back"},
		},
		"Qovery holds a role": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) {
				o.Set.Type, o.Set.AccessKeyID, o.Successor = "AWS_ROLE", "", nil
			},
			rotation.SummaryNotReplaced, rotation.ArgumentCredentialsID,
			[]string{"are of type AWS_ROLE now"},
		},
		"Qovery's key does not exist": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Successor = nil },
			rotation.SummaryNotReplaced, rotation.ArgumentCredentialsID,
			[]string{"hold access key " + newKey + ", which AWS does not have"},
		},
		"Qovery's key is Inactive": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) { o.Successor.Active = false },
			rotation.SummaryNotReplaced, rotation.ArgumentCredentialsID,
			[]string{"hold access key " + newKey + ", which is Inactive"},
		},
		"holders have the key": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.IgnoredHolders = []string{"h"}
			o.Holders = []rotation.Holder{
				{Kind: rotation.HolderContainerRegistry, ID: "r", Name: "images"},
				{Kind: rotation.HolderHelmRepository, ID: "h", Name: "charts"},
				{Kind: rotation.HolderDNSProvider, ID: "d", Name: "acme.example"},
			}
		}, rotation.SummaryKeyInUse, rotation.ArgumentAccessKeyID, []string{
			`still stored in container registry "images" (r), dns provider "acme.example" (d).`, "ignored_holders",
		}},
		"a cluster without access": {
			func(_ *rotation.Retirement, o *rotation.RetirementObservation) {
				o.InvalidClusters = []rotation.Cluster{{ID: "c1", Name: "prod"}}
			},
			rotation.SummaryInvalidCredentials, rotation.ArgumentNone,
			[]string{`cluster "prod" (c1) is in state INVALID_CREDENTIALS`},
		},
		"used after the drain window": {
			func(t *rotation.Retirement, o *rotation.RetirementObservation) {
				o.LastUse.At = t.DeleteAfter.Add(time.Second)
			},
			rotation.SummaryKeyInUse, rotation.ArgumentAccessKeyID,
			[]string{"used at 2027-01-04T08:00:01Z, for eks in eu-west-3", "after 2027-01-04T08:00:00Z", "allow_recent_use = true"},
		},
		"used after the drain window, not long enough ago": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.UnusedFor, o.LastUse.At = 30*time.Minute, before(30*time.Minute-time.Second)
		}, rotation.SummaryKeyInUse, rotation.ArgumentAccessKeyID, []string{"2027-01-04T08:30:01Z"}},
		"quarantined, and used again": {func(t *rotation.Retirement, o *rotation.RetirementObservation) {
			t.QuarantineWindow, t.DeactivatedAt, o.Key.Active = time.Hour, before(2*time.Hour), false
			o.LastUse.At = before(time.Minute)
		}, rotation.SummaryKeyInUse, rotation.ArgumentAccessKeyID, []string{oldKey}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, o := retirement(), replaced()
			test.given(&r, o)
			step, err := rotation.DecideRetirement(retireNow, r, o)
			state := oldKey + " was not touched"
			if !r.DeactivatedAt.IsZero() {
				state = "It is Inactive since"
			}
			checkProblem(t, err, test.summary, append(test.facts, state)...)
			if step != rotation.RetirementWait {
				t.Errorf("step %d all the same", step)
			}
			if problem, ok := errors.AsType[*rotation.Problem](err); ok && problem.Argument != test.argument {
				t.Errorf("the problem is about %q, want %q", problem.Argument, test.argument)
			}
		})
	}
}

// retiring is a stage after a rotation, with the drain window over.
type retiring struct {
	*stage
	process *rotation.Rotator
	outcome rotation.Outcome
}

func newRetiring(t *testing.T) *retiring {
	t.Helper()
	s := newStage(t)
	r := &retiring{stage: s, outcome: s.mustRotate(s.request())}
	s.Clock().AdvanceTo(r.outcome.DeployedAt.Add(drainWindow))
	s.ResetRequests()
	r.process = s.process()
	return r
}

func (r *retiring) retirement() rotation.Retirement {
	return rotation.Retirement{
		Target:      rotation.Target{OrganizationID: r.org.ID, CredentialsID: r.set.ID, UserName: r.user.Name},
		AccessKeyID: r.key.ID,
		DeleteAfter: r.outcome.DeployedAt.Add(drainWindow),
	}
}

// retire retires without waiting.
func (r *retiring) retire(t rotation.Retirement) (rotation.RetirementOutcome, error) {
	return r.process.Retire(r.t.Context(), t, false, time.Hour)
}

func TestRetire(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	now := r.Clock().Now()
	outcome, err := r.retire(r.retirement())
	if err != nil {
		t.Fatal(err)
	}
	if want := (rotation.RetirementOutcome{Status: rotation.StatusDeleted, DeactivatedAt: now, DeletedAt: now}); outcome != want {
		t.Errorf("outcome %+v, want %+v", outcome, want)
	}
	r.checkKeys(r.outcome.AccessKeyID)
	if journal := r.journal(); journal != "" {
		t.Errorf("the journal outlives the key: %s", journal)
	}

	r.ResetRequests()
	again, err := r.retire(r.retirement())
	if err != nil || again.Status != rotation.StatusDeleted {
		t.Errorf("retired once more: %+v, %v", again, err)
	}
	r.checkUnchanged()
}

func TestRetireLeavesTheJournalOfTheNextRotation(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	next := rotation.Journal{
		Owner: "another-run", From: r.outcome.AccessKeyID, Phase: rotation.JournalCreating, At: r.Clock().Now(),
	}.String()
	r.user.SetTag(r.journalTag(), next)
	if _, err := r.retire(r.retirement()); err != nil {
		t.Fatal(err)
	}
	if got := r.journal(); got != next {
		t.Errorf("the journal is %q, want %q", got, next)
	}
}

func TestRetireDespiteAJournalThatStays(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.DenyAction("iam:UntagUser")
	var told []string
	ctx := rotation.WithReporter(t.Context(), func(_ context.Context, event rotation.Event) {
		told = append(told, fmt.Sprint(event.Message, event.Fields))
	})
	outcome, err := r.process.Retire(ctx, r.retirement(), false, time.Hour)
	if err != nil || outcome.Status != rotation.StatusDeleted {
		t.Fatalf("outcome %+v, %v", outcome, err)
	}
	if text := strings.Join(told, "\n"); !strings.Contains(text, "iam:UntagUser") || !strings.Contains(text, "harmless") {
		t.Errorf("the steps do not tell of the journal:\n%s", text)
	}
}

func TestRetireNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	for name, t2 := range map[string]rotation.Retirement{
		"no key":  {DeleteAfter: s.Clock().Now()},
		"no time": {AccessKeyID: s.key.ID},
	} {
		outcome, err := process.Retire(t.Context(), t2, true, time.Hour)
		if want := (rotation.RetirementOutcome{Status: rotation.StatusIdle}); outcome != want || err != nil {
			t.Errorf("%s: outcome %+v, %v", name, outcome, err)
		}
	}
	if requests := s.Requests(); len(requests) > 0 {
		t.Errorf("requests were made: %v", requests)
	}
}

func TestRetireBeforeItsTime(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	early := r.retirement()
	early.DeleteAfter = r.Clock().Now().Add(time.Second)
	outcome, err := r.retire(early)
	if want := (rotation.RetirementOutcome{Status: rotation.StatusDraining, NextActionAt: early.DeleteAfter}); outcome != want || err != nil {
		t.Errorf("outcome %+v, %v, want %+v", outcome, err, want)
	}
	r.checkUnchanged()
	if requests := r.Requests(); len(requests) != 1 || requests[0].Operation != listAccessKeys {
		t.Errorf("requests: %v", requests)
	}
}

// TestRetireByTheClockOfAWS has the machine's clock run ahead.
func TestRetireByTheClockOfAWS(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.SkewAWS(-10 * time.Minute)
	outcome, err := r.retire(r.retirement())
	if err != nil || outcome.Status != rotation.StatusDraining {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
	r.checkUnchanged()
	r.Clock().Advance(10 * time.Minute)
	if outcome, err = r.retire(r.retirement()); err != nil || outcome.Status != rotation.StatusDeleted {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
}

func TestRetireWithQuarantine(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	started := r.Clock().Now()
	asked := r.retirement()
	asked.QuarantineWindow = 24 * time.Hour

	outcome, err := r.retire(asked)
	want := rotation.RetirementOutcome{
		Status: rotation.StatusQuarantined, DeactivatedAt: started, NextActionAt: started.Add(24 * time.Hour),
	}
	if outcome != want || err != nil {
		t.Fatalf("outcome %+v, %v, want %+v", outcome, err, want)
	}
	if r.key.Active() || !r.key.Exists() {
		t.Errorf("the key is active: %t, there: %t", r.key.Active(), r.key.Exists())
	}
	asked.DeactivatedAt = outcome.DeactivatedAt

	r.Clock().Advance(time.Hour)
	r.ResetRequests()
	if outcome, err = r.retire(asked); outcome != want || err != nil {
		t.Errorf("during the quarantine: outcome %+v, %v, want %+v", outcome, err, want)
	}
	r.checkUnchanged()

	// Somebody needs the key after all, and later does not any more.
	r.key.Activate()
	r.Clock().Advance(24 * time.Hour)
	now := r.Clock().Now()
	want.DeactivatedAt, want.NextActionAt = now, now.Add(24*time.Hour)
	if outcome, err = r.retire(asked); outcome != want || err != nil {
		t.Errorf("after a reactivation: outcome %+v, %v, want %+v", outcome, err, want)
	}
	asked.DeactivatedAt = outcome.DeactivatedAt

	r.Clock().Advance(24 * time.Hour)
	outcome, err = r.retire(asked)
	want = rotation.RetirementOutcome{Status: rotation.StatusDeleted, DeactivatedAt: now, DeletedAt: r.Clock().Now()}
	if outcome != want || err != nil {
		t.Errorf("after the quarantine: outcome %+v, %v, want %+v", outcome, err, want)
	}
	r.checkKeys(r.outcome.AccessKeyID)
}

func TestRetireWaits(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	asked := r.retirement()
	asked.DeleteAfter, asked.QuarantineWindow = r.Clock().Now().Add(30*time.Minute), time.Hour
	outcome, err := r.process.Retire(t.Context(), asked, true, 3*time.Hour)
	want := rotation.RetirementOutcome{
		Status: rotation.StatusDeleted, DeactivatedAt: asked.DeleteAfter, DeletedAt: asked.DeleteAfter.Add(time.Hour),
	}
	if outcome.Status != want.Status || outcome.DeactivatedAt.Before(want.DeactivatedAt) || outcome.DeletedAt.Before(want.DeletedAt) ||
		outcome.DeletedAt.Sub(want.DeletedAt) > time.Minute || err != nil {
		t.Errorf("outcome %+v, %v, want %+v", outcome, err, want)
	}
	r.checkKeys(r.outcome.AccessKeyID)
}

// TestRetireWaitsForADrainWindowThatWasExtended has a quarantine that is over before the new end of the drain window.
func TestRetireWaitsForADrainWindowThatWasExtended(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	asked := r.retirement()
	asked.QuarantineWindow, asked.DeactivatedAt = time.Minute, r.Clock().Now().Add(-time.Hour)
	asked.DeleteAfter = r.Clock().Now().Add(time.Hour)
	r.key.Deactivate()
	outcome, err := r.process.Retire(t.Context(), asked, true, 3*time.Hour)
	if err != nil || outcome.Status != rotation.StatusDeleted || outcome.DeletedAt.Before(asked.DeleteAfter) {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
	if got := r.sent(listAccessKeys); got > 2 {
		t.Errorf("the keys were read %d times", got)
	}
}

// TestRetireEnds cancels a run in the middle of a quarantine.
func TestRetireEnds(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The list of keys is read before the quarantine, after its beginning, and when it is over.
	r.Inject(simulator.Fault{
		Kind: simulator.FaultCallAfter, Match: simulator.Operation(listAccessKeys), At: 2, Call: func(simulator.Request) { cancel() },
	})
	asked := r.retirement()
	asked.QuarantineWindow = time.Hour
	outcome, err := r.process.Retire(ctx, asked, true, 3*time.Hour)
	checkProblem(t, err, rotation.SummaryRetireInterrupted, r.key.ID+` of IAM user "qovery" still exists`, "It is Inactive since")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is not %q: %s", context.Canceled, err)
	}
	if outcome.Status != rotation.StatusQuarantined || outcome.DeactivatedAt.IsZero() {
		t.Errorf("outcome %+v", outcome)
	}
	if r.key.Active() || !r.key.Exists() {
		t.Errorf("the key is active: %t, there: %t", r.key.Active(), r.key.Exists())
	}

	r.Clock().Advance(time.Hour)
	asked.DeactivatedAt = outcome.DeactivatedAt
	if outcome, err = r.retire(asked); err != nil || outcome.Status != rotation.StatusDeleted {
		t.Errorf("the next run: outcome %+v, %v", outcome, err)
	}
}

// The timeout is of this machine's clock, and the time of the key's end is of AWS's.
func TestRetireWaitsOnAClockThatIsSlow(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.SkewAWS(skew)
			asked := r.retirement()
			asked.DeleteAfter = r.Clock().Now().Add(skew - time.Minute)
			// A process of its own has had no answer of AWS yet, so it does not know AWS's clock.
			outcome, err := r.stage.process().Retire(t.Context(), asked, true, 30*time.Minute)
			if err != nil || outcome.Status != rotation.StatusDeleted {
				t.Errorf("outcome %+v, %v", outcome, err)
			}
		})
	}
}

// A check that fails in the quarantine leaves the key Inactive, and says so.
func TestRetireFailsInTheQuarantine(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		fault   func(r *retiring)
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
			asked := r.retirement()
			asked.QuarantineWindow = 10 * time.Minute
			r.After("UpdateAccessKey", func(simulator.Request) { given.fault(r) })
			outcome, err := r.process.Retire(t.Context(), asked, true, time.Hour)
			checkProblem(t, err, given.summary, "It is Inactive since "+outcome.DeactivatedAt.Format(time.RFC3339), "--status Active")
			if outcome.DeactivatedAt.IsZero() || r.key.Active() || !r.key.Exists() {
				t.Errorf("outcome %+v, the key is active: %t, there: %t", outcome, r.key.Active(), r.key.Exists())
			}
		})
	}
}

// A wait that cannot end in time is refused before anything is waited for or changed: an apply that gave up in a quarantine
// would begin another one every time.
func TestRetireRefusesAWaitThatIsTooLong(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Hour
	tests := map[string]struct {
		drains, quarantine time.Duration
		fits               bool
	}{
		"due, and the quarantine fits":     {quarantine: 2 * time.Hour, fits: true},
		"due, and the quarantine does not": {quarantine: 4 * time.Hour},
		"draining for longer":              {drains: 4 * time.Hour},
		"both together fit":                {drains: time.Hour, quarantine: time.Hour, fits: true},
		"both together do not":             {drains: 2 * time.Hour, quarantine: 2 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			started := r.Clock().Now()
			asked := r.retirement()
			asked.QuarantineWindow = test.quarantine
			if test.drains > 0 {
				asked.DeleteAfter = started.Add(test.drains)
			}
			outcome, err := r.process.Retire(t.Context(), asked, true, timeout)
			if test.fits {
				if err != nil || outcome.Status != rotation.StatusDeleted {
					t.Errorf("outcome %+v, %v", outcome, err)
				}
				return
			}
			gone := started.Add(test.drains + test.quarantine).Format(time.RFC3339)
			checkProblem(t, err, rotation.SummaryRetireTimeout, "wait until "+gone, "its limit is 3h0m0s", "still exists.", "leave out wait")
			if !r.key.Active() || r.Clock().Now().Sub(started) > time.Minute {
				t.Errorf("the key is active: %t, after %s", r.key.Active(), r.Clock().Now().Sub(started))
			}
		})
	}
}

// TestRetireChecksTheWorld has the world break every condition of a retirement.
func TestRetireChecksTheWorld(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given   func(r *retiring)
		change  func(asked *rotation.Retirement)
		summary string
		facts   []string
	}{
		"another user's key": {
			given:   func(r *retiring) { r.AddUser("somebody") },
			change:  func(asked *rotation.Retirement) { asked.UserName = "somebody" },
			summary: rotation.SummaryWrongUser, facts: []string{`belongs to IAM user "qovery", not to "somebody"`},
		},
		"a user that does not exist": {
			change:  func(asked *rotation.Retirement) { asked.UserName = "nobody" },
			summary: rotation.SummaryWrongUser, facts: []string{`belongs to IAM user "qovery", not to "nobody"`},
		},
		"a user that does not exist, and nobody says whose key it is": {
			given:   func(r *retiring) { r.DenyAction("iam:GetAccessKeyLastUsed") },
			change:  func(asked *rotation.Retirement) { asked.UserName = "nobody" },
			summary: rotation.SummaryUserNotFound, facts: []string{`no IAM user "nobody"`, "right account", "this run changed nothing"},
		},
		"credentials removed": {
			given: func(r *retiring) { r.set.Remove() }, summary: rotation.SummaryNotReplaced, facts: []string{"has no credentials"},
		},
		"old key put back": {
			given: func(r *retiring) { r.set.SetKey(r.key) }, summary: rotation.SummaryNotReplaced, facts: []string{"itself"},
		},
		"new key deleted": {
			given:   func(r *retiring) { r.user.Keys()[1].Delete() },
			summary: rotation.SummaryNotReplaced, facts: []string{"which AWS does not have"},
		},
		"new key made Inactive": {
			given:   func(r *retiring) { r.user.Keys()[1].Deactivate() },
			summary: rotation.SummaryNotReplaced, facts: []string{"which is Inactive"},
		},
		"a registry has it": {
			given:   func(r *retiring) { r.cluster.Registry().SetKey(r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`container registry "registry-`},
		},
		"a helm repository has it": {
			given:   func(r *retiring) { r.org.AddHelmRepository("charts", "OCI_ECR", r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`helm repository "charts"`},
		},
		"a DNS provider has it": {
			given:   func(r *retiring) { r.cluster.SetRoute53DNS(r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`dns provider "acme.example"`},
		},
		"a secret manager access has it": {
			given:   func(r *retiring) { r.cluster.AddSecretManagerAccess("secrets", r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`secret manager access "secrets"`},
		},
		"vSphere credentials have it": {
			given:   func(r *retiring) { r.org.AddVSphereCredentials("datacenter", r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`vsphere credentials "datacenter"`},
		},
		"other credentials have it": {
			given:   func(r *retiring) { r.org.AddCredentials("staging", r.key) },
			summary: rotation.SummaryKeyInUse, facts: []string{`credentials "staging"`},
		},
		"a cluster without access": {
			given:   func(r *retiring) { r.cluster.SetState("INVALID_CREDENTIALS") },
			summary: rotation.SummaryInvalidCredentials, facts: []string{`cluster "prod"`},
		},
		"somebody used it": {
			given: func(r *retiring) {
				r.Clock().Advance(time.Minute)
				r.key.MarkUsed("ecr", "eu-west-1")
			},
			summary: rotation.SummaryKeyInUse, facts: []string{"for ecr in eu-west-1", "allow_recent_use"},
		},
		"whether somebody used it is secret": {
			given:   func(r *retiring) { r.DenyAction("iam:GetAccessKeyLastUsed") },
			summary: rotation.SummaryForbidden, facts: []string{"iam:GetAccessKeyLastUsed", "still exists"},
		},
		"Qovery does not answer": {
			given: func(r *retiring) {
				r.Inject(simulator.Fault{Kind: simulator.FaultHTML, Match: simulator.Operation(simulator.OpListRegistries), Times: -1})
			},
			summary: rotation.SummaryRetire, facts: []string{"HTTP 502", "still exists"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			if test.given != nil {
				test.given(r)
			}
			asked := r.retirement()
			if test.change != nil {
				test.change(&asked)
			}
			_, err := r.retire(asked)
			checkProblem(t, err, test.summary, append(test.facts, r.key.ID)...)
			r.checkUnchanged()
			if !r.key.Active() {
				t.Error("the key does not work any more")
			}
		})
	}
}

func TestRetireAfterSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]func(r *retiring){
		"before":  func(r *retiring) { r.key.Delete() },
		"between": func(r *retiring) { r.Before("UpdateAccessKey", func(simulator.Request) { r.key.Delete() }) },
		"in the middle": func(r *retiring) {
			r.Before("DeleteAccessKey", func(simulator.Request) { r.key.Delete() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			given(r)
			outcome, err := r.retire(r.retirement())
			if err != nil || outcome.Status != rotation.StatusDeleted {
				t.Errorf("outcome %+v, %v", outcome, err)
			}
			r.checkKeys(r.outcome.AccessKeyID)
		})
	}
}

// TestRetireFinishesAfterAFault has a request that changes something fail, and the next run finish.
func TestRetireFinishesAfterAFault(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"iam:UpdateAccessKey", "iam:DeleteAccessKey"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.DenyAction(action)
			outcome, err := r.retire(r.retirement())
			checkProblem(t, err, rotation.SummaryForbidden, action, "still exists")
			if deactivated := !outcome.DeactivatedAt.IsZero(); deactivated == r.key.Active() {
				t.Errorf("outcome %+v, the key is active: %t", outcome, r.key.Active())
			}
			if outcome.Status == rotation.StatusDeleted {
				t.Errorf("outcome %+v", outcome)
			}
			r.AllowAction(action)
			asked := r.retirement()
			asked.DeactivatedAt = outcome.DeactivatedAt
			if outcome, err = r.retire(asked); err != nil || outcome.Status != rotation.StatusDeleted {
				t.Errorf("the next run: outcome %+v, %v", outcome, err)
			}
		})
	}
}

// TestRetireHearsARequestToItsEnd cancels a run while it changes something.
func TestRetireHearsARequestToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.Before("UpdateAccessKey", func(simulator.Request) { cancel() })
	outcome, err := r.process.Retire(ctx, r.retirement(), false, time.Hour)
	if err == nil && outcome.Status != rotation.StatusDeleted {
		t.Errorf("outcome %+v", outcome)
	}
	if outcome.DeactivatedAt.IsZero() {
		t.Errorf("the key is active: %t, outcome %+v, %v", r.key.Active(), outcome, err)
	}
}

// TestRetireOnTheWayToTheNextRotation has the previous key still there.
func TestRetireOnTheWayToTheNextRotation(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	req := r.request()
	req.Record = recordOf(r.outcome)
	next := r.mustRotate(req)
	r.checkKeys(r.outcome.AccessKeyID, next.AccessKeyID)
	if next.PreviousAccessKeyID != r.outcome.AccessKeyID {
		t.Errorf("rotated from %s, want %s", next.PreviousAccessKeyID, r.outcome.AccessKeyID)
	}
}

func TestRetireOnTheWayToTheNextRotationRefuses(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.Clock().Advance(time.Minute)
	r.key.MarkUsed("ecr", "eu-west-1")
	req := r.request()
	req.Record = recordOf(r.outcome)
	_, err := r.rotate(req)
	checkProblem(t, err, rotation.SummaryKeyInUse, "for ecr in eu-west-1", r.key.ID+" was not touched", "not used for 2h")
	r.checkUnchanged()

	r.Clock().Advance(drainWindow)
	if next := r.mustRotate(req); next.PreviousAccessKeyID != r.outcome.AccessKeyID {
		t.Errorf("rotated from %s, want %s", next.PreviousAccessKeyID, r.outcome.AccessKeyID)
	}
}

// TestRetireOnTheWayByAClockThatGoesBack has AWS's clock go back between the decision to rotate and the retirement.
func TestRetireOnTheWayByAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	req := r.request()
	req.UserName, req.Record = r.user.Name, recordOf(r.outcome)
	r.Inject(simulator.Fault{
		Kind: simulator.FaultCallBefore, Match: simulator.Operation(listAccessKeys), At: 2,
		Call: func(simulator.Request) { r.SkewAWS(-10 * time.Minute) },
	})
	_, err := r.rotate(req)
	checkProblem(t, err, rotation.SummaryStillDraining, r.key.ID, req.Record.DrainEndsAt.Format(time.RFC3339))
	r.checkUnchanged()
}
