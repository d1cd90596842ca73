package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestRotateIsCrowdedOut has somebody else create a key at the last moment.
func TestRotateIsCrowdedOut(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Before(createAccessKey, func(simulator.Request) { s.user.AddKey() })
	_, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryCreateKey, `Somebody else created a second access key for IAM user "qovery"`, "LimitExceeded")
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

// TestRotateStopsWhenTheJournalIsNotItsOwn changes the journal during a rotation, before its cutover.
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
			checkProblem(t, err, rotation.SummaryOtherRotation, `IAM user "qovery"`, "run Terraform again")
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

// TestRotateLeavesTheKeyOfAnotherRun loses the answer to the creation of a key while another run creates one.
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

// TestRotateIgnoresAnAnnouncementThatComesTooLate has another run overwrite the journal, and perhaps remove it, when the user
// already has two keys. That run cannot get a key.
func TestRotateIgnoresAnAnnouncementThatComesTooLate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *stage){
		"announced":     func(s *stage) { s.writeJournal(rotation.StageCreating, "", 0) },
		"taken back":    func(s *stage) { s.user.RemoveTag(s.journalTag()) },
		"the same text": func(*stage) {},
		"rolled back":   func(s *stage) { s.user.SetTag(s.journalTag(), s.journalBefore().String()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if name == "rolled back" {
				s.user.SetTag(s.journalTag(), s.journalBefore().String())
			}
			s.Before(getCallerIdentity, func(simulator.Request) { change(s) })
			outcome := s.mustRotate(s.request())
			s.checkRotated(outcome)
			if !strings.Contains(s.journal(), "to="+outcome.AccessKeyID) {
				t.Errorf("the journal is %q", s.journal())
			}
		})
	}
}

// journalBefore is the journal of a complete rotation to the stage's key, whose previous key is deleted.
func (s *stage) journalBefore() rotation.Journal {
	at := s.key.CreatedAt()
	return rotation.Journal{From: "AKIAIOSFODNN7EXAMPLE", To: s.key.ID, Stage: rotation.StageDeployed, At: at, CutoverAt: at}
}

// suspendedIAM has a process stand still once: right after it got its new key, or after an entry of its journal.
type suspendedIAM struct {
	rotation.IAM
	after     string
	meanwhile *sync.Once
	happens   func()
}

// CreateAccessKey implements [rotation.IAM].
func (i suspendedIAM) CreateAccessKey(ctx context.Context, userName string) (rotation.NewAccessKey, error) {
	key, err := i.IAM.CreateAccessKey(ctx, userName)
	if i.after == createAccessKey {
		i.meanwhile.Do(i.happens)
	}
	return key, err
}

// TagUser implements [rotation.IAM].
func (i suspendedIAM) TagUser(ctx context.Context, userName, key, value string) error {
	err := i.IAM.TagUser(ctx, userName, key, value)
	if strings.Contains(value, i.after) {
		i.meanwhile.Do(i.happens)
	}
	return err
}

// TestRotateIsTakenOver has a process stand still for so long that another run takes it for dead.
func TestRotateIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"phase=creating", createAccessKey, "phase=verifying", "phase=storing"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var outcome *rotation.Record
			second := s.process()
			first := s.processWith(func(iam rotation.IAM) rotation.IAM {
				return suspendedIAM{iam, after, &sync.Once{}, func() {
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
		})
	}
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
				// A run that waits too long for the other one is rolled back. The next run is not affected.
				t.Logf("both fail: %s; %s", errs[0], errs[1])
				s.checkDeployed(s.cluster)
				s.Clock().Advance(10 * time.Minute)
				s.checkRotated(s.mustRotate(s.request()))
				return
			}
			s.checkKeys(s.key.ID, outcomes[winner].AccessKeyID)
			if errs[loser] == nil {
				// A run after the cutover of the other one resumes that rotation.
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

// TestRotateWaitsForARunThatMayBeAlive finds the young journal of a run before its cutover.
func TestRotateWaitsForARunThatMayBeAlive(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// age is the age of the journal. meanwhile happens 65 seconds later.
		age       time.Duration
		meanwhile func(s *stage)
		// summary is empty if the rotation succeeds. Then first is when something is first changed.
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

// watchedIAM calls functions before and after the user is read.
type watchedIAM struct {
	rotation.IAM
	before, after func()
}

// User implements [rotation.IAM].
func (i watchedIAM) User(ctx context.Context, userName string) (rotation.User, error) {
	i.before()
	user, err := i.IAM.User(ctx, userName)
	i.after()
	return user, err
}

// TestRotateMeetsARunThatStores has a second run look while the first one has made its cutover, and its registry still has the
// previous key. The second run reads the journal before the first one goes on, or after it has finished with the registry.
func TestRotateMeetsARunThatStores(t *testing.T) {
	t.Parallel()
	for _, journalRead := range []string{"before", "after"} {
		t.Run(journalRead, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			stored, registriesRead, userRead := make(chan struct{}), make(chan struct{}), make(chan struct{})
			closeUser := sync.OnceFunc(func() { close(userRead) })
			first := s.processWith(func(iam rotation.IAM) rotation.IAM {
				return suspendedIAM{iam, "phase=deploying", &sync.Once{}, func() { close(stored) }}
			})
			second := s.processWith(func(iam rotation.IAM) rotation.IAM {
				wait := func() {}
				if journalRead == "after" {
					wait = func() { <-stored }
					closeUser()
				}
				return watchedIAM{iam, wait, closeUser}
			})
			req := s.request()
			req.UserName, req.Record = s.user.Name, &rotation.Record{AccessKeyID: s.key.ID}
			var group sync.WaitGroup
			s.After(simulator.OpEditAWSCredentials, func(simulator.Request) {
				s.After(simulator.OpListRegistries, func(simulator.Request) { close(registriesRead) })
				group.Go(func() {
					if _, err := second.Rotate(t.Context(), req); err != nil {
						t.Errorf("the second run: %s", err)
					}
				})
				<-registriesRead
				<-userRead
			})
			outcome, err := first.Rotate(t.Context(), req)
			if err != nil {
				t.Fatalf("the first run: %s", err)
			}
			group.Wait()
			// The second run deploys the cluster once more, which does no harm.
			s.checkKeys(s.key.ID, outcome.AccessKeyID)
			if got := s.cluster.Registry().AccessKeyID(); got != outcome.AccessKeyID {
				t.Errorf("the registry has %s, want %s", got, outcome.AccessKeyID)
			}
		})
	}
}

// TestRotateStandsStill has a run without a state stand still right before each request up to its first change in turn, while
// another run without a state rotates. Whatever becomes of the first run, the journal must explain both keys to a third one.
func TestRotateStandsStill(t *testing.T) {
	t.Parallel()
	for number, before := 1, true; before; number++ {
		s := newStage(t)
		var other, err any
		s.Inject(simulator.Fault{Kind: simulator.FaultCallBefore, At: number, Call: func(request simulator.Request) {
			before = request.Operation != createAccessKey
			other, err = s.rotate(s.request())
		}})
		outcome, firstErr := s.rotate(s.request())
		third, thirdErr := s.rotate(s.request())
		if thirdErr != nil || third.AccessKeyID != s.set.AccessKeyID() || third.PreviousAccessKeyID != s.key.ID || len(s.user.Keys()) != 2 {
			t.Errorf("request %d: the first run ends with %+v, %v, the second with %+v, %v, the third with %+v, %v", number, outcome, firstErr,
				other, err, third, thirdErr)
		}
	}
}
