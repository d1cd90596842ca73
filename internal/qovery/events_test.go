package qovery

import (
	"errors"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestLastCredentialsChange(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		want   rotation.CredentialsChange
	}{
		"the newest of these credentials": {
			`{"links":{},"events":[
			{"timestamp":"2026-01-01T03:00:00Z","target_id":"other","triggered_by":"Eve","origin":"CONSOLE"},
			{"timestamp":"2026-01-01T01:00:00Z","target_id":"set","triggered_by":"ci","origin":"API"},
			{"timestamp":"2026-01-01T02:00:00Z","target_id":"set","triggered_by":"Ada\nLovelace","origin":"CONSOLE","change":"{}"}]}`,
			rotation.CredentialsChange{By: "Ada Lovelace", Origin: "CONSOLE", At: time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC)},
		},
		"none of these credentials": {
			`{"events":[{"timestamp":"2026-01-01T03:00:00Z","target_id":null,"triggered_by":"Eve"}]}`,
			rotation.CredentialsChange{},
		},
		"none": {`{"events":[]}`, rotation.CredentialsChange{}},
	} {
		api := newFakeAPI(t, answers{"/organization/org/events": test.answer}.serve)
		got, err := api.client(t).LastCredentialsChange(t.Context(), "org", "set")
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
	}
}

func TestLastCredentialsChangeFails(t *testing.T) {
	api := newFakeAPI(t, answers{"/organization/org/events": `{"results":[]}`}.serve)
	if _, err := api.client(t).LastCredentialsChange(t.Context(), "org", "set"); err == nil {
		t.Error("an answer without events is no error")
	}
	api = newFakeAPI(t, reply(403, `{"message":"no"}`))
	if _, err := api.client(t).LastCredentialsChange(t.Context(), "org", "set"); !errors.Is(err, rotation.ErrForbidden) {
		t.Errorf("error %v", err)
	}
}
