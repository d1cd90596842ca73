package rotation

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	keyA     = "AKIAAAAAAAAAAAAAAAAA" // the key that is rotated
	keyB     = "AKIABBBBBBBBBBBBBBBB" // the key that a rotation creates
	keyX     = "AKIAXXXXXXXXXXXXXXXX" // a key that this resource knows nothing about
	testUser = "qovery"
)

// testNow is the present of tests of pure functions.
var testNow = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return testNow.Add(-d) }

// problemOf returns the error as a Problem, and an empty one if it is none.
func problemOf(t *testing.T, err error) *Problem {
	t.Helper()
	problem, ok := errors.AsType[*Problem](err)
	if err != nil && !ok {
		t.Fatalf("error of type %T: %s", err, err)
	}
	if problem == nil {
		return &Problem{}
	}
	return problem
}

// checkProblem compares a problem with a summary and looks for facts in its details.
func checkProblem(t *testing.T, err error, summary string, facts ...string) {
	t.Helper()
	problem := problemOf(t, err)
	if problem.Summary != summary {
		t.Fatalf("problem %q (%v), want %q", problem.Summary, err, summary)
	}
	for _, fact := range facts {
		if !strings.Contains(problem.Detail(), fact) {
			t.Errorf("the details do not tell %q:\n%s", fact, problem.Detail())
		}
	}
	if summary != "" && (problem.Cause == "" || problem.Advice == "") {
		t.Errorf("a problem without a cause or a next step: %+v", problem)
	}
}

// situation is what Decide decides about. It starts as the normal case: Qovery holds the user's only key.
type situation struct {
	Request
	*Observation
	watched *Journal
}

func newSituation() *situation {
	cluster := Cluster{ID: "c1", Name: "prod", Region: "eu-west-3"}
	return &situation{
		Request: Request{
			Target: Target{OrganizationID: "org", CredentialsID: "creds", UserName: testUser},
			Owner:  "me", Rotate: true, RotateRegistries: true, DrainWindow: 2 * time.Hour,
		},
		Observation: &Observation{
			Organization: Organization{ID: "org"},
			Set:          CredentialsSet{ID: "creds", Name: "production", Type: CredentialsTypeStatic, AccessKeyID: keyA},
			Owner:        testUser,
			User:         User{Name: testUser},
			Current:      &AccessKey{ID: keyA, Active: true, CreatedAt: ago(90 * 24 * time.Hour)},
			Holders:      []Holder{{Kind: HolderCredentials, ID: "creds", Name: "production", AccessKeyID: keyA}},
			Clusters:     []Cluster{cluster},
			Statuses:     map[string]ClusterStatus{"c1": {ClusterID: "c1", State: "DEPLOYED", IsDeployed: true}},
		},
	}
}

// hold has Qovery hold another key.
func (s *situation) hold(accessKeyID string) {
	s.Set.AccessKeyID, s.Current.ID, s.Holders[0].AccessKeyID = accessKeyID, accessKeyID, accessKeyID
}

// other gives the user a second key.
func (s *situation) other(accessKeyID string, createdAt time.Time, use LastUse) {
	s.Others = append(s.Others, OtherKey{AccessKey: AccessKey{ID: accessKeyID, Active: true, CreatedAt: createdAt}, LastUse: use})
}

// journal leaves a journal of a rotation that replaces key A.
func (s *situation) journal(owner string, phase JournalPhase, to string, at time.Time) {
	s.Journal = &Journal{CredentialsID: "creds", Owner: owner, From: keyA, To: to, Phase: phase, At: at}
	if phase == JournalDeploying || phase == JournalDeployed {
		s.Journal.CutoverAt = at
	}
}

// watch has the journal watched.
func (s *situation) watch() {
	watched := *s.Journal
	s.watched = &watched
}

// draining is the situation after a rotation from A to B.
func (s *situation) draining(until time.Time) {
	s.hold(keyB)
	s.other(keyA, ago(90*24*time.Hour), LastUse{At: ago(time.Hour), Service: "eks", Region: "eu-west-3"})
	s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(3 * time.Hour), DrainEndsAt: until}
}

// leftBehind is the situation after a rotation from A to B that deployed its clusters and did not reach a registry.
func (s *situation) leftBehind(deployedAt time.Time) {
	s.hold(keyB)
	s.other(keyA, ago(90*24*time.Hour), LastUse{At: ago(time.Hour), Service: "ecr", Region: "eu-west-3"})
	s.journal("other", JournalDeployed, keyB, deployedAt)
	s.Journal.CutoverAt = ago(4 * time.Hour)
	s.Holders = append(s.Holders, Holder{Kind: HolderContainerRegistry, ID: "r", AccessKeyID: keyA})
}

// leftBehindTwice is the situation after another rotation, from B to X, that was to serve that registry and did not either.
func (s *situation) leftBehindTwice(deployedAt time.Time) {
	s.leftBehind(deployedAt)
	s.hold(keyX)
	s.Others[0].ID = keyB
	s.Journal.Before, s.Journal.From, s.Journal.To = keyA, keyB, keyX
	if deployedAt.IsZero() {
		s.Journal.Phase, s.Journal.At = JournalDeploying, s.Journal.CutoverAt
	}
}

// makingUp is the situation after that other rotation died before its cutover; the state tells what B replaced.
func (s *situation) makingUp(previous string) {
	s.leftBehind(ago(3 * time.Hour))
	s.Others = nil
	s.other(keyX, ago(time.Minute), LastUse{})
	s.Journal = &Journal{CredentialsID: "creds", Owner: "me", From: keyB, To: keyX, Before: keyA, Phase: JournalVerifying, At: ago(time.Minute)}
	s.Record = &Record{
		AccessKeyID: keyB, PreviousAccessKeyID: previous, RotatedAt: ago(4 * time.Hour), DeployedAt: ago(3 * time.Hour), Deploying: true,
	}
}

func (s *situation) status(state string, isDeployed bool) {
	s.Statuses["c1"] = ClusterStatus{ClusterID: "c1", State: state, IsDeployed: isDeployed}
}

func TestDecide(t *testing.T) {
	rotate := Decision{Action: ActionRotate, From: keyA}
	rotateDrained := func(endedAt time.Time) Decision {
		return Decision{Action: ActionRotate, From: keyB, Previous: keyA, Drained: keyA, DrainEndsAt: endedAt}
	}
	rotateWithout := func(stray string) Decision { return Decision{Action: ActionRotate, From: keyA, Stray: stray} }
	watch := Decision{Action: ActionWatch, WatchFor: 2 * time.Minute, From: keyA}
	nothing := Decision{Action: ActionNone, From: keyA}
	resume := func(at time.Time) Decision {
		return Decision{Action: ActionResume, From: keyA, To: keyB, CutoverAt: at}
	}
	cutoverAt := ago(4 * time.Hour)
	resumeDeployed := func(at time.Time) Decision {
		return Decision{Action: ActionResume, From: keyA, To: keyB, CutoverAt: cutoverAt, DeployedAt: at}
	}
	carryAgain := func(drained string, deployedAt time.Time) Decision {
		d := Decision{Action: ActionRotate, From: keyB, Previous: keyA, CarryAgain: true, Drained: drained}
		if drained != "" {
			d.DrainEndsAt = deployedAt.Add(2 * time.Hour)
		}
		return d
	}
	verified := LastUse{At: ago(time.Minute), Service: "sts", Region: "eu-west-3"}
	used := LastUse{At: ago(time.Minute), Service: "eks", Region: "eu-west-3"}

	tests := map[string]struct {
		given func(s *situation)
		want  Decision
	}{
		// no journal; Qovery holds A; the user has A
		"the normal case":    {func(*situation) {}, rotate},
		"nothing asked for":  {func(s *situation) { s.Rotate = false }, nothing},
		"the plan's key":     {func(s *situation) { s.Record = &Record{AccessKeyID: keyA} }, rotate},
		"user name not told": {func(s *situation) { s.UserName = "" }, rotate},
		"nothing asked for, though the provider signs with the key": {
			func(s *situation) { s.Rotate, s.SignsWithCurrent = false, true }, nothing,
		},
		"nothing asked for, though there is a stranger's key": {
			func(s *situation) { s.Rotate = false; s.other(keyX, ago(time.Hour), LastUse{}) }, nothing,
		},

		// journal from A; Qovery holds A; the user has A
		"stopped before the key": {func(s *situation) { s.journal("me", JournalCreating, "", ago(time.Minute)) }, rotate},
		"rolled back":            {func(s *situation) { s.journal("me", JournalVerifying, keyB, ago(time.Minute)) }, rotate},
		"another run that may be alive": {
			func(s *situation) { s.journal("other", JournalCreating, "", ago(time.Minute)) }, watch,
		},
		"another run that was watched": {
			func(s *situation) { s.journal("other", JournalCreating, "", ago(time.Minute)); s.watch() }, rotate,
		},
		"another run that began after the one that was watched": {func(s *situation) {
			s.journal("other", JournalCreating, "", ago(3*time.Minute))
			s.watch()
			s.Journal.At = ago(time.Second)
		}, watch},
		"another run, just under ten minutes old": {
			func(s *situation) { s.journal("other", JournalCreating, "", ago(10*time.Minute-time.Second)) }, watch,
		},
		"another run, ten minutes old": {func(s *situation) { s.journal("other", JournalCreating, "", ago(10*time.Minute)) }, rotate},
		"another run, by a clock that is ahead": {
			func(s *situation) { s.journal("other", JournalCreating, "", ago(-time.Hour)) }, watch,
		},

		// journal from A; Qovery holds A; the user has A and B
		"stray that the journal names, never used": {func(s *situation) {
			s.journal("me", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyB, ago(time.Minute), LastUse{})
		}, rotateWithout(keyB)},
		"stray that the journal names, verified": {func(s *situation) {
			s.journal("me", JournalVerifying, keyB, ago(24*time.Hour))
			s.other(keyB, ago(24*time.Hour), verified)
		}, rotateWithout(keyB)},
		"stray as old as the journal": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Hour))
			s.other(keyB, ago(time.Hour), LastUse{})
		}, rotateWithout(keyB)},
		"stray just inside the window, before": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Hour))
			s.other(keyB, ago(time.Hour+time.Minute-time.Second), LastUse{})
		}, rotateWithout(keyB)},
		"stray just inside the window, after": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Hour))
			s.other(keyB, ago(time.Hour-150*time.Second+time.Second), LastUse{})
		}, rotateWithout(keyB)},
		"stray of another run that may be alive": {func(s *situation) {
			s.journal("other", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyB, ago(time.Minute), LastUse{})
		}, Decision{Action: ActionWatch, WatchFor: 2 * time.Minute, From: keyA, Stray: keyB}},
		"stray of another run that was watched": {func(s *situation) {
			s.journal("other", JournalVerifying, keyB, ago(time.Minute))
			s.watch()
			s.other(keyB, ago(time.Minute), LastUse{})
		}, rotateWithout(keyB)},

		"stray on its way into Qovery, perhaps": {func(s *situation) {
			s.journal("me", JournalStoring, keyB, ago(2*time.Minute-time.Second))
			s.other(keyB, ago(3*time.Minute), verified)
		}, Decision{Action: ActionWatch, WatchFor: time.Second, From: keyA, Stray: keyB}},
		"stray on its way into Qovery, perhaps, by a clock that is ahead": {func(s *situation) {
			s.journal("me", JournalStoring, keyB, ago(-time.Minute))
			s.other(keyB, ago(time.Minute), verified)
		}, Decision{Action: ActionWatch, WatchFor: 2 * time.Minute, From: keyA, Stray: keyB}},
		"stray of another run, on its way into Qovery, perhaps": {func(s *situation) {
			s.journal("other", JournalStoring, keyB, ago(5*time.Minute))
			s.other(keyB, ago(5*time.Minute), verified)
		}, Decision{Action: ActionWatch, WatchFor: 2 * time.Minute, From: keyA, Stray: keyB}},
		"stray that did not get into Qovery": {func(s *situation) {
			s.journal("me", JournalStoring, keyB, ago(2*time.Minute))
			s.other(keyB, ago(3*time.Minute), verified)
		}, rotateWithout(keyB)},
		"stray that did not get into Qovery while it was watched": {func(s *situation) {
			s.journal("me", JournalStoring, keyB, ago(time.Minute))
			s.other(keyB, ago(3*time.Minute), verified)
			s.watch()
		}, rotateWithout(keyB)},

		// journal from A, past the cutover; Qovery holds A; the user has A
		"the old key was put back and the new one deleted": {func(s *situation) { s.journal("me", JournalDeploying, keyB, ago(time.Hour)) }, rotate},

		// journal from A; Qovery holds B; the user has A and B
		"stopped after the cutover, before that was recorded": {func(s *situation) {
			s.hold(keyB)
			s.journal("me", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyA, ago(time.Hour), used)
		}, resume(ago(time.Minute))},
		"stopped after the cutover": {func(s *situation) {
			s.hold(keyB)
			s.journal("me", JournalDeploying, keyB, ago(time.Minute))
			s.other(keyA, ago(time.Hour), used)
		}, resume(ago(time.Minute))},
		"stopped after the cutover, another run": {func(s *situation) {
			s.hold(keyB)
			s.journal("other", JournalDeploying, keyB, ago(time.Second))
			s.other(keyA, ago(time.Hour), used)
		}, resume(ago(time.Second))},
		"stopped after the cutover, nothing asked for": {func(s *situation) {
			s.Rotate = false
			s.hold(keyB)
			s.journal("me", JournalDeploying, keyB, ago(time.Minute))
		}, resume(ago(time.Minute))},
		"stopped after the cutover, the state is from before": {func(s *situation) {
			s.hold(keyB)
			s.journal("me", JournalDeploying, keyB, ago(time.Minute))
			s.Record = &Record{AccessKeyID: keyA}
		}, resume(ago(time.Minute))},
		"stopped after the cutover, the state knows": {func(s *situation) {
			s.hold(keyB)
			s.journal("me", JournalDeploying, keyB, ago(time.Minute))
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(time.Minute), Deploying: true}
		}, resume(ago(time.Minute))},
		"stopped after the cutover, the journal is gone": {func(s *situation) {
			s.hold(keyB)
			s.other(keyA, ago(time.Hour), used)
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(time.Minute), Deploying: true}
		}, resume(ago(time.Minute))},

		// the same, with clusters that are deployed and a holder that still has A
		"a holder is left and A drains": {
			func(s *situation) { s.leftBehind(ago(2*time.Hour - time.Second)) }, resumeDeployed(ago(2*time.Hour - time.Second)),
		},
		"a holder is left and A is drained": {
			func(s *situation) { s.leftBehind(ago(2 * time.Hour)) }, carryAgain(keyA, ago(2*time.Hour)),
		},
		"a holder is left and A is drained, nothing asked for": {
			func(s *situation) { s.leftBehind(ago(2 * time.Hour)); s.Rotate = false }, carryAgain(keyA, ago(2*time.Hour)),
		},
		"a holder is left and A is deleted": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.Others = nil }, carryAgain("", time.Time{}),
		},
		"a holder is left and A is drained, the state is from before": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.Record = &Record{AccessKeyID: keyA} }, carryAgain(keyA, ago(3*time.Hour)),
		},
		"a holder is left and A is drained, the journal is gone": {func(s *situation) {
			s.leftBehind(ago(3 * time.Hour))
			s.Record = &Record{
				AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: s.Journal.CutoverAt, DeployedAt: ago(3 * time.Hour), Deploying: true,
			}
			s.Journal = nil
		}, carryAgain(keyA, ago(3*time.Hour))},
		"the holder that is left is ignored": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.IgnoredHolders = []string{"r"} }, resumeDeployed(ago(3 * time.Hour)),
		},
		"the holder that is left takes no key": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.Holders[1].Kind = HolderDNSProvider }, resumeDeployed(ago(3 * time.Hour)),
		},
		"the holder that is left was mended": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.Holders[1].AccessKeyID = keyX }, resumeDeployed(ago(3 * time.Hour)),
		},
		"credentials that clusters live on are left": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.Holders[1].Kind = HolderCredentials }, resumeDeployed(ago(3 * time.Hour)),
		},
		"a rotation that was to serve the holder died": {func(s *situation) {
			s.hold(keyB)
			s.Journal = &Journal{CredentialsID: "creds", Owner: "me", From: keyB, Before: keyA, Phase: JournalCreating, At: ago(time.Minute)}
		}, Decision{Action: ActionRotate, From: keyB, Previous: keyA}},
		"a rotation that was to serve the holder died after its cutover": {
			func(s *situation) { s.leftBehindTwice(time.Time{}) },
			Decision{Action: ActionResume, From: keyB, To: keyX, Previous: keyA, CutoverAt: cutoverAt},
		},
		"a rotation that was to serve the holder died after its cutover, and is drained": {
			func(s *situation) { s.leftBehindTwice(ago(3 * time.Hour)) },
			Decision{Action: ActionRotate, From: keyX, Previous: keyA, CarryAgain: true, Drained: keyB, DrainEndsAt: ago(time.Hour)},
		},
		"a rotation that was to serve the holder died, and the holder is ignored": {
			func(s *situation) { s.makingUp(keyA); s.IgnoredHolders = []string{"r"} },
			Decision{
				Action: ActionResume, From: keyA, To: keyB, Previous: keyA, Stray: keyX, CutoverAt: cutoverAt, DeployedAt: ago(3 * time.Hour),
			},
		},
		"a rotation that was to serve the holder may be alive, and the holder is ignored": {
			func(s *situation) { s.makingUp(keyA); s.IgnoredHolders, s.Request.Owner = []string{"r"}, "another" },
			Decision{
				Action: ActionWatch, WatchFor: 2 * time.Minute, From: keyA, To: keyB, Previous: keyA, Stray: keyX, CutoverAt: cutoverAt,
				DeployedAt: ago(3 * time.Hour),
			},
		},
		"a rotation that was to serve a holder of an older key died": {
			func(s *situation) { s.makingUp("AKIAOLDER") },
			Decision{Action: ActionRotate, From: keyB, Previous: keyA, CarryAgain: true, Stray: keyX},
		},
		"a holder is left, and holders are not to be changed": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.RotateRegistries = false }, resumeDeployed(ago(3 * time.Hour)),
		},

		// no journal, or one of a rotation that ended; Qovery holds B; the state says that A is the previous key
		"drained":                {func(s *situation) { s.draining(ago(time.Second)) }, rotateDrained(ago(time.Second))},
		"drained at this moment": {func(s *situation) { s.draining(testNow) }, rotateDrained(testNow)},
		"drained and deleted": {
			func(s *situation) { s.draining(ago(time.Second)); s.Others = nil },
			Decision{Action: ActionRotate, From: keyB, Previous: keyA},
		},
		"drained, with the journal of the finished rotation": {func(s *situation) {
			s.draining(ago(time.Second))
			s.journal("me", JournalDeploying, keyB, ago(3*time.Hour))
		}, rotateDrained(ago(time.Second))},
		"drained, with the journal that another run just finished": {func(s *situation) {
			s.draining(ago(time.Second))
			s.journal("other", JournalDeploying, keyB, ago(time.Minute))
		}, rotateDrained(ago(time.Second))},
		"drained, with a journal that misses the cutover": {func(s *situation) {
			s.draining(ago(time.Second))
			s.journal("me", JournalVerifying, keyB, ago(3*time.Hour))
		}, rotateDrained(ago(time.Second))},
		"drained, by a window that is raised now": {func(s *situation) {
			s.draining(ago(2 * time.Hour))
			s.Record.DeployedAt, s.DrainWindow = ago(4*time.Hour), 3*time.Hour
		}, rotateDrained(ago(time.Hour))},
		"drained, by a window that is lowered now": {func(s *situation) {
			s.draining(ago(time.Second))
			s.Record.DeployedAt, s.DrainWindow = ago(4*time.Hour), time.Hour
		}, rotateDrained(ago(time.Second))},
		"draining, nothing asked for": {
			func(s *situation) { s.draining(ago(-time.Hour)); s.Rotate = false }, Decision{Action: ActionNone, From: keyB},
		},
		"draining, with the journal of the finished rotation, nothing asked for": {func(s *situation) {
			s.draining(ago(-time.Hour))
			s.Rotate = false
			s.journal("me", JournalDeploying, keyB, ago(3*time.Hour))
		}, Decision{Action: ActionNone, From: keyB}},

		// journals for other credentials of the same user
		"a dead rotation of other credentials": {
			func(s *situation) {
				s.OtherJournals = []Journal{{CredentialsID: "others", From: keyA, At: ago(10 * time.Minute)}}
			}, rotate,
		},
		"a live rotation of other credentials, nothing asked for": {func(s *situation) {
			s.Rotate = false
			s.OtherJournals = []Journal{{CredentialsID: "others", From: keyA, At: ago(time.Minute)}}
		}, nothing},

		// clusters
		"a cluster that is stopped and locked": {func(s *situation) {
			s.Statuses["c1"] = ClusterStatus{State: "STOPPED", IsDeployed: true, Lock: &ClusterLock{}}
		}, rotate},
		"a cluster that was never deployed": {func(s *situation) { s.status("READY", false) }, rotate},
		"a cluster that is being deployed":  {func(s *situation) { s.status("DEPLOYING", true) }, rotate},
		"a cluster that failed":             {func(s *situation) { s.status("DEPLOYMENT_ERROR", true) }, rotate},
		"a locked cluster, nothing asked for": {func(s *situation) {
			s.Rotate = false
			s.Statuses["c1"] = ClusterStatus{State: "DEPLOYED", IsDeployed: true, Lock: &ClusterLock{}}
		}, nothing},
		"a restricted organization without clusters": {func(s *situation) {
			s.Organization.DeploymentRestriction, s.Clusters = "NO_CREDIT_CARD", nil
		}, rotate},

		"clusters whose statuses were not read": {func(s *situation) { s.Statuses = nil }, rotate},

		// holders
		"holders that take the key": {func(s *situation) {
			s.Holders = append(s.Holders,
				Holder{Kind: HolderContainerRegistry, ID: "r", AccessKeyID: keyA}, Holder{Kind: HolderHelmRepository, ID: "h", AccessKeyID: keyA})
		}, rotate},
		"ignored holder that does not take the key": {func(s *situation) {
			s.IgnoredHolders = []string{"v"}
			s.Holders = append(s.Holders, Holder{Kind: HolderVSphereCredentials, ID: "v", AccessKeyID: keyA})
		}, rotate},
		"holder of another key that would not take one": {
			func(s *situation) {
				s.Holders = append(s.Holders, Holder{Kind: HolderDNSProvider, ID: "d", AccessKeyID: keyX})
			}, rotate,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSituation()
			test.given(s)
			got, err := Decide(testNow, s.Request, s.Observation, s.watched)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("decided %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDecideRefuses(t *testing.T) {
	used := LastUse{At: ago(time.Minute), Service: "eks", Region: "eu-west-3"}
	uncarriable := []Holder{
		{Kind: HolderVSphereCredentials, ID: "v", Name: "datacenter", AccessKeyID: keyA},
		{Kind: HolderDNSProvider, ID: "d", Name: "acme.example", AccessKeyID: keyA},
		{Kind: HolderSecretManager, ID: "m", Name: "secrets", AccessKeyID: keyA},
	}
	tests := map[string]struct {
		given    func(s *situation)
		summary  string
		argument Argument
		facts    []string
	}{
		// no journal; Qovery holds A; the user has A and X
		"a stranger's key": {
			func(s *situation) { s.other(keyX, ago(50*time.Hour), used) },
			SummaryStrangerKey, ArgumentIAMUserName,
			[]string{
				keyX, "Active", "2 days old", "last used at 2027-01-04T08:59:00Z for eks in eu-west-3",
				"aws iam delete-access-key --user-name qovery --access-key-id " + keyX,
			},
		},
		"a stranger's key, Inactive and never used": {
			func(s *situation) { s.other(keyX, ago(50*time.Hour), LastUse{}); s.Others[0].Active = false },
			SummaryStrangerKey, ArgumentIAMUserName,
			[]string{"Inactive access key " + keyX, "was never used"},
		},
		"a key of another user than the journal's, while a run may be alive": {func(s *situation) {
			s.journal("other", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyX, ago(time.Hour), LastUse{})
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyX}},
		"the journal's key, used by somebody": {func(s *situation) {
			s.journal("me", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyB, ago(time.Minute), used)
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyB}},
		"the journal's key, stored by a holder": {func(s *situation) {
			s.journal("me", JournalVerifying, keyB, ago(time.Minute))
			s.other(keyB, ago(time.Minute), LastUse{})
			s.Holders = append(s.Holders, Holder{Kind: HolderContainerRegistry, ID: "r", AccessKeyID: keyB})
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyB}},
		"a second key that a registry has": {
			func(s *situation) {
				s.other(keyX, ago(time.Hour), used)
				s.Holders = append(s.Holders, Holder{Kind: HolderContainerRegistry, ID: "r", Name: "images", AccessKeyID: keyX})
			}, SummaryStrangerKey, ArgumentIAMUserName, []string{"Qovery needs " + keyX, `stored in container registry "images" (r)`},
		},
		"a key that is too old for the journal": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Hour))
			s.other(keyX, ago(time.Hour+time.Minute), LastUse{})
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyX}},
		"a key that is too young for the journal": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Hour))
			s.other(keyX, ago(time.Hour-150*time.Second), LastUse{})
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyX}},
		"a key of the journal's time that was used": {func(s *situation) {
			s.journal("me", JournalCreating, "", ago(time.Minute))
			s.other(keyX, ago(time.Minute), LastUse{At: ago(time.Minute), Service: "sts"})
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyX}},

		// no journal; Qovery holds B; the user has A and B
		"lost state": {func(s *situation) {
			s.hold(keyB)
			s.other(keyA, ago(time.Hour), used)
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyA, keyB}},
		"somebody else's rotation": {func(s *situation) {
			s.hold(keyB)
			s.other(keyA, ago(time.Hour), used)
			s.Record = &Record{AccessKeyID: keyA}
		}, SummaryKeyChanged, ArgumentNone, []string{"holds access key " + keyB, "made for " + keyA, "plan again"}},

		// section 4: the previous key still drains
		"draining": {
			func(s *situation) { s.draining(ago(-time.Second)) },
			SummaryStillDraining, ArgumentTriggers,
			[]string{keyA, "until 2027-01-04T09:00:01Z", "rotate from 2027-01-04T09:00:01Z on"},
		},
		"draining, by a window that is raised now": {func(s *situation) {
			s.draining(ago(time.Second))
			s.Record.DeployedAt, s.DrainWindow = ago(2*time.Hour), 3*time.Hour
		}, SummaryStillDraining, ArgumentTriggers, []string{"until 2027-01-04T10:00:00Z"}},
		"never deployed": {
			func(s *situation) { s.draining(time.Time{}) },
			SummaryStillDraining, ArgumentTriggers,
			[]string{"were not deployed with " + keyB},
		},

		"a holder is left, and there is a stranger's key": {func(s *situation) {
			s.leftBehind(ago(3 * time.Hour))
			s.Others[0].ID = keyX
		}, SummaryStrangerKey, ArgumentIAMUserName, []string{keyX}},
		"a holder is left, and the provider signs with the key": {
			func(s *situation) { s.leftBehind(ago(3 * time.Hour)); s.SignsWithCurrent = true },
			SummarySignsWithKey, ArgumentNone,
			[]string{keyB},
		},

		// journal of a rotation that was undone
		"the old key was put back after the cutover": {func(s *situation) {
			s.journal("me", JournalDeploying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), used)
		}, SummaryKeyChanged, ArgumentNone, []string{
			"given access key " + keyB + " in place of " + keyA, "put the old key back",
			"aws iam delete-access-key --user-name qovery --access-key-id " + keyB, "--tag-keys qoveryrotation:creds",
		}},
		"the old key was put back, and the state knows the new one": {func(s *situation) {
			s.journal("me", JournalDeploying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), used)
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA}
		}, SummaryKeyChanged, ArgumentNone, []string{"put the old key back"}},
		"somebody replaced the key before its rotation was finished": {func(s *situation) {
			s.Rotate = false
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyX, Deploying: true}
		}, SummaryKeyChanged, ArgumentNone, []string{"holds access key " + keyA, "made for " + keyB}},
		"a rotation of other credentials": {
			func(s *situation) {
				s.OtherJournals = []Journal{{CredentialsID: "others", From: keyA, At: ago(10*time.Minute - time.Second)}}
			},
			SummaryOtherRotation, ArgumentNone,
			[]string{"credentials others", "since 2027-01-04T08:50:01Z"},
		},

		"a dead rotation of other credentials, whose key is there": {func(s *situation) {
			s.other(keyB, ago(24*time.Hour), LastUse{})
			s.OtherJournals = []Journal{{CredentialsID: "others", From: keyA, To: keyB, At: ago(24 * time.Hour)}}
		}, SummaryOtherRotation, ArgumentNone, []string{"credentials others"}},

		// any journal; Qovery holds X; the user does not have X
		"another user's key": {
			func(s *situation) { s.Observation.Owner, s.Current = "somebody", nil },
			SummaryWrongUser, ArgumentIAMUserName,
			[]string{keyA, `belongs to IAM user "somebody", not to "qovery"`},
		},
		"another user's key, nothing asked for": {
			func(s *situation) { s.Observation.Owner, s.Current, s.Rotate = "somebody", nil, false },
			SummaryWrongUser, ArgumentIAMUserName,
			[]string{keyA},
		},
		"nobody's key": {
			func(s *situation) { s.Observation.Owner, s.Current = "", nil },
			SummaryCutOff, ArgumentCredentialsID,
			[]string{keyA + `, which is not a key of IAM user "qovery"`},
		},
		"nobody's key, user name not told": {
			func(s *situation) { s.UserName, s.Observation.Owner, s.Current = "", "", nil },
			SummaryCutOff, ArgumentCredentialsID,
			[]string{keyA + ", which does not exist in the AWS account"},
		},
		// any journal; Qovery holds A; A is Inactive
		"an Inactive key": {
			func(s *situation) { s.Current.Active = false },
			SummaryCutOff, ArgumentCredentialsID,
			[]string{keyA + ", which is Inactive", "reactivate this one"},
		},
		"an Inactive key after the cutover": {func(s *situation) {
			s.hold(keyB)
			s.Current.Active = false
			s.journal("me", JournalDeploying, keyB, ago(time.Minute))
		}, SummaryCutOff, ArgumentCredentialsID, []string{keyB}},

		// preflight
		"credentials of a role": {
			func(s *situation) { s.Set.Type, s.Set.AccessKeyID, s.Current = "AWS_ROLE", "", nil },
			SummaryNotStatic, ArgumentCredentialsID,
			[]string{`"production" (creds)`, "AWS_ROLE", "nothing to rotate"},
		},
		"the provider signs with the key": {
			func(s *situation) { s.SignsWithCurrent = true },
			SummarySignsWithKey, ArgumentNone,
			[]string{keyA, "credentials of its own"},
		},
		"a locked cluster": {func(s *situation) {
			s.Statuses["c1"] = ClusterStatus{State: "DEPLOYED", IsDeployed: true, Lock: &ClusterLock{
				Owner: "Ada", Reason: "audit", LockedAt: ago(time.Hour),
			}}
		}, SummaryClusterLocked, ArgumentNone, []string{`cluster "prod" (c1)`, "locked by Ada since 2027-01-04T08:00:00Z (audit)"}},
		"a cluster that did not stop": {
			func(s *situation) { s.status("STOP_ERROR", true) },
			SummaryClusterState, ArgumentNone,
			[]string{`cluster "prod" (c1) is in state STOP_ERROR`},
		},
		"a cluster without a status": {
			func(s *situation) { delete(s.Statuses, "c1") },
			SummaryClusterState, ArgumentNone,
			[]string{`cluster "prod" (c1) is in state (none told by Qovery)`},
		},
		"a restricted organization": {
			func(s *situation) { s.Organization.DeploymentRestriction = "NO_CREDIT_CARD" },
			SummaryRestricted, ArgumentOrganizationID,
			[]string{"Organization org", `"NO_CREDIT_CARD"`},
		},
		"holders that would keep the key": {
			func(s *situation) { s.Holders = append(s.Holders, uncarriable...) },
			SummaryUncarriableHolder, ArgumentNone,
			[]string{
				`vsphere credentials "datacenter" (v)`, `dns provider "acme.example" (d)`, `secret manager access "secrets" (m)`,
				"ignored_holders",
			},
		},
		"one ignored holder among several": {func(s *situation) {
			s.Holders = append(s.Holders, uncarriable...)
			s.IgnoredHolders = []string{"v", "d"}
		}, SummaryUncarriableHolder, ArgumentNone, []string{`is also stored in secret manager access "secrets" (m). `}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSituation()
			test.given(s)
			decision, err := Decide(testNow, s.Request, s.Observation, s.watched)
			checkProblem(t, err, test.summary, test.facts...)
			if decision != (Decision{}) {
				t.Errorf("decided %+v all the same", decision)
			}
			problem := problemOf(t, err)
			if problem.Argument != test.argument {
				t.Errorf("the problem is about %q, want %q", problem.Argument, test.argument)
			}
			if !strings.Contains(problem.World, "nothing was changed") {
				t.Errorf("the problem tells of a world in which %s", problem.World)
			}
		})
	}
}

// TestDecideDeletesNothingUnknown puts every key that nobody vouches for into every situation with a journal.
func TestDecideDeletesNothingUnknown(t *testing.T) {
	for _, phase := range []JournalPhase{JournalCreating, JournalVerifying, JournalDeploying, JournalDeployed} {
		for _, holds := range []string{keyA, keyB} {
			for _, watched := range []bool{false, true} {
				s := newSituation()
				s.hold(holds)
				to := keyB
				if phase == JournalCreating {
					to = ""
				}
				s.journal("other", phase, to, ago(time.Hour))
				s.other(keyX, ago(24*time.Hour), LastUse{})
				if watched {
					s.watch()
				}
				decision, _ := Decide(testNow, s.Request, s.Observation, s.watched)
				if slices.Contains([]string{decision.Stray, decision.Drained}, keyX) {
					t.Errorf("phase %s, Qovery holds %s: decided %+v", phase, holds, decision)
				}
			}
		}
	}
}
