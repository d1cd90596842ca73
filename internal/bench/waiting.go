package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	// simulated is the number of deployments per figure. The figure is their mean.
	simulated = 4000
	// outliers is the share of deployments that take between 0.33 and 2.5 times the usual time.
	outliers = 0.08
	// hourlyRequests is the maximum number of status requests per hour. Qovery allows 1000 requests in total.
	hourlyRequests = 250
)

// usualTimes are the usual durations of deployments, from a small change to an upgrade of Kubernetes.
var usualTimes = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 90 * time.Minute}

// waits is the result of waiting for deployments: the mean time until their ends are noticed, and the status requests per hour.
type waits struct {
	lateness time.Duration
	hourly   float64
}

// measureWaiting simulates how the ends of deployments are noticed. It runs no program and does not wait.
func measureWaiting(context.Context, *bench) ([]row, error) {
	var rows []row
	for _, spread := range []struct {
		part     float64
		lateness time.Duration
	}{{0.08, 4500 * time.Millisecond}, {0.25, 8 * time.Second}} {
		for _, usual := range usualTimes {
			learned := simulateWaits(usual, spread.part, func(elapsed time.Duration) time.Duration {
				return rotation.PollInterval(elapsed, usual)
			})
			fixed := func(interval time.Duration) string {
				w := simulateWaits(usual, spread.part, func(time.Duration) time.Duration { return interval })
				return fmt.Sprintf("every %s: %s, %.0f", interval, seconds(w.lateness), w.hourly)
			}
			first := simulateWaits(usual, spread.part, func(elapsed time.Duration) time.Duration { return rotation.PollInterval(elapsed, 0) })
			compared := fmt.Sprintf("%s; %s; the first time: %s, %.0f",
				fixed(5*time.Second), fixed(15*time.Second), seconds(first.lateness), first.hourly)
			rows = append(
				rows,
				limited(fmt.Sprintf("mean lateness at the end of deployments of %.0f min, spread by %.0f %%", usual.Minutes(), 100*spread.part),
					learned.lateness, spread.lateness, seconds, compared),
				limited("– status requests in an hour of them", int(math.Ceil(learned.hourly)), hourlyRequests, integer, "for an organization"),
			)
		}
	}
	return rows, nil
}

// simulateWaits simulates the waits for deployments, which are the same for every function that chooses the intervals.
func simulateWaits(usual time.Duration, spread float64, interval func(elapsed time.Duration) time.Duration) waits {
	var late, waited time.Duration
	requests := 0
	for i := range simulated {
		part := max(0.1, 1+spread*normal(even(i, math.Phi)))
		if even(i, math.Sqrt2) < outliers {
			part = 0.33 + even(i, math.E)*(2.5-0.33)
		}
		took, elapsed := time.Duration(part*float64(usual)), time.Duration(0)
		for elapsed < took {
			elapsed += interval(elapsed)
			requests++
		}
		late += elapsed - took
		waited += elapsed
	}
	return waits{lateness: late / simulated, hourly: float64(requests) / waited.Hours()}
}

// even returns the i-th number of a sequence that is evenly distributed between 0 and 1, for an irrational step.
func even(i int, step float64) float64 {
	_, part := math.Modf((float64(i) + 0.5) * step)
	return part
}

// normal converts an evenly distributed number into a normally distributed one.
func normal(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }
