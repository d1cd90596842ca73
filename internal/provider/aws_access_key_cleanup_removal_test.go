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
	t.Run("when somebody reactivated the key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", `quarantine_window = "24h"`)},
			resource.TestStep{
				PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
				Config:    s.pair("", `quarantine_window = "24h"`),
				Check:     inactive(s.key),
			},
			resource.TestStep{
				PreConfig: func() {
					s.key.Activate()
					s.Clock().Advance(25 * time.Hour)
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key),
					s.warned(provider.SummaryKeyStays, s.key.ID, "quarantine")),
			},
		)
		s.unchanged()
	})
	t.Run("when the key is due and in use", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", "")},
			resource.TestStep{
				PreConfig: func() {
					s.Clock().Advance(3 * time.Hour)
					s.key.MarkUsed("s3", "us-west-2")
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(active(s.key), s.warned(provider.SummaryKeyStays, s.key.ID,
					"s3", "us-west-2", "aws iam delete-access-key --user-name qovery --access-key-id "+s.key.ID)),
			},
		)
		s.unchanged()
	})
	t.Run("when its quarantine was to begin", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.run(
			resource.TestStep{Config: s.pair("", `quarantine_window = "24h"`)},
			resource.TestStep{
				PreConfig: func() {
					s.Clock().Advance(3 * time.Hour)
					s.ResetRequests()
				},
				Config: s.credentials(""),
				Check:  resource.ComposeTestCheckFunc(active(s.key), s.warned(provider.SummaryKeyStays, s.key.ID, "quarantine")),
			},
		)
		s.unchanged()
	})
}

func TestCleanupRefusesToBeRemovedWithoutRights(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(3 * time.Hour)
				s.DenyAction("iam:DeleteAccessKey")
			},
			Config:      s.credentials(""),
			ExpectError: says("Error running apply", rotation.SummaryForbidden, s.key.ID, "iam:DeleteAccessKey: AccessDenied"),
		},
		resource.TestStep{
			PreConfig: func() { s.AllowAction("iam:DeleteAccessKey") },
			Config:    s.credentials(""),
			Check:     gone(s.key),
		},
	)
}
