package provider_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
)

const (
	projectDir           = "../.."
	troubleshootingGuide = "docs/guides/troubleshooting.md"
)

// Every attribute has a description, is in a documented piece of configuration, and is in a test of this package.
func TestDocsShowEveryAttribute(t *testing.T) {
	t.Parallel()
	server := provider.New("test").Server()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	configurations, tests := "", ""
	for _, page := range docPages(t) {
		content := readDoc(t, page)
		configurations += strings.Join(append(docBlocks(content, "terraform"), docBlocks(content, "hcl")...), "\n")
	}
	for _, files := range exampleFiles(t) {
		for _, file := range files {
			configurations += readFile(t, file)
		}
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tests += readFile(t, file)
	}
	visit := func(at string, attribute *tfprotov6.SchemaAttribute) {
		name := regexp.MustCompile(`\b` + attribute.Name + `\b`)
		if attribute.Description == "" {
			t.Errorf("%s has no description", at)
		}
		if !name.MatchString(configurations) {
			t.Errorf("%s is in no example", at)
		}
		if !name.MatchString(tests) {
			t.Errorf("%s is in no test", at)
		}
	}
	visitBlock(visit, "provider", schemas.Provider.Block)
	for prefix, group := range map[string]map[string]*tfprotov6.Schema{
		"": schemas.ResourceSchemas, "data.": schemas.DataSourceSchemas, "list.": schemas.ListResourceSchemas,
	} {
		for name, schema := range group {
			visitBlock(visit, prefix+name, schema.Block)
		}
	}
	for name, function := range schemas.Functions {
		visit("function."+name, &tfprotov6.SchemaAttribute{Name: name, Description: function.Description})
		for _, parameter := range function.Parameters {
			if parameter.Description == "" {
				t.Errorf("function.%s.%s has no description", name, parameter.Name)
			}
		}
	}
}

// visitBlock visits every attribute of a schema.
func visitBlock(visit func(at string, attribute *tfprotov6.SchemaAttribute), at string, block *tfprotov6.SchemaBlock) {
	visitAttributes(visit, at, block.Attributes)
	for _, nested := range block.BlockTypes {
		visitBlock(visit, at+"."+nested.TypeName, nested.Block)
	}
}

func visitAttributes(visit func(at string, attribute *tfprotov6.SchemaAttribute), at string, attributes []*tfprotov6.SchemaAttribute) {
	for _, attribute := range attributes {
		visit(at+"."+attribute.Name, attribute)
		if attribute.NestedType != nil {
			visitAttributes(visit, at+"."+attribute.Name, attribute.NestedType.Attributes)
		}
	}
}

// The registry's search shows the description of a page, which is one sentence.
func TestDocsDescriptionsAreOneSentence(t *testing.T) {
	t.Parallel()
	description := regexp.MustCompile(`^---\n(?:[^\n]+\n)*?description: \|-\n  [A-Z](?:[^.\n]|\.\d)*\.\n---\n`)
	for _, page := range docPages(t) {
		if strings.HasPrefix(page, "docs/") && !description.MatchString(readDoc(t, page)) {
			t.Errorf("the description of %s is not one sentence", page)
		}
	}
}

// The guide explains every summary that the provider has, and no other one.
func TestDocsExplainEverySummary(t *testing.T) {
	t.Parallel()
	want := append(constants(t, "../rotation/problem.go", "Summary"), constants(t, "diagnostics.go", "summary")...)
	var got []string
	for _, heading := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(readDoc(t, troubleshootingGuide), -1) {
		got = append(got, heading[1])
	}
	for _, summary := range want {
		if !slices.Contains(got, summary) {
			t.Errorf("%s does not explain %q", troubleshootingGuide, summary)
		}
	}
	for _, heading := range got {
		if !slices.Contains(want, heading) {
			t.Errorf("%s explains %q, which the provider does not say", troubleshootingGuide, heading)
		}
	}
}

// constants returns the texts of a file's constants whose names begin with a prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, expression := range spec.Values {
			literal, ok := expression.(*ast.BasicLit)
			if !ok || !strings.HasPrefix(spec.Names[i].Name, prefix) {
				continue
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return true
	})
	if len(texts) == 0 {
		t.Fatalf("%s has no constants %s…", file, prefix)
	}
	return texts
}

const (
	// docsProviders and docsResource complete pieces of configuration whose page shows these blocks elsewhere.
	docsProviders = `terraform {
  required_providers {
    qoveryrotation = { source = "qovery/qoveryrotation" }
    time           = { source = "hashicorp/time" }
  }
}
`
	docsResource = `resource "qoveryrotation_aws_credentials" "production" {
  organization_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
  credentials_id  = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
}
`
)

var (
	variableUse         = regexp.MustCompile(`\bvar\.(\w+)`)
	variableDeclaration = regexp.MustCompile(`(?m)^variable "(\w+)"`)
	// onlyForm matches what the Terraform in use may not support: types of other providers, newer blocks, other files. Only the
	// format of such a piece is checked.
	onlyForm = regexp.MustCompile(`\bqovery_\w+|provider "aws"|"aws_\w+"|(?m)^(list|action|mock_\w+|run) |^ *identity = {|required_version = ">= 1.14"`)
)

// Every piece of configuration in the documentation is formatted and valid.
func TestDocsConfigurations(t *testing.T) {
	t.Parallel()
	terraform, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// An older Terraform cannot even format what calls functions of providers.
	pieces := map[string]string{"": t.TempDir(), "provider::": t.TempDir()}
	cliConfig := filepath.Join(dir, "cli.tfrc")
	writeFile(t, cliConfig, devOverrides(t, dir))
	run := func(t *testing.T, dir string, args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), terraform, append(args, "-no-color")...)
		command.Dir = dir
		command.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+cliConfig, "CHECKPOINT_DISABLE=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("terraform %s: %s\n%s", args[0], err, output)
		}
	}
	seen := map[string]bool{}
	for _, page := range docPages(t) {
		for i, code := range append(docBlocks(readDoc(t, page), "terraform"), docBlocks(readDoc(t, page), "hcl")...) {
			if seen[code] {
				continue
			}
			seen[code] = true
			name := fmt.Sprintf("%s/%d", page, i+1)
			calls := ""
			if strings.Contains(code, "provider::") {
				calls = "provider::"
			}
			writeFile(t, filepath.Join(pieces[calls], strings.ReplaceAll(name, "/", "-")+".tf"), code)
			if onlyForm.MatchString(code) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				acctest.SkipUnsupported(t, terraform, code)
				configuration := t.TempDir()
				writeFile(t, filepath.Join(configuration, "main.tf"), code)
				writeFile(t, filepath.Join(configuration, "more.tf"), docContext(code))
				run(t, configuration, "validate")
			})
		}
	}
	for calls, dir := range pieces {
		t.Run("format "+calls, func(t *testing.T) {
			t.Parallel()
			acctest.SkipUnsupported(t, terraform, calls)
			run(t, dir, "fmt", "-check", "-diff")
		})
	}
	if len(seen) < 10 {
		t.Errorf("the documentation has %d pieces of configuration, which cannot be all", len(seen))
	}
}

// devOverrides is a CLI configuration with which Terraform needs no "init". The provider is built into dir.
func devOverrides(t *testing.T, dir string) string {
	t.Helper()
	built, err := acctest.BuildProvider(t.Context(), dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	timeProvider, err := acctest.TimeProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	overrides := ""
	for _, p := range []acctest.Provider{built, timeProvider} {
		overrides += fmt.Sprintf("    %q = %q\n", p.Source, filepath.Dir(p.Path))
	}
	return "provider_installation {\n  dev_overrides {\n" + overrides + "  }\n}\n"
}

// docContext returns the blocks that a piece of configuration refers to and does not contain.
func docContext(code string) string {
	more := ""
	if !strings.Contains(code, "required_providers") {
		more += docsProviders
	}
	const address = "qoveryrotation_aws_credentials.production"
	if strings.Contains(code, " "+address) && !strings.Contains(code, `resource "qoveryrotation_aws_credentials" "production"`) {
		more += docsResource
	}
	var declared []string
	for _, declaration := range variableDeclaration.FindAllStringSubmatch(code, -1) {
		declared = append(declared, declaration[1])
	}
	for _, use := range variableUse.FindAllStringSubmatch(code, -1) {
		if !slices.Contains(declared, use[1]) {
			declared = append(declared, use[1])
			more += fmt.Sprintf("variable %q {}\n", use[1])
		}
	}
	return more
}

// docPages returns the files of the documentation, relative to projectDir.
func docPages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "DESIGN.md", "CONTRIBUTING.md", "AGENTS.md"}
	err := fs.WalkDir(os.DirFS(projectDir), "docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// docBlocks returns the pieces of code of one language on a page.
func docBlocks(page, language string) []string {
	var found []string
	for _, block := range codeBlocks(page) {
		if block.language == language {
			found = append(found, block.code)
		}
	}
	return found
}

// readDoc returns a file of the project.
func readDoc(t *testing.T, file string) string {
	t.Helper()
	return readFile(t, filepath.Join(projectDir, file))
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
