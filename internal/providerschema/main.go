// Command providerschema prints the provider's schema for the documentation, as the current Terraform shows it. An older
// Terraform on PATH would omit identities and list resources.
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

// run runs Terraform in a temporary directory.
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
	// tfplugindocs searches for the address that Terraform uses for a provider without a source.
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
