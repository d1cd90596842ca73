package rotation

import (
	"testing"
	"time"
)

// TestKnownDefects has situations that are decided in a wrong way at present. A test that is skipped shows how; one that fails
// is mended and belongs to [TestNext].
func TestKnownDefects(t *testing.T) {
	for _, group := range defects {
		for _, test := range group.cases {
			t.Run(test.name, func(t *testing.T) {
				s := newSituation()
				test.given(s)
				row, got := s.decidedBy(), short(Next(testNow, s.Intent, s.Snapshot))
				if row == group.row && got == test.want {
					t.Errorf("no longer a defect: move it to row %q of TestNext", group.row)
				}
				t.Skipf("row %q decided\n\t%s, want row %q and\n\t%s", row, got, group.row, test.want)
			})
		}
	}
}

// TestKnownDefectsOfDeletion has keys that may not go, and can; nothing asks for them at present.
func TestKnownDefectsOfDeletion(t *testing.T) {
	s := newSituation()
	s.other(keyB, ago(2*time.Minute), neverUsed)
	// A dead rotation may have created the key, and one that may be alive says that it is its own.
	s.journal(StageCreating, "", ago(3*time.Minute))
	s.otherJournal(StageVerifying, keyB, ago(time.Minute))
	_, problem := MayDelete(testNow, Deletion{AccessKeyID: keyB, UserName: testUser, Reason: ReasonOrphan}, s.Snapshot)
	if problem != nil {
		t.Error("no longer a defect: move it to TestMayDelete")
	}
	t.Skip("the key of a rotation that may be alive can be deleted as the orphan of another one")
}

// TestKnownDefectsOfJournals has what no rotation writes, and is read all the same.
func TestKnownDefectsOfJournals(t *testing.T) {
	if _, err := ParseJournal(testCredentials, journalOf("", StageDeployed, keyB, testNow).String()+" drain=-5m"); err != nil {
		t.Error("no longer a defect: move it to TestParseJournalRefuses")
	}
	t.Skip("a drain window that ends before it begins is accepted")
}

// TestKnownDefectsOfStates has facts about Qovery that are not in the code yet.
func TestKnownDefectsOfStates(t *testing.T) {
	if classify("DRY_RUN") == runRunning {
		t.Error("no longer a defect: change it in the list of states")
	}
	t.Skip("DRY_RUN is a run that is under way, and counts as failed")
}

var defects = []nextCases{
	{"The user's other key may not go", []nextCase{
		// A use of the previous key is taken for the beginning of a drain window although no deployment was recorded.
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
	{"The clusters cannot be deployed", []nextCase{
		// The clusters of stale credentials get the new key too, and nobody looked whether they can be deployed.
		{"a locked cluster of stale credentials", func(s *situation) {
			s.rotated(ago(testDrain))
			s.credentials("others", keyA)
			s.lock("cluster-of-others")
		}, refuses(ArgumentNone, SummaryClusterLocked)},
	}},
	{"A rotation is asked for, or stale holders need one", []nextCase{
		// The state knows the rotation as complete, so nothing brings the journal up to date, and it keeps the key for ever.
		{"drained, and the journal was not brought up to date", func(s *situation) {
			s.retired()
			s.Journal.Stage = StageDeploying
		}, "rotate B drain 2h0m0s before A delete A (retired)"},
		{"drained, and the journal misses the cutover", func(s *situation) {
			s.retired()
			s.Journal.Stage, s.Journal.CutoverAt = StageStoring, time.Time{}
		}, "rotate B drain 2h0m0s before A delete A (retired)"},
		// While A drains, the same state resumes.
		{"stale and drained, the state is from before", func(s *situation) {
			s.stale(ago(testDrain))
			s.Record = &Record{AccessKeyID: keyA}
		}, "rotate B drain 2h0m0s before A delete A (repair) serve registry"},
	}},
}
