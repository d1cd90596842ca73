package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	createAccessKey   = "CreateAccessKey"
	getCallerIdentity = "GetCallerIdentity"
	listAccessKeys    = "ListAccessKeys"
	tagUser           = "TagUser"
)

// The faults of one request. After those in lost, what was asked has been done.
var (
	lost = []simulator.FaultKind{
		simulator.FaultLost, simulator.FaultResetAfter, simulator.FaultAfter500, simulator.FaultHTMLAfter, simulator.FaultHangAfter,
	}
	prevented = []simulator.FaultKind{
		simulator.FaultResetBefore, simulator.FaultBefore500, simulator.FaultHTML, simulator.FaultHang, simulator.Fault429,
	}
)

func TestRotate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	helm := s.org.AddHelmRepository("charts", "OCI_ECR", s.key)
	other := s.org.AddRegistry("others", "ECR", s.AddUser("others").AddKey())
	otherKey := other.AccessKeyID()
	var (
		mu    sync.Mutex
		steps []string
	)
	ctx := rotation.WithReporter(t.Context(), func(_ context.Context, event rotation.Event) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, fmt.Sprint(event.Message, event.Fields))
	})
	started := s.Clock().Now()
	outcome, err := s.process().Rotate(ctx, s.request())
	if err != nil {
		t.Fatal(err)
	}
	s.checkRotated(outcome)
	if got := helm.AccessKeyID(); got != outcome.AccessKeyID {
		t.Errorf("the helm repository has %s", got)
	}
	if got := other.AccessKeyID(); got != otherKey {
		t.Errorf("the registry of another user has %s", got)
	}

	if outcome.UserName != s.user.Name || outcome.UserARN != s.user.ARN() || outcome.Unfinished {
		t.Errorf("outcome %+v", outcome)
	}
	if key := s.user.Keys()[1]; !outcome.AccessKeyCreatedAt.Equal(key.CreatedAt()) {
		t.Errorf("the key was created at %s, not at %s", key.CreatedAt(), outcome.AccessKeyCreatedAt)
	}
	if len(outcome.Holders) != 3 {
		t.Errorf("the holders are %v", outcome.Holders)
	}
	for _, holder := range outcome.Holders {
		if holder.AccessKeyID != outcome.AccessKeyID {
			t.Errorf("holder %s has %s", holder, holder.AccessKeyID)
		}
	}
	if want := []string{s.cluster.ID}; !slices.Equal(outcome.DeployedClusters, want) {
		t.Errorf("the deployed clusters are %v, want %v", outcome.DeployedClusters, want)
	}
	ended := s.cluster.Deployments()[0].EndedAt
	if late := outcome.DeployedAt.Sub(ended); late < 0 || late > pollInterval+time.Second {
		t.Errorf("the deployment ended at %s, recorded is %s", ended, outcome.DeployedAt)
	}
	if early := outcome.RotatedAt.Sub(started); early < 10*time.Second || outcome.RotatedAt.After(ended) {
		t.Errorf("the cutover was at %s, %s after the start", outcome.RotatedAt, early)
	}

	wantOrder := []simulator.EventKind{
		simulator.EventCreated, simulator.EventVerified, simulator.EventHeld, simulator.EventDeployed,
	}
	var order []simulator.EventKind
	for _, event := range s.Timeline() {
		if event.AccessKeyID == outcome.AccessKeyID {
			order = append(order, event.What)
		}
	}
	if !slices.Equal(order, wantOrder) {
		t.Errorf("what happened to the key is %v, want %v", order, wantOrder)
	}
	told := strings.Join(steps, "\n")
	for _, secret := range s.Secrets() {
		if strings.Contains(told, secret) {
			t.Errorf("the steps tell a secret:\n%s", told)
		}
	}
	for _, want := range []string{"creating an access key", "verifying", "cutover", "deploying", "rotation complete"} {
		if !strings.Contains(told, want) {
			t.Errorf("the steps do not tell %q:\n%s", want, told)
		}
	}
}

func TestRotateNothing(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]*rotation.Record{"adoption": nil, "nothing left unfinished": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			req := s.request()
			req.Rotate = false
			if req.Record = record; record != nil {
				record.AccessKeyID = s.key.ID
			}
			outcome := s.mustRotate(req)
			s.checkUnchanged()
			if outcome.PreviousAccessKeyID != "" || outcome.AccessKeyID != s.key.ID || outcome.UserName != s.user.Name ||
				!outcome.AccessKeyCreatedAt.Equal(s.key.CreatedAt()) {
				t.Errorf("outcome %+v", outcome)
			}
			if len(outcome.Clusters) != 1 || outcome.Clusters[0].ID != s.cluster.ID || len(outcome.Holders) != 2 {
				t.Errorf("clusters %v, holders %v", outcome.Clusters, outcome.Holders)
			}
		})
	}
}

func TestRotateWithoutRegistries(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("stage", "eu-west-1", second)
	req := s.request()
	req.RotateRegistries = false
	outcome := s.mustRotate(req)
	if got := s.set.AccessKeyID(); got != outcome.AccessKeyID {
		t.Errorf("Qovery holds %s, want %s", got, outcome.AccessKeyID)
	}
	for _, holder := range []*simulator.Holder{s.cluster.Registry(), &second.Holder} {
		if got := holder.AccessKeyID(); got != s.key.ID {
			t.Errorf("holder %s has %s, want %s", holder.Object()["name"], got, s.key.ID)
		}
	}
	s.checkDeployed(cluster)
	if len(outcome.Holders) != 1 || outcome.Unfinished {
		t.Errorf("outcome %+v", outcome)
	}
}

// TestRotateDespiteOneFault has one request of every kind that changes something fail in every way.
func TestRotateDespiteOneFault(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		createAccessKey, tagUser, simulator.OpEditAWSCredentials, simulator.OpEditRegistry, simulator.OpDeployCluster,
	} {
		for _, kind := range slices.Concat(lost, prevented) {
			t.Run(operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.FailNext(operation, kind)
				outcome := s.mustRotate(s.request())
				s.checkRotated(outcome)
				if got := len(s.cluster.Deployments()); got != 1 {
					t.Errorf("the cluster was deployed %d times", got)
				}
			})
		}
	}
}

// TestRotateCarriesOn finds what a run that was killed has left.
func TestRotateCarriesOn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// given leaves the traces of a rotation to a key that the user has already.
		given func(s *stage, stray *simulator.AccessKey)
		// resumed is whether that key is the one to carry on with.
		resumed bool
	}{
		"the key's id was never recorded": {
			func(s *stage, _ *simulator.AccessKey) { s.writeJournal(rotation.StageCreating, "", 0) }, false,
		},
		"the key's id was never recorded, long ago, by another run": {
			func(s *stage, _ *simulator.AccessKey) {
				s.writeJournal(rotation.StageCreating, "", 0)
				s.Clock().Advance(24 * time.Hour)
			}, false,
		},
		"the key was verified": {
			func(s *stage, stray *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, stray.ID, 0)
				stray.MarkUsed("sts", "eu-west-3")
			}, false,
		},
		"Qovery has the key": {
			func(s *stage, stray *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, stray.ID, 0)
				s.set.SetKey(stray)
				s.cluster.Registry().SetKey(stray)
			}, true,
		},
		"Qovery has the key, from another run": {
			func(s *stage, stray *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, stray.ID, 0)
				s.set.SetKey(stray)
				s.cluster.Registry().SetKey(stray)
			}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			stray := s.user.AddKey()
			s.Expendable(stray)
			test.given(s, stray)
			outcome := s.mustRotate(s.request())
			s.checkRotated(outcome)
			if resumed := outcome.AccessKeyID == stray.ID; resumed != test.resumed {
				t.Errorf("the key is %s, the one that was there is %s", outcome.AccessKeyID, stray.ID)
			}
		})
	}
}

// TestRotateRollsBack fails before the cutover and leaves no trace but the error.
func TestRotateRollsBack(t *testing.T) {
	t.Parallel()
	// The keys are listed once before anything is changed and once right before the cutover.
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
			checkProblem(t, err, test.summary, append(test.facts, "Qovery and AWS are as before", "pply again")...)
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

// TestRotateGivesUpWhenItIsThrottled never gets to create a key.
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

// TestRotateFindsAnotherKeyAtTheCutover has somebody replace the key by hand while the rotation is under way.
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
		// keys is how many keys the user has then, journal what the journal says.
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
			summary: rotation.SummaryCreateKey, facts: []string{"did not say whether it created", "may have a key"},
			keys: 2, journal: "phase=creating",
		},
		"whether Qovery has the key cannot be read": {
			given: func(s *stage) {
				s.Before(simulator.OpEditAWSCredentials, func(simulator.Request) {
					s.Inject(always(simulator.FaultBefore500, simulator.OpListCredentials))
				})
				s.set.RefuseUpdates(400)
			},
			summary: rotation.SummaryRefused, facts: []string{"still exists", "Whether Qovery has it could not be read", "HTTP 400", "HTTP 500"},
			keys: 2, journal: "phase=storing",
		},
		"the key cannot be deleted": {
			given: func(s *stage) {
				s.set.RefuseUpdates(400)
				s.DenyAction("iam:DeleteAccessKey")
			},
			summary: rotation.SummaryRefused, facts: []string{"Qovery does not have it, but it could not be deleted", "iam:DeleteAccessKey"},
			keys: 2, journal: "phase=storing",
		},
		"the journal cannot be removed": {
			given: func(s *stage) {
				s.set.RefuseUpdates(400)
				s.DenyAction("iam:UntagUser")
			},
			summary: rotation.SummaryRefused, facts: []string{"Qovery and AWS are as before", "iam:UntagUser"},
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
				stray := s.user.AddKey()
				s.Expendable(stray)
				s.writeJournal(rotation.StageCreating, "", 0)
				s.DenyAction("iam:DeleteAccessKey")
			},
			summary: rotation.SummaryRetire, facts: []string{"could not be deleted", "iam:DeleteAccessKey"},
			keys: 2, journal: "phase=verifying",
		},
		"the journal of an interrupted rotation cannot be written": {
			given: func(s *stage) {
				stray := s.user.AddKey()
				s.Expendable(stray)
				s.writeJournal(rotation.StageVerifying, stray.ID, 0)
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
				// The secret of the key that Qovery has is lost, so the registry has to be mended by hand.
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

// TestRotateWaitsForALateCutover has Qovery take the key long after everybody gave up asking.
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

// TestRotateIsCrowdedOut has somebody else create a key at the last moment.
func TestRotateIsCrowdedOut(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Before(createAccessKey, func(simulator.Request) { s.user.AddKey() })
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryCreateKey, `IAM user "qovery" got a second access key from somebody else`, "LimitExceeded")
	if !errors.Is(err, rotation.ErrLimitExceeded) {
		t.Errorf("the error is not %q: %s", rotation.ErrLimitExceeded, err)
	}
	if got := len(s.user.Keys()); got != 2 {
		t.Errorf("the user has %d keys, want both", got)
	}
	if journal := s.journal(); journal != "" {
		t.Errorf("the journal is still there: %s", journal)
	}
	if got := s.sent(createAccessKey); got != 1 {
		t.Errorf("%d keys were asked for", got)
	}
}

// TestRotateStopsWhenTheJournalIsNotItsOwn changes the journal under a rotation, before its cutover.
func TestRotateStopsWhenTheJournalIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *stage){
		"another run's": func(s *stage) { s.writeJournal(rotation.StageVerifying, "AKIAANOTHERRUNSKEY00", 0) },
		"nobody's":      func(s *stage) { s.user.SetTag(s.journalTag(), "please keep") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var journal string
			s.Before(getCallerIdentity, func(simulator.Request) {
				change(s)
				journal = s.journal()
			})
			_, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryOtherRotation, `IAM user "qovery"`, "new plan")
			if got := s.sent(simulator.OpEditAWSCredentials); got != 0 {
				t.Errorf("%d keys were stored in Qovery", got)
			}
			if got := s.journal(); got != journal {
				t.Errorf("the journal is %q, want %q", got, journal)
			}
			s.checkKeys(s.key.ID) // this run's key is deleted again
		})
	}
}

// TestRotateLeavesTheKeyOfAnotherRun loses the answer that has its key while another run creates one.
func TestRotateLeavesTheKeyOfAnotherRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var other *simulator.AccessKey
	s.Inject(simulator.Fault{
		Kind: simulator.FaultCallInstead, Match: simulator.Operation(createAccessKey), Call: func(simulator.Request) {
			other = s.user.AddKey()
			s.writeJournal(rotation.StageVerifying, other.ID, 0)
			s.later(time.Minute, func() {
				s.set.SetKey(other)
				s.cluster.Registry().SetKey(other)
			})
		},
	})
	outcome := s.mustRotate(s.request())
	s.checkRotated(outcome)
	if outcome.AccessKeyID != other.ID || s.sent("DeleteAccessKey") > 0 {
		t.Errorf("the key is %s, want %s; %d keys were deleted", outcome.AccessKeyID, other.ID, s.sent("DeleteAccessKey"))
	}
}

// TestRotateIgnoresAnAnnouncementThatComesTooLate has another run write its journal over one's own, and perhaps remove it
// again, when the user has two keys already: that run cannot get one.
func TestRotateIgnoresAnAnnouncementThatComesTooLate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *stage){
		"announced":     func(s *stage) { s.writeJournal(rotation.StageCreating, "", 0) },
		"taken back":    func(s *stage) { s.user.RemoveTag(s.journalTag()) },
		"the same text": func(*stage) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.Before(getCallerIdentity, func(simulator.Request) { change(s) })
			outcome := s.mustRotate(s.request())
			s.checkRotated(outcome)
			if !strings.Contains(s.journal(), "to="+outcome.AccessKeyID) {
				t.Errorf("the journal is %q", s.journal())
			}
		})
	}
}

// suspendedIAM has a process stand still right after it got its new key.
type suspendedIAM struct {
	rotation.IAM
	meanwhile func()
}

// CreateAccessKey implements [rotation.IAM].
func (i suspendedIAM) CreateAccessKey(ctx context.Context, userName string) (rotation.NewAccessKey, error) {
	key, err := i.IAM.CreateAccessKey(ctx, userName)
	i.meanwhile()
	return key, err
}

// TestRotateIsTakenOver has a process stand still for so long that another run takes it for dead.
func TestRotateIsTakenOver(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var outcome *rotation.Record
	second := s.process()
	first := s.processWith(func(iam rotation.IAM) rotation.IAM {
		return suspendedIAM{iam, func() {
			s.Clock().Advance(3 * time.Minute)
			var err error
			if outcome, err = second.Rotate(t.Context(), s.request()); err != nil {
				t.Errorf("the run that takes over: %s", err)
			}
		}}
	})
	got, err := first.Rotate(t.Context(), s.request())
	if err == nil {
		t.Errorf("the run that was taken over: %+v", got)
	}
	s.checkRotated(outcome)
	if !strings.Contains(s.journal(), "to="+outcome.AccessKeyID) {
		t.Errorf("the journal is %q", s.journal())
	}
}

// unsteadyIAM has STS take its time, and not know the new key in some calls.
type unsteadyIAM struct {
	rotation.IAM
	clock   rotation.Clock
	takes   time.Duration
	unknown []int

	calls     int
	successes []time.Time
}

// CallerARN implements [rotation.IAM].
func (i *unsteadyIAM) CallerARN(ctx context.Context, key rotation.NewAccessKey, region string) (string, error) {
	i.calls++
	if slices.Contains(i.unknown, i.calls) {
		i.successes = nil
		return "", rotation.ErrUnauthenticated
	}
	asked := i.clock.Now()
	if err := i.clock.Sleep(ctx, i.takes); err != nil {
		return "", err
	}
	arn, err := i.IAM.CallerARN(ctx, key, region)
	if err == nil {
		i.successes = append(i.successes, asked)
	}
	return arn, err
}

// TestRotateVerifiesForLongEnough counts what has come in a row when Qovery gets the key: five successes over ten seconds.
func TestRotateVerifiesForLongEnough(t *testing.T) {
	t.Parallel()
	for name, iam := range map[string]*unsteadyIAM{
		"steady":    {},
		"flapping":  {unknown: []int{1, 2, 5, 9}},
		"slow":      {takes: 7 * time.Second},
		"very slow": {takes: 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.SetPropagationDelay("eu-west-3", 0)
			iam.clock = s.Clock()
			process := s.processWith(func(port rotation.IAM) rotation.IAM {
				iam.IAM = port
				return iam
			})
			if _, err := process.Rotate(t.Context(), s.request()); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(s.Requests(), func(r simulator.Request) bool { return r.Operation == simulator.OpEditAWSCredentials })
			if n, over := len(iam.successes), s.Requests()[i].Time.Sub(iam.successes[0]); n < 5 || over < 10*time.Second {
				t.Errorf("Qovery got the key after %d successes over %s", n, over)
			}
		})
	}
}

// anotherUsersIAM says of every key that it belongs to another user.
type anotherUsersIAM struct{ rotation.IAM }

// CallerARN implements [rotation.IAM].
func (anotherUsersIAM) CallerARN(context.Context, rotation.NewAccessKey, string) (string, error) {
	return "arn:aws:iam::123456789012:user/somebody", nil
}

func TestRotateRefusesAKeyOfAnotherUser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.processWith(func(iam rotation.IAM) rotation.IAM { return anotherUsersIAM{iam} })
	_, err := process.Rotate(t.Context(), s.request())
	checkProblem(t, err, rotation.SummaryVerification, "is of arn:aws:iam::123456789012:user/somebody", "not of "+s.user.ARN())
	s.checkUntouched()
}

// TestRotateRaces has two runs of different resources rotate the same credentials at the same moment.
func TestRotateRaces(t *testing.T) {
	t.Parallel()
	for n := range 10 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			outcomes := make([]*rotation.Record, 2)
			errs := make([]error, 2)
			var group sync.WaitGroup
			for i := range 2 {
				process, req := s.process(), s.request()
				req.Record = &rotation.Record{AccessKeyID: s.key.ID}
				group.Go(func() { outcomes[i], errs[i] = process.Rotate(t.Context(), req) })
			}
			group.Wait()
			winner, loser := 0, 1
			if errs[0] != nil {
				winner, loser = 1, 0
			}
			if errs[winner] != nil {
				// A run that is held up by the other one gives up in time. Whoever comes next finds nothing in his way.
				t.Logf("both fail: %s; %s", errs[0], errs[1])
				s.checkDeployed(s.cluster)
				s.Clock().Advance(10 * time.Minute)
				s.checkRotated(s.mustRotate(s.request()))
				return
			}
			s.checkKeys(s.key.ID, outcomes[winner].AccessKeyID)
			if errs[loser] == nil {
				// One that comes after the cutover carries the other one on.
				if outcomes[loser].AccessKeyID != outcomes[winner].AccessKeyID {
					t.Errorf("two keys: %s and %s", outcomes[0].AccessKeyID, outcomes[1].AccessKeyID)
				}
				return
			}
			if _, ok := errors.AsType[*rotation.Problem](errs[loser]); !ok {
				t.Errorf("the loser fails with: %s", errs[loser])
			}
			for _, holder := range []*simulator.Holder{&s.set.Holder, s.cluster.Registry()} {
				if got := holder.AccessKeyID(); got != outcomes[winner].AccessKeyID {
					t.Errorf("holder %s has key %s, want %s", holder.Object()["name"], got, outcomes[winner].AccessKeyID)
				}
			}
			for _, deployment := range s.cluster.Deployments() {
				if deployment.AccessKeyID != outcomes[winner].AccessKeyID {
					t.Errorf("the cluster was deployed with %s, want %s", deployment.AccessKeyID, outcomes[winner].AccessKeyID)
				}
			}
		})
	}
}

// TestRotateWaitsForARunThatMayBeAlive finds the journal of a run before its cutover, which is a minute old.
func TestRotateWaitsForARunThatMayBeAlive(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// age is that of the journal, and meanwhile happens 65 seconds later.
		age       time.Duration
		meanwhile func(s *stage)
		// summary is empty when the rotation succeeds, and then first is when something is changed first.
		summary string
		facts   []string
		first   time.Duration
	}{
		"unchanged":         {age: time.Minute, first: 2 * time.Minute},
		"three minutes old": {age: 3 * time.Minute},
		"changed": {
			age: time.Minute, first: 4 * time.Minute,
			meanwhile: func(s *stage) { s.writeJournal(rotation.StageVerifying, "AKIAANOTHERRUNSKEY00", 0) },
		},
		"removed": {age: time.Minute, first: 65 * time.Second, meanwhile: func(s *stage) { s.user.RemoveTag(s.journalTag()) }},
		"made unreadable": {
			age: time.Minute, meanwhile: func(s *stage) { s.user.SetTag(s.journalTag(), "please keep") },
			summary: rotation.SummaryForeignJournal, facts: []string{"ot a journal of this provider"},
		},
		"hidden": {
			age: time.Minute, meanwhile: func(s *stage) { s.DenyAction("iam:GetUser") },
			summary: rotation.SummaryForbidden, facts: []string{"iam:GetUser"},
		},
		"somebody else's key appears": {
			age: time.Minute, meanwhile: func(s *stage) { s.user.AddKeyCreated(s.Clock().Now().Add(-time.Hour)) },
			summary: rotation.SummaryForeignKey, facts: []string{"Nothing was changed"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.writeJournal(rotation.StageCreating, "", test.age)
			if test.meanwhile != nil {
				s.Before("GetUser", func(simulator.Request) { s.later(65*time.Second, func() { test.meanwhile(s) }) })
			}
			started := s.Clock().Now()
			req := s.request()
			req.UserName = s.user.Name
			outcome, err := s.rotate(req)
			if test.summary != "" {
				checkProblem(t, err, test.summary, test.facts...)
				s.checkUnchanged()
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.checkRotated(outcome)
			if waited := s.Mutations()[0].Time.Sub(started); waited < test.first || waited > test.first+10*time.Second {
				t.Errorf("the first change was made after %s, want %s or a look later", waited, test.first)
			}
		})
	}
}

// The limit of the whole rotation ends before the new key works. That is no fault of the key.
func TestRotateOutOfTimeBeforeTheCutover(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.SetPropagationDelay("eu-west-3", time.Hour)
	req := s.request()
	req.Timeout = 30 * time.Second
	_, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, "Qovery and AWS are as before", "The limit was 30s", "timeouts", "InvalidClientTokenId")
	s.checkUntouched()
}

// What ends the time up to the cutover is named, and so is the error that took so long.
func TestRotateOutOfTimeWhileQoveryFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout time.Duration
		facts   []string
		not     string
	}{
		"the limit before the cutover": {2 * time.Hour, []string{"timed out after 1m30s", "HTTP 500"}, "the argument timeouts"},
		"the whole rotation":           {40 * time.Second, []string{"The limit was 40s; the argument timeouts", "HTTP 500"}, "1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpGetAWSCredentials), Times: -1})
			req := s.request()
			req.Timeout = test.timeout
			_, err := s.rotate(req)
			checkProblem(t, err, rotation.SummaryTimeout, append(test.facts, "Qovery and AWS are as before")...)
			if strings.Contains(err.Error(), test.not) {
				t.Errorf("the error tells %q: %s", test.not, err)
			}
			s.checkUntouched()
		})
	}
}

func TestRotateDoesNotBeginTooLate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	req := s.request()
	req.Timeout = 9 * time.Second
	_, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, "Nothing was changed", "The limit was 9s")
	s.checkUnchanged()
}

// TestRotateLeavesARegistryBehind has a registry refuse the new key, and ends that in every way there is.
func TestRotateLeavesARegistryBehind(t *testing.T) {
	t.Parallel()
	refused := "container registry \"registry-"
	tests := map[string]struct {
		// mend ends it; the next run succeeds.
		mend func(s *stage, req *rotation.Intent)
		// carried is whether the registry gets a key by the next run, which is another one then.
		carried bool
	}{
		"it gets another key": {mend: func(s *stage, _ *rotation.Intent) {
			s.cluster.Registry().SetKey(s.AddUser("registry").AddKey())
		}},
		"it is ignored":                          {mend: func(s *stage, req *rotation.Intent) { req.IgnoredHolders = []string{s.cluster.Registry().ID} }},
		"it is none of this resource's business": {mend: func(_ *stage, req *rotation.Intent) { req.RotateRegistries = false }},
		"the drain window passes": {
			mend: func(s *stage, _ *rotation.Intent) {
				s.cluster.Registry().RefuseUpdates(0)
				s.Clock().Advance(drainWindow)
			},
			carried: true,
		},
		"the drain window passes, and there is no state": {
			mend: func(s *stage, req *rotation.Intent) {
				s.cluster.Registry().RefuseUpdates(0)
				s.Clock().Advance(drainWindow)
				req.Record = nil
			},
			carried: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.cluster.Registry().RefuseUpdates(400)
			outcome, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryHolderNotUpdated, "run with the new access key "+outcome.AccessKeyID, refused,
				s.key.ID+" is still stored", "after "+outcome.DeployedAt.Add(drainWindow).Format(time.RFC3339), "ignored_holders",
				"HTTP 400: Updates are refused")
			if outcome == nil || outcome.DeployedAt.IsZero() || !outcome.Unfinished || len(outcome.Holders) != 1 {
				t.Errorf("outcome %+v", outcome)
			}
			if !strings.Contains(s.journal(), "phase=deployed") {
				t.Errorf("the journal is %q", s.journal())
			}

			req := s.request()
			req.Record = outcome
			again, err := s.rotate(req)
			checkProblem(t, err, rotation.SummaryHolderNotUpdated, refused)
			if again.AccessKeyID != outcome.AccessKeyID || !again.DeployedAt.Equal(outcome.DeployedAt) {
				t.Errorf("outcome %+v, then %+v", outcome, again)
			}
			s.checkKeys(s.key.ID, outcome.AccessKeyID)
			s.checkDeployed(s.cluster, outcome.AccessKeyID)

			if test.carried {
				// A user cannot have three keys, so the registry is without one for some seconds.
				s.tolerateHandover(s.key.ID, s.cluster.Registry())
			}
			test.mend(s, &req)
			mended := s.mustRotate(req)
			if got := s.set.AccessKeyID(); got != mended.AccessKeyID || mended.Unfinished {
				t.Errorf("Qovery holds %s, outcome %+v", got, mended)
			}
			if !test.carried {
				if mended.AccessKeyID != outcome.AccessKeyID || mended.PreviousAccessKeyID != s.key.ID {
					t.Errorf("outcome %+v, in the end %+v", outcome, mended)
				}
				s.checkDeployed(s.cluster, outcome.AccessKeyID)
				return
			}
			if mended.PreviousAccessKeyID != outcome.AccessKeyID || s.cluster.Registry().AccessKeyID() != mended.AccessKeyID {
				t.Errorf("outcome %+v, in the end %+v", outcome, mended)
			}
			s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
			s.checkDeployed(s.cluster, outcome.AccessKeyID, mended.AccessKeyID)
		})
	}
}

// leaveRegistryBehind rotates while the cluster's registry refuses the new key, and lets the drain window pass.
func (s *stage) leaveRegistryBehind() *rotation.Record {
	s.t.Helper()
	registry := s.cluster.Registry()
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(s.t, err, rotation.SummaryHolderNotUpdated)
	registry.RefuseUpdates(0)
	s.Clock().Advance(drainWindow)
	return outcome
}

// TestRotateCarriesAgainAfterAFailure has the rotation that is to serve a registry fail before its cutover.
func TestRotateCarriesAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	outcome := s.leaveRegistryBehind()
	s.tolerateHandover(s.key.ID, s.cluster.Registry())

	s.set.RefuseUpdates(400)
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryRefused, "is still stored in container registry")
	s.set.RefuseUpdates(0)
	s.tolerateHandover(s.cluster.Registry().AccessKeyID(), s.cluster.Registry())

	mended := s.mustRotate(s.request())
	if s.cluster.Registry().AccessKeyID() != mended.AccessKeyID || s.set.AccessKeyID() != mended.AccessKeyID {
		t.Errorf("Qovery holds %s, the registry has %s, want %s", s.set.AccessKeyID(), s.cluster.Registry().AccessKeyID(), mended.AccessKeyID)
	}
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
}

// TestRotateLeavesARegistryBehindTwice has the repair of a registry fail as well. The registry is without a key until the next
// one, which begins at once.
func TestRotateLeavesARegistryBehindTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.tolerateHandover(s.key.ID, registry)
	images := s.org.AddRegistry("images", "ECR", s.key)
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, "Both keys work")

	// Without a stale holder that takes the new key there is no reason for a cutover.
	s.Clock().Advance(drainWindow)
	again, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, "No stale holder")
	if again != nil || s.set.AccessKeyID() != outcome.AccessKeyID {
		t.Errorf("Qovery holds %s, outcome %+v", s.set.AccessKeyID(), again)
	}
	s.checkKeys(outcome.AccessKeyID)

	registry.RefuseUpdates(0)
	mended := s.mustRotate(s.request())
	if got := registry.AccessKeyID(); got != mended.AccessKeyID || images.AccessKeyID() != got || mended.Unfinished {
		t.Errorf("the registries have %s and %s, outcome %+v", got, images.AccessKeyID(), mended)
	}
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
}

// TestRotateLeavesCredentialsBehind has other credentials with the same key refuse the new one, and repairs them when the key
// is drained.
func TestRotateLeavesCredentialsBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("stage", "eu-west-1", second)
	second.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated, `credentials "staging"`)
	s.checkDeployed(s.cluster, outcome.AccessKeyID)

	second.RefuseUpdates(0)
	s.Clock().Advance(24 * time.Hour)
	s.tolerateHandover(s.key.ID, &second.Holder)
	req := s.request()
	req.Record = outcome
	mended := s.mustRotate(req)
	s.checkKeys(outcome.AccessKeyID, mended.AccessKeyID)
	if got := second.AccessKeyID(); got != mended.AccessKeyID || mended.Unfinished {
		t.Errorf("the second set has %s, outcome %+v", got, mended)
	}
	s.checkDeployed(cluster, mended.AccessKeyID)
}

// TestRotateIsPatient has Qovery refuse requests for a while because they are too many, or fail to serve a registry.
func TestRotateIsPatient(t *testing.T) {
	t.Parallel()
	tests := map[string]simulator.Fault{
		"cutover":    {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpEditAWSCredentials)},
		"registry":   {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpEditRegistry)},
		"deployment": {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpDeployCluster)},
		"outage":     {Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpEditRegistry)},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			fault.Times = 20
			s.Inject(fault)
			s.checkRotated(s.mustRotate(s.request()))
		})
	}
}

// TestRotateDeletesNoKeyOfSomebodyElse has a key appear whose creation was not this run's, when an answer is lost.
func TestRotateDeletesNoKeyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		create  func(s *stage) *simulator.AccessKey
		summary string
	}{
		"older": {func(s *stage) *simulator.AccessKey {
			return s.user.AddKeyCreated(s.Clock().Now().Add(-time.Hour))
		}, rotation.SummaryForeignKey},
		"in use": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			key.MarkUsed("s3", "eu-west-3")
			return key
		}, rotation.SummaryForeignKey},
		"in Qovery": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			s.org.AddCredentials("staging", key)
			return key
		}, rotation.SummaryKeyInUse},
		"in a DNS provider": {func(s *stage) *simulator.AccessKey {
			key := s.user.AddKey()
			s.cluster.SetRoute53DNS(key)
			return key
		}, rotation.SummaryKeyInUse},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var key *simulator.AccessKey
			s.Inject(simulator.Fault{
				Kind: simulator.FaultCallInstead, Match: simulator.Operation(createAccessKey), Call: func(simulator.Request) { key = test.create(s) },
			})
			_, err := s.rotate(s.request())
			checkProblem(t, err, test.summary, key.ID)
			if !key.Active() {
				t.Error("the key is gone")
			}
			if got := s.sent("DeleteAccessKey"); got != 0 {
				t.Errorf("%d keys were deleted", got)
			}
		})
	}
}

// TestRotateDeploysAClusterThatWasAttachedMeanwhile has a cluster appear between the decision and the cutover.
func TestRotateDeploysAClusterThatWasAttachedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var cluster *simulator.Cluster
	s.Before(simulator.OpEditAWSCredentials, func(simulator.Request) { cluster = s.org.AddCluster("late", "eu-west-3", s.set) })
	outcome := s.mustRotate(s.request())
	s.checkDeployed(cluster, outcome.AccessKeyID)
}

// TestRotateTakesUpWhatTheJournalDoesNotTell resumes from the state alone.
func TestRotateTakesUpWhatTheJournalDoesNotTell(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	s.user.RemoveTag(s.journalTag())
	req := s.request()
	req.Record = outcome

	s.DenyAction("iam:TagUser")
	got, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryJournal, "Qovery holds "+outcome.AccessKeyID, "iam:TagUser")
	if got != nil {
		t.Errorf("outcome %+v", got)
	}
	s.checkDeployed(s.cluster, outcome.AccessKeyID)

	s.AllowAction("iam:TagUser")
	req.Record.RotatedAt = time.Time{} // as after a rotation by hand
	var journal string
	s.Before(simulator.OpDeployCluster, func(simulator.Request) { journal = s.journal() })
	resumed := s.mustRotate(req)
	if !strings.Contains(journal, "from="+s.key.ID+" to="+outcome.AccessKeyID+" phase=deploying") {
		t.Errorf("the journal was %q during the deployment", journal)
	}
	if resumed.PreviousAccessKeyID != s.key.ID || resumed.AccessKeyID != outcome.AccessKeyID || resumed.RotatedAt.IsZero() {
		t.Errorf("outcome %+v", resumed)
	}
}

// TestRotateRecordsACutoverThatItFound resumes after a run that died right after the PUT, and somebody puts the old key back
// while a cluster runs with the new one.
func TestRotateRecordsACutoverThatItFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	found := s.user.AddKey()
	s.writeJournal(rotation.StageStoring, found.ID, time.Minute)
	s.set.SetKey(found)
	s.cluster.Registry().SetKey(found)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	if !strings.Contains(s.journal(), "phase=deploying") || !strings.Contains(s.journal(), "cutover=") {
		t.Errorf("the journal is %q", s.journal())
	}
	s.set.SetKey(s.key)
	s.cluster.Registry().SetKey(s.key)
	_, err = s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryKeyChanged, "put "+s.key.ID+" back")
	s.checkKeys(s.key.ID, found.ID)
}

// TestRotateDeploysAfterAnotherRotationThanTheState resumes a rotation that the state knows nothing of: it is from the one
// before, which left a registry behind and deployed all clusters with a key that is replaced since.
func TestRotateDeploysAfterAnotherRotationThanTheState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.tolerateHandover(s.key.ID, s.cluster.Registry())
	outcome := s.leaveRegistryBehind()

	req := s.request()
	req.Record = outcome
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	again, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryDeployment)
	mended := s.mustRotate(req) // with the state from before
	s.checkDeployed(s.cluster, outcome.AccessKeyID, again.AccessKeyID, again.AccessKeyID)
	if mended.AccessKeyID != again.AccessKeyID || mended.PreviousAccessKeyID != outcome.AccessKeyID {
		t.Errorf("outcome %+v, want one from %s to %s", mended, outcome.AccessKeyID, again.AccessKeyID)
	}
}

// TestRotateDeletesTheKeyOfAnAttemptToMakeUp has a person mend a registry that was left behind, after the rotation that was
// to do it died before its cutover.
func TestRotateDeletesTheKeyOfAnAttemptToMakeUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	registry.RefuseUpdates(400)
	outcome, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryHolderNotUpdated)
	req := s.request()
	req.Record = outcome
	req.IgnoredHolders = []string{registry.ID}
	s.Clock().Advance(drainWindow)

	// The attempt retired the drained key and created another one.
	s.Expendable(s.key)
	s.tolerateHandover(s.key.ID, registry)
	s.key.Delete()
	stray := s.user.AddKey()
	s.Expendable(stray)
	journal := rotation.Journal{
		From: outcome.AccessKeyID, To: stray.ID, Before: []string{s.key.ID}, Stage: rotation.StageVerifying, At: s.Clock().Now(),
	}
	s.user.SetTag(s.journalTag(), journal.String())

	s.DenyAction("iam:DeleteAccessKey")
	_, err = s.rotate(req)
	checkProblem(t, err, rotation.SummaryForbidden, stray.ID+" of an interrupted rotation could not be deleted")
	s.AllowAction("iam:DeleteAccessKey")
	mended := s.mustRotate(req)
	s.checkKeys(outcome.AccessKeyID)
	if mended.AccessKeyID != outcome.AccessKeyID || mended.PreviousAccessKeyID != s.key.ID {
		t.Errorf("outcome %+v", mended)
	}
}

// TestRotateRemembersARegistryThroughFailures has the rotation that is to serve a registry fail before and after it has
// announced itself, without a state that could remember the registry.
func TestRotateRemembersARegistryThroughFailures(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	s.tolerateHandover(s.key.ID, registry)
	s.leaveRegistryBehind()

	s.DenyAction("iam:TagUser")
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryJournal)
	s.AllowAction("iam:TagUser")
	// The next attempt dies, and two more are refused.
	died := rotation.Journal{From: s.set.AccessKeyID(), Before: []string{s.key.ID}, Stage: rotation.StageCreating, At: s.Clock().Now()}
	s.user.SetTag(s.journalTag(), died.String())
	s.set.RefuseUpdates(400)
	for range 2 {
		_, err = s.rotate(s.request())
		checkProblem(t, err, rotation.SummaryRefused, "is still stored in container registry")
		// The registry has the key of the attempt, which the journal names.
		if got := registry.AccessKeyID(); !strings.Contains(s.journal(), "to="+got) {
			t.Errorf("the registry has %s, the journal is %q", got, s.journal())
		}
		s.tolerateHandover(registry.AccessKeyID(), registry)
	}
	s.set.RefuseUpdates(0)
	mended := s.mustRotate(s.request())
	if got := registry.AccessKeyID(); got != mended.AccessKeyID {
		t.Errorf("the registry has %s, want %s", got, mended.AccessKeyID)
	}
}

// TestRotateVerifiesWithoutClusters has credentials that no cluster uses.
func TestRotateVerifiesWithoutClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	set := s.org.AddCredentials("spare", s.AddUser("spare").AddKey())
	req := s.request()
	req.CredentialsID = set.ID
	outcome := s.mustRotate(req)
	if got := set.AccessKeyID(); got != outcome.AccessKeyID || outcome.DeployedAt.IsZero() || len(outcome.Clusters) > 0 {
		t.Errorf("Qovery holds %s, outcome %+v", got, outcome)
	}
	if got := s.sent(getCallerIdentity); got < 5 {
		t.Errorf("the key was tried %d times", got)
	}
}
