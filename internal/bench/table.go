package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// row is a line of the table.
type row struct {
	what, measured, limit string
	// comparison is the value that the figure is a ratio to, or other information about it.
	comparison string
	missed     bool
}

// printTable prints rows as a table of Markdown.
func printTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| what | measured | limit | compared with |")
	fmt.Fprintln(w, "| --- | ---: | ---: | --- |")
	for _, r := range rows {
		if r.missed {
			r.measured = "**missed:** " + r.measured
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", r.what, r.measured, r.limit, r.comparison)
	}
}

// limited returns a row for a number with a limit.
func limited[T cmp.Ordered](what string, measured, limit T, format func(T) string, comparison string) row {
	return row{what: what, measured: format(measured), limit: "≤ " + format(limit), comparison: comparison, missed: measured > limit}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

func ratio(r float64) string { return fmt.Sprintf("%.2f ×", r) }

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func integer(n int) string { return strconv.Itoa(n) }

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// median returns the middle one of an odd number of values.
func median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
