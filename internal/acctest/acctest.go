// Package acctest finds or builds the programs that acceptance tests and the demo run: Terraform, OpenTofu, this provider and
// hashicorp/time. The providers are built from Go modules and installed from a filesystem mirror, without a registry. So a
// plain "terraform init" works.
package acctest

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// Run is the body of TestMain in a package whose tests run Terraform. A test uses hashicorp/time with
//
//	ExternalProviders: map[string]resource.ExternalProvider{"time": {Source: "hashicorp/time"}}
//
// besides the provider under test, which runs in the test's process.
func Run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "acctest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)

	if err := setUp(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, "The acceptance tests cannot be prepared:", err)
		return 1
	}
	return m.Run()
}

// setUp sets the environment variables for terraform-plugin-testing and for the Terraform that it starts.
func setUp(ctx context.Context, dir string) error {
	terraform, err := Terraform(ctx)
	if err != nil {
		return err
	}
	time, err := TimeProvider(ctx)
	if err != nil {
		return err
	}
	cliConfig, err := CLIConfig(dir, time)
	if err != nil {
		return err
	}
	env := Environment()
	env[terraformPathVariable], env["TF_CLI_CONFIG_FILE"] = terraform, cliConfig
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
