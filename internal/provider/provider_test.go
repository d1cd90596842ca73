package provider_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const (
	credentialsAddress = "qoveryrotation_aws_credentials.test"
	cleanupAddress     = "qoveryrotation_aws_access_key_cleanup.test"
)

// stage is a world with one customer: an IAM user whose key Qovery holds, and a cluster that runs with it.
type stage struct {
	*simulator.World
	t       *testing.T
	org     *simulator.Organization
	user    *simulator.User
	key     *simulator.AccessKey
	set     *simulator.Credentials
	cluster *simulator.Cluster

	// token, url and signer are what the provider block gets. What is not there, it leaves out.
	token, url string
	signer     *simulator.AccessKey
	// settings are more arguments of the provider block, and aws of its argument of that name.
	settings, aws string

	mu       sync.Mutex
	server   tfprotov6.ProviderServer
	warnings []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageIn(t, simulator.New(t))
}

// newStageTolerating is newStage for a test that provokes a violation of a certain kind.
func newStageTolerating(t *testing.T, violation string) *stage {
	t.Helper()
	world, err := simulator.Start(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		world.Close()
		for _, v := range world.Violations() {
			if !strings.Contains(v, violation) {
				t.Errorf("violation: %s", v)
			}
		}
	})
	return newStageIn(t, world)
}

func newStageIn(t *testing.T, world *simulator.World) *stage {
	t.Helper()
	s := &stage{World: world, t: t, token: world.Token(), url: world.QoveryURL(), signer: world.Operator()}
	s.org = s.AddOrganization("acme")
	s.user = s.AddUser("qovery")
	s.key = s.user.AddKey()
	s.set = s.org.AddCredentials("production", s.key)
	s.cluster = s.org.AddCluster("prod", "eu-west-3", s.set)
	s.Clock().Advance(90 * 24 * time.Hour)
	return s
}

// factories serve the provider in the test's own process, on the world's clock.
func (s *stage) factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"qoveryrotation": s.serve}
}

// serve starts the provider for one Terraform command.
func (s *stage) serve() (tfprotov6.ProviderServer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := provider.New("test", provider.WithClock(s.Clock()), provider.WithRequestTimeout(2*time.Second))
	s.server = providerserver.NewProtocol6(p)()
	return &recorder{s.server, s}, nil
}

// recorder keeps the warnings that Terraform shows and terraform-plugin-testing does not.
type recorder struct {
	tfprotov6.ProviderServer
	stage *stage
}

func (r *recorder) ReadResource(
	ctx context.Context, req *tfprotov6.ReadResourceRequest,
) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := r.ProviderServer.ReadResource(ctx, req)
	if err == nil {
		r.stage.record(resp.Diagnostics)
	}
	return resp, err
}

func (r *recorder) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := r.ProviderServer.PlanResourceChange(ctx, req)
	if err == nil {
		r.stage.record(resp.Diagnostics)
	}
	return resp, err
}

func (r *recorder) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := r.ProviderServer.ApplyResourceChange(ctx, req)
	if err == nil {
		r.stage.record(resp.Diagnostics)
	}
	return resp, err
}

func (s *stage) record(diagnostics []*tfprotov6.Diagnostic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityWarning {
			s.warnings = append(s.warnings, d.Summary+": "+d.Detail)
		}
	}
}

// interrupt is what Terraform does to the provider when its user interrupts it.
func (s *stage) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.server.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{}); err != nil {
		s.t.Errorf("stopping the provider: %s", err)
	}
}

// interruptAfter interrupts the provider at a time from now, while it waits.
func (s *stage) interruptAfter(d time.Duration) {
	ctx, cancel := s.Clock().WithTimeout(context.Background(), d)
	s.t.Cleanup(cancel)
	context.AfterFunc(ctx, s.interrupt)
}

// run runs the steps of a test.
func (s *stage) run(steps ...resource.TestStep) {
	s.t.Helper()
	resource.UnitTest(s.t, resource.TestCase{
		ProtoV6ProviderFactories: s.factories(),
		Steps:                    steps,
	})
}

// distort puts something between the provider and Qovery that replaces a text in every answer.
func (s *stage) distort(original, replacement string) {
	s.t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		body = bytes.ReplaceAll(body, []byte(original), []byte(replacement))
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	server := httptest.NewServer(proxy)
	s.t.Cleanup(server.Close)
	s.url = server.URL
}

// providerBlock configures the provider for the world.
func (s *stage) providerBlock() string {
	settings, aws := s.settings, s.aws
	if !strings.Contains(settings, "last_use_delay") {
		settings += "\n  last_use_delay = \"0s\""
	}
	if s.token != "" {
		settings += fmt.Sprintf("\n  api_token = %q", s.token)
	}
	if s.signer != nil {
		aws += fmt.Sprintf("\n    access_key = %q\n    secret_key = %q", s.signer.ID, s.signer.Secret)
	}
	return fmt.Sprintf(`
provider "qoveryrotation" {
  api_url = %q
  aws = {
    region    = "eu-west-3"
    endpoints = { iam = %q, sts = %q }
    %s
  }
  %s
}
`, s.url, s.AWSURL(), s.AWSURL(), aws, settings)
}

// credentials is a configuration with the resource that rotates.
func (s *stage) credentials(arguments string) string {
	return s.providerBlock() + fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
  %s
}
`, s.org.ID, s.set.ID, arguments)
}

// pair is a configuration with both resources.
func (s *stage) pair(arguments, cleanupArguments string) string {
	return s.credentials(arguments) + fmt.Sprintf(`
resource "qoveryrotation_aws_access_key_cleanup" "test" {
  organization_id = qoveryrotation_aws_credentials.test.organization_id
  credentials_id  = qoveryrotation_aws_credentials.test.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.test.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.test.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.test.drain_ends_at
  %s
}
`, cleanupArguments)
}

func trigger(value string) string { return fmt.Sprintf("rotation_triggers = { schedule = %q }", value) }

// adopt are the arguments of a resource that starts with the key that is there.
func adopt(more string) string { return "rotate_on_create = false\n  " + more }

// says matches a message that tells some facts in this order. A space stands for any white space, because Terraform wraps
// lines.
func says(facts ...string) *regexp.Regexp {
	patterns := make([]string, len(facts))
	for i, fact := range facts {
		words := strings.Fields(fact)
		for j, word := range words {
			words[j] = regexp.QuoteMeta(word)
		}
		patterns[i] = strings.Join(words, `\s+`)
	}
	return regexp.MustCompile(`(?s)` + strings.Join(patterns, `.*`))
}

// check turns a function about the world into one of a test step.
func check(f func() error) resource.TestCheckFunc {
	return func(*terraform.State) error { return f() }
}

// planCheck turns a function into a check of a plan.
type planCheck func(plancheck.CheckPlanRequest) error

// CheckPlan implements [plancheck.PlanCheck].
func (c planCheck) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c(req)
}

// meanwhile does something between a plan and its apply.
func meanwhile(f func()) plancheck.PlanCheck {
	return planCheck(func(plancheck.CheckPlanRequest) error {
		f()
		return nil
	})
}

// plans are checks of a plan before it is applied.
func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

// open checks that a plan leaves exactly these attributes open until it is applied.
type open struct {
	address    string
	attributes []string
}

// CheckPlan implements [plancheck.PlanCheck].
func (o open) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != o.address {
			continue
		}
		var got []string
		unknown, _ := change.Change.AfterUnknown.(map[string]any)
		for attribute, is := range unknown {
			if is == true {
				got = append(got, attribute)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(o.attributes))
		if !slices.Equal(got, want) {
			resp.Error = fmt.Errorf("the plan of %s leaves open %v, want %v", o.address, got, want)
		}
		return
	}
	resp.Error = fmt.Errorf("the plan does not have %s", o.address)
}

// keys checks how many keys the user has.
func (s *stage) keys(want int) resource.TestCheckFunc {
	return check(func() error {
		if got := s.user.Keys(); len(got) != want {
			return fmt.Errorf("the user has %d access keys, want %d", len(got), want)
		}
		return nil
	})
}

// deployments checks how often the cluster was deployed.
func (s *stage) deployments(want int) resource.TestCheckFunc {
	return check(func() error {
		if got := s.cluster.Deployments(); len(got) != want {
			return fmt.Errorf("the cluster was deployed %d times, want %d", len(got), want)
		}
		return nil
	})
}

// warned checks that a warning told some facts.
func (s *stage) warned(facts ...string) resource.TestCheckFunc {
	return check(func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, warning := range s.warnings {
			if says(facts...).MatchString(warning) {
				return nil
			}
		}
		return fmt.Errorf("no warning says %q: %q", facts, s.warnings)
	})
}

// holds checks a fact about the world at the end of a test.
func (s *stage) holds(fact resource.TestCheckFunc) {
	s.t.Helper()
	if err := fact(nil); err != nil {
		s.t.Error(err)
	}
}

// untouched checks that Qovery holds the first key still, which is the user's only one, and that nothing is left of a
// rotation that was taken back.
func (s *stage) untouched() error {
	switch keys, held, tags := s.user.Keys(), s.set.AccessKeyID(), s.user.Tags(); {
	case len(keys) != 1 || keys[0] != s.key || !s.key.Active():
		return fmt.Errorf("the user has other keys than before: %v", keys)
	case held != s.key.ID:
		return fmt.Errorf("Qovery holds %s, want %s", held, s.key.ID)
	case len(tags) > 0:
		return fmt.Errorf("the user has tags: %v", tags)
	}
	return nil
}

// unchanged checks that no request that changes anything was made.
func (s *stage) unchanged() {
	s.t.Helper()
	if mutations := s.Mutations(); len(mutations) > 0 {
		s.t.Errorf("something was changed: %v", mutations)
	}
}

// noSecrets checks that a text contains none of the secrets of the world, as they are or as a request has them.
func (s *stage) noSecrets(where, text string) {
	s.t.Helper()
	for _, secret := range s.Secrets() {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			s.t.Errorf("%s contains a secret", where)
		}
	}
}

// refusal is a configuration that fails without changing anything.
type refusal struct {
	name    string
	prepare func(s *stage)
	// config is the configuration; by default that of a resource without optional arguments.
	config func(s *stage) string
	// facts are what the message tells.
	facts func(s *stage) []string
}

func (r refusal) run(t *testing.T) {
	t.Helper()
	s := newStage(t)
	if r.prepare != nil {
		r.prepare(s)
	}
	config := s.credentials("")
	if r.config != nil {
		config = r.config(s)
	}
	s.run(resource.TestStep{
		Config:      config,
		ExpectError: says(append([]string{"Error running pre-apply plan"}, r.facts(s)...)...),
	})
	s.unchanged()
}

// with is the configuration of a resource with some arguments.
func with(arguments string) func(*stage) string {
	return func(s *stage) string { return s.credentials(arguments) }
}

// facts are those that every stage has.
func facts(facts ...string) func(*stage) []string {
	return func(*stage) []string { return facts }
}

func TestProviderRefusesItsConfiguration(t *testing.T) {
	t.Parallel()
	set := func(settings string) func(*stage) { return func(s *stage) { s.settings = settings } }
	aws := func(settings string) func(*stage) { return func(s *stage) { s.aws = settings } }
	for _, test := range []refusal{
		{
			name:    "empty token",
			prepare: func(s *stage) { s.token, s.settings = "", `api_token = ""` },
			facts:   facts("Invalid configuration", "api_token = ", "api_token is empty", "leave it out to use", "QOVERY_API_TOKEN", "Nothing was changed"),
		},
		{
			name:    "blank token",
			prepare: func(s *stage) { s.token = " " },
			facts:   facts("Invalid configuration", "api_token = ", "api_token is empty"),
		},
		{
			name:    "token with a line break inside",
			prepare: func(s *stage) { s.token = "qov\n_token" },
			facts:   facts("Invalid configuration", "api_token = ", "api_token contains white space or a character that cannot be printed"),
		},
		{
			name:    "token known after apply",
			prepare: func(s *stage) { s.token, s.settings = "", "api_token = terraform_data.token.output" },
			config: func(s *stage) string {
				return s.credentials("") + `
resource "terraform_data" "token" {
  input = "token"
}
`
			},
			facts: facts("Invalid configuration", "api_token = ", "The value of api_token is not known yet", "Nothing was changed"),
		},
		{
			name: "region known after apply",
			prepare: func(s *stage) {
				s.aws = "assume_role = { role_arn = terraform_data.role.output }"
			},
			config: func(s *stage) string {
				return s.credentials("") + `
resource "terraform_data" "role" {
  input = "arn:aws:iam::123456789012:role/rotation"
}
`
			},
			facts: facts("Invalid configuration", "The value of aws.assume_role.role_arn is not known yet"),
		},
		{
			name:    "plain http to another machine",
			prepare: func(s *stage) { s.url = "http://api.qovery.com" },
			facts:   facts("Invalid configuration", "api_url = ", "must use https, because secrets travel there", "loopback"),
		},
		{
			name:    "URL without a host",
			prepare: func(s *stage) { s.url = "api.qovery.com" },
			facts:   facts("Invalid configuration", "api_url = ", "must be an absolute URL such as https://example.com"),
		},
		{
			name:    "poll interval of nothing",
			prepare: set(`poll_interval = "0s"`),
			facts:   facts("Invalid configuration", "poll_interval = ", "poll_interval is 0s; it must be at least 1ms"),
		},
		{
			name:    "minimum drain window that is no duration",
			prepare: set(`minimum_drain_window = "2 hours"`),
			facts:   facts("minimum_drain_window = ", "2 hours"),
		},
		{
			name:    "negative minimum drain window",
			prepare: set(`minimum_drain_window = "-2h"`),
			facts:   facts("Invalid configuration", "minimum_drain_window = ", "must be at least 0s"),
		},
		{
			name:    "no tries",
			prepare: aws("max_retries = 0"),
			facts:   facts("Attribute aws.max_retries value must be at least 1, got: 0"),
		},
		{
			name:    "session that is too short",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/rotation", duration = "1m" }`),
			facts:   facts("Invalid configuration", "aws.assume_role.duration is 1m0s; it must be from 15m0s to 12h0m0s"),
		},
		{
			name:    "access key beside a web identity",
			prepare: aws(`assume_role_with_web_identity = { role_arn = "arn:aws:iam::123456789012:role/rotation" }`),
			facts:   facts(`Attribute "aws.access_key" cannot be specified when "aws.assume_role_with_web_identity" is specified`),
		},
		{
			name:    "role that is no ARN",
			prepare: aws(`assume_role = { role_arn = "rotation" }`),
			facts:   facts("Attribute aws.assume_role.role_arn must be the ARN of an IAM role", "got: rotation"),
		},
		{
			name: "role of a web identity that is no ARN",
			prepare: func(s *stage) {
				s.signer, s.aws = nil, `assume_role_with_web_identity = { role_arn = "rotation", web_identity_token = "token" }`
			},
			facts: facts("Attribute aws.assume_role_with_web_identity.role_arn must be the ARN of an IAM role", "got: rotation"),
		},
		{
			name:    "policy that is no JSON",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/rotation", policy = "policy.json" }`),
			facts:   facts("Invalid configuration", "aws.assume_role.policy must be a JSON object", "Nothing was changed"),
		},
		{
			name:   "zone in place of a region",
			config: func(s *stage) string { return strings.Replace(s.credentials(""), `"eu-west-3"`, `"eu-west-3a"`, 1) },
			facts:  facts("Attribute aws.region must be the name of an AWS region (not of a zone)", "got: eu-west-3a"),
		},
		{
			name:   "endpoint without a scheme",
			config: func(s *stage) string { return strings.Replace(s.credentials(""), s.AWSURL(), "iam.example.com", 1) },
			facts:  facts("Invalid configuration", "aws.endpoints.iam must be an absolute URL", "Nothing was changed"),
		},
		{
			name: "IAM's endpoint of plain http on another machine",
			config: func(s *stage) string {
				return strings.Replace(s.credentials(""), fmt.Sprintf("iam = %q", s.AWSURL()), `iam = "http://10.0.0.1"`, 1)
			},
			facts: facts("Invalid configuration", "aws.endpoints.iam must use https, because secrets travel there"),
		},
		{
			name: "STS's endpoint of plain http on another machine",
			config: func(s *stage) string {
				return strings.Replace(s.credentials(""), fmt.Sprintf("sts = %q", s.AWSURL()), `sts = "http://10.0.0.1"`, 1)
			},
			facts: facts("Invalid configuration", "aws.endpoints.sts must use https, because secrets travel there"),
		},
		{
			name:    "role that may not be assumed",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/other" }`),
			facts:   facts("Invalid configuration", "aws = ", "The AWS settings cannot be used. Nothing was changed", "role/other"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestProviderTokenFromEnvironment(t *testing.T) {
	for _, test := range []struct{ name, token, want string }{
		{"none", "", "The Qovery API token is empty"},
		{"blank", " \n", "The Qovery API token is empty"},
		{"with a line break inside", "qov\n_token", "The Qovery API token contains white space"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("QOVERY_API_TOKEN", test.token)
			refusal{
				prepare: func(s *stage) { s.token = "" },
				facts:   facts("Invalid configuration", test.want, "QOVERY_API_TOKEN", "api_token", "Nothing was changed"),
			}.run(t)
		})
	}
}

// A secret store or a file often has a line break at the end.
func TestProviderTokenWithALineBreakAtItsEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.token += "\n"
	s.run(resource.TestStep{Config: s.credentials(adopt(""))})
}

func TestProviderFromEnvironment(t *testing.T) {
	s := newStage(t)
	for name, value := range s.Env() {
		t.Setenv(name, value)
	}
	s.run(resource.TestStep{
		Config: fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
}
`, s.org.ID, s.set.ID),
		Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
	})
}

func TestProviderURLFromEnvironment(t *testing.T) {
	t.Setenv("QOVERY_API_URL", "http://api.qovery.com")
	refusal{
		config: func(s *stage) string {
			return strings.Replace(s.credentials(""), fmt.Sprintf("api_url = %q", s.url), "", 1)
		},
		facts: facts("Invalid configuration", "must use https", "or else from the environment variable QOVERY_API_URL", "Nothing was changed"),
	}.run(t)
}

func TestProviderSignsAsARole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(s *stage)
	}{
		{"assumed with an access key", func(s *stage) {
			s.aws = fmt.Sprintf(`assume_role = { role_arn = %q, external_id = "acme", duration = "1h" }`, s.RoleARN())
		}},
		{"assumed with a profile of shared files", func(s *stage) {
			config, credentials := filepath.Join(s.t.TempDir(), "config"), filepath.Join(s.t.TempDir(), "credentials")
			writeFile(s.t, config, fmt.Sprintf("[profile rotation]\nrole_arn = %s\nsource_profile = operator\n", s.RoleARN()))
			writeFile(s.t, credentials, fmt.Sprintf("[operator]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s.signer.ID, s.signer.Secret))
			s.signer = nil
			s.aws = fmt.Sprintf("profile = \"rotation\"\n shared_config_files = [%q]\n shared_credentials_files = [%q]", config, credentials)
		}},
		{"assumed with a web identity from a file", func(s *stage) {
			file := filepath.Join(s.t.TempDir(), "token")
			writeFile(s.t, file, s.WebIdentityToken())
			s.signer = nil
			s.aws = fmt.Sprintf(`assume_role_with_web_identity = { role_arn = %q, web_identity_token_file = %q }`, s.RoleARN(), file)
		}},
		{"assumed with a web identity", func(s *stage) {
			s.signer = nil
			s.aws = fmt.Sprintf(`assume_role_with_web_identity = { role_arn = %q, session_name = "test", web_identity_token = %q }`,
				s.RoleARN(), s.WebIdentityToken())
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			s.run(resource.TestStep{
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), check(func() error {
					for _, r := range s.Requests() {
						if r.API == simulator.APIIAM && !strings.HasPrefix(r.SignedBy, "ASIA") {
							return fmt.Errorf("%s was not signed with a session of the role", r)
						}
					}
					return nil
				})),
			})
		})
	}
}

func TestProviderAnswersOfQovery(t *testing.T) {
	t.Parallel()
	ofQovery := func(r simulator.Request) bool { return r.API == simulator.APIQovery }
	for _, test := range []refusal{
		{
			name:    "unknown token",
			prepare: func(s *stage) { s.token = "wrong" },
			facts: facts(rotation.SummaryUnauthenticated, "Qovery answered 401", "Nothing was changed", "Check api_token (QOVERY_API_TOKEN)", "HTTP 401",
				"The token is missing or not valid"),
		},
		{
			name:    "token without rights",
			prepare: func(s *stage) { s.token = s.StrangerToken() },
			facts:   facts(rotation.SummaryForbidden, "the missing permission", "Qovery API", "HTTP 403", "does not have the permission"),
		},
		{
			name: "a gateway's page",
			prepare: func(s *stage) {
				s.Inject(simulator.Fault{Kind: simulator.FaultHTML, Match: ofQovery, Times: -1})
			},
			facts: facts(rotation.SummaryAPI, "Qovery API", "HTTP 502", "an HTML page instead of the API's answer"),
		},
		{
			name: "no answer",
			prepare: func(s *stage) {
				s.Inject(simulator.Fault{Kind: simulator.FaultHang, Match: simulator.Operation(simulator.OpListCredentials), Times: -1})
			},
			facts: facts(rotation.SummaryAPI, "Qovery API: listOrganizationCredentials", "no answer in time"),
		},
		{
			name:    "nonsense",
			prepare: func(s *stage) { s.distort(`"credential":{`, `"credential":[],"unknown":{`) },
			facts: facts(rotation.SummaryAPI, "Qovery API: listOrganizationCredentials", "HTTP 200",
				"cannot unmarshal array"),
		},
		{
			name:    "less than everything",
			prepare: func(s *stage) { s.distort(`"access_key_id":`, `"another_id":`) },
			facts: facts(rotation.SummaryAPI, "Qovery API: listOrganizationCredentials", "an incomplete answer",
				"of type AWS without an access key id"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}
