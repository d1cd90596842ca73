package rotation_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const otherAccount = "210987654321"

// moveAbroad gives later processes credentials of another account, which has a user of the same name with another key.
func (s *stage) moveAbroad() {
	s.account = s.AddAccount(otherAccount)
	s.account.AddUser(s.user.Name).AddKey()
}

// TestRetireInTheWrongAccount looks for a key in an account that never had it. That it is not found proves nothing.
func TestRetireInTheWrongAccount(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]func(r *retiring) rotation.Retirement{
		"the user is recorded":     (*retiring).recorded,
		"the user is not recorded": (*retiring).asked,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.moveAbroad()
			r.process = r.stage.process()
			retirement := asked(r)
			facts := []string{otherAccount, r.key.ID}
			if retirement.UserARN != "" {
				facts = []string{otherAccount, r.user.Account().ID}
			}
			outcome, err := r.retire(retirement)
			checkProblem(t, err, rotation.SummaryWrongAccount, facts...)
			if outcome.Status != rotation.StatusDue || !outcome.DeletedAt.IsZero() {
				t.Errorf("outcome %+v", outcome)
			}
			switch outcome, err = r.refresh(retirement); {
			case retirement.UserARN != "":
				checkProblem(t, err, rotation.SummaryWrongAccount, facts...)
			case err != nil || outcome.Status != rotation.StatusDue:
				t.Errorf("refreshed to %+v, %v", outcome, err)
			}
			r.checkUnchanged()
			if !r.key.Active() {
				t.Error("the key does not work any more")
			}
		})
	}
}

// TestRetireUnderAnotherName looks for the key at a user that does not have it. The name is wrong, was changed, or never existed.
func TestRetireUnderAnotherName(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]func(r *retiring) rotation.Retirement{
		"another user": (*retiring).asked,
		// The ARN in a state can be from before the user was renamed.
		"another user in the recorded account": (*retiring).recorded,
	} {
		for _, exists := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRetiring(t)
				if exists {
					r.AddUser("somebody")
				}
				retirement := asked(r)
				retirement.UserName = "somebody"
				outcome, err := r.retire(retirement)
				checkProblem(t, err, rotation.SummaryWrongUser, "somebody", r.user.Name, r.key.ID)
				if outcome.Status == rotation.StatusDeleted || !r.key.Active() {
					t.Errorf("outcome %+v, the key is active: %t", outcome, r.key.Active())
				}
				r.checkUnchanged()
			})
		}
	}
}

// TestRetireAKeyThatIsGone has somebody else delete the key. Then it does not matter what cannot be read. A refresh does not
// report the deletion: the next apply does.
func TestRetireAKeyThatIsGone(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]func(r *retiring, asked *rotation.Retirement){
		"nothing else": func(*retiring, *rotation.Retirement) {},
		"before the end of its drain window": func(r *retiring, asked *rotation.Retirement) {
			asked.DeleteAfter = r.Clock().Now().Add(time.Hour)
		},
		"Qovery does not answer": func(r *retiring, _ *rotation.Retirement) {
			qovery := func(request simulator.Request) bool { return request.API == simulator.APIQovery }
			r.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: qovery, Times: -1})
		},
		"Qovery holds a key that may not be read": func(r *retiring, _ *rotation.Retirement) {
			r.set.SetKey(r.AddUser("others").AddKey())
			r.DenyAction("iam:GetAccessKeyLastUsed")
		},
		"the credentials are gone": func(r *retiring, _ *rotation.Retirement) { r.set.Remove() },
		"the user may not be read": func(r *retiring, _ *rotation.Retirement) { r.DenyAction("iam:GetUser") },
		"the user is gone":         func(_ *retiring, asked *rotation.Retirement) { asked.UserName = "leaver" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			asked := r.recorded()
			given(r, &asked)
			r.key.Delete()
			if outcome, err := r.refresh(asked); err != nil || outcome.Status != rotation.StatusDue {
				t.Errorf("refreshed to %+v, %v", outcome, err)
			}
			r.checkDeleted(r.retire(asked))
			if got := r.sent("DeleteAccessKey"); got > 0 {
				t.Errorf("%d keys were deleted", got)
			}
		})
	}
}

// deletesBefore has somebody else delete the previous key right before a request to AWS, counted from the next one. It
// reports whether the key was there until then.
func (r *retiring) deletesBefore(number int) (happened func() bool) {
	var deleted atomic.Bool
	r.Inject(simulator.Fault{
		Kind: simulator.FaultCallBefore, At: number,
		Match: func(request simulator.Request) bool { return request.API != simulator.APIQovery },
		Call:  func(simulator.Request) { deleted.Store(r.key.Exists()); r.key.Delete() },
	})
	return deleted.Load
}

// TestRetireBesideSomebodyElse has the key deleted right before each request to AWS in turn. Another cleanup of the same key does
// that in the same apply.
func TestRetireBesideSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]func(r *retiring, asked *rotation.Retirement){
		"drained":               func(*retiring, *rotation.Retirement) {},
		"before its quarantine": func(_ *retiring, asked *rotation.Retirement) { asked.QuarantineWindow = time.Hour },
		"leaked":                func(r *retiring, _ *rotation.Retirement) { r.leak(r.key) },
		"held and Inactive":     func(r *retiring, asked *rotation.Retirement) { asked.Hold = true; r.key.Deactivate() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for number := 1; ; number++ {
				r := newRetiring(t)
				asked := r.asked()
				given(r, &asked)
				r.process = r.stage.process()
				happened := r.deletesBefore(number)
				outcome, err := r.retire(asked)
				if !happened() {
					checkAtLeast(t, "requests to AWS", number-1, 4)
					return
				}
				if r.checkDeleted(outcome, err); r.journal() != "" || t.Failed() {
					t.Fatalf("request %d: the journal is %q", number, r.journal())
				}
			}
		})
	}
}

// TestRotateBesideSomebodyElse has a rotation need the place of a key that a cleanup deletes meanwhile.
func TestRotateBesideSomebodyElse(t *testing.T) {
	t.Parallel()
	for number := 1; ; number++ {
		r := newRetiring(t)
		happened := r.deletesBefore(number)
		next, err := r.rotate(r.next())
		if err != nil {
			t.Fatalf("request %d: %s", number, err)
		}
		if !happened() {
			checkAtLeast(t, "requests to AWS", number-1, 6)
			return
		}
		if r.checkKeys(r.record.AccessKeyID, next.AccessKeyID); t.Failed() {
			t.Fatalf("request %d", number)
		}
	}
}

// checkAtLeast checks a number of which only the least is known.
func checkAtLeast(t *testing.T, what string, got, least int) {
	t.Helper()
	if got < least {
		t.Errorf("%d %s, want at least %d", got, what, least)
	}
}
