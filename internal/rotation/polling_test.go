package rotation

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
)

func TestPollInterval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                string
		elapsed, last, want time.Duration
	}{
		{"the first deployment begins", 0, 0, 5 * time.Second},
		{"the first deployment, before it was asked for", -time.Minute, 0, 5 * time.Second},
		{"the first deployment, after minutes", 5 * time.Minute, 0, 15 * time.Second},
		{"the first deployment takes long", time.Hour, 0, 30 * time.Second},
		{"it begins", 0, time.Hour, 10 * time.Second},
		{"before it was asked for", -time.Minute, time.Hour, 10 * time.Second},
		{"it did not fail at once", time.Minute, time.Hour, 20 * time.Second},
		{"far from the end", 10 * time.Minute, time.Hour, 40 * time.Second},
		{"the end comes nearer", 30 * time.Minute, time.Hour, 18 * time.Second},
		{"the end is near", 48 * time.Minute, time.Hour, 7 * time.Second},
		{"as long as the last one", time.Hour, time.Hour, 7 * time.Second},
		{"overdue", 72 * time.Minute, time.Hour, 15 * time.Second},
		{"long overdue", 96 * time.Minute, time.Hour, 30 * time.Second},
		{"shorter than an interval", time.Second, time.Second, 7 * time.Second},
	} {
		if got := PollInterval(test.elapsed, test.last); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// However long deployments take, no end is noticed more than 40 s late, and an hour of a deployment leaves most of the 1000
// requests that Qovery allows.
func TestPollIntervalProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(name string, least int) time.Duration {
			return time.Duration(rapid.IntRange(least*60, 240*60).Draw(t, name)) * time.Second
		}
		last := minutes("last", 5)
		took := minutes("took", 5)
		requests := 0
		for elapsed := time.Duration(0); elapsed < took; requests++ {
			interval := PollInterval(elapsed, last)
			if interval < shortestInterval || interval > 40*time.Second {
				t.Fatalf("after %s of %s: %s", elapsed, last, interval)
			}
			elapsed += interval
		}
		if most := 60 + int(took.Hours()*360); requests > most {
			t.Fatalf("%d requests in %s, when the last one took %s, want at most %d", requests, took, last, most)
		}
		if around, before := PollInterval(last, last), PollInterval(last/2-1, last); around > before {
			t.Fatalf("with %s, statuses are read less often around the end, %s, than before, %s", last, around, before)
		}
	})
}

// Of several that wait, the one with the shortest interval decides, even if it came last.
func TestStatusBoardFollowsTheFirstNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &statusAPI{latency: time.Second}
		b := newStatusBoard(api, clock.System{}, 0)
		start := clock.System{}.Now()
		readNumber(t.Context(), t, b) // so that there is an interval to wait for
		var group sync.WaitGroup
		for _, w := range []watch{
			{began: start.Add(-10 * time.Minute), last: time.Hour}, // 40 s
			{began: start, last: time.Hour},                        // 10 s
		} {
			group.Go(func() {
				statuses, err := b.await(t.Context(), "org", w)
				if err != nil || statuses[0].State != "2" {
					t.Errorf("a reader got %+v, %v", statuses, err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		if len(api.sent) != 2 || api.sent[1].Sub(start) != firstInterval {
			t.Errorf("requests were sent at %v, want the second one %s after %s", api.sent, firstInterval, start)
		}
	})
}

// budgetAPI is an API whose budget is nearly used up.
type budgetAPI struct{ *statusAPI }

func (budgetAPI) Budget() (int, time.Time, bool) { return 20, time.Time{}, true }

func TestStatusBoardKeepsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &statusAPI{}
		b := newStatusBoard(budgetAPI{api}, clock.System{}, 0)
		for range 2 {
			readNumber(t.Context(), t, b)
		}
		if pause := api.sent[1].Sub(api.sent[0]); pause != 6*time.Minute {
			t.Errorf("the requests are %s apart, want ten in an hour", pause)
		}
	})
}

func TestDeploymentTook(t *testing.T) {
	t.Parallel()
	cutover := time.Date(2027, 1, 4, 9, 0, 14, 0, time.UTC)
	for name, test := range map[string]struct {
		record *Record
		want   time.Duration
	}{
		"no state":         {},
		"no rotation":      {record: &Record{DeployedAt: cutover}},
		"not deployed":     {record: &Record{RotatedAt: cutover}},
		"after a rotation": {record: &Record{RotatedAt: cutover, DeployedAt: cutover.Add(20 * time.Minute)}, want: 20 * time.Minute},
	} {
		if got := deploymentTook(test.record); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
