package simulator

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTimeline(t *testing.T) {
	p := newProduction(t)
	id, secret := p.createKey(t)
	for range 2 {
		must(stsClient(p.w, "eu-west-3", id, secret, "").GetCallerIdentity(t.Context(), nil))(t)
	}
	p.put(t, id, secret)
	p.put(t, id, secret)
	p.cluster.Registry().SetKey(&AccessKey{ID: id, Secret: secret})
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	p.w.Clock().Advance(2*time.Hour + 5*time.Minute)
	p.deactivateKey(t, p.key)
	p.w.Clock().Advance(time.Second)
	p.deleteKey(t, p.key)

	replacer := strings.NewReplacer(p.key.ID, "OLD", id, "NEW")
	got := replacer.Replace(p.w.Timeline().String())
	want := strings.TrimPrefix(`
█ held by Qovery   │ active   ┆ inactive   × deleted

                     ┌ OLD
                     │ ┌ NEW
2027-01-04 09:00:00  │    OLD created
2027-01-04 09:00:00  █    OLD stored in Qovery (production)
2027-01-04 09:00:00  █ │  NEW created
2027-01-04 09:00:04  █ │  NEW verified (eu-west-3)
2027-01-04 09:00:04  │ █  NEW stored in Qovery (production)
                     │ █  … 5m0s
2027-01-04 09:05:04  │ █  NEW deployed (prod)
                     │ █  … 2h0m0s
2027-01-04 11:05:04  ┆ █  OLD deactivated
2027-01-04 11:05:05  × █  OLD deleted
`, "\n")
	if got != want {
		t.Errorf("the timeline is\n%s\nwant\n%s", got, want)
	}
	for window, want := range map[time.Duration]int{2 * time.Hour: 0, 2*time.Hour + time.Minute: 1} {
		if early := p.w.Timeline().EarlyDeletions(window); len(early) != want {
			t.Errorf("with a drain window of %s: %q, want %d early deletions", window, early, want)
		}
	}
}

// TestTimelineOfTheUnnoticed checks that events are ordered by time, even if they are recorded later.
func TestTimelineOfTheUnnoticed(t *testing.T) {
	p := newProduction(t)
	p.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	p.cluster.DeployBySomebodyElse()
	p.w.Clock().Advance(time.Hour)
	p.user.AddKeyCreated(start.AddDate(0, 0, -100))
	timeline := p.w.Timeline()
	last := timeline[len(timeline)-1]
	if !last.Time.Equal(start.Add(5*time.Minute)) || last.What != EventDeploymentFailed ||
		last.Detail != "prod: DEPLOYMENT_ERROR" {
		t.Errorf("the last event is %v", last)
	}
	if first := timeline[0]; !first.Time.Equal(start.AddDate(0, 0, -100)) || first.What != EventCreated {
		t.Errorf("the first event is %v", first)
	}
}
