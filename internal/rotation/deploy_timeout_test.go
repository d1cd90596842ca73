package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The problem of a rotation that times out has how long the deployed clusters took, and how long those of the last rotation
// took if the state has one.
func TestTimeoutSaysHowLongDeploymentsTake(t *testing.T) {
	t.Parallel()
	const last = "After the cutover of the last rotation, at "
	s := newStage(t)
	fast := s.org.AddCluster("fast", "eu-west-3", s.set)
	off := s.org.AddCluster("off", "eu-west-3", s.set)
	off.SetState("STOPPED")
	fast.SetDeploymentDuration(10 * time.Minute)
	s.cluster.SetDeploymentDuration(45 * time.Minute)
	record := s.mustRotate(s.request())
	s.Clock().Advance(24 * time.Hour)

	s.cluster.SetDeploymentDuration(5 * time.Hour)
	req := s.request()
	req.Record = record
	stuck, err := s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, `cluster "prod"`, `Deployed by this run: cluster "fast"`, "in 10m", "The timeout was 2h",
		last+record.RotatedAt.UTC().Format(time.RFC3339)+", it took 45m")
	if text := err.Error(); strings.Contains(text, `"off"`) {
		t.Errorf("a cluster that is off was deployed: %s", text)
	}

	req.Record = stuck
	_, err = s.rotate(req)
	checkProblem(t, err, rotation.SummaryTimeout, `cluster "prod"`)
	if text := err.Error(); strings.Contains(text, "Deployed by this run") || strings.Contains(text, last) {
		t.Errorf("the unfinished rotation is told as one that is complete: %s", text)
	}
}
