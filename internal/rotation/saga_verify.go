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

// A new key counts as known to STS after this many successes in a row, over at least this time. A new key reaches every host of
// an endpoint within about 10 s, and until then hosts answer differently.
const (
	verificationPeriod   = 10 * time.Second
	verifications        = 5
	verificationInterval = 2 * time.Second
)

func (a *attempt) announceVerification(ctx context.Context) error {
	return a.write(ctx, StageVerifying, a.key.ID)
}

// verify tries the new key in the region of every cluster, in parallel.
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

// isVerification reports whether a use of an orphan can be its own verification. That ends soon after the key was created.
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

// regions are the regions of the clusters, each once. Without any, it is one empty name, for the provider's own region.
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
	// services are asked beside STS.
	services []Service
	// successes is how many successes of STS came in a row. since is when the first of them was asked for.
	successes int
	since     time.Time
	// open is how many successes each service still lacks if it did not know the key, and zero before its first answer.
	open map[Service]int
	// err is the last failure of STS, or the last answer of a service that does not know the key.
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

// restart begins to count anew, after a failure of STS if there was one.
func (t *trial) restart(err error) {
	t.successes, t.err, t.open = 0, err, map[Service]int{}
	for _, service := range t.services {
		t.open[service] = 0
	}
}

// ask tries the key once. From the second last success of STS on, the services are asked in parallel. So a slow service has the
// time that passes anyway until STS is asked again.
func (t *trial) ask(ctx context.Context, asked time.Time) error {
	var group sync.WaitGroup
	if t.successes >= verifications-1 {
		group.Go(func() { t.askServices(ctx) })
	}
	arn, err := t.r.iam.CallerARN(ctx, t.key, t.region)
	group.Wait()
	switch {
	case ctx.Err() != nil: // The caller's Sleep returns the reason.
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

// askServices tries the key with the open services. A service that does not know the key must then succeed as often in a row as
// STS, because its hosts answer differently too. A service that answers something else, or not in time, is not waited for: it
// may be unreachable from here, or missing in an emulator.
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
				if lacks == 0 {
					step(ctx, "a service of AWS does not know the new access key yet", "access_key_id", t.key.ID,
						"service", string(service), "region", t.region)
				}
			case lacks == 0, known && lacks == 1:
				delete(t.open, service)
			case known:
				t.open[service]--
			}
		})
	}
	group.Wait()
}
