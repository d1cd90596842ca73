// Command providerschema prints the schema of the provider as the current Terraform sees it, for the documentation. An older
// Terraform leaves out identities and list resources, and which one is on PATH must not decide what the documentation has.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// run asks Terraform in a directory of its own.
func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "providerschema")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	provider, err := acctest.BuildProvider(ctx, dir, ".")
	if err != nil {
		return err
	}
	// tfplugindocs looks for the address that Terraform gives to a provider without one.
	provider.Source = "hashicorp/qoveryrotation"
	cliConfig, err := acctest.CLIConfig(dir, provider)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte("provider \"qoveryrotation\" {}\n"), 0o600); err != nil {
		return err
	}
	program, err := acctest.LatestTerraform(ctx)
	if err != nil {
		return err
	}
	terraform := func(args ...string) ([]byte, error) {
		command := exec.CommandContext(ctx, program, args...)
		command.Dir, command.Stderr = dir, os.Stderr
		command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+cliConfig, "CHECKPOINT_DISABLE=1")
		return command.Output()
	}
	if output, err := terraform("init", "-input=false"); err != nil {
		return fmt.Errorf("terraform init: %w: %s", err, output)
	}
	schema, err := terraform("providers", "schema", "-json")
	if err != nil {
		return fmt.Errorf("terraform providers schema: %w", err)
	}
	_, err = os.Stdout.Write(schema)
	return err
}
