package acctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool builds a tool of one of the modules under tools, and returns the path of its executable in Go's build cache. Only the
// first call takes long. Parallel calls are safe.
func tool(ctx context.Context, module, name string) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	return goCommand(ctx, filepath.Join(root, "tools", module), "tool", "-n", name)
}

// moduleRoot returns the directory of this module's go.mod. The working directory may be any one in the module.
func moduleRoot(ctx context.Context) (string, error) {
	goMod, err := goCommand(ctx, ".", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	return filepath.Dir(goMod), nil
}

// goCommand runs the go command in a directory and returns its output.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	// The modules under tools are not part of a developer's workspace. Environment's GOGC=off would make the compiler use
	// gigabytes.
	command.Env = append(os.Environ(), "GOWORK=off", "GOGC=")
	output, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(output)), nil
}
