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

// providerName is the name of this provider's executable.
const providerName = "terraform-provider-qoveryrotation"

// Provider is an executable of a Terraform provider.
type Provider struct {
	// Source is the address in required_providers without the host, such as "hashicorp/time".
	Source string
	// Version is the version that version constraints are compared with.
	Version string
	// Path is the absolute path of the executable.
	Path string
}

// BuildProvider builds a main package of this module, such as ".", as the provider, into a directory. The version satisfies
// "~> 0.1", because it is higher than that of any release before 1.0.
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

// CLIConfig creates a filesystem mirror of the providers in a directory, and a CLI configuration with which Terraform installs
// providers only from there. It returns the path of the configuration, for TF_CLI_CONFIG_FILE.
func CLIConfig(dir string, providers ...Provider) (string, error) {
	mirror := filepath.Join(dir, "providers")
	for _, provider := range providers {
		// A source without a host means the registry of the program that reads it.
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

// link creates a link to the executable in the mirror of a host.
func (p Provider) link(host string) error {
	dir := filepath.Join(host, p.Source, p.Version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.Symlink(p.Path, filepath.Join(dir, filepath.Base(p.Path)))
}
