// Command mutants checks the results of "make mutate". Tests must notice every mutant, except those in the package's
// testdata/mutants.txt. That file has the reasons why no test can notice them.
//
//	mutants report.json internal/rotation decide.go journal.go
//
// The name of a mutant consists of its file, function, kind and line of code, with the changed operator in brackets. It has
// no line number, so it does not change when code moves.
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The statuses in gremlins' report of a mutant that no test noticed. It is not covered if no test runs its code.
const (
	lived      = "LIVED"
	notCovered = "NOT COVERED"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: mutants report.json directory file.go ...")
		os.Exit(2)
	}
	dir, files := os.Args[2], os.Args[3:]
	found, err := readReport(os.Args[1], dir)
	var accepted map[string]bool
	if err == nil {
		accepted, err = readAccepted(filepath.Join(dir, "testdata", "mutants.txt"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	failed := false
	for _, file := range files {
		fmt.Println(summary(file, found[file]))
		for _, problem := range problems(file, found[file], accepted) {
			fmt.Println("  " + problem)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// mutant is one change of the code, with its status.
type mutant struct{ name, status string }

// readReport reads gremlins' report about the files of a directory, by file.
func readReport(path, dir string) (map[string][]mutant, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var report struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type, Status string
				Line, Column int
			}
		}
	}
	if err := json.Unmarshal(content, &report); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	found := map[string][]mutant{}
	for _, file := range report.Files {
		source, err := os.ReadFile(filepath.Join(dir, file.Name))
		if err != nil {
			return nil, err
		}
		lines := strings.Split(string(source), "\n")
		for _, m := range file.Mutations {
			name := fmt.Sprintf("%s %s %s: %s", file.Name, function(lines[:m.Line]), m.Type, mark(lines[m.Line-1], m.Column))
			found[file.Name] = append(found[file.Name], mutant{name, m.Status})
		}
	}
	return found, nil
}

// header matches the first line of a function.
var header = regexp.MustCompile(`^func (?:\([^)]*\) )?(\w+)`)

// function returns the name of the function that the last one of the lines is in or after.
func function(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if match := header.FindStringSubmatch(line); match != nil {
			return match[1]
		}
	}
	return "-"
}

// mark puts brackets around the operator or keyword that begins at a column, counted from 1.
func mark(line string, column int) string {
	before, rest := line[:column-1], line[column-1:]+" "
	end := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("+-*/%&|^<>=!", r) })
	if end == 0 {
		end = strings.IndexFunc(rest, func(r rune) bool { return r < 'a' || r > 'z' })
	}
	return strings.TrimSpace(before + "[" + rest[:end] + "]" + rest[end:])
}

// readAccepted reads the names of the accepted mutants. Each name is followed by the reason, in indented lines.
func readAccepted(path string) (map[string]bool, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	accepted, name := map[string]bool{}, ""
	for line := range strings.Lines(string(content)) {
		switch text := strings.TrimSpace(line); {
		case text == "" || strings.HasPrefix(text, "#"):
		case line[0] == '\t':
			accepted[name] = true
		default:
			name = text
			accepted[name] = false
		}
	}
	for name, reasoned := range accepted {
		if !reasoned {
			return nil, fmt.Errorf("%s: no reason is given for %q", path, name)
		}
	}
	return accepted, nil
}

// summary counts the mutants of a file by status.
func summary(file string, found []mutant) string {
	counts := map[string]int{}
	for _, m := range found {
		counts[m.status]++
	}
	parts := []string{fmt.Sprintf("%s: %d mutants", file, len(found))}
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[status], strings.ToLower(status)))
	}
	return strings.Join(parts, ", ")
}

// problems lists the mutants of a file that no test notices and that are not accepted, and accepted ones that are not needed.
func problems(file string, found []mutant, accepted map[string]bool) []string {
	var list []string
	alive := map[string]bool{}
	for _, m := range found {
		if m.status == lived || m.status == notCovered {
			alive[m.name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(alive)) {
		if !accepted[name] {
			list = append(list, "no test notices "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accepted)) {
		if strings.HasPrefix(name, file+" ") && !alive[name] {
			list = append(list, "accepted, but killed or gone: "+name)
		}
	}
	if len(found) == 0 {
		list = append(list, "nothing was mutated; is the name right?")
	}
	return list
}
