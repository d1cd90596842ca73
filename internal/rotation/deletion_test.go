package rotation

import (
	"slices"
	"testing"
	"time"
)

// deletionCase is a deletion that is refused with a summary, or allowed if summary is empty.
type deletionCase struct {
	name    string
	given   func(s *situation, d *Deletion)
	summary string
}

// goesAfter asks for the deletion of key A, whose drain window ended half an hour ago.
func goesAfter(reason Reason) Deletion {
	return Deletion{
		AccessKeyID: keyA, UserName: testUser, Reason: reason, DeleteAfter: ago(30 * time.Minute), RetireAt: ago(10 * time.Minute),
	}
}

// TestMayDelete has, for each reason, keys that may be deleted, and one for each check that fails.
func TestMayDelete(t *testing.T) {
	for reason, cases := range map[Reason][]deletionCase{
		ReasonRetired: slices.Concat(afterRotation, retiredOnly), ReasonRepair: slices.Concat(afterRotation, repairOnly),
		ReasonOrphan: orphans, ReasonCompensated: compensated,
	} {
		for _, test := range cases {
			t.Run(string(reason)+"/"+test.name, func(t *testing.T) {
				s, d := newSituation(), goesAfter(reason)
				if reason == ReasonRetired || reason == ReasonRepair {
					s.rotated(ago(150 * time.Minute))
				} else {
					s.other(keyB, ago(time.Hour), verified)
					s.journal(StageStoring, keyB, ago(time.Hour))
					d = Deletion{AccessKeyID: keyB, UserName: testUser, Reason: reason}
				}
				test.given(s, &d)
				permit, problem := MayDelete(testNow, d, s.Snapshot)
				checkPermit(t, permit, problem, d, test.summary)
			})
		}
	}
}

func checkPermit(t *testing.T, permit Permit, problem *Problem, d Deletion, summary string) {
	t.Helper()
	switch {
	case problem == nil && summary == "":
		want := Permit{userName: testUser, accessKeyID: d.AccessKeyID, reason: d.Reason}
		if permit != want || permit.UserName() != testUser || permit.AccessKeyID() != d.AccessKeyID {
			t.Errorf("the permit is %+v, want %+v", permit, want)
		}
	case problem == nil:
		t.Errorf("permitted, want %q", summary)
	case problem.Summary != summary:
		t.Errorf("refused because of %q, want %q", problem.Summary, summary)
	case permit != Permit{}:
		t.Errorf("refused with the permit %+v", permit)
	}
}

// afterRotation are about key A, which Qovery held before.
var afterRotation = []deletionCase{
	{"everything holds", func(*situation, *Deletion) {}, ""},
	{"drained at this moment", func(_ *situation, d *Deletion) { d.DeleteAfter, d.RetireAt = testNow, testNow }, ""},
	{"without a journal", func(s *situation, _ *Deletion) { s.Journal = nil }, ""},
	{"Inactive already", func(s *situation, _ *Deletion) { s.Keys[1].Active = false }, ""},
	{"never used", func(s *situation, _ *Deletion) { s.Keys[1].LastUse = neverUsed }, ""},
	{"an ignored holder has it", func(s *situation, d *Deletion) {
		s.stored(HolderDNSProvider, "dns", keyA)
		d.Ignored = []string{"dns"}
	}, ""},
	{"a holder that is served next has it", func(s *situation, d *Deletion) { s.staleRegistry(d, "cluster-of-others") }, ""},
	{"a registry that came with a cluster is ignored", func(s *situation, d *Deletion) {
		s.staleRegistry(d, "cluster-of-others")
		d.Served, d.Ignored = nil, d.Served
	}, SummaryKeyInUse},
	{"the new key is gone, which this heals", func(s *situation, d *Deletion) { s.Current, d.Heals = nil, true }, ""},
	{"the new key is Inactive, which this heals", func(s *situation, d *Deletion) { s.Current.Active, d.Heals = false, true }, ""},
	{"a cluster does not accept a new key that does not work", func(s *situation, d *Deletion) {
		s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS")
		s.Current.Active, d.Heals = false, true
	}, ""},
	{"it was put back, and does not work", func(s *situation, d *Deletion) {
		s.Set.AccessKeyID, s.Current, s.Journal, d.Heals = keyA, &s.Keys[1], nil, true
	}, SummaryNotReplaced},
	{"a journal for others that hold another key by now", func(s *situation, _ *Deletion) {
		s.credentials("others", keyX)
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	}, ""},
	{"others with an invalid cluster, of another key", func(s *situation, _ *Deletion) {
		s.credentials("others", keyX)
		s.status("cluster-of-others", "INVALID_CREDENTIALS")
	}, ""},

	{"another user", func(_ *situation, d *Deletion) { d.UserName = "somebody" }, SummaryWrongUser},
	{"not in the user's list", func(_ *situation, d *Deletion) { d.AccessKeyID = keyX }, SummaryWrongUser},
	{"the user is not there", func(s *situation, _ *Deletion) { s.User, s.Keys, s.UserMissing = User{}, nil, true }, SummaryWrongUser},
	{"no end of the drain window", func(_ *situation, d *Deletion) { d.DeleteAfter, d.RetireAt = time.Time{}, time.Time{} }, SummaryStillDraining},
	{"a cleanup keeps it", func(s *situation, _ *Deletion) { s.Journal.Hold = keyA }, SummaryHeld},
	{"a cleanup keeps another key", func(s *situation, _ *Deletion) { s.Journal.Hold = keyX }, ""},
	{"a cleanup of others keeps it", func(s *situation, _ *Deletion) {
		s.otherJournal(StageDeployed, keyX, ago(time.Hour))
		s.OtherJournals[0].Hold = keyA
	}, SummaryHeld},
	{"draining", func(_ *situation, d *Deletion) { d.DeleteAfter, d.RetireAt = ago(-time.Second), ago(-time.Second) }, SummaryStillDraining},
	{"AWS may report a use late", func(_ *situation, d *Deletion) { d.RetireAt = ago(-time.Second) }, SummaryStillDraining},
	{"draining, by the journal", func(s *situation, _ *Deletion) { s.Journal.DrainWindow = 3 * time.Hour }, SummaryStillDraining},
	{"draining, by a journal for others", func(s *situation, _ *Deletion) {
		s.credentials("others", keyB)
		s.otherJournal(StageDeployed, keyB, ago(time.Hour))
	}, SummaryStillDraining},
	{"draining, by a journal for others behind one of something else", func(s *situation, _ *Deletion) {
		s.Journal.From = keyX
		s.credentials("others", keyB)
		s.otherJournal(StageDeployed, keyB, ago(time.Hour))
	}, SummaryStillDraining},
	{"not deployed, by the journal", func(s *situation, _ *Deletion) { s.Journal.Stage = StageDeploying }, SummaryStillDraining},
	{"not deployed, by a journal for others", func(s *situation, _ *Deletion) {
		s.credentials("others", keyB)
		s.otherJournal(StageStoring, keyB, ago(time.Hour))
	}, SummaryStillDraining},
	{"the provider signs with it", func(s *situation, _ *Deletion) { s.Keys[1].Signs = true }, SummarySignsWithKey},
	{"the credentials are gone", func(s *situation, _ *Deletion) { s.Set, s.Current = nil, nil }, SummaryNotReplaced},
	{"it was put back", func(s *situation, _ *Deletion) {
		s.Set.AccessKeyID, s.Current, s.Journal = keyA, &s.Keys[1], nil
	}, SummaryNotReplaced},
	{"a role replaced it", func(s *situation, _ *Deletion) { s.Set.Type, s.Set.AccessKeyID, s.Current = "AWS_ROLE", "", nil }, SummaryNotReplaced},
	{"the new key is gone", func(s *situation, _ *Deletion) { s.Current = nil }, SummaryNotReplaced},
	{"the new key is Inactive", func(s *situation, _ *Deletion) { s.Current.Active = false }, SummaryNotReplaced},
	{"a registry has it", func(s *situation, _ *Deletion) { s.stored(HolderContainerRegistry, "registry", keyA) }, SummaryKeyInUse},
	{"a helm repository has it", func(s *situation, _ *Deletion) { s.stored(HolderHelmRepository, "charts", keyA) }, SummaryKeyInUse},
	{"a DNS provider has it", func(s *situation, _ *Deletion) { s.stored(HolderDNSProvider, "dns", keyA) }, SummaryKeyInUse},
	{"a secret-manager access has it", func(s *situation, _ *Deletion) { s.stored(HolderSecretManager, "secrets", keyA) }, SummaryKeyInUse},
	{"vSphere credentials have it", func(s *situation, _ *Deletion) { s.stored(HolderVSphereCredentials, "vsphere", keyA) }, SummaryKeyInUse},
	{"other credentials have it", func(s *situation, _ *Deletion) { s.credentials("others", keyA) }, SummaryKeyInUse},
	{"one of two holders is ignored", func(s *situation, d *Deletion) {
		s.stored(HolderDNSProvider, "dns", keyA)
		s.stored(HolderHelmRepository, "charts", keyA)
		d.Ignored = []string{"dns"}
	}, SummaryKeyInUse},
	{"a cluster does not accept the new key", func(s *situation, _ *Deletion) {
		s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS")
	}, SummaryInvalidCredentials},
	{"a cluster of others does not accept the new key", func(s *situation, _ *Deletion) {
		s.credentials("others", keyB)
		s.status("cluster-of-others", "INVALID_CREDENTIALS")
	}, SummaryInvalidCredentials},
}

var retiredOnly = []deletionCase{
	{"used up to the end of the drain window", func(s *situation, d *Deletion) { s.Keys[1].LastUse.At = d.DeleteAfter }, ""},
	{"used after it, which is allowed", func(s *situation, d *Deletion) {
		s.Keys[1].LastUse.At, d.AllowRecentUse = ago(time.Minute), true
	}, ""},
	{"a deployment runs", func(s *situation, _ *Deletion) { s.status("cluster-of-"+testCreds, "DEPLOYING") }, ""},
	{"an environment is deployed, since before the end of the drain window", func(s *situation, d *Deletion) {
		s.deploysSince(d.DeleteAfter.Add(-time.Second))
	}, SummaryStillDeploying},
	{"an environment is deployed, since nobody knows when", func(s *situation, _ *Deletion) { s.deploysSince(time.Time{}) }, SummaryStillDeploying},
	{"an environment is deployed, since the end of the drain window", func(s *situation, d *Deletion) { s.deploysSince(d.DeleteAfter) }, ""},
	{"an environment is deployed for long, which is allowed", func(s *situation, d *Deletion) {
		s.deploysSince(time.Time{})
		d.AllowRunningDeployments = true
	}, ""},
	{"an environment is deployed on a cluster of others", func(s *situation, _ *Deletion) {
		s.deploysSince(time.Time{})
		s.Deployments[0].ClusterID = "cluster-of-others"
	}, ""},
	{"used after the drain window", func(s *situation, d *Deletion) { s.Keys[1].LastUse.At = d.DeleteAfter.Add(time.Second) }, SummaryKeyInUse},
}

// deploysSince adds a running deployment of an environment on the cluster of the credentials.
func (s *situation) deploysSince(askedAt time.Time) {
	s.Deployments = []EnvironmentDeployment{{ClusterID: "cluster-of-" + testCreds, State: "DEPLOYING", AskedAt: askedAt}}
}

var repairOnly = []deletionCase{
	{"used after the drain window", func(s *situation, d *Deletion) { s.Keys[1].LastUse.At = d.DeleteAfter.Add(time.Second) }, ""},
	{"a cluster of a stale registry is deployed", func(s *situation, d *Deletion) {
		s.staleRegistry(d, "cluster-of-"+testCreds)
		s.status("cluster-of-"+testCreds, "DEPLOYING")
	}, SummaryRepairWaits},
	{"another cluster is deployed", func(s *situation, d *Deletion) {
		s.credentials("others", keyX)
		s.staleRegistry(d, "cluster-of-"+testCreds)
		s.status("cluster-of-others", "DEPLOYING")
	}, ""},
	{"a registry that belongs to no cluster, and any cluster is deployed", func(s *situation, d *Deletion) {
		s.credentials("others", keyX)
		s.staleRegistry(d, "")
		s.status("cluster-of-others", "SOMETHING_NEW")
	}, SummaryRepairWaits},
	{"an environment is deployed", func(s *situation, d *Deletion) {
		s.staleRegistry(d, "cluster-of-"+testCreds)
		s.Deployments = []EnvironmentDeployment{{ClusterID: "cluster-of-" + testCreds, AskedAt: testNow}}
	}, SummaryRepairWaits},
	{"stale credentials, and their cluster is deployed", func(s *situation, d *Deletion) {
		s.credentials("others", keyA)
		d.Served = []string{"others"}
		s.status("cluster-of-others", "DEPLOYING")
	}, SummaryRepairWaits},
}

// staleRegistry adds a registry that a repair serves next.
func (s *situation) staleRegistry(d *Deletion, clusterID string) {
	s.stored(HolderContainerRegistry, "registry", d.AccessKeyID)
	s.Holders[len(s.Holders)-1].ClusterID = clusterID
	d.Served = []string{"registry"}
}

// orphans are about key B, which the journal of a dead rotation names and only its verification used.
var orphans = []deletionCase{
	{"the journal names it", func(*situation, *Deletion) {}, ""},
	{"a journal for others names it", func(s *situation, _ *Deletion) {
		s.OtherJournals, s.Journal = []Journal{*s.Journal}, nil
	}, ""},
	{"a journal for others names it, behind one of something else", func(s *situation, _ *Deletion) {
		s.otherJournal(StageStoring, keyB, ago(time.Hour))
		s.Journal.To = keyC
	}, ""},
	{"the journal names none, and it appeared in its time", func(s *situation, _ *Deletion) {
		s.Journal.Stage, s.Journal.To, s.Keys[1].LastUse = StageCreating, "", neverUsed
	}, ""},
	{"its rotation is dead at this moment", func(s *situation, _ *Deletion) { s.Journal.At = ago(livePeriod) }, ""},
	{"an old journal does not speak for a young one", func(s *situation, _ *Deletion) {
		s.otherJournal(StageVerifying, keyC, ago(time.Minute))
	}, ""},

	{"not in the user's list", func(_ *situation, d *Deletion) { d.AccessKeyID = keyX }, SummaryWrongUser},
	{"another user", func(_ *situation, d *Deletion) { d.UserName = "somebody" }, SummaryWrongUser},
	{"the provider signs with it", func(s *situation, _ *Deletion) { s.Keys[1].Signs = true }, SummarySignsWithKey},
	{"its rotation may be alive", func(s *situation, _ *Deletion) { s.Journal.At = ago(livePeriod - time.Second) }, SummaryOtherRotation},
	{"somebody uses it", func(s *situation, _ *Deletion) { s.Keys[1].LastUse = usedAtSix }, SummaryForeignKey},
	{"the journal names none, and it was used", func(s *situation, _ *Deletion) {
		s.Journal.Stage, s.Journal.To = StageCreating, ""
	}, SummaryForeignKey},
	{"the journal names another one", func(s *situation, _ *Deletion) { s.Journal.To = keyC }, SummaryForeignKey},
	{"the journal is past its cutover", func(s *situation, _ *Deletion) {
		s.Journal.Stage, s.Journal.CutoverAt = StageDeploying, s.Journal.At
	}, SummaryForeignKey},
	{"the journal names none, and one of a rotation that is past its cutover names it", func(s *situation, _ *Deletion) {
		s.Journal.Stage, s.Journal.To, s.Keys[1].LastUse = StageCreating, "", neverUsed
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	}, SummaryForeignKey},
	{"no journal", func(s *situation, _ *Deletion) { s.Journal = nil }, SummaryForeignKey},
	{"a holder has it", func(s *situation, _ *Deletion) { s.stored(HolderSecretManager, "secrets", keyB) }, SummaryKeyInUse},
	{"Qovery's credentials have it", func(s *situation, _ *Deletion) {
		s.Set.AccessKeyID, s.Holders[0].AccessKeyID = keyB, keyB
		s.aim()
	}, SummaryKeyInUse},
	{"other credentials have it", func(s *situation, _ *Deletion) { s.credentials("others", keyB) }, SummaryKeyInUse},
}

// compensated are about key B, which this attempt created.
var compensated = []deletionCase{
	{"nobody has it", func(*situation, *Deletion) {}, ""},
	{"it is not listed yet", func(s *situation, _ *Deletion) { s.Keys = s.Keys[:1] }, ""},
	{"somebody used it", func(s *situation, _ *Deletion) { s.Keys[1].LastUse = usedAtSix }, ""},
	{"its own journal is young", func(s *situation, _ *Deletion) { s.Journal.At = testNow }, ""},

	{"the provider signs with it", func(s *situation, _ *Deletion) { s.Keys[1].Signs = true }, SummarySignsWithKey},
	{"Qovery's credentials have it", func(s *situation, _ *Deletion) {
		s.Set.AccessKeyID, s.Holders[0].AccessKeyID = keyB, keyB
		s.aim()
	}, SummaryKeyInUse},
	{"a registry has it", func(s *situation, _ *Deletion) { s.stored(HolderContainerRegistry, "registry", keyB) }, SummaryKeyInUse},
	{"it may be on its way into Qovery", func(_ *situation, d *Deletion) { d.Unclear = true }, SummaryCutoverUnclear},
}

func TestMayDeleteNeedsAReasonAndAKey(t *testing.T) {
	s := newSituation()
	for _, d := range []Deletion{
		{AccessKeyID: keyB, UserName: testUser},
		{AccessKeyID: keyB, UserName: testUser, Reason: "boredom"},
		{UserName: testUser, Reason: ReasonCompensated},
	} {
		permit, problem := MayDelete(testNow, d, s.Snapshot)
		checkPermit(t, permit, problem, d, SummaryRetire)
	}
}

// TestEveryReasonHasChecks checks that no reason is without checks.
func TestEveryReasonHasChecks(t *testing.T) {
	for _, reason := range []Reason{ReasonRetired, ReasonRepair, ReasonCompromised, ReasonOrphan, ReasonCompensated} {
		if len(checks[reason]) == 0 {
			t.Errorf("reason %q has no checks", reason)
		}
	}
	if len(checks) != 5 {
		t.Errorf("%d reasons have checks, and 5 are tried", len(checks))
	}
}
