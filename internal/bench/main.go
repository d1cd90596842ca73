// Command bench measures the time and the requests of a rotation without the cluster deployment, and those of a plan without
// changes. The machine's Terraform, this provider and hashicorp/time are real, and AWS and Qovery are simulated on loopback.
//
// It prints a table with the measured values and their limits. A value beyond its limit is marked, and is not an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// figure is a measurement, with one or more rows of the table.
type figure struct {
	name    string
	measure func(ctx context.Context, b *bench) ([]row, error)
}

// lane is a list of figures that are measured one after the other.
type lane []figure

// phases run one after the other, and the lanes of a phase run in parallel. Figures that need the processor most of the time
// have their own phase.
var phases = [][]lane{
	{{{"rotation", measureRotation}, {"plan", measurePlan}}, {{"polling", measurePolling}, {"waiting", measureWaiting}}, {{"hundred", measureHundred}}},
	{{{"time", measureTime}, {"start", measureStart}, {"size", measureSize}}},
}

func main() {
	only := flag.String("run", "", "measure only the figures whose names match this regular expression: "+
		"rotation, plan, polling, waiting, hundred, time, start, size")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "The benchmark failed:", err)
		os.Exit(1)
	}
}

// run measures the chosen figures and prints their table.
func run(ctx context.Context, only string) (err error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	start := time.Now()
	dir, err := os.MkdirTemp("", "qoveryrotation-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := setUp(ctx, dir)
	if err != nil {
		return err
	}

	var rows []row
	for _, phase := range phases {
		measured := make([][]row, len(phase))
		group, ctx := errgroup.WithContext(ctx)
		for i, lane := range phase {
			group.Go(func() (err error) {
				measured[i], err = lane.run(ctx, b, chosen)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		rows = append(rows, slices.Concat(measured...)...)
	}
	printTable(os.Stdout, rows)
	fmt.Printf("\nMeasured in %s.\n", time.Since(start).Round(time.Second))
	return nil
}

// run measures the chosen figures of a lane.
func (l lane) run(ctx context.Context, b *bench, chosen *regexp.Regexp) ([]row, error) {
	var rows []row
	for _, f := range l {
		if !chosen.MatchString(f.name) {
			continue
		}
		some, err := f.run(ctx, b)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

func (f figure) run(ctx context.Context, b *bench) ([]row, error) {
	start := time.Now()
	rows, err := f.measure(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", f.name, time.Since(start).Round(time.Second))
	return rows, nil
}
