package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEssential(t *testing.T) {
	t.Parallel()
	const plan = `time_rotating.quarterly: Refreshing state... [id=2026-01-01T00:00:00Z]

Note: Objects have changed outside of Terraform

  # qoveryrotation_aws_credentials.production has changed
      ~ phase = "draining" -> "drained"

Terraform will perform the following actions:

  # qoveryrotation_aws_credentials.production will be updated in-place
  ~ resource "qoveryrotation_aws_credentials" "production" {
      ~ access_key_created_at  = "2026-01-01T00:00:00Z" -> (known after apply)
      ~ access_key_id          = "AKIA1" -> (known after apply)
      ~ holders                = [
          - {
              - access_key_id = "AKIA1" -> null
            },
        ] -> (known after apply)
      ~ rotation_triggers      = {
          ~ "schedule" = "2026-01-01T00:00:00Z" -> (known after apply)
        }
        # (6 unchanged attributes hidden)
    }

Plan: 0 to add, 1 to change, 0 to destroy.

Warning: Access key will be replaced
`
	const want = `  # qoveryrotation_aws_credentials.production will be updated in-place
      ~ access_key_id          = "AKIA1" -> (known after apply)
      ~ rotation_triggers      = {
          ~ "schedule" = "2026-01-01T00:00:00Z" -> (known after apply)
        }
Plan: 0 to add, 1 to change, 0 to destroy.

Warning: Access key will be replaced
`
	if got := essential(plan); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	const empty = "No changes. Your infrastructure matches the configuration.\n"
	if got := essential("\n" + empty + "\nTerraform has compared your real infrastructure.\n"); got != empty {
		t.Errorf("of an empty plan: %q, want %q", got, empty)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var shown []string
	w := &workspace{progress: func(line string) { shown = append(shown, line) }}
	for line := range strings.Lines(`time_rotating.quarterly: Refreshing state... [id=2026-01-01T00:00:00Z]
time_rotating.quarterly: Importing... [id=2026-01-01T00:00:00Z,,,90,,]
qoveryrotation_aws_credentials.production: Still modifying... [id=1/2, 10s elapsed]
qoveryrotation_aws_access_key_cleanup.production: Creation complete after 0s

Apply complete! Resources: 1 added, 0 changed, 0 destroyed.
`) {
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"time_rotating.quarterly: Importing...",
		"qoveryrotation_aws_credentials.production: Still modifying... [10s elapsed]",
		"qoveryrotation_aws_access_key_cleanup.production: Creation complete after 0s",
		"Apply complete! Resources: 1 added, 0 changed, 0 destroyed.",
	}
	if !slices.Equal(shown, want) {
		t.Errorf("got %q, want %q", shown, want)
	}
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	w := &workspace{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(w.dir, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"a.tfstate": "known AKIA1", "deep/trace.log": "so s3cret"} {
		if err := w.write(name, content); err != nil {
			t.Fatal(err)
		}
	}
	w.stderr.WriteString("even more s3cret")
	places, err := w.leaks([]string{"other", "s3cret"})
	slices.Sort(places)
	if want := []string{"stderr", "trace.log"}; !slices.Equal(places, want) || err != nil {
		t.Errorf("leaks: %q, %v, want %q", places, err, want)
	}
}
