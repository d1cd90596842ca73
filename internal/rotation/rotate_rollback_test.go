package rotation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestRotateRollsBack fails before the cutover. Only the error is left.
func TestRotateRollsBack(t *testing.T) {
	t.Parallel()
	// The keys are listed once before anything is changed, and once right before the cutover.
	beforeCutover := func(s *stage, do func(newKey *simulator.AccessKey)) {
		s.Inject(simulator.Fault{
			Kind: simulator.FaultCallBefore, Match: simulator.Operation(listAccessKeys), At: 2,
			Call: func(simulator.Request) { do(s.user.Keys()[1]) },
		})
	}
	tests := map[string]struct {
		given   func(s *stage)
		summary string
		facts   []string
		cause   error
	}{
		"no permission to write the journal": {
			given:   func(s *stage) { s.DenyAction("iam:TagUser") },
			summary: rotation.SummaryJournal, facts: []string{"qoveryrotation:", `IAM user "qovery"`, "iam:TagUser"}, cause: rotation.ErrForbidden,
		},
		"no permission to create a key": {
			given:   func(s *stage) { s.DenyAction("iam:CreateAccessKey") },
			summary: rotation.SummaryCreateKey, facts: []string{`for user "qovery"`, "iam:CreateAccessKey"}, cause: rotation.ErrForbidden,
		},
		"no permission to write the journal a second time": {
			given:   func(s *stage) { s.After(createAccessKey, func(simulator.Request) { s.DenyAction("iam:TagUser") }) },
			summary: rotation.SummaryJournal, cause: rotation.ErrForbidden,
		},
		"a key that is never known in a region": {
			given: func(s *stage) {
				s.org.AddCluster("far", "ap-south-1", s.set)
				s.SetPropagationDelay("ap-south-1", time.Hour)
			},
			summary: rotation.SummaryVerification, facts: []string{`region "ap-south-1"`, "1m30s", "InvalidClientTokenId", "the region is enabled"},
			cause: rotation.ErrUnauthenticated,
		},
		"a key that somebody deletes": {
			given:   func(s *stage) { beforeCutover(s, (*simulator.AccessKey).Delete) },
			summary: rotation.SummaryVerification, facts: []string{"Somebody deleted or deactivated the new access key"},
		},
		"a key that somebody deactivates": {
			given:   func(s *stage) { beforeCutover(s, (*simulator.AccessKey).Deactivate) },
			summary: rotation.SummaryVerification, facts: []string{"Somebody deleted or deactivated the new access key"},
		},
		"a refusal by Qovery": {
			given:   func(s *stage) { s.set.RefuseUpdates(400) },
			summary: rotation.SummaryRefused, facts: []string{`credentials "production"`, "HTTP 400: Updates are refused"}, cause: rotation.ErrRejected,
		},
		"a token that may not change anything": {
			given: func(s *stage) {
				s.Inject(simulator.Fault{
					Kind: simulator.FaultStatus, Status: 403, Match: simulator.Operation(simulator.OpEditAWSCredentials), Times: -1,
				})
			},
			summary: rotation.SummaryRefused, facts: []string{"HTTP 403"}, cause: rotation.ErrForbidden,
		},
		"credentials that are gone for a moment": {
			given: func(s *stage) {
				s.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 404, Match: simulator.Operation(simulator.OpGetAWSCredentials)})
			},
			summary: rotation.SummaryRefused, facts: []string{"HTTP 404"}, cause: rotation.ErrNotFound,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.given(s)
			started := s.Clock().Now()
			req := s.request()
			req.UserName = s.user.Name
			outcome, err := s.rotate(req)
			checkProblem(t, err, test.summary, append(test.facts, "The attempt was rolled back", "again")...)
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("the error is not %q: %s", test.cause, err)
			}
			if outcome != nil {
				t.Errorf("outcome %+v", outcome)
			}
			s.checkUntouched()
			if took := s.Clock().Now().Sub(started); took > 95*time.Second {
				t.Errorf("giving up took %s", took)
			}

			s.ClearFaults()
			s.AllowAction("iam:TagUser")
			s.AllowAction("iam:CreateAccessKey")
			s.set.RefuseUpdates(0)
			s.SetPropagationDelay("ap-south-1", 0)
			s.checkRotated(s.mustRotate(s.request()))
		})
	}
}

// TestRotateGivesUpWhenItIsThrottled has IAM refuse every request for a key.
func TestRotateGivesUpWhenItIsThrottled(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Inject(simulator.Fault{Kind: simulator.Fault429, Match: simulator.Operation(createAccessKey), Times: -1})
	started := s.Clock().Now()
	outcome, err := s.rotate(s.request())
	if err == nil {
		t.Fatalf("outcome %+v", outcome)
	}
	s.checkUntouched()
	if took := s.Clock().Now().Sub(started); took < time.Minute || took > 95*time.Second {
		t.Errorf("giving up took %s", took)
	}
}

// TestRotateFindsAnotherKeyAtTheCutover has somebody else replace the key during the rotation.
func TestRotateFindsAnotherKeyAtTheCutover(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	byHand := s.AddUser("by-hand").AddKey()
	s.Before(simulator.OpGetAWSCredentials, func(simulator.Request) { s.set.SetKey(byHand) })
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryRefused, "holds the access key", "Qovery holds "+byHand.ID)
	if !errors.Is(err, rotation.ErrConflict) {
		t.Errorf("the error is not %q: %s", rotation.ErrConflict, err)
	}
	s.checkKeys(s.key.ID)
	if got := s.set.AccessKeyID(); got != byHand.ID {
		t.Errorf("Qovery holds %s, want %s", got, byHand.ID)
	}
	if journal := s.journal(); journal != "" {
		t.Errorf("the journal is still there: %s", journal)
	}
}

// TestRotateLeavesWhatItCannotRollBackToTheNextRun fails, and fails again while it rolls back.
func TestRotateLeavesWhatItCannotRollBackToTheNextRun(t *testing.T) {
	t.Parallel()
	always := func(kind simulator.FaultKind, operation string) simulator.Fault {
		return simulator.Fault{Kind: kind, Match: simulator.Operation(operation), Times: -1}
	}
	tests := map[string]struct {
		given   func(s *stage)
		summary string
		facts   []string
		// keys is how many keys the user has afterwards. journal is a part of the journal.
		keys    int
		journal string
	}{
		"Qovery has the key and did not say so": {
			given: func(s *stage) {
				s.Inject(always(simulator.FaultAfter500, simulator.OpEditAWSCredentials))
				s.Inject(simulator.Fault{
					Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpGetAWSCredentials), At: 2, Times: -1,
				})
			},
			summary: rotation.SummaryCutoverUnclear, facts: []string{"still exists", "names it.", "is still stored in credentials"},
			keys: 2, journal: "phase=storing",
		},
		"Qovery does not have the key and did not say so": {
			given: func(s *stage) {
				s.Inject(always(simulator.FaultBefore500, simulator.OpEditAWSCredentials))
			},
			summary: rotation.SummaryCutoverUnclear, facts: []string{"still exists", "may still take effect", `credentials "production"`, "HTTP 500"},
			keys: 2, journal: "phase=storing",
		},
		"a creation without an answer to the end": {
			given: func(s *stage) {
				s.Inject(always(simulator.FaultLost, createAccessKey))
			},
			summary: rotation.SummaryCreateKey, facts: []string{"unknown whether IAM created", "may have a new access key"},
			keys: 2, journal: "phase=creating",
		},
		"whether Qovery has the key cannot be read": {
			given: func(s *stage) {
				s.Before(simulator.OpEditAWSCredentials, func(simulator.Request) {
					s.Inject(always(simulator.FaultBefore500, simulator.OpListCredentials))
				})
				s.set.RefuseUpdates(400)
			},
			summary: rotation.SummaryRefused, facts: []string{"still exists", "could not be read whether Qovery holds it", "HTTP 400", "HTTP 500"},
			keys: 2, journal: "phase=storing",
		},
		"the key cannot be deleted": {
			given: func(s *stage) {
				s.set.RefuseUpdates(400)
				s.DenyAction("iam:DeleteAccessKey")
			},
			summary: rotation.SummaryRefused, facts: []string{"Qovery does not hold it, but it could not be deleted", "iam:DeleteAccessKey"},
			keys: 2, journal: "phase=storing",
		},
		"the journal cannot be removed": {
			given: func(s *stage) {
				s.set.RefuseUpdates(400)
				s.DenyAction("iam:UntagUser")
			},
			summary: rotation.SummaryRefused, facts: []string{"The attempt was rolled back", "iam:UntagUser"},
			keys: 1, journal: "phase=storing",
		},
		"a key whose creation got no answer cannot be looked for": {
			given: func(s *stage) {
				s.FailNext(createAccessKey, simulator.FaultLost)
				s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(listAccessKeys), At: 2, Times: -1})
			},
			summary: rotation.SummaryAPI, facts: []string{"iam:ListAccessKeys"},
			keys: 2, journal: "phase=creating",
		},
		"a key whose creation got no answer cannot be deleted": {
			given: func(s *stage) {
				s.FailNext(createAccessKey, simulator.FaultLost)
				s.DenyAction("iam:DeleteAccessKey")
			},
			summary: rotation.SummaryRetire, facts: []string{"iam:DeleteAccessKey", "finds it by the journal"},
			keys: 2, journal: "phase=verifying",
		},
		"the key of an interrupted rotation cannot be deleted": {
			given: func(s *stage) {
				orphan := s.user.AddKey()
				s.Expendable(orphan)
				s.writeJournal(rotation.StageCreating, "", 0)
				s.DenyAction("iam:DeleteAccessKey")
			},
			summary: rotation.SummaryRetire, facts: []string{"could not be deleted", "iam:DeleteAccessKey"},
			keys: 2, journal: "phase=verifying",
		},
		"the journal of an interrupted rotation cannot be written": {
			given: func(s *stage) {
				orphan := s.user.AddKey()
				s.Expendable(orphan)
				s.writeJournal(rotation.StageVerifying, orphan.ID, 0)
				s.DenyAction("iam:TagUser")
			},
			summary: rotation.SummaryJournal, facts: []string{"iam:TagUser"},
			keys: 2, journal: "phase=verifying",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.given(s)
			req := s.request()
			req.UserName = s.user.Name
			_, err := s.rotate(req)
			checkProblem(t, err, test.summary, test.facts...)
			if got := len(s.user.Keys()); got != test.keys {
				t.Errorf("the user has %d keys, want %d", got, test.keys)
			}
			if !strings.Contains(s.journal(), test.journal) {
				t.Errorf("the journal is %q, want %q in it", s.journal(), test.journal)
			}
			s.checkDeployed(s.cluster)

			s.ClearFaults()
			for _, action := range []string{"iam:DeleteAccessKey", "iam:UntagUser", "iam:TagUser"} {
				s.AllowAction(action)
			}
			s.set.RefuseUpdates(0)
			held := s.set.AccessKeyID()
			if held != s.key.ID {
				// The secret of Qovery's key is lost, so somebody gives another key to the registry.
				s.cluster.Registry().SetKey(s.user.Keys()[1])
			}
			outcome := s.mustRotate(s.request())
			s.checkRotated(outcome)
			if held != s.key.ID && outcome.AccessKeyID != held {
				t.Errorf("Qovery held %s and got %s", held, outcome.AccessKeyID)
			}
		})
	}
}

// TestRotateWaitsForALateCutover has Qovery store the key long after the rotation has failed.
func TestRotateWaitsForALateCutover(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpEditAWSCredentials), Times: -1})
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryCutoverUnclear, "may still take effect")
	late := s.user.Keys()[1]

	s.later(time.Minute, func() {
		s.set.SetKey(late)
		s.cluster.Registry().SetKey(late)
	})
	outcome := s.mustRotate(s.request())
	s.checkRotated(outcome)
	if outcome.AccessKeyID != late.ID {
		t.Errorf("the key is %s, want %s", outcome.AccessKeyID, late.ID)
	}
}
