package provider_test

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestCredentialsRollBackWithoutRights(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(s *stage)
		facts   []string
	}{
		{
			"token that may only read", func(s *stage) { s.token = s.ReadOnlyToken() },
			[]string{rotation.SummaryRefused, `"production"`, "HTTP 403"},
		},
		{
			"IAM user that may not be tagged", func(s *stage) { s.DenyAction("iam:TagUser") },
			[]string{rotation.SummaryJournal, "iam:TagUser", "AccessDenied"},
		},
		{
			"no right to create keys", func(s *stage) { s.DenyAction("iam:CreateAccessKey") },
			[]string{rotation.SummaryCreateKey, "iam:CreateAccessKey", "AccessDenied"},
		},
		{
			"no right to ask who owns a key", func(s *stage) { s.DenyAction("sts:GetCallerIdentity") },
			[]string{rotation.SummaryVerification},
		},
		{
			"Qovery refuses the key", func(s *stage) { s.set.RefuseUpdates(400) },
			[]string{rotation.SummaryRefused, "HTTP 400: Updates are refused"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			good := s.credentials("")
			test.prepare(s)
			failed, err := s.apply(s.credentials(""), object{})
			s.fails(err, test.facts...)
			s.holds(check(s.untouched))
			for _, action := range []string{"iam:TagUser", "iam:CreateAccessKey", "sts:GetCallerIdentity"} {
				s.AllowAction(action)
			}
			s.set.RefuseUpdates(0)
			after := s.mustApply(good, failed)
			s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
			s.expect(credentialsAddress, after, value(credentialsAddress, "previous_access_key_id", text(s.key.ID)))
		})
	}
}

func TestCredentialsRollBackAnUpdate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{
			PreConfig:   func() { s.set.RefuseUpdates(422) },
			Config:      s.credentials(adopt(trigger("2"))),
			ExpectError: says("Error running apply", rotation.SummaryRefused, "HTTP 422"),
		},
		resource.TestStep{
			PreConfig: func() {
				s.holds(check(s.untouched))
				s.set.RefuseUpdates(0)
			},
			Config: s.credentials(adopt(trigger("2"))),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), check(func() error {
				if s.set.AccessKeyID() == s.key.ID {
					return errors.New("Qovery holds the first key still")
				}
				return nil
			})),
		},
	)
}
