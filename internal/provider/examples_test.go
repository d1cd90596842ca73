package provider_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	examplesDir = "../../examples"
	// The ids in examples that have no variables.
	exampleOrganizationID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	exampleCredentialsID  = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
	// importByIdentity is a file of an example that replaces its other import block.
	importByIdentity = "import-by-identity.tf"
	// exampleProviders is added to examples without required_providers, because the pages that show them have it.
	exampleProviders = `terraform {
  required_providers {
    qoveryrotation = { source = "qovery/qoveryrotation" }
  }
}
`
)

// exampleApply is one apply of an example.
type exampleApply struct {
	// after is the time that passes before the apply.
	after time.Duration
	// keys are the access keys afterwards, oldest first, of the production organization and of the staging organization:
	// A for an Active one, I for an Inactive one.
	keys string
	// prints is what the output contains.
	prints string
	// leaked lists the key of production as compromised.
	leaked bool
}

// exampleStories has the applies of every example. In the beginning, the key of each organization is 90 days old.
var exampleStories = map[string][]exampleApply{
	"resources/qoveryrotation_aws_credentials": {{keys: "A A", prints: "1 imported"}},
	"data-sources/qoveryrotation_aws_credentials": {
		{keys: "A A"},
		{after: 3 * 24 * time.Hour, keys: "A A", prints: "Qovery's access key is 93 days old."},
	},
	"functions/iam_policy":                             {{keys: "A A", prints: `"iam:CreateAccessKey",`}},
	"data-sources/qoveryrotation_aws_credentials_list": {{keys: "A A", prints: `"production" = "AKIA`}},
	"resources/qoveryrotation_aws_access_key_cleanup":  {{keys: "AA A"}, {after: 3 * time.Hour, keys: "A A"}},
	"single":            {{keys: "AA A"}, {after: 3 * time.Hour, keys: "A A"}},
	"assume-role":       {{keys: "AA A"}, {after: 3 * time.Hour, keys: "A A"}},
	"aliases":           {{keys: "AA AA"}, {after: time.Hour, keys: "AA A"}, {after: 2 * time.Hour, keys: "A A"}},
	"organization":      {{keys: "A A"}, {keys: "AA A"}, {after: 3 * time.Hour, keys: "A A"}},
	"rotate-after-days": {{keys: "A A"}, {keys: "AA A"}, {after: 3 * time.Hour, keys: "A A"}},
	"quarantine":        {{keys: "AA A"}, {after: 3 * time.Hour, keys: "IA A"}, {after: 7 * 24 * time.Hour, keys: "A A"}},
	"leaked-key":        {{keys: "A A"}, {leaked: true, keys: "A A", prints: "is listed as compromised"}},
	"wait":              {{keys: "A A"}},
	"all-arguments": {
		{keys: "AA A", prints: `"phase" = "draining"`},
		{after: 4 * time.Hour, keys: "IA A", prints: `"status" = "quarantined"`},
		{after: 24 * time.Hour, keys: "A A", prints: `"status" = "deleted"`},
	},
	"mocks":  {{keys: "A A"}, {keys: "AA A"}, {after: 3 * time.Hour, keys: "IA A"}},
	"report": {{keys: "A A", prints: `"prod in eu-west-3 is DEPLOYED"`}},
	"compliance-check": {
		{keys: "A A"},
		{after: 3 * 24 * time.Hour, keys: "A A", prints: "Access keys older than 92 days: production (93 days)."},
	},
}

// Every example is applied unchanged, by the provider in a process of its own, on the clock of a simulated world.
func TestExamples(t *testing.T) {
	t.Parallel()
	terraform, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cliConfig := builtProviders(t)
	for name, files := range exampleFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story, ok := exampleStories[name]
			if !ok {
				t.Fatal("exampleStories does not tell what this example comes to")
			}
			e := newExample(t, terraform, cliConfig, files...)
			acctest.SkipUnsupported(t, terraform, e.text)
			e.play(story)
		})
	}
	t.Run("-replace", func(t *testing.T) {
		t.Parallel()
		replaceDeadKey(t, terraform, cliConfig)
	})
	t.Run("import.sh", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(examplesDir, "resources", "qoveryrotation_aws_credentials")
		e := newExample(t, terraform, cliConfig, filepath.Join(dir, "resource.tf"))
		_, command, ok := strings.Cut(e.read(filepath.Join(dir, "import.sh")), "\nterraform ")
		if !ok {
			t.Fatal("import.sh has no Terraform command")
		}
		e.terraform("init", "-input=false")
		e.terraform(strings.Fields(command)...)
		e.play([]exampleApply{{keys: "A A"}})
	})
	t.Run("move into the module", func(t *testing.T) {
		t.Parallel()
		moveIntoModule(t, terraform, cliConfig)
	})
	t.Run(importByIdentity, func(t *testing.T) {
		t.Parallel()
		terraformSince(t, tfversion.Version1_12_0)
		dir := filepath.Join(examplesDir, "resources", "qoveryrotation_aws_credentials")
		e := newExample(t, terraform, cliConfig, filepath.Join(dir, "resource.tf"), filepath.Join(dir, importByIdentity))
		e.play(exampleStories["resources/qoveryrotation_aws_credentials"])
	})
}

// builtProviders builds the providers for tests that start Terraform themselves, and returns the CLI configuration for them.
func builtProviders(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	built, err := acctest.BuildProvider(t.Context(), dir, "./internal/crashtest/testprovider")
	if err != nil {
		t.Fatal(err)
	}
	timeProvider, err := acctest.TimeProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cliConfig, err := acctest.CLIConfig(dir, built, timeProvider)
	if err != nil {
		t.Fatal(err)
	}
	return cliConfig
}

// exampleFiles lists the Terraform files by directory.
func exampleFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	err := filepath.WalkDir(examplesDir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".tf" && filepath.Base(path) != importByIdentity {
			name, err := filepath.Rel(examplesDir, filepath.Dir(path))
			files[filepath.ToSlash(name)] = append(files[filepath.ToSlash(name)], path)
			return err
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	return files
}

// example is an example in its own directory.
type example struct {
	*stage
	dir, program string
	env          []string
	text         string
	staging      *simulator.User
}

func newExample(t *testing.T, program, cliConfig string, files ...string) *example {
	t.Helper()
	s := newStage(t)
	e := &example{stage: s, dir: acctest.ExampleDir(t), program: program, staging: s.AddUser("qovery-staging")}
	stagingOrg := e.AddOrganization("acme-staging")
	stagingSet := stagingOrg.AddCredentials("staging", e.staging.AddKey())
	stagingOrg.AddCluster("staging", "eu-west-3", stagingSet)

	for _, file := range files {
		content := e.read(file)
		e.text += content
		e.write(filepath.Base(file), content)
	}
	if !strings.Contains(e.text, "required_providers") {
		e.write("terraform.tf", exampleProviders)
	}

	organization := func(org *simulator.Organization, set *simulator.Credentials) string {
		return fmt.Sprintf(`{ organization_id = %q, credentials_id = %q, role_arn = %q }`, org.ID, set.ID, e.RoleARN())
	}
	variables := map[string]string{
		"organization_id":      e.org.ID,
		"credentials_id":       e.set.ID,
		"role_arn":             e.RoleARN(),
		"rotation":             "2027-04",
		"production":           organization(e.org, e.set),
		"production_api_token": e.token,
		"staging":              organization(stagingOrg, stagingSet),
		"staging_api_token":    e.token,
	}
	e.env = append(os.Environ(),
		"TF_CLI_CONFIG_FILE="+cliConfig, "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1",
		"SIMULATOR_CONTROL_URL="+e.ControlURL(), "TESTPROVIDER_AHEAD=0s")
	for name, value := range e.Env() {
		e.env = append(e.env, name+"="+value)
	}
	for name, value := range variables {
		e.env = append(e.env, "TF_VAR_"+name+"="+value)
	}
	return e
}

// read reads a file of an example, and replaces its ids by those of the world.
func (e *example) read(file string) string {
	e.t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		e.t.Fatal(err)
	}
	return strings.NewReplacer(exampleOrganizationID, e.org.ID, exampleCredentialsID, e.set.ID).Replace(string(content))
}

func (e *example) write(name, content string) {
	e.t.Helper()
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(content), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// terraform runs a command, which must succeed, and returns its output.
func (e *example) terraform(args ...string) string {
	e.t.Helper()
	command := exec.CommandContext(e.t.Context(), e.program, args...)
	command.Dir, command.Env = e.dir, e.env
	output, err := command.CombinedOutput()
	if err != nil {
		e.t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// state returns the state after the last apply.
func (e *example) state() string {
	e.t.Helper()
	return readFile(e.t, filepath.Join(e.dir, "terraform.tfstate"))
}

func (e *example) play(story []exampleApply) {
	e.t.Helper()
	e.terraform("init", "-input=false")
	// With a warning, Terraform ends this sentence differently.
	if output := e.terraform("validate"); !strings.Contains(output, "The configuration is valid.\n") {
		e.t.Errorf("the configuration is not valid:\n%s", output)
	}
	for i, apply := range story {
		e.Clock().Advance(apply.after)
		if apply.leaked {
			e.env = append(e.env, fmt.Sprintf("TF_VAR_compromised_access_key_ids=[%q]", e.key.ID))
		}
		// One resource at a time: two providers that wait on one simulated clock would use up each other's time limits.
		output := e.terraform("apply", "-input=false", "-auto-approve", "-parallelism=1")
		if got := keyStates(e.user) + " " + keyStates(e.staging); got != apply.keys {
			e.t.Errorf("after apply %d the keys are %q, want %q", i+1, got, apply.keys)
		}
		// Terraform wraps what it prints.
		if !strings.Contains(strings.Join(strings.Fields(output), " "), apply.prints) {
			e.t.Errorf("apply %d does not print %q:\n%s", i+1, apply.prints, output)
		}
		e.noSecrets("the output", output)
	}
	e.terraform("plan", "-input=false", "-detailed-exitcode")
	for _, request := range e.Requests() {
		bySession := strings.HasPrefix(request.SignedBy, "ASIA")
		if request.API == simulator.APIIAM && !triesKey(request) && bySession != strings.Contains(e.text, "assume_role") {
			e.t.Errorf("signed with %s: %s", request.SignedBy, request)
		}
	}
	e.noSecrets("the state", e.state())
}

// keyStates returns the states of a user's keys, oldest first.
func keyStates(user *simulator.User) string {
	states := ""
	for _, key := range user.Keys() {
		if key.Active() {
			states += "A"
		} else {
			states += "I"
		}
	}
	return states
}
