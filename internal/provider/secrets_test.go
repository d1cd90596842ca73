package provider_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// No secret is in anything that Terraform stores or prints: state, private state, plans, logs and messages.
func TestSecretsStayInMemory(t *testing.T) {
	s := newStage(t)
	for name, value := range s.Env() {
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "trace.log")
	for name, value := range map[string]string{
		"TF_ACC_TEMP_DIR": dir, "TF_ACC_PERSIST_WORKING_DIR": "1", "TF_ACC_LOG_PATH": log, "TF_ACC_LOG": "TRACE",
	} {
		t.Setenv(name, value)
	}
	config := fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
}

resource "qoveryrotation_aws_access_key_cleanup" "test" {
  organization_id   = qoveryrotation_aws_credentials.test.organization_id
  credentials_id    = qoveryrotation_aws_credentials.test.credentials_id
  iam_user_name     = qoveryrotation_aws_credentials.test.iam_user_name
  access_key_id     = qoveryrotation_aws_credentials.test.previous_access_key_id
  delete_after      = qoveryrotation_aws_credentials.test.drain_ends_at
  quarantine_window = "24h"
}
`, s.org.ID, s.set.ID)
	scanPlan := planCheck(func(req plancheck.CheckPlanRequest) error {
		plan, err := json.Marshal(req.Plan)
		s.noSecrets("the plan", string(plan))
		return err
	})
	s.After(simulator.OpEditAWSCredentials, func(simulator.Request) {
		s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "AWS did not take aws_secret_access_key="+s.set.Secret())
	})
	s.cluster.Registry().RefuseUpdates(400)
	failures := 0
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: s.factories(),
		ErrorCheck: func(err error) error {
			failures++
			s.noSecrets("an error", err.Error())
			if !says("AWS did not take aws_secret_access_key=(secret)").MatchString(err.Error()) {
				t.Errorf("the cluster's log is not in the error: %s", err)
			}
			return nil
		},
		Steps: []resource.TestStep{
			{Config: config, ConfigPlanChecks: plans(scanPlan)},
			{
				PreConfig: func() {
					s.cluster.Registry().RefuseUpdates(0)
					s.cluster.Registry().SetKey(s.newest())
				},
				Config:           config,
				ConfigPlanChecks: plans(scanPlan),
			},
			{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }, Config: config, ConfigPlanChecks: plans(scanPlan)},
		},
	})
	if failures != 1 {
		t.Errorf("%d steps failed, want the first one only", failures)
	}
	scanned := s.scan(dir)
	for _, name := range []string{"trace.log", "terraform.tfstate", "tfplan"} {
		if scanned[name] == 0 {
			t.Errorf("there is no %s in %v", name, scanned)
		}
	}
	traced, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// Without these lines of the provider, the log would prove nothing.
	for _, line := range []string{"cutover: storing the new access key in Qovery", "Called the Qovery API", "deactivating an access key"} {
		if !strings.Contains(string(traced), line) {
			t.Errorf("the log does not say %q", line)
		}
	}
}

// scan checks every file of a directory for secrets, also those inside of plan files, and counts the files by name.
func (s *stage) scan(dir string) map[string]int {
	s.t.Helper()
	scanned := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		scanned[entry.Name()]++
		s.noSecrets(path, string(content))
		if archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err == nil {
			for _, file := range archive.File {
				if err := s.scanArchived(path, file); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return scanned
}

func (s *stage) scanArchived(path string, file *zip.File) error {
	reader, err := file.Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	content, err := io.ReadAll(reader)
	s.noSecrets(file.Name+" in "+path, string(content))
	return err
}
