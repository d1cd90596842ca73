// Package crashtest runs Terraform with the provider as a separate process, and interrupts it in every way at every request.
// Then it checks that plain applies complete the rotation.
package crashtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

// full is the flag for the whole matrix, which takes minutes.
var full = flag.Bool("full", false, "try every fault at every request, and walk longer")

// These are set up once for all tests.
var (
	// terraformPath is the path of the Terraform executable.
	terraformPath string
	// initialized is a working directory after "terraform init".
	initialized string
	// cliConfig is the path of the CLI configuration, with which Terraform finds the provider under test.
	cliConfig string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "crashtest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := setUp(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, "The tests cannot be prepared:", err)
		return 1
	}
	return m.Run()
}

// setUp builds the provider and runs "terraform init" in a directory whose lock file and providers all workspaces share.
func setUp(ctx context.Context, dir string) (err error) {
	if terraformPath, err = acctest.Terraform(ctx); err != nil {
		return err
	}
	provider, err := acctest.BuildProvider(ctx, dir, "./internal/crashtest/testprovider")
	if err != nil {
		return err
	}
	if cliConfig, err = acctest.CLIConfig(dir, provider); err != nil {
		return err
	}
	initialized = filepath.Join(dir, "initialized")
	if err := os.Mkdir(initialized, 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(initialized, "main.tf"), []byte(requirements), 0o600); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, terraformPath, "init", "-input=false", "-no-color")
	command.Dir, command.Env = initialized, append(os.Environ(), "TF_CLI_CONFIG_FILE="+cliConfig)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("terraform init: %w\n%s", err, output)
	}
	return nil
}
