package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestCleanupRemoved(t *testing.T) {
	t.Parallel()
	t.Run("before the key is due", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: s.ResetRequests,
				Config:    s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key), s.warned(provider.SummaryKeyStays, s.key.ID, `"qovery"`,
					"aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID)),
			},
		)
		s.unchanged()
	})
	t.Run("when the key is due", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
				Config:    s.credentials(""),
				Check:     gone(s.key),
			},
		)
	})
	// The destruction of a cleanup without the resource that rotates.
	for name, test := range map[string]struct {
		arguments string
		// before happens before a second apply, and then before the destruction.
		before, then func(s *stage)
		facts        func(s *stage) []string
	}{
		"when somebody reactivated the key": {
			arguments: `quarantine_window = "24h"`,
			before:    func(s *stage) { s.Clock().Advance(3 * time.Hour) },
			then: func(s *stage) {
				s.key.Activate()
				s.Clock().Advance(25 * time.Hour)
			},
			facts: facts("quarantine"),
		},
		"when the key is due and in use": {
			then: func(s *stage) {
				s.Clock().Advance(3 * time.Hour)
				s.key.MarkUsed("s3", "us-west-2")
			},
			facts: func(s *stage) []string {
				return []string{"s3", "us-west-2", "aws iam delete-access-key --user-name qovery --access-key-id " + s.key.ID}
			},
		},
		"when its quarantine was to begin": {
			arguments: `quarantine_window = "24h"`,
			then:      func(s *stage) { s.Clock().Advance(3 * time.Hour) },
			facts:     facts("quarantine"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.mustApply(s.credentials(""), object{})
			config := s.cleanup(s.key.ID, s.Clock().Now().Add(2*time.Hour), test.arguments)
			o := s.mustApply(config, object{})
			if test.before != nil {
				test.before(s)
				o = s.mustApply(config, o)
				s.holds(inactive(s.key))
			}
			test.then(s)
			s.ResetRequests()
			s.destroy(config, o)
			s.holds(resource.ComposeTestCheckFunc(active(s.key),
				s.warned(append([]string{provider.SummaryKeyStays, s.key.ID}, test.facts(s)...)...)))
			s.unchanged()
		})
	}
}

func TestCleanupRefusesToBeRemovedWithoutRights(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.mustApply(s.credentials(""), object{})
	config := s.cleanup(s.key.ID, s.Clock().Now().Add(2*time.Hour), "")
	o := s.mustApply(config, object{})
	s.Clock().Advance(3 * time.Hour)
	s.DenyAction("iam:DeleteAccessKey")
	p, err := s.open(config)
	s.must(err)
	failed, err := p.apply(o, object{})
	s.fails(err, rotation.SummaryForbidden, s.key.ID, "iam:DeleteAccessKey: AccessDenied")
	s.AllowAction("iam:DeleteAccessKey")
	s.destroy(config, failed)
	s.holds(gone(s.key))
}
