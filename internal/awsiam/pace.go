package awsiam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// tokenInterval is the pause between two checks of whether the next attempt may start.
const tokenInterval = 20 * time.Millisecond

// paced starts attempts at the rate that IAM accepted recently. It delays nothing before IAM throttles for the first time.
type paced struct {
	aws.RetryerV2
	pace *retry.AdaptiveMode
}

// newPaced adds pacing to a retryer. It does not use the SDK's own wait for a token, which can be zero again and again.
func newPaced(retryer aws.Retryer) aws.Retryer {
	v2, ok := retryer.(aws.RetryerV2)
	if !ok {
		return retryer
	}
	return paced{v2, retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.FailOnNoAttemptTokens = true })}
}

// GetAttemptToken implements [aws.RetryerV2].
func (p paced) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	for {
		release, err := p.pace.GetAttemptToken(ctx)
		if err == nil {
			return release, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(tokenInterval):
		}
	}
}
