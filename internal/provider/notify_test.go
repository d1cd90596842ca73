package provider_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/action"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	frameworkresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/config"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// topic stands in for the AWS provider and its action that publishes to an SNS topic.
type topic struct {
	mu       sync.Mutex
	messages []string
}

// take returns the messages since the last time, in order.
func (p *topic) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	messages := slices.Sorted(slices.Values(p.messages))
	p.messages = nil
	return messages
}

func (p *topic) Metadata(_ context.Context, _ frameworkprovider.MetadataRequest, resp *frameworkprovider.MetadataResponse) {
	resp.TypeName = "aws"
}

func (p *topic) Schema(context.Context, frameworkprovider.SchemaRequest, *frameworkprovider.SchemaResponse) {
}

func (p *topic) Configure(context.Context, frameworkprovider.ConfigureRequest, *frameworkprovider.ConfigureResponse) {
}

func (p *topic) Resources(context.Context) []func() frameworkresource.Resource { return nil }

func (p *topic) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p *topic) Actions(context.Context) []func() action.Action {
	return []func() action.Action{func() action.Action { return publish{p} }}
}

// publish is the action aws_sns_publish.
type publish struct{ topic *topic }

func (a publish) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_sns_publish"
}

func (a publish) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = actionschema.Schema{Attributes: map[string]actionschema.Attribute{
		"topic_arn": actionschema.StringAttribute{Required: true},
		"subject":   actionschema.StringAttribute{Optional: true},
		"message":   actionschema.StringAttribute{Required: true},
	}}
}

func (a publish) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var message struct {
		TopicARN types.String `tfsdk:"topic_arn"`
		Subject  types.String `tfsdk:"subject"`
		Message  types.String `tfsdk:"message"`
	}
	resp.Diagnostics.Append(req.Config.Get(ctx, &message)...)
	a.topic.mu.Lock()
	defer a.topic.mu.Unlock()
	a.topic.messages = append(a.topic.messages, message.Message.ValueString())
}

// The configuration of the guide sends one message for each event, and none when nothing happens.
func TestGuideLetSomebodyKnow(t *testing.T) {
	t.Parallel()
	s, sns := newStage(t), &topic{}
	factories := s.factories()
	factories["aws"] = providerserver.NewProtocol6WithError(sns)
	guide := s.providerBlock() + docBlocks(readDoc(t, "docs/guides/let-somebody-know.md"), "terraform")[1]
	step := func(after time.Duration, want ...string) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() { s.Clock().Advance(after) },
			Config:    guide,
			ConfigVariables: config.Variables{
				"organization_id": config.StringVariable(s.org.ID),
				"credentials_id":  config.StringVariable(s.set.ID),
				"topic_arn":       config.StringVariable("arn:aws:sns:eu-west-3:123456789012:rotation"),
			},
			Check: check(func() error {
				got := sns.take()
				if len(got) != len(want) {
					t.Errorf("sent %q, want %d messages", got, len(want))
					return nil
				}
				for i, message := range got {
					if !strings.Contains(message, want[i]) {
						t.Errorf("sent %q, want %q", message, want[i])
					}
				}
				return nil
			}),
		}
	}
	adopted := step(0, "Previous access key: none yet", "Qovery works with "+s.key.ID+". Last rotation: none yet", "young enough: 90 days")
	adopted.ExpectNonEmptyPlan = true // The key is due.
	late := step(100*24*time.Hour, "It waits for its deletion", "Qovery works with AKIA", "too old: 100 days")
	late.ExpectNonEmptyPlan = true // The key was replaced, and is no longer too old.
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(version.Must(version.NewVersion("1.14.1")))},
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{
			adopted,
			step(0, "Previous access key: "+s.key.ID+". It waits for its deletion", "Qovery works with AKIA"),
			step(0),
			step(3*time.Hour, "Previous access key: "+s.key.ID+". It is deleted"),
			late,
		},
	})
}
