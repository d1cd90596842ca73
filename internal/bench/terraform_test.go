package main

import (
	"os"
	"strings"
	"testing"
)

// The size and the speed that are measured are those of a release only if it is built with the same flags.
func TestFlagsOfARelease(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile("../../.goreleaser.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"- -trimpath\n", "tags: [" + tags + "]\n", "- " + gcflags + "\n", "- " + ldflags + " -X main.version="} {
		if !strings.Contains(string(config), line) {
			t.Errorf("a release is built without %q", line)
		}
	}
}
