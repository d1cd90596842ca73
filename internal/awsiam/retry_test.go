package awsiam

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestRetries(t *testing.T) {
	throttled, failed := fault(400, "Throttling", "Rate exceeded"), fault(500, "ServiceFailure", "sorry")
	conflict := fault(409, "ConcurrentModification", "at the same time")
	success := answer(200, "text/xml", `<TagUserResponse/>`)
	tests := map[string]struct {
		action string
		steps  []http.HandlerFunc
		// want is nil for an error that is not definite.
		want         error
		wantSuccess  bool
		wantAttempts int
	}{
		"throttling passes": {
			action: "TagUser", steps: []http.HandlerFunc{throttled, success}, wantSuccess: true, wantAttempts: 2,
		},
		"failure passes": {
			action: "TagUser", steps: []http.HandlerFunc{failed, reset, page(200), success}, wantSuccess: true,
			wantAttempts: 4,
		},
		"conflict passes": {
			action: "TagUser", steps: []http.HandlerFunc{conflict, success}, wantSuccess: true, wantAttempts: 2,
		},
		"throttling stays": {
			action: "TagUser", steps: []http.HandlerFunc{throttled}, want: rotation.ErrThrottled, wantAttempts: 5,
		},
		"failure, then throttling": {action: "TagUser", steps: []http.HandlerFunc{failed, throttled}, wantAttempts: 5},
		"lost, then refusal": {
			action: "TagUser", steps: []http.HandlerFunc{reset, fault(403, "AccessDenied", "no")}, wantAttempts: 2,
		},
		"lost, then gone": {
			action: "UpdateAccessKey", steps: []http.HandlerFunc{reset, fault(404, "NoSuchEntity", "no")},
			want: rotation.ErrNotFound, wantAttempts: 2,
		},
		"lost deletion, then gone": {
			action: "DeleteAccessKey", steps: []http.HandlerFunc{reset, fault(404, "NoSuchEntity", "no")},
			wantSuccess: true, wantAttempts: 2,
		},
		"reading, lost, then no": {
			action: "GetUser", steps: []http.HandlerFunc{reset, fault(403, "AccessDenied", "no")},
			want: rotation.ErrForbidden, wantAttempts: 2,
		},
		"creation is not repeated": {action: "CreateAccessKey", steps: []http.HandlerFunc{failed}, wantAttempts: 1},
		"lost creation is not":     {action: "CreateAccessKey", steps: []http.HandlerFunc{reset}, wantAttempts: 1},
		"throttled creation is not": {
			action: "CreateAccessKey", steps: []http.HandlerFunc{throttled}, want: rotation.ErrThrottled,
			wantAttempts: 1,
		},
		"trying a key is not": {action: "GetCallerIdentity", steps: []http.HandlerFunc{failed}, wantAttempts: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{test.action: test.steps})
			config := aws.config()
			config.MaxRetries = 5
			_, err := actions[test.action](t.Context(), newTestClient(t, config))
			if (err == nil) != test.wantSuccess || rotation.IsDefinite(err) != (test.want != nil) ||
				test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if got := len(aws.requests()); got != test.wantAttempts {
				t.Errorf("%d attempts, want %d", got, test.wantAttempts)
			}
		})
	}
}

func TestAttemptsOfTheEnvironment(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"GetUser": {fault(500, "ServiceFailure", "sorry")}})
	t.Setenv("AWS_MAX_ATTEMPTS", "3")
	if _, err := newTestClient(t, aws.config()).User(t.Context(), "qovery"); err == nil {
		t.Error("no error")
	}
	if got := len(aws.requests()); got != 3 {
		t.Errorf("%d attempts, want 3", got)
	}
}

func TestCancellation(t *testing.T) {
	for name, step := range map[string]http.HandlerFunc{
		"while the answer is awaited": hang,
		"between two attempts":        fault(500, "ServiceFailure", "sorry"),
	} {
		for action, call := range actions {
			t.Run(action+" "+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				aws := newFakeAWS(t, map[string][]http.HandlerFunc{action: {func(w http.ResponseWriter, r *http.Request) {
					cancel()
					step(w, r)
				}}})
				config := aws.config()
				config.MaxBackoff = time.Minute
				_, err := call(ctx, newTestClient(t, config))
				if err == nil || rotation.IsDefinite(err) || name == "while the answer is awaited" && !errors.Is(err, context.Canceled) {
					t.Errorf("error = %v, want the cancellation's", err)
				}
				if got := len(aws.requests()); got != 1 {
					t.Errorf("%d attempts, want 1", got)
				}
			})
		}
	}
}
