package provider_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// ledger counts the requests of each Terraform command, by the name of the test step.
type ledger struct {
	*stage
	doing, begun string
	counts       map[string][]map[string]int
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{stage: newStage(t), counts: map[string][]map[string]int{}}
	l.starts = l.begin
	return l
}

// begin ends the count of the command before.
func (l *ledger) begin() {
	l.close()
	l.ResetRequests()
	l.begun = l.doing
}

// close records the requests of the last command, if there were any.
func (l *ledger) close() {
	count := map[string]int{}
	for _, request := range l.Requests() {
		count[request.Operation]++
	}
	if len(count) > 0 {
		l.counts[l.begun] = append(l.counts[l.begun], count)
	}
}

// step gives a step of the test a name.
func (l *ledger) step(name string, step resource.TestStep) resource.TestStep {
	prepare := step.PreConfig
	step.PreConfig = func() {
		l.doing = name
		if prepare != nil {
			prepare()
		}
	}
	return step
}

// fleet returns a configuration with both resources for each credentials set.
func (s *stage) fleet(sets []*simulator.Credentials, arguments string) string {
	var b strings.Builder
	b.WriteString(s.providerBlock())
	for i, set := range sets {
		fmt.Fprintf(&b, `
resource "qoveryrotation_aws_credentials" "n%[1]d" {
  organization_id = %[2]q
  credentials_id  = %[3]q
  %[4]s
}

resource "qoveryrotation_aws_access_key_cleanup" "n%[1]d" {
  organization_id = qoveryrotation_aws_credentials.n%[1]d.organization_id
  credentials_id  = qoveryrotation_aws_credentials.n%[1]d.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.n%[1]d.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.n%[1]d.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.n%[1]d.drain_ends_at
}
`, i, s.org.ID, set.ID, arguments)
	}
	return b.String()
}

// addSets adds credentials sets with their own users until the organization has n, and returns them all.
func (s *stage) addSets(n int) []*simulator.Credentials {
	sets := []*simulator.Credentials{s.set}
	for i := len(sets); i < n; i++ {
		name := fmt.Sprintf("qovery-%d", i)
		sets = append(sets, s.org.AddCredentials(name, s.AddUser(name).AddKey()))
	}
	return sets
}

// A plan without work sends three requests to Qovery per organization, one to STS, and one to IAM per user. Neither the number
// of resources nor their state changes that.
func TestRequestsOfPlanWithoutWork(t *testing.T) {
	t.Parallel()
	const idle, draining, deleted = "idle", "draining", "deleted"
	for n, run := range map[int]func(*stage, ...resource.TestStep){1: (*stage).run, 3: (*stage).runTerraform} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			sets := l.addSets(n)
			adopted, rotated := l.fleet(sets, adopt(trigger("1"))), l.fleet(sets, adopt(trigger("2")))
			later := func() { l.Clock().Advance(3 * time.Hour) }
			run(
				l.stage,
				l.step("", resource.TestStep{Config: adopted}),
				l.step(idle, resource.TestStep{Config: adopted, PlanOnly: true}),
				l.step("", resource.TestStep{Config: rotated}),
				l.step(draining, resource.TestStep{Config: rotated, PlanOnly: true}),
				l.step("", resource.TestStep{Config: rotated, PreConfig: later}),
				l.step(deleted, resource.TestStep{Config: rotated, PlanOnly: true}),
				// The destruction after the last step counts for this one.
				l.step("", resource.TestStep{Config: rotated}),
			)
			want := map[string]int{
				simulator.OpListCredentials:      1,
				simulator.OpListRegistries:       1,
				simulator.OpListHelmRepositories: 1,
				"GetCallerIdentity":              1,
				"ListAccessKeys":                 n,
			}
			for _, name := range []string{idle, draining, deleted} {
				if len(l.counts[name]) == 0 {
					t.Errorf("%s: nothing was asked", name)
				}
				for _, got := range l.counts[name] {
					if !maps.Equal(got, want) {
						t.Errorf("%s: asked %v, want %v", name, got, want)
					}
				}
			}
		})
	}
}

// The statuses of clusters that deploy under several rotations are read once per poll interval, also while rotations begin and
// end. Terraform runs ten at a time.
func TestRequestsWhileClustersDeploy(t *testing.T) {
	t.Parallel()
	const rotations, clustersEach, interval = 12, 2, 5 * time.Second
	s := newStage(t)
	sets := s.addSets(rotations)
	clusters := []*simulator.Cluster{s.cluster}
	for i, set := range sets {
		for j := range clustersEach {
			cluster := s.org.AddCluster(fmt.Sprintf("cluster-%d-%d", i, j), "eu-west-3", set)
			cluster.SetDeploymentDuration(time.Duration(1+i) * time.Minute)
			clusters = append(clusters, cluster)
		}
	}
	s.runTerraform(
		resource.TestStep{Config: s.fleet(sets, adopt(trigger("1")))},
		resource.TestStep{PreConfig: s.ResetRequests, Config: s.fleet(sets, adopt(trigger("2")))},
	)
	for _, cluster := range clusters {
		if n := len(cluster.Deployments()); n != 1 {
			t.Errorf("%s was deployed %d times, want once", cluster.Name, n)
		}
	}
	var polls []time.Time
	deploying := false
	for _, request := range s.Requests() {
		deploying = deploying || request.Operation == simulator.OpDeployCluster
		if deploying && request.Operation == simulator.OpListClusterStatuses {
			polls = append(polls, request.Time)
		}
	}
	if len(polls) == 0 {
		t.Error("no statuses were read while clusters deployed")
	}
	// The simulated clock may move while a request is on its way, so one poll can come late and close to the next one.
	for i, first := range polls {
		for j, poll := range polls[i:] {
			if span := poll.Sub(first); span < time.Duration(j-1)*interval {
				t.Fatalf("statuses were read %d times within %s, want once per %s", j+1, span, interval)
			}
		}
	}
}
