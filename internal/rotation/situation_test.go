package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	keyA        = "AKIAAAAAAAAAAAAAAAAA" // the key that is rotated
	keyB        = "AKIABBBBBBBBBBBBBBBB" // the key that a rotation creates
	keyC        = "AKIACCCCCCCCCCCCCCCC" // the key that the next rotation creates
	keyX        = "AKIAXXXXXXXXXXXXXXXX" // a key that this resource knows nothing about
	testUser    = "qovery"
	testARN     = "arn:aws:iam::123456789012:user/qovery"
	testCreds   = "creds"
	testDrain   = 2 * time.Hour
	testUseLate = 20 * time.Minute
)

// testNow is the present time in tests of pure functions.
var testNow = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return testNow.Add(-d) }

var (
	neverUsed = LastUse{}
	verified  = LastUse{UserName: testUser, At: ago(24 * time.Hour), Service: "sts", Region: "eu-west-3"}
	usedAtSix = LastUse{UserName: testUser, At: ago(3 * time.Hour), Service: "eks", Region: "eu-west-3"}
)

// situation is an intent and a snapshot. It begins as the normal case: Qovery holds the user's only key, its only cluster runs,
// and a rotation is asked for.
type situation struct {
	Intent
	*Snapshot
}

func newSituation() *situation {
	s := &situation{
		Intent: Intent{
			Target: Target{OrganizationID: "org", CredentialsID: testCreds, UserName: testUser, UserARN: testARN},
			Rotate: true, RotateRegistries: true, DrainWindow: testDrain, lastUseDelay: testUseLate,
		},
		Snapshot: &Snapshot{
			Organization: Organization{ID: "org"}, User: User{Name: testUser, ARN: testARN}, Owner: testUser,
			Keys:     []Key{{AccessKey: AccessKey{ID: keyA, Active: true, CreatedAt: ago(90 * 24 * time.Hour)}}},
			Statuses: map[string]ClusterStatus{},
		},
	}
	s.credentials(testCreds, keyA)
	s.aim()
	return s
}

// aim sets the pointers of the snapshot to the members of its lists.
func (s *situation) aim() {
	s.Set = &s.Sets[0]
	s.Current = s.key(s.Set.AccessKeyID)
}

// credentials adds credentials with a running cluster.
func (s *situation) credentials(id, accessKeyID string) {
	cluster := Cluster{ID: "cluster-of-" + id, Name: "prod", Region: "eu-west-3"}
	s.Clusters = append(s.Clusters, cluster)
	s.status(cluster.ID, "DEPLOYED")
	s.Sets = append(s.Sets, CredentialsSet{
		ID: id, Name: "production", Type: CredentialsTypeStatic, AccessKeyID: accessKeyID, Clusters: []Cluster{{ID: cluster.ID, Name: cluster.Name}},
	})
	s.stored(HolderCredentials, id, accessKeyID)
	s.aim()
}

// stored adds a holder.
func (s *situation) stored(kind HolderKind, id, accessKeyID string) {
	s.Holders = append(s.Holders, Holder{Kind: kind, ID: id, Name: "name-of-" + id, AccessKeyID: accessKeyID})
}

func (s *situation) status(clusterID, state string) {
	s.Statuses[clusterID] = ClusterStatus{ClusterID: clusterID, State: state, IsDeployed: true}
}

// holds replaces the user's key A, which Qovery holds, by another one.
func (s *situation) holds(accessKeyID string) {
	s.Set.AccessKeyID, s.Keys[0].ID, s.Holders[0].AccessKeyID = accessKeyID, accessKeyID, accessKeyID
	s.aim()
}

// gone deletes Qovery's key.
func (s *situation) gone() { s.Owner, s.Keys, s.Current = "", nil, nil }

// other gives the user a second key.
func (s *situation) other(accessKeyID string, createdAt time.Time, use LastUse) {
	s.Keys = append(s.Keys, Key{AccessKey: AccessKey{ID: accessKeyID, Active: true, CreatedAt: createdAt}, LastUse: use})
	s.aim()
}

// journalOf is the journal of a rotation from A, for any credentials.
func journalOf(credentialsID string, stage Stage, to string, at time.Time) Journal {
	j := Journal{CredentialsID: credentialsID, From: keyA, To: to, Stage: stage, At: at, DrainWindow: testDrain}
	if stage == StageDeploying || stage == StageDeployed {
		j.CutoverAt = at
	}
	return j
}

// journal leaves a journal for these credentials, and otherJournal one for others of the same user.
func (s *situation) journal(stage Stage, to string, at time.Time) {
	j := journalOf(testCreds, stage, to, at)
	s.Journal = &j
}

func (s *situation) otherJournal(stage Stage, to string, at time.Time) {
	s.OtherJournals = append(s.OtherJournals, journalOf("others", stage, to, at))
}

// rotated is the situation after a rotation from A to B that was deployed, with its journal.
func (s *situation) rotated(deployedAt time.Time) {
	s.holds(keyB)
	s.other(keyA, ago(90*24*time.Hour), usedAtSix)
	s.journal(StageDeployed, keyB, deployedAt)
}

// recorded adds a state in which that rotation is complete.
func (s *situation) recorded() {
	s.Record = &Record{
		AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: s.Journal.CutoverAt, DeployedAt: s.Journal.At,
		DrainEndsAt: s.Journal.At.Add(testDrain),
	}
}

// stale is the situation after a rotation from A to B that did not reach a registry.
func (s *situation) stale(deployedAt time.Time) {
	s.rotated(deployedAt)
	s.stored(HolderContainerRegistry, "registry", keyA)
}

// repairing is the situation after a repair, from B to C, that died before its cutover. Key A is deleted.
func (s *situation) repairing(stage Stage, to string) {
	s.stale(ago(5 * time.Hour))
	s.Keys = s.Keys[:1]
	if to != "" {
		s.other(to, ago(time.Hour), neverUsed)
	}
	s.Journal = &Journal{
		CredentialsID: testCreds, From: keyB, To: to, Before: []string{keyA}, Stage: stage, At: ago(time.Hour), DrainWindow: testDrain,
	}
	s.aim()
}

// unfinished adds a state with an unfinished rotation from A to B.
func (s *situation) unfinished(deployedAt time.Time) {
	s.Record = &Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(6 * time.Hour), DeployedAt: deployedAt, Unfinished: true}
	if !deployedAt.IsZero() {
		s.Record.DrainEndsAt = deployedAt.Add(testDrain)
	}
}

// decidedBy returns the row of the table that decides.
func (s *situation) decidedBy() string {
	v := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}
	v.Snapshot = v.snapshotWithRecord()
	return v.firstRow().situation
}

// letter is a key's name in tables.
func letter(accessKeyID string) string { return strings.TrimPrefix(accessKeyID, "AKIA")[:1] }

func timeOf(at time.Time) string { return at.Format("15:04:05") }

// short is a whole decision in one line.
func short(d Decision) string {
	words := []string{string(d.Action)}
	if d.Problem != nil {
		words = append(words, cmp.Or(string(d.Problem.Argument), "-")+":", d.Problem.Summary)
	}
	if !d.Until.IsZero() {
		words = append(words, "until", timeOf(d.Until))
	}
	if j := d.Rotation; j.From != "" {
		words = append(words, letter(j.From))
		if j.To != "" {
			words = append(words, "to", letter(j.To), string(j.Stage), timeOf(j.At), "cutover", timeOf(j.CutoverAt))
		}
		words = append(words, "drain", j.DrainWindow.String())
		for _, id := range j.Before {
			words = append(words, "before", letter(id))
		}
	}
	if d.Place != nil {
		words = append(words, fmt.Sprintf("delete %s (%s)", letter(d.Place.accessKeyID), d.Place.reason))
	}
	for _, holder := range d.Stale {
		words = append(words, "serve", holder.ID)
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}
