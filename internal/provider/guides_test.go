package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// guideFile is a file that a guide asks for: its name in the text, and its content in the code after it.
var guideFile = regexp.MustCompile("(?s)is `([^`]+)`[.:].*?\n```\\w+\n(.*?)```")

// Whoever follows the guide to the letter gets what it promises.
func TestGuideWholeOrganization(t *testing.T) {
	t.Parallel()
	e := newExample(t, terraformSince(t, tfversion.Version1_14_0), builtProviders(t))
	const more = 2
	e.addSets(1 + more)
	e.write("terraform.tf", "") // The guide has everything.
	page := readDoc(t, "docs/guides/whole-organization.md")
	for _, file := range guideFile.FindAllStringSubmatch(page, -1) {
		e.write(file[1], file[2])
	}
	e.env = append(e.env, "PATH="+filepath.Dir(e.program)+string(os.PathListSeparator)+os.Getenv("PATH"), "TF_CLI_ARGS_apply=-auto-approve")

	commands := docBlocks(page, "shell")[1:] // The first one sets the organization, which is another one here.
	if len(commands) != 5 {
		t.Fatalf("the guide has %d commands", len(commands))
	}
	prints := []string{
		"successfully initialized",
		"production, key " + e.key.ID + ", 90 days",
		"production, key " + e.key.ID + ", 90 days",
		"",
		fmt.Sprintf("Plan: %d to import, %d to add, 0 to change, 0 to destroy.", 1+more, 1+more),
	}
	for i, command := range commands {
		if output := e.shell(command); !strings.Contains(output, prints[i]) {
			t.Errorf("the guide's command %d does not print %q:\n%s", i+1, prints[i], output)
		}
	}
	e.terraform("plan", "-input=false", "-detailed-exitcode")
	e.unchanged()

	// The generated file has the argument that the guide goes on with.
	generated := readFile(t, filepath.Join(e.dir, "credentials.tf"))
	scheduled := regexp.MustCompile(`rotate_after_days( *)= null`).ReplaceAllString(generated, "rotate_after_days$1= 90")
	e.write("credentials.tf", scheduled)
	apply := func() { e.terraform("apply", "-input=false", "-parallelism=1") }
	apply()
	if got := keyStates(e.user); got != "AA" {
		t.Errorf("after the rotation the keys are %q\n%s", got, scheduled)
	}
	e.Clock().Advance(3 * time.Hour)
	apply()
	if got := keyStates(e.user); got != "A" {
		t.Errorf("after the cleanup the keys are %q", got)
	}
}

// Mocked values pass the validators of the provider, which Terraform asks about them.
func TestMocks(t *testing.T) {
	t.Parallel()
	if os.Getenv("TF_ACC_PROVIDER_HOST") == "registry.opentofu.org" {
		t.Skip("OpenTofu does not read mock files")
	}
	e := newExample(t, terraformSince(t, tfversion.Version1_7_0), builtProviders(t))
	e.write("terraform.tf", "")
	if err := os.CopyFS(e.dir, os.DirFS(filepath.Join(examplesDir, "mocks"))); err != nil {
		t.Fatal(err)
	}
	e.terraform("init", "-input=false")
	if output := e.terraform("test"); !strings.Contains(output, "2 passed, 0 failed") {
		t.Errorf("not every test ran:\n%s", output)
	}
	if requests := e.Requests(); len(requests) > 0 {
		t.Errorf("the mocked provider asked %v", requests)
	}
}

// shell runs a command of a guide, which must succeed, and returns its output.
func (e *example) shell(command string) string {
	e.t.Helper()
	shell := exec.CommandContext(e.t.Context(), "sh", "-e", "-c", command)
	shell.Dir, shell.Env = e.dir, e.env
	output, err := shell.CombinedOutput()
	if err != nil {
		e.t.Fatalf("%s: %s\n%s", command, err, output)
	}
	return string(output)
}
