package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// TestHold holds a key in every status, and then releases it.
func TestHold(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]func(r *retiring, asked *rotation.Retirement){
		"draining": func(r *retiring, asked *rotation.Retirement) { asked.DeleteAfter = r.Clock().Now().Add(time.Hour) },
		"due":      func(*retiring, *rotation.Retirement) {},
		"quarantined": func(r *retiring, asked *rotation.Retirement) {
			r.key.Deactivate()
			asked.QuarantineWindow, asked.DeactivatedAt = 24*time.Hour, r.Clock().Now()
		},
		"Inactive, by somebody else": func(r *retiring, _ *rotation.Retirement) { r.key.Deactivate() },
		"no journal explains it":     func(r *retiring, _ *rotation.Retirement) { r.user.RemoveTag(r.journalTag()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			asked := r.recorded()
			given(r, &asked)
			asked.Hold = true
			outcome, err := r.process.Retire(t.Context(), asked, true, time.Hour)
			want := rotation.RetirementOutcome{Status: rotation.StatusHeld, UserARN: asked.UserARN}
			checkOutcome(t, outcome, err, want)
			if !r.key.Active() || !strings.Contains(r.journal(), "hold="+r.key.ID) {
				t.Errorf("the key is active: %t, the journal is %q", r.key.Active(), r.journal())
			}
			asked.DeactivatedAt = time.Time{}
			outcome, err = r.refresh(asked)
			checkOutcome(t, outcome, err, want)

			in := r.request()
			in.Record = r.record
			_, err = r.rotate(in)
			checkProblem(t, err, rotation.SummaryHeld, r.key.ID)

			r.Clock().Advance(2 * time.Hour)
			asked.Hold, asked.Released = false, true
			outcome, err = r.retire(asked)
			switch {
			case err != nil:
				t.Fatal(err)
			case asked.QuarantineWindow > 0 && outcome.DeactivatedAt.Before(r.Clock().Now().Add(-time.Minute)):
				t.Errorf("the quarantine began at %s", outcome.DeactivatedAt)
			case asked.QuarantineWindow > 0:
				checkOutcome(t, outcome, nil, rotation.RetirementOutcome{
					Status: rotation.StatusQuarantined, DeactivatedAt: outcome.DeactivatedAt, UserARN: asked.UserARN,
					NextActionAt: outcome.DeactivatedAt.Add(asked.QuarantineWindow),
				})
			default:
				r.checkDeleted(outcome, err)
			}
			if strings.Contains(r.journal(), "hold=") {
				t.Errorf("the journal is %q", r.journal())
			}
		})
	}
}

// TestHoldOfAKeyThatLeaked: a hold has no effect on a key that leaked.
func TestHoldOfAKeyThatLeaked(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.leak(r.key)
	r.process = r.stage.process()
	asked := r.recorded()
	asked.Hold = true
	r.checkDeleted(r.retire(asked))
}

// TestHoldThatSomebodyUndid has somebody make a held key Inactive: the next apply makes it Active again.
func TestHoldThatSomebodyUndid(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	asked := r.recorded()
	asked.Hold = true
	r.key.Deactivate()
	if outcome, err := r.refresh(asked); err != nil || outcome.Status != rotation.StatusDue {
		t.Errorf("refreshed to %+v, %v", outcome, err)
	}
	if preview := r.process.PreviewRetirement(t.Context(), asked); preview == nil || preview.Summary != rotation.SummaryWillBeActivated {
		t.Errorf("the preview is %v", preview)
	}
}

// newHeld is a stage on which a previous key is held, with a journal that records it.
func newHeld(t *testing.T) (*retiring, rotation.Retirement) {
	t.Helper()
	r := newRetiring(t)
	asked := r.recorded()
	asked.Hold = true
	if _, err := r.retire(asked); err != nil {
		t.Fatal(err)
	}
	return r, asked
}

// TestHoldThatTheJournalForgot removes the journal while a key is held. The next apply has to record the hold again only if a
// rotation could need the key's place.
func TestHoldThatTheJournalForgot(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given func(r *retiring)
		want  rotation.Status
	}{
		"the tags vanish": {func(*retiring) {}, rotation.StatusDue},
		"the tags vanish, the credentials are gone": {func(r *retiring) { r.set.Remove() }, rotation.StatusHeld},
		"the tags vanish, the key was put back":     {func(r *retiring) { r.set.SetKey(r.key) }, rotation.StatusHeld},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, asked := newHeld(t)
			test.given(r)
			r.user.SetTags(nil)
			if outcome, err := r.refresh(asked); err != nil || outcome.Status != test.want {
				t.Errorf("refreshed to %+v, %v, want %s", outcome, err, test.want)
			}
			if outcome, err := r.retire(asked); err != nil || outcome.Status != rotation.StatusHeld {
				t.Errorf("outcome %+v, %v", outcome, err)
			}
			if isRecorded := strings.Contains(r.journal(), "hold="+r.key.ID); isRecorded != (test.want == rotation.StatusDue) {
				t.Errorf("the journal is %q", r.journal())
			}
			if outcome, err := r.refresh(asked); err != nil || outcome.Status != rotation.StatusHeld {
				t.Errorf("refreshed to %+v, %v", outcome, err)
			}
		})
	}
}

// TestRelease destroys the cleanup that holds a key. The key stays Active, and a rotation may delete it.
func TestRelease(t *testing.T) {
	t.Parallel()
	r, asked := newHeld(t)
	if err := r.process.Release(t.Context(), asked); err != nil || strings.Contains(r.journal(), "hold=") || !r.key.Active() {
		t.Errorf("%v, the journal is %q", err, r.journal())
	}
}

// TestPreviewRetirement compares what a plan shows with the situation in which it is planned.
func TestPreviewRetirement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given func(r *retiring, asked *rotation.Retirement)
		want  string
	}{
		"due":            {func(*retiring, *rotation.Retirement) {}, rotation.SummaryWillBeDeleted},
		"no key":         {func(_ *retiring, asked *rotation.Retirement) { asked.AccessKeyID = "" }, ""},
		"gone":           {func(r *retiring, _ *rotation.Retirement) { r.key.Delete() }, ""},
		"to quarantine":  {func(_ *retiring, asked *rotation.Retirement) { asked.QuarantineWindow = time.Hour }, rotation.SummaryWillBeDeactivated},
		"draining":       {func(r *retiring, asked *rotation.Retirement) { asked.DeleteAfter = r.Clock().Now().Add(time.Hour) }, ""},
		"somebody's":     {func(r *retiring, _ *rotation.Retirement) { r.set.SetKey(r.key) }, rotation.SummaryNotReplaced},
		"held":           {func(_ *retiring, asked *rotation.Retirement) { asked.Hold = true }, ""},
		"cannot be read": {func(r *retiring, _ *rotation.Retirement) { r.DenyAction("iam:ListAccessKeys") }, ""},
		"leaked and stored": {func(r *retiring, _ *rotation.Retirement) {
			r.leak(r.key)
			r.cluster.Registry().SetKey(r.key)
			r.tolerateHandover(r.key.ID, r.cluster.Registry())
		}, rotation.SummaryWillBeDeactivated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			asked := r.recorded()
			test.given(r, &asked)
			got := ""
			if preview := r.stage.process().PreviewRetirement(t.Context(), asked); preview != nil {
				got = preview.Summary
			}
			if got != test.want {
				t.Errorf("the preview is %q, want %q", got, test.want)
			}
			r.checkUnchanged()
		})
	}
}
