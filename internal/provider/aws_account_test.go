package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// otherAccount returns the operator of another AWS account, which has a user of the same name.
func (s *stage) otherAccount() *simulator.AccessKey {
	account := s.AddAccount("210987654321")
	account.AddUser(s.user.Name).AddKey()
	return account.Operator()
}

// signedBy returns a configuration whose provider authenticates with another key.
func (s *stage) signedBy(signer *simulator.AccessKey, config func() string) string {
	s.signer = signer
	return config()
}

// saysWrongAccount is a step that fails with an error that names both accounts.
func (s *stage) saysWrongAccount(when string) resource.TestStep {
	return resource.TestStep{ExpectError: says(when, rotation.SummaryWrongAccount, "210987654321", s.Account().ID)}
}

// deletedInTheRightAccount is the last step of each test: no earlier step recorded anything that keeps the key from being
// retired.
func (s *stage) deletedInTheRightAccount(old *simulator.AccessKey, config string) resource.TestStep {
	return resource.TestStep{
		PreConfig: s.unchanged,
		Config:    config,
		Check:     gone(old),
		ConfigStateChecks: []statecheck.StateCheck{
			value(cleanupAddress, "status", text("deleted")),
			value(cleanupAddress, "iam_user_arn", text(s.user.ARN())),
		},
	}
}

// A key that is missing in another account does not count as deleted.
func TestRefreshInAnotherAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start func(s *stage) (old *simulator.AccessKey, config func() string)
	}{
		{"of both resources", func(s *stage) (*simulator.AccessKey, func() string) {
			return s.key, func() string { return s.pair("", "") }
		}},
		{"of a cleanup alone", func(s *stage) (*simulator.AccessKey, func() string) {
			old, deleteAfter := s.addOld(), s.Clock().Now().Add(time.Hour)
			return old, func() string { return s.cleanup(old.ID, deleteAfter, "") }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			old, config := test.start(s)
			operator, other := s.signer, s.otherAccount()
			refused := s.saysWrongAccount("Error running pre-apply plan")
			refused.Config = s.signedBy(other, config)
			refused.PreConfig = func() {
				s.Clock().Advance(3 * time.Hour)
				s.ResetRequests()
			}
			s.run(
				resource.TestStep{Config: s.signedBy(operator, config), Check: active(old)},
				refused,
				s.deletedInTheRightAccount(old, s.signedBy(operator, config)),
			)
		})
	}
}

// An update checks the account too, because its plan may come without a refresh.
func TestApplyInAnotherAccount(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	old, deleteAfter := s.addOld(), s.Clock().Now().Add(time.Hour)
	config := func(arguments string) func() string {
		return func() string { return s.cleanup(old.ID, deleteAfter, arguments) }
	}
	const change = "allow_recent_use = true"
	operator, other := s.signer, s.otherAccount()
	before := s.mustApply(s.signedBy(operator, config("")), object{})
	s.Clock().Advance(3 * time.Hour)
	p, err := s.open(s.signedBy(other, config(change)))
	s.must(err)
	planned, err := p.plan(before)
	s.must(err)
	failed, err := p.apply(before, planned)
	s.fails(err, rotation.SummaryWrongAccount, "210987654321", s.Account().ID)
	s.unchanged()
	after := s.mustApply(s.signedBy(operator, config(change)), failed)
	s.holds(gone(old))
	s.expect(cleanupAddress, after, status(rotation.StatusDeleted), value(cleanupAddress, "iam_user_arn", text(s.user.ARN())))
}

func TestRotationInAnotherAccount(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := func(value string) func() string {
		return func() string { return s.credentials(adopt(trigger(value))) }
	}
	operator, other := s.signer, s.otherAccount()
	before := s.mustApply(s.signedBy(operator, config("1")), object{})
	p, err := s.open(s.signedBy(other, config("2")))
	s.must(err)
	_, err = p.plan(before)
	s.fails(err, rotation.SummaryWrongAccount, "210987654321", s.Account().ID)
	s.unchanged()
	s.mustApply(s.signedBy(operator, config("2")), before)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
}
