package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// If the whole rotation times out before the new key works, the problem is the timeout and not the key.
func TestRotateOutOfTimeBeforeTheCutover(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.SetPropagationDelay("eu-west-3", time.Hour)
	req := s.request()
	req.Timeout = 30 * time.Second
	_, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, "The attempt was rolled back", "The timeout was 30s", "timeouts", "InvalidClientTokenId")
	s.checkUntouched()
}

// The problem has what ended the steps before the cutover, and the error that took so long.
func TestRotateOutOfTimeWhileQoveryFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		timeout time.Duration
		facts   []string
		not     string
	}{
		"the limit before the cutover": {2 * time.Hour, []string{"timed out after 1m30s", "HTTP 500"}, "the argument timeouts"},
		"the whole rotation":           {40 * time.Second, []string{"The timeout was 40s. To change it, set timeouts", "HTTP 500"}, "1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpGetAWSCredentials), Times: -1})
			req := s.request()
			req.Timeout = test.timeout
			_, err := s.rotate(req)
			checkProblem(t, err, rotation.SummaryTimeout, append(test.facts, "The attempt was rolled back")...)
			if strings.Contains(err.Error(), test.not) {
				t.Errorf("the error tells %q: %s", test.not, err)
			}
			s.checkUntouched()
		})
	}
}

func TestRotateDoesNotBeginTooLate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	req := s.request()
	req.Timeout = 9 * time.Second
	_, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, "Nothing was changed", "verifying a new access key takes 10s", "The timeout was 9s")
	s.checkUnchanged()
}

// TestRotateIsPatient has Qovery throttle requests for a while, or fail to store the key in a registry.
func TestRotateIsPatient(t *testing.T) {
	t.Parallel()
	tests := map[string]simulator.Fault{
		"cutover":    {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpEditAWSCredentials)},
		"registry":   {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpEditRegistry)},
		"deployment": {Kind: simulator.FaultStatus, Status: 429, Match: simulator.Operation(simulator.OpDeployCluster)},
		"outage":     {Kind: simulator.FaultBefore500, Match: simulator.Operation(simulator.OpEditRegistry)},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			fault.Times = 20
			s.Inject(fault)
			s.checkRotated(s.mustRotate(s.request()))
		})
	}
}
