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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == curlName {
		curl(os.Args[1:])
		return
	}
	os.Exit(acctest.Run(m))
}

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

	// token, url and signer are values of the provider block. An empty token or signer is left out.
	token, url string
	signer     *simulator.AccessKey
	// settings are further arguments of the provider block, and aws further attributes of its aws argument.
	settings, aws string

	// starts is called at each start of the provider, unless it is nil.
	starts func()

	mu       sync.Mutex
	server   providerServer
	warnings []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageIn(t, simulator.New(t))
}

// newStageTolerating is newStage for a test that provokes violations with a certain text.
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
	s.ExpectActions(append(rotation.PolicyActions(), rotation.ActionSimulate)...)
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

// serve starts the provider, as each command of Terraform does.
func (s *stage) serve() (tfprotov6.ProviderServer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.starts != nil {
		s.starts()
	}
	p := provider.New("test", provider.WithClock(s.Clock()), provider.WithRequestTimeout(2*time.Second), provider.WithMaxBackoff(10*time.Millisecond))
	s.server = p.Server().(providerServer)
	return &recorder{s.server, s}, nil
}

// providerServer has the methods of the provider's server. Terraform finds only those that a wrapper embeds.
type providerServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// recorder keeps the warnings that Terraform shows and terraform-plugin-testing does not.
type recorder struct {
	providerServer
	stage *stage
}

func (r *recorder) ReadResource(
	ctx context.Context, req *tfprotov6.ReadResourceRequest,
) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := r.providerServer.ReadResource(ctx, req)
	if err == nil {
		r.stage.record(resp.Diagnostics)
	}
	return resp, err
}

func (r *recorder) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := r.providerServer.PlanResourceChange(ctx, req)
	if err == nil {
		r.stage.record(resp.Diagnostics)
	}
	return resp, err
}

func (r *recorder) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := r.providerServer.ApplyResourceChange(ctx, req)
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

// interrupt stops the provider, as Terraform does when its user interrupts it.
func (s *stage) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.server.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{}); err != nil {
		s.t.Errorf("stopping the provider: %s", err)
	}
}

// interruptAfter interrupts the provider when this time has passed on the simulated clock.
func (s *stage) interruptAfter(d time.Duration) {
	ctx, cancel := s.Clock().WithTimeout(context.Background(), d)
	s.t.Cleanup(cancel)
	context.AfterFunc(ctx, s.interrupt)
}

// runTerraform runs the steps of a test in Terraform.
func (s *stage) runTerraform(steps ...resource.TestStep) {
	s.t.Helper()
	s.runSince(tfversion.Version1_5_0, steps...)
}

// runSince is runTerraform for steps that need a certain version of Terraform. With an older one, the test is skipped.
func (s *stage) runSince(terraform *version.Version, steps ...resource.TestStep) {
	s.t.Helper()
	for i, step := range steps {
		steps[i] = checkedOnPlan(step)
	}
	resource.UnitTest(s.t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(terraform)},
		ProtoV6ProviderFactories: s.factories(),
		Steps:                    steps,
	})
}

// distort puts a proxy between the provider and Qovery, which replaces a text in every answer.
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

// providerBlock returns the provider block for the world.
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
    endpoints = { iam = %q, sts = %q, ec2 = %q }
    %s
  }
  %s
}
`, s.url, s.AWSURL(), s.AWSURL(), s.AWSURL(), aws, settings)
}

// credentials returns a configuration with the resource that rotates.
func (s *stage) credentials(arguments string) string {
	return s.providerBlock() + fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
  %s
}
`, s.org.ID, s.set.ID, arguments)
}

// pair returns a configuration with both resources.
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

// adopt returns arguments of a resource that adopts the existing key.
func adopt(more string) string { return "rotate_on_create = false\n  " + more }
