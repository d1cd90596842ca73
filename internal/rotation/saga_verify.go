package rotation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// verificationPeriod and verifications say when a new key counts as known everywhere: after so many successes of STS in a row
// over so long. IAM needs up to some 10 s per endpoint, and answers from different hosts in that time.
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
	for i, region := range regions {
		t := trial{attempt: a, region: region}
		switch {
		case !a.r.verifyServices:
		case i == 0: // IAM has no regions.
			t.services = []Service{ServiceEC2, ServiceIAM}
		default:
			t.services = []Service{ServiceEC2}
		}
		group.Go(func() error { return t.run(gctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	step(ctx, "verified the new access key", "access_key_id", a.key.ID)
	return nil
}

// isVerification tells whether a use of a key can be of its own verification, which ends soon after the key was created.
func isVerification(key AccessKey, use LastUse) bool {
	switch Service(use.Service) {
	case serviceSTS:
		return true
	case ServiceEC2, ServiceIAM:
		return use.At.Before(key.CreatedAt.Add(livePeriod))
	}
	return false
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

// trial is the verification of a new key in one region.
type trial struct {
	*attempt
	region string
	// services are asked when STS has to succeed once more, and again as long as they do not know the key.
	services []Service
	// successes of STS came in a row since the first of them was asked for.
	successes int
	since     time.Time
	// open is how many successes each service still lacks: one, and as many as STS after it said that it does not know the key.
	open map[Service]int
	// err is the last answer that the key is not known, or that STS failed.
	err error
}

// run tries the key until STS and every service know it.
func (t *trial) run(ctx context.Context) error {
	clock := t.r.clock
	t.restart(nil)
	for started := clock.Now(); ; {
		asked := clock.Now()
		if err := t.ask(ctx, asked); err != nil {
			return err
		}
		now := clock.Now()
		isKnown := t.successes >= verifications && now.Sub(t.since) >= verificationPeriod
		if isKnown && len(t.open) == 0 {
			return nil
		}
		if err := clock.Sleep(ctx, asked.Add(verificationInterval).Sub(now)); err != nil {
			switch {
			case !errors.Is(err, context.DeadlineExceeded):
				return err
			case isKnown:
				return t.notKnown(t.region, slices.Sorted(maps.Keys(t.open)), now.Sub(started), errors.Join(t.err, err))
			}
			return t.notVerified(t.region, now.Sub(started), errors.Join(t.err, err))
		}
	}
}

// restart counts from the beginning.
func (t *trial) restart(err error) {
	t.successes, t.err, t.open = 0, err, map[Service]int{}
	for _, service := range t.services {
		t.open[service] = 1
	}
}

// ask tries the key once. From the last but one success of STS on, the services are asked beside STS. So a slow one has the time
// that STS is waited for.
func (t *trial) ask(ctx context.Context, asked time.Time) error {
	var group sync.WaitGroup
	if t.successes >= verifications-1 {
		group.Go(func() { t.askServices(ctx) })
	}
	arn, err := t.r.iam.CallerARN(ctx, t.key, t.region)
	group.Wait()
	switch {
	case ctx.Err() != nil: // Sleep returns with the reason.
	case err != nil:
		t.restart(err)
	case arn != t.s.User.ARN:
		return t.problem(SummaryVerification, fmt.Sprintf("According to AWS, the new access key %s belongs to %s, not to %s.",
			t.key.ID, arn, t.s.User.ARN), nil)
	default:
		if t.successes == 0 {
			t.since = asked
		}
		t.successes++
	}
	return nil
}

// askServices tries the key with the open services. One that does not know the key has to be sure of it afterwards, as STS has: it
// answers from different hosts too. One that says nothing about the key, or nothing in time, is no reason to wait: it may be
// unreachable from here, or an emulator.
func (t *trial) askServices(ctx context.Context) {
	limited, cancel := t.r.clock.WithTimeout(ctx, verificationInterval)
	defer cancel()
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	for service, lacks := range maps.Clone(t.open) {
		group.Go(func() {
			err := t.r.iam.TryKey(limited, t.key, service, t.region)
			mu.Lock()
			defer mu.Unlock()
			switch known := err == nil || errors.Is(err, ErrForbidden); {
			case errors.Is(err, ErrUnauthenticated):
				t.open[service], t.err = verifications, err
				if lacks == 1 {
					step(ctx, "a service of AWS does not know the new access key yet", "access_key_id", t.key.ID,
						"service", string(service), "region", t.region)
				}
			case !known && lacks > 1: // It said before that it does not know the key.
			case lacks == 1:
				delete(t.open, service)
			default:
				t.open[service]--
			}
		})
	}
	group.Wait()
}
