package rotation

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/wording"
)

const goldenFile = "testdata/refusals.golden"

// refusal is a problem as users read it. maker is the function that makes it.
type refusal struct {
	maker, variant string
	problem        *Problem
}

// warnings are the makers of warnings.
var warnings = []string{
	"cutOffNow", "keyReplaced", "missingRights", "willBeDeleted", "willBeDeactivated", "willBeActivated", "IfStillSo", "mayStay", "wasDone", "keyDeleted",
	"keyDeactivated", "keyActivated", "compromisedStopped",
}

func allRefusals() []refusal {
	return slices.Concat(refusalsOfDecisions(), refusalsOfRights(), refusalsOfDeletions(), refusalsOfRotations(), refusalsOfRequests())
}

// TestRefusalsAreAsPeopleReadThem compares every text with a golden file, which a reviewer can read.
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
		severity := "Error"
		if slices.Contains(warnings, r.maker) {
			severity = "Warning"
		}
		fmt.Fprintf(&text, "==== %s\n\n%s: %s\n\n%s\n\n", heading, severity, r.problem.Summary, r.problem.Detail())
	}
	wording.Golden(t, goldenFile, text.String())
}

// TestRefusalsHaveOneStyle checks that every text has all of its parts.
func TestRefusalsHaveOneStyle(t *testing.T) {
	for _, r := range allRefusals() {
		t.Run(r.maker+"/"+r.variant, func(t *testing.T) {
			p := r.problem
			wording.CheckSummary(t, p.Summary)
			if p.Cause == "" || p.World == "" && p.Advice == "" {
				t.Errorf("no cause, or neither a state nor a next step: %+v", p)
			}
			for _, text := range []string{p.Cause, p.World, p.Advice} {
				wording.Check(t, text)
			}
		})
	}
}

// TestEveryRefusalIsTried searches the code for functions that make problems, and checks that each has a sample.
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

// makesProblem reports whether a function returns a [Problem].
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

// errOf is an error as a port returns it.
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
