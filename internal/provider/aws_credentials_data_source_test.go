package provider_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	dataAddress     = "data.qoveryrotation_aws_credentials.test"
	dataListAddress = "data.qoveryrotation_aws_credentials_list.test"
)

func (s *stage) dataSource(credentialsID string) string {
	return s.providerBlock() + fmt.Sprintf(`
data "qoveryrotation_aws_credentials" "test" {
  organization_id = %q
  credentials_id  = %q
}
`, s.org.ID, credentialsID)
}

func TestCredentialsDataSource(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.key.MarkUsed("ecr", "eu-west-3")
	usedAt := s.Clock().Now().Format(time.RFC3339)
	s.Clock().Advance(36 * time.Hour)
	other := s.user.AddKey()
	createdAt := s.Clock().Now().Format(time.RFC3339)
	other.Deactivate()
	s.runTerraform(resource.TestStep{
		Config: s.dataSource(s.set.ID),
		ConfigStateChecks: []statecheck.StateCheck{
			value(dataAddress, "id", text(s.org.ID+"/"+s.set.ID)),
			value(dataAddress, "name", text("production")),
			value(dataAddress, "type", text("AWS")),
			value(dataAddress, "iam_user_name", text("qovery")),
			value(dataAddress, "access_key_id", text(s.key.ID)),
			value(dataAddress, "access_key_status", text("Active")),
			value(dataAddress, "access_key_age_days", knownvalue.Int64Exact(91)),
			value(dataAddress, "access_key_last_used_at", text(usedAt)),
			value(dataAddress, "access_key_last_used_service", text("ecr")),
			value(dataAddress, "access_key_last_used_region", text("eu-west-3")),
			value(dataAddress, "other_access_keys", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectPartial(map[string]knownvalue.Check{
				"id": text(other.ID), "status": text("Inactive"), "created_at": text(createdAt), "age_days": knownvalue.Int64Exact(0),
				"last_used_at": knownvalue.Null(), "last_used_service": knownvalue.Null(), "last_used_region": knownvalue.Null(),
			})})),
			value(dataAddress, "clusters", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
				"id": text(s.cluster.ID), "name": text("prod"), "region": text("eu-west-3"), "status": text("DEPLOYED"),
			})})),
			value(dataAddress, "holders", knownvalue.ListSizeExact(2)),
		},
	})
	s.unchanged()
}

func TestCredentialsDataSourceOfARole(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	role := s.org.AddRoleCredentials("role")
	p, err := s.open(s.dataSource(role.ID))
	s.must(err)
	found, err := p.readData(dataAddress)
	s.must(err)
	s.expect(dataAddress, found, value(dataAddress, "type", text("AWS_ROLE")), value(dataAddress, "access_key_id", knownvalue.Null()),
		value(dataAddress, "holders", knownvalue.ListSizeExact(0)))
	s.unchanged()
}

func TestCredentialsDataSourceNotFound(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, err := s.open(s.dataSource(s.org.ID))
	s.must(err)
	_, err = p.readData(dataAddress)
	s.fails(err, rotation.SummaryCredentialsNotFound, s.org.ID)
	s.unchanged()
}

func TestCredentialsListDataSource(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.org.AddRoleCredentials("role")
	s.org.AddScalewayCredentials("elsewhere")
	second := s.org.AddCredentials("staging", s.AddUser("staging").AddKey())
	credentials := []knownvalue.Check{
		knownvalue.ObjectExact(map[string]knownvalue.Check{
			"id": text(s.set.ID), "name": text("production"), "access_key_id": text(s.key.ID),
			"cluster_ids": knownvalue.ListExact([]knownvalue.Check{text(s.cluster.ID)}),
		}),
		knownvalue.ObjectPartial(map[string]knownvalue.Check{"id": text(second.ID), "cluster_ids": knownvalue.ListSizeExact(0)}),
	}
	if second.ID < s.set.ID {
		slices.Reverse(credentials)
	}
	p, err := s.open(s.providerBlock() +
		fmt.Sprintf("data \"qoveryrotation_aws_credentials_list\" \"test\" {\n  organization_id = %q\n}\n", s.org.ID))
	s.must(err)
	found, err := p.readData(dataListAddress)
	s.must(err)
	s.expect(dataListAddress, found,
		value(dataListAddress, "ids", knownvalue.SetExact([]knownvalue.Check{text(s.set.ID), text(second.ID)})),
		value(dataListAddress, "credentials", knownvalue.ListExact(credentials)))
	s.unchanged()
}
