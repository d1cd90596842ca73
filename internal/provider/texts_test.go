package provider

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/wording"
)

// sample is a text as users read it. maker is the function that returns it.
type sample struct {
	maker, variant, severity string
	problem                  *rotation.Problem
}

const (
	sampleKey    = "AKIAIOSFODNN7EXAMPLE"
	sampleNewKey = "AKIAI44QH8DHBEXAMPLE"
	sampleUser   = "qovery"
	sampleSetID  = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
)

var (
	sampleNow       = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)
	sampleSet       = rotation.CredentialsSet{ID: sampleSetID, Name: "production", AccessKeyID: sampleKey}
	sampleStaging   = rotation.Cluster{ID: "5c8c2f4e-0000-4000-8000-000000000001", Name: "staging"}
	sampleProd      = rotation.Cluster{ID: "5c8c2f4e-0000-4000-8000-000000000002", Name: "prod", Production: true}
	sampleServed    = rotation.Holder{Kind: rotation.HolderCredentials, ID: sampleSetID, Name: "production"}
	sampleRegistry  = rotation.Holder{Kind: rotation.HolderContainerRegistry, ID: "7f0c8a52-0000-4000-8000-000000000003", Name: "images"}
	sampleNotStatic = rotation.NotStatic(rotation.CredentialsSet{ID: sampleSetID, Name: "production", Type: "AWS_ROLE"})
)

// invalidSamples are the errors about arguments.
func invalidSamples() []sample {
	drain := path.Root("drain_window")
	of := func(maker, variant string, problem *rotation.Problem) sample {
		return sample{maker, variant, "Error", problem}
	}
	return []sample{
		of("invalid", "", invalid("drain_window is wrong.", "Correct it.")),
		of("unparsed", "a URL", unparsed(path.Root("api_url"), urlError("http://api.qovery.com"))),
		of("notADuration", "days", notADuration(drain, "7d")),
		of("notADuration", "weeks", notADuration(drain, "2 weeks")),
		of("notADuration", "something else", notADuration(drain, "soon")),
		of("durationOutOfBounds", "", durationOutOfBounds(path.Root("aws").AtName("assume_role").AtName("duration"), time.Minute, "must be from 15m to 12h")),
		of("drainWindowTooShort", "", drainWindowTooShort(time.Hour, 2*time.Hour)),
		of("ageTooShort", "", ageTooShort(1, 24*time.Hour)),
		of("quarantineTooLong", "", quarantineTooLong(24*time.Hour, 3*time.Hour)),
		of("windowInvalid", "", windowInvalid(path.Root("rotation_window"), windowError("08:00", "08:05"))),
		of("windowInvalid", "no day", windowInvalid(path.Root("rotation_window"), windowError("08:00", "15:00", "monday"))),
		of("tokenInvalid", "", tokenInvalid(errors.New("is empty"))),
		of("urlInvalid", "", urlInvalid(fmt.Errorf("the URL %w", urlError("ftp://api.qovery.com")))),
		of("awsInvalid", "", awsInvalid(errors.New("configuring AWS: failed to get shared config profile, rotation"))),
		of("unknownConfiguration", "", unknownConfiguration(path.Root("aws").AtName("assume_role").AtName("role_arn"))),
		of("importIDInvalid", "", importIDInvalid(importError("production"))),
		of("stateUnreadable", "", stateUnreadable(privateSchedule, errors.New("unexpected end of JSON input"))),
	}
}

func windowError(from, to string, days ...string) error {
	_, err := rotation.ParseWindow(days, from, to)
	return err
}

func urlError(url string) error {
	_, err := rotation.ParseURL(url)
	return err
}

func importError(id string) error {
	_, _, err := parseImportID(id)
	return err
}

// keySamples are the warnings about keys that Terraform leaves behind.
func keySamples() []sample {
	of := func(maker, variant string, problem *rotation.Problem) sample {
		return sample{maker, variant, "Warning", problem}
	}
	return []sample{
		of("nothingToRotate", "", nothingToRotate(sampleNotStatic)),
		of("keyForgotten", "", keyForgotten(sampleUser, sampleKey, "3f2504e0-4f89-41d3-9a0c-0305e82c3301/"+sampleSetID)),
		of("heldKeyStays", "", heldKeyStays(sampleUser, sampleKey)),
		of("keyNotRetired", "", keyNotRetired(sampleUser, sampleKey, "It is not due yet.", "The key was not changed.")),
		of("keyStays", "", keyStays("The key stays.", rotation.WorldUntouched, sampleUser, sampleKey)),
		of("keyUntracked", "", keyUntracked(sampleUser, sampleKey, sampleNewKey)),
		of("keyUntracked", "no other key", keyUntracked(sampleUser, sampleKey, "")),
		of("listedAnyway", "", listedAnyway(sampleSet, sampleNotStatic)),
	}
}

// planSamples are the warnings of plans, and those of applies that belong to them.
func planSamples() []sample {
	of := func(maker, variant string, problem *rotation.Problem) sample {
		return sample{maker, variant, "Warning", problem}
	}
	key := rotation.Key{AccessKey: rotation.AccessKey{ID: sampleKey, Active: true}, LastUse: rotation.LastUse{
		At: sampleNow.Add(-time.Minute), Service: "ec2", Region: "us-east-1",
	}}
	s := &rotation.Snapshot{Set: &sampleSet, User: rotation.User{Name: sampleUser}, Current: &key}
	intent := rotation.Intent{ProductionLast: true, DrainWindow: 2 * time.Hour}
	usual := rotation.Forecast{
		Served: []rotation.Holder{sampleServed, sampleRegistry}, Deployed: []rotation.Cluster{sampleStaging, sampleProd},
		Outdated: []rotation.Cluster{sampleStaging}, SelfManaged: []rotation.Cluster{{ID: "5c8c2f4e-0000-4000-8000-000000000004", Name: "on premises"}},
		LastTook: 14*time.Minute + 200*time.Millisecond,
	}
	leak := rotation.Forecast{
		Served: []rotation.Holder{sampleServed}, Deployed: []rotation.Cluster{sampleProd}, Compromised: true,
		Running: []rotation.EnvironmentDeployment{{EnvironmentID: "e1", Environment: "live", Project: "shop", ClusterName: "prod"}},
	}
	left := rotation.Forecast{LeftBehind: []rotation.Holder{sampleRegistry}}
	return []sample{
		of("rotationPlanned", "", rotationPlanned(s, usual, intent, sampleNow)),
		of("rotationPlanned", "no cluster", rotationPlanned(s, rotation.Forecast{Served: usual.Served[:1]}, intent, sampleNow)),
		of("rotationPlanned", "compromised", rotationPlanned(s, leak, intent, sampleNow)),
		of("rotationPlanned", "a dead key", rotationPlanned(s, rotation.Forecast{Served: usual.Served[:1], IsDead: true}, intent, sampleNow)),
		of("rotationPlanned", "a repair", rotationPlanned(s, rotation.Forecast{
			Served: usual.Served, Stale: usual.Served[1:], Deployed: usual.Deployed[1:],
		}, intent, sampleNow)),
		of("holdersLeft", "", holdersLeft(sampleKey, left)),
		of("holdersLeft", "compromised", holdersLeft(sampleKey, rotation.Forecast{LeftBehind: left.LeftBehind, Compromised: true})),
		of("waitsForOtherRun", "", waitsForOtherRun(sampleUser, sampleNow.Add(3*time.Minute))),
		of("leakStopsOnResume", "", leakStopsOnResume(sampleUser, sampleKey)),
		of("changeCovered", "", changeCovered()),
		of("windowClosed", "an update", windowClosed(sampleNow.Add(23*time.Hour), requestRemembered(sampleKey))),
		of("windowClosed", "a creation is planned", windowClosed(sampleNow.Add(23*time.Hour), adoptedBefore(sampleSetID))),
		of("rotationHeld", "", rotationHeld(sampleKey)),
		of("windowClosed", "a creation", windowClosed(sampleNow.Add(23*time.Hour), adoptedNow(sampleKey))),
	}
}

func allSamples() []sample {
	return append(invalidSamples(), append(keySamples(), planSamples()...)...)
}

// TestTextsAreAsPeopleReadThem compares every text with a golden file, in which reviewers read them.
func TestTextsAreAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, s := range allSamples() {
		heading := s.maker
		if s.variant != "" {
			heading += ": " + s.variant
		}
		if s.problem.Argument != rotation.ArgumentNone {
			heading += " (at " + string(s.problem.Argument) + ")"
		}
		fmt.Fprintf(&text, "==== %s\n\n%s: %s\n\n%s\n\n", heading, s.severity, s.problem.Summary, s.problem.Detail())
	}
	wording.Golden(t, "testdata/texts.golden", text.String())
}

func TestTextsHaveOneStyle(t *testing.T) {
	t.Parallel()
	for _, s := range allSamples() {
		t.Run(s.maker+"/"+s.variant, func(t *testing.T) {
			t.Parallel()
			wording.CheckSummary(t, s.problem.Summary)
			for _, text := range []string{s.problem.Cause, s.problem.World, s.problem.Advice} {
				wording.Check(t, text)
			}
		})
	}
}

// TestEveryTextIsTried checks that every function that returns a problem has a sample.
func TestEveryTextIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, s := range allSamples() {
		tried[s.maker] = true
	}
	for _, name := range []string{"texts.go", "texts_plan.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if ok && f.Type.Results != nil && makesProblem(f.Type.Results.List[0].Type) && !tried[f.Name.Name] {
				t.Errorf("no text of %s is in the golden file", f.Name.Name)
			}
		}
	}
}

// makesProblem reports whether a type is a pointer to a problem.
func makesProblem(result ast.Expr) bool {
	pointer, ok := result.(*ast.StarExpr)
	if !ok {
		return false
	}
	selector, ok := pointer.X.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "Problem"
}

// TestDescriptionsHaveOneStyle checks the description of every attribute, as the registry shows it.
func TestDescriptionsHaveOneStyle(t *testing.T) {
	t.Parallel()
	schemas, err := New("test").Server().GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tfprotov6.Schema{"provider": schemas.Provider}
	for prefix, group := range map[string]map[string]*tfprotov6.Schema{
		"": schemas.ResourceSchemas, "data.": schemas.DataSourceSchemas, "list.": schemas.ListResourceSchemas,
	} {
		for name, schema := range group {
			all[prefix+name] = schema
		}
	}
	for name, schema := range all {
		checkDescriptions(t, name, schema.Block)
	}
	for name, function := range schemas.Functions {
		t.Run(name, func(t *testing.T) { wording.Check(t, function.Description) })
	}
}

func checkDescriptions(t *testing.T, at string, block *tfprotov6.SchemaBlock) {
	t.Helper()
	t.Run(at, func(t *testing.T) { wording.Check(t, block.Description) })
	for _, attribute := range block.Attributes {
		checkAttribute(t, at, attribute)
	}
	for _, nested := range block.BlockTypes {
		checkDescriptions(t, at+"."+nested.TypeName, nested.Block)
	}
}

func checkAttribute(t *testing.T, at string, attribute *tfprotov6.SchemaAttribute) {
	t.Helper()
	at += "." + attribute.Name
	t.Run(at, func(t *testing.T) { wording.Check(t, attribute.Description) })
	if attribute.NestedType == nil {
		return
	}
	for _, nested := range attribute.NestedType.Attributes {
		checkAttribute(t, at, nested)
	}
}
