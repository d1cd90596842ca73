package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// story is a customer whose key Terraform rotates, with a guard between the provider and Qovery.
type story struct {
	*simulator.World
	guard   *guard
	org     *simulator.Organization
	user    *simulator.User
	key     *simulator.AccessKey
	set     *simulator.Credentials
	cluster *simulator.Cluster
	config  string
}

func newStory(t *testing.T) *story {
	t.Helper()
	w := simulator.New(t)
	s := &story{World: w, guard: newGuard(t, http.DefaultTransport, t.Errorf)}
	s.org, s.user = w.AddOrganization("acme"), w.AddUser("qovery")
	s.key = s.user.AddKey()
	s.set = s.org.AddCredentials("production", s.key)
	s.cluster = s.org.AddCluster("prod", "eu-west-3", s.set)
	s.org.AddHelmRepository("charts", "OCI_ECR", s.key)
	w.Clock().Advance(90 * 24 * time.Hour)

	target, err := url.Parse(w.QoveryURL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Transport: s.guard, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	s.config = fmt.Sprintf(`
provider "qoveryrotation" {
  api_url   = %q
  api_token = %q
  aws = {
    region     = "eu-west-3"
    access_key = %q
    secret_key = %q
    endpoints  = { iam = %q, sts = %q }
  }
}

resource "qoveryrotation_aws_credentials" "test" {
  organization_id   = %q
  credentials_id    = %q
  rotation_triggers = { schedule = "1" }
}

resource "qoveryrotation_aws_access_key_cleanup" "test" {
  organization_id = qoveryrotation_aws_credentials.test.organization_id
  credentials_id  = qoveryrotation_aws_credentials.test.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.test.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.test.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.test.drain_ends_at
}
`, server.URL, w.Token(), w.Operator().ID, w.Operator().Secret, w.AWSURL(), w.AWSURL(), s.org.ID, s.set.ID)
	return s
}

// apply applies the configuration step by step. A step that does not expect an error expects an empty plan after it.
func (s *story) apply(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	for i := range steps {
		steps[i].Config = s.config
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"qoveryrotation": func() (tfprotov6.ProviderServer, error) {
				return provider.New("test", provider.WithClock(s.Clock())).Server(), nil
			},
		},
		Steps: steps,
	})
	if len(s.user.Keys()) != 1 || s.user.Keys()[0].ID == s.key.ID || s.set.AccessKeyID() == s.key.ID {
		t.Errorf("the story did not end with one new key: the user has %v, Qovery holds %s", s.user.Keys(), s.set.AccessKeyID())
	}
}

// TestStoryOfARotation rotates a key and deletes the previous one.
func TestStoryOfARotation(t *testing.T) {
	s := newStory(t)
	s.apply(t,
		resource.TestStep{},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }},
	)
	s.checkSeen(t, "editAWSCredentials", "editContainerRegistry", "editHelmRepository", "deployCluster")
}

// TestStoryOfAFailedDeployment has a failed deployment, after which the provider reads the cluster's log. The next apply
// succeeds.
func TestStoryOfAFailedDeployment(t *testing.T) {
	s := newStory(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "Out of pods")
	s.apply(t,
		resource.TestStep{ExpectError: regexp.MustCompile(`Out\s+of\s+pods`)},
		resource.TestStep{},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }},
	)
	s.checkSeen(t, "listClusterLogs", "deployCluster")
}

// checkSeen checks that some operations were called.
func (s *story) checkSeen(t *testing.T, operations ...string) {
	t.Helper()
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	for _, id := range operations {
		if s.guard.seen[id] == 0 {
			t.Errorf("the story has no %s", id)
		}
	}
}
