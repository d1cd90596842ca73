package simulator

import (
	"net/http"
	"testing"
	"time"
)

func TestEventsTellWhoChangedCredentials(t *testing.T) {
	p := newProduction(t)
	events := func(query string) []any {
		return ask(t, p.w, http.MethodGet, p.path("/events"+query), nil).object["events"].([]any)
	}
	if got := events(""); len(got) != 0 {
		t.Errorf("the events are %v", got)
	}
	p.creds.SetKey(p.key)
	p.w.Clock().Advance(time.Minute)
	p.put(t, p.key.ID, p.key.Secret)
	got := events("?subTargetType=CLOUD_PROVIDER_CREDENTIALS&targetId=" + p.creds.ID)
	if len(got) != 2 {
		t.Fatalf("the events are %v", got)
	}
	for i, want := range []struct{ origin, by, at string }{
		{"API", "a request", jsonTime(start.Add(time.Minute))}, {"CONSOLE", "somebody else", jsonTime(start)},
	} {
		e := got[i].(object)
		if e["event_type"] != "UPDATE" || e["origin"] != want.origin || e["triggered_by"] != want.by || e["timestamp"] != want.at ||
			e["target_name"] != "production" {
			t.Errorf("event %d is %v, want %v", i, e, want)
		}
	}
	if got := events("?pageSize=1"); len(got) != 1 || got[0].(object)["origin"] != "API" {
		t.Errorf("a page of one: %v", got)
	}
	if got := events("?targetType=CLUSTER"); len(got) != 0 {
		t.Errorf("events of clusters: %v", got)
	}
}
