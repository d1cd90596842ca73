package rotation

import (
	"testing"
	"time"
)

// leaked lists keys as compromised, and asks for nothing else.
func leaked(given func(s *situation), keys ...string) func(s *situation) {
	return func(s *situation) {
		given(s)
		s.Rotate, s.Compromised = false, keys
	}
}

// decisionsOfLeaks are about keys that are listed as compromised, and about keys of Qovery that do not work.
var decisionsOfLeaks = map[string]struct {
	given func(s *situation)
	want  string
}{
	"the current key":              {leaked(func(*situation) {}, keyA), "rotate A drain 0s"},
	"another key":                  {leaked(func(*situation) {}, keyX), "none"},
	"the current key, Inactive":    {leaked(func(s *situation) { s.Current.Active = false }, keyA), "rotate A drain 0s"},
	"the current key, gone":        {leaked((*situation).gone, keyA), "rotate A drain 0s"},
	"the current key, not ours":    {leaked(func(s *situation) { s.gone(); s.UserARN = "" }, keyA), refuses(ArgumentCredentialsID, SummaryCutOff)},
	"a key that the provider uses": {leaked(func(s *situation) { s.Current.Signs = true }, keyA), refuses(ArgumentNone, SummarySignsWithKey)},
	"the current key, while a run may be alive": {leaked(func(s *situation) {
		s.journal(StageCreating, "", ago(time.Minute))
	}, keyA), "wait until 09:02:00"},
	"the current key, and clusters that cannot be deployed": {leaked(func(s *situation) {
		s.lock("cluster-of-" + testCreds)
	}, keyA), "rotate A drain 0s"},
	"the current key, which secrets have": {leaked(func(s *situation) {
		s.stored(HolderSecretManager, "secrets", keyA)
	}, keyA), "rotate A drain 0s"},
	"the current key, and its registry is ignored": {leaked(func(s *situation) {
		s.stored(HolderContainerRegistry, "registry", keyA)
		s.IgnoredHolders = []string{"registry"}
	}, keyA), "rotate A drain 0s"},
	"the current key, in a drain window": {leaked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
	}, keyB), "rotate B drain 0s before A delete A (compromised)"},
	"the current key, with its rotation unfinished": {leaked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage = StageDeploying
		s.unfinished(time.Time{})
	}, keyB), "rotate B drain 0s before A delete A (compromised)"},
	"the current key, Inactive, in a drain window": {leaked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
		s.Current.Active = false
	}, keyB), "rotate B drain 0s before A delete A (compromised)"},
	"the current key, which somebody put back": {leaked(func(s *situation) {
		s.journal(StageDeployed, keyB, ago(time.Minute))
		s.other(keyB, ago(time.Hour), usedAtSix)
	}, keyA), "rotate A drain 0s before B delete B (compromised)"},
	"the current key, and a stale registry": {leaked(func(s *situation) {
		s.stale(ago(time.Minute))
		s.recorded()
	}, keyB), "rotate B drain 0s before A delete A (compromised) serve registry"},
	"the current key, and a stale registry that is not rotated": {leaked(func(s *situation) {
		s.stale(ago(time.Minute))
		s.recorded()
		s.RotateRegistries = false
	}, keyB), "rotate B drain 0s before A delete A (compromised) serve registry"},
	"the current key, while secrets have the previous one": {leaked(func(s *situation) {
		s.retired()
		s.stored(HolderSecretManager, "secrets", keyA)
	}, keyB), refuses(ArgumentTriggers, SummaryKeyInUse)},
	"the current key, beside a foreign one": {leaked(func(s *situation) {
		s.other(keyX, ago(time.Hour), usedAtSix)
	}, keyA), refuses(ArgumentIAMUserName, SummaryForeignKey)},
	"both keys": {leaked(func(s *situation) {
		s.other(keyX, ago(time.Hour), usedAtSix)
	}, keyA, keyX), "rotate A drain 0s before X delete X (compromised)"},
	"the previous key, and nothing asked for": {leaked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
	}, keyA), "none"},
	"the previous key, which the next apply stops": {leaked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
		s.Record.Unfinished = true
	}, keyA), "resume A to B deployed 08:59:00 cutover 08:59:00 drain 2h0m0s"},
	"the previous key, and a stale registry": {leaked(func(s *situation) {
		s.stale(ago(time.Minute))
		s.Journal.Stage = StageDeploying
		s.unfinished(time.Time{})
	}, keyA), "rotate B drain 2h0m0s before A delete A (compromised) serve registry"},
	"the previous key, and a rotation asked for": {func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
		s.Compromised = []string{keyA}
	}, "rotate B drain 2h0m0s before A delete A (compromised)"},

	"Qovery's key is Inactive": {func(s *situation) { s.Current.Active = false }, "rotate A drain 0s"},
	"Qovery's key is gone":     {(*situation).gone, "rotate A drain 0s"},
	"Qovery's key is Inactive in a drain window": {func(s *situation) {
		s.rotated(ago(time.Minute))
		s.recorded()
		s.Current.Active = false
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	"Qovery's key is Inactive after a drain window": {func(s *situation) {
		s.retired()
		s.Current.Active = false
		s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS")
	}, "rotate B drain 0s before A delete A (retired)"},
	"Qovery's key is gone, with its rotation unfinished": {func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage = StageDeploying
		s.unfinished(time.Time{})
		s.Keys = s.Keys[1:]
		s.Owner, s.Current = "", nil
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
}

func TestNextOfLeaks(t *testing.T) {
	for name, test := range decisionsOfLeaks {
		t.Run(name, func(t *testing.T) {
			s := newSituation()
			test.given(s)
			if got := short(Next(testNow, s.Intent, s.Snapshot)); got != test.want {
				t.Errorf("decided %q, want %q", got, test.want)
			}
		})
	}
}

// leaks are about key A, which leaked and was replaced by B a minute ago.
var leaks = []deletionCase{
	{"everything holds", func(*situation, *Deletion) {}, ""},
	{"the current key leaked, too", func(s *situation, _ *Deletion) { s.Compromised = []string{keyA, keyB} }, ""},
	{"the current key leaked, and this one is in its way", func(s *situation, _ *Deletion) { s.Compromised = []string{keyB} }, ""},
	{"the current key does not work, which this heals", func(s *situation, d *Deletion) { s.Current.Active, d.Heals = false, true }, ""},
	{"somebody uses it", func(s *situation, _ *Deletion) { s.Keys[1].LastUse.At = testNow }, ""},
	{"an environment is deployed", func(s *situation, _ *Deletion) { s.deploysSince(time.Time{}) }, ""},
	{"deployments cannot be read", func(s *situation, _ *Deletion) { s.DeploymentsError = ErrForbidden }, ""},
	{"a cluster does not accept the new key", func(s *situation, _ *Deletion) {
		s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS")
	}, ""},
	{"no key leaked", func(s *situation, _ *Deletion) { s.Compromised = nil }, SummaryRetire},
	{"another user", func(_ *situation, d *Deletion) { d.UserName = "somebody" }, SummaryWrongUser},
	{"the provider signs with it", func(s *situation, _ *Deletion) { s.Keys[1].Signs = true }, SummarySignsWithKey},
	{"Qovery holds it", func(s *situation, _ *Deletion) { s.Set.AccessKeyID, s.Current = keyA, &s.Keys[1] }, SummaryNotReplaced},
	{"the new key is Inactive", func(s *situation, _ *Deletion) { s.Current.Active = false }, SummaryNotReplaced},
}

// TestMayStopBeforeItMayDelete: a key that leaked is stopped although a holder stores it. All other checks are those of a
// deletion.
func TestMayStopBeforeItMayDelete(t *testing.T) {
	stored := deletionCase{"a registry has it", func(s *situation, _ *Deletion) { s.stored(HolderContainerRegistry, "registry", keyA) }, SummaryKeyInUse}
	for _, test := range append(leaks, stored) {
		t.Run(test.name, func(t *testing.T) {
			s, d := newSituation(), Deletion{AccessKeyID: keyA, UserName: testUser, Reason: ReasonCompromised}
			s.rotated(ago(time.Minute))
			s.Compromised = []string{keyA}
			test.given(s, &d)
			permit, problem := MayDelete(testNow, d, s.Snapshot)
			checkPermit(t, permit, problem, d, test.summary)

			stop, problem := MayStop(testNow, d, s.Snapshot)
			if allowed := problem == nil; allowed != (test.summary == "" || test.name == stored.name) || allowed != stop.stopsOnly {
				t.Errorf("the permit to stop the key is %+v, %v", stop, problem)
			}
		})
	}
}

// TestNothingElseIsStoppedBeforeItMayGo: a key that did not leak is not stopped.
func TestNothingElseIsStoppedBeforeItMayGo(t *testing.T) {
	s := newSituation()
	s.rotated(ago(150 * time.Minute))
	for reason := range checks {
		if permit, problem := MayStop(testNow, goesAfter(reason), s.Snapshot); problem == nil {
			t.Errorf("%q: %+v", reason, permit)
		}
	}
}
