package provider_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// resumes checks the end of a rotation that was carried on: there is one new key, with which the clusters run.
func (s *stage) resumes(deployments int) resource.TestCheckFunc {
	return resource.ComposeTestCheckFunc(s.keys(2), s.deployments(deployments), check(func() error {
		held := s.set.AccessKeyID()
		last := s.cluster.Deployments()[deployments-1]
		if held == s.key.ID || last.AccessKeyID != held || last.State != "DEPLOYED" {
			return fmt.Errorf("Qovery holds %s and the cluster is %s with %s", held, last.State, last.AccessKeyID)
		}
		return nil
	}))
}

func TestDeploymentFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		prepare  func(s *stage)
		facts    []string
		attempts int
	}{
		{
			"in an error",
			func(s *stage) {
				s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "subnet-1 has no free addresses", "node group not ready")
			},
			[]string{"DEPLOYMENT_ERROR", "subnet-1 has no free addresses", "node group not ready"},
			1,
		},
		{
			"because somebody canceled it", func(s *stage) { s.cluster.FailNextDeployment("CANCELED") },
			[]string{"CANCELED"},
			1,
		},
		{
			"for its credentials, twice",
			func(s *stage) {
				s.cluster.FailNextDeployment("INVALID_CREDENTIALS", "AWS refuses the key")
				s.cluster.FailNextDeployment("INVALID_CREDENTIALS", "AWS refuses the key again")
			},
			[]string{"INVALID_CREDENTIALS", "AWS refuses the key again"},
			2,
		},
	} {
		failure := append([]string{"Error running apply", rotation.SummaryDeployment, `cluster "prod"`}, test.facts...)
		t.Run(test.name+", on create", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			s.run(
				resource.TestStep{Config: s.credentials(trigger("1")), ExpectError: says(append(failure, s.key.ID)...)},
				resource.TestStep{
					Config: s.credentials(trigger("1")),
					Check:  s.resumes(test.attempts + 1),
					ConfigStateChecks: []statecheck.StateCheck{
						value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
						value(credentialsAddress, "phase", text("draining")),
					},
				},
			)
		})
		t.Run(test.name+", on update", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			s.run(
				resource.TestStep{Config: s.pair(adopt(trigger("1")), "")},
				resource.TestStep{Config: s.pair(adopt(trigger("2")), ""), ExpectError: says(failure...)},
				// The cleanup has nothing to do before the clusters are deployed, and the plan shows what will be carried on.
				resource.TestStep{
					PreConfig: func() { s.Clock().Advance(day) },
					Config:    s.pair(adopt(trigger("2")), ""),
					ConfigPlanChecks: plans(
						plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates,
					),
					Check: s.resumes(test.attempts + 1),
					ConfigStateChecks: []statecheck.StateCheck{
						value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
						value(credentialsAddress, "phase", text("draining")),
						value(cleanupAddress, "access_key_id", text(s.key.ID)),
						value(cleanupAddress, "status", text("draining")),
					},
				},
			)
		})
	}
}

// What made an earlier deployment fail is not the cause of this one.
func TestDeploymentFailsAfterAnother(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "quota of vCPUs exceeded")
	s.cluster.DeployBySomebodyElse()
	s.Clock().Advance(day)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "\x1b[31mnode group\x1b[0m not ready")
	s.run(resource.TestStep{
		Config:      s.credentials(trigger("1")),
		ExpectError: regexp.MustCompile(`DEPLOYMENT_ERROR\.\s+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\s+node\s+group\s+not\s+ready`),
	})
}

// The rotation that is carried on is the one that changed triggers ask for.
func TestDeploymentFailsAndTriggersChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	s.run(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{Config: s.credentials(adopt(trigger("2"))), ExpectError: says(rotation.SummaryDeployment, "DEPLOYMENT_ERROR")},
		resource.TestStep{
			Config: s.credentials(adopt(trigger("3"))),
			Check:  resource.ComposeTestCheckFunc(s.resumes(2), s.warned(provider.SummaryResumeSwallowed)),
		},
	)
}

func TestDeploymentRunsIntoTheTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.settings = `poll_interval = "1m"`
	s.cluster.SetDeploymentDuration(40 * time.Minute)
	limit := "\n  timeouts {\n    create = \"30m\"\n    update = \"30m\"\n  }"
	config := s.credentials(trigger("1") + limit)
	timeout := says("Error running apply", rotation.SummaryTimeout, s.cluster.ID, "DEPLOYING", "30m")
	s.run(
		resource.TestStep{Config: config, ExpectError: timeout},
		// The deployment goes on without anybody who waits for it.
		resource.TestStep{
			PreConfig: func() { s.cluster.SetDeploymentDuration(5 * time.Minute) },
			Config:    config,
			Check:     resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2)),
		},
		resource.TestStep{
			PreConfig: func() {
				s.Clock().Advance(day)
				s.cluster.SetDeploymentDuration(40 * time.Minute)
			},
			Config:      s.credentials(trigger("2") + limit),
			ExpectError: timeout,
		},
		resource.TestStep{
			PreConfig: func() { s.cluster.SetDeploymentDuration(5 * time.Minute) },
			Config:    s.credentials(trigger("2") + limit),
			Check:     resource.ComposeTestCheckFunc(s.keys(2), s.deployments(4)),
		},
	)
}

func TestDeploymentRunsIntoTheDefaultTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.settings = `poll_interval = "10m"`
	s.cluster.SetDeploymentDuration(5 * time.Hour)
	s.run(resource.TestStep{
		Config:      s.credentials(""),
		ExpectError: says("Error running apply", rotation.SummaryTimeout, s.cluster.ID, "DEPLOYING", "4h"),
	})
}

func TestDeploymentWithInvalidCredentialsOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("INVALID_CREDENTIALS")
	s.run(resource.TestStep{Config: s.credentials(""), Check: s.resumes(2)})
}

// Whatever the provider does not know is still running.
func TestDeploymentInAnUnknownState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetState("MAINTENANCE")
	s.Inject(simulator.Fault{
		Kind: simulator.FaultCallAfter, Match: simulator.Operation(simulator.OpListClusterStatuses), At: 10,
		Call: func(simulator.Request) { s.cluster.SetState("DEPLOYED") },
	})
	s.run(resource.TestStep{Config: s.credentials(""), Check: s.resumes(1)})
}

func TestDeploymentOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.DeployBySomebodyElse()
	s.run(resource.TestStep{
		Config: s.credentials(""),
		Check: resource.ComposeTestCheckFunc(s.resumes(2), check(func() error {
			runs := s.cluster.Deployments()
			if runs[1].StartedAt.Before(runs[0].EndedAt) {
				return errors.New("the deployment of somebody else was not waited for")
			}
			return nil
		})),
	})
}

func TestDeploymentLeavesClustersAloneThatAreOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	off := []*simulator.Cluster{
		s.org.AddStoppedCluster("stopped", "eu-west-3", s.set), s.org.AddNewCluster("new", "eu-west-3", s.set),
	}
	s.cluster.Stop()
	s.run(resource.TestStep{
		Config: s.credentials(""),
		Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(0), check(func() error {
			for _, cluster := range off {
				if n := len(cluster.Deployments()); n > 0 {
					return fmt.Errorf("cluster %s was deployed %d times", cluster.Name, n)
				}
			}
			return nil
		})),
		ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
	})
}

func TestDeploymentWithoutClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key := s.AddUser("spare").AddKey()
	s.set = s.org.AddCredentials("spare", key)
	s.run(resource.TestStep{
		Config: s.credentials(""),
		ConfigStateChecks: []statecheck.StateCheck{
			value(credentialsAddress, "iam_user_name", text("spare")),
			value(credentialsAddress, "previous_access_key_id", text(key.ID)),
			value(credentialsAddress, "phase", text("draining")),
		},
	})
}

func TestDeploymentOfSeveralClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	regions := []string{"eu-west-3", "us-east-1", "ap-south-1"}
	clusters := []*simulator.Cluster{s.cluster}
	for i, region := range append(regions, "us-east-1") {
		cluster := s.org.AddCluster(fmt.Sprintf("cluster-%d", i), region, s.set)
		cluster.SetDeploymentDuration(time.Duration(i+1) * 7 * time.Minute)
		clusters = append(clusters, cluster)
	}
	other := s.org.AddCluster("other", "eu-west-3", s.org.AddCredentials("other", s.AddUser("other").AddKey()))
	// In one region AWS learns of the new key later than in the others.
	s.SetPropagationDelay("ap-south-1", 25*time.Second)
	s.run(resource.TestStep{
		Config: s.credentials(""),
		Check: check(func() error {
			for _, cluster := range clusters {
				runs := cluster.Deployments()
				if len(runs) != 1 || runs[0].AccessKeyID != s.set.AccessKeyID() || runs[0].State != "DEPLOYED" {
					return fmt.Errorf("the deployments of cluster %s are %v, want one with %s", cluster.Name, runs, s.set.AccessKeyID())
				}
			}
			if n := len(other.Deployments()); n > 0 {
				return fmt.Errorf("a cluster of other credentials was deployed %d times", n)
			}
			verified := map[string]bool{}
			for _, r := range s.Requests() {
				if r.Operation == "GetCallerIdentity" && r.SignedBy == s.set.AccessKeyID() && r.Status == 200 {
					verified[r.Region] = true
				}
			}
			for _, region := range regions {
				if !verified[region] {
					return fmt.Errorf("the new key was not verified in %s", region)
				}
			}
			return nil
		}),
	})
}

// One cluster that fails keeps no other one from ending, and the next apply deploys only what is left.
func TestDeploymentOfSeveralClustersFailsForOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCluster("staging", "eu-west-1", s.set)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "quota of vCPUs exceeded")
	s.run(
		resource.TestStep{Config: s.credentials(adopt(trigger("1")))},
		resource.TestStep{
			Config:      s.credentials(adopt(trigger("2"))),
			ExpectError: says(rotation.SummaryDeployment, `cluster "prod"`, "quota of vCPUs exceeded"),
		},
		resource.TestStep{
			Config: s.credentials(adopt(trigger("2"))),
			Check: resource.ComposeTestCheckFunc(s.resumes(2), check(func() error {
				if n := len(other.Deployments()); n != 1 {
					return fmt.Errorf("the other cluster was deployed %d times, want 1", n)
				}
				return nil
			})),
		},
	)
}

// What Terraform's user interrupts is carried on by the next apply.
func TestDeploymentInterrupted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.After(simulator.OpDeployCluster, func(simulator.Request) { s.interrupt() })
	s.run(
		resource.TestStep{
			Config:      s.credentials(""),
			ExpectError: says("Error running apply", rotation.SummaryInterrupted, s.cluster.ID, s.key.ID),
		},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(time.Hour) },
			Config:    s.credentials(""),
			Check:     resource.ComposeTestCheckFunc(s.keys(2), s.resumes(2)),
		},
	)
}

func TestRotationInterruptedBeforeTheCutover(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.After("CreateAccessKey", func(simulator.Request) { s.interrupt() })
	s.run(
		resource.TestStep{
			Config:      s.credentials(""),
			ExpectError: says("Error running apply", rotation.SummaryInterrupted, s.key.ID),
		},
		resource.TestStep{
			PreConfig: func() { s.holds(check(s.untouched)) },
			Config:    s.credentials(""),
			Check:     s.resumes(1),
		},
	)
}
