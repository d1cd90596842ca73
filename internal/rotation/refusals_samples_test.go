package rotation

import (
	"context"
	"errors"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
)

// seen is the view of a situation.
func seen(given func(s *situation)) view {
	s := newSituation()
	given(s)
	return view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}
}

var sampleCluster = Cluster{ID: "5c8c2f4e-0000-4000-8000-00000000c1a5", Name: "prod"}

// refusalsOfDecisions are the texts of refusals.go.
func refusalsOfDecisions() []refusal {
	normal := seen(func(*situation) {})
	role := seen(func(s *situation) { s.Set.Type, s.Set.AccessKeyID = "AWS_ROLE", "" })
	putBack := seen(func(s *situation) {
		s.journal(StageDeploying, keyB, ago(time.Hour))
		s.other(keyB, ago(time.Hour), usedAtSix)
	})
	replaced := seen(func(s *situation) {
		s.holds(keyX)
		s.other(keyA, ago(time.Hour), usedAtSix)
		s.Record = &Record{AccessKeyID: keyA}
	})
	others := seen(func(s *situation) {
		s.other(keyB, ago(time.Hour), usedAtSix)
		s.credentials("others", keyB)
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	})
	unrotatable := seen(func(s *situation) {
		s.stored(HolderDNSProvider, "d1", keyA)
		s.stored(HolderSecretManager, "m1", keyA)
		s.Holders[len(s.Holders)-1].Obstacle = "Qovery changes its access key only together with the settings of its cluster"
	})
	young := journalOf(testCreds, StageCreating, "", ago(time.Minute))
	return []refusal{
		{"NotStatic", "", NotStatic(*role.Set)},
		{"notStatic", "", role.notStatic()},
		{"wrongAccount", "", wrongAccount(normal.Target, "999999999999")},
		{"userNotFound", "", normal.userNotFound()},
		{"wrongUser", "", seen(func(s *situation) { s.Owner = "somebody" }).wrongUser()},
		{"cutOff", "Inactive", seen(func(s *situation) { s.Current.Active = false }).cutOff()},
		{"cutOff", "not a key of the user", seen(func(s *situation) { s.Current = nil }).cutOff()},
		{"cutOff", "not a key of the account", seen(func(s *situation) { s.Current, s.UserName = nil, "" }).cutOff()},
		{"cutOffNow", "", seen(func(s *situation) { s.Current = nil }).cutOffNow()},
		{"unknownJournal", "", seen(func(s *situation) {
			s.User.Tags = map[string]string{journalTagKey(testCreds): "please keep"}
			_, _, s.JournalError = journalsOf(s.User, testCreds)
		}).unknownJournal()},
		{"putBack", "", putBack.putBack()},
		{"keyChanged", "", replaced.keyChanged()},
		{"keyReplaced", "", replaced.keyReplaced(keyA)},
		{"signs", "", normal.signs()},
		{"signsWith", "", signsWith(keyA)},
		{"otherRotation", "", others.otherRotation()},
		{"otherRun", "", otherRun(testUser, nil)},
		{"attemptMayBeAlive", "", attemptMayBeAlive(testUser, young)},
		{"unrotatable", "", unrotatable.unrotatable()},
		{"ignoredRegistry", "", seen(func(s *situation) {
			s.stored(HolderContainerRegistry, "registry", keyA)
			s.Holders[len(s.Holders)-1].ClusterID, s.Holders[len(s.Holders)-1].ClusterName = "c1", "prod"
			s.IgnoredHolders = []string{"registry"}
		}).ignoredRegistry()},
		{"tooFewRequests", "", seen(func(s *situation) { s.Budget = Budget{Known: true, Left: 1, ResetsAt: ago(-time.Hour)} }).tooFewRequests()},
		{"tooFewRequests", "until nobody knows when", seen(func(s *situation) { s.Budget = Budget{Known: true, Left: 1} }).tooFewRequests()},
		{"undeployable", "restricted", seen(func(s *situation) { s.Organization.DeploymentRestriction = "NO_CREDIT_CARD" }).undeployable()},
		{"undeployable", "locked", seen(func(s *situation) { s.lock("cluster-of-" + testCreds) }).undeployable()},
		{"undeployable", "state", seen(func(s *situation) { s.status("cluster-of-"+testCreds, "STOP_ERROR") }).undeployable()},
		{"undeployable", "no state", seen(func(s *situation) { s.Statuses = map[string]ClusterStatus{} }).undeployable()},
		{"untouched", "", untouched(undeployableCluster(sampleCluster, "DELETE_ERROR"))},
		{"credentialsNotFound", "", credentialsNotFound(normal.Target)},
		{"dnsProviderNotFound", "", dnsProviderNotFound(sampleCluster, errOf("Qovery", ErrNotFound))},
		{"notRead", "", AsProblem(notRead(normal.Target, errOf("Qovery", ErrNotFound)))},
	}
}

// refusedDeletion is the problem that a key may not be deleted.
func refusedDeletion(d Deletion, given func(s *situation)) *Problem {
	_, problem := MayDelete(testNow, d, seen(given).Snapshot)
	return problem
}

// refusalsOfDeletions are the texts of refusals_deletion.go.
func refusalsOfDeletions() []refusal {
	retired, repair := goesAfter(ReasonRetired), goesAfter(ReasonRepair)
	orphan := Deletion{AccessKeyID: keyB, UserName: testUser, Reason: ReasonOrphan}
	leaked := goesAfter(ReasonCompromised)
	after := func(change func(s *situation)) func(s *situation) {
		return func(s *situation) { s.rotated(ago(150 * time.Minute)); change(s) }
	}
	s := seen(after(func(*situation) {})).Snapshot
	t := dueRetirement()
	t.UserARN = testARN
	inQuarantine := t
	inQuarantine.DeactivatedAt = ago(time.Hour)
	draining := func() *Problem { return stillDraining(retired, s, ago(-time.Hour)) }
	registry := func(s *situation) { s.stored(HolderContainerRegistry, "r1", keyA) }
	foreign := func(use LastUse) func(s *situation) {
		return func(s *situation) { s.other(keyB, ago(50*time.Hour), use) }
	}
	return []refusal{
		{"noReason", "", noReason(Deletion{AccessKeyID: keyA, UserName: testUser})},
		{"notOfTheUser", "", refusedDeletion(retired, func(s *situation) { s.holds(keyB) })},
		{"keyOfAnotherUser", "", keyOfAnotherUser(t, "somebody")},
		{"keyNotFound", "", keyNotFound(t, "999999999999")},
		{"drainUnknown", "", drainUnknown(retired)},
		{"notDeployed", "", refusedDeletion(retired, after(func(s *situation) { s.Journal.Stage = StageDeploying }))},
		{"stillDraining", "", draining()},
		{"stillDraining", "credentials gone", stillDraining(retired, &Snapshot{}, ago(-time.Hour))},
		{"notReplaced", "credentials gone", refusedDeletion(retired, after(func(s *situation) { s.Set, s.Journal = nil, nil }))},
		{"notReplaced", "put back", refusedDeletion(retired, after(func(s *situation) { s.Set.AccessKeyID, s.Journal = keyA, nil }))},
		{"notReplaced", "a role", refusedDeletion(retired, after(func(s *situation) { s.Set.Type, s.Set.AccessKeyID, s.Current = "AWS_ROLE", "", nil }))},
		{"notReplaced", "gone", refusedDeletion(retired, after(func(s *situation) { s.Current = nil }))},
		{"notReplaced", "Inactive", refusedDeletion(retired, after(func(s *situation) { s.Current.Active = false }))},
		{"stillStored", "retired", refusedDeletion(retired, after(registry))},
		{"stillStored", "orphan", refusedDeletion(orphan, func(s *situation) {
			s.journal(StageVerifying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), neverUsed)
			s.stored(HolderSecretManager, "m1", keyB)
		})},
		{"invalidCluster", "", refusedDeletion(retired, after(func(s *situation) { s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS") }))},
		{"recentlyUsed", "", refusedDeletion(retired, after(func(s *situation) { s.Keys[1].LastUse.At = ago(time.Minute) }))},
		{"notQuiet", "", notQuiet(repair, sampleCluster.String(), "DEPLOYING")},
		{"stillDeploying", "", stillDeploying(retired, EnvironmentDeployment{
			EnvironmentID: "e1", Environment: "production", Project: "shop", ClusterID: "c1", ClusterName: "prod", State: "DEPLOYING", AskedAt: ago(time.Hour),
		})},
		{"stillDeploying", "since nobody knows when", stillDeploying(retired, EnvironmentDeployment{Environment: "production", State: "RECAP"})},
		{"orphanInUse", "", refusedDeletion(orphan, func(s *situation) {
			s.journal(StageVerifying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), usedAtSix)
		})},
		{"foreignKey", "used", refusedDeletion(orphan, foreign(usedAtSix))},
		{"foreignKey", "never used, Inactive", refusedDeletion(orphan, func(s *situation) { foreign(neverUsed)(s); s.Keys[1].Active = false })},
		{"foreignKey", "stored", refusedDeletion(orphan, func(s *situation) { foreign(usedAtSix)(s); s.stored(HolderHelmRepository, "h1", keyB) })},
		{"held", "", refusedDeletion(retired, after(func(s *situation) { s.Journal.Hold = keyA }))},
		{"willBeDeleted", "", willBeDeleted(retired, *s.key(keyA), s, becauseDrained(retired.DeleteAfter))},
		{"willBeDeleted", "for its place", willBeDeleted(retired, *s.key(keyA), s, becauseOfPlace(ReasonRetired))},
		{"willBeDeleted", "for its place, in a repair", willBeDeleted(repair, *s.key(keyA), s, becauseOfPlace(ReasonRepair))},
		{"willBeDeleted", "compromised", willBeDeleted(leaked, *s.key(keyA), s, becauseCompromised)},
		{"willBeDeactivated", "", willBeDeactivated(retired, *s.key(keyA), s, becauseDrained(retired.DeleteAfter), 24*time.Hour)},
		{"willBeDeactivated", "compromised", willBeDeactivated(leaked, *s.key(keyA), s, becauseCompromised, 0)},
		{"willBeActivated", "", willBeActivated(t)},
		{"IfStillSo", "", draining().IfStillSo("the rotation does not begin")},
		{"mayStay", "", mayStay(refusedDeletion(retired, after(registry)))},
		{"wasDone", "", wasDone(SummaryDeleted, "was deleted", testUser, keyA, testNow, "Deletion is permanent.")},
		{"keyDeleted", "", keyDeleted(Permit{userName: testUser, accessKeyID: keyA}, testNow)},
		{"keyDeactivated", "", keyDeactivated(Permit{userName: testUser, accessKeyID: keyA}, testNow)},
		{"keyActivated", "", keyActivated(t, testNow)},
		{"compromisedStopped", "", compromisedStopped(Permit{userName: testUser, accessKeyID: keyA}, s, testNow)},
		{"compromisedStopped", "stored", compromisedStopped(Permit{userName: testUser, accessKeyID: keyA}, seen(after(registry)).Snapshot, testNow)},
		{"onItsWay", "only its cause is used", onItsWay(Deletion{AccessKeyID: keyB, UserName: testUser, Reason: ReasonCompensated})},
		{"forRotation", "draining", forRotation(draining())},
		{"forRotation", "stored", forRotation(refusedDeletion(retired, after(registry)))},
		{"forRotation", "held", forRotation(refusedDeletion(retired, after(func(s *situation) { s.Journal.Hold = keyA })))},
		{"forRotation", "a deployment runs", forRotation(notQuiet(repair, sampleCluster.String(), "DEPLOYING"))},
		{"retirementStopped", "a check, in the quarantine", retirementStopped(inQuarantine, draining())},
		{"retirementStopped", "a request", retirementStopped(t, errOf("AWS", nil))},
		{"retirementStopped", "a denied request", retirementStopped(t, errOf("AWS", ErrForbidden))},
		{"retirementStopped", "canceled", retirementStopped(inQuarantine, context.Canceled)},
		{"retirementStopped", "timed out", retirementStopped(t, context.DeadlineExceeded)},
		{"waitTooLong", "", waitTooLong(t, ago(-5*time.Hour), 3*time.Hour)},
	}
}

// sampleAttempt is a rotation from A to B before its cutover.
func sampleAttempt(place *Permit) *attempt {
	v := seen(func(*situation) {})
	return &attempt{
		in: v.Intent, s: v.Snapshot, d: Decision{Place: place}, key: NewAccessKey{ID: keyB}, written: []string{"an entry"},
		journal: journalOf(testCreds, StageStoring, keyB, testNow),
	}
}

// leaving adds the state that the rollback adds.
func leaving(p *Problem, world string) *Problem {
	p.World = world
	return p
}

// refusalsOfRotations are the texts of refusals_rotation.go.
func refusalsOfRotations() []refusal {
	plain := sampleAttempt(nil)
	lost := sampleAttempt(nil)
	lost.keyLost = true
	retired := sampleAttempt(&Permit{userName: testUser, accessKeyID: keyX, reason: ReasonRetired})
	j := journalOf(testCreds, StageDeployed, keyB, ago(time.Minute))
	endLost := journalOfEnd(j, errOf("AWS", ErrForbidden))
	refused := deploymentRefused(sampleCluster, errOf("Qovery", ErrRejected))
	failed := func(lines []string, err error) *Problem {
		return failedDeployment(sampleCluster, "DEPLOYMENT_ERROR", lines, err)
	}
	stale := func(key string) *Problem {
		c := &change{journal: j, stale: []Holder{
			{Kind: HolderContainerRegistry, ID: "r1", Name: "images", AccessKeyID: key},
			{Kind: HolderHelmRepository, ID: "h1", Name: "charts", AccessKeyID: keyA},
		}, refusals: errTwoFailed}
		return staleHolders(c)
	}
	unclear := plain.cutoverUnclear(errOf("Qovery", nil))
	lock := ClusterLock{Owner: "Ada", Reason: "audit", LockedAt: ago(time.Hour)}
	lines := []string{"2027-01-04T08:59:00Z the VPC quota is exceeded", "2027-01-04T08:59:30Z terraform apply failed"}
	return []refusal{
		{"problem", "rolled back", leaving(plain.problem(SummaryCreateKey, "IAM did not create an access key for user \"qovery\".",
			errOf("AWS", ErrForbidden)), plain.worldAfter(keyA))},
		{"notVerified", "", leaving(plain.notVerified("eu-west-3", 61*time.Second, errOf("AWS", ErrUnauthenticated)), plain.worldAfter(keyA))},
		{"notVerified", "after the previous key was deleted", leaving(retired.notVerified("eu-west-3", time.Minute, errOf("AWS", nil)), retired.worldAfter(keyA))},
		{"notVerified", "a key is lost", leaving(lost.notVerified("eu-west-3", time.Minute, errOf("AWS", nil)), lost.worldAfter(keyA))},
		{"notKnown", "", leaving(plain.notKnown("eu-west-3", []Service{ServiceEC2, ServiceIAM}, 90*time.Second, errOf("AWS", ErrUnauthenticated)),
			plain.worldAfter(keyA))},
		{"cutoverUnclear", "", leaving(unclear, newKeyStays(keyB, testUser, onItsWay(Deletion{AccessKeyID: keyB}).Cause))},
		{"orphanStays", "", AsProblem(orphanStays(Permit{userName: testUser, accessKeyID: keyC, reason: ReasonOrphan}, keyB, errOf("AWS", ErrForbidden)))},
		{"journalOfResume", "", journalOfResume(j, errOf("AWS", nil))},
		{"notDeployable", "", notDeployable(j, errOf("Qovery", nil))},
		{"notAllDeployed", "", notAllDeployed(j, []*Problem{refused, deploymentUnclear(Cluster{ID: "c2", Name: "staging"}, 3, errOf("Qovery", nil))}, nil)},
		{"notAllDeployed", "failed", notAllDeployed(j, []*Problem{failed(lines, nil)}, []Cluster{sampleCluster})},
		{"notSeenToEnd", "", leaving(notSeenToEnd(sampleCluster, ClusterStatus{State: "DEPLOYING"}, context.DeadlineExceeded), bothWork(j))},
		{"lockedCluster", "", lockedCluster(sampleCluster, lock)},
		{"undeployableCluster", "", undeployableCluster(sampleCluster, "STOP_ERROR")},
		{"journalOfEnd", "", endLost},
		{"notStopped", "a request", notStopped(j, errOf("AWS", ErrForbidden))},
		{"notStopped", "a check", notStopped(j, signsWith(keyA))},
		{"deploymentRefused", "", leaving(refused, bothWork(j))},
		{"deploymentUnclear", "", leaving(deploymentUnclear(sampleCluster, 3, errOf("Qovery", nil)), bothWork(j))},
		{"failedDeployment", "with errors", failed(lines, nil)},
		{"failedDeployment", "without errors", failed(nil, nil)},
		{"failedDeployment", "unreadable", failed(nil, errOf("Qovery", ErrForbidden))},
		{"staleHolders", "", stale(keyA)},
		{"staleLeak", "", staleLeak(&change{journal: j, stale: []Holder{{Kind: HolderContainerRegistry, ID: "r1", Name: "images", AccessKeyID: keyA}}})},
		{"staleHolders", "one with an older key", stale(keyX)},
	}
}

// refusalsOfRequests are the texts of problem.go.
func refusalsOfRequests() []refusal {
	ended, cancel := clock.System{}.WithTimeout(context.Background(), 0)
	defer cancel()
	var all []refusal
	for _, one := range []struct {
		variant string
		err     error
	}{
		{"canceled", context.Canceled},
		{"timed out", context.DeadlineExceeded},
		{"a token", errOf("Qovery", ErrUnauthenticated)},
		{"a signature", errOf("AWS", ErrUnauthenticated)},
		{"a role", errOf("Qovery", ErrForbidden)},
		{"a policy", errOf("AWS", ErrForbidden)},
		{"a refusal", errOf("Qovery", ErrRejected)},
		{"no answer", errOf("AWS", nil)},
		{"from nowhere", errors.New("EOF")},
	} {
		all = append(all, refusal{"stopped", one.variant, stopped(one.err, WorldUntouched)})
	}
	attempt := sampleAttempt(nil)
	return append(all,
		refusal{"endOfTime", "the steps before the cutover", AsProblem(endOfTime(context.Background(), ended, context.DeadlineExceeded))},
		refusal{"endOfTime", "the whole rotation", AsProblem(endOfTime(ended, ended, leaving(
			attempt.notVerified("eu-west-3", time.Minute, context.DeadlineExceeded), attempt.worldAfter(keyA))))},
		refusal{"Error", "an original error", &Problem{
			Summary: SummaryAPI, Cause: "A request to AWS or Qovery failed.", World: WorldUntouched, Advice: adviceRetry, Err: errTwoFailed,
		}},
	)
}
