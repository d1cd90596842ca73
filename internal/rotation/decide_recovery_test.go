package rotation

import "time"

// resumedRotation is the decision to resume the rotation from A to B, as [short] writes it.
func resumedRotation(stage Stage, at, cutoverAt time.Time) string {
	return "resume A to B " + string(stage) + " " + timeOf(at) + " cutover " + timeOf(cutoverAt) + " drain 2h0m0s"
}

var resumed = []nextCases{{"A cutover is done, and its rotation is not recorded as complete", []nextCase{
	// The journal is of an unfinished rotation.
	{"stopped after the cutover, before that was recorded", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.journal(StageStoring, keyB, ago(time.Minute))
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, before a registry had the key", func(s *situation) {
		s.stale(ago(3 * time.Minute))
		s.journal(StageStoring, keyB, ago(3*time.Minute))
	}, resumedRotation(StageDeploying, ago(3*time.Minute), ago(3*time.Minute)) + " serve registry"},
	{"stopped after the cutover", func(s *situation) {
		s.rotated(ago(time.Second))
		s.Journal.Stage = StageDeploying
	}, resumedRotation(StageDeploying, ago(time.Second), ago(time.Second))},
	{"stopped after the cutover, nothing asked for", notAsked(func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage = StageDeploying
	}), resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, the state is from before", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage = StageDeploying
		s.Record = &Record{AccessKeyID: keyA}
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, the state knows", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage = StageDeploying
		s.unfinished(time.Time{})
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, and the drain window is lowered now", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage, s.DrainWindow = StageDeploying, time.Minute
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, the journal is gone", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.unfinished(time.Time{})
		s.Journal = nil
	}, "resume A to B deploying 00:00:00 cutover 03:00:00 drain 2h0m0s"},
	{"stopped after the cutover, the journal is gone, and the drain window is lowered now", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.unfinished(time.Time{})
		s.Journal, s.Record.DrainWindow = nil, 4*time.Hour
	}, "resume A to B deploying 00:00:00 cutover 03:00:00 drain 4h0m0s"},
	{"stopped after the cutover, and somebody deleted the previous key", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage, s.Keys = StageDeploying, s.Keys[:1]
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},
	{"stopped after the cutover, though the provider signs with the key", func(s *situation) {
		s.rotated(ago(time.Minute))
		s.Journal.Stage, s.Current.Signs = StageDeploying, true
	}, resumedRotation(StageDeploying, ago(time.Minute), ago(time.Minute))},

	// The journal is of a complete rotation.
	{"complete, and the state is lost", func(s *situation) { s.rotated(ago(time.Hour)) }, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"complete, and the state is lost, nothing asked for", notAsked(func(s *situation) {
		s.rotated(ago(time.Hour))
	}), resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"complete, by a longer drain window, and the state is lost", func(s *situation) {
		s.rotated(ago(time.Hour))
		s.Journal.DrainWindow = 5 * time.Hour
	}, "resume A to B deployed 08:00:00 cutover 08:00:00 drain 5h0m0s"},
	{"complete, and a longer drain window is asked for", func(s *situation) {
		s.rotated(ago(time.Hour))
		s.DrainWindow = 6 * time.Hour
	}, "resume A to B deployed 08:00:00 cutover 08:00:00 drain 6h0m0s"},
	{"complete and drained, and the state is lost", func(s *situation) {
		s.rotated(ago(50 * time.Hour))
	}, resumedRotation(StageDeployed, ago(50*time.Hour), ago(50*time.Hour))},
	{"complete, and the state is from before", func(s *situation) {
		s.rotated(ago(time.Hour))
		s.Record = &Record{AccessKeyID: keyA}
	}, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"complete, by a window that the state remembers", func(s *situation) {
		s.rotated(ago(time.Hour))
		s.unfinished(ago(time.Hour))
		s.Record.DrainEndsAt = ago(-3 * time.Hour)
	}, "resume A to B deployed 08:00:00 cutover 08:00:00 drain 4h0m0s"},

	// Other credentials share the key.
	{"others were rotated with these, and that is complete", func(s *situation) {
		s.shared(StageDeployed)
		s.Record = &Record{AccessKeyID: keyA}
	}, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"others were rotated with these, and that is complete, nothing asked for", notAsked(func(s *situation) {
		s.shared(StageDeployed)
		s.Record = &Record{AccessKeyID: keyA}
	}), resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"others were rotated with these, and that is complete, and there is no state", func(s *situation) {
		s.shared(StageDeployed)
	}, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},
	{"others were rotated with these, and that is unfinished", func(s *situation) {
		s.shared(StageDeploying)
		s.Record = &Record{AccessKeyID: keyA}
	}, resumedRotation(StageDeploying, ago(time.Hour), ago(time.Hour))},

	{"others were rotated with these, whose own journal is from the rotation before", func(s *situation) {
		s.shared(StageDeployed)
		s.journal(StageDeployed, keyA, ago(90*24*time.Hour))
		s.Record = &Record{AccessKeyID: keyA}
	}, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour))},

	// A holder is stale.
	{"a stale holder, and A drains", func(s *situation) {
		s.stale(ago(testDrain - time.Second))
	}, resumedRotation(StageDeployed, ago(testDrain-time.Second), ago(testDrain-time.Second)) + " serve registry"},
	{"a stale holder, A drains, and the state knows", func(s *situation) {
		s.stale(ago(time.Hour))
		s.unfinished(ago(time.Hour))
	}, resumedRotation(StageDeployed, ago(time.Hour), ago(time.Hour)) + " serve registry"},
	{"a stale holder, and A drains by a window that is lowered now", func(s *situation) {
		s.stale(ago(testDrain))
		s.unfinished(ago(testDrain))
		s.Journal.DrainWindow, s.Record.DrainEndsAt, s.DrainWindow = time.Hour, ago(-time.Hour), time.Hour
	}, "resume A to B deployed 07:00:00 cutover 07:00:00 drain 3h0m0s serve registry"},
	{"a stale holder, and the clusters are not deployed", func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.Journal.Stage = StageDeploying
	}, resumedRotation(StageDeploying, ago(5*time.Hour), ago(5*time.Hour)) + " serve registry"},
	{"the stale holder is ignored", func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.IgnoredHolders = []string{"registry"}
	}, resumedRotation(StageDeployed, ago(5*time.Hour), ago(5*time.Hour))},
	{"the stale holder takes no key", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.stored(HolderSecretManager, "dns", keyA)
	}, resumedRotation(StageDeployed, ago(5*time.Hour), ago(5*time.Hour))},
	{"the stale holder got another key", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.stored(HolderContainerRegistry, "registry", keyX)
	}, resumedRotation(StageDeployed, ago(5*time.Hour), ago(5*time.Hour))},
	{"a stale holder, and holders are not to be changed", func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.RotateRegistries = false
	}, resumedRotation(StageDeployed, ago(5*time.Hour), ago(5*time.Hour))},

	// A repair, from B to C, died.
	{"a repair died after its cutover", func(s *situation) {
		s.repairing(StageDeploying, keyC)
		s.Keys[0].ID, s.Keys[1].ID = keyC, keyB
		s.Set.AccessKeyID, s.Holders[0].AccessKeyID = keyC, keyC
		s.Journal.CutoverAt = ago(time.Hour)
		s.aim()
	}, "resume B to C deploying 08:00:00 cutover 08:00:00 drain 2h0m0s before A serve registry"},
	{"a repair died, and the holder is ignored", func(s *situation) {
		s.repairing(StageVerifying, keyC)
		s.unfinished(ago(5 * time.Hour))
		s.IgnoredHolders = []string{"registry"}
	}, "resume A to B deployed 04:00:00 cutover 03:00:00 drain 2h0m0s delete C (orphan)"},
}}}

// shared is the situation after a rotation for other credentials, from A to B, that served these credentials too.
func (s *situation) shared(stage Stage) {
	s.rotated(ago(time.Hour))
	s.Journal = nil
	s.credentials("others", keyB)
	s.otherJournal(stage, keyB, ago(time.Hour))
}

var rotated = []nextCases{{"A rotation is asked for, or stale holders need one", []nextCase{
	// No journal; Qovery holds A; the user has A.
	{"the normal case", func(*situation) {}, "rotate A drain 2h0m0s"},
	{"the plan's key", func(s *situation) { s.Record = &Record{AccessKeyID: keyA} }, "rotate A drain 2h0m0s"},
	{"without a user name", func(s *situation) { s.UserName, s.UserARN = "", "" }, "rotate A drain 2h0m0s"},

	// The journal is of a rotation that died before it had a key.
	{"a rotation died before its key, three minutes ago", func(s *situation) {
		s.journal(StageCreating, "", ago(3*time.Minute))
	}, "rotate A drain 2h0m0s"},
	{"a rotation died, and its key is deleted", func(s *situation) { s.journal(StageStoring, keyB, ago(time.Hour)) }, "rotate A drain 2h0m0s"},
	{"the previous key was put back, and the new one deleted", func(s *situation) {
		s.journal(StageDeployed, keyB, ago(time.Hour))
	}, "rotate A drain 2h0m0s"},
	{"a rotation is complete, and its previous key is gone", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.Keys = s.Keys[:1]
	}, "rotate B drain 2h0m0s"},

	// The other key is an orphan.
	{"an orphan that the journal names", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(3*time.Minute))
		s.other(keyB, ago(3*time.Minute), neverUsed)
	}, "rotate A drain 2h0m0s delete B (orphan)"},
	{"an orphan that was verified", func(s *situation) {
		s.journal(StageStoring, keyB, ago(24*time.Hour))
		s.other(keyB, ago(24*time.Hour), verified)
	}, "rotate A drain 2h0m0s delete B (orphan)"},
	{"an orphan as old as the journal", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyB, ago(time.Hour), neverUsed)
	}, "rotate A drain 2h0m0s delete B (orphan)"},
	{"an orphan just inside the window, before", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyB, ago(time.Hour+orphanBefore-time.Second), neverUsed)
	}, "rotate A drain 2h0m0s delete B (orphan)"},
	{"an orphan just inside the window, after", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyB, ago(time.Hour-orphanAfter+time.Second), neverUsed)
	}, "rotate A drain 2h0m0s delete B (orphan)"},
	{"an orphan of a rotation for other credentials", func(s *situation) {
		s.otherJournal(StageVerifying, keyB, ago(24*time.Hour))
		s.other(keyB, ago(24*time.Hour), neverUsed)
	}, "rotate A drain 2h0m0s delete B (orphan)"},

	// The other key is the previous one, and nobody needs it.
	{"drained", func(s *situation) { s.retired() }, "rotate B drain 2h0m0s before A delete A (retired)"},
	{"drained, without a journal", func(s *situation) {
		s.retired()
		s.Journal = nil
	}, "rotate B drain 2h0m0s before A delete A (retired)"},
	{"drained, and only others know of the rotation", func(s *situation) {
		s.adopted(ago(5 * time.Hour))
	}, "rotate B drain 2h0m0s before A delete A (retired)"},
	{"drained, by a window that is lowered now", func(s *situation) {
		s.retired()
		s.Record.DrainWindow, s.DrainWindow = testDrain, time.Minute
	}, "rotate B drain 1m0s before A delete A (retired)"},
	{"drained and deleted", func(s *situation) {
		s.retired()
		s.Keys = s.Keys[:1]
	}, "rotate B drain 2h0m0s"},
	{"used after its drain window, another one ago", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.recorded()
		s.Keys[1].LastUse.At = ago(testDrain + testUseLate)
	}, "rotate B drain 2h0m0s before A delete A (retired)"},
	{"drained, and a rotation died before it deleted the key", func(s *situation) {
		s.retired()
		s.Journal = &Journal{CredentialsID: testCreds, From: keyB, Before: []string{keyA}, Stage: StageCreating, At: ago(time.Hour), DrainWindow: testDrain}
	}, "rotate B drain 2h0m0s before A delete A (retired)"},
	{"drained, a rotation died before it deleted the key, and the state is lost", func(s *situation) {
		s.retired()
		s.Record = nil
		s.Journal = &Journal{CredentialsID: testCreds, From: keyB, Before: []string{keyA}, Stage: StageCreating, At: ago(time.Hour), DrainWindow: testDrain}
	}, "rotate B drain 2h0m0s before A delete A (retired)"},

	// Journals for other credentials of the same user.
	{"others: dead before its key", func(s *situation) { s.otherJournal(StageCreating, "", ago(3*time.Minute)) }, "rotate A drain 2h0m0s"},
	{"others: complete", func(s *situation) {
		s.credentials("others", keyB)
		s.otherJournal(StageDeployed, keyB, ago(time.Hour))
	}, "rotate A drain 2h0m0s"},
	{"others: complete, and everybody was rotated once more since", func(s *situation) {
		s.holds(keyC)
		s.other(keyB, ago(90*24*time.Hour), neverUsed)
		s.journal(StageDeployed, keyC, ago(testDrain+testUseLate))
		s.Journal.From, s.Record = keyB, &Record{AccessKeyID: keyC, PreviousAccessKeyID: keyB}
		s.credentials("others", keyC)
		s.otherJournal(StageDeployed, keyB, ago(90*24*time.Hour))
	}, "rotate C drain 2h0m0s before B delete B (retired)"},
	{"others: unfinished, and they have another key by now", func(s *situation) {
		s.credentials("others", keyX)
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	}, "rotate A drain 2h0m0s"},
	{"others: unfinished, and they do not exist any more", func(s *situation) {
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	}, "rotate A drain 2h0m0s"},

	// Clusters.
	{"a cluster that is stopped and locked", func(s *situation) {
		s.status("cluster-of-"+testCreds, "STOPPED")
		s.lock("cluster-of-" + testCreds)
	}, "rotate A drain 2h0m0s"},
	{"a cluster that was never deployed", func(s *situation) {
		s.Statuses["cluster-of-"+testCreds] = ClusterStatus{State: "READY"}
	}, "rotate A drain 2h0m0s"},
	{"a cluster that is being deployed", func(s *situation) { s.status("cluster-of-"+testCreds, "DEPLOYING") }, "rotate A drain 2h0m0s"},
	{"a cluster that failed", func(s *situation) { s.status("cluster-of-"+testCreds, "DEPLOYMENT_ERROR") }, "rotate A drain 2h0m0s"},
	{"a locked cluster of other credentials with another key", func(s *situation) {
		s.credentials("others", keyX)
		s.lock("cluster-of-others")
	}, "rotate A drain 2h0m0s"},
	{"a restricted organization without clusters", func(s *situation) {
		s.Organization.DeploymentRestriction, s.Clusters, s.Set.Clusters = "NO_CREDIT_CARD", nil, nil
	}, "rotate A drain 2h0m0s"},

	// Holders.
	{"holders that take the key", func(s *situation) {
		s.stored(HolderContainerRegistry, "registry", keyA)
		s.stored(HolderHelmRepository, "charts", keyA)
		s.credentials("others", keyA)
	}, "rotate A drain 2h0m0s"},
	{"an ignored holder that takes no key", func(s *situation) {
		s.stored(HolderSecretManager, "dns", keyA)
		s.IgnoredHolders = []string{"dns"}
	}, "rotate A drain 2h0m0s"},
	{"a holder that takes no key, and what is ignored is not known yet", func(s *situation) {
		s.stored(HolderSecretManager, "dns", keyA)
		s.HoldersUnknown = true
	}, "rotate A drain 2h0m0s"},
	{"a holder of another key that takes none", func(s *situation) { s.stored(HolderSecretManager, "dns", keyX) }, "rotate A drain 2h0m0s"},
}}, {"A rotation is asked for, or stale holders need one", repaired}}

// repaired are the situations in which stale holders need a rotation.
var repaired = []nextCase{
	{"stale and drained", func(s *situation) { s.stale(ago(testDrain)) }, "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	{"stale and drained, nothing asked for", notAsked(func(s *situation) {
		s.stale(ago(testDrain))
	}), "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	{"stale and drained, the journal is gone", notAsked(func(s *situation) {
		s.stale(ago(testDrain))
		s.Journal = nil
		s.unfinished(ago(testDrain))
	}), "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	{"stale, and the key is deleted", func(s *situation) {
		s.stale(ago(testDrain))
		s.Keys = s.Keys[:1]
	}, "rotate B drain 2h0m0s before A serve registry"},
	{"stale, the key is used all the time", func(s *situation) {
		s.stale(ago(testDrain))
		s.Keys[1].LastUse.At = ago(time.Second)
	}, "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	{"somebody gave the previous key to a holder after the rotation", func(s *situation) {
		s.stale(ago(testDrain))
		s.recorded()
	}, "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	{"stale credentials", func(s *situation) {
		s.rotated(ago(testDrain))
		s.credentials("others", keyA)
	}, "rotate B drain 2h0m0s before A delete A (repair) serve others"},
	{"a repair died before its key", notAsked(func(s *situation) {
		s.repairing(StageCreating, "")
	}), "rotate B drain 2h0m0s before A serve registry"},
	{"a repair died with its key", func(s *situation) {
		s.repairing(StageVerifying, keyC)
	}, "rotate B drain 2h0m0s before A delete C (orphan) serve registry"},
	{"a repair died before its cutover, and the holder has its key", func(s *situation) {
		s.repairing(StageStoring, keyC)
		s.Holders[1].AccessKeyID = keyC
	}, "rotate B drain 2h0m0s before C delete C (repair) serve registry"},
	{"a repair of two holders died when one had its key", func(s *situation) {
		s.repairing(StageStoring, keyC)
		s.Holders[1].AccessKeyID = keyC
		s.stored(HolderHelmRepository, "charts", keyA)
	}, "rotate B drain 2h0m0s before A before C delete C (repair) serve registry serve charts"},
	{"a repair died, of a holder that has an older key", func(s *situation) {
		s.repairing(StageVerifying, keyC)
		s.unfinished(ago(5 * time.Hour))
		s.Record.PreviousAccessKeyID = keyX
	}, "rotate B drain 2h0m0s before A delete C (orphan) serve registry"},
	{"a repair left another holder stale", func(s *situation) {
		s.repairing(StageDeployed, keyC)
		s.Keys[0].ID, s.Keys[1].ID = keyC, keyB
		s.Set.AccessKeyID, s.Holders[0].AccessKeyID = keyC, keyC
		s.Journal.At, s.Journal.CutoverAt = ago(testDrain+testUseLate), ago(3*time.Hour)
		s.aim()
	}, "rotate C drain 2h0m0s before A before B delete B (retired) serve registry"},
}
