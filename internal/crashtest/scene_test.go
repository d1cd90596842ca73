package crashtest

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// drainWindow is the provider's default, and afterDrain is certainly longer.
const (
	drainWindow = 2 * time.Hour
	afterDrain  = drainWindow + time.Minute
)

// repairLimit is the maximum time for which a repair without faults may leave a holder with a dead key.
const repairLimit = 30 * time.Second

// scene is a world with a customer, and a workspace that rotates the customer's access key.
type scene struct {
	*simulator.World
	*workspace
	organization *simulator.Organization
	user         *simulator.User
	credentials  *simulator.Credentials
	cluster      *simulator.Cluster
	charts       *simulator.Holder
	// staging is another credentials set with the same key, if there is one, and stagingCluster its cluster.
	staging        *simulator.Credentials
	stagingCluster *simulator.Cluster
	// environment, if there is one, is deployed all the time.
	environment *simulator.Environment

	// tolerated are the ends of violations that cannot be avoided.
	tolerated []string
}

// newScene returns a scene before the first apply. The user has keys with the given creation times, and Qovery holds the last
// one. Deployments are short, because every status request is another one to interrupt.
func newScene(t tb, config simulator.Config, created ...time.Time) *scene {
	t.Helper()
	config.DeploymentDuration = 20 * time.Second
	world, err := simulator.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{World: world}
	t.Cleanup(func() {
		world.Close()
		for _, violation := range s.violations() {
			t.Errorf("violation: %s", violation)
		}
	})
	s.ExpectActions(append(rotation.PolicyActions(), rotation.ActionSimulate)...)
	s.organization = s.AddOrganization("acme")
	s.user = s.AddUser("qovery")
	var key *simulator.AccessKey
	for _, at := range created {
		key = s.user.AddKeyCreated(at)
		s.Expendable(key)
	}
	s.credentials = s.organization.AddCredentials("production", key)
	s.cluster = s.organization.AddCluster("prod", "eu-west-3", s.credentials)
	s.charts = s.organization.AddHelmRepository("charts", "OCI_ECR", key)
	s.workspace = s.newWorkspace(t)
	return s
}

// newQuarter returns a scene in which the only key is 90 days old.
func newQuarter(t tb) *scene {
	t.Helper()
	clock := simulator.NewClock(time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC))
	s := newScene(t, simulator.Config{Clock: clock}, clock.Now())
	clock.Advance(90 * 24 * time.Hour)
	return s
}

// killProviders kills the providers that run in this world, like a runner that is out of memory.
func (s *scene) killProviders() {
	for _, id := range s.ProcessIDs() {
		if p, err := os.FindProcess(id); err == nil {
			_ = p.Kill()
		}
	}
}

// rotateByHand follows Qovery's documented procedure up to the deployment.
func (s *scene) rotateByHand() {
	key := s.user.AddKey()
	s.Expendable(key)
	s.handOver(key)
}

// fixByHand follows the instructions in the errors: it stores the key in Qovery's credentials in every other holder, and
// deletes other keys after the drain window.
func (s *scene) fixByHand() {
	keys := s.user.Keys()
	for _, key := range keys {
		if key.ID == s.credentials.AccessKeyID() {
			s.handOver(key)
		}
	}
	s.Clock().Advance(afterDrain)
	for _, key := range keys {
		if key.ID != s.credentials.AccessKeyID() {
			key.Delete()
		}
	}
}

// handOver stores a key in all holders in the console, and deploys the clusters.
func (s *scene) handOver(key *simulator.AccessKey) {
	for _, holder := range s.registries() {
		holder.SetKey(key)
	}
	for _, set := range s.sets() {
		set.SetKey(key)
	}
	for _, cluster := range s.clusters() {
		cluster.DeployBySomebodyElse()
	}
}

// keyIDs returns the ids of the user's keys, oldest first.
func (s *scene) keyIDs() []string {
	var ids []string
	for _, key := range s.user.Keys() {
		ids = append(ids, key.ID)
	}
	return ids
}

// addStaging adds another credentials set with a key, and a cluster in another region.
func (s *scene) addStaging(key *simulator.AccessKey) {
	s.staging = s.organization.AddCredentials("staging", key)
	s.stagingCluster = s.organization.AddCluster("staging", "us-east-1", s.staging)
}

// addEnvironment adds an environment that is deployed again whenever its deployment has ended.
func (s *scene) addEnvironment() {
	s.environment = s.organization.AddProject("shop").AddEnvironment("web", s.cluster)
}

// keepDeploying deploys the environment again and again during a run of Terraform, unless the run may be a repair. During a
// repair, a registry has no working key for a short time, and deployments fail.
func (s *scene) keepDeploying() {
	if s.environment == nil || len(s.leftBehind()) > 0 {
		return
	}
	s.Inject(simulator.Fault{Kind: simulator.FaultCallBefore, Times: -1, Call: func(simulator.Request) {
		if state := s.environment.State(); state == "READY" || state == "DEPLOYED" {
			s.environment.Deploy(7 * time.Second)
		}
	}})
}

// sets returns the credentials sets by name.
func (s *scene) sets() map[string]*simulator.Credentials {
	sets := map[string]*simulator.Credentials{"production": s.credentials}
	if s.staging != nil {
		sets["staging"] = s.staging
	}
	return sets
}

func (s *scene) clusters() []*simulator.Cluster {
	if s.staging == nil {
		return []*simulator.Cluster{s.cluster}
	}
	return []*simulator.Cluster{s.cluster, s.stagingCluster}
}

// holders returns all objects in Qovery that store an access key.
func (s *scene) holders() []*simulator.Holder {
	holders := s.registries()
	for _, set := range s.sets() {
		holders = append(holders, &set.Holder)
	}
	return holders
}

// registries returns the registries of the clusters and the helm repository.
func (s *scene) registries() []*simulator.Holder {
	registries := []*simulator.Holder{s.charts}
	for _, cluster := range s.clusters() {
		registries = append(registries, cluster.Registry())
	}
	return registries
}

// cutovers counts how often the key in Qovery's credentials was replaced.
func (s *scene) cutovers() int {
	n := -1 // because the first key is an event too
	for _, event := range s.Timeline() {
		if event.What == simulator.EventHeld && event.Detail == "production" {
			n++
		}
	}
	return n
}

// violations returns the violations that are not tolerated.
func (s *scene) violations() []string {
	return slices.DeleteFunc(s.Violations(), func(violation string) bool {
		return slices.ContainsFunc(s.tolerated, func(tolerated string) bool { return strings.HasSuffix(violation, tolerated) })
	})
}

// leftBehind returns the holders whose key is not that of the credentials.
func (s *scene) leftBehind() []*simulator.Holder {
	return slices.DeleteFunc(s.holders(), func(holder *simulator.Holder) bool {
		return holder.AccessKeyID() == s.credentials.AccessKeyID()
	})
}

// tolerateRepair tolerates that the keys of stale holders are deactivated or deleted some seconds before the holders get
// another key. A repair must do that, because a user cannot have three keys.
func (s *scene) tolerateRepair() {
	for _, holder := range s.leftBehind() {
		for _, how := range []string{"deactivated", "deleted"} {
			s.tolerated = append(s.tolerated,
				fmt.Sprintf("%s was %s while %s of organization acme holds it", holder.AccessKeyID(), how, holder.Object()["name"]))
		}
	}
}

// tolerateNextRepair is tolerateRepair after a repair that may have been interrupted, or after a leak. Holders may have the
// key of that rotation, and the next one must delete it at once.
func (s *scene) tolerateNextRepair() {
	if len(s.tolerated) > 0 || len(s.compromised) > 0 {
		s.tolerateRepair()
	}
}

// expectSettled checks that all holders and deployments have Qovery's key, that the user has the given number of keys, and
// that the state has Qovery's key.
func (s *scene) expectSettled(keys int) {
	s.t.Helper()
	current := s.credentials.AccessKeyID()
	if ids := s.keyIDs(); len(ids) != keys || ids[keys-1] != current || !s.user.Keys()[keys-1].Active() {
		s.t.Errorf("Qovery holds %s, the user has %v, want %d keys of which the last is Qovery's and Active", current, ids, keys)
	}
	for _, holder := range s.leftBehind() {
		s.t.Errorf("%s has %s, want %s", holder.Object()["name"], holder.AccessKeyID(), current)
	}
	for _, cluster := range s.clusters() {
		if deployments := cluster.Deployments(); len(deployments) > 0 {
			if last := deployments[len(deployments)-1]; last.AccessKeyID != current || last.State != "DEPLOYED" {
				s.t.Errorf("the last deployment of %s is %+v, want one with %s that is DEPLOYED", cluster.Name, last, current)
			}
		} else if s.cutovers() > 0 {
			s.t.Errorf("%s was never deployed with the new key", cluster.Name)
		}
	}
	for name := range s.sets() {
		if got := s.attribute("qoveryrotation_aws_credentials."+name, "access_key_id"); got != current {
			s.t.Errorf("the state of %s has access_key_id %s, want %s", name, got, current)
		}
	}
}

// expectShortRepair checks that since a time, no holder had a dead key for longer than repairLimit.
func (s *scene) expectShortRepair(since time.Time) {
	s.t.Helper()
	for _, dead := range s.DeadHolders() {
		if took := dead.Until.Sub(dead.From); !dead.From.Before(since) && (dead.Until.IsZero() || took > repairLimit) {
			s.t.Errorf("%s had the dead key %s for %s, want at most %s", dead.Holder.Object()["name"], dead.AccessKeyID, took, repairLimit)
		}
	}
}

// expectNoJournal checks that the user has no journal.
func (s *scene) expectNoJournal() {
	s.t.Helper()
	if tags := s.user.Tags(); len(tags) > 0 {
		s.t.Errorf("a journal is left: %v", tags)
	}
}

// counts returns the number of requests for an operation in the record.
func (s *scene) counts(operation string) int {
	return len(slices.DeleteFunc(s.Requests(), func(r simulator.Request) bool { return r.Operation != operation }))
}

// expectUntouched checks that no request in the record changed anything.
func (s *scene) expectUntouched() {
	s.t.Helper()
	if mutations := s.Mutations(); len(mutations) > 0 {
		s.t.Errorf("something was changed: %v", mutations)
	}
}

// expectDrained checks that no key was deleted before the end of its drain window, by the world's clock. After a leak, keys have no drain window.
func (s *scene) expectDrained() {
	s.t.Helper()
	if len(s.compromised) > 0 {
		return
	}
	for _, early := range s.Timeline().EarlyDeletions(drainWindow) {
		s.t.Error(early)
	}
}

// names matches what fingerprint replaces: ids, which differ between worlds, and times, which differ by seconds.
var names = regexp.MustCompile(`AKIA[A-Z0-9]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// fingerprint returns a text that is the same for two scenes with equal worlds and states, whatever their ids and times are.
func (s *scene) fingerprint() string {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, s.organization.ID, s.credentials.ID, s.cluster.ID, s.cluster.Registry().ID, s.charts.ID)
	for _, key := range s.user.Keys() {
		fmt.Fprintln(&b, key.ID, key.Active(), key.LastUsed().Service)
	}
	for _, holder := range s.holders() {
		fmt.Fprintln(&b, holder.ID, holder.AccessKeyID())
	}
	fmt.Fprintln(&b, s.cluster.State())
	for _, deployment := range s.cluster.Deployments() {
		fmt.Fprintln(&b, deployment.AccessKeyID, deployment.State)
	}
	fmt.Fprintln(&b, s.user.Tags())
	instances := s.instances()
	for _, name := range slices.Sorted(maps.Keys(instances)) {
		i := instances[name]
		fmt.Fprintf(&b, "%s %s %s %s\n", name, i.Status, i.Attributes, i.private(s.t))
	}
	known := map[string]string{}
	return names.ReplaceAllStringFunc(b.String(), func(name string) string {
		if strings.HasSuffix(name, "Z") {
			return "time"
		}
		if known[name] == "" {
			known[name] = fmt.Sprintf("id%d", len(known))
		}
		return known[name]
	})
}
