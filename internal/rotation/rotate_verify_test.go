package rotation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// unsteadyIAM has an STS that is slow and does not know the new key in some calls.
type unsteadyIAM struct {
	rotation.IAM
	clock   rotation.Clock
	takes   time.Duration
	unknown []int

	calls     int
	successes []time.Time
}

// CallerARN implements [rotation.IAM].
func (i *unsteadyIAM) CallerARN(ctx context.Context, key rotation.NewAccessKey, region string) (string, error) {
	i.calls++
	if slices.Contains(i.unknown, i.calls) {
		i.successes = nil
		return "", rotation.ErrUnauthenticated
	}
	asked := i.clock.Now()
	if err := i.clock.Sleep(ctx, i.takes); err != nil {
		return "", err
	}
	arn, err := i.IAM.CallerARN(ctx, key, region)
	if err == nil {
		i.successes = append(i.successes, asked)
	}
	return arn, err
}

// TestRotateVerifiesForLongEnough checks that STS succeeded five times in a row, over ten seconds, before Qovery is given the
// key.
func TestRotateVerifiesForLongEnough(t *testing.T) {
	t.Parallel()
	for name, iam := range map[string]*unsteadyIAM{
		"steady":    {},
		"flapping":  {unknown: []int{1, 2, 5, 9}},
		"slow":      {takes: 7 * time.Second},
		"very slow": {takes: 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.SetPropagationDelay("eu-west-3", 0)
			iam.clock = s.Clock()
			process := s.processWith(func(port rotation.IAM) rotation.IAM {
				iam.IAM = port
				return iam
			})
			if _, err := process.Rotate(t.Context(), s.request()); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(s.Requests(), func(r simulator.Request) bool { return r.Operation == simulator.OpEditAWSCredentials })
			if n, over := len(iam.successes), s.Requests()[i].Time.Sub(iam.successes[0]); n < 5 || over < 10*time.Second {
				t.Errorf("Qovery got the key after %d successes over %s", n, over)
			}
		})
	}
}

// anotherUsersIAM has an STS to which every key belongs to another user.
type anotherUsersIAM struct{ rotation.IAM }

// CallerARN implements [rotation.IAM].
func (anotherUsersIAM) CallerARN(context.Context, rotation.NewAccessKey, string) (string, error) {
	return "arn:aws:iam::123456789012:user/somebody", nil
}

func TestRotateRefusesAKeyOfAnotherUser(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.processWith(func(iam rotation.IAM) rotation.IAM { return anotherUsersIAM{iam} })
	_, err := process.Rotate(t.Context(), s.request())
	checkProblem(t, err, rotation.SummaryVerification, "belongs to arn:aws:iam::123456789012:user/somebody", "not to "+s.user.ARN())
	s.checkUntouched()
}

// TestRotateVerifiesWithoutClusters has credentials that no cluster uses.
func TestRotateVerifiesWithoutClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	set := s.org.AddCredentials("spare", s.AddUser("spare").AddKey())
	req := s.request()
	req.CredentialsID = set.ID
	outcome := s.mustRotate(req)
	if got := set.AccessKeyID(); got != outcome.AccessKeyID || outcome.DeployedAt.IsZero() || len(outcome.Clusters) > 0 {
		t.Errorf("Qovery holds %s, outcome %+v", got, outcome)
	}
	if got := s.sent(getCallerIdentity); got < 5 {
		t.Errorf("the key was tried %d times", got)
	}
}
