package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// comparisons is how often two plans are compared. With one more the benchmark would take longer than five minutes.
const comparisons = 2

// measurePlan counts the requests of plans without work.
func measurePlan(ctx context.Context, b *bench) ([]row, error) {
	var result []row
	for _, size := range []scale{
		{organizations: 1, pairsEach: 1},
		{organizations: 1, pairsEach: 10},
		{organizations: 1, pairsEach: 100},
		{organizations: 5, pairsEach: 20},
		{organizations: 1, pairsEach: 500},
	} {
		some, err := b.countRequests(ctx, size)
		if err != nil {
			return nil, err
		}
		result = append(result, some...)
	}
	return result, nil
}

// countRequests counts the requests of one plan.
func (b *bench) countRequests(ctx context.Context, size scale) ([]row, error) {
	size.clustersEach, size.pollInterval = 1, pollInterval
	s, err := b.newStage(ctx, simulator.Config{Latency: latency}, size)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	s.ResetRequests()
	if _, err := s.planNothing(ctx); err != nil {
		return nil, err
	}
	users, iam, qovery := size.organizations*size.pairsEach, 0, 0
	of := make([]int, len(s.organizations))
	for _, request := range s.Requests() {
		switch request.API {
		case simulator.APIQovery:
			qovery++
		default:
			iam++
		}
		for i, organization := range s.organizations {
			if strings.Contains(request.Path, organization.ID) {
				of[i]++
			}
		}
	}
	busiest := 0
	for _, n := range of {
		busiest = max(busiest, n)
	}
	what := fmt.Sprintf("plan without work, %s in %s", plural(users, "pair"), plural(size.organizations, "organization"))
	return []row{
		limited(what+": Qovery requests per organization", busiest, 5, integer, fmt.Sprintf("%d in all", qovery)),
		limited("– AWS requests per user", float64(iam)/float64(users), 1, number, fmt.Sprintf("%d in all", iam)),
	}, nil
}

// measureTime compares the time and the memory of a plan without work with those of as many resources of hashicorp/time.
func measureTime(ctx context.Context, b *bench) ([]row, error) {
	const largest = 500
	var (
		sizes             = []int{largest / 5, largest}
		ours, theirs      = make([]time.Duration, len(sizes)), make([]time.Duration, len(sizes))
		ourPeak, timePeak int64
	)
	for i, n := range sizes {
		us, them, err := b.compare(ctx, n)
		if err != nil {
			return nil, err
		}
		ours[i], theirs[i] = us.elapsed, them.elapsed
		ourPeak, timePeak = us.providerMemory, them.providerMemory
	}
	growth := func(times []time.Duration) float64 { return times[1].Seconds() / times[0].Seconds() }
	result := []row{
		limited(fmt.Sprintf("time of that plan, %d pairs, no latency: %s", largest, seconds(ours[1])), ours[1].Seconds()/theirs[1].Seconds(), 2, ratio,
			fmt.Sprintf("%d time_static: %s", 2*largest, seconds(theirs[1]))),
		limited(fmt.Sprintf("– %d pairs: %s", sizes[0], seconds(ours[0])), ours[0].Seconds()/theirs[0].Seconds(), 2, ratio,
			fmt.Sprintf("%d time_static: %s", 2*sizes[0], seconds(theirs[0]))),
		{
			what: "– growth for five times as many", measured: ratio(growth(ours)), limit: "linear: 5 ×",
			comparison: fmt.Sprintf("time_static: %s", ratio(growth(theirs))),
		},
	}
	if timePeak > 0 {
		result = append(result, limited(fmt.Sprintf("peak memory of the provider in it: %s", megabytes(ourPeak)),
			float64(ourPeak)/float64(timePeak), 1.5, ratio, fmt.Sprintf("hashicorp/time: %s", megabytes(timePeak))))
	}
	return result, nil
}

// compare measures a plan of pairs and one of as many resources of hashicorp/time in turns.
func (b *bench) compare(ctx context.Context, n int) (us, them usage, err error) {
	s, err := b.newStage(ctx, simulator.Config{}, scale{organizations: 1, pairsEach: n, clustersEach: 1, pollInterval: pollInterval})
	if err != nil {
		return usage{}, usage{}, err
	}
	defer s.Close()
	reference, err := b.newWorkspace(statics, nil)
	if err != nil {
		return usage{}, usage{}, err
	}
	if err := reference.adopt(ctx, s.customers); err != nil {
		return usage{}, usage{}, err
	}
	var ours, theirs samples
	for range comparisons {
		if err := ours.take(s.planNothing(ctx)); err != nil {
			return usage{}, usage{}, err
		}
		if err := theirs.take(reference.planNothing(ctx)); err != nil {
			return usage{}, usage{}, err
		}
	}
	return ours.median(), theirs.median(), nil
}

// samples are what several runs of the same took.
type samples struct {
	times    []time.Duration
	memories []int64
}

func (s *samples) take(u usage, err error) error {
	s.times, s.memories = append(s.times, u.elapsed), append(s.memories, u.providerMemory)
	return err
}

func (s *samples) median() usage { return usage{median(s.times), median(s.memories)} }
