package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	example = "examples/single/main.tf"
	region  = "eu-west-3"

	credentialsName = "acme-aws"

	// period is the period of the schedule in the example.
	period = 90 * 24 * time.Hour
	// lead is the rest of the period when the story begins. It is enough for Terraform to import the schedule.
	lead = 20 * time.Second

	credentialsAddress = "qoveryrotation_aws_credentials.production"
	cleanupAddress     = "qoveryrotation_aws_access_key_cleanup.production"
)

// overrides shortens the times of the example to seconds.
const overrides = `# Short times for the demo. The default of both drain windows is 2h, and that of last_use_delay 20m.
provider "qoveryrotation" {
  poll_interval        = "1s"
  minimum_drain_window = "15s"
  last_use_delay       = "0s"
}

resource "qoveryrotation_aws_credentials" "production" {
  drain_window = "15s"
}

# An import of a time_rotating records these triggers. With others, the 90 days would start again.
resource "time_rotating" "quarterly" {
  triggers = {}
}
`

// imports adopts the current key, and a schedule that began when the key was created.
const imports = `import {
  to = qoveryrotation_aws_credentials.production
  id = "%s/%s"
}

import {
  to = time_rotating.quarterly
  id = "%s,,,90,,"
}
`

// watch is the command that shows a rotation step by step.
const watch = `TF_LOG_PROVIDER=INFO terraform apply 2>&1 |
  sed -u -E '/^ +(\||[@a-z_]+=)/d; / \[[A-Z]+\] +provider/{/@module=qoveryrotation\./!d; s/provider[^ ]+ //; s/: [@a-z_]+=.*//;}'`

// story has the customer whose key is rotated, and the Terraform that rotates it.
type story struct {
	*simulator.World
	*narrator
	terraform   *workspace
	user        *simulator.User
	oldKey      *simulator.AccessKey
	credentials *simulator.Credentials
	cluster     *simulator.Cluster
	// expiry is the end of the schedule's period.
	expiry time.Time
}

// setUp builds the programs and starts the simulated world.
func setUp(ctx context.Context, n *narrator, dir string) (*story, error) {
	n.chapter("The scene")
	n.say("Building the provider and hashicorp/time. The first time this takes a minute or two.")
	terraform, err := newWorkspace(ctx, dir, example)
	if err != nil {
		return nil, err
	}
	terraform.progress = n.line
	if err := errors.Join(terraform.write("demo_override.tf", overrides), terraform.Init(ctx)); err != nil {
		return nil, err
	}
	world, err := simulator.Start(simulator.Config{Clock: simulator.NewRealClock(), DeploymentDuration: 8 * time.Second})
	if err != nil {
		return nil, err
	}
	s := &story{World: world, narrator: n, terraform: terraform}
	s.expiry = s.Clock().Now().UTC().Truncate(time.Second).Add(lead)
	s.user = s.AddUser("qovery")
	s.oldKey = s.user.AddKeyCreated(s.expiry.Add(-period))
	organization := s.AddOrganization("acme")
	s.credentials = organization.AddCredentials(credentialsName, s.oldKey)
	s.cluster = organization.AddCluster("production", region, s.credentials)
	if err := errors.Join(
		terraform.surround(s.Env()),
		terraform.write("terraform.tfvars", fmt.Sprintf("organization_id = %q\ncredentials_id  = %q\n", organization.ID, s.credentials.ID)),
		terraform.write("import.tf", fmt.Sprintf(imports, organization.ID, s.credentials.ID, s.oldKey.CreatedAt().Format(time.RFC3339))),
	); err != nil {
		s.Close()
		return nil, err
	}
	n.say("The company acme lets Qovery run its cluster %q in %s. The credentials %q in Qovery hold the access key %s of the IAM user %q. "+
		"The cluster's container registry in Qovery stores the same key. It was created 90 days ago, less %s: security rules want it replaced.",
		s.cluster.Name, region, credentialsName, s.oldKey.ID, s.user.Name, lead)
	n.say("AWS and Qovery are simulated, at %s and %s. Everything else is real: Terraform, this provider, hashicorp/time, and time itself.",
		world.AWSURL(), world.QoveryURL())
	return s, nil
}

// adopt imports the key and its schedule.
func (s *story) adopt(ctx context.Context) error {
	s.chapter("Adopting the key")
	s.say("The configuration is %s, unchanged. An override file shortens its times:", example)
	s.quote(overrides)
	s.say("This does not rotate the key. Import blocks adopt the current key, and a schedule of 90 days that began when the key was created.")
	if err := s.planAndApply(ctx); err != nil {
		return err
	}
	s.say("The import blocks are no longer needed and are removed. Until the 90 days are over, every plan is empty:")
	return errors.Join(
		s.terraform.remove("import.tf"),
		s.planNothing(ctx),
		expect(len(s.Mutations()) == 0, "adopting a key changes nothing in AWS and Qovery"),
	)
}

// rotate waits until the schedule expires, and rotates the key.
func (s *story) rotate(ctx context.Context) error {
	s.chapter("The rotation")
	if err := s.waitUntil(ctx, "the 90 days are over", s.expiry); err != nil {
		return err
	}
	s.say("The time_rotating has expired. Its id will change, and so will rotation_triggers. Terraform plans:")
	if err := s.planAndApply(ctx); err != nil {
		return err
	}
	phase, err := s.terraform.attribute(ctx, credentialsAddress, "phase")
	if err != nil {
		return err
	}
	newKey := s.credentials.AccessKeyID()
	deployments := s.cluster.Deployments()
	s.say("Qovery and the registry hold the new key %s. Before that it had to work in %s for ten seconds. The cluster was deployed with it and is %s.",
		newKey, region, s.cluster.State())
	s.say("A real deployment takes minutes or hours. This command shows each step:")
	s.quote(watch)
	return errors.Join(
		expect(phase == "draining", "the phase is draining, not %s", phase),
		expect(newKey != s.oldKey.ID, "Qovery holds a new key"),
		expect(s.cluster.Registry().AccessKeyID() == newKey, "the registry has the key that Qovery holds"),
		expect(len(deployments) == 1 && deployments[0].AccessKeyID == newKey && s.cluster.State() == "DEPLOYED",
			"the cluster was deployed once, with the new key"),
		expect(s.oldKey.Active(), "the old key still works"),
	)
}

// drain waits for the end of the drain window.
func (s *story) drain(ctx context.Context) error {
	s.chapter("The drain window")
	s.oldKey.MarkUsed("ecr", region)
	s.say("The old key %s still works, because a process that started before the rotation may need it. Such a process has just pulled an image. "+
		"During the drain window, every plan is empty:", s.oldKey.ID)
	if err := s.planNothing(ctx); err != nil {
		return err
	}
	text, err := s.terraform.attribute(ctx, credentialsAddress, "drain_ends_at")
	if err != nil {
		return err
	}
	drainEndsAt, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return err
	}
	return s.waitUntil(ctx, "the drain window is over", drainEndsAt)
}

// cleanUp retires the old key.
func (s *story) cleanUp(ctx context.Context) error {
	s.chapter("The cleanup")
	s.say("The old key can be deleted. The refresh finds that the cleanup is due, so the next plan deletes the key:")
	if err := s.planAndApply(ctx); err != nil {
		return err
	}
	s.say("Before the deletion, the provider checked that Qovery holds another key that works, and that nothing stores the old one. " +
		"No cluster rejects its credentials, and nobody used the old key after the drain window. It is deleted, and the plan is empty again:")
	if err := s.planNothing(ctx); err != nil {
		return err
	}
	status, err := s.terraform.attribute(ctx, cleanupAddress, "status")
	keys := s.user.Keys()
	return errors.Join(
		err,
		expect(status == "deleted", "the status is deleted, not %s", status),
		expect(len(keys) == 1 && keys[0].Active() && keys[0].ID == s.credentials.AccessKeyID(), "the user has the new key and no other"),
	)
}

// lookBack shows the requests and the timeline, and checks that no violation happened.
func (s *story) lookBack(context.Context) error {
	s.chapter("What happened")
	mutations := s.Mutations()
	s.say("These of %d requests to AWS and Qovery changed something:", len(s.Requests()))
	lines := make([]string, len(mutations))
	for i, request := range mutations {
		lines[i] = request.String()
	}
	s.quote(strings.Join(lines, "\n"))
	s.say("The tag was the rotation's journal. If the run had been interrupted at any point, the next apply would have resumed it there.")
	s.quote(s.Timeline().String())
	leaks, err := s.terraform.leaks(s.Secrets())
	if err := errors.Join(
		err,
		expect(len(leaks) == 0, "no secret is to be found in %v", leaks),
		expect(len(s.Violations()) == 0, "nothing happened that must never happen: %q", s.Violations()),
		expect(len(s.user.Tags()) == 0, "no journal is left: %v", s.user.Tags()),
	); err != nil {
		return err
	}
	s.say("Qovery held a working key all the time. No secret is in the state, in a plan, or in Terraform's TRACE log.")
	return nil
}

// planAndApply shows a plan that changes something, and applies it.
func (s *story) planAndApply(ctx context.Context) error {
	lines, changes, err := s.terraform.plan(ctx)
	if err != nil {
		return err
	}
	s.quote(lines)
	if err := expect(changes, "the plan changes something"); err != nil {
		return err
	}
	s.quote("$ terraform apply")
	return s.terraform.apply(ctx)
}

// planNothing shows a plan that changes nothing.
func (s *story) planNothing(ctx context.Context) error {
	lines, changes, err := s.terraform.plan(ctx)
	if err != nil {
		return err
	}
	s.quote(lines)
	return expect(!changes, "the plan is empty")
}

// waitUntil waits in real time, because hashicorp/time cannot use a simulated clock.
func (s *story) waitUntil(ctx context.Context, what string, t time.Time) error {
	wait := t.Sub(s.Clock().Now())
	s.say("Waiting %s, until %s.", wait.Round(time.Second), what)
	return s.Clock().Sleep(ctx, wait)
}

// expect returns an error if something differs from the story.
func expect(so bool, format string, args ...any) error {
	if so {
		return nil
	}
	return fmt.Errorf("it is not so that "+format, args...)
}
