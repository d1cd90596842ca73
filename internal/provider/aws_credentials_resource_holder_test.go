package provider_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// newest returns the key that was created last.
func (s *stage) newest() *simulator.AccessKey {
	keys := s.user.Keys()
	return keys[len(keys)-1]
}

// holder checks a holder of the newest key in the state.
func (s *stage) holder(kind, id string) knownvalue.Check {
	return knownvalue.ObjectPartial(map[string]knownvalue.Check{
		"kind": text(kind),
		"id":   text(id),
		"access_key_id": knownvalue.StringFunc(func(got string) error {
			if want := s.newest().ID; got != want {
				return fmt.Errorf("the holder has %s, want %s", got, want)
			}
			return nil
		}),
	})
}

func TestHoldersGetTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registries := []*simulator.Holder{
		s.cluster.Registry(), s.org.AddRegistry("images", "ECR", s.key), s.org.AddHelmRepository("charts", "OCI_ECR", s.key),
	}
	staging := s.org.AddCredentials("staging", s.key)
	other := s.AddUser("other").AddKey()
	untouched := []*simulator.Holder{
		s.org.AddDockerRegistry("docker"), s.org.AddRegistry("images of others", "ECR", other),
		s.org.AddHelmRepository("charts of others", "OCI_ECR", other),
	}
	cluster := s.org.AddCluster("staging", "us-east-1", staging)
	registries = append(registries, cluster.Registry())
	before := map[*simulator.Holder]map[string]any{}
	for _, holder := range append(registries, untouched...) {
		before[holder] = holder.Object()
	}
	after := s.mustApply(s.credentials(""), object{})
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), stores(s.newest, append(registries, &s.set.Holder, &staging.Holder)...)))
	for _, holder := range registries {
		config, ok := before[holder]["config"].(map[string]any)
		if !ok {
			t.Fatalf("%v has no config", before[holder]["name"])
		}
		config["access_key_id"], config["secret_access_key"] = s.newest().ID, s.newest().Secret
	}
	for holder, want := range before {
		if got := holder.Object(); !reflect.DeepEqual(got, want) {
			t.Errorf("%v changed in more than its key", want["name"])
		}
	}
	if runs := cluster.Deployments(); len(runs) != 1 || runs[0].AccessKeyID != s.newest().ID {
		t.Errorf("the cluster of the other credentials was deployed like this: %v", runs)
	}
	s.expect(credentialsAddress, after,
		value(credentialsAddress, "cluster_ids", knownvalue.ListExact([]knownvalue.Check{text(s.cluster.ID)})),
		value(credentialsAddress, "holders", knownvalue.ListSizeExact(6)))
}

// All objects that store a key get the new one, whatever their number.
func TestNumbersOfHolders(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 50} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.set = s.org.AddCredentials("no clusters", s.user.AddKey())
			s.key.Delete()
			s.key = s.newest()
			holders := []*simulator.Holder{&s.set.Holder}
			for i := range others / 2 {
				holders = append(holders, s.org.AddRegistry(fmt.Sprint("images ", i), "ECR", s.key),
					s.org.AddHelmRepository(fmt.Sprint("charts ", i), "OCI_ECR", s.key))
			}
			after := s.mustApply(s.credentials(""), object{})
			s.holds(resource.ComposeTestCheckFunc(s.keys(2), stores(s.newest, holders...)))
			s.expect(credentialsAddress, after,
				value(credentialsAddress, "holders", knownvalue.ListSizeExact(1+others)), value(credentialsAddress, "phase", text("draining")))
		})
	}
}

// A holder that appears after the plan is treated like all others.
func TestHolderAppearsAfterThePlan(t *testing.T) {
	t.Parallel()
	t.Run("one that gets the key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		var images *simulator.Holder
		s.run(resource.TestStep{
			Config:           s.credentials(""),
			ConfigPlanChecks: plans(meanwhile(func() { images = s.org.AddRegistry("images", "ECR", s.key) })),
			Check: check(func() error {
				if got := images.AccessKeyID(); got != s.newest().ID {
					return fmt.Errorf("the registry stores %s, want %s", got, s.newest().ID)
				}
				return nil
			}),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "holders", knownvalue.ListSizeExact(3))},
		})
	})
	t.Run("one that cannot get it", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		p, err := s.open(s.credentials(""))
		s.must(err)
		planned, err := p.plan(object{})
		s.must(err)
		s.org.AddVSphereCredentials("on premises", s.key)
		_, err = p.apply(object{}, planned)
		s.fails(err, rotation.SummaryUnrotatableHolder, `vsphere credentials "on premises"`)
		s.unchanged()
	})
}

func TestHoldersInState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	before := s.mustApply(s.credentials(""), object{})
	s.expect(credentialsAddress, before, value(credentialsAddress, "holders", knownvalue.ListExact([]knownvalue.Check{
		s.holder("container_registry", s.cluster.Registry().ID), s.holder("credentials", s.set.ID),
	})))
	s.cluster.Registry().SetKey(s.Operator())
	s.expect(credentialsAddress, s.mustApply(s.credentials(""), before),
		value(credentialsAddress, "holders", knownvalue.ListExact([]knownvalue.Check{s.holder("credentials", s.set.ID)})))
}

func TestHoldersLeftBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	leave := "rotate_registries = false"
	s.run(
		resource.TestStep{
			Config: s.pair(leave, ""),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), stores(s.newest, &s.set.Holder),
				stores(func() *simulator.AccessKey { return s.key }, registry),
				s.warned(provider.SummaryHoldersLeft, s.key.ID, registry.ID, "rotate_registries = true")),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
		},
		resource.TestStep{
			PreConfig:   func() { s.Clock().Advance(3 * time.Hour) },
			Config:      s.pair(leave, ""),
			ExpectError: says("Error running apply", rotation.SummaryKeyInUse, s.key.ID, registry.ID),
		},
		resource.TestStep{
			PreConfig: func() { registry.SetKey(s.newest()) },
			Config:    s.pair(leave, ""),
			Check:     gone(s.key),
		},
	)
}

func TestHolderRefusesTheKey(t *testing.T) {
	t.Parallel()
	refused := func(s *stage, config string, before object) object {
		s.cluster.Registry().RefuseUpdates(400)
		failed, err := s.apply(config, before)
		s.fails(err, rotation.SummaryHolderNotUpdated, s.key.ID, "container registry", s.cluster.Registry().ID)
		return failed
	}
	for _, test := range []struct {
		name      string
		fix       func(s *stage)
		arguments func(s *stage) string
	}{
		{
			"and gets it by hand",
			func(s *stage) { s.cluster.Registry().SetKey(s.newest()) },
			func(*stage) string { return "" },
		},
		{
			"and may keep the old one",
			func(*stage) {},
			func(s *stage) string { return fmt.Sprintf("\n  ignored_holders = [%q]", s.cluster.Registry().ID) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
			failed := refused(s, s.credentials(adopt(trigger("2"))), before)
			// Another apply fails in the same way until somebody fixes the cause.
			again, err := s.apply(s.credentials(adopt(trigger("2"))), failed)
			s.fails(err, rotation.SummaryHolderNotUpdated, s.cluster.Registry().ID)
			test.fix(s)
			after := s.mustApply(s.credentials(adopt(trigger("2"))+test.arguments(s)), again)
			s.holds(s.resumes(1))
			s.expect(credentialsAddress, after,
				value(credentialsAddress, "phase", text("draining")), value(credentialsAddress, "previous_access_key_id", text(s.key.ID)))
		})
	}
	t.Run("on create", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		failed := refused(s, s.credentials(""), object{})
		s.cluster.Registry().SetKey(s.newest())
		s.mustApply(s.credentials(""), failed)
		s.holds(s.resumes(1))
	})
}

// A holder that missed the new key needs one more rotation, because the secret of that key is lost. Once the old key is
// drained, it is deleted to make a place. The holder gets the newest key before the credentials do.
func TestHolderGetsTheKeyAfterOneMoreRotation(t *testing.T) {
	t.Parallel()
	s := newStageTolerating(t, "while registry-")
	registry := s.cluster.Registry()
	s.run(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{
			PreConfig:   func() { registry.RefuseUpdates(400) },
			Config:      s.credentials(adopt(trigger("2"))),
			ExpectError: says("Error running apply", rotation.SummaryHolderNotUpdated, registry.ID),
		},
		resource.TestStep{
			PreConfig: func() {
				registry.RefuseUpdates(0)
				s.Clock().Advance(3 * time.Hour)
				s.ResetRequests()
			},
			Config:           s.credentials(adopt(trigger("2"))),
			ConfigPlanChecks: plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), gone(s.key), stores(s.newest, registry, &s.set.Holder),
				s.warned(provider.SummaryRotationPlanned, registry.ID, s.set.ID), s.warned(rotation.SummaryWillBeDeleted, s.key.ID),
				s.order("DeleteAccessKey", "CreateAccessKey", simulator.OpEditRegistry, simulator.OpEditAWSCredentials)),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
		},
	)
}

func TestHoldersThatCannotBeCarried(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, words string
		add         func(s *stage) *simulator.Holder
	}{
		{
			"vSphere credentials", `vsphere credentials "on premises"`,
			func(s *stage) *simulator.Holder { return &s.org.AddVSphereCredentials("on premises", s.key).Holder },
		},
		{
			"secret manager access", `secret manager access "vault"`,
			func(s *stage) *simulator.Holder { return s.cluster.AddSecretManagerAccess("vault", s.key) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			holder := test.add(s)
			s.fails(s.refuse(s.credentials("")), rotation.SummaryUnrotatableHolder, s.key.ID, test.words, holder.ID, "ignored_holders")
			s.unchanged()
			s.mustApply(s.credentials(fmt.Sprintf("ignored_holders = [%q]", holder.ID)), object{})
			s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), stores(s.newest, &s.set.Holder, s.cluster.Registry()),
				stores(func() *simulator.AccessKey { return s.key }, holder)))
		})
	}
}

// Two credentials with one key need one rotation, although two resources ask for it.
func TestTwoCredentialsWithOneKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	staging := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("staging", "us-east-1", staging)
	config := func(value string) string {
		return s.credentials(trigger(value)) + fmt.Sprintf(`
resource "qoveryrotation_aws_credentials" "staging" {
  organization_id = %q
  credentials_id  = %q
  %s
}
`, s.org.ID, staging.ID, trigger(value))
	}
	rotated := func(times int) resource.TestStep {
		return resource.TestStep{
			PreConfig: func() { s.Clock().Advance(day) },
			Config:    config(fmt.Sprint(times)),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(times), stores(s.newest, &s.set.Holder, &staging.Holder),
				check(func() error {
					if n := len(cluster.Deployments()); n != times {
						return fmt.Errorf("the other cluster was deployed %d times, want %d", n, times)
					}
					return nil
				})),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "phase", text("draining")),
				value("qoveryrotation_aws_credentials.staging", "phase", text("draining")),
			},
		}
	}
	s.runTerraform(rotated(1), rotated(2))
}

// Somebody puts the old key back everywhere while it drains. It is not retired. The clusters are deployed with it, and the
// other key drains instead.
func TestOldKeyIsPutBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	registry := s.cluster.Registry()
	var undone *simulator.AccessKey
	s.run(
		resource.TestStep{Config: s.pair("", "")},
		resource.TestStep{
			PreConfig: func() {
				undone = s.newest()
				s.set.SetKey(s.key)
				registry.SetKey(s.key)
				s.Clock().Advance(3 * time.Hour)
			},
			Config: s.pair("", ""),
			Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2), stores(func() *simulator.AccessKey { return s.key }, &s.set.Holder, registry),
				s.warned(rotation.SummaryKeyReplaced, s.key.ID)),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "phase", text("draining")),
				value(credentialsAddress, "access_key_id", text(s.key.ID)),
				value(cleanupAddress, "status", text("draining")),
			},
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(3 * time.Hour) },
			Config:    s.pair("", ""),
			Check: resource.ComposeTestCheckFunc(s.keys(1), check(func() error {
				return gone(undone)(nil)
			})),
		},
	)
	s.holds(active(s.key))
}
