package awsiam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// tokenInterval is how often it is looked whether the next attempt may be made.
const tokenInterval = 20 * time.Millisecond

// paced lets attempts begin only as fast as IAM lately took them. Nothing is held up before IAM throttles for the first time.
type paced struct {
	aws.RetryerV2
	pace *retry.AdaptiveMode
}

// newPaced paces the attempts of a client. The SDK's own wait for a token can be of no length at all, over and over.
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
