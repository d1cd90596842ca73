package acctest

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// providerName is what the executable of this provider is called.
const providerName = "terraform-provider-qoveryrotation"

// Provider is an executable of a Terraform provider.
type Provider struct {
	// Source is the address in required_providers without the host, such as "hashicorp/time".
	Source string
	// Version is what the executable counts as in version constraints.
	Version string
	// Path is the absolute path of the executable.
	Path string
}

// BuildProvider builds a main package of this module, such as ".", into a directory, as the provider. Its version is
// higher than that of any release before 1.0, so "~> 0.1" holds and picks it.
func BuildProvider(ctx context.Context, dir, pkg string) (Provider, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return Provider{}, err
	}
	path, err := filepath.Abs(filepath.Join(dir, providerName))
	if err != nil {
		return Provider{}, err
	}
	if _, err := goCommand(ctx, root, "build", "-o", path, pkg); err != nil {
		return Provider{}, err
	}
	return Provider{Source: "qovery/qoveryrotation", Version: "0.999.0", Path: path}, nil
}

// TimeProvider builds hashicorp/time in the version that tools/time/go.mod names.
func TimeProvider(ctx context.Context) (Provider, error) {
	path, err := tool(ctx, "time", "terraform-provider-time")
	if err != nil {
		return Provider{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return Provider{}, fmt.Errorf("reading the version of hashicorp/time: %w", err)
	}
	return Provider{
		Source:  "hashicorp/time",
		Version: strings.TrimPrefix(info.Main.Version, "v"),
		Path:    path,
	}, nil
}

// CLIConfig lays the providers out as a filesystem mirror in a directory, next to a CLI configuration that makes the
// mirror the only place to install providers from. It returns the path of that configuration, for TF_CLI_CONFIG_FILE.
func CLIConfig(dir string, providers ...Provider) (string, error) {
	mirror := filepath.Join(dir, "providers")
	for _, provider := range providers {
		// A source without a host means the registry of whichever program reads it.
		for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
			if err := provider.link(filepath.Join(mirror, host)); err != nil {
				return "", fmt.Errorf("laying out the mirror of %s: %w", provider.Source, err)
			}
		}
	}
	file := filepath.Join(dir, "cli.tfrc")
	content := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return "", err
	}
	return file, nil
}

// link puts the executable where a mirror of its host has it.
func (p Provider) link(host string) error {
	dir := filepath.Join(host, p.Source, p.Version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.Symlink(p.Path, filepath.Join(dir, filepath.Base(p.Path)))
}
