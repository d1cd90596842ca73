package rotation

import "time"

// oddities are situations that seldom occur.
var oddities = []nextCases{
	{"The user's other key must not be deleted", []nextCase{
		// Without a recorded deployment, a use of the previous key begins no drain window.
		{"no deployment was ever recorded", func(s *situation) {
			s.retired()
			s.Journal, s.Record.DeployedAt, s.Record.DrainEndsAt = nil, time.Time{}, time.Time{}
		}, refuses(ArgumentTriggers, SummaryStillDraining)},
		{"others were rotated with these, did not end that, and have another key by now", func(s *situation) {
			s.shared(StageDeploying)
			s.Sets[1].AccessKeyID, s.Holders[1].AccessKeyID = keyX, keyX
			s.Record = &Record{AccessKeyID: keyB}
		}, refuses(ArgumentTriggers, SummaryStillDraining)},
	}},
	{"A registry that came with a cluster is ignored", []nextCase{
		{"and stores the key", func(s *situation) {
			s.stored(HolderContainerRegistry, "registry", keyA)
			s.Holders[len(s.Holders)-1].ClusterID, s.Holders[len(s.Holders)-1].ClusterName = "cluster-of-"+testCreds, "prod"
			s.IgnoredHolders = []string{"registry"}
		}, refuses(ArgumentIgnoredHolders, SummaryIgnoredRegistry)},
	}},
	{"Fewer requests are left than the holders need", []nextCase{
		{"one holder", func(s *situation) { s.Budget = Budget{Known: true, Left: 1} }, refuses(ArgumentNone, SummaryTooFewRequests)},
		{"three holders", func(s *situation) {
			s.stored(HolderContainerRegistry, "registry", keyA)
			s.stored(HolderHelmRepository, "charts", keyA)
			s.Budget = Budget{Known: true, Left: 5}
		}, refuses(ArgumentNone, SummaryTooFewRequests)},
		{"one holder and a stale one", func(s *situation) {
			s.stale(ago(testDrain))
			s.Budget = Budget{Known: true, Left: 3}
		}, refuses(ArgumentNone, SummaryTooFewRequests)},
	}},
	{"The clusters cannot be deployed", []nextCase{
		// The clusters of stale credentials get the new key too, so it must be possible to deploy them.
		{"a locked cluster of stale credentials", func(s *situation) {
			s.rotated(ago(testDrain))
			s.credentials("others", keyA)
			s.lock("cluster-of-others")
		}, refuses(ArgumentNone, SummaryClusterLocked)},
	}},
	{"A rotation is asked for, or stale holders need one", []nextCase{
		{"enough requests for one holder", func(s *situation) { s.Budget = Budget{Known: true, Left: 2} }, "rotate A drain 2h0m0s"},
		{"a budget that the API does not tell", func(s *situation) { s.Budget = Budget{} }, "rotate A drain 2h0m0s"},
		// In the state the rotation is complete, so nothing brings the journal up to date. The state counts.
		{"drained, and the journal was not brought up to date", func(s *situation) {
			s.retired()
			s.Journal.Stage = StageDeploying
		}, "rotate B drain 2h0m0s before A delete A (retired)"},
		{"drained, and the journal misses the cutover", func(s *situation) {
			s.retired()
			s.Journal.Stage, s.Journal.CutoverAt = StageStoring, time.Time{}
		}, "rotate B drain 2h0m0s before A delete A (retired)"},
		// While A drains, the rotation is resumed with this state.
		{"stale and drained, the state is from before", func(s *situation) {
			s.stale(ago(testDrain))
			s.Record = &Record{AccessKeyID: keyA}
		}, "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	}},
}
