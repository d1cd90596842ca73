package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

const (
	planFile = "demo.tfplan"
	// interruptDelay is what Terraform gets to stop an apply in good order.
	interruptDelay = 30 * time.Second
)

// workspace is a directory with a configuration, and the Terraform that is run in it.
type workspace struct {
	*tfexec.Terraform
	dir string
	// transcript is all that Terraform printed, the plans and states that it was asked for included.
	transcript bytes.Buffer
	// progress gets the lines of an apply as they come.
	progress func(line string)
}

// newWorkspace builds the providers and lays out a directory for Terraform.
func newWorkspace(ctx context.Context, dir string) (*workspace, error) {
	terraform, err := acctest.Terraform(ctx)
	if err != nil {
		return nil, err
	}
	provider, err := acctest.BuildProvider(ctx, dir, ".")
	if err != nil {
		return nil, err
	}
	timeProvider, err := acctest.TimeProvider(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := acctest.CLIConfig(dir, provider, timeProvider); err != nil {
		return nil, err
	}
	w := &workspace{dir: filepath.Join(dir, "workspace"), progress: func(string) {}}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	if w.Terraform, err = tfexec.NewTerraform(w.dir, terraform); err != nil {
		return nil, err
	}
	output := io.MultiWriter(&w.transcript, w)
	w.SetStdout(output)
	w.SetStderr(&w.transcript)
	if err := w.SetWaitDelay(interruptDelay); err != nil {
		return nil, err
	}
	if err := w.SetLog("TRACE"); err != nil {
		return nil, err
	}
	return w, w.SetLogPath(filepath.Join(w.dir, "trace.log"))
}

// environment is all that Terraform gets to know of its surroundings, so that nothing of the developer's own gets in.
func (w *workspace) environment(world map[string]string) map[string]string {
	env := map[string]string{
		"HOME":               w.dir,
		"TMPDIR":             os.TempDir(),
		"TF_CLI_CONFIG_FILE": filepath.Join(filepath.Dir(w.dir), "cli.tfrc"),
		"TF_DATA_DIR":        filepath.Join(w.dir, ".terraform"),
		"CHECKPOINT_DISABLE": "1",
	}
	for name, value := range world {
		env[name] = value
	}
	return env
}

// write puts a file into the workspace.
func (w *workspace) write(name, content string) error {
	return os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600)
}

// remove takes a file out of the workspace.
func (w *workspace) remove(name string) error { return os.Remove(filepath.Join(w.dir, name)) }

// plan makes a plan and returns its essential lines, and whether it changes anything.
func (w *workspace) plan(ctx context.Context) (lines string, changes bool, err error) {
	start := w.transcript.Len()
	changes, err = w.Plan(ctx, tfexec.Out(planFile))
	if err != nil {
		return "", false, err
	}
	lines = essential(string(w.transcript.Bytes()[start:]))
	// What a plan file holds is shown to whoever asks, so it belongs to the transcript.
	_, err = w.ShowPlanFile(ctx, planFile)
	return lines, changes, err
}

// apply applies the plan that was made last.
func (w *workspace) apply(ctx context.Context) error { return w.Apply(ctx, tfexec.DirOrPlan(planFile)) }

// attribute is a string attribute of a resource in the state.
func (w *workspace) attribute(ctx context.Context, address, name string) (string, error) {
	state, err := w.Show(ctx)
	if err != nil {
		return "", err
	}
	for _, resource := range state.Values.RootModule.Resources {
		if value, ok := resource.AttributeValues[name].(string); ok && resource.Address == address {
			return value, nil
		}
	}
	return "", fmt.Errorf("%s has no %s in the state", address, name)
}

// leaks lists where any of the secrets is to be found: in a file of the workspace or in the transcript.
func (w *workspace) leaks(secrets []string) ([]string, error) {
	texts := map[string]string{"Terraform's output": w.transcript.String()}
	err := filepath.WalkDir(w.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		texts[filepath.Base(path)] = string(content)
		return err
	})
	var places []string
	for place, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				places = append(places, place)
			}
		}
	}
	return places, err
}

// essentialLine is a heading of a plan, a changed attribute that tells what is going on, or the sum.
var essentialLine = regexp.MustCompile(`^(  # .* (will|must) be .*|  # \(imported .*|Plan: .*|No changes\..*` +
	`|      [+~-] (access_key_id|delete_after|drain_ends_at|drain_window|phase|previous_access_key_id|rotation_triggers|status) .*` +
	`|          [+~-] "schedule" .*|        \})$`)

// essential leaves out of a plan what does not tell what is going on, and keeps what follows the sum, such as warnings.
func essential(plan string) string {
	var b strings.Builder
	_, plan, _ = strings.Cut(plan, "Terraform will perform the following actions:")
	for line := range strings.Lines(plan) {
		if essentialLine.MatchString(strings.TrimSuffix(line, "\n")) {
			b.WriteString(line)
		}
	}
	if _, rest, ok := strings.Cut(plan, "\nPlan: "); ok {
		_, rest, _ = strings.Cut(rest, "\n")
		b.WriteString(rest)
	}
	return b.String()
}

// progressLine is a line of an apply that tells what it does. Its last part is the resource's id, which is of no use here.
var progressLine = regexp.MustCompile(`^(\S+: .*(?:\.\.\.|complete|elapsed)[^\[]*|Apply complete!.*)`)

// Write shows what an apply does. Terraform's output arrives line by line.
func (w *workspace) Write(line []byte) (int, error) {
	if match := progressLine.FindString(string(line)); match != "" {
		w.progress(strings.TrimSpace(match))
	}
	return len(line), nil
}
