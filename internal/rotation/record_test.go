package rotation

import (
	"reflect"
	"testing"
	"time"
)

func TestRecordOf(t *testing.T) {
	s := crowded()
	got := recordOf(s.Snapshot)
	want := Record{
		UserName: testUser, UserARN: testARN, AccessKeyID: keyA, AccessKeyCreatedAt: s.Current.CreatedAt, Clusters: s.Set.Clusters,
		Holders: listedHolders(s.HoldersOf(keyA)),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	s.Current = nil
	if got := recordOf(s.Snapshot); got.AccessKeyID != keyA || !got.AccessKeyCreatedAt.IsZero() {
		t.Errorf("of a key that is gone: %+v", got)
	}
}

func TestWithRotation(t *testing.T) {
	j := journalOf(testCreds, StageDeployed, keyB, ago(time.Hour))
	got := Record{AccessKeyID: keyB}.withRotation(j)
	want := Record{
		AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(time.Hour), DeployedAt: ago(time.Hour), DrainEndsAt: ago(time.Hour - testDrain),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	j.Stage = StageDeploying
	want = Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, RotatedAt: ago(time.Hour), Unfinished: true}
	if got := want.withRotation(j); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestRefreshed refreshes a record. The wanted record has only the fields of the rotation: the others are those of the snapshot.
func TestRefreshed(t *testing.T) {
	known := Record{UserName: testUser, UserARN: testARN, AccessKeyID: keyA}
	rotatedFrom := func(previous string, at time.Time, unfinished bool) Record {
		return Record{PreviousAccessKeyID: previous, RotatedAt: at, Unfinished: unfinished}
	}
	deployed := func(at time.Time, unfinished bool) Record {
		return Record{PreviousAccessKeyID: keyA, RotatedAt: at, DeployedAt: at, DrainEndsAt: at.Add(testDrain), Unfinished: unfinished}
	}
	tests := map[string]struct {
		given   func(s *situation)
		want    Record
		warning string
	}{
		"nothing changed": {func(*situation) {}, Record{}, ""},
		"draining":        {func(s *situation) { s.rotated(ago(time.Hour)); s.recorded() }, deployed(ago(time.Hour), false), ""},
		"unfinished":      {func(s *situation) { s.holds(keyB); s.unfinished(time.Time{}) }, rotatedFrom(keyA, ago(6*time.Hour), true), ""},
		"Inactive":        {func(s *situation) { s.Current.Active = false }, Record{}, SummaryCutOff},
		"gone":            {func(s *situation) { s.Current = nil }, Record{}, SummaryCutOff},
		"put there by another": {func(s *situation) {
			s.holds(keyX)
			s.other(keyA, ago(time.Hour), usedAtSix)
		}, rotatedFrom(keyA, time.Time{}, true), SummaryKeyReplaced},
		"the key was replaced outside, and is gone": {func(s *situation) { s.holds(keyX) }, Record{}, ""},
		"the previous key was put back": {func(s *situation) {
			s.rotated(ago(5 * time.Hour))
			s.recorded()
			s.Journal = nil
			s.holds(keyA)
			s.Keys = s.Keys[:1]
		}, Record{}, ""},
		"a third key, while the previous one is there": {func(s *situation) {
			s.rotated(ago(time.Hour))
			s.recorded()
			s.Journal = nil
			s.holds(keyX)
		}, deployed(ago(time.Hour), false), ""},

		"the state was lost, and a rotation is complete": {func(s *situation) {
			s.rotated(ago(time.Hour))
			s.Record = &Record{}
		}, deployed(ago(time.Hour), false), ""},
		"the state was lost, and a rotation is unfinished": {func(s *situation) {
			s.rotated(ago(time.Hour))
			s.Journal.Stage = StageDeploying
			s.Record = &Record{}
		}, rotatedFrom(keyA, ago(time.Hour), true), ""},
		"imported, with nothing to explain": {func(s *situation) { s.Record = &Record{} }, Record{}, ""},
		"a rotation was not recorded":       {func(s *situation) { s.rotated(ago(time.Hour)) }, deployed(ago(time.Hour), true), ""},
		"an unfinished one was not recorded": {func(s *situation) {
			s.rotated(ago(time.Hour))
			s.Journal.Stage = StageDeploying
		}, rotatedFrom(keyA, ago(time.Hour), true), ""},
		"others were rotated with these, and that is unfinished": {func(s *situation) { s.shared(StageDeploying) }, rotatedFrom(keyA, ago(time.Hour), true), ""},
		"others were rotated with these, and that is complete":   {func(s *situation) { s.shared(StageDeployed) }, Record{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSituation()
			s.stored(HolderContainerRegistry, "registry", keyX)
			test.given(s)
			if s.Record == nil {
				s.Record = &known
			}
			r, warning := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}.refreshed()
			if warning == nil && test.warning != "" || warning != nil && warning.Summary != test.warning {
				t.Errorf("warning %v, want %q", warning, test.warning)
			}
			want, seen := test.want, recordOf(s.Snapshot)
			want.UserName, want.UserARN, want.AccessKeyID, want.AccessKeyCreatedAt = testUser, testARN, seen.AccessKeyID, seen.AccessKeyCreatedAt
			want.Clusters, want.Holders = seen.Clusters, seen.Holders
			if !reflect.DeepEqual(r, want) {
				t.Errorf("record\n\t%+v, want\n\t%+v", r, want)
			}
		})
	}
}

// TestRefreshedKeepsTheOwner: the recorded user stays if the owner of the key is unknown.
func TestRefreshedKeepsTheOwner(t *testing.T) {
	s := newSituation()
	s.User, s.Owner, s.Current = User{}, "", nil
	s.Record = &Record{UserName: testUser, UserARN: testARN, AccessKeyID: keyA}
	r, _ := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}.refreshed()
	if r.UserName != testUser || r.UserARN != testARN {
		t.Errorf("the owner is %s, %s", r.UserName, r.UserARN)
	}
}

// TestRefreshedThenNext: a rotation that a refresh finds is resumed although no rotation is asked for.
func TestRefreshedThenNext(t *testing.T) {
	for name, given := range map[string]func(s *situation){
		"not recorded":             func(s *situation) { s.rotated(ago(time.Hour)) },
		"not recorded and stale":   func(s *situation) { s.stale(ago(time.Hour)) },
		"replaced outside":         func(s *situation) { s.holds(keyX); s.other(keyA, ago(time.Hour), usedAtSix) },
		"shared, and not deployed": func(s *situation) { s.shared(StageDeploying) },
	} {
		s := newSituation()
		given(s)
		s.Rotate, s.Record = false, &Record{UserName: testUser, UserARN: testARN, AccessKeyID: keyA}
		r, _ := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}.refreshed()
		s.Record = &r
		if d := Next(testNow, s.Intent, s.Snapshot); d.Action != ActionResume {
			t.Errorf("%s: decided %s", name, short(d))
		}
	}
}
