package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compare lists the differences between the description and a published document for the operations in use, and those of the
// properties with an access key. It returns "" if there are none.
func compare(description, published object, operations, knownKeys []string) string {
	var report strings.Builder
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&report, "%s:\n  %s\n", title, strings.Join(lines, "\n  "))
		}
	}
	section("Operations in use that are gone", missing(published, operations))
	section("Changes in the operations in use", changes(facts(description), facts(reduce(published, operations))))
	section("Changes in the properties with an access key or secret", changes(set(knownKeys), set(keyProperties(published))))
	return report.String()
}

// changes lists the differences between two lists of facts.
func changes(before, after map[string]string) []string {
	names := maps.Clone(before)
	maps.Copy(names, after)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, known := before[name]
		is, stays := after[name]
		switch {
		case !known:
			lines = append(lines, strings.TrimSuffix("added   "+name+": "+is, ": "))
		case !stays:
			lines = append(lines, strings.TrimSuffix("removed "+name+": "+was, ": "))
		case was != is:
			lines = append(lines, fmt.Sprintf("changed %s: %q is now %q", name, was, is))
		}
	}
	return lines
}

func set(names []string) map[string]string {
	s := map[string]string{}
	for _, name := range names {
		s[name] = ""
	}
	return s
}
