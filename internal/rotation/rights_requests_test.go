package rotation_test

import (
	"context"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// IAM is asked once for each credentials set of a plan, also if it does not answer. That is only logged.
func TestMissingRightsAsksOnce(t *testing.T) {
	for name, test := range map[string]struct {
		denied         string
		warns, reports bool
	}{
		"all allowed":        {},
		"something denied":   {denied: "iam:TagUser", warns: true},
		"not allowed to ask": {denied: rotation.ActionSimulate, reports: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.DenyAction(test.denied)
			var reported []rotation.Event
			ctx := rotation.WithReporter(t.Context(), func(_ context.Context, event rotation.Event) { reported = append(reported, event) })
			target := s.target()
			target.UserARN = s.user.ARN()
			process := s.process()
			for range 3 {
				problem := process.MissingRights(ctx, target)
				if warns := problem != nil; warns != test.warns || warns && !strings.Contains(problem.Cause, test.denied) {
					t.Errorf("the warning is %v", problem)
				}
			}
			if n := len(s.Requests()); n != 2 {
				t.Errorf("%d requests, want one to STS and one to IAM: %v", n, s.Requests())
			}
			if reports := len(reported) == 1 && !reported[0].Setback; reports != test.reports {
				t.Errorf("reported %v", reported)
			}
			if process.MissingRights(ctx, s.target()) != nil || len(s.Requests()) != 2 {
				t.Error("IAM was asked about an unknown user")
			}
		})
	}
}
