package rotation

import (
	"testing"
	"time"
)

// views are what each stage shows to users.
var views = map[Stage]struct {
	phase  Phase
	status Status
}{
	StageNone:        {PhaseStable, StatusIdle},
	StageCreating:    {PhaseStable, StatusDraining},
	StageVerifying:   {PhaseStable, StatusDraining},
	StageStoring:     {PhaseStable, StatusDraining},
	StageDeploying:   {PhaseDeploying, StatusDraining},
	StageDeployed:    {PhaseDraining, StatusDraining},
	StageDrained:     {PhaseDrained, StatusDue},
	StageQuarantined: {PhaseDrained, StatusQuarantined},
	StageDeleted:     {PhaseDrained, StatusDeleted},
}

func TestStageIsShown(t *testing.T) {
	for stage, want := range views {
		if got := stage.Phase(); got != want.phase {
			t.Errorf("phase of %q: %q, want %q", stage, got, want.phase)
		}
		if got := stage.Status(); got != want.status {
			t.Errorf("status of %q: %q, want %q", stage, got, want.status)
		}
	}
}

func TestPhaseAt(t *testing.T) {
	deployed := Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, DeployedAt: ago(testDrain), DrainEndsAt: testNow}
	tests := map[string]struct {
		record Record
		now    time.Time
		want   Phase
	}{
		"nothing was rotated":        {Record{AccessKeyID: keyA}, testNow, PhaseStable},
		"unfinished":                 {Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA, Unfinished: true}, testNow, PhaseDeploying},
		"unfinished, though drained": {Record{PreviousAccessKeyID: keyA, DrainEndsAt: ago(time.Hour), Unfinished: true}, testNow, PhaseDeploying},
		"draining":                   {deployed, ago(time.Second), PhaseDraining},
		"drained at this moment":     {deployed, testNow, PhaseDrained},
		"drained":                    {deployed, ago(-time.Hour), PhaseDrained},
		"no end is known":            {Record{AccessKeyID: keyB, PreviousAccessKeyID: keyA}, testNow, PhaseStable},
	}
	for name, test := range tests {
		if got := test.record.PhaseAt(test.now); got != test.want {
			t.Errorf("%s: phase %q, want %q", name, got, test.want)
		}
	}
}

func TestExtendDrain(t *testing.T) {
	tests := map[string]struct {
		record Record
		window time.Duration
		want   time.Time
	}{
		"raised":           {Record{DeployedAt: testNow, DrainEndsAt: ago(-time.Hour)}, 3 * time.Hour, ago(-3 * time.Hour)},
		"lowered":          {Record{DeployedAt: testNow, DrainEndsAt: ago(-time.Hour)}, time.Minute, ago(-time.Hour)},
		"not deployed":     {Record{}, time.Hour, time.Time{}},
		"no end was known": {Record{DeployedAt: testNow}, time.Hour, ago(-time.Hour)},
	}
	for name, test := range tests {
		if test.record = test.record.ExtendDrain(test.window); !test.record.DrainEndsAt.Equal(test.want) {
			t.Errorf("%s: ends at %s, want %s", name, test.record.DrainEndsAt, test.want)
		}
	}
}

func TestDueAt(t *testing.T) {
	for days, want := range map[int64]time.Time{0: {}, -1: {}, 1: testNow.AddDate(0, 0, 1), 90: testNow.AddDate(0, 0, 90)} {
		if got := DueAt(testNow, days); !got.Equal(want) {
			t.Errorf("after %d days: %s, want %s", days, got, want)
		}
	}
	if got := DueAt(time.Time{}, 90); !got.IsZero() {
		t.Errorf("a key of unknown age is due at %s", got)
	}
}

// dueRetirement is a retirement whose drain window, and AWS's delay, ended at this moment.
func dueRetirement() Retirement {
	return Retirement{
		Target: Target{CredentialsID: testCreds, UserName: testUser}, AccessKeyID: keyA, DeleteAfter: ago(testUseLate), lastUseDelay: testUseLate,
	}
}

func TestRetirementInTime(t *testing.T) {
	active, inactive := &AccessKey{ID: keyA, Active: true}, &AccessKey{ID: keyA}
	due := dueRetirement().retireAt()
	tests := map[string]struct {
		change func(r *Retirement)
		key    *AccessKey
		status Status
		next   time.Time
		// gone is when the key can be deleted. It is not checked without a key.
		gone time.Time
	}{
		"no key yet":  {func(r *Retirement) { r.AccessKeyID = "" }, nil, StatusIdle, time.Time{}, time.Time{}},
		"no time yet": {func(r *Retirement) { r.DeleteAfter = time.Time{} }, active, StatusIdle, time.Time{}, testNow},
		"gone":        {func(*Retirement) {}, nil, StatusDeleted, time.Time{}, time.Time{}},
		"gone early":  {func(r *Retirement) { r.DeleteAfter = ago(-time.Hour) }, nil, StatusDeleted, time.Time{}, time.Time{}},

		"due":      {func(*Retirement) {}, active, StatusDue, due, testNow},
		"draining": {func(r *Retirement) { r.DeleteAfter = testNow }, active, StatusDraining, ago(-testUseLate), ago(-testUseLate)},
		"drained, and AWS may report a use late": {
			func(r *Retirement) { r.DeleteAfter = r.DeleteAfter.Add(time.Second) }, active, StatusDraining, due.Add(time.Second), due.Add(time.Second),
		},
		"drained, and no use is asked for": {
			func(r *Retirement) { r.DeleteAfter, r.AllowRecentUse = testNow, true }, active, StatusDue, testNow, testNow,
		},
		"drained, and AWS reports at once": {
			func(r *Retirement) { r.DeleteAfter, r.lastUseDelay = testNow, 0 }, active, StatusDue, testNow, testNow,
		},
		"draining, made Inactive by somebody else": {
			func(r *Retirement) { r.DeleteAfter = testNow }, inactive, StatusDraining, ago(-testUseLate), ago(-testUseLate),
		},
		"draining again after it was deactivated": {func(r *Retirement) {
			r.DeleteAfter, r.QuarantineWindow, r.DeactivatedAt = ago(-time.Hour), time.Minute, ago(time.Hour)
		}, inactive, StatusDraining, ago(-time.Hour - testUseLate), ago(-time.Hour - testUseLate)},
		"due, with a quarantine": {func(r *Retirement) { r.QuarantineWindow = time.Hour }, active, StatusDue, due, ago(-time.Hour)},
		"due, made Inactive by somebody else": {
			func(r *Retirement) { r.QuarantineWindow = time.Hour }, inactive, StatusDue, due, ago(-time.Hour),
		},
		"quarantined": {func(r *Retirement) {
			r.QuarantineWindow, r.DeactivatedAt = time.Hour, ago(time.Hour-time.Second)
		}, inactive, StatusQuarantined, ago(-time.Second), ago(-time.Second)},
		"quarantine ends at this moment": {func(r *Retirement) {
			r.QuarantineWindow, r.DeactivatedAt = time.Hour, ago(time.Hour)
		}, inactive, StatusDue, testNow, testNow},
		"no quarantine, not deleted yet": {
			func(r *Retirement) { r.DeactivatedAt = ago(time.Minute) }, inactive, StatusDue, due, testNow,
		},
		"reactivated by somebody during the quarantine": {func(r *Retirement) {
			r.QuarantineWindow, r.DeactivatedAt = time.Hour, ago(2*time.Hour)
		}, active, StatusDue, due, ago(-time.Hour)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := dueRetirement()
			test.change(&r)
			stage := r.stageAt(testNow, test.key)
			if got := stage.Status(); got != test.status {
				t.Errorf("status %q, want %q", got, test.status)
			}
			if got := r.nextActionAt(stage); !got.Equal(test.next) {
				t.Errorf("next action at %s, want %s", got, test.next)
			}
			if test.key == nil {
				return
			}
			if got := r.goneAt(testNow, test.key); !got.Equal(test.gone) {
				t.Errorf("gone at %s, want %s", got, test.gone)
			}
		})
	}
}

// TestRetirementStep checks whether a key that is due becomes Inactive, is deleted, or stays.
func TestRetirementStep(t *testing.T) {
	active, inactive := &AccessKey{ID: keyA, Active: true}, &AccessKey{ID: keyA}
	tests := map[string]struct {
		change              func(r *Retirement)
		key                 *AccessKey
		deactivates, leaves bool
	}{
		"Active":                              {func(*Retirement) {}, active, true, false},
		"Active, with a quarantine":           {func(r *Retirement) { r.QuarantineWindow = time.Hour }, active, true, false},
		"Inactive, without a quarantine":      {func(*Retirement) {}, inactive, false, false},
		"made Inactive by somebody else":      {func(r *Retirement) { r.QuarantineWindow = time.Hour }, inactive, true, false},
		"quarantine is over":                  {func(r *Retirement) { r.QuarantineWindow, r.DeactivatedAt = time.Hour, ago(time.Hour) }, inactive, false, false},
		"reactivated":                         {func(r *Retirement) { r.QuarantineWindow, r.DeactivatedAt = time.Hour, ago(time.Hour) }, active, true, false},
		"the last look, in its quarantine":    {func(r *Retirement) { lastLook(r); r.DeactivatedAt = ago(time.Hour) }, inactive, false, false},
		"the last look, before it":            {lastLook, active, true, true},
		"the last look, and reactivated":      {func(r *Retirement) { lastLook(r); r.DeactivatedAt = ago(time.Hour) }, active, true, true},
		"the last look, without a quarantine": {func(r *Retirement) { r.NoQuarantine = true }, active, true, false},
	}
	for name, test := range tests {
		r := dueRetirement()
		test.change(&r)
		if got := r.beginsQuarantine(test.key); got != test.deactivates {
			t.Errorf("%s: is made Inactive: %t, want %t", name, got, test.deactivates)
		}
		if got := r.leaves(test.key); got != test.leaves {
			t.Errorf("%s: stays: %t, want %t", name, got, test.leaves)
		}
	}
}

// lastLook makes it a retirement after which no run follows.
func lastLook(r *Retirement) { r.NoQuarantine, r.QuarantineWindow = true, time.Hour }

func TestRetirementOutcome(t *testing.T) {
	r := dueRetirement()
	r.UserARN, r.DeactivatedAt, r.QuarantineWindow = testARN, testNow, time.Hour
	want := RetirementOutcome{Status: StatusQuarantined, DeactivatedAt: testNow, NextActionAt: ago(-time.Hour), UserARN: testARN}
	if got := r.outcome(r.stageAt(testNow, &AccessKey{ID: keyA})); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
}

func TestRetirementAsksForADeletion(t *testing.T) {
	r := dueRetirement()
	r.AllowRecentUse, r.IgnoredHolders = true, []string{"registry"}
	got := r.deletion()
	if got.AccessKeyID != keyA || got.UserName != testUser || got.Reason != ReasonRetired || !got.AllowRecentUse || len(got.Ignored) != 1 ||
		!got.DeleteAfter.Equal(r.DeleteAfter) || !got.RetireAt.Equal(r.DeleteAfter) {
		t.Errorf("asked for %+v", got)
	}
	if r.AllowRecentUse = false; !r.deletion().RetireAt.Equal(testNow) {
		t.Errorf("retires at %s, want %s", r.deletion().RetireAt, testNow)
	}
}
