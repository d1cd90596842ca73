package rotation

import "time"

// retired is the situation in which the previous key is drained, and late reports of AWS about its use are in.
func (s *situation) retired() {
	s.rotated(ago(testDrain + testUseLate))
	s.recorded()
}

// adopted is the situation after a complete rotation for other credentials that served these. The state has only the key.
func (s *situation) adopted(deployedAt time.Time) {
	s.shared(StageDeployed)
	s.OtherJournals[0].At, s.OtherJournals[0].CutoverAt = deployedAt, deployedAt
	s.Record = &Record{AccessKeyID: keyB}
}

var refusedForPlace = []nextCases{{"The user's other key must not be deleted", []nextCase{
	// No journal explains it.
	{"a foreign key", func(s *situation) { s.other(keyX, ago(50*time.Hour), usedAtSix) }, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a foreign key, Inactive and never used", func(s *situation) {
		s.other(keyX, ago(50*time.Hour), neverUsed)
		s.Keys[1].Active = false
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a foreign key that a registry has", func(s *situation) {
		s.other(keyX, ago(time.Hour), usedAtSix)
		s.stored(HolderContainerRegistry, "registry", keyX)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a foreign key beside the journal of another one", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Hour))
		s.other(keyX, ago(time.Hour), neverUsed)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a foreign key, and the current one leaked", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.recorded()
		s.Keys[1].ID = keyX
		s.Compromised = []string{keyB}
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a foreign key beside stale holders", func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.Keys[1].ID = keyX
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a key that is too old for the journal", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyX, ago(time.Hour+time.Minute), neverUsed)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a key that is too young for the journal", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyX, ago(time.Hour-orphanAfter), neverUsed)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a key of the journal's time that was used", func(s *situation) {
		s.journal(StageCreating, "", ago(time.Hour))
		s.other(keyX, ago(time.Hour), verified)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"a key of the time of a journal that is past its cutover", func(s *situation) {
		s.holds(keyB)
		s.journal(StageDeployed, keyB, ago(5*time.Hour))
		s.recorded()
		s.other(keyX, ago(5*time.Hour), neverUsed)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"an orphan that somebody uses", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Hour))
		s.other(keyB, ago(time.Hour), usedAtSix)
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},
	{"an orphan that a holder has", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Hour))
		s.other(keyB, ago(time.Hour), neverUsed)
		s.stored(HolderSecretManager, "secrets", keyB)
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"the previous key, and the state and the journal are lost", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.Journal = nil
	}, refuses(ArgumentIAMUserName, SummaryForeignKey)},

	// The previous key.
	{"draining", func(s *situation) { s.rotated(ago(testDrain - time.Second)); s.recorded() }, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, without a journal", func(s *situation) {
		s.rotated(ago(testDrain - time.Second))
		s.recorded()
		s.Journal = nil
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"drained, and AWS may report a use late", func(s *situation) {
		s.rotated(ago(testDrain + testUseLate - time.Second))
		s.recorded()
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that is raised now", func(s *situation) {
		s.retired()
		s.DrainWindow = 3 * time.Hour
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that is raised now, without a journal", func(s *situation) {
		s.retired()
		s.Journal, s.DrainWindow = nil, 3*time.Hour
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by the state, though a rotation that died was about to delete it", func(s *situation) {
		s.retired()
		s.Record.DrainEndsAt = ago(-time.Hour)
		s.Journal = &Journal{CredentialsID: testCreds, From: keyB, Before: []string{keyA}, Stage: StageCreating, At: ago(time.Hour), DrainWindow: testDrain}
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that is raised now, and only others know of the rotation", func(s *situation) {
		s.adopted(ago(3 * time.Hour))
		s.DrainWindow = 4 * time.Hour
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining since a late use, though others rotated to it after that", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.recorded()
		s.Keys[1].LastUse.At = ago(time.Hour)
		s.otherJournal(StageDeployed, keyA, ago(30*time.Minute))
		s.OtherJournals[0].From = keyX
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that the state remembers", func(s *situation) {
		s.retired()
		s.Record.DrainEndsAt = ago(-time.Hour)
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that the journal remembers", func(s *situation) {
		s.retired()
		s.Journal.DrainWindow = 4 * time.Hour
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"draining, by a window that a journal for others remembers", func(s *situation) {
		s.retired()
		s.credentials("others", keyB)
		s.otherJournal(StageDeployed, keyB, ago(testDrain-time.Second))
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"used after its drain window, less than another one ago", func(s *situation) {
		s.rotated(ago(5 * time.Hour))
		s.recorded()
		s.Keys[1].LastUse.At = ago(testDrain + testUseLate - time.Second)
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
	{"a registry that the rotation ignores still has it", func(s *situation) {
		s.retired()
		s.stored(HolderContainerRegistry, "registry", keyA)
		s.IgnoredHolders = []string{"registry"}
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"a DNS provider still has it", func(s *situation) {
		s.retired()
		s.stored(HolderSecretManager, "dns", keyA)
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"a registry still has it, and registries are not rotated", func(s *situation) {
		s.retired()
		s.stored(HolderContainerRegistry, "registry", keyA)
		s.RotateRegistries = false
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"the provider signs with it", func(s *situation) {
		s.retired()
		s.Keys[1].Signs = true
	}, refuses(ArgumentNone, SummarySignsWithKey)},
	{"a cluster does not accept the current key", func(s *situation) {
		s.retired()
		s.status("cluster-of-"+testCreds, "INVALID_CREDENTIALS")
	}, refuses(ArgumentTriggers, SummaryInvalidCredentials)},

	// The key of stale holders.
	{"stale holders, while a deployment runs", func(s *situation) {
		s.stale(ago(testDrain))
		s.status("cluster-of-"+testCreds, "DEPLOYING")
	}, refuses(ArgumentNone, SummaryRepairWaits)},
	{"stale holders, and one that takes no key", func(s *situation) {
		s.stale(ago(testDrain))
		s.stored(HolderSecretManager, "dns", keyA)
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"stale holders, and one that is ignored", func(s *situation) {
		s.stale(ago(testDrain))
		s.stored(HolderHelmRepository, "charts", keyA)
		s.IgnoredHolders = []string{"charts"}
	}, refuses(ArgumentTriggers, SummaryKeyInUse)},
	{"stale holders, and the state knows that they were served", func(s *situation) {
		s.stale(ago(testDrain - time.Second))
		s.recorded()
	}, refuses(ArgumentTriggers, SummaryStillDraining)},
}}}

var refusedForHolders = []nextCases{
	{"The key is stored where it cannot be replaced", []nextCase{
		{"vSphere credentials", func(s *situation) { s.stored(HolderVSphereCredentials, "vsphere", keyA) }, refuses(ArgumentNone, SummaryUnrotatableHolder)},
		{"a secret-manager access", func(s *situation) { s.stored(HolderSecretManager, "secrets", keyA) }, refuses(ArgumentNone, SummaryUnrotatableHolder)},
		{"one of two is ignored", func(s *situation) {
			s.stored(HolderSecretManager, "dns", keyA)
			s.stored(HolderSecretManager, "secrets", keyA)
			s.IgnoredHolders = []string{"dns"}
		}, refuses(ArgumentNone, SummaryUnrotatableHolder)},
	}},
	{"The clusters cannot be deployed", []nextCase{
		{"a locked cluster", func(s *situation) { s.lock("cluster-of-" + testCreds) }, refuses(ArgumentNone, SummaryClusterLocked)},
		{"a cluster that did not stop", func(s *situation) { s.status("cluster-of-"+testCreds, "STOP_ERROR") }, refuses(ArgumentNone, SummaryClusterState)},
		{"a cluster without a status", func(s *situation) { clear(s.Statuses) }, refuses(ArgumentNone, SummaryClusterState)},
		{"a locked cluster of other credentials with the key", func(s *situation) {
			s.credentials("others", keyA)
			s.lock("cluster-of-others")
		}, refuses(ArgumentNone, SummaryClusterLocked)},
		{"a restricted organization", func(s *situation) {
			s.Organization.DeploymentRestriction = "NO_CREDIT_CARD"
		}, refuses(ArgumentOrganizationID, SummaryRestricted)},
	}},
}
