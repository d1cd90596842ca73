package acctest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// TestRun uses hashicorp/time. The CLI configuration allows no registry, so the provider must be the built one.
func TestRun(t *testing.T) {
	t.Parallel()
	resource.UnitTest(t, resource.TestCase{
		ExternalProviders: map[string]resource.ExternalProvider{
			"time": {Source: "hashicorp/time", VersionConstraint: ">= 0.13.0"},
		},
		Steps: []resource.TestStep{{
			Config: `resource "time_rotating" "quarterly" { rotation_days = 90 }`,
			Check:  resource.TestCheckResourceAttrSet("time_rotating.quarterly", "id"),
		}},
	})
}

func TestTerraform(t *testing.T) {
	const outdated, recent = "Terraform v1.4.7", "Terraform v1.11.4"
	path, cache := t.TempDir(), t.TempDir()
	t.Setenv("TF_ACC_TERRAFORM_PATH", "")
	t.Setenv("PATH", path)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)

	cached, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cached = filepath.Join(cached, "terraform-provider-qoveryrotation")

	printer(t, path, outdated)
	want := printer(t, cached, recent)
	if got, err := acctest.Terraform(t.Context()); got != want || err != nil {
		t.Errorf("with an outdated Terraform on PATH: %q, %v, want the one in the cache %q", got, err, want)
	}

	want = printer(t, path, recent)
	if got, err := acctest.Terraform(t.Context()); got != want || err != nil {
		t.Errorf("with a recent Terraform on PATH: %q, %v, want %q", got, err, want)
	}

	t.Setenv("TF_ACC_TERRAFORM_PATH", "/opt/tofu")
	if got, err := acctest.Terraform(t.Context()); got != "/opt/tofu" || err != nil {
		t.Errorf("with TF_ACC_TERRAFORM_PATH: %q, %v", got, err)
	}
}

// TestTerraformIsBuilt makes the download fail, with and without a network, because the cache directory is a file.
func TestTerraformIsBuilt(t *testing.T) {
	path, root := t.TempDir(), t.TempDir()
	cache := filepath.Join(root, "cache")
	if err := os.WriteFile(cache, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "tools", "terraform-latest"), 0o750); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TF_ACC_TERRAFORM_PATH", "")
	t.Setenv("PATH", path)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	script(t, path, "go", `case "$1" in env) echo "`+root+`/go.mod" ;; tool) echo "$PWD: $*" ;; esac`)

	want := filepath.Join(root, "tools", "terraform-latest") + ": tool -n terraform"
	if got, err := acctest.Terraform(t.Context()); got != want || err != nil {
		t.Errorf("without a Terraform: %q, %v, want what this prints: %q", got, err, want)
	}
}

// printer creates an executable named terraform that prints a version.
func printer(t *testing.T, dir, version string) string {
	t.Helper()
	return script(t, dir, "terraform", "echo "+version)
}

// script creates an executable in a directory, and returns its path.
func script(t *testing.T, dir, name, body string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCLIConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := `terraform {
		required_providers {
			qoveryrotation = { source = "qovery/qoveryrotation" }
			time           = { source = "hashicorp/time" }
		}
	}`
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	providers := built(t)
	tf := initialized(t, dir, providers)
	_, installed, err := tf.Version(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range providers {
		found := false
		for address, version := range installed {
			found = found || strings.HasSuffix(address, "/"+want.Source) && version.String() == want.Version
		}
		if !found {
			t.Errorf("%s %s is not among the installed providers %v", want.Source, want.Version, installed)
		}
	}
}

// built builds this provider and hashicorp/time.
func built(t *testing.T) []acctest.Provider {
	t.Helper()
	provider, err := acctest.BuildProvider(t.Context(), t.TempDir(), ".")
	if err != nil {
		t.Fatal(err)
	}
	time, err := acctest.TimeProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []acctest.Provider{provider, time}
}

// initialized runs "terraform init" in a directory.
func initialized(t *testing.T, dir string, providers []acctest.Provider) *tfexec.Terraform {
	t.Helper()
	terraform, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cliConfig, err := acctest.CLIConfig(t.TempDir(), providers...)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := tfexec.NewTerraform(dir, terraform)
	if err != nil {
		t.Fatal(err)
	}
	// The library refuses this variable, and has its own setter.
	env := acctest.Environment()
	delete(env, "TF_DISABLE_PLUGIN_TLS")
	env["TF_CLI_CONFIG_FILE"] = cliConfig
	if err := errors.Join(tf.SetEnv(env), tf.SetDisablePluginTLS(true)); err != nil {
		t.Fatal(err)
	}
	if err := tf.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tf
}

func TestBuildProviderFails(t *testing.T) {
	t.Parallel()
	_, err := acctest.BuildProvider(t.Context(), t.TempDir(), "./internal/nothing")
	if err == nil || !strings.Contains(err.Error(), "internal/nothing") {
		t.Errorf("a package that does not exist: %v", err)
	}
}
