package rotation

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// nextCases are situations in which one row of the table decides.
type nextCases struct {
	row   string
	cases []nextCase
}

type nextCase struct {
	name  string
	given func(s *situation)
	want  string
}

// refuses is the decision to refuse, as [short] writes it.
func refuses(argument Argument, summary string) string {
	if argument == ArgumentNone {
		argument = "-"
	}
	return "refuse " + string(argument) + ": " + summary
}

// TestNext has one or more situations for every row of the table.
func TestNext(t *testing.T) {
	all := slices.Concat(refusedAtOnce, nothingToDo, waited, resumed, refusedByFacts, refusedForPlace, refusedForHolders, rotated, oddities)
	tried := map[string]bool{}
	for _, group := range all {
		tried[group.row] = true
		for _, test := range group.cases {
			t.Run(group.row+"/"+test.name, func(t *testing.T) {
				s := newSituation()
				test.given(s)
				if row := s.decidedBy(); row != group.row {
					t.Errorf("row %q decides", row)
				}
				d := Next(testNow, s.Intent, s.Snapshot)
				if got := short(d); got != test.want {
					t.Errorf("decided\n\t%s, want\n\t%s", got, test.want)
				}
				if d.Problem != nil && (d.Problem.Cause == "" || d.Problem.Advice == "" || !strings.Contains(d.Problem.World, "changed")) {
					t.Errorf("problem without a cause, a state or a next step: %+v", d.Problem)
				}
			})
		}
	}
	for _, row := range table {
		if !tried[row.situation] {
			t.Errorf("no situation is tried for row %q", row.situation)
		}
	}
}

// notAsked is a situation in which no rotation is asked for.
func notAsked(given func(s *situation)) func(s *situation) {
	return func(s *situation) { s.Rotate = false; given(s) }
}

var refusedAtOnce = []nextCases{
	{"The credentials have no access key", []nextCase{
		{"credentials of a role", func(s *situation) {
			s.Set.Type, s.Set.AccessKeyID, s.Current = "AWS_ROLE", "", nil
		}, refuses(ArgumentCredentialsID, SummaryNotStatic)},
		{"credentials of another cloud", func(s *situation) {
			s.Set.Type, s.Set.AccessKeyID, s.Current = "SCW", "", nil
		}, refuses(ArgumentCredentialsID, SummaryNotStatic)},
		{"credentials of vSphere, which have a key", func(s *situation) {
			s.Set.Type = "EKS_ANYWHERE_VSPHERE"
		}, refuses(ArgumentCredentialsID, SummaryNotStatic)},
	}},
	{"The IAM user does not exist", []nextCase{
		{"nobody has the key", func(s *situation) {
			s.User, s.Keys, s.Current, s.Owner, s.UserMissing = User{}, nil, nil, "", true
		}, refuses(ArgumentIAMUserName, SummaryUserNotFound)},
		{"somebody has the key", func(s *situation) {
			s.User, s.Keys, s.Owner, s.UserMissing = User{}, nil, "somebody", true
		}, refuses(ArgumentIAMUserName, SummaryUserNotFound)},
	}},
	{"Qovery's key is of another IAM user", []nextCase{
		{"rotation asked for", func(s *situation) { s.Owner, s.Keys[0].ID = "somebody", keyX }, refuses(ArgumentIAMUserName, SummaryWrongUser)},
		{"nothing asked for", notAsked(func(s *situation) { s.Owner = "somebody" }), refuses(ArgumentIAMUserName, SummaryWrongUser)},
	}},
	{"Qovery's key does not work, and no rotation of it is asked for and possible", []nextCase{
		{"gone, nothing asked for", notAsked(func(s *situation) { s.gone() }), refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"gone, no owner recorded", func(s *situation) { s.gone(); s.UserARN = "" }, refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"gone, and the user of that name is another one", func(s *situation) {
			s.gone()
			s.User.ARN = "arn:aws:iam::123456789012:user/people/qovery"
		}, refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"gone, without a user name", func(s *situation) {
			s.gone()
			s.UserName, s.User = "", User{}
		}, refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"Inactive, nothing asked for", notAsked(func(s *situation) { s.Current.Active = false }), refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"Inactive, no owner recorded", func(s *situation) { s.Current.Active, s.UserARN = false, "" }, refuses(ArgumentCredentialsID, SummaryCutOff)},
		{"Inactive after the cutover, nothing asked for", notAsked(func(s *situation) {
			s.rotated(ago(time.Minute))
			s.Journal.Stage, s.Current.Active = StageDeploying, false
		}), refuses(ArgumentCredentialsID, SummaryCutOff)},
	}},
	{"The journal cannot be read", []nextCase{
		{"rotation asked for", func(s *situation) { s.JournalError = errNotAJournal }, refuses(ArgumentIAMUserName, SummaryForeignJournal)},
		{"nothing asked for", notAsked(func(s *situation) { s.JournalError = errNotAJournal }), refuses(ArgumentIAMUserName, SummaryForeignJournal)},
	}},
}

var nothingToDo = []nextCases{{"Nothing is unfinished and nothing is asked for", []nextCase{
	{"the normal case", notAsked(func(*situation) {}), "none"},
	{"the state knows", notAsked(func(s *situation) { s.Record = &Record{AccessKeyID: keyA} }), "none"},
	{"the provider signs with the key", notAsked(func(s *situation) { s.Current.Signs = true }), "none"},
	{"a foreign key", notAsked(func(s *situation) { s.other(keyX, ago(time.Hour), neverUsed) }), "none"},
	{"draining", notAsked(func(s *situation) { s.rotated(ago(time.Hour)); s.recorded() }), "none"},
	{"draining, without a journal", notAsked(func(s *situation) { s.rotated(ago(time.Hour)); s.recorded(); s.Journal = nil }), "none"},
	{"drained", notAsked(func(s *situation) { s.rotated(ago(3 * time.Hour)); s.recorded() }), "none"},
	{"a run that may be alive", notAsked(func(s *situation) { s.journal(StageCreating, "", ago(time.Second)) }), "none"},
	{"an orphan", notAsked(func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Hour))
		s.other(keyB, ago(time.Hour), neverUsed)
	}), "none"},
	{"a run for other credentials that may be alive", notAsked(func(s *situation) {
		s.otherJournal(StageCreating, "", ago(time.Minute))
	}), "none"},
	{"a complete rotation for other credentials gave the key to these, which are adopted", notAsked(func(s *situation) {
		s.rotated(ago(time.Hour))
		s.Journal = nil
		s.otherJournal(StageDeployed, keyB, ago(time.Hour))
	}), "none"},
	{"an unfinished one did, and these are adopted", notAsked(func(s *situation) {
		s.rotated(ago(time.Hour))
		s.Journal = nil
		s.otherJournal(StageDeploying, keyB, ago(time.Hour))
	}), "none"},
	{"somebody gave the previous key to a holder after the rotation", notAsked(func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.recorded()
	}), "none"},
	{"somebody gave the previous key to a holder, and the next rotation died", notAsked(func(s *situation) {
		s.stale(ago(5 * time.Hour))
		s.recorded()
		s.Journal = &Journal{CredentialsID: testCreds, From: keyB, Stage: StageCreating, At: ago(time.Hour), DrainWindow: testDrain}
	}), "none"},
	{"a repair was complete but for a holder, and is undone", notAsked(func(s *situation) {
		s.repairing(StageDeployed, "")
		s.Journal.To, s.Journal.CutoverAt = keyC, ago(2*time.Hour)
	}), "none"},
	{"a locked cluster", notAsked(func(s *situation) { s.lock("cluster-of-" + testCreds) }), "none"},
	{"a holder that cannot be served", notAsked(func(s *situation) { s.stored(HolderSecretManager, "dns", keyA) }), "none"},
	{"the previous key is put back", notAsked(func(s *situation) {
		s.journal(StageDeployed, keyB, ago(time.Hour))
		s.other(keyB, ago(time.Hour), neverUsed)
	}), "none"},
}}}

// lock locks a cluster.
func (s *situation) lock(clusterID string) {
	status := s.Statuses[clusterID]
	status.Lock = &ClusterLock{Owner: "Ada", Reason: "audit", LockedAt: ago(time.Hour)}
	s.Statuses[clusterID] = status
}

var waited = []nextCases{{"A run that still stores its key may be alive", []nextCase{
	{"before its key", func(s *situation) { s.journal(StageCreating, "", ago(time.Minute)) }, "wait until 09:02:00"},
	{"with its key", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Minute))
		s.other(keyB, ago(time.Minute), neverUsed)
	}, "wait until 09:02:00"},
	{"its key is on its way into Qovery", func(s *situation) {
		s.journal(StageStoring, keyB, ago(2*time.Minute))
		s.other(keyB, ago(2*time.Minute), verified)
	}, "wait until 09:01:00"},
	{"its key is not in a registry yet", func(s *situation) {
		s.stale(ago(time.Minute))
		s.journal(StageStoring, keyB, ago(time.Minute))
	}, "wait until 09:02:00"},
	{"just under three minutes old", func(s *situation) { s.journal(StageCreating, "", ago(3*time.Minute-time.Second)) }, "wait until 09:00:01"},
	{"by a clock that is ahead", func(s *situation) { s.journal(StageCreating, "", ago(-time.Minute)) }, "wait until 09:04:00"},
	{"for other credentials", func(s *situation) { s.otherJournal(StageVerifying, keyB, ago(time.Minute)) }, "wait until 09:02:00"},
	{"two of them", func(s *situation) {
		s.journal(StageCreating, "", ago(2*time.Minute))
		s.otherJournal(StageCreating, "", ago(time.Minute))
	}, "wait until 09:02:00"},
	{"beside an unfinished rotation", func(s *situation) {
		s.holds(keyB)
		s.unfinished(time.Time{})
		s.otherJournal(StageCreating, "", ago(time.Minute))
	}, "wait until 09:02:00"},
	{"a repair", func(s *situation) {
		s.repairing(StageVerifying, keyC)
		s.Journal.At = ago(time.Minute)
	}, "wait until 09:02:00"},
	{"beside a foreign key", func(s *situation) {
		s.journal(StageVerifying, keyB, ago(time.Minute))
		s.other(keyX, ago(time.Hour), neverUsed)
	}, "wait until 09:02:00"},
}}}

var refusedByFacts = []nextCases{
	{"Somebody put the previous key back", []nextCase{
		{"of an unfinished rotation", func(s *situation) {
			s.journal(StageDeploying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), usedAtSix)
		}, refuses(ArgumentNone, SummaryPutBack)},
		{"of a complete rotation", func(s *situation) {
			s.journal(StageDeployed, keyB, ago(5*time.Hour))
			s.other(keyB, ago(6*time.Hour), usedAtSix)
		}, refuses(ArgumentNone, SummaryPutBack)},
		{"and the state knows the new one", func(s *situation) {
			s.journal(StageDeploying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), usedAtSix)
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA}
		}, refuses(ArgumentNone, SummaryPutBack)},
		{"and the state knows the new one as unfinished, nothing asked for", notAsked(func(s *situation) {
			s.journal(StageDeploying, keyB, ago(time.Hour))
			s.other(keyB, ago(time.Hour), usedAtSix)
			s.unfinished(time.Time{})
		}), refuses(ArgumentNone, SummaryPutBack)},
	}},
	{"Qovery's key is not the one of the plan", []nextCase{
		{"somebody else's rotation", func(s *situation) {
			s.holds(keyB)
			s.other(keyA, ago(time.Hour), usedAtSix)
			s.Record = &Record{AccessKeyID: keyA}
		}, refuses(ArgumentNone, SummaryKeyChanged)},
		{"an unfinished rotation, and the world moved", notAsked(func(s *situation) {
			s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyX, Unfinished: true}
		}), refuses(ArgumentNone, SummaryKeyChanged)},
		{"an unfinished rotation whose key was put back and the new one deleted", notAsked(func(s *situation) {
			s.journal(StageDeploying, keyB, ago(time.Hour))
			s.unfinished(time.Time{})
		}), refuses(ArgumentNone, SummaryKeyChanged)},
	}},
	{"The provider signs with the key", []nextCase{
		{"rotation asked for", func(s *situation) { s.Current.Signs = true }, refuses(ArgumentNone, SummarySignsWithKey)},
		{"stale holders, nothing asked for", notAsked(func(s *situation) {
			s.stale(ago(3 * time.Hour))
			s.Current.Signs = true
		}), refuses(ArgumentNone, SummarySignsWithKey)},
	}},
	{"A rotation for other credentials of the user is unfinished", []nextCase{
		{"and it has left these behind", func(s *situation) {
			s.other(keyB, ago(5*time.Hour), usedAtSix)
			s.credentials("others", keyB)
			s.otherJournal(StageDeployed, keyB, ago(5*time.Hour))
		}, refuses(ArgumentNone, SummaryOtherRotation)},
		{"and they hold its key", func(s *situation) {
			s.other(keyB, ago(time.Hour), usedAtSix)
			s.credentials("others", keyB)
			s.otherJournal(StageDeploying, keyB, ago(time.Hour))
		}, refuses(ArgumentNone, SummaryOtherRotation)},
		{"and they hold its key, which the journal does not know yet", func(s *situation) {
			s.other(keyB, ago(time.Hour), usedAtSix)
			s.credentials("others", keyB)
			s.otherJournal(StageStoring, keyB, ago(time.Hour))
		}, refuses(ArgumentNone, SummaryOtherRotation)},
	}},
}

// TestDesignHasTheTable compares the table with the one in DESIGN.md.
func TestDesignHasTheTable(t *testing.T) {
	text, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n| situation | decision |\n| --- | --- |\n")
	if !found {
		t.Fatal("DESIGN.md has no such table")
	}
	var design, code []string
	for line := range strings.Lines(rest) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.TrimSpace(cells[2]) == "" {
			break
		}
		design = append(design, strings.TrimSpace(cells[1]))
	}
	for _, row := range table {
		code = append(code, row.situation)
	}
	if !slices.Equal(design, code) {
		t.Errorf("DESIGN.md has the situations\n\t%s\nand decide.go\n\t%s", strings.Join(design, "\n\t"), strings.Join(code, "\n\t"))
	}
}
