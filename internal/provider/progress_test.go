package provider_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// progressFilter matches the script of the command that makes the log readable.
var progressFilter = regexp.MustCompile(`2>&1 \|\s+sed (?:-u )?-E '([^'\n]+)'`)

// showsProgress are the files that show this command.
var showsProgress = []string{
	"README.md", "docs/guides/troubleshooting.md", "docs/guides/getting-started.md", "docs/guides/pipelines.md",
	"examples/github-actions/rotate-access-keys.yml", "examples/gitlab-ci/rotate-access-keys.gitlab-ci.yml", "internal/demo/story.go",
}

// The documented command reduces the log of a rotation to one short line per step, and keeps all output of Terraform.
func TestProgressIsReadable(t *testing.T) {
	t.Parallel()
	script := ""
	for _, file := range showsProgress {
		found := progressFilter.FindStringSubmatch(readDoc(t, file))
		if found == nil || script != "" && found[1] != script {
			t.Fatalf("%s does not have the same command as the others: %q, %q", file, found, script)
		}
		script = found[1]
	}
	terraform, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	provider, err := acctest.BuildProvider(t.Context(), dir, "./internal/crashtest/testprovider")
	if err != nil {
		t.Fatal(err)
	}
	timeProvider, err := acctest.TimeProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cliConfig, err := acctest.CLIConfig(dir, provider, timeProvider)
	if err != nil {
		t.Fatal(err)
	}
	e := newExample(t, terraform, cliConfig, filepath.Join(examplesDir, "single", "main.tf"))
	e.terraform("init", "-input=false")
	// A warning of several lines is in the log too. Older versions of Terraform do not mark its lines, so the command keeps
	// them.
	warnings, allNoise := 0, []string{"mTLS", "plugin process", "credentials_id=", "  | "}
	if !terraformVersion(t, terraform).LessThan(tfversion.Version1_8_0) {
		e.DenyAction("iam:UntagUser")
		warnings, allNoise = 1, append(allNoise, "@", "diagnostic_")
	}
	e.env = append(e.env, "TF_LOG_PROVIDER=INFO")
	log := e.terraform("apply", "-input=false", "-auto-approve")
	sed := exec.CommandContext(t.Context(), "sed", "-E", script)
	sed.Stdin = strings.NewReader(log)
	output, err := sed.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s", err, output)
	}
	readable := string(output)
	if !says(
		"Plan: 3 to add", "Creating...", "[INFO]  created an access key; verifying it\n", `[INFO]  cluster "prod": DEPLOYED after 5m`,
		"[INFO]  rotation complete\n", "Apply complete!",
	).MatchString(readable) || strings.Count(readable, rotation.SummaryRights) != warnings {
		t.Errorf("the log is\n%s\nwhich becomes\n%s", log, readable)
	}
	for _, noise := range allNoise {
		if strings.Contains(readable, noise) {
			t.Errorf("%q is left:\n%s", noise, readable)
		}
	}
}
