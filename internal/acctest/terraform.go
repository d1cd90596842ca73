package acctest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/fs"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

const (
	// terraformPathVariable names the executable that terraform-plugin-testing runs.
	terraformPathVariable = "TF_ACC_TERRAFORM_PATH"

	// minimumTerraform is the oldest version that the provider supports.
	minimumTerraform = "1.5.0"

	// downloadedTerraform is the version that is downloaded on a machine without Terraform.
	downloadedTerraform = "1.11.4"
)

// Terraform returns the path of the Terraform executable. It is the one in TF_ACC_TERRAFORM_PATH, or one on PATH that is recent
// enough, or a downloaded one, which is stored in the user's cache directory. If the download fails, it is the one that
// tools/terraform-latest builds.
func Terraform(ctx context.Context) (string, error) {
	if path := os.Getenv(terraformPathVariable); path != "" {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, providerName)

	installed := fs.Version{
		Product:     product.Terraform,
		Constraints: version.MustConstraints(version.NewConstraint(">= " + minimumTerraform)),
		ExtraPaths:  []string{cache},
	}
	if path, err := installed.Find(ctx); err == nil {
		return path, nil
	}
	path, err := downloadTerraform(ctx, cache)
	if err == nil || ctx.Err() != nil {
		return path, err
	}
	fmt.Fprintf(os.Stderr, "No Terraform >= %s is on PATH, and the download failed: %v\n"+
		"Building the Terraform of tools/terraform-latest, which takes minutes the first time.\n", minimumTerraform, err)
	return LatestTerraform(ctx)
}

// SkipUnsupported skips the test of a configuration that calls a provider's function if the Terraform executable is older
// than 1.8.
func SkipUnsupported(t *testing.T, terraform, configuration string) {
	t.Helper()
	if !strings.Contains(configuration, "provider::") {
		return
	}
	var found struct {
		Version *version.Version `json:"terraform_version"`
	}
	output, err := exec.CommandContext(t.Context(), terraform, "version", "-json").Output()
	if err == nil {
		err = json.Unmarshal(output, &found)
	}
	if err != nil {
		t.Fatalf("the version of %s cannot be read: %s", terraform, err)
	}
	if functions := version.Must(version.NewVersion("1.8.0")); found.Version.Core().LessThan(functions) {
		t.Skipf("functions of providers need Terraform %s, this is %s", functions, found.Version)
	}
}

// downloadTerraform downloads Terraform to a directory. It moves the executable there only when it is complete, because the
// tests of several packages may download at the same time.
func downloadTerraform(ctx context.Context, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	temporary, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temporary)

	release := releases.ExactVersion{
		Product:    product.Terraform,
		Version:    version.Must(version.NewVersion(downloadedTerraform)),
		InstallDir: temporary,
	}
	downloaded, err := release.Install(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(downloaded))
	return path, os.Rename(downloaded, path)
}

// OpenTofu builds OpenTofu in the version of tools/tofu/go.mod, and returns the path of its executable.
func OpenTofu(ctx context.Context) (string, error) {
	return tool(ctx, "tofu", "tofu")
}

// OldestTerraform builds the oldest supported Terraform, in the version of tools/terraform/go.mod, and returns the path of its
// executable.
func OldestTerraform(ctx context.Context) (string, error) {
	return tool(ctx, "terraform", "terraform")
}

// LatestTerraform builds a current Terraform, in the version of tools/terraform-latest/go.mod, and returns the path of its
// executable.
func LatestTerraform(ctx context.Context) (string, error) {
	return tool(ctx, "terraform-latest", "terraform")
}
