package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const source = `package p

func (a *T) first(n int) bool {
	return n <= 1 && a.ok ||
		a.done
}

func second() {
	for {
		continue
	}
}
`

func TestReadReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "p.go"), source)
	report := write(t, filepath.Join(dir, "report.json"), `{"files":[{"file_name":"p.go","mutations":[
		{"type":"CONDITIONALS_BOUNDARY","status":"LIVED","line":4,"column":11},
		{"type":"INVERT_LOGICAL","status":"KILLED","line":4,"column":16},
		{"type":"INVERT_LOOPCTRL","status":"TIMED OUT","line":10,"column":3},
		{"type":"INVERT_LOGICAL","status":"LIVED","line":4,"column":24}]}]}`)
	found, err := readReport(report, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []mutant{
		{"p.go first CONDITIONALS_BOUNDARY: return n [<=] 1 && a.ok ||", "LIVED"},
		{"p.go first INVERT_LOGICAL: return n <= 1 [&&] a.ok ||", "KILLED"},
		{"p.go second INVERT_LOOPCTRL: [continue]", "TIMED OUT"},
		{"p.go first INVERT_LOGICAL: return n <= 1 && a.ok [||]", "LIVED"},
	}
	if !slices.Equal(found["p.go"], want) {
		t.Errorf("got %q, want %q", found["p.go"], want)
	}
	if got, want := summary("p.go", found["p.go"]), "p.go: 4 mutants, 1 killed, 2 lived, 1 timed out"; got != want {
		t.Errorf("summary: %q, want %q", got, want)
	}
}

func TestReadAccepted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mutants.txt")
	write(t, path, "# Words.\n\np.go first KIND: a [<] b\n\tThey are never\n\tthe same.\n")
	accepted, err := readAccepted(path)
	if err != nil || len(accepted) != 1 || !accepted["p.go first KIND: a [<] b"] {
		t.Errorf("read %v, %v", accepted, err)
	}
	write(t, path, "p.go first KIND: a [<] b\np.go first KIND: a [>] b\n\tThey are never the same.\n")
	if _, err := readAccepted(path); err == nil || !strings.Contains(err.Error(), `"p.go first KIND: a [<] b"`) {
		t.Errorf("without a reason: %v", err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   string
		accepted string
		want     []string
	}{
		"killed":                     {"KILLED", "", nil},
		"timed out":                  {"TIMED OUT", "", nil},
		"lived":                      {"LIVED", "", []string{"no test notices p.go f K: a"}},
		"not covered":                {"NOT COVERED", "", []string{"no test notices p.go f K: a"}},
		"lived and accepted":         {"LIVED", "p.go f K: a", nil},
		"killed and accepted":        {"KILLED", "p.go f K: a", []string{"accepted, but killed or gone: p.go f K: a"}},
		"killed, another one is not": {"KILLED", "p.go f K: b", []string{"accepted, but killed or gone: p.go f K: b"}},
		"accepted in another file":   {"KILLED", "pp.go f K: a", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted := map[string]bool{}
			if test.accepted != "" {
				accepted[test.accepted] = true
			}
			got := problems("p.go", []mutant{{"p.go f K: a", test.status}}, accepted)
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := problems("p.go", nil, nil); len(got) != 1 {
		t.Errorf("of a file without mutants: %q", got)
	}
}

// write writes a file and returns its path.
func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
