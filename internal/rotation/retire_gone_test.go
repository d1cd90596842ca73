package rotation_test

import (
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

// TestRetireAfterSomebodyElse has somebody else delete the key at the last moment.
func TestRetireAfterSomebodyElse(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{updateAccessKey, "DeleteAccessKey"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			r := newRetiring(t)
			r.Before(operation, func(simulator.Request) { r.key.Delete() })
			r.checkDeleted(r.retire(r.asked()))
			if journal := r.journal(); journal != "" {
				t.Errorf("the journal outlives the key: %s", journal)
			}
		})
	}
}
