// Package provider is the Terraform side of the provider: schemas, plans, state and diagnostics. Package rotation decides what
// is done to AWS and Qovery, and does it.
package provider

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	// productName is the name of the provider in the User-Agent of its requests.
	productName               = "terraform-provider-qoveryrotation"
	defaultMinimumDrainWindow = 2 * time.Hour
	defaultLastUseDelay       = 20 * time.Minute
)

var (
	_ provider.ProviderWithFunctions     = (*Provider)(nil)
	_ provider.ProviderWithListResources = (*Provider)(nil)
)

// Provider is the qoveryrotation provider.
type Provider struct {
	version        string
	clock          rotation.Clock
	requestTimeout time.Duration
	// maxBackoff is zero for the defaults of the clients.
	maxBackoff time.Duration
}

// Option changes how a [Provider] works, for tests.
type Option func(*Provider)

// WithClock replaces the machine's clock.
func WithClock(c rotation.Clock) Option { return func(p *Provider) { p.clock = c } }

// WithRequestTimeout sets the timeout of each request to AWS and Qovery. The default is 15 s.
func WithRequestTimeout(timeout time.Duration) Option {
	return func(p *Provider) { p.requestTimeout = timeout }
}

// WithMaxBackoff limits the pause between two tries of a request, which is in real time.
func WithMaxBackoff(limit time.Duration) Option {
	return func(p *Provider) { p.maxBackoff = limit }
}

// New returns the provider. The version appears in the User-Agent of every request.
func New(version string, options ...Option) *Provider {
	p := &Provider{version: version, clock: clock.System{}, requestTimeout: 15 * time.Second}
	for _, option := range options {
		option(p)
	}
	return p
}

// providerModel is the provider block.
type providerModel struct {
	APIToken           types.String `tfsdk:"api_token"`
	APIURL             types.String `tfsdk:"api_url"`
	PollInterval       types.String `tfsdk:"poll_interval"`
	MinimumDrainWindow types.String `tfsdk:"minimum_drain_window"`
	LastUseDelay       types.String `tfsdk:"last_use_delay"`
	VerifyServices     types.Bool   `tfsdk:"verify_services"`
	Compromised        types.Set    `tfsdk:"compromised_access_key_ids"`
	AWS                types.Object `tfsdk:"aws"`
}

// clients is what Configure passes to resources, data sources and lists.
type clients struct {
	rotator            *rotation.Rotator
	minimumDrainWindow time.Duration
	// owners has the [owner] of each credentials resource that this process destroyed, by the id of the resource.
	owners sync.Map
}

// destroyed returns the owner that a destruction in this process left, or the zero value.
func (c *clients) destroyed(id string) owner {
	found, _ := c.owners.Load(id)
	o, _ := found.(owner)
	return o
}

// Metadata implements [provider.Provider].
func (p *Provider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "qoveryrotation"
	resp.Version = p.version
}

// Schema implements [provider.Provider].
func (p *Provider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Rotates the static AWS access key with which Qovery runs Kubernetes clusters, and retires the old key when nothing " +
			"needs it any more.",
		Attributes: map[string]schema.Attribute{
			"api_token": schema.StringAttribute{
				MarkdownDescription: "Qovery API token. Default: the environment variable `QOVERY_API_TOKEN`, which Qovery's own provider reads " +
					"too. Surrounding whitespace is ignored. The token's role must allow changing cloud credentials and " +
					"registries, and deploying clusters.",
				Optional:   true,
				Sensitive:  true,
				Validators: []validator.String{tokenValidator},
			},
			"api_url": schema.StringAttribute{
				MarkdownDescription: "Base URL of Qovery's API. Default: the environment variable `QOVERY_API_URL`, otherwise `" + qovery.DefaultURL + "`. " +
					"Must be `https`. `http` is accepted for a loopback address only, because the token and the new key are sent " +
					"there.",
				Optional:   true,
				Validators: []validator.String{urlValidator},
			},
			"poll_interval": schema.StringAttribute{
				MarkdownDescription: "Fixed interval between two reads of the cluster statuses while a deployment runs, as a [Go " +
					"duration](https://pkg.go.dev/time#ParseDuration) such as `30s`. Minimum: `1ms`. By default, statuses are " +
					"read every 5 to 40 seconds, most often around the time that the last deployment took.",
				Optional:   true,
				Validators: []validator.String{durationAtLeast(time.Millisecond)},
			},
			"minimum_drain_window": schema.StringAttribute{
				MarkdownDescription: "Minimum value of `drain_window` in all resources, as a [Go duration](https://pkg.go.dev/time#ParseDuration). " +
					"Default: `2h`, the time that Qovery recommends for running deployments to finish. Use a lower value in test " +
					"organizations only.",
				Optional:   true,
				Validators: []validator.String{durationAtLeast(0)},
			},
			"last_use_delay": schema.StringAttribute{
				MarkdownDescription: "How late AWS may report the use of an access key, as a [Go duration](https://pkg.go.dev/time#ParseDuration). " +
					"No key is retired before `delete_after` plus this time. Default: `20m`. Use `0s` in tests and demos only.",
				Optional:   true,
				Validators: []validator.String{durationAtLeast(0)},
			},
			"verify_services": schema.BoolAttribute{
				MarkdownDescription: "Whether a new access key is tried with IAM (`ListAccountAliases`, once) and EC2 (`DescribeRegions`, in the " +
					"region of each cluster) too, before Qovery gets it. STS is always asked. The new key needs no permission for them: a denied " +
					"request proves that the service knows the key. `false` keeps these requests out of CloudTrail. Default `true`.",
				Optional: true,
			},
			"compromised_access_key_ids": schema.SetAttribute{
				MarkdownDescription: "IDs of access keys that leaked, such as `AKIAIOSFODNN7EXAMPLE`. If a listed key is a current key, the next " +
					"apply replaces it and makes it Inactive before any cluster is deployed. The cleanup then deletes it. " +
					"`rotation_triggers` and `rotation_window` do not delay this. If a listed key is a previous key, it is " +
					"retired at once. Listing a deleted key has no effect. See the guide [A key has " +
					"leaked](https://registry.terraform.io/providers/qovery/qoveryrotation/latest/docs/guides/a-key-has-leaked).",
				ElementType: types.StringType,
				Optional:    true,
				Validators:  []validator.Set{setvalidator.ValueStringsAre(accessKeyIDValidator)},
			},
			"aws": awsSchema(),
		},
	}
}

// Configure implements [provider.Provider]. It sends no request to Qovery, and to AWS only what its credentials need.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	ctx = withLogging(ctx)
	var config providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]attr.Value{
		"api_token": config.APIToken, "api_url": config.APIURL, "poll_interval": config.PollInterval,
		"minimum_drain_window": config.MinimumDrainWindow, "last_use_delay": config.LastUseDelay, "aws": config.AWS,
		"verify_services": config.VerifyServices, "compromised_access_key_ids": config.Compromised,
	} {
		if value.IsUnknown() || hasUnknownElement(value) {
			addErrorAt(&resp.Diagnostics, path.Root(name), unknownConfiguration(path.Root(name)))
		}
	}
	awsConfig := awsConfiguration(ctx, config.AWS, &resp.Diagnostics)
	token, err := qovery.ParseToken(stringOr(config.APIToken, os.Getenv("QOVERY_API_TOKEN")))
	if err != nil && !config.APIToken.IsUnknown() {
		addErrorAt(&resp.Diagnostics, path.Root("api_token"), tokenInvalid(err))
	}
	if resp.Diagnostics.HasError() {
		return
	}

	url := stringOr(config.APIURL, os.Getenv("QOVERY_API_URL"))
	if url == "" {
		url = qovery.DefaultURL
	}
	userAgent := productName + "/" + p.version
	qoveryClient, err := qovery.New(qovery.Config{
		URL: url, Token: token, UserAgent: userAgent, RequestTimeout: p.requestTimeout, RetryWaitMin: p.maxBackoff, RetryWaitMax: p.maxBackoff,
	})
	if err != nil {
		addErrorAt(&resp.Diagnostics, path.Root("api_url"), urlInvalid(err))
		return
	}
	awsConfig.UserAgent = []awsiam.Product{{Name: productName, Version: p.version}}
	awsConfig.RequestTimeout, awsConfig.MaxBackoff, awsConfig.Now = p.requestTimeout, p.maxBackoff, p.clock.Now
	iamClient, err := awsiam.New(ctx, awsConfig)
	if err != nil {
		addErrorAt(&resp.Diagnostics, path.Root("aws"), awsInvalid(err))
		return
	}

	rotator := rotation.New(rotation.Config{
		IAM:          iamClient,
		Qovery:       qoveryClient,
		Clock:        p.clock,
		PollInterval: durationOr(config.PollInterval, 0),
		LastUseDelay: durationOr(config.LastUseDelay, defaultLastUseDelay),

		VerifyServices:          config.VerifyServices.IsNull() || config.VerifyServices.ValueBool(),
		CompromisedAccessKeyIDs: stringsOf(config.Compromised),
	})
	data := &clients{rotator: rotator, minimumDrainWindow: durationOr(config.MinimumDrainWindow, defaultMinimumDrainWindow)}
	resp.ResourceData, resp.DataSourceData, resp.ListResourceData = data, data, data
}

// Resources implements [provider.Provider].
func (p *Provider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newAWSCredentialsResource, newAWSAccessKeyCleanupResource}
}

// DataSources implements [provider.Provider].
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newAWSCredentialsDataSource, newAWSCredentialsListDataSource}
}

// Functions implements [provider.ProviderWithFunctions].
func (p *Provider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newIAMPolicyFunction}
}

// ListResources implements [provider.ProviderWithListResources].
func (p *Provider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{newAWSCredentialsListResource}
}
