package rotation

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The generators make situations with few keys and ids. Journals and states are mostly true, so that false entries are often
// relevant.

var (
	someKeys = []string{keyA, keyB, keyC, keyX}
	someSets = []string{testCreds, "others", "more"}
	someAges = []time.Duration{
		-time.Minute, time.Minute, livePeriod - time.Second, livePeriod, 4 * time.Minute, time.Hour, time.Hour, testDrain, testDrain + testUseLate,
		3 * time.Hour, 3 * time.Hour, 5 * time.Hour, 5 * time.Hour, 50 * time.Hour, 50 * time.Hour,
	}
	someWindows = []time.Duration{0, time.Minute, testDrain, 4 * time.Hour}
	someStates  = []string{"DEPLOYED", "DEPLOYED", "DEPLOYED", "DEPLOYED", "DEPLOYED", "DEPLOYED", "DEPLOYING", "STOPPED", "INVALID_CREDENTIALS", "STOP_ERROR"}
)

func anyOf[T any](rt *rapid.T, values []T, label string) T {
	return rapid.SampledFrom(values).Draw(rt, label)
}

func anyTime(rt *rapid.T, label string) time.Time { return ago(anyOf(rt, someAges, label)) }

// maybe is true in one of so many cases.
func maybe(rt *rapid.T, in int, label string) bool { return rapid.IntRange(1, in).Draw(rt, label) == 1 }

// anyKeyButMostly is any key, and mostly one of the given ones.
func anyKeyButMostly(rt *rapid.T, likely []string, label string) string {
	return anyOf(rt, slices.Concat(likely, likely, likely, someKeys), label)
}

// anyJournal is the journal of a rotation between any keys, and mostly the likely ones.
func anyJournal(rt *rapid.T, credentialsID string, likely []string) Journal {
	j := Journal{
		CredentialsID: credentialsID, From: anyKeyButMostly(rt, likely, "from"), To: anyKeyButMostly(rt, likely, "to"), At: anyTime(rt, "at"),
		Stage:       anyOf(rt, []Stage{StageCreating, StageVerifying, StageStoring, StageDeploying, StageDeployed}, "stage"),
		DrainWindow: anyOf(rt, someWindows, "journal's window"),
	}
	if maybe(rt, 10, "held") {
		j.Hold = anyKeyButMostly(rt, likely, "hold")
	}
	if maybe(rt, 3, "repair") {
		j.Before = rapid.SliceOfNDistinct(rapid.SampledFrom(someKeys), 1, 2, rapid.ID[string]).Draw(rt, "before")
	}
	switch j.Stage {
	case StageCreating:
		j.To = ""
	case StageDeploying, StageDeployed:
		j.CutoverAt = j.At.Add(-anyOf(rt, []time.Duration{0, time.Minute, time.Hour}, "deployed for"))
	default:
	}
	return j
}

func anyRecord(rt *rapid.T, likely []string) *Record {
	r := &Record{
		UserName: testUser, UserARN: testARN, AccessKeyID: anyKeyButMostly(rt, likely[:1], "recorded"),
		PreviousAccessKeyID: anyKeyButMostly(rt, append(likely[1:], ""), "recorded before"), RotatedAt: ago(60 * time.Hour),
	}
	if r.PreviousAccessKeyID == "" {
		return r
	}
	r.Unfinished = rapid.Bool().Draw(rt, "unfinished")
	if !r.Unfinished || rapid.Bool().Draw(rt, "deployed") { // A complete rotation is deployed, and an unfinished one may be.
		r.DeployedAt = anyTime(rt, "deployed at")
		r.DrainEndsAt = r.DeployedAt.Add(anyOf(rt, someWindows, "recorded window"))
	}
	return r
}

func anyKey(rt *rapid.T, id string) Key {
	key := Key{AccessKey: AccessKey{ID: id, Active: !maybe(rt, 20, "Inactive"), CreatedAt: anyTime(rt, "created")}, Signs: maybe(rt, 25, "signs")}
	if rapid.Bool().Draw(rt, "used") {
		key.LastUse = LastUse{UserName: testUser, At: anyTime(rt, "used at"), Service: anyOf(rt, []string{"sts", "iam", "ec2", "eks"}, "service")}
	}
	return key
}

// anySituation is any snapshot with any intent. Mostly, Qovery's credentials hold a key of the user.
func anySituation(rt *rapid.T) *situation {
	s := newSituation()
	s.Sets, s.Holders, s.Clusters, s.Keys = nil, nil, nil, nil
	for _, id := range rapid.Permutation(someKeys).Draw(rt, "keys")[:rapid.SampledFrom([]int{1, 2, 2, 2}).Draw(rt, "number of keys")] {
		s.Keys = append(s.Keys, anyKey(rt, id))
	}
	holds := s.Keys[0].ID
	if maybe(rt, 20, "holds another") {
		holds = anyOf(rt, someKeys, "holds")
	}
	for i, id := range someSets[:rapid.IntRange(1, len(someSets)).Draw(rt, "sets")] {
		if i > 0 {
			holds = anyOf(rt, someKeys, "others hold")
		}
		s.credentials(id, holds)
		s.status("cluster-of-"+id, anyOf(rt, someStates, "state"))
		if maybe(rt, 20, "locked") {
			s.lock("cluster-of-" + id)
		}
	}
	s.aim()
	if s.Current == nil && rapid.Bool().Draw(rt, "nobody has it") {
		s.Owner = ""
	}
	for i, kind := range []HolderKind{HolderContainerRegistry, HolderHelmRepository, HolderDNSProvider} {
		if maybe(rt, 2+3*i, string(kind)) {
			s.stored(kind, string(kind), anyOf(rt, someKeys, "stored"))
		}
	}
	s.anyPast(rt)
	if maybe(rt, 4, "a leak") {
		s.Compromised = rapid.SliceOfNDistinct(rapid.SampledFrom(someKeys), 1, 2, rapid.ID[string]).Draw(rt, "compromised")
	}
	return s
}

// anyPast adds journals, a record and what is asked for.
func (s *situation) anyPast(rt *rapid.T) {
	likely := []string{s.Set.AccessKeyID}
	for _, key := range s.Keys[1:] {
		likely = append(likely, key.ID)
	}
	if rapid.Bool().Draw(rt, "journal") {
		j := anyJournal(rt, testCreds, likely)
		s.Journal = &j
	}
	for _, id := range someSets[1:] {
		if maybe(rt, 4, "another journal") {
			s.OtherJournals = append(s.OtherJournals, anyJournal(rt, id, likely))
		}
	}
	if rapid.Bool().Draw(rt, "record") {
		s.Record = anyRecord(rt, likely)
	}
	s.Rotate, s.RotateRegistries = rapid.Bool().Draw(rt, "rotate"), !maybe(rt, 4, "no registries")
	s.DrainWindow = anyOf(rt, someWindows, "window")
	s.lastUseDelay = anyOf(rt, []time.Duration{0, testUseLate}, "late")
	for _, holder := range s.Holders {
		if holder.ID != testCreds && maybe(rt, 4, "ignored") {
			s.IgnoredHolders = append(s.IgnoredHolders, holder.ID)
		}
	}
}

// anyDeletion asks for the deletion of any key, with any reason.
func anyDeletion(rt *rapid.T, s *situation) Deletion {
	d := Deletion{
		AccessKeyID: anyOf(rt, someKeys, "deleted"), UserName: testUser,
		Reason:      anyOf(rt, []Reason{ReasonRetired, ReasonRepair, ReasonCompromised, ReasonOrphan, ReasonCompensated}, "reason"),
		DeleteAfter: anyTime(rt, "delete after"), AllowRecentUse: rapid.Bool().Draw(rt, "allow recent use"), Unclear: rapid.Bool().Draw(rt, "unclear"),
	}
	d.RetireAt = d.DeleteAfter.Add(anyOf(rt, []time.Duration{0, testUseLate}, "late"))
	for _, holder := range s.Holders {
		switch {
		case !rapid.Bool().Draw(rt, "may keep it"):
		case d.Reason == ReasonRetired:
			d.Ignored = append(d.Ignored, holder.ID)
		case d.Reason == ReasonRepair || d.Reason == ReasonCompromised:
			d.Served = append(d.Served, holder.ID)
		}
	}
	return d
}

// explained reports whether a journal or the state explains a key.
func (s *situation) explained(key *Key) bool {
	return s.Record != nil && s.Record.PreviousAccessKeyID == key.ID || slices.ContainsFunc(s.journals(), func(j Journal) bool {
		return j.names(key.ID) || j.To == "" && j.mayHaveCreated(key.AccessKey)
	})
}
