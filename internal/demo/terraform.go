package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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
	// interruptDelay is the time that Terraform has to stop an apply after an interrupt.
	interruptDelay = 30 * time.Second
)

// workspace is a directory with a configuration, and the Terraform that runs in it.
type workspace struct {
	*tfexec.Terraform
	dir       string
	cliConfig string
	// stdout is everything that Terraform has printed, including plans and states.
	stdout, stderr bytes.Buffer
	// progress is called for each line of an apply that shows progress.
	progress func(line string)
}

// newWorkspace builds the providers and creates a directory with a configuration.
func newWorkspace(ctx context.Context, dir, example string) (*workspace, error) {
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
	w := &workspace{dir: filepath.Join(dir, "workspace"), progress: func(string) {}}
	if w.cliConfig, err = acctest.CLIConfig(dir, provider, timeProvider); err != nil {
		return nil, err
	}
	configuration, err := os.ReadFile(example)
	if err != nil {
		return nil, fmt.Errorf("the demo is started from the root of the module: %w", err)
	}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	if w.Terraform, err = tfexec.NewTerraform(w.dir, terraform); err != nil {
		return nil, err
	}
	w.SetStdout(io.MultiWriter(&w.stdout, w))
	w.SetStderr(&w.stderr)
	return w, errors.Join(
		w.surround(nil),
		w.SetWaitDelay(interruptDelay),
		w.SetLog("TRACE"),
		w.SetLogPath(filepath.Join(w.dir, "trace.log")),
		w.write(filepath.Base(example), string(configuration)),
	)
}

// surround sets Terraform's environment, without the developer's variables.
func (w *workspace) surround(world map[string]string) error {
	env := map[string]string{
		"HOME":               w.dir,
		"TMPDIR":             os.TempDir(),
		"TF_CLI_CONFIG_FILE": w.cliConfig,
		"TF_DATA_DIR":        filepath.Join(w.dir, ".terraform"),
		"CHECKPOINT_DISABLE": "1",
	}
	maps.Copy(env, world)
	return w.SetEnv(env)
}

// write writes a file in the workspace.
func (w *workspace) write(name, content string) error {
	return os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600)
}

// remove removes a file from the workspace.
func (w *workspace) remove(name string) error { return os.Remove(filepath.Join(w.dir, name)) }

// plan makes a plan and returns its essential lines, and whether it changes anything.
func (w *workspace) plan(ctx context.Context) (lines string, changes bool, err error) {
	start := w.stdout.Len()
	changes, err = w.Plan(ctx, tfexec.Out(planFile))
	if err != nil {
		return "", false, err
	}
	lines = essential(string(w.stdout.Bytes()[start:]))
	// The file is compressed. ShowPlanFile prints its content to stdout, where leaks searches for secrets.
	_, err = w.ShowPlanFile(ctx, planFile)
	return lines, changes, err
}

// apply applies the last plan.
func (w *workspace) apply(ctx context.Context) error { return w.Apply(ctx, tfexec.DirOrPlan(planFile)) }

// attribute returns a string attribute of a resource in the state.
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

// leaks lists the files of the workspace, and the outputs of Terraform, that contain any of the secrets.
func (w *workspace) leaks(secrets []string) ([]string, error) {
	texts := map[string]string{"stdout": w.stdout.String(), "stderr": w.stderr.String()}
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

// essentialLine matches the headings of a plan and the most important changed attributes.
var essentialLine = regexp.MustCompile(`^(  # .* (will|must) be .*|  # \(imported .*|No changes\..*` +
	`|      [+~-] (access_key_id|delete_after|drain_ends_at|drain_window|phase|previous_access_key_id|rotation_triggers|status) .*` +
	`|          [+~-] "schedule" .*|        \})$`)

// essential returns the essential lines of a plan, its summary line, and the text after it, such as warnings.
func essential(plan string) string {
	if _, actions, ok := strings.Cut(plan, " will perform the following actions:\n"); ok {
		plan = actions
	}
	changes, sum, _ := strings.Cut(plan, "\nPlan: ")
	var b strings.Builder
	for line := range strings.Lines(changes) {
		if essentialLine.MatchString(strings.TrimSuffix(line, "\n")) {
			b.WriteString(line)
		}
	}
	if sum != "" {
		b.WriteString("Plan: " + sum)
	}
	return b.String()
}

// progressLine matches the lines of an apply that show progress.
var progressLine = regexp.MustCompile(`^(\S+: ((Importing|Creating|Modifying|Destroying|Still \w+)\.\.\.|\w+ complete)|Apply complete!)`)

// Write shows the progress of an apply without the ids of the resources. Terraform's output arrives line by line.
func (w *workspace) Write(output []byte) (int, error) {
	if progressLine.Match(output) {
		line, id, _ := strings.Cut(strings.TrimSpace(string(output)), " [id=")
		if _, elapsed, ok := strings.Cut(id, ", "); ok && strings.HasSuffix(elapsed, " elapsed]") {
			line += " [" + elapsed
		}
		w.progress(line)
	}
	return len(output), nil
}
