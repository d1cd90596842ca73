package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// measuredPairs is the number of pairs of each shape that are planned in total. Small plans are repeated until then.
const measuredPairs = 500

// measurePlan counts the requests of plans without changes.
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
	users, iam, sts, qovery := size.organizations*size.pairsEach, 0, 0, 0
	of := make([]int, len(s.organizations))
	for _, request := range s.Requests() {
		switch request.API {
		case simulator.APIQovery:
			qovery++
		case simulator.APISTS:
			sts++ // One asks for the account of all users.
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
		limited("– IAM requests per user", float64(iam)/float64(users), 1, number, fmt.Sprintf("%d in all, and %d to STS", iam, sts)),
	}, nil
}

// timing is the cost of a plan without changes.
type timing struct {
	shape     string // of pairs; empty for time_static
	pairs     int
	processor time.Duration
	memory    int64
}

// measureTime compares plans without changes with those of as many resources of hashicorp/time, and the shapes of a
// configuration with each other.
func measureTime(ctx context.Context, b *bench) ([]row, error) {
	const few, many, most = 100, 500, 1000
	var (
		fewStatics, manyStatics = timing{pairs: few}, timing{pairs: many}
		fewFlat, manyFlat       = timing{pairs: few, shape: flat}, timing{pairs: many, shape: flat}
		manyModules             = timing{pairs: many, shape: modular}
		mostModules             = timing{pairs: most, shape: modular}
	)
	for _, compared := range [][]*timing{{&fewFlat, &fewStatics}, {&manyModules, &manyStatics, &manyFlat}, {&mostModules}} {
		if err := b.takeTurns(ctx, compared); err != nil {
			return nil, err
		}
	}
	compare := func(what string, us, them timing, limit float64, other string) row {
		return limited(fmt.Sprintf("%s: %s", what, seconds(us.processor)), us.processor.Seconds()/them.processor.Seconds(), limit, ratio,
			fmt.Sprintf("%s: %s", other, seconds(them.processor)))
	}
	result := []row{
		compare("processor time of that plan without latency, 100 pairs, both resources with for_each", fewFlat, fewStatics, 0.85, "200 time_static"),
		compare("– 500 pairs, a module for each", manyModules, manyStatics, 0.6, "1000 time_static"),
		compare("– 500 pairs, both resources with for_each", manyFlat, manyStatics, 1.25, "1000 time_static"),
		compare("– 1000 pairs, a module for each", mostModules, manyModules, 2.2, "500 pairs, a module for each"),
	}
	if manyStatics.memory > 0 {
		result = append(result, limited(fmt.Sprintf("peak memory of the provider, 500 pairs: %s", megabytes(manyFlat.memory)),
			float64(manyFlat.memory)/float64(manyStatics.memory), 0.8, ratio, fmt.Sprintf("hashicorp/time: %s", megabytes(manyStatics.memory))),
			limited(fmt.Sprintf("– 1000 pairs, a module for each: %s", megabytes(mostModules.memory)),
				float64(mostModules.memory)/float64(manyModules.memory), 1.6, ratio, fmt.Sprintf("500 pairs, a module for each: %s", megabytes(manyModules.memory))))
	}
	return result, nil
}

// takeTurns measures several plans in turns, so that they have the same conditions.
func (b *bench) takeTurns(ctx context.Context, timings []*timing) error {
	plans := make([]*workspace, len(timings))
	for i, timing := range timings {
		s, err := b.newStage(ctx, simulator.Config{},
			scale{organizations: 1, pairsEach: timing.pairs, clustersEach: 1, pollInterval: pollInterval, shape: timing.shape})
		if err != nil {
			return err
		}
		defer s.Close()
		plans[i] = s.workspace
		if timing.shape != "" {
			continue
		}
		if plans[i], err = b.newWorkspace(statics, nil); err != nil {
			return err
		}
		if err := plans[i].adopt(ctx, s.customers); err != nil {
			return err
		}
	}
	rounds := max(1, measuredPairs/timings[0].pairs)
	for range rounds {
		for i, plan := range plans {
			u, err := plan.planNothing(ctx)
			if err != nil {
				return err
			}
			timings[i].processor += u.processor / time.Duration(rounds)
			timings[i].memory = max(timings[i].memory, u.providerMemory)
		}
	}
	return nil
}
