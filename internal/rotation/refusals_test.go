package rotation

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const goldenFile = "testdata/refusals.golden"

var update = flag.Bool("update", false, "write "+goldenFile)

// refusal is a problem as users read it. Maker is the function that makes it.
type refusal struct {
	maker, variant string
	problem        *Problem
}

func allRefusals() []refusal {
	return slices.Concat(refusalsOfDecisions(), refusalsOfRights(), refusalsOfDeletions(), refusalsOfRotations(), refusalsOfRequests())
}

// TestRefusalsAreAsPeopleReadThem compares every text with a file that is meant to be read.
func TestRefusalsAreAsPeopleReadThem(t *testing.T) {
	var text strings.Builder
	for _, r := range allRefusals() {
		heading := r.maker
		if r.variant != "" {
			heading += ": " + r.variant
		}
		if r.problem.Argument != ArgumentNone {
			heading += " (at " + string(r.problem.Argument) + ")"
		}
		fmt.Fprintf(&text, "==== %s\n\nError: %s\n\n%s\n\n", heading, r.problem.Summary, r.problem.Detail())
	}
	if *update {
		if err := os.WriteFile(goldenFile, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(text.String(), "==== "), strings.Split(string(want), "==== ")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("text %d is not the one of %s, which -update writes anew:\n%s", i, goldenFile, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
}

var (
	sentence = regexp.MustCompile(`(?:^|[.:?]\s+)([a-z]\S*)`)
	command  = regexp.MustCompile(`(aws iam|terraform|qovery) [a-z-].*$`)
)

// TestRefusalsHaveOneStyle looks for what no text may lack.
func TestRefusalsHaveOneStyle(t *testing.T) {
	for _, r := range allRefusals() {
		t.Run(r.maker+"/"+r.variant, func(t *testing.T) {
			p := r.problem
			if p.Summary == "" || len(p.Summary) > 60 || strings.HasSuffix(p.Summary, ".") {
				t.Errorf("summary of %d characters: %q", len(p.Summary), p.Summary)
			}
			if p.Cause == "" || p.World == "" && p.Advice == "" {
				t.Errorf("no cause, or neither a state nor a next step: %+v", p)
			}
			for _, text := range []string{p.Cause, p.World, p.Advice} {
				checkStyle(t, text)
			}
		})
	}
}

func checkStyle(t *testing.T, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if strings.Contains(text, `\n`) || strings.Contains(text, "%!") || strings.Contains(text, "  .") || strings.Contains(text, "0001-01-01") {
		t.Errorf("something is written in a wrong way: %q", text)
	}
	if first := text[:1]; first != strings.ToUpper(first) {
		t.Errorf("no capital: %q", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		isLog := strings.HasPrefix(line, "2027-")
		if !isLog && !strings.HasSuffix(line, ".") && !strings.HasSuffix(line, ":") && !command.MatchString(line) {
			t.Errorf("no period: %q", line)
		}
	}
	for _, found := range sentence.FindAllStringSubmatch(text, -1) {
		if word := found[1]; strings.Contains(found[0], ". ") && !slices.Contains([]string{"iam"}, word) {
			t.Errorf("a sentence begins with %q: %q", word, text)
		}
	}
	for _, word := range []string{" told", " comes to", " mend", " goes on", "stranger", "lagging", "carried"} {
		if strings.Contains(text, word) {
			t.Errorf("the project does not say %q: %q", word, text)
		}
	}
}

// TestEveryRefusalIsTried looks into the code for functions that make problems.
func TestEveryRefusalIsTried(t *testing.T) {
	tried := map[string]bool{}
	for _, r := range allRefusals() {
		tried[r.maker] = true
	}
	files, err := filepath.Glob("refusals*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "problem.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && !strings.HasSuffix(name, "_test.go") && makesProblem(f) && !tried[f.Name.Name] {
				t.Errorf("no text of %s is in %s", f.Name.Name, goldenFile)
			}
		}
	}
}

// makesProblem tells whether a function returns a [Problem].
func makesProblem(f *ast.FuncDecl) bool {
	return f.Type.Results != nil && slices.ContainsFunc(f.Type.Results.List, func(result *ast.Field) bool {
		pointer, ok := result.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		name, ok := pointer.X.(*ast.Ident)
		return ok && name.Name == "Problem"
	})
}

// errOf is an error as a port makes it.
func errOf(api string, kind error) error {
	if kind == nil {
		return failure{api, nil, "HTTP 502 Bad Gateway"}
	}
	return failure{api, kind, map[error]string{
		ErrForbidden: "AccessDenied: not authorized to perform this action", ErrUnauthenticated: "HTTP 401", ErrNotFound: "HTTP 404",
		ErrRejected: "HTTP 422: not possible",
	}[kind]}
}

var errTwoFailed = errors.Join(errOf("Qovery", ErrRejected), errOf("Qovery", nil))
