package acctest

import (
	"os"
	"path/filepath"
	"testing"
)

// ExampleDir returns an empty directory for a copy of an example. The repository's modules have the same relative paths as
// from the example.
func ExampleDir(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	dir := filepath.Join(base, "examples", "copy")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "modules"), filepath.Join(base, "modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}
