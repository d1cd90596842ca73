package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	latency = 50 * time.Millisecond
	// pollInterval is fixed, so that figures can be compared.
	pollInterval = 5 * time.Second
	// verification is the time for which a new key is tried before it is stored in Qovery.
	verification = 10 * time.Second
	// deployment is the duration of cluster deployments in figures that do not depend on it.
	deployment = 2 * pollInterval
	// runs is the number of measurements of a time.
	runs = 3
	// retryAfter is the wait that Qovery asks for.
	retryAfter = 8 * time.Second
)

// deployments end at different times between two polls, from right after one to shortly before the next.
var deployments = [runs]time.Duration{deployment + 4*latency, deployment + pollInterval/2, deployment + pollInterval - 4*latency}

// overhead is the duration of a rotation without the deployment and the verification.
type overhead struct {
	// total is from before the first request of the apply to the request that saw the end of the last deployment.
	total time.Duration
	// noticed is the part of total after that end.
	noticed time.Duration
}

// measureRotation measures the overhead of rotations of 1 and of 20 clusters.
func measureRotation(ctx context.Context, b *bench) ([]row, error) {
	const limit = pollInterval + 12*latency
	var (
		sizes  = []int{1, 20}
		all    = make([][runs]overhead, len(sizes))
		group  errgroup.Group
		result []row
	)
	for i, clusters := range sizes {
		for run := range runs {
			group.Go(func() (err error) {
				all[i][run], err = b.rotate(ctx, clusters, deployments[run])
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, clusters := range sizes {
		var totals, notices, rests []time.Duration
		for _, o := range all[i] {
			totals, notices, rests = append(totals, o.total), append(notices, o.noticed), append(rests, o.total-o.noticed)
		}
		result = append(result,
			limited(fmt.Sprintf("rotation of %s, beside deployment and verification", plural(clusters, "cluster")), median(totals), limit, seconds,
				"one poll interval + 12 latencies"),
			limited("– of that, until the end of the deployment is noticed, at worst", slices.Max(notices), pollInterval+latency, seconds,
				"one poll interval + 1 latency"),
			row{what: "– the rest, in latencies", measured: fmt.Sprintf("%.1f", median(rests).Seconds()/latency.Seconds()), comparison: "50 ms"},
		)
	}
	stopped, err := b.stopLeak(ctx)
	return append(result, limited("leaked key: from the start of the apply to Inactive, beside verification", stopped, 40*latency, seconds,
		"40 latencies, whatever the deployment takes")), err
}

// stopLeak lists a current key as compromised. It returns the time from the first request of the apply until the key is
// Inactive, without the verification.
func (b *bench) stopLeak(ctx context.Context) (time.Duration, error) {
	s, err := b.newStage(ctx, simulator.Config{Latency: latency, DeploymentDuration: deployment},
		scale{organizations: 1, pairsEach: 1, clustersEach: 1, pollInterval: pollInterval})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	s.ResetRequests()
	compromised := fmt.Sprintf("-var=compromised=[%q]", s.customers[0].others[0])
	if _, err := s.run(ctx, "apply", "-refresh=false", "-auto-approve", "-input=false", "-no-color", compromised); err != nil {
		return 0, err
	}
	stops := s.requestsFor("UpdateAccessKey")
	if len(stops) == 0 {
		return 0, errors.New("the leaked key was not made Inactive")
	}
	return stops[0].Time.Sub(s.Requests()[0].Time.Add(-latency)) - verification, nil
}

// plural returns a number with a noun.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// rotate rotates one key and returns the overhead.
func (b *bench) rotate(ctx context.Context, clusters int, deployment time.Duration) (overhead, error) {
	s, err := b.newStage(ctx, simulator.Config{Latency: latency, DeploymentDuration: deployment},
		scale{organizations: 1, pairsEach: 1, clustersEach: clusters, pollInterval: pollInterval})
	if err != nil {
		return overhead{}, err
	}
	defer s.Close()
	if _, err := s.rotateAll(ctx); err != nil {
		return overhead{}, err
	}
	var ended time.Time
	for _, cluster := range s.clusters {
		for _, d := range cluster.Deployments() {
			if d.EndedAt.After(ended) {
				ended = d.EndedAt
			}
		}
	}
	polls := s.requestsFor(simulator.OpListClusterStatuses)
	if ended.IsZero() || len(polls) == 0 {
		return overhead{}, errors.New("nothing was deployed")
	}
	// A request is recorded after its latency.
	first, last := s.Requests()[0].Time.Add(-latency), polls[len(polls)-1].Time
	return overhead{total: last.Sub(first) - deployment - verification, noticed: last.Sub(ended)}, nil
}

// rotateAll rotates all keys of a stage. Afterwards, the record has only the requests of the apply.
func (s *stage) rotateAll(ctx context.Context) (usage, error) {
	if err := s.planRotation(ctx); err != nil {
		return usage{}, err
	}
	s.ResetRequests()
	return s.applyPlan(ctx)
}

// measurePolling counts the status requests of ten rotations with a hundred clusters.
func measurePolling(ctx context.Context, b *bench) ([]row, error) {
	var (
		calm, throttled []simulator.Request
		group           errgroup.Group
	)
	rotate := func(polls *[]simulator.Request, faults ...simulator.Fault) error {
		s, err := b.newStage(ctx, simulator.Config{Latency: latency, DeploymentDuration: 6 * deployment},
			scale{organizations: 1, pairsEach: 10, clustersEach: 10, pollInterval: pollInterval})
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.planRotation(ctx); err != nil {
			return err
		}
		s.ResetRequests()
		for _, fault := range faults {
			s.Inject(fault)
		}
		_, err = s.applyPlan(ctx)
		*polls = s.deploymentPolls()
		return err
	}
	group.Go(func() error { return rotate(&calm) })
	group.Go(func() error {
		deploying := false
		return rotate(&throttled, simulator.Fault{
			Kind: simulator.Fault429, At: 2, RetryAfter: retryAfter,
			Match: func(r simulator.Request) bool {
				deploying = deploying || r.Operation == simulator.OpDeployCluster
				return deploying && r.Operation == simulator.OpListClusterStatuses
			},
		})
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	answer := row{what: "pause after an answer 429 to it", limit: "≥ " + seconds(retryAfter), comparison: "its Retry-After"}
	for i, poll := range throttled {
		if poll.Fault == simulator.Fault429 && i+1 < len(throttled) {
			pause := throttled[i+1].Time.Sub(poll.Time)
			answer.measured, answer.missed = seconds(pause), pause < retryAfter
		}
	}
	return []row{
		limited("status requests in any ten poll intervals while 100 clusters deploy under 10 rotations", densest(calm, pollInterval), 10, integer,
			fmt.Sprintf("%d in all", len(calm))),
		answer,
	}, nil
}

// deploymentPolls returns the status requests since the first deployment was requested.
func (s *stage) deploymentPolls() []simulator.Request {
	var polls []simulator.Request
	deploying := false
	for _, request := range s.Requests() {
		deploying = deploying || request.Operation == simulator.OpDeployCluster
		if deploying && request.Operation == simulator.OpListClusterStatuses {
			polls = append(polls, request)
		}
	}
	return polls
}

// densest returns the largest number of requests within any ten intervals. Within a single interval, a delayed request and
// the next one would count as two.
func densest(requests []simulator.Request, interval time.Duration) int {
	most := 0
	for i, first := range requests {
		n := 0
		for _, request := range requests[i:] {
			if request.Time.Sub(first.Time) < 10*interval-2*latency {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// measureHundred compares one apply that rotates a hundred keys with one that rotates a single key.
func measureHundred(ctx context.Context, b *bench) ([]row, error) {
	const (
		rotations   = 100
		parallelism = 10 // Terraform's default
		interval    = time.Second
	)
	config := simulator.Config{Latency: latency, DeploymentDuration: interval, InvisibleFor: interval / 2}
	var (
		singles [runs]time.Duration
		all     time.Duration
		polls   []simulator.Request
		group   errgroup.Group
	)
	rotate := func(pairs int, elapsed *time.Duration, polls *[]simulator.Request) error {
		s, err := b.newStage(ctx, config, scale{organizations: 1, pairsEach: pairs, clustersEach: 1, pollInterval: interval})
		if err != nil {
			return err
		}
		defer s.Close()
		u, err := s.rotateAll(ctx)
		*elapsed, *polls = u.elapsed, s.deploymentPolls()
		return err
	}
	group.Go(func() error { return rotate(rotations, &all, &polls) })
	for i := range singles {
		group.Go(func() error {
			var ignored []simulator.Request
			return rotate(1, &singles[i], &ignored)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	batches := median(singles[:]) * rotations / parallelism
	return []row{
		limited(fmt.Sprintf("%d rotations in one apply, %s", rotations, seconds(all)), all.Seconds()/batches.Seconds(), 1.3, ratio,
			fmt.Sprintf("%d × one rotation of %s", rotations/parallelism, seconds(median(singles[:])))),
		limited("– status requests in any ten poll intervals meanwhile", densest(polls, interval), 10, integer, fmt.Sprintf("%d in all", len(polls))),
	}, nil
}
