package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

const (
	planFile = "bench.tfplan"
	// samplingInterval is the interval for reading the providers' memory. The kernel keeps the peak.
	samplingInterval = 5 * time.Millisecond
	// interruptDelay is the time that Terraform has to stop after an interrupt.
	interruptDelay = 10 * time.Second
)

const requirements = `terraform {
  required_providers {
    qoveryrotation = { source = "qovery/qoveryrotation" }
    time           = { source = "hashicorp/time" }
  }
}
`

// settings is the common part of both shapes of a configuration. It has a pair of resources for every credentials set in
// pairs.json.
const settings = `
variable "poll_interval" {
  type = string
}

variable "schedule" {
  default = "1"
}

variable "compromised" {
  type    = set(string)
  default = []
}

provider "qoveryrotation" {
  poll_interval              = var.poll_interval
  compromised_access_key_ids = var.compromised
}

locals {
  pairs = jsondecode(file("pairs.json"))
}
`

// flat has both resources with for_each, the second one over the first. For each instance of the second one, Terraform
// evaluates all instances of the first.
const flat = `
resource "qoveryrotation_aws_credentials" "all" {
  for_each = local.pairs

  organization_id   = each.value.organization_id
  credentials_id    = each.value.credentials_id
  iam_user_name     = each.value.iam_user_name
  rotation_triggers = { schedule = var.schedule }
  rotate_on_create  = false
}

resource "qoveryrotation_aws_access_key_cleanup" "all" {
  for_each = qoveryrotation_aws_credentials.all

  organization_id = each.value.organization_id
  credentials_id  = each.value.credentials_id
  iam_user_name   = each.value.iam_user_name
  access_key_id   = each.value.previous_access_key_id
  delete_after    = each.value.drain_ends_at
}
`

// modular has a module for each pair.
const modular = `
module "credentials" {
  source   = "./rotated-credentials"
  for_each = local.pairs

  organization_id   = each.value.organization_id
  credentials_id    = each.value.credentials_id
  iam_user_name     = each.value.iam_user_name
  rotation_triggers = { schedule = var.schedule }
  rotate_on_create  = false
}
`

// statics has as many resources of hashicorp/time with the same dependencies as flat.
const statics = `
locals {
  pairs = jsondecode(file("pairs.json"))
}

resource "time_static" "all" {
  for_each = local.pairs

  triggers = each.value
}

resource "time_static" "cleanup" {
  for_each = time_static.all

  triggers = { first = each.value.id }
}
`

// bench has the programs and the directory that all figures share.
type bench struct {
	dir, terraform, cliConfig string
	provider, time            acctest.Provider
}

// The flags of a release, in .goreleaser.yml.
const (
	tags    = "grpcnotrace"
	gcflags = "github.com/aws/...=-l"
	ldflags = "-s -w -funcalign=16"
)

// setUp builds both providers, with the flags of a release, and runs "terraform init".
func setUp(ctx context.Context, dir string) (*bench, error) {
	flags := strings.TrimSpace(fmt.Sprintf("%s -trimpath -tags=%s -gcflags=%s '-ldflags=%s'", os.Getenv("GOFLAGS"), tags, gcflags, ldflags))
	if err := errors.Join(os.Setenv("GOFLAGS", flags), os.Setenv("CGO_ENABLED", "0")); err != nil {
		return nil, err
	}
	b := &bench{dir: dir}
	var err error
	if b.terraform, err = acctest.Terraform(ctx); err != nil {
		return nil, err
	}
	if b.provider, err = acctest.BuildProvider(ctx, dir, "."); err != nil {
		return nil, err
	}
	if b.time, err = acctest.TimeProvider(ctx); err != nil {
		return nil, err
	}
	if b.cliConfig, err = acctest.CLIConfig(dir, b.provider, b.time); err != nil {
		return nil, err
	}
	w := &workspace{bench: b, dir: b.initialized()}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(w.write("main.tf", []byte(requirements+settings+modular)), w.linkModule()); err != nil {
		return nil, err
	}
	_, err = w.run(ctx, "init", "-input=false")
	return b, err
}

// initialized returns the directory whose lock file and providers all workspaces share.
func (b *bench) initialized() string { return filepath.Join(b.dir, "initialized") }

// workspace is a directory with a configuration and a state.
type workspace struct {
	bench *bench
	dir   string
	world map[string]string
}

// newWorkspace creates a directory with a configuration.
func (b *bench) newWorkspace(configuration string, world map[string]string) (*workspace, error) {
	dir, err := os.MkdirTemp(b.dir, "workspace-")
	if err != nil {
		return nil, err
	}
	lock, err := os.ReadFile(filepath.Join(b.initialized(), ".terraform.lock.hcl"))
	if err != nil {
		return nil, err
	}
	w := &workspace{bench: b, dir: dir, world: world}
	return w, errors.Join(w.linkModule(), w.write(".terraform.lock.hcl", lock), w.write("main.tf", []byte(requirements+configuration)))
}

// linkModule links the repository's module into the workspace.
func (w *workspace) linkModule() error {
	module, err := filepath.Abs(filepath.Join("modules", "rotated-credentials"))
	if err != nil {
		return err
	}
	return os.Symlink(module, filepath.Join(w.dir, filepath.Base(module)))
}

func (w *workspace) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(w.dir, name), content, 0o600)
}

// usage is the time and the memory of a run of Terraform.
type usage struct {
	elapsed time.Duration
	// processor is the processor time of Terraform and its providers. Other processes on the machine have little effect on it.
	processor time.Duration
	// providerMemory is the peak of the largest provider process in bytes. It is 0 on a machine without /proc.
	providerMemory int64
}

// run runs Terraform in an environment without the developer's variables.
func (w *workspace) run(ctx context.Context, args ...string) (usage, error) {
	env := map[string]string{
		"PATH":               os.Getenv("PATH"),
		"HOME":               w.dir,
		"TMPDIR":             w.bench.dir,
		"TF_CLI_CONFIG_FILE": w.bench.cliConfig,
		"TF_DATA_DIR":        filepath.Join(w.bench.initialized(), ".terraform"),
		"TF_IN_AUTOMATION":   "1",
		"CHECKPOINT_DISABLE": "1",
	}
	maps.Copy(env, w.world)
	command := exec.CommandContext(ctx, w.bench.terraform, args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptDelay
	command.Dir = w.dir
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	var messages bytes.Buffer
	command.Stderr = &messages
	start := time.Now()
	if err := command.Start(); err != nil {
		return usage{}, err
	}
	ended := make(chan struct{})
	memory := watchMemory(command.Process.Pid, ended)
	err := command.Wait()
	u := usage{elapsed: time.Since(start)}
	u.processor = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	close(ended)
	u.providerMemory = <-memory
	if err != nil {
		return u, fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err, messages.String())
	}
	return u, nil
}

// planRotation makes a plan that rotates every key.
func (w *workspace) planRotation(ctx context.Context) error {
	_, err := w.run(ctx, "plan", "-input=false", "-no-color", "-out", planFile, "-var", "schedule=2")
	return err
}

// applyPlan applies the plan of planRotation.
func (w *workspace) applyPlan(ctx context.Context) (usage, error) {
	return w.run(ctx, "apply", "-input=false", "-no-color", planFile)
}

// planNothing makes a plan that must be empty.
func (w *workspace) planNothing(ctx context.Context) (usage, error) {
	return w.run(ctx, "plan", "-input=false", "-no-color", "-detailed-exitcode")
}
