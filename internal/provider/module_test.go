package provider_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
)

const moduleDir = projectDir + "/modules/rotated-credentials"

// The module passes on every argument of both resources.
func TestModuleHasEveryArgument(t *testing.T) {
	t.Parallel()
	server := provider.New("test").Server()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	resources := strings.Split(readFile(t, moduleDir+"/main.tf"), "\nresource ")[1:]
	variables, page := readFile(t, moduleDir+"/variables.tf"), readFile(t, moduleDir+"/README.md")
	for _, resource := range resources {
		name := strings.SplitN(resource, `"`, 3)[1]
		for _, attribute := range schemas.ResourceSchemas[name].Block.Attributes {
			argument := regexp.MustCompile(`(?m)^  ` + attribute.Name + ` += `)
			if (attribute.Optional || attribute.Required) && !argument.MatchString(resource) {
				t.Errorf("the module does not set %s of %s", attribute.Name, name)
			}
		}
	}
	if len(resources) != len(schemas.ResourceSchemas) {
		t.Errorf("the module has %d resources, the provider %d", len(resources), len(schemas.ResourceSchemas))
	}
	for _, variable := range regexp.MustCompile(`(?m)^variable "(\w+)"`).FindAllStringSubmatch(variables, -1) {
		if !strings.Contains(page, "| `"+variable[1]+"` |") {
			t.Errorf("the module's page does not have %s", variable[1])
		}
	}
}

// flatOrganization has the resources of examples/organization without the module.
const flatOrganization = `
resource "qoveryrotation_aws_credentials" "all" {
  for_each = data.qoveryrotation_aws_credentials_list.all.ids

  organization_id   = var.organization_id
  credentials_id    = each.value
  rotate_after_days = var.maximum_age_days
  rotate_on_create  = false
}

resource "qoveryrotation_aws_access_key_cleanup" "all" {
  for_each = qoveryrotation_aws_credentials.all

  organization_id = each.value.organization_id
  credentials_id  = each.value.credentials_id
  iam_user_name   = each.value.iam_user_name
  access_key_id   = each.value.previous_access_key_id
  delete_after    = each.value.drain_ends_at
}
`

// The addresses of the module name the latest release, or v0.1.0 before the first one. "make version" updates them.
func TestModuleAddresses(t *testing.T) {
	t.Parallel()
	notes, err := filepath.Glob(filepath.Join(projectDir, ".changes", "v*.md"))
	if err != nil {
		t.Fatal(err)
	}
	latest := version.Must(version.NewVersion("0.1.0"))
	for _, file := range notes {
		if v := version.Must(version.NewVersion(strings.TrimSuffix(filepath.Base(file), ".md"))); v.GreaterThan(latest) {
			latest = v
		}
	}
	for _, file := range []string{"modules/rotated-credentials/README.md", "examples/organization/main.tf"} {
		if want := "//modules/rotated-credentials?ref=v" + latest.String(); !strings.Contains(readDoc(t, file), want) {
			t.Errorf("%s does not have %s", file, want)
		}
	}
}

// moveIntoModule applies both resources without the module, and moves them during a drain window as the module's page
// describes.
func moveIntoModule(t *testing.T, program, cliConfig string) {
	t.Helper()
	e := newExample(t, program, cliConfig, filepath.Join(examplesDir, "organization", "main.tf"))
	before, module, ok := strings.Cut(e.text, "# Outside this repository")
	if !ok {
		t.Fatal("examples/organization has another form")
	}
	e.write("main.tf", before+flatOrganization)
	e.play([]exampleApply{{keys: "A A"}, {keys: "AA A"}})

	page := readFile(t, moduleDir+"/README.md")
	moves := ""
	for _, block := range docBlocks(page, "terraform") {
		if strings.HasPrefix(block, "moved") {
			moves = strings.ReplaceAll(block, exampleCredentialsID, e.set.ID)
		}
	}
	e.write("main.tf", before+"#"+module+moves)
	e.terraform("init", "-input=false")
	output := e.terraform("apply", "-input=false", "-auto-approve")
	for _, want := range []string{"0 added, 0 changed, 0 destroyed", "has moved to module.credentials"} {
		if !strings.Contains(strings.Join(strings.Fields(output), " "), want) {
			t.Errorf("the move does not print %q:\n%s", want, output)
		}
	}
	e.play(nil)
	e.write("main.tf", before+"#"+module)
	e.play(nil)
}
