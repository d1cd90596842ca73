package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
)

// guide is what happens when somebody follows a page.
type guide struct {
	// since is the oldest Terraform that can follow the page, and notInTofu is why OpenTofu cannot.
	since     *version.Version
	notInTofu string
	// example is the directory of the example that the guide begins with, applied once.
	example string
	// world prepares the simulated world.
	world func(*example)
	// values are further values of the guide, each followed by its replacement.
	values func(*example) []string
	// sections are the headings at which something happens or is checked.
	sections map[string]guideSection
	// shown are the blocks that are not followed here: a part of each, and the reason.
	shown map[string]string
	// keys are the access keys in the end, as keyStates shows them.
	keys string
}

// guideSection is what happens at a heading besides the commands.
type guideSection struct {
	// wait is the time that passes before the section.
	wait time.Duration
	// keys are the access keys after the section.
	keys string
	// then is a manual step or a check at the end of the section.
	then func(*example)
}

// Reasons why a block is not followed here.
const (
	needsAWS   = "is applied in a real AWS account; TestDocsConfigurations checks its form"
	isPolicy   = "is a policy in a real AWS account; TestDocsIAMPolicy compares the permissions"
	isVariant  = "is one way of several; TestDocsConfigurations validates it"
	needsState = "needs a backend outside of this machine; TestDocsConfigurations validates it"
	isHCP      = "needs HCP Terraform; TestDocsConfigurations validates it"
	isPipeline = "is the file of an example, which make lint checks"
	isProgress = "is run by TestProgressIsReadable"
	isQovery   = "needs Qovery's own provider; TestDocsConfigurations checks its form"
	isNotified = "is run by TestGuideLetSomebodyKnow"
	isFormula  = "is a formula"
)

// guides are the pages in the order of the registry's sidebar.
var guides = []struct {
	file string
	guide
}{
	{"getting-started", guide{
		sections: map[string]guideSection{
			"4. Adopt the access key":           {keys: "A"},
			"5. Rotate the access key":          {keys: "AA"},
			"6. Delete the previous access key": {wait: 150 * time.Minute, keys: "A"},
		},
		shown: map[string]string{
			`resource "aws_iam_role"`: needsAWS, "terraform -chdir=iam init": needsAWS, `backend "s3"`: needsState,
			"TF_LOG_PROVIDER": isProgress, "rotation_window": isVariant,
		},
		keys: "A",
	}},
	{"a-key-has-leaked", guide{example: "leaked-key", keys: "A"}},
	{"bring-a-whole-organization-under-rotation", guide{
		since: tfversion.Version1_14_0,
		world: func(e *example) { e.addSets(3) },
		sections: map[string]guideSection{
			"How to see that it worked":      {then: func(e *example) { e.unchanged() }},
			"Rotate the first one":           {keys: "AA"},
			"Delete its previous access key": {wait: 150 * time.Minute, keys: "A"},
		},
	}},
	{"hcp-terraform", guide{shown: map[string]string{
		`resource "aws_iam_role"`: needsAWS, "terraform -chdir=iam apply": needsAWS, "cloud {": isHCP, "terraform login": isHCP,
		"terraform apply\n": isHCP, "var.compromised_access_key_ids": isVariant, "ROTATION": isHCP, `check "access_key_age"`: isVariant,
	}}},
	{"pipelines", guide{shown: map[string]string{
		`provider "qoveryrotation"`: isVariant, "openid_connect_provider\" \"github": needsAWS, "openid_connect_provider\" \"gitlab": needsAWS,
		"terraform -chdir=iam apply": needsAWS, "runs-on: ubuntu": isPipeline, "image:": isPipeline, "wait            = true": isVariant,
	}}},
	{"let-somebody-know", guide{shown: map[string]string{
		"required_providers": isNotified, "action_trigger": isNotified, "terraform apply": isNotified, "if: failure()": isPipeline,
		"postcondition": isVariant,
	}}},
	{"beside-the-qovery-provider", guide{shown: map[string]string{
		"qovery_aws_credentials": isQovery, `variable "credentials_id"`: isQovery, "export": isQovery, "terraform apply": isQovery,
		"ignore_tags": needsAWS, "ignore_changes = [tags": needsAWS,
	}}},
	{"from-the-bash-script", guide{
		example: "leaked-key",
		world: func(e *example) {
			e.set.SetKey(e.user.AddKey())
			e.Expendable(e.key) // The script has put the other one into Qovery.
		},
		values: func(e *example) []string {
			return []string{"2027-01-04T11:00:00Z", e.Clock().Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)}
		},
		sections: map[string]guideSection{
			"Give every registry a working access key": {then: func(e *example) { e.cluster.Registry().SetKey(e.user.Keys()[1]) }},
			"When the script was interrupted":          {keys: "AA"},
			"Delete the old access key":                {wait: 150 * time.Minute, keys: "A"},
		},
	}},
	{"test-a-module-without-an-account", guide{since: tfversion.Version1_7_0, notInTofu: "has no mock files"}},
	{"safety-model", guide{shown: map[string]string{"hold              = true": isVariant}}},
	{"iam-policy", guide{shown: map[string]string{
		`"Version"`: isPolicy, `resource "aws_iam_role_policy"`: needsAWS, "source_policy_documents": needsAWS,
		"verify_services = false": isVariant,
	}}},
	{"how-old-a-key-gets", guide{shown: map[string]string{"period +": isFormula, "rotate_after_days = 87": isVariant}}},
	{"troubleshooting", guide{shown: map[string]string{"TF_LOG_PROVIDER": isProgress, "[INFO]": isProgress}}},
}

// The registry sorts guides by title, so a number in the title sets the order. The number is not in the address of the page.
func TestGuidesInOrder(t *testing.T) {
	t.Parallel()
	var files []string
	for i, g := range guides {
		file := "docs/guides/" + g.file + ".md"
		files = append(files, filepath.Join(projectDir, file))
		page := parseGuide(readDoc(t, file))
		if page == nil {
			t.Errorf("%s has another front matter than the other guides", file)
			continue
		}
		if want := fmt.Sprintf("%02d", i+1); page.number != want || page.heading != page.title {
			t.Errorf("%s: the title is %q %q and the heading %q, want the number %s and one title", file, page.number, page.title, page.heading, want)
		}
		if slug := strings.ToLower(strings.ReplaceAll(page.title, " ", "-")); slug != g.file {
			t.Errorf("%s: the title makes it %s.md", file, slug)
		}
	}
	found, err := filepath.Glob(filepath.Join(projectDir, "docs/guides/*.md"))
	if slices.Sort(files); err != nil || !slices.Equal(found, files) {
		t.Errorf("the guides are %v (%v), the table has %v", found, err, files)
	}
}

// Every guide, followed word by word, prints what it shows and leaves the access keys that its row names.
func TestGuides(t *testing.T) {
	t.Parallel()
	terraform, err := acctest.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cliConfig := builtProviders(t)
	for _, g := range guides {
		t.Run(g.file, func(t *testing.T) {
			t.Parallel()
			page := parseGuide(readDoc(t, "docs/guides/"+g.file+".md"))
			if page == nil {
				t.Fatal("the page has another front matter than the other guides")
			}
			r := &guideReader{guide: g.guide, t: t, unused: map[string]bool{}}
			if slices.ContainsFunc(page.blocks, func(b guideBlock) bool { return r.step(b) == runs }) {
				r.skipOthers(t)
				r.begin(terraform, cliConfig)
			}
			r.follow(page)
		})
	}
}

// skipOthers skips the guide if the Terraform or OpenTofu in use cannot follow it. The current Terraform follows every guide:
// "make test-latest" fails if it skips one.
func (g guide) skipOthers(t *testing.T) {
	t.Helper()
	if g.since != nil {
		terraformSince(t, g.since)
	}
	if g.notInTofu != "" && os.Getenv("TF_ACC_PROVIDER_HOST") == "registry.opentofu.org" {
		t.Skip("OpenTofu " + g.notInTofu)
	}
}
