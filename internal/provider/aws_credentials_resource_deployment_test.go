package provider_test

import (
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

// resumes checks the end of a resumed rotation: there is one new key, and the cluster runs with it.
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
		failure := append([]string{rotation.SummaryDeployment, `cluster "prod"`}, test.facts...)
		t.Run(test.name+", on create", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			config := s.credentials(trigger("1"))
			failed, err := s.apply(config, object{})
			s.fails(err, append(failure, s.key.ID)...)
			if failed.exists() {
				t.Error("a creation that failed is in the state, so Terraform taints it")
			}
			after := s.mustApply(config, failed)
			s.holds(s.resumes(test.attempts + 1))
			s.expect(credentialsAddress, after,
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)), value(credentialsAddress, "phase", text("draining")))
		})
		t.Run(test.name+", on update", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			test.prepare(s)
			before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
			config := s.credentials(adopt(trigger("2")))
			failed, err := s.apply(config, before)
			s.fails(err, failure...)
			s.Clock().Advance(day)
			after := s.mustApply(config, failed)
			s.holds(s.resumes(test.attempts + 1))
			s.expect(credentialsAddress, after,
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)), value(credentialsAddress, "phase", text("draining")))
		})
	}
}

// The cleanup has nothing to do before the clusters are deployed, and the plan shows that the rotation is resumed.
func TestDeploymentFailsBeforeACleanup(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	s.run(
		resource.TestStep{Config: s.pair(adopt(trigger("1")), "")},
		resource.TestStep{Config: s.pair(adopt(trigger("2")), ""), ExpectError: says("Error running apply", rotation.SummaryDeployment)},
		resource.TestStep{
			PreConfig: func() { s.Clock().Advance(day) },
			Config:    s.pair(adopt(trigger("2")), ""),
			ConfigPlanChecks: plans(
				plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates,
			),
			Check: s.resumes(2),
			ConfigStateChecks: []statecheck.StateCheck{
				value(credentialsAddress, "previous_access_key_id", text(s.key.ID)),
				value(credentialsAddress, "phase", text("draining")),
				value(cleanupAddress, "access_key_id", text(s.key.ID)),
				value(cleanupAddress, "status", text("draining")),
			},
		},
	)
}

// The error of an earlier deployment is not reported for this one.
func TestDeploymentFailsAfterAnother(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "quota of vCPUs exceeded")
	s.cluster.DeployBySomebodyElse()
	s.Clock().Advance(day)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "\x1b[31mnode group\x1b[0m not ready")
	_, err := s.apply(s.credentials(trigger("1")), object{})
	want := regexp.MustCompile(`DEPLOYMENT_ERROR\.\s+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\s+node\s+group\s+not\s+ready`)
	if err == nil || !want.MatchString(err.Error()) {
		t.Errorf("got %v, want an error that says %s", err, want)
	}
}

// The resumed rotation is the one that changed triggers ask for.
func TestDeploymentFailsAndTriggersChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	failed, err := s.apply(s.credentials(adopt(trigger("2"))), before)
	s.fails(err, rotation.SummaryDeployment, "DEPLOYMENT_ERROR")
	s.mustApply(s.credentials(adopt(trigger("3"))), failed)
	s.holds(resource.ComposeTestCheckFunc(s.resumes(2), s.warned(provider.SummaryResumeSwallowed)))
}

func TestDeploymentRunsIntoTheTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.settings = `poll_interval = "1m"`
	limit := "\n  timeouts {\n    create = \"30m\"\n    update = \"30m\"\n  }"
	var o object
	for i := 1; i <= 2; i++ {
		config := s.credentials(trigger(fmt.Sprint(i)) + limit)
		s.cluster.SetDeploymentDuration(40 * time.Minute)
		failed, err := s.apply(config, o)
		s.fails(err, rotation.SummaryTimeout, s.cluster.ID, "DEPLOYING", "30m")
		// The deployment continues, although no run waits for it.
		s.cluster.SetDeploymentDuration(5 * time.Minute)
		o = s.mustApply(config, failed)
		s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(2*i)))
		s.Clock().Advance(day)
	}
}

func TestDeploymentRunsIntoTheDefaultTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.settings = `poll_interval = "10m"`
	s.cluster.SetDeploymentDuration(5 * time.Hour)
	_, err := s.apply(s.credentials(""), object{})
	s.fails(err, rotation.SummaryTimeout, s.cluster.ID, "DEPLOYING", "4h")
}

func TestDeploymentWithInvalidCredentialsOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("INVALID_CREDENTIALS")
	s.mustApply(s.credentials(""), object{})
	s.holds(s.resumes(2))
}

// An unknown state counts as running.
func TestDeploymentInAnUnknownState(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.SetState("MAINTENANCE")
	s.Inject(simulator.Fault{
		Kind: simulator.FaultCallAfter, Match: simulator.Operation(simulator.OpListClusterStatuses), At: 10,
		Call: func(simulator.Request) { s.cluster.SetState("DEPLOYED") },
	})
	s.mustApply(s.credentials(""), object{})
	s.holds(s.resumes(1))
}

func TestDeploymentOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.DeployBySomebodyElse()
	s.mustApply(s.credentials(""), object{})
	s.holds(s.resumes(2))
	if runs := s.cluster.Deployments(); runs[1].StartedAt.Before(runs[0].EndedAt) {
		t.Error("the deployment of somebody else was not waited for")
	}
}

func TestDeploymentLeavesClustersAloneThatAreOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	off := []*simulator.Cluster{
		s.org.AddStoppedCluster("stopped", "eu-west-3", s.set), s.org.AddNewCluster("new", "eu-west-3", s.set),
	}
	s.cluster.Stop()
	after := s.mustApply(s.credentials(""), object{})
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(0)))
	for _, cluster := range off {
		if n := len(cluster.Deployments()); n > 0 {
			t.Errorf("cluster %s was deployed %d times", cluster.Name, n)
		}
	}
	s.expect(credentialsAddress, after, value(credentialsAddress, "phase", text("draining")))
}

func TestDeploymentWithoutClusters(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key := s.AddUser("spare").AddKey()
	s.set = s.org.AddCredentials("spare", key)
	s.expect(credentialsAddress, s.mustApply(s.credentials(""), object{}),
		value(credentialsAddress, "iam_user_name", text("spare")),
		value(credentialsAddress, "previous_access_key_id", text(key.ID)),
		value(credentialsAddress, "phase", text("draining")))
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
	// In one region, the new key works later than in the others.
	s.SetPropagationDelay("ap-south-1", 25*time.Second)
	s.mustApply(s.credentials(""), object{})
	for _, cluster := range clusters {
		runs := cluster.Deployments()
		if len(runs) != 1 || runs[0].AccessKeyID != s.set.AccessKeyID() || runs[0].State != "DEPLOYED" {
			t.Errorf("the deployments of cluster %s are %v, want one with %s", cluster.Name, runs, s.set.AccessKeyID())
		}
	}
	if n := len(other.Deployments()); n > 0 {
		t.Errorf("a cluster of other credentials was deployed %d times", n)
	}
	verified := map[string]bool{}
	for _, r := range s.Requests() {
		if r.Operation == "GetCallerIdentity" && r.SignedBy == s.set.AccessKeyID() && r.Status == 200 {
			verified[r.Region] = true
		}
	}
	for _, region := range regions {
		if !verified[region] {
			t.Errorf("the new key was not verified in %s", region)
		}
	}
}

// If one cluster fails, the others are still deployed. The next apply deploys only the one that failed.
func TestDeploymentOfSeveralClustersFailsForOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := s.org.AddCluster("staging", "eu-west-1", s.set)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR", "quota of vCPUs exceeded")
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	config := s.credentials(adopt(trigger("2")))
	failed, err := s.apply(config, before)
	s.fails(err, rotation.SummaryDeployment, `cluster "prod"`, "quota of vCPUs exceeded")
	s.mustApply(config, failed)
	s.holds(s.resumes(2))
	if n := len(other.Deployments()); n != 1 {
		t.Errorf("the other cluster was deployed %d times, want 1", n)
	}
}

// The next apply resumes a rotation that the user interrupted.
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
	_, err := s.apply(s.credentials(""), object{})
	s.fails(err, rotation.SummaryInterrupted, s.key.ID)
	s.holds(check(s.untouched))
	s.mustApply(s.credentials(""), object{})
	s.holds(s.resumes(1))
}
