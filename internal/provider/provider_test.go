package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func TestProviderRefusesItsConfiguration(t *testing.T) {
	t.Parallel()
	set := func(settings string) func(*stage) { return func(s *stage) { s.settings = settings } }
	aws := func(settings string) func(*stage) { return func(s *stage) { s.aws = settings } }
	for _, test := range []refusal{
		{
			name:    "empty token",
			prepare: func(s *stage) { s.token, s.settings = "", `api_token = ""` },
			facts:   facts(provider.SummaryConfiguration, "api_token = ", "QOVERY_API_TOKEN"),
		},
		{
			name:    "account that is not allowed",
			prepare: aws(`allowed_account_ids = ["210987654321"]`),
			facts:   facts(provider.SummaryConfiguration, "AWS account ID not allowed: 123456789012"),
		},
		{
			name:    "account that is forbidden",
			prepare: aws(`forbidden_account_ids = ["123456789012"]`),
			facts:   facts(provider.SummaryConfiguration, "AWS account ID not allowed: 123456789012"),
		},
		{
			name:    "allowed and forbidden accounts",
			prepare: aws(`allowed_account_ids = ["123456789012"], forbidden_account_ids = ["210987654321"]`),
			facts:   facts("aws.forbidden_account_ids", "aws.allowed_account_ids"),
		},
		{
			name:    "account that is none",
			prepare: aws(`allowed_account_ids = ["12345"]`),
			facts:   facts("allowed_account_ids", "123456789012: 12 digits"),
		},
		{
			name:    "compromised key that is none",
			prepare: set(`compromised_access_key_ids = ["AKIA"]`),
			facts:   facts("compromised_access_key_ids", "AKIAIOSFODNN7EXAMPLE"),
		},
		{
			name:      "compromised key known after apply",
			terraform: true,
			prepare:   set(`compromised_access_key_ids = [terraform_data.key.output]`),
			config: func(s *stage) string {
				return s.credentials("") + `
resource "terraform_data" "key" {
  input = "AKIAIOSFODNN7EXAMPLE"
}
`
			},
			facts: facts(provider.SummaryConfiguration, "compromised_access_key_ids", "-target"),
		},
		{
			name:    "blank token",
			prepare: func(s *stage) { s.token = " " },
			facts:   facts(provider.SummaryConfiguration, "api_token = ", "QOVERY_API_TOKEN"),
		},
		{
			name:    "token with a line break inside",
			prepare: func(s *stage) { s.token = "qov\n_token" },
			facts:   facts(provider.SummaryConfiguration, "api_token = ", "QOVERY_API_TOKEN"),
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
			facts: facts(provider.SummaryConfiguration, "api_token = ", "-target"),
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
			facts: facts(provider.SummaryConfiguration, "aws.assume_role.role_arn", "-target"),
		},
		{
			name:    "plain http to another machine",
			prepare: func(s *stage) { s.url = "http://api.qovery.com" },
			facts:   facts(provider.SummaryConfiguration, "api_url = ", "https", "loopback"),
		},
		{
			name:    "URL without a host",
			prepare: func(s *stage) { s.url = "api.qovery.com" },
			facts:   facts(provider.SummaryConfiguration, "api_url = ", "https://example.com"),
		},
		{
			name:    "poll interval of nothing",
			prepare: set(`poll_interval = "0s"`),
			facts:   facts(provider.SummaryConfiguration, "poll_interval = ", "0s", "1ms"),
		},
		{
			name:    "minimum drain window that is no duration",
			prepare: set(`minimum_drain_window = "2 hours"`),
			facts:   facts("minimum_drain_window = ", "2 hours"),
		},
		{
			name:    "last use delay that is no duration",
			prepare: set(`last_use_delay = "20 minutes"`),
			facts:   facts("last_use_delay = ", "20 minutes"),
		},
		{
			name:    "negative last use delay",
			prepare: set(`last_use_delay = "-20m"`),
			facts:   facts(provider.SummaryConfiguration, "last_use_delay = ", "-20m"),
		},
		{
			name:    "negative minimum drain window",
			prepare: set(`minimum_drain_window = "-2h"`),
			facts:   facts(provider.SummaryConfiguration, "minimum_drain_window = ", "-2h"),
		},
		{
			name:    "no tries",
			prepare: aws("max_retries = 0"),
			facts:   facts("Attribute aws.max_retries value must be at least 1, got: 0"),
		},
		{
			name:    "session that is too short",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/rotation", duration = "1m" }`),
			facts:   facts(provider.SummaryConfiguration, "aws.assume_role.duration", "1m", "15m", "12h"),
		},
		{
			name:    "access key beside a web identity",
			prepare: aws(`assume_role_with_web_identity = { role_arn = "arn:aws:iam::123456789012:role/rotation" }`),
			facts:   facts(`Attribute "aws.access_key" cannot be specified when "aws.assume_role_with_web_identity" is specified`),
		},
		{
			name:    "role that is no ARN",
			prepare: aws(`assume_role = { role_arn = "rotation" }`),
			facts:   facts("aws.assume_role.role_arn", "got: rotation"),
		},
		{
			name: "role of a web identity that is no ARN",
			prepare: func(s *stage) {
				s.signer, s.aws = nil, `assume_role_with_web_identity = { role_arn = "rotation", web_identity_token = "token" }`
			},
			facts: facts("aws.assume_role_with_web_identity.role_arn", "got: rotation"),
		},
		{
			name:    "policy that is no JSON",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/rotation", policy = "policy.json" }`),
			facts:   facts(provider.SummaryConfiguration, "aws.assume_role.policy", "JSON"),
		},
		{
			name:   "zone in place of a region",
			config: func(s *stage) string { return strings.Replace(s.credentials(""), `"eu-west-3"`, `"eu-west-3a"`, 1) },
			facts:  facts("aws.region", "got: eu-west-3a"),
		},
		{
			name:   "endpoint without a scheme",
			config: func(s *stage) string { return strings.Replace(s.credentials(""), s.AWSURL(), "iam.example.com", 1) },
			facts:  facts(provider.SummaryConfiguration, "aws.endpoints.iam", "https://example.com"),
		},
		{
			name: "IAM's endpoint of plain http on another machine",
			config: func(s *stage) string {
				return strings.Replace(s.credentials(""), fmt.Sprintf("iam = %q", s.AWSURL()), `iam = "http://10.0.0.1"`, 1)
			},
			facts: facts(provider.SummaryConfiguration, "aws.endpoints.iam", "https", "loopback"),
		},
		{
			name: "STS's endpoint of plain http on another machine",
			config: func(s *stage) string {
				return strings.Replace(s.credentials(""), fmt.Sprintf("sts = %q", s.AWSURL()), `sts = "http://10.0.0.1"`, 1)
			},
			facts: facts(provider.SummaryConfiguration, "aws.endpoints.sts", "https", "loopback"),
		},
		{
			name:    "role that may not be assumed",
			prepare: aws(`assume_role = { role_arn = "arn:aws:iam::123456789012:role/other" }`),
			facts:   facts(provider.SummaryConfiguration, "aws = ", "role/other"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func TestProviderTokenFromEnvironment(t *testing.T) {
	for _, test := range []struct{ name, token string }{
		{"none", ""},
		{"blank", " \n"},
		{"with a line break inside", "qov\n_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("QOVERY_API_TOKEN", test.token)
			refusal{
				prepare: func(s *stage) { s.token = "" },
				facts:   facts(provider.SummaryConfiguration, "QOVERY_API_TOKEN", "api_token"),
			}.run(t)
		})
	}
}

// A secret store or a file often has a line break at the end.
func TestProviderTokenWithALineBreakAtItsEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.token += "\n"
	s.mustApply(s.credentials(adopt("")), object{})
}

func TestProviderFromEnvironment(t *testing.T) {
	s := newStage(t)
	for name, value := range s.Env() {
		t.Setenv(name, value)
	}
	s.mustApply(fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
}
`, s.org.ID, s.set.ID), object{})
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
}

func TestProviderURLFromEnvironment(t *testing.T) {
	t.Setenv("QOVERY_API_URL", "http://api.qovery.com")
	refusal{
		config: func(s *stage) string {
			return strings.Replace(s.credentials(""), fmt.Sprintf("api_url = %q", s.url), "", 1)
		},
		facts: facts(provider.SummaryConfiguration, "https", "QOVERY_API_URL"),
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
			s.mustApply(s.credentials(""), object{})
			s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
			for _, r := range s.Requests() {
				if r.API == simulator.APIIAM && !strings.HasPrefix(r.SignedBy, "ASIA") && !triesKey(r) {
					t.Errorf("%s was not signed with a session of the role", r)
				}
			}
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
			facts:   facts(rotation.SummaryUnauthenticated, "api_token", "QOVERY_API_TOKEN", "HTTP 401", "The token is missing or not valid"),
		},
		{
			name:    "token without rights",
			prepare: func(s *stage) { s.token = s.StrangerToken() },
			facts:   facts(rotation.SummaryForbidden, "Qovery API", "HTTP 403", "does not have the permission"),
		},
		{
			name: "a gateway's page",
			prepare: func(s *stage) {
				s.Inject(simulator.Fault{Kind: simulator.FaultHTML, Match: ofQovery, Times: -1})
			},
			facts: facts(rotation.SummaryAPI, "Qovery API", "HTTP 502", "HTML page instead of a response from the API"),
		},
		{
			name: "no answer",
			prepare: func(s *stage) {
				s.Inject(simulator.Fault{Kind: simulator.FaultHang, Match: simulator.Operation(simulator.OpListCredentials), Times: -1})
			},
			facts: facts(rotation.SummaryAPI, "Qovery API: listOrganizationCredentials", "timed out"),
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
			facts: facts(rotation.SummaryAPI, "Qovery API: listOrganizationCredentials", "incomplete response",
				"of type AWS without an access key id"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}
