package rotation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNextKeepsItsPromises decides about any snapshot and any intent.
func TestNextKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySituation(rt)
		before := fmt.Sprintf("%+v", *s.Snapshot)
		d := Next(testNow, s.Intent, s.Snapshot)
		if again := Next(testNow, s.Intent, s.Snapshot); !reflect.DeepEqual(again, d) {
			rt.Errorf("the same world, and it decides %s and %s", short(d), short(again))
		}
		if after := fmt.Sprintf("%+v", *s.Snapshot); after != before {
			rt.Errorf("the decision changed the snapshot from\n%s to\n%s", before, after)
		}
		if d.Action == ActionRotate && !s.Rotate && len(d.Stale) == 0 && !s.isListed(s.Set.AccessKeyID) {
			rt.Errorf("nobody asked for the rotation, and nobody needs it: %s", short(d))
		}
		if problem := (d.Problem != nil); problem != (d.Action == ActionRefuse) || problem && (d.Place != nil || d.Rotation.From != "") {
			rt.Errorf("refused, and decided all the same: %s", short(d))
		}
		if d.Action == ActionWait && (!d.Until.After(testNow) || d.Until.Sub(testNow) > livePeriod+time.Minute) {
			rt.Errorf("waits until %s", d.Until)
		}
		if from := s.key(d.Rotation.From); d.Action == ActionResume && (d.Rotation.To != s.Set.AccessKeyID || d.Rotation.Stage == StageDeployed &&
			d.Rotation.DrainWindow < s.DrainWindow && from != nil && from.Active && !s.isListed(from.ID)) {
			rt.Errorf("resumes another rotation, or shortens its window: %s", short(d))
		}
		if d.Action == ActionResume && s.isListed(s.Set.AccessKeyID) {
			rt.Errorf("carries on with a key that leaked: %s", short(d))
		}
		if d.Place != nil {
			checkPlace(rt, s, d)
		}
	})
}

// checkPlace looks for every reason why a key must not be deleted, by other means than the code that decides.
func checkPlace(rt *rapid.T, s *situation, d Decision) {
	key := s.key(d.Place.accessKeyID)
	if key == nil || key.ID == s.Set.AccessKeyID || key.Signs {
		rt.Fatalf("%s: the key is not the user's, or Qovery's own, or the provider's", short(d))
	}
	for _, holder := range s.HoldersOf(key.ID) {
		mayBeServed := d.Place.reason == ReasonRepair && !slices.Contains(s.IgnoredHolders, holder.ID) || d.Place.reason == ReasonCompromised
		if !mayBeServed || !slices.Contains(d.Stale, holder) {
			rt.Errorf("%s: %s has the key", short(d), holder)
		}
	}
	if !s.explained(key) && !s.isListed(key.ID) {
		rt.Errorf("%s: nothing explains the key", short(d))
	}
	isAsked := s.Rotate || s.isListed(s.Set.AccessKeyID)
	if (s.Current == nil || !s.Current.Active) && !isAsked {
		rt.Errorf("%s: Qovery's own key does not work, and nobody asked for another one", short(d))
	}
	switch d.Place.reason {
	case ReasonOrphan:
		checkOrphan(rt, s, d, key)
	case ReasonRetired, ReasonRepair:
		checkDrained(rt, s, d, key)
	case ReasonCompromised:
		if !s.isListed(key.ID) && !s.isListed(s.Set.AccessKeyID) {
			rt.Errorf("%s: no key of the user leaked", short(d))
		}
	default:
		rt.Errorf("%s: a decision has no such reason", short(d))
	}
}

// checkOrphan checks that no run deletes the key of another run that may be alive.
func checkOrphan(rt *rapid.T, s *situation, d Decision, key *Key) {
	for _, j := range s.journals() {
		if j.CutoverAt.IsZero() && testNow.Sub(j.At) < livePeriod && j.To != s.Set.AccessKeyID {
			rt.Errorf("%s: the run of %s may be alive", short(d), j)
		}
	}
	duringVerification := slices.Contains([]string{"iam", "ec2"}, key.LastUse.Service) && key.LastUse.At.Sub(key.CreatedAt) < livePeriod
	if !key.LastUse.At.IsZero() && key.LastUse.Service != "sts" && !duringVerification {
		rt.Errorf("%s: somebody uses the key", short(d))
	}
}

// checkDrained checks that a key is deleted only after every drain window that was ever in force for it.
func checkDrained(rt *rapid.T, s *situation, d Decision, key *Key) {
	var ends []time.Time
	r := s.Record
	if r != nil && r.PreviousAccessKeyID == key.ID {
		ends = append(ends, r.DrainEndsAt)
		if key.Active { // An Inactive key has nothing to drain, so a window that is longer now does not count.
			ends = append(ends, r.DeployedAt.Add(s.DrainWindow))
		}
	}
	for _, j := range s.journals() {
		holdsIt := slices.ContainsFunc(s.Sets, func(set CredentialsSet) bool { return set.ID == j.CredentialsID && set.AccessKeyID == j.To })
		if j.From != key.ID || !holdsIt && j.To != s.Set.AccessKeyID {
			continue
		}
		isRecorded := j.CredentialsID == testCreds && r != nil && r.AccessKeyID == j.To && r.PreviousAccessKeyID == j.From && !r.DeployedAt.IsZero()
		if holdsIt && j.Stage != StageDeployed && !isRecorded {
			rt.Errorf("%s: the key is being replaced: %s", short(d), j)
		}
		if j.Stage == StageDeployed {
			ends = append(ends, j.At.Add(j.DrainWindow))
		}
	}
	mentioned := slices.ContainsFunc(s.journals(), func(j Journal) bool { return slices.Contains(j.Before, key.ID) || j.To == key.ID })
	if len(ends) == 0 && !mentioned {
		rt.Errorf("%s: no deployment with another key was recorded", short(d))
	}
	for _, end := range ends {
		if d.Place.reason == ReasonRetired {
			end = end.Add(s.lastUseDelay)
		}
		if testNow.Before(end) {
			rt.Errorf("%s: the key drains until %s", short(d), end)
		}
	}
	if use := key.LastUse.At; d.Place.reason == ReasonRetired && len(ends) > 0 && use.After(slices.MaxFunc(ends, time.Time.Compare)) &&
		testNow.Before(use.Add(s.DrainWindow)) {
		rt.Errorf("%s: the key was used at %s", short(d), use)
	}
}

// TestMayDeleteKeepsItsPromises asks for the deletion of any key, with any reason.
func TestMayDeleteKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySituation(rt)
		d := anyDeletion(rt, s)
		permit, problem := MayDelete(testNow, d, s.Snapshot)
		if problem != nil {
			if permit != (Permit{}) {
				rt.Errorf("refused, with the permit %+v", permit)
			}
			return
		}
		if permit.accessKeyID != d.AccessKeyID || permit.reason != d.Reason || d.AccessKeyID == s.Set.AccessKeyID {
			rt.Errorf("%+v comes to %+v, and Qovery holds %s", d, permit, s.Set.AccessKeyID)
		}
		for _, holder := range s.HoldersOf(d.AccessKeyID) {
			if !slices.Contains(d.Served, holder.ID) && (holder.ClusterID != "" || !slices.Contains(d.Ignored, holder.ID)) {
				rt.Errorf("%s has the key", holder)
			}
		}
		key := s.key(d.AccessKeyID)
		switch d.Reason {
		case ReasonOrphan:
			if !s.explained(key) {
				rt.Errorf("nothing explains the key")
			}
			if slices.ContainsFunc(s.journals(), func(j Journal) bool { return j.cutOver() && j.To == d.AccessKeyID }) {
				rt.Errorf("Qovery has had the key")
			}
		case ReasonRetired, ReasonRepair:
			if slices.ContainsFunc(s.journals(), func(j Journal) bool { return j.Hold == d.AccessKeyID }) {
				rt.Errorf("a cleanup keeps the key")
			}
			if testNow.Before(d.RetireAt) || testNow.Before(d.DeleteAfter) {
				rt.Errorf("permitted before its time: %+v", d)
			}
			if d.Reason == ReasonRetired && !d.AllowRecentUse && key.LastUse.At.After(d.DeleteAfter) {
				rt.Errorf("the key was used at %s", key.LastUse.At)
			}
		case ReasonCompromised:
			if !s.isListed(d.AccessKeyID) && !s.isListed(s.Set.AccessKeyID) {
				rt.Errorf("no key of the user leaked")
			}
		case ReasonCompensated:
			if d.Unclear {
				rt.Errorf("a request to store the key is open")
			}
		}
	})
}

// TestMayStopKeepsItsPromises asks to stop any key, with any reason.
func TestMayStopKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySituation(rt)
		d := anyDeletion(rt, s)
		permit, problem := MayStop(testNow, d, s.Snapshot)
		if problem != nil {
			return
		}
		works := d.Heals || s.Current != nil && s.Current.Active
		if !permit.stopsOnly || d.Reason != ReasonCompromised || d.AccessKeyID == s.Set.AccessKeyID || !works {
			rt.Errorf("%+v comes to %+v, and Qovery holds %s", d, permit, s.Set.AccessKeyID)
		}
	})
}

// TestRefreshedKeepsItsPromises refreshes any record with any snapshot.
func TestRefreshedKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySituation(rt)
		s.Record = anyRecord(rt, []string{s.Keys[0].ID, s.Keys[len(s.Keys)-1].ID})
		s.Rotate = false
		known := *s.Record
		r, _ := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}.refreshed()
		if r.AccessKeyID != s.Set.AccessKeyID || r.UserName == "" || r.UserARN != testARN {
			rt.Errorf("the record %+v is not of what is there", r)
		}
		if r.PreviousAccessKeyID == known.PreviousAccessKeyID && r.AccessKeyID == known.AccessKeyID && r.DrainEndsAt.Before(known.DrainEndsAt) {
			rt.Errorf("the drain window ends at %s instead of %s", r.DrainEndsAt, known.DrainEndsAt)
		}
		if !r.Unfinished && r.PreviousAccessKeyID != "" && r.DrainEndsAt.IsZero() {
			rt.Errorf("the record %+v is complete, and nobody knows when its previous key may go", r)
		}
		s.Record = &r
		if again, _ := (view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}).refreshed(); !reflect.DeepEqual(again, r) {
			rt.Errorf("refreshed to %+v, and once more to %+v", r, again)
		}
	})
}

// stageOrder has the stages in the order of time.
var stageOrder = []Stage{StageNone, StageDeploying, StageDeployed, StageDrained, StageDeleted}

func TestWindowsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := *anyRecord(rt, someKeys)
		end := r.DrainEndsAt
		if r = r.ExtendDrain(anyOf(rt, someWindows, "window")); r.DrainEndsAt.Before(end) {
			rt.Errorf("the drain window ends at %s instead of %s", r.DrainEndsAt, end)
		}
		earlier, later := anyTime(rt, "earlier"), anyTime(rt, "later")
		if later.Before(earlier) {
			earlier, later = later, earlier
		}
		if is, was := r.stageAt(later), r.stageAt(earlier); slices.Index(stageOrder, is) < slices.Index(stageOrder, was) {
			rt.Errorf("%q at %s, and %q at %s", was, earlier, is, later)
		}

		ret := Retirement{
			AccessKeyID: keyA, DeleteAfter: anyTime(rt, "delete after"), QuarantineWindow: anyOf(rt, someWindows, "quarantine"),
			AllowRecentUse: rapid.Bool().Draw(rt, "allow recent use"), lastUseDelay: testUseLate,
		}
		key := &AccessKey{ID: keyA, Active: rapid.Bool().Draw(rt, "active")}
		if rapid.Bool().Draw(rt, "deactivated") {
			ret.DeactivatedAt = anyTime(rt, "deactivated at")
		}
		stage := ret.stageAt(earlier, key)
		next := ret.nextActionAt(stage)
		if next.Before(ret.retireAt()) || ret.goneAt(earlier, key).Before(ret.retireAt()) {
			rt.Errorf("the next action is at %s, before %s", next, ret.retireAt())
		}
		if stage != StageDrained && ret.stageAt(next, key) != StageDrained && ret.quarantined(key) {
			rt.Errorf("nothing can be done at %s, in stage %q", next, ret.stageAt(next, key))
		}
		if rank(ret.stageAt(later, key)) < rank(stage) {
			rt.Errorf("%q at %s, and %q at %s", stage, earlier, ret.stageAt(later, key), later)
		}
	})
}

// rank orders the stages of a key that nobody changes. The end of its quarantine makes it due.
func rank(s Stage) int {
	return slices.Index([]Stage{StageNone, StageDeployed, StageQuarantined, StageDrained, StageDeleted}, s)
}

func TestJournalKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := anyJournal(rt, testCreds, someKeys)
		text := j.String()
		if len(text) > maxJournalSize {
			rt.Errorf("%d characters: %s", len(text), text)
		}
		if got, err := ParseJournal(testCreds, text); err != nil || !reflect.DeepEqual(got, j) {
			rt.Errorf("%+v was written as %q and read as %+v, %v", j, text, got, err)
		}
	})
}
