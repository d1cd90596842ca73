package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// verificationService is what AWS calls the service that a new key is tried with.
const verificationService = "sts"

// verificationPeriod and verifications say when a new key counts as known everywhere: after so many successes in a row over so
// long. IAM needs up to some 10 s per endpoint, and answers from different hosts in that time.
const (
	verificationPeriod   = 10 * time.Second
	verifications        = 5
	verificationInterval = 2 * time.Second
)

func (a *attempt) announceVerification(ctx context.Context) error {
	return a.write(ctx, StageVerifying, a.key.ID)
}

// verify tries the new key in the region of every cluster.
func (a *attempt) verify(ctx context.Context) error {
	regions := regions(a.view().clusters())
	step(ctx, "created an access key; verifying it", "access_key_id", a.key.ID, "regions", regions)
	group, gctx := errgroup.WithContext(ctx)
	for _, region := range regions {
		group.Go(func() error { return a.verifyIn(gctx, region) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	step(ctx, "verified the new access key", "access_key_id", a.key.ID)
	return nil
}

// view is what the attempt was decided from.
func (a *attempt) view() view { return view{Intent: a.in, Snapshot: a.s} }

// regions are the regions of the clusters, each once; one empty name, for the provider's own, if there is none.
func regions(clusters []Cluster) []string {
	var names []string
	for _, cluster := range clusters {
		if cluster.Region != "" {
			names = append(names, cluster.Region)
		}
	}
	if len(names) == 0 {
		return []string{""}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *attempt) verifyIn(ctx context.Context, region string) error {
	var (
		successes int
		since     time.Time
		lastErr   error
	)
	for started := a.r.clock.Now(); ; {
		asked := a.r.clock.Now()
		arn, err := a.r.iam.CallerARN(ctx, a.key, region)
		switch {
		case ctx.Err() != nil: // Sleep returns with the reason.
		case err != nil:
			successes, lastErr = 0, err
		case arn != a.s.User.ARN:
			return a.problem(SummaryVerification, fmt.Sprintf("According to AWS, the new access key %s belongs to %s, not to %s.",
				a.key.ID, arn, a.s.User.ARN), nil)
		default:
			if successes == 0 {
				since = asked
			}
			successes++
		}
		now := a.r.clock.Now()
		if successes >= verifications && now.Sub(since) >= verificationPeriod {
			return nil
		}
		if err := a.r.clock.Sleep(ctx, asked.Add(verificationInterval).Sub(now)); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return a.notVerified(region, now.Sub(started), errors.Join(lastErr, err))
			}
			return err
		}
	}
}
